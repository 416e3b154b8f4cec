package command

import (
	"bytes"
	"errors"
	"strings"
	"syscall"

	"diskette/expire"
	"diskette/store"
	"diskette/store/journal"
)

// Every error text a client can see that more than one command uses, Redis 7.2's words: clients match on them.
var (
	ErrSyntax     = ErrorReply("ERR syntax error")
	errWrongType  = ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value")
	ErrNotInteger = ErrorReply("ERR value is not an integer or out of range")
	errNotFloat   = ErrorReply("ERR value is not a valid float")
	ErrNoSuchKey  = ErrorReply("ERR no such key")
	ErrDBIndex    = ErrorReply("ERR DB index is out of range")
	errOverflow   = ErrorReply("ERR increment or decrement would overflow")
	errNaN        = ErrorReply("ERR increment would produce NaN or Infinity")
	ErrTooLong    = ErrorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	errOffset     = ErrorReply("ERR offset is out of range")
	errSameObject = ErrorReply("ERR source and destination objects are the same")
	ErrNegative   = ErrorReply("ERR value is out of range, must be positive")
	errOutOfRange = ErrorReply("ERR value is out of range")
	ErrInt32Range = ErrorReply("ERR value is out of range, value must between -2147483648 and 2147483647")
	errInt64Range = ErrorReply("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	// errRandomLength is none of Redis's errors: Redis goes on until memory ends.
	errRandomLength  = ErrorReply("ERR value is out of range, the reply would be too long")
	errNumkeys       = ErrorReply("ERR numkeys should be greater than 0")
	errCountZero     = ErrorReply("ERR COUNT must be > 0")
	errPopCount      = ErrorReply("ERR count should be greater than 0")
	ErrTimeout       = ErrorReply("ERR timeout is not an integer or out of range")
	ErrTimeoutBelow  = ErrorReply("ERR timeout is negative")
	ErrTimeoutRange  = ErrorReply("ERR timeout is out of range")
	errBitOffset     = ErrorReply("ERR bit offset is not an integer or out of range")
	errInvalidCursor = ErrorReply("ERR invalid cursor")

	// What is asked for can not be read from the database file. Redis has all of it in memory and no such words.
	errDamaged     = ErrorReply("ERR the data on disk is damaged: what this command needs can not be read. The server's log and INFO persistence say more; restore the data directory from a copy, or restart with --set-aside-damaged salvage")
	ErrPingDamaged = ErrorReply("MISCONF The data on disk is damaged or the disk fails, and ping-fails-when-damaged is set: INFO persistence and the server's log say more")
	errDiskFailed  = ErrorReply("ERR the disk could not be read just now: what this command needs is not in memory. Try again; the server's log and INFO persistence say more")

	ErrOOM                 = ErrorReply("OOM command not allowed when used memory > 'maxmemory'.")
	ErrLoading             = ErrorReply("LOADING Redis is loading the dataset in memory")
	ErrNoAuth              = ErrorReply("NOAUTH Authentication required.")
	ErrWrongPass           = ErrorReply("WRONGPASS invalid username-password pair or user is disabled.")
	ErrNoProto             = ErrorReply("NOPROTO unsupported protocol version")
	ErrExecAbort           = ErrorReply("EXECABORT Transaction discarded because of previous errors.")
	ErrNestedMulti         = ErrorReply("ERR MULTI calls can not be nested")
	ErrWatchInMulti        = ErrorReply("ERR WATCH inside MULTI is not allowed")
	ErrExecWithoutMulti    = ErrorReply("ERR EXEC without MULTI")
	ErrDiscardWithoutMulti = ErrorReply("ERR DISCARD without MULTI")
	ErrNotInMulti          = ErrorReply("ERR Command not allowed inside a transaction")
)

// ErrorReply is an error with its text, whose first word is its code.
func ErrorReply(text string) Reply { return Reply{Kind: KindError, S: text} }

// ErrArity names the command as the client will find it in the documentation.
func ErrArity(r *Row) Reply {
	return ErrorReply("ERR wrong number of arguments for '" + r.Full + "' command")
}

// ErrExecRefused is the reply to an EXEC that can not run.
func ErrExecRefused(refusal Reply) Reply {
	return ErrorReply("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(refusal.S, "ERR "))
}

// ErrUnknown quotes up to 128 bytes of the name and of the arguments.
func ErrUnknown(args [][]byte) Reply {
	var quoted strings.Builder
	for _, a := range args[1:] {
		if quoted.Len() >= 128 {
			break
		}
		quoted.WriteString("'" + UpToNUL(a, 128-quoted.Len()) + "' ")
	}
	return ErrorReply(OneLine("ERR unknown command '" + UpToNUL(args[0], 128) + "', with args beginning with: " + quoted.String()))
}

// UpToNUL is at most n bytes of b and none from a zero byte on, as C prints strings.
func UpToNUL(b []byte, n int) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b[:min(len(b), n)])
}

// ErrUnknownSub says that a command has no such subcommand. The command is as the client has called it.
func ErrUnknownSub(args [][]byte) Reply {
	return ErrorReply(OneLine("ERR unknown subcommand '" + UpToNUL(args[1], 128) + "'. Try " +
		strings.ToUpper(string(args[0])) + " HELP."))
}

// ErrSubcommandSyntax is Redis's addReplySubcommandSyntaxError.
func ErrSubcommandSyntax(c *Call) Reply {
	return ErrorReply(OneLine("ERR unknown subcommand or wrong number of arguments for '" + UpToNUL(c.Args[1], 128) +
		"'. Try " + strings.ToUpper(string(c.Args[0])) + " HELP."))
}

func errInvalidExpire(c *Call) Reply {
	return ErrorReply("ERR invalid expire time in '" + c.Row.Full + "' command")
}

// ErrNotStored is the reply to a command whose change could not be stored, or that is refused
// because nothing can be stored at present (I8).
func ErrNotStored(err error) Reply {
	return ErrorReply(OneLine("MISCONF Diskette can not write to disk: " + whyNotStored(err)))
}

// whyNotStored is one sentence for a client: what failed, and what to do. The file and the
// figures are in the server's log.
func whyNotStored(err error) string {
	reason := err.Error()
	if errors.Is(err, store.ErrPanic) {
		reason = store.ErrPanic.Error()
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		reason = errno.Error()
	}
	switch {
	case store.IsDiskFull(err):
		return "the disk is full. Free some space or delete keys; writes are accepted again by themselves."
	case errors.Is(err, store.ErrDamaged):
		return "the database is damaged where this is to be written. Restart with --set-aside-damaged salvage, which goes on with all that can be read."
	case errors.Is(err, journal.ErrSync):
		return "an fsync of the journal failed (" + reason + "). Look after the disk; writes are accepted again once the database has what the fsync was for."
	case errors.Is(err, journal.ErrFailed):
		return "the journal can not be written (" + reason + "). Look after the disk and the server's log; writes are accepted again by themselves."
	}
	return "write-back fails (" + reason + "). Look after the disk and the server's log; writes are accepted again by themselves."
}

// Failure turns an error of the store into a reply.
func Failure(err error) Reply {
	switch {
	case errors.Is(err, store.ErrWrongType):
		return errWrongType
	case errors.Is(err, expire.ErrInvalid):
		return ErrorReply("ERR invalid expire time")
	case errors.Is(err, store.ErrDamaged):
		return errDamaged
	case errors.Is(err, store.ErrDiskFailed):
		return errDiskFailed
	case errors.Is(err, store.ErrPanic):
		return ErrInternal
	}
	return ErrorReply(OneLine("ERR " + err.Error()))
}

// UnreadReply is the reply to a command that panicked because it came upon a key which can not
// be read from disk (the store has logged that), and none if it panicked for another reason.
func UnreadReply(p any) Reply {
	if err, ok := p.(error); ok && (errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrDiskFailed)) {
		return Failure(err)
	}
	return ReplyNone
}

// ErrInternal is what a client hears of a defect.
var ErrInternal = ErrorReply("ERR internal error: the server's log says more")

// OneLine keeps a client's bytes from breaking the protocol's framing. Other bytes stay, UTF-8 or not.
func OneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

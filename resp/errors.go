package resp

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
	errSyntax        = errorReply("ERR syntax error")
	errWrongType     = errorReply("WRONGTYPE Operation against a key holding the wrong kind of value")
	errNotInteger    = errorReply("ERR value is not an integer or out of range")
	errNotFloat      = errorReply("ERR value is not a valid float")
	errNoSuchKey     = errorReply("ERR no such key")
	errDBIndex       = errorReply("ERR DB index is out of range")
	errOverflow      = errorReply("ERR increment or decrement would overflow")
	errNaN           = errorReply("ERR increment would produce NaN or Infinity")
	errTooLong       = errorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	errOffset        = errorReply("ERR offset is out of range")
	errSameObject    = errorReply("ERR source and destination objects are the same")
	errNegative      = errorReply("ERR value is out of range, must be positive")
	errOutOfRange    = errorReply("ERR value is out of range")
	errInt32Range    = errorReply("ERR value is out of range, value must between -2147483648 and 2147483647")
	errInt64Range    = errorReply("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	errRandomLength  = errorReply("ERR value is out of range, the reply would be too long") // not Redis's: it goes on until memory ends
	errNumkeys       = errorReply("ERR numkeys should be greater than 0")
	errCountZero     = errorReply("ERR COUNT must be > 0")
	errPopCount      = errorReply("ERR count should be greater than 0")
	errTimeout       = errorReply("ERR timeout is not an integer or out of range")
	errTimeoutBelow  = errorReply("ERR timeout is negative")
	errTimeoutRange  = errorReply("ERR timeout is out of range")
	errBitOffset     = errorReply("ERR bit offset is not an integer or out of range")
	errInvalidCursor = errorReply("ERR invalid cursor")

	// What is asked for can not be read from the database file. Redis has all of it in memory and no such words.
	errDamaged     = errorReply("ERR the data on disk is damaged: what this command needs can not be read. The server's log and INFO persistence say more; restore the data directory from a copy, or restart with --set-aside-damaged salvage")
	errPingDamaged = errorReply("MISCONF The data on disk is damaged or the disk fails, and ping-fails-when-damaged is set: INFO persistence and the server's log say more")
	errDiskFailed  = errorReply("ERR the disk could not be read just now: what this command needs is not in memory. Try again; the server's log and INFO persistence say more")

	errLoading             = errorReply("LOADING Redis is loading the dataset in memory")
	errNoAuth              = errorReply("NOAUTH Authentication required.")
	errWrongPass           = errorReply("WRONGPASS invalid username-password pair or user is disabled.")
	errNoProto             = errorReply("NOPROTO unsupported protocol version")
	errExecAbort           = errorReply("EXECABORT Transaction discarded because of previous errors.")
	errNestedMulti         = errorReply("ERR MULTI calls can not be nested")
	errWatchInMulti        = errorReply("ERR WATCH inside MULTI is not allowed")
	errExecWithoutMulti    = errorReply("ERR EXEC without MULTI")
	errDiscardWithoutMulti = errorReply("ERR DISCARD without MULTI")
	errNotInMulti          = errorReply("ERR Command not allowed inside a transaction")
)

func errorReply(text string) Reply { return Reply{kind: kindError, s: text} }

// errArity names the command as the client will find it in the documentation.
func errArity(r *row) Reply {
	return errorReply("ERR wrong number of arguments for '" + r.full + "' command")
}

// errExecRefused is the reply to an EXEC that can not run.
func errExecRefused(refusal Reply) Reply {
	return errorReply("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(refusal.s, "ERR "))
}

// errUnknown quotes up to 128 bytes of the name and of the arguments.
func errUnknown(args [][]byte) Reply {
	var quoted strings.Builder
	for _, a := range args[1:] {
		if quoted.Len() >= 128 {
			break
		}
		quoted.WriteString("'" + upToNUL(a, 128-quoted.Len()) + "' ")
	}
	return errorReply(oneLine("ERR unknown command '" + upToNUL(args[0], 128) + "', with args beginning with: " + quoted.String()))
}

// upToNUL is at most n bytes of b and none from a zero byte on, as C prints strings.
func upToNUL(b []byte, n int) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b[:min(len(b), n)])
}

func errUnknownSub(r *row, sub []byte) Reply {
	return errorReply(oneLine("ERR unknown subcommand '" + upToNUL(sub, 128) + "'. Try " + strings.ToUpper(r.name) + " HELP."))
}

// errSubcommandSyntax is Redis's addReplySubcommandSyntaxError.
func errSubcommandSyntax(c *call) Reply {
	name, _, _ := strings.Cut(c.row.full, "|")
	return errorReply(oneLine("ERR unknown subcommand or wrong number of arguments for '" + upToNUL(c.args[1], 128) + "'. Try " + strings.ToUpper(name) + " HELP."))
}

func errInvalidExpire(c *call) Reply {
	return errorReply("ERR invalid expire time in '" + c.row.full + "' command")
}

// errNotStored is the reply to a command whose change could not be stored, or that is refused
// because nothing can be stored at present (I8).
func errNotStored(err error) Reply {
	return errorReply(oneLine("MISCONF Diskette can not write to disk: " + whyNotStored(err)))
}

// whyNotStored is one sentence for a client: what failed, and what to do. The file and the figures are in the server's log.
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

// failure turns an error of the store into a reply.
func failure(err error) Reply {
	switch {
	case errors.Is(err, store.ErrWrongType):
		return errWrongType
	case errors.Is(err, expire.ErrInvalid):
		return errorReply("ERR invalid expire time")
	case errors.Is(err, store.ErrDamaged):
		return errDamaged
	case errors.Is(err, store.ErrDiskFailed):
		return errDiskFailed
	case errors.Is(err, store.ErrPanic):
		return errInternal
	}
	return errorReply(oneLine("ERR " + err.Error()))
}

// unreadReply is the reply to a command that panicked because it came upon a key which can not be read from disk (the store has
// logged that), and none if it panicked for another reason.
func unreadReply(p any) Reply {
	if err, ok := p.(error); ok && (errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrDiskFailed)) {
		return failure(err)
	}
	return replyNone
}

// errInternal is what a client hears of a defect.
var errInternal = errorReply("ERR internal error: the server's log says more")

// oneLine keeps a client's bytes from breaking the protocol's framing. Other bytes stay, UTF-8 or not.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

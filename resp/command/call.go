package command

import (
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// A Call is one command with its arguments. The arguments belong to the connection's buffer and
// are valid until the command's function returns; those of 64 KiB or more are the function's to keep.
type Call struct {
	*Caller
	Row    *Row
	Args   [][]byte      // args[0] is the command's name
	Now    int64         // unix ms, the clock reading of this command (I10)
	Locked bool          // inside MULTI or a script: a Conn function finds the keyspace locked, and nothing may block
	Script bool          // inside a script, which is locked too
	Block  *BlockRequest // why a blocking command has to wait
	Resume any           // its BlockRequest's, or what OffLock gave, when it runs again

	// Set by a function that may: work that is too long for the lock and is done without it. It may use values from
	// store.LendString alone.
	OffLock func() any   // the function, which has changed nothing yet, runs again and finds what this gives in Resume
	Finish  func() Reply // gives the reply, to what the function has seen

	Passage  *store.Passage // what the reply consists of, if it is KindPassage
	Elements *Elements      // and if it is KindElements: only where MayLeaveLock, or without the lock

	// The function may set OffLock, Finish or Passage: not in MULTI, a script or for a queued client, nor twice.
	MayLeaveLock bool
	MayLoad      bool // the function may answer ReplyLoad
	Again        bool // the function has answered ReplyLoad, and runs once more from its beginning
}

// Is reports whether argument i is the given option word, in any case.
func (c *Call) Is(i int, word string) bool {
	return i < len(c.Args) && len(c.Args[i]) == len(word) && strings.EqualFold(words.ViewString(c.Args[i]), word)
}

// Int reads argument i as Redis reads integers: decimal, no leading zeros or plus, 64 bits.
func (c *Call) Int(i int) (int64, bool) { return numbers.ParseInt(c.Args[i]) }

// Str is argument i, copied.
func (c *Call) Str(i int) string { return string(c.Args[i]) }

// Name is the full name of the command, "" if there is none.
func (c *Call) Name() string {
	if c.Row == nil {
		return ""
	}
	return c.Row.Full
}

// hasPassed reports whether a deadline that a command sets is one that has passed. While a file is replayed none has.
func (c *Call) hasPassed(deadline int64) bool { return deadline <= c.Now && !c.Replaying }

package resp

import (
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
)

// A call is one command with its arguments. The arguments belong to the connection's buffer and
// are valid until the handler returns; those of 64 KiB or more are the handler's to keep.
type call struct {
	*caller
	row    *row
	args   [][]byte      // args[0] is the command's name
	now    int64         // unix ms, the clock reading of this command (I10)
	locked bool          // inside MULTI or a script: a Conn function finds the keyspace lock held, and nothing may block
	script bool          // inside a script, which is locked too
	block  *blockRequest // why a blocking command has to wait
	resume any           // its blockRequest's, or what apart gave, when it runs again

	// Set by a handler that may: work that is too long for the lock and is done without it. It may use values from
	// store.LendString alone.
	apart  func() any   // the handler, which has changed nothing yet, runs again and finds what this gives in resume
	finish func() Reply // gives the reply, to what the handler has seen

	mayPart bool // the handler may set apart or finish: not in MULTI, a script or for a client in line, nor a second time
	mayLoad bool // it may answer replyLoad
	again   bool // it has, and runs once more from its beginning
}

// is reports whether argument i is the given option word, in any case.
func (c *call) is(i int, word string) bool {
	return i < len(c.args) && len(c.args[i]) == len(word) && strings.EqualFold(words.ViewString(c.args[i]), word)
}

// int reads argument i as Redis reads integers: decimal, no leading zeros or plus, 64 bits.
func (c *call) int(i int) (int64, bool) { return numbers.ParseInt(c.args[i]) }

func (c *call) str(i int) string { return string(c.args[i]) }

func (c *call) name() string {
	if c.row == nil {
		return ""
	}
	return c.row.full
}

// hasPassed reports whether a deadline that a command sets is one that has passed. While a file is replayed none has.
func (c *call) hasPassed(deadline int64) bool { return deadline <= c.now && !c.replaying }

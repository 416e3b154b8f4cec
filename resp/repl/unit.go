package repl

import "strconv"

// Unit gathers the commands of one unit of execution: a client's command with all that it causes, an EXEC or a
// script. Several commands go between MULTI and EXEC, so that a replica has all or none. It is the caller's to lock.
type Unit struct {
	stream   *Stream
	text     []byte // the commands gathered, encoded
	commands int
	selected int // the database that the stream's last SELECT names; -1 = none is known to a reader
}

// NewUnit makes the stream's; it has one.
func NewUnit(s *Stream) *Unit { return &Unit{stream: s, selected: -1} }

// keptBytes is how large a unit's buffer may be to be kept for the next.
const keptBytes = 1 << 20

var (
	multi = []byte("*1\r\n$5\r\nMULTI\r\n")
	exec  = []byte("*1\r\n$4\r\nEXEC\r\n")
)

// Add gathers a command on a database.
func (u *Unit) Add(db int, args ...[]byte) {
	if db != u.selected {
		number := strconv.AppendInt(nil, int64(db), 10)
		u.text = appendCommand(u.text, []byte("SELECT"), number)
		u.selected = db
	}
	u.text = appendCommand(u.text, args...)
	u.commands++
}

// Empty reports whether nothing has been gathered.
func (u *Unit) Empty() bool { return u.commands == 0 }

// End gives what was gathered to the stream, and reports whether there was something. separate = the commands have
// nothing to do with each other.
func (u *Unit) End(separate bool) (sent bool) {
	switch {
	case u.commands == 0:
		return false
	case u.commands == 1 || separate:
		u.stream.Feed(u.text)
	default:
		u.stream.Feed(multi, u.text, exec)
	}
	u.text, u.commands = u.text[:0], 0
	if cap(u.text) > keptBytes {
		u.text = nil
	}
	return true
}

// Drop forgets what was gathered, which nobody can be told of.
func (u *Unit) Drop() { u.text, u.commands, u.selected = u.text[:0], 0, -1 }

// SelectAgain makes the next command bring a SELECT: a reader has come who knows of none. Nothing is gathered.
func (u *Unit) SelectAgain() { u.selected = -1 }

func appendCommand(text []byte, args ...[]byte) []byte {
	text = append(text, '*')
	text = strconv.AppendInt(text, int64(len(args)), 10)
	text = append(text, '\r', '\n')
	for _, a := range args {
		text = append(text, '$')
		text = strconv.AppendInt(text, int64(len(a)), 10)
		text = append(text, '\r', '\n')
		text = append(text, a...)
		text = append(text, '\r', '\n')
	}
	return text
}

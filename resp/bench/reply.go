package bench

import (
	"bytes"
	"fmt"
	"strconv"

	"diskette/resp/cli/target"
)

// longestLine bounds what is kept of a line whose end has not come.
const longestLine = 1 << 20 // bytes

// An outcome is what the bytes up to a place amount to.
type outcome int

const (
	unfinished outcome = iota
	answered           // a reply is complete
	refused            // an error reply is complete; the scanner's text is what it says
	pushed             // a message that is no reply is complete
)

// A scanner counts the replies of RESP2 and RESP3 in a stream without keeping them: it passes over values, and knows
// how many are still to come.
type scanner struct {
	values int64  // to come of the reply under way; 0 = none is under way
	skip   int64  // bytes to come of the string under way, its line's end included
	line   []byte // the beginning of a line whose end has not come
	kind   outcome
	text   string
}

// next looks at the data up to the end of a reply, and says how much of it that is.
func (s *scanner) next(data []byte) (n int, _ outcome, _ error) {
	for n < len(data) {
		if s.skip > 0 {
			step := min(s.skip, int64(len(data)-n))
			n, s.skip = n+int(step), s.skip-step
			if s.skip > 0 {
				return n, unfinished, nil
			}
			s.values--
		} else {
			end := bytes.IndexByte(data[n:], '\n')
			if end < 0 {
				s.line = append(s.line, data[n:]...)
				if len(s.line) > longestLine {
					return n, unfinished, target.Said(fmt.Sprintf("Error: Protocol error, a line of more than %d bytes", longestLine))
				}
				return len(data), unfinished, nil
			}
			line := data[n : n+end]
			if len(s.line) > 0 {
				s.line = append(s.line, line...)
				line, s.line = s.line, s.line[:0]
			}
			n += end + 1
			if err := s.read(bytes.TrimSuffix(line, []byte("\r"))); err != nil {
				return n, unfinished, err
			}
		}
		if s.values == 0 && s.skip == 0 {
			return n, s.kind, nil
		}
	}
	return n, unfinished, nil
}

// read takes a line, which begins a value, and often is all of it.
func (s *scanner) read(line []byte) error {
	if len(line) == 0 {
		return target.Said("Error: Protocol error, got an empty line as reply")
	}
	first := s.values == 0
	if first {
		s.values, s.kind = 1, answered
	}
	switch line[0] {
	case '+', ':', '_', ',', '#', '(':
		s.values--
		return nil
	case '-':
		s.values--
		if first {
			s.kind, s.text = refused, string(line[1:])
		}
		return nil
	}
	if bytes.IndexByte([]byte("$=!*~>%|"), line[0]) < 0 {
		return target.Said(fmt.Sprintf("Error: Protocol error, got %q as reply type byte", line[:1]))
	}
	count, err := strconv.ParseInt(string(line[1:]), 10, 32)
	if err != nil || count < -1 {
		return target.Said(fmt.Sprintf("Error: Protocol error, got %q as reply", line[:min(len(line), 64)]))
	}
	switch line[0] {
	case '$', '=', '!':
		if count < 0 {
			s.values--
			return nil
		}
		s.skip = count + 2
		if first && line[0] == '!' {
			s.kind, s.text = refused, fmt.Sprintf("an error of %d bytes", count)
		}
	case '*', '~':
		s.values += max(count, 0) - 1
	case '>':
		s.values += max(count, 0) - 1
		if first {
			s.kind = pushed
		}
	case '%':
		s.values += 2*max(count, 0) - 1
	case '|': // what it tells stands before the value itself
		s.values += 2 * max(count, 0)
	}
	return nil
}

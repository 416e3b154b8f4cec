package words

import (
	"fmt"
	"strings"
)

// Split splits a line as redis.conf does, which is how inline commands are split.
// ok = false: the quotes do not balance.
func Split(line string) (words []string, ok bool) {
	buffer := []byte(line) // SplitInPlace decodes in place
	spans, ok := SplitInPlace(buffer, nil)
	if !ok {
		return nil, false
	}
	for _, s := range spans {
		words = append(words, string(buffer[s.From:s.To]))
	}
	return words, true
}

// ReadsAsItself says that Split gives a word back as it stands.
func ReadsAsItself(word string) bool {
	read, ok := Split(word)
	return ok && len(read) == 1 && read[0] == word
}

// Quote is a word in double quotes that Split reads back.
func Quote(word string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for i := range len(word) {
		switch b := word[i]; {
		case b == '"' || b == '\\':
			quoted.WriteByte('\\')
			quoted.WriteByte(b)
		case b < ' ' || b > '~':
			fmt.Fprintf(&quoted, "\\x%02x", b)
		default:
			quoted.WriteByte(b)
		}
	}
	quoted.WriteByte('"')
	return quoted.String()
}

// IsSpace is C's isspace.
func IsSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// Span is where a word lies: from and to count from the first byte of its line or command.
type Span struct{ From, To int }

// TrimLine is a line of a conf file without blanks at its ends.
func TrimLine(line string) string { return strings.Trim(line, " \t\r\n") }

package compat_test

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// The kinds of a value: RESP's own type bytes, and three that RESP has no byte for.
const (
	kindSimple   = '+'
	kindError    = '-'
	kindInteger  = ':'
	kindBulk     = '$'
	kindArray    = '*'
	kindNull     = '_'
	kindDouble   = ','
	kindBoolean  = '#'
	kindBig      = '('
	kindVerbatim = '='
	kindMap      = '%'
	kindSet      = '~'
	kindPush     = '>'

	kindClosed  = 'C' // the server hung up
	kindSilence = 'S' // no reply came in time
	kindRaw     = 'R' // bytes as they came, not decoded
)

// value is one reply as it came over the wire.
type value struct {
	kind   byte
	null   bool    // $-1 or *-1
	text   string  // a scalar's text; a verbatim string's starts with its format, "txt:"
	elems  []value // an aggregate's elements; a map's keys and values in turn
	closed bool    // kindRaw: the server hung up after these bytes
}

func (v value) IsNil() bool   { return v.null || v.kind == kindNull }
func (v value) IsError() bool { return v.kind == kindError }

// Text is the string of a simple, bulk or error reply, without a verbatim string's format.
func (v value) Text() string {
	if v.kind == kindVerbatim && len(v.text) >= 4 {
		return v.text[4:]
	}
	return v.text
}

// Int is an integer reply, or one sent as a string; anything else panics, and so ends the test.
func (v value) Int() int64 {
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		panic("not an integer: " + v.String())
	}
	return n
}

// String is the value in the notation of the scripts.
func (v value) String() string { return strings.Join(v.lines(2), "\n") }

var aggregates = []struct {
	kind byte
	name string // as in (empty array)
	mark string // as in "1) "
}{
	{kindArray, "array", ")"},
	{kindMap, "map", "#"},
	{kindSet, "set", "~"},
	{kindPush, "push", ">"},
}

func (v value) isAggregate() bool {
	return !v.null && strings.IndexByte("*%~>", v.kind) >= 0
}

// lines is the notation of v as it came on a connection that speaks protocol
// 2 or 3: the null of the other protocol is spelt out, so that it never passes for the right one.
func (v value) lines(protocol int) []string {
	if v.isAggregate() {
		return v.aggregateLines(protocol)
	}
	if v.kind == kindRaw {
		return v.rawLines()
	}
	return []string{v.scalar(protocol)}
}

func (v value) scalar(protocol int) string {
	switch {
	case v.null && protocol == 3:
		return "(RESP2 null " + string(v.kind) + "-1)"
	case v.null && v.kind == kindArray:
		return "(nil array)"
	case v.null:
		return "(nil)"
	case v.kind == kindNull && protocol == 2:
		return "(RESP3 null)"
	}
	switch v.kind {
	case kindNull:
		return "(nil)"
	case kindBulk:
		return quote(v.text)
	case kindVerbatim:
		if len(v.text) < 4 || v.text[3] != ':' {
			return "(verbatim string without a format) " + quote(v.text)
		}
		return "=" + v.text[:3] + " " + quote(v.text[4:])
	case kindBoolean:
		return map[string]string{"t": "(true)", "f": "(false)"}[v.text]
	case kindBig:
		return "(big) " + v.text
	case kindClosed:
		return "(closed)"
	case kindSilence:
		return "(no reply)"
	}
	// A simple string, error, integer or double; quoted if it would not survive in a line of text.
	if quoted := quote(v.text); quoted != `"`+v.text+`"` && strings.Contains(quoted, `\x`) || strings.HasSuffix(v.text, " ") {
		return string(v.kind) + quoted
	}
	return string(v.kind) + v.text
}

func (v value) aggregateLines(protocol int) []string {
	var mark string
	for _, a := range aggregates {
		if a.kind == v.kind {
			if len(v.elems) == 0 {
				return []string{"(empty " + a.name + ")"}
			}
			mark = a.mark
		}
	}
	var lines []string
	step := 1
	if v.kind == kindMap {
		step = 2
	}
	for i := 0; i+step <= len(v.elems); i += step {
		head := fmt.Sprintf("%d%s ", i/step+1, mark)
		if step == 2 {
			head += v.elems[i].scalar(protocol) + " => "
		}
		for j, line := range v.elems[i+step-1].lines(protocol) {
			if j > 0 {
				head = strings.Repeat(" ", len(head))
			}
			lines = append(lines, head+line)
		}
	}
	return lines
}

// rawLines shows bytes as one quoted string for each line of the protocol.
func (v value) rawLines() []string {
	var lines []string
	for _, line := range strings.SplitAfter(v.text, "\r\n") {
		if line != "" {
			lines = append(lines, quote(line))
		}
	}
	if v.closed {
		lines = append(lines, "(closed)")
	}
	if len(lines) == 0 {
		return []string{"(no reply)"}
	}
	return lines
}

// sorted is v with its elements, or pairs of elements, in order: for the
// replies whose order means nothing.
func (v value) sorted(pairs bool) value {
	step := 1
	if pairs {
		step = 2
	}
	var groups [][]value
	for i := 0; i+step <= len(v.elems); i += step {
		groups = append(groups, v.elems[i:i+step])
	}
	sort.SliceStable(groups, func(i, j int) bool {
		return groups[i][0].String() < groups[j][0].String()
	})
	elems := make([]value, 0, len(v.elems))
	for _, g := range groups {
		elems = append(elems, g...)
	}
	v.elems = elems
	return v
}

// quote writes s in the scripts' notation, which is redis-cli's: printable
// ASCII as it is, all else escaped.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// readValue decodes one RESP2 or RESP3 reply. It is strict: what a client
// library might forgive is an error here.
func readValue(r *bufio.Reader) (value, error) {
	line, err := readLine(r)
	if err != nil {
		return value{}, err
	}
	if line == "" {
		return value{}, fmt.Errorf("an empty line where a reply should start")
	}
	v := value{kind: line[0], text: line[1:]}
	switch v.kind {
	case kindSimple, kindError, kindDouble, kindBig:
		return v, nil
	case kindInteger:
		if _, err := strconv.ParseInt(v.text, 10, 64); err != nil {
			return value{}, fmt.Errorf("integer reply %q: %w", line, err)
		}
		return v, nil
	case kindBoolean:
		if v.text != "t" && v.text != "f" {
			return value{}, fmt.Errorf("boolean reply %q", line)
		}
		return v, nil
	case kindNull:
		if v.text != "" {
			return value{}, fmt.Errorf("null reply %q", line)
		}
		return v, nil
	}
	if strings.IndexByte("$=*%~>", v.kind) < 0 {
		return value{}, fmt.Errorf("a reply starts with %q", line)
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < -1 {
		return value{}, fmt.Errorf("length in reply %q", line)
	}
	v.text = ""
	if n == -1 {
		if v.kind != kindBulk && v.kind != kindArray {
			return value{}, fmt.Errorf("length in reply %q", line)
		}
		v.null = true
		return v, nil
	}
	if v.kind == kindBulk || v.kind == kindVerbatim {
		return readString(r, v, n)
	}
	return readElements(r, v, n)
}

func readString(r *bufio.Reader, v value, n int) (value, error) {
	body := make([]byte, n+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return value{}, err
	}
	if string(body[n:]) != "\r\n" {
		return value{}, fmt.Errorf("%d bytes of a string end with %q", n, body[n:])
	}
	v.text = string(body[:n])
	return v, nil
}

func readElements(r *bufio.Reader, v value, n int) (value, error) {
	if v.kind == kindMap {
		n *= 2
	}
	for range n {
		elem, err := readValue(r)
		if err != nil {
			return value{}, err
		}
		v.elems = append(v.elems, elem)
	}
	return v, nil
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(line, "\r\n") {
		return "", fmt.Errorf("line %q does not end with CR LF", line)
	}
	return line[:len(line)-2], nil
}

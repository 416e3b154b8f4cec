package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// ErrMalformed says that bytes are no pickle, or end too early.
var ErrMalformed = errors.New("no whole pickle")

// ErrClass says that a pickle has an object of a class that is not known here.
var ErrClass = errors.New("an object of a class that is not read")

// Read reads a pickle of the protocols 0 to 5. The value's bytes are the pickle's.
func Read(b []byte) (Value, error) {
	m := machine{rest: b, memo: map[uint64]Value{}, copies: len(b)}
	for {
		done, err := m.step()
		if err != nil {
			return nil, err
		}
		if done {
			if len(m.stack) != 1 || m.stack[0] == (mark{}) {
				return nil, malformed("it leaves %d values", len(m.stack))
			}
			return m.stack[0], nil
		}
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// machine is pickle's: a stack and a memo (Python's Lib/pickletools.py describes it).
type machine struct {
	rest  []byte
	stack []Value
	memo  map[uint64]Value

	copies int // elements and letters that may still be copied
}

// mark is what opens a group on the stack.
type mark struct{}

// take takes bytes of the pickle.
func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.rest)) {
		return nil, malformed("it ends too early")
	}
	b := m.rest[:n:n]
	m.rest = m.rest[n:]
	return b, nil
}

// number takes an unsigned number of n bytes, little-endian.
func (m *machine) number(n int) (uint64, error) {
	b, err := m.take(uint64(n))
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), err
}

// sized takes bytes behind their length, which has n bytes.
func (m *machine) sized(n int) ([]byte, error) {
	size, err := m.number(n)
	if err != nil {
		return nil, err
	}
	return m.take(size)
}

// line takes a line without its end.
func (m *machine) line() (string, error) {
	at := bytes.IndexByte(m.rest, '\n')
	if at < 0 {
		return "", malformed("a line has no end")
	}
	text := string(m.rest[:at])
	m.rest = m.rest[at+1:]
	return text, nil
}

func (m *machine) push(v Value) error {
	m.stack = append(m.stack, v)
	return nil
}

func (m *machine) pop() (Value, error) {
	if len(m.stack) == 0 {
		return nil, malformed("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

// group takes what stands behind the last mark, and the mark. It is good until the next push.
func (m *machine) group() ([]Value, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if m.stack[i] == (mark{}) {
			group := m.stack[i+1:]
			m.stack = m.stack[:i]
			return group, nil
		}
	}
	return nil, malformed("there is no mark")
}

// last is the value on top.
func (m *machine) last() (Value, error) {
	if len(m.stack) == 0 {
		return nil, malformed("the stack is empty")
	}
	return m.stack[len(m.stack)-1], nil
}

// step runs one instruction.
func (m *machine) step() (done bool, err error) {
	op, err := m.take(1)
	if err != nil {
		return false, err
	}
	switch op[0] {
	case '.':
		return true, nil
	case 0x80: // PROTO
		_, err = m.take(1)
	case 0x95: // FRAME
		_, err = m.take(8)
	case '(':
		err = m.push(mark{})
	case '0':
		_, err = m.pop()
	case '1':
		_, err = m.group()
	case '2':
		var v Value
		if v, err = m.last(); err == nil {
			err = m.push(v)
		}
	default:
		err = m.value(op[0])
	}
	return false, err
}

// value runs an instruction that makes a value or changes one.
func (m *machine) value(op byte) error {
	switch op {
	case 'N':
		return m.push(nil)
	case 0x88:
		return m.push(true)
	case 0x89:
		return m.push(false)
	case 'I', 'L', 'F':
		return m.textNumber(op)
	case 'J', 'K', 'M', 'G', 0x8a, 0x8b:
		return m.binaryNumber(op)
	case 'S', 'T', 'U', 'V', 'X', 0x8c, 0x8d, 'B', 'C', 0x8e, 0x96:
		return m.text(op)
	case 'p', 'q', 'r', 'g', 'h', 'j', 0x94:
		return m.remember(op)
	case 'c', 0x93, 'R', 0x81, 'b':
		return m.object(op)
	case 'P', 'Q':
		return fmt.Errorf("%w: it stands outside of the pickle (a persistent id)", ErrClass)
	case 0x82, 0x83, 0x84:
		return fmt.Errorf("%w: it is known by a number alone (copyreg's extensions)", ErrClass)
	case 'i', 'o', 0x92:
		return fmt.Errorf("%w: of an old style", ErrClass)
	case 0x97, 0x98:
		return malformed("a part of it stands elsewhere (a buffer)")
	}
	return m.collect(op)
}

// mostDigits bounds integers: their text would take time with the square of their length.
const mostDigits = 4300

func (m *machine) textNumber(op byte) error {
	line, err := m.line()
	if err != nil {
		return err
	}
	switch {
	case op == 'I' && line == "00":
		return m.push(false)
	case op == 'I' && line == "01":
		return m.push(true)
	case op == 'F':
		f, err := strconv.ParseFloat(line, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return malformed("%.40q is no number", line)
		}
		return m.push(f)
	case op == 'L' && len(line) > 0 && line[len(line)-1] == 'L':
		line = line[:len(line)-1]
	}
	n, ok := new(big.Int), false
	if len(line) <= mostDigits {
		n, ok = n.SetString(line, 10)
	}
	if !ok {
		return malformed("%.40q is no integer", line)
	}
	return m.push(n)
}

func (m *machine) binaryNumber(op byte) error {
	if op == 0x8a || op == 0x8b {
		width := 1
		if op == 0x8b {
			width = 4
		}
		b, err := m.sized(width)
		if err != nil {
			return err
		}
		if len(b) > mostDigits/3 {
			return malformed("an integer of %d bytes", len(b))
		}
		return m.push(twosComplement(b))
	}
	n, err := m.number(map[byte]int{'J': 4, 'K': 1, 'M': 2, 'G': 8}[op])
	switch {
	case err != nil:
		return err
	case op == 'J':
		return m.push(big.NewInt(int64(int32(uint32(n)))))
	case op == 'G':
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b[:])))
	}
	return m.push(big.NewInt(int64(n)))
}

// twosComplement is an integer of little-endian bytes.
func twosComplement(b []byte) *big.Int {
	be := make([]byte, len(b))
	for i, c := range b {
		be[len(b)-1-i] = c
	}
	n := new(big.Int).SetBytes(be)
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func (m *machine) text(op byte) error {
	if op == 'S' || op == 'V' {
		line, err := m.line()
		if err == nil {
			var v Value
			if v, err = unescaped(op, line); err == nil {
				return m.push(v)
			}
		}
		return err
	}
	width := map[byte]int{'T': 4, 'U': 1, 'X': 4, 0x8c: 1, 0x8d: 8, 'B': 4, 'C': 1, 0x8e: 8, 0x96: 8}[op]
	b, err := m.sized(width)
	if err != nil {
		return err
	}
	switch op {
	case 'X', 0x8c, 0x8d:
		return m.push(string(b))
	case 'T', 'U': // Python 2's str: text if it is some
		if utf8.Valid(b) {
			return m.push(string(b))
		}
	}
	return m.push(Bytes(b))
}

// unescaped reads text of protocol 0: S in Python's quotes, V with \u escapes (raw-unicode-escape).
func unescaped(op byte, line string) (Value, error) {
	if op == 'S' {
		n := len(line)
		if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
			return nil, malformed("%.40q is not in quotes", line)
		}
		var out []byte
		for rest := line[1 : n-1]; rest != ""; {
			r, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
			if err != nil {
				if len(rest) < 2 || rest[0] != '\\' || rest[1] != '\'' && rest[1] != '"' {
					return nil, malformed("%.40q has an escape that is unknown", line)
				}
				r, multibyte, tail = rune(rest[1]), false, rest[2:]
			}
			if multibyte {
				out = utf8.AppendRune(out, r)
			} else {
				out = append(out, byte(r))
			}
			rest = tail
		}
		if utf8.Valid(out) {
			return string(out), nil
		}
		return Bytes(out), nil
	}
	var out []byte
	for i := 0; i < len(line); {
		digits := 0
		if line[i] == '\\' && i+1 < len(line) {
			digits = map[byte]int{'u': 4, 'U': 8}[line[i+1]]
		}
		if digits == 0 {
			out = utf8.AppendRune(out, rune(line[i])) // Latin-1
			i++
			continue
		}
		if i+2+digits > len(line) {
			return nil, malformed("%.40q has half an escape", line)
		}
		r, err := strconv.ParseUint(line[i+2:i+2+digits], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return nil, malformed("%.40q has an escape that is none", line)
		}
		out = appendCodePoint(out, rune(r))
		i += 2 + digits
	}
	return string(out), nil
}

// appendCodePoint appends one in UTF-8, a lone surrogate as Python's surrogatepass does.
func appendCodePoint(b []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f|0x80, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// remember puts the value on top into the memo, or gets one from there.
func (m *machine) remember(op byte) (err error) {
	var at uint64
	switch op {
	case 0x94:
		at = uint64(len(m.memo))
	case 'p', 'g':
		var line string
		if line, err = m.line(); err == nil {
			if at, err = strconv.ParseUint(line, 10, 32); err != nil {
				err = malformed("%.40q is no place in the memo", line)
			}
		}
	case 'q', 'h':
		at, err = m.number(1)
	default:
		at, err = m.number(4)
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		v, there := m.memo[at]
		if !there {
			return malformed("the memo has no %d", at)
		}
		return m.push(v)
	}
	v, err := m.last()
	if err == nil {
		m.memo[at] = v
	}
	return err
}

// collect runs an instruction on collections.
func (m *machine) collect(op byte) error {
	switch op {
	case ']':
		return m.push(&List{})
	case '}':
		return m.push(&Dict{})
	case 0x8f:
		return m.push(&List{})
	case ')':
		return m.push(&List{})
	case 'l', 't', 0x91, 'd':
		group, err := m.group()
		if err != nil {
			return err
		}
		if op == 'd' {
			d := &Dict{}
			if err := d.add(group); err != nil {
				return err
			}
			return m.push(d)
		}
		return m.push(&List{append([]Value(nil), group...)})
	case 0x85, 0x86, 0x87:
		n := int(op-0x85) + 1
		if len(m.stack) < n {
			return malformed("the stack has less than %d", n)
		}
		group := m.stack[len(m.stack)-n:]
		m.stack = m.stack[:len(m.stack)-n]
		return m.push(&List{append([]Value(nil), group...)})
	case 'a', 's', 'e', 'u', 0x90:
		return m.add(op)
	}
	return malformed("the instruction %#02x is unknown", op)
}

// add puts values into the collection that stands before them.
func (m *machine) add(op byte) (err error) {
	var group []Value
	switch op {
	case 'a', 's':
		n := map[byte]int{'a': 1, 's': 2}[op]
		if len(m.stack) < n {
			return malformed("the stack has less than %d", n)
		}
		group = m.stack[len(m.stack)-n:]
		m.stack = m.stack[:len(m.stack)-n]
	default:
		if group, err = m.group(); err != nil {
			return err
		}
	}
	to, err := m.last()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *List:
		if op == 'a' || op == 'e' || op == 0x90 {
			to.Elements = append(to.Elements, group...)
			return nil
		}
	case *Dict:
		if op == 's' || op == 'u' {
			return to.add(group)
		}
	case *object:
		return to.unknown()
	}
	return malformed("there is no collection to add to")
}

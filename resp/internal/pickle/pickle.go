package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
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

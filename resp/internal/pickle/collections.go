package pickle

import "strconv"

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

package pickle

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"
)

// A class is one that a pickle names.
type class struct{ name string }

// An object is one of a class, of which only the state says what it is: text, if it is read.
type object struct {
	class
	text string
}

func (c class) unknown() error { return fmt.Errorf("%w: %s", ErrClass, c.name) }

// object runs an instruction on classes and their objects.
func (m *machine) object(op byte) error {
	switch op {
	case 'c':
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		return m.push(class{module + "." + name})
	case 0x93:
		name, err := m.pop()
		if err != nil {
			return err
		}
		module, err := m.pop()
		if err != nil {
			return err
		}
		n, ok1 := name.(string)
		mod, ok2 := module.(string)
		if !ok1 || !ok2 {
			return malformed("a class is not named by text")
		}
		return m.push(class{mod + "." + n})
	case 'b':
		return m.build()
	}
	args, err := m.pop()
	if err != nil {
		return err
	}
	of, err := m.pop()
	if err != nil {
		return err
	}
	list, ok := args.(*List)
	c, named := of.(class)
	if !ok || !named {
		return malformed("a call of what is no class")
	}
	if op == 0x81 { // NEWOBJ
		return m.push(&object{class: c})
	}
	v, err := m.made(c, list.Elements)
	if err != nil {
		return err
	}
	return m.push(v)
}

// build gives an object its state.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	top, err := m.last()
	if err != nil {
		return err
	}
	o, ok := top.(*object)
	if !ok {
		if _, empty := state.(*Dict); empty { // what a program has hung on a collection
			return nil
		}
		return malformed("a state of what is no object")
	}
	d, ok := state.(*Dict)
	if o.name == "uuid.UUID" && ok {
		for i := 0; i+1 < len(d.Pairs); i += 2 {
			if n, ok := d.Pairs[i+1].(*big.Int); ok && d.Pairs[i] == "int" && n.Sign() >= 0 && n.BitLen() <= 128 {
				h := fmt.Sprintf("%032x", n)
				o.text = strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
				return nil
			}
		}
	}
	return o.unknown()
}

// spend takes from what may be copied. A pickle that says each thing once copies less than its own length.
func (m *machine) spend(n int) error {
	if m.copies -= n; m.copies < 0 {
		return ErrTooLarge
	}
	return nil
}

// made is what a call of a class gives.
func (m *machine) made(c class, args []Value) (Value, error) {
	switch c.name {
	case "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset", "collections.deque":
		l := &List{}
		if len(args) > 0 {
			from, ok := args[0].(*List)
			if !ok {
				return nil, c.unknown()
			}
			if err := m.spend(len(from.Elements)); err != nil {
				return nil, err
			}
			l.Elements = append(l.Elements, from.Elements...)
		}
		return l, nil
	case "collections.OrderedDict", "collections.defaultdict", "collections.Counter":
		return m.dictOf(c, args)
	case "builtins.bytearray", "__builtin__.bytearray", "_codecs.encode", "builtins.bytes", "__builtin__.bytes":
		if len(args) == 0 {
			return Bytes{}, nil
		}
		if b, ok := args[0].(Bytes); ok {
			return b, nil
		}
		if text, ok := args[0].(string); ok && len(args) > 1 && (args[1] == "latin1" || args[1] == "latin-1") {
			if err := m.spend(len(text)); err != nil {
				return nil, err
			}
			return latin1(text)
		}
	case "decimal.Decimal":
		if len(args) == 1 {
			if text, ok := args[0].(string); ok {
				return text, nil
			}
		}
	case "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone":
		if v, ok := moment(c.name, args); ok {
			return v, nil
		}
	}
	return nil, c.unknown()
}

// dictOf is what a call of a dict's class gives: of a dict, of pairs as Python 2 has them, or of a defaultdict's class
// for values that are missing.
func (m *machine) dictOf(c class, args []Value) (Value, error) {
	d := &Dict{}
	if len(args) == 0 {
		return d, nil
	}
	switch from := args[0].(type) {
	case *Dict:
		if err := m.spend(len(from.Pairs)); err != nil {
			return nil, err
		}
		d.Pairs = append(d.Pairs, from.Pairs...)
	case *List:
		if err := m.spend(2 * len(from.Elements)); err != nil {
			return nil, err
		}
		for _, e := range from.Elements {
			pair, ok := e.(*List)
			if !ok || len(pair.Elements) != 2 {
				return nil, c.unknown()
			}
			d.Pairs = append(d.Pairs, pair.Elements...)
		}
	case class:
		if c.name != "collections.defaultdict" {
			return nil, c.unknown()
		}
	default:
		return nil, c.unknown()
	}
	return d, nil
}

// latin1 is text of which each letter stands for a byte.
func latin1(text string) (Value, error) {
	b := make(Bytes, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, malformed("bytes as text that is not Latin-1")
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// A zone is a timezone's distance from UTC in seconds.
type zone struct{ seconds int64 }

// A duration is a timedelta's microseconds.
type duration struct{ micros int64 }

// moment is a value of the module datetime: as text in the form of isoformat(), a timedelta in seconds.
func moment(name string, args []Value) (Value, bool) {
	if name == "datetime.timedelta" {
		var n [3]int64
		for i, a := range args {
			b, ok := a.(*big.Int)
			if !ok || i > 2 || !b.IsInt64() || b.BitLen() > 36 {
				return nil, false
			}
			n[i] = b.Int64()
		}
		if n[0] > 100_000_000 || n[0] < -100_000_000 { // of more days the microseconds do not fit into 64 bits
			return nil, false
		}
		return duration{(n[0]*86400+n[1])*1e6 + n[2]}, true
	}
	if len(args) == 0 || len(args) > 2 {
		return nil, false
	}
	if name == "datetime.timezone" {
		d, ok := args[0].(duration)
		return zone{d.micros / 1e6}, ok && d.micros%1e6 == 0
	}
	var b Bytes
	switch a := args[0].(type) {
	case Bytes:
		b = a
	case string:
		if v, err := latin1(a); err == nil && utf8.ValidString(a) {
			b = v.(Bytes)
		}
	}
	offset := ""
	if len(args) == 2 {
		z, ok := args[1].(zone)
		if !ok {
			return nil, false
		}
		offset = z.String()
	}
	date := func(b Bytes) string { return fmt.Sprintf("%04d-%02d-%02d", int(b[0])<<8|int(b[1]), b[2]&0x7f, b[3]) }
	clock := func(b Bytes) string {
		text := fmt.Sprintf("%02d:%02d:%02d", b[0]&0x7f, b[1], b[2])
		if us := int(b[3])<<16 | int(b[4])<<8 | int(b[5]); us > 0 {
			text += fmt.Sprintf(".%06d", us)
		}
		return text
	}
	switch {
	case name == "datetime.date" && len(b) == 4:
		return date(b), true
	case name == "datetime.time" && len(b) == 6:
		return clock(b) + offset, true
	case name == "datetime.datetime" && len(b) == 10:
		return date(b[:4]) + "T" + clock(b[4:]) + offset, true
	}
	return nil, false
}

func (z zone) String() string {
	s, sign := z.seconds, '+'
	if s < 0 {
		s, sign = -s, '-'
	}
	text := fmt.Sprintf("%c%02d:%02d", sign, s/3600, s/60%60)
	if s%60 != 0 {
		text += fmt.Sprintf(":%02d", s%60)
	}
	return text
}

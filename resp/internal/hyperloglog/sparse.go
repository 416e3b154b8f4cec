package hyperloglog

import (
	"fmt"
	"slices"
	"strings"
)

// The registers of a sparse HyperLogLog are runs, in one byte or two:
//
//	00nnnnnn            n+1 registers of 0             (z)
//	01nnnnnn nnnnnnnn   n+1 registers of 0             (Z)
//	1vvvvvnn            n+1 registers of v+1           (v)
//
// How a run is split and joined decides about the bytes, and follows hyperloglog.c.
const (
	zeroMost  = 64 // registers in one run
	valueMost = 4
	countMost = 32 // what a register in a run can hold
)

// run is a run as it stands in the value.
type run struct {
	n     int  // registers
	count byte // what they hold
	size  int  // bytes
}

// runAt reads the run that begins a slice, which is not empty. A second byte that is missing counts as 0.
func runAt(b []byte) run {
	switch {
	case b[0]&0x80 != 0:
		return run{int(b[0]&3) + 1, b[0]>>2&31 + 1, 1}
	case b[0]&0x40 == 0:
		return run{int(b[0]&63) + 1, 0, 1}
	case len(b) == 1:
		return run{int(b[0]&63)<<8 + 1, 0, 2}
	}
	return run{int(b[0]&63)<<8 + int(b[1]) + 1, 0, 2}
}

// appendRun writes a run, of zeros if count is 0.
func appendRun(b []byte, n int, count byte) []byte {
	switch {
	case n == 0:
		return b
	case count > 0:
		return append(b, 0x80|(count-1)<<2|byte(n-1))
	case n <= zeroMost:
		return append(b, byte(n-1))
	}
	return append(b, 0x40|byte((n-1)>>8), byte(n-1))
}

// New is one without elements: 16384 registers of 0.
func New() []byte {
	return appendRun(append([]byte("HYLL\x01"), make([]byte, Header-5)...), Registers, 0)
}

// sparseRuns calls fn for each run of equal registers. ok is false if there are not as many as there should be.
func sparseRuns(value []byte, fn func(first, n int, count byte)) (ok bool) {
	first := 0
	for b := value[Header:]; len(b) > 0; {
		r := runAt(b)
		if first+r.n > Registers {
			return false
		}
		fn(first, r.n, r.count)
		first += r.n
		b = b[min(r.size, len(b)):]
	}
	return first == Registers
}

// Describe is PFDEBUG DECODE's text.
func Describe(value []byte) string {
	var text []string
	for b := value[Header:]; len(b) > 0; {
		switch r := runAt(b); {
		case r.count > 0:
			text = append(text, fmt.Sprintf("v:%d,%d", r.count, r.n))
			b = b[1:]
		case r.size == 2:
			text = append(text, fmt.Sprintf("Z:%d", r.n))
			b = b[min(2, len(b)):]
		default:
			text = append(text, fmt.Sprintf("z:%d", r.n))
			b = b[1:]
		}
	}
	return strings.Join(text, " ")
}

// Add raises a register of a value, which it may change or replace, and reports whether it was less. A sparse one
// becomes dense when it would take more than mostBytes or can not hold the number. ok is false if it is damaged.
func Add(value []byte, register int, count byte, mostBytes int64) (_ []byte, raised, ok bool) {
	if value[4] == Dense {
		return value, Raise(value, register, count), true
	}
	if count > countMost {
		return addDense(value, register, count)
	}
	before, at, first := Header, Header, 0 // the run before the register's, the run itself, its first register
	var r run
	for at < len(value) {
		n, size := int(value[at]&3)+1, 1 // by hand: runAt would take three times as long
		if b := value[at]; b < 0x40 {
			n = int(b) + 1
		} else if b < 0x80 {
			r = runAt(value[at:])
			n, size = r.n, r.size
		}
		if register < first+n {
			r = runAt(value[at:])
			break
		}
		before = at
		first += n
		at += size
	}
	switch {
	case at+r.size > len(value) || r.n == 0:
		return value, false, false
	case r.count >= count:
		return value, false, true
	}
	var room [5]byte
	made := appendRun(room[:0], register-first, r.count)
	made = appendRun(made, 1, count)
	made = appendRun(made, first+r.n-register-1, r.count)
	if grows := len(made) - r.size; grows > 0 && int64(len(value)+grows) > mostBytes {
		return addDense(value, register, count)
	}
	value = slices.Replace(value, at, at+r.size, made...)
	return join(value, before), true, true
}

func addDense(value []byte, register int, count byte) (_ []byte, raised, ok bool) {
	dense, ok := ToDense(value)
	if !ok {
		return value, false, false
	}
	return dense, Raise(dense, register, count), true
}

// join joins neighbours of the same number where they fit into one run, in at most five steps.
func join(value []byte, at int) []byte {
	for step := 0; step < 5 && at < len(value); step++ {
		r := runAt(value[at:])
		if r.count > 0 && at+1 < len(value) {
			next := runAt(value[at+1:])
			if next.count == r.count && r.n+next.n <= valueMost {
				value = slices.Delete(value, at, at+1)
				value[at] = appendRun(nil, r.n+next.n, r.count)[0]
				continue
			}
		}
		at += r.size
	}
	return value
}

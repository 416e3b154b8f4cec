package lua

import (
	"math"
	"unsafe"
)

// smallNumbers is how many whole numbers share their place in memory.
const smallNumbers = 1024

var boxed [smallNumbers]LValue

func init() {
	for i := range boxed {
		boxed[i] = LNumber(i)
	}
}

// box makes a value of a number. Small whole numbers share their place in memory; the others take eight bytes each.
func box(n LNumber) LValue {
	if i := int(n); uint(i) < smallNumbers && LNumber(i) == n && (i != 0 || !math.Signbit(float64(n))) {
		return boxed[i]
	}
	return n
}

// numbersAtOnce is how many numbers take their places in memory together. They also leave together.
const numbersAtOnce = 16

// numberBoxes makes values of numbers as box does, in half its time: Go would ask for eight bytes of memory for each.
type numberBoxes struct{ free []LNumber }

// box relies on how Go represents an interface: a pointer to the type, and one to the value.
func (b *numberBoxes) box(n LNumber) LValue {
	if i := int(n); uint(i) < smallNumbers && LNumber(i) == n && (i != 0 || !math.Signbit(float64(n))) {
		return boxed[i]
	}
	if len(b.free) == 0 {
		b.free = make([]LNumber, numbersAtOnce)
	}
	place := &b.free[0]
	b.free = b.free[1:]
	*place = n
	return pointing(boxed[0], unsafe.Pointer(place))
}

// pointing is a value of the type of another one, which lies at a place.
func pointing(v LValue, place unsafe.Pointer) LValue {
	(*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] = place
	return v
}

// The texts of short strings lie behind their values: Go would ask for memory for each of the two.
type (
	string16 struct {
		value LString
		text  [16]byte
	}
	string32 struct {
		value LString
		text  [32]byte
	}
)

var emptyString LValue = LString("")

// CopyString makes a value of a copy of a text.
func CopyString(text []byte) LValue {
	switch n := len(text); {
	case n == 0:
		return emptyString
	case n <= 16:
		s := new(string16)
		copy(s.text[:], text)
		s.value = LString(unsafe.String(&s.text[0], n))
		return pointing(emptyString, unsafe.Pointer(&s.value))
	case n <= 32:
		s := new(string32)
		copy(s.text[:], text)
		s.value = LString(unsafe.String(&s.text[0], n))
		return pointing(emptyString, unsafe.Pointer(&s.value))
	}
	return LString(text)
}

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
	v := boxed[0]
	(*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] = unsafe.Pointer(place)
	return v
}

package order

import "math"

// A state is what is remembered of one key:
//
//	size class 6 | volatile 1 | level 4 | stamp 5
//
// The class is 1 for up to 64 bytes, and one more for each quarter of an octave: no key has state 0. The level is how
// often the key was used, in steps of half an octave, and the stamp is the epoch of its last use, modulo 32. Where
// the policy counts no uses, level and stamp together are the epoch, modulo 512.
type state uint16

const (
	stampBits = 5
	levelBits = 4
	epochBits = stampBits + levelBits

	stamps   = 1 << stampBits
	topLevel = 1<<levelBits - 1
	epochs   = 1 << epochBits

	volatileBit = 1 << epochBits
	classShift  = epochBits + 1
	topClass    = 63
)

func (s state) stamp() uint32  { return uint32(s) & (stamps - 1) }
func (s state) level() int     { return int(s>>stampBits) & topLevel }
func (s state) epoch() uint32  { return uint32(s) & (epochs - 1) }
func (s state) class() int     { return int(s >> classShift) }
func (s state) volatile() bool { return s&volatileBit != 0 }

func (s *state) setUse(level int, epoch uint32) {
	*s = *s&^(epochs-1) | state(level<<stampBits) | state(epoch&(stamps-1))
}

func (s *state) setEpoch(epoch uint32) { *s = *s&^(epochs-1) | state(epoch&(epochs-1)) }

// classBytes is the size that a class stands for. Those of the top class stand in Order.large exactly.
var classBytes = func() (sizes [topClass + 1]int64) {
	for c := range sizes {
		sizes[c] = int64(math.Round(64 * math.Pow(2, float64(c-1)/4)))
	}
	return sizes
}()

// classOf is the class whose size is nearest, as a ratio.
func classOf(bytes int64) int {
	if bytes <= classBytes[1] {
		return 1
	}
	return min(topClass, 1+int(math.Round(4*math.Log2(float64(bytes)/64))))
}

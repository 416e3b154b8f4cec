package lualib

// rand48 is redisLrand48 (rand.c): the same numbers on every machine.
type rand48 struct{ x uint64 }

const (
	rand48Multiplier = 0x5DEECE66D
	rand48Addend     = 0xB
	rand48Mask       = 1<<48 - 1
	rand48Max        = 1<<31 - 1 // REDIS_LRAND48_MAX
)

func (r *rand48) seed(n int32) { r.x = uint64(uint32(n))<<16 | 0x330E }

func (r *rand48) next() int32 {
	r.x = (r.x*rand48Multiplier + rand48Addend) & rand48Mask
	return int32(r.x >> 17)
}

// Package testrand gives the tests their random numbers, so that one environment variable, DISKETTE_SEED, repeats
// all of them. A test that fails says what to set it to.
package testrand

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// New returns the numbers that a test plays its cases with, stream by stream: the same at each run, and others with
// another DISKETTE_SEED.
func New(t testing.TB, stream uint64) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Number(t, 0), stream))
}

// Seed returns DISKETTE_SEED, and without it another number at each run: for a test that searches.
func Seed(t testing.TB) uint64 {
	t.Helper()
	n := Number(t, uint64(time.Now().UnixNano()))
	t.Logf("DISKETTE_SEED=%d", n)
	return n
}

// Number returns DISKETTE_SEED, or unset.
func Number(t testing.TB, unset uint64) uint64 {
	t.Helper()
	n := unset
	if s := os.Getenv("DISKETTE_SEED"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("DISKETTE_SEED is no number: %v", err)
		}
	}
	sayHowToRepeat(t, n)
	return n
}

// telling has the names of the tests that say their seed when they fail: once, however often they ask.
var telling sync.Map

func sayHowToRepeat(t testing.TB, n uint64) {
	if _, already := telling.LoadOrStore(t.Name(), n); already {
		return
	}
	t.Cleanup(func() {
		telling.Delete(t.Name())
		if t.Failed() {
			t.Logf("repeat with DISKETTE_SEED=%d", n)
		}
	})
}

// Bits returns n bytes whose bits are mostly alike, as those of bitmaps are: runs of zeros, of ones or of one byte.
func Bits(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	fill := []byte{0, 0xff, byte(r.Uint32())}[r.IntN(3)]
	for i := range b {
		b[i] = fill
		if r.IntN(8) == 0 {
			b[i] = byte(r.Uint32())
		}
	}
	return b
}

package bitmap

import (
	"bytes"
	"testing"

	"diskette/compat_test/testrand"
)

// bitOf is bit i of b, counted from the highest of the first byte; 0 beyond the end.
func bitOf(b []byte, i int64) byte {
	if i/8 >= int64(len(b)) {
		return 0
	}
	return b[i/8] >> (7 - i%8) & 1
}

func TestBitsAreCountedAndFoundAsOneByOne(t *testing.T) {
	r := testrand.New(t, 1)
	for range 20_000 {
		b := testrand.Bits(r, 1+r.IntN(80))
		total := int64(8 * len(b))
		start, end := r.Int64N(total), r.Int64N(total+1)
		count, first := int64(0), [2]int64{-1, -1}
		for i := start; i < end; i++ {
			bit := bitOf(b, i)
			count += int64(bit)
			if first[bit] < 0 {
				first[bit] = i
			}
		}
		if got := CountIn(b, start, end); got != count {
			t.Fatalf("%x from %d to %d: %d bits, counted %d", b, start, end, count, got)
		}
		for bit := range first {
			if got := Find(b, byte(bit), start, end); got != first[bit] {
				t.Fatalf("%x from %d to %d: the first %d is at %d, found at %d", b, start, end, bit, first[bit], got)
			}
		}
	}
}

func TestBitsAreCombinedAsOneByOne(t *testing.T) {
	r := testrand.New(t, 3)
	for range 5_000 {
		sources := make([][]byte, 1+r.IntN(4))
		length := 0
		for i := range sources {
			n := r.IntN(100)
			if r.IntN(200) == 0 {
				n = combineBlock - 2 + r.IntN(5)
			}
			sources[i] = testrand.Bits(r, n)
			length = max(length, n)
		}
		for op, one := range map[string]func(a, b byte) byte{
			"and": func(a, b byte) byte { return a & b },
			"or":  func(a, b byte) byte { return a | b },
			"xor": func(a, b byte) byte { return a ^ b },
		} {
			want := make([]byte, length)
			for i := range want {
				for k, s := range sources {
					c := byte(0)
					if i < len(s) {
						c = s[i]
					}
					if k == 0 {
						want[i] = c
					} else {
						want[i] = one(want[i], c)
					}
				}
			}
			if got := Combine(op, sources); !bytes.Equal(got, want) {
				t.Fatalf("%s of %x: %x, want %x", op, sources, got, want)
			}
		}
		for i, c := range Combine("not", sources[:1]) {
			if c != ^sources[0][i] {
				t.Fatalf("not of %x", sources[0])
			}
		}
	}
}

func BenchmarkBits(b *testing.B) {
	const n = 64 << 20
	x, y := bytes.Repeat([]byte{7}, n), bytes.Repeat([]byte{0xff}, n) // written, or all pages are the same one
	for name, fn := range map[string]func(){
		"count":   func() { Count(x) },
		"find":    func() { Find(y, 0, 0, 8*n) },
		"and":     func() { Combine("and", [][]byte{x, y}) },
		"three":   func() { Combine("xor", [][]byte{x, y, x}) },
		"inverse": func() { Combine("not", [][]byte{x}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(n)
			for b.Loop() {
				fn()
			}
		})
	}
}

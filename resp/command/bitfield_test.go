package command

import (
	"bytes"
	"sync/atomic"
	"testing"

	"diskette/compat_test/testrand"
)

// bitAt is bit i of b, counted from the highest of the first byte; 0 beyond the end.
func bitAt(b []byte, i int64) byte {
	if i/8 >= int64(len(b)) {
		return 0
	}
	return b[i/8] >> (7 - i%8) & 1
}

func TestAFieldIsReadAndWrittenAsBitByBit(t *testing.T) {
	r := testrand.New(t, 5)
	for range 50_000 {
		f := field{offset: r.Int64N(200), bits: uint(1 + r.IntN(64)), signed: r.IntN(2) == 0}
		if f.bits == 64 {
			f.signed = true
		}
		value := testrand.Bits(r, 40)
		read := func(b []byte) (n int64) {
			for i := range int64(f.bits) {
				n = n<<1 | int64(bitAt(b, f.offset+i))
			}
			if f.signed && f.bits < 64 && n>>(f.bits-1) == 1 {
				n -= 1 << f.bits
			}
			return n
		}
		if got := f.get(value); got != read(value) {
			t.Fatalf("%+v of %x: %d, want %d", f, value, got, read(value))
		}
		cut := value[:r.IntN(30)]
		if got := f.get(cut); got != read(cut) {
			t.Fatalf("%+v of %x: %d, want %d", f, cut, got, read(cut))
		}
		n := f.wrap(r.Int64() * int64(1-2*r.IntN(2)))
		before := bytes.Clone(value)
		f.set(value, n)
		if got := read(value); got != n {
			t.Fatalf("%+v: wrote %d, reads %d", f, n, got)
		}
		for i := range int64(8 * len(value)) {
			if (i < f.offset || i >= f.offset+int64(f.bits)) && bitAt(value, i) != bitAt(before, i) {
				t.Fatalf("%+v: writing %d changed bit %d", f, n, i)
			}
		}
	}
}

// FuzzBitfield reads any words as BITFIELD's subcommands: what is accepted stays within its bounds.
func FuzzBitfield(f *testing.F) {
	for _, s := range []string{
		"get u8 0", "set i64 #3 -1", "overflow sat incrby u63 5 9223372036854775807", "get u8x 1", "GET i64 #288230376151711744",
		"overflow", "set u8 0", "incrby i1 4294967295 1", "get u64 0", "get u\x00 0", "set i8 # 1",
	} {
		f.Add([]byte(s))
	}
	var maxBulk atomic.Int64
	maxBulk.Store(1 << 20)
	by := &Caller{Host: &Host{MaxBulk: &maxBulk}}
	f.Fuzz(func(t *testing.T, words []byte) {
		c := &Call{Caller: by, Args: append([][]byte{[]byte("bitfield"), []byte("k")}, bytes.Split(words, []byte(" "))...)}
		ops, writes, refusal := c.bitfieldOps()
		if refusal.IsError() {
			if len(ops) > 0 || writes {
				t.Fatal("a refusal with subcommands")
			}
			return
		}
		const limit = 1<<20 + 8
		value := make([]byte, limit)
		wrote := false
		for _, op := range ops {
			if op.field.offset < 0 || op.field.endByte() > limit || op.field.bits < 1 || op.field.bits > 64 || op.field.bits == 64 && !op.field.signed {
				t.Fatalf("%+v was accepted", op)
			}
			wrote = wrote || op.verb != 'g'
			lowest, highest := op.field.limits()
			before := op.field.get(value)
			reply, changed := op.run(value)
			after := op.field.get(value)
			if after < lowest || after > highest || changed != (before != after) || op.verb == 'g' && changed {
				t.Fatalf("%+v made %d of %d (changed: %v)", op, after, before, changed)
			}
			if reply.Kind != KindInteger && op.onOver != 'f' {
				t.Fatalf("%+v answers %+v", op, reply)
			}
		}
		if wrote != writes {
			t.Fatalf("writes = %v of %+v", writes, ops)
		}
	})
}

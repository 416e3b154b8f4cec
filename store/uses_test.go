package store

import (
	"math"
	"testing"
)

// TestLuckIsOnceInN: as often as it says, to within four times what chance makes of it.
func TestLuckIsOnceInN(t *testing.T) {
	var l luck
	const tries = 400_000
	for _, n := range []int64{1, 2, 3, 11, 100, 2501, 1 << 40} {
		met := 0
		for range tries {
			if l.once(n) {
				met++
			}
		}
		want := float64(tries) / float64(n)
		if off := math.Abs(float64(met) - want); off > 4*math.Sqrt(want*(1-1/float64(n)))+1 {
			t.Errorf("one time in %d came %d times of %d", n, met, tries)
		}
	}
}

// TestUsesAreCountedAsInRedis: with the usual lfu-log-factor 100 uses make about 10 of it, 1,000 18 and 100,000 142
// (redis.conf's own table); each lfu-decay-time without use takes one away.
func TestUsesAreCountedAsInRedis(t *testing.T) {
	st := &Store{}
	st.CountUses(&UseCounting{LogFactor: 10, DecayMillis: 60_000})
	const now, keys = int64(1_700_000_000_000), 1000
	for _, c := range []struct {
		uses      int
		low, high float64
	}{{100, 9, 11}, {1000, 16, 20}, {100_000, 135, 149}} {
		sum := int64(0)
		for range keys / max(1, c.uses/1000) {
			o := &object{}
			for range c.uses {
				st.use(o, now)
			}
			sum += o.frequency(st.countUses.Load(), now)
			if n := int64(o.uses); o.frequency(st.countUses.Load(), now+5*60_000) != n-5 ||
				o.frequency(st.countUses.Load(), now+59_000) != n || o.frequency(st.countUses.Load(), now+300*60_000) != 0 {
				t.Fatalf("a count of %d decays wrongly", n)
			}
		}
		if mean := float64(sum) / float64(keys/max(1, c.uses/1000)); mean < c.low || mean > c.high {
			t.Errorf("%d uses count as %.1f", c.uses, mean)
		}
	}
}

func BenchmarkUse(b *testing.B) {
	st, o := &Store{}, &object{}
	st.CountUses(&UseCounting{LogFactor: 10, DecayMillis: 60_000})
	for i := range b.N {
		if i%1024 == 0 {
			*o = object{} // a count of up to 18
		}
		st.use(o, 1_700_000_000_000+int64(i>>16))
	}
}

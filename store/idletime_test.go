package store

import (
	"fmt"
	"testing"

	"diskette/expire"
)

// What OBJECT IDLETIME and FREQ say goes with a key through unloading, roughly: where keys may be evicted, the Order
// remembers it.
func TestTheTimeOfTheLastUseOutlivesUnloading(t *testing.T) {
	const hour = 3600_000
	start := expire.NowMillis()
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: 1 << 40, Policy: AllKeysLFU}))
	ordersAgree(t, st) // it is there
	st.CountUses(&UseCounting{LogFactor: 10})
	at := func(now int64, names ...string) (idle, freq []int64) {
		t.Helper()
		st.Lock()
		v := st.Begin(0, now)
		for _, name := range names {
			v.Want([]byte(name), NeedHead)
		}
		f := v.TakeFetch()
		v.End()
		st.Unlock()
		if f != nil {
			if err := f.Load(); err != nil {
				t.Fatal(err)
			}
		}
		st.Lock()
		defer st.Unlock()
		v = st.Begin(0, now)
		for _, name := range names {
			i, ok := v.IdleMillis([]byte(name))
			if !ok {
				t.Errorf("%s is not there", name)
			}
			n, _ := v.Frequency([]byte(name))
			idle, freq = append(idle, i), append(freq, n)
		}
		v.End()
		return idle, freq
	}
	for n := range int64(4) {
		st.Lock()
		tx := st.Begin(0, start+n*hour)
		for _, name := range []string{fmt.Sprint("key", n), fmt.Sprint("other", n)} {
			tx.SetString([]byte(name), []byte("v"), 0)
			for range 5 * n {
				tx.Touch([]byte(name))
			}
		}
		tx.End()
		st.Unlock()
		if err := st.Unload(); err != nil {
			t.Fatal(err)
		}
	}
	idle, freq := at(start+4*hour, "key0", "key1", "key2", "key3")
	for n, ms := range idle {
		if want := int64(4-n) * hour; ms < want-hour || ms > want+hour {
			t.Errorf("key%d was used %d ms ago, it says %d", n, want, ms)
		}
	}
	if freq[0] >= freq[3] {
		t.Errorf("counts of uses: %d of a key that was not used, %d of one that was", freq[0], freq[3])
	}
}

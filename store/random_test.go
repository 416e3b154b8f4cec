package store

import "testing"

// While memory has all keys RANDOMKEY comes to each of them, wherever in the order of birth they are.
func TestRandomKeyComesToEveryKeyInMemory(t *testing.T) {
	st := opened(t, t.TempDir())
	for i := range 5000 {
		mustSet(t, st, "before:"+itoa(int64(i)), "v")
	}
	flushed(t, st)
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(0) })
	const keys = 300
	for i := range keys {
		mustSet(t, st, "k"+itoa(int64(i)), "v")
	}

	met := map[string]int{}
	for range 40 * keys { // one is missed once in a billion times
		key, _, ok, err := st.RandomKey(0, testNow, false)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		met[key]++
	}
	if len(met) != keys {
		t.Errorf("of %d keys %d were met", keys, len(met))
	}
}

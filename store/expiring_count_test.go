package store

import (
	"testing"
	"time"
)

func TestTheNumberOfKeysWithDeadlinesIsKeptThroughEveryChangeAndARestart(t *testing.T) {
	dir := t.TempDir()
	st, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	later := now + time.Hour.Milliseconds()
	do := func(fn func(tx *Tx)) {
		t.Helper()
		st.Lock()
		tx := st.Begin(0, now)
		fn(tx)
		seen := tx.End()
		st.Unlock()
		if err := st.Wait(seen); err != nil {
			t.Fatal(err)
		}
	}
	want := func(db0, db1 int64) {
		t.Helper()
		st.Lock()
		got := st.DatabaseStatsLocked(now)
		st.Unlock()
		if got[0].Expiring != db0 || got[1].Expiring != db1 {
			t.Errorf("%d and %d keys with deadlines, want %d and %d", got[0].Expiring, got[1].Expiring, db0, db1)
		}
		if err := st.Check(); err != nil {
			t.Error(err)
		}
	}
	key := func(s string) []byte { return []byte(s) }

	do(func(tx *Tx) {
		tx.SetString(key("plain"), key("v"), 0)
		for _, k := range []string{"a", "b", "c", "d", "e"} {
			tx.SetString(key(k), key("v"), later)
		}
	})
	want(5, 0)
	do(func(tx *Tx) {
		tx.SetDeadline(key("a"), 0)           // PERSIST
		tx.SetDeadline(key("plain"), later+1) // EXPIRE
		tx.SetDeadline(key("b"), later+1)     // no change of the number
		tx.Delete(key("c"))
	})
	want(4, 0) // plain b d e
	do(func(tx *Tx) {
		tx.Move(key("b"), 1)
		tx.Rename(key("d"), key("e"))
		tx.Copy(key("plain"), 1, key("copy"), false)
	})
	want(2, 2) // plain e | b copy
	if err := st.Unload(); err != nil {
		t.Fatal(err)
	}
	do(func(tx *Tx) { tx.SetString(key("e"), key("w"), 0) }) // SET takes the deadline away
	want(1, 2)
	do(func(tx *Tx) { tx.SwapDB(0, 1) })
	want(2, 1)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err = Open(Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	want(2, 1)
	now = later + 1
	for st.Sweep(now) {
	}
	want(0, 0)
	do(func(tx *Tx) {
		tx.SetString(key("f"), key("v"), now+1000)
		tx.FlushDB(0)
		tx.SetString(key("g"), key("v"), now+1000)
	})
	want(1, 0)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"diskette/store/order"
)

// ordersAgree waits until the Orders have heard of all keys, and compares them with what there is.
func ordersAgree(t testing.TB, st *Store) {
	t.Helper()
	eventually(t, "an Order of all that is there", func() bool {
		st.Lock()
		defer st.Unlock()
		for _, s := range st.dbs[:st.opts.Databases] {
			if s.order == nil || s.order.Keys() < s.live {
				return false
			}
		}
		return true
	})
	st.Lock()
	defer st.Unlock()
	bytes := int64(0)
	for db, s := range st.dbs[:st.opts.Databases] {
		if keys, volatile := s.order.Keys(), s.order.Volatile(); keys != s.live || volatile != s.expiring {
			t.Errorf("database %d: the Order has %d keys, %d with a deadline; there are %d and %d", db, keys, volatile, s.live, s.expiring)
		}
		for _, o := range s.keys.some(s.keys.len()) {
			if o.typ != None && !s.order.Has(o.id) {
				t.Errorf("database %d: the Order does not know %.40q, %d", db, o.name(), o.id)
			}
		}
		if has := st.room.dbs[db].bytes.Load(); has != s.order.Bytes() {
			t.Errorf("database %d: %d bytes are published of %d", db, has, s.order.Bytes())
		}
		bytes += s.order.Bytes()
	}
	if st.dbs[st.opts.Databases].order != nil {
		t.Error("the server's own database has an Order")
	}
}

func TestAnOrderFollowsEveryChangeOfAKey(t *testing.T) {
	by := bounded(&Bounds{Disk: 1 << 40, Policy: AllKeysLRU})
	st := opened(t, t.TempDir(), by)
	setMany(t, st, 0, "s", 0, 100, "value")
	setMany(t, st, 1, "s", 0, 10, strings.Repeat("v", 2*chunkBytes))
	must(t, st, 0, []string{"h", "s1", "s2", "s3", "s4", "moved", "s5", "s6"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range 100 {
			h.Set(fmt.Appendf(nil, "f%d", i), []byte("v"))
		}
		tx.SetDeadline(k[1], testNow+1000)
		tx.Rename(k[2], k[3])
		tx.Move(k[4], 2)
		tx.Copy(k[6], 3, k[7], false)
		tx.Delete(k[7])
	})
	ordersAgree(t, st)
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.SwapDB(0, 2) })
	ordersAgree(t, st)
	flushed(t, st)
	unloadAll(st)
	must(t, st, 2, []string{"s7"}, func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], testNow+1000) })
	ordersAgree(t, st)
	before := st.room.dbs[2].bytes.Load() + st.room.dbs[1].bytes.Load()
	st = reopened(t, st, by)
	ordersAgree(t, st)
	if after := st.room.dbs[2].bytes.Load() + st.room.dbs[1].bytes.Load(); after < before*9/10 || after > before*11/10 {
		t.Errorf("the keys were said to take %d bytes, and after a restart %d", before, after)
	}
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(2) })
	ordersAgree(t, st)
	st.SetBounds(&Bounds{})
	eventually(t, "the Orders' end", func() bool {
		st.Lock()
		defer st.Unlock()
		return st.dbs[0].order == nil && st.dbs[2].order == nil
	})
	mustSet(t, st, "unwritten", "v")
	st.SetBounds(&Bounds{Databases: map[int]DatabaseBound{3: {Disk: 1 << 20}}})
	ordersAgree(t, st)
}

// Keys that are changed in memory and not written yet are known as they are there, and not as their rows are.
func TestAnOrderThatIsMadeLaterKnowsKeysAsMemoryHasThem(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay = time.Hour })
	setMany(t, st, 0, "s", 0, 100, "value")
	must(t, st, 0, []string{"h", "s3"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range 100 {
			h.Set(fmt.Appendf(nil, "f%d", i), []byte("v"))
		}
		tx.SetDeadline(k[1], testNow+1000)
	})
	flushed(t, st)
	unloadAll(st)
	must(t, st, 0, []string{"h", "s1", "s2", "s3", "s4"}, func(tx *Tx, k [][]byte) {
		tx.SetDeadline(k[0], testNow+1000)
		tx.SetDeadline(k[1], testNow+1000)
		tx.Delete(k[2])
		tx.SetDeadline(k[3], 0)
		tx.SetString(k[4], bytes.Repeat([]byte("v"), 3*chunkBytes), 0)
	})
	st.SetBounds(&Bounds{Disk: 1 << 40, Policy: AllKeysLRU})
	ordersAgree(t, st)
	st.Lock()
	defer st.Unlock()
	if has, want := st.dbs[0].order.Bytes(), int64(2*chunkBytes); has < want { // sizes are classes
		t.Errorf("the Order has %d bytes; one value alone has %d", has, want)
	}
}

// A scan for the Orders finds the row of a key that was renamed, of which memory has no more than its head.
func TestAnOrderHearsOfAKeyThatWasRenamedBeforeTheScanCameToIt(t *testing.T) {
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: 1 << 40, Policy: AllKeysLRU}), func(o *Options) { o.small = 1 })
	must(t, st, 0, []string{"old"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for i := range 100 {
			h.Set(fmt.Appendf(nil, "f%d", i), []byte("value"))
		}
	})
	id := headID(t, st, "old")
	flushed(t, st)
	unloadAll(st)
	ordersAgree(t, st)
	rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) { return r.headsOf([]int64{id}) })
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	err = commandOn(st, 0, testNow, []string{"old", "new"}, map[int]Need{0: NeedHead, 1: NeedHead}, func(tx *Tx, k [][]byte) {
		tx.st.ordered(st.dbs[0], func(o *order.Order) { o.Delete(id) }) // it has not heard of it yet
		if !tx.Rename(k[0], k[1]) {
			t.Error("not renamed")
		}
		if st.dbs[0].order.Has(id) {
			t.Error("memory knows the key's size: this is about one of which it does not")
		}
		st.ordered(st.dbs[0], func(o *order.Order) { st.orderRow(st.dbs[0], &rows[0]) })
		if !st.dbs[0].order.Has(id) {
			t.Error("the Order does not know the key")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ordersAgree(t, st)
}

func headID(t *testing.T, st *Store, name string) (id int64) {
	t.Helper()
	must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { id = tx.head(k[0]).id })
	return id
}

package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// A walk of slices, with names that come and go in between, meets those that stay once each.
func TestAWalkByHashesMeetsOnceWhatStays(t *testing.T) {
	rnd := testrand.New(t, 1)
	for round := range 20 {
		m := newTableModel(t)
		for i := range 3000 {
			m.put(fmt.Sprint("stays ", i))
		}
		stays := m.table.len()
		met := map[string]int{}
		next := 0
		for hash, more := uint64(0), true; more; {
			hash, more = m.table.from(hash, 1+rnd.IntN(400), func(o *object) { met[o.name()]++ })
			for range 2000 { // first the table grows, and its segments are split; then it shrinks
				switch {
				case len(met) < stays/2 && round%2 == 0:
					m.put(fmt.Sprint("comes ", next))
					next++
				case m.table.len() > stays:
					m.delete(len(m.names) - 1)
				}
			}
		}
		for i := range stays {
			if name := fmt.Sprint("stays ", i); met[name] != 1 {
				t.Fatalf("round %d: %q came %d times", round, name, met[name])
			}
		}
	}
}

// A walk that is under way when segments are joined does not meet a name again, nor passes over one.
func TestAWalkByHashesGoesOnInAJoinedSegment(t *testing.T) {
	m := newTableModel(t)
	for i := range 2000 {
		m.put(fmt.Sprint("name ", i))
	}
	met := map[string]int{}
	hash, more := m.table.from(0, 1, func(o *object) { met[o.name()]++ })
	for i := len(m.names) - 1; i >= 20; i-- {
		m.delete(i)
	}
	if first, _ := m.table.span(hash, m.table.segment(hash).depth); !more || uint64(first)<<(64-m.table.depth) == hash {
		t.Fatalf("the segment at %x was not joined with the first", hash)
	}
	for more {
		hash, more = m.table.from(hash, 1, func(o *object) { met[o.name()]++ })
	}
	for _, name := range m.names {
		if met[name] != 1 {
			t.Errorf("%q came %d times", name, met[name])
		}
	}
}

// allNames is KEYS at testNow.
func allNames(t testing.TB, st *Store, o ScanOptions) (names []string) {
	t.Helper()
	if _, err := st.Names(0, testNow, o, false, func(name string) { names = append(names, name) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Names are the same whether memory has them all, some are on disk alone, or all are.
func TestAllNamesComeFromMemoryAndFromTheTables(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	var all []string
	for i := range 300 {
		name := fmt.Sprintf("key:%03d", i)
		mustSet(t, st, name, "v")
		all = append(all, name)
	}
	mustSet(t, st, "other", strings.Repeat("v", 100))
	mustSet(t, st, "gone", "v")
	mustDel(t, st, "gone")
	must(t, st, 0, []string{"expired"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), testNow) })
	some := ScanOptions{Prefix: "key:1", Match: func(key []byte) bool { return strings.HasPrefix(string(key), "key:1") }}
	check := func(where string) {
		t.Helper()
		if names := allNames(t, st, ScanOptions{}); !slices.Equal(names, append(slices.Clone(all), "other")) {
			t.Errorf("%s: the names are %q", where, names)
		}
		if names := allNames(t, st, some); !slices.Equal(names, all[100:200]) {
			t.Errorf("%s: of those that match come %q", where, names)
		}
		if names := allNames(t, st, ScanOptions{Type: TypeList}); names != nil {
			t.Errorf("%s: of lists come %q", where, names)
		}
	}
	check("in memory")
	flushed(t, st)
	check("in memory and in the tables")
	st.Lock()
	st.forget(st.dbs[0].keys.get("key:150"))
	st.Unlock()
	check("one on disk alone")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = opened(t, dir)
	check("on disk alone")
}

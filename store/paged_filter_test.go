package store

import (
	"fmt"
	"testing"
)

// TestNamesThatAreNotThereAreKnownWithoutALookUp asks a large set for what it has not, before and after it gets it.
func TestNamesThatAreNotThereAreKnownWithoutALookUp(t *testing.T) {
	const members, added = 2000, 500
	st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements, o.MaxMemory = 1000, 1<<20 })
	addNames(t, st, 0, members)
	unloadedAndIndexed(t, st)
	id := filterMade(t, st, 10*members)
	before := loadsOf(st)
	lookedUp := func() int64 { return loadsOf(st) - before }
	for i := range added {
		hasName(t, st, members+added+1+i, false)
	}
	if n := lookedUp(); n > added/10 {
		t.Errorf("%d of %d names that are not there were looked up", n, added)
	}
	addNames(t, st, members, members+added)
	checked(t, st)
	st.Lock()
	st.noteHot()
	if f := st.filters.of(id); f == nil || st.filterBytes != f.bytes() {
		t.Errorf("the hot set counts %d bytes for filters, which is not what they take", st.filterBytes)
	}
	st.Unlock()
	unloadedAndIndexed(t, st)
	for _, i := range []int{0, 1, members - 1, members, members + added - 1} {
		hasName(t, st, i, true)
	}
	closed(t, st)
}

// TestAFilterThatIsFullIsMadeAnewAndOneWithoutRoomIsNot fills a set far beyond what its filter was made for.
func TestAFilterThatIsFullIsMadeAnewAndOneWithoutRoomIsNot(t *testing.T) {
	const few, many = 1000, 6000
	st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements, o.MaxMemory = 100, 1<<20 })
	addNames(t, st, 0, few)
	unloadedAndIndexed(t, st)
	id := filterMade(t, st, 10*many)
	made := func(names int64) func() bool {
		return func() bool {
			signal(st.wb.applyNow)
			f := st.filters.of(id)
			return f != nil && f.bytes()*8 >= names*leastFilterBits
		}
	}
	addNames(t, st, few, many)
	flushed(t, st)
	eventually(t, "a larger filter", made(many))
	checked(t, st)
	st.SetMaxMemory(1000)
	eventually(t, "the filter's end", func() bool {
		signal(st.wb.applyNow)
		return st.filters.of(id) == nil
	})
	checked(t, st)
	closed(t, st)
}

func TestAFilterKnowsWhatWasPutInAndLittleElse(t *testing.T) {
	const names = 10_000
	f := newNameFilter(names, names*usualFilterBits/8)
	hash := func(i int) int64 { return elementHash(fmt.Append(nil, "name:", i)) }
	for i := range names {
		f.put(hash(i))
	}
	wrong := 0
	for i := range names {
		if f.lacks(hash(i)) {
			t.Fatalf("name %d was put in, and it lacks it", i)
		}
		if !f.lacks(hash(names + i)) {
			wrong++
		}
	}
	if wrong > names/50 {
		t.Errorf("of %d names that were not put in it does not know %d", names, wrong)
	}
}

func namesOf(from, to int) (names []string) {
	for i := from; i < to; i++ {
		names = append(names, fmt.Sprint("member:", i))
	}
	return names
}

func onMembers(t *testing.T, st *Store, names []string, fn func(tx *Tx, key []byte, names Names)) {
	t.Helper()
	args := Names{Step: 1, Last: len(names) - 1}
	for _, name := range names {
		args.Args = append(args.Args, []byte(name))
	}
	want := func(tx *Tx, key []byte, names Names) bool { return tx.WantElements(key, names) }
	if err := onElements(st, testNow, "s", names, true, want, func(tx *Tx, key []byte) { fn(tx, key, args) }); err != nil {
		t.Fatal(err)
	}
}

func addNames(t *testing.T, st *Store, from, to int) {
	t.Helper()
	for ; from < to; from += 100 {
		onMembers(t, st, namesOf(from, min(from+100, to)), func(tx *Tx, key []byte, names Names) {
			s, err := tx.EditSetPart(key, names)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names.Args {
				if !s.Add(name) {
					t.Errorf("%s was there", name)
				}
			}
		})
	}
}

func hasName(t *testing.T, st *Store, i int, want bool) {
	t.Helper()
	onMembers(t, st, namesOf(i, i+1), func(tx *Tx, key []byte, names Names) {
		if s, err := tx.SetPart(key, names); err != nil || s.Has(string(names.Args[0])) != want {
			t.Errorf("%s is there: %v, %v; want %v", names.Args[0], !want, err, want)
		}
	})
}

func unloadedAndIndexed(t *testing.T, st *Store) {
	t.Helper()
	flushed(t, st)
	unloadAll(st)
	indexesMade(t, st)
	unloadAll(st)
}

// filterMade looks names up in vain, of which these and those behind are not there, until the set has a filter.
func filterMade(t *testing.T, st *Store, absent int) (id int64) {
	t.Helper()
	eventually(t, "the filter", func() bool {
		hasName(t, st, absent, false)
		absent++
		st.Lock()
		o := st.dbs[0].keys.get("s")
		id = o.id
		whole := o.part() == nil // it was loaded by what had begun to read before the index was complete
		st.Unlock()
		if whole {
			unloadedAndIndexed(t, st)
		}
		signal(st.wb.applyNow)
		return st.filters.of(id) != nil
	})
	return id
}

func loadsOf(st *Store) int64 {
	st.Lock()
	defer st.Unlock()
	return st.stats.loads
}

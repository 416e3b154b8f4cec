package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// Whatever the tests of this package write back goes the way of many rows.
func init() { overwriteRows = 1 }

// written is what a write-back does.
type written struct {
	updates int // of values
	pages   int
}

// writeBackOf flushes what change has done, and counts.
func writeBackOf(t *testing.T, st *Store, change func()) (did written) {
	t.Helper()
	counted := func() (w written) {
		if err := st.onWriter(t.Context(), func(wr *writer) error {
			w.updates = wr.value.Status(sqlite3.STMTSTATUS_RUN, false)
			pages, _, err := wr.c.Status(sqlite3.DBSTATUS_CACHE_WRITE, false)
			w.pages = int(pages)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return w
	}
	flushed(t, st)
	before := counted()
	change()
	flushed(t, st)
	after := counted()
	return written{after.updates - before.updates, after.pages - before.pages}
}

func TestAStringAsLongAsTheOneBeforeIsWrittenInItsPlace(t *testing.T) {
	st := opened(t, t.TempDir())
	const keys = 60
	fill := func(value string) {
		for i := range keys {
			mustSet(t, st, fmt.Sprint("k", i), fmt.Sprint(value, i))
		}
	}
	want := func(value string) {
		t.Helper()
		unloadAll(st)
		for i := range keys {
			wantGet(t, st, fmt.Sprint("k", i), fmt.Sprint(value, i))
		}
		checked(t, st)
	}
	a, b := strings.Repeat("a", 1000), strings.Repeat("b", 1000)
	fill(a)
	if did := writeBackOf(t, st, func() { fill(b) }); did.updates != 0 || did.pages < keys/4 {
		t.Errorf("values of the same length took %+v; want no UPDATE, and all pages", did)
	}
	want(b)
	if did := writeBackOf(t, st, func() { fill(b) }); did.updates != 0 || did.pages > 5 {
		t.Errorf("the same values took %+v; want no UPDATE, and no pages but for the LSN", did)
	}
	want(b)
	if did := writeBackOf(t, st, func() { fill(b + "b") }); did.updates != keys {
		t.Errorf("longer values took %+v; want as many UPDATEs as there are", did)
	}
	want(b + "b")
}

// Among those that fit are rows that can not be written over: each is what it should be, and those that follow, too.
func TestStringsThatDoNotFitAreWrittenAsWell(t *testing.T) {
	for _, unfit := range []struct {
		name        string
		before, now string
		then        func(tx *Tx, key []byte)
	}{
		{"longer", "value", "longer value", nil},
		{"shorter", "value", "v", nil},
		{"empty", "value", "", nil},
		{"no more empty", "", "value", nil},
		{"long", "value", strings.Repeat("x", chunkBytes+1), nil},
		{"no more long", strings.Repeat("x", chunkBytes+1), "value", nil},
		{"as long, and has a deadline", "value", "eulav", func(tx *Tx, key []byte) { tx.SetDeadline(key, testNow+1e6) }},
		{"has another name", "value", "eulav", func(tx *Tx, key []byte) { tx.Rename(key, append([]byte("z"), key...)) }},
	} {
		t.Run(unfit.name, func(t *testing.T) {
			st := opened(t, t.TempDir())
			const keys = 300
			set := func(i int, value, odd string, then func(tx *Tx, key []byte)) {
				must(t, st, 0, []string{fmt.Sprint("k", i)}, func(tx *Tx, k [][]byte) {
					if i%100 == 50 {
						tx.SetString(k[0], []byte(odd), 0)
						if then != nil {
							then(tx, k[0])
						}
					} else {
						tx.SetString(k[0], []byte(value), 0)
					}
				})
			}
			for i := range keys {
				set(i, "before", unfit.before, nil)
			}
			flushed(t, st)
			for i := range keys {
				set(i, "behind", unfit.now, unfit.then)
			}
			flushed(t, st)
			unloadAll(st)
			for i := range keys {
				switch {
				case i%100 != 50:
					wantGet(t, st, fmt.Sprint("k", i), "behind")
				case unfit.name == "has another name":
					wantGet(t, st, fmt.Sprint("zk", i), unfit.now)
				default:
					wantGet(t, st, fmt.Sprint("k", i), unfit.now)
				}
			}
			checked(t, st)
		})
	}
}

// An error that may have undone the transaction ends it, whatever would go well after it.
func TestAFailureWhileAStringIsWrittenOverEndsTheTransaction(t *testing.T) {
	const keys = 200
	old, fresh := strings.Repeat("a", 2000), strings.Repeat("b", 2000)
	for _, fault := range []error{sqlite3.IOERR_WRITE, sqlite3.FULL} {
		for nth := 1; ; nth++ {
			writes := 0
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use)
			for i := range keys {
				mustSet(t, st, fmt.Sprint("k", i), old)
			}
			flushed(t, st)
			err := st.onWriter(t.Context(), func(w *writer) error {
				// What does not fit SQLite's memory is written while the transaction is under way.
				if err := w.c.Exec(`PRAGMA cache_size = 10; PRAGMA cache_spill = 10`); err != nil {
					return err
				}
				d.breakWith(func(_ int, kind, file string, _ int) error {
					if kind == "write" && strings.Contains(file, databaseFile) {
						if writes++; writes == nth {
							return fault
						}
					}
					return nil
				})
				defer d.breakWith(nil)
				return w.transaction(func() {
					for id := int64(1); id <= keys; id++ {
						if e := (&entry{id: id, value: []byte(fresh)}); !w.overwrite(e) {
							w.setValue(e)
						}
					}
					w.over.close()
				})
			})
			if err == nil && writes < nth { // all have been tried
				closed(t, st)
				if nth <= 3 {
					t.Fatalf("only %d writes, though not all fits SQLite's memory", writes)
				}
				break
			}
			if err == nil {
				t.Fatalf("write %d of %d failed with %v, and the transaction did not", nth, writes, fault)
			}
			changed := int64(-1)
			if err := st.onWriter(t.Context(), func(w *writer) error {
				return queryInts(w.c, `SELECT count(*) FROM keys WHERE hex(substr(value, 1, 1)) <> '61'`, &changed)
			}); err != nil || changed != 0 {
				t.Errorf("write %d failed with %v, and %d rows have changed (%v)", nth, fault, changed, err)
			}
			closed(t, st)
		}
	}
}

package store

import (
	"fmt"
	"path/filepath"
	"testing"
)

// lighter lets folds go in slices that are not that large.
func lighter(t *testing.T, heavy int64, slice int) {
	t.Helper()
	h, s := heavyBytes, heavySlice
	heavyBytes, heavySlice = heavy, slice
	t.Cleanup(func() { heavyBytes, heavySlice = h, s })
}

// heavyWork is a record of many long values, under long names and short ones.
func heavyWork(t *testing.T, st *Store, long string) (names []string) {
	t.Helper()
	names = []string{"string", "hash", "list", longBytes(longName) + "string", "old", "gone"}
	must(t, st, 0, names, func(tx *Tx, k [][]byte) {
		tx.SetString(k[0], []byte(long), 0)
		tx.SetString(k[3], []byte(long[5:]), 0)
		for i := range 4 {
			hset(tx, k[1], fmt.Sprint(i, long), long)
			rpush(tx, k[2], fmt.Sprint(i), fmt.Sprint(i, long))
		}
		tx.SetString(k[4], []byte(long[9:]), 0)
		tx.Delete(k[5])
	})
	return names
}

func TestAHugeRecordLeavesTheWALShort(t *testing.T) {
	lighter(t, 4<<20, 1<<20)
	st := opened(t, t.TempDir())
	const bound = 4 << 20
	var highest int64
	d := newDisk(t)
	st = reopened(t, st, d.use)
	d.breakWith(func(_ int, kind, file string, n int) error {
		highest = max(highest, fileBytes(filepath.Join(st.dir, databaseFile+"-wal")))
		return nil
	})
	names := heavyWork(t, st, longBytes(5*chunkBytes))
	flushed(t, st)
	d.breakWith(nil)
	if highest == 0 || highest > bound {
		t.Errorf("the WAL has grown to %d bytes, of 1 MB a slice", highest)
	}
	unloadAll(st)
	checked(t, st)
	if printOf(t, st, names[1]) == "absent" {
		t.Error("the hash is not there")
	}
}

func TestAHeavyFoldThatIsInterruptedIsWrittenAgain(t *testing.T) {
	lighter(t, 1<<20, 512<<10)
	long := longBytes(2*chunkBytes + 50)
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "old", longBytes(5*chunkBytes))
	mustSet(t, st, "gone", longBytes(5*chunkBytes))
	flushed(t, st)
	names := heavyWork(t, st, long)
	want := map[string]string{}
	for _, name := range names {
		want[name] = printOf(t, st, name)
	}
	var killed []string
	before := d.ops()
	d.breakWith(func(op int, kind, file string, _ int) error {
		if (op-before)%shorter(200, 400) == 7 {
			killed = append(killed, copied(t, st.dir))
		}
		return nil
	})
	flushed(t, st)
	d.breakWith(nil)
	if len(killed) < 5 {
		t.Fatalf("only %d interruptions in %d changes", len(killed), d.ops()-before)
	}
	for i, dir := range killed {
		st := opened(t, dir)
		for name, print := range want {
			if got := printOf(t, st, name); got != print {
				t.Fatalf("interruption %d: %.40q is %s and was %s", i, name, got, print)
			}
		}
		checked(t, st)
		closed(t, st)
	}
	checked(t, st)
}

// copied copies a data directory as it stands.
func copied(t *testing.T, dir string) string {
	to := t.TempDir()
	copyFiles(t, filepath.Join(dir, "journal"), filepath.Join(to, "journal"))
	copyFiles(t, dir, to)
	return to
}

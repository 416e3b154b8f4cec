package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const copiedKeys = 3000

// fillCopy puts keys of all kinds into a copy, of databases 0 and 2.
func fillCopy(t testing.TB, c *Copy) {
	t.Helper()
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	for i := range copiedKeys {
		try(c.Key(0, fmt.Sprint("new", i), TypeString, int64(i%2)*(testNow+1000)))
		c.Part()
		try(c.Text(fmt.Sprint("value", i), true))
	}
	try(c.Key(0, "shared", TypeList, 0))
	for n := range 40_000 { // several parcels
		if n%1000 == 0 {
			c.Part()
		}
		try(c.Element(fmt.Sprint("element", n)))
	}
	try(c.Key(2, "long", TypeString, 0))
	c.Part()
	try(c.Text(bulkText(3*chunkBytes), false))
	c.Part()
	try(c.Text("end", true))
	try(c.Key(2, "hash", TypeHash, 0))
	c.Part()
	try(c.Field("f", "v", 0))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// withOld is a store that has keys of its own, and a completed copy beside them.
func withOld(t *testing.T, options ...func(*Options)) (*Store, *Copy) {
	st := opened(t, t.TempDir(), options...)
	for i := range 100 {
		mustSet(t, st, fmt.Sprint("old", i), "1")
	}
	mustSet(t, st, "shared", "old")
	must(t, st, 1, []string{"other"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("1"), 0) })
	c := st.BeginCopy(context.Background())
	fillCopy(t, c)
	if keys, err := c.Complete(); err != nil || keys != copiedKeys+3 {
		t.Fatalf("%d keys: %v", keys, err)
	}
	return st, c
}

func adopted(t testing.TB, st *Store, c *Copy) {
	t.Helper()
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) {
		tx.Adopt(c)
		tx.Select(tx.OwnDB())
		tx.SetString([]byte("position"), []byte("1"), 0)
	})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantOld(t testing.TB, st *Store) {
	t.Helper()
	wantGet(t, st, "shared", "old")
	wantAbsent(t, st, "new1")
	if keys := scanAll(t, st, 0, 10, ScanOptions{}); len(keys) != 101 {
		t.Fatalf("%d keys", len(keys))
	}
	if n := st.dbs[2].live; n != 0 {
		t.Fatalf("%d keys in database 2", n)
	}
}

func wantNew(t testing.TB, st *Store) {
	t.Helper()
	wantGet(t, st, "new0", "value0")
	wantAbsent(t, st, "old1")
	if keys := scanAll(t, st, 0, 10, ScanOptions{}); len(keys) != copiedKeys+1 {
		t.Fatalf("%d keys", len(keys))
	}
	must(t, st, 0, []string{"shared"}, func(tx *Tx, k [][]byte) {
		l, err := tx.List(k[0])
		if err != nil || l.Len() != 40_000 {
			t.Fatalf("a list of %d elements: %v", l.Len(), err)
		}
	})
	must(t, st, 2, []string{"long"}, func(tx *Tx, k [][]byte) {
		if v, err := tx.String(k[0]); err != nil || string(v) != bulkText(3*chunkBytes)+"end" {
			t.Fatalf("a string of %d bytes: %v", len(v), err)
		}
	})
	if st.dbs[1].live != 0 || st.dbs[2].live != 2 || st.dbs[0].expiring != copiedKeys/2 {
		t.Fatalf("databases of %d and %d keys, %d with a deadline", st.dbs[1].live, st.dbs[2].live, st.dbs[0].expiring)
	}
	if n, _, err := st.DBSize(0, testNow+1000, false); err != nil || n != copiedKeys/2+1 {
		t.Fatalf("%d keys have not expired: %v", n, err)
	}
}

// tidied waits until nothing is in the tables that no database has.
func tidied(t testing.TB, st *Store) {
	t.Helper()
	flushed(t, st)
	eventually(t, "the reaper's end", func() bool {
		left := int64(1)
		_ = st.readers.use(func(r *reader) error {
			return queryInts(r.c, `SELECT (SELECT count(*) FROM spaces WHERE db IS NULL) + (SELECT count(*) FROM garbage)`, &left)
		})
		return left == 0
	})
	checked(t, st)
}

func TestACopyTakesThePlaceOfAllDatabasesAtOnce(t *testing.T) {
	st, c := withOld(t)
	flushed(t, st)
	wantOld(t, st) // also while the reaper looks for spaces without a database
	adopted(t, st, c)
	wantNew(t, st)
	mustSet(t, st, "new0", "changed")
	mustDel(t, st, "new1")
	flushed(t, st)
	tidied(t, st)
	st = reopened(t, st)
	wantGet(t, st, "new0", "changed")
	wantAbsent(t, st, "new1")
	checked(t, st)
}

func TestAKillBesideACopyLeavesTheOldDataOrTheNew(t *testing.T) {
	st, c := withOld(t)
	before := opened(t, copyOf(t, st.dir))
	wantOld(t, before)
	tidied(t, before)

	adopted(t, st, c)
	after := opened(t, copyOf(t, st.dir))
	wantNew(t, after)
	tidied(t, after)

	mustSet(t, st, "new0", "changed")
	must(t, st, 0, nil, func(tx *Tx, _ [][]byte) { tx.FlushDB(2) })
	after = opened(t, copyOf(t, st.dir))
	wantGet(t, after, "new0", "changed")
	if after.dbs[2].live != 0 {
		t.Fatal("a database that was flushed after the copy has keys")
	}
	tidied(t, after)
	tidied(t, st) // both ways of the flushed space: never mapped here
}

func TestACopyThatIsGivenUpLeavesNothing(t *testing.T) {
	st, c := withOld(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	tidied(t, st)
	wantOld(t, st)
	c = st.BeginCopy(context.Background())
	if err := c.Key(0, "half", TypeList, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Element("x"), c.Close()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c = st.BeginCopy(ctx)
	cancel()
	err := c.Key(0, "k", TypeString, 0)
	if err == nil {
		c.Text("v", true)
		_, err = c.Complete()
	}
	if !isErr(err, context.Canceled) {
		t.Fatalf("a cancelled copy: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = st.BeginCopy(context.Background())
	fillCopy(t, c)
	if _, err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	adopted(t, st, c)
	wantNew(t, st)
	tidied(t, st)
}

func TestACopyWithAKeyTwiceIsRefused(t *testing.T) {
	st := opened(t, t.TempDir())
	c := st.BeginCopy(context.Background())
	for range 2 {
		_ = c.Key(0, "k", TypeString, 0)
		c.Part()
		_ = c.Text("v", true)
	}
	if _, err := c.Complete(); err == nil {
		t.Fatal("a copy has a key twice")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	tidied(t, st)
}

func TestTablesWithoutTheRowsOfACopyAreRefused(t *testing.T) {
	st, c := withOld(t)
	adopted(t, st, c)
	dir := copyOf(t, st.dir)
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	// The journal begins with record 1, from which the tables could be made anew but for the copy.
	if _, err := tryOpen(dir); !isErr(err, ErrCopyLost) {
		t.Fatalf("a start without the copy's rows: %v", err)
	}
}

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// memoryOf lowers SQLite's memory, in bytes, for the connections that are opened from now on.
func memoryOf(t *testing.T, writer, reader int64) {
	t.Helper()
	w, r := writerMemory.Load(), readerMemory
	writerMemory.Store(writer)
	readerMemory = reader
	t.Cleanup(func() { writerMemory.Store(w); readerMemory = r })
}

// The largest rows need between 36 and 40 MB of the writer's 64, and 6 of a reader's 32: 16
// with two columns of 256 KiB in a statement, while the cache is full of changed pages.
func TestTheLargestRowsNeedLessMemoryThanSQLiteHas(t *testing.T) {
	memoryOf(t, writerMemory.Load()*3/4, readerMemory/2)
	var log logged
	st := opened(t, t.TempDir(), log.use)
	long := longBytes(chunkBytes + 100)
	fill := func(value string) {
		must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) {
			for i := range 5 * putRows {
				hset(tx, k[0], fmt.Sprint(i, long), value)
			}
		})
		flushed(t, st)
	}
	fill(long)
	for i := range 30 {
		mustSet(t, st, fmt.Sprint(longBytes(longName), i), "v")
		mustSet(t, st, fmt.Sprint(longBytes(longName-10), i), long[:chunkBytes-1])
	}
	for i := range 12000 {
		mustSet(t, st, fmt.Sprint("k", i), long[:1000])
	}
	flushed(t, st)
	fill(long[3:])
	before := printOf(t, st, "h")
	unloadAll(st)
	if after := printOf(t, st, "h"); after != before {
		t.Errorf("%s was loaded and %s written", after, before)
	}
	if n := len(scanAll(t, st, 0, 1000, ScanOptions{})); n != 12061 {
		t.Errorf("a scan gives %d keys", n)
	}
	mustDel(t, st, "h")
	checked(t, st)
	if bad := log.with("failed"); bad != nil {
		t.Errorf("log: %.300q", bad)
	}
}

func TestAWriterWithoutMemoryRefusesWritesAndNothingIsLost(t *testing.T) {
	memoryOf(t, 4<<20, readerMemory)
	var log logged
	st := opened(t, t.TempDir(), log.use)
	mustSet(t, st, "before", "v")
	flushed(t, st)
	long := longBytes(3 * chunkBytes)
	for i := range 40 {
		must(t, st, 0, []string{"h"}, func(tx *Tx, k [][]byte) { hset(tx, k[0], fmt.Sprint(i, long), long) })
	}
	if err := st.Flush(); !errors.Is(err, ErrPanic) || !isErr(st.WriteError(), ErrPanic) {
		t.Fatalf("flush: %v; writes: %v", err, st.WriteError())
	}
	unloadAll(st)
	wantGet(t, st, "before", "v")
	writerMemory.Store(64 << 20)
	eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
	checked(t, st)
	if line := log.comes(t, "hash_fields"); !strings.Contains(line, "write-back failed") || strings.Contains(line, long[:100]) {
		t.Errorf("log: %.400q", log.with(""))
	}
	if s, err := st.Stats(false); err != nil || s.RowsSetAside != 0 {
		t.Errorf("%d rows set aside, %v", s.RowsSetAside, err)
	}
}

// A panic in the middle of a call leaves a connection that must not be used again, with its locks.
func TestAPanicInTheMiddleOfACallEndsTheConnectionAndNotTheServer(t *testing.T) {
	for _, where := range []string{"write", "sync", "truncate"} {
		t.Run("write-back, at a "+where, func(t *testing.T) {
			d := newDisk(t)
			var log logged
			st := opened(t, t.TempDir(), d.use, log.use)
			mustSet(t, st, "before", "v")
			flushed(t, st)
			d.breakWith(func(_ int, kind, file string, _ int) error {
				if strings.HasPrefix(file, databaseFile) && kind == where {
					panic("a defect")
				}
				return nil
			})
			mustSet(t, st, "k", "v")
			if where != "truncate" {
				if err := st.Flush(); !errors.Is(err, ErrPanic) {
					t.Fatalf("flush: %v", err)
				}
				eventually(t, "a log line with the place of the panic", func() bool {
					lines := log.with("a defect")
					return len(lines) == 1 && strings.Contains(lines[0], "goroutine")
				})
			}
			unloadAll(st)
			wantGet(t, st, "before", "v")
			d.breakWith(nil)
			eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
			mustSet(t, st, "again", "v")
			checked(t, st)
			unloadAll(st)
			wantGet(t, st, "k", "v")
			checked(t, reopened(t, st, d.use))
		})
	}
	t.Run("a load", func(t *testing.T) {
		d := newDisk(t)
		st := opened(t, t.TempDir(), d.use)
		for i := range 3000 {
			mustSet(t, st, fmt.Sprint("k", i), strings.Repeat("v", 2000))
		}
		st = reopened(t, st, d.use)
		d.reads(func(string) { panic("a defect") })
		if _, _, err := get(st, "k7"); !errors.Is(err, ErrPanic) {
			t.Fatalf("GET: %v", err)
		}
		if _, _, _, err := st.Scan(0, 0, 10, testNow, ScanOptions{}, false); err == nil {
			t.Error("a scan found something")
		}
		st.Sweep(testNow)
		d.reads(nil)
		wantGet(t, st, "k7", strings.Repeat("v", 2000))
		checked(t, st)
	})
}

// reads is called before each read of SQLite's.
func (d *disk) reads(fn func(file string)) {
	d.mu.Lock()
	d.reading = fn
	d.mu.Unlock()
}

// intrude puts a row into the database that is not the store's.
func intrude(t *testing.T, st *Store, sql string) {
	t.Helper()
	c, err := sqlite3.Open("file:" + filepath.Join(st.dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	// Its checkpoints would write pages without our checksums, which is damage: see page-checksums.
	if err := errors.Join(c.Exec(`PRAGMA busy_timeout = 5000; PRAGMA wal_autocheckpoint = 0`), c.Exec(sql), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// refusing keeps the key "ours" out of the tables.
const refusing = `CREATE TRIGGER refused BEFORE INSERT ON keys WHEN new.key = CAST('ours' AS BLOB)
	BEGIN SELECT RAISE(ABORT, 'not here'); END`

func TestARowThatTheTablesRefuseIsSetAsideAndTheOthersGoOn(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use)
	mustSet(t, st, "first", "v") // id 1
	must(t, st, 0, []string{"list"}, func(tx *Tx, k [][]byte) { rpush(tx, k[0], "a", "b") })
	flushed(t, st)
	intrude(t, st, refusing)
	intrude(t, st, `UPDATE list_runs SET data = CAST('no run' AS BLOB)`)
	mustSet(t, st, "third", "v")
	must(t, st, 0, []string{"ours"}, func(tx *Tx, k [][]byte) { hset(tx, k[0], "f", "v") }) // id 4
	must(t, st, 0, []string{"list"}, func(tx *Tx, k [][]byte) { rpush(tx, k[0], "c") })
	for i := range 100 {
		mustSet(t, st, fmt.Sprint("k", i), "v")
	}
	eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
	wantAside := func(n int64) {
		t.Helper()
		if s, err := st.Stats(false); err != nil || s.RowsSetAside != n {
			t.Fatalf("%d rows set aside, %v; want %d", s.RowsSetAside, err, n)
		}
	}
	wantAside(2)
	if lines := log.with("set aside"); len(lines) != 2 || !strings.Contains(strings.Join(lines, ""), "ours") {
		t.Errorf("log: %q", lines)
	}
	kept, err := filepath.Glob(filepath.Join(st.dir, "aside", "*"+asideSuffix))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept: %q, %v", kept, err)
	}
	b, err := os.ReadFile(kept[0])
	if s := string(b); err != nil || !strings.HasPrefix(s, asideMagic) || !strings.Contains(s, "ours") || !strings.Contains(s, "not here") {
		t.Errorf("kept: %q, %v", b, err)
	}

	must(t, st, 0, []string{"ours"}, func(tx *Tx, k [][]byte) { hset(tx, k[0], "g", "w") }) // of a key that has no row
	mustSet(t, st, "later", "v")
	flushed(t, st)
	wantAside(3)
	st = reopened(t, st, log.use)
	wantAside(3)
	for _, key := range []string{"first", "third", "later", "k0", "k99"} {
		wantGet(t, st, key, "v")
	}
	intrude(t, st, `DROP TRIGGER refused`)
	must(t, st, 0, []string{"ours"}, func(tx *Tx, k [][]byte) { hset(tx, k[0], "f", "v") }) // as another key
	flushed(t, st)
	wantAside(3)
	if n := rowsIn(t, st, "hash_fields"); n != 1 {
		t.Errorf("%d fields in the tables", n)
	}
}

func init() {
	sqlite3.AutoExtension(func(c *sqlite3.Conn) error {
		return c.CreateFunction("spoil", 0, sqlite3.INNOCUOUS, func(sqlite3.Context, ...sqlite3.Value) { panic("a defect") })
	})
}

func TestARowThatEndsInAPanicIsSetAside(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use)
	mustSet(t, st, "before", "v")
	flushed(t, st)
	intrude(t, st, `CREATE TRIGGER spoiled BEFORE INSERT ON keys WHEN new.key = x'706f69736f6e' BEGIN SELECT spoil(); END`)
	mustSet(t, st, "a", "v")
	mustSet(t, st, "poison", "v")
	mustSet(t, st, "b", "v")
	eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
	if s, err := st.Stats(false); err != nil || s.RowsSetAside != 1 {
		t.Fatalf("%d rows set aside, %v", s.RowsSetAside, err)
	}
	if lines := log.with("set aside"); len(lines) != 1 || !strings.Contains(lines[0], "poison") || !strings.Contains(lines[0], "a defect") {
		t.Errorf("log: %.300q", lines)
	}
	st = reopened(t, st)
	for _, key := range []string{"before", "a", "b"} {
		wantGet(t, st, key, "v")
	}
	wantAbsent(t, st, "poison")
}

func TestAStartSetsAsideWhatTheTablesRefuse(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "before", "v")
	flushed(t, st)
	intrude(t, st, refusing)
	intrude(t, st, `CREATE TRIGGER spoiled BEFORE INSERT ON keys WHEN new.key = x'706f69736f6e' BEGIN SELECT spoil(); END`)
	for _, key := range []string{"a", "ours", "poison", "b"} {
		mustSet(t, st, key, "v")
	}
	st = opened(t, d.killed(t, st.dir))
	if s, err := st.Stats(false); err != nil || s.RowsSetAside != 2 {
		t.Fatalf("%d rows set aside, %v", s.RowsSetAside, err)
	}
	for _, key := range []string{"before", "a", "b"} {
		wantGet(t, st, key, "v")
	}
}

func TestAProcessKeepsNoMoreThanSomeConnectionsThatItCanNotGiveUp(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	for i := range 3000 {
		mustSet(t, st, fmt.Sprint("k", i), strings.Repeat("v", 2000))
	}
	st = reopened(t, st, d.use)
	abandoned.Store(mostAbandoned)
	defer abandoned.Store(0)
	d.reads(func(string) { panic("a defect") })
	for i := range 10 {
		_, _, _ = get(st, fmt.Sprint("k", 300*i))
	}
	d.reads(nil)
	if _, _, err := get(st, "k7"); !errors.Is(err, ErrPanic) || !strings.Contains(err.Error(), "restart") {
		t.Errorf("GET: %v", err)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// indexedDir is the directory of a store that was closed, with a set that has an index.
func indexedDir(t *testing.T) string {
	t.Helper()
	st := opened(t, t.TempDir(), func(o *Options) { o.pagedElements = 16 })
	must(t, st, 1, []string{"set"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditSet(k[0])
		for i := range 200 {
			s.Add(fmt.Appendf(nil, "member %d", i))
		}
	})
	flushed(t, st)
	unloadAll(st)
	eventually(t, "the index", func() bool { return st.paged.count() == 1 })
	closed(t, st)
	return st.dir
}

// changedTables changes the tables of a directory that nobody has open, behind the store's back.
func changedTables(t *testing.T, dir, sql string) {
	t.Helper()
	c, err := openDB(dir, "", writerMemory.Load(), false)
	if err == nil {
		err = errors.Join(c.Exec(sql+`; PRAGMA wal_checkpoint(TRUNCATE)`), closeConn(c))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// faultsOf are what Check finds, a line each.
func faultsOf(t *testing.T, o *Outside, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	faults, err := o.Check(context.Background(), func(_ string, n, of int) {
		if n != last+1 || n > of {
			t.Errorf("part %d of %d comes after part %d", n, of, last)
		}
		last = n
	})
	if err := errors.Join(err, o.Close()); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range faults {
		text += f.Error() + "\n"
	}
	return text
}

func checkedOutside(t *testing.T, dir string) string {
	t.Helper()
	o, err := OpenOutside(dir, time.Second)
	return faultsOf(t, o, err)
}

func TestADamagedIndexOfElementsIsFoundFromOutside(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"", ""},
		{`DELETE FROM element_index WHERE hash = (SELECT min(hash) FROM element_index)`, "its index lacks 1 rows of set_members"},
		{`UPDATE element_index SET hash = hash + 1 WHERE hash = (SELECT max(hash) FROM element_index)`, "its index lacks 1 rows of set_members"},
		{`INSERT INTO element_index (id, hash, n) VALUES (12345, 1, 1)`, "1 entries in element_index of no indexed key"},
		{`UPDATE indexed_keys SET elements = elements + 1`, "1 indexed keys with a wrong number of entries"},
		{`UPDATE indexed_keys SET below = 1`, "has 200 above its bound"},
		{`DELETE FROM set_members WHERE n = (SELECT min(n) FROM set_members)`, "199 rows of set_members are in the index, which has 200"},
		// Another program that knows nothing of the index has changed the tables, or an older one had made them.
		{`DELETE FROM element_index; UPDATE meta SET value = value - 1 WHERE name = 'indexed_lsn'`, ""},
		{`DROP TABLE element_index; DROP TABLE indexed_keys`, ""},
	} {
		dir := indexedDir(t)
		changedTables(t, dir, c.sql)
		if got := checkedOutside(t, dir); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.sql, got, c.want)
		}
	}
}

func TestADatabaseFileIsLookedAtAlone(t *testing.T) {
	dir := indexedDir(t)
	text, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	written := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := written("copy.db", text)
	o, err := OpenOutsideFile(file, false)
	if got := faultsOf(t, o, err); got != "" {
		t.Errorf("a sound one: %s", got)
	}
	if beside, err := filepath.Glob(file + "?*"); err != nil || len(beside) > 0 {
		t.Errorf("beside it: %q, %v", beside, err)
	}

	o, err = OpenOutsideFile(file, false)
	if err != nil {
		t.Fatal(err)
	}
	f, err := o.Figures()
	if err != nil || f.Keys != 1 || f.DatabaseBytes != int64(len(text)) || f.LastEnd != "" {
		t.Errorf("%+v, %v", f, err)
	}
	if err := os.WriteFile(file, append(text[:len(text):len(text)], 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err == nil || !strings.Contains(err.Error(), "was written to meanwhile") {
		t.Errorf("one that was written to: %v", err)
	}

	damaged := []byte(strings.Replace(string(text), "member 123", "member 923", 1))
	o, err = OpenOutsideFile(written("copy.db", damaged), false)
	if got := faultsOf(t, o, err); !strings.Contains(got, "does not fit its checksum") {
		t.Errorf("a damaged one: %q", got)
	}
	o, err = OpenOutsideFile(written("copy.db", damaged), true)
	if got := faultsOf(t, o, err); !strings.Contains(got, "its index lacks 1 rows") {
		t.Errorf("without checksums: %q", got)
	}

	changedTables(t, dir, `INSERT INTO meta (name, value) VALUES ('ahead_lsn', 1000)`)
	if text, err = os.ReadFile(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	o, err = OpenOutsideFile(written("copy.db", text), false)
	if got := faultsOf(t, o, err); got != errHalfAlone.Error()+"\n" {
		t.Errorf("of the middle of a write-back: %q", got)
	}
}

func TestADatabaseFileIsNotLookedAtAloneIfItIsNot(t *testing.T) {
	dir := indexedDir(t)
	if err := os.Symlink(filepath.Join(dir, databaseFile), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	for name, b := range map[string][]byte{"copy.db": text, "copy.db-wal": {1}, "rolls.db": text, "rolls.db-journal": {1},
		"none.db": []byte("no database"), "empty.db": {}, "short.db": text[:5000]} {
		if err := os.WriteFile(filepath.Join(other, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		filepath.Join(dir, databaseFile): "is the database of a data directory",
		filepath.Join(dir, "link"):       "is the database of a data directory",
		filepath.Join(other, "copy.db"):  "copy.db-wal stands beside",
		filepath.Join(other, "rolls.db"): "rolls.db-journal stands beside",
		filepath.Join(other, "none.db"):  "is no copy of a database of Diskette's",
		filepath.Join(other, "empty.db"): "is no copy of a database of Diskette's",
		filepath.Join(other, "short.db"): "damaged",
		filepath.Join(other, "missing"):  "no such file",
	} {
		o, err := OpenOutsideFile(file, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
		if err == nil {
			o.Close()
		}
	}
}

// TestStatisticsAreReadFromOutside compares what is read from the file with what the store knows.
func TestStatisticsAreReadFromOutside(t *testing.T) {
	st := opened(t, t.TempDir())
	tallied(t, st, nil)
	set := func(db int, names ...string) {
		must(t, st, db, names, func(tx *Tx, k [][]byte) {
			for _, name := range k {
				tx.SetString(name, []byte("value"), 0)
				tx.View.String(name)
			}
		})
	}
	for i := range 50 {
		set(0, fmt.Sprintf("user:%d:name", i), fmt.Sprint("item:", i), "plain")
	}
	set(3, "user:1:name")
	must(t, st, 3, []string{"user:1:name"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
	set(0, "a\xff:b")
	kept := keptTallies(st, nil)
	now := time.Now().UnixMilli()
	want := map[int]CacheStats{0: cacheStats(t, st, 0, now), 3: cacheStats(t, st, 3, now)}
	must(t, st, st.OwnDB(), []string{"kept:test"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		for name, value := range kept {
			h.Set([]byte(name), []byte(value))
		}
	})
	look := func(what string, since int64) {
		t.Helper()
		o, err := OpenOutside(st.dir, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := o.OwnHash("kept:test")
		if err != nil || len(hash) != len(kept) {
			t.Fatalf("%s: %d values of %d, %v", what, len(hash), len(kept), err)
		}
		stats, err := o.CacheStats(hash, now)
		if err := errors.Join(err, o.Close()); err != nil || stats == nil {
			t.Fatalf("%s: %v, %v", what, stats, err)
		}
		if len(stats.Databases) != 2 || stats.Since != since {
			t.Errorf("%s: %d databases, %d records since", what, len(stats.Databases), stats.Since)
		}
		for _, got := range stats.Databases {
			w := want[got.DB]
			if got.Counts != w.Counts || got.Present != w.Present || got.Since != w.Since || got.Keys != w.Keys || got.Sampled != w.Sampled {
				t.Errorf("%s: database %d is\n%+v, want\n%+v", what, got.DB, got, w)
			}
			for level := 1; level <= 2; level++ {
				g, w := got.Fullest(level, anyPrefix), w.Fullest(level, anyPrefix)
				if len(g) != len(w) {
					t.Fatalf("%s: database %d has %d prefixes of level %d, want %d", what, got.DB, len(g), level, len(w))
				}
				for i := range g {
					if *g[i] != *w[i] {
						t.Errorf("%s: database %d: %+v, want %+v", what, got.DB, *g[i], *w[i])
					}
				}
			}
		}
	}
	flushed(t, st)
	look("while it is served", 1)
	closed(t, st)
	look("of a closed one", 1)

	o, err := OpenOutside(st.dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if hash, err := o.OwnHash("none"); err != nil || len(hash) > 0 {
		t.Errorf("a hash that is not there: %q, %v", hash, err)
	}
	if stats, err := o.CacheStats(map[string]string{}, now); stats != nil || err != nil {
		t.Errorf("nothing kept: %v, %v", stats, err)
	}
	kept["flows/0"] = "\xff\xff"
	if _, err := o.CacheStats(kept, now); err == nil || !strings.Contains(err.Error(), "database 0: ") {
		t.Errorf("kept in another form: %v", err)
	}
}

func anyPrefix(string) bool { return true }

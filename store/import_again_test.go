package store

import (
	"path/filepath"
	"testing"
	"time"
)

// A copy of a directory with imported data is restored: what it says of its import is of another time and number.
func TestARestoredDirectoryNamesOneImport(t *testing.T) {
	first := Options{Dir: t.TempDir()}
	im, err := NewImport(first)
	if err != nil {
		t.Fatal(err)
	}
	imported, err := im.Open(Options{})
	if err == nil {
		err = imported.Close()
	}
	if err == nil {
		_, err = im.Finish("old.rdb")
	}
	if err != nil {
		t.Fatal(err)
	}
	st := opened(t, first.Dir)
	for _, key := range []string{"a", "b", "c"} {
		mustSet(t, st, key, "v")
	}
	closed(t, st)
	dir := t.TempDir()
	restored, err := Restore(t.Context(), Source{File: filepath.Join(first.Dir, databaseFile)}, Options{Dir: dir}, func(string, int, int) {})
	if err != nil || restored.Keys != 3 {
		t.Fatalf("%d keys are restored: %v", restored.Keys, err)
	}
	var names int64
	again := opened(t, dir)
	got := again.Imported()
	err = again.readers.use(func(r *reader) error {
		return queryInts(r.c, `SELECT count(*) FROM meta WHERE name LIKE '`+importedPrefix+`%'`, &names)
	})
	if err != nil || names != 1 || got.Source != databaseFile || got.Keys != 3 || time.Since(got.Time) > time.Hour {
		t.Errorf("%d imports, %v; the directory says %+v", names, err, got)
	}
}

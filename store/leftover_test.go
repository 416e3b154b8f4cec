package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWhatIsLeftIsRemovedAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	stays := map[string]bool{
		"b.db.123.tmp": false, "b.db.4.tmp": false, "b.db.held.tmp": true, "b.db.5.tmp": true, // held
		"b.db.6.tmp": true, // young
		"b.db":       true, "b.db.7": true, "b.db.8x.tmp": true, "b.db..tmp": true, "c.db.9.tmp": true,
	}
	for name := range stays {
		path := filepath.Join(dir, name)
		if name == "b.db.4.tmp" {
			if err := os.MkdirAll(filepath.Join(path, "in it"), 0o700); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != "b.db.6.tmp" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	held, err := Hold(filepath.Join(dir, "b.db.5.tmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	RemoveLeft(dir, "b.db.", ".tmp")
	for name, stay := range stays {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != stay {
			t.Errorf("%s: %v", name, err)
		}
	}
}

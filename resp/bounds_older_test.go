package resp

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/rs/zerolog"

	"diskette/store"
)

// An older version took an evicting policy for nothing, and stored more than that means today.
func TestAStartOnMoreThanIsAssumedForMaxdiskSaysSoAndEvictsNothing(t *testing.T) {
	cfg, _, err := LoadConfig([]string{"--dir", t.TempDir(), "--maxmemory", "1mb", "--maxmemory-policy", "allkeys-lru"})
	if err != nil {
		t.Fatal(err)
	}
	dir := cfg.Text("dir")
	open := func(b *store.Bounds, hooks store.Hooks) *store.Store {
		st, err := store.Open(store.Options{Dir: dir, MaxMemory: 1 << 20, Bounds: b, Hooks: hooks})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := open(nil, store.Hooks{})
	const keys, bytes = 300, 64 << 10
	for i := range keys {
		st.Lock()
		tx := st.Begin(0, 1)
		tx.SetString([]byte{'k', byte(i), byte(i >> 8)}, []byte(strings.Repeat("v", bytes)), 0)
		tx.End()
		st.Unlock()
	}
	if err := st.Flush(); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite3.Open("file:" + filepath.Join(dir, "diskette.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Exec(`PRAGMA wal_autocheckpoint = 0; DELETE FROM meta WHERE name = 'before_bounds'`), c.Close(), st.Close()); err != nil {
		t.Fatal(err)
	}

	var log strings.Builder
	s := newServer(cfg, zerolog.New(&log))
	b, err := s.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	st = open(b, s.Hooks())
	s.Start(st)
	s.Stop(0)
	if told := log.String(); strings.Count(told, "\n") != 1 || !strings.Contains(told, `"level":"warn"`) ||
		!strings.Contains(told, "more here than the 10 MB that would be assumed") || !strings.Contains(told, "set maxdisk") {
		t.Errorf("it says: %s", told)
	}
	if n := st.DatabaseStatsLocked(1)[0].Keys; n != keys || st.Bounds().Disk < 2*keys*bytes {
		t.Errorf("%d keys are there, of %d, with a bound of %d bytes", n, keys, st.Bounds().Disk)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

package compat_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// checkpointed does to a served database what Litestream does: it writes into a table of its own and checkpoints the
// WAL, which knows nothing of the pages' checksums, and makes it empty.
func checkpointed(t *testing.T, dir string) {
	t.Helper()
	c, err := sqlite3.Open("file:" + filepath.Join(dir, "diskette.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Exec(`PRAGMA busy_timeout = 20000; CREATE TABLE IF NOT EXISTS others (id INTEGER PRIMARY KEY, n INTEGER);
		INSERT INTO others VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1; PRAGMA wal_checkpoint(TRUNCATE)`)
	if closed := c.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWithoutPageChecksumsAnotherProgramMayCheckpoint(t *testing.T) {
	s := startServer(t, subjectBin(t), "--page-checksums", "no", "--maxmemory", "8mb")
	value := func(round, n int) string { return strings.Repeat(fmt.Sprint(round, " ", n, " "), 100) }
	const rounds, keys = 2, 300
	for round := range rounds {
		c := dial(t, s.Addr)
		for n := range keys {
			c.Send("SET", fmt.Sprint("key:", n), value(round, n))
		}
		for range keys {
			if v := c.Receive(); v.text != "OK" {
				t.Fatal(v)
			}
		}
		// The export waits until the tables have it all.
		if out := succeeds(t, "export", filepath.Join(t.TempDir(), "x.rdb"), s.Dir); out == "" {
			t.Error("nothing was exported")
		}
		checkpointed(t, s.Dir)
		if round%2 == 1 {
			s.Kill9()
			s.Restart()
		}
	}
	succeeds(t, "check", s.Dir)
	c := dial(t, s.Addr)
	for n := range keys {
		says(t, c, value(rounds-1, n), "GET", fmt.Sprint("key:", n))
	}
	file, restored := filepath.Join(t.TempDir(), "b.db"), newServer(t, subjectBin(t))
	succeeds(t, "backup", s.Dir, file)
	succeeds(t, "restore", file, restored.Dir)
	s.Terminate()
	var stats struct{ Format, Keys int }
	if err := json.Unmarshal([]byte(succeeds(t, "stats", "--json", restored.Dir)), &stats); err != nil || stats.Format != 4 || stats.Keys != keys {
		t.Errorf("%+v, %v", stats, err)
	}
	restored.start(nil) // with checksums that are compared
	says(t, dial(t, restored.Addr), value(rounds-1, keys-1), "GET", fmt.Sprint("key:", keys-1))
	if strings.Contains(restored.Log.String(), "checksums are not compared") {
		t.Errorf("%s", restored.Log)
	}
}

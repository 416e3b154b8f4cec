package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

func TestAnotherProgramsLockIsNamedAndWritesGoOnAfterIt(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use, func(o *Options) { o.WriteBackRows = 100 })
	mustSet(t, st, "k", "v")
	flushed(t, st)
	c, err := sqlite3.Open("file:" + filepath.Join(st.dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(`PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	mustSet(t, st, "k", "w")
	begun := time.Now()
	err = st.Flush()
	if took := time.Since(begun); !isErr(err, ErrLocked) || took < flushPatience-lockPatience || took > time.Minute {
		t.Errorf("Flush: %v after %v", err, took)
	}
	mustSet(t, st, "k", "x") // there is room
	if err := st.WriteError(); err != nil {
		t.Errorf("writes are refused: %v", err)
	}
	for i := 0; st.WriteError() == nil; i++ {
		begun = time.Now()
		mustSet(t, st, fmt.Sprint("k", i), "v")
		if i > 10_000 {
			t.Fatal("writes go on and on")
		}
	}
	if waited := time.Since(begun); waited > time.Minute {
		t.Errorf("a write was held up for %v", waited)
	}
	if err := st.WriteError(); !isErr(err, ErrLocked) {
		t.Errorf("writes are refused: %v", err)
	}
	if err := c.Exec(`ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the refusal", func() bool { return st.WriteError() == nil })
	flushed(t, st)
	wantGet(t, st, "k", "x")
	lines := []string{"waits for another program's lock", "lock is gone"}
	for _, line := range lines {
		log.comes(t, line)
	}
	checked(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines { // and nothing more since
		log.comes(t, line)
	}
}

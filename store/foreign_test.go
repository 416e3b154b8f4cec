package store

import (
	"fmt"
	"strings"
	"testing"
)

const intrudingRow = `INSERT INTO keys (id, space, key, type, expires_ms, chunked, value)
	VALUES (%d, 1, CAST('%s' AS BLOB), 1, 0, 0, CAST('theirs' AS BLOB))`

func TestAnotherProgramsRowsTakeNoKeysPlace(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use)
	mustSet(t, st, "first", "v") // id 1
	flushed(t, st)
	for id, name := range map[int]string{2: "intruder", 3: "name", 100: "far"} {
		intrude(t, st, fmt.Sprintf(intrudingRow, id, name))
	}
	mustSet(t, st, "ours", "v")  // id 2
	mustSet(t, st, "other", "v") // id 3
	mustSet(t, st, "name", "v")
	flushed(t, st)
	if err := st.WriteError(); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"first": "v", "ours": "v", "other": "v", "name": "v", "intruder": "theirs", "far": "theirs"}
	holdsAll := func() {
		t.Helper()
		for key, value := range all {
			wantGet(t, st, key, value)
		}
		if n := len(scanAll(t, st, 0, 10, ScanOptions{})); n != len(all) {
			t.Errorf("SCAN finds %d keys", n)
		}
		checked(t, st)
		if s, err := st.Stats(false); err != nil || s.RowsSetAside != 0 {
			t.Errorf("%d rows set aside, %v", s.RowsSetAside, err)
		}
	}
	holdsAll()
	lines := log.with("another program has written")
	if len(lines) != 1 || !strings.Contains(lines[0], "intruder") || !strings.Contains(lines[0], "name") {
		t.Errorf("log: %q", lines)
	}
	for i := range 110 { // past the ids that the others have
		mustSet(t, st, fmt.Sprint("k", i), "v")
		all[fmt.Sprint("k", i)] = "v"
	}
	flushed(t, st)
	holdsAll()
	st = reopened(t, st, log.use)
	holdsAll()
	if lines := log.with("another program has written"); len(lines) != 1 {
		t.Errorf("log: %q", lines)
	}
}

func TestAnotherProgramsRowsDoNotEndAStart(t *testing.T) {
	d := newDisk(t)
	var log logged
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "first", "v")
	flushed(t, st)
	intrude(t, st, fmt.Sprintf(intrudingRow, 2, "intruder"))
	intrude(t, st, fmt.Sprintf(intrudingRow, 3, "name"))
	intrude(t, st, fmt.Sprintf(intrudingRow, int64(1)<<62, "high"))
	intrude(t, st, fmt.Sprintf(intrudingRow, -5, "low"))
	mustSet(t, st, "ours", "v")
	mustSet(t, st, "name", "v")
	st = opened(t, d.killed(t, st.dir), log.use)
	mustSet(t, st, "later", "v")
	flushed(t, st)
	for range 2 {
		for _, key := range []string{"first", "ours", "name", "later"} {
			wantGet(t, st, key, "v")
		}
		for _, key := range []string{"intruder", "high", "low"} {
			wantGet(t, st, key, "theirs")
		}
		checked(t, st)
		st = reopened(t, st, log.use)
	}
	if lines := log.with("another program has written"); len(lines) == 0 || len(lines) > 2 {
		t.Errorf("log: %q", lines)
	}
}

func TestAnotherProgramThatWritesOnAndOnIsToldOfOnceAMinute(t *testing.T) {
	var log logged
	st := opened(t, t.TempDir(), log.use)
	for i := range 5 {
		intrude(t, st, fmt.Sprintf(`INSERT INTO meta (name, value) VALUES ('theirs%d', 1)`, i))
		mustSet(t, st, fmt.Sprint("k", i), "v")
		flushed(t, st)
	}
	if lines := log.with("another program has written"); len(lines) != 1 {
		t.Errorf("log: %q", lines)
	}
}

func TestAnotherProgramsTypeIsNoPanic(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "first", "v")
	st = reopened(t, st)
	intrude(t, st, strings.Replace(fmt.Sprintf(intrudingRow, 2, "strange"), "1, 0, 0", "99, 0, 0", 1))
	if _, _, err := get(st, "strange"); !isErr(err, errNoType) {
		t.Errorf("GET: %v", err)
	}
	if st.Damaged() {
		t.Error("it counts as damage")
	}
}

func TestAnotherProgramsRowIsNotTakenForAKeyThatHasItsID(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "first", "v")
	st = reopened(t, st) // from now on what memory does not know is looked up
	intrude(t, st, fmt.Sprintf(intrudingRow, 2, "intruder"))
	mustSet(t, st, "ours", "v") // id 2
	if err := set(st, "intruder", "changed"); !isErr(err, errForeign) {
		t.Fatalf("SET of a key that has the id of another: %v", err)
	}
	eventually(t, "another id", func() bool { return set(st, "intruder", "changed") == nil })
	wantGet(t, st, "ours", "v")
	st = reopened(t, st)
	wantGet(t, st, "ours", "v")
	wantGet(t, st, "intruder", "changed")
	checked(t, st)
}

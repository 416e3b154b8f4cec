package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// salvaged starts on a directory with salvage, checks the store, and returns which keys are not as they were.
func (d damagedDir) salvaged(t *testing.T) (lost []string, report string) {
	t.Helper()
	before := contents(t, d.dir)
	st := opened(t, d.dir, smallSegments, func(o *Options) { o.OnDamage = Salvage })
	checked(t, st)
	for key, value := range d.keys {
		got, ok, err := get(st, key)
		if err != nil {
			t.Fatalf("GET %s: %v", key, err)
		}
		if ok && got != value {
			t.Errorf("%s is %s, was %s", key, brief(got), brief(value))
		}
		if !ok {
			lost = append(lost, key)
		}
	}
	mustSet(t, st, "one more", "v")
	wantGet(t, reopened(t, st, smallSegments), "one more", "v")

	after := contents(t, d.dir)
	aside := map[string]bool{} // contents
	for _, path := range listed(t, d.dir) {
		aside[after[path]] = true
	}
	old, _ := filepath.Glob(filepath.Join(d.dir, databaseFile+".damaged-*.journal", "*"))
	for _, path := range old {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		aside[string(b)] = true
	}
	for path, content := range before {
		if !aside[content] && filepath.Base(path) != reserveFile {
			t.Errorf("%s is not among what was set aside", path)
		}
	}
	reports, _ := filepath.Glob(filepath.Join(d.dir, "*-lost.txt"))
	if len(reports) != 1 {
		t.Fatalf("reports: %q", reports)
	}
	return lost, after[reports[0]]
}

// TestSalvageGoesOnWithAllThatCanBeRead says how many of the keys are there: half of the 120
// are in the tables, and half in the journal.
func TestSalvageGoesOnWithAllThatCanBeRead(t *testing.T) {
	killed := killedDir(t, false)
	segments, _ := filepath.Glob(filepath.Join(killed.dir, "journal", "*.journal"))
	for _, c := range []struct {
		file, harm string
		most       int // keys that may be lost
	}{
		{"diskette.state", "lost", 0},
		{"diskette.state", "emptied", 0},
		{"diskette.db", "lost", 60},
		{"diskette.db", "emptied", 60},
		{"diskette.db-wal", "lost", 60},
		{"journal/" + filepath.Base(segments[0]), "lost", 40},
		{"journal/" + filepath.Base(segments[0]), "flipped at the start", 0},
		{"journal/" + filepath.Base(segments[0]), "flipped in the middle", 1},
		{"journal/" + filepath.Base(segments[1]), "flipped in the middle", 1},
		{"journal/" + filepath.Base(segments[len(segments)-1]), "flipped in the middle", 1},
		{"journal/" + filepath.Base(segments[len(segments)-1]), "flipped at the end", 1},
		{"journal/" + filepath.Base(segments[len(segments)-1]), "cut in the middle", 40},
	} {
		t.Run(c.file+" "+c.harm, func(t *testing.T) {
			d := killed.copied(t)
			for _, harm := range harms {
				if harm.name == c.harm {
					d.harm(t, c.file, harm.do)
				}
			}
			lost, report := d.salvaged(t)
			if len(lost) > c.most {
				t.Errorf("%d keys are lost, should be at most %d: %s", len(lost), c.most, report)
			}
			if len(lost) > 0 && !strings.Contains(report, "lost") {
				t.Errorf("%d keys are lost, and the report is: %s", len(lost), report)
			}
		})
	}
}

// withCollections is a directory, closed in order, with keys of all types in many pages.
func withCollections(t *testing.T) damagedDir {
	st := opened(t, t.TempDir())
	keys := map[string]string{}
	for i := range 1000 {
		key, value := fmt.Sprint("string", i), strings.Repeat(fmt.Sprint("v", i), 40)
		mustSet(t, st, key, value)
		keys[key] = value
	}
	for i := range 6 {
		key, value := fmt.Sprint("long", i), strings.Repeat(fmt.Sprint("w", i), 150_000)
		mustSet(t, st, key, value)
		keys[key] = value
	}
	for i := range 100 {
		must(t, st, 0, []string{fmt.Sprint("hash", i), fmt.Sprint("list", i)}, func(tx *Tx, k [][]byte) {
			l, err := tx.EditList(k[1])
			if err != nil {
				t.Fatal(err)
			}
			for f := range 50 {
				hset(tx, k[0], fmt.Sprint("field", f), strings.Repeat("x", 60))
				l.Push(Tail, []byte(strings.Repeat("y", 60)))
			}
		})
	}
	closed(t, st)
	return damagedDir{st.dir, keys}
}

func TestSalvageReadsAroundPagesThatCanNotBeRead(t *testing.T) {
	whole := withCollections(t)
	some := 0
	for tenth := 1; tenth < 10; tenth++ {
		t.Run(fmt.Sprint(tenth, " tenths"), func(t *testing.T) {
			const pages = 3
			d := whole.copied(t)
			d.harm(t, databaseFile, func(b []byte) []byte {
				b = bytes.Clone(b)
				from := len(b) / pageBytes * tenth / 10 * pageBytes
				copy(b[from:from+pages*pageBytes], bytes.Repeat([]byte{0xa5}, pages*pageBytes))
				return b
			})
			lost, report := d.salvaged(t)
			if len(lost) > 40*pages {
				t.Errorf("%d keys are lost with %d pages", len(lost), pages)
			}
			for _, key := range lost {
				if !strings.Contains(report, fmt.Sprintf("%q", key)) {
					t.Fatalf("%q is lost and not in the report: %.2000s", key, report)
				}
			}
			some += len(lost)
			t.Logf("%d of %d keys are lost: %.500s", len(lost), len(d.keys), report)
		})
	}
	if some == 0 {
		t.Error("no key was in a damaged page")
	}
}

// A copy that another program has made has no checksums, and one that was cut is shorter than its header says.
func TestSalvageTakesADatabaseThatAnotherProgramHasWrittenOrCut(t *testing.T) {
	whole := withCollections(t)
	t.Run("VACUUM INTO", func(t *testing.T) {
		d := damagedDir{t.TempDir(), whole.keys}
		c, err := sqlite3.Open("file:" + filepath.Join(whole.dir, databaseFile) + "?mode=ro")
		if err == nil {
			err = errors.Join(c.Exec(`VACUUM INTO '`+filepath.Join(d.dir, databaseFile)+`'`), c.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tryOpen(d.dir); !errors.Is(err, ErrDamaged) {
			t.Fatalf("without salvage: %v", err)
		}
		if lost, report := d.salvaged(t); len(lost) > 0 || !strings.Contains(report, "without its checksums") {
			t.Errorf("%d keys are lost: %s", len(lost), report)
		}
	})
	t.Run("cut", func(t *testing.T) {
		d := whole.copied(t)
		path := filepath.Join(d.dir, databaseFile)
		if err := os.Truncate(path, fileBytes(path)-pageBytes); err != nil {
			t.Fatal(err)
		}
		if lost, report := d.salvaged(t); len(lost) > len(whole.keys)/10 {
			t.Errorf("%d keys are lost: %s", len(lost), report)
		}
	})
}

func TestWhatIsSetAsideIsSoWhereverItIsInterrupted(t *testing.T) {
	killed := killedDir(t, false)
	for how, step := range map[OnDamage]int{BeginEmpty: shorter(1, 2), Salvage: shorter(7, 13)} {
		for failing := 0; ; failing += step {
			d := killed.copied(t)
			d.harm(t, stateName, func([]byte) []byte { return nil })
			disk := newDisk(t)
			disk.breakWith(func(op int, _, _ string, _ int) error {
				if op > failing {
					return errFull
				}
				return nil
			})
			st, err := tryOpen(d.dir, disk.use, func(o *Options) { o.OnDamage = how })
			disk.breakWith(nil)
			if err == nil {
				closed(t, st)
				if failing == 0 {
					t.Fatal("nothing failed")
				}
				break
			}
			st = opened(t, d.dir, func(o *Options) { o.OnDamage = how })
			checked(t, st)
			if how == Salvage {
				for key, value := range d.keys {
					wantGet(t, st, key, value)
				}
			} else {
				wantAll(t, st, nil)
			}
			closed(t, st)
			if aside, _ := filepath.Glob(filepath.Join(d.dir, databaseFile+".damaged-*.journal")); len(aside) != 1 {
				t.Fatalf("after %d changes: %q", failing, aside)
			}
		}
	}
}

// What the tables do not have and the journal has no more is gone without a trace but in the state file's numbers.
func TestSalvageSaysHowManyRecordsAreMissingWithTheJournal(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "in the tables", "v")
	flushed(t, st)
	const keys = 200
	for i := range keys {
		mustSet(t, st, fmt.Sprint("k", i), "v")
	}
	st.journal.Note()
	dir := d.killed(t, st.dir)
	if err := os.RemoveAll(filepath.Join(dir, "journal")); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	opened(t, dir, func(o *Options) {
		o.OnDamage = Salvage
		o.Log = func(_ string, err error, _ ...any) {
			if err != nil {
				warnings = append(warnings, err.Error())
			}
		}
	})
	want := fmt.Sprintf("at least %d records of the journal, which were acknowledged, are missing", keys)
	if all := strings.Join(warnings, "\n"); !strings.Contains(all, want) {
		t.Errorf("the log is %q, should say %q", all, want)
	}
}

package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"diskette/store/files"
	"diskette/store/journal"
)

// A damagedDir is a data directory to which something happens, and what was acknowledged in it.
type damagedDir struct {
	dir  string
	keys map[string]string
}

const keysInHalf = 60

// inTwoHalves fills a store: the first half of the keys is in the tables, and the journal was
// cut behind it unless uncut; the second half is in several segments of the journal.
func inTwoHalves(t *testing.T, st *Store, uncut bool) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for half := range 2 {
		for i := range keysInHalf {
			key, value := fmt.Sprint("k", half, "-", i), strings.Repeat(fmt.Sprint("v", i), 30)
			mustSet(t, st, key, value)
			keys[key] = value
		}
		if half == 0 && !uncut {
			flushed(t, st)
		}
	}
	return keys
}

func smallSegments(o *Options) { o.SegmentBytes = 3000 }

// stoppedDir is a directory that was closed in order, killedDir one whose server was killed.
func stoppedDir(t *testing.T, uncut bool) damagedDir {
	st := opened(t, t.TempDir(), smallSegments)
	keys := inTwoHalves(t, st, uncut)
	closed(t, st)
	return damagedDir{st.dir, keys}
}

func killedDir(t *testing.T, uncut bool) damagedDir {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, smallSegments)
	keys := inTwoHalves(t, st, uncut)
	st.journal.Note()
	return damagedDir{d.killed(t, st.dir), keys}
}

// copied is a copy that a test may damage.
func (d damagedDir) copied(t *testing.T) damagedDir {
	t.Helper()
	to := t.TempDir()
	copyFiles(t, d.dir, to)
	copyFiles(t, filepath.Join(d.dir, "journal"), filepath.Join(to, "journal"))
	return damagedDir{to, d.keys}
}

// reboot lets a directory's last server have run under another kernel.
func reboot(t testing.TB, dir string) {
	t.Helper()
	sf, err := journal.OpenState(files.Disk{}, filepath.Join(dir, stateName))
	if err == nil {
		err = errors.Join(sf.Set(func(s *journal.State) { s.Boot[0]++ }), sf.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contents is every file in the directory but the lock.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range listed(t, dir) {
		if name := filepath.Base(path); name != lockFile {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(b)
		}
	}
	return all
}

func listed(t *testing.T, dir string) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*", "journal/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// outcome starts a store on the directory: "whole", or "refused" with nothing changed. Anything
// else is a failure, but for what only page checksums find, which is "found" if that is allowed.
func (d damagedDir) outcome(t *testing.T, found bool) string {
	t.Helper()
	before := contents(t, d.dir)
	st, err := tryOpen(d.dir, smallSegments)
	if err != nil {
		if !strings.Contains(err.Error(), d.dir) || !strings.Contains(err.Error(), "--set-aside-damaged") {
			t.Errorf("it does not name the file or the remedy: %v", err)
		}
		if errors.Is(err, ErrNotWhole) && (!strings.Contains(err.Error(), "expected") || !strings.Contains(err.Error(), "found")) {
			t.Errorf("it does not say what was expected and found: %v", err)
		}
		if !maps.Equal(contents(t, d.dir), before) {
			t.Errorf("the refusal has changed files: %v", err)
		}
		if found {
			return "found"
		}
		return "refused"
	}
	defer st.Close()
	if found {
		return "found"
	}
	for key, value := range d.keys {
		got, ok, err := get(st, key)
		if err != nil || !ok || got != value {
			t.Errorf("%s is %s, %v, %v: the start was silent", key, brief(got), ok, err)
			return "silently less"
		}
	}
	checked(t, st)
	mustSet(t, st, "one more", "v")
	closed(t, st)
	wantGet(t, opened(t, d.dir), "one more", "v")
	return "whole"
}

// harms are what may happen to a file.
var harms = []struct {
	name string
	do   func(b []byte) []byte
}{
	{"lost", func([]byte) []byte { return nil }},
	{"emptied", func([]byte) []byte { return []byte{} }},
	{"cut at the end", func(b []byte) []byte { return b[:max(0, len(b)-7)] }},
	{"cut in the middle", func(b []byte) []byte { return b[:len(b)/2] }},
	{"flipped at the start", func(b []byte) []byte { return flipped(b, 10) }},
	{"flipped in the middle", func(b []byte) []byte { return flipped(b, len(b)/2) }},
	{"flipped at the end", func(b []byte) []byte { return flipped(b, len(b)-3) }},
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	if at >= 0 && at < len(b) {
		b[at] ^= 0x10
	}
	return b
}

// verdicts says what the start does, by file and harm; with no entry of its own a harm has that of "". whole:
// everything is there. refused: it says why and changes nothing. found: the start or a reader does, see
// damage_test.go; a start that finds nothing has everything.
var verdicts = map[string]map[string]map[string]string{
	"closed in order": {
		"diskette.db":   {"": "refused", "flipped in the middle": "found", "flipped at the end": "found"},
		"diskette.lock": {"": "whole"}, "diskette.state": {"": "whole"}, "journal": {"": "whole"},
	},
	"killed": {
		"diskette.db": {"": "refused", "flipped at the start": "found", "flipped in the middle": "found", "flipped at the end": "found"},
		// A cut or a flip may be behind the transactions that count.
		"diskette.db-wal": {"": "refused", "cut at the end": "found", "cut in the middle": "found", "flipped in the middle": "found", "flipped at the end": "found"},
		"diskette.db-shm": {"": "whole"},
		"diskette.lock":   {"": "whole"},
		"diskette.state":  {"": "whole", "lost": "refused", "emptied": "refused"}, // one of its two copies is enough
		"journal":         {"": "refused"},
	},
	"killed, with a journal from record 1": {
		"diskette.db":     {"": "whole", "flipped at the start": "found", "flipped in the middle": "found", "flipped at the end": "found"},
		"diskette.db-wal": {"": "whole"}, "diskette.db-shm": {"": "whole"}, "diskette.lock": {"": "whole"},
		"diskette.state": {"": "whole", "lost": "refused", "emptied": "refused"},
		"journal":        {"": "refused"},
	},
}

// makers make the directories of verdicts.
var makers = map[string]func(*testing.T) damagedDir{
	"closed in order":                      func(t *testing.T) damagedDir { return stoppedDir(t, false) },
	"killed":                               func(t *testing.T) damagedDir { return killedDir(t, false) },
	"killed, with a journal from record 1": func(t *testing.T) damagedDir { return killedDir(t, true) },
}

func TestWhatTheStartDoesWithADamagedFile(t *testing.T) {
	for kind, files := range verdicts {
		t.Run(kind, func(t *testing.T) {
			d := makers[kind](t)
			met := map[string]bool{}
			for _, path := range listed(t, d.dir) {
				name, _ := filepath.Rel(d.dir, path)
				file := strings.Split(name, "/")[0]
				met[file] = true
				for _, harm := range harms {
					want, ok := files[file][harm.name]
					if !ok {
						want = files[file][""]
					}
					t.Run(name+" "+harm.name, func(t *testing.T) {
						d := d.copied(t)
						d.harm(t, name, harm.do)
						if got := d.outcome(t, want == "found"); got != want {
							t.Errorf("it is %q, should be %q", got, want)
						}
					})
				}
			}
			if len(met) != len(files) {
				t.Errorf("the directory has %v", met)
			}
		})
	}
}

// harm does it to a file of the directory; nil takes it away.
func (d damagedDir) harm(t *testing.T, name string, do func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b = do(b); b == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// replace puts another directory's files in the place of those of this one.
func (d damagedDir) replace(t *testing.T, by damagedDir, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
		from := filepath.Join(by.dir, name)
		info, err := os.Stat(from)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			copyFiles(t, from, filepath.Join(d.dir, name))
			continue
		}
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(d.dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

var theTables, theJournal, theState = []string{"diskette.db", "diskette.db-wal", "diskette.db-shm"}, []string{"journal"}, []string{stateName}

func TestAnotherServersFilesAreRefused(t *testing.T) {
	for kind, make := range makers {
		t.Run(kind, func(t *testing.T) {
			d, other := make(t), make(t)
			for what, names := range map[string][]string{"tables": theTables, "journal": theJournal, "state": theState} {
				t.Run(what, func(t *testing.T) {
					d := d.copied(t)
					d.replace(t, other, names...)
					if got := d.outcome(t, false); got != "refused" {
						t.Errorf("it is %q", got)
					}
				})
			}
		})
	}
}

// SQLite writes the WAL from its start again once the database file has all of it: its index says 0 frames then, and
// the header is written anew. A write of that which the disk cuts short leaves no WAL, and nothing is lost with it.
func TestATornHeaderOfAWALThatBeginsAnewIsNoLoss(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "before", "v")
	// From here on the journal alone does not have everything.
	st = reopened(t, st, d.use, func(o *Options) { o.upkeep = upkeep{walPages: 1, idleWalPages: 1, freePages: 1024} })
	mustSet(t, st, "after", "v")
	if err := st.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint of all", func() bool {
		b, err := os.ReadFile(filepath.Join(st.dir, databaseFile+"-shm"))
		return err == nil && binary.LittleEndian.Uint32(b[96:]) == binary.LittleEndian.Uint32(b[16:])
	})
	killed := d.killed(t, st.dir)

	edit := func(name string, change func(b []byte)) {
		path := filepath.Join(killed, databaseFile+name)
		b, err := os.ReadFile(path)
		if err == nil {
			change(b)
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	edit("-wal", func(b []byte) { copy(b[:16], "\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x10\x00\x00\x00\x00\x07") })
	if _, err := tryOpen(killed); !errors.Is(err, ErrNotWhole) {
		t.Fatalf("while the index counts frames: %v", err)
	}
	edit("-shm", func(b []byte) {
		clear(b[16:20])
		sum := walSum{order: binary.LittleEndian}
		sum.add(b[:40])
		binary.LittleEndian.PutUint32(b[40:], sum.s0)
		binary.LittleEndian.PutUint32(b[44:], sum.s1)
		copy(b[48:96], b[:48])
	})
	st = opened(t, killed)
	wantGet(t, st, "before", "v")
	wantGet(t, st, "after", "v")
}

// A start that a read, a write or an fsync ends anywhere leaves what the next one needs.
func TestAStartThatFailsLeavesTheFilesForTheNext(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	mustSet(t, st, "before", "v")
	st = reopened(t, st, d.use) // from here on the journal alone does not have everything
	mustSet(t, st, "after", "v")
	if err := st.Flush(); err != nil {
		t.Fatal(err)
	}
	dir := d.killed(t, st.dir)
	closed(t, st)
	for kind, begin := range map[string]func(n int, met func()){
		"write": func(n int, met func()) {
			first := d.ops()
			d.breakWith(func(op int, _, _ string, _ int) error {
				if op != first+n {
					return nil
				}
				met()
				return syscall.EIO
			})
		},
		"read": func(n int, met func()) {
			d.mu.Lock()
			d.failRead = d.readOps + n
			d.mu.Unlock()
			met() // as far as can be known: 40 are enough
		},
	} {
		failed := 0
		for n := 1; n <= 40; n++ {
			met := false
			begin(n, func() { met = true })
			again, err := tryOpen(dir, d.use)
			d.breakWith(nil)
			d.mu.Lock()
			d.failRead = 0
			d.mu.Unlock()
			if err != nil {
				failed++
				continue
			}
			wantGet(t, again, "before", "v")
			wantGet(t, again, "after", "v")
			if met {
				dir = d.killed(t, again.dir)
			}
			closed(t, again)
			if !met {
				break
			}
		}
		if failed < 5 {
			t.Errorf("%d starts failed at a %s: that proves nothing", failed, kind)
		}
		if again, err := tryOpen(dir); err != nil {
			t.Errorf("after starts that failed at a %s: %v", kind, err)
		} else {
			wantGet(t, again, "after", "v")
			closed(t, again)
		}
	}
}

// Half of a backup: the journal and the state of an earlier day beside the database as it is.
func TestAnOlderJournalAndStateBesideTheDatabaseAreRefused(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use, func(o *Options) { o.Policy = journal.Always })
			d1 := damagedDir{keys: map[string]string{}}
			add := func(name string) {
				for i := range 50 {
					key := fmt.Sprint(name, i)
					mustSet(t, st, key, "v")
					d1.keys[key] = "v"
				}
			}
			add("first")
			if cut {
				flushed(t, st)
				add("more")
			}
			st.journal.Note()
			older := damagedDir{dir: d.killed(t, st.dir)}
			add("second")
			flushed(t, st)
			add("third") // in the journal alone
			st.journal.Note()
			d1.dir = d.killed(t, st.dir)
			if got := d1.copied(t).outcome(t, false); got != "whole" {
				t.Fatalf("as it was, it is %q", got)
			}
			d1.replace(t, older, "journal", stateName)
			for _, boot := range []string{"the same", "another"} {
				if boot == "another" {
					reboot(t, d1.dir)
				}
				if got := d1.copied(t).outcome(t, false); got != "refused" {
					t.Errorf("under %s kernel it is %q", boot, got)
				}
			}
			var log logged
			st = opened(t, d1.dir, log.use, func(o *Options) { o.OnDamage = Salvage })
			wantGet(t, st, "second7", "v")
			if lines := log.with("the data is damaged"); len(lines) != 1 || !strings.Contains(lines[0], "older copy") {
				t.Errorf("log: %q", lines)
			}
		})
	}
}

// TestAnyIdentityOpens starts on identities of any value: an identity is a random number of 64 bits, and a
// start must not refuse it because a sum with what else is in meta would be too large.
func TestAnyIdentityOpens(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	mustSet(t, st, "k", "v")
	flushed(t, st)
	intrude(t, st, `INSERT INTO meta VALUES ('large', 9223372036854775807)`)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	wantGet(t, opened(t, dir), "k", "v")
}

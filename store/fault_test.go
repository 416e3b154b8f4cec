package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/compat_test/testrand"
	"diskette/store/journal"
)

// ledger knows what a store may hold of each key: what was acknowledged last, or what was tried since.
type ledger struct {
	acked map[string]string // no entry: absent
	tried map[string][]string
}

const deleted = "(deleted)"

func newLedger() *ledger { return &ledger{acked: map[string]string{}, tried: map[string][]string{}} }

func (l *ledger) try(key, value string, do func() error) error {
	l.tried[key] = append(l.tried[key], value)
	err := do()
	if err == nil {
		l.acked[key], l.tried[key] = value, nil
	}
	return err
}

// verify reads all keys. Where the journal fails, a key with a change that was not acknowledged
// answers with an error (I2).
func (l *ledger) verify(t *testing.T, st *Store, where string) {
	t.Helper()
	for key := range l.tried {
		got, ok, err := get(st, key)
		if len(l.tried[key]) > 0 && errors.Is(err, journal.ErrFailed) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: GET %q: %v", where, key, err)
		}
		if !ok {
			got = deleted
		}
		acked, was := l.acked[key]
		if !was {
			acked = deleted
		}
		if got != acked && !slices.Contains(l.tried[key], got) {
			t.Fatalf("%s: %q is %s; acknowledged was %s", where, key, brief(got), brief(acked))
		}
	}
}

// work writes, deletes and writes back, whatever fails.
func (l *ledger) work(st *Store, r *rand.Rand) {
	for i := range 40 {
		key := fmt.Sprint("k", r.IntN(10))
		if r.IntN(4) == 0 {
			_ = l.try(key, deleted, func() error { _, err := del(st, key); return err })
		} else {
			value := fmt.Sprint(i, strings.Repeat("v", r.IntN(3000)))
			_ = l.try(key, value, func() error { return set(st, key, value) })
		}
		if i%10 == 9 {
			_ = st.Flush()
		}
	}
}

func always(o *Options) {
	packAll(o)
	o.Policy, o.SegmentBytes = journal.Always, 16<<10
}

// countWork is the number of changes to the disk that ledger.work makes when nothing fails, and those of opening.
func countWork(t *testing.T) (opening, all int) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, always)
	opening = d.ops()
	newLedger().work(st, testrand.New(t, 1))
	all = d.ops()
	t.Log(repacked(st), "pages are packed in between")
	closed(t, st)
	return opening, all
}

func TestACrashAtAnyWriteLeavesEverythingAcknowledged(t *testing.T) {
	opening, all := countWork(t)
	step := max(1, (all-opening)/40)
	if os.Getenv("STORE_ALL_FAULTS") != "" {
		step = 1
	}
	for n := opening + 1; n <= all; n += step {
		t.Run(fmt.Sprint("at change ", n), func(t *testing.T) {
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use, always)
			d.breakWith(func(op int, _, _ string, _ int) error {
				if op >= n {
					return syscall.EIO
				}
				return nil
			})
			r, l := testrand.New(t, 1), newLedger()
			l.work(st, r)
			l.verify(t, st, "reading on")
			killed, cut := d.killed(t, st.dir), d.powerCut(t, st.dir, r)
			_ = st.Close() // it can not
			for what, dir := range map[string]string{"after the kill": killed, "after the power cut": cut} {
				st := opened(t, dir, always)
				l.verify(t, st, what)
				checked(t, st)
			}
		})
	}
}

func TestWritesResumeByThemselvesAfterAnyFault(t *testing.T) {
	opening, all := countWork(t)
	for what, fault := range map[string]func(kind string) error{
		"full disk": func(kind string) error {
			if kind == "write" || kind == "create" {
				return errFull
			}
			return nil
		},
		"write error": func(kind string) error {
			if kind != "sync" {
				return syscall.EIO
			}
			return nil
		},
		"fsync error": func(kind string) error {
			if kind == "sync" {
				return syscall.EIO
			}
			return nil
		},
	} {
		step := (all - opening) / 8
		if os.Getenv("STORE_ALL_FAULTS") != "" {
			step = 1
		}
		for n := opening + 1; n <= all; n += step {
			t.Run(fmt.Sprint(what, " at change ", n), func(t *testing.T) {
				t.Parallel()
				d := newDisk(t)
				st := opened(t, t.TempDir(), d.use, always)
				failures := 0
				d.breakWith(func(op int, kind, _ string, _ int) error {
					if op < n || failures == 3 {
						return nil
					}
					err := fault(kind)
					if err != nil {
						failures++
					}
					return err
				})
				r, l := testrand.New(t, 1), newLedger()
				l.work(st, r)
				l.verify(t, st, "reading on")
				copied := opened(t, d.killed(t, st.dir), always)
				l.verify(t, copied, "after a kill")
				checked(t, copied)

				d.breakWith(nil)
				eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
				if err := l.try("again", "v", func() error { return set(st, "again", "v") }); err != nil {
					t.Fatalf("SET after the fault: %v", err)
				}
				l.verify(t, st, "after the fault")
				checked(t, st)
				l.verify(t, reopened(t, st), "after a restart")
			})
		}
	}
}

func TestWritesAreRefusedWhileTheDiskFails(t *testing.T) {
	for file, cause := range map[string]func(kind, file string) error{
		"the journal": func(_, file string) error {
			if file == "journal" {
				return syscall.EIO
			}
			return nil
		},
		"the database": func(_, file string) error {
			if strings.HasPrefix(file, databaseFile) {
				return syscall.EIO
			}
			return nil
		},
	} {
		t.Run(file, func(t *testing.T) {
			d := newDisk(t)
			var log logged
			st := opened(t, t.TempDir(), d.use, log.use)
			mustSet(t, st, "k", "v")
			flushed(t, st)
			mustSet(t, st, "l", "v")
			d.breakWith(func(_ int, kind, file string, _ int) error { return cause(kind, file) })
			_ = set(st, "m", "v")
			if st.Flush() == nil || st.WriteError() == nil {
				t.Fatalf("no error; log:\n%s", &log)
			}
			unloadAll(st)
			wantGet(t, st, "k", "v")
			d.breakWith(nil)
			eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
			checked(t, st)
			wantGet(t, reopened(t, st), "m", "v")
		})
	}
}

// capacity lets a data directory take that many bytes.
func (d *disk) capacity(dir string, bytes int64) {
	d.breakWith(func(_ int, kind, file string, n int) error {
		if kind != "write" && kind != "reserve" && kind != "create" {
			return nil
		}
		var used int64
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(e.Name(), "-shm") {
				if info, err := e.Info(); err == nil {
					used += info.Size()
				}
			}
			return nil
		})
		if used+int64(n) > bytes {
			return errFull
		}
		return nil
	})
}

func TestAFullDiskTakesDeletionsAndThenWritesAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT CHECKED with -short: it takes long under the race detector; go test ./store does")
	}
	const reserveBytes = 24 << 20 // room for the fold under way, the next one, and their journal
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, func(o *Options) {
		o.ReserveBytes, o.SegmentBytes, o.WriteBackRows = reserveBytes, 1<<20, 1500
	})
	value := strings.Repeat("v", 3000)
	key := func(i int) string { return fmt.Sprint("k", i) }
	for i := range 3000 {
		mustSet(t, st, key(i), value)
	}
	flushed(t, st)
	d.capacity(st.dir, 70<<20)
	n := 3000
	for ; st.WriteError() == nil && n < 60_000; n++ { // more at once than the reserve can take in one transaction
		if err := set(st, key(n), value); err != nil {
			break
		}
	}
	if st.WriteError() == nil || n == 60_000 {
		t.Fatalf("%d keys and no refusal", n)
	}
	eventually(t, "the reserve's release", st.DiskFull)
	for i := 0; i < n; i += 100 {
		wantGet(t, st, key(i), value)
	}
	for i := range n - 100 {
		i := i
		eventually(t, "a deletion", func() bool { _, err := del(st, key(i)); return err == nil })
	}
	eventually(t, "room for writes", func() bool { return st.Flush() == nil && st.WriteError() == nil })
	mustSet(t, st, "again", value)
	checked(t, st)
	wantGet(t, st, key(n-50), value)
	wantAbsent(t, st, key(0))
	st = reopened(t, st)
	wantGet(t, st, "again", value)
	wantGet(t, st, key(n-50), value)
	wantAbsent(t, st, key(n-101))
}

func TestAWriteIsTriedAgainWhenARefillHasJustHeldTheRoom(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	r := &st.reserve
	if !r.release() {
		t.Fatal("there was no reserve")
	}
	if r.release() {
		t.Error("a reserve that is gone gave room")
	}
	d.breakWith(func(_ int, kind, _ string, _ int) error {
		if kind == "reserve" {
			return errFull
		}
		return nil
	})
	r.lastTry = time.Time{}
	if r.refill(st); !st.DiskFull() {
		t.Fatal("a full disk had room for the reserve")
	}
	if !r.release() {
		t.Error("a write that met the refill is not tried again")
	}
}

func TestADamagedDatabaseIsNamedAndSetAside(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	for i := range 2000 {
		mustSet(t, st, fmt.Sprint("k", i), strings.Repeat("v", 100))
	}
	closed(t, st)
	good, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]func(b []byte) []byte{
		"a truncated file":         func(b []byte) []byte { return b[:len(b)/2/4096*4096] },
		"a file cut in a page":     func(b []byte) []byte { return b[:1000] },
		"a garbage header":         func(b []byte) []byte { copy(b, "this is no database, I am afraid"); return b },
		"a zeroed first page":      func(b []byte) []byte { clear(b[:4096]); return b },
		"another application's id": func(b []byte) []byte { copy(b[68:], "\x01\x02\x03\x04"); return b },
		"text":                     func([]byte) []byte { return bytes.Repeat([]byte("notes\n"), 1000) },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, databaseFile)
			damaged := bad(bytes.Clone(good))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := tryOpen(dir)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--set-aside-damaged") {
				t.Fatalf("open: %v", err)
			}
			if left, _ := os.ReadFile(path); !bytes.Equal(left, damaged) {
				t.Fatal("the refusal has changed the file")
			}
			st := opened(t, dir, func(o *Options) { o.OnDamage = BeginEmpty })
			wantAll(t, st, nil)
			mustSet(t, st, "k", "v")
			checked(t, st)
			closed(t, st)
			aside, _ := filepath.Glob(path + ".damaged-*")
			aside = slices.DeleteFunc(aside, func(name string) bool {
				return strings.HasSuffix(name, ".journal") || strings.HasSuffix(name, stateName)
			})
			if len(aside) != 1 {
				t.Fatalf("set aside: %q", aside)
			}
			if kept, _ := os.ReadFile(aside[0]); !bytes.Equal(kept, damaged) {
				t.Fatal("what was set aside is not the damaged file")
			}
			wantGet(t, opened(t, dir), "k", "v")
		})
	}
}

func TestAZeroedPageIsNamedWhenItIsMet(t *testing.T) {
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use)
	for i := range 2000 {
		mustSet(t, st, fmt.Sprint("k", i), strings.Repeat("v", 100))
	}
	closed(t, st)
	path := filepath.Join(st.dir, databaseFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[8*4096:]) // past the tables' roots
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err = tryOpen(st.dir, d.use)
	if err == nil {
		defer st.Close()
		_, _, err = get(st, "k1000")
		if !errors.Is(err, sqlite3.CORRUPT) && !errors.Is(err, ErrDamaged) {
			t.Fatalf("GET: %v", err)
		}
		return
	}
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("open: %v", err)
	}
}

func TestAFileOfANewerVersionIsRefusedAndNeverSetAside(t *testing.T) {
	dir := t.TempDir()
	closed(t, opened(t, dir))
	c, err := sqlite3.Open("file:" + filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, aside := range []OnDamage{Refuse, BeginEmpty, Salvage} {
		_, err := tryOpen(dir, func(o *Options) { o.OnDamage = aside })
		if !errors.Is(err, errNewerFile) || !strings.Contains(err.Error(), databaseFile) {
			t.Fatalf("open: %v", err)
		}
	}
}

func TestATornJournalTailIsCutOffAndLogged(t *testing.T) {
	for what, tail := range map[string][]byte{"torn": []byte("\x20\x00\x00\x00\x00\x00\x00\x00half a record"), "zeros": make([]byte, 5000)} {
		t.Run(what, func(t *testing.T) {
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use)
			mustSet(t, st, "k", "v")
			dir := d.killed(t, st.dir)
			segments, _ := filepath.Glob(filepath.Join(dir, "journal", "*.journal"))
			f, err := os.OpenFile(segments[len(segments)-1], os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Write(tail)
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			var log logged
			recovered := opened(t, dir, log.use)
			wantGet(t, recovered, "k", "v")
			checked(t, recovered)
			log.comes(t, "journal tail cut off")
		})
	}
}

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stored fills a store with keys k0, k1 ... on many pages, that expire a second after testNow,
// closes it, and returns its directory and the value of each.
func stored(t *testing.T, keys int) (dir, value string) {
	dir, value = t.TempDir(), strings.Repeat("v", 500)
	st := opened(t, dir)
	for i := range keys {
		must(t, st, 0, []string{fmt.Sprint("k", i)}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte(value), testNow+1000) })
	}
	closed(t, st)
	return dir, value
}

// flip flips a bit of every second page with values, but for the last one, which a start reads.
// It returns the file as it was.
func flip(t *testing.T, dir, value string) (before []byte) {
	t.Helper()
	path := filepath.Join(dir, databaseFile)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // a server may have it open
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	last := strings.LastIndex(string(before), value) / pageBytes
	for page := 0; page < last-1; page += 2 {
		at := page * pageBytes
		if !strings.Contains(string(before[at:at+pageBytes]), value) {
			continue
		}
		if _, err := f.WriteAt([]byte{before[at+100] ^ 4}, int64(at)+100); err != nil {
			t.Fatal(err)
		}
	}
	return before
}

// flipRow flips a bit of the page with a key's value.
func flipRow(t *testing.T, dir, value string) {
	t.Helper()
	path := filepath.Join(dir, databaseFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), value)
	if at < 0 {
		t.Fatalf("the file does not have %s", brief(value))
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeysBesideADamagedOneAreRead(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	long := strings.Repeat("a long value ", 1000)
	for i := range 20 {
		mustSet(t, st, fmt.Sprint("k", i), fmt.Sprint(i, " is ", long)) // overflow pages of its own
	}
	closed(t, st)
	flipRow(t, dir, "7 is ")
	var l logged
	st = opened(t, dir, l.use)
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprint("k", i))
	}
	for range 3 {
		if err := command(st, 0, testNow, names, func(*Tx, [][]byte) { t.Error("the command ran") }); !errors.Is(err, ErrDamaged) {
			t.Fatalf("all keys: %v", err)
		}
	}
	loads := st.Loads()
	unreadable := 0
	for i, name := range names {
		got, _, err := get(st, name)
		switch {
		case errors.Is(err, ErrDamaged):
			unreadable++
		case err != nil || got != fmt.Sprint(i, " is ", long):
			t.Errorf("%s is %s, %v", name, brief(got), err)
		}
	}
	if unreadable == 0 || unreadable > 12 || st.Loads() != loads+int64(unreadable) {
		t.Errorf("%d keys can not be read, and %d were read once more", unreadable, st.Loads()-loads)
	}
	if n := l.count("the database file is damaged"); n != 1 {
		t.Errorf("the log has %d lines: %q", n, l.lines)
	}
	if l.count(`db 0 key "k`) == 0 || l.count(long[:20]) > 0 {
		t.Errorf("log: %q", l.lines)
	}
}

func TestWhatIsWantedAheadMayBeUnreadable(t *testing.T) {
	dir, value := stored(t, 4000)
	flip(t, dir, value)
	st := opened(t, dir)
	var good, bad string
	for i := 0; good == "" || bad == ""; i++ {
		name := fmt.Sprint("k", i)
		if _, _, err := get(st, name); err == nil {
			good = name
		} else {
			bad = name
		}
	}
	unloadAll(st)
	st.Lock()
	tx := st.Begin(0, testNow)
	resident := tx.Want([]byte(good), NeedValue)
	tx.WantAhead()
	tx.Want([]byte(bad), NeedValue)
	f := tx.TakeFetch()
	st.Unlock()
	if resident {
		t.Fatal("it is in memory")
	}
	if err := f.Load(); err != nil {
		t.Errorf("load: %v", err)
	}
	st.Lock()
	f.Release()
	st.Unlock()
	wantGet(t, st, good, value)
}

func TestAnIOErrorIsOverWhenTheReadWorksAgain(t *testing.T) {
	dir, value := stored(t, 100)
	d := newDisk(t)
	var l logged
	st := opened(t, dir, d.use, l.use)
	broken := func(is bool) {
		d.mu.Lock()
		d.broken = is
		d.mu.Unlock()
	}
	broken(true)
	for range 3 {
		if _, _, err := get(st, "k5"); !errors.Is(err, ErrDiskFailed) {
			t.Fatalf("GET: %v", err)
		}
	}
	if told := st.Damage(); told.What == "" || told.IOErrors < 3 || told.Reads != 0 || !st.Damaged() {
		t.Errorf("the store tells %+v", told)
	}
	broken(false)
	eventually(t, "the end of the trouble, which nobody reads", func() bool { return !st.Damaged() })
	if told := st.Damage(); told.What != "" || told.IOErrors < 3 {
		t.Errorf("the store tells %+v", told)
	}
	wantGet(t, st, "k5", value)
	if l.comes(t, "the disk works again"); l.count("the disk failed") == 0 {
		t.Errorf("log: %s", &l)
	}
	closed(t, st)
}

func TestWriteBackThatMeetsDamageRefusesWritesAndLosesNothing(t *testing.T) {
	dir, value := stored(t, 2000)
	d := newDisk(t)
	var l logged
	asClosed, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	st := opened(t, dir, d.use, l.use)
	for i := range 20 {
		wantGet(t, st, fmt.Sprint("k", i), value)
	}
	flip(t, dir, value)
	for i := range 20 { // they are in memory: nothing is known of the damage
		mustSet(t, st, fmt.Sprint("k", i), "new")
	}
	if err := st.Flush(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("flush: %v", err)
	}
	if err := st.WriteError(); !errors.Is(err, ErrDamaged) {
		t.Errorf("writes are refused for %v", err)
	}
	if told := st.Damage(); told.Writes == 0 || !strings.Contains(told.What, "write back") {
		t.Errorf("the store tells %+v", told)
	}
	wantGet(t, st, "k9", "new")
	if l.count("operation write back") != 1 {
		t.Errorf("log: %q", l.lines)
	}
	killed := d.killed(t, dir)
	if err := st.Close(); !errors.Is(err, ErrDamaged) {
		t.Errorf("close: %v", err)
	}
	// The database as it was closed before, and the journal that the refusal has left.
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(killed, databaseFile+suffix))
	}
	if err := os.WriteFile(filepath.Join(killed, databaseFile), asClosed, 0o600); err != nil {
		t.Fatal(err)
	}
	restored := opened(t, killed)
	wantGet(t, restored, "k9", "new")
	wantGet(t, restored, "k1999", value)
	checked(t, restored)
}

func TestDBSizeThatMeetsDamageTellsOfIt(t *testing.T) {
	dir, _ := stored(t, 4000)
	st := opened(t, dir)
	path := filepath.Join(dir, databaseFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := pageBytes; at < len(b); at += pageBytes { // what the start has read it need not read again
		b[at+2000] ^= 4
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, _, err := st.DBSize(0, testNow+2000, false); !errors.Is(err, ErrDamaged) || !st.Damaged() {
		t.Errorf("%v; damage %+v", err, st.Damage())
	}
	if err := st.Close(); !errors.Is(err, ErrDamaged) {
		t.Errorf("close: %v", err)
	}
}

func TestEveryOperationThatMeetsDamageTellsOnce(t *testing.T) {
	for what, meet := range map[operation]func(t *testing.T, st *Store){
		readingKey: func(t *testing.T, st *Store) {
			for i := range 50 {
				_, _, _ = get(st, fmt.Sprint("k", i))
			}
		},
		scanning: func(t *testing.T, st *Store) {
			for range 50 {
				if _, _, _, err := st.Scan(0, 0, 4000, testNow, ScanOptions{}, false); !errors.Is(err, ErrDamaged) {
					t.Fatalf("scan: %v", err)
				}
			}
		},
		sweeping: func(_ *testing.T, st *Store) {
			for range 50 {
				st.Sweep(testNow + 2000)
			}
		},
		reaping: func(t *testing.T, st *Store) {
			st.Lock()
			tx := st.Begin(0, testNow)
			tx.FlushDB(0)
			lsn := tx.End()
			st.Unlock()
			if err := st.Wait(lsn); err != nil {
				t.Fatal(err)
			}
			flushed(t, st)
			eventually(t, "the reaper", func() bool { return st.Damaged() })
			time.Sleep(5 * retryDelay) // in which it tries again
		},
	} {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			dir, value := stored(t, 4000)
			flip(t, dir, value)
			var l logged
			st := opened(t, dir, l.use)
			meet(t, st)
			if l.comes(t, "operation "+string(what)); !st.Damaged() {
				t.Errorf("damage %+v", st.Damage())
			}
			if err := st.Close(); !errors.Is(err, ErrDamaged) {
				t.Errorf("close: %v", err)
			}
			l.comes(t, "operation "+string(what)) // and nothing more since
		})
	}
}

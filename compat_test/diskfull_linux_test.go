package compat_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of its own, of so many bytes.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT CHECKED on a disk that is really full: it takes root to mount one; the store's tests inject ENOSPC")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("NOT CHECKED on a disk that is really full: mounting one: %v; the store's tests inject ENOSPC", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// ledger is what the server has acknowledged: a key's number, or "" for a key that was deleted.
type ledger map[string]string

// fullValue is the value of a version of a key, of 20 KB.
func fullValue(version string) string {
	return version + strings.Repeat("-", 20<<10-len(version))
}

// fill sets keys until the server refuses, and returns the refusal.
func (l ledger) fill(t *testing.T, c *client, prefix string) string {
	t.Helper()
	for i := range 100_000 {
		key := fmt.Sprintf("%s%05d", prefix, i)
		switch v := c.Do("SET", key, fullValue(key)); {
		case v.text == "OK":
			l[key] = key
		case strings.HasPrefix(v.text, "MISCONF "):
			delete(l, key) // it may or may not be there
			return v.text
		default:
			t.Fatalf("SET: %s", v)
		}
	}
	t.Fatal("the disk is never full")
	return ""
}

// brim fills the disk for good: what write-back frees meanwhile is filled, too.
func (l ledger) brim(t *testing.T, c *client, prefix string) {
	t.Helper()
	for round, quiet := 0, 0; quiet < 4; round++ {
		if round == 100 {
			t.Fatal("the disk is never full for good")
		}
		before := len(l)
		if l.fill(t, c, fmt.Sprintf("%s%d-", prefix, round)); len(l) > before {
			quiet = 0
		} else {
			quiet++
		}
		time.Sleep(400 * time.Millisecond)
	}
}

// check reads everything back.
func (l ledger) check(t *testing.T, c *client, when string) {
	t.Helper()
	lost := 0
	for key, version := range l {
		want := fullValue(version)
		if version == "" {
			want = ""
		}
		if v := c.Do("GET", key); v.text != want {
			lost++
			if lost < 4 {
				t.Errorf("%s: GET %s: %.50s", when, key, v)
			}
		}
	}
	if lost > 0 {
		t.Fatalf("%s: %d of %d keys are not as acknowledged", when, lost, len(l))
	}
}

// writesAgain waits until a SET is accepted.
func writesAgain(t *testing.T, s *server, c *client) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		v := c.Do("SET", "again", "1")
		if v.text == "OK" {
			return time.Since(start)
		}
		if time.Since(start) > 5*time.Minute {
			t.Fatalf("writes do not resume: %s\n%s", v, s.Log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// storageStatus waits until INFO says what monitoring looks at.
func storageStatus(t *testing.T, c *client, want, when string) {
	t.Helper()
	for _, name := range []string{"aof_last_write_status", "rdb_last_bgsave_status"} {
		end := time.Now().Add(5 * time.Minute)
		for got := ""; got != want; time.Sleep(20 * time.Millisecond) {
			if got = infoField(c.Do("INFO", "persistence").Text(), name); got != want && time.Now().After(end) {
				t.Errorf("%s: %s is %s, want %s", when, name, got, want)
				break
			}
		}
	}
}

func TestAFullDiskStopsWritesAloneAndLosesNothing(t *testing.T) {
	disk := smallDisk(t, 192<<20)
	s := newServer(t, subjectBin(t), "--dir", disk, "--maxmemory", "16mb")
	s.start(nil)
	c := dial(t, s.Addr)
	acked := ledger{}
	acked.brim(t, c, "a")
	t.Logf("the disk is full with %d keys of 20 KB", len(acked))
	acked.check(t, c, "on the full disk")
	for _, args := range [][]any{
		{"APPEND", "more", fullValue("")}, {"SETEX", "more", 100, fullValue("")}, {"MSET", "more", fullValue("")}, {"SET", "more", fullValue("")},
	} {
		v := c.Do(args...)
		for again := 0; again < 5 && !v.IsError(); again++ { // write-back made room since the disk was full
			acked.brim(t, c, fmt.Sprint(args[0], again))
			v = c.Do(args...)
		}
		const refusal = "MISCONF Diskette can not write to disk: "
		if !strings.HasPrefix(v.text, refusal) || strings.Contains(v.text, disk) {
			t.Errorf("%s on the full disk: %s", args[0], v)
		}
		if args[0] == "SET" {
			equal(t, "the refusal", v.text, refusal+"the disk is full. Free some space or delete keys; writes are accepted again by themselves.")
		}
	}
	storageStatus(t, c, "err", "on the full disk")
	logSays(t, s, `"level":"error"`, "the disk is full: writes are refused", `"dir":"`+disk+`"`, `"free_bytes":`, `"waiting_records":`)

	s.Kill9()
	s.start(nil)
	c = dial(t, s.Addr)
	acked.check(t, c, "after kill -9 on the full disk")

	// DEL and expiry work, and make room.
	deleted := 0
	for i := range len(acked) / 3 {
		key := fmt.Sprintf("a0-%05d", i)
		if acked[key] == "" {
			continue
		}
		if v := c.Do("DEL", key); v.text != "1" {
			t.Fatalf("DEL on the full disk, after %d others: %s", deleted, v)
		}
		acked[key] = ""
		deleted++
	}
	expiring := 0
	for i := len(acked) / 3; i < len(acked)/2; i++ {
		key := fmt.Sprintf("a0-%05d", i)
		if acked[key] == "" {
			continue
		}
		if v := c.Do("PEXPIRE", key, 100); v.text != "1" {
			t.Fatalf("PEXPIRE on the full disk: %s", v)
		}
		acked[key] = ""
		expiring++
	}
	t.Logf("%d keys deleted and %d expired; writes were accepted again after %v", deleted, expiring, writesAgain(t, s, c).Round(time.Millisecond))
	time.Sleep(150 * time.Millisecond)
	acked.check(t, c, "with room again")
	storageStatus(t, c, "ok", "with room again")
	logSays(t, s, "writes are accepted again")

	// Full once more, so that the room was real; and killed at once, so that recovery finds a long journal and no room.
	before := len(acked)
	acked.fill(t, c, "b")
	t.Logf("%d more keys fitted", len(acked)-before)
	s.Kill9()
	s.start(nil)
	acked.check(t, dial(t, s.Addr), "after filling the disk again and kill -9")
}

func TestTheServerStartsAndServesOnADiskThatOthersFilled(t *testing.T) {
	disk := smallDisk(t, 96<<20)
	s := newServer(t, subjectBin(t), "--dir", disk, "--maxmemory", "16mb")
	s.start(nil)
	c := dial(t, s.Addr)
	acked := ledger{}
	for i := range 1100 { // more than the reserve holds twice, as a transaction would need it
		key := fmt.Sprintf("a%05d", i)
		if v := c.Do("SET", key, fullValue(key)); v.text != "OK" {
			t.Fatal(v)
		}
		acked[key] = key
	}
	s.Kill9()
	filler := filepath.Join(disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := blockOf; len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.start(nil)
	c = dial(t, s.Addr)
	acked.check(t, c, "started on a full disk")
	// DEL is refused at first, while the journal that was recovered from still takes the reserve's room. A
	// deletion that was refused may take effect later (I8), so each attempt deletes another key.
	start, deleted := time.Now(), 0
	for ; ; deleted++ {
		v := c.Do("DEL", fmt.Sprintf("a%05d", deleted))
		if v.text == "1" {
			break
		}
		if !strings.HasPrefix(v.text, "MISCONF ") || time.Since(start) > 5*time.Minute {
			t.Fatalf("DEL, %v after the start: %s", time.Since(start), v)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("DEL was accepted %v after the start", time.Since(start))
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	t.Logf("writes were accepted %v after the filler was gone", writesAgain(t, s, c))
	start = time.Now()
	if code := s.Terminate(); code != 0 || time.Since(start) > dockerWaits {
		t.Errorf("SIGTERM: exit status %d after %v", code, time.Since(start))
	}
}

// What comes faster than write-back works may not fill the disk with the journal alone: the
// tables would then have no room for it, and nothing could be dropped whatever is deleted.
func TestADiskFilledAtOnceTakesWritesAgainOnceKeysAreDeleted(t *testing.T) {
	s := newServer(t, subjectBin(t))
	s.Dir = smallDisk(t, 96<<20)
	s.args = append(s.args, "--dir", s.Dir)
	s.start(nil)
	c := dial(t, s.Addr)
	defer c.Close()
	value, n := strings.Repeat("0123456789", 10_000), 0
	for ; ; n++ {
		v := c.Do("SET", "k"+strconv.Itoa(n), value)
		if strings.HasPrefix(v.text, "MISCONF ") {
			break
		}
		if v.text != "OK" || n == 10_000 {
			t.Fatalf("SET %d: %s", n, v)
		}
	}
	if n < 200 {
		t.Errorf("the disk is full with %d values of 100 KB", n)
	}
	for i := 0; i < n; i += 2 {
		if v := c.Do("DEL", "k"+strconv.Itoa(i)); v.IsError() {
			t.Fatalf("DEL: %s", v)
		}
	}
	writesAgain(t, s, c)
}

// The pages that deletions free stay in the database file for reuse, as long as they are few. On a full disk they are
// what the reserve is made of again: a few of them may be all that is missing.
func TestAFullDiskTakesWritesAgainAfterFewDeletions(t *testing.T) {
	const size = 96 << 20
	s := newServer(t, subjectBin(t), "--maxmemory", "16mb")
	s.Dir = smallDisk(t, size)
	s.args = append(s.args, "--dir", s.Dir)
	s.start(nil)
	c := dial(t, s.Addr)
	defer c.Close()
	value := strings.Repeat("v", 4000)
	for i := range 10_000 {
		if v := c.Do("SET", "k"+strconv.Itoa(i), value); v.text != "OK" {
			t.Fatalf("SET %d: %s", i, v)
		}
	}
	f, err := os.Create(filepath.Join(s.Dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	leave := func(free int64) { // of the file system
		t.Helper()
		await(t, "the filler has its length", func() bool { // the server writes meanwhile
			var fs syscall.Statfs_t
			info, err := f.Stat()
			if err := errors.Join(err, syscall.Statfs(s.Dir, &fs)); err != nil {
				t.Fatal(err)
			}
			length := info.Size() + int64(fs.Bavail)*fs.Bsize - free
			err = f.Truncate(min(length, info.Size()))
			return errors.Join(err, syscall.Fallocate(int(f.Fd()), 0, 0, length)) == nil
		})
	}
	written := func() {
		t.Helper()
		c.Do("BGREWRITEAOF")
		await(t, "all is written back", func() bool {
			return infoField(c.Do("INFO", "persistence").Text(), "aof_rewrite_in_progress") == "0"
		})
	}
	written()
	leave(0)
	await(t, "the disk is full", func() bool { return strings.HasPrefix(c.Do("SET", "more", value).text, "MISCONF ") })
	const reserve = size / 8
	leave(reserve - 1<<20)
	written()
	leave(reserve - 1<<20) // the reserve lacks 1 MB
	if v := c.Do("SET", "more", value); !strings.HasPrefix(v.text, "MISCONF ") {
		t.Fatalf("SET on the full disk: %s", v)
	}
	for i := range 900 { // of 10,000: pages that would stay in the file
		if v := c.Do("DEL", "k"+strconv.Itoa(i)); v.text != "1" {
			t.Fatalf("DEL %d: %s", i, v)
		}
	}
	t.Logf("writes were accepted %v after the deletions", writesAgain(t, s, c).Round(time.Millisecond))
}

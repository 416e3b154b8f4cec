package compat_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestADumpForWhichTheDiskHasNoRoomLeavesTheOneBefore(t *testing.T) {
	s := newServer(t, subjectBin(t), "--dir", smallDisk(t, 160<<20), "--rdbcompression", "no")
	s.Dir = s.args[len(s.args)-3]
	s.start(nil)
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "a", "b")
	says(t, c, "OK", "SAVE")
	before := dumpOf(t, s)
	for i := range 30 {
		says(t, c, "OK", "SET", fmt.Sprint("large", i), strings.Repeat("x", 1<<20))
	}
	says(t, c, "Background append only file rewriting started", "BGREWRITEAOF") // the tables have grown
	rewritten(t, c)
	var free syscall.Statfs_t
	if err := syscall.Statfs(s.Dir, &free); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(s.Dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(free.Bavail)*free.Bsize-12<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	v := c.Do("SAVE")
	if !v.IsError() || !strings.Contains(v.text, "no space left on device") {
		t.Errorf("SAVE: %s", v)
	}
	if !bytes.Equal(dumpOf(t, s), before) || hasTemporaryDump(t, s) {
		t.Error("the dump before is another, or a temporary file is left")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		if v = c.Do("SAVE"); v.text == "OK" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("SAVE: %s", v)
		}
	}
	if values, _ := readDump(t, dumpOf(t, s)); len(values) != 31 || len(values["large7"]) != 1<<20 {
		t.Errorf("%d keys", len(values))
	}
}

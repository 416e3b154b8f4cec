package compat_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"testing"
	"time"
)

// onDisk gives a server a long value that is on disk alone, and a new process, of which VmHWM tells.
func onDisk(t *testing.T, size int, args ...string) (s *server, c *client) {
	t.Helper()
	s = startServer(t, subjectBin(t), args...)
	c = dial(t, s.Addr)
	if err := c.sendBig(size, "SET", "long"); err != nil {
		t.Fatal(err)
	}
	if v := c.Receive(); v.text != "OK" {
		t.Fatal(v)
	}
	s.Restart()
	return s, dial(t, s.Addr)
}

// TestALongValueOnDiskIsUsedWithoutBeingLoaded: what reads or changes it takes a few chunks of memory at a time.
func TestALongValueOnDiskIsUsedWithoutBeingLoaded(t *testing.T) {
	requireProc(t)
	const size = 48 << 20
	s, c := onDisk(t, size, "--maxmemory", "8mb")
	idle := s.memoryLine("VmHWM")
	get := func() {
		t.Helper()
		if err := c.write(encode("GET", "long")); err != nil {
			t.Fatal(err)
		}
		if err := c.receiveBig(size, patterned); err != nil {
			t.Fatalf("GET: %v", err)
		}
	}
	ask := func(want string, args ...any) {
		t.Helper()
		if v := c.Do(args...); v.text != want {
			t.Errorf("%.100v: %.100v, want %.100s", args, v, want)
		}
	}
	get()
	const slice = 4 << 20
	for at := 0; at < size; at += slice {
		if err := c.write(encode("GETRANGE", "long", at, at+slice-1)); err != nil {
			t.Fatal(err)
		}
		if err := c.receiveBig(slice, func(i int) byte { return patterned(at + i) }); err != nil {
			t.Fatalf("GETRANGE from %d: %v", at, err)
		}
	}
	ones := 0
	for at := 0; at < size; at += len(blockOf) {
		for _, b := range blockOf[:min(len(blockOf), size-at)] {
			ones += bits.OnesCount8(b)
		}
	}
	zero := bits.LeadingZeros8(^blockOf[0]) // it is not 0xff
	ask(fmt.Sprint(ones), "BITCOUNT", "long")
	ask(fmt.Sprint(zero), "BITPOS", "long", 0)
	for at := 0; at < size; at += size / 20 {
		ask(fmt.Sprint(patterned(at)>>7), "GETBIT", "long", at*8)
		ask(fmt.Sprint(patterned(at)>>7), "SETBIT", "long", at*8, patterned(at)>>7^1)
		ask(fmt.Sprint(patterned(at)>>7^1), "GETBIT", "long", at*8)
		ask(fmt.Sprint(patterned(at)>>7^1), "SETBIT", "long", at*8, patterned(at)>>7)
		ask(string(blockOf[at%len(blockOf):][:2]), "GETRANGE", "long", at, at+1)
		for _, command := range [][]any{
			{"BITFIELD_RO", "long", "GET", "u8", (at + 1) * 8}, {"BITFIELD", "long", "SET", "u8", (at + 1) * 8, patterned(at + 1)},
		} {
			if v := c.Do(command...); v.String() != fmt.Sprintf("1) :%d", patterned(at+1)) {
				t.Errorf("%v: %v", command, v)
			}
		}
		ask(fmt.Sprint(size), "SETRANGE", "long", at, string([]byte{patterned(at)}))
	}
	ask(fmt.Sprint(size), "STRLEN", "long")
	get()
	ask(fmt.Sprint(size+3), "APPEND", "long", "end")
	ask("end", "GETRANGE", "long", -3, -1)
	grown := s.memoryLine("VmHWM") - idle
	t.Logf("%.1f MB more than at rest, for a value of %d MB", float64(grown)/(1<<20), size>>20)
	if grown > size*3/4 { // a copy is more
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

// TestASlowClientGetsTheValueThatWasThere when it asked, whatever becomes of the key, and its replies in order.
func TestASlowClientGetsTheValueThatWasThere(t *testing.T) {
	const size = 24 << 20
	for name, change := range map[string][]any{
		"is changed": {"SETRANGE", "long", size - 4<<20, strings.Repeat("x", 1<<20)},
		"grows":      {"APPEND", "long", "more"},
		"is others":  {"SET", "long", strings.Repeat("y", 1<<20)},
		"goes":       {"DEL", "long"},
		"is flushed": {"FLUSHALL"},
	} {
		t.Run(name, func(t *testing.T) {
			s, slow := onDisk(t, size, "--maxmemory", "8mb", "--enable-debug-command", "yes")
			if err := slow.write(bytes.Join([][]byte{encode("GET", "long"), encode("GETRANGE", "long", 0, -1), encode("EXISTS", "long")}, nil)); err != nil {
				t.Fatal(err)
			}
			if err := slow.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if first, err := slow.r.Peek(16); err != nil || !strings.HasPrefix(string(first), "$"+strconv.Itoa(size)) {
				t.Fatalf("%q, %v", first, err)
			}
			other := dial(t, s.Addr)
			if v := other.Do(change...); v.IsError() {
				t.Fatal(v)
			}
			if v := other.Do("DEBUG", "RELOAD"); v.IsError() { // all of it is in the tables
				t.Fatal(v)
			}
			if err := slow.receiveBig(size, patterned); err != nil {
				t.Fatalf("GET: %v", err)
			}
			line, err := readLine(slow.r) // of what the change has left
			n, isLength := strconv.Atoi(strings.TrimPrefix(line, "$"))
			if err != nil || isLength != nil {
				t.Fatalf("%q, %v", line, err)
			}
			if _, err := slow.r.Discard(n + 2); err != nil {
				t.Fatal(err)
			}
			if v := slow.Receive(); v.kind != ':' {
				t.Fatal(v)
			}
		})
	}
}

// TestAClientMayWriteItsPipelineBeforeItReadsALongValue: both sides would wait for each other for ever.
func TestAClientMayWriteItsPipelineBeforeItReadsALongValue(t *testing.T) {
	const size = 24 << 20
	s, c := onDisk(t, size, "--maxmemory", "8mb")
	if err := c.write(encode("GET", "long")); err != nil {
		t.Fatal(err)
	}
	if err := c.sendBig(size, "SET", "long"); err != nil {
		t.Fatal(err)
	}
	if err := c.receiveBig(size, patterned); err != nil {
		t.Fatal(err)
	}
	if v := c.Receive(); v.text != "OK" {
		t.Fatal(v)
	}
	if v := dial(t, s.Addr).Do("STRLEN", "long"); v.text != fmt.Sprint(size) {
		t.Fatal(v)
	}
}

// TestALongValueOnDiskIsAReplyLikeOthers in transactions and scripts, where nobody wants it, and at limits.
func TestALongValueOnDiskIsAReplyLikeOthers(t *testing.T) {
	const size = 8 << 20
	s, c := onDisk(t, size, "--maxmemory", "4mb")
	big := func(c *client) {
		t.Helper()
		if err := c.receiveBig(size, patterned); err != nil {
			t.Fatal(err)
		}
	}
	c.SendRaw(bytes.Join([][]byte{encode("MULTI"), encode("GET", "long"), encode("APPEND", "long", ""), encode("EXEC")}, nil))
	for _, want := range []string{"+OK", "+QUEUED", "+QUEUED", "*2"} {
		if line, err := readLine(c.r); err != nil || line != want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	big(c)
	if v := c.Receive(); v.text != fmt.Sprint(size) {
		t.Fatal(v)
	}
	c.Send("EVAL", "return redis.call('GET', KEYS[1])", "1", "long")
	big(c)
	c.SendRaw(bytes.Join([][]byte{encode("CLIENT", "REPLY", "SKIP"), encode("GET", "long"), encode("ECHO", "next")}, nil))
	if v := c.Receive(); v.text != "next" {
		t.Fatal(v)
	}
	gone := dial(t, s.Addr) // hangs up in the middle
	gone.Send("GET", "long")
	if _, err := gone.r.Peek(4096); err != nil {
		t.Fatal(err)
	}
	gone.Close()
	c.Do("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0")
	limited := dial(t, s.Addr)
	limited.Send("GET", "long")
	if v, err := limited.read(time.Minute); err == nil {
		t.Errorf("above the hard limit: %.100v", v)
	}
	if v := c.Do("PING"); v.text != "PONG" {
		t.Fatal(v)
	}
}

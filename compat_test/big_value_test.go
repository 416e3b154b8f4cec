package compat_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var hugeFlag = flag.Bool("huge", os.Getenv("DISKETTE_HUGE") == "1", "test values of 512 MB in place of 64 MB")

// bigValue is the size of the largest value in these tests: proto-max-bulk-len with -huge.
func bigValue() int {
	if *hugeFlag {
		return 512 << 20
	}
	return 64 << 20
}

// blockOf is what big values are made of, again and again. Its length is no power of two, so
// that a piece in the wrong place shows.
var blockOf = func() []byte {
	b := make([]byte, 1<<20+7)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}()

// sendBig sends a command whose last argument is a value of size bytes, without holding it.
func (c *client) sendBig(size int, args ...string) error {
	head := fmt.Appendf(nil, "*%d\r\n", len(args)+1)
	for _, a := range args {
		head = fmt.Appendf(head, "$%d\r\n%s\r\n", len(a), a)
	}
	head = fmt.Appendf(head, "$%d\r\n", size)
	if err := c.write(head); err != nil {
		return err
	}
	for size > 0 {
		n := min(size, len(blockOf))
		if err := c.write(blockOf[:n]); err != nil {
			return err
		}
		size -= n
	}
	return c.write([]byte("\r\n"))
}

// receiveBig reads a bulk reply of size bytes, at(i) being the byte at place i.
func (c *client) receiveBig(size int, at func(i int) byte) error {
	if err := c.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	line, err := readLine(c.r)
	if err != nil {
		return err
	}
	if line != "$"+strconv.Itoa(size) {
		return fmt.Errorf("%.100q in place of a bulk of %d bytes", line, size)
	}
	buf := make([]byte, 64<<10)
	for got := 0; got < size; {
		n, err := c.r.Read(buf[:min(len(buf), size-got)])
		if err != nil {
			return err
		}
		// The ends of each piece tell whether it is in its place; bytes between were copied along.
		for _, i := range [...]int{0, n / 2, n - 1} {
			if buf[i] != at(got+i) {
				return fmt.Errorf("byte %d of %d differs", got+i, size)
			}
		}
		got += n
	}
	if line, err := readLine(c.r); err != nil || line != "" {
		return fmt.Errorf("%q, %v behind the value", line, err)
	}
	return nil
}

func patterned(i int) byte { return blockOf[i%len(blockOf)] }

// pinger is a client that looks for a key all the time. How long it waits is told in the processor time that the server
// has used meanwhile, if the system says it: on a busy machine each wait lasts, whatever the server does.
type pinger struct {
	stop  chan struct{}
	done  sync.WaitGroup
	worst time.Duration
	err   error
}

func startPinger(s *server) *pinger {
	p := &pinger{stop: make(chan struct{})}
	p.done.Go(func() {
		c, err := open(s.Addr)
		if err != nil {
			p.err = err
			return
		}
		defer c.Close()
		for {
			start, used := time.Now(), usedBy(s)
			if _, err := c.Try("EXISTS", "other"); err != nil {
				p.err = err
				return
			}
			wait := time.Since(start)
			if used > 0 {
				wait = min(wait, usedBy(s)-used)
			}
			p.worst = max(p.worst, wait)
			select {
			case <-p.stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
	return p
}

// usedBy is the processor time that the server has used, 0 if the system does not say it.
func usedBy(s *server) time.Duration {
	ticks, err := ticksOf(s)
	if err != nil {
		return 0
	}
	return time.Duration(ticks) * time.Second / 100
}

// end returns the longest time since the start.
func (p *pinger) end(t *testing.T) time.Duration {
	t.Helper()
	close(p.stop)
	p.done.Wait()
	if p.err != nil {
		t.Fatalf("the other client: %v", p.err)
	}
	return p.worst
}

func TestTheLargestValuesGoInAndOutWithoutDisturbingOthers(t *testing.T) {
	requireProc(t)
	size := bigValue()
	s := startServer(t, subjectBin(t), "--maxmemory", strconv.Itoa(2*size))
	base := s.memoryLine("VmHWM")
	c := dial(t, s.Addr)
	step := func(name string, fn func() error) {
		t.Helper()
		p := startPinger(s)
		start := time.Now()
		if err := fn(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		took := time.Since(start)
		worst := p.end(t)
		t.Logf("%-36s %8v; another client's EXISTS: longest %8v; VmHWM %d MB", name,
			took.Round(time.Millisecond), worst.Round(10*time.Microsecond), s.memoryLine("VmHWM")>>20)
		if worst > time.Second {
			t.Errorf("%s held another client up for %v", name, worst)
		}
	}
	reply := func(want string) error {
		v, err := c.read(5 * time.Minute)
		if err == nil && v.text != want {
			err = fmt.Errorf("%s in place of %s", v, want)
		}
		return err
	}
	replies := func(want string, args ...any) error {
		if err := c.write(encode(args...)); err != nil {
			return err
		}
		return reply(want)
	}
	step("SET", func() error {
		if err := c.sendBig(size, "SET", "big"); err != nil {
			return err
		}
		return reply("OK")
	})
	step("GET", func() error {
		if err := c.write(encode("GET", "big")); err != nil {
			return err
		}
		return c.receiveBig(size, patterned)
	})
	step("GETRANGE of all but the ends", func() error {
		if err := c.write(encode("GETRANGE", "big", 1, size-2)); err != nil {
			return err
		}
		return c.receiveBig(size-2, func(i int) byte { return patterned(i + 1) })
	})
	step("SETRANGE of the last byte", func() error { return replies(strconv.Itoa(size), "SETRANGE", "big", size-1, "!") })
	step("SETRANGE of the first byte", func() error { return replies(strconv.Itoa(size), "SETRANGE", "big", 0, "!") })
	step("APPEND of half to an empty key", func() error {
		if err := c.sendBig(size/2, "APPEND", "half"); err != nil {
			return err
		}
		return reply(strconv.Itoa(size / 2))
	})
	step("APPEND of the other half", func() error {
		if err := c.sendBig(size/2, "APPEND", "half"); err != nil {
			return err
		}
		return reply(strconv.Itoa(size))
	})
	step("COPY", func() error { return replies("1", "COPY", "half", "copy") })
	step("SETRANGE at the last possible offset", func() error { return replies(strconv.Itoa(size), "SETRANGE", "zeros", size-1, "z") })
	if size == 512<<20 {
		for _, args := range [][]any{{"APPEND", "big", "x"}, {"SETRANGE", "big", size, "x"}, {"SETRANGE", "new", size, "x"}} {
			if v := c.Do(args...); v.text != "ERR string exceeds maximum allowed size (proto-max-bulk-len)" {
				t.Errorf("%v: %s", args, v)
			}
		}
	}
	most := s.memoryLine("VmHWM")
	t.Logf("values of %d MB, maxmemory of two: VmHWM %d MB, which is %.1f values; %d MB when idle",
		size>>20, most>>20, float64(most-base)/float64(size), base>>20)
	if most-base > 7*int64(size)+(128<<20) {
		t.Errorf("VmHWM is %d MB: more than a few copies of %d MB", most>>20, size>>20)
	}

	if err := c.sendBig(size, "SET", "tail"); err != nil {
		t.Fatal(err)
	}
	if err := reply("OK"); err != nil {
		t.Fatal(err)
	}
	s.Kill9() // with the last value in the journal alone
	s.start(nil)
	c = dial(t, s.Addr)
	most = s.memoryLine("VmHWM")
	t.Logf("after kill -9 and recovery: VmHWM %d MB, which is %.1f values", most>>20, float64(most-base)/float64(size))
	step("GET after kill -9", func() error {
		if err := c.write(encode("GET", "big")); err != nil {
			return err
		}
		return c.receiveBig(size, func(i int) byte {
			if i == 0 || i == size-1 {
				return '!'
			}
			return patterned(i)
		})
	})
	for _, key := range []string{"half", "copy"} {
		step("GET of the two halves", func() error {
			if err := c.write(encode("GET", key)); err != nil {
				return err
			}
			return c.receiveBig(size, func(i int) byte { return patterned(i % (size / 2)) })
		})
	}
	step("GET of what was in the journal alone", func() error {
		if err := c.write(encode("GET", "tail")); err != nil {
			return err
		}
		return c.receiveBig(size, patterned)
	})
	if v := c.Do("GETRANGE", "zeros", -3, -1); v.text != "\x00\x00z" {
		t.Errorf("the end of SETRANGE's value is %s", v)
	}
	if most := s.memoryLine("VmHWM"); most-base > 7*int64(size)+(128<<20) {
		t.Errorf("VmHWM is %d MB after the restart: more than a few copies of %d MB", most>>20, size>>20)
	}
}

// Values that are copied while others read and change them must come out as if one had done it all.
func TestChangesOfALongValueByManyAtOnceAllArrive(t *testing.T) {
	const clients, size, rounds = 6, 4 << 20, 40
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	if err := c.sendBig(size, "SET", "long"); err != nil {
		t.Fatal(err)
	}
	if v := c.Receive(); v.text != "OK" {
		t.Fatal(v)
	}
	forEach(t, clients, clients, func(i int) error {
		c, err := open(s.Addr)
		if err != nil {
			return err
		}
		defer c.Close()
		for n := range rounds {
			own := fmt.Sprintf("%d-%04d", i, n)
			for _, step := range []struct {
				args []any
				want string
			}{
				{[]any{"SETRANGE", "long", (i + 1) * 100_000, own}, ""},
				{[]any{"GETRANGE", "long", (i + 1) * 100_000, (i+1)*100_000 + len(own) - 1}, own},
				{[]any{"GETRANGE", "long", 0, 70_000 + i}, string(blockOf[:70_001+i])}, // lends the value
				{[]any{"APPEND", "long", own}, ""},
				{[]any{"DEL", "hole"}, ""},
				{[]any{"SETRANGE", "hole", 3 << 20, own}, fmt.Sprint(3<<20 + len(own))},
				{[]any{"COPY", "long", fmt.Sprint("copy", i), "REPLACE"}, "1"},
			} {
				v, err := c.Try(step.args...)
				if err != nil {
					return err
				}
				if v.IsError() || step.want != "" && v.text != step.want {
					return fmt.Errorf("%v: %.100s", step.args[:2], v)
				}
			}
		}
		return nil
	})
	want := bytes.Clone(bytes.Repeat(blockOf, 5)[:size])
	for i := range clients {
		copy(want[(i+1)*100_000:], fmt.Sprintf("%d-%04d", i, rounds-1))
	}
	for range 2 {
		got := dial(t, s.Addr).Do("GET", "long").text
		if len(got) != size+clients*rounds*len("0-0000") {
			t.Fatalf("%d bytes", len(got))
		}
		if got[:size] != string(want) {
			t.Error("the changed part is not as it was written")
		}
		for i := range clients {
			at := 0
			for n := range rounds { // each client's in order
				own := fmt.Sprintf("%d-%04d", i, n)
				k := strings.Index(got[size+at:], own)
				if k < 0 {
					t.Fatalf("%s was not appended, or out of order", own)
				}
				at += k
			}
		}
		s.Kill9()
		s.start(nil)
	}
}

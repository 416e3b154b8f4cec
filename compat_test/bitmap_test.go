package compat_test

import (
	"sync"
	"testing"
)

// TestLongBitmapsAreReadAsOfOneMoment changes a long bitmap, two bits at a time, while it is counted and combined: both
// are long enough to be done without the lock, and must see both bits or neither.
func TestLongBitmapsAreReadAsOfOneMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT CHECKED: that long bitmaps are read as of one moment; go test ./compat_test without -short does")
	}
	s := startSubject(t, subjectBin(t))
	c := dial(t, s.Addr)
	const first, last = 3, 40 << 23 // 40 MB apart
	c.Do("SETBIT", "k", last, 1)
	c.Do("SET", "short", "\x60") // two more bits
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		w, err := open(s.Addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		for bit := 0; ; bit = 1 - bit {
			select {
			case <-stop:
				return
			default:
			}
			for _, command := range [][]any{{"MULTI"}, {"SETBIT", "k", first, 1 - bit}, {"SETBIT", "k", last, bit}, {"EXEC"}} {
				if v, err := w.Try(command...); err != nil || v.IsError() {
					t.Errorf("%v: %s, %v", command, v, err)
					return
				}
			}
		}
	})
	for range 15 {
		if n := c.Do("BITCOUNT", "k").Int(); n != 1 {
			t.Errorf("BITCOUNT sees %d of two bits that are never the same", n)
		}
		if at := c.Do("BITPOS", "k", 1).Int(); at != first && at != last {
			t.Errorf("BITPOS finds %d", at)
		}
		if n := c.Do("BITOP", "NOT", "inverse", "k").Int(); n != last/8+1 {
			t.Errorf("BITOP answers %d", n)
		}
		if n := c.Do("BITCOUNT", "inverse").Int(); n != last+8-1 {
			t.Errorf("BITOP has made %d bits of the other %d", n, last+8-1)
		}
		c.Do("BITOP", "OR", "either", "short", "k", "missing")
		if n := c.Do("BITCOUNT", "either").Int(); n != 3 {
			t.Errorf("BITOP has made 3 bits %d", n)
		}
		c.Do("MULTI")
		c.Do("BITCOUNT", "k")
		c.Do("BITOP", "XOR", "none", "k", "k")
		c.Do("BITCOUNT", "none")
		got := c.Do("EXEC")
		if len(got.elems) != 3 || got.elems[0].Int() != 1 || got.elems[1].Int() != last/8+1 || got.elems[2].Int() != 0 {
			t.Errorf("within MULTI: %s", got)
		}
	}
	close(stop)
	writer.Wait()
}

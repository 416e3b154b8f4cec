package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestABigArgumentBelongsToItsReceiverAndIsExactlySized(t *testing.T) {
	value := strings.Repeat("v", 5*BigArg+7)
	set := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(value), value)
	overwrite := strings.Repeat("*1\r\n$4\r\nPING\r\n", 20000)
	for how, pieces := range map[string][]string{
		"at once": {set + overwrite}, "header first": {set[:40], set[40:] + overwrite}, "byte by byte": byteByByte(set + overwrite),
	} {
		g := guardOf(true, pieces...)
		batch, err := g.ReadBatch(1)
		if err != nil {
			t.Fatal(how, err)
		}
		kept := batch[0].Args[2]
		if _, err := readAll(g, 100); err != io.EOF {
			t.Fatal(how, err)
		}
		if string(kept) != value || cap(kept) != len(kept) {
			t.Errorf("%s: %d bytes of capacity %d, or their contents changed", how, len(kept), cap(kept))
		}
	}
}

func TestArgumentsCannotGrowIntoEachOther(t *testing.T) {
	g := guardOf(true, "SET k v\r\nGET k\r\n")
	batch, err := g.ReadBatch(2)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(batch[0].Args[1], "overwritten"...)
	_ = append(batch[0].Args, []byte("overwritten"))
	if got := fmt.Sprintf("%s %s", batch[0].Args, batch[1].Args); got != "[SET k v] [GET k]" {
		t.Error(got)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The race detector sees at once what a busy server came across seldom: a command's first bytes lay in a buffer that
// was another connection's already.
func TestACommandThatOutgrowsItsBufferIsNotOverwrittenByOthers(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			value := strings.Repeat(string(rune('a'+i)), 3*smallBuffer)
			command := fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(value), value)
			for range 300 {
				got, err := readAll(guardOf(true, command[:smallBuffer/2], command[smallBuffer/2:smallBuffer], command[smallBuffer:]), 10)
				if err != io.EOF || len(got) != 1 || len(got[0]) != 2 || got[0][1] != value {
					t.Errorf("%d commands, %v", len(got), err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAnAnnouncedArgumentCostsNothingBeforeItComes(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
	go g.ReadBatch(1)
	before := heapInUse()
	sent := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nfirst bytes"
	if _, err := io.WriteString(client, sent); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return g.BytesIn() == int64(len(sent)) })
	if grown := heapInUse() - before; grown > 1<<20 {
		t.Errorf("%d bytes of heap for %d bytes sent", grown, len(sent))
	}
}

func TestAMillionArgumentsAreOneCommand(t *testing.T) {
	const n = 1 << 20
	args := bytes.Repeat([]byte("$1\r\na\r\n"), n)
	g := guardOf(true, fmt.Sprintf("*%d\r\n", n), string(args), "PING\r\n")
	batch, err := g.ReadBatch(10)
	if err != nil || len(batch) != 1 || len(batch[0].Args) != n {
		t.Fatalf("%d commands, %v", len(batch), err)
	}
	for _, a := range batch[0].Args {
		if string(a) != "a" {
			t.Fatalf("%q", a)
		}
	}
	if batch, err := g.ReadBatch(10); err != nil || len(batch) != 1 || string(batch[0].Args[0]) != "PING" {
		t.Fatalf("%v, %v", batch, err)
	}
	if len(g.ws.buf) > largeBuffer {
		t.Errorf("a buffer of %d bytes is kept for a command of 6", len(g.ws.buf))
	}
}

func TestAnUnfinishedCommandIsBoundedByTheQueryBufferLimit(t *testing.T) {
	for name, stream := range map[string]string{
		"many small arguments": "*1000000\r\n" + strings.Repeat("$1\r\na\r\n", 1<<20),
		"many empty arguments": "*1000000\r\n" + strings.Repeat("$0\r\n\r\n", 1<<20),
		"many big arguments":   "*1000000\r\n" + strings.Repeat("$100000\r\n"+strings.Repeat("x", 100000)+"\r\n", 30),
		"one big argument":     "*2\r\n$1\r\na\r\n$3000000\r\n" + strings.Repeat("x", 3000000),
	} {
		g := guardOf(true, stream)
		g.limits.QueryBufferBytes.Store(1 << 20)
		if _, err := g.ReadBatch(1); err != ErrQueryBuffer {
			t.Errorf("%s: %v", name, err)
		}
		if in := g.BytesIn(); in > 4<<20 {
			t.Errorf("%s: read %d bytes before giving up", name, in)
		}
		if g.ws != nil {
			t.Errorf("%s: memory is kept for a connection that failed", name)
		}
	}
}

func TestAByteAtATimeCostsNoMoreThanItsBytes(t *testing.T) {
	const n = 100_000
	stream := fmt.Sprintf("*%d\r\n%s", n, strings.Repeat("$1\r\na\r\n", n))
	pieces := byteByByte(stream)
	allocs := testing.AllocsPerRun(1, func() {
		g := guardOf(true, pieces...)
		if batch, err := g.ReadBatch(1); err != nil || len(batch[0].Args) != n {
			t.Fatal(err)
		}
	})
	// Parsing 700,000 bytes anew for each of them would take hours; the allocations are
	// guardOf's, one a piece.
	if allocs > float64(len(pieces))+200 {
		t.Errorf("%.0f allocations for %d bytes", allocs, len(pieces))
	}
}

func TestSmallCommandsCostNoAllocation(t *testing.T) {
	g := NewGuard(repeater{pipeline: pipelineOfSets(16)}, new(Limits))
	g.Authed.Store(true)
	read := func() {
		if batch, err := g.ReadBatch(100); err != nil || len(batch) != 16 {
			t.Fatal(len(batch), err)
		}
	}
	read()
	// None, unless the race detector runs: it makes sync.Pool forget a workspace now and then.
	if allocs := testing.AllocsPerRun(1000, read); allocs >= 8 {
		t.Errorf("%v allocations for 16 commands", allocs)
	}
}

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
	if _, err := client.Write(pipelineOfSets(100)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 100; {
		batch, err := g.ReadBatch(1000)
		if err != nil {
			t.Fatal(err)
		}
		n += len(batch)
	}
	if g.ws == nil || g.Buffered() == 0 {
		t.Error("the last commands are served from no buffer")
	}
	g.limits.Idle.Store(int64(20 * time.Millisecond))
	if _, err := g.ReadBatch(1000); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if holdsNone := g.ws == nil; holdsNone != canReadDescriptors || g.Buffered() != 0 {
		t.Errorf("holds no buffer: %v; %d bytes in it", holdsNone, g.Buffered())
	}
}

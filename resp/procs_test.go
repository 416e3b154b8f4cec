package resp

import (
	"runtime"
	"testing"
)

func TestBothCoresServeWhileTheHeapGrowsIntoACollection(t *testing.T) {
	const mb = 1 << 20
	p := &procs{heap: 200 * mb}
	for _, c := range []struct {
		bytes int64
		want  bool
	}{
		{210 * mb, false},             // 10 MB in a period: 310 in ten more
		{240 * mb, true},              // 540
		{241 * mb, false},             // 251
		{440 * mb, true},              // it is at work
		{441 * mb, true},              // still
		{441*mb + 1000, false},        // a heap that does not grow may stay there
		{300 * mb, false},             // it is over
		{300*mb + procsGrowth, false}, //
	} {
		if got := p.collecting(c.bytes, 400*mb); got != c.want {
			t.Errorf("at %d bytes: %v", c.bytes, got)
		}
	}
}

func TestOneCoreServesSingleCommandsAndReadsAndAllServePipelinesOfChanges(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	p := &procs{all: 2, now: 2}
	var commands, batches, changes, loads int64
	clients, labor := 50, false
	step := func(c, b, ch, l int64, want int) {
		t.Helper()
		commands, batches, changes, loads = commands+c, batches+b, changes+ch, loads+l
		p.look(commands, batches, changes, loads, clients, labor)
		if p.now != want {
			t.Fatalf("%d commands in %d batches, %d changes, %d loads: runs on %d, want %d", c, b, ch, l, p.now, want)
		}
	}
	for range procsCalm - 1 {
		step(1000, 1000, 1000, 0, 2)
	}
	step(1000, 1000, 1000, 0, 1)
	step(16000, 1000, 0, 0, 1)
	step(16000, 1000, 8000, 0, 2)
	for range procsCalm - 1 {
		step(0, 0, 0, 0, 2)
	}
	step(0, 0, 0, 0, 1)
	step(5000, 5000, 0, 4000, 2)
	for range procsCalm - 1 {
		step(10, 10, 0, 10, 2)
	}
	step(10, 10, 0, 10, 1)
	clients = 1
	step(10, 10, 0, 0, 2)
	clients = 0
	step(0, 0, 0, 0, 1)
	clients, labor = 50, true
	step(1000, 1000, 500, 0, 2)
	labor = false
	for range procsCalm - 1 {
		step(1000, 1000, 500, 0, 2)
	}
	step(1000, 1000, 500, 0, 1)
}

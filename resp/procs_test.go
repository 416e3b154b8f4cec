package resp

import (
	"runtime"
	"testing"
)

func TestOneCoreServesSingleCommandsAndAllServePipelines(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	p := &procs{all: 2, now: 2}
	var commands, batches, loads int64
	clients := 50
	step := func(c, b, l int64, want int) {
		t.Helper()
		commands, batches, loads = commands+c, batches+b, loads+l
		p.look(commands, batches, loads, clients)
		if p.now != want {
			t.Fatalf("%d commands in %d batches, %d loads: runs on %d, want %d", c, b, l, p.now, want)
		}
	}
	for range procsCalm - 1 {
		step(1000, 1000, 0, 2)
	}
	step(1000, 1000, 0, 1)
	step(16000, 1000, 0, 2)
	for range procsCalm - 1 {
		step(0, 0, 0, 2)
	}
	step(0, 0, 0, 1)
	step(5000, 5000, 4000, 2)
	for range procsCalm - 1 {
		step(10, 10, 10, 2)
	}
	step(10, 10, 10, 1)
	commands, batches, loads, clients = 0, 0, 0, 1
	step(10, 10, 0, 2)
}

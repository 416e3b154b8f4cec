package compat_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// TestWorkersLoseNoJobWhenTheServerIsKilled lets producers push jobs and workers take them, in
// the two ways that clients have, while the server is killed with -9 and started again:
//
//	reliable  BLMOVE to a list of the worker's own, do the job, LREM it there; after a crash the worker begins
//	          with what stands in its list. No job whose push was answered is lost. One is done twice only if
//	          its LREM was under way.
//	simple    BLPOP. None is done twice; what is lost is at most the pop that was under way, one a worker and crash.
func TestWorkersLoseNoJobWhenTheServerIsKilled(t *testing.T) {
	const crashes, producers, workers = 6, 3, 4
	s := startServer(t, subjectBin(t), "--maxmemory", "4mb", "--enable-debug-command", "local")
	b := &jobs{pushed: map[string]bool{}, done: map[string]int{}, doubt: map[string]int{}}
	r := rand.New(rand.NewPCG(testrand.Seed(t), 0))
	for round := range crashes + 1 {
		stop, pushed := make(chan struct{}), make(chan struct{}) // pushed = no producer is left
		var all, taking sync.WaitGroup
		for i := range producers {
			all.Go(func() { b.produce(s.Addr, fmt.Sprintf("%d.%d", round, i), stop) })
		}
		for i := range workers {
			taking.Go(func() { b.workReliably(t, s.Addr, fmt.Sprint("taken", i), pushed) })
			taking.Go(func() { b.workSimply(t, s.Addr, pushed) })
		}
		time.Sleep(time.Duration(200+r.IntN(500)) * time.Millisecond)
		if round == crashes { // the last round: no crash, and the workers drain the queues
			close(stop)
			all.Wait()
			close(pushed)
			taking.Wait()
			break
		}
		s.Kill9()
		close(stop)
		all.Wait()
		close(pushed)
		taking.Wait()
		s.start([]string{"--appendfsync", []string{"everysec", "always", "no"}[round%3]})
	}
	c := dial(t, s.Addr)
	if left := c.Do("DBSIZE"); left.Int() != 0 {
		t.Errorf("keys are left: %s", c.Do("KEYS", "*"))
	}
	if v := c.Do("DEBUG", "CHECK"); v.text != "OK" {
		t.Errorf("DEBUG CHECK: %s", v)
	}
	b.judge(t, crashes*workers)
}

// jobs is what has become of every job. A name tells its queue.
type jobs struct {
	sync.Mutex
	pushed map[string]bool // true: the push was answered
	done   map[string]int  // how often
	doubt  map[string]int  // how often the server died while a job was being checked off
}

func (b *jobs) note(fn func()) {
	b.Lock()
	defer b.Unlock()
	fn()
}

func (b *jobs) produce(addr, name string, stop chan struct{}) {
	c, err := open(addr)
	if err != nil {
		return
	}
	defer c.Close()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		for _, queue := range []string{"reliable", "simple"} {
			job := fmt.Sprintf("%s %s.%d", queue, name, n)
			b.note(func() { b.pushed[job] = false })
			if v, err := c.Try("RPUSH", queue, job); err != nil || v.IsError() {
				return
			}
			b.note(func() { b.pushed[job] = true })
		}
	}
}

// workReliably ends when the connection breaks, or there is nothing more to do.
func (b *jobs) workReliably(t *testing.T, addr, own string, pushed chan struct{}) {
	c, err := open(addr)
	if err != nil {
		return
	}
	defer c.Close()
	before, err := c.Try("LRANGE", own, 0, -1)
	if err != nil {
		return
	}
	held := before.elems
	for {
		if len(held) == 0 {
			v, err := c.Try("BLMOVE", "reliable", own, "LEFT", "RIGHT", "0.1")
			switch {
			case err != nil:
				return
			case v.IsError():
				t.Errorf("BLMOVE: %s", v)
				return
			case v.IsNil():
				if isClosed(pushed) {
					return
				}
				continue
			}
			held = append(held, v)
		}
		job := held[0].text
		held = held[1:]
		b.note(func() { b.done[job]++ })
		v, err := c.Try("LREM", own, 1, job)
		if err != nil {
			b.note(func() { b.doubt[job]++ })
			return
		}
		if v.Int() != 1 {
			t.Errorf("%s is not in %s: %s", job, own, v)
		}
	}
}

func (b *jobs) workSimply(t *testing.T, addr string, pushed chan struct{}) {
	c, err := open(addr)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		v, err := c.Try("BLPOP", "missing", "simple", "0.1")
		switch {
		case err != nil:
			return
		case v.IsError():
			t.Errorf("BLPOP: %s", v)
			return
		case !v.IsNil():
			b.note(func() { b.done[v.elems[1].text]++ })
		case isClosed(pushed):
			return
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// judge compares; mayLose is how many pops were under way when the server died, at most.
func (b *jobs) judge(t *testing.T, mayLose int) {
	lost, twice, certain := 0, 0, 0
	for job, answered := range b.pushed {
		times, reliable := b.done[job], job[0] == 'r'
		if answered {
			certain++
		}
		switch {
		case times == 0 && answered && reliable:
			t.Errorf("%s is lost", job)
		case times == 0 && answered:
			lost++
		case times > 1+b.doubt[job]:
			t.Errorf("%s was done %d times, in doubt %d", job, times, b.doubt[job])
		case times > 1:
			twice++
		}
	}
	for job := range b.done {
		if _, sent := b.pushed[job]; !sent {
			t.Errorf("%q was done, and nobody pushed it", job)
		}
	}
	if lost > mayLose {
		t.Errorf("%d jobs were lost by BLPOP, more than %d that were under way", lost, mayLose)
	}
	if certain < 500 {
		t.Errorf("%d jobs are too few to prove anything", certain)
	}
	t.Logf("%d jobs pushed for certain; %d under way in a BLPOP were lost, %d were done twice by reliable workers", certain, lost, twice)
}

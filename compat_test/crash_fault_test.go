package compat_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNothingAcknowledgedIsLostOnADiskThatFails is the crash test over a disk on which reads, writes, fsyncs,
// truncations and creations of SQLite and the journal fail at random, for moments. Commands may be refused
// then; the server goes on all the same, what it acknowledged is there after a kill -9, and the store that is
// left is whole. It takes as long as -soak says.
func TestNothingAcknowledgedIsLostOnADiskThatFails(t *testing.T) {
	c := newCrew(t)
	c.faults = true
	well, faulty := c.bin, faultyBin(t)
	policies := []string{"everysec", "always", "no"}
	deadline := time.Now().Add(*soakFlag)
	rounds, refused := 0, 0
	for ; c.unproven(deadline, 200) && !t.Failed(); rounds++ {
		options := []string{"--appendfsync", policies[rounds%3], "--maxmemory", []string{"1mb", "64mb"}[rounds%2]}
		c.bin = faulty
		// A start fails when a file that the server needs could not be read or written.
		for tries := 1; !c.startFaulty(options) && !t.Failed(); tries++ {
			if refused++; tries == 30 {
				t.Fatalf("no start of %d comes about: that is no fault's doing:\n%s", tries, c.Log.tail())
			}
		}
		c.work(time.Duration(50+c.rand.IntN(2500))*time.Millisecond, c.Kill9)
		c.bin, c.prepare = well, nil
		c.start(options)
		c.verify()
		c.checkStore()
		c.Kill9()
	}
	t.Logf("%d crashes, %d starts that a fault ended, %d operations acknowledged", rounds, refused, c.acknowledged())
	if c.acknowledged() < 200 {
		t.Error("that is too few to prove anything")
	}
}

// startFaulty starts the server on a disk that fails, and reports whether it came up.
func (c *crew) startFaulty(options []string) bool {
	c.t.Helper()
	seed := c.rand.Uint64()
	c.prepare = func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "DISKETTE_FAULTS="+strconv.FormatUint(seed, 10)) }
	c.launch(options)
	for deadline := time.Now().Add(startTimeout); !c.answers(); time.Sleep(2 * time.Millisecond) {
		if c.died() {
			if status := c.cmd.ProcessState.ExitCode(); status != 1 {
				c.t.Errorf("a start that could not be ended with status %d:\n%s", status, c.Log.tail())
			}
			return false
		}
		if time.Now().After(deadline) {
			c.t.Errorf("no answer on a disk that fails after %v:\n%s", startTimeout, c.Log.tail())
			return false
		}
	}
	return true
}

// faultyBin builds the server of compat_test/faulty.
func faultyBin(t *testing.T) string {
	t.Helper()
	path, err := buildFaulty()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildFaulty = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "faulty")
	if out, err := exec.Command("go", "build", "-o", path, "diskette/compat_test/faulty").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build faulty: %w\n%s", err, out)
	}
	return path, nil
})

// hugeValue gives a key of any type one element of up to 100 MB: a value, a field, a member or an entry.
func (a *author) hugeValue() operation {
	types := append([]string{"string"}, crashTypes...)
	typ := types[a.rand.IntN(len(types))]
	p := place{a.db, a.prefix + "huge" + typ}
	size := int(math.Exp(math.Log(1e3) + a.rand.Float64()*math.Log(1e5))) // as many of 1 to 10 KB as of 10 to 100 MB
	mark := strconv.FormatUint(a.rand.Uint64(), 36)
	val := strings.Repeat(mark, size/len(mark)+1)[:size]
	c := contents{typ: typ, named: map[string]string{}}
	var add []any
	switch typ {
	case "string":
		add = []any{"SET", p.key, val}
	case "hash":
		if add = []any{"HSET", p.key, "f", val}; a.rand.IntN(2) == 0 {
			add[2], add[3] = val, "v"
		}
		c.named[add[2].(string)] = add[3].(string)
	case "list":
		add, c.list = []any{"RPUSH", p.key, val, "short"}, []string{val, "short"}
	case "set":
		add = []any{"SADD", p.key, val, "short"}
		c.named[val], c.named["short"] = "", ""
	case "stream":
		add = []any{"XADD", p.key, "1-1", "f", val}
		c.named["1-1"] = val
	}
	text := val
	if typ != "string" {
		text = c.String()
	}
	return operation{
		commands: [][]any{{"MULTI"}, {"DEL", p.key}, add, {"EXEC"}},
		apply:    func(k keyspace) { k[p] = entry{value: text} },
	}
}

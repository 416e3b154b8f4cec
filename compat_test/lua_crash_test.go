package compat_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// A stamper writes one number, larger each time, to several keys at once, in a way of its own.
type stamper struct {
	name               string
	write              func(c *client, name string, stamp int64) error
	partial            bool // the script fails after the first three of its keys
	sent, acknowledged int64
	total              int64
}

const (
	stampScript = `for i = 1, 3 do redis.call('set', KEYS[i], ARGV[1]) end
redis.call('hset', KEYS[4], 'f', ARGV[1])
redis.call('del', KEYS[5]) redis.call('rpush', KEYS[5], ARGV[1])
return ARGV[1]`
	failingScript = `for i = 1, 3 do redis.call('set', KEYS[i], ARGV[1]) end
redis.call('hset', KEYS[4], 'f', 'never', ARGV[1])
redis.call('rpush', KEYS[5], ARGV[1])`
	stampLibrary = "#!lua name=stamps\nredis.register_function('stamp', function(KEYS, ARGV)\n" + stampScript + "\nend)"
)

func stampKeys(name string) []any {
	var keys []any
	for i := range 5 {
		keys = append(keys, name+":"+strconv.Itoa(i))
	}
	return keys
}

// stampBy runs a script with a stamp.
func stampBy(how ...any) func(*client, string, int64) error {
	return func(c *client, name string, stamp int64) error {
		v, err := c.Try(append(append(append(append([]any{}, how...), 5), stampKeys(name)...), stamp)...)
		if err == nil && v.text != strconv.FormatInt(stamp, 10) && how[1] != failingScript {
			err = fmt.Errorf("%s: %s", name, v)
		}
		return err
	}
}

func stampByExec(c *client, name string, stamp int64) error {
	k := stampKeys(name)
	all := [][]any{{"MULTI"}, {"SET", k[0], stamp}, {"MSET", k[1], stamp, k[2], stamp}, {"HSET", k[3], "f", stamp}, {"DEL", k[4]}, {"RPUSH", k[4], stamp}, {"EXEC"}}
	var b []byte
	for _, args := range all {
		b = append(b, encode(args...)...)
	}
	if err := c.write(b); err != nil {
		return err
	}
	for range all {
		v, err := c.read(replyTimeout)
		if err != nil {
			return err
		}
		if v.IsError() {
			return fmt.Errorf("%s: %s", name, v)
		}
	}
	return nil
}

// work stamps until the connection breaks.
func (s *stamper) work(addr string) error {
	c, err := open(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		s.sent++
		if err := s.write(c, s.name, s.sent); err != nil {
			return err
		}
		s.acknowledged = s.sent
		s.total++
	}
}

// check compares what is there with what was acknowledged, and goes on from there.
func (s *stamper) check(t *testing.T, c *client) {
	t.Helper()
	k := stampKeys(s.name)
	values := c.Do("MGET", k[0], k[1], k[2]).elems
	seen := []string{values[0].text, values[1].text, values[2].text}
	if hash, list := c.Do("HGET", k[3], "f"), c.Do("LRANGE", k[4], 0, -1); s.partial {
		if !hash.IsNil() || len(list.elems) != 0 {
			t.Errorf("%s: what comes after the error is there: %s %s", s.name, hash, list)
		}
	} else {
		seen = append(seen, hash.text, fmt.Sprint(len(list.elems)))
		if len(list.elems) == 1 {
			seen[4] = list.elems[0].text
		}
	}
	for _, text := range seen {
		if text != seen[0] {
			t.Fatalf("%s is there in part: %q", s.name, seen)
		}
	}
	stamp, _ := strconv.ParseInt(seen[0], 10, 64) // nothing is 0
	if stamp < s.acknowledged || stamp > s.sent {
		t.Errorf("%s: the stamp is %d; %d was acknowledged, %d sent", s.name, stamp, s.acknowledged, s.sent)
	}
	s.sent, s.acknowledged = stamp, stamp
}

func TestTransactionsAndScriptsAreThereEntirelyOrNotAtAllAfterAKill9(t *testing.T) {
	seed := testrand.Seed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local", "--maxmemory", "1mb")
	says(t, dial(t, s.Addr), "stamps", "FUNCTION", "LOAD", stampLibrary)
	all := []*stamper{
		{name: "exec1", write: stampByExec}, {name: "exec2", write: stampByExec},
		{name: "eval1", write: stampBy("EVAL", stampScript)}, {name: "eval2", write: stampBy("EVAL", stampScript)},
		{name: "function", write: stampBy("FCALL", "stamp")},
		{name: "failing", write: stampBy("EVAL", failingScript), partial: true},
	}
	rounds := 0
	for enough := false; !enough && !t.Failed(); rounds++ {
		var done sync.WaitGroup
		errs := make(chan error, len(all))
		for _, w := range all {
			done.Go(func() { errs <- w.work(s.Addr) })
		}
		time.Sleep(time.Duration(20+random.IntN(300)) * time.Millisecond)
		if random.IntN(2) == 0 {
			if c, err := open(s.Addr); err == nil {
				_, _ = c.Try("SAVE") // the rows in the tables
				c.Close()
			}
		}
		s.Kill9()
		done.Wait()
		close(errs)
		for err := range errs {
			if !broken(err) {
				t.Error(errors.Join(err, errors.New(s.Log.tail())))
			}
		}
		if random.IntN(2) == 0 {
			tearJournal(t, random, s.Dir)
		}
		s.Restart()
		c := dial(t, s.Addr)
		enough = true
		for _, w := range all {
			w.check(t, c)
			enough = enough && w.total >= 1000
		}
		(&crew{server: s, t: t}).checkStore()
	}
	for _, w := range all {
		t.Logf("%s: %d in %d lives", w.name, w.total, rounds)
	}
}

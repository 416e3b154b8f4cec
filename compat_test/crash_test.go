package compat_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

var soakFlag = flag.Duration("soak", soakFromEnvironment(), "how long the crash test goes on; DISKETTE_SOAK says the same")

func soakFromEnvironment() time.Duration {
	d, err := time.ParseDuration(os.Getenv("DISKETTE_SOAK"))
	if err != nil {
		return 12 * time.Second
	}
	return d
}

// TestWhatWasAcknowledgedIsThereAfterAKill9 lets clients write with every reply noted, kills the server at a
// random moment, starts it again and compares: each client's keys must be as they were
// after its last acknowledged operation, or after one that it had sent since. Memory is
// small, so that keys are unloaded and read again; write-backs are forced; keys expire.
func TestWhatWasAcknowledgedIsThereAfterAKill9(t *testing.T) {
	c := startCrew(t)
	policies := []string{"everysec", "always", "no"}
	deadline := time.Now().Add(*soakFlag)
	rounds := 0
	for ; c.unproven(deadline, 1000) && !t.Failed(); rounds++ {
		life := time.Duration(20+c.rand.IntN(1200)) * time.Millisecond
		if c.rand.IntN(10) == 0 {
			life *= 5 // long enough for write-backs that nobody asked for
		}
		c.work(life, c.Kill9)
		if c.rand.IntN(3) == 0 {
			tearJournal(t, c.rand, c.Dir)
		}
		if c.rand.IntN(3) == 0 { // once more, while it recovers
			c.launch(nil)
			time.Sleep(time.Duration(c.rand.IntN(60)) * time.Millisecond)
			c.Kill9()
		}
		c.start([]string{"--appendfsync", policies[rounds%3], "--maxmemory", []string{"1mb", "64mb"}[rounds%2]})
		c.verify()
		c.checkStore()
	}
	t.Logf("%d crashes, %d operations acknowledged", rounds, c.acknowledged())
	if c.acknowledged() < 1000 {
		t.Error("that is too few to prove anything")
	}
}

func TestTheServerEndsInOrderUnderLoad(t *testing.T) {
	c := startCrew(t)
	for _, way := range []struct {
		name string
		ask  func()
	}{
		{"SIGTERM", func() { c.signal(syscall.SIGTERM) }},
		{"SIGINT", func() { c.signal(syscall.SIGINT) }},
		{"SHUTDOWN", func() { c.shutdown("SHUTDOWN") }},
		{"SHUTDOWN NOSAVE", func() { c.shutdown("SHUTDOWN", "NOSAVE") }},
	} {
		t.Run(way.name, func(t *testing.T) {
			c.t, c.server.t = t, t
			c.work(700*time.Millisecond, func() {
				start := time.Now()
				way.ask()
				if status := c.Wait(); status != 0 {
					t.Errorf("exit status %d:\n%s", status, c.Log)
				}
				if took := time.Since(start); took > dockerWaits {
					t.Errorf("the end took %v", took)
				}
			})
			c.start(nil)
			c.verify()
			c.checkStore()
		})
	}
}

func (c *crew) signal(s os.Signal) {
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Errorf("%v: %v", s, err)
	}
}

func (c *crew) shutdown(args ...any) {
	conn, err := open(c.Addr)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer conn.Close()
	if v, err := conn.Try(args...); err == nil {
		c.t.Errorf("%v: %s", args, v)
	}
}

// crew is a server and those who work on it.
type crew struct {
	*server
	t       *testing.T
	rand    *rand.Rand
	writers []*writer
	till    till
	faults  bool // its disk fails now and then: commands may be refused
}

func startCrew(t *testing.T) *crew {
	t.Helper()
	c := newCrew(t)
	c.start(nil)
	return c
}

// newCrew is a crew whose server is not started yet.
func newCrew(t *testing.T) *crew {
	t.Helper()
	seed := testrand.Seed(t) // it repeats the operations, though not their timing
	c := &crew{t: t, rand: rand.New(rand.NewPCG(seed, 0))}
	for i := range 10 {
		a := author{rand: rand.New(rand.NewPCG(seed, uint64(i)+1)), ahead: keyspace{}, prefix: "w" + strconv.Itoa(i) + ":"}
		if i >= 8 {
			a.db, a.owner = 2*(i-7), true // 2 and 3, 4 and 5
		}
		a.huge = i < 2 && *soakFlag >= time.Minute
		c.writers = append(c.writers, &writer{author: a, settled: keyspace{}})
	}
	c.server = newServer(t, subjectBin(t), "--enable-debug-command", "local", "--maxmemory", "1mb", "--hz", "50")
	return c
}

// work lets everybody work for a time, then lets end stop the server, and returns when
// all have noticed.
func (c *crew) work(life time.Duration, end func()) {
	c.t.Helper()
	var all sync.WaitGroup
	var ending atomic.Bool
	errs := make(chan error, 32)
	begin := func(again bool, work func(*client) error) {
		all.Go(func() {
			err := c.connected(work)
			for c.faults && isRefusal(err) && again && !ending.Load() {
				err = c.connected(work)
			}
			if broken(err) && ending.Load() || c.faults && isRefusal(err) {
				return
			}
			errs <- err
		})
	}
	for _, w := range c.writers {
		begin(false, func(conn *client) error { return w.work(conn, c.faults) })
	}
	for i := range 3 {
		random := rand.New(rand.NewPCG(c.rand.Uint64(), uint64(i)))
		begin(true, func(conn *client) error { return c.till.serve(conn, random) })
	}
	begin(true, c.till.watch)
	random := rand.New(rand.NewPCG(c.rand.Uint64(), 0))
	begin(true, func(conn *client) error { return operate(conn, random) })

	select {
	case err := <-errs:
		c.t.Errorf("while the server should be well: %v\n%s", err, c.Log.tail())
	case <-time.After(life):
	}
	ending.Store(true)
	end()
	all.Wait()
	close(errs)
	for err := range errs {
		c.t.Error(err)
	}
}

// connected lets somebody work on a connection.
func (c *crew) connected(work func(*client) error) error {
	conn, err := open(c.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	return work(conn)
}

// refusal is an error reply. What was asked may take effect all the same, later, as README says of failing disks.
type refusal struct{ asked, reply string }

func (r refusal) Error() string { return r.asked + ": " + r.reply }

// isRefusal reports whether an error is a reply, and one in words that are meant for a client.
func isRefusal(err error) bool {
	var r refusal
	return errors.As(err, &r) && !strings.Contains(r.reply, "internal error")
}

// broken says whether the server is gone from a connection or does not accept one.
func broken(err error) bool {
	return isHangUp(err) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, net.ErrClosed)
}

// verify compares what the server has with what was acknowledged.
func (c *crew) verify() {
	c.t.Helper()
	seen, err := inspect(c.Addr)
	if err != nil {
		c.t.Fatalf("reading everything back: %v\n%s", err, c.Log.tail())
	}
	for _, w := range c.writers {
		own := observed{keyspace: keyspace{}, from: seen.from, to: seen.to}
		for p, e := range seen.keyspace {
			if w.owns(p) {
				own.keyspace[p] = e
				delete(seen.keyspace, p)
			}
		}
		if err := w.settle(own); err != nil {
			c.t.Errorf("writer %s in database %d: %v", w.prefix, w.db, err)
		}
	}
	if err := c.till.balance(seen.keyspace); err != nil {
		c.t.Error(err)
	}
	for p, e := range seen.keyspace {
		c.t.Errorf("%v belongs to nobody: %s", p, e)
	}
	if c.t.Failed() {
		c.t.Log(c.Log.tail())
	}
}

// checkStore has the store verify itself: SQLite's integrity check, and tables against memory.
func (c *crew) checkStore() {
	c.t.Helper()
	conn := dial(c.t, c.Addr)
	defer conn.Close()
	await(c.t, "a quiet moment for DEBUG CHECK", func() bool {
		v := conn.Do("DEBUG", "CHECK")
		if strings.Contains(v.text, "written meanwhile") { // the sweeper goes on
			return false
		}
		equal(c.t, "DEBUG CHECK", v.text, "OK")
		return true
	})
}

// unproven reports whether the time is not over, or, on a slow disk, so little was acknowledged that it proves nothing.
func (c *crew) unproven(end time.Time, least int) bool {
	now := time.Now()
	return now.Before(end) || c.acknowledged() < least && now.Before(end.Add(5*time.Minute))
}

func (c *crew) acknowledged() (n int) {
	for _, w := range c.writers {
		n += w.acknowledged
	}
	return n
}

// tail is the end of the log, for a failure's message.
func (l *log) tail() string {
	s := l.String()
	return s[max(0, len(s)-4000):]
}

// writer is an author's operations on their way.
type writer struct {
	author
	settled      keyspace    // after the last acknowledged operation
	pending      []operation // sent since
	acknowledged int
	history      []operation // acknowledged since the server started
}

// work sends pipelines until the connection breaks, or, one by one, operations until one is refused. It returns why.
func (w *writer) work(conn *client, oneByOne bool) error {
	if _, err := conn.Try("SELECT", w.db); err != nil {
		return err
	}
	for {
		var b []byte
		many := 1 + w.rand.IntN(1+w.rand.IntN(16))
		if oneByOne {
			many = 1
		}
		for range many {
			op := w.next()
			w.pending = append(w.pending, op)
			for _, args := range op.commands {
				b = append(b, encode(args...)...)
			}
		}
		if err := conn.write(b); err != nil {
			return err
		}
		for len(w.pending) > 0 {
			if err := w.pending[0].acknowledge(conn); err != nil {
				return err
			}
			w.pending[0].apply(w.settled)
			w.history = append(w.history, w.pending[0])
			w.pending = w.pending[1:]
			w.acknowledged++
		}
	}
}

// acknowledge reads the replies to an operation.
func (op operation) acknowledge(conn *client) error {
	var last value
	for range op.commands {
		var err error
		if last, err = conn.read(replyTimeout); err != nil {
			return err
		}
		for _, v := range append([]value{last}, last.elems...) {
			if v.IsError() {
				return refusal{op.String(), v.String()}
			}
		}
	}
	if op.want != "" && last.text != op.want {
		return fmt.Errorf("%s: the reply is %.80s, should be %.80q", op, last, op.want)
	}
	return nil
}

// settle finds after which of the operations that were sent and not acknowledged the server
// stopped, and goes on from there.
func (w *writer) settle(seen observed) error {
	state := maps.Clone(w.settled)
	found := seen.differences(state)
	closest, after := found, 0
	for i, op := range w.pending {
		if len(found) == 0 {
			break
		}
		op.apply(state)
		if found = seen.differences(state); len(found) < len(closest) {
			closest, after = found, i+1
		}
	}
	if len(found) > 0 {
		return w.explain(closest, after)
	}
	for p, e := range state { // from now on the deadline is known to the millisecond
		if got, ok := seen.keyspace[p]; ok && e.slack > 0 {
			e.deadline, e.slack = got.deadline, 0
			state[p] = e
		}
	}
	w.settled, w.pending, w.history, w.ahead = state, nil, nil, maps.Clone(state)
	return nil
}

// explain tells what is wrong in the state that is nearest to what the server has, and how it came to be.
func (w *writer) explain(found []difference, after int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d keys differ after %d acknowledged operations and %d of %d more", len(found), w.acknowledged, after, len(w.pending))
	for _, d := range found[:min(len(found), 5)] {
		fmt.Fprintf(&b, "\n%v %s", d.place, d.text)
	}
	for i, op := range slices.Concat(w.history, w.pending) {
		if op.concerns(found[0].place) {
			fmt.Fprintf(&b, "\n%6d of %d acknowledged: %s", i+1, len(w.history), op)
		}
	}
	return errors.New(b.String())
}

// till is what many clients work on together, in database 1: a counter, two accounts whose sum is nothing,
// and three keys that are only set as one.
type till struct {
	sent, acknowledged atomic.Int64 // increments of the counter
	shown              atomic.Int64 // the highest that any client has seen
}

func (t *till) note(n int64) {
	for old := t.shown.Load(); n > old && !t.shown.CompareAndSwap(old, n); old = t.shown.Load() {
	}
}

// serve writes until the connection breaks.
func (t *till) serve(conn *client, random *rand.Rand) error {
	if _, err := conn.Try("SELECT", 1); err != nil {
		return err
	}
	for {
		t.sent.Add(1)
		v, err := conn.Try("INCR", "counter")
		if err != nil {
			return err
		}
		if v.kind != kindInteger {
			return refusal{"INCR", v.String()}
		}
		t.acknowledged.Add(1)
		t.note(v.Int())
		amount := random.Int64N(100)
		transfer := operation{commands: [][]any{{"MULTI"}, {"DECRBY", "from", amount}, {"INCRBY", "to", amount}, {"EXEC"}}}
		mark := strconv.FormatUint(random.Uint64(), 36)
		same := operation{commands: [][]any{{"MULTI"}, {"SET", "a", mark}, {"SET", "b", mark}, {"SET", "c", mark}, {"EXEC"}}}
		for _, op := range []operation{transfer, same} {
			for _, args := range op.commands {
				if err := conn.write(encode(args...)); err != nil {
					return err
				}
			}
			if err := op.acknowledge(conn); err != nil {
				return err
			}
		}
	}
}

// watch reads until the connection breaks: what it was shown must survive, too.
func (t *till) watch(conn *client) error {
	if _, err := conn.Try("SELECT", 1); err != nil {
		return err
	}
	for {
		v, err := conn.Try("MGET", "counter", "a", "b", "c")
		if err != nil {
			return err
		}
		if v.IsError() {
			return refusal{"MGET", v.String()}
		}
		if len(v.elems) != 4 || v.elems[1].text != v.elems[2].text || v.elems[2].text != v.elems[3].text {
			return fmt.Errorf("MGET in the middle of a transaction: %s", v)
		}
		if !v.elems[0].IsNil() {
			t.note(v.elems[0].Int())
		}
	}
}

// balance compares with what is there, takes it out, and goes on from there.
func (t *till) balance(there keyspace) error {
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(there[place{1, key}].value, 10, 64) // absent is 0
		return n
	}
	text := func(key string) string { return there[place{1, key}].value }
	n := number("counter")
	var errs []error
	if n < t.acknowledged.Load() || n > t.sent.Load() || n < t.shown.Load() {
		errs = append(errs, fmt.Errorf("the counter is %d: %d increments were acknowledged, %d sent, and %d was shown",
			n, t.acknowledged.Load(), t.sent.Load(), t.shown.Load()))
	}
	if sum := number("from") + number("to"); sum != 0 {
		errs = append(errs, fmt.Errorf("%d came from nowhere", sum))
	}
	if text("a") != text("b") || text("b") != text("c") {
		errs = append(errs, fmt.Errorf("a transaction is there in part: %q %q %q", text("a"), text("b"), text("c")))
	}
	for _, key := range []string{"counter", "from", "to", "a", "b", "c"} {
		delete(there, place{1, key})
	}
	t.sent.Store(n)
	t.acknowledged.Store(n)
	return errors.Join(errs...)
}

// operate forces write-backs and unloads and looks around until the connection breaks.
func operate(conn *client, random *rand.Rand) error {
	actions := [][]any{
		{"BGSAVE"}, {"BGSAVE"}, {"SAVE"}, {"DEBUG", "RELOAD"}, {"BGREWRITEAOF"}, {"RANDOMKEY"}, {"INFO", "everything"},
		{"SCAN", 0, "COUNT", 1000, "MATCH", "w1:*"}, {"DBSIZE"}, {"CONFIG", "SET", "maxmemory", "1mb"}, {"CONFIG", "SET", "maxmemory", "4mb"},
		{"CONFIG", "SET", "appendfsync", "always"}, {"CONFIG", "SET", "appendfsync", "everysec"},
	}
	for {
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
		args := actions[random.IntN(len(actions))]
		v, err := conn.Try(args...)
		if err != nil {
			return err
		}
		if strings.HasSuffix(v.text, "the server ends") { // SAVE was under way
			continue
		}
		if v.IsError() && !strings.Contains(v.text, "in progress") {
			return refusal{fmt.Sprintf("%q", args), v.String()}
		}
	}
}

// segments are the paths of the journal's files, oldest first. There is none when everything has been
// written back and nothing written since.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "journal", "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// newestSegment is where the journal's tail is.
func newestSegment(t testing.TB, dir string) string {
	t.Helper()
	all := segments(t, dir)
	if len(all) == 0 {
		t.Fatalf("no journal in %s", dir)
	}
	return all[len(all)-1]
}

// tearJournal leaves at the journal's end what a crash of the machine may leave there: zeros, or
// a part of something.
func tearJournal(t testing.TB, random *rand.Rand, dir string) {
	t.Helper()
	if len(segments(t, dir)) == 0 {
		return
	}
	torn := make([]byte, 1+random.IntN(10_000))
	if random.IntN(2) == 0 {
		for i := range torn {
			torn[i] = byte(random.Uint32())
		}
	}
	appendFile(t, newestSegment(t, dir), torn)
}

func appendFile(t testing.TB, path string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

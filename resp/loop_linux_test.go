package resp

import (
	"bufio"
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"diskette/resp/command"
	"diskette/resp/wire"
)

// startLooping serves from event loops.
func startLooping(t testing.TB, options ...string) (addr string, s *Server) {
	t.Helper()
	return startServingWith(t, zerolog.Nop(), append([]string{"--event-loops", "yes"}, options...))
}

// inLoop waits until so many clients are in loops, and no goroutine is anybody's.
func inLoop(t testing.TB, s *Server, clients int) {
	t.Helper()
	until(t, "every client is in its loop", func() bool {
		joined := 0
		s.clients.each(func(cl *client) {
			if c := cl.guard.Polled(); c != nil && c.Joined() {
				joined++
			}
		})
		return joined == clients
	})
}

func TestIdleConnectionsCostNoGoroutineInALoop(t *testing.T) {
	addr, s := startLooping(t)
	talk(t, addr).do("PING")
	inLoop(t, s, 1)
	before := runtime.NumGoroutine()
	const more = 200
	for range more {
		if got := talk(t, addr).do("PING"); got != "+PONG" {
			t.Fatal(got)
		}
	}
	inLoop(t, s, 1+more)
	until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() < before+more/2 })
}

// Each of these waits, or works for long; others of the only loop are served meanwhile, and so is the client
// afterwards, in the order in which it has sent.
func TestWhoWaitsLeavesTheLoopToOthers(t *testing.T) {
	for _, c := range []struct {
		first, waits string
		ends         func(other *talker) string // what the other does, "" = the wait ends by itself
		want         string
	}{
		{"", "BLPOP l 0", func(other *talker) string { return other.do("LPUSH l a") }, "*2 l a"},
		{"", "BLPOP none 0.05", nil, "*-1"},
		{"SET k v", "WAIT 1 50", nil, ":0"},
		{"CLIENT PAUSE 50 WRITE", "SET k v", nil, "+OK"},
		{"CLIENT PAUSE 1000000 WRITE", "SET k v", func(other *talker) string { return other.do("CLIENT UNPAUSE") }, "+OK"},
		{"", "DEBUG SLEEP 0.05", nil, "+OK"},
		{"CONFIG SET busy-reply-threshold 0", "EVAL \"while true do end\" 0",
			func(other *talker) string { return other.do("SCRIPT KILL") }, "-ERR Error running script"},
		{"", "SUBSCRIBE c", nil, "*3 subscribe c :1"},
	} {
		t.Run(c.waits, func(t *testing.T) {
			addr, s := startLooping(t, "--enable-debug-command", "yes", "--io-threads", "1")
			k, other := talk(t, addr), talk(t, addr)
			if c.first != "" {
				k.do(c.first)
			}
			k.send(c.waits + "\r\nPING behind")
			until(t, "the client has left", func() bool {
				left := false
				s.clients.each(func(cl *client) { left = left || !cl.guard.Polled().Joined() })
				return left || c.ends == nil
			})
			if got := other.do("PING"); got != "+PONG" {
				t.Fatalf("the other hears %q", got)
			}
			if c.ends != nil {
				until(t, "the wait can be ended", func() bool { return !strings.HasPrefix(c.ends(other), "-NOTBUSY") })
			}
			if got := k.reply(); !strings.HasPrefix(got, c.want) && !strings.Contains(got, "killed by user") {
				t.Errorf("%s: %q, want %q", c.waits, got, c.want)
			}
			if got := k.reply(); got != "behind" && got != "*2 pong behind" {
				t.Errorf("the command behind: %q", got)
			}
			inLoop(t, s, 2)
		})
	}
}

// clientBehind is what the server has of a connection.
func clientBehind(s *Server, k *talker) (found *client) {
	s.clients.each(func(cl *client) {
		if cl.addr() == k.conn.LocalAddr().String() {
			found = cl
		}
	})
	return found
}

// loopHeld keeps the only loop, which serves a client's MULTI, until it is let go. Until then the test must not ask for
// the clients: who looks at all of them waits for this one, and keeps the others waiting.
func loopHeld(t *testing.T, s *Server, k *talker) (letGo func()) {
	t.Helper()
	held := clientBehind(s, k)
	before := held.guard.BytesIn()
	held.mu.Lock()
	k.send("MULTI")
	until(t, "the loop has begun", func() bool { return held.guard.BytesIn() != before })
	return held.mu.Unlock
}

// Two clients send while the loop is busy, and neither can be served afterwards: what both have sent is read all the
// same, whichever of them is the first.
func TestWhatSeveralClientsHaveSentIsReadBeforeTheFirstOfItRuns(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	talkers := []*talker{talk(t, addr), talk(t, addr), talk(t, addr)}
	for _, k := range talkers {
		k.do("PING")
	}
	inLoop(t, s, len(talkers))
	next := []*client{clientBehind(s, talkers[1]), clientBehind(s, talkers[2])}
	letGo := loopHeld(t, s, talkers[0])
	unlock := sync.OnceFunc(func() {
		for _, cl := range next {
			cl.mu.Unlock()
		}
	})
	for _, cl := range next {
		cl.mu.Lock()
	}
	defer unlock()
	for i, cl := range next {
		talkers[1+i].send("MULTI")
		until(t, "it has come", func() bool { return unread(t, cl) > 0 })
	}
	letGo()
	until(t, "both are read", func() bool { return unread(t, next[0]) == 0 && unread(t, next[1]) == 0 })
	unlock()
	for _, k := range talkers {
		k.want("+OK")
	}
}

// unread is how much of what a client has sent waits in the kernel.
func unread(t *testing.T, cl *client) (n int) {
	t.Helper()
	var failed error
	err := cl.guard.Raw().Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return n
}

// Many clients send while the loop is busy, each something else, and each gets its own replies.
func TestManyClientsThatSendAtOnceGetTheirOwnReplies(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	first := talk(t, addr)
	first.do("SET k there")
	clients := make([]*talker, 5*readTogether)
	for i := range clients {
		clients[i] = talk(t, addr)
		clients[i].do(fmt.Sprint("SELECT ", i%3%2))
		clients[i].do(fmt.Sprintf("HSET h%d f v%d", i, i))
	}
	inLoop(t, s, 1+len(clients))
	letGo := loopHeld(t, s, first)
	for i, k := range clients {
		switch i % 6 {
		case 0:
			k.send(fmt.Sprintf("SET s%d v%d\r\nGET s%d", i, i, i))
		case 1:
			k.conn.Write(fmt.Appendf(nil, "HGET h%d", i)) //nolint:errcheck // the reply will not come
		case 2:
			k.send("*1\r\n$x")
		case 3:
			k.send(fmt.Sprintf("HGET h%d f", i))
		case 4:
			k.send(fmt.Sprintf("PING 1\r\nPING 2\r\nPING 3\r\nPING 4\r\nHGET h%d f", i))
		case 5:
			k.send(fmt.Sprintf("SET\r\nNONE x\r\nEVAL \"return redis.call('HGET', KEYS[1], 'f')\" 1 h%d", i))
		}
	}
	letGo()
	for i, k := range clients {
		var want []string
		switch own := fmt.Sprint("v", i); i % 6 {
		case 0:
			want = []string{"+OK", own}
		case 1:
			k.send(" f")
			want = []string{own}
		case 2:
			want = []string{"-ERR Protocol error: invalid bulk length", ""}
		case 3:
			want = []string{own}
		case 4:
			want = []string{"1", "2", "3", "4", own}
		case 5:
			want = []string{"-ERR wrong number of arguments for 'set' command",
				"-ERR unknown command 'NONE', with args beginning with: 'x'", own}
		}
		for _, reply := range want {
			if got := k.reply(); got != reply {
				t.Errorf("client %d: %q, want %q", i, got, reply)
			}
		}
	}
	inLoop(t, s, 1+len(clients)-len(clients)/6)
}

// What was read of a client that is closed before it runs does not run any more.
func TestABatchOfAClosedClientDoesNotRun(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	first, k, other := talk(t, addr), talk(t, addr), talk(t, addr)
	for _, k := range []*talker{first, k, other} {
		k.do("PING")
	}
	inLoop(t, s, 3)
	killed := clientBehind(s, k)
	letGo := loopHeld(t, s, first)
	killed.takeDesk()
	killed.read = batchRead{done: true, commands: []wire.Command{{Args: [][]byte{[]byte("SET"), []byte("k"), []byte("v")}}}}
	killed.kill()
	letGo()
	until(t, "the client is gone", func() bool { return s.clients.count() == 2 })
	if got := other.do("GET k"); got != "$-1" {
		t.Errorf("the killed client's SET ran: %q", got)
	}
}

func TestAPipelineOfAMillionStarvesNobodyInALoop(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	long, other := talk(t, addr), talk(t, addr)
	other.do("PING")
	const commands = 1_000_000
	go long.conn.Write(bytes.Repeat([]byte("PING\r\n"), commands)) //nolint:errcheck // its replies are counted
	ran := func() int64 { return s.stats.commands.Load() }
	until(t, "the pipeline runs", func() bool { return ran() > maxBatch })
	replies := make(chan int)
	go func() {
		n := 0
		for r := bufio.NewReader(long.conn); n < commands; n++ {
			if _, err := r.ReadSlice('\n'); err != nil {
				break
			}
		}
		replies <- n
	}()
	if got := other.do("SET k v"); got != "+OK" {
		t.Fatal(got)
	}
	if got := ran(); got > commands {
		t.Errorf("the other was served after all %d commands", got)
	}
	if n := <-replies; n != commands {
		t.Errorf("%d replies", n)
	}
}

func TestALongValueDoesNotHoldTheLoopUp(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	long, other := talk(t, addr), talk(t, addr)
	other.do("PING")
	const size = 64 << 20
	sent := make(chan error)
	go func() {
		_, err := fmt.Fprintf(long.conn, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", size, strings.Repeat("v", size))
		sent <- err
	}()
	for n := 0; ; n++ {
		if got := other.do("PING"); got != "+PONG" {
			t.Fatal(got)
		}
		select {
		case err := <-sent:
			if err != nil {
				t.Fatal(err)
			}
			long.want("+OK")
			if got := other.do("STRLEN k"); got != fmt.Sprint(":", size) {
				t.Error(got)
			}
			inLoop(t, s, 2)
			return
		default:
		}
	}
}

func TestUnderAppendfsyncAlwaysATurnLeavesTheLoopForItsFsync(t *testing.T) {
	addr, s := startLooping(t, "--appendfsync", "always", "--io-threads", "1")
	clients := make([]*talker, 20)
	for i := range clients {
		clients[i] = talk(t, addr)
	}
	for round := range 10 {
		for i, k := range clients {
			k.send(fmt.Sprintf("SET k%d %d\r\nGET k%d", i, round, i))
		}
		for _, k := range clients {
			k.want("+OK")
			k.want(fmt.Sprint(round))
		}
	}
	inLoop(t, s, len(clients))
}

// Who counts the keys while a script runs waits for the lock, but does not keep the loop from who can end the script.
func TestWhoCountsKeysBehindAScriptDoesNotHoldTheLoopUp(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	script, counts, kills := talk(t, addr), talk(t, addr), talk(t, addr)
	counts.do("CLIENT SETNAME counts")
	kills.do("PING")
	inLoop(t, s, 3)
	script.send(`EVAL "while true do end" 0`)
	joined := func(n int) func() bool {
		return func() bool {
			joined := 0
			s.clients.each(func(cl *client) {
				if cl.guard.Polled().Joined() {
					joined++
				}
			})
			return joined == n
		}
	}
	until(t, "the script's client has left the loop", joined(2))
	counts.send("DBSIZE")
	until(t, "the client that counts has left it", joined(1))
	if got := kills.do("PING"); got != "+PONG" {
		t.Errorf("meanwhile another hears %q", got)
	}
	if got := kills.do("CONFIG SET busy-reply-threshold 1"); got != "+OK" {
		t.Error(got)
	}
	if got := counts.reply(); !strings.HasPrefix(got, "-BUSY") {
		t.Errorf("who counts hears %q", got)
	}
	if got := counts.do("DBSIZE"); !strings.HasPrefix(got, "-BUSY") {
		t.Errorf("and then %q", got)
	}
	if got := kills.do("SCRIPT KILL"); got != "+OK" {
		t.Error(got)
	}
	if got := script.reply(); !strings.Contains(got, "killed by user") {
		t.Errorf("the script ends with %q", got)
	}
	if got := counts.do("DBSIZE"); got != ":0" {
		t.Error(got)
	}
	inLoop(t, s, 3)
}

func TestTheLoopsDescriptorsAreKeptFromClients(t *testing.T) {
	most := func(options ...string) (n int) {
		_, s := startServingWith(t, zerolog.Nop(), options)
		err := s.cfg.Set([][2]string{{"maxclients", "4294967295"}})
		if err == nil {
			t.Fatal("four billion clients are allowed")
		}
		if _, err := fmt.Sscanf(err.Error()[strings.LastIndexByte(err.Error(), ' ')+1:], "%d", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	without, with := most("--event-loops", "no"), most("--event-loops", "yes", "--io-threads", "100")
	if without-with != 200 {
		t.Errorf("%d clients with 100 loops, and %d without: a loop has two descriptors", with, without)
	}
}

// What decides how many cores commands run on ends when a loop serves: the loop has one, and the rest is for others.
func TestALoopTakesAllCoresBack(t *testing.T) {
	all := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(all)
	addr, s := startLooping(t)
	p := &procs{all: all, now: 1, woken: make(chan struct{}, 1)}
	runtime.GOMAXPROCS(1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.run(s, nil)
	}()
	talk(t, addr).do("PING")
	<-ended
	if n := runtime.GOMAXPROCS(0); n != all {
		t.Errorf("commands run on %d of %d cores", n, all)
	}
}

func TestAPanicEndsItsOwnConnectionAndNotTheLoop(t *testing.T) {
	addr, s := startServingWith(t, zerolog.Nop(), []string{"--event-loops", "yes", "--io-threads", "1"},
		&command.Row{Name: "panic", Arity: 1, Flags: command.Fast,
			Conn: func(*command.Call) command.Reply { panic("on purpose") }})
	k, other := talk(t, addr), talk(t, addr)
	other.do("PING")
	if got := k.do("PANIC"); !strings.HasPrefix(got, "-ERR internal error") {
		t.Error(got)
	}
	if got := k.reply(); got != "" {
		t.Errorf("the connection goes on with %q", got)
	}
	other.send("PING")
	other.want("+PONG")
	inLoop(t, s, 1)
}

func TestTheServerEndsWithItsLoopsClients(t *testing.T) {
	addr, s := startLooping(t)
	k := talk(t, addr)
	k.do("PING")
	s.Stop(10 * time.Second)
	if got := k.reply(); got != "" {
		t.Errorf("the client hears %q", got)
	}
	if n := s.clients.count(); n != 0 {
		t.Errorf("%d clients are left", n)
	}
	until(t, "no loop is left", func() bool { return !strings.Contains(stacks(), "(*loop).run") })
}

// stacks are those of all goroutines.
func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

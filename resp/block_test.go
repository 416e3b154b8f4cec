package resp

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/command"
	"diskette/resp/wire"
	"diskette/store"
)

// eventLoops is how the tests' servers serve their clients.
var eventLoops = cmp.Or(os.Getenv("DISKETTE_EVENT_LOOPS"), "yes")

// startServing serves all commands on a port, and checks the store at the end.
func startServing(t *testing.T) (addr string, s *Server) {
	t.Helper()
	return startServingMore(t, zerolog.Nop())
}

// startServingMore serves rows beside the commands that there are, and logs.
func startServingMore(t testing.TB, log zerolog.Logger, rows ...*command.Row) (addr string, s *Server) {
	t.Helper()
	return startServingWith(t, log, []string{"--event-loops", eventLoops}, rows...)
}

// startServingWith serves with options.
func startServingWith(t testing.TB, log zerolog.Logger, options []string, rows ...*command.Row) (addr string, s *Server) {
	t.Helper()
	return startServingOn(t, log, options, store.Options{}, rows...)
}

// startServingOn serves from a store with options of its own.
func startServingOn(
	t testing.TB, log zerolog.Logger, options []string, o store.Options, rows ...*command.Row,
) (addr string, s *Server) {
	t.Helper()
	cfg, _, err := LoadConfig(append([]string{"--dir", t.TempDir()}, options...))
	if err != nil {
		t.Fatal(err)
	}
	s = NewServer(cfg, log, func(Shutdown) {})
	for _, r := range rows {
		r.Full = r.Name
		s.table.ByName[r.Name] = r
	}
	o.Dir, o.Hooks = cfg.Text("dir"), s.Hooks()
	st, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start(st)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln) //nolint:errcheck // it ends with Stop
	t.Cleanup(func() {
		if !s.stopping.Load() {
			s.Stop(time.Second)
		}
		// Those that Stop has cut off may be on their way out.
		until(t, "nobody is blocked, and no line is left", func() bool {
			st.Lock()
			defer st.Unlock()
			return s.blockers.clients.Load() == 0 && len(s.blockers.byKey) == 0
		})
		if err := st.Flush(); err != nil {
			t.Error(err)
		}
		if err := st.Check(); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String(), s
}

// talker sends inline commands and reads replies, as they stand on the wire, blanks for line ends.
type talker struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func talk(t testing.TB, addr string) *talker {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &talker{t, conn, bufio.NewReader(conn)}
}

func (k *talker) send(command string) {
	if _, err := k.conn.Write([]byte(command + "\r\n")); err != nil {
		k.t.Error(err)
	}
}

func (k *talker) do(command string) string {
	k.send(command)
	return k.reply()
}

func (k *talker) want(reply string) {
	k.t.Helper()
	if got := k.reply(); got != reply {
		k.t.Errorf("the reply is %q, want %q", got, reply)
	}
}

// patience is how long a test waits for what takes milliseconds on an idle machine.
const patience = 5 * time.Minute

// reply is the next reply, "" when the connection ended.
func (k *talker) reply() string {
	k.conn.SetReadDeadline(time.Now().Add(patience))
	line, err := k.r.ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		k.t.Errorf("no reply within %v", patience)
	}
	if err != nil {
		return ""
	}
	line = strings.TrimSpace(line)
	n := 0
	switch fmt.Sscan(line[1:], &n); line[0] {
	case '*', '>', '%':
		if line[0] == '%' {
			n *= 2
		}
		elems := []string{line}
		for range n {
			elems = append(elems, k.reply())
		}
		return strings.Join(elems, " ")
	case '$':
		if n >= 0 {
			text := make([]byte, n+2)
			for i := range text {
				text[i], _ = k.r.ReadByte()
			}
			return string(text[:n])
		}
	}
	return line
}

// awaitBlocked waits until so many clients wait for keys.
func (s *Server) awaitBlocked(t testing.TB, n int64) {
	t.Helper()
	for end := time.Now().Add(patience); s.blockers.clients.Load() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d clients are blocked, want %d", s.blockers.clients.Load(), n)
		}
	}
}

func TestWhoWaitsLongestIsServedFirst(t *testing.T) {
	addr, s := startServing(t)
	var line []*talker
	for i := range 50 {
		k := talk(t, addr)
		k.send("BLPOP other queue 0")
		line = append(line, k)
		s.awaitBlocked(t, int64(i+1))
	}
	line[7].conn.Close()
	s.awaitBlocked(t, 49)
	line = append(line[:7], line[8:]...)
	b := talk(t, addr)
	for i, k := range line {
		if i%2 == 0 {
			b.do(fmt.Sprint("RPUSH queue job", i))
		} else {
			b.do(fmt.Sprint("LPUSH queue job", i))
		}
		k.want(fmt.Sprint("*2 queue job", i))
	}
	if n := b.do("EXISTS queue"); n != ":0" {
		t.Error(n)
	}
}

func TestAWaitShowsInInfoAndClientList(t *testing.T) {
	addr, s := startServing(t)
	a, b := talk(t, addr), talk(t, addr)
	a.do("CLIENT SETNAME waiting")
	a.send("BRPOP queue 0")
	s.awaitBlocked(t, 1)
	if info := b.do("INFO clients"); !strings.Contains(info, "blocked_clients:1\r\n") {
		t.Error(info)
	}
	list := b.do("CLIENT LIST")
	if !strings.Contains(list, "name=waiting") || !strings.Contains(list, "flags=b ") || !strings.Contains(list, "cmd=brpop ") {
		t.Error(list)
	}
	b.do("RPUSH queue x")
	a.want("*2 queue x")
	if info := b.do("INFO clients"); !strings.Contains(info, "blocked_clients:0\r\n") {
		t.Error(info)
	}
	if list := b.do("CLIENT LIST"); strings.Contains(list, "flags=b ") {
		t.Error(list)
	}
}

func TestWhoHangsUpSwallowsNothing(t *testing.T) {
	addr, s := startServing(t)
	b := talk(t, addr)
	for range 300 {
		a := talk(t, addr)
		a.send("BLPOP queue 0")
		s.awaitBlocked(t, 1)
		a.conn.Close()
		b.do("RPUSH queue x")
		b.send("LPOP queue")
		b.want("x")
		s.awaitBlocked(t, 0)
	}
}

func TestAKilledClientLeavesTheQueue(t *testing.T) {
	addr, s := startServing(t)
	a, b := talk(t, addr), talk(t, addr)
	id := a.do("CLIENT ID")[1:]
	a.send("BLPOP queue 0")
	s.awaitBlocked(t, 1)
	if got := b.do("CLIENT KILL ID " + id); got != ":1" {
		t.Error(got)
	}
	a.want("")
	s.awaitBlocked(t, 0)
	b.do("RPUSH queue x")
	b.send("LPOP queue")
	b.want("x")
}

func TestTheEndOfTheServerEndsWaits(t *testing.T) {
	addr, s := startServing(t)
	a := talk(t, addr)
	a.send("BLPOP queue 0")
	s.awaitBlocked(t, 1)
	start := time.Now()
	s.Stop(5 * time.Minute)
	if took := time.Since(start); took > time.Minute {
		t.Errorf("the end took %v", took)
	}
	a.want("")
}

func TestManyWaitersCostAPushLittle(t *testing.T) {
	addr, s := startServing(t)
	for i := range 300 {
		talk(t, addr).send(fmt.Sprintf("BLPOP queue other%d 0", i))
	}
	s.awaitBlocked(t, 300)
	b := talk(t, addr)
	b.do("RPUSH queue x y z")
	s.awaitBlocked(t, 297)
	b.do("SET queue text")
	b.do("DEL queue")
	s.awaitBlocked(t, 297)
	b.do("RPUSH other299 x")
	s.awaitBlocked(t, 296)
}

func TestAServedReplyIsAnErrorIfItsChangeCouldNotBeStored(t *testing.T) {
	cl := client{desk: new(desk)}
	cl.out.BeginReply(3)
	command.ReplyOK.Encode(&cl.out, false)
	served := blocked{lsn: 7}
	reply := command.Array(command.BulkString("queue"), command.BulkString("job"))
	reply.Encode(&served.out, false)
	cl.replyEncoded(&served.out, served.lsn)
	refusal := command.ErrorReply("MISCONF")
	cl.out.Refuse(5, func(o *wire.Output) { refusal.Encode(o, false) })
	if got := string(cl.out.Buf); got != "+OK\r\n-MISCONF\r\n" {
		t.Errorf("%q", got)
	}
	if cl.seen != 7 {
		t.Errorf("the reply waits for %d, want 7", cl.seen)
	}
}

func TestJobsAreNeitherLostNorDoubled(t *testing.T) {
	const producers, consumers, jobs = 20, 20, 400 // jobs of each producer
	addr, _ := startServing(t)
	var seen [producers * jobs]atomic.Int32
	var consumed atomic.Int64
	var work sync.WaitGroup
	for i := range producers {
		k := talk(t, addr)
		work.Go(func() {
			for j := range jobs {
				job := i*jobs + j
				switch j % 4 {
				case 0:
					k.do(fmt.Sprint("RPUSH queue ", job))
				case 1:
					k.do(fmt.Sprint("LPUSH slow ", job))
				case 2:
					k.do("MULTI")
					k.do(fmt.Sprint("RPUSH private ", job))
					k.do("RPOPLPUSH private queue")
					k.do("EXEC")
				default:
					k.do(fmt.Sprintf("RPUSH own%d %d", i, job))
					k.do(fmt.Sprintf("RENAMENX own%d renamed", i))
					k.do(fmt.Sprintf("LMOVE own%d queue LEFT LEFT", i))
				}
			}
		})
	}
	for i := range consumers {
		k := talk(t, addr)
		work.Go(func() {
			for consumed.Load() < producers*jobs {
				var job int
				var got string
				switch i % 4 {
				case 0:
					got = strings.TrimPrefix(k.do(fmt.Sprintf("BLMOVE queue taken%d LEFT RIGHT 0.05", i)), "*-1")
					if got != "" {
						k.do(fmt.Sprintf("LREM taken%d 1 %s", i, got))
					}
				case 1:
					k.send("BLMOVE slow queue RIGHT LEFT 0.05")
					k.reply()
					continue
				case 2:
					got = strings.TrimPrefix(k.do("BLMPOP 0.05 2 renamed queue LEFT"), "*2 renamed *1 ")
					got = strings.TrimPrefix(got, "*2 queue *1 ")
				default:
					got = strings.TrimPrefix(k.do("BRPOP renamed queue 0.05"), "*2 renamed ")
					got = strings.TrimPrefix(got, "*2 queue ")
				}
				if n, _ := fmt.Sscan(got, &job); n == 1 && got[0] != '*' {
					seen[job].Add(1)
					consumed.Add(1)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	for before, ended := int64(-1), false; !ended; {
		select {
		case <-done:
			ended = true
		case <-time.After(time.Minute):
			if now := consumed.Load(); now == before {
				t.Fatalf("%d of %d jobs were done, and none within a minute", now, producers*jobs)
			} else {
				before = now
			}
		}
	}
	for job := range seen {
		if n := seen[job].Load(); n != 1 {
			t.Errorf("job %d was done %d times", job, n)
		}
	}
}

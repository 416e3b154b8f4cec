package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onPoll connects a client to a guard whose connection a Poll has, which the test itself waits for.
func onPoll(t testing.TB) (client *net.TCPConn, g *Guard, p *Poll) {
	t.Helper()
	client, accepted := overTCP(t)
	p, err := NewPoll()
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Take(accepted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Retire()
		c.Close()
		p.End()
		for over := false; !over; {
			_, over = p.Wait(nil, true)
		}
	})
	g = NewGuard(c, new(Limits))
	g.Authed.Store(true)
	g.Wait(false)
	return client, g, p
}

// nextReady waits until the Poll returns the connection, and takes it up.
func nextReady(t *testing.T, p *Poll) {
	t.Helper()
	for {
		ready, over := p.Wait(nil, true)
		if over || len(ready) > 1 {
			t.Fatalf("%d connections are ready, over %v: want one", len(ready), over)
		}
		if len(ready) == 1 && ready[0].TakeUp() {
			return
		}
	}
}

// rest gives the connection to the Poll, as a loop does between batches.
func rest(g *Guard) {
	g.Rest()
	g.Polled().Join(false)
}

func TestAReadThatDoesNotWaitSaysThatNothingHasComeYet(t *testing.T) {
	client, g, p := onPoll(t)
	if _, err := g.ReadBatch(10); err != ErrNotYet {
		t.Fatalf("%v: want ErrNotYet", err)
	}
	rest(g)
	client.Write([]byte("PING\r\nECHO"))
	nextReady(t, p)
	if batch, err := g.ReadBatch(10); err != nil || len(batch) != 1 || string(batch[0].Args[0]) != "PING" {
		t.Fatalf("%v, %v", batch, err)
	}
	if _, err := g.ReadBatch(10); err != ErrNotYet {
		t.Fatalf("%v: want ErrNotYet for half a command", err)
	}
	client.Write([]byte(" a\r\n"))
	nextReady(t, p)
	if batch, err := g.ReadBatch(10); err != nil || len(batch) != 1 || len(batch[0].Args) != 2 {
		t.Fatalf("%v, %v", batch, err)
	}
}

func TestTheEndOfTheStreamIsSeenBehindTheLastCommand(t *testing.T) {
	client, g, p := onPoll(t)
	client.Write([]byte("PING\r\n"))
	client.CloseWrite()
	rest(g)
	nextReady(t, p)
	if batch, err := g.ReadBatch(10); err != nil || len(batch) != 1 {
		t.Fatalf("%v, %v", batch, err)
	}
	for !g.HasMore() { // the end has not come with the command
		rest(g)
		nextReady(t, p)
	}
	if _, err := g.ReadBatch(10); err != io.EOF {
		t.Fatalf("%v: want EOF", err)
	}
}

func TestMoreThanOneReadTakesIsReadWithoutBeingToldOf(t *testing.T) {
	client, g, p := onPoll(t)
	pipeline := bytes.Repeat([]byte("PING\r\n"), 20_000)
	go client.Write(pipeline) //nolint:errcheck // the count says it
	rest(g)
	nextReady(t, p)
	for n := 0; n < 20_000; {
		batch, err := g.ReadBatch(100)
		if n += len(batch); err == nil {
			continue
		}
		if err != ErrNotYet || g.HasMore() {
			t.Fatalf("%v after %d commands", err, n)
		}
		rest(g)
		nextReady(t, p)
	}
}

// Each of these happens while the Poll waits for the connection, and has to bring it back.
func TestWhatEndsAWaitingReadBringsTheConnectionBack(t *testing.T) {
	patience := func(g *Guard) {
		g.limits.Idle.Store(1)
		g.IdleChanged()
	}
	for name, c := range map[string]struct {
		happens func(client *net.TCPConn, g *Guard)
		want    error
	}{
		"its client hangs up":    {func(client *net.TCPConn, _ *Guard) { client.Close() }, io.EOF},
		"it is closed":           {func(_ *net.TCPConn, g *Guard) { g.Abort() }, net.ErrClosed},
		"the server reads on":    {func(_ *net.TCPConn, g *Guard) { g.CloseRead() }, io.EOF},
		"its idle time is over":  {func(_ *net.TCPConn, g *Guard) {}, os.ErrDeadlineExceeded},
		"its idle time is short": {func(_ *net.TCPConn, g *Guard) { patience(g) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			client, g, p := onPoll(t)
			if c.want == os.ErrDeadlineExceeded {
				g.limits.Idle.Store(int64(20 * time.Millisecond))
			}
			rest(g)
			go c.happens(client, g)
			nextReady(t, p)
			if _, err := g.ReadBatch(1); !errors.Is(err, c.want) {
				t.Fatalf("%v: want %v", err, c.want)
			}
		})
	}
}

// The connection goes to and fro between the Poll and goroutines while a client sends all the time.
func TestNothingIsLostOnTheWayFromAGoroutineBackToThePoll(t *testing.T) {
	client, g, p := onPoll(t)
	const commands = 20_000
	go func() {
		for range commands {
			if _, err := client.Write([]byte("PING\r\n")); err != nil {
				return
			}
		}
	}()
	done := make(chan int)
	rest(g)
	for n := 0; n < commands; {
		nextReady(t, p)
		g.Polled().Leave()
		go func() {
			read := 0
			for {
				batch, err := g.ReadBatch(10)
				if read += len(batch); err != nil {
					break
				}
			}
			g.Polled().Join(false)
			done <- read
		}()
		n += <-done
	}
}

func TestADescriptorIsNotUsedAfterItsCloseForSomebodyElse(t *testing.T) {
	for range 200 {
		client, g, p := onPoll(t)
		client.Write([]byte("PING\r\n"))
		rest(g)
		closed := make(chan error)
		go func() { closed <- g.Abort() }()
		nextReady(t, p)
		if _, err := g.ReadBatch(1); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if d := g.Descriptor(); d != -1 {
			t.Fatalf("the descriptor %d is still there", d)
		}
		if err := g.Polled().Close(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestAPollThatWasEndedTakesNoConnection(t *testing.T) {
	p, err := NewPoll()
	if err != nil {
		t.Fatal(err)
	}
	p.End()
	if _, over := p.Wait(nil, true); !over {
		t.Fatal("a Poll that was ended and has no connection waits for one")
	}
	client, _ := overTCP(t)
	if _, err := p.Take(client); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("%v: want net.ErrClosed", err)
	}
}

// A read stops at urgent bytes, whatever is behind them.
func TestWhatIsBehindUrgentBytesIsReadWithoutBeingToldOf(t *testing.T) {
	client, g, p := onPoll(t)
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	lost := time.AfterFunc(5*time.Minute, func() { g.Abort() }) // which brings the connection back, too
	defer lost.Stop()
	client.Write([]byte("ECHO "))
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.Sendto(int(fd), []byte("!"), unix.MSG_OOB, nil) })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	client.Write([]byte("a\r\n"))
	waits := func() (n int) {
		if err := g.Raw().Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	waitFor(t, func() bool { return waits() > 0 })
	rest(g)
	var read []string
	for len(read) < 2 {
		nextReady(t, p)
		batch, err := g.ReadBatch(10)
		for _, c := range batch {
			for _, a := range c.Args {
				read = append(read, string(a))
			}
		}
		if err != nil && err != ErrNotYet {
			t.Fatalf("%v behind %q", err, read)
		}
		if !g.HasMore() {
			rest(g)
		} else {
			g.Polled().Join(true)
		}
	}
	if got := strings.Join(read, " "); got != "ECHO a" {
		t.Errorf("%q", got)
	}
}

// A connection that a Poll can not have is its caller's as it was.
func TestAConnectionThatAPollCanNotTakeStaysOpen(t *testing.T) {
	client, server := overTCP(t)
	p := &Poll{fd: -1, bell: -1}
	if c, err := p.Take(server); !errors.Is(err, unix.EBADF) || c != nil {
		t.Fatalf("%v, %v: want EBADF", c, err)
	}
	if p.mu.count != 0 || slices.ContainsFunc(p.mu.conns, func(c *PolledConn) bool { return c != nil }) {
		t.Errorf("the Poll counts %d connections", p.mu.count)
	}
	client.Write([]byte("PING"))
	said := make([]byte, 4)
	if _, err := io.ReadFull(server, said); err != nil || string(said) != "PING" {
		t.Errorf("%q, %v", said, err)
	}
}

// spinUntil waits without sleep: what it waits for comes at once, and is to be met at once.
func spinUntil(t *testing.T, happened *atomic.Bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !happened.Load(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("waited five minutes in vain")
		}
	}
}

// Connections that were to be served while goroutines had them join again, from the last to the first, while the Poll
// looks at them from the first to the last. Each of them comes to be served, also the one at which the two meet.
func TestNoWakeUpIsLostWhenAConnectionJoins(t *testing.T) {
	p := new(Poll)
	conns := make([]*PolledConn, 64)
	for i := range conns {
		conns[i] = &PolledConn{poll: p}
	}
	var ready []*PolledConn
	for round := range 100_000 {
		for _, c := range conns {
			c.Join(true)
			c.Leave()
		}
		var begun, joined atomic.Bool
		go func() {
			begun.Store(true)
			for _, c := range slices.Backward(conns) {
				c.moreMayCome()
				c.Join(false)
			}
			joined.Store(true)
		}()
		spinUntil(t, &begun)
		ready, _ = p.takeDue(ready[:0])
		spinUntil(t, &joined)
		if ready, _ = p.takeDue(ready); len(ready) != len(conns) {
			t.Fatalf("in round %d %d of %d are served", round, len(ready), len(conns))
		}
		for _, c := range ready {
			c.TakeUp()
		}
	}
}

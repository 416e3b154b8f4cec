package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// chunks is a client whose bytes arrive in the given pieces, and which then hangs up.
type chunks struct {
	net.Conn
	pieces [][]byte
	reads  *int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.reads != nil {
		*c.reads++
	}
	for len(c.pieces) > 0 && len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	c.pieces[0] = c.pieces[0][n:]
	return n, nil
}

func (c *chunks) SetReadDeadline(time.Time) error { return nil }

func guardOf(authed bool, pieces ...string) *Guard {
	c := new(chunks)
	for _, p := range pieces {
		c.pieces = append(c.pieces, []byte(p))
	}
	g := NewGuard(c, new(Limits))
	g.Authed.Store(authed)
	return g
}

// byteByByte cuts s into pieces of one byte.
func byteByByte(s string) []string {
	pieces := make([]string, len(s))
	for i := range len(s) {
		pieces[i] = s[i : i+1]
	}
	return pieces
}

// readAll returns copies of all commands and the error behind them.
func readAll(g *Guard, max int) (commands [][]string, err error) {
	for {
		batch, err := g.ReadBatch(max)
		if err != nil {
			return commands, err
		}
		for _, c := range batch {
			args := make([]string, len(c.Args))
			for i, a := range c.Args {
				args[i] = string(a)
			}
			commands = append(commands, args)
		}
	}
}

// overTCP is the two ends of a connection.
func overTCP(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close() })
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

// dialGuard connects a client to a guard over loopback.
func dialGuard(t testing.TB) (client *net.TCPConn, g *Guard) {
	t.Helper()
	client, server := overTCP(t)
	served := net.Conn(server)
	if runtime.GOOS == "linux" && os.Getenv("DISKETTE_EVENT_LOOPS") != "no" {
		served = polled(t, server)
	}
	t.Cleanup(func() { served.Close() })
	return client, NewGuard(served, new(Limits))
}

// polled gives a connection to a Poll that is waited for until the test ends.
func polled(t testing.TB, nc net.Conn) *PolledConn {
	t.Helper()
	p, err := NewPoll()
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Take(nc.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for over := false; !over; {
			_, over = p.Wait(nil, true)
		}
	}()
	t.Cleanup(func() {
		c.Close()
		p.End()
		<-over
	})
	return c
}

func TestAuthCountsForTheCommandsBehindItInTheSamePipeline(t *testing.T) {
	g := guardOf(false, "AUTH pw\r\n*11\r\n"+strings.Repeat("$1\r\na\r\n", 11))
	batch, err := g.ReadBatch(100)
	if err != nil || len(batch) != 1 {
		t.Fatalf("%d commands, %v: want AUTH alone", len(batch), err)
	}
	g.Authed.Store(true)
	batch, err = g.ReadBatch(100)
	if err != nil || len(batch) != 1 || len(batch[0].Args) != 11 {
		t.Fatalf("%v, %v: want the command of eleven arguments", batch, err)
	}
}

func TestAProtocolErrorIsReturnedAgainAndAgain(t *testing.T) {
	g := guardOf(true, "*x\r\nPING\r\n")
	for range 3 {
		if batch, err := g.ReadBatch(1); err != errCount || batch != nil {
			t.Fatalf("%v, %v", batch, err)
		}
	}
}

func TestABatchHoldsNoMoreThanMax(t *testing.T) {
	g := guardOf(true, strings.Repeat("PING\r\n", 5))
	for _, want := range []int{2, 2, 1} {
		if batch, err := g.ReadBatch(2); err != nil || len(batch) != want {
			t.Fatalf("%d commands, %v: want %d", len(batch), err, want)
		}
	}
}

func TestABatchIsReadAtOnce(t *testing.T) {
	reads := 0
	c := &chunks{pieces: [][]byte{[]byte("PING\r\nPING\r\nPI"), []byte("NG\r\n")}, reads: &reads}
	g := NewGuard(c, new(Limits))
	g.Authed.Store(true)
	if batch, err := g.ReadBatch(100); err != nil || len(batch) != 2 || reads != 1 {
		t.Fatalf("%d commands after %d reads, %v", len(batch), reads, err)
	}
	if batch, err := g.ReadBatch(100); err != nil || len(batch) != 1 || reads != 2 {
		t.Fatalf("%d commands after %d reads, %v", len(batch), reads, err)
	}
}

func TestCommandsKnowTheirBytesOnTheWire(t *testing.T) {
	parts := []string{
		"*1\r\n$4\r\nPING\r\n",
		fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", BigArg, strings.Repeat("x", BigArg)),
		fmt.Sprintf("*2\r\n$%d\r\n%[2]s\r\n$%[1]d\r\n%[2]s\r\n", 3*BigArg, strings.Repeat("y", 3*BigArg)),
		"PING\r\n",
	}
	stream := strings.Join(parts, "")
	for _, pieces := range [][]string{{stream}, byteByByte(stream)} {
		g := guardOf(true, pieces...)
		for i := 0; i < len(parts); {
			batch, err := g.ReadBatch(100)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range batch {
				if c.bytes != len(parts[i]) {
					t.Errorf("command %d: %d bytes, want %d", i, c.bytes, len(parts[i]))
				}
				i++
			}
		}
		if g.BytesIn() != int64(len(stream)) {
			t.Errorf("%d bytes came in, want %d", g.BytesIn(), len(stream))
		}
	}
}

func waitFor(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited five minutes in vain")
		}
	}
}

func TestAClientIsIdleOnlyWhileItSendsNothing(t *testing.T) {
	const idle = 500 * time.Millisecond
	// dribble sends a command a byte every 100 ms, and says how long it has been silent at most.
	dribble := func(client io.Writer) (longest time.Duration) {
		last := time.Now()
		for _, b := range []byte("PING\r\n") {
			time.Sleep(100 * time.Millisecond)
			client.Write([]byte{b})
			longest = max(longest, time.Since(last))
			last = time.Now()
		}
		return longest
	}
	client, g := (*net.TCPConn)(nil), (*Guard)(nil)
	for {
		client, g = dialGuard(t)
		g.Authed.Store(true)
		g.limits.Idle.Store(int64(idle))
		silent := make(chan time.Duration, 1)
		go func() { silent <- dribble(client) }()
		started := time.Now()
		batch, err := g.ReadBatch(1)
		if took := time.Since(started); err == nil && len(batch) == 1 {
			break
		} else if longest := <-silent; longest < idle/2 && took < 2*idle {
			t.Fatalf("%v, %v after %v: bytes came every 100 ms", batch, err, took)
		} // else the machine had other work, and it was silent for longer
	}
	started := time.Now()
	if _, err := g.ReadBatch(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v after %v of silence", err, time.Since(started))
	}
	g.limits.Idle.Store(0)
	go func() {
		time.Sleep(idle * 5 / 4)
		io.WriteString(client, "PING\r\n")
	}()
	if _, err := g.ReadBatch(1); err != nil {
		t.Fatalf("%v with the timeout off", err)
	}
}

func TestADeadlineInTheMiddleOfACommandLosesNothing(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
	g.limits.Idle.Store(int64(20 * time.Millisecond))
	go func() {
		for _, part := range []string{"*2\r\n$4\r\nEC", "HO\r\n$2\r\nh", "i\r\n"} {
			io.WriteString(client, part)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	for range 1000 {
		batch, err := g.ReadBatch(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s", batch[0].Args); got != "[ECHO hi]" {
			t.Fatal(got)
		}
		return
	}
	t.Fatal("the command never came")
}

func TestWrittenBytesAreCounted(t *testing.T) {
	client, g := dialGuard(t)
	if _, err := g.Write([]byte("+OK\r\n")); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 5)
	if _, err := io.ReadFull(client, reply); err != nil || g.Traffic().Out != 5 {
		t.Errorf("%d bytes out, %v", g.Traffic().Out, err)
	}
}

func TestBytesThatComeWithAnErrorAreServedFirst(t *testing.T) {
	g := NewGuard(lastWords{}, new(Limits))
	if batch, err := g.ReadBatch(1); err != nil || len(batch) != 1 {
		t.Fatalf("%v, %v", batch, err)
	}
	if _, err := g.ReadBatch(1); err != io.ErrClosedPipe {
		t.Fatal(err)
	}
}

// lastWords returns a command and an error from the same Read.
type lastWords struct{ net.Conn }

func (lastWords) Read(p []byte) (int, error) { return copy(p, "PING\r\n"), io.ErrClosedPipe }

package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
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

func guardOf(authed bool, pieces ...string) *guard {
	c := new(chunks)
	for _, p := range pieces {
		c.pieces = append(c.pieces, []byte(p))
	}
	g := newGuard(c, new(guardLimits))
	g.authed.Store(authed)
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
func readAll(g *guard, max int) (commands [][]string, err error) {
	for {
		batch, err := g.ReadBatch(max)
		if err != nil {
			return commands, err
		}
		for _, c := range batch {
			args := make([]string, len(c.args))
			for i, a := range c.args {
				args[i] = string(a)
			}
			commands = append(commands, args)
		}
	}
}

// dialGuard connects a client to a guard over loopback.
func dialGuard(t testing.TB) (client *net.TCPConn, g *guard) {
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
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed.(*net.TCPConn), newGuard(accepted, new(guardLimits))
}

func TestAuthCountsForTheCommandsBehindItInTheSamePipeline(t *testing.T) {
	g := guardOf(false, "AUTH pw\r\n*11\r\n"+strings.Repeat("$1\r\na\r\n", 11))
	batch, err := g.ReadBatch(100)
	if err != nil || len(batch) != 1 {
		t.Fatalf("%d commands, %v: want AUTH alone", len(batch), err)
	}
	g.authed.Store(true)
	batch, err = g.ReadBatch(100)
	if err != nil || len(batch) != 1 || len(batch[0].args) != 11 {
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
	g := newGuard(c, new(guardLimits))
	g.authed.Store(true)
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
		fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", bigArg, strings.Repeat("x", bigArg)),
		fmt.Sprintf("*2\r\n$%d\r\n%[2]s\r\n$%[1]d\r\n%[2]s\r\n", 3*bigArg, strings.Repeat("y", 3*bigArg)),
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

func TestABigArgumentBelongsToItsReceiverAndIsExactlySized(t *testing.T) {
	value := strings.Repeat("v", 5*bigArg+7)
	set := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(value), value)
	overwrite := strings.Repeat("*1\r\n$4\r\nPING\r\n", 20000)
	for how, pieces := range map[string][]string{
		"at once": {set + overwrite}, "header first": {set[:40], set[40:] + overwrite}, "byte by byte": byteByByte(set + overwrite),
	} {
		g := guardOf(true, pieces...)
		batch, err := g.ReadBatch(1)
		if err != nil {
			t.Fatal(how, err)
		}
		kept := batch[0].args[2]
		if _, err := readAll(g, 100); err != io.EOF {
			t.Fatal(how, err)
		}
		if string(kept) != value || cap(kept) != len(kept) {
			t.Errorf("%s: %d bytes of capacity %d, or their contents changed", how, len(kept), cap(kept))
		}
	}
}

func TestArgumentsCannotGrowIntoEachOther(t *testing.T) {
	g := guardOf(true, "SET k v\r\nGET k\r\n")
	batch, err := g.ReadBatch(2)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(batch[0].args[1], "overwritten"...)
	_ = append(batch[0].args, []byte("overwritten"))
	if got := fmt.Sprintf("%s %s", batch[0].args, batch[1].args); got != "[SET k v] [GET k]" {
		t.Error(got)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The race detector sees at once what a busy server came across seldom: a command's first bytes lay in a buffer that
// was another connection's already.
func TestACommandThatOutgrowsItsBufferIsNotOverwrittenByOthers(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			value := strings.Repeat(string(rune('a'+i)), 3*smallBuffer)
			command := fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(value), value)
			for range 300 {
				got, err := readAll(guardOf(true, command[:smallBuffer/2], command[smallBuffer/2:smallBuffer], command[smallBuffer:]), 10)
				if err != io.EOF || len(got) != 1 || len(got[0]) != 2 || got[0][1] != value {
					t.Errorf("%d commands, %v", len(got), err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAnAnnouncedArgumentCostsNothingBeforeItComes(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	go g.ReadBatch(1)
	before := heapInUse()
	sent := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nfirst bytes"
	if _, err := io.WriteString(client, sent); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return g.BytesIn() == int64(len(sent)) })
	if grown := heapInUse() - before; grown > 1<<20 {
		t.Errorf("%d bytes of heap for %d bytes sent", grown, len(sent))
	}
}

func waitFor(t *testing.T, happened func() bool) {
	t.Helper()
	for range 5000 {
		if happened() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("waited 5 s in vain")
}

func TestAMillionArgumentsAreOneCommand(t *testing.T) {
	const n = 1 << 20
	args := bytes.Repeat([]byte("$1\r\na\r\n"), n)
	g := guardOf(true, fmt.Sprintf("*%d\r\n", n), string(args), "PING\r\n")
	batch, err := g.ReadBatch(10)
	if err != nil || len(batch) != 1 || len(batch[0].args) != n {
		t.Fatalf("%d commands, %v", len(batch), err)
	}
	for _, a := range batch[0].args {
		if string(a) != "a" {
			t.Fatalf("%q", a)
		}
	}
	if batch, err := g.ReadBatch(10); err != nil || len(batch) != 1 || string(batch[0].args[0]) != "PING" {
		t.Fatalf("%v, %v", batch, err)
	}
	if len(g.ws.buf) > largeBuffer {
		t.Errorf("a buffer of %d bytes is kept for a command of 6", len(g.ws.buf))
	}
}

func TestAnUnfinishedCommandIsBoundedByTheQueryBufferLimit(t *testing.T) {
	for name, stream := range map[string]string{
		"many small arguments": "*1000000\r\n" + strings.Repeat("$1\r\na\r\n", 1<<20),
		"many empty arguments": "*1000000\r\n" + strings.Repeat("$0\r\n\r\n", 1<<20),
		"many big arguments":   "*1000000\r\n" + strings.Repeat("$100000\r\n"+strings.Repeat("x", 100000)+"\r\n", 30),
		"one big argument":     "*2\r\n$1\r\na\r\n$3000000\r\n" + strings.Repeat("x", 3000000),
	} {
		g := guardOf(true, stream)
		g.limits.queryBufferBytes.Store(1 << 20)
		if _, err := g.ReadBatch(1); err != errQueryBuffer {
			t.Errorf("%s: %v", name, err)
		}
		if in := g.BytesIn(); in > 4<<20 {
			t.Errorf("%s: read %d bytes before giving up", name, in)
		}
		if g.ws != nil || g.big != nil || g.bigs != nil {
			t.Errorf("%s: memory is kept for a connection that failed", name)
		}
	}
}

func TestAByteAtATimeCostsNoMoreThanItsBytes(t *testing.T) {
	const n = 100_000
	stream := fmt.Sprintf("*%d\r\n%s", n, strings.Repeat("$1\r\na\r\n", n))
	pieces := byteByByte(stream)
	allocs := testing.AllocsPerRun(1, func() {
		g := guardOf(true, pieces...)
		if batch, err := g.ReadBatch(1); err != nil || len(batch[0].args) != n {
			t.Fatal(err)
		}
	})
	// Parsing 700,000 bytes anew for each of them would take hours; the allocations are
	// guardOf's, one a piece.
	if allocs > float64(len(pieces))+200 {
		t.Errorf("%.0f allocations for %d bytes", allocs, len(pieces))
	}
}

func TestSmallCommandsCostNoAllocation(t *testing.T) {
	g := newGuard(repeater{pipeline: pipelineOfSets(16)}, new(guardLimits))
	g.authed.Store(true)
	read := func() {
		if batch, err := g.ReadBatch(100); err != nil || len(batch) != 16 {
			t.Fatal(len(batch), err)
		}
	}
	read()
	// None, unless the race detector runs: it makes sync.Pool forget a workspace now and then.
	if allocs := testing.AllocsPerRun(1000, read); allocs >= 8 {
		t.Errorf("%v allocations for 16 commands", allocs)
	}
}

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	if _, err := client.Write(pipelineOfSets(100)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 100; {
		batch, err := g.ReadBatch(1000)
		if err != nil {
			t.Fatal(err)
		}
		n += len(batch)
	}
	if g.ws == nil || g.Buffered() == 0 {
		t.Error("the last commands are served from no buffer")
	}
	g.idle.Store(int64(20 * time.Millisecond))
	if _, err := g.ReadBatch(1000); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if holdsNone := g.ws == nil; holdsNone != canReadDescriptors || g.Buffered() != 0 {
		t.Errorf("holds no buffer: %v; %d bytes in it", holdsNone, g.Buffered())
	}
}

func TestAClientIsIdleOnlyWhileItSendsNothing(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	g.idle.Store(int64(300 * time.Millisecond))
	go func() {
		for _, b := range []byte("PING\r\n") {
			time.Sleep(100 * time.Millisecond)
			client.Write([]byte{b})
		}
	}()
	if batch, err := g.ReadBatch(1); err != nil || len(batch) != 1 {
		t.Fatalf("%v, %v: bytes came every 100 ms", batch, err)
	}
	started := time.Now()
	if _, err := g.ReadBatch(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v after %v of silence", err, time.Since(started))
	}
	g.idle.Store(0)
	go func() {
		time.Sleep(400 * time.Millisecond)
		io.WriteString(client, "PING\r\n")
	}()
	if _, err := g.ReadBatch(1); err != nil {
		t.Fatalf("%v with the timeout off", err)
	}
}

func TestADeadlineInTheMiddleOfACommandLosesNothing(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	g.idle.Store(int64(20 * time.Millisecond))
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
		if got := fmt.Sprintf("%s", batch[0].args); got != "[ECHO hi]" {
			t.Fatal(got)
		}
		return
	}
	t.Fatal("the command never came")
}

func TestAHangupIsNoticedWhileACommandIsBlocked(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	io.WriteString(client, "BLPOP k 0\r\n")
	if _, err := g.ReadBatch(1); err != nil {
		t.Fatal(err)
	}
	hungUp, stop := g.AwaitHangup()
	defer stop()
	select {
	case <-hungUp:
		t.Fatal("hung up too early")
	case <-time.After(50 * time.Millisecond):
	}
	io.WriteString(client, "PING\r\n")
	client.Close()
	select {
	case <-hungUp:
	case <-time.After(5 * time.Second):
		t.Fatal("not noticed")
	}
	stop()
	if batch, err := g.ReadBatch(1); err != nil || string(batch[0].args[0]) != "PING" {
		t.Fatalf("%v, %v: want what was sent before the hang-up", batch, err)
	}
	if _, err := g.ReadBatch(1); err != io.EOF {
		t.Fatal(err)
	}
	if again, stop := g.AwaitHangup(); true {
		<-again
		stop()
	}
}

func TestCloseReadLetsWholeCommandsPassAndThenEndsTheStream(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	g.idle.Store(int64(time.Hour))
	io.WriteString(client, "PING\r\nPING\r\nPI")
	if batch, err := g.ReadBatch(1); err != nil || len(batch) != 1 {
		t.Fatalf("%d commands, %v", len(batch), err)
	}
	g.CloseRead()
	io.WriteString(client, "NG\r\n")
	if batch, err := g.ReadBatch(9); err != nil || len(batch) != 1 {
		t.Fatalf("%d commands, %v: want the one that was read along", len(batch), err)
	}
	if _, err := g.ReadBatch(9); err != io.EOF {
		t.Fatal(err)
	}
}

func TestCloseReadWakesUpAConnectionThatWaits(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Hour} {
		_, g := dialGuard(t)
		g.idle.Store(int64(idle))
		go func() {
			time.Sleep(20 * time.Millisecond)
			g.CloseRead()
		}()
		if _, err := g.ReadBatch(1); err != io.EOF {
			t.Fatal(err)
		}
	}
}

func TestCloseReadCountsAsAHangup(t *testing.T) {
	_, g := dialGuard(t)
	hungUp, stop := g.AwaitHangup()
	g.CloseRead()
	select {
	case <-hungUp:
	case <-time.After(5 * time.Second):
		t.Fatal("the blocked command is not told")
	}
	stop()
	if _, err := g.ReadBatch(1); err != io.EOF {
		t.Fatal(err)
	}
}

func TestNoByteIsLostWhileCommandsBlockAndGoOn(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	const commands = 3000
	go func() {
		defer client.Close()
		for i := range commands {
			fmt.Fprintf(client, "*2\r\n$4\r\nECHO\r\n$%d\r\n%d\r\n", len(fmt.Sprint(i)), i)
		}
	}()
	for i := 0; i < commands; {
		batch, err := g.ReadBatch(7)
		if err != nil {
			t.Fatal(i, err)
		}
		_, stop := g.AwaitHangup()
		if i%3 == 0 {
			runtime.Gosched()
		}
		for _, c := range batch {
			if string(c.args[1]) != fmt.Sprint(i) {
				t.Fatalf("command %d is %q", i, c.args)
			}
			i++
		}
		stop()
		stop()
	}
	if _, err := g.ReadBatch(1); err != io.EOF {
		t.Fatal(err)
	}
}

func TestABlockedClientCannotFillTheMemory(t *testing.T) {
	client, g := dialGuard(t)
	g.authed.Store(true)
	_, stop := g.AwaitHangup()
	flood := bytes.Repeat([]byte("PING\r\n"), 1<<20)
	go client.Write(flood)
	waitFor(t, func() bool { return g.Buffered() == maxAhead })
	stop()
	if cap(g.ahead) > 2*maxAhead {
		t.Errorf("%d bytes held", cap(g.ahead))
	}
	for n := 0; n < 1<<20; {
		batch, err := g.ReadBatch(1000)
		if err != nil {
			t.Fatal(n, err)
		}
		n += len(batch)
	}
}

func TestRedconSeesOneTickAndThenTheEnd(t *testing.T) {
	g := guardOf(true, "PING\r\n")
	seen, err := io.ReadAll(io.LimitReader(g, 100))
	if err != nil || string(seen) != tick {
		t.Errorf("%q, %v", seen, err)
	}
	if batch, err := g.ReadBatch(1); err != nil || string(batch[0].args[0]) != "PING" {
		t.Errorf("%v, %v: the client's bytes are for ReadBatch", batch, err)
	}
}

func TestWrittenBytesAreCounted(t *testing.T) {
	client, g := dialGuard(t)
	if _, err := g.Write([]byte("+OK\r\n")); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 5)
	if _, err := io.ReadFull(client, reply); err != nil || g.BytesOut() != 5 {
		t.Errorf("%d bytes out, %v", g.BytesOut(), err)
	}
}

func TestBytesThatComeWithAnErrorAreServedFirst(t *testing.T) {
	g := newGuard(lastWords{}, new(guardLimits))
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

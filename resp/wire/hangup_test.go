package wire

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

func TestAHangupIsNoticedWhileACommandIsBlocked(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
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
	case <-time.After(time.Minute):
		t.Fatal("not noticed")
	}
	stop()
	if batch, err := g.ReadBatch(1); err != nil || string(batch[0].Args[0]) != "PING" {
		t.Fatalf("%v, %v: want what was sent before the hang-up", batch, err)
	}
	if _, err := g.ReadBatch(1); err != io.EOF {
		t.Fatal(err)
	}
	if again, stop := g.AwaitHangup(); true {
		select {
		case <-again:
		case <-time.After(5 * time.Minute):
			t.Fatal("not noticed again")
		}
		stop()
	}
}

func TestCloseReadLetsWholeCommandsPassAndThenEndsTheStream(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
	g.limits.Idle.Store(int64(time.Hour))
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
		g.limits.Idle.Store(int64(idle))
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
	case <-time.After(time.Minute):
		t.Fatal("the blocked command is not told")
	}
	stop()
	if _, err := g.ReadBatch(1); err != io.EOF {
		t.Fatal(err)
	}
}

func TestNoByteIsLostWhileCommandsBlockAndGoOn(t *testing.T) {
	client, g := dialGuard(t)
	g.Authed.Store(true)
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
			if string(c.Args[1]) != fmt.Sprint(i) {
				t.Fatalf("command %d is %q", i, c.Args)
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
	g.Authed.Store(true)
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
	if batch, err := g.ReadBatch(1); err != nil || string(batch[0].Args[0]) != "PING" {
		t.Errorf("%v, %v: the client's bytes are for ReadBatch", batch, err)
	}
}

func TestAHangupIsNoticedWhateverTheIdleTimeoutBecomes(t *testing.T) {
	for name, change := range map[string]func(g *Guard, block func()){
		"before the command came": func(g *Guard, block func()) {
			g.limits.Idle.Store(int64(20 * time.Millisecond))
			g.IdleChanged()
			block()
		},
		"while the command is blocked": func(g *Guard, block func()) {
			block()
			g.limits.Idle.Store(int64(20 * time.Millisecond))
			g.IdleChanged()
		},
	} {
		client, g := dialGuard(t)
		var hungUp <-chan struct{}
		var stop func()
		change(g, func() { hungUp, stop = g.AwaitHangup() })
		select {
		case <-hungUp:
			t.Fatalf("%s: a blocked client is not idle", name)
		case <-time.After(60 * time.Millisecond): // the timeout would be over
		}
		client.Close()
		select {
		case <-hungUp:
		case <-time.After(time.Minute):
			t.Fatalf("%s: not noticed", name)
		}
		stop()
	}
}

func TestAWatchEndsHoweverOftenTheIdleTimeoutChanges(t *testing.T) {
	_, g := dialGuard(t)
	done, changed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changed)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				g.limits.Idle.Store(int64(i%2) * int64(time.Hour))
				g.IdleChanged()
			}
		}
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 3000 {
			_, stop := g.AwaitHangup()
			stop()
		}
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("a watch that was to end goes on")
	}
	close(done)
	<-changed
}

func TestNothingTakesBackThatAConnectionIsToEnd(t *testing.T) {
	for range 200 {
		_, g := dialGuard(t)
		_, stop := g.AwaitHangup()
		go g.CloseRead()
		g.limits.Idle.Store(int64(time.Hour))
		g.IdleChanged()
		stop()
		if _, err := g.ReadBatch(1); err != io.EOF {
			t.Fatal(err)
		}
	}
}

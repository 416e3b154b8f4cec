package wire

import (
	"bytes"
	"io"
	"runtime"
	"syscall"
	"testing"
)

// numbered returns n bytes, no two stretches of which are alike for long.
func numbered(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// narrow makes the system's buffer for what the guard writes small, so that few writes go at once.
func narrow(t *testing.T, g *Guard) {
	t.Helper()
	var err error
	if e := g.Raw().Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4<<10)
	}); e != nil || err != nil {
		t.Fatal(e, err)
	}
}

func TestWhatDoesNotGoAtOnceGoesLaterAndInOrder(t *testing.T) {
	client, g := dialGuard(t)
	narrow(t, g)
	sent := numbered(4 << 20)
	failed := make(chan error, 1)
	go func() {
		for size, rest := 1, sent; len(rest) > 0; size = size*3%(200<<10) + 1 {
			n, err := g.Write(rest[:min(size, len(rest))])
			if err != nil {
				failed <- err
				return
			}
			rest = rest[n:]
		}
		failed <- nil
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(client, got); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Fatal("the bytes are not those that were written")
	}
	// They are counted when the system has them, so perhaps after the client has.
	waitFor(t, func() bool { return g.Traffic().Out == int64(len(sent)) })
}

func TestWhatAClientDoesNotReadWaitsAndNobodyWithIt(t *testing.T) {
	client, g := dialGuard(t)
	narrow(t, g)
	sent := numbered(32 << 20)
	for at, size := 0, 1; at < len(sent); size = size*3%(200<<10) + 1 { // what is copied and what is not
		n := min(size, len(sent)-at)
		if err := g.Send(sent[at:at+n], size%2 == 0); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	if waiting := g.Waiting(); waiting < 16<<20 {
		t.Fatalf("%d bytes wait of %d", waiting, len(sent))
	}
	waitFor(t, func() bool { return g.Waiting() == g.limits.Unsent.Load() }) // some may be on their way at this moment
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("the bytes are not those that were sent: %v", err)
	}
	waitFor(t, func() bool { return g.Waiting() == 0 && g.limits.Unsent.Load() == 0 })
	if n := g.Traffic().Out; n != int64(len(sent)) {
		t.Fatalf("%d bytes counted of %d", n, len(sent))
	}
}

func TestSendingGoesOnDirectlyOnceNothingWaits(t *testing.T) {
	client, g := dialGuard(t)
	narrow(t, g)
	for range 3 {
		if err := g.Send(numbered(8<<20), true); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, 8<<20)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return g.Waiting() == 0 })
		before := runtime.NumGoroutine()
		if err := g.Send([]byte("+OK\r\n"), false); err != nil || runtime.NumGoroutine() > before {
			t.Fatalf("%v, %d goroutines after %d", err, runtime.NumGoroutine(), before)
		}
		if _, err := io.ReadFull(client, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAbortLetsGoOfWhatWaits(t *testing.T) {
	_, g := dialGuard(t)
	narrow(t, g)
	if err := g.Send(numbered(16<<20), true); err != nil {
		t.Fatal(err)
	}
	if g.Waiting() == 0 {
		t.Fatal("all of it has gone, although the client does not read")
	}
	if err := g.Abort(); err != nil {
		t.Fatal(err)
	}
	if g.Waiting() != 0 || g.limits.Unsent.Load() != 0 {
		t.Fatalf("%d bytes wait, %d on all connections", g.Waiting(), g.limits.Unsent.Load())
	}
	if err := g.Send([]byte("+OK\r\n"), false); err == nil {
		t.Fatal("sent behind what was lost")
	}
}

func TestAWriteToAClientThatIsGoneFails(t *testing.T) {
	client, g := dialGuard(t)
	if err := client.SetLinger(0); err != nil { // it goes with a reset
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		_, err := g.Write([]byte("+OK\r\n"))
		return err != nil
	})
}

package resp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
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
func narrow(t *testing.T, g *guard) {
	t.Helper()
	if err := g.Conn.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
		t.Fatal(err)
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
	if n := g.Traffic().out; n != int64(len(sent)) {
		t.Fatalf("%d bytes counted of %d", n, len(sent))
	}
}

func TestAWriteThatRunsOutOfTimeTellsHowMuchHasGone(t *testing.T) {
	client, g := dialGuard(t)
	narrow(t, g)
	sent := numbered(32 << 20)
	if err := g.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	gone := 0
	for gone < len(sent) {
		n, err := g.Write(sent[gone:][:min(len(sent)-gone, 20<<10)])
		gone += n
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	if gone == len(sent) {
		t.Fatal("all of it has gone, although the client does not read")
	}
	if n, err := g.Write(sent[gone:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("behind the deadline: %d bytes written, %v", n, err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(client)
	if err != nil || !bytes.Equal(got, sent[:gone]) {
		t.Fatalf("%d bytes arrived of %d, %v", len(got), gone, err)
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

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestARequestIsDueWhenItsTimeHasCome(t *testing.T) {
	l := &steadyLoad{rate: 1000, time: time.Second}
	for _, c := range []struct {
		now  time.Duration
		want int
	}{{0, 0}, {1, 1}, {time.Millisecond, 1}, {time.Millisecond + 1, 2}, {100 * time.Millisecond, 100}, {time.Second, 1000}, {time.Hour, 1000}} {
		if got := l.due(c.now); got != c.want {
			t.Errorf("%d requests are due after %v, want %d", got, c.now, c.want)
		}
	}
	for i := range 1000 {
		if at := l.at(i); l.due(at) > i || l.due(at+1) <= i {
			t.Errorf("request %d is planned for %v, and %d are due then, %d after", i, at, l.due(at), l.due(at+1))
		}
	}
}

const steadyPING = "*1\r\n$4\r\nPING\r\n"

// pongs answers PINGs one after the other, whoever sends them; before the first it waits.
func pongs(t *testing.T, wait time.Duration) *server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var one sync.Mutex
	stall := sync.OnceFunc(func() { time.Sleep(wait) })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for command := make([]byte, len(steadyPING)); ; {
					if _, err := io.ReadFull(c, command); err != nil {
						return
					}
					one.Lock()
					stall()
					_, err := c.Write([]byte("+PONG\r\n"))
					if one.Unlock(); err != nil {
						return
					}
				}
			}()
		}
	}()
	return &server{label: "fake", port: listener.Addr().(*net.TCPAddr).Port, dir: t.TempDir()}
}

func TestAStopIsSeenByAllThatShouldHaveBeenSentMeanwhile(t *testing.T) {
	s := pongs(t, 100*time.Millisecond)
	l := &steadyLoad{connections: 5, rate: 1000, time: time.Second,
		request: func(b []byte, _ int) []byte { return append(b, steadyPING...) }}
	got, err := l.run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got.waits.TotalCount() != 1000 || l.from != 1000 {
		t.Fatalf("%d replies of %d requests; want 1000", got.waits.TotalCount(), l.from)
	}
	slower := func(limit time.Duration) (n int64) {
		for _, b := range got.waits.Distribution() {
			if b.From >= limit.Microseconds() {
				n += b.Count
			}
		}
		return n
	}
	for limit, least := range map[time.Duration]int64{10 * time.Millisecond: 88, 50 * time.Millisecond: 48, 90 * time.Millisecond: 8} {
		if n := slower(limit); n < least {
			t.Errorf("%d requests took %v or longer; at 1,000/s a stop of 100 ms makes at least %d so", n, limit, least)
		}
	}
}

func TestALoadWithoutARateSendsAsRepliesCome(t *testing.T) {
	s := pongs(t, 0)
	l := &steadyLoad{connections: 5, time: time.Second,
		request: func(b []byte, _ int) []byte { return append(b, steadyPING...) }}
	got, err := l.run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got.intime == 0 || got.waits.TotalCount() < int64(got.intime) || got.waits.TotalCount() > int64(got.intime+5) {
		t.Errorf("%d replies, %d in time", got.waits.TotalCount(), got.intime)
	}
}

func TestASteadyLoadEndsWithWhatWentWrong(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("-LOADING soon\r\n"))
			c.Close()
		}
	}()
	l := &steadyLoad{connections: 1, rate: 100, time: time.Minute,
		request: func(b []byte, _ int) []byte { return append(b, steadyPING...) }}
	if _, err := l.run(t.Context(), &server{port: listener.Addr().(*net.TCPAddr).Port}); err == nil {
		t.Error("a server that refuses commands gives no error")
	}
	gone := errors.New("what is beside it has failed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := l.run(ctx, pongs(t, 0)); !errors.Is(err, gone) {
		t.Errorf("a load that was stopped gives %v", err)
	}
}

func TestSteadyRepliesAreCountedHoweverTheyAreCut(t *testing.T) {
	text := "+OK\r\n$5\r\nab\r\nc\r\n$-1\r\n$0\r\n\r\n:12\r\n"
	for cut := 1; cut <= len(text); cut++ {
		var c steadyConn
		n := 0
		for from := 0; from < len(text); from += cut {
			got, err := c.replies([]byte(text[from:min(from+cut, len(text))]))
			if n += got; err != nil {
				t.Fatal(err)
			}
		}
		if n != 5 {
			t.Errorf("%d replies in pieces of %d bytes, want 5", n, cut)
		}
	}
	for _, text := range []string{"-ERR no\r\n", "$x\r\n", "$-2\r\n", "\r\n", "*1\r\n"} {
		if _, err := new(steadyConn).replies([]byte(text)); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

func TestSteadyRequestsAreHalfSETsOfKeysThatAreThere(t *testing.T) {
	for _, i := range []int{0, 7, 123_456_789} {
		if got, want := string(appendKey(nil, "key:", i)), "$16\r\n"+keyName(i)+"\r\n"; got != want {
			t.Errorf("the name is %q, want %q", got, want)
		}
	}
	sets := 0
	for i := range 10_000 {
		if strings.HasPrefix(string(steadySETGET(quickSize, nil, i)), "*3\r\n$3\r\nSET\r\n") {
			sets++
		}
		if key, _ := steadyNumber(i, 10); key < 0 || key >= 10 {
			t.Fatalf("key %d is none of 10", key)
		}
	}
	if sets < 4500 || sets > 5500 {
		t.Errorf("%d of 10,000 are SETs", sets)
	}
}

func TestAServerThatDoesNotKeepUpIsNamed(t *testing.T) {
	rep := &report{Steadies: []steadyRow{{Title: "what is asked", Rate: 1000, Redis: steady{Achieved: 999}, Diskette: steady{Achieved: 900, MaxMillis: 12.34}}}}
	var text strings.Builder
	rep.writeSteadies(&text)
	if !strings.Contains(text.String(), "1,000/s: Diskette did not keep up: 900/s") || strings.Contains(text.String(), "Redis did not") ||
		!strings.Contains(text.String(), "| 12.3 |") {
		t.Errorf("the table is\n%s", text.String())
	}
}

package resp

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/wire"
)

// elsewhere accepts connections as if they came from another machine.
type elsewhere struct {
	net.Listener
	ip net.IP
}

type elsewhereConn struct {
	*net.TCPConn
	peer net.Addr
}

func (c elsewhereConn) RemoteAddr() net.Addr { return c.peer }

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return elsewhereConn{c.(*net.TCPConn), &net.TCPAddr{IP: l.ip, Port: c.RemoteAddr().(*net.TCPAddr).Port}}, nil
}

// startGuarded serves with a password, to loopback and as if to another machine.
func startGuarded(t *testing.T) (s *Server, local, remote string) {
	t.Helper()
	local, s = startServingMore(t, zerolog.Nop())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(elsewhere{ln, net.ParseIP("203.0.113.9")}) //nolint:errcheck // it ends with Stop
	if err := s.cfg.Set([][2]string{{"requirepass", "sesame"}}); err != nil {
		t.Fatal(err)
	}
	return s, local, ln.Addr().String()
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func dialed(t *testing.T, addr, sends string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(sends)); err != nil {
		t.Fatal(err)
	}
	return c
}

// An unfinished command of a stranger: ten arguments of 16 KB, but for the last byte.
var unfinished = "*10\r\n" + strings.Repeat("$16000\r\n"+strings.Repeat("x", 16000)+"\r\n", 9) + "$16000\r\n" + strings.Repeat("x", 15999)

func TestStrangersTogetherHoldABoundedSumAndTheOldestGoesFirst(t *testing.T) {
	s, addr, _ := startGuarded(t)
	s.limits.Strangers.Most.Store(2 << 20)
	friend := dialed(t, addr, "AUTH sesame\r\n")
	readsLine(t, friend, "+OK")
	if _, err := friend.Write([]byte(unfinished)); err != nil { // it may hold what it likes
		t.Fatal(err)
	}
	all := []net.Conn{dialed(t, addr, unfinished)}
	var whole int64 // what one of them holds when all of it has arrived
	same := 0
	until(t, "the first connection", func() bool {
		before := whole
		whole, _ = s.limits.Strangers.Held()
		if same++; whole != before || whole < int64(len(unfinished)) {
			same = 0
		}
		return same == 100
	})
	for i := 1; i < 30; i++ {
		all = append(all, dialed(t, addr, unfinished))
		until(t, fmt.Sprint("connection ", i), func() bool { // one after the other, so that the order is known
			bytes, n := s.limits.Strangers.Held()
			return n+int(s.limits.Strangers.Closed.Load()) == i+1 && bytes == int64(n)*whole
		})
	}
	bytes, n := s.limits.Strangers.Held()
	closed := int(s.limits.Strangers.Closed.Load())
	if bytes > 2<<20 || n < 5 || n+closed != 30 {
		t.Errorf("%d connections hold %d bytes, %d were closed", n, bytes, closed)
	}
	for i, c := range all {
		_, err := c.Write([]byte("x\r\n"))
		if i < closed {
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			if err == nil {
				t.Errorf("connection %d, one of the %d oldest, is open", i, closed)
			}
			continue
		}
		readsLine(t, c, "-ERR unknown command")
	}
	for _, c := range all {
		c.Close()
	}
	until(t, "nothing is held any more", func() bool { bytes, n := s.limits.Strangers.Held(); return bytes == 0 && n == 0 })
	if _, err := friend.Write([]byte("x\r\n")); err != nil {
		t.Fatal(err)
	}
	readsLine(t, friend, "-ERR unknown command")
}

func TestRepliesThatAStrangerDoesNotReadCount(t *testing.T) {
	s, addr, _ := startGuarded(t)
	s.limits.Strangers.Most.Store(1 << 20)
	c := dialed(t, addr, "")
	go func() {
		for block := strings.Repeat("GET k\r\n", 10_000); ; {
			if _, err := c.Write([]byte(block)); err != nil {
				return
			}
		}
	}()
	until(t, "it is closed", func() bool { return s.limits.Strangers.Closed.Load() == 1 })
}

// What TLS holds of a stranger counts, in the handshake even where no password is asked for.
func TestTheBytesOfAHandshakeCount(t *testing.T) {
	near, far, err := tcpPair(t)
	if err != nil {
		t.Fatal(err)
	}
	var limits wire.Limits
	g := wire.NewTLSGuard(near, &tls.Config{}, &limits)
	g.Authed.Store(true) // no password is asked for
	// hello is half a record of a ClientHello of 65,280 bytes.
	hello := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0}, make([]byte, 8000)...)
	if _, err := far.Write(hello); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- g.Handshake() }()
	until(t, "the handshake's bytes count", func() bool { bytes, _ := limits.Strangers.Held(); return bytes >= 8000 })
	far.Close()
	if err := <-ended; err == nil {
		t.Error("the handshake came to a good end")
	}
	if bytes, n := limits.Strangers.Held(); bytes != 0 || n != 0 {
		t.Errorf("%d bytes of %d connections count on", bytes, n)
	}
}

func tcpPair(t *testing.T) (near, far net.Conn, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if far, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { far.Close() })
	near, err = ln.Accept()
	return near, far, err
}

func TestWhoAuthenticatesIsAStrangerNoMore(t *testing.T) {
	s, addr, _ := startGuarded(t)
	c := dialed(t, addr, "*2\r\n$4\r\nAUTH\r\n$6\r\nses")
	until(t, "its bytes count", func() bool { bytes, _ := s.limits.Strangers.Held(); return bytes > 0 })
	if _, err := c.Write([]byte("ame\r\n*2\r\n$4\r\nECHO\r\n$5\r\nhal")); err != nil {
		t.Fatal(err)
	}
	readsLine(t, c, "+OK")
	until(t, "they do not", func() bool { bytes, _ := s.limits.Strangers.Held(); return bytes == 0 })
}

func readsLine(t *testing.T, c net.Conn, begins string) {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(line), "\r\n"); line = append(line, b[0]) {
		if _, err := c.Read(b); err != nil {
			t.Fatalf("%v after %q, want %q", err, line, begins)
		}
	}
	if !strings.HasPrefix(string(line), begins) {
		t.Errorf("%q, want %q", line, begins)
	}
}

func TestAWrongPasswordIsAnsweredLaterAndLaterAndHoldsUpNobodyElse(t *testing.T) {
	s, local, remote := startGuarded(t)
	timed := func(c net.Conn, sends, want string) time.Duration {
		t.Helper()
		start := time.Now()
		if _, err := c.Write([]byte(sends)); err != nil {
			t.Fatal(err)
		}
		readsLine(t, c, want)
		return time.Since(start)
	}
	set := func(most string) {
		t.Helper()
		if err := s.cfg.Set([][2]string{{"auth-failure-delay", most}}); err != nil {
			t.Fatal(err)
		}
	}
	// An address of which many failures are known, none of which time forgives before its next one.
	guessedOften := func() {
		for range mostFailures {
			s.authDelays.failed(&net.TCPAddr{IP: net.ParseIP("203.0.113.9")}, time.Minute, time.Now().Add(time.Hour))
		}
	}
	const longest = firstAuthDelay << (mostFailures - 1)
	const soon = longest * 9 / 10 // for what takes no time: on a busy machine it takes some
	guesser := dialed(t, remote, "")
	if took := timed(guesser, "AUTH wrong\r\n", "-WRONGPASS"); took < firstAuthDelay {
		t.Errorf("the first failure was answered after %v", took)
	}
	guessedOften()
	if took := timed(guesser, "AUTH wrong\r\n", "-WRONGPASS"); took < time.Second {
		t.Errorf("one after many failures was answered after %v, should be a second", took)
	}
	set("60000")
	guessedOften()
	right, near := dialed(t, remote, ""), dialed(t, local, "")
	delayed := s.authDelays.count.Load()
	if _, err := guesser.Write([]byte("HELLO 3 AUTH default wrong\r\n")); err != nil {
		t.Fatal(err)
	}
	until(t, "the guesser waits", func() bool { return s.authDelays.count.Load() == delayed+1 })
	if took := timed(right, "AUTH sesame\r\n", "+OK"); took > soon {
		t.Errorf("the right password from the same address was answered after %v", took)
	}
	if took := timed(right, "SET k v\r\n", "+OK"); took > soon {
		t.Errorf("a command was answered after %v", took)
	}
	for n := range mostFailures {
		if took := timed(near, "AUTH wrong\r\n", "-WRONGPASS"); took > soon {
			t.Errorf("on loopback failure %d was answered after %v", n, took)
		}
	}
	before := s.clients.count()
	guesser.Close() // it does not wait
	until(t, "its connection is gone", func() bool { return s.clients.count() == before-1 })

	// Inside MULTI nothing waits under the lock, but the reply does.
	guessedOften()
	delayed = s.authDelays.count.Load()
	if _, err := right.Write([]byte("MULTI\r\nAUTH wrong\r\nAUTH wrong\r\nEXEC\r\n")); err != nil {
		t.Fatal(err)
	}
	until(t, "both failures count", func() bool { return s.authDelays.count.Load() == delayed+2 })
	if took := timed(near, "AUTH sesame\r\nSET k v\r\n", "+OK"); took > soon {
		t.Errorf("another client waited %v", took)
	}
	set("0")
	guessedOften()
	if took := timed(dialed(t, remote, ""), "AUTH wrong\r\n", "-WRONGPASS"); took > soon {
		t.Errorf("with auth-failure-delay 0 a failure was answered after %v", took)
	}
}

func TestFailuresAreForgivenASecondEachAndKeptOfABoundedNumberOfAddresses(t *testing.T) {
	var d authDelays
	now := time.Now()
	from := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	for _, c := range []struct {
		peer  net.Addr
		after time.Duration
		want  time.Duration
	}{
		{from("203.0.113.1"), 0, 50}, {from("203.0.113.1"), 0, 100}, {from("203.0.113.2"), 0, 50}, {from("::ffff:203.0.113.1"), 0, 200},
		{from("203.0.113.1"), 2 * time.Second, 100}, {from("203.0.113.1"), time.Minute, 50},
		// A client may have a whole network of IPv6 addresses, so the network counts.
		{from("2001:db8::1"), 0, 50}, {from("2001:db8::2"), 0, 100}, {from("2001:db8:0:1::1"), 0, 50},
		{from("127.0.0.1"), 0, 0}, {from("127.8.8.8"), 0, 0}, {from("::1"), 0, 0}, {from("::ffff:127.0.0.1"), 0, 0}, {&net.UnixAddr{Name: "s"}, 0, 0},
	} {
		now = now.Add(c.after)
		if got := d.failed(c.peer, time.Second, now); got != c.want*time.Millisecond {
			t.Errorf("%v: %v, want %v ms", c.peer, got, int64(c.want))
		}
	}
	for range 100 {
		if got := d.failed(from("203.0.113.3"), time.Second, now); got > time.Second {
			t.Fatal(got)
		}
	}
	if got := d.failed(from("203.0.113.3"), time.Second, now.Add(mostFailures*time.Second)); got != firstAuthDelay {
		t.Errorf("%v after all was forgiven", got)
	}
	for i := range 3 * mostAddresses {
		d.failed(from(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), time.Second, now)
	}
	if n := len(d.byAddress); n > mostAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
}

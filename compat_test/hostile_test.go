package compat_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// bombs are bytes that took servers down, made them spin, or made them set memory aside (DESIGN, section 7,
// and others of the kind), with what must come back: nothing, an error, or what an ordinary client gets.
var bombs = []struct{ name, bytes, want string }{
	{"a bulk length near 2^63", "*1\r\n$9223372036854775806\r\nx\r\n", "-ERR Protocol error: "},
	{"a multibulk count of 2^63-1", "*9223372036854775807\r\n", "-ERR Protocol error: "},
	{"a multibulk count that fits 32 bits", "*2147483647\r\n", ""},
	{"a negative bulk length", "*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length"},
	{"a bulk length beyond 64 bits", "*1\r\n$99999999999999999999\r\n", "-ERR Protocol error: "},
	{"a count of zero", "*0\r\nPING\r\n", ""},
	{"no dollar", "*1\r\n!4\r\nPING\r\n", "-ERR Protocol error: expected '$', got '!'"},
	{"an endless line", strings.Repeat("A", 1<<20), "-ERR Protocol error: too big inline request"},
	{"an endless count", "*" + strings.Repeat("1", 1<<20), "-ERR Protocol error: too big mbulk count string"},
	{"an endless bulk length", "*1\r\n$" + strings.Repeat("1", 1<<20), "-ERR Protocol error: too big bulk count string"},
	{"quotes that do not close", "SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request"},
	{"a web request", "POST / HTTP/1.1\r\nHost: x\r\n\r\nFLUSHALL\r\n", ""},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""},
	{"zeros", strings.Repeat("\x00", 1<<20), "-ERR Protocol error: too big inline request"},
	{"empty lines without end", strings.Repeat("\r\n", 1<<19), ""},
	{"empty commands without end", strings.Repeat("*0\r\n*-1\r\n", 1<<17), ""},
	{"half a command", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nhalf", ""},
}

// provoke sends bytes on a connection of its own, gives up its sending half and returns what came back. A
// connection that the server resets in the middle is an answer, too.
func provoke(addr string, password, b string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, replyTimeout)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return "", err
	}
	if password != "" {
		b = "AUTH " + password + "\r\n" + b
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, b) // the server may have closed by then
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	c.Close()
	<-sent
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	return strings.TrimPrefix(string(got), "+OK\r\n"), err
}

// stillWell checks that the server answers at once, is not busy with nothing, and has not grown.
func stillWell(t *testing.T, s *server, password string, most int64) {
	t.Helper()
	if s.died() {
		t.Fatalf("the server died:\n%s", s.Log)
	}
	c := dial(t, s.Addr)
	if password != "" {
		if v := c.Do("AUTH", password); v.text != "OK" {
			t.Fatal(v)
		}
	}
	if v := c.Do("GET", "untouched"); v.text != "1" {
		t.Errorf("GET of the key that was there before: %s", v)
	}
	if v := c.Do("DBSIZE"); v.text != "1" {
		t.Errorf("garbage has made keys: DBSIZE is %s", v)
	}
	if strings.Contains(s.Log.String(), "panic") {
		t.Errorf("something panicked:\n%s", s.Log)
	}
	if rss := s.memoryLine("VmHWM"); rss > most {
		t.Errorf("the server took %d MB", rss>>20)
	}
}

// startPrey starts a server with one key, with or without a password.
func startPrey(t *testing.T, password string, args ...string) *server {
	t.Helper()
	requireProc(t)
	if password != "" {
		args = append(args, "--requirepass", password)
	}
	s := startServer(t, subjectBin(t), args...)
	c := dial(t, s.Addr)
	if password != "" {
		c.Do("AUTH", password)
	}
	if v := c.Do("SET", "untouched", 1); v.text != "OK" {
		t.Fatal(v)
	}
	c.Close()
	return s
}

func TestBytesThatKilledOtherServersGetAnErrorBeforeAndAfterAuth(t *testing.T) {
	for _, stage := range []struct{ name, required, given string }{
		{"without a password", "", ""}, {"before AUTH", "sesame", ""}, {"after AUTH", "sesame", "sesame"},
	} {
		t.Run(stage.name, func(t *testing.T) {
			s := startPrey(t, stage.required)
			for _, b := range bombs {
				got, err := provoke(s.Addr, stage.given, b.bytes)
				switch {
				case err != nil:
					t.Errorf("%s: %v", b.name, err)
				case stage.name == "before AUTH" && got != "" && !strings.HasPrefix(got, "-NOAUTH ") && !strings.HasPrefix(got, "-ERR "):
					t.Errorf("%s: a stranger is told %.100q", b.name, got)
				case stage.name != "before AUTH" && got != "" && b.want != "" && !strings.HasPrefix(got, b.want):
					t.Errorf("%s: %.100q", b.name, got) // nothing at all: the error went down with a reset
				}
			}
			stillWell(t, s, stage.required, 160<<20)
		})
	}
}

func TestStrangersAreHeldShortUntilTheyAuthenticate(t *testing.T) {
	s := startPrey(t, "sesame")
	for _, c := range []struct{ send, want string }{
		{"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
		{"*2\r\n$4\r\nPING\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
		{"GET untouched\r\n", "-NOAUTH Authentication required.\r\n"},
		{"GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n"},
		{"NOSUCH\r\n", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
		{"AUTH wrong\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"AUTH nobody sesame\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
		{"MULTI\r\nGET untouched\r\nEXEC\r\n", "-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n"},
		{"AUTH default sesame\r\nGET untouched\r\n", "+OK\r\n$1\r\n1\r\n"},
		{"HELLO 3 AUTH default sesame\r\nRESET\r\nGET untouched\r\n", "RESET\r\n-NOAUTH Authentication required.\r\n"},
		{"QUIT\r\nGET untouched\r\n", "+OK\r\n"},
	} {
		conn := dial(t, s.Addr)
		conn.SendRaw([]byte(c.send))
		if err := conn.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		v, err := conn.readBytes(1<<20, true, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if v.text != c.want && (!strings.HasPrefix(c.send, "HELLO") || !strings.HasSuffix(v.text, c.want)) {
			t.Errorf("%q\nwant: %q\ngot:  %q", c.send, c.want, v.text)
		}
	}
	c := dial(t, s.Addr)
	c.Do("AUTH", "sesame")
	if v := c.Do("ECHO", blockOf[:20<<10]); len(v.text) != 20<<10 {
		t.Errorf("the limits of strangers hold after AUTH: %.100s", v)
	}
	stillWell(t, s, "sesame", 160<<20)
}

func TestRandomBytesNeverHurt(t *testing.T) {
	s := startPrey(t, "")
	r := testrand.New(t, 7)
	tokens := []string{
		"\r\n", "\n", "\r", "*1\r\n", "*3\r\n", "*-1\r\n", "*2147483647\r\n", "$3\r\n", "$0\r\n", "$-1\r\n", "$536870912\r\n", "$999999999999\r\n",
		"\"", "'", "\\x", " ", "\x00", "PING", "ECHO", "HELLO", "CLIENT", "MULTI", "EXEC", "WATCH", "COMMAND", "3", "k", "~1\r\n", ">2\r\n", "%1\r\n",
	}
	var sent [300]string
	for i := range sent {
		var b strings.Builder
		for range 1 + r.IntN(60) {
			if r.IntN(4) == 0 {
				for range r.IntN(40) {
					b.WriteByte(byte(r.UintN(256)))
				}
			} else {
				b.WriteString(tokens[r.IntN(len(tokens))])
			}
		}
		sent[i] = b.String()
	}
	forEach(t, len(sent), 16, func(i int) error {
		_, err := provoke(s.Addr, "", sent[i])
		if err != nil {
			return fmt.Errorf("%q: %w", sent[i], err)
		}
		return nil
	})
	stillWell(t, s, "", 160<<20)
}

// forEach runs fn for 0 to n-1, so many at a time, and reports errors.
func forEach(t *testing.T, n, atOnce int, fn func(i int) error) {
	t.Helper()
	next := make(chan int)
	var done sync.WaitGroup
	for range atOnce {
		done.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	done.Wait()
}

// dialMany opens connections and sends each the same bytes.
func dialMany(t *testing.T, s *server, n int, b string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.DialTimeout("tcp", s.Addr, replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, b); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	return conns
}

func TestManyConnectionsCostTheirOwnBytesAndLittleMore(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		most        int64
	}{
		{"that send nothing", "", 64 << 20},
		{"that announce 512 MB and send ten bytes", "*2\r\n$4\r\nECHO\r\n$536870912\r\n0123456789", 160 << 20},
		{"that announce two billion arguments", "*2147483647\r\n$1\r\nx\r\n", 80 << 20},
		{"that send half a command", "*3\r\n$3\r\nSET\r\n$9\r\nuntouched\r\n$3\r\n", 80 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startPrey(t, "")
			conns := dialMany(t, s, 1000, c.bytes)
			looking := dial(t, s.Addr)
			await(t, "all are connected", func() bool { return number(looking, "clients", "connected_clients") > len(conns) })
			t.Logf("1000 connections: VmHWM %d MB", s.memoryLine("VmHWM")>>20)
			stillWell(t, s, "", c.most)
			if _, err := io.WriteString(conns[0], ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACommandMayComeAByteAtATime(t *testing.T) {
	s := startPrey(t, "")
	whole := append(encode("ECHO", "slow"), encode("ECHO", bytes.Repeat([]byte("x"), 100))...)
	c := dial(t, s.Addr)
	if err := c.conn.(*net.TCPConn).SetNoDelay(true); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		c.SendRaw(whole[i : i+1])
		if i%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if v := c.Receive(); v.text != "slow" {
		t.Errorf("the first command: %s", v)
	}
	if v := c.Receive(); len(v.text) != 100 {
		t.Errorf("the second command: %s", v)
	}
	stillWell(t, s, "", 80<<20)
}

func TestManySmallArgumentsTakeTimeInProportion(t *testing.T) {
	s := startPrey(t, "")
	c := dial(t, s.Addr)
	const n = 900_000 // to begin anew at each piece would take minutes
	b := fmt.Appendf(nil, "*%d\r\n$6\r\nEXISTS\r\n", n+1)
	for i := range n {
		b = fmt.Appendf(b, "$7\r\nk%06d\r\n", i)
	}
	before := cpuTicks(t, s)
	for len(b) > 0 { // in small pieces: each must not begin the command anew
		k := min(len(b), 1000)
		c.SendRaw(b[:k])
		b = b[k:]
	}
	if v := c.Receive(); v.text != "0" {
		t.Fatal(v)
	}
	if ticks := cpuTicks(t, s) - before; ticks > 3000 {
		t.Errorf("a command of %d arguments took %d s of processor time", n, ticks/100)
	}
}

func TestWatchingManyKeysTakesTimeInProportion(t *testing.T) {
	s := startPrey(t, "")
	c := dial(t, s.Addr)
	args := []any{"WATCH"}
	for i := range 100_000 {
		args = append(args, fmt.Sprintf("k%06d", i))
	}
	p := startPinger(s)
	before := cpuTicks(t, s)
	if v := c.Do(args...); v.text != "OK" {
		t.Fatal(v)
	}
	if v := c.Do("UNWATCH"); v.text != "OK" {
		t.Fatal(v)
	}
	if ticks := cpuTicks(t, s) - before; ticks > 1000 {
		t.Errorf("WATCH and UNWATCH of 100,000 keys took %d s of processor time", ticks/100)
	}
	if worst := p.end(t); worst > time.Second {
		t.Errorf("another client waited %v", worst)
	}
}

func TestAShortageOfDescriptorsIsTheClientsAlone(t *testing.T) {
	requireProc(t)
	s := newServer(t, "/bin/sh")
	s.args = append([]string{"-c", `ulimit -n 100; exec "$0" "$@"`, subjectBin(t)}, s.args...)
	s.start(nil)
	c := dial(t, s.Addr)
	setting := func(name string) string { return c.Do("CONFIG", "GET", name).elems[1].text }
	left := 52
	if setting("event-loops") == "yes" {
		loops, err := strconv.Atoi(setting("io-threads"))
		if err != nil {
			t.Fatal(err)
		}
		left -= 2 * loops
	}
	equal(t, "maxclients with 100 descriptors", setting("maxclients"), strconv.Itoa(left))
	logSays(t, s, "maxclients is lowered")
	if v := c.Do("CONFIG", "SET", "maxclients", 1000); !strings.HasSuffix(v.text, fmt.Sprint("The operating system is not able to handle the specified number of clients, try with ", left)) {
		t.Errorf("CONFIG SET maxclients 1000: %s", v)
	}
	conns := dialMany(t, s, 200, "")
	for tries := 1; ; tries++ { // at first it has work: the connections that it can accept
		before := cpuTicks(t, s)
		time.Sleep(500 * time.Millisecond)
		ticks := cpuTicks(t, s) - before
		if ticks <= 20 {
			break
		}
		if tries == 20 {
			t.Errorf("the server burns %d %% of a core while it can accept nobody", 2*ticks)
			break
		}
	}
	if v := c.Do("SET", "k", blockOf[:100<<10]); v.text != "OK" {
		t.Errorf("a client that was there before: %s", v)
	}
	if v := c.Do("SAVE"); v.text != "OK" {
		t.Errorf("SAVE: %s", v)
	}
	for _, conn := range conns {
		conn.Close()
	}
	await(t, "a client that comes afterwards is served", func() bool {
		late, err := open(s.Addr)
		if err != nil {
			return false
		}
		defer late.Close()
		v, err := late.Try("STRLEN", "k")
		return err == nil && v.text == "102400"
	})
}

// cpuTicks is the processor time that the server has used, in hundredths of a second.
func cpuTicks(t *testing.T, s *server) int {
	t.Helper()
	ticks, err := ticksOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return ticks
}

func ticksOf(s *server) (ticks int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	var user, system int
	_, err = fmt.Sscan(strings.Join(strings.Fields(rest)[11:13], " "), &user, &system)
	return user + system, err
}

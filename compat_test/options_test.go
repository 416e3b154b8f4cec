package compat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// refusedStart runs a server that must not start, and returns its exit status and all it printed.
func refusedStart(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	cmd := exec.Command(subjectBin(t), args...)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(replyTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the status says it
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestAStartThatCanNotSucceedSaysWhyAndExitsWith1(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	dir := t.TempDir()
	conf := filepath.Join(dir, "bad.conf")
	if err := os.WriteFile(conf, []byte("port 0\n\n# fine so far\nno-such-option yes\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	running := startServer(t, subjectBin(t))
	free := testport.Free(t)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"a port in use", []string{"--port", taken, "--dir", t.TempDir()}, []string{"can not listen", "127.0.0.1:" + taken, "address already in use", "another program has the port; stop it, or start with another --port"}},
		{"a port in use, logging nothing", []string{"--port", taken, "--dir", t.TempDir(), "--loglevel", "nothing"}, []string{"can not listen", "address already in use"}},
		{"an unknown option", []string{"--no-such-option", "1"}, []string{"at line 1", `no-such-option "1"`, "Bad directive or wrong number of arguments", "There is no directive of this name"}},
		{"an option that is nearly right", []string{"--maxmemmory", "1gb"}, []string{"Bad directive", "is it maxmemory?"}},
		{"an unknown option in a conf file", []string{conf}, []string{conf, "at line 4", "'no-such-option yes'", "Bad directive or wrong number of arguments"}},
		{"a value out of range", []string{"--port", "99999"}, []string{`port "99999"`, "argument must be between 0 and 65535 inclusive"}},
		{"a conf file that is not there", []string{filepath.Join(dir, "none.conf")}, []string{"none.conf", "no such file", "name one that is there"}},
		{"a user with a rule that is none", []string{"--user", "bob", "+nosuch"}, []string{"Error in user declaration '+nosuch'", "Unknown command or category name in ACL"}},
		{"an aclfile that is not there", []string{"--port", free, "--dir", t.TempDir(), "--aclfile", filepath.Join(dir, "none.acl")}, []string{"ACL errors", "none.acl"}},
		{"a module", []string{"--loadmodule", "/usr/lib/redis/modules/rejson.so"}, []string{"modules are not supported", "JSON.* commands would be missing", "RedisJSON"}},
		{"nothing to listen on", []string{"--port", "0", "--dir", t.TempDir()}, []string{"nothing to listen on"}},
		{"another server on the data directory", []string{"--port", free, "--dir", running.Dir}, []string{"in use by another server", running.Dir}},
		{"a data directory that is a file", []string{"--port", free, "--dir", file}, []string{file}},
		{"an address of another machine", []string{"--port", free, "--bind", "203.0.113.9", "--dir", t.TempDir()}, []string{"can not listen", "203.0.113.9", "no interface of this machine has the address"}},
		{"a log file that can not be", []string{"--port", free, "--logfile", filepath.Join(file, "log")}, []string{"can not open the log file"}},
		{"cluster mode", []string{"--cluster-enabled", "yes"}, []string{"cluster mode is not supported"}},
	} {
		status, said := refusedStart(t, c.args...)
		if status != 1 {
			t.Errorf("%s: exit status %d:\n%s", c.name, status, said)
		}
		for _, want := range c.want {
			if !strings.Contains(said, want) && !strings.Contains(said, strings.ReplaceAll(want, `"`, `\"`)) {
				t.Errorf("%s: no %q in:\n%s", c.name, want, said)
			}
		}
	}
	if v := dial(t, running.Addr).Do("PING"); v.text != "PONG" {
		t.Errorf("the server that was there first: %s", v)
	}
}

func TestAConfFileIsReadAndOptionsOverrideIt(t *testing.T) {
	s := newServer(t, subjectBin(t))
	conf := filepath.Join(t.TempDir(), "redis.conf")
	text := "# as written for Redis\nmaxmemory 64mb\nrequirepass \"a b\"\nappendonly yes\nsave 900 1\nsave 300 10\nhz 50\nio-threads-do-reads no\nio-threads-do-reads yes\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s.args = append([]string{conf}, s.args...)
	s.args = append(s.args, "--hz", "20", "--client-output-buffer-limit", "normal", "1mb", "0", "0", "--save", "")
	s.start(nil)
	c := dial(t, s.Addr)
	if v := c.Do("AUTH", "a b"); v.text != "OK" {
		t.Fatal(v)
	}
	for name, want := range map[string]string{
		"maxmemory": "67108864", "hz": "20", "save": "", "appendonly": "yes",
		"client-output-buffer-limit": "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
	} {
		if v := c.Do("CONFIG", "GET", name); len(v.elems) != 2 || v.elems[1].text != want {
			t.Errorf("CONFIG GET %s: %s", name, v)
		}
	}
	if n := strings.Count(s.lastWords(), `"option":"io-threads-do-reads"`); n != 1 {
		t.Errorf("an option without effect is mentioned %d times in the log:\n%s", n, s.Log)
	}
}

// The fields were found by asking redis-server for all of INFO after each CONFIG SET.
func TestInfoSaysWhatIsConfigured(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	for _, set := range []struct{ name, value, field, shown string }{
		{"maxmemory-policy", "allkeys-lru", "maxmemory_policy", "allkeys-lru"},
		{"maxmemory-policy", "volatile-lfu", "maxmemory_policy", "volatile-lfu"},
		{"maxmemory-policy", "noeviction", "maxmemory_policy", "noeviction"},
		{"maxmemory", "100mb", "maxmemory", "104857600"},
		{"maxmemory", "100mb", "maxmemory_human", "100.00M"},
		{"maxmemory", "0", "maxmemory", "0"},
		{"maxclients", "123", "maxclients", "123"},
		{"hz", "33", "hz", "33"},
		{"hz", "34", "configured_hz", "34"},
		{"repl-backlog-size", "2mb", "repl_backlog_size", "2097152"},
		{"min-replicas-to-write", "0", "min_slaves_good_slaves", ""},
		{"min-replicas-to-write", "2", "min_slaves_good_slaves", "0"},
		{"port", "", "tcp_port", s.Addr[strings.LastIndexByte(s.Addr, ':')+1:]},
	} {
		if set.value != "" {
			equal(t, "CONFIG SET", c.Do("CONFIG", "SET", set.name, set.value).text, "OK")
		}
		equal(t, set.field, infoField(c.Do("INFO").Text(), set.field), set.shown)
	}
}

func TestLogsAreJSONWhereThereIsNoTerminal(t *testing.T) {
	s := startServer(t, subjectBin(t), "--io-threads-do-reads", "yes")
	if code := s.Terminate(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	said := s.Log.String()
	if !strings.Contains(said, "Ready to accept connections") {
		t.Errorf("it does not say that it is ready:\n%s", said)
	}
	for line := range strings.Lines(said) {
		var entry struct{ Level, Time, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Time == "" || entry.Message == "" {
			t.Errorf("%v: %s", err, line)
		}
	}
}

func TestLoglevelIsHonoured(t *testing.T) {
	for level, want := range map[string]bool{"notice": true, "warning": false, "nothing": false} {
		s := startServer(t, subjectBin(t), "--loglevel", level, "--io-threads-do-reads", "yes")
		s.Terminate()
		if said := s.Log.String(); (said != "") != want {
			t.Errorf("loglevel %s:\n%s", level, said)
		}
	}
	s := startServer(t, subjectBin(t), "--loglevel", "nothing")
	dial(t, s.Addr).Do("CONFIG", "SET", "loglevel", "notice")
	s.Terminate()
	if !strings.Contains(s.Log.String(), "shutting down") {
		t.Errorf("after CONFIG SET loglevel notice:\n%s", s.Log)
	}
}

func TestTheLogAndTheProcessIdGoIntoFiles(t *testing.T) {
	dir := t.TempDir()
	log, pid := filepath.Join(dir, "log"), filepath.Join(dir, "pid")
	s := startServer(t, subjectBin(t), "--logfile", log, "--pidfile", pid)
	if text, err := os.ReadFile(pid); err != nil || string(text) != strconv.Itoa(s.cmd.Process.Pid)+"\n" {
		t.Errorf("the pid file holds %q, %v", text, err)
	}
	s.Terminate()
	if _, err := os.Stat(pid); !os.IsNotExist(err) {
		t.Errorf("the pid file is left behind: %v", err)
	}
	if text, err := os.ReadFile(log); err != nil || !bytes.Contains(text, []byte("Ready to accept connections")) {
		t.Errorf("%v\n%s", err, text)
	}
	if said := s.Log.String(); said != "" {
		t.Errorf("with a log file it still prints:\n%s", said)
	}
}

// Log rotation renames the file and then sends SIGHUP.
func TestSIGHUPOpensTheLogFileAgain(t *testing.T) {
	dir := t.TempDir()
	log, old := filepath.Join(dir, "log"), filepath.Join(dir, "log.1")
	s := startServer(t, subjectBin(t), "--logfile", log)
	holds := func(file, words string) {
		t.Helper()
		var text []byte
		for end := time.Now().Add(replyTimeout); !bytes.Contains(text, []byte(words)); time.Sleep(5 * time.Millisecond) {
			if text, _ = os.ReadFile(file); time.Now().After(end) {
				t.Fatalf("%q is not in %s:\n%s", words, file, text)
			}
		}
	}
	if err := os.Rename(log, old); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	holds(log, "log file opened again")
	holds(old, "Ready to accept connections")
	if err := os.Rename(log, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(log, 0o755); err != nil { // it can not be opened now
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	holds(old, "can not open the log file again, going on in the old one")
	if v := dial(t, s.Addr).Do("PING"); v.text != "PONG" {
		t.Error(v)
	}
	s.Terminate()
	holds(old, "shutting down")

	s = startServer(t, subjectBin(t)) // without a file nothing happens
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if v := dial(t, s.Addr).Do("PING"); v.text != "PONG" {
		t.Error(v)
	}
}

func TestAStartSaysInOneLineWhatItFound(t *testing.T) {
	s := startServer(t, subjectBin(t))
	starts := 0
	line := func() (found map[string]any) { // of the newest start
		t.Helper()
		starts++
		await(t, "the start's line", func() bool {
			lines := 0
			for text := range strings.Lines(s.Log.String()) {
				var entry map[string]any
				if json.Unmarshal([]byte(text), &entry) == nil && (entry["message"] == "data opened" || entry["message"] == "new data directory") {
					found = entry
					lines++
				}
			}
			return lines == starts
		})
		if found["dir"] != s.Dir || found["format"] == nil {
			t.Errorf("%v\n%s", found, s.Log)
		}
		return found
	}
	if l := line(); l["message"] != "new data directory" {
		t.Error(l)
	}
	c := dial(t, s.Addr)
	for i := range 10 {
		c.Do("SET", "k"+strconv.Itoa(i%5), "v")
	}
	s.Kill9()
	s.start(nil)
	if l := line(); l["message"] != "data opened" || l["last_end"] != "not clean" || l["keys"] != 5.0 || l["recovered_records"] != 10.0 || l["recovered_rows"] != 5.0 {
		t.Error(l)
	}
	s.Terminate()
	s.start(nil)
	if l := line(); l["last_end"] != "clean" || l["keys"] != 5.0 || l["recovered_records"] != 0.0 || l["database_bytes"] == 0.0 {
		t.Error(l)
	}
}

func TestAFileThatIsNoSocketIsNotRemovedForOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, said := refusedStart(t, "--port", "0", "--unixsocket", file, "--dir", t.TempDir())
	if status != 1 || !strings.Contains(said, "no socket") {
		t.Errorf("status %d\n%s", status, said)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "text" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestItListensWhereItIsTold(t *testing.T) {
	socket := filepath.Join(shortDir(t), "s")
	t.Run("on a unix socket alone", func(t *testing.T) {
		for range 2 { // the second time over what a kill -9 has left
			s := newServer(t, subjectBin(t), "--port", "0", "--unixsocket", socket, "--unixsocketperm", "770")
			s.launch(nil)
			c := dialUnix(t, s, socket)
			if v := c.Do("PING"); v.text != "PONG" {
				t.Error(v)
			}
			if v := c.Do("CLIENT", "LIST").Text(); !strings.Contains(v, "addr="+socket+":0 ") || !strings.Contains(v, "flags=U") {
				t.Errorf("CLIENT LIST: %s", v)
			}
			info, err := os.Stat(socket)
			if err != nil || info.Mode().Perm() != 0o770 {
				t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
			}
			if conn, err := net.Dial("tcp", s.Addr); err == nil {
				conn.Close()
				t.Error("it listens on TCP, too")
			}
			status, said := refusedStart(t, "--port", "0", "--unixsocket", socket, "--dir", t.TempDir())
			if status != 1 || !strings.Contains(said, "in use by another server") {
				t.Errorf("a second server on the socket: status %d\n%s", status, said)
			}
			s.Kill9()
		}
	})
	t.Run("on several addresses", func(t *testing.T) {
		s := startServer(t, subjectBin(t), "--bind", "127.0.0.1", "127.0.0.2", "-203.0.113.9", "-::1")
		if runtime.GOOS != "linux" {
			t.Skip("NOT CHECKED: 127.0.0.2 is there on Linux only")
		}
		_, port, _ := net.SplitHostPort(s.Addr)
		if v := dial(t, "127.0.0.2:"+port).Do("PING"); v.text != "PONG" {
			t.Error(v)
		}
	})
}

// dialUnix connects once the server listens.
func dialUnix(t *testing.T, s *server, path string) *client {
	t.Helper()
	for deadline := time.Now().Add(replyTimeout); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", path)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return &client{t: t, conn: conn, r: bufio.NewReader(conn)}
		}
		if s.died() || time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, s.Log)
		}
	}
}

// outsideAddress is an address of this machine that is not loopback.
func outsideAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("NOT CHECKED: what clients at another address than loopback are answered; this machine has no such address")
	return ""
}

func TestProtectedModeTurnsStrangersAwayUnlessThereIsAPassword(t *testing.T) {
	outside := outsideAddress(t)
	s := startServer(t, subjectBin(t), "--bind", "0.0.0.0")
	_, port, _ := net.SplitHostPort(s.Addr)
	stranger := net.JoinHostPort(outside, port)
	c := dial(t, stranger)
	if v, err := c.readOutcome(replyTimeout); err != nil || !strings.HasPrefix(v.text, "DENIED ") {
		t.Errorf("a stranger is told %s, %v", v, err)
	}
	if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
		t.Errorf("and then %s, %v", v, err)
	}
	local := dial(t, s.Addr)
	if v := local.Do("CONFIG", "SET", "requirepass", "x"); v.text != "OK" {
		t.Fatal(v)
	}
	if v := dial(t, stranger).Do("PING"); v.text != "NOAUTH Authentication required." {
		t.Errorf("with a password a stranger is told %s", v)
	}
	local.Do("CONFIG", "SET", "requirepass", "")
	if v := dial(t, stranger).Do("PING"); !strings.HasPrefix(v.text, "DENIED ") {
		t.Errorf("without a password again a stranger is told %s", v)
	}
	local.Do("CONFIG", "SET", "protected-mode", "no")
	if v := dial(t, stranger).Do("PING"); v.text != "PONG" {
		t.Errorf("without protected mode a stranger is told %s", v)
	}
}

func TestRequirepassCanBeSetAndTakenAwayAtAnyTime(t *testing.T) {
	s := startServer(t, subjectBin(t))
	old, late := dial(t, s.Addr), dial(t, s.Addr)
	if v := old.Do("AUTH", "x"); v.text != "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?" {
		t.Errorf("AUTH without a password set: %s", v)
	}
	old.Do("CONFIG", "SET", "requirepass", "x")
	if v := late.Do("PING"); v.text != "PONG" {
		t.Errorf("who was connected before stays in: %s", v)
	}
	c := dial(t, s.Addr)
	if v := c.Do("GET", "k"); v.text != "NOAUTH Authentication required." {
		t.Errorf("GET of a new client: %s", v)
	}
	if v := c.Do("HELLO", "3"); !strings.HasPrefix(v.text, "NOAUTH HELLO must be called with the client already authenticated") {
		t.Errorf("HELLO of a new client: %s", v)
	}
	if v := c.Do("AUTH", "x"); v.text != "OK" {
		t.Errorf("AUTH: %s", v)
	}
	if v := c.Do("AUTH", "y"); v.text != "WRONGPASS invalid username-password pair or user is disabled." {
		t.Errorf("AUTH with another password: %s", v)
	}
	if v := c.Do("PING"); v.text != "PONG" {
		t.Errorf("a wrong AUTH takes nothing away: %s", v)
	}
	c = dial(t, s.Addr)
	old.Do("CONFIG", "SET", "requirepass", "")
	if v := c.Do("PING"); v.text != "PONG" {
		t.Errorf("once there is no password: %s", v)
	}
}

func TestMaxclientsTurnsAwayWhoComesLate(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxclients", "3")
	first := dial(t, s.Addr)
	connected := func(n int) func() bool {
		return func() bool { return number(first, "clients", "connected_clients") == n }
	}
	await(t, "the harness has hung up", connected(1))
	clients := []*client{first, dial(t, s.Addr), dial(t, s.Addr)}
	for _, c := range clients {
		if v := c.Do("PING"); v.text != "PONG" {
			t.Fatal(v)
		}
	}
	late := dial(t, s.Addr)
	if v, err := late.readOutcome(replyTimeout); err != nil || v.text != "ERR max number of clients reached" {
		t.Errorf("the fourth of three: %s, %v", v, err)
	}
	if n := infoField(clients[0].Do("INFO", "stats").Text(), "rejected_connections"); n != "1" {
		t.Errorf("rejected_connections is %s", n)
	}
	clients[2].Close()
	await(t, "there is room again", connected(2))
	if v := dial(t, s.Addr).Do("PING"); v.text != "PONG" {
		t.Errorf("once there is room again: %s", v)
	}
	clients[0].Do("CONFIG", "SET", "maxclients", "10")
	if v := dial(t, s.Addr).Do("PING"); v.text != "PONG" {
		t.Errorf("after CONFIG SET maxclients: %s", v)
	}
}

func TestTimeoutEndsIdleClientsAndNoOthers(t *testing.T) {
	s := startServer(t, subjectBin(t))
	const timeout = 2 * time.Second
	c := dial(t, s.Addr)
	for ended := false; !ended; {
		idle, busy := dial(t, s.Addr), dial(t, s.Addr)
		start := time.Now()
		idle.Do("PING")
		says(t, c, "OK", "CONFIG", "SET", "timeout", timeout.Seconds()) // holds for who is connected already
		closed := make(chan value, 1)
		go func() {
			v, _ := idle.readOutcome(replyTimeout)
			closed <- v
		}()
		for asked := time.Now(); ; {
			v, err := busy.Try("PING")
			if silent := time.Since(asked); err != nil && silent >= timeout {
				break // the machine has let it be idle: begin anew
			} else if err != nil || v.text != "PONG" {
				t.Fatalf("the other: %s, %v, after %v", v, err, silent)
			}
			asked = time.Now()
			if ended {
				break
			}
			select {
			case v := <-closed:
				if took := time.Since(start); v.kind != kindClosed || took < timeout {
					t.Errorf("the idle client: %s after %v", v, took)
				}
				ended = true // once the other has been asked again
			case <-time.After(200 * time.Millisecond):
			}
		}
		c = dial(t, s.Addr)
		says(t, c, "OK", "CONFIG", "SET", "timeout", 0)
	}
}

// Redis ends no client that waits in a blocking command, nor one that is sent something (networking.c, timeout.c).
func TestTimeoutEndsNobodyWhoIsServedOrWaits(t *testing.T) {
	s := startServer(t, subjectBin(t))
	for !servedOrWaiting(t, s) { // the machine has let more time pass between two commands than may
		says(t, dial(t, s.Addr), "OK", "CONFIG", "SET", "timeout", 0)
	}
}

// servedOrWaiting says whether nobody was held up for too long to judge.
func servedOrWaiting(t *testing.T, s *server) bool {
	t.Helper()
	const timeout = 2 * time.Second
	waits, gone, listens := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	listens.Do("HELLO", "3")
	listens.Do("CLIENT", "TRACKING", "ON", "BCAST")
	waits.Do("PING")
	gone.Send("BLPOP", "list", "0")
	waits.Send("BLPOP", "list", "0")
	await(t, "both wait", func() bool { return number(dial(t, s.Addr), "clients", "blocked_clients") == 2 })
	last := time.Now()
	says(t, dial(t, s.Addr), "OK", "CONFIG", "SET", "timeout", timeout.Seconds())
	longest := time.Duration(0)
	set := func() {
		other := dial(t, s.Addr) // which is not idle
		defer other.Close()
		other.Do("SET", "k", "v")
		longest = max(longest, time.Since(last))
		last = time.Now()
	}
	for start := time.Now(); time.Since(start) < 2*timeout; time.Sleep(200 * time.Millisecond) {
		set()
	}
	gone.Close()
	await(t, "one who hangs up in a blocking command leaves", func() bool {
		set()
		return number(dial(t, s.Addr), "clients", "blocked_clients") == 1
	})
	says(t, dial(t, s.Addr), "1", "RPUSH", "list", "a")
	if v := waits.Receive(); len(v.elems) != 2 || v.elems[1].text != "a" {
		t.Errorf("who waited longer than the timeout gets %s", v)
	}
	v, err := listens.Try("PING")
	for err == nil && v.kind == kindPush {
		v, err = listens.read(replyTimeout)
	}
	if longest = max(longest, time.Since(last)); err != nil && longest >= timeout {
		return false
	}
	if err != nil || v.text != "PONG" {
		t.Errorf("who heard of changes all the time, every %v at least: %s, %v", longest, v, err)
	}
	return true
}

func TestTCPKeepaliveIsApplied(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT CHECKED: the timers of sockets are read from /proc/net/tcp")
	}
	s := startServer(t, subjectBin(t), "--tcp-keepalive", "100")
	c := dial(t, s.Addr)
	c.Do("PING")
	if kind, left := socketTimer(t, s.Addr, c.conn.LocalAddr().String()); kind != "02" || left < 90*time.Second || left > 100*time.Second {
		t.Errorf("timer %s in %v; 02 is keepalive", kind, left)
	}
	c.Do("CONFIG", "SET", "tcp-keepalive", "0")
	c = dial(t, s.Addr)
	c.Do("PING")
	if kind, left := socketTimer(t, s.Addr, c.conn.LocalAddr().String()); kind == "02" {
		t.Errorf("a keepalive in %v although it is off", left)
	}
}

// socketTimer is the timer of the server's end of a connection, from /proc/net/tcp.
func socketTimer(t *testing.T, local, remote string) (kind string, left time.Duration) {
	t.Helper()
	await(t, "every byte is acknowledged, whose timer goes first", func() bool {
		kind, left = timerOf(t, local, remote)
		return kind != "01"
	})
	return kind, left
}

func timerOf(t *testing.T, local, remote string) (kind string, left time.Duration) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	port := func(addr string) string {
		_, p, _ := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(p)
		return fmt.Sprintf(":%04X", n)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if strings.HasSuffix(f[1], port(local)) && strings.HasSuffix(f[2], port(remote)) {
			kind, hex, _ := strings.Cut(f[5], ":")
			ticks, err := strconv.ParseInt(hex, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kind, time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	t.Fatalf("no connection from %s to %s", remote, local)
	return "", 0
}

package compat_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// notified is systemd's end of sd_notify.
type notified struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newNotified(t *testing.T) *notified {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") // a socket's name is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &notified{t, conn, path}
}

// until reads messages up to one that has this line.
func (n *notified) until(line string) {
	n.t.Helper()
	var all strings.Builder
	buf := make([]byte, 4096)
	if err := n.conn.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		n.t.Fatal(err)
	}
	for {
		got, err := n.conn.Read(buf)
		if err != nil {
			n.t.Fatalf("%v; %q has not come, but\n%s", err, line, all.String())
		}
		all.Write(buf[:got])
		for l := range strings.Lines(string(buf[:got])) {
			if strings.TrimSpace(l) == line {
				return
			}
		}
	}
}

func TestSystemdIsToldThatTheServerIsReadyAndThatItEnds(t *testing.T) {
	for _, supervised := range []string{"systemd", "auto"} {
		n := newNotified(t)
		s := newServer(t, subjectBin(t), "--supervised", supervised, "--daemonize", "yes")
		s.prepare = func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+n.path) }
		s.launch(nil)
		n.until("READY=1")
		c := dial(t, s.Addr) // at once, and the process is the one that was started
		equal(t, "process_supervised", infoField(c.Do("INFO").Text(), "process_supervised"), "systemd")
		equal(t, "process_id", infoField(c.Do("INFO").Text(), "process_id"), strconv.Itoa(s.cmd.Process.Pid))
		equal(t, "exit status", s.Terminate(), 0)
		n.until("STOPPING=1")
	}
}

func TestWithoutAServiceManagerSupervisedChangesNothing(t *testing.T) {
	for supervised, warned := range map[string]bool{"systemd": true, "upstart": true, "auto": false, "no": false} {
		s := newServer(t, subjectBin(t), "--supervised", supervised)
		s.prepare = func(cmd *exec.Cmd) { cmd.Env = []string{"PATH=" + os.Getenv("PATH")} }
		s.start(nil)
		equal(t, "process_supervised", infoField(dial(t, s.Addr).Do("INFO").Text(), "process_supervised"), "no")
		if got := strings.Contains(s.lastWords(), "nobody is told when the server is ready"); got != warned {
			t.Errorf("supervised %s:\n%s", supervised, s.Log)
		}
	}
}

// readyPatterns are what programs wait for that start a server: testcontainers' modules, redigo, embedded servers.
var readyPatterns = []string{
	`.*Ready to accept connections.*`, `(?i)ready to accept connections`, `\* Ready to accept connections`,
	` \* Ready to accept connections tcp`, `^.*\d+:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} \* Ready to accept connections tcp.*$`,
}

func TestTheReadyLineHoldsRedissWords(t *testing.T) {
	socket := filepath.Join(shortDir(t), "s")
	s := startServer(t, subjectBin(t), "--unixsocket", socket)
	s.Terminate()
	lines := strings.Split(strings.TrimSpace(s.Log.String()), "\n")
	for _, pattern := range readyPatterns {
		if !regexp.MustCompile(`(?m)` + pattern).MatchString(s.Log.String()) {
			t.Errorf("no line has %s:\n%s", pattern, s.Log)
		}
	}
	found := 0
	for _, line := range lines {
		for _, kind := range []string{"tcp", "unix"} {
			if strings.Contains(line, " * Ready to accept connections "+kind) {
				found++
			}
		}
	}
	equal(t, "lines", found, 2)
}

func shortDir(t *testing.T) string {
	t.Helper()
	parent := ""
	if len(os.TempDir()) > 60 { // a socket's path has 107 bytes at most
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// inBackground runs a server that goes there, and returns the first process's status and what it printed.
func inBackground(t *testing.T, stdin string, args ...string) (status int, said string) {
	t.Helper()
	cmd := exec.Command(subjectBin(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(stdin)
	out, err := os.Create(filepath.Join(cmd.Dir, "said")) // a pipe would stay open with the second process
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	timer := time.AfterFunc(startTimeout, func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	defer timer.Stop()
	_ = cmd.Run() // the status says it
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// endBackground ends the process of a pid file, and waits until it is gone.
func endBackground(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(pidFile); os.IsNotExist(err) {
			return
		} else if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the server in the background does not end")
		}
	}
}

func TestDaemonizeServesInTheBackgroundOnceTheFirstProcessHasEnded(t *testing.T) {
	for _, fromStdin := range []bool{false, true} {
		dir, port := t.TempDir(), testport.Free(t)
		pidFile, logFile := filepath.Join(dir, "pid"), filepath.Join(dir, "log")
		options := []string{"--daemonize", "yes", "--dir", dir, "--pidfile", pidFile, "--logfile", logFile}
		stdin := ""
		if fromStdin {
			options, stdin = append(options, "-"), "port "+port+"\nhz 37\n"
		} else {
			options = append(options, "--port", port, "--hz", "37")
		}
		status, said := inBackground(t, stdin, options...)
		if status != 0 || said != "" {
			text, _ := os.ReadFile(logFile)
			t.Fatalf("status %d: %s\n%s", status, said, text)
		}
		c := dial(t, "127.0.0.1:"+port) // at once
		equal(t, "SET", c.Do("SET", "k", "v").text, "OK")
		info := c.Do("INFO").Text()
		equal(t, "hz", infoField(info, "configured_hz"), "37")
		pid, _ := os.ReadFile(pidFile)
		equal(t, "the pid file", strings.TrimSpace(string(pid)), infoField(info, "process_id"))
		if runtime.GOOS == "linux" {
			text, err := os.ReadFile("/proc/" + infoField(info, "process_id") + "/stat")
			if fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])); err != nil || fields[3] != infoField(info, "process_id") {
				t.Errorf("the server is not in a session of its own: %s", text)
			}
		}
		endBackground(t, pidFile)
	}
}

func TestDaemonizeSaysWhyAServerCanNotStart(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--port", taken, "--dir", t.TempDir()}, []string{"can not listen", taken, "address already in use"}},
		{[]string{"--port", taken, "--dir", t.TempDir(), "--logfile", filepath.Join(t.TempDir(), "log")}, []string{"can not listen", taken}},
		{[]string{"--dir", file}, []string{file, "not a directory"}},
		{[]string{"--nosuch", "x"}, []string{"FATAL CONFIG FILE ERROR", "nosuch"}},
	} {
		status, said := inBackground(t, "", append(c.args, "--daemonize", "yes")...)
		equal(t, "exit status", status, 1)
		mentions(t, said, c.want...)
	}
}

func TestSocketsOfAServiceManagerAreTaken(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	path := filepath.Join(shortDir(t), "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	tcpFile, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer tcpFile.Close()
	unixFile, err := unix.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer unixFile.Close()
	pass := func(pid string, fds int) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) {
			cmd.ExtraFiles = []*os.File{tcpFile, unixFile}
			cmd.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", fds), "LISTEN_FDNAMES=a:b")
			cmd.Args = append([]string{"sh", "-c", "LISTEN_PID=" + pid + ` exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
			cmd.Path = "/bin/sh"
		}
	}
	s := newServer(t, subjectBin(t))
	own := s.Addr // which it must not listen on
	s.Addr, s.prepare = tcp.Addr().String(), pass("$$", 2)
	s.start(nil)
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	if c, err := net.Dial("tcp", own); err == nil {
		c.Close()
		t.Error("it listens on its own port, too")
	}
	await(t, "the lines that say so", func() bool { // they come when clients are served already
		log := s.Log.String()
		return strings.Contains(log, "Ready to accept connections tcp") && strings.Contains(log, "Ready to accept connections unix")
	})
	equal(t, "exit status", s.Terminate(), 0)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the manager's socket is gone: %v", err)
	}

	other := newServer(t, subjectBin(t)) // for another process
	other.prepare = pass("1", 2)
	other.start(nil)
	other.Kill9()

	wrong := newServer(t, subjectBin(t))
	wrong.prepare = pass("$$", 3) // the third is no socket
	mentions(t, refuses(t, wrong), "can not listen", "socket 3 of 3", "ListenStream")
}

func TestAUnixSocketIsGivenToItsGroup(t *testing.T) {
	groups, err := os.Getgroups()
	if err != nil || len(groups) == 0 {
		t.Skipf("NOT CHECKED: which groups a socket may be given to: %v %v", groups, err)
	}
	path := filepath.Join(shortDir(t), "s")
	group := groups[len(groups)-1]
	startServer(t, subjectBin(t), "--unixsocket", path, "--unixsocketperm", "770", "--unixsocketgroup", strconv.Itoa(group))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the socket's group", int(info.Sys().(*syscall.Stat_t).Gid), group)
	mentions(t, refuses(t, newServer(t, subjectBin(t), "--unixsocket", path+"2", "--unixsocketgroup", "no-such-group")),
		"can not listen", "unixsocketgroup no-such-group", "unknown group")
}

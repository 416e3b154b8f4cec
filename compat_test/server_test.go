package compat_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// dockerWaits is less than the ten seconds after which docker stop kills.
const dockerWaits = 8 * time.Second

// These are patience with a machine that has other work, and say nothing about how fast a server is.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 2 * time.Minute
)

// server is a server process on a port and a data directory of its own, which
// it keeps over restarts. It is gone when the test ends.
type server struct {
	Addr string // 127.0.0.1:port
	Dir  string // the data directory
	Log  *log   // stdout and stderr of all its lives

	t       testing.TB
	bin     string
	args    []string
	prepare func(*exec.Cmd) // nil, or changes how the process is run
	cmd     *exec.Cmd
	dead    chan struct{} // closed when cmd has been waited for
}

// eventLoops is how the servers under test serve their clients; "" = as a server does to which nothing is said.
var eventLoops = os.Getenv("DISKETTE_EVENT_LOOPS")

// startServer runs bin and waits until it answers. The arguments are those of
// redis-server; --port, --bind and --dir come first, so they can be overridden.
func startServer(t testing.TB, bin string, args ...string) *server {
	t.Helper()
	s := newServer(t, bin, args...)
	s.start(nil)
	return s
}

func newServer(t testing.TB, bin string, args ...string) *server {
	t.Helper()
	port := testport.Free(t)
	dir := t.TempDir()
	if eventLoops != "" && filepath.Base(bin) != filepath.Base(*redisFlag) {
		args = append([]string{"--event-loops", eventLoops}, args...)
	}
	s := &server{
		Addr: "127.0.0.1:" + port,
		Dir:  dir,
		Log:  new(log),
		t:    t,
		bin:  bin,
		args: append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir}, args...),
	}
	t.Cleanup(s.Kill9)
	return s
}

// start launches the process and returns when it answers a PING.
func (s *server) start(extra []string) {
	s.t.Helper()
	s.launch(extra)
	deadline := time.Now().Add(startTimeout)
	for !s.answers() {
		if s.died() {
			s.t.Fatalf("%s exited with status %d before it answered:\n%s", s.bin, s.cmd.ProcessState.ExitCode(), s.Log)
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer on %s after %v:\n%s", s.bin, s.Addr, startTimeout, s.Log)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (s *server) launch(extra []string) {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, slices.Concat(s.args, extra)...)
	s.cmd.Dir = s.Dir
	s.cmd.Stdout, s.cmd.Stderr = s.Log, s.Log
	if s.prepare != nil {
		s.prepare(s.cmd)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, dead := s.cmd, make(chan struct{})
	s.dead = dead
	go func() {
		_ = cmd.Wait() // its status is in cmd.ProcessState
		close(dead)
	}()
}

// answers says whether a PING gets a reply: PONG, or NOAUTH where a password is set.
func (s *server) answers() bool {
	c, err := open(s.Addr)
	if err != nil {
		return false
	}
	defer c.Close()
	v, err := c.Try("PING")
	return err == nil && (v.text == "PONG" || v.IsError() && !bytes.HasPrefix([]byte(v.text), []byte("LOADING")))
}

// Kill9 ends the process as a crash does, and returns when it is gone.
func (s *server) Kill9() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill() // an error means that it is gone already
	<-s.dead
}

// lastWords kills the server and returns its log, in which is then all that it has said.
func (s *server) lastWords() string {
	s.Kill9()
	return s.Log.String()
}

// Terminate sends SIGTERM and returns the exit status.
func (s *server) Terminate() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("SIGTERM: %v", err)
	}
	return s.Wait()
}

// Wait waits for the process to end by itself and returns its exit status.
func (s *server) Wait() int {
	s.t.Helper()
	select {
	case <-s.dead:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(stopTimeout):
		s.t.Fatalf("the server is still running after %v:\n%s", stopTimeout, s.Log)
		return -1
	}
}

// died says whether the process is gone.
func (s *server) died() bool {
	select {
	case <-s.dead:
		return true
	default:
		return false
	}
}

// Restart starts the server again on the same port and data, with its first
// arguments and then extra. A process still running is terminated before.
func (s *server) Restart(extra ...string) {
	s.t.Helper()
	if !s.died() {
		s.Terminate()
	}
	s.start(extra)
}

// log collects what a server prints. It is safe for concurrent use.
type log struct {
	mu struct {
		sync.Mutex
		buf bytes.Buffer
	}
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.buf.String()
}

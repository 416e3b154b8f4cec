package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
)

// server is one server process that this program started, with its port, data directory and log.
// It can be killed and started again on the same data.
type server struct {
	label string // "diskette" or "redis": who is who in the report
	bin   string
	args  []string // all but --port and --dir
	dir   string   // data directory, absolute
	port  int
	quiet time.Duration // how long it must idle after writes to count as settled
	// hurried: after a run it is told to write back what it would put off for seconds
	hurried bool

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended and was waited for
}

// pair is the two servers of a comparison, always driven in this order.
type pair struct{ reference, subject *server }

func (p pair) each() []*server { return []*server{p.reference, p.subject} }

// startPair starts both servers with fresh data directories under cfg.scratch. subjectArgs go to
// Diskette alone, such as --maxmemory, which would make Redis refuse writes.
func startPair(ctx context.Context, cfg config, appendfsync string, subjectArgs ...string) (pair, error) {
	idle, hurried := cfg.size.quiet, cfg.size.hurried
	common := []string{"--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""}
	p := pair{
		reference: &server{label: "redis", bin: cfg.referenceBin, args: common, quiet: idle, hurried: hurried},
		subject: &server{label: "diskette", bin: cfg.subjectBin, args: append(common[:len(common):len(common)], subjectArgs...), quiet: idle,
			hurried: hurried},
	}
	for _, s := range p.each() {
		err := s.prepare(cfg.scratch)
		if err == nil {
			err = s.start()
		}
		if err == nil {
			err = s.waitReady(ctx)
		}
		if err != nil {
			return pair{}, errors.Join(err, p.stop())
		}
	}
	return p, nil
}

// stop ends both servers and removes their data.
func (p pair) stop() error { return errors.Join(p.reference.stop(), p.subject.stop()) }

// prepare chooses a free port and makes the data directory.
func (s *server) prepare(scratch string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	s.dir, err = os.MkdirTemp(scratch, s.label+"-")
	return err
}

// start launches the process in a process group of its own: a ^C at the terminal reaches this
// program alone, which then ends its servers, and kill reaches a server's forked children too.
func (s *server) start() error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(s.bin, append([]string{"--port", strconv.Itoa(s.port), "--dir", s.dir}, s.args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.label, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in the log; that it ended is what callers ask
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	return nil
}

// waitReady returns once the server answers PING.
func (s *server) waitReady(ctx context.Context) error {
	return s.poll(ctx, 30*time.Second, func(c redis.Conn) error {
		_, err := c.Do("PING")
		return err
	})
}

// poll calls try with a connection until it succeeds, connecting again whenever it fails. It gives
// up after limit, when the process ends and when ctx does.
func (s *server) poll(ctx context.Context, limit time.Duration, try func(redis.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		c, err := s.dial()
		if err == nil {
			err = try(c)
			c.Close()
		}
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s ended by itself: %s\n%s", s.label, s.cmd.ProcessState, s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s on port %d does not answer: %w\n%s", s.label, s.port, err, s.logTail())
		case <-time.After(time.Millisecond):
		}
	}
}

func (s *server) dial() (redis.Conn, error) {
	return redis.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(time.Minute), redis.DialWriteTimeout(time.Minute))
}

// kill ends the server and its children with SIGKILL and waits for the process.
func (s *server) kill() error {
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", s.label, err)
	}
	<-s.exited
	return nil
}

// stop ends the server, politely for 10 s and then not, and removes its data. A server that was
// never started is fine.
func (s *server) stop() error {
	var err error
	if s.cmd != nil {
		if err = s.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
			err = nil
		}
		select {
		case <-s.exited:
		case <-time.After(10 * time.Second):
			err = fmt.Errorf("%s did not end within 10 s of SIGTERM\n%s", s.label, s.logTail())
		}
		err = errors.Join(err, s.kill())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// version is what INFO says of the server: the name and version that it gives itself.
func (s *server) version() (string, error) {
	c, err := s.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	info, err := redis.String(c.Do("INFO", "server"))
	if err != nil {
		return "", fmt.Errorf("INFO of %s: %w", s.label, err)
	}
	return versionFromInfo(info), nil
}

// versionFromInfo prefers a server's own version, since others than Redis also state the redis_version that they speak.
func versionFromInfo(info string) string {
	var redis, own string
	for line := range strings.Lines(info) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch field {
		case "diskette_version":
			own = "Diskette " + value
		case "valkey_version":
			own = "Valkey " + value
		case "redis_version":
			redis = "Redis " + value
		}
	}
	return cmp.Or(own, redis)
}

func (s *server) logPath() string { return filepath.Join(s.dir, "server.log") }

// logTail is the last lines of what the server wrote, for an error's text.
func (s *server) logTail() string {
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	const keep = 2 << 10
	return strings.TrimSpace(string(b[max(0, len(b)-keep):]))
}

package rdb

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	liveFlag   = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with a live redis-server as well")
	recordFlag = flag.Bool("record", os.Getenv("DISKETTE_RECORD") == "1", "rewrite testdata with what redis-server dumps")
)

// redis is a connection to a redis-server of the test's own.
type redis struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// liveRedis is startRedis for a test that belongs to -live, and without it skips the test, saying what is not checked.
func liveRedis(t *testing.T, what string) *redis {
	t.Helper()
	if !*liveFlag {
		t.Skipf("NOT CHECKED: %s; go test ./resp/rdb -live does", what)
	}
	return startRedis(t)
}

func startRedis(t *testing.T) *redis {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	cmd := exec.Command("redis-server", "--port", port, "--save", "", "--dir", t.TempDir(), "--enable-debug-command", "yes", "--sanitize-dump-payload", "yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 100 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.SetDeadline(time.Now().Add(5 * time.Minute))
			return &redis{t, conn, bufio.NewReader(conn)}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer")
	return nil
}

// do sends a command and returns the reply: simple and bulk strings and numbers as they are, errors with a "-" before them.
func (r *redis) do(args ...string) string {
	r.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		r.t.Fatal(err)
	}
	return r.reply()
}

func (r *redis) reply() string {
	line, err := r.in.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '-':
		return line
	case '$':
		if n < 0 {
			return "(nil)"
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r.in, b); err != nil {
			r.t.Fatal(err)
		}
		return string(b[:n])
	case '*':
		var all []string
		for range n {
			all = append(all, r.reply())
		}
		return strings.Join(all, "\n")
	}
	return line[1:]
}

// must is do for commands that succeed.
func (r *redis) must(args ...string) string {
	r.t.Helper()
	reply := r.do(args...)
	if strings.HasPrefix(reply, "-") {
		r.t.Fatalf("%.200q: %s", args, reply)
	}
	return reply
}

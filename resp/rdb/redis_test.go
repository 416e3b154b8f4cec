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

	"diskette/compat_test/testport"
)

var (
	liveFlag   = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with a live redis-server as well")
	servers    = flag.String("servers", os.Getenv("DISKETTE_SERVERS"), "further servers for -live, as paths with commas between")
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
	return startServer(t, "redis-server", t.TempDir(), "--enable-debug-command", "yes", "--sanitize-dump-payload", "yes")
}

// startServer starts a server of the test's own in a directory and waits until it has loaded what is there.
func startServer(t *testing.T, program, dir string, args ...string) *redis {
	t.Helper()
	port := testport.Free(t)
	cmd := exec.Command(program, append([]string{"--port", port, "--save", "", "--dir", dir}, args...)...)
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended; log.Close() })
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		select {
		case <-ended:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("%s has ended: %s", program, said)
		case <-time.After(50 * time.Millisecond):
		}
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		conn.SetDeadline(time.Now().Add(5 * time.Minute))
		r := &redis{t, conn, bufio.NewReader(conn)}
		if r.do("PING") == "PONG" {
			return r
		}
		conn.Close()
	}
	t.Fatalf("%s does not answer", program)
	return nil
}

// tree is do for commands that return lists: a string, or a []any of them and of lists.
func (r *redis) tree(args ...string) any {
	r.t.Helper()
	r.send(args)
	return r.treeReply()
}

func (r *redis) treeReply() any {
	if c, err := r.in.Peek(1); err != nil || c[0] != '*' {
		return r.reply()
	}
	line, err := r.in.ReadString('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	n, _ := strconv.Atoi(strings.TrimSuffix(line[1:], "\r\n"))
	all := []any{}
	for range n {
		all = append(all, r.treeReply())
	}
	return all
}

// list is tree for commands that return a list of strings.
func (r *redis) list(args ...string) (items []string) {
	r.t.Helper()
	all, ok := r.tree(args...).([]any)
	if !ok {
		r.t.Fatalf("%.200q does not return a list", args)
	}
	for _, item := range all {
		items = append(items, item.(string))
	}
	return items
}

// do sends a command and returns the reply: simple and bulk strings and numbers as they are,
// errors with a "-" before them.
func (r *redis) do(args ...string) string {
	r.t.Helper()
	r.send(args)
	return r.reply()
}

func (r *redis) send(args []string) {
	r.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		r.t.Fatal(err)
	}
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

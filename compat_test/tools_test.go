package compat_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// toolTimeout bounds the run of redis-cli or redis-benchmark.
const toolTimeout = 60 * time.Second

// tool is a program of Debian's redis-tools on the way to a server. Where it is not installed, nothing of what
// the test says has been checked: that is a failure in CI and with -live.
type tool struct {
	t    testing.TB
	path string
	args []string
}

func newTool(t testing.TB, name string, s *server) *tool {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		what := fmt.Sprintf("NOT CHECKED: that %s works with this server: %v: install Debian's redis-tools", name, err)
		fmt.Fprintln(os.Stderr, what)
		if *liveFlag || os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return &tool{t: t, path: path, args: []string{"-h", host, "-p", port}}
}

// run runs the program to its end, which must be a good one, and returns what it printed.
func (p *tool) run(args ...string) string { p.t.Helper(); return p.feed(nil, args...) }

// feed is run with a standard input.
func (p *tool) feed(stdin io.Reader, args ...string) string {
	p.t.Helper()
	out, err := p.try(stdin, args...)
	if err != nil {
		p.t.Errorf("%s %q: %v\n%s", p.path, args, err, out)
	}
	return out
}

func (p *tool) try(stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, append(p.args, args...)...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRedisCliSendsCommandsAndShowsReplies(t *testing.T) {
	s := startServer(t, subjectBin(t))
	cli := newTool(t, "redis-cli", s)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"SET", "k", "a value"}, "OK\n"},
		{[]string{"GET", "k"}, "a value\n"},
		{[]string{"--no-raw", "GET", "k"}, "\"a value\"\n"},
		{[]string{"--no-raw", "GET", "absent"}, "(nil)\n"},
		{[]string{"--no-raw", "INCR", "n"}, "(integer) 1\n"},
		{[]string{"--no-raw", "MGET", "k", "absent"}, "1) \"a value\"\n2) (nil)\n"},
		{[]string{"--csv", "MGET", "k", "n"}, "\"a value\",\"1\"\n"},
		{[]string{"-n", "7", "SET", "k", "seven"}, "OK\n"},
		{[]string{"-n", "7", "GET", "k"}, "seven\n"},
		{[]string{"-r", "3", "INCR", "n"}, "2\n3\n4\n"},
		{[]string{"-3", "--no-raw", "GET", "absent"}, "(nil)\n"},
		{[]string{"-3", "--no-raw", "INCRBYFLOAT", "n", "0.5"}, "\"4.5\"\n"},
	} {
		equal(t, fmt.Sprintf("%q", c.args), cli.run(c.args...), c.want)
	}
	mentions(t, cli.run("-3", "HELLO"), "server redis", "proto 3", "mode standalone", "role master")
	mentions(t, cli.run("INFO", "server"), "redis_version:7.2.4", "diskette_version:")
	equal(t, "a value from standard input", cli.feed(strings.NewReader("from\x00stdin"), "-x", "SET", "k"), "OK\n")
	equal(t, "GET", cli.run("GET", "k"), "from\x00stdin\n")
	script := "SET a 1\nINCRBY a 9\nMULTI\nGET a\nDEL a\nEXEC\n"
	equal(t, "commands from standard input", cli.feed(strings.NewReader(script)), "OK\n10\nOK\nQUEUED\nQUEUED\n10\n1\n")
	if out, err := cli.try(nil, "-e", "NO-SUCH-COMMAND", "x"); err == nil || !strings.Contains(out, "ERR unknown command 'NO-SUCH-COMMAND', with args beginning with: 'x'") {
		t.Errorf("an unknown command: %v, %s", err, out)
	}
}

func TestRedisCliScansAndFindsBigKeys(t *testing.T) {
	s := startServer(t, subjectBin(t))
	cli := newTool(t, "redis-cli", s)
	c := dial(t, s.Addr)
	for i := range 500 {
		c.Do("SET", "user:"+strconv.Itoa(i), i)
		c.Do("SET", "other:"+strconv.Itoa(i), i)
	}
	c.Do("SET", "user:big", strings.Repeat("x", 100_000))
	equal(t, "the number of lines of --scan", strings.Count(cli.run("--scan"), "\n"), 1001)
	users := strings.Fields(cli.run("--scan", "--pattern", "user:*"))
	equal(t, "the number of lines of --scan --pattern", len(users), 501)
	for _, key := range users {
		if !strings.HasPrefix(key, "user:") {
			t.Errorf("--pattern 'user:*' brings %q", key)
		}
	}
	mentions(t, cli.run("--bigkeys"), "Sampled 1001 keys in the keyspace!", `Biggest string found '"user:big"' has 100000 bytes`, "1001 strings with 102780 bytes")
	mentions(t, cli.run("--memkeys"), "Sampled 1001 keys in the keyspace!", `Biggest string found '"user:big"' has 100`)
}

// A mass insertion ends when the reply to an ECHO of random bytes comes back.
func TestRedisCliPipesAHundredThousandCommands(t *testing.T) {
	s := startServer(t, subjectBin(t))
	cli := newTool(t, "redis-cli", s)
	const n = 100_000
	var b bytes.Buffer
	for i := range n {
		b.Write(encode("SET", "key:"+strconv.Itoa(i), i))
	}
	mentions(t, cli.feed(&b, "--pipe"), "errors: 0, replies: 100000")
	c := dial(t, s.Addr)
	if v := c.Do("DBSIZE"); v.text != strconv.Itoa(n) {
		t.Errorf("DBSIZE is %s", v)
	}
	if v := c.Do("GET", "key:99999"); v.text != "99999" {
		t.Errorf("the last key is %s", v)
	}

	mixed := "SET word x\r\nINCR word\r\nINCR n\r\n" // inline, one refused
	out, err := cli.try(strings.NewReader(mixed), "--pipe")
	if err == nil {
		t.Error("--pipe ends well although a command was refused")
	}
	mentions(t, out, "ERR value is not an integer or out of range", "errors: 1, replies: 3")

	s.Kill9()
	s.Restart()
	if v := dial(t, s.Addr).Do("DBSIZE"); v.text != strconv.Itoa(n+2) {
		t.Errorf("DBSIZE is %s after a crash", v)
	}
}

func TestRedisCliMeasuresLatency(t *testing.T) {
	s := startServer(t, subjectBin(t))
	cli := newTool(t, "redis-cli", s)
	// Not on a terminal, it prints minimum, maximum and average in ms and the number of samples after a second.
	fields := strings.Fields(cli.run("--latency"))
	if len(fields) != 4 {
		t.Fatalf("--latency prints %q", fields)
	}
	if samples, err := strconv.Atoi(fields[3]); err != nil || samples < 2 {
		t.Errorf("--latency took %s samples in a second", fields[3])
	}
}

// --stat goes on until it is stopped: a line of what INFO says at each interval.
func TestRedisCliShowsStatistics(t *testing.T) {
	s := startServer(t, subjectBin(t))
	cli := newTool(t, "redis-cli", s)
	dial(t, s.Addr).Do("MSET", "a", "1", "b", "2")
	ctx, cancel := context.WithTimeout(t.Context(), toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, cli.path, append(cli.args, "--stat", "-i", "0.005")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000) // it prints into a buffer of 4 KB
	_, err = io.ReadFull(out, b)
	cancel()
	_ = cmd.Wait() // it was killed
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^2 +[0-9.]+[KMG] +\d+ +\d+ +\d+ \(\+\d+\) +\d+`).FindAllString(string(b), -1)
	if len(lines) < 2 {
		t.Errorf("--stat prints:\n%s", b)
	}
}

func TestRedisBenchmarkRuns(t *testing.T) {
	s := startServer(t, subjectBin(t))
	benchmark := newTool(t, "redis-benchmark", s)
	for _, extra := range [][]string{nil, {"-P", "16"}, {"-c", "1"}, {"-r", "1000", "-d", "500"}, {"-3"}, {"--threads", "2"}} {
		args := append([]string{"-t", "ping,set,get,incr,mset", "-n", "2000", "-q"}, extra...)
		out := benchmark.run(args...)
		for _, test := range []string{"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", `MSET \(10 keys\)`} {
			if !regexp.MustCompile(`(^|[\r\n]) *` + test + `: [0-9.]+ requests per second`).MatchString(out) {
				t.Errorf("redis-benchmark %q has no result of %s:\n%s", args, test, out)
			}
		}
		if strings.Contains(out, "Error") || strings.Contains(out, "WARNING: Could not fetch") {
			t.Errorf("redis-benchmark %q:\n%s", args, out)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(benchmark.run("-t", "set,get", "-n", "2000", "--csv"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "test" || rows[1][0] != "SET" || rows[2][0] != "GET" {
		t.Errorf("redis-benchmark --csv: %v, %q", err, rows)
	}
	mentions(t, benchmark.run("-n", "2000", "-q", "APPEND", "appended", "x"), "requests per second")
	if v := dial(t, s.Addr).Do("STRLEN", "appended"); v.text != "2000" {
		t.Errorf("2000 APPENDs made a string of %s", v)
	}
}

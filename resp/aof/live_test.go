package aof

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testport"
	"diskette/compat_test/testrand"
	"diskette/resp/rdb"
)

var (
	liveFlag = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with live servers as well")
	servers  = flag.String("servers", os.Getenv("DISKETTE_SERVERS"),
		"further servers for -live, as paths with commas between")
)

const longEnough = time.Minute // for what takes milliseconds on an idle machine

// A server is a redis-server of the test's own, and a connection to it.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	conn net.Conn
	in   *bufio.Reader
}

func startServer(t *testing.T, program, dir string, args ...string) *server {
	t.Helper()
	port := testport.Free(t)
	cmd := exec.Command(program, append([]string{"--port", port, "--save", "", "--dir", dir}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, cmd: cmd}
	t.Cleanup(s.stop)
	for end := time.Now().Add(longEnough); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if s.conn, err = net.Dial("tcp", "127.0.0.1:"+port); err != nil {
			continue
		}
		s.conn.SetDeadline(time.Now().Add(2 * time.Minute))
		s.in = bufio.NewReader(s.conn)
		if s.do("PING") == "PONG" {
			return s
		}
		s.conn.Close()
	}
	t.Fatalf("%s does not answer", program)
	return nil
}

// stop kills the server.
func (s *server) stop() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	}
}

// do runs a command and returns its reply as text, an error with a "-" before it.
func (s *server) do(args ...string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.conn, command(args...)); err != nil {
		s.t.Fatal(err)
	}
	return s.reply()
}

func (s *server) reply() string {
	s.t.Helper()
	line, err := s.in.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch {
	case line[0] == '-':
		return line
	case line[0] == '$' && n >= 0:
		b := make([]byte, n+2)
		if _, err := io.ReadFull(s.in, b); err != nil {
			s.t.Fatal(err)
		}
		return string(b[:n])
	case line[0] == '*':
		var all []string
		for range n {
			all = append(all, s.reply())
		}
		return strings.Join(all, "\n")
	}
	return line[1:]
}

// waitFor waits until a line of INFO persistence is there.
func (s *server) waitFor(line string) {
	s.t.Helper()
	for end := time.Now().Add(longEnough); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(s.do("INFO", "persistence"), line) {
			return
		}
	}
	s.t.Fatalf("%s does not come", line)
}

// randomCommand is one that changes something, most of the time.
func randomCommand(r *rand.Rand) []string {
	key := func(kind string) string { return kind + strconv.Itoa(r.IntN(20)) }
	value := strings.Repeat(strconv.Itoa(r.IntN(1000)), r.IntN(40))
	id := strconv.Itoa(r.IntN(30))
	switch r.IntN(16) {
	case 0:
		return []string{"SET", key("string"), value}
	case 1:
		return []string{"SET", key("string"), value, "EX", "10000"}
	case 2:
		return []string{"INCR", key("counter")}
	case 3:
		return []string{"RPUSH", key("list"), value, id}
	case 4:
		return []string{"LPOP", key("list")}
	case 5:
		return []string{"SADD", key("set"), id, value}
	case 6:
		return []string{"SPOP", key("set")}
	case 7:
		return []string{"HSET", key("hash"), id, value}
	case 8:
		return []string{"ZADD", key("zset"), strconv.FormatFloat(r.NormFloat64(), 'g', -1, 64), id}
	case 9:
		return []string{"XADD", key("stream"), "*", "field", value}
	case 10:
		return []string{"XGROUP", "CREATE", key("stream"), "group", "0", "MKSTREAM"}
	case 11:
		return []string{"XREADGROUP", "GROUP", "group", "consumer" + id, "COUNT", "3", "STREAMS", key("stream"), ">"}
	case 12:
		return []string{"EVAL", "redis.call('SET', KEYS[1], ARGV[1]); redis.call('INCR', KEYS[2])", "2",
			key("string"), key("counter"), value}
	case 13:
		return []string{"DEL", key([]string{"string", "list", "set", "hash", "zset"}[r.IntN(5)])}
	case 14:
		return []string{"SELECT", strconv.Itoa(r.IntN(3))}
	}
	return []string{"PEXPIREAT", key("hash"), "4102444800123"}
}

// replay brings what a reader has to a server.
func replay(t *testing.T, r *Reader, to *server) (commands int) {
	t.Helper()
	for {
		item, err := r.Next()
		if err == io.EOF {
			return commands
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case item.Snapshot != nil:
			restore(t, item.Snapshot, to)
		case item.Command != nil:
			var args []string
			for _, a := range item.Command {
				args = append(args, string(a))
			}
			if reply := to.do(args...); strings.HasPrefix(reply, "-") && len(reply) > 1 && reply[1] > '9' {
				t.Fatalf("%.200q: %s", args, reply)
			}
			commands++
		}
	}
}

func restore(t *testing.T, f *rdb.FileReader, to *server) {
	for {
		rec, err := f.Next()
		if err == io.EOF {
			to.do("SELECT", "0")
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind != rdb.RecordKey {
			continue
		}
		part, err := f.Part()
		if err != nil || !part.Last {
			t.Fatalf("key %q: %v", rec.Key, err)
		}
		payload := rdb.Encode(&part.Value, rdb.Options{StreamNodeEntries: 100})
		to.do("SELECT", strconv.Itoa(rec.DB))
		if reply := to.do("RESTORE", rec.Key, strconv.FormatInt(rec.ExpiresMs, 10), string(payload),
			"ABSTTL"); reply != "OK" {
			t.Fatalf("key %q: %s", rec.Key, reply)
		}
	}
}

func TestLiveServersHaveWhatTheirFilesSay(t *testing.T) {
	if !*liveFlag {
		t.Skip("NOT CHECKED: that the files of live servers are read as they read them; go test ./resp/aof -live does")
	}
	for _, program := range append(strings.Split(*servers, ","), "redis-server") {
		if program == "" {
			continue
		}
		for i, preamble := range []string{"yes", "no"} {
			dir := t.TempDir()
			settings := []string{"--appendonly", "yes", "--appendfsync", "no", "--aof-use-rdb-preamble", preamble}
			from := startServer(t, program, dir, settings...)
			from.do("CONFIG", "SET", "aof-timestamp-enabled", "yes") // from Redis 7 on
			r := testrand.New(t, uint64(i))
			for n := range 3000 {
				if n == 1500 {
					from.do("BGREWRITEAOF")
					from.waitFor("aof_rewrite_in_progress:0")
				}
				if r.IntN(20) > 0 {
					from.do(randomCommand(r)...)
					continue
				}
				from.do("MULTI")
				for range 1 + r.IntN(4) {
					from.do(randomCommand(r)...)
				}
				from.do("EXEC")
			}
			digest := from.do("DEBUG", "DIGEST")
			if strings.HasPrefix(digest, "-") { // which has to be allowed from Redis 7 on
				from.stop()
				from = startServer(t, program, dir, append(settings, "--enable-debug-command", "yes")...)
				digest = from.do("DEBUG", "DIGEST")
			}
			from.stop()
			set, err := Find(dir, "appendonlydir", "appendonly.aof")
			if err != nil {
				t.Fatal(err)
			}
			target := program // digests of 7.4 are others than those of 7.0
			if set.Manifest == "" {
				target = "redis-server" // an older one does not take the payloads
			}
			to := startServer(t, target, t.TempDir(), "--enable-debug-command", "yes")
			reader := set.Open(Options{})
			commands := replay(t, reader, to)
			if got := to.do("DEBUG", "DIGEST"); got != digest || reader.Torn() != nil {
				t.Errorf("%s, preamble %s: the digest is %s, not %s", program, preamble, got, digest)
			}
			t.Logf("%s, preamble %s: %d files, %d commands, the digest is the same", filepath.Base(program),
				preamble, len(set.Parts), commands)
			tear(t, set, r, program, dir, settings)
			to.stop()
		}
	}
}

// tear cuts the last file and finds out whether redis-server cuts it at the same place.
func tear(t *testing.T, set *Set, r *rand.Rand, program, dir string, settings []string) {
	last := set.Parts[len(set.Parts)-1]
	for range 5 {
		if err := os.Truncate(last.Path, last.Bytes-1-r.Int64N(min(last.Bytes-20, 300))); err != nil {
			t.Fatal(err)
		}
		reader := set.Open(Options{})
		if _, err := items(reader); err != nil {
			t.Fatal(err)
		}
		cut, err := fileSize(last.Path)
		if err != nil {
			t.Fatal(err)
		}
		size, most := cut, cut+200 // it may have written SELECT since
		if torn := reader.Torn(); torn != nil {
			size, most = torn.Offset, torn.Offset+200
			if strings.Contains(torn.Why, "MULTI") {
				most = cut + 200 // what stands after a MULTI stays there, and is not run
			}
		}
		startServer(t, program, dir, append(settings, "--aof-load-truncated", "yes")...).stop()
		now, err := fileSize(last.Path)
		if err != nil || now < size || now > most {
			t.Errorf("torn at %d, and %s left %d bytes", size, program, now)
		}
		last.Bytes = now
	}
}

// The files in testdata were written by the servers of their names: see README.md there.
func TestFilesOfServersAreRead(t *testing.T) {
	blocks := []string{"SELECT 0", "set a 1", "MULTI", "SET b 2", "RPUSH l x y", "EXEC", "del a"}
	for name, want := range map[string][]string{
		"redis-6.2.14":          {"snapshot with redis-ver", "SELECT 0", "set c 3"},
		"redis-6.2.14-commands": append(slices.Clone(blocks), "set c 3"),
		"redis-7.0.15":          {"snapshot with redis-ver", "SELECT 0", "set c 3"},
		"redis-7.0.15-commands": {"SELECT 0", "RPUSH l x y", "SET b 2", "SELECT 0", "set c 3"},
		"redis-8.2.3":           {"snapshot with redis-ver", "SELECT 0", "set c 3"},
		"valkey-9.1.2":          {"snapshot with valkey-ver", "SELECT 0", "set c 3"},
	} {
		set, err := Find(filepath.Join("testdata", name), "appendonlydir", "appendonly.aof")
		if err != nil {
			t.Error(err)
			continue
		}
		reader := set.Open(Options{})
		got, err := items(reader)
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "at ") })
		if err != nil || reader.Torn() != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// longEnough bounds a wait for what is certain to come.
const longEnough = 2 * time.Minute

// A testServer answers each command as its function says, and closes the connection after what ends with closing. It
// keeps what it was sent.
const closing = "\x00"

type testServer struct {
	port     string
	answer   func(words []string) string
	accepted atomic.Int64
	mu       sync.Mutex
	sent     []string
}

func serve(t *testing.T, answer func(words []string) string) *testServer {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := &testServer{answer: answer}
	_, s.port, _ = net.SplitHostPort(listener.Addr().String())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			go s.talk(conn)
		}
	}()
	return s
}

func (s *testServer) talk(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		words, err := readCommand(in)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.sent = append(s.sent, strings.Join(words, " "))
		s.mu.Unlock()
		text, last := strings.CutSuffix(s.answer(words), closing)
		if _, err := conn.Write([]byte(text)); err != nil || last {
			return
		}
	}
}

// commands are what it was sent but for the questions before the tests.
func (s *testServer) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.sent), func(line string) bool { return strings.HasPrefix(line, "CONFIG ") })
}

func readCommand(in *bufio.Reader) ([]string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(line, "*") {
		return strings.Fields(line), nil
	}
	var n int
	fmt.Sscanf(line, "*%d", &n)
	words := make([]string, n)
	for i := range words {
		if line, err = in.ReadString('\n'); err != nil {
			return nil, err
		}
		var length int
		fmt.Sscanf(line, "$%d", &length)
		word := make([]byte, length+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:length])
	}
	return words, nil
}

// settings answers what is asked before the tests.
func settings(words []string) (string, bool) {
	if words[0] != "CONFIG" {
		return "", false
	}
	return fmt.Sprintf("*2\r\n$%d\r\n%s\r\n$2\r\nno\r\n", len(words[2]), words[2]), true
}

func fine(words []string) string {
	if text, ok := settings(words); ok {
		return text
	}
	return "+OK\r\n"
}

var program = Program{Name: "redis-benchmark"}

// call runs the load generator to its end.
func call(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, said strings.Builder
	status = program.Main(ctx, args, strings.NewReader("from the input"), &out, &said)
	return status, out.String(), said.String()
}

// drivers tests each of them: the loops of Linux, and the routines.
func drivers(t *testing.T, f func(t *testing.T)) {
	t.Run("as usual", f)
	onlyRoutines = true
	defer func() { onlyRoutines = false }()
	t.Run("routines", f)
}

func TestWhatIsSentIsWhatRedisBenchmarkSends(t *testing.T) {
	drivers(t, func(t *testing.T) {
		s := serve(t, fine)
		if status, out, said := call(t.Context(), "-p", s.port, "-n", "1", "-c", "1", "-q"); status != 0 {
			t.Fatal(status, out, said)
		}
		want := readLines(t, "testdata/sent.txt")
		if got := s.commands(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("--- sent\n%s\n--- want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		s = serve(t, fine)
		if status, out, said := call(t.Context(), "-p", s.port, "-n", "1", "-c", "1", "-q", "-r", "1000", "-d", "7"); status != 0 {
			t.Fatal(status, out, said)
		}
		random := regexp.MustCompile(`\b0{9}\d{3}\b`)
		for n, line := range s.commands() {
			want := strings.ReplaceAll(want[n], "VXK", "VXKeHog")
			want = strings.Replace(want, "ZADD myzset 0 ", "ZADD myzset __rand_int__ ", 1)
			if got := random.ReplaceAllString(line, "__rand_int__"); got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		}
	})
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestTheRightNumberOfRequestsIsSent(t *testing.T) {
	drivers(t, func(t *testing.T) {
		for _, test := range []struct {
			options string
			want    int
		}{
			{"-n 100 -c 7", 100}, {"-n 10 -c 50", 10}, {"-n 10 -c 2 -P 4", 12}, {"-n 12 -c 3 -P 4", 12}, {"-n 10 -c 2 -P 4 -k 0", 12},
			{"-n 100 -c 9 -k 0", 100}, {"-n 1000 -c 20 --threads 3", 1000}, {"-n 1000 -c 2 --threads 30", 1000}, {"-n 1 -c 1", 1},
			{"-n 50 -c 5 -3 --dbnum 2", 50 + 2*5}, {"-n 50 -c 5 -3 -k 0 --threads 2", 100},
		} {
			s := serve(t, fine)
			args := append([]string{"-p", s.port, "--json"}, strings.Fields(test.options+" incr x")...)
			status, out, said := call(t.Context(), args...)
			var r struct{ Tests []struct{ Requests int64 } }
			if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || len(r.Tests) != 1 {
				t.Fatalf("%s: %v, status %d: %s%s", test.options, err, status, out, said)
			}
			got := s.commands()
			if greeting := strings.Count(strings.Join(got, "\n"), "HELLO 3") + strings.Count(strings.Join(got, "\n"), "SELECT 2"); len(got) > test.want ||
				len(got)-greeting != int(r.Tests[0].Requests) {
				t.Errorf("%s: %d commands, %d of them greetings, want %d; told of %d", test.options, len(got), greeting, test.want, r.Tests[0].Requests)
			}
			if !strings.Contains(test.options, "-3") && len(got) != test.want {
				t.Errorf("%s: %d commands, want %d", test.options, len(got), test.want)
			}
		}
	})
}

func TestAnErrorOfTheServerEndsIt(t *testing.T) {
	drivers(t, func(t *testing.T) {
		for _, options := range []string{"", "-P 5", "-k 0", "--threads 2", "--csv", "-q"} {
			var n atomic.Int64
			s := serve(t, func(words []string) string {
				if text, ok := settings(words); ok {
					return text
				}
				if n.Add(1) > 20 {
					return "-LOADING Redis is loading the dataset in memory\r\n"
				}
				return "+OK\r\n"
			})
			status, out, said := call(t.Context(), append([]string{"-p", s.port, "-n", "1000000"}, strings.Fields(options+" get k")...)...)
			if status != 1 || !strings.HasSuffix(said, "Error from server: LOADING Redis is loading the dataset in memory\n") || strings.Contains(out, "per second") {
				t.Errorf("%q: status %d: %s%s", options, status, out, said)
			}
		}
	})
}

func TestAServerThatGoesAwayEndsIt(t *testing.T) {
	drivers(t, func(t *testing.T) {
		for _, test := range []struct{ answer, want string }{
			{closing, "Error: Server closed the connection"},
			{"$5\r\nab" + closing, "Error: Server closed the connection"},
			{"HTTP/1.1 400 Bad Request\r\n", `Error: Protocol error, got "H" as reply type byte`},
		} {
			var n atomic.Int64
			s := serve(t, func(words []string) string {
				if text, ok := settings(words); ok {
					return text
				}
				if n.Add(1) < 30 {
					return "+OK\r\n"
				}
				return test.answer
			})
			status, out, said := call(t.Context(), "-p", s.port, "-n", "1000000", "-q", "-P", "2", "get", "k")
			if status != 1 || !strings.Contains(said, test.want) && !strings.Contains(said, "Connection reset by peer") {
				t.Errorf("%q: status %d: %s%s", test.answer, status, out, said)
			}
		}
	})
}

func TestAServerThatCanNotBeReachedEndsIt(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	for _, test := range []struct{ options, want string }{
		{"-p " + port, "Could not connect to Redis at 127.0.0.1:" + port + ": Connection refused\n"},
		{"-I -p " + port, "Could not connect to Redis at 127.0.0.1:" + port + ": Connection refused\n"},
		{"--cluster -p " + port, "Could not connect to Redis at 127.0.0.1:" + port + ": Connection refused\n"},
		{"-s /absent/socket", "Could not connect to Redis at /absent/socket: No such file or directory\n"},
	} {
		if status, out, said := call(t.Context(), strings.Fields(test.options)...); status != 1 || said != test.want || out != "" {
			t.Errorf("%s: status %d: %s%s", test.options, status, out, said)
		}
	}
}

// The server stops to listen after the first connection, from which its address is known.
func TestAConnectionThatIsRefusedLaterEndsIt(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{answer: fine}
	go func() {
		conn, err := listener.Accept()
		listener.Close()
		if err == nil {
			s.talk(conn)
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	status, out, said := call(t.Context(), "-p", port, "-q", "-t", "set")
	if status != 1 || !strings.HasPrefix(said, "Could not connect to Redis at 127.0.0.1:"+port+": ") && !strings.HasPrefix(said, "Error: ") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
}

func TestItCanBeEndedWithWhatItHas(t *testing.T) {
	drivers(t, func(t *testing.T) {
		for _, options := range []string{"-q", "-q -l", "-q -k 0", "-q --threads 2 -P 3"} {
			ctx, stop := context.WithCancel(t.Context())
			var n atomic.Int64
			s := serve(t, func(words []string) string {
				if n.Add(1) == 500 {
					stop()
				}
				return fine(words)
			})
			started := time.Now()
			status, out, said := call(ctx, append([]string{"-p", s.port, "-n", "1000000000", "-t", "get,set"}, strings.Fields(options)...)...)
			if status != 1 || !strings.Contains(out, "SET: ") || !regexp.MustCompile(`SET: [0-9.]+ requests per second`).MatchString(out) ||
				!regexp.MustCompile(`interrupted: \d+ of 1000000000 requests of SET are done\n$`).MatchString(said) {
				t.Errorf("%s: status %d: %s%s", options, status, out, said)
			}
			if time.Since(started) > longEnough {
				t.Errorf("%s: it went on for %v", options, time.Since(started))
			}
			stop()
		}
	})
}

// A server that says nothing more is waited for, but not beyond Ctrl-C.
func TestASilentServerDoesNotKeepItFromEnding(t *testing.T) {
	drivers(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		silence := make(chan struct{})
		defer close(silence)
		s := serve(t, func(words []string) string {
			if text, ok := settings(words); ok {
				return text
			}
			stop()
			<-silence
			return closing
		})
		status, out, said := call(ctx, "-p", s.port, "-q", "get", "k")
		if status != 1 || said != "interrupted: 0 of 100000 requests of get k are done\n" || strings.Contains(out, "per second") {
			t.Errorf("status %d: %s%s", status, out, said)
		}
	})
}

func TestIdleConnectionsWaitUntilTheyAreGone(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	s := serve(t, fine)
	go func() {
		for s.accepted.Load() < 6 { // one asked for the settings
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	if status, out, said := call(ctx, "-p", s.port, "-I", "-c", "5"); status != 0 || !strings.Contains(out, "Creating 5 idle connections") || said != "" {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	if sent := s.commands(); len(sent) != 0 {
		t.Errorf("idle connections send %q", sent)
	}

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			switch {
			case err != nil:
				return
			case n == 0:
				go (&testServer{answer: fine}).talk(conn)
			default:
				conn.Close()
			}
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if status, out, said := call(t.Context(), "-p", port, "-I", "-c", "5"); status != 1 || said != "All clients disconnected... aborting.\n" {
		t.Errorf("status %d: %s%s", status, out, said)
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	const usage = "o: Invalid option \"%s\" or option argument missing\n\nUsage: redis-benchmark [OPTIONS] [COMMAND ARGS...]\n"
	for _, test := range []struct {
		args   string
		status int
		want   string // "o: " of the output's beginning, "e: " of what is said
	}{
		{"--nonsense", 1, fmt.Sprintf(usage, "--nonsense")},
		{"-n", 1, fmt.Sprintf(usage, "-n")},
		{"-q -t", 1, fmt.Sprintf(usage, "-t")},
		{"-h", 1, fmt.Sprintf(usage, "-h")},
		{"-- get x", 1, fmt.Sprintf(usage, "--")},
		{"--help", 0, "o: Usage: redis-benchmark [OPTIONS] [COMMAND ARGS...]\n"},
		{"--version", 0, "o: redis-benchmark 7.0.15 (diskette)\n"},
		{"-v", 0, "o: redis-benchmark 7.0.15 (diskette)\n"},
		{"-n 0", 1, "e: -n: '0' is no number of requests: it is from 1 on\n"},
		{"-n -5", 1, "e: -n: '-5' is no number of requests: it is from 1 on\n"},
		{"-n abc", 1, "e: -n: 'abc' is no number of requests: it is from 1 on\n"},
		{"-c 1k", 1, "e: -c: '1k' is no number\n"},
		{"-r x", 1, "e: -r: 'x' is no number\n"},
		{"-p 99999", 1, "e: Invalid server port.\n"},
		{"-u http://x", 1, "e: Invalid URI scheme\n"},
		{"-t nothing", 1, "e: WARNING: There is no test 'nothing'.\nNo test is left: see --help for their names.\n"},
		{"--cert x", 1, "e: --cert needs --key, the file with the certificate's private key.\n"},
	} {
		status, out, said := call(t.Context(), strings.Fields(test.args)...)
		got := "o: " + out
		if said != "" {
			got = "e: " + said + out
		}
		if status != test.status || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: status %d: %s", test.args, status, got)
		}
	}
}

func TestNoOptionGoesForNothingWithoutAWord(t *testing.T) {
	for args, want := range map[string]string{
		"-e -t get":                 "-e option has no effect",
		"--user bob -t get":         "--user has no effect without a password",
		"-t set get k":              "Option -t is ignored.",
		"-x -t get":                 "-x has no effect without a command",
		"-k 0 -t get":               "Keepalive disabled",
		"--threads 501 -t get -n 1": "Too many threads, limiting threads to 500.",
		"-t get,nothing":            "There is no test 'nothing'.",
	} {
		s := serve(t, fine)
		status, _, said := call(t.Context(), append([]string{"-p", s.port, "-n", "10", "-c", "2", "-q"}, strings.Fields(args)...)...)
		if status != 0 || !strings.HasPrefix(said, "WARNING: "+want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: status %d: %s", args, status, said)
		}
	}
}

func TestOptionsAreBroughtToTheirBounds(t *testing.T) {
	o, err := parseOptions(strings.Fields("-c 0 -P -1 -d 0 -r -3 --threads -2 --precision 0"))
	if err != nil || o.connections != 1 || o.depth != 1 || o.payload != 1 || !o.random || o.keyspace != 0 || o.threads != 0 || o.precision != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = parseOptions(strings.Fields("-d 99999999999 --precision 9 -u rediss://bob:pw@example:7000/4"))
	if err != nil || o.payload != 1<<30 || o.precision != 4 || o.Where() != "example:7000" || o.DB != 4 || !o.TLS.On || strings.Join(o.Auth(), " ") != "AUTH bob pw" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestWhatIsReadFromTheInputIsSent(t *testing.T) {
	s := serve(t, fine)
	status, out, said := call(t.Context(), "-p", s.port, "-n", "1", "-q", "-x", "set", "k")
	if got := s.commands(); status != 0 || strings.Join(got, "|") != "set k from the input" || !strings.Contains(out, "\rset k: ") {
		t.Errorf("status %d: %s%s: %q", status, out, said, got)
	}
}

func TestAServersRefusalsBeforeTheTests(t *testing.T) {
	for _, test := range []struct{ options, refuses, with, want string }{
		{"", "CONFIG", "-NOAUTH Authentication required.\r\n", "Node 127.0.0.1:PORT replied with error:\nNOAUTH Authentication required.\n"},
		{"-a x", "AUTH", "-WRONGPASS invalid\r\n", "Node 127.0.0.1:PORT replied with error:\nWRONGPASS invalid\n"},
		{"--cluster", "CLUSTER", "-ERR This instance has cluster support disabled\r\n",
			"Cluster node 127.0.0.1:PORT replied with error:\nERR This instance has cluster support disabled\nFailed to fetch cluster configuration from 127.0.0.1:PORT\n"},
		{"--cluster", "", "", "--cluster: this load generator sends everything to one server"},
		{"", "CONFIG", "-NOPERM no\r\n", "WARNING: Could not fetch server CONFIG\n"},
		{"", "CONFIG", "*0\r\n", "WARNING: Could not fetch server CONFIG\n"},
	} {
		s := serve(t, func(words []string) string {
			if words[0] == test.refuses {
				return test.with
			}
			return fine(words)
		})
		status, out, said := call(t.Context(), append([]string{"-p", s.port, "-n", "10", "-t", "get"}, strings.Fields(test.options)...)...)
		warned := strings.HasPrefix(test.want, "WARNING")
		if !strings.HasPrefix(said, strings.ReplaceAll(test.want, "PORT", s.port)) || (status == 0) != warned || strings.Contains(out, "host configuration") {
			t.Errorf("%+v: status %d: %s%s", test, status, out, said)
		}
	}
}

// Messages that nobody asked for are no replies.
func TestPushesAreNotCounted(t *testing.T) {
	drivers(t, func(t *testing.T) {
		s := serve(t, func(words []string) string {
			if text, ok := settings(words); ok {
				return text
			}
			return ">2\r\n+invalidate\r\n*1\r\n+k\r\n" + fine(words) + ">1\r\n+more\r\n"
		})
		status, out, said := call(t.Context(), "-p", s.port, "-n", "200", "-3", "--enable-tracking", "-c", "4", "--csv", "get", "k")
		if got := strings.Count(strings.Join(s.commands(), "\n"), "get k"); status != 0 || got != 200 {
			t.Errorf("status %d, %d commands: %s%s", status, got, out, said)
		}
	})
}

// Requests larger than what sockets take are sent in pieces.
func TestLargeRequestsAndRepliesPass(t *testing.T) {
	drivers(t, func(t *testing.T) {
		s := serve(t, func(words []string) string {
			if text, ok := settings(words); ok {
				return text
			}
			value := words[len(words)-1]
			return fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
		})
		status, out, said := call(t.Context(), "-p", s.port, "-n", "6", "-c", "2", "-d", "3000000", "-P", "2", "-t", "set", "--csv")
		if status != 0 || strings.Count(out, "\n") != 2 {
			t.Errorf("status %d: %s%s", status, out, said)
		}
	})
}

func TestManyConnectionsAreOpened(t *testing.T) {
	s := serve(t, fine)
	if status, out, said := call(t.Context(), "-p", s.port, "-n", "3000", "-c", "700", "--threads", "3", "-t", "ping", "--csv"); status != 0 || strings.Count(out, "\n") != 3 {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	if n := s.accepted.Load(); n != 2*700+1 {
		t.Errorf("%d connections", n)
	}
}

func TestAUnixSocketIsServed(t *testing.T) {
	drivers(t, func(t *testing.T) {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		listener, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		s := &testServer{answer: fine}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go s.talk(conn)
			}
		}()
		status, out, said := call(t.Context(), "-s", filepath.Join(dir, "s"), "-n", "1000", "-c", "200", "-q", "-k", "0", "get", "k")
		if status != 0 || len(s.commands()) != 1000 {
			t.Errorf("status %d, %d commands: %s%s", status, len(s.commands()), out, said)
		}
	})
}

func TestTitlesAreGoodCSV(t *testing.T) {
	s := serve(t, fine)
	_, out, _ := call(t.Context(), "-p", s.port, "-n", "1", "--csv", "set", `a"b`, "x, y")
	if !strings.Contains(out, "\n\"set a\"\"b x, y\",\"") {
		t.Error(out)
	}
}

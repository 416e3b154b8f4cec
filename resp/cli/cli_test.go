package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// A fakeServer answers the commands of one connection after another with canned bytes and
// keeps the commands; with no bytes left it hangs up.
type fakeServer struct {
	port     string
	commands chan []string
}

func serveReplies(t *testing.T, replies ...string) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	s := &fakeServer{port: port, commands: make(chan []string, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			replies = s.serve(conn, replies)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return s
}

// hangUp at a reply's end ends the connection.
const hangUp = "HANG UP"

// serve returns the replies that are left.
func (s *fakeServer) serve(conn net.Conn, replies []string) []string {
	in := bufio.NewReader(conn)
	for {
		r, err := readReply(in)
		if err != nil {
			return replies
		}
		var command []string
		for _, arg := range r.items {
			command = append(command, string(arg.text))
		}
		s.commands <- command
		if len(replies) == 0 {
			return nil
		}
		answer := replies[0]
		replies = replies[1:]
		answer, last := strings.CutSuffix(answer, hangUp)
		if _, err := conn.Write([]byte(answer)); err != nil || last {
			return replies
		}
	}
}

func (s *fakeServer) received() (commands []string) {
	for {
		select {
		case c := <-s.commands:
			commands = append(commands, strings.Join(c, " "))
		default:
			return commands
		}
	}
}

func run(stdin string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = Main(args, strings.NewReader(stdin), &out, &err)
	return status, out.String(), err.String()
}

const closed = "Error: Server closed the connection\n"

// As recorded from redis-cli 7.0.15, except where a comment says otherwise.
func TestACommandsReplyIsShownAsRedisCliShowsIt(t *testing.T) {
	for _, test := range []struct {
		name, reply, raw, pretty string
	}{
		{"status", "+OK\r\n", "OK\n", "OK\n"},
		{"error", "-ERR x y\r\n", "ERR x y\n\n", "(error) ERR x y\n"},
		{"integer", ":-12\r\n", "-12\n", "(integer) -12\n"},
		{"bulk", "$5\r\na\"\n\x00\xff\r\n", "a\"\n\x00\xff\n", `"a\"\n\x00\xff"` + "\n"},
		{"escapes", "$7\r\n\a\b\t\r\\ \x7f\r\n", "\a\b\t\r\\ \x7f\n", `"\a\b\t\r\\ \x7f"` + "\n"},
		{"empty bulk", "$0\r\n\r\n", "\n", "\"\"\n"},
		{"null bulk", "$-1\r\n", "\n", "(nil)\n"},
		{"null array", "*-1\r\n", "\n", "(nil)\n"},
		{"null", "_\r\n", "\n", "(nil)\n"},
		{"true", "#t\r\n", "(true)\n", "(true)\n"},
		{"false", "#f\r\n", "(false)\n", "(false)\n"},
		{"double", ",3.10\r\n", "3.10\n", "(double) 3.10\n"},
		{"infinity", ",inf\r\n", "inf\n", "(double) inf\n"},
		// redis-cli refuses this.
		{"not a number", ",nan\r\n", "nan\n", "(double) nan\n"},
		// redis-cli refuses big numbers, too.
		{"big number", "(12345678901234567890123\r\n", "12345678901234567890123\n", "(integer) 12345678901234567890123\n"},
		{"verbatim", "=8\r\ntxt:a\"\nb\r\n", "a\"\nb\n", "a\"\nb\n"},
		{"bulk error", "!7\r\nERR a b\r\n", "ERR a b\n\n", "(error) ERR a b\n"}, // refused by redis-cli
		{"attribute", "|1\r\n+a\r\n:1\r\n+OK\r\n", "OK\n", "OK\n"},              // refused by redis-cli
		{"empty array", "*0\r\n", "\n", "(empty array)\n"},
		{"empty set", "~0\r\n", "\n", "(empty set)\n"},
		{"empty map", "%0\r\n", "\n", "(empty hash)\n"},
		{"array", "*3\r\n$1\r\na\r\n:2\r\n$-1\r\n", "a\n2\n\n", "1) \"a\"\n2) (integer) 2\n3) (nil)\n"},
		{"error in an array", "*2\r\n-ERR a\r\n+b\r\n", "ERR a\n\nb\n", "1) (error) ERR a\n2) b\n"},
		{
			"nested arrays", "*2\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n*0\r\n", "a\n1\n\n",
			"1) 1) \"a\"\n   2) 1) (integer) 1\n2) (empty array)\n",
		},
		{
			"ten items and a nested array", "*11\r\n" + strings.Repeat(":7\r\n", 10) + "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
			strings.Repeat("7\n", 10) + "a\nb\n",
			" 1) (integer) 7\n 2) (integer) 7\n 3) (integer) 7\n 4) (integer) 7\n 5) (integer) 7\n" +
				" 6) (integer) 7\n 7) (integer) 7\n 8) (integer) 7\n 9) (integer) 7\n10) (integer) 7\n11) 1) \"a\"\n    2) \"b\"\n",
		},
		{"set", "~2\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n", "a\n1\n2\n", "1~ \"a\"\n2~ 1) (integer) 1\n   2) (integer) 2\n"},
		{
			"map", "%2\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n+k\r\n%1\r\n$1\r\nx\r\n#t\r\n", "a 1\n2\nk x (true)\n",
			"1# \"a\" => \n   1) (integer) 1\n   2) (integer) 2\n2# k => 1# \"x\" => (true)\n",
		},
		{
			"map in an array", "*2\r\n%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n*2\r\n:1\r\n:2\r\n~1\r\n:1\r\n", "a 1\nb c 1\n2\n1\n",
			"1) 1# a => (integer) 1\n   2# b => \n      1# c => \n         1) (integer) 1\n         2) (integer) 2\n" +
				"2) 1~ (integer) 1\n",
		},
		{
			"array as a map's key", "%1\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n", "1\n2 3\n4\n",
			"1# 1) (integer) 1\n   2) (integer) 2 => \n   1) (integer) 3\n   2) (integer) 4\n",
		},
		{"empty collection as a map's value", "%2\r\n+a\r\n*0\r\n+b\r\n_\r\n", "a \nb \n",
			"1# a => (empty array)\n2# b => (nil)\n"},
		{"verbatim of two lines as a map's value", "%1\r\n+a\r\n=7\r\ntxt:a\nb\r\n", "a a\nb\n", "1# a => a\nb\n"},
		{"push before the reply", ">2\r\n+a\r\n:1\r\n+OK\r\n", "OK\n", "OK\n"},
	} {
		for option, want := range map[string]string{"": test.raw, "--raw": test.raw, "--no-raw": test.pretty} {
			s := serveReplies(t, test.reply)
			args := append(strings.Fields("-p "+s.port+" "+option), "get", "k")
			if status, out, err := run("", args...); status != 0 || out != want || err != "" {
				t.Errorf("%s %s: status %d, output %q, want %q; errors %q", test.name, option, status, out, want, err)
			}
			if got := s.received(); !reflect.DeepEqual(got, []string{"get k"}) {
				t.Errorf("%s: the server received %q", test.name, got)
			}
		}
	}
}

// As recorded from redis-cli 7.0.15.
func TestOptionsActAsInRedisCli(t *testing.T) {
	const (
		ok      = "+OK\r\n"
		pong    = "+PONG\r\n"
		bad     = "-ERR bad\r\n"
		warning = "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"
		message = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
		report  = "$6\r\na:1\r\nb\r\n"
		changed = ">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n+OK\r\n"
	)
	type replies = []string
	for _, test := range []struct {
		name    string
		replies replies
		args    []string
		stdin   string
		status  int
		stdout  string
		stderr  string
		sent    []string
	}{
		{"a health check", replies{pong}, replies{"ping"}, "", 0, "PONG\n", "", replies{"ping"}},
		{"an error reply alone is no failure", replies{bad}, replies{"ping"}, "", 0, "ERR bad\n\n", "", replies{"ping"}},
		{"-e makes it one", replies{bad}, replies{"-e", "--no-raw", "ping"}, "", 1, "", "ERR bad\n", replies{"ping"}},
		{"the server hangs up", nil, replies{"ping"}, "", 1, "", closed, replies{"ping"}},
		{"half a reply", replies{"$5\r\nab" + hangUp}, replies{"get", "k"}, "", 1, "", closed, nil},
		{"no reply at all", replies{"?x\r\n"}, replies{"ping"}, "", 1, "",
			"Error: Protocol error, got \"?\" as reply type byte\n", nil},
		{"a reply without a length", replies{"$x\r\n"}, replies{"ping"}, "", 1, "", "Error: Bad bulk string length\n", nil},
		{"SHUTDOWN has no reply", nil, replies{"shutdown"}, "", 0, "", "", replies{"shutdown"}},
		{"SHUTDOWN refused", replies{bad}, replies{"shutdown"}, "", 0, "ERR bad\n\n", "", nil},

		{"password", replies{ok, pong}, replies{"-a", "pw", "ping"}, "", 0, "PONG\n", warning, replies{"AUTH pw", "ping"}},
		{"no warning", replies{ok, pong}, replies{"-a", "pw", "--no-auth-warning", "ping"}, "", 0, "PONG\n", "",
			replies{"AUTH pw", "ping"}},
		{"user and password", replies{ok, pong}, replies{"--user", "u", "--pass", "p", "ping"}, "", 0, "PONG\n", warning,
			replies{"AUTH u p", "ping"}},
		{"user alone", replies{pong}, replies{"--user", "u", "ping"}, "", 0, "PONG\n", "", replies{"ping"}},
		{
			"wrong password", replies{"-WRONGPASS invalid\r\n", pong}, replies{"-a", "pw", "ping"}, "", 0, "PONG\n",
			warning + "AUTH failed: WRONGPASS invalid\n", replies{"AUTH pw", "ping"},
		},
		{"database", replies{ok, pong}, replies{"-n", "3", "ping"}, "", 0, "PONG\n", "", replies{"SELECT 3", "ping"}},
		{"no such database", replies{bad, pong}, replies{"-n", "99", "ping"}, "", 0, "PONG\n", "SELECT 99 failed: ERR bad\n",
			nil},
		{
			"RESP3 after password and database", replies{ok, ok, "%0\r\n", pong}, replies{"-3", "-a", "x", "-n", "2", "ping"},
			"", 0, "PONG\n",
			warning, replies{"AUTH x", "SELECT 2", "HELLO 3", "ping"},
		},
		{"RESP3 refused", replies{bad, pong}, replies{"-3", "ping"}, "", 0, "PONG\n", "HELLO 3 failed: ERR bad\n", nil},
		{"RESP2 needs no word", replies{pong}, replies{"-2", "ping"}, "", 0, "PONG\n", "", replies{"ping"}},

		{"repeat", replies{pong, bad, pong}, replies{"-r", "3", "-i", "0.001", "ping"}, "", 0, "PONG\nERR bad\n\nPONG\n", "",
			replies{"ping", "ping", "ping"}},
		{"-e ends the repetition", replies{pong, bad}, replies{"-e", "-r", "3", "ping"}, "", 1, "PONG\n", "ERR bad\n",
			replies{"ping", "ping"}},
		{"last argument from standard input", replies{ok}, replies{"-x", "set", "k"}, "a\r\nb\x00c\n", 0, "OK\n", "",
			replies{"set k a\r\nb\x00c\n"}},
		{"delimiters", replies{"*2\r\n:1\r\n:2\r\n", "*0\r\n"}, replies{"-r", "2", "-d", ",", "-D", ";", "x"}, "", 0, "1,2;;",
			"", nil},
		{"what follows the command is no option", replies{ok}, replies{"get", "-x", "-n"}, "", 0, "OK\n", "",
			replies{"get -x -n"}},

		{"INFO as it is", replies{report}, replies{"--no-raw", "info"}, "", 0, "a:1\r\nb", "", nil},
		{"CLIENT LIST as it is", replies{report}, replies{"client", "LIST"}, "", 0, "a:1\r\nb", "", nil},
		{"MEMORY DOCTOR as it is", replies{report}, replies{"--no-raw", "memory", "doctor"}, "", 0, "a:1\r\nb", "", nil},

		{"SUBSCRIBE", replies{message + hangUp}, replies{"subscribe", "c"}, "", 1, "subscribe\nc\n1\nmessage\nc\nhi\n",
			closed, replies{"subscribe c"}},
		{
			"SUBSCRIBE in RESP3", replies{"%0\r\n", strings.ReplaceAll(message, "*3", ">3") + hangUp},
			replies{"-3", "--no-raw", "subscribe", "c"}, "", 1,
			"Reading messages... (press Ctrl-C to quit)\n1) \"subscribe\"\n2) \"c\"\n3) (integer) 1\n" +
				"1) \"message\"\n2) \"c\"\n3) \"hi\"\n", closed, nil,
		},
		{"SUBSCRIBE refused", replies{bad}, replies{"subscribe"}, "", 0, "ERR bad\n\n", "", nil},
		{"MONITOR", replies{"+OK\r\n+1.2 [0] \"x\"\r\n" + hangUp}, replies{"--no-raw", "monitor"}, "", 1,
			"OK\n1.2 [0] \"x\"\n", closed, nil},
		{"pushes shown", replies{changed}, replies{"--show-pushes", "yes", "--no-raw", "get", "a"}, "", 0,
			"-> invalidate: 'a', 'b'\nOK\n", "", nil},
		{"pushes shown raw", replies{changed}, replies{"--show-pushes", "yes", "get", "a"}, "", 0, "invalidate\na\nb\nOK\n",
			"", nil},

		{
			"SCAN", replies{"*2\r\n$1\r\n5\r\n*2\r\n$1\r\na\r\n$3\r\nb\"c\r\n", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nd\r\n"},
			replies{"--scan"}, "", 0,
			"a\nb\"c\nd\n", "", replies{"SCAN 0", "SCAN 5"},
		},
		{
			"SCAN by pattern", replies{"*2\r\n$1\r\n0\r\n*1\r\n$3\r\nb\"c\r\n"},
			replies{"--no-raw", "--scan", "--pattern", "b*"}, "", 0,
			"\"b\\\"c\"\n", "", replies{"SCAN 0 MATCH b*"},
		},
		{"SCAN refused", replies{"-NOAUTH x\r\n"}, replies{"--scan"}, "", 1, "", "SCAN error: NOAUTH x\n", nil},

		{
			"lines", replies{ok, ok, pong, pong}, nil, "set a 'b c'\nset x \"\\x41\\n\"\n\n  \nget \"a\n2 ping\nquit\nping\n", 0,
			"OK\nOK\nInvalid argument(s)\nPONG\nPONG\n", "", replies{"set a b c", "set x A\n", "ping", "ping"},
		},
		{"a last line without its end", replies{pong}, nil, "ping", 0, "PONG\n", "", replies{"ping"}},
		{"a line's repetition is at least 1", nil, nil, "0 ping\n-1 ping\n", 0,
			strings.Repeat("Invalid redis-cli repeat command option value.\n", 2), "", nil},
		{
			"a lost connection is opened again with its database", replies{ok, hangUp, ok, "$1\r\nv\r\n"}, nil,
			"select 3\nget k\n", 0,
			"OK\nv\n", "", replies{"select 3", "get k", "SELECT 3", "get k"},
		},
		{"a server that hangs up again is reported, and the next line tried", replies{hangUp, hangUp, pong}, nil,
			"get k\nping\n", 0, "PONG\n", closed, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serveReplies(t, test.replies...)
			status, out, err := run(test.stdin, append([]string{"-p", s.port}, test.args...)...)
			if status != test.status || out != test.stdout || err != test.stderr {
				t.Errorf("status %d, output %q, errors %q\nwant %d, %q, %q", status, out, err,
					test.status, test.stdout, test.stderr)
			}
			if got := s.received(); test.sent != nil && !reflect.DeepEqual(got, test.sent) {
				t.Errorf("sent %q, want %q", got, test.sent)
			}
		})
	}
}

func TestThePasswordComesFromTheEnvironmentWithoutAWarning(t *testing.T) {
	t.Setenv("REDISCLI_AUTH", "secret")
	s := serveReplies(t, "+OK\r\n", "+PONG\r\n")
	if status, out, err := run("", "-p", s.port, "ping"); status != 0 || out != "PONG\n" || err != "" {
		t.Errorf("status %d, output %q, errors %q", status, out, err)
	}
	if got := s.received(); !reflect.DeepEqual(got, []string{"AUTH secret", "ping"}) {
		t.Errorf("sent %q", got)
	}
}

func TestAServerThatCanNotBeReachedIsAFailure(t *testing.T) {
	refused := "Could not connect to Redis at 127.0.0.1:1: Connection refused\n"
	for _, test := range []struct {
		args, stdin string
		status      int
		stderr      string
	}{
		{"-p 1 ping", "", 1, refused},
		{"-p 1 --scan", "", 1, refused},
		{"-p 1 --pipe", "", 1, refused},
		{"-s /nonexistent/socket ping", "", 1,
			"Could not connect to Redis at /nonexistent/socket: No such file or directory\n"},
		{"-p 1", "", 0, refused}, // lines have no failure, as in redis-cli
	} {
		status, out, err := run(test.stdin, strings.Fields(test.args)...)
		if status != test.status || out != "" || err != test.stderr {
			t.Errorf("%s: status %d, output %q, errors %q", test.args, status, out, err)
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--nonesuch":          "Unrecognized option or bad number of args for: '--nonesuch'\n",
		"-n":                  "Unrecognized option or bad number of args for: '-n'\n",
		"-n x ping":           "Invalid number 'x'\n",
		"-r many ping":        "Invalid number 'many'\n",
		"-i -1 ping":          "Invalid number of seconds '-1'\n",
		"-i nan ping":         "Invalid number of seconds 'nan'\n",
		"-p 65536 ping":       "Invalid server port.\n",
		"-u http://a ping":    "Invalid URI scheme\n",
		"-u redis://a:x ping": "Invalid server port.\n",
	} {
		if status, out, err := run("", strings.Fields(args)...); status != 1 || out != "" || err != want {
			t.Errorf("%s: status %d, output %q, errors %q, want %q", args, status, out, err, want)
		}
	}
}

func TestAURINamesServerUserAndDatabase(t *testing.T) {
	for uri, want := range map[string]string{
		"redis://":                    "127.0.0.1 6379  - 0",
		"redis://h":                   "h 6379  - 0",
		"redis://h:1/2":               "h 1  - 2",
		"redis://u:p%40%3A@h:1/2?x=y": "h 1 u p@: 2",
		"redis://:p@h":                "h 6379  p 0",
		"redis://p@h":                 "h 6379  p 0",
		"redis://[::1]:7000/0":        "::1 7000  - 0",
		"redis://[::1]":               "::1 6379  - 0",
		"redis://u:p@/run/redis":      "error",
		"redis://u:%zz@h":             "error",
		"redis://h/database":          "error",
	} {
		o, err := parseOptions([]string{"-u", uri}, func(string) string { return "" })
		got := "error"
		if err == nil {
			password := "-"
			if o.Password != nil {
				password = *o.Password
			}
			got = fmt.Sprintf("%s %s %s %s %d", o.Host, o.Port, o.User, password, o.DB)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}

func TestVersionAndHelpNeedNoServer(t *testing.T) {
	for args, want := range map[string]string{
		"--version": version + "\n", "-v": version + "\n", "--help": usage, "-h": usage, "help": generalHelp,
	} {
		if status, out, err := run("", strings.Fields(args)...); status != 0 || out != want || err != "" {
			t.Errorf("%s: status %d, output %q, errors %q", args, status, out, err)
		}
	}
}

func TestAReplyThatNestsWithoutEndIsRefused(t *testing.T) {
	for _, nested := range []string{"*1\r\n", "|0\r\n", "%1\r\n"} {
		if _, err := readReply(bufio.NewReader(strings.NewReader(strings.Repeat(nested, 1000)))); err != errNesting {
			t.Errorf("%q: %v", nested, err)
		}
	}
}

func TestAFalseLengthCostsNoMemory(t *testing.T) {
	for _, announced := range []string{"$9223372036854775807\r\nx", "*2147483647\r\n", "%2147483647\r\n:1\r\n"} {
		if r, err := readReply(bufio.NewReader(strings.NewReader(announced))); err == nil {
			t.Errorf("%q is read as %v", announced, r)
		}
	}
}

func TestAReplyThatComesByteByByteIsRead(t *testing.T) {
	in := iotest.OneByteReader(strings.NewReader("*2\r\n$3\r\na\r\n\r\n%1\r\n+k\r\n,1.5\r\n"))
	r, err := readReply(bufio.NewReader(in))
	if got := string(appendPretty(nil, r, "")); err != nil || got != "1) \"a\\r\\n\"\n2) 1# k => (double) 1.5\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzQuotedTextIsSplitBackIntoItself(f *testing.F) {
	f.Add("a'b\"c\\ \n\r\t\a\b\x00\xff", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		line := appendQuoted(nil, []byte(a))
		line = appendQuoted(append(line, ' '), []byte(b))
		if args, ok := splitLine(string(line)); !ok || !reflect.DeepEqual(args, []string{a, b}) {
			t.Errorf("%s is split into %q, %v", line, args, ok)
		}
	})
}

// As recorded from redis-cli 7.0.15.
func TestALineIsSplitAsInRedisCli(t *testing.T) {
	for line, want := range map[string][]string{
		`a 'b\'c' "d\x0ae\t\q"`: {"a", "b'c", "d\ne\tq"},
		`a"b c"`:                {"ab c"},
		`a '' b`:                {"a", "", "b"},
		"get  a\tb ":            {"get", "a", "b"},
		`"\xzz\x1"`:             {"xzzx1"},
		`'\n'`:                  {`\n`},
		`'a'b`:                  nil,
		`"a"b`:                  nil,
		`"a`:                    nil,
		`"a\`:                   nil,
		`'a\'`:                  nil,
	} {
		if args, ok := splitLine(line); ok != (want != nil) || !reflect.DeepEqual(args, want) {
			t.Errorf("%s is split into %q, %v", line, args, ok)
		}
	}
}

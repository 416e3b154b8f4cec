package cli

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The files in testdata hold invocations of redis-cli 7.0.15: what it was given, what it said to the server and heard
// from it, and what it printed. TestRecordings plays the server's part to this package's Main, which must say and
// print the same. A block is one invocation:
//
//	# GET prints what the key holds               its name
//	$ get k                                       the arguments, in redis-cli's quoting; -p PORT comes before them
//	env REDISCLI_AUTH=secret                      a variable of the environment
//	file script.lua "return 1"                    a file; FILE/script.lua in the arguments is its path
//	before set k v                                what the server is told before; only for recording
//	stdin "get k\n"                               standard input, several lines of it are joined
//	mask [0-9.]+                                  what this matches in the output is not compared
//	sorted                                        the lines of the output come in any order
//	loops                                         it goes on and on: the last question and answer are repeated
//	differs why                                   what was printed is not redis-cli's, for this reason, but by hand
//
// and below it what -record writes:
//
//	connect                                       the client connects
//	> "GET" "k"                                   it sends a command
//	< "$1\r\nv\r\n"                               the server answers
//	hangup                                        the server closes the connection
//	out "v\n"                                     a line of standard output
//	err "..."                                     and of the errors
//	status 0
//	wrote dump.rdb "REDIS..."                     FILE/dump.rdb has this content afterwards
//
//	go test ./resp/cli -run TestRecordings -record    record all again, from redis-server and redis-cli on the path
//	go test ./resp/cli -run TestRecordings -live      both programs beside each other at one server
var (
	record = flag.Bool("record", os.Getenv("DISKETTE_RECORD") == "1", "record testdata again, from redis-cli and redis-server")
	live   = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with a live redis-cli and redis-server")
)

const longEnough = 30 * time.Second // for what takes milliseconds on an idle machine

type invocation struct {
	name    string
	args    []string
	env     []string
	files   [][2]string // name and content
	before  [][]string
	stdin   string
	mask    *regexp.Regexp
	sorted  bool
	loops   bool
	differs bool
	given   []string // the lines above what is recorded

	wire     []string // connect, >, < and hangup
	out, err string
	status   int
	wrote    [][2]string
}

func readInvocations(t *testing.T, file string) (all []*invocation) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		v := &invocation{}
		for _, line := range strings.Split(block, "\n") {
			if err := v.readLine(line); err != nil {
				t.Fatalf("%s: %q: %v", file, line, err)
			}
		}
		all = append(all, v)
	}
	return all
}

func (v *invocation) readLine(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	given := true
	var err error
	switch word {
	case "#":
		v.name = rest
	case "$":
		var ok bool
		if v.args, ok = splitLine(rest); !ok {
			return errors.New("is no list of arguments")
		}
	case "env":
		v.env = append(v.env, rest)
	case "file":
		name, content, _ := strings.Cut(rest, " ")
		content, err = strconv.Unquote(content)
		v.files = append(v.files, [2]string{name, content})
	case "before":
		command, ok := splitLine(rest)
		if !ok {
			return errors.New("is no command")
		}
		v.before = append(v.before, command)
	case "stdin":
		rest, err = strconv.Unquote(rest)
		v.stdin += rest
	case "mask":
		v.mask, err = regexp.Compile(rest)
	case "sorted":
		v.sorted = true
	case "loops":
		v.loops = true
	case "differs":
		v.differs = true
	default:
		given = false
		switch word {
		case "connect", ">", "<", "hangup":
			v.wire = append(v.wire, line)
		case "out", "err":
			to := map[string]*string{"out": &v.out, "err": &v.err}[word]
			rest, err = strconv.Unquote(rest)
			*to += rest
		case "status":
			v.status, err = strconv.Atoi(rest)
		case "wrote":
			name, content, _ := strings.Cut(rest, " ")
			content, err = strconv.Unquote(content)
			v.wrote = append(v.wrote, [2]string{name, content})
		default:
			return errors.New("no such word")
		}
	}
	if given {
		v.given = append(v.given, line)
	}
	return err
}

func (v *invocation) String() string {
	var b strings.Builder
	for _, line := range append(v.given, v.wire...) {
		fmt.Fprintln(&b, line)
	}
	for _, line := range strings.SplitAfter(v.out, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "out %q\n", line)
		}
	}
	for _, line := range strings.SplitAfter(v.err, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "err %q\n", line)
		}
	}
	fmt.Fprintf(&b, "status %d\n", v.status)
	for _, file := range v.wrote {
		fmt.Fprintf(&b, "wrote %s %q\n", file[0], file[1])
	}
	return b.String()
}

// prepare makes the files in dir, and returns the arguments for a server at port.
func (v *invocation) prepare(t *testing.T, dir, port string) (args []string) {
	t.Helper()
	for _, file := range v.files {
		if err := os.WriteFile(filepath.Join(dir, file[0]), []byte(file[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = []string{"-p", port}
	for _, arg := range v.args {
		arg = strings.ReplaceAll(arg, "FILE/", dir+"/")
		args = append(args, strings.ReplaceAll(arg, "PORT", port))
	}
	return args
}

// finish takes what a program has printed and written, without what differs each time.
func (v *invocation) finish(dir, port, out, err string, status int) *invocation {
	got := &invocation{name: v.name, given: v.given, status: status}
	same := func(text string) string {
		text = strings.ReplaceAll(text, dir+"/", "FILE/")
		text = strings.ReplaceAll(text, "127.0.0.1:"+port, "127.0.0.1:PORT")
		if v.mask != nil {
			text = v.mask.ReplaceAllString(text, "<masked>")
		}
		return text
	}
	got.out, got.err = same(out), same(err)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		content, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		given := false
		for _, file := range v.files {
			given = given || file[0] == e.Name()
		}
		if !given {
			got.wrote = append(got.wrote, [2]string{e.Name(), string(content)})
		}
	}
	return got
}

// ours runs this package's redis-cli against a server at port.
func (v *invocation) ours(t *testing.T, port string) *invocation {
	t.Helper()
	dir := t.TempDir()
	args := v.prepare(t, dir, port)
	for _, e := range v.env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	status, out, err := run(v.stdin, args...)
	return v.finish(dir, port, out, err, status)
}

// theirs runs the redis-cli on the path.
func (v *invocation) theirs(t *testing.T, port string) *invocation {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("redis-cli", v.prepare(t, dir, port)...)
	cmd.Env = append(os.Environ(), v.env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(v.stdin), &out, &errs
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return v.finish(dir, port, out.String(), errs.String(), cmd.ProcessState.ExitCode())
}

func (v *invocation) compare(t *testing.T, got *invocation) {
	t.Helper()
	if v.sorted {
		v.out, got.out = sortLines(v.out), sortLines(got.out)
	}
	if got.out != v.out || got.err != v.err || got.status != v.status {
		t.Errorf("%q\nstatus %d, output %q, errors %q\n  want %d, %q, %q", v.args, got.status, got.out, got.err, v.status, v.out, v.err)
	}
	if !reflect.DeepEqual(got.wrote, v.wrote) {
		t.Errorf("%q: wrote %q, want %q", v.args, got.wrote, v.wrote)
	}
}

// withoutContents leaves of the files that were written, dumps, only the names: they hold the time.
func withoutContents(t *testing.T, v *invocation) {
	t.Helper()
	for i := range v.wrote {
		if !strings.HasPrefix(v.wrote[i][1], "REDIS00") {
			t.Errorf("%s is no dump: %q", v.wrote[i][0], v.wrote[i][1])
		}
		v.wrote[i][1] = ""
	}
}

func sortLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	var port string
	if *record || *live {
		port = startRedis(t)
	}
	if *record {
		recordDocuments(t, port)
	}
	count := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			all := readInvocations(t, file)
			count += len(all)
			for _, v := range all {
				t.Run(v.name, func(t *testing.T) {
					switch {
					case *record && !v.differs:
						v.record(t, port)
					case *live && v.differs:
						t.Skip("differs for the reason that is given there")
					case *live:
						tellBefore(t, port, v)
						want := v.theirs(t, port)
						tellBefore(t, port, v)
						want.args, want.sorted = v.args, v.sorted
						got := v.ours(t, port)
						withoutContents(t, want)
						withoutContents(t, got)
						want.compare(t, got)
					default:
						s := replay(t, v.wire, v.loops)
						v.compare(t, v.ours(t, s.port))
						s.check(t)
					}
				})
			}
			if *record && !t.Failed() {
				var b strings.Builder
				for n, v := range all {
					if n > 0 {
						b.WriteString("\n")
					}
					b.WriteString(v.String())
				}
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	t.Logf("%d invocations", count)
}

// A replayed server follows the lines of a recording.
type replayed struct {
	port    string
	stopped chan struct{}
	close   func() error
	left    []string // the lines that have not been reached
	loops   bool
	problem error
}

func replay(t *testing.T, lines []string, loops bool) *replayed {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &replayed{stopped: make(chan struct{}), close: listener.Close, left: lines, loops: loops}
	_, s.port, _ = net.SplitHostPort(listener.Addr().String())
	go func() {
		defer close(s.stopped)
		defer listener.Close()
		for len(s.left) > 0 && s.problem == nil {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(longEnough))
			s.left = s.left[1:] // connect
			s.problem = s.serve(conn)
			conn.Close()
		}
	}()
	return s
}

func (s *replayed) serve(conn net.Conn) error {
	in := bufio.NewReader(conn)
	echo, last := "", ""
	for ; len(s.left) > 0 && s.left[0] != "connect"; s.left = s.left[1:] {
		word, rest, _ := strings.Cut(s.left[0], " ")
		switch word {
		case ">":
			command, err := readCommand(in)
			if err != nil {
				return fmt.Errorf("instead of %s: %w", rest, err)
			}
			if mark, ok := endMark(command); ok {
				echo = mark
			}
			if quoteCommand(command) == `"COMMAND" "DOCS"` {
				if err := sendDocuments(conn); err != nil {
					return err
				}
				if command, err = readCommand(in); err != nil {
					return fmt.Errorf("instead of %s: %w", rest, err)
				}
			}
			if got := quoteCommand(command); got != rest && rest != "any" {
				return fmt.Errorf("the client says %s, redis-cli %s", got, rest)
			}
		case "<":
			text, err := strconv.Unquote(rest)
			if err != nil {
				return err
			}
			last = text
			if _, err := io.WriteString(conn, strings.ReplaceAll(text, anyMark, echo)); err != nil {
				return err
			}
		case "hangup":
			s.left = s.left[1:]
			return nil
		}
	}
	for s.loops {
		if _, err := readCommand(in); err != nil {
			return nil
		}
		if _, err := io.WriteString(conn, last); err != nil {
			return nil
		}
	}
	command, err := readCommand(in)
	if err == nil && quoteCommand(command) == `"COMMAND" "DOCS"` {
		if err := sendDocuments(conn); err != nil {
			return err
		}
		command, err = readCommand(in)
	}
	if err == nil {
		return fmt.Errorf("the client says %q, redis-cli nothing more", command)
	}
	return nil
}

// documentsFile has what redis-server answers to COMMAND DOCS, for some of its commands.
const documentsFile = "testdata/command_docs.resp"

func sendDocuments(conn net.Conn) error {
	b, err := os.ReadFile(documentsFile)
	if err == nil {
		_, err = conn.Write(b)
	}
	return err
}

// recordDocuments makes documentsFile: of the commands that testdata/help.txt asks for, and a few more.
func recordDocuments(t *testing.T, port string) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	commands := strings.Fields("command docs get set getset zadd xadd bitfield migrate sort config client exec multi select subscribe " +
		"pfadd pfcount pfdebug pfmerge pfselftest")
	if _, err := conn.Write(appendCommand(nil, commands)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := readReply(bufio.NewReader(io.TeeReader(conn, &b))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(documentsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *replayed) check(t *testing.T) {
	t.Helper()
	s.close()
	<-s.stopped
	if s.problem != nil {
		t.Error(s.problem)
	} else if len(s.left) > 0 {
		t.Errorf("the client ended before %s", s.left[0])
	}
}

// readCommand reads an array of bulk strings, or an inline command as one word. An empty line is an empty command.
func readCommand(in *bufio.Reader) ([]string, error) {
	first, err := in.Peek(1)
	if err != nil {
		return nil, err
	}
	if first[0] != '*' {
		line, err := in.ReadString('\n')
		return []string{line}, err
	}
	r, err := readReply(in)
	if err != nil {
		return nil, err
	}
	var command []string
	for _, arg := range r.items {
		command = append(command, string(arg.text))
	}
	return command, nil
}

// anyMark stands for the random word of 20 bytes that --pipe has the server echo.
const anyMark = "<twenty random bytes"

func endMark(command []string) (mark string, ok bool) {
	if len(command) == 2 && command[0] == "ECHO" && len(command[1]) == len(anyMark) {
		return command[1], true
	}
	return "", false
}

func quoteCommand(command []string) string {
	if _, ok := endMark(command); ok {
		command = []string{"ECHO", anyMark}
	}
	var words []string
	for _, arg := range command {
		words = append(words, strconv.Quote(arg))
	}
	return strings.Join(words, " ")
}

// startRedis starts the redis-server on the path at a free port.
func startRedis(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	listener.Close()
	cmd := exec.Command("redis-server", "--port", port, "--save", "", "--dir", t.TempDir(), "--enable-debug-command", "yes",
		"--repl-diskless-sync-delay", "0", "--maxmemory-policy", "allkeys-lfu")
	if err := cmd.Start(); err != nil {
		t.Fatalf("NOT CHECKED: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for start := time.Now(); time.Since(start) < longEnough; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			return port
		}
	}
	t.Fatal("redis-server does not listen")
	return ""
}

// tellBefore empties the server and tells it what stands before an invocation.
func tellBefore(t *testing.T, port string, v *invocation) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	clean := [][]string{
		{"AUTH", "pw"}, {"CONFIG", "SET", "requirepass", ""}, {"ACL", "DELUSER", "u"}, {"FLUSHALL"}, {"FUNCTION", "FLUSH"}, {"SCRIPT", "FLUSH"},
	}
	for _, command := range append(clean, v.before...) {
		if _, err := conn.Write(appendCommand(nil, command)); err != nil {
			t.Fatal(err)
		}
		if r, err := readReply(in); err != nil || r.kind == '-' && command[0] != "AUTH" {
			t.Fatalf("%q: %s, %v", command, r.text, err)
		}
	}
}

// record runs redis-cli through a proxy that writes down what goes by.
func (v *invocation) record(t *testing.T, port string) {
	t.Helper()
	tellBefore(t, port, v)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, between, _ := net.SplitHostPort(listener.Addr().String())
	var wire []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wire = append(wire, recordConnection(client, port)...)
		}
	}()
	got := v.theirs(t, between)
	listener.Close()
	<-done
	for n := 0; n < len(wire); n++ { // 7.2 asks for the documentation on a terminal only
		if strings.HasPrefix(wire[n], `> "COMMAND"`) {
			wire = slices.Delete(wire, n, n+2)
			n--
		}
	}
	if v.loops {
		for n := len(wire) - 1; n > 3 && wire[n-2] == wire[n] && wire[n-3] == wire[n-1]; n -= 2 {
			wire = wire[:n-1]
		}
	}
	v.wire, v.out, v.err, v.status, v.wrote = wire, got.out, got.err, got.status, got.wrote
}

func recordConnection(client net.Conn, port string) []string {
	defer client.Close()
	wire := []string{"connect"}
	server, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return append(wire, "hangup")
	}
	defer server.Close()
	type event struct {
		line   string
		ending bool
	}
	events := make(chan event, 1000)
	var echo atomic.Pointer[string]
	var left atomic.Bool // the client has closed its end
	go func() {          // what the server says
		buf := make([]byte, 1<<20)
		for {
			n, err := server.Read(buf)
			if n > 0 {
				text := string(buf[:n])
				if mark := echo.Load(); mark != nil {
					text = strings.ReplaceAll(text, *mark, anyMark)
				}
				events <- event{line: "< " + strconv.Quote(text)}
				_, _ = client.Write(buf[:n])
			}
			if err != nil {
				line := "hangup"
				if left.Load() {
					line = ""
				}
				client.Close()
				events <- event{line, true}
				return
			}
		}
	}()
	go func() { // what the client says
		in := bufio.NewReader(client)
		for {
			command, err := readCommand(in)
			if err != nil {
				left.Store(true)
				server.Close()
				events <- event{"", true}
				return
			}
			if mark, ok := endMark(command); ok {
				echo.Store(&mark)
			}
			events <- event{line: "> " + quoteCommand(command)}
			if len(command) == 1 && strings.HasSuffix(command[0], "\n") {
				_, _ = io.WriteString(server, command[0])
			} else {
				_, _ = server.Write(appendCommand(nil, command))
			}
		}
	}()
	ended := ""
	for n := 0; n < 2; {
		e := <-events
		switch {
		case e.ending:
			if n++; n == 1 {
				ended = e.line
			}
		case strings.HasPrefix(e.line, "< ") && strings.HasPrefix(wire[len(wire)-1], `< "`):
			wire[len(wire)-1] = strings.TrimSuffix(wire[len(wire)-1], `"`) + strings.TrimPrefix(e.line, `< "`)
		default:
			wire = append(wire, e.line)
		}
	}
	if ended != "" {
		wire = append(wire, ended)
	}
	return wire
}

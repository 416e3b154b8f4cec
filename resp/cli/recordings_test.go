package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

const longEnough = time.Minute // for what takes milliseconds on an idle machine

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
						t.Skip("NOT CHECKED: it differs for the reason that is given there")
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

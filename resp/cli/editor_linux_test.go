package cli

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A pupil is a server that knows enough for a person at a terminal: SET, GET, SELECT, MULTI, EXEC, SUBSCRIBE, MONITOR,
// COMMAND DOCS, and LEAVE, at which it hangs up.
type pupil struct {
	port     string
	mu       sync.Mutex
	values   map[string]string
	received []string
	streams  chan net.Conn // those that have said SUBSCRIBE or MONITOR
}

func startPupil(t *testing.T) *pupil {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pupil{values: make(map[string]string), streams: make(chan net.Conn, 10)}
	_, p.port, _ = net.SplitHostPort(listener.Addr().String())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close() })
	return p
}

func (p *pupil) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		command, err := readCommand(in)
		if err != nil || len(command) == 0 {
			return
		}
		p.mu.Lock()
		p.received = append(p.received, strings.Join(command, " "))
		answer := "+OK\r\n"
		switch name := strings.ToLower(command[0]); {
		case name == "leave":
			p.mu.Unlock()
			return
		case name == "set" && len(command) == 3:
			p.values[command[1]] = command[2]
		case name == "get" && len(command) == 2:
			answer = "$-1\r\n"
			if v, ok := p.values[command[1]]; ok {
				answer = fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
			}
		case name == "command":
			answer = ""
			_ = sendDocuments(conn)
		case name == "exec":
			answer = "*0\r\n"
		case name == "subscribe":
			answer = fmt.Sprintf("*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(command[1]), command[1])
		}
		p.mu.Unlock()
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
		if name := strings.ToLower(command[0]); name == "subscribe" || name == "monitor" {
			p.streams <- conn
		}
	}
}

func (p *pupil) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.received, "; ")
}

const (
	up    = "\x1b[A"
	left  = "\x1b[D"
	ctrlC = "\x03"
	ctrlD = "\x04"
	ctrlL = "\x0c"
	ctrlU = "\x15"
)

func TestAPersonTypesCommandsAndSeesWhatTheyTake(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port)
	prompt := "127.0.0.1:" + p.port + "> "
	c.wait(prompt + "|")
	c.typeKeys("get")
	c.wait(prompt + "get|< key>")
	c.typeKeys(" ")
	c.wait(prompt + "get |<key>")
	c.typeKeys("k\r")
	c.wait(prompt+"get k", "(nil)", prompt+"|")
	c.typeKeys("set k 'a b'\r")
	c.wait(prompt+"set k 'a b'", "OK", prompt+"|")
	c.typeKeys(up + up)
	c.wait(prompt + "get k|")
	c.typeKeys(left + "x" + "\r")
	c.wait(prompt+"get xk", "(nil)", prompt+"|")
	c.typeKeys("get k\r")
	c.wait(prompt+"get k", `"a b"`, prompt+"|")
	c.typeKeys("get k" + ctrlU + "exit\r")
	if status := c.waitEnd(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestTabCompletesCommandsSubcommandsAndTopics(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port)
	prompt := "127.0.0.1:" + p.port + "> "
	c.wait(prompt + "|")
	c.typeKeys("config g\t")
	c.wait(prompt + "CONFIG GET|< parameter [parameter ...]>")
	c.typeKeys(ctrlU)
	c.wait(prompt + "|")
	c.typeKeys("get\t")
	c.wait(prompt + "GET|< key>")
	c.typeKeys("\t")
	c.wait(prompt + "GETSET|< key value>")
	c.typeKeys(ctrlU)
	c.wait(prompt + "|")
	c.typeKeys("help @hyper\t")
	c.wait(prompt + "help @hyperloglog|")
	c.typeKeys(ctrlU)
	c.wait(prompt + "|")
	c.typeKeys("nonesuch\t")
	c.wait(prompt + "nonesuch|")
}

func TestPreferencesTurnHintsOff(t *testing.T) {
	p := startPupil(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".redisclirc"), []byte("\n:set nohints\n:set colours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startTerminal(t, dir, nil, "-p", p.port)
	prompt := "127.0.0.1:" + p.port + "> "
	c.wait(".redisclirc: unknown redis-cli preference 'colours'", prompt+"|")
	c.typeKeys("get")
	c.wait(prompt + "get|")
	c.typeKeys(ctrlU + ":set hints\r")
	c.wait(prompt+":set hints", prompt+"|")
	c.typeKeys("get")
	c.wait(prompt + "get|< key>")
	c.typeKeys(ctrlU + ":set nohints\rget")
	c.wait(prompt+":set nohints", prompt+"get|")
}

func TestTheHistoryIsKeptWithoutPasswords(t *testing.T) {
	p := startPupil(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "lines")
	env := []string{"REDISCLI_HISTFILE=" + file}
	prompt := "127.0.0.1:" + p.port + "> "
	c := startTerminal(t, dir, env, "-p", p.port)
	c.wait(prompt + "|")
	for _, line := range []string{
		"get a", "auth secret", "AUTH user secret", "3 auth secret", `auth "secret`, "acl setuser u >secret", "config set requirepass secret",
		"config set maxmemory 1 masterauth secret", "hello 3 auth u secret", "migrate h 1 k 0 1 auth secret", "get b", "get b",
	} {
		c.typeKeys(line + "\r")
		c.wait(map[bool]string{true: "Invalid argument(s)", false: map[bool]string{true: "(nil)", false: "OK"}[strings.HasPrefix(line, "get")]}[strings.Contains(line, `"`)],
			prompt+"|")
		c.typeKeys(ctrlL) // the next answer is not taken for this one
		c.wait(prompt + "|")
	}
	c.typeKeys(up + up)
	c.wait(prompt + "get a|")
	c.typeKeys(ctrlC)
	if status := c.waitEnd(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	b, err := os.ReadFile(file)
	if err != nil || string(b) != "get a\nget b\n" {
		t.Errorf("the history is %q, %v", b, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	c = startTerminal(t, dir, env, "-p", p.port)
	c.wait(prompt + "|")
	c.typeKeys(up)
	c.wait(prompt + "get b|")
	c.typeKeys(ctrlU + ctrlD)
	if status := c.waitEnd(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestThePromptTellsDatabaseAndTransaction(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port)
	at := "127.0.0.1:" + p.port
	c.wait(at + "> |")
	c.typeKeys("select 3\r")
	c.wait("OK", at+"[3]> |")
	c.typeKeys("multi\r")
	c.wait("OK", at+"[3](TX)> |")
	c.typeKeys("exec\r")
	c.wait("(empty array)", at+"[3]> |")
	c.typeKeys("connect 127.0.0.1 1\r")
	c.wait("Could not connect to Redis at 127.0.0.1:1: Connection refused", "not connected> |")
	c.typeKeys("connect 127.0.0.1 " + p.port + "\rget k\r")
	c.wait("(nil)", at+"[3]> |")
}

func TestALostServerIsFoundAgain(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port, "-n", "2")
	prompt := "127.0.0.1:" + p.port + "[2]> "
	c.wait(prompt + "|")
	c.typeKeys("leave\r")
	c.wait("Error: Server closed the connection", "not connected> |")
	c.typeKeys("get k\r")
	c.wait("(nil)", prompt+"|")
	if heard := p.heard(); !strings.HasSuffix(heard, "SELECT 2; get k") {
		t.Errorf("the server heard %s", heard)
	}
}

// The ^C above the prompt is the terminal's, which leaves it out if it is set for editing just then.
func TestCtrlCLeavesASubscriptionAndMonitor(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port)
	prompt := "127.0.0.1:" + p.port + "> "
	c.wait(prompt + "|")
	c.typeKeys("subscribe news\r")
	c.wait("Reading messages... (press Ctrl-C to quit)", `1) "subscribe"`, `2) "news"`, "3) (integer) 1", "|")
	fmt.Fprint(<-p.streams, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n")
	c.wait(`1) "message"`, `2) "news"`, `3) "hello"`, "|")
	c.typeKeys(ctrlC)
	c.wait(prompt + "|")
	c.typeKeys("get k\r")
	c.wait("(nil)", prompt+"|")
	c.typeKeys("monitor\r")
	c.wait("OK", "|")
	fmt.Fprint(<-p.streams, "+1.5 [0 a] \"get\" \"k\"\r\n")
	c.wait(`1.5 [0 a] "get" "k"`, "|")
	c.typeKeys(ctrlC)
	c.wait(prompt + "|")
	c.typeKeys("get k\r")
	c.wait("(nil)", prompt+"|")
}

func TestALineLongerThanTheScreenIsEditedAtItsLastRow(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), nil, "-p", p.port)
	prompt := "127.0.0.1:" + p.port + "> "
	c.wait(prompt + "|")
	for range screenRows {
		c.typeKeys("get k\r")
		c.wait("(nil)", prompt+"|")
		c.typeKeys(up + ctrlU)
		c.wait("(nil)", prompt+"|")
	}
	value := strings.Repeat("abcdefghij", 9)
	c.typeKeys("set k " + value)
	line := prompt + "set k " + value
	hint := " [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT"
	rest := line[screenColumns:]
	c.wait(prompt+"get k", "(nil)", line[:screenColumns], rest+"|<"+strings.TrimRight(hint[:screenColumns-len(rest)-1], " ")+">")
	c.typeKeys(left + "\x7fy")
	rest = rest[:len(rest)-2] + "y|j"
	c.wait(prompt+"get k", "(nil)", line[:screenColumns], rest+"<"+strings.TrimRight(hint[:screenColumns-len(rest)], " ")+">")
	c.typeKeys("\r")
	c.wait("OK", prompt+"|")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.values["k"] != value[:len(value)-2]+"yj" {
		t.Errorf("the value is %q", p.values["k"])
	}
}

func TestATerminalThatCanNotDoMoreGetsPlainLines(t *testing.T) {
	p := startPupil(t)
	prompt := "127.0.0.1:" + p.port + "> "
	for _, env := range [][]string{{"TERM=dumb"}, {"TERM="}} {
		c := startTerminal(t, t.TempDir(), env, "-p", p.port)
		c.wait(prompt + "|")
		c.typeKeys("get k\r")
		c.wait(prompt+"get k", "(nil)", prompt+"|")
		c.typeKeys(ctrlD)
		if status := c.waitEnd(); status != 0 {
			t.Errorf("%q: exit status %d", env, status)
		}
	}
}

func TestAPasswordThatIsAskedForIsNotShown(t *testing.T) {
	p := startPupil(t)
	c := startTerminal(t, t.TempDir(), []string{"REDISCLI_AUTH=other"}, "-p", p.port, "--askpass", "get", "k")
	c.wait("Please input password: |")
	c.typeKeys("secre\x7fet\r")
	if status := c.waitEnd(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	c.wait("Please input password: ******", "(nil)", "|")
	if heard := p.heard(); heard != "AUTH secret; get k" {
		t.Errorf("the server heard %s", heard)
	}
}

package compat_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A streamClient is a replica that only looks.
type streamClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	id   string // of the history
	file []byte // the RDB file
}

// followAll makes a connection to a server a replica that begins with all data.
func followAll(t *testing.T, addr string) *streamClient {
	t.Helper()
	c := openStream(t, addr)
	c.full("?", -1)
	return c
}

func openStream(t *testing.T, addr string) *streamClient {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, replyTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &streamClient{t: t, conn: conn, r: bufio.NewReader(conn)}
	for _, words := range [][]any{{"PING"}, {"REPLCONF", "listening-port", 1234}, {"REPLCONF", "capa", "eof", "capa", "psync2"}} {
		c.send(words...)
		if line := c.line(); !strings.HasPrefix(line, "+") {
			t.Fatalf("%v: %s", words, line)
		}
	}
	return c
}

// full copies everything.
func (c *streamClient) full(id string, offset int64) {
	c.t.Helper()
	c.send("PSYNC", id, offset)
	words := strings.Fields(c.line())
	if len(words) != 3 || words[0] != "+FULLRESYNC" {
		c.t.Fatalf("PSYNC: %q", words)
	}
	c.id = words[1]
	head := c.line()
	mark, ok := strings.CutPrefix(head, "$EOF:")
	if !ok {
		c.t.Fatalf("in front of the file: %q", head)
	}
	for !strings.HasSuffix(string(c.file), mark) {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatal(err)
		}
		c.file = append(c.file, b)
	}
	c.file = c.file[:len(c.file)-len(mark)]
}

func (c *streamClient) send(args ...any) {
	c.t.Helper()
	if _, err := c.conn.Write(encode(args...)); err != nil {
		c.t.Fatal(err)
	}
}

// line is the next line that is not empty: those show only that the master is alive.
func (c *streamClient) line() string {
	c.t.Helper()
	for {
		c.conn.SetReadDeadline(time.Now().Add(startTimeout))
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatal(err)
		}
		if line != "\n" {
			return strings.TrimSuffix(line, "\r\n")
		}
	}
}

// next is the next command.
func (c *streamClient) next() (args []string) {
	c.t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(c.line(), "*"))
	for range n {
		length, err2 := strconv.Atoi(strings.TrimPrefix(c.line(), "$"))
		arg := make([]byte, length+2)
		_, err3 := io.ReadFull(c.r, arg)
		if err != nil || err2 != nil || err3 != nil {
			c.t.Fatal(err, err2, err3)
		}
		args = append(args, string(arg[:length]))
	}
	return args
}

// until is the commands up to a published word, without the SELECTs in front of it alone.
func (c *streamClient) until(word string) (lines []string) {
	c.t.Helper()
	for {
		args := c.next()
		if args[0] == "PUBLISH" && args[2] == word {
			return lines
		}
		if args[0] != "PING" && args[0] != "REPLCONF" {
			lines = append(lines, streamLine(args))
		}
	}
}

var (
	streamTime = regexp.MustCompile(`\b\d{13}\b`)
	streamID   = regexp.MustCompile(`\b\d{13}-\d+\b`)
)

// streamLine shows a command, without what depends on the clock.
func streamLine(args []string) string {
	words := slices.Clone(args)
	for i, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' }) {
			words[i] = strconv.Quote(w)
		}
	}
	return streamTime.ReplaceAllString(streamID.ReplaceAllString(strings.Join(words, " "), "<id>"), "<ms>")
}

// effectsBlock is one of testdata/effects.txt.
type effectsBlock struct {
	line    int
	steps   []string // with their signs
	stream  []string
	differs string // why redis-server 7.0 sends something else
}

const effectsFile = "testdata/effects.txt"

// readEffects reads the file: the blocks, and its lines with the number of the block whose stream follows on it.
func readEffects(t *testing.T) (blocks []*effectsBlock) {
	t.Helper()
	var b *effectsBlock
	for i, line := range strings.Split(strings.TrimSpace(string(readFile(t, effectsFile))), "\n") {
		switch {
		case line == "":
			b = nil
		case line[0] == '#':
		case b == nil:
			b = &effectsBlock{line: i + 1}
			blocks = append(blocks, b)
			fallthrough
		default:
			switch {
			case strings.HasPrefix(line, "redis 7.0: "):
				b.differs = line
			case strings.ContainsRune("+>&*", rune(line[0])) && line[1] == ' ':
				b.steps = append(b.steps, line)
			case line != "(nothing)":
				b.stream = append(b.stream, line)
			}
		}
	}
	return blocks
}

// play runs the block's commands and returns what a replica gets for them. $other is the port of another server.
func (b *effectsBlock) play(t *testing.T, addr string, replica *streamClient, other *server) []string {
	t.Helper()
	c := dial(t, addr)
	defer c.Close()
	mark := func(word string) []string {
		c.Do("SELECT", 0)
		c.Do("PUBLISH", "mark", word)
		return replica.until(word)
	}
	c.Do("DEBUG", "SET-ACTIVE-EXPIRE", 1)
	c.Do("FLUSHALL")
	c.Do("FUNCTION", "FLUSH")
	var waiting []*client
	prepared := false
	for _, step := range b.steps {
		if step[0] == '*' {
			ms, _ := strconv.Atoi(step[2:])
			time.Sleep(time.Duration(ms) * time.Millisecond)
			continue
		}
		words, err := splitArgs(step[2:])
		if err != nil {
			t.Fatal(err)
		}
		args := make([]any, len(words))
		for i, w := range words {
			args[i] = w
			if w == "$other" {
				_, args[i] = hostAndPort(t, other)
			}
		}
		if step[0] != '+' && !prepared {
			prepared = true
			mark("begin")
		}
		if step[0] != '&' {
			c.Do(args...)
			continue
		}
		waiter := dial(t, addr)
		waiting = append(waiting, waiter)
		waiter.Send(args...)
		await(t, "it is blocked", func() bool {
			return infoField(c.Do("INFO", "clients").text, "blocked_clients") == strconv.Itoa(len(waiting))
		})
	}
	lines := mark("end")
	for _, waiter := range waiting {
		waiter.Receive()
		waiter.Close()
	}
	return lines
}

func TestReplicasGetTheEffectsOfCommands(t *testing.T) {
	ours := startServer(t, subjectBin(t), "--enable-debug-command", "yes")
	replica := followAll(t, ours.Addr)
	replica.send("REPLCONF", "ACK", 0)
	other := startServer(t, subjectBin(t))
	blocks := readEffects(t)
	for _, b := range blocks {
		got := b.play(t, ours.Addr, replica, other)
		if *recordFlag {
			b.stream = got
		} else if !slices.Equal(got, b.stream) {
			t.Errorf("%s:%d: %s\nstream\n  %s\nwant\n  %s", effectsFile, b.line, strings.Join(b.steps, "; "), strings.Join(got, "\n  "), strings.Join(b.stream, "\n  "))
		}
	}
	if *recordFlag {
		writeEffects(t, blocks)
	}
}

// writeEffects writes the file with other streams.
func writeEffects(t *testing.T, blocks []*effectsBlock) {
	t.Helper()
	var text strings.Builder
	open := false
	end := func() {
		if open {
			b := blocks[0]
			blocks, open = blocks[1:], false
			lines := b.stream
			if len(lines) == 0 {
				lines = []string{"(nothing)"}
			}
			fmt.Fprintln(&text, strings.Join(lines, "\n"))
			if b.differs != "" {
				fmt.Fprintln(&text, b.differs)
			}
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(readFile(t, effectsFile))), "\n") {
		switch {
		case line == "":
			end()
			fmt.Fprintln(&text)
		case line[0] == '#':
			fmt.Fprintln(&text, line)
		case strings.ContainsRune("+>&*", rune(line[0])) && line[1] == ' ':
			open = true
			fmt.Fprintln(&text, line)
		}
	}
	end()
	if err := os.WriteFile(effectsFile, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLiveRedisSendsTheSameEffects(t *testing.T) {
	needsLive(t)
	redis := startServer(t, *redisFlag, "--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0")
	replica := followAll(t, redis.Addr)
	for infoField(dial(t, redis.Addr).Do("INFO", "replication").text, "slave0") == "" ||
		!strings.Contains(dial(t, redis.Addr).Do("INFO", "replication").text, "state=online") {
		replica.send("REPLCONF", "ACK", 0)
		time.Sleep(20 * time.Millisecond)
	}
	replica.send("REPLCONF", "ACK", 0)
	other := startServer(t, *redisFlag, "--save", "")
	for _, b := range readEffects(t) {
		if got := b.play(t, redis.Addr, replica, other); slices.Equal(got, b.stream) == (b.differs != "") {
			t.Errorf("%s:%d: %s\nredis-server sends\n  %s\nDiskette\n  %s\n%s", effectsFile, b.line, strings.Join(b.steps, "; "),
				strings.Join(got, "\n  "), strings.Join(b.stream, "\n  "), b.differs)
		}
	}
}

// Every command that writes has been thought of.
func TestEveryCommandThatWritesHasAnEffect(t *testing.T) {
	tried := map[string]bool{}
	for _, b := range readEffects(t) {
		for _, step := range b.steps {
			words := strings.Fields(strings.ToLower(step[2:]))
			tried[words[0]] = true
			if len(words) > 1 {
				tried[words[0]+"|"+words[1]] = true
			}
		}
	}
	c := dial(t, startServer(t, subjectBin(t)).Addr)
	n := 0
	for _, v := range c.Do("COMMAND", "LIST", "FILTERBY", "PATTERN", "*").elems {
		name := strings.ToLower(v.text)
		words := []any{"COMMAND", "INFO", name}
		about := c.Do(words...).elems
		if len(about) != 1 || len(about[0].elems) < 3 {
			continue
		}
		for _, flag := range about[0].elems[2].elems {
			if flag.text == "write" {
				n++
				if !tried[name] {
					t.Errorf("no block of %s has %s", effectsFile, name)
				}
			}
		}
	}
	if n < 80 {
		t.Errorf("only %d commands write", n)
	}
}

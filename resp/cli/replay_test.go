package cli

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A replayed server follows the lines of a recording.
type replayed struct {
	port    string
	stopped chan struct{}
	close   func() error
	left    []string // the lines that have not been reached
	loops   bool
	problem error

	mu  sync.Mutex
	end string // the address of the connection that stands behind all of the client's in the listener's queue
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
			if s.isEnd(conn) {
				conn.Close()
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

// finish has the server accept what the client, which has ended, had connected, and waits for its end. A listener that
// is closed forgets connections that it has not accepted yet.
func (s *replayed) finish() {
	s.mu.Lock()
	if conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", s.port)); err == nil { // else it has ended
		s.end = conn.LocalAddr().String()
		defer conn.Close()
	}
	s.mu.Unlock()
	<-s.stopped
}

// isEnd waits for who is connecting in finish to note by which address.
func (s *replayed) isEnd(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return conn.RemoteAddr().String() == s.end
}

func (s *replayed) check(t *testing.T) {
	t.Helper()
	s.finish()
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

package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"diskette/resp/cli/target"
)

// patience bounds the wait for the answers to the first questions.
const patience = 10 * time.Second

// A server is what was found out about it before the tests.
type server struct {
	address          net.Addr
	settings         bool // these two are known
	save, appendOnly string
}

var errClosed = target.Said("Error: Server closed the connection")

func unreachable(where string, err error) error {
	return target.Said(fmt.Sprintf("Could not connect to Redis at %s: %s", where, target.Reason(err)))
}

// open connects.
func (o *options) open() (net.Conn, error) {
	conn, err := o.Dial()
	if err != nil && !errors.As(err, new(target.Said)) {
		err = unreachable(o.Where(), err)
	}
	return conn, err
}

// meet asks the server for the settings that are told with the figures. An error but that it asks for a password, or
// has another, does not matter.
func (r *run) meet() (*server, error) {
	conn, in, err := r.talk()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s := &server{address: conn.RemoteAddr()}
	save, err := r.ask(conn, in, []string{"CONFIG", "GET", "save"})
	if err == nil && len(save) == 2 {
		var appendOnly []string
		if appendOnly, err = r.ask(conn, in, []string{"CONFIG", "GET", "appendonly"}); err == nil && len(appendOnly) == 2 {
			s.settings, s.save, s.appendOnly = true, save[1], appendOnly[1]
		}
	}
	if refused, ok := err.(refusal); err != nil && (!ok || strings.HasPrefix(refused.text, "NOAUTH")) {
		return nil, err
	}
	if !s.settings {
		fmt.Fprintln(r.errors, "WARNING: Could not fetch server CONFIG")
	}
	return s, nil
}

// talk opens a connection for questions before the tests, and logs in.
func (r *run) talk() (net.Conn, *bufio.Reader, error) {
	conn, err := r.open()
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(conn)
	err = conn.SetDeadline(time.Now().Add(patience))
	if err == nil && r.Password != nil {
		_, err = r.ask(conn, in, r.Auth())
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, in, nil
}

// A refusal is an error reply to a question before the tests.
type refusal struct{ node, text string }

func (e refusal) Error() string { return "N" + e.lower()[1:] }

func (e refusal) lower() string {
	return fmt.Sprintf("node %s replied with error:\n%s", e.node, e.text)
}

// ask sends a command and reads its reply, strings or an array of them.
func (r *run) ask(conn net.Conn, in *bufio.Reader, command []string) ([]string, error) {
	if _, err := conn.Write(appendCommand(nil, command)); err != nil {
		return nil, target.Said("Error: " + target.Reason(err))
	}
	words, err := readWords(in)
	if text, ok := err.(serverError); ok {
		return nil, refusal{r.Where(), string(text)}
	}
	if err != nil && !errors.As(err, new(target.Said)) {
		err = target.Said("Error: " + target.Reason(err))
	}
	return words, err
}

// longestAnswer bounds an answer before the tests, bytes and words.
const longestAnswer = 1 << 20

func readWords(in *bufio.Reader) ([]string, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], strings.TrimRight(string(line[1:]), "\r\n")
	switch kind {
	case '+', ':':
		return []string{text}, nil
	case '-':
		return nil, serverError(text)
	case '$', '*':
	default:
		return nil, target.Said(fmt.Sprintf("Error: Protocol error, got %q as reply type byte", line[:1]))
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > longestAnswer {
		return nil, target.Said(fmt.Sprintf("Error: Protocol error, got %q as length", text))
	}
	if kind == '$' {
		p := make([]byte, max(n, 0)+2)
		if n < 0 {
			return []string{""}, nil
		}
		_, err := io.ReadFull(in, p)
		return []string{string(p[:n])}, err
	}
	var words []string
	for range n {
		more, err := readWords(in)
		if err != nil {
			return nil, err
		}
		words = append(words, more...)
	}
	return words, nil
}

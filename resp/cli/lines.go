package cli

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

// A lineReader reads lines, without their ends, until io.EOF. prompt is shown to a person.
type lineReader interface {
	readLine(prompt string) (string, error)
	keep(line string) // in the history
	close()
}

// runLines runs a command a line until the input ends or says quit. A lost server is
// reported and tried again at the next line, and does not end it, as in redis-cli.
func (s *session) runLines() error {
	s.lines = true
	s.typed = isTerminal(s.stdin)
	_ = s.connect() // what failed is printed; the first line tries again
	plain := &plainLines{s: s, in: bufio.NewReader(s.stdin)}
	var in lineReader = plain
	if s.typed {
		s.loadPreferences()
		in = s.openEditor(plain)
	}
	defer in.close()
	for {
		line, err := in.readLine(s.prompt())
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		quit, runErr := s.runLine(line, in.keep)
		if quit || runErr != nil {
			return runErr
		}
		if err != nil {
			return nil
		}
	}
}

// plainLines are lines as they come, from a pipe or from a terminal that can not do more.
type plainLines struct {
	s  *session
	in *bufio.Reader
}

func (p *plainLines) readLine(prompt string) (string, error) {
	if p.s.typed && isTerminal(p.s.out) {
		fmt.Fprint(p.s.out, prompt)
	}
	line, err := p.in.ReadString('\n')
	if err != nil && p.s.typed && isTerminal(p.s.out) {
		fmt.Fprintln(p.s.out)
	}
	return strings.TrimRight(line, "\r\n"), err
}

func (*plainLines) keep(string) {}
func (*plainLines) close()      {}

// runLine obeys one line: a word for redis-cli itself, or a command for the server. A lost
// server is printed and no error.
func (s *session) runLine(line string, keep func(string)) (quit bool, err error) {
	if strings.TrimSpace(line) == "" {
		return false, nil
	}
	args, ok := splitLine(line)
	times, counted := 1, false
	if ok && len(args) > 1 && isNumber(args[0]) { // "5 ping"
		if times, err = strconv.Atoi(args[0]); err != nil || times < 1 {
			fmt.Fprintln(s.out, "Invalid redis-cli repeat command option value.")
			return false, nil
		}
		args, counted = args[1:], true
	}
	if !holdsPassword(line, args) {
		keep(line)
	}
	if !ok {
		fmt.Fprintln(s.out, "Invalid argument(s)")
		return false, nil
	}
	if !counted {
		if done, quit := s.obey(args); done {
			return quit, nil
		}
	}
	start := time.Now()
	err = s.repeatedly(times, func() error { return s.runConnected(args) })
	if slow := 500 * time.Millisecond; s.form == outputPretty && time.Since(start) >= slow {
		fmt.Fprintf(s.out, "(%.2fs)\n", time.Since(start).Seconds())
	}
	switch {
	case err == nil || errors.Is(err, errNoServer):
		return false, nil
	case errors.As(err, new(errSaid)):
		fmt.Fprintln(s.err, err)
		s.disconnect()
		return false, nil
	case !isLost(err):
		return false, err
	}
	s.disconnect()
	fmt.Fprintf(s.err, "Error: %s\n", target.Reason(err))
	return false, nil
}

// obey does what a line asks of redis-cli itself. done = false: it is a command for the server.
func (s *session) obey(args []string) (done, quit bool) {
	switch word := strings.ToLower(args[0]); {
	case word == "quit" || word == "exit":
		return true, true
	case isHelp(word):
		s.help(args[1:])
	case word[:min(1, len(word))] == ":":
		s.preferences.obey(args, s, "")
	case word == "restart":
		fmt.Fprintln(s.out, "Use 'restart' only in Lua debugging mode.")
	case word == "clear" && len(args) == 1:
		fmt.Fprint(s.out, "\x1b[H\x1b[2J")
	case word == "connect" && len(args) == 3:
		s.Socket, s.Host, s.Port = "", args[1], args[2]
		_ = s.connect() // what failed is printed
	default:
		return false, false
	}
	return true, false
}

func isNumber(word string) bool {
	digits := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "+")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// runConnected runs a command, on a new connection if the old one has been lost: a server
// closes those that idle longer than its timeout.
func (s *session) runConnected(command []string) error {
	fresh := s.conn == nil
	if fresh {
		if err := s.connect(); err != nil {
			return err
		}
	}
	err := s.run(command)
	if err == nil || fresh || !isLost(err) || isStream(command[0]) {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	return s.run(command)
}

// isLost reports whether an error means that the connection is gone.
func isLost(err error) bool {
	var broken *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &broken)
}

func (s *session) prompt() string {
	if s.conn == nil {
		return "not connected> "
	}
	text := net.JoinHostPort(s.Host, s.Port)
	if s.Socket != "" {
		text = "redis " + s.Socket
	}
	if s.DB != 0 {
		text += "[" + strconv.Itoa(s.DB) + "]"
	}
	if s.inMulti {
		text += "(TX)"
	}
	return text + "> "
}

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// A session talks to one server and prints what it says.
type session struct {
	*options
	out, err   io.Writer
	pretty     bool
	showPushes bool

	conn    net.Conn // nil = not connected
	in      *bufio.Reader
	inMulti bool
}

// connectTimeout bounds the wait for a server that does not answer the connect.
const connectTimeout = 30 * time.Second

var (
	errErrorReply = errors.New("the server answered with an error") // which has been printed
	errNoServer   = errors.New("not connected")                     // the reason has been printed
)

// connect dials, authenticates, and selects database and protocol. That one of these is
// refused is printed and no error, as in redis-cli: the command's own reply will tell.
func (s *session) connect() error {
	s.disconnect()
	network, address := "tcp", net.JoinHostPort(s.host, s.port)
	if s.socket != "" {
		network, address = "unix", s.socket
	}
	conn, err := net.DialTimeout(network, address, connectTimeout)
	if err != nil {
		fmt.Fprintf(s.err, "Could not connect to Redis at %s: %s\n", s.where(), reason(err))
		return errNoServer
	}
	s.conn, s.in = conn, bufio.NewReader(conn)
	return s.greet()
}

func (s *session) greet() error {
	var steps [][]string
	if s.password != nil && s.user != "" {
		steps = append(steps, []string{"AUTH", s.user, *s.password})
	} else if s.password != nil {
		steps = append(steps, []string{"AUTH", *s.password})
	}
	if s.db != 0 {
		steps = append(steps, []string{"SELECT", strconv.Itoa(s.db)})
	}
	if s.resp3 {
		steps = append(steps, []string{"HELLO", "3"})
	}
	for _, step := range steps {
		r, err := s.ask(step)
		if err != nil {
			s.disconnect()
			fmt.Fprintf(s.err, "Error: %s\n", reason(err))
			return errNoServer
		}
		if r.kind == '-' {
			what := step[0]
			if what != "AUTH" { // a password is not repeated
				what += " " + step[1]
			}
			fmt.Fprintf(s.err, "%s failed: %s\n", what, r.text)
		}
	}
	return nil
}

func (s *session) disconnect() {
	if s.conn != nil {
		s.conn.Close()
		s.conn, s.inMulti = nil, false
	}
}

// where is the server's address as messages and the prompt show it.
func (s *session) where() string {
	if s.socket != "" {
		return s.socket
	}
	return s.host + ":" + s.port
}

// ask sends a command and returns its reply. Out-of-band messages before it are shown.
func (s *session) ask(command []string) (reply, error) {
	if _, err := s.conn.Write(appendCommand(nil, command)); err != nil {
		return reply{}, err
	}
	answersByPush := strings.HasSuffix(strings.ToLower(command[0]), "subscribe")
	for {
		r, err := readReply(s.in)
		if err != nil || r.kind != '>' || answersByPush {
			return r, err
		}
		if s.showPushes {
			s.printPush(r)
		}
	}
}

// run sends a command and prints the reply; after MONITOR or SUBSCRIBE, all that follows.
// errErrorReply is returned only if the options ask for it.
func (s *session) run(command []string) error {
	r, err := s.ask(command)
	if err != nil {
		if strings.EqualFold(command[0], "shutdown") && errors.Is(err, io.EOF) {
			s.disconnect()
			return nil
		}
		return err
	}
	streams := r.kind != '-' && isStream(command[0])
	if streams && s.pretty && !strings.EqualFold(command[0], "monitor") {
		fmt.Fprintln(s.out, "Reading messages... (press Ctrl-C to quit)")
	}
	s.track(command, r)
	if err := s.print(command, r); err != nil {
		return err
	}
	for streams {
		if r, err = readReply(s.in); err != nil {
			return err
		}
		if err := s.print(command, r); err != nil {
			return err
		}
	}
	return nil
}

func isStream(command string) bool {
	switch strings.ToLower(command) {
	case "monitor", "subscribe", "psubscribe", "ssubscribe":
		return true
	}
	return false
}

// track follows what the prompt shows and a new connection must restore.
func (s *session) track(command []string, r reply) {
	if r.kind == '-' {
		if strings.EqualFold(command[0], "exec") { // discarded by it
			s.inMulti = false
		}
		return
	}
	switch name := strings.ToLower(command[0]); {
	case name == "multi":
		s.inMulti = true
	case name == "exec" || name == "discard":
		s.inMulti = false
	case name == "reset":
		s.inMulti, s.db, s.resp3 = false, 0, false
	case s.inMulti: // only queued
	case name == "select" && len(command) == 2:
		s.db, _ = strconv.Atoi(command[1])
	case name == "hello" && len(command) > 1:
		s.resp3 = command[1] == "3"
	}
}

func (s *session) print(command []string, r reply) error {
	if r.kind == '-' && s.exitOnError {
		fmt.Fprintf(s.err, "%s\n", r.text)
		return errErrorReply
	}
	var b []byte
	switch {
	case isReport(command):
		b = appendRaw(b, r, s.itemDelimiter)
	case s.pretty:
		b = appendPretty(b, r, "")
	default:
		b = append(appendRaw(b, r, s.itemDelimiter), s.delimiter...)
	}
	_, err := s.out.Write(b)
	return err
}

// isReport reports whether the reply is a text for people, which is shown as it is.
func isReport(command []string) bool {
	name := strings.ToLower(command[0])
	if name == "info" || name == "lolwut" {
		return true
	}
	if len(command) < 2 {
		return false
	}
	switch name + " " + strings.ToLower(command[1]) {
	case "client list", "client info", "cluster info", "cluster nodes", "debug htstats", "debug htstats-key",
		"latency doctor", "memory doctor", "memory malloc-stats", "proxy info":
		return true
	}
	return false
}

// printPush shows a message that answers no command.
func (s *session) printPush(r reply) {
	var b []byte
	switch {
	case !s.pretty:
		b = append(appendRaw(b, r, s.itemDelimiter), '\n')
	case len(r.items) == 2 && string(r.items[0].text) == "invalidate" && r.items[1].kind == '*':
		b = append(b, "-> invalidate: "...)
		for i, key := range r.items[1].items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = fmt.Appendf(b, "'%s'", key.text)
		}
		b = append(b, '\n')
	default:
		b = appendPretty(b, r, "")
	}
	s.out.Write(b)
}

// reason is an error's cause in redis-cli's words.
func reason(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case errors.Is(err, io.EOF):
		return "Server closed the connection"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Name or service not known"
	case errors.As(err, &dns):
		return dns.Error()
	case errors.As(err, &errno):
		text := errno.Error()
		_, n := utf8.DecodeRuneInString(text)
		return strings.ToUpper(text[:n]) + text[n:]
	}
	return err.Error()
}

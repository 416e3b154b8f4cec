package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"diskette/resp/cli/target"
)

// A session talks to one server and prints what it says.
type session struct {
	*options
	stdin      io.Reader
	out, err   io.Writer
	form       outputMode
	showPushes bool
	lines      bool // commands come a line at a time
	typed      bool // and from a person's terminal

	conn    net.Conn // nil = not connected
	in      *bufio.Reader
	inMulti bool

	docs        *documents // nil = not asked for yet
	preferences preferences
}

func newSession(o *options, stdin io.Reader, out, err io.Writer) *session {
	s := &session{options: o, stdin: stdin, out: out, err: err, form: outputRaw, showPushes: isTerminal(out)}
	if isTerminal(out) {
		s.form = outputPretty
	}
	if o.output != nil {
		s.form = *o.output
	}
	if o.showPushes != nil {
		s.showPushes = *o.showPushes
	}
	return s
}

var (
	errErrorReply = errors.New("the server answered with an error") // which has been printed
	errNoServer   = errors.New("not connected")                     // the reason has been printed
)

// connect dials, authenticates, and selects database and protocol. That one of these is
// refused is printed and no error, as in redis-cli: the command's own reply will tell.
func (s *session) connect() error {
	if err := s.dial(); err != nil {
		fmt.Fprintf(s.err, "Could not connect to Redis at %s: %s\n", s.Where(), target.Reason(err))
		return errNoServer
	}
	return s.greet()
}

func (s *session) dial() error {
	s.disconnect()
	conn, err := s.Dial()
	if err != nil {
		return err
	}
	s.conn, s.in = conn, bufio.NewReader(conn)
	return nil
}

func (s *session) greet() error {
	var steps [][]string
	if s.Password != nil {
		steps = append(steps, s.Auth())
	}
	if s.DB != 0 {
		steps = append(steps, []string{"SELECT", strconv.Itoa(s.DB)})
	}
	if s.resp3 {
		steps = append(steps, []string{"HELLO", "3"})
	}
	for _, step := range steps {
		r, err := s.ask(step)
		if err != nil {
			s.disconnect()
			fmt.Fprintf(s.err, "Error: %s\n", target.Reason(err))
			return errNoServer
		}
		if r.kind == '-' && !(step[0] == "HELLO" && s.quietRESP3) {
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

// ask sends a command and returns its reply. Out-of-band messages before it are shown.
func (s *session) ask(command []string) (reply, error) {
	if _, err := s.conn.Write(appendCommand(nil, command)); err != nil {
		return reply{}, err
	}
	return s.answer(strings.HasSuffix(strings.ToLower(command[0]), "subscribe"))
}

// askAll sends commands in one go and returns their replies.
func (s *session) askAll(commands [][]string) ([]reply, error) {
	var b []byte
	for _, command := range commands {
		b = appendCommand(b, command)
	}
	sent := make(chan error, 1)
	go func(conn net.Conn) { // replies are read meanwhile: neither side's buffer fills up
		_, err := conn.Write(b)
		sent <- err
	}(s.conn)
	var replies []reply
	for range commands {
		r, err := s.answer(false)
		if err != nil {
			s.conn.Close()
			<-sent
			return nil, err
		}
		replies = append(replies, r)
	}
	return replies, <-sent
}

// answer reads the reply to what has been sent. answersByPush: an out-of-band message is the reply.
func (s *session) answer(answersByPush bool) (reply, error) {
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
	switch word := strings.ToLower(command[0]); {
	case isStream(word):
		return s.stream(command)
	case word == "sync" || word == "psync":
		fmt.Fprintln(s.out, "Entering replica output mode...  (press Ctrl-C to quit)")
		return s.replica()
	}
	r, err := s.askAround(command)
	if err != nil {
		if strings.EqualFold(command[0], "shutdown") && errors.Is(err, io.EOF) {
			s.disconnect()
			return nil
		}
		return err
	}
	s.track(command, r)
	return s.print(command, r)
}

// mostRedirections bounds how often one command is sent on: a cluster that is changing needs a few.
const mostRedirections = 16

// askAround is ask that with -c goes where a cluster's redirections lead.
func (s *session) askAround(command []string) (reply, error) {
	r, err := s.ask(command)
	for n := 0; n < mostRedirections && err == nil && s.cluster && r.kind == '-'; n++ {
		words := strings.Fields(string(r.text))
		if len(words) != 3 || words[0] != "MOVED" && words[0] != "ASK" {
			break
		}
		colon := strings.LastIndexByte(words[2], ':')
		if colon < 0 {
			break
		}
		if host := words[2][:colon]; host != "" { // none = the same host
			s.Host = host
		}
		s.Port, s.Socket = words[2][colon+1:], ""
		if s.lines {
			fmt.Fprintf(s.out, "-> Redirected to slot [%s] located at %s\n", words[1], s.Where())
		}
		if err := s.connect(); err != nil {
			return reply{}, err
		}
		if words[0] == "ASK" {
			if _, err := s.ask([]string{"ASKING"}); err != nil {
				return reply{}, err
			}
		}
		r, err = s.ask(command)
	}
	return r, err
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
		s.inMulti, s.DB, s.resp3 = false, 0, false
	case s.inMulti: // only queued
	case name == "select" && len(command) == 2:
		s.DB, _ = strconv.Atoi(command[1])
	case name == "hello" && len(command) > 1:
		s.resp3 = command[1] == "3"
	}
}

func (s *session) print(command []string, r reply) error {
	if r.kind == '-' && s.exitOnError && !s.lines {
		fmt.Fprintf(s.err, "%s\n", r.text)
		return errErrorReply
	}
	var b []byte
	if isReport(command) {
		b = appendRaw(b, r, s.itemDelimiter)
	} else {
		b = s.append(b, r)
	}
	_, err := s.out.Write(b)
	return err
}

// append appends a reply as the options ask for it.
func (s *session) append(b []byte, r reply) []byte {
	switch s.form {
	case outputPretty:
		return appendPretty(b, r, "")
	case outputCSV:
		return append(appendCSV(b, r), '\n')
	case outputJSON, outputQuotedJSON:
		return append(appendJSON(b, r, s.form == outputQuotedJSON), '\n')
	}
	return append(appendRaw(b, r, s.itemDelimiter), s.delimiter...)
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
		"latency doctor", "latency graph", "memory doctor", "memory malloc-stats", "proxy info":
		return true
	}
	return false
}

// printPush shows a message that answers no command.
func (s *session) printPush(r reply) {
	var b []byte
	switch {
	case s.form != outputPretty:
		b = s.append(b, r)
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

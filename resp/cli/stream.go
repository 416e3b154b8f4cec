package cli

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
)

func isStream(command string) bool {
	switch strings.ToLower(command) {
	case "monitor", "subscribe", "psubscribe", "ssubscribe":
		return true
	}
	return false
}

// stream sends a command after which the server goes on talking, and prints all that it says, until the connection
// ends. If the command was typed, Ctrl-C ends it and the next command finds a new connection; elsewhere, Ctrl-C ends
// the program.
func (s *session) stream(command []string) error {
	monitor := strings.EqualFold(command[0], "monitor")
	if s.form == outputPretty && !monitor {
		fmt.Fprintln(s.out, "Reading messages... (press Ctrl-C to quit)")
	}
	left := func() bool { return false }
	if s.typed {
		var done func()
		left, done = s.untilInterrupted()
		defer done()
	}
	r, err := s.ask(command)
	for err == nil {
		if r.kind == '-' {
			s.track(command, r)
			return s.print(command, r)
		}
		if err := s.print(command, r); err != nil {
			return err
		}
		r, err = readReply(s.in)
	}
	if left() {
		fmt.Fprintln(s.out)
		return s.connect()
	}
	return err
}

// untilInterrupted closes the connection at Ctrl-C, so that what reads from it ends. left tells whether that happened,
// and done gives Ctrl-C its old meaning.
func (s *session) untilInterrupted() (left func() bool, done func()) {
	interrupts, ended := make(chan os.Signal, 1), make(chan struct{})
	var interrupted atomic.Bool
	conn := s.conn
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		select {
		case <-interrupts:
			interrupted.Store(true)
			conn.Close()
		case <-ended:
		}
	}()
	return interrupted.Load, func() {
		signal.Stop(interrupts)
		close(ended)
	}
}

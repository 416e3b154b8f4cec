package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// pipeAll sends the input as it is, while the replies are read and counted. An ECHO of a
// random word marks the end: its reply comes after all others.
func (s *session) pipeAll() error {
	mark := []byte(rand.Text()[:20]) // redis-cli's is as long
	c := &replyCount{done: make(chan struct{})}
	go c.read(s, mark)

	err := s.sendAll(s.stdin, mark)
	if err == nil {
		fmt.Fprintln(s.out, "All data transferred. Waiting for the last reply...")
		c.allSent.Store(true)
		s.extendDeadline()
	} else {
		s.conn.Close() // ends the reading
	}
	<-c.done
	if c.err == nil {
		fmt.Fprintln(s.out, "Last reply received from server.")
	} else if err == nil {
		err = c.err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("No replies for %g seconds: exiting.", s.pipeGrace.Seconds())
	}
	fmt.Fprintf(s.out, "errors: %d, replies: %d\n", c.failures, c.replies)
	if err == nil && c.failures > 0 {
		err = errErrorReply
	}
	return err
}

func (s *session) sendAll(stdin io.Reader, mark []byte) error {
	if _, err := io.Copy(s.conn, stdin); err != nil {
		return err
	}
	// The line's end completes an inline command that has none.
	_, err := s.conn.Write(appendCommand([]byte("\r\n"), []string{"ECHO", string(mark)}))
	return err
}

// extendDeadline gives the server the full grace for its next reply.
func (s *session) extendDeadline() {
	if s.pipeGrace > 0 {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.pipeGrace)) // if it is closed, the read says so
	}
}

// A replyCount is what --pipe knows of the replies. All but allSent is the reader's until
// done is closed.
type replyCount struct {
	allSent           atomic.Bool
	done              chan struct{}
	replies, failures int
	err               error
}

// read counts replies, without that to the mark, which ends it.
func (c *replyCount) read(s *session, mark []byte) {
	defer close(c.done)
	for {
		r, err := readReply(s.in)
		switch {
		case err != nil:
			c.err = err
			return
		case r.kind == '$' && bytes.Equal(r.text, mark):
			return
		case r.kind == '>':
			continue
		case r.kind == '-':
			c.failures++
			fmt.Fprintf(s.err, "%s\n", r.text)
		}
		c.replies++
		if c.allSent.Load() {
			s.extendDeadline()
		}
	}
}

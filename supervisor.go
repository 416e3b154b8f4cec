package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// A supervisor is the service manager that has started the server, as supervised says: systemd wants to be told when
// the server is ready (sd_notify's protocol), Upstart wants it to stop itself then and goes on with it.
type supervisor struct {
	by      string // systemd or upstart; "" = nobody
	missing string // what the configuration asks for, and is not there; "" = nothing
	socket  string // systemd's
	ready   chan struct{}
	told    sync.Once
}

// supervisorOf finds it. environment is os.Getenv. As with Redis, a manager that is not there is no error.
func supervisorOf(asked string, environment func(string) string) *supervisor {
	s := &supervisor{ready: make(chan struct{})}
	job, socket := environment("UPSTART_JOB"), environment("NOTIFY_SOCKET")
	switch {
	case (asked == "upstart" || asked == "auto") && job != "":
		s.by = "upstart"
	case (asked == "systemd" || asked == "auto") && socket != "":
		s.by, s.socket = "systemd", socket
	case asked == "upstart":
		s.missing = "supervised upstart, but UPSTART_JOB is not set: nobody is told when the server is ready"
	case asked == "systemd":
		s.missing = "supervised systemd, but NOTIFY_SOCKET is not set: nobody is told when the server is ready"
	}
	return s
}

// longer is for how much longer than now systemd is asked to wait while the server starts, and how often.
const (
	longer      = time.Minute
	longerEvery = 15 * time.Second
)

// starting tells the manager that the server is at work. An import or a recovery may take longer than systemd waits
// for a service (90 s): it would be killed, and begin anew.
func (s *supervisor) starting(log logger) {
	if s.by != "systemd" {
		return
	}
	s.tell(log, "STATUS=Loading ...")
	go func() {
		tick := time.NewTicker(longerEvery)
		defer tick.Stop()
		for {
			s.tell(log, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", longer.Microseconds()))
			select {
			case <-s.ready:
				return
			case <-tick.C:
			}
		}
	}()
}

// isReady tells the manager that clients are served.
func (s *supervisor) isReady(log logger) {
	s.told.Do(func() { close(s.ready) })
	switch s.by {
	case "systemd":
		s.tell(log, "STATUS=Ready to accept connections\nREADY=1")
	case "upstart":
		_ = stopSelf() // SIGSTOP can not fail where there is Upstart
	}
}

// stopping tells the manager that the server ends.
func (s *supervisor) stopping(log logger) {
	s.told.Do(func() { close(s.ready) })
	if s.by == "systemd" {
		s.tell(log, "STOPPING=1")
	}
}

func (s *supervisor) tell(log logger, text string) {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"}) // @ = without a file
	if err == nil {
		_, err = conn.Write([]byte(text + "\n"))
		conn.Close()
	}
	if err != nil {
		log.Warn().Err(err).Str("socket", s.socket).Msg("the service manager can not be told: " + strings.ReplaceAll(text, "\n", ", "))
	}
}

// readyLine is what Redis says of a kind of listeners once it is ready: programs that start a server wait for these
// words in its output, some of them with all that stands before.
func readyLine(kind string, now time.Time) string {
	return fmt.Sprintf("%d:M %s * Ready to accept connections %s", os.Getpid(), now.Format("02 Jan 2006 15:04:05.000"), kind)
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	settleStep  = 50 * time.Millisecond
	settleBusy  = 0.05            // of a core: less is quiet
	settleLimit = 2 * time.Minute // write-back begins 4 s after a change, and has then much to do
)

// settle waits until the server has paid for what it put off: it has used next to nothing of a core for as long as
// quiet, and says that it owes nothing. Either alone is not enough: write-back begins seconds after the last command,
// and on a loaded machine a server that waits for a processor looks quiet. It gives up after settleLimit.
func settle(ctx context.Context, s *server, quiet time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, fmt.Errorf("%s is still busy %s after its load ended", s.label, settleLimit))
	defer cancel()
	for {
		if err := s.calm(ctx, quiet); err != nil {
			return err
		}
		owes, err := s.owes()
		if err != nil || !owes {
			return err
		}
	}
}

// calm waits until the server has used next to nothing of a core for as long as quiet.
func (s *server) calm(ctx context.Context, quiet time.Duration) error {
	since := time.Now() // when the quiet began
	looked := since     // when the clock was last read
	last, err := serverCPU(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	for time.Since(since) < quiet {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(settleStep):
		}
		used, err := serverCPU(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		now := time.Now()
		if float64(used-last) > settleBusy*float64(now.Sub(looked)) {
			since = now
		}
		last, looked = used, now
	}
	return nil
}

// owes asks the server whether there is work that it has put off.
func (s *server) owes() (bool, error) {
	c, err := s.dial()
	if err != nil {
		return false, err
	}
	defer c.Close()
	for _, section := range []string{"persistence", "diskette"} { // an unknown section is an empty one
		info, err := redis.String(c.Do("INFO", section))
		if err != nil {
			return false, fmt.Errorf("INFO of %s: %w", s.label, err)
		}
		if owedByInfo(info) {
			return true, nil
		}
	}
	return false, nil
}

// owedByInfo looks for a rewrite of Redis's append-only file, and for records that Diskette's tables do not have.
func owedByInfo(info string) bool {
	for line := range strings.Lines(info) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch field {
		case "aof_rewrite_in_progress", "aof_rewrite_scheduled", "unapplied_records":
			if value != "0" {
				return true
			}
		}
	}
	return false
}

// hurry has Diskette write back at once what it would put off for seconds. Redis's BGREWRITEAOF is other work.
func (s *server) hurry() error {
	if s.label != "diskette" {
		return nil
	}
	return s.bgrewriteaof()
}

func (s *server) bgrewriteaof() error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do("BGREWRITEAOF")
	return err
}

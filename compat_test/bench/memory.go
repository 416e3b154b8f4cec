package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// resident is the group of the README's table of memory: what a key costs of a server's resident memory. Empty is
// without any, so that a difference of two rows is the keys' own.
func resident() group {
	return group{name: "memory", appendfsync: "everysec", cases: []benchCase{{"memory", runMemory}}}
}

// keyCost is what a small key in memory may cost, in what it costs Redis.
const keyCost = 1.5

func runMemory(ctx context.Context, cfg config, p pair, rep *report) error {
	few, many := min(fewKeys, cfg.size.manyKeys/5), cfg.size.manyKeys/5
	var empty, written, hot fact
	nothing := func(*server) error { return nil }
	for _, step := range []struct {
		title  string
		do     func(s *server) error
		into   *fact
		atOnce bool // the server is not left alone before
	}{
		{title: "without a key", into: &empty, do: nothing},
		{title: grouped(few) + " small keys, just written", atOnce: true, do: func(s *server) error {
			return write(ctx, s, few, smallValue)
		}},
		{title: grouped(few) + " small keys in memory", do: nothing},
		{title: grouped(many) + " small keys, just written", atOnce: true, into: &written, do: func(s *server) error {
			return write(ctx, s, many, smallValue)
		}},
		{title: grouped(many) + " small keys in memory", into: &hot, do: nothing},
		{title: "the same after " + grouped(many/2) + " GETs", do: func(s *server) error {
			_, err := generate(ctx, s, load{test: "get", connections: 50, pipeline: 16, requests: many / 2, keys: many, valueBytes: smallValue})
			return err
		}},
		{title: "the same, unused for longer than hot-idle", do: func(s *server) error { return s.idle(p, cfg.size.hotIdle) }},
		{title: "the same, started anew", do: func(s *server) error { return s.restart(ctx) }},
	} {
		f := fact{Case: "memory", Title: "RSS, " + step.title, Unit: "MB"}
		for _, s := range p.each() {
			if err := step.do(s); err != nil {
				return err
			}
			rest := cfg.size.atRest
			if step.atOnce {
				rest = 0
			}
			rss, err := s.resident(ctx, rest)
			if err != nil {
				return err
			}
			progress("memory: %s, %s: %.1f MB", s.label, step.title, megabytes(rss))
			if s == p.subject {
				f.Diskette = megabytes(rss)
			} else {
				f.Redis = megabytes(rss)
			}
		}
		if step.into != nil {
			*step.into = f
		}
		rep.Facts = append(rep.Facts, f)
	}
	each := func(with, without float64) float64 { return (with - without) * (1 << 20) / float64(many) }
	for _, of := range []struct {
		when string
		keys fact
	}{{"just written", written}, {"at rest", hot}} {
		f := fact{Case: "memory", Title: "RSS for each of these keys, 16 bytes and a value of 100, " + of.when, Unit: "bytes",
			Diskette: each(of.keys.Diskette, empty.Diskette), Redis: each(of.keys.Redis, empty.Redis)}
		if of.keys.Title == hot.Title {
			f.AtMost = keyCost * f.Redis
		}
		rep.Facts = append(rep.Facts, f)
	}
	return nil
}

// resident is a server's resident memory once it has rested, in the full form for longer than it keeps its buffers for
// the next burst of writes; 0 = at once.
func (s *server) resident(ctx context.Context, rest time.Duration) (int64, error) {
	if rest > 0 {
		if err := settle(ctx, s, rest); err != nil {
			return 0, err
		}
	}
	m, err := serverMemory(s.cmd.Process.Pid)
	return m.now, err
}

// idle lets the subject take its keys for unused: resident then waits for longer than that.
func (s *server) idle(p pair, hotIdle string) error {
	if s != p.subject {
		return nil
	}
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("CONFIG", "SET", "hot-idle", hotIdle); err != nil {
		return fmt.Errorf("CONFIG SET hot-idle: %w", err)
	}
	return nil
}

// restart ends the server as a service is ended, and starts it on its data.
func (s *server) restart(ctx context.Context) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	_, _ = c.Do("SHUTDOWN") // the connection ends with the server
	select {
	case <-s.exited:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New(s.label + " does not end at SHUTDOWN")
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.waitReady(ctx)
}

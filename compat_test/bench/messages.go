package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	locks       = 100_000 // keys that the lock script takes and gives back
	tracked     = 10_000  // keys whose readers are tracked
	subscribers = 100
	channel     = "news"

	// lockScript takes the lock if it is free, and gives it back, compare and delete, if it is the caller's.
	lockScript = `local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then return redis.call('DEL', KEYS[1]) end
if held then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 30000)
return 1`
)

// messages is the cases on scripts, publish and subscribe, and client-side caching. The
// subscribers read in this process, for both servers alike.
func messages() group {
	g := group{name: "messages", appendfsync: "everysec", keys: tracked, valueBytes: smallValue}
	g.prepare = func(ctx context.Context, s *server) error {
		if err := loadScript(s); err != nil {
			return err
		}
		return s.subscribe(ctx)
	}
	sum := sha1.Sum([]byte(lockScript))
	g.add("evalsha-50", "EVALSHA of a lock, taken or compared and deleted, 50 connections",
		load{command: []string{"EVALSHA", hex.EncodeToString(sum[:]), "1", "lock:" + digits, "token"}, connections: 50, pipeline: 1, requests: 150_000, keys: locks},
		target{Throughput: 0.4})
	g.add("publish-50", "PUBLISH to 100 subscribers, 50 connections",
		load{command: []string{"PUBLISH", channel, element}, connections: 50, pipeline: 1, requests: 15_000, keys: 1}, target{Throughput: 0.8})
	g.cases = append(g.cases, benchCase{"tracking-50", runTracking})
	return g
}

// newcomerPeriod is how often a client connects in the cases of unheard.
const newcomerPeriod = 400 * time.Millisecond

// unheard is the cases on messages that nobody listens to while new clients come, each of which
// might be about to subscribe.
func unheard() group {
	g := group{name: "unheard", appendfsync: "everysec", keys: fewKeys, valueBytes: smallValue}
	g.prepare = func(_ context.Context, s *server) error {
		c, err := s.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Do("CONFIG", "SET", "notify-keyspace-events", "KEA")
		return err
	}
	g.add("publish-unheard-50", "PUBLISH to nobody, 50 connections, a new client every 0.4 s",
		load{command: []string{"PUBLISH", channel, element}, connections: 50, pipeline: 1, requests: 200_000, keys: 1, newcomers: newcomerPeriod}, fifty)
	g.add("set-unheard-50", "SET with events for nobody, 50 connections, a new client every 0.4 s",
		load{test: "set", connections: 50, pipeline: 1, requests: 200_000, newcomers: newcomerPeriod}, fifty)
	return g
}

// receive lets a client connect every now and then, until ctx ends, and stay until the next one does.
func (s *server) receive(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last redis.Conn
	for {
		c, err := s.dial()
		if err == nil {
			_, err = c.Do("PING")
		}
		if last != nil {
			last.Close()
		}
		if last = c; err != nil {
			return fmt.Errorf("a new client of %s: %w", s.label, err)
		}
		select {
		case <-ctx.Done():
			return c.Close()
		case <-tick.C:
		}
	}
}

func loadScript(s *server) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do("SCRIPT", "LOAD", lockScript)
	return err
}

// subscribe opens the subscribers' connections, which read until ctx ends or the server does.
func (s *server) subscribe(ctx context.Context) error {
	for range subscribers {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { c.Close() })
		if _, err := fmt.Fprintf(c, "SUBSCRIBE %s\r\n", channel); err != nil {
			return err
		}
		r := bufio.NewReaderSize(c, 64<<10)
		if _, err := r.Peek(1); err != nil {
			return fmt.Errorf("subscribe to %s: %w", s.label, err)
		}
		go io.Copy(io.Discard, r)
	}
	return nil
}

// runTracking reads keys from connections that are told when they change, and from ones that are not.
func runTracking(ctx context.Context, cfg config, p pair, rep *report) error {
	plain := load{test: "get", connections: 50, pipeline: 1, requests: 200_000, keys: tracked, valueBytes: smallValue}.scaled(cfg.size.requests)
	told := plain
	told.tracking = true
	if err := compare(ctx, p, rep, "tracking-off", "GET of 10,000 keys, 50 connections", plain, cfg.rounds, fifty); err != nil {
		return err
	}
	if err := compare(ctx, p, rep, "tracking-on", "the same, with client tracking", told, cfg.rounds, fifty); err != nil {
		return err
	}
	rep.compareLast("tracking", "GETs with 10,000 keys tracked / without", 0.8)
	return nil
}

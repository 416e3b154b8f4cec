package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The steady cases ask how long the slowest of many requests take, by a load whose rate does not depend on the answers
// (steady_loop.go). Of each mix the highest rate of each server comes first, by connections that wait for replies; then
// both get a half and four fifths of Redis's, in turns. In the middle of each turn Redis rewrites its append-only file;
// what Diskette does instead, write-back and checkpoints, it does all along.

const (
	steadyConnections = 50
	steadyProbe       = 10 // the highest rate is looked for in this part of the time that a rate runs
	steadyTurns       = 5  // at most: into so many the time is cut, so that a machine that slows down slows both
	steadyHeld        = 0.99
)

// steadyShares are parts of Redis's highest rate.
var steadyShares = []float64{0.5, 0.8}

// steadyMaxMemory is Diskette's maxmemory for a fifth of the keys.
func steadyMaxMemory(keys int) []string {
	return maxMemory(max(keys*steadyKeyBytes/5>>20, 4))
}

// steadyKeyBytes is what memory takes for a key and its value of 100 bytes.
const steadyKeyBytes = 221

// steadyMix is a case: what is asked, and what else goes on meanwhile.
type steadyMix struct {
	name, title string
	request     func(sz size, b []byte, i int) []byte // appends the i-th request
	beside      func(ctx context.Context, s *server, sz size) error
}

// steadies are the groups of the cases; each has servers of its own.
func steadies(sz size) []group {
	each := func(m steadyMix, args ...string) group {
		return group{name: "steady", appendfsync: "everysec", subjectArgs: args, keys: sz.steadyKeys, valueBytes: smallValue,
			cases: []benchCase{{m.name, m.run}}}
	}
	of := "SET:GET 1:1, " + grouped(sz.steadyKeys) + " keys"
	return []group{
		each(steadyMix{name: "steady-memory", title: of, request: steadySETGET}),
		each(steadyMix{name: "steady-disk", title: of + ", four fifths of Diskette's on disk", request: steadySETGET}, steadyMaxMemory(sz.steadyKeys)...),
		each(steadyMix{name: "steady-expire", title: "SET EX 5 of new keys", request: steadyExpiring}),
		each(steadyMix{name: "steady-beside", title: of + ", large collections and imports beside", request: steadySETGET, beside: steadyBeside}),
	}
}

// steady is what a server showed at a rate, over all turns.
type steady struct {
	Highest      float64 `json:"highest_per_second"` // by connections that wait for their replies
	Achieved     float64 `json:"achieved_per_second"`
	P50Millis    float64 `json:"p50_ms"` // from the moment that a request was planned for
	P99Millis    float64 `json:"p99_ms"`
	P999Millis   float64 `json:"p99_9_ms"`
	MaxMillis    float64 `json:"max_ms"`
	LateP999     float64 `json:"load_late_p99_9_ms"` // how late the load itself was
	LateMax      float64 `json:"load_late_max_ms"`
	ServerMicros float64 `json:"server_cpu_us_per_command_during"`
}

// steadyRow is a case at a rate.
type steadyRow struct {
	Name     string  `json:"name"`
	Title    string  `json:"title"`
	Rate     float64 `json:"rate_per_second"`
	Seconds  float64 `json:"seconds"`
	Redis    steady  `json:"redis"`
	Diskette steady  `json:"diskette"`
}

// held reports whether a server kept up with the rate.
func (r steadyRow) held(s steady) bool { return s.Achieved >= steadyHeld*r.Rate }

func (m steadyMix) run(ctx context.Context, cfg config, p pair, rep *report) error {
	l := &steadyLoad{connections: steadyConnections}
	l.request = func(b []byte, i int) []byte { return m.request(cfg.size, b, i) }
	highest := map[*server]float64{}
	for _, s := range p.each() {
		l.rate, l.time = 0, cfg.size.steady/steadyProbe
		got, err := m.turn(ctx, cfg.size, s, l, nil)
		if err != nil {
			return err
		}
		highest[s] = got.achieved()
		progress("%s %s: %.0f/s at most", m.name, s.label, highest[s])
	}
	for _, share := range steadyShares {
		r := steadyRow{Name: fmt.Sprintf("%s-%.0f", m.name, 100*share), Title: m.title, Rate: share * highest[p.reference],
			Seconds: cfg.size.steady.Seconds()}
		turns := min(cfg.rounds, steadyTurns)
		l.rate, l.time = r.Rate, cfg.size.steady/time.Duration(turns)
		all := map[*server]*steadyResult{p.reference: newSteadyResult(), p.subject: newSteadyResult()}
		for turn := range turns {
			for _, s := range p.each() {
				got, err := m.turn(ctx, cfg.size, s, l, s.rewrite)
				if err != nil {
					return err
				}
				progress("%s %d/%d %s: %.0f/s of %.0f, p99 %.2f ms, p99.9 %.2f, max %.2f", r.Name, turn+1, turns, s.label, got.achieved(), r.Rate,
					got.wait(99), got.wait(99.9), got.wait(100))
				all[s].add(got)
			}
		}
		r.Redis, r.Diskette = all[p.reference].figures(highest[p.reference]), all[p.subject].figures(highest[p.subject])
		rep.Steadies = append(rep.Steadies, r)
	}
	return nil
}

// turn runs the load against s, with what goes on beside it, calls middle at half of the time, and lets s finish.
func (m steadyMix) turn(ctx context.Context, sz size, s *server, l *steadyLoad, middle func() error) (*steadyResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failed := make(chan error, 2)
	also := 0
	start := func(f func() error) {
		also++
		go func() {
			err := f()
			if err != nil {
				cancel(err) // what is beside it is part of the load
			}
			failed <- err
		}()
	}
	over, end := context.WithCancel(ctx)
	defer end()
	if m.beside != nil {
		start(func() error { return m.beside(over, s, sz) })
	}
	if middle != nil {
		start(func() error {
			select {
			case <-over.Done():
				return nil
			case <-time.After(l.time / 2):
				return middle()
			}
		})
	}
	before, err := serverCPU(s.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	got, err := l.run(ctx, s)
	end()
	for range also {
		if e := <-failed; e != nil && err == nil {
			err = e
		}
	}
	if err != nil {
		return nil, fmt.Errorf("steady load against %s: %w\n%s", s.label, err, s.logTail())
	}
	after, err := serverCPU(s.cmd.Process.Pid)
	got.cpu = after - before
	if err != nil {
		return nil, err
	}
	return got, s.rest(ctx, true)
}

// rewrite has Redis begin to rewrite its append-only file, if it is not at it by itself.
func (s *server) rewrite() error {
	if s.label != "redis" {
		return nil
	}
	if err := s.bgrewriteaof(); err != nil && !strings.Contains(err.Error(), "already in progress") {
		return err
	}
	return nil
}

// steadyNumber is a number below n that belongs to the i-th request, whichever server gets it (SplitMix64's steps).
func steadyNumber(i, n int) (number int, odd bool) {
	x := uint64(i)*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return int(x >> 1 % uint64(n)), x&1 == 1
}

var steadyValue = string(value(7, smallValue))

func steadySETGET(sz size, b []byte, i int) []byte {
	key, write := steadyNumber(i, sz.steadyKeys)
	if !write {
		return appendKey(append(b, "*2\r\n$3\r\nGET\r\n"...), "key:", key)
	}
	b = appendKey(append(b, "*3\r\n$3\r\nSET\r\n"...), "key:", key)
	return append(append(append(b, "$100\r\n"...), steadyValue...), "\r\n"...)
}

func steadyExpiring(_ size, b []byte, i int) []byte {
	b = appendKey(append(b, "*5\r\n$3\r\nSET\r\n"...), "new:", i)
	return append(append(append(b, "$100\r\n"...), steadyValue...), "\r\n$2\r\nEX\r\n$1\r\n5\r\n"...)
}

// appendKey appends a name of 16 bytes, as keyName has it, and the bytes before it and behind.
func appendKey(b []byte, prefix string, i int) []byte {
	b = append(append(b, "$16\r\n"...), prefix...)
	digits := [12]byte{}
	for d := range slices.Backward(digits[:]) {
		digits[d] = byte('0' + i%10)
		i /= 10
	}
	return append(append(b, digits[:]...), "\r\n"...)
}

// steadyBeside fills collections, reads and deletes them, and stores keys a thousand a command, half of the time.
func steadyBeside(ctx context.Context, s *server, sz size) error {
	c, err := s.raw()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	do := func(args ...any) error {
		began := time.Now()
		if err := c.do(args...); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Since(began)):
			return nil
		}
	}
	err = steadyLoads(do, max(sz.elements/10, 1000))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func steadyLoads(do func(args ...any) error, n int) error {
	const each = 1000
	for round := 0; ; round++ {
		for _, step := range []struct {
			command []any
			one     func(i int) []any
		}{
			{[]any{"HSET", "large:hash"}, func(i int) []any { return []any{member(i), element} }},
			{[]any{"ZADD", "large:zset"}, func(i int) []any { return []any{spread(i, n), member(i)} }},
			{[]any{"RPUSH", "large:list"}, func(int) []any { return []any{element} }},
			{[]any{"MSET"}, func(i int) []any { return []any{keyName(spread(i+round*n, n) + n), steadyValue} }},
		} {
			for from := 0; from < n; from += each {
				args := step.command
				for i := from; i < min(from+each, n); i++ {
					args = append(args, step.one(i)...)
				}
				if err := do(args...); err != nil {
					return err
				}
			}
		}
		for _, command := range [][]any{
			{"HGETALL", "large:hash"}, {"LRANGE", "large:list", 0, -1}, {"ZRANGE", "large:zset", 0, -1},
			{"DEL", "large:hash"}, {"DEL", "large:list"}, {"DEL", "large:zset"},
		} {
			if err := do(command...); err != nil {
				return err
			}
		}
	}
}

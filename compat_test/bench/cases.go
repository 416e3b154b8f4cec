package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// size is how much work the cases do.
type size struct {
	rounds      int           // unless -rounds says otherwise
	requests    float64       // multiplies the request counts written at the cases, which suit about 3 s of Redis
	quiet       time.Duration // idle time that ends a run: longer than everysec's second
	hurried     bool          // Diskette is told to write back after a run, instead of being left alone until it has
	atRest      time.Duration // how long a server is left alone before its resident memory is read
	hotIdle     string        // stands for the directive's ten minutes
	manyKeys    int           // "five million"
	uniform     time.Duration // length of the uniform run, at Redis's rate
	manyMaxMB   int           // Diskette's maxmemory with manyKeys, megabytes
	manyRSSMB   float64       // what its resident memory may then be, megabytes
	coldMaxMB   int           // Diskette's maxmemory in the cold case; the data set is 20 times that
	firstGETSec float64       // how long after kill -9 and start the first GET may take
	elements    int           // of what the long commands work on
	steadyKeys  int           // of the steady cases
	steady      time.Duration // for which a server gets one of their rates
}

var (
	fullSize = size{rounds: 5, requests: 1, quiet: 1500 * time.Millisecond, atRest: 15 * time.Second, hotIdle: "5s", manyKeys: 5_000_000, uniform: time.Minute,
		manyMaxMB: 128, manyRSSMB: 300, coldMaxMB: 64, firstGETSec: 1, elements: 1_000_000, steadyKeys: 1_000_000, steady: 10 * time.Minute}
	quickSize = size{rounds: 1, requests: 0.05, quiet: 100 * time.Millisecond, hurried: true, atRest: 3 * time.Second, hotIdle: "1s", manyKeys: 100_000, uniform: 2 * time.Second,
		manyMaxMB: 128, manyRSSMB: 300, coldMaxMB: 4, firstGETSec: 1, elements: 20_000, steadyKeys: 20_000, steady: 600 * time.Millisecond}
)

const (
	fewKeys    = 100_000 // the key space of the ordinary cases, all present
	smallValue = 100     // bytes
	coldValue  = 1000    // bytes: the cold data set then loads in tens of seconds
	pageShare  = 8       // the hot part of the cold data set is maxmemory over this
)

// group is cases that share a pair of servers and the keys stored there.
type group struct {
	name        string
	appendfsync string
	subjectArgs []string
	keys        int
	valueBytes  int
	cases       []benchCase
	prepare     func(ctx context.Context, s *server) error // stores more than keys
}

type benchCase struct {
	name string // what -cases matches
	run  func(ctx context.Context, cfg config, p pair, rep *report) error
}

// target is the ratios Diskette / Redis to reach. A zero field is no target.
type target struct {
	Throughput float64 `json:"throughput_at_least,omitempty"`
	P99        float64 `json:"p99_at_most,omitempty"`
	CPU        float64 `json:"cpu_at_most,omitempty"`
}

var (
	fifty     = target{Throughput: 0.8, P99: 2, CPU: 1.5}
	pipelined = target{Throughput: 1, P99: 2, CPU: 1.2}
	single    = target{Throughput: 0.85, P99: 2, CPU: 1.5}
	synced    = target{Throughput: 1, P99: 2, CPU: 1.5}
)

func allGroups(sz size) []group {
	ordinary := group{name: "ordinary", appendfsync: "everysec", keys: fewKeys, valueBytes: smallValue}
	for _, shape := range []struct {
		suffix, title         string
		connections, pipeline int
		requests, mset        int
		target                target
	}{
		{"50", "50 connections", 50, 1, 300_000, 150_000, fifty},
		{"50-p16", "50 connections, pipelines of 16", 50, 16, 2_000_000, 250_000, pipelined},
		{"1", "1 connection", 1, 1, 60_000, 45_000, single},
	} {
		for _, test := range []string{"set", "get", "incr", "mset"} {
			l := load{test: test, connections: shape.connections, pipeline: shape.pipeline, requests: shape.requests}
			title := strings.ToUpper(test)
			if test == "mset" {
				l.requests, title = shape.mset, "MSET of 10 keys"
			}
			ordinary.add(test+"-"+shape.suffix, title+", "+shape.title, l, shape.target)
		}
	}
	for _, connections := range []int{500, 5000} {
		for _, test := range []string{"set", "get"} {
			ordinary.add(fmt.Sprintf("%s-%d", test, connections), fmt.Sprintf("%s, %s connections", strings.ToUpper(test), grouped(connections)),
				load{test: test, connections: connections, pipeline: 1, requests: 300_000}, fifty)
		}
	}

	always := group{name: "always", appendfsync: "always", keys: fewKeys, valueBytes: smallValue}
	always.add("always-set-50", "SET, 50 connections, appendfsync always",
		load{test: "set", connections: 50, pipeline: 1, requests: 200_000}, synced)

	coldKeys := 20 * sz.coldMaxMB << 20 / (len(keyName(0)) + coldValue)
	cold := group{name: "cold", appendfsync: "everysec", subjectArgs: maxMemory(sz.coldMaxMB), keys: coldKeys, valueBytes: coldValue,
		cases: []benchCase{{"cold", runCold}}}

	many := group{name: "many keys", appendfsync: "everysec", subjectArgs: maxMemory(sz.manyMaxMB), keys: sz.manyKeys, valueBytes: smallValue,
		cases: []benchCase{{"uniform", runUniform}, {"restart", runRestart}}}

	groups := []group{ordinary, collections(), sequence(), mixes(), messages(), unheard(), always, cold, many, resident(), importing(sz), exporting(sz)}
	groups = append(groups, largerFamilies()...)
	groups = append(groups, steadies(sz)...)
	return append(groups, longFamilies()...)
}

func maxMemory(megabytes int) []string {
	return []string{"--maxmemory", fmt.Sprintf("%dmb", megabytes)}
}

// add gives the group a case that compares the servers under l over all of the group's keys.
func (g *group) add(name, title string, l load, t target) {
	if l.command == nil {
		l.keys, l.valueBytes = g.keys, g.valueBytes
	}
	g.cases = append(g.cases, benchCase{name, func(ctx context.Context, cfg config, p pair, rep *report) error {
		return compareGated(ctx, cfg, p, rep, name, title, l.scaled(cfg.size.requests), t)
	}})
}

// chooseCases is the groups with the cases that -cases matches.
func chooseCases(cfg config) []group {
	var chosen []group
	for _, g := range allGroups(cfg.size) {
		all := g.cases
		g.cases = nil
		for _, c := range all {
			if cfg.cases.MatchString(c.name) {
				g.cases = append(g.cases, c)
			}
		}
		if len(g.cases) > 0 {
			chosen = append(chosen, g)
		}
	}
	return chosen
}

func caseNames(sz size) []string {
	var names []string
	for _, g := range allGroups(sz) {
		for _, c := range g.cases {
			names = append(names, c.name)
		}
	}
	return names
}

// run starts the servers, stores the keys, runs the cases into rep and ends the servers.
func (g group) run(ctx context.Context, cfg config, rep *report) (err error) {
	p, err := startPair(ctx, cfg, g.appendfsync, g.subjectArgs...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := rep.noteVersions(p); err != nil {
		return err
	}
	for _, s := range p.each() {
		progress("%s: storing %d keys of %d bytes in %s", g.name, g.keys, g.valueBytes, s.label)
		if err := fill(ctx, s, g.keys, g.valueBytes); err != nil {
			return err
		}
		if g.prepare != nil {
			if err := g.prepare(ctx, s); err != nil {
				return err
			}
		}
	}
	for _, c := range g.cases {
		if err := c.run(ctx, cfg, p, rep); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// scaled is the load with its number of requests multiplied, never below one a connection and pipeline.
func (l load) scaled(by float64) load {
	l.requests = max(int(float64(l.requests)*by), l.connections*l.pipeline)
	return l
}

// compare warms both servers up, measures them, and adds the row to the report.
func compare(ctx context.Context, p pair, rep *report, name, title string, l load, rounds int, t target) error {
	if err := warmUp(ctx, p, l); err != nil {
		return err
	}
	r, err := inTurn(ctx, p, name, l, rounds)
	r.Title, r.Target = title, t
	if err == nil {
		rep.Rows = append(rep.Rows, r)
	}
	return err
}

// compareGated does the same for a case of the gate, and notes what was lost against the baseline.
func compareGated(ctx context.Context, cfg config, p pair, rep *report, name, title string, l load, t target) error {
	if cfg.baseline == nil || !slices.Contains(gatedCases, name) {
		return compare(ctx, p, rep, name, title, l, cfg.rounds, t)
	}
	if err := warmUp(ctx, p, l); err != nil {
		return err
	}
	r, err := cfg.baseline.guard(&rep.gate, name, func(rounds int) (row, error) { return inTurn(ctx, p, name, l, rounds) })
	if err != nil {
		return err
	}
	r.Title, r.Target = title, t
	rep.Rows = append(rep.Rows, r)
	return nil
}

// warmUp is a fifth of the load.
func warmUp(ctx context.Context, p pair, l load) error {
	for _, s := range p.each() {
		if _, err := measure(ctx, s, l.scaled(0.2)); err != nil {
			return err
		}
	}
	return nil
}

// inTurn measures the servers one after the other, rounds times.
func inTurn(ctx context.Context, p pair, name string, l load, rounds int) (row, error) {
	r := row{Name: name}
	for round := range rounds {
		for _, s := range p.each() {
			out, err := measure(ctx, s, l)
			if err != nil {
				return r, err
			}
			progress("%s %d/%d %s: %.0f/s, p99 %.2f ms, %.2f us CPU, %.2f until quiet", name, round+1, rounds, s.label,
				out.OpsPerSecond, out.P99Millis, out.DuringMicros, out.CPUMicros)
			if s == p.subject {
				r.Diskette = append(r.Diskette, out)
			} else {
				r.Redis = append(r.Redis, out)
			}
		}
	}
	return r, nil
}

// runCold reads the data set of 20 times Diskette's maxmemory at random, and a part that fits in it.
// Redis holds all of it in memory. The first figure to look at is cold / hot of each.
func runCold(ctx context.Context, cfg config, p pair, rep *report) error {
	cold := load{test: "get", connections: 50, pipeline: 1, requests: 300_000,
		keys: 20 * cfg.size.coldMaxMB << 20 / (len(keyName(0)) + coldValue), valueBytes: coldValue}.scaled(cfg.size.requests)
	hot := cold
	hot.keys = cold.keys / 20 / pageShare
	rounds := min(cfg.rounds, 3)
	if err := compare(ctx, p, rep, "cold-hot", fmt.Sprintf("GET of 1 KB, hot eighth of maxmemory %d MB", cfg.size.coldMaxMB),
		hot, rounds, target{}); err != nil {
		return err
	}
	if err := compare(ctx, p, rep, "cold", fmt.Sprintf("GET of 1 KB, data set of 20 times maxmemory %d MB", cfg.size.coldMaxMB),
		cold, rounds, target{}); err != nil {
		return err
	}
	rep.compareLast("cold", "random GETs over 20 times maxmemory / hot GETs", 0.3)
	return nil
}

// runUniform overwrites many keys at random: the number of SETs that Redis does in a minute. One
// round, since it is long.
func runUniform(ctx context.Context, cfg config, p pair, rep *report) error {
	l := load{test: "set", connections: 50, pipeline: 1, requests: 100_000, keys: cfg.size.manyKeys, valueBytes: smallValue}
	probe, err := measure(ctx, p.reference, l)
	if err != nil {
		return err
	}
	l.requests = int(probe.OpsPerSecond * cfg.size.uniform.Seconds())
	title := fmt.Sprintf("SET, 50 connections, %s keys, Diskette with maxmemory %d MB", grouped(cfg.size.manyKeys), cfg.size.manyMaxMB)
	if err := compare(ctx, p, rep, "uniform", title, l, 1, fifty); err != nil {
		return err
	}
	last := rep.Rows[len(rep.Rows)-1]
	subject, reference := median(last.Diskette), median(last.Redis)
	rep.Facts = append(rep.Facts,
		fact{Case: "uniform", Title: fmt.Sprintf("RSS with %s keys after uniform SETs", grouped(cfg.size.manyKeys)), Unit: "MB",
			Diskette: megabytes(subject.RSSBytes), Redis: megabytes(reference.RSSBytes), AtMost: cfg.size.manyRSSMB},
		fact{Case: "uniform", Title: "highest RSS since the start, loading included", Unit: "MB",
			Diskette: megabytes(subject.PeakRSSBytes), Redis: megabytes(reference.PeakRSSBytes)})
	return nil
}

// runRestart kills the servers in the middle of what they put off, and times from the start of the
// new process to the first GET that answers with a value.
func runRestart(ctx context.Context, cfg config, p pair, rep *report) error {
	burst := load{test: "set", connections: 50, pipeline: 16, requests: 1_000_000, keys: cfg.size.manyKeys, valueBytes: smallValue}.scaled(cfg.size.requests)
	reads := load{test: "get", connections: 50, pipeline: 1, requests: 100_000, keys: cfg.size.manyKeys, valueBytes: smallValue}.scaled(cfg.size.requests)
	firstGET, rss := map[*server][]float64{}, map[*server][]float64{}
	rounds := min(cfg.rounds, 3)
	for round := range rounds {
		for _, s := range p.each() {
			if _, err := generate(ctx, s, burst); err != nil {
				return err
			}
			took, err := s.restartUntilGET(ctx)
			if err != nil {
				return err
			}
			after, err := measure(ctx, s, reads)
			if err != nil {
				return err
			}
			progress("restart %d/%d %s: first GET after %.3f s", round+1, rounds, s.label, took.Seconds())
			firstGET[s] = append(firstGET[s], took.Seconds())
			rss[s] = append(rss[s], megabytes(after.RSSBytes))
		}
	}
	rep.Facts = append(rep.Facts,
		fact{Case: "restart", Title: fmt.Sprintf("kill -9 with %s keys: start to first GET", grouped(cfg.size.manyKeys)), Unit: "s",
			Diskette: middle(firstGET[p.subject]), Redis: middle(firstGET[p.reference]), AtMost: cfg.size.firstGETSec},
		fact{Case: "restart", Title: fmt.Sprintf("RSS then, after %s random GETs", grouped(reads.requests)), Unit: "MB",
			Diskette: middle(rss[p.subject]), Redis: middle(rss[p.reference])})
	return nil
}

// restartUntilGET kills the server with SIGKILL, starts it again, and returns the time from the
// start to the first GET that returns a stored value.
func (s *server) restartUntilGET(ctx context.Context) (time.Duration, error) {
	if err := s.kill(); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.start(); err != nil {
		return 0, err
	}
	err := s.poll(ctx, 10*time.Minute, func(c redis.Conn) error {
		v, err := redis.Bytes(c.Do("GET", keyName(0)))
		if err == nil && len(v) != smallValue {
			return fmt.Errorf("GET returned %d bytes, not %d", len(v), smallValue)
		}
		return err
	})
	return time.Since(began), err
}

// progress tells the person at the terminal how far the benchmark is; the report itself goes to standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

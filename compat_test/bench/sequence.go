package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The sequence is all commands without a pause: each at 50 connections right after pipelines of all the others, whose
// write-back it meets. What is put off is paid by whoever comes next: its CPU here is that during its run, and the
// last row has that of all commands until the server is quiet.

// sequenceCase is the name by which -cases knows it; its rows have the commands' names in front.
const sequenceCase = "right-after"

var rightAfter = target{Throughput: 0.95, P99: 2, CPU: 1.2}

func sequence() group {
	g := group{name: "sequence", appendfsync: "everysec", keys: fewKeys, valueBytes: smallValue, prepare: prepareCollections}
	g.cases = []benchCase{{sequenceCase, runSequence}}
	return g
}

// sequenceLoads is each command in the order of the sequence.
func sequenceLoads() []load {
	own := func(keys int, command ...string) load { return load{command: command, keys: keys} }
	return []load{
		{test: "set", keys: fewKeys, valueBytes: smallValue},
		{test: "get", keys: fewKeys, valueBytes: smallValue},
		{test: "incr", keys: fewKeys, valueBytes: smallValue},
		own(1, "LPUSH", "queue", element),
		own(1, "RPOP", "queue"),
		own(10*manyMembers, "SADD", "set", "member:"+digits),
		own(1, "SPOP", "set"),
		own(manySmall, "HSET", "hash:"+digits, "field7", element),
		own(manyMembers, "ZADD", "board", digits, "member:"+digits),
	}
}

func (l load) commandName() string {
	if l.command == nil {
		return l.test
	}
	return strings.ToLower(l.command[0])
}

// runSequence runs it on one server and then on the other, rounds times.
func runSequence(ctx context.Context, cfg config, p pair, rep *report) error {
	loads := sequenceLoads()
	rows := make([]row, len(loads)+1)
	for i, l := range loads {
		name := l.commandName()
		rows[i] = row{Name: name + "-" + sequenceCase, Target: rightAfter,
			Title: strings.ToUpper(name) + ", 50 connections, right after the others' pipelines (CPU during the run)"}
	}
	rows[len(loads)] = row{Name: "all-" + sequenceCase, Title: "all of these with the pipelines (CPU until quiet)"}
	for round := range cfg.rounds {
		for _, s := range p.each() {
			samples, err := sequenceOnce(ctx, s, loads, cfg.size.requests)
			if err != nil {
				return err
			}
			for i, m := range samples {
				if s == p.subject {
					rows[i].Diskette = append(rows[i].Diskette, m)
				} else {
					rows[i].Redis = append(rows[i].Redis, m)
				}
			}
			all := samples[len(loads)]
			progress("%s %d/%d %s: %.2f us CPU, %.2f until quiet", sequenceCase, round+1, cfg.rounds, s.label,
				all.DuringMicros, all.CPUMicros)
		}
	}
	rep.Rows = append(rep.Rows, rows...)
	return nil
}

// sequenceOnce is a sample of each command, and one of all.
func sequenceOnce(ctx context.Context, s *server, loads []load, scale float64) ([]sample, error) {
	first, err := s.spent()
	if err != nil {
		return nil, err
	}
	var samples []sample
	commands, began := 0, time.Now()
	for i, l := range loads {
		for k := range loads {
			if k == i {
				continue
			}
			burst := loads[k]
			burst.connections, burst.pipeline, burst.requests = 50, 16, 100_000
			burst = burst.scaled(scale)
			if _, err := generate(ctx, s, burst); err != nil {
				return nil, fmt.Errorf("before %s: %w", l.commandName(), err)
			}
			commands += burst.requests
		}
		l.connections, l.pipeline, l.requests = 50, 1, 100_000
		l = l.scaled(scale)
		before, err := s.spent()
		if err != nil {
			return nil, err
		}
		m, err := generate(ctx, s, l)
		if err != nil {
			return nil, err
		}
		after, err := s.spent()
		if err != nil {
			return nil, err
		}
		m.cost(before, after, after, l.requests)
		samples = append(samples, m)
		commands += l.requests
	}
	took := time.Since(began)
	last, err := s.spent()
	if err != nil {
		return nil, err
	}
	if err := s.rest(ctx, true); err != nil {
		return nil, err
	}
	quiet, err := s.spent()
	if err != nil {
		return nil, err
	}
	all := sample{OpsPerSecond: float64(commands) / took.Seconds()}
	all.cost(first, last, quiet, commands)
	if err := all.memory(s); err != nil {
		return nil, err
	}
	for i := range samples {
		samples[i].RSSBytes, samples[i].PeakRSSBytes = all.RSSBytes, all.PeakRSSBytes
	}
	return append(samples, all), nil
}

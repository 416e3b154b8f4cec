package main

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

// The Go compiler builds the server by default.pgo, a processor profile of it under the loads below: it inlines and
// arranges what they use most. -profile makes a new one; that is worth it after a change of what every command does.
// Measured, server CPU of a command with the profile / without, medians of seven interleaved rounds on a busy machine:
// pipelines of 16 SET 0.95, GET 0.95, LPUSH 0.95, RPOP 0.95, XADD 0.94; 50 connections PING 0.96, GET 0.99, INCR 0.96,
// SET 1.03, ZADD 1.01, a lock script 0.99; one connection GET 0.85. A build takes some 50 s on two cores, once.

// profileSeconds is the most that the admin address takes a profile for.
const profileSeconds = 60

// writeProfile runs the server under test by itself, all kinds of load one after the other, and writes the profile of
// its processor time to path.
func writeProfile(ctx context.Context, cfg config, path string) (err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	admin := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	s := &server{label: "diskette", bin: cfg.subjectBin, args: []string{"--bind", "127.0.0.1", "--admin", admin},
		quiet: cfg.size.quiet, hurried: true}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, step := range []func() error{
		func() error { return s.prepare(cfg.scratch) },
		s.start,
		func() error { return s.waitReady(ctx) },
		func() error { return fill(ctx, s, fewKeys, smallValue) },
		func() error { return prepareCollections(ctx, s) },
		func() error { return loadScript(s) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	taken := make(chan error, 1)
	go func() {
		taken <- takeProfile(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, profileSeconds), path)
	}()
	for loads := profileLoads(); ; {
		for _, l := range loads {
			select {
			case err := <-taken:
				return err
			default:
			}
			if _, err := generate(ctx, s, l); err != nil {
				return err
			}
		}
	}
}

// profileLoads is a turn of all that a profile sees: each takes a fraction of a second, so that a profile has several.
func profileLoads() []load {
	sum := sha1.Sum([]byte(lockScript))
	commands := append(sequenceLoads(),
		load{command: []string{"EVALSHA", hex.EncodeToString(sum[:]), "1", "lock:" + digits, "token"}, keys: locks},
		load{command: []string{"HGET", "hash:" + digits, "field7"}, keys: manySmall},
		load{command: []string{"LRANGE", "list:" + digits, "0", "99"}, keys: manySmall},
		load{command: []string{"XADD", "stream", "MAXLEN", "~", "10000", "*", "field", element}, keys: 1},
		load{test: "mset", keys: fewKeys, valueBytes: smallValue})
	var all []load
	for _, l := range commands {
		fifty, pipelines := l, l
		fifty.connections, fifty.pipeline, fifty.requests = 50, 1, 20_000
		pipelines.connections, pipelines.pipeline, pipelines.requests = 50, 16, 60_000
		all = append(all, fifty, pipelines)
	}
	for _, l := range slices.Clone(commands[:2]) { // SET and GET
		l.connections, l.pipeline, l.requests = 1, 1, 5_000
		all = append(all, l)
	}
	return all
}

// takeProfile writes what the address answers to path, whole or not at all.
func takeProfile(ctx context.Context, address, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 3 * profileSeconds * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", address, answer.Status, body)
	}
	return os.WriteFile(path, body, 0o644)
}

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// load is one run of redis-benchmark: requests of one command, over keys chosen at random; or a mix (mix.go).
type load struct {
	test        string   // redis-benchmark's -t: get, set, incr or mset (10 keys a command)
	command     []string // or a command of our own, __rand_int__ standing for a number below keys
	connections int
	pipeline    int
	requests    int
	keys        int // key:000000000000 up to keys-1
	valueBytes  int
	tracking    bool          // the connections ask to be told of changes of what they read
	newcomers   time.Duration // how often another client connects meanwhile; 0 = none does
	mix         bool          // neither: GETs and SETs of mix.go
}

// writes says whether the command leaves the server with work to put off.
func (l load) writes() bool {
	if l.command == nil {
		return l.test != "get"
	}
	switch l.command[0] {
	case "HGET", "HGETALL", "LRANGE", "ZRANK", "ZRANGE", "PUBLISH":
		return false
	}
	return true
}

// sample is what one run showed.
type sample struct {
	OpsPerSecond float64 `json:"ops_per_second"`
	// P50Millis is of a round trip: of a whole pipeline, if there is one. redis-benchmark cuts latencies off
	// at 3 s.
	P50Millis     float64 `json:"p50_ms"`
	P99Millis     float64 `json:"p99_ms"`
	DuringMicros  float64 `json:"server_cpu_us_per_command_during"` // until the last reply
	CPUMicros     float64 `json:"server_cpu_us_per_command"`        // until the server is quiet
	WrittenBytes  float64 `json:"written_bytes_per_command"`        // until then too
	RSSBytes      int64   `json:"rss_bytes"`                        // after the run
	PeakRSSBytes  int64   `json:"peak_rss_bytes"`                   // since the server started
	WaitedShare   float64 `json:"waited_of_cpu"`                    // how long the main thread waited for a processor
	LoaderCPUFrac float64 `json:"loader_cpu_of_a_core"`             // near 1: redis-benchmark was the bound
}

// spent is what a process has used since it started.
type spent struct {
	cpu     time.Duration
	written int64
	main    turns
}

func (s *server) spent() (u spent, err error) {
	if u.cpu, err = serverCPU(s.cmd.Process.Pid); err != nil {
		return u, err
	}
	if u.main, err = mainThread(s.cmd.Process.Pid); err != nil {
		return u, err
	}
	u.written, err = writtenBytes(s.cmd.Process.Pid)
	return u, err
}

// measure runs the load against s, lets s finish what it put off, and returns the run's figures.
func measure(ctx context.Context, s *server, l load) (sample, error) {
	before, err := s.spent()
	if err != nil {
		return sample{}, err
	}
	out, err := generate(ctx, s, l)
	if err != nil {
		return sample{}, err
	}
	during, err := s.spent()
	if err != nil {
		return sample{}, err
	}
	if err := s.rest(ctx, l.writes()); err != nil {
		return sample{}, err
	}
	after, err := s.spent()
	if err != nil {
		return sample{}, err
	}
	out.cost(before, during, after, l.requests)
	return out, out.memory(s)
}

// cost is what commands took: from before until during, when the last reply had come, and until after.
func (m *sample) cost(before, during, after spent, commands int) {
	m.DuringMicros = (during.cpu - before.cpu).Seconds() * 1e6 / float64(commands)
	m.CPUMicros = (after.cpu - before.cpu).Seconds() * 1e6 / float64(commands)
	m.WaitedShare = ratio((during.main.waited - before.main.waited).Seconds(), (during.main.ran - before.main.ran).Seconds())
	m.WrittenBytes = float64(after.written-before.written) / float64(commands)
}

func (m *sample) memory(s *server) error {
	rss, err := serverMemory(s.cmd.Process.Pid)
	m.RSSBytes, m.PeakRSSBytes = rss.now, rss.peak
	return err
}

// rest lets s finish what commands have left; those that only read leave little.
func (s *server) rest(ctx context.Context, written bool) error {
	if !written {
		return settle(ctx, s, min(s.quiet, 300*time.Millisecond))
	}
	if s.hurried {
		if err := s.hurry(); err != nil {
			return err
		}
	}
	return settle(ctx, s, s.quiet)
}

// generate runs redis-benchmark and fills in what it reports. An error reply ends it with a failure.
// It is stopped when the server ends, since redis-benchmark would then try to connect for ever.
func generate(ctx context.Context, s *server, l load) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	if l.mix {
		return mixed(ctx, s, l)
	}
	args := []string{"--csv", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", strconv.Itoa(l.connections),
		"-P", strconv.Itoa(l.pipeline), "-n", strconv.Itoa(l.requests), "-r", strconv.Itoa(l.keys)}
	if l.command == nil {
		args = append(args, "-t", l.test, "-d", strconv.Itoa(l.valueBytes))
	}
	if l.tracking {
		args = append(args, "--enable-tracking")
	}
	cmd := exec.CommandContext(ctx, "redis-benchmark", append(args, l.command...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if l.newcomers > 0 {
		stopped := make(chan error, 1)
		newcomers, stop := context.WithCancel(ctx)
		go func() { stopped <- s.receive(newcomers, l.newcomers) }()
		defer func() {
			stop()
			if err := <-stopped; err != nil {
				progress("%v", err)
			}
		}()
	}
	started := time.Now()
	if err := cmd.Run(); err != nil {
		select {
		case <-s.exited:
			return sample{}, fmt.Errorf("%s ended under load: %s\n%s", s.label, s.cmd.ProcessState, s.logTail())
		default:
		}
		return sample{}, fmt.Errorf("redis-benchmark %s%s against %s: %w: %s%s", l.test, strings.Join(l.command, " "), s.label, err, &stdout, &stderr)
	}
	out, err := parseBenchmark(stdout.Bytes())
	if err != nil {
		return sample{}, fmt.Errorf("%w: %s%s", err, &stdout, &stderr)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	out.LoaderCPUFrac = used.Seconds() / time.Since(started).Seconds()
	return out, nil
}

// parseBenchmark reads redis-benchmark's --csv output of one test: a row of column names, a row of values.
func parseBenchmark(out []byte) (sample, error) {
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		return sample{}, fmt.Errorf("redis-benchmark's output: %w", err)
	}
	if len(rows) != 2 {
		return sample{}, fmt.Errorf("redis-benchmark's output has %d rows, not 2", len(rows))
	}
	var s sample
	columns := map[string]*float64{"rps": &s.OpsPerSecond, "p50_latency_ms": &s.P50Millis, "p99_latency_ms": &s.P99Millis}
	for i, name := range rows[0] {
		to, ok := columns[name]
		if !ok {
			continue
		}
		if *to, err = strconv.ParseFloat(rows[1][i], 64); err != nil {
			return sample{}, fmt.Errorf("redis-benchmark's %s: %w", name, err)
		}
		delete(columns, name)
	}
	if len(columns) > 0 {
		return sample{}, errors.New("redis-benchmark's output lacks rps, p50 or p99")
	}
	return s, nil
}

// fill stores keys 0..keys-1 under redis-benchmark's names, in order, so that every GET hits, and
// waits until the server is quiet. It checks that the server counts them all.
func fill(ctx context.Context, s *server, keys, valueBytes int) error {
	if err := write(ctx, s, keys, valueBytes); err != nil {
		return err
	}
	return s.rest(ctx, true)
}

// write is fill without the wait.
func write(ctx context.Context, s *server, keys, valueBytes int) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := sendAll(ctx, c, keys, func(i int) error {
		return c.Send("SET", keyName(i), value(i, valueBytes))
	}); err != nil {
		return fmt.Errorf("fill %s: %w", s.label, err)
	}
	if got, err := redis.Int(c.Do("DBSIZE")); err != nil || got != keys {
		return fmt.Errorf("fill %s: DBSIZE is %d after %d keys (%v)", s.label, got, keys, err)
	}
	return nil
}

// sendAll sends n commands in pipelines and reads their replies, of which none may be an error.
func sendAll(ctx context.Context, c redis.Conn, n int, send func(i int) error) error {
	const batch = 500
	for from := 0; from < n; from += batch {
		to := min(from+batch, n)
		for i := from; i < to; i++ {
			if err := send(i); err != nil {
				return err
			}
		}
		if err := c.Flush(); err != nil {
			return err
		}
		for range to - from {
			if _, err := c.Receive(); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// keyName is the i-th key as redis-benchmark writes it for GET, SET and MSET.
func keyName(i int) string { return fmt.Sprintf("key:%012d", i) }

// value is a distinct value for key i, n bytes long.
func value(i, n int) []byte {
	v := make([]byte, 0, n+20)
	for state := uint64(i) + 1; len(v) < n; {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
		v = strconv.AppendUint(v, state>>11, 36)
	}
	return v[:n]
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// The long cases are single commands over a million elements: the time that each takes, the longest wait of a
// second client, which sends one SET after the other, and the memory. Diskette is measured with the keys in
// memory, as Redis is, and with them on disk.

// long is one measurement of a long command.
type long struct {
	CommandMillis float64 `json:"command_ms"` // from its first byte to its reply's last
	WaitMillis    float64 `json:"wait_ms"`    // the longest wait of the second client meanwhile
	PeakRSSBytes  int64   `json:"peak_rss"`
}

// longRow is a long command with the samples of its rounds.
type longRow struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Redis    []long `json:"redis"`
	Diskette []long `json:"diskette"`
	Cold     []long `json:"diskette_cold,omitempty"` // the keys were on disk when it came
}

const (
	longRatio  = 1.5 // what a long command may take, and may keep others waiting, as a multiple of Redis's
	longFloor  = 10  // milliseconds that are no miss whatever Redis takes: less is the machine's noise
	longRounds = 3   // at most: each stores its elements anew
	writeEvery = time.Millisecond
)

// longCase is a command of a family, which shares what is stored.
type longCase struct {
	name, title string
	prepare     longRun
}

// A longRun stores what a command over n elements uses up, and returns what is to be measured.
// The keys "to" and "copy" are free.
type longRun func(c redis.Conn, n int) (run func(*rawClient) error, err error)

// measureLong runs a command while a second client writes.
func measureLong(ctx context.Context, s *server, run func(*rawClient) error) (m long, err error) {
	c, err := s.raw()
	if err != nil {
		return m, err
	}
	defer c.Close()
	second, err := s.raw()
	if err != nil {
		return m, err
	}
	defer second.Close()
	if err := s.resetPeak(); err != nil {
		return m, err
	}
	stop, waited := make(chan struct{}), make(chan error, 1)
	var longest time.Duration
	go func() { waited <- second.writeUntil(stop, &longest) }()
	select {
	case <-ctx.Done():
	case <-time.After(20 * writeEvery): // the second client is under way
	}
	began := time.Now()
	err = run(c)
	m.CommandMillis = millis(time.Since(began))
	close(stop)
	if err = errors.Join(err, <-waited, ctx.Err()); err != nil {
		return m, err
	}
	m.WaitMillis = millis(longest)
	used, err := serverMemory(s.cmd.Process.Pid)
	m.PeakRSSBytes = used.peak
	return m, err
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// resetPeak makes VmHWM begin anew (proc(5), clear_refs).
func (s *server) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.cmd.Process.Pid), []byte("5"), 0)
}

// A rawClient reads replies without keeping them: a client that made a value of each element would be the slower one.
type rawClient struct {
	net.Conn
	r *bufio.Reader
}

func (s *server) raw() (*rawClient, error) {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), time.Second)
	if err != nil {
		return nil, err
	}
	return &rawClient{c, bufio.NewReaderSize(c, 1<<20)}, c.SetDeadline(time.Now().Add(5 * time.Minute))
}

func (c *rawClient) do(args ...any) error {
	if err := c.send(args...); err != nil {
		return err
	}
	return c.skip()
}

func (c *rawClient) send(args ...any) error {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		text := fmt.Sprint(a)
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(text), text)
	}
	_, err := c.Write(b)
	return err
}

// skip reads one reply to its end. An error reply is an error.
func (c *rawClient) skip() error {
	for replies := 1; replies > 0; replies-- {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) < 3 {
			return fmt.Errorf("a reply begins with %q", line)
		}
		switch line[0] {
		case '-':
			return errors.New(string(line))
		case '$', '*':
			n, err := strconv.Atoi(string(line[1 : len(line)-2]))
			switch {
			case err != nil:
				return err
			case n < 0:
			case line[0] == '*':
				replies += n
			default:
				if _, err := c.r.Discard(n + 2); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeUntil sends a SET every writeEvery, each after the reply to the one before, and keeps the longest wait.
func (c *rawClient) writeUntil(stop <-chan struct{}, longest *time.Duration) error {
	for {
		began := time.Now()
		if err := c.do("SET", "second", "client"); err != nil {
			return fmt.Errorf("the second client: %w", err)
		}
		*longest = max(*longest, time.Since(began))
		select {
		case <-stop:
			return nil
		case <-time.After(writeEvery):
		}
	}
}

// compareLong measures a command on both servers in turn, and on Diskette with its keys on disk.
func compareLong(ctx context.Context, cfg config, p pair, rep *report, lc longCase) error {
	r := longRow{Name: lc.name, Title: lc.title}
	once := func(s *server, cold bool) (long, error) {
		run, err := prepareLong(ctx, s, lc, cfg.size.elements, cold)
		if err != nil {
			return long{}, err
		}
		return measureLong(ctx, s, run)
	}
	for round := range min(cfg.rounds, longRounds) {
		for _, turn := range []struct {
			s    *server
			cold bool
			into *[]long
		}{{p.reference, false, &r.Redis}, {p.subject, false, &r.Diskette}, {p.subject, true, &r.Cold}} {
			m, err := once(turn.s, turn.cold)
			if err != nil {
				return fmt.Errorf("%s: %w", turn.s.label, err)
			}
			progress("%s %d %s: %.0f ms, the second client waits %.1f ms, %.0f MB", lc.name, round+1,
				turn.s.label, m.CommandMillis, m.WaitMillis, megabytes(m.PeakRSSBytes))
			*turn.into = append(*turn.into, m)
		}
	}
	rep.Longs = append(rep.Longs, r)
	return nil
}

// prepareLong brings the case's keys to where they shall be, waits until the server is quiet, and returns what is to be
// measured.
func prepareLong(ctx context.Context, s *server, lc longCase, n int, cold bool) (run func(*rawClient) error, err error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Do("DEL", "to", "copy"); err != nil {
		return nil, err
	}
	if run, err = lc.prepare(c, n); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if s.label == "diskette" { // as if it had rested for some seconds: all is written back
		how := "CHECK"
		if cold {
			how = "RELOAD"
		}
		if _, err := c.Do("DEBUG", how); err != nil {
			return nil, err
		}
	}
	return run, settle(ctx, s, 200*time.Millisecond)
}

// medianLong takes the middle of each figure by itself.
func medianLong(samples []long) long {
	by := func(figure func(long) float64) float64 {
		all := make([]float64, len(samples))
		for i, s := range samples {
			all[i] = figure(s)
		}
		return middle(all)
	}
	return long{
		CommandMillis: by(func(m long) float64 { return m.CommandMillis }),
		WaitMillis:    by(func(m long) float64 { return m.WaitMillis }),
		PeakRSSBytes:  int64(by(func(m long) float64 { return float64(m.PeakRSSBytes) })),
	}
}

// longMark is a time of Diskette's beside Redis's; shorter ones than longFloor are no miss.
func longMark(diskette, redis float64) mark {
	return mark{ratio(diskette, redis), diskette > longFloor && diskette > longRatio*redis}
}

// writeLongs prints the table of the long cases, in Markdown or, with columns of spaces, for the terminal.
func (rep *report) writeLongs(w io.Writer) {
	if len(rep.Longs) == 0 {
		return
	}
	fmt.Fprintf(w, "| over %s elements; ms | Redis | Diskette | ratio | from disk | second client's longest wait: "+
		"Redis | Diskette | ratio | from disk | peak RSS: Redis MB | Diskette MB |\n", grouped(rep.Elements))
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range rep.Longs {
		a, b, cold := medianLong(r.Redis), medianLong(r.Diskette), medianLong(r.Cold)
		cells := []string{r.Title}
		for _, figure := range []func(long) float64{
			func(m long) float64 { return m.CommandMillis },
			func(m long) float64 { return m.WaitMillis },
		} {
			fromDisk := ""
			if len(r.Cold) > 0 {
				fromDisk = tenths(figure(cold))
			}
			cells = append(cells, tenths(figure(a)), tenths(figure(b)), longMark(figure(b), figure(a)).markdown(), fromDisk)
		}
		cells = append(cells, grouped(int(megabytes(a.PeakRSSBytes))), grouped(int(megabytes(b.PeakRSSBytes))))
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintln(w)
}

// tenths writes milliseconds: below ten with a decimal.
func tenths(ms float64) string {
	if ms < 9.95 {
		return fmt.Sprintf("%.1f", ms)
	}
	return grouped(int(ms + 0.5))
}

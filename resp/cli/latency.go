package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// sampleEvery is the time between two PINGs.
const sampleEvery = 10 * time.Millisecond

// latency measures how long PING takes: on a terminal without end; else once, for the interval, or with
// --latency-history a line each interval.
func (s *session) latency() error {
	interval := time.Second
	if s.latencyHistory {
		interval = 15 * time.Second
	}
	if s.interval > 0 {
		interval = s.interval
	}
	var p pings
	for start := time.Now(); ; time.Sleep(sampleEvery) {
		took, err := s.ping()
		if err != nil {
			return err
		}
		p.add(took)
		if s.form == outputPretty {
			fmt.Fprint(s.out, "\x1b[0G\x1b[2K") // to the line's start, and clear it
			p.print(s)
		}
		since := time.Since(start)
		if since <= interval {
			continue
		}
		switch {
		case s.latencyHistory:
			if s.form != outputPretty {
				p.print(s)
			}
			fmt.Fprintf(s.out, " -- %.2f seconds range\n", since.Seconds())
			start, p = time.Now(), pings{}
		case s.form != outputPretty:
			p.print(s)
			return nil
		}
	}
}

// pings are the times of PING, in whole milliseconds as redis-cli shows them.
type pings struct{ count, least, most, sum int64 }

func (p *pings) add(took time.Duration) {
	ms := took.Milliseconds()
	if p.count == 0 || ms < p.least {
		p.least = ms
	}
	p.most = max(p.most, ms)
	p.sum += ms
	p.count++
}

func (p *pings) print(s *session) {
	mean := float64(p.sum) / float64(p.count)
	switch s.form {
	case outputPretty:
		fmt.Fprintf(s.out, "min: %d, max: %d, avg: %.2f (%d samples)", p.least, p.most, mean, p.count)
	case outputCSV:
		fmt.Fprintf(s.out, "%d,%d,%.2f,%d\n", p.least, p.most, mean, p.count)
	case outputJSON, outputQuotedJSON:
		fmt.Fprintf(s.out, "{\"min\": %d, \"max\": %d, \"avg\": %.2f, \"count\": %d}\n", p.least, p.most, mean, p.count)
	default:
		fmt.Fprintf(s.out, "%d %d %.2f %d\n", p.least, p.most, mean, p.count)
	}
}

func (s *session) ping() (took time.Duration, err error) {
	start := time.Now()
	_, err = s.askReconnecting([]string{"PING"})
	return time.Since(start), err
}

// askReconnecting is ask that waits for a lost server to come back.
func (s *session) askReconnecting(command []string) (reply, error) {
	for tries := 0; ; {
		if s.conn != nil {
			r, err := s.ask(command)
			if err == nil {
				if tries > 0 {
					fmt.Fprint(s.out, "\r\x1b[0K")
				}
				return r, nil
			}
			if !isLost(err) {
				return reply{}, err
			}
			s.disconnect()
		}
		tries++
		fmt.Fprintf(s.out, "\r\x1b[0KReconnecting... %d\r", tries)
		err := s.dial()
		if err == nil {
			err = s.greet()
		}
		if errors.As(err, new(errSaid)) { // TLS: trying again will not help
			return reply{}, err
		}
		if err != nil {
			time.Sleep(time.Second)
		}
	}
}

// ownLatency measures for how long the machine lets this process wait, without any server.
func (s *session) ownLatency(length time.Duration) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	var worst time.Duration
	runs := 0
	start := time.Now()
	for before := start; ; {
		workload()
		now := time.Now()
		took := now.Sub(before)
		before = now
		runs++
		if took.Microseconds() > worst.Microseconds() {
			worst = took
			fmt.Fprintf(s.out, "Max latency so far: %d microseconds.\n", worst.Microseconds())
		}
		stop := now.Sub(start) > length
		select {
		case <-interrupts:
			stop = true
		default:
		}
		if !stop {
			continue
		}
		mean := float64(now.Sub(start).Microseconds()) / float64(runs)
		fmt.Fprintf(s.out, "\n%d total runs (avg latency: %.4f microseconds / %.2f nanoseconds per run).\n", runs, mean, mean*1000)
		fmt.Fprintf(s.out, "Worst run took %.0fx longer than the average latency.\n", float64(worst.Microseconds())/mean)
		return nil
	}
}

// workload takes some microseconds of nothing but computing.
func workload() {
	var table [256]byte
	for i := range table {
		table[i] = byte(i)
	}
	var i, j, sum byte
	for range 1000 {
		i++
		j += table[i]
		table[i], table[j] = table[j], table[i]
		sum += table[table[i]+table[j]]
	}
	runtime.KeepAlive(sum)
}

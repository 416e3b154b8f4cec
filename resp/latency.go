package resp

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// What LATENCY watches when latency-monitor-threshold is set.
const (
	eventCommand     = "command"          // a command ran for so long
	eventFastCommand = "fast-command"     // a command that should be fast ran for so long
	eventExpire      = "expire-cycle"     // the sweeper removed expired keys
	eventFsync       = "aof-fsync-always" // a client waited for its commit with appendfsync always
	eventWrite       = "aof-write"        // a client waited for its commit with another appendfsync
	eventLoad        = "disk-load"        // a command waited for its keys to be read from disk
	latencySamples   = 160                // kept for an event
	graphColumns     = 80
	graphRows        = 4
)

// latencies are the events that took at least latency-monitor-threshold, by name.
type latencies struct {
	sync.Mutex
	events map[string]*latencyEvent
}

// latencyEvent has at most one sample a second: the worst.
type latencyEvent struct {
	samples []latencySample // oldest first
	max     int64           // ms, of all times
}

type latencySample struct{ at, millis int64 } // unix seconds

// noteLatency keeps an event that took too long.
func (s *Server) noteLatency(event string, took time.Duration) {
	if least := s.cfg.LatencyMonitorThreshold.Load(); least > 0 && took.Milliseconds() >= least {
		s.latencies.add(event, time.Now().Unix(), took.Milliseconds())
	}
}

// watchesLatency says whether anybody wants to know how long things take.
func (s *Server) watchesLatency() bool { return s.cfg.LatencyMonitorThreshold.Load() > 0 }

// noteCommit keeps how long the client waited for its commit.
func (cl *client) noteCommit(start time.Time) {
	event := eventWrite
	if cl.srv.cfg.AppendFsync() == "always" {
		event = eventFsync
	}
	cl.srv.noteLatency(event, time.Since(start))
}

func (l *latencies) add(event string, now, millis int64) {
	l.Lock()
	defer l.Unlock()
	e := l.events[event]
	if e == nil {
		if l.events == nil {
			l.events = map[string]*latencyEvent{}
		}
		e = &latencyEvent{}
		l.events[event] = e
	}
	e.max = max(e.max, millis)
	if n := len(e.samples); n > 0 && e.samples[n-1].at == now {
		e.samples[n-1].millis = max(e.samples[n-1].millis, millis)
		return
	}
	if len(e.samples) == latencySamples {
		e.samples = append(e.samples[:0], e.samples[1:]...)
	}
	e.samples = append(e.samples, latencySample{now, millis})
}

// latencyFigures say what an event's samples have in common.
type latencyFigures struct {
	low, high, mean, deviation int64   // ms
	period                     float64 // seconds between two samples
}

func (e *latencyEvent) figures(now int64) (f latencyFigures) {
	n := int64(len(e.samples))
	f.low, f.high = math.MaxInt64, 0
	var sum, off int64
	for _, s := range e.samples {
		f.low, f.high = min(f.low, s.millis), max(f.high, s.millis)
		sum += s.millis
	}
	f.mean = sum / n
	for _, s := range e.samples {
		off += max(s.millis-f.mean, f.mean-s.millis)
	}
	f.deviation = off / n
	f.period = float64(max(1, now-e.samples[0].at)) / float64(n)
	return f
}

// graph draws the samples as LATENCY GRAPH does: a column a sample, below it how long ago it was.
func (e *latencyEvent) graph(name string, now int64) string {
	f := e.figures(now)
	var out strings.Builder
	fmt.Fprintf(&out, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", name, f.high, f.low, e.max,
		strings.Repeat("-", graphColumns))
	for from := 0; from < len(e.samples); from += graphColumns {
		if from > 0 {
			out.WriteByte('\n')
		}
		drawSamples(&out, e.samples[from:min(from+graphColumns, len(e.samples))], f, now)
	}
	return out.String()
}

// drawSamples draws a strip of columns. A row has three heights: _ o #, and | for what is below a column's top.
func drawSamples(out *strings.Builder, samples []latencySample, f latencyFigures, now int64) {
	const tops = "_o#"
	heights, labels := make([]int, len(samples)), make([]string, len(samples))
	labelRows := 0
	for i, s := range samples {
		scale := float64(max(1, f.high-f.low))
		heights[i] = min(int(float64(s.millis-f.low)*float64(len(tops)*graphRows)/scale), len(tops)*graphRows-1)
		labels[i] = ago(now - s.at)
		labelRows = max(labelRows, len(labels[i]))
	}
	for row := range graphRows + 1 + labelRows {
		for i := range samples {
			mark := byte(' ')
			switch above, label := heights[i]-(graphRows-1-row)*len(tops), row-graphRows-1; {
			case row < graphRows && above >= len(tops):
				mark = '|'
			case row < graphRows && above >= 0:
				mark = tops[above]
			case label >= 0 && label < len(labels[i]):
				mark = labels[i][label]
			}
			out.WriteByte(mark)
		}
		out.WriteByte('\n')
	}
}

// ago is a time span in its largest unit: 5s, 3m, 2h, 9d.
func ago(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/(24*3600))
}

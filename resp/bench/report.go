package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A report writes what redis-benchmark would.
type report struct {
	*options
	server *server
	out    *bufio.Writer
	shown  int // bytes of the line that tells how far a test is
	tests  []result
}

func newReport(o *options, out io.Writer) *report {
	return &report{options: o, out: bufio.NewWriter(out)}
}

func (r *report) print(format string, args ...any) { fmt.Fprintf(r.out, format, args...) }

// head and foot stand around all tests.
func (r *report) head() {
	if r.output == formCSV {
		r.print(`"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"` + "\n")
		r.out.Flush()
	}
}

func (r *report) foot() {
	switch {
	case r.output == formJSON:
		r.json()
	case r.output != formCSV && r.command == nil:
		r.print("\n")
	}
	r.out.Flush()
}

const progressInterval = 250 * time.Millisecond

// progress tells how far a test is until stop is called.
func (r *report) progress(title string, l *load) (stop func()) {
	if r.output == formCSV || r.output == formJSON {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		start := time.Now()
		before, doneBefore, sumBefore := start, int64(0), int64(0)
		for {
			select {
			case <-end:
				return
			case at := <-ticker.C:
				done, sum := l.done.Load(), l.latencies.Load()
				r.clear()
				r.shown, _ = fmt.Fprintf(r.out, "%s: rps=%.1f (overall: %.1f) avg_msec=%.3f (overall: %.3f)\r", title,
					rate(done-doneBefore, at.Sub(before)), rate(done, at.Sub(start)), mean(sum-sumBefore, done-doneBefore), mean(sum, done))
				r.out.Flush()
				before, doneBefore, sumBefore = at, done, sum
			}
		}
	}()
	return func() { close(end); <-ended }
}

func rate(n int64, took time.Duration) float64 {
	return float64(n) / max(took, time.Microsecond).Seconds()
}

// mean is in ms.
func mean(us, n int64) float64 {
	if n == 0 {
		return 0
	}
	return ms(us) / float64(n)
}

// clear overwrites the line that tells how far a test is.
func (r *report) clear() { r.print("%*s\r", r.shown, " ") }

// tell writes a test's figures.
func (r *report) tell(f *figures) {
	defer r.out.Flush()
	res := resultOf(f)
	switch r.output {
	case formJSON:
		r.tests = append(r.tests, res)
	case formCSV:
		r.print("\"%s\",\"%.2f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\"\n", strings.ReplaceAll(f.title, `"`, `""`),
			res.PerSecond, res.Average, res.Least, res.P50, res.P95, res.P99, res.Most)
	case formQuiet:
		r.clear()
		r.print("%s: %.2f requests per second, p50=%.3f msec\n", f.title, res.PerSecond, res.P50)
	default:
		r.clear()
		r.full(f, res)
	}
}

func (r *report) full(f *figures, res result) {
	r.print("====== %s ======\n", f.title)
	r.print("  %d requests completed in %.2f seconds\n", f.done, f.took.Seconds())
	r.print("  %d parallel clients\n", r.connections)
	r.print("  %d bytes payload\n", r.payload)
	r.print("  keep alive: %d\n", bit(r.keep))
	if r.server.settings {
		r.print("  host configuration \"save\": %s\n", r.server.save)
		r.print("  host configuration \"appendonly\": %s\n", r.server.appendOnly)
	}
	if r.threads > 0 {
		r.print("  multi-thread: yes\n  threads: %d\n", r.threads)
	} else {
		r.print("  multi-thread: no\n")
	}
	r.print("\nLatency by percentile distribution:\n")
	r.steps(f.latencies.byPercentile())
	r.print("\nCumulative distribution of latencies:\n")
	r.steps(f.latencies.byLatency())
	r.print("\nSummary:\n  throughput summary: %.2f requests per second\n  latency summary (msec):\n", res.PerSecond)
	r.print("    %9s %9s %9s %9s %9s %9s\n", "avg", "min", "p50", "p95", "p99", "max")
	r.print("    %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f\n", res.Average, res.Least, res.P50, res.P95, res.P99, res.Most)
}

func (r *report) steps(steps []step) {
	for _, s := range steps {
		r.print("%.3f%% <= %.3f milliseconds (cumulative count %d)\n", s.percent, ms(s.us), s.count)
	}
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// A result is a test's figures for --json; latencies are in ms.
type result struct {
	Test      string  `json:"test"`
	Requests  int64   `json:"requests"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"rps"`
	Average   float64 `json:"avg_latency_ms"`
	Least     float64 `json:"min_latency_ms"`
	P50       float64 `json:"p50_latency_ms"`
	P95       float64 `json:"p95_latency_ms"`
	P99       float64 `json:"p99_latency_ms"`
	Most      float64 `json:"max_latency_ms"`
}

func resultOf(f *figures) result {
	at := func(percent float64) float64 { return ms(f.latencies.ValueAtPercentile(percent)) }
	return result{
		Test: f.title, Requests: f.done, Seconds: f.took.Seconds(), PerSecond: f.perSecond(),
		Average: f.latencies.Mean() / 1000, Least: ms(f.latencies.Min()), Most: ms(f.latencies.Max()),
		P50: at(50), P95: at(95), P99: at(99),
	}
}

func (r *report) json() {
	all := struct {
		Connections int      `json:"clients"`
		Depth       int      `json:"pipeline"`
		Payload     int      `json:"payload_bytes"`
		Threads     int      `json:"threads"`
		Keep        bool     `json:"keep_alive"`
		Tests       []result `json:"tests"`
	}{r.connections, r.depth, r.payload, max(r.threads, 1), r.keep, append([]result{}, r.tests...)}
	_ = json.NewEncoder(r.out).Encode(all) // it is written to memory
}

// commandTitle is a command line's command in the output; what came from the standard input is not repeated.
func commandTitle(command []string, fromInput bool) string {
	if fromInput {
		command = command[:len(command)-1]
	}
	return strings.Join(command, " ")
}

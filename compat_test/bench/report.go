package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// report is what -json writes, and what the tables are made from.
type report struct {
	Date     string `json:"date"`
	Machine  string `json:"machine"`
	Diskette string `json:"diskette"` // name and version by INFO
	Redis    string `json:"redis"`
	Go       string `json:"go"`
	LoadAvg  string `json:"load_average_before"` // of the minute before the start: near 0, or others share the cores
	Rounds   int    `json:"rounds"`
	Quick    bool   `json:"quick,omitempty"`
	TmpFS    bool   `json:"tmpfs,omitempty"` // the data lay in memory: fsync cost nothing
	Rows     []row  `json:"rows"`
	Facts    []fact `json:"facts"`

	Elements int       `json:"elements,omitempty"` // of what the long commands work on
	Longs    []longRow `json:"longs,omitempty"`

	Steadies []steadyRow `json:"steadies,omitempty"`

	gate gateResult
}

// row is one case with the samples of its rounds.
type row struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Target   target   `json:"target"`
	Redis    []sample `json:"redis"`
	Diskette []sample `json:"diskette"`
}

// fact is a figure that is not a ratio of two runs. AtLeast and AtMost are Diskette's targets, 0 for none.
type fact struct {
	Case     string  `json:"case"`
	Title    string  `json:"title"`
	Unit     string  `json:"unit,omitempty"`
	Diskette float64 `json:"diskette"`
	Redis    float64 `json:"redis"`
	AtLeast  float64 `json:"at_least,omitempty"`
	AtMost   float64 `json:"at_most,omitempty"`
}

func newReport(cfg config, quick bool) *report {
	return &report{
		Date:    time.Now().Format(time.DateOnly),
		Machine: machine(),
		Go:      runtime.Version(),
		LoadAvg: loadAverage(),
		Rounds:  cfg.rounds,
		Quick:   quick,
		TmpFS:   onTmpFS(cfg.scratch),
		Rows:    []row{},
		Facts:   []fact{},
	}
}

func (rep *report) noteVersions(p pair) (err error) {
	if rep.Redis, err = p.reference.version(); err != nil {
		return err
	}
	rep.Diskette, err = p.subject.version()
	return err
}

// compareLast adds how much faster each server was in the last row than in the one before.
func (rep *report) compareLast(name, title string, atLeast float64) {
	before, last := rep.Rows[len(rep.Rows)-2], rep.Rows[len(rep.Rows)-1]
	rep.Facts = append(rep.Facts, fact{
		Case: name, Title: title, AtLeast: atLeast,
		Diskette: ratio(median(last.Diskette).OpsPerSecond, median(before.Diskette).OpsPerSecond),
		Redis:    ratio(median(last.Redis).OpsPerSecond, median(before.Redis).OpsPerSecond),
	})
}

// writeText prints every median and ratio; "!" stands at a ratio that misses its target.
func (rep *report) writeText(w io.Writer) {
	fmt.Fprintln(w, rep.caption())
	if len(rep.Rows) > 0 {
		fmt.Fprintln(w, "\nredis, diskette, diskette/redis; ! misses its target; loader: the CPU of redis-benchmark, 100% = it was the bound")
		tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, "\t\tops/s\t\t\tp50 ms\t\t\tp99 ms\t\t\tCPU us\t\t\tRSS MB\t\tloader\t%\t")
		for _, r := range rep.Rows {
			a, b := median(r.Redis), median(r.Diskette)
			v := r.verdict()
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t", r.Name, grouped(int(a.OpsPerSecond)), grouped(int(b.OpsPerSecond)), v.throughput.text())
			fmt.Fprintf(tw, "%.3f\t%.3f\t%s\t%.3f\t%.3f\t%s\t", a.P50Millis, b.P50Millis, v.p50.text(), a.P99Millis, b.P99Millis, v.p99.text())
			fmt.Fprintf(tw, "%.2f\t%.2f\t%s\t", a.CPUMicros, b.CPUMicros, v.cpu.text())
			fmt.Fprintf(tw, "%.0f\t%.0f\t%s\t", megabytes(a.RSSBytes), megabytes(b.RSSBytes), v.rss.text())
			fmt.Fprintf(tw, "%.0f\t%.0f\t\n", 100*a.LoaderCPUFrac, 100*b.LoaderCPUFrac)
		}
		tw.Flush()
		rep.writeCosts(w)
	}
	if len(rep.Facts) > 0 {
		fmt.Fprintln(w)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "\tredis\tdiskette\ttarget")
		for _, f := range rep.Facts {
			mark := ""
			if f.missed() {
				mark = " !"
			}
			fmt.Fprintf(tw, "%s\t%s\t%s%s\t%s\n", f.Title, f.amount(f.Redis), f.amount(f.Diskette), mark, f.target())
		}
		tw.Flush()
	}
	rep.writeLongs(w)
	rep.writeSteadies(w)
}

// writeMarkdown prints the README's tables; a figure that misses its target is bold.
func (rep *report) writeMarkdown(w io.Writer) {
	if len(rep.Rows) > 0 {
		fmt.Fprintln(w, "| Diskette / Redis | Redis ops/s | Diskette ops/s | throughput | p50 | p99 | CPU per command | RSS |")
		fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|")
		for _, r := range rep.Rows {
			v := r.verdict()
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Title,
				grouped(int(median(r.Redis).OpsPerSecond)), grouped(int(median(r.Diskette).OpsPerSecond)),
				v.throughput.markdown(), v.p50.markdown(), v.p99.markdown(), v.cpu.markdown(), v.rss.markdown())
		}
		fmt.Fprintln(w)
		rep.writeCostsMarkdown(w)
	}
	if len(rep.Facts) > 0 {
		fmt.Fprintln(w, "| | Redis | Diskette | target |")
		fmt.Fprintln(w, "|---|--:|--:|--:|")
		for _, f := range rep.Facts {
			subject := f.amount(f.Diskette)
			if f.missed() {
				subject = "**" + subject + "**"
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.Title, f.amount(f.Redis), subject, f.target())
		}
		fmt.Fprintln(w)
	}
	rep.writeLongs(w)
	rep.writeSteadies(w)
	fmt.Fprintln(w, rep.caption()+" Bold misses its target.")
}

// caption says where, when and with what the figures were taken.
func (rep *report) caption() string {
	s := fmt.Sprintf("%s, %s. %s against %s (appendonly yes, appendfsync everysec unless stated, no RDB saves), built with %s. "+
		"Medians of interleaved rounds: %d (cold and restart at most 3, uniform 1); 100-byte values over %s keys unless stated. "+
		"Load by redis-benchmark on the same cores. CPU includes work put off until after the run and forked children. "+
		"The page cache was not dropped. Load average before the start: %s.",
		rep.Date, rep.Machine, cmp.Or(rep.Diskette, "Diskette"), cmp.Or(rep.Redis, "Redis"), rep.Go, rep.Rounds, grouped(fewKeys), rep.LoadAvg)
	if rep.Quick {
		s += " Small sizes (-quick): a smoke test, not a measurement."
	}
	if rep.TmpFS {
		s += " The data lay on tmpfs, where fsync costs nothing: choose a disk with -dir."
	}
	return s
}

// mark is a ratio Diskette / Redis, and whether it misses its target.
type mark struct {
	ratio  float64
	missed bool
}

func (m mark) text() string {
	if m.missed {
		return fmt.Sprintf("%.2f!", m.ratio)
	}
	return fmt.Sprintf("%.2f ", m.ratio)
}

func (m mark) markdown() string {
	if m.missed {
		return fmt.Sprintf("**%.2f**", m.ratio)
	}
	return fmt.Sprintf("%.2f", m.ratio)
}

type verdict struct{ throughput, p50, p99, cpu, rss mark }

// verdict is the ratios of the row's medians.
func (r row) verdict() verdict {
	a, b := median(r.Redis), median(r.Diskette)
	atMost := func(x, limit float64) mark { return mark{x, limit > 0 && x > limit} }
	throughput := ratio(b.OpsPerSecond, a.OpsPerSecond)
	return verdict{
		throughput: mark{throughput, throughput < r.Target.Throughput},
		p50:        mark{ratio(b.P50Millis, a.P50Millis), false},
		p99:        atMost(ratio(b.P99Millis, a.P99Millis), r.Target.P99),
		cpu:        atMost(ratio(b.CPUMicros, a.CPUMicros), r.Target.CPU),
		rss:        mark{ratio(float64(b.RSSBytes), float64(a.RSSBytes)), false},
	}
}

func (f fact) missed() bool {
	return f.Diskette < f.AtLeast || f.AtMost > 0 && f.Diskette > f.AtMost
}

func (f fact) amount(x float64) string {
	if f.Unit == "MB" || f.Unit == "keys/s" || f.Unit == "elements/s" || f.Unit == "bytes" {
		return grouped(int(x+0.5)) + " " + f.Unit
	}
	return strings.TrimSpace(fmt.Sprintf("%.2f %s", x, f.Unit))
}

func (f fact) target() string {
	switch {
	case f.AtLeast > 0:
		return "at least " + f.amount(f.AtLeast)
	case f.AtMost > 0:
		return "at most " + f.amount(f.AtMost)
	}
	return ""
}

// median takes the middle of each figure by itself: its samples need not be of one round.
func median(samples []sample) sample {
	by := func(figure func(sample) float64) float64 {
		all := make([]float64, len(samples))
		for i, s := range samples {
			all[i] = figure(s)
		}
		return middle(all)
	}
	return sample{
		OpsPerSecond:  by(func(s sample) float64 { return s.OpsPerSecond }),
		P50Millis:     by(func(s sample) float64 { return s.P50Millis }),
		P99Millis:     by(func(s sample) float64 { return s.P99Millis }),
		DuringMicros:  by(during),
		CPUMicros:     by(untilQuiet),
		WaitedShare:   by(func(s sample) float64 { return s.WaitedShare }),
		WrittenBytes:  by(func(s sample) float64 { return s.WrittenBytes }),
		RSSBytes:      int64(by(func(s sample) float64 { return float64(s.RSSBytes) })),
		PeakRSSBytes:  int64(by(func(s sample) float64 { return float64(s.PeakRSSBytes) })),
		LoaderCPUFrac: by(func(s sample) float64 { return s.LoaderCPUFrac }),
	}
}

// middle is the median; of an even number of values the mean of the two in the middle; of none, 0.
func middle(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	switch n := len(v); {
	case n == 0:
		return 0
	case n%2 == 1:
		return v[n/2]
	default:
		return (v[n/2-1] + v[n/2]) / 2
	}
}

// ratiosOf is the median of values, with the lowest and the highest; of none, zeros.
func ratiosOf(values []float64) ratios {
	if len(values) == 0 {
		return ratios{}
	}
	return ratios{middle(values), slices.Min(values), slices.Max(values)}
}

// ratio is a / b, and 0 where b is: JSON has no infinity.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// grouped writes n >= 0 with a comma between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// machine is the CPU, cores, memory and kernel, as far as /proc tells.
func machine() string {
	parts := []string{processor()}
	if kb, err := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		parts = append(parts, fmt.Sprintf("%.0f GB", float64(kb)/(1<<20)))
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(kernel)))
	}
	return strings.Join(parts, ", ")
}

// processor is the CPU and how many cores this program may use.
func processor() string {
	return fmt.Sprintf("%s, %d cores", cmp.Or(procField("/proc/cpuinfo", "model name"), runtime.GOARCH), runtime.NumCPU())
}

// procField is the first value of a field in a file of "field: value" lines, or "".
func procField(path, field string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// loadAverage is the first number of /proc/loadavg: runnable processes, averaged over a minute.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// onTmpFS says whether dir lies in memory.
func onTmpFS(dir string) bool {
	const tmpfsMagic = 0x01021994 // statfs(2)
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && int64(fs.Type) == tmpfsMagic
}

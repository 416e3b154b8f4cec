// Command hitratio compares how often a key is there when it is asked for, in caches of the same bytes:
//
//	go run ./compat_test/bench/hitratio [-quick] [-bytes 64mb] [-turns 10] [-traces regexp] [-bin PATH] [-redis PATH]
//	go run ./compat_test/bench/hitratio -simulate [-keys 10000] [-turns 40]
//
// The first replays traces against Diskette with maxdisk and redis-server with maxmemory of so many bytes, under
// allkeys-lru and allkeys-lfu, and prints a Markdown table beside the optimum, which is computed (optimum.go). Each
// request is a GET, and on a miss a SET, 32 of them at a time; what counts are the requests behind the first quarter,
// while the caches fill. It fails if Diskette hits less often than Redis by more than -noise.
//
// The second simulates Diskette's order and other ways to choose what goes, without a server: where package order's
// figures are from.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"diskette/store/order"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hitratio:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		simulated = flag.Bool("simulate", false, "simulate instead of asking servers")
		keys      = flag.Int("keys", 10_000, "with -simulate: `keys` of middling size that the cache holds")
		bytes     = flag.String("bytes", "64mb", "`size` of the caches, such as 64mb")
		turns     = flag.Float64("turns", 0, "requests of a trace for each key that the cache holds (default 10, with -simulate 40, with -quick 6)")
		chosen    = flag.String("traces", "", "only traces whose name matches this `regexp`")
		quick     = flag.Bool("quick", false, "two traces in caches of 16 MB: a test, not a measurement")
		noise     = flag.Float64("noise", 0.5, "`percent` of all requests that Diskette may be behind Redis (with -quick 3 more)")
		c         contest
	)
	flag.StringVar(&c.subject, "bin", "", "the diskette `binary` (default: build the module's)")
	flag.StringVar(&c.reference, "redis", "redis-server", "the redis-server `binary`")
	flag.StringVar(&c.scratch, "dir", "", "put the data directories under this `directory` (default: the system's)")
	flag.StringVar(&c.hot, "hot", "", "Diskette's maxmemory (default: a quarter of -bytes)")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if *quick {
		*bytes = "16mb"
		*noise += smallerBy
		*chosen = cmpString(*chosen, `^(Zipf 1\.0|Zipf 1\.0 with scans, sizes)$`)
	}
	names, err := regexp.Compile(*chosen)
	if err != nil {
		return fmt.Errorf("-traces: %w", err)
	}
	if *turns == 0 {
		*turns = map[bool]float64{false: 10, true: 6}[*quick]
		if *simulated {
			*turns = 40
		}
	}
	if *simulated {
		return simulateAll(names, *keys, *turns)
	}
	if c.bytes, err = parseBytes(*bytes); err != nil {
		return fmt.Errorf("-bytes: %w", err)
	}
	return c.run(ctx, names, *turns, *noise)
}

// smallerBy is by how much, in percent of all requests, Diskette may be behind with -quick: what is on its way to the
// tables, the WAL and the pages that are not full take more of a small bound, so that there are a third fewer keys of
// 500 bytes than in Redis. It is 1.8 behind at most, and 7 or 8 if what goes is chosen at random.
const smallerBy = 3

// cmpString is s, or another if it is empty.
func cmpString(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func parseBytes(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSuffix(s, "mb"), 10, 32)
	if err == nil && n < 8 {
		err = errors.New("8mb is the least")
	}
	return n << 20, err
}

// simulateAll prints the hit ratios of all kinds of caches, in percent.
func simulateAll(names *regexp.Regexp, keys int, turns float64) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, k := range kinds {
		fmt.Fprint(w, k.name, "\t")
	}
	fmt.Fprintln(w, "optimum\t")
	for _, p := range plans() {
		if !names.MatchString(p.name) {
			continue
		}
		t := p.trace(keys, turns)
		capacity := int64(float64(keys) * t.mean())
		fmt.Fprint(w, t.name, "\t")
		for _, k := range kinds {
			fmt.Fprintf(w, "%.1f\t", 100*simulate(t, k.make(t, capacity)))
		}
		fmt.Fprintf(w, "%.1f\t\n", 100*optimum(t, capacity, overhead))
	}
	return w.Flush()
}

// kinds are the ways that are compared. The hot set of Diskette has a tenth of the bytes, as by default.
var kinds = []kind{
	{"LRU", func(t *trace, n int64) cache { return &lru{list: newList(t), capacity: n} }},
	{"Redis LRU", func(t *trace, n int64) cache { return newSampled(t, n, false) }},
	{"Redis LFU", func(t *trace, n int64) cache { return newSampled(t, n, true) }},
	{"SIEVE", func(t *trace, n int64) cache { return &sieve{list: newList(t), capacity: n} }},
	{"S3-FIFO", func(t *trace, n int64) cache { return newS3(t, n) }},
	{"W-TinyLFU", func(t *trace, n int64) cache { return newTiny(t, n) }},
	{"order LRU", func(t *trace, n int64) cache { return newOurs(t, n, order.LRU, 0.1) }},
	{"order LFU", func(t *trace, n int64) cache { return newOurs(t, n, order.LFU, 0.1) }},
}

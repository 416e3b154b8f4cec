package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// options is the command line.
type options struct {
	bin, redis, dir       string
	cases                 string
	rounds                int
	scale                 float64
	quick, markdown       bool
	record, compare, json string // files
}

func parseOptions() (options, error) {
	var o options
	flag.StringVar(&o.bin, "bin", "", "the diskette `binary` to measure (default: build the module's)")
	flag.StringVar(&o.redis, "redis", "redis-server", "the redis-server `binary` to compare with, or a valkey-server")
	flag.StringVar(&o.cases, "cases", "", "run only the cases whose name matches this `regexp`")
	flag.IntVar(&o.rounds, "rounds", 0, "measured runs of each case (default 5; with -quick 1, and 3 of what is compared with baseline.json)")
	flag.Float64Var(&o.scale, "n", 1, "multiply the number of requests, the elements of long commands, the uniform minute and the steady ten by this `factor`")
	flag.BoolVar(&o.quick, "quick", false, "small sizes: a smoke test, not a measurement; it fails on processor time lost against baseline.json")
	flag.StringVar(&o.record, "record", "", "with -quick: run the cases of baseline.json and write their ratios to this `file`, instead of failing on what is worse")
	flag.StringVar(&o.compare, "compare", "", "show what has changed since the report that -json wrote to this `file`")
	flag.StringVar(&o.json, "json", "", "write every sample as JSON to this `file` as well; - is standard output, in place of the tables")
	flag.StringVar(&o.dir, "dir", "", "put the data directories under this `directory` (default: the system's)")
	flag.BoolVar(&o.markdown, "markdown", false, "print the README's tables")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case o.record != "" && !o.quick:
		return o, errors.New("-record is of the quick form")
	case o.json == "-" && o.compare != "":
		return o, errors.New("-compare prints tables: give -json a file")
	case o.scale <= 0 || o.rounds < 0:
		return o, errors.New("-n must be positive and -rounds not negative")
	}
	return o, nil
}

func (o options) config() (cfg config, err error) {
	cfg = config{subjectBin: o.bin, referenceBin: o.redis, rounds: o.rounds, size: fullSize}
	if o.quick {
		cfg.size = quickSize
	}
	if o.record != "" && o.cases == "" {
		o.cases = "^(" + strings.Join(gatedCases, "|") + ")$"
	}
	switch {
	case cfg.rounds > 0:
	case o.record != "":
		cfg.rounds = recordRounds
	default:
		cfg.rounds = cfg.size.rounds
	}
	cfg.size.requests *= o.scale
	cfg.size.elements = int(float64(cfg.size.elements) * o.scale)
	cfg.size.steady = time.Duration(float64(cfg.size.steady) * o.scale)
	cfg.size.uniform = time.Duration(float64(cfg.size.uniform) * o.scale)
	if o.quick && o.record == "" && o.scale == 1 {
		b, err := readBaseline()
		if err != nil {
			return cfg, err
		}
		cfg.baseline = &b
	}
	if cfg.cases, err = regexp.Compile(o.cases); err != nil {
		return cfg, fmt.Errorf("-cases: %w", err)
	}
	return cfg, nil
}

// show writes the report as it was asked for.
func (o options) show(rep *report, old *report) error {
	if len(rep.Rows)+len(rep.Facts)+len(rep.Longs)+len(rep.Steadies) == 0 {
		return nil
	}
	var err error
	if o.json != "" {
		err = rep.writeJSON(o.json)
	}
	switch {
	case o.json == "-":
	case o.markdown:
		rep.writeMarkdown(os.Stdout)
	default:
		rep.writeText(os.Stdout)
	}
	if old != nil {
		rep.writeComparison(os.Stdout, old)
	}
	return err
}

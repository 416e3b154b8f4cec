// Command bench compares Diskette with Debian's redis-server on the machine it runs on:
//
//	go run ./compat_test/bench [-cases regexp] [-rounds 5] [-n 1.0] [-quick] [-markdown]
//	    [-json FILE] [-compare OLD.json] [-record FILE] [-bin PATH] [-redis PATH] [-dir DIR]
//
// Both servers run side by side with the same arguments (--appendonly yes --appendfsync everysec
// --save ""), each on a free loopback port with a data directory of its own. The runs are
// interleaved, A B A B, so that a machine that slows down slows both, and a figure is the median
// of its rounds. What counts is the ratio Diskette / Redis within one report, not the numbers.
// -redis may name a valkey-server: the caption then says so, and the columns called Redis are Valkey's.
//
// The load comes from redis-benchmark, for both servers. The other choice was a Go client with a
// goroutine a connection; against one redis-server on two cores (GET, 100-byte values):
//
//	connections x pipeline    redis-benchmark             Go client
//	50 x 1                    106,000/s  p99 0.45 ms      107,000/s  p99 1.08 ms
//	50 x 16                   875,000/s  p99 1.2-2.3 ms   910,000/s  p99 1.45 ms
//	1 x 1                     19-35,000/s                 16-28,000/s
//
// The throughput is the same, but the Go client's scheduler adds 0.6 ms of its own to the p99 and
// 40 us to a single connection's round trip. What redis-benchmark can not send has clients of this program's own:
// the mixes (mix.go), and the steady cases, whose requests do not wait for replies (steady_loop.go).
//
// How the figures are taken:
//   - Server CPU is the process's CPU clock (nanoseconds, exited threads included) plus its forked
//     children, so that Redis's AOF rewrites count as Diskette's write-back does.
//   - After a run the server is left alone until it is quiet: no CPU for some time, nothing that INFO
//     says it owes. That work is the run's too: it counts as CPU, beside what was used "during" the run
//     alone, and it can not disturb the other server's turn.
//   - Bytes written are write_bytes of /proc/PID/io: what went to the disk, until the server is quiet.
//   - The operating system's page cache is not dropped: "cold" means outside the server's memory.
//
// Linux only at run time: it reads /proc.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// config is what the cases are told.
type config struct {
	subjectBin   string         // the server under test
	referenceBin string         // redis-server
	scratch      string         // parent of the data directories
	cases        *regexp.Regexp // which cases run
	rounds       int            // measured runs of each case and server
	size         size
	baseline     *baseline // what -quick may not lose; nil = it is not asked
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does everything, so that its deferred clean-up also happens on a signal.
func run(ctx context.Context) (err error) {
	o, err := parseOptions()
	if err != nil {
		return err
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	var old *report
	if o.compare != "" {
		if old, err = readReport(o.compare); err != nil {
			return err
		}
	}
	chosen := chooseCases(cfg)
	if len(chosen) == 0 {
		return fmt.Errorf("-cases %q matches none of: %s", o.cases, strings.Join(caseNames(cfg.size), " "))
	}
	for _, tool := range []string{cfg.referenceBin, "redis-benchmark"} {
		if _, err := exec.LookPath(tool); err != nil {
			if o.quick {
				fmt.Printf("NOT CHECKED: that Diskette is as fast as it was beside redis-server: %v\n", err)
				return nil
			}
			return fmt.Errorf("%w (Debian: apt-get install redis-server redis-tools)", err)
		}
	}

	if err := lendDescriptors(); err != nil {
		return err
	}
	if cfg.scratch, err = os.MkdirTemp(o.dir, "diskette-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.scratch)) }()
	if cfg.subjectBin == "" {
		if cfg.subjectBin, err = buildSubject(ctx, cfg.scratch); err != nil {
			return err
		}
	}

	rep := newReport(cfg, o.quick)
	failures := rep.measure(ctx, cfg, chosen)
	failures = append(failures, o.show(rep, old))
	switch {
	case o.record != "" && errors.Join(failures...) == nil:
		failures = append(failures, recordBaseline(o.record, rep))
	case cfg.baseline != nil && ctx.Err() == nil:
		out := os.Stdout
		if o.json == "-" {
			out = os.Stderr
		}
		failures = append(failures, rep.gate.conclude(out))
	}
	return errors.Join(failures...)
}

// measure runs the cases. What was measured before a failure or an interruption is in the report.
func (rep *report) measure(ctx context.Context, cfg config, groups []group) (failures []error) {
	for _, g := range groups {
		if err := g.run(ctx, cfg, rep); err != nil {
			if ctx.Err() != nil {
				return append(failures, errors.New("interrupted"))
			}
			failures = append(failures, fmt.Errorf("%s: %w", g.name, err))
		}
	}
	return failures
}

// buildSubject builds the module's main package into dir and returns the binary's path.
func buildSubject(ctx context.Context, dir string) (string, error) {
	goMod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	bin := filepath.Join(dir, "diskette")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, ".")
	build.Dir = filepath.Dir(strings.TrimSpace(string(goMod)))
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("go build in %s: %w", build.Dir, err)
	}
	return bin, nil
}

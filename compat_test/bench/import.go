package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gomodule/redigo/redis"
)

// importRate is how many small keys a second Diskette is to take in at least.
const importRate = 150_000

// importing is the case in which a dump.rdb moves in: each server starts on the same one, in turn.
func importing(sz size) group {
	return group{name: "import", appendfsync: "everysec", keys: sz.elements, valueBytes: smallValue,
		cases: []benchCase{{"import", runImport}}}
}

// runImport has Redis save its keys, and times both servers from their start on that file to the first PONG. The time
// of Redis is that of its own load.
func runImport(ctx context.Context, cfg config, p pair, rep *report) error {
	c, err := p.reference.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("SAVE"); err != nil {
		return err
	}
	keys := float64(cfg.size.elements)
	rates, cpus, peaks := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for round := range cfg.rounds {
		for _, s := range p.each() {
			m, err := importOnce(ctx, cfg, s, filepath.Join(p.reference.dir, "dump.rdb"))
			if err != nil {
				return err
			}
			rate, cpu := keys/m.took.Seconds(), m.cpu.Seconds()/keys*1e6
			progress("import %d/%d %s: %.0f keys/s, %.2f us CPU a key, peak %.0f MB", round+1, cfg.rounds, s.label, rate, cpu,
				megabytes(m.peak))
			rates[s.label] = append(rates[s.label], rate)
			cpus[s.label] = append(cpus[s.label], cpu)
			peaks[s.label] = append(peaks[s.label], megabytes(m.peak))
		}
	}
	of := func(samples map[string][]float64, s *server) float64 { return middle(samples[s.label]) }
	title := fmt.Sprintf("dump.rdb of %s keys: start to first PONG", grouped(cfg.size.elements))
	rep.Facts = append(rep.Facts,
		fact{Case: "import", Title: title, Unit: "keys/s", AtLeast: importRate,
			Diskette: of(rates, p.subject), Redis: of(rates, p.reference)},
		fact{Case: "import", Title: "the same: processor time a key", Unit: "us",
			Diskette: of(cpus, p.subject), Redis: of(cpus, p.reference)},
		fact{Case: "import", Title: "the same: highest RSS", Unit: "MB",
			Diskette: of(peaks, p.subject), Redis: of(peaks, p.reference)})
	return nil
}

// imported is what a start on a file took.
type imported struct {
	took, cpu time.Duration
	peak      int64
}

// importOnce starts a server like s on a copy of a snapshot and ends it again.
func importOnce(ctx context.Context, cfg config, s *server, dump string) (m imported, err error) {
	fresh := &server{label: s.label, bin: s.bin, quiet: s.quiet,
		args: []string{"--bind", "127.0.0.1", "--appendonly", "no", "--save", ""}}
	if err := fresh.prepare(cfg.scratch); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, fresh.stop()) }()
	if err := copyFile(dump, filepath.Join(fresh.dir, "dump.rdb")); err != nil {
		return m, err
	}
	began := time.Now()
	if err := fresh.start(); err != nil {
		return m, err
	}
	err = fresh.poll(ctx, 10*time.Minute, func(c redis.Conn) error {
		for {
			_, err := c.Do("PING")
			var loading redis.Error
			if !errors.As(err, &loading) {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	if err != nil {
		return m, err
	}
	m.took = time.Since(began)
	if m.cpu, err = serverCPU(fresh.cmd.Process.Pid); err != nil {
		return m, err
	}
	mem, err := serverMemory(fresh.cmd.Process.Pid)
	m.peak = mem.peak
	return m, err
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

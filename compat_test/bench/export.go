package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// exporting is the case in which all data goes to a dump.rdb: each server writes the same keys, in turn.
func exporting(sz size) group {
	return group{name: "export", appendfsync: "everysec", keys: sz.elements, valueBytes: smallValue,
		cases: []benchCase{{"export", runExport}}}
}

// runExport times BGSAVE from the command until INFO says that it is over. Of Redis's memory that of the child, which
// writes, is not counted: it is the parent's, but for what clients change meanwhile.
func runExport(ctx context.Context, cfg config, p pair, rep *report) error {
	keys := float64(cfg.size.elements)
	rates, peaks := map[string][]float64{}, map[string][]float64{}
	for round := range cfg.rounds {
		for _, s := range p.each() {
			took, peak, err := exportOnce(ctx, s)
			if err != nil {
				return err
			}
			progress("export %d/%d %s: %.0f keys/s, peak %.0f MB", round+1, cfg.rounds, s.label, keys/took.Seconds(), peak)
			rates[s.label] = append(rates[s.label], keys/took.Seconds())
			peaks[s.label] = append(peaks[s.label], peak)
		}
	}
	of := func(samples map[string][]float64, s *server) float64 { return middle(samples[s.label]) }
	rep.Facts = append(rep.Facts,
		fact{Case: "export", Title: fmt.Sprintf("BGSAVE of %s keys", grouped(cfg.size.elements)), Unit: "keys/s",
			Diskette: of(rates, p.subject), Redis: of(rates, p.reference)},
		fact{Case: "export", Title: "the same: highest RSS meanwhile", Unit: "MB",
			Diskette: of(peaks, p.subject), Redis: of(peaks, p.reference)})
	return nil
}

// exportOnce has a server write its dump.
func exportOnce(ctx context.Context, s *server) (took time.Duration, peakMegabytes float64, err error) {
	c, err := s.dial()
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	pid := s.cmd.Process.Pid
	// From here on the kernel counts the highest RSS anew (proc(5), clear_refs).
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if _, err := c.Do("BGSAVE"); err != nil {
		return 0, 0, err
	}
	for {
		info, err := redis.String(c.Do("INFO", "persistence"))
		switch {
		case err != nil:
			return 0, 0, err
		case ctx.Err() != nil:
			return 0, 0, ctx.Err()
		case strings.Contains(info, "rdb_last_bgsave_status:err"):
			return 0, 0, fmt.Errorf("%s: BGSAVE failed", s.label)
		case strings.Contains(info, "rdb_bgsave_in_progress:0"):
			took = time.Since(began)
			mem, err := serverMemory(pid)
			return took, megabytes(mem.peak), err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

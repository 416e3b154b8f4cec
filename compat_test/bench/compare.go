package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// compared is the figures whose ratios to Redis -compare sets side by side.
var compared = []struct {
	title string
	of    figure
	more  bool // more of it is better
}{
	{"ops/s", func(s sample) float64 { return s.OpsPerSecond }, true},
	{"p99", func(s sample) float64 { return s.P99Millis }, false},
	{"CPU during", during, false},
	{"CPU until quiet", untilQuiet, false},
	{"written", func(s sample) float64 { return s.WrittenBytes }, false},
}

// writeComparison shows what a change did: of each case that both reports have, the ratios to Redis before and after,
// with the lowest and highest of a round. What is said to be better or worse lies, with all its rounds, on one side of
// all rounds of before; one round says nothing.
func (rep *report) writeComparison(w io.Writer, old *report) {
	fmt.Fprintf(w, "\nbefore (%s, %s) and after (%s, %s): Diskette/Redis, lowest and highest of a round\n",
		old.Date, old.Diskette, rep.Date, rep.Diskette)
	if old.Machine != rep.Machine || old.Quick != rep.Quick {
		fmt.Fprintf(w, "The two are not of a kind: %s, quick %v; %s, quick %v\n", old.Machine, old.Quick, rep.Machine, rep.Quick)
	}
	before := map[string]row{}
	for _, r := range old.Rows {
		before[r.Name] = r
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rep.Rows {
		was, ok := before[r.Name]
		if !ok {
			fmt.Fprintf(tw, "%s\tnot in the other report\n", r.Name)
			continue
		}
		delete(before, r.Name)
		for _, c := range compared {
			a, b := pairedRatios(was, c.of), pairedRatios(r, c.of)
			if a.middle == 0 && b.middle == 0 {
				continue // nothing is written by what only reads
			}
			rounds := min(len(was.Redis), len(r.Redis))
			fmt.Fprintf(tw, "%s\t%s\t%s\t->\t%s\t%s\n", r.Name, c.title, a.text(), b.text(), change(a, b, c.more, rounds))
		}
	}
	tw.Flush()
	for _, r := range old.Rows {
		if _, left := before[r.Name]; left {
			fmt.Fprintf(w, "%s was not run now\n", r.Name)
		}
	}
	rep.compareLongs(w, old)
}

// change is how much a ratio has moved, and whether that is more than chance.
func change(before, after ratios, more bool, rounds int) string {
	if before.middle == 0 {
		return "new"
	}
	moved := fmt.Sprintf("%+.0f%%", 100*(after.middle/before.middle-1))
	switch {
	case rounds < 2 || after.low <= before.high && before.low <= after.high:
		return moved
	case (after.middle > before.middle) == more:
		return moved + " better"
	default:
		return moved + " WORSE"
	}
}

// compareLongs does the same for the time that long commands take.
func (rep *report) compareLongs(w io.Writer, old *report) {
	before := map[string]longRow{}
	for _, r := range old.Longs {
		before[r.Name] = r
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rep.Longs {
		was, ok := before[r.Name]
		if !ok {
			continue
		}
		a, b := pairedLongs(was), pairedLongs(r)
		fmt.Fprintf(tw, "%s\ttime\t%s\t->\t%s\t%s\n", r.Name, a.text(), b.text(), change(a, b, false, min(len(was.Redis), len(r.Redis))))
	}
	tw.Flush()
}

func pairedLongs(r longRow) ratios {
	var all []float64
	for i := range min(len(r.Redis), len(r.Diskette)) {
		all = append(all, ratio(r.Diskette[i].CommandMillis, r.Redis[i].CommandMillis))
	}
	return ratiosOf(all)
}

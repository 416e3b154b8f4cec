package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The table of costs: server CPU per command while it ran and until all was paid that it had put off, and the bytes
// that went to the disk for it. What a short run leaves to be paid afterwards is seen here and in no throughput.

const costTitle = "server CPU per command in us during the run / until the server is quiet; bytes written per command until then " +
	"(write_bytes of /proc/PID/io)"

// cells are a row's figures: during, until quiet and written, of either server, and the ratios.
func (rep *report) cost(r row) []string {
	a, b := median(r.Redis), median(r.Diskette)
	written := func(s sample) string {
		if rep.TmpFS {
			return "-"
		}
		return grouped(int(s.WrittenBytes + 0.5))
	}
	hundredths := func(x float64) string { return fmt.Sprintf("%.2f", x) }
	return []string{
		hundredths(a.DuringMicros), hundredths(a.CPUMicros), hundredths(b.DuringMicros), hundredths(b.CPUMicros),
		pairedRatios(r, during).text(), pairedRatios(r, untilQuiet).text(), written(a), written(b),
	}
}

var costColumns = []string{"Redis during", "until quiet", "Diskette during", "until quiet", "ratio during", "ratio until quiet",
	"written: Redis", "Diskette"}

// writeCosts prints the table for the terminal, of all rows.
func (rep *report) writeCosts(w io.Writer) {
	fmt.Fprintln(w, "\n"+costTitle+"; ratios Diskette/Redis with the lowest and highest of a round")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "\t%s\t\n", strings.Join(costColumns, "\t"))
	for _, r := range rep.Rows {
		fmt.Fprintf(tw, "%s\t%s\t\n", r.Name, strings.Join(rep.cost(r), "\t"))
	}
	tw.Flush()
}

// writeCostsMarkdown prints the README's table, of the rows in pipelines.
func (rep *report) writeCostsMarkdown(w io.Writer) {
	begun := false
	for _, r := range rep.Rows {
		if !r.pipelined() {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintln(w, strings.ToUpper(costTitle[:1])+costTitle[1:]+":")
			fmt.Fprintf(w, "\n| | %s |\n|---%s|\n", strings.Join(costColumns, " | "), strings.Repeat("|--:", len(costColumns)))
		}
		fmt.Fprintf(w, "| %s | %s |\n", r.Title, strings.Join(rep.cost(r), " | "))
	}
	if begun {
		fmt.Fprintln(w)
	}
}

func (r row) pipelined() bool { return strings.Contains(r.Name, "-p16") }

// A figure is one of a sample's.
type figure func(sample) float64

func during(s sample) float64     { return s.DuringMicros }
func untilQuiet(s sample) float64 { return s.CPUMicros }

// ratios is the median of some, and the lowest and highest of them.
type ratios struct{ middle, low, high float64 }

func (s ratios) text() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.middle, s.low, s.high) }

// pairedRatios is Diskette / Redis, round by round: what slows the machine down slows both runs of a round, and a
// ratio of neighbours feels less of it than a ratio of medians.
func pairedRatios(r row, of figure) ratios {
	var all []float64
	for i := range min(len(r.Redis), len(r.Diskette)) {
		all = append(all, ratio(of(r.Diskette[i]), of(r.Redis[i])))
	}
	return ratiosOf(all)
}

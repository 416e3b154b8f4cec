package main

import (
	"fmt"
	"io"
	"strings"
)

// writeSteadies prints the tables of the steady cases, in Markdown also at the terminal, as the long ones are.
func (rep *report) writeSteadies(w io.Writer) {
	if len(rep.Steadies) == 0 {
		return
	}
	fmt.Fprintf(w, "| %d connections, requests at planned times; ms | rate/s | p50: Redis | Diskette | p99: Redis | Diskette | "+
		"p99.9: Redis | Diskette | max: Redis | Diskette | load late, p99.9: Redis | Diskette | max: Redis | Diskette |\n", steadyConnections)
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range rep.Steadies {
		cells := []string{r.Title, grouped(int(r.Rate))}
		for _, figure := range []func(steady) float64{
			func(s steady) float64 { return s.P50Millis },
			func(s steady) float64 { return s.P99Millis },
			func(s steady) float64 { return s.P999Millis },
			func(s steady) float64 { return s.MaxMillis },
			func(s steady) float64 { return s.LateP999 },
			func(s steady) float64 { return s.LateMax },
		} {
			cells = append(cells, hundredths(figure(r.Redis)), hundredths(figure(r.Diskette)))
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintln(w)
	for i, r := range rep.Steadies {
		if i == 0 || rep.Steadies[i-1].Title != r.Title {
			fmt.Fprintf(w, "%s: highest rate, by connections that wait for their replies, Redis %s, Diskette %s. %g s a server and rate.\n", r.Title,
				grouped(int(r.Redis.Highest)), grouped(int(r.Diskette.Highest)), r.Seconds)
		}
		for _, s := range []struct {
			label string
			steady
		}{{"Redis", r.Redis}, {"Diskette", r.Diskette}} {
			if !r.held(s.steady) {
				fmt.Fprintf(w, "%s, %s/s: %s did not keep up: %s/s.\n", r.Title, grouped(int(r.Rate)), s.label, grouped(int(s.Achieved)))
			}
		}
	}
	fmt.Fprintln(w)
}

// hundredths writes milliseconds: below ten with two decimals, below 100 with one.
func hundredths(ms float64) string {
	switch {
	case ms < 9.995:
		return fmt.Sprintf("%.2f", ms)
	case ms < 99.95:
		return fmt.Sprintf("%.1f", ms)
	}
	return grouped(int(ms + 0.5))
}

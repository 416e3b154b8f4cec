package bench

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Reports of redis-benchmark 7.0.15 stand in testdata. Answers whose latencies are what such a report says of them make
// the same report here, but for the mean, of which it does not say enough, and the time.
func TestAReportIsRedisBenchmarks(t *testing.T) {
	files, err := filepath.Glob("testdata/report_*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	mean := regexp.MustCompile(`(?m)^( {4} *)[0-9.]+( +[0-9.]+){5}$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		line, want, _ := strings.Cut(string(text), "\n")
		args := strings.Fields(line)[1:]
		o, err := parseOptions(args)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := chosen(o.tests)
		f := &figures{title: list[len(list)-1].title, latencies: reported(t, want, o), took: time.Second}
		f.done = int64(number(t, `(\d+) requests completed`, want))
		var out strings.Builder
		r := newReport(o, &out)
		r.server = &server{settings: true, save: regexp.MustCompile(`"save": (.*)`).FindStringSubmatch(want)[1], appendOnly: "no"}
		r.tell(f)
		got := strings.TrimPrefix(out.String(), " \r")
		hide := func(text string) string {
			// Steps narrower than the last bucket make it say the same several times.
			text = strings.Join(slices.Compact(strings.Split(text, "\n")), "\n")
			text = regexp.MustCompile(`completed in .*|throughput summary: .*`).ReplaceAllString(text, "")
			row := mean.FindString(text)
			return strings.Replace(text, row, strings.Join(strings.Fields(row)[1:], " "), 1)
		}
		if got, want := hide(got), hide(want); got != want {
			t.Errorf("%s\n--- want\n%s--- got\n%s", line, want, got)
		}
	}
}

func number(t *testing.T, pattern, text string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is not in\n%s", pattern, text)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// reported makes answers of which a report would say what one says.
func reported(t *testing.T, report string, o *options) *latencies {
	t.Helper()
	known := map[int64]int64{} // the number of answers -> the shortest time within which so many came, us
	most := int64(0)
	add := func(text string, count int64) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		us := int64(math.Round(v * 1000))
		if before, seen := known[count]; !seen || us < before {
			known[count] = us
		}
		most = max(most, count)
	}
	for _, m := range regexp.MustCompile(`<= ([0-9.]+) milliseconds \(cumulative count (\d+)\)`).FindAllStringSubmatch(report, -1) {
		count, _ := strconv.ParseInt(m[2], 10, 64)
		add(m[1], count)
	}
	rows := strings.Split(strings.TrimSpace(report), "\n")
	summary := strings.Fields(rows[len(rows)-1])
	for n, percent := range []int64{50, 95, 99} {
		at := (percent*most + 99) / 100
		add(summary[2+n], at)
	}
	h := newLatencies(o.precision)
	var before int64
	for _, count := range slices.Sorted(maps.Keys(known)) {
		us := known[count]
		if before == 0 && count > 0 { // the first of them are those of the least
			h.record(int64(number(t, `\n {4} *[0-9.]+ +([0-9.]+)`, report)*1000), 1)
			before = 1
		}
		h.record(us, count-before)
		before = count
	}
	if h.TotalCount() != most {
		t.Fatalf("%d answers are %d", most, h.TotalCount())
	}
	return h
}

func TestLatenciesOfSeveralThreadsAreAddedUp(t *testing.T) {
	a, b, both := newLatencies(3), newLatencies(3), newLatencies(3)
	for us := range int64(1000) {
		for n, h := range []*latencies{a, b} {
			h.record(us*(1+99*int64(n)), 3)
			both.record(us*(1+99*int64(n)), 3)
		}
	}
	a.merge(b)
	if got, want := fmt.Sprint(a.byPercentile(), a.byLatency()), fmt.Sprint(both.byPercentile(), both.byLatency()); got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

func TestLatenciesBeyondTheBoundsAreCounted(t *testing.T) {
	h := newLatencies(3)
	h.record(-5, 1)
	h.record(time.Hour.Microseconds(), 2)
	if h.TotalCount() != 3 || h.Max() < highestLatency || h.Min() != 0 {
		t.Errorf("%d from %d to %d", h.TotalCount(), h.Min(), h.Max())
	}
	if newLatencies(3).byPercentile() != nil || newLatencies(3).byLatency() != nil {
		t.Error("no answer at all has a latency")
	}
}

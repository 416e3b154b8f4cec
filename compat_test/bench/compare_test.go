package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// measured is a row whose rounds took so many microseconds a command of Diskette's, and 10 of Redis's.
func measured(name string, micros ...float64) row {
	r := row{Name: name}
	for _, m := range micros {
		r.Redis = append(r.Redis, sample{OpsPerSecond: 100, DuringMicros: 10, CPUMicros: 10})
		r.Diskette = append(r.Diskette, sample{OpsPerSecond: 100, DuringMicros: 10, CPUMicros: m})
	}
	return r
}

func TestAComparisonSaysWhatIsMoreThanChance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "old.json")
	written := &report{Rows: []row{measured("steady", 10, 11, 12), measured("slower", 10, 11, 12), measured("faster", 10, 11, 12), measured("gone", 10)},
		Longs: []longRow{{Name: "long", Redis: []long{{CommandMillis: 100}, {CommandMillis: 100}},
			Diskette: []long{{CommandMillis: 400}, {CommandMillis: 410}}}}}
	if err := written.writeJSON(file); err != nil {
		t.Fatal(err)
	}
	old, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	now := &report{Rows: []row{measured("steady", 12, 13, 14), measured("slower", 13, 14, 15), measured("faster", 7, 8, 9), measured("new", 1)},
		Longs: []longRow{{Name: "long", Redis: []long{{CommandMillis: 100}, {CommandMillis: 100}},
			Diskette: []long{{CommandMillis: 200}, {CommandMillis: 210}}}}}
	var b strings.Builder
	now.writeComparison(&b, old)
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"steady CPU until quiet 1.10 (1.00-1.20) -> 1.30 (1.20-1.40) +18% s",
		"slower CPU until quiet 1.10 (1.00-1.20) -> 1.40 (1.30-1.50) +27% WORSE",
		"faster CPU until quiet 1.10 (1.00-1.20) -> 0.80 (0.70-0.90) -27% better",
		"steady ops/s 1.00 (1.00-1.00) -> 1.00 (1.00-1.00) +0% s",
		"new not in the other report",
		"gone was not run now",
		"long time 4.05 (4.00-4.10) -> 2.05 (2.00-2.10) -49% better",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestOneRoundIsNoComparison(t *testing.T) {
	if got := change(ratiosOf([]float64{1}), ratiosOf([]float64{3}), false, 1); got != "+200%" {
		t.Errorf("got %q", got)
	}
	if got := change(ratiosOf([]float64{1, 1.1}), ratiosOf([]float64{3, 3.1}), true, 2); got != "+190% better" {
		t.Errorf("got %q", got)
	}
}

func TestAReportThatCanNotBeReadIsAnError(t *testing.T) {
	if _, err := readReport(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there gives no error")
	}
}

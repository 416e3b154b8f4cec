package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// rowOf is rounds in which Redis took so many microseconds a command and Diskette a multiple of that.
func rowOf(redisMicros float64, multiples ...float64) row {
	r := row{Name: "set-50"}
	for _, m := range multiples {
		r.Redis = append(r.Redis, sample{DuringMicros: redisMicros, CPUMicros: redisMicros})
		r.Diskette = append(r.Diskette, sample{DuringMicros: redisMicros * m, CPUMicros: redisMicros * m})
	}
	return r
}

// among is the same rounds on a machine that others use.
func among(r row) row {
	for i := range r.Redis {
		r.Redis[i].WaitedShare = 5
	}
	return r
}

func TestACaseIsLostBeyondAQuarterAndAFloor(t *testing.T) {
	was := costRatios{During: 1, UntilQuiet: 1}
	for _, c := range []struct {
		name string
		row  row
		lost bool
	}{
		{"as it was", rowOf(10, 1, 1, 1), false},
		{"a quarter more", rowOf(10, 1.25, 1.25, 1.25), false},
		{"more than a quarter more", rowOf(10, 1.3, 1.3, 1.3), true},
		{"one bad round of three", rowOf(10, 1, 5, 1), false},
		{"two bad rounds of three", rowOf(10, 5, 5, 1), true},
		{"half as much again, of next to nothing", rowOf(0.5, 1.5, 1.5, 1.5), false},
		{"twice as much, of next to nothing", rowOf(0.5, 2, 2, 2), true},
		{"better", rowOf(10, 0.3, 0.4, 0.5), false},
	} {
		if got := was.lost(c.row); (got != "") != c.lost {
			t.Errorf("%s: lost is %q", c.name, got)
		}
	}
	if got := (costRatios{During: 2, UntilQuiet: 1}).lost(rowOf(10, 1.5, 1.5)); !strings.HasPrefix(got, "until quiet 1.50") {
		t.Errorf("a case that has lost only afterwards: %q", got)
	}
}

func TestACaseFailsWhenItIsWorseEachTimeItIsMeasured(t *testing.T) {
	b := baseline{Machine: processor(), Cases: map[string]costRatios{"case": {1, 1}}}
	for _, c := range []struct {
		worse []bool // in each look
		lost  bool
	}{
		{[]bool{false}, false},
		{[]bool{true, false}, false},
		{[]bool{true, true, false}, false},
		{[]bool{true, true, true}, true},
	} {
		var g gateResult
		looks := 0
		_, err := b.guard(&g, "case", func(rounds int) (row, error) {
			if rounds != gateRounds[looks] {
				t.Errorf("look %d has %d rounds", looks+1, rounds)
			}
			looks++
			if c.worse[looks-1] {
				return rowOf(10, 2, 2, 2), nil
			}
			return rowOf(10, 1, 1, 1), nil
		})
		var text strings.Builder
		failed := g.conclude(&text)
		if err != nil || (failed != nil) != c.lost || looks != len(c.worse) || g.checked != 1 || strings.Contains(text.String(), "NOT CHECKED") {
			t.Errorf("%v: %d looks, %v, %v, %+v", c.worse, looks, err, failed, g)
		}
		if c.lost && !strings.Contains(failed.Error(), "case: processor time per command during the run 2.00 (2.00-2.00) of Redis's, and was 1.00") {
			t.Errorf("what was lost is told as %v", failed)
		}
	}
}

func TestAnErrorOfAMeasurementIsNoLoss(t *testing.T) {
	broken := errors.New("broken")
	var g gateResult
	b := baseline{Machine: processor(), Cases: map[string]costRatios{"case": {1, 1}}}
	_, err := b.guard(&g, "case", func(int) (row, error) { return row{}, broken })
	if failed := g.conclude(new(strings.Builder)); !errors.Is(err, broken) || failed != nil {
		t.Errorf("got %v, %v, %+v", err, failed, g)
	}
}

func TestWhatCanNotBeComparedIsSaidToBeUnchecked(t *testing.T) {
	for _, c := range []struct {
		name, machine, of string
		row               row
		why               string
	}{
		{"a busy machine", processor(), "case", among(rowOf(10, 9)), "NOT CHECKED, other programs used the processors: case\n"},
		{"another machine", "another, 64 cores", "case", rowOf(10, 9), "NOT CHECKED, the figures kept are of another machine, another, 64 cores: case\n"},
		{"a case that the baseline has not", processor(), "other", rowOf(10, 9), "NOT CHECKED, nothing is kept of it (-record): case\n"},
	} {
		b := baseline{Machine: c.machine, Cases: map[string]costRatios{c.of: {1, 1}}}
		var g gateResult
		r, err := b.guard(&g, "case", func(int) (row, error) { return c.row, nil })
		var text strings.Builder
		failed := g.conclude(&text)
		if err != nil || failed != nil || !strings.HasSuffix(text.String(), c.why) || len(r.Redis) != 1 || g.checked != 0 {
			t.Errorf("%s: %v, %v, %q", c.name, err, failed, &text)
		}
	}
}

func TestTheBaselineKeepsWhatWasNotMeasuredNow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	other := rowOf(1, 4)
	other.Name = "cold-hot" // none of the gate's
	busy := among(rowOf(10, 7))
	busy.Name = "get-50"
	for _, c := range []struct {
		machine, want string
	}{
		{processor(), `"cases": { "get-50": { "during": 1.5, "until_quiet": 2 }, "set-50": { "during": 1.23, "until_quiet": 1.23 } } }`},
		{"another, 64 cores", `"cases": { "set-50": { "during": 1.23, "until_quiet": 1.23 } } }`},
	} {
		old := baseline{Machine: c.machine, Cases: map[string]costRatios{"set-50": {9, 9}, "get-50": {1.5, 2}}}
		err := old.record(file, &report{Rows: []row{rowOf(10, 1.234, 1, 5), other, busy}})
		if err == nil || !strings.HasSuffix(err.Error(), ": get-50") {
			t.Errorf("what was measured on a busy machine: %v", err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if flat := strings.Join(strings.Fields(string(text)), " "); !strings.HasSuffix(flat, c.want) {
			t.Errorf("no %s in %s", c.want, flat)
		}
	}
}

func TestTheGatesCasesAreTheBenchs(t *testing.T) {
	known := caseNames(quickSize)
	for _, name := range gatedCases {
		if !slices.Contains(known, name) {
			t.Errorf("there is no case %s", name)
		}
	}
	b, err := readBaseline()
	if err != nil {
		t.Fatal(err)
	}
	for name, ratios := range b.Cases {
		if !slices.Contains(gatedCases, name) || ratios.During <= 0 || ratios.UntilQuiet <= 0 || b.Machine == "" {
			t.Errorf("baseline.json has %s: %+v", name, ratios)
		}
	}
}

func TestAThreadsTurnsAreReadFromSchedstat(t *testing.T) {
	got, err := parseTurns("954309 353361 15\n")
	if want := (turns{954309 * time.Nanosecond, 353361 * time.Nanosecond}); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := parseTurns("none\n"); err == nil {
		t.Error("a text without numbers gives no error")
	}
}

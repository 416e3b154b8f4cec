package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// The gate is what -quick fails on: a case whose processor time per command, in Redis's of the same rounds, is
// more than it was when baseline.json was written by -record.
//
// Nothing shall fail by chance. Redis and Diskette take turns, and what slows the machine down slows both of a
// round; the figure is the median of rounds; a case that looks worse is looked at again, twice, each time with
// more rounds and no use of the ones before, and fails if it looks worse each time; and what is less than a floor
// in microseconds is not counted, since a ratio of two small numbers moves by itself.
//
// A machine that is busy with other things has ratios of its own, and none that last: on two cores a SET in a
// pipeline took 0.82 of Redis's processor time beside 17 other processes (median of seven rounds) and 1.25 beside
// 30 (of five), an HSET 1.01 and 1.62. Redis has one thread, and each time that it comes back to a processor
// others have filled the caches. How busy the machine is tells the time that Redis waits for a processor: beside
// those 30 it was 2 to 110 times what it used of one. Rounds on a busy machine are not compared, nor those on a
// machine of another kind than the baseline's: they are NOT CHECKED, and the report says so.
//
// Kept are the cases that came out the same in four runs on a calm machine: one command at a time, and HGETALL. Of the
// others in pipelines of 16 the medians of a run moved by 20 to 40 % from one run to the next (SET until quiet 1.24 to
// 1.72, INCR 1.8 to 2.3, SADD 1.8 to 2.2): the quick form is too short for what write-back owes then.

// gatedCases is what is compared: what users do most, the commands whose write-back weighs most, and a mix.
var gatedCases = []string{
	"set-50", "get-50", "incr-50", "set-50-p16", "get-50-p16", "incr-50-p16", "mset-50-p16",
	"hset-50-p16", "hgetall-50-p16", "lpush-50-p16", "rpop-50-p16", "sadd-50-p16", "zadd-50-p16", "xadd-50-p16", "mix-50",
}

//go:embed baseline.json
var baselineJSON []byte

// baseline is the ratios of a real run of the quick form, by name of the case.
type baseline struct {
	Date     string                `json:"date"`
	Machine  string                `json:"machine"` // processor and cores
	Diskette string                `json:"diskette"`
	Redis    string                `json:"redis"`
	Cases    map[string]costRatios `json:"cases"`
}

// costRatios is Diskette / Redis in processor time per command, medians.
type costRatios struct {
	During     float64 `json:"during"`
	UntilQuiet float64 `json:"until_quiet"`
}

const (
	gateLoss   = 0.25 // of a ratio: what is lost beyond it fails
	gateMicros = 0.3  // and is at least so much processor time a command
	calmShare  = 0.25 // what Redis may wait for a processor, in what it uses of one, on a machine that is not busy
)

// gateRounds is how many rounds each look at a case has.
var gateRounds = []int{3, 5, 9}

const recordRounds = 9

func readBaseline() (baseline, error) {
	var b baseline
	if err := json.Unmarshal(baselineJSON, &b); err != nil {
		return b, fmt.Errorf("baseline.json: %w", err)
	}
	return b, nil
}

// busy says whether others used the processors during the row's rounds.
func (r row) busy() bool { return median(r.Redis).WaitedShare > calmShare }

func (r row) costRatios() costRatios {
	return costRatios{hundredth(pairedRatios(r, during).middle), hundredth(pairedRatios(r, untilQuiet).middle)}
}

func hundredth(x float64) float64 { return math.Round(100*x) / 100 }

// lost says what of a row is worse than it was; nothing is "".
func (was costRatios) lost(r row) string {
	var worse []string
	redis := median(r.Redis)
	for _, f := range []struct {
		title string
		of    figure
		was   float64
	}{{"during the run", during, was.During}, {"until quiet", untilQuiet, was.UntilQuiet}} {
		now := pairedRatios(r, f.of)
		if now.middle > f.was*(1+gateLoss) && (now.middle-f.was)*f.of(redis) > gateMicros {
			worse = append(worse, fmt.Sprintf("%s %s of Redis's, and was %.2f", f.title, now.text(), f.was))
		}
	}
	return strings.Join(worse, "; ")
}

// gateResult is what the gate says of cases.
type gateResult struct {
	lost      []string            // what was lost, a line a case
	checked   int                 // cases that were compared
	unchecked map[string][]string // those that were not, by the reason
}

const (
	whyBusy    = "other programs used the processors"
	whyUnknown = "nothing is kept of it (-record)"
)

// guard measures a case of the gate, and again if it seems to have lost.
func (b baseline) guard(g *gateResult, name string, look func(rounds int) (row, error)) (r row, err error) {
	was, known := b.Cases[name]
	for i, rounds := range gateRounds {
		if r, err = look(rounds); err != nil {
			return r, err
		}
		lost := was.lost(r)
		switch {
		case !known:
			g.skip(whyUnknown, name)
			return r, nil
		case b.Machine != processor():
			g.skip("the figures kept are of another machine, "+b.Machine, name)
			return r, nil
		case r.busy():
			g.skip(whyBusy, name)
			return r, nil
		case lost == "":
			g.checked++
			return r, nil
		case i < len(gateRounds)-1:
			progress("%s seems to have lost, and is measured again: processor time per command %s", name, lost)
		default:
			g.checked++
			g.lost = append(g.lost, name+": processor time per command "+lost)
		}
	}
	return r, nil
}

func (g *gateResult) skip(why, name string) {
	if g.unchecked == nil {
		g.unchecked = map[string][]string{}
	}
	g.unchecked[why] = append(g.unchecked[why], name)
}

// conclude prints what was checked, and returns what was lost as an error.
func (g gateResult) conclude(w io.Writer) error {
	if g.checked > 0 {
		fmt.Fprintf(w, "\nProcessor time per command, beside Redis's, is within %.0f %% of what it was in %d cases of %d.\n",
			100*gateLoss, g.checked-len(g.lost), g.checked)
	}
	for why, names := range g.unchecked {
		fmt.Fprintf(w, "NOT CHECKED, %s: %s\n", why, strings.Join(names, " "))
	}
	var failures []error
	for _, line := range g.lost {
		failures = append(failures, errors.New(line))
	}
	return errors.Join(failures...)
}

// recordBaseline writes the baseline that the next build of this program has: the cases that were measured, and of the
// last one those that were not. What was measured on a busy machine is no figure to keep.
func recordBaseline(file string, rep *report) error {
	b, err := readBaseline()
	if err != nil {
		return err
	}
	return b.record(file, rep)
}

func (b baseline) record(file string, rep *report) error {
	next := baseline{Date: time.Now().Format(time.DateOnly), Machine: processor(), Diskette: rep.Diskette, Redis: rep.Redis,
		Cases: map[string]costRatios{}}
	if b.Machine == next.Machine {
		for name, was := range b.Cases {
			next.Cases[name] = was
		}
	}
	var busy []string
	kept := 0
	for _, r := range rep.Rows {
		switch {
		case !slices.Contains(gatedCases, r.Name):
		case r.busy():
			busy = append(busy, r.Name)
		default:
			next.Cases[r.Name] = r.costRatios()
			kept++
		}
	}
	if kept > 0 {
		text, err := json.MarshalIndent(next, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if len(busy) > 0 {
		return fmt.Errorf("not recorded, for %s: %s", whyBusy, strings.Join(busy, " "))
	}
	return nil
}

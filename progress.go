package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progressBar shows how far a command is: on a terminal by a bar, elsewhere by a line now and then.
type progressBar struct {
	out      io.Writer
	terminal bool
	told     time.Time
	line     string // the last one, elsewhere
	bar      *progressbar.ProgressBar
}

const barCells = 30

// barSteps is how finely the bar knows what is done.
const barSteps = 1000

// newProgressBar makes one whose first line comes not at once.
func newProgressBar(out *os.File) *progressBar {
	return &progressBar{out: out, terminal: isatty.IsTerminal(out.Fd()), told: time.Now()}
}

// draw shows how far it is, unless it is soon after the time before and not always to be shown.
func (b *progressBar) draw(percent float64, text string, always bool) {
	pause := tellEvery
	if b.terminal {
		pause = 100 * time.Millisecond
	}
	if time.Since(b.told) < pause && !always {
		return
	}
	b.told = time.Now()
	percent = min(max(percent, 0), 100)
	if b.terminal {
		if b.bar == nil {
			b.bar = progressbar.NewOptions(barSteps, progressbar.OptionSetWriter(b.out), progressbar.OptionSetWidth(barCells),
				progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true), progressbar.OptionUseANSICodes(true),
				progressbar.OptionSetDescription(text))
		}
		b.bar.Describe(text)
		_ = b.bar.Set(int(percent * barSteps / 100)) // a terminal that does not take it misses nothing
		return
	}
	line := fmt.Sprintf("%.1f %%: %s\n", percent, text)
	if line == b.line {
		return
	}
	b.line = line
	fmt.Fprint(b.out, line)
}

// timeLeft says how long it still takes, once that can be told.
func timeLeft(percent float64, took, left time.Duration) string {
	const enoughTime, enoughDone = 2 * time.Second, 5
	if took < enoughTime && percent < enoughDone {
		return ""
	}
	return fmt.Sprintf(", %.0f s left", left.Seconds())
}

// step shows that part n of several is under way.
func (b *progressBar) step(what string, n, of int) {
	b.draw(100*float64(n)/float64(max(of, 1)), what, false)
}

// end ends the line.
func (b *progressBar) end() {
	if b.bar != nil {
		_ = b.bar.Exit()
		fmt.Fprintln(b.out)
	}
}

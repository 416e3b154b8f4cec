package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressIsABarOnATerminalAndLinesElsewhere(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		bar := progressBar{out: &out, terminal: terminal}
		bar.draw(50, "half", true)
		bar.draw(60, "soon after", false)
		bar.told = time.Time{}
		bar.draw(70, "later", false)
		bar.draw(170, "too much", true)
		bar.end()
		text := out.String()
		if strings.Contains(text, "soon after") || !strings.Contains(text, "half") || !strings.Contains(text, "later") {
			t.Errorf("terminal %v: %q", terminal, text)
		}
		if want := "50.0 %: half\n"; !terminal && !strings.HasPrefix(text, want) {
			t.Errorf("%q", text)
		}
		if terminal != strings.Contains(text, "\r") || !strings.HasSuffix(text, "\n") {
			t.Errorf("terminal %v: %q", terminal, text)
		}
	}
}

func TestALineIsNotRepeatedAndNoTimeIsToldTooSoon(t *testing.T) {
	var out bytes.Buffer
	bar := progressBar{out: &out}
	for range 3 {
		bar.draw(50, "the index", true)
	}
	if n := strings.Count(out.String(), "the index"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	for _, c := range []struct {
		percent float64
		took    time.Duration
		want    string
	}{{1, time.Second, ""}, {1, 2 * time.Second, ", 9 s left"}, {5, time.Second, ", 9 s left"}} {
		if got := timeLeft(c.percent, c.took, 9*time.Second); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

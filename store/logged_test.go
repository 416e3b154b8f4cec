package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// logged gathers what a store logs, a line each: "event: <nil> [fields]", with "error: " before it if it is an error.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) use(o *Options) {
	o.Log = func(event string, err error, fields ...any) {
		line := fmt.Sprint(event, ": ", err, " ", fields)
		if err != nil {
			line = "error: " + line
		}
		l.mu.Lock()
		l.lines = append(l.lines, line)
		l.mu.Unlock()
	}
}

// with are the lines that have a text in them.
func (l *logged) with(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *logged) count(text string) int { return len(l.with(text)) }

// comes waits for the line that has a text in it, and fails if there is more than one. A line comes after what it tells
// of, and often from another goroutine.
func (l *logged) comes(t testing.TB, text string) (line string) {
	t.Helper()
	var lines []string
	eventually(t, "the line "+text, func() bool { lines = l.with(text); return len(lines) > 0 })
	if len(lines) > 1 {
		t.Errorf("%s: %.1000q", text, lines)
	}
	return lines[0]
}

func (l *logged) String() string { return strings.Join(l.with(""), "\n") }

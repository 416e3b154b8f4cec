package compat_test

import (
	"strings"
	"testing"
	"time"
)

// await waits until something holds that the server does in its own time.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within five minutes: %s", what)
		}
	}
}

// logSays waits until the log has all texts: it comes by another way than replies, so it may come later.
func logSays(t testing.TB, s *server, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for end := time.Now().Add(startTimeout); !strings.Contains(s.Log.String(), text); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log does not say %q:\n%s", text, s.Log)
			}
		}
	}
}

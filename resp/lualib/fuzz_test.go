package lualib

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzScript looks for scripts that take the process down, or that Go's own panics end.
func FuzzScript(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.lua.txt")
	for _, file := range files {
		for _, e := range exchanges(f, file) {
			f.Add(e.source())
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		code, err := Compile(source, "user_script")
		if err != nil {
			return
		}
		began := time.Now()
		s := New(Limits{Memory: 64 << 20, Tick: func() error {
			if time.Since(began) > time.Second {
				return errors.New("too slow")
			}
			return nil
		}})
		s.SetPlainGlobal("ARGV", s.L.NewTable())
		_, err = s.Call(s.Bind(code))
		if err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Error(err)
		}
	})
}

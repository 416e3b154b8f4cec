package lualib

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzScript runs any text as a script, with the text itself as what it works on: whatever
// comes out, the process stays up and the state is as good as new for the next script.
func FuzzScript(f *testing.F) {
	for _, file := range []string{"testdata/language.lua.txt", "testdata/libraries.lua.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "=>") && !strings.HasPrefix(line, "#") {
				f.Add(strings.TrimSuffix(line, "\n"))
			}
		}
	}
	next, err := Compile(`local t = {} for i = 1, 10 do t[i] = ("x"):rep(i) end return table.concat(t, ","), tostring(#t), type(cjson.encode)`, "next")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source string) {
		var end time.Time
		s := New(Limits{Memory: 64 << 20, Tick: func() error {
			if time.Now().After(end) {
				return errors.New("long enough")
			}
			return nil
		}})
		code, err := Compile(source, "fuzz")
		if err != nil {
			return
		}
		end = time.Now().Add(50 * time.Millisecond)
		s.Reset()
		s.Run(s.Bind(code), nil)
		end = time.Now().Add(time.Minute)
		s.Reset()
		got, failure := s.Run(s.Bind(next), nil)
		if failure != nil || got.String() != "x,xx,xxx,xxxx,xxxxx,xxxxxx,xxxxxxx,xxxxxxxx,xxxxxxxxx,xxxxxxxxxx" {
			t.Fatalf("the script after %q returned %v, %v", source, got, failure)
		}
		if s.L.GetTop() != 0 {
			t.Fatalf("%q left %d values on the stack", source, s.L.GetTop())
		}
	})
}

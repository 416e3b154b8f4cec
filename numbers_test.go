package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// kong takes a negative number for a flag, and advises to write it otherwise.
func TestANegativeNumberIsRefusedInWordsOfOurOwn(t *testing.T) {
	checked := 0
	for _, command := range kong.Must(&program{}).Model.Children {
		for _, flag := range command.Flags {
			kind := flag.Target.Kind()
			if kind < reflect.Int || kind > reflect.Float64 {
				continue
			}
			for _, value := range []string{"-3", "=-3", "-x", "3x", "=", "", "9999999999999999999999"} {
				words := []string{command.Name, "a", "--" + flag.Name}
				switch {
				case strings.HasPrefix(value, "="):
					words[2] += value
				case value != "":
					words = append(words, value)
				}
				status, said := refusal(t, words)
				if status != statusUsage || !strings.Contains(said, "--"+flag.Name+": ") ||
					!strings.Contains(said, "a number from 0 on is expected") || strings.Contains(said, "perhaps") {
					t.Errorf("%q: status %d: %s", words, status, said)
				}
			}
			checked++
		}
	}
	if checked < 4 {
		t.Errorf("only %d flags take numbers", checked)
	}
}

// refusal runs a command of the program, and returns what it says instead of doing anything.
func refusal(t *testing.T, words []string) (status int, said string) {
	t.Helper()
	name := t.TempDir() + "/said"
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	status = runProgram(words, strings.NewReader(""), f, f)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(text)
}

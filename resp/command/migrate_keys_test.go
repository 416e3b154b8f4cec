package command

import (
	"fmt"
	"strings"
	"testing"
)

func TestMigratesKeysAreTheThirdArgumentOrWhatFollowsOnKEYS(t *testing.T) {
	row := Row{Name: "migrate", Keys: MigrateKeys()}
	for line, want := range map[string]string{
		"MIGRATE":                             "[]",
		"MIGRATE h p":                         "[]",
		"MIGRATE h p k":                       "[3]",
		"MIGRATE h p k 0 1 KEYS a":            "[3]",
		"MIGRATE h p _":                       "[3]",
		"MIGRATE h p _ 0 1 COPY KEYS a b":     "[8 9]",
		"MIGRATE h p _ 0 1 AUTH KEYS keys a":  "[9]",
		"MIGRATE h p _ 0 1 AUTH2 u KEYS":      "[3]",
		"MIGRATE h p _ 0 1 AUTH2 KEYS x KEYS": "[]",
		"MIGRATE h p _ 0 1 AUTH":              "[3]",
	} {
		var args [][]byte
		for _, word := range strings.Fields(line) {
			args = append(args, []byte(strings.ReplaceAll(word, "_", "")))
		}
		places := []int{}
		row.EachKey(args, func(i int) { places = append(places, i) })
		if got := fmt.Sprint(places); got != want {
			t.Errorf("%s: keys at %s, want %s", line, got, want)
		}
	}
}

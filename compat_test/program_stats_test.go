package compat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// keptStats are the statistics that diskette stats --json tells.
type keptStats struct {
	Served     bool
	Statistics *struct {
		Since     int64 `json:"records_since"`
		Databases []map[string]any
	}
}

func statsOf(t *testing.T, args ...string) keptStats {
	t.Helper()
	var s keptStats
	if err := json.Unmarshal([]byte(succeeds(t, append([]string{"stats", "--json"}, args...)...)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// fieldsOf is a reply of CACHE STATS or a line of CACHE PREFIXES: names and values.
func fieldsOf(v value) map[string]string {
	fields := map[string]string{}
	for i := 0; i+1 < len(v.elems); i += 2 {
		fields[v.elems[i].text] = v.elems[i+1].text
	}
	return fields
}

// TestStatsTellsWhatTheServerHasCounted compares the program's figures with the server's own, while it is served, after
// a kill, and of a stopped directory.
func TestStatsTellsWhatTheServerHasCounted(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	for i := range 30 {
		c.Do("SET", fmt.Sprintf("user:%d:name", i), strings.Repeat("x", 100))
		c.Do("GET", fmt.Sprintf("user:%d:name", i))
		c.Do("SET", fmt.Sprintf("item:%d", i), "y", "EX", "1000")
	}
	c.Do("GET", "item:none")
	c.Do("SET", "\x1b[31m\xff:x", "odd")
	c.Do("SET", "\x1b[31m:x", "odd")
	c.Do("SET", "plain", "p")
	c.Do("SELECT", "3")
	c.Do("RPUSH", "queue:a", "1", "2")
	c.Do("DEL", "queue:a")
	database := func(n string) value { return c.Do("CACHE", "STATS", n) }
	stats := map[string]map[string]string{"0": fieldsOf(database("0")), "3": fieldsOf(database("3"))}
	prefixes := map[string][]value{"1": c.Do("CACHE", "PREFIXES", "0", "LEVEL", "1").elems, "2": c.Do("CACHE", "PREFIXES", "0", "LEVEL", "2", "COUNT", "5").elems}
	s.Terminate()

	same := func(when string, since func(int64) bool) {
		t.Helper()
		for level, want := range prefixes {
			most := len(want)
			kept := statsOf(t, s.Dir, "--level", level, "--prefixes", fmt.Sprint(most))
			if kept.Statistics == nil || len(kept.Statistics.Databases) != 2 || !since(kept.Statistics.Since) {
				t.Fatalf("%s: %+v", when, kept.Statistics)
			}
			for _, got := range kept.Statistics.Databases {
				for _, name := range []string{"hits", "misses", "sets", "deletes", "evictions", "expiries", "keys", "bytes", "since_ms", "one_key_in"} {
					if db := fmt.Sprint(got["db"]); fmt.Sprintf("%.0f", got[name]) != stats[db][name] {
						t.Errorf("%s, database %s: %s is %v, and the server has said %s", when, db, name, got[name], stats[db][name])
					}
				}
			}
			lines, _ := kept.Statistics.Databases[0]["prefixes"].([]any)
			if len(lines) != most {
				t.Fatalf("%s: %d prefixes of level %s, and the server has %d", when, len(lines), level, most)
			}
			for i, line := range lines {
				got, want := line.(map[string]any), fieldsOf(want[i])
				if want["prefix"] == "\x1b[31m\xff:" {
					want["prefix"] = "map[base64:G1szMW3/Og==]"
				}
				for _, name := range []string{"hits", "misses", "sets", "deletes", "evictions", "expiries", "missed", "keys", "bytes"} {
					if fmt.Sprintf("%.0f", got[name]) != want[name] || fmt.Sprint(got["prefix"]) != want["prefix"] {
						t.Errorf("%s: %v has %s %v, and the server has said %s of %s", when, got["prefix"], name, got[name], want[name], want["prefix"])
					}
				}
			}
		}
	}
	same("stopped", func(n int64) bool { return n == 0 })
	for i, want := range []bool{true, false} { // database 3 has no keys whose mean age there could be
		if age, is := statsOf(t, s.Dir).Statistics.Databases[i]["mean_age_ms"].(float64); is != want {
			t.Errorf("mean age of database %d: %v, %v", i, age, is)
		}
	}
	text := succeeds(t, "stats", s.Dir)
	mentions(t, text, "\ndatabase  hits  misses  sets  deletes", "names without :", "  unknown\n", `0         x'1B5B33316DFF3A'`, `0         \x1b[31m:`, "0         user:")
	if strings.Contains(text, "\x1b") {
		t.Errorf("what a client has stored reaches the terminal: %q", text)
	}
	if few := statsOf(t, s.Dir, "--prefixes", "0"); len(few.Statistics.Databases[0]["prefixes"].([]any)) != 0 {
		t.Errorf("%v", few.Statistics.Databases[0])
	}

	s.Restart()
	same("served", func(int64) bool { return true })
	if !statsOf(t, s.Dir).Served {
		t.Error("it is not served")
	}
	c = dial(t, s.Addr)
	c.Do("GET", "plain")
	c.Do("APPEND", "plain", "more")
	s.Kill9()
	same("killed", func(int64) bool { return true })
	succeeds(t, "stats", s.Dir, "--recover")
	same("killed, and brought in", func(n int64) bool { return n > 0 })
}

// TestWhatMovesInIsInTheStatistics begins with another's dump: the censuses are told of its keys.
func TestWhatMovesInIsInTheStatistics(t *testing.T) {
	s := moving(t, snapshotOf(t, 100))
	s.start(nil)
	c := dial(t, s.Addr)
	stats := func() map[string]string { return fieldsOf(c.Do("CACHE", "STATS", "0")) }
	await(t, "the keys that moved in are counted", func() bool { return stats()["complete"] == "1" })
	if got := stats(); got["keys"] != "100" || got["bytes"] == "0" {
		t.Errorf("%v", got)
	}
	if strings.Contains(s.Log.String(), "statistics of the caches begin anew") {
		t.Error(s.Log.String())
	}
}

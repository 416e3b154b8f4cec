package compat_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestSORTFindsColdKeys sorts by keys and fields that have to come from disk first, in and outside of a transaction.
func TestSORTFindsColdKeys(t *testing.T) {
	c := dial(t, startSubject(t, subjectBin(t), "--enable-debug-command", "local").Addr)
	const elements = 1000
	for i := range elements {
		c.Do("RPUSH", "l", i)
		c.Do("SET", fmt.Sprint("w_", i), elements-i)
		if i%2 == 0 {
			c.Do("HSET", fmt.Sprint("h_", i), "f", fmt.Sprint("field", i))
		}
	}
	want := func(when string, v value) {
		t.Helper()
		if len(v.elems) != 2*elements {
			t.Fatalf("%s: %d elements: %.200s", when, len(v.elems), v)
		}
		for place := range elements {
			i := elements - 1 - place
			number, field := v.elems[2*place].Text(), v.elems[2*place+1]
			if number != fmt.Sprint(i) || i%2 == 0 && field.Text() != fmt.Sprint("field", i) || i%2 == 1 && !field.IsNil() {
				t.Fatalf("%s: place %d has %s and %s", when, place, number, field)
			}
		}
	}
	sort := []any{"SORT", "l", "BY", "w_*", "GET", "#", "GET", "h_*->f"}
	c.Do("DEBUG", "RELOAD")
	c.Do("CONFIG", "RESETSTAT")
	want("cold", c.Do(sort...))
	// SORT ran more than once, each time the keys that it had asked for were there, but counts as one command.
	if s := c.Do("INFO", "stats").Text(); !strings.Contains(s, "\r\nkeyspace_hits:1501\r\nkeyspace_misses:500\r\n") {
		t.Errorf("a list, 1000 numbers and 500 of 1000 fields are there: %s", s)
	}
	want("warm", c.Do(sort...))
	c.Do("DEBUG", "RELOAD")
	c.Do("MULTI")
	c.Do(sort...)
	want("in a transaction", c.Do("EXEC").elems[0])
	c.Do("DEBUG", "RELOAD")
	if v := c.Do(append(sort, "STORE", "w_5")...); v.String() != ":2000" {
		t.Fatalf("SORT STORE: %s", v)
	}
	if v := c.Do("LRANGE", "w_5", 0, 1); v.elems[0].Text() != "999" || v.elems[1].Text() != "" {
		t.Errorf("stored %s", v)
	}
}

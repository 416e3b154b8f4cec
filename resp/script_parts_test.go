package resp

import (
	"fmt"
	"strings"
	"testing"
)

// A list of which memory has all, in parts, becomes whole when a script asks for it: nothing is loaded for that.
func TestAScriptMakesAListWholeThatMemoryHasInParts(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	k.raw("CONFIG SET maxmemory 1mb")
	const elements = 40_000
	for range elements / 1000 {
		k.raw("RPUSH l" + strings.Repeat(" element", 1000))
	}
	for round := range 12 { // in some of them its index is there, and it is over the bound before it is written back
		if err := s.store.Flush(); err != nil {
			t.Fatal(err)
		}
		lines := []string{"RPUSH l x"}
		for i := range 100 {
			lines = append(lines, fmt.Sprintf("SET k%d %s", i, strings.Repeat("v", 200)))
		}
		k.raw(lines...)
		got := k.raw(`EVAL "return {redis.call('LRANGE', 'l', -1, -1)[1], redis.call('LLEN', 'l')}" 0`)
		if want := fmt.Sprintf("*2\r\n$1\r\nx\r\n:%d\r\n", elements+round+1); got != want {
			t.Fatalf("round %d: %q; want %q", round, got, want)
		}
	}
}

package resp

import (
	"bytes"
	"testing"

	"diskette/resp/command"
	"diskette/resp/wire"
)

// TestKeysOfAPipelineAreLookedUpWhereTheyStand: behind the name of most commands, and behind the number of keys in a
// pipeline of EVALSHA. A command of another name in between has its first argument looked up, one without arguments
// nothing, and no more keys are taken than there is room for.
func TestKeysOfAPipelineAreLookedUpWhereTheyStand(t *testing.T) {
	words := func(line string) [][]byte { return bytes.Fields([]byte(line)) }
	for _, c := range []struct {
		keys     []command.KeySpec
		pipeline []string
		want     string
	}{
		{command.KeysCounted(2, "RW access update"), []string{"EVALSHA sum 1 k1 token", "EVALSHA sum 1 k2", "GET k3", "PING",
			"evalsha sum", "EVALSHA sum 0", "EVALSHA sum 2 k4 k5"}, "k1+token k2 k3 sum k4+k5"},
		{command.KeyAt(1, "RO access"), []string{"HGET k1 f1", "HGET k2 f2", "EVALSHA sum 1 k3"}, "k1+f1 k2+f2 sum+1"},
		{nil, []string{"SCAN 0", "GET k1"}, "0 k1"},
	} {
		var following []wire.Command
		for _, line := range c.pipeline[1:] {
			following = append(following, wire.Command{Args: words(line)})
		}
		var h hold
		n := h.keysAhead(&command.Row{Keys: c.keys}, words(c.pipeline[0]), following)
		var got [][]byte
		for i := range n {
			key := h.keys[i]
			if h.members[i] != nil {
				key = append(append(bytes.Clone(key), '+'), h.members[i]...)
			}
			got = append(got, key)
		}
		if got := bytes.Join(got, []byte(" ")); string(got) != c.want {
			t.Errorf("%q: %s are looked up, not %s", c.pipeline, got, c.want)
		}
	}
	var h hold
	many := make([]wire.Command, 40)
	for i := range many {
		many[i].Args = words("GET k")
	}
	if n := h.keysAhead(&command.Row{}, many[0].Args, many[1:]); n != len(h.keys) {
		t.Errorf("%d keys of 40 commands are looked up", n)
	}
}

package resp

import (
	"strings"
	"testing"
)

func TestAKeyThatNeverChangesForgetsTheClientsThatAreGone(t *testing.T) {
	addr, s := startServing(t)
	stays := talk(t, addr)
	for _, command := range []string{"HELLO 3", "CLIENT TRACKING ON", "GET k"} {
		stays.do(command)
	}
	for range 200 {
		c := talk(t, addr)
		c.do("HELLO 3")
		if got := c.do("CLIENT TRACKING ON"); got != "+OK" {
			t.Fatal(got)
		}
		c.do("GET k")
		c.do("CLIENT TRACKING OFF")
	}
	if keys, items, _ := s.tracking.counts(); keys != 1 || items > 8 {
		t.Errorf("%d keys have %d clients, of which one is left", keys, items)
	}
	talk(t, addr).do("SET k x")
	if got := stays.reply(); !strings.Contains(got, "invalidate") {
		t.Errorf("the client that is left heard %q", got)
	}
}

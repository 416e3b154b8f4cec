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

// Who pops what another has pushed is told of it: the list is not as it was when he looked, and no change but the pop
// was his own.
func TestAClientWithNoLoopHearsOfTheChangeThatItsPopWaitedFor(t *testing.T) {
	addr, s := startServing(t)
	pops, pushes := talk(t, addr), talk(t, addr)
	for _, command := range []string{"HELLO 3", "CLIENT TRACKING ON BCAST NOLOOP", "LRANGE k 0 -1"} {
		pops.do(command)
	}
	for range 300 { // the push, which comes behind the reply, is another goroutine's affair
		pops.send("BLPOP k 0")
		s.awaitBlocked(t, 1)
		pushes.do("RPUSH k 1 2 3")
		if popped, told := pops.reply(), pops.reply(); popped != "*2 k 1" || told != ">2 invalidate *1 k" {
			t.Fatalf("it popped %q and was told %q", popped, told)
		}
		pops.do("DEL k")
	}
	pops.do("RPUSH k 4")
	if got := pops.do("PING"); got != "+PONG" {
		t.Errorf("a change of its own told it %q", got)
	}
}

func TestClientsThatTrackForgetAllWhenDatabasesAreSwapped(t *testing.T) {
	for _, mode := range []string{"", " BCAST", " NOLOOP"} {
		addr, _ := startServing(t)
		reads, swaps := talk(t, addr), talk(t, addr)
		for _, command := range []string{"HELLO 3", "SET k of-0", "CLIENT TRACKING ON" + mode, "GET k"} {
			reads.do(command)
		}
		for _, command := range []string{"SWAPDB 0 0", "SWAPDB 0 1", `EVAL "return redis.call('swapdb',0,1)" 0`} {
			if got := swaps.do(command); got != "+OK" {
				t.Fatalf("%s answers %q", command, got)
			}
			if command == "SWAPDB 0 0" { // nothing has changed
				continue
			}
			if told := reads.reply(); told != ">2 invalidate _" {
				t.Errorf("tracking%s, %s: the client was told %q", mode, command, told)
			}
		}
		if got := reads.do("PING"); got != "+PONG" {
			t.Errorf("tracking%s: the client was also told %q", mode, got)
		}
	}
}

package compat_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// eventCommands is how many commands of each family the comparison of events sends.
const eventCommands = 4000

// eventSource is a server whose keyspace notifications are heard.
type eventSource struct {
	commands, ears, marks *client
}

// hearEvents asks for all events but those of expiry: Redis notices a deadline that has passed when it looks at the key.
func hearEvents(t *testing.T, addr, classes string) *eventSource {
	s := &eventSource{dial(t, addr), dial(t, addr), dial(t, addr)}
	s.commands.Do("CONFIG", "SET", "notify-keyspace-events", classes)
	s.ears.Do("SUBSCRIBE", "marker")
	s.ears.Do("PSUBSCRIBE", "__key*__:*")
	s.commands.Do("FLUSHALL")
	return s
}

// after returns the events that have come about since the last call.
func (s *eventSource) after(t *testing.T, args []any) (events []string) {
	t.Helper()
	s.commands.Do(args...)
	s.marks.Do("PUBLISH", "marker", "x")
	for {
		v, err := s.ears.read(5 * time.Second)
		if err != nil {
			t.Fatalf("no event and no marker: %v", err)
		}
		if v.elems[0].Text() == "message" {
			return events
		}
		if strings.Contains(v.elems[2].Text()+v.elems[3].Text(), "consumer") {
			continue // since 7.2 an XCLAIM or XREADGROUP that gets nothing creates it, too
		}
		events = append(events, fmt.Sprintf("%q %q", v.elems[2].Text(), v.elems[3].Text()))
	}
}

// TestRandomCommandsFireTheEventsOfALiveRedis sends the same random commands to Diskette and to a live redis-server and compares the
// events that a subscriber hears, in order.
func TestRandomCommandsFireTheEventsOfALiveRedis(t *testing.T) {
	oursAt, theirsAt := startBoth(t, "that random commands fire a live Redis's events")
	seed := testrand.Seed(t)
	for _, name := range slices.Sorted(maps.Keys(randomFamilies)) {
		t.Run(name, func(t *testing.T) {
			f := randomFamilies[name]
			templates := strings.Split(strings.TrimSpace(f.templates), "\n")
			classes := "KEg$lshztdmn"
			if name == "streams" || name == "sort" { // how often they look for a key that is missing is left to each server
				classes = "KEg$lshztdn"
			}
			ours, theirs := hearEvents(t, oursAt.Addr, classes), hearEvents(t, theirsAt.Addr, classes)
			r := rand.New(rand.NewPCG(seed, 7))
			var history []string
			for range eventCommands {
				args := f.command(templates[r.IntN(len(templates))], r)
				history = append(history, fmt.Sprintf("%q", args))
				got, want := ours.after(t, args), theirs.after(t, args)
				if !slices.Equal(got, want) {
					t.Errorf("after\n  %s\nDiskette's events:\n%s\nredis-server's:\n%s",
						strings.Join(history[max(0, len(history)-12):], "\n  "), events(got), events(want))
					return
				}
			}
		})
	}
}

// events are the last of them, a line each.
func events(all []string) string { return strings.Join(all[max(0, len(all)-30):], "\n") }

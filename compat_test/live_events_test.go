package compat_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// eventCommands is how many commands of each family the comparison of events sends.
const eventCommands = 4000

// eventSource is a server whose keyspace notifications are heard.
type eventSource struct {
	commands, ears, marks *client
}

// hearEvents asks for all events but those of expiry: Redis notices a deadline that has passed
// when it looks at the key.
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
		v, err := s.ears.read(replyTimeout)
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

// TestRandomCommandsFireTheEventsOfALiveRedis sends the same random commands to Diskette and to
// a live redis-server and compares the events that a subscriber hears, in order.
func TestRandomCommandsFireTheEventsOfALiveRedis(t *testing.T) {
	oursAt, theirsAt := startBoth(t, "that random commands fire a live Redis's events")
	seed := testrand.Seed(t)
	for _, name := range slices.Sorted(maps.Keys(randomFamilies)) {
		t.Run(name, func(t *testing.T) {
			f := randomFamilies[name]
			templates := strings.Split(strings.TrimSpace(f.templates), "\n")
			classes := "KEg$lshztdmn"
			// How often these commands look for a key that is missing is left to each server.
			if name == "streams" || name == "sort" {
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

// TestEverySetOfEventClassesIsHeardAsALiveRedisHearsIt tries all values of notify-keyspace-events,
// with commands that fire an event of each class that needs no time to pass. It takes a minute.
func TestEverySetOfEventClassesIsHeardAsALiveRedisHearsIt(t *testing.T) {
	oursAt, theirsAt := startBoth(t, "that every value of notify-keyspace-events is heard as Redis hears it")
	const letters = "KEAg$lshzxetdmn"
	ours, theirs := hearEvents(t, oursAt.Addr, ""), hearEvents(t, theirsAt.Addr, "")
	for mask := range 1 << len(letters) {
		classes := ""
		for i, letter := range letters {
			if mask>>i&1 != 0 {
				classes += string(letter)
			}
		}
		got, want := ours.ofEachClass(t, classes), theirs.ofEachClass(t, classes)
		if !slices.Equal(got, want) {
			t.Errorf("%q: Diskette's events:\n%s\nredis-server's:\n%s", classes, events(got), events(want))
			return
		}
	}
}

// ofEachClass returns what CONFIG GET shows of these classes, and the events of commands that were sent in one go.
func (s *eventSource) ofEachClass(t *testing.T, classes string) (heard []string) {
	t.Helper()
	commands := [][]any{
		{"CONFIG", "SET", "notify-keyspace-events", classes}, {"CONFIG", "GET", "notify-keyspace-events"},
		{"SET", "s", "v"}, {"RPUSH", "l", "v"}, {"SADD", "m", "v"}, {"HSET", "h", "f", "v"}, {"ZADD", "z", "1", "v"},
		{"XADD", "x", "1-1", "f", "v"}, {"GET", "none"}, {"DEL", "s", "l", "m", "h", "z", "x"}, {"PUBLISH", "marker", "x"},
	}
	for _, args := range commands {
		s.commands.Send(args...)
	}
	for i := range commands {
		v, err := s.commands.read(replyTimeout)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			heard = append(heard, v.String())
		}
	}
	for {
		v, err := s.ears.read(replyTimeout)
		if err != nil {
			t.Fatalf("no event and no marker: %v", err)
		}
		if v.elems[0].Text() == "message" {
			return heard
		}
		heard = append(heard, fmt.Sprintf("%q %q", v.elems[2].Text(), v.elems[3].Text()))
	}
}

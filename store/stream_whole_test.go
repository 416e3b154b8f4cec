package store

import (
	"fmt"
	"testing"
)

// restoredStream makes a key the stream that a payload might hold: what is pending is partly
// gone, times are of long ago.
func restoredStream(t *testing.T, tx *Tx, key []byte) {
	s, err := tx.EditStream(key)
	if err != nil {
		t.Fatal(err)
	}
	s.Create()
	s.Add(StreamID{10, 5}, PackFields([][]byte{[]byte("f"), []byte("v")}))
	s.SetLastID(StreamID{20, 0}, 7, StreamID{15, 1})
	g := s.CreateGroup([]byte("g"), StreamID{12, 0}, -1)
	b := s.AddConsumer(g, []byte("b"), 1000, 900)
	s.AddConsumer(g, []byte("a"), 5, -1)
	s.AddPending(g, b, Pending{ID: StreamID{10, 5}, DeliveredMs: 900, Deliveries: 3})
	s.AddPending(g, b, Pending{ID: StreamID{11, 0}, DeliveredMs: 901, Deliveries: 1})
}

func streamText(s *Stream) string {
	text := fmt.Sprint(s.Len(), s.LastID(), s.MaxDeletedID(), s.Added())
	for _, g := range s.Groups() {
		text += fmt.Sprintf("; %s %v %d", g.Name(), g.LastID(), g.EntriesRead())
		for _, c := range g.Consumers() {
			text += fmt.Sprintf(", %s %d %d %d", c.Name(), c.SeenMs(), c.ActiveMs(), c.PendingLen())
		}
		g.EachPending(minStreamID, maxStreamID, func(p Pending) bool {
			text += fmt.Sprint(", ", p)
			return true
		})
	}
	return text
}

func TestAStreamThatIsFilledWholeKeepsItsTimesAndWhatIsPending(t *testing.T) {
	const want = "1 {20 0} {15 1} 7; g {12 0} -1, a 5 -1 0, b 1000 900 2, {{10 5} b 900 3}, {{11 0} b 901 1}"
	st := opened(t, t.TempDir())
	look := func(when string) {
		t.Helper()
		checked(t, st)
		at(t, st, 5000, []string{"s"}, func(tx *Tx, k [][]byte) {
			s, err := tx.View.Stream(k[0])
			if err != nil || streamText(s) != want {
				t.Errorf("%s: got %s, %v, want %s", when, streamText(s), err, want)
			}
		})
	}
	at(t, st, 5000, []string{"s"}, func(tx *Tx, k [][]byte) { restoredStream(t, tx, k[0]) })
	look("at once")
	unloadAll(st)
	look("unloaded")
	st = reopened(t, st)
	look("opened again")
	at(t, st, 5000, []string{"s"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditStream(k[0])
		g := s.Group([]byte("g"))
		if !s.Acknowledge(g, StreamID{11, 0}) || s.DeleteConsumer(g, g.Consumer([]byte("b"))) != 1 {
			t.Error("what is pending can not be taken away")
		}
	})
	checked(t, st)
}

func TestIdleTimeCanBeSet(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	const now = 1_764_440_000_000
	for set, want := range map[int64]int64{0: 0, 1000: 1000, -5: 0, 1 << 62: longestIdle} {
		at(t, st, now, []string{"k", "absent"}, func(tx *Tx, k [][]byte) {
			tx.SetIdle(k[0], set)
			tx.SetIdle(k[1], set)
			if idle, ok := tx.IdleMillis(k[0]); idle < want || idle >= want+1<<usedShift || !ok {
				t.Errorf("set to %d it is %d, %v, want %d", set, idle, ok, want)
			}
			if _, ok := tx.IdleMillis(k[1]); ok {
				t.Error("an absent key has an idle time")
			}
		})
	}
}

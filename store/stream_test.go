package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

func packed(elements ...string) StreamFields {
	var b [][]byte
	for _, e := range elements {
		b = append(b, []byte(e))
	}
	return PackFields(b)
}

func TestAStreamFindsItsEntriesWhateverWasDeleted(t *testing.T) {
	r := testrand.New(t, 1)
	var e entryBlocks
	var want []StreamID
	next := StreamID{}
	for step := range 30_000 {
		switch what := r.IntN(10); {
		case what < 3 && len(want) > 0 && step > 5000:
			i := r.IntN(len(want))
			if what == 0 {
				i = 0
			}
			if _, ok := e.remove(want[i]); !ok {
				t.Fatalf("step %d: %v is not there", step, want[i])
			}
			want = slices.Delete(want, i, i+1)
		default:
			next.Seq += uint64(r.IntN(3))
			next, _ = next.Next()
			if r.IntN(10) == 0 {
				next = StreamID{next.Ms + 1, 0}
			}
			e.append(streamEntry{id: next, n: int64(step), fields: "1:f1:v"})
			want = append(want, next)
		}
		if step > 20_000 && r.IntN(3) == 0 { // towards the end more goes than comes
			for range min(len(want), 3) {
				i := r.IntN(len(want))
				e.remove(want[i])
				want = slices.Delete(want, i, i+1)
			}
		}
		if step%500 == 0 {
			compareEntries(t, &e, want, r)
		}
	}
	compareEntries(t, &e, want, r)
	for _, id := range want {
		e.remove(id)
	}
	if e.live != 0 || e.bytes != 0 || e.room != 0 || e.size() != 0 || len(e.blocks) != 0 {
		t.Errorf("of nothing there is left %d entries, %d bytes, room for %d in %d blocks", e.live, e.bytes, e.room, len(e.blocks))
	}
}

func compareEntries(t *testing.T, e *entryBlocks, want []StreamID, r *rand.Rand) {
	t.Helper()
	var up, down []StreamID
	e.ascend(minStreamID, func(x *streamEntry) bool { up = append(up, x.id); return true })
	e.descend(maxStreamID, func(x *streamEntry) bool { down = append(down, x.id); return true })
	slices.Reverse(down)
	if !slices.Equal(up, want) || !slices.Equal(down, want) || e.live != len(want) {
		t.Fatalf("%d entries up, %d down, %d counted, want %d", len(up), len(down), e.live, len(want))
	}
	room := 0
	for _, b := range e.blocks {
		room += b.room
		if len(b.entries) == 0 || cap(b.entries) > b.room {
			t.Fatalf("a block of %d entries has room for %d and counts %d", len(b.entries), cap(b.entries), b.room)
		}
	}
	if room != e.room {
		t.Fatalf("the blocks have room for %d, %d is counted", room, e.room)
	}
	for range 20 {
		id := StreamID{uint64(r.IntN(3000)), uint64(r.IntN(20))}
		i, there := slices.BinarySearchFunc(want, id, StreamID.Compare)
		if (e.find(id) != nil) != there {
			t.Fatalf("find %v: want %v", id, there)
		}
		var first, last StreamID
		e.ascend(id, func(x *streamEntry) bool { first = x.id; return false })
		e.descend(id, func(x *streamEntry) bool { last = x.id; return false })
		if i < len(want) && first != want[i] || i == len(want) && first != (StreamID{}) {
			t.Fatalf("from %v on the first is %v", id, first)
		}
		if there {
			i++
		}
		if i > 0 && last != want[i-1] || i == 0 && last != (StreamID{}) {
			t.Fatalf("down from %v the first is %v", id, last)
		}
	}
}

func TestAStreamComesBackWithItsGroups(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s", "t", "u"}, func(tx *Tx, k [][]byte) {
		s, err := tx.EditStream(k[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			s.Add(StreamID{1 << 63, uint64(i)}, packed("f", fmt.Sprint(i)))
		}
		for i := range 300 {
			s.Delete(StreamID{1 << 63, uint64(3 * i)})
		}
		s.Trim(Trim{MaxLen: 600})
		s.CreateGroup([]byte("g"), minStreamID, -1)
		s.CreateGroup([]byte(""), StreamID{1 << 63, 950}, 12)
		g := s.Group([]byte("g"))
		alice, bob := s.See(g, []byte("alice")), s.See(g, []byte("bob"))
		s.Deliver(g, alice, 100, false, func(StreamID, StreamFields) {})
		s.Deliver(g, bob, 50, false, func(StreamID, StreamFields) {})
		s.Deliver(g, bob, 50, true, func(StreamID, StreamFields) {})
		first, last := g.PendingEnds()
		s.Acknowledge(g, first)
		s.Claim(g, alice, last, Claim{DeliveredMs: 5, Deliveries: 9})
		s.Redeliver(g, bob, minStreamID, 10, func(StreamID, StreamFields, bool) {})
		empty, _ := tx.EditStream(k[1])
		empty.Create()
	})
	checked(t, st)
	var want string
	inspect := func(tx *Tx, k [][]byte) {
		s, _ := tx.Stream(k[0])
		g := s.Group([]byte("g"))
		_, last := g.PendingEnds()
		p, _ := g.NextPending(last)
		got := fmt.Sprint(s.Len(), s.LastID(), s.MaxDeletedID(), s.Added(), s.FirstID(), len(s.Groups()), g.LastID(), g.EntriesRead(), g.PendingLen(),
			g.Consumer([]byte("alice")).PendingLen(), g.Consumer([]byte("bob")).PendingLen(), g.Consumer([]byte("alice")).ActiveMs(), p)
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("the stream is %s, and was %s", got, want)
		}
		if empty, err := tx.Stream(k[1]); err != nil || empty == nil || empty.Len() != 0 {
			t.Errorf("an empty stream is a key: %v, %v", empty, err)
		}
	}
	must(t, st, 0, []string{"s", "t"}, inspect)
	st = reopened(t, st)
	must(t, st, 0, []string{"s", "t"}, inspect)
	must(t, st, 0, []string{"s", "u"}, func(tx *Tx, k [][]byte) {
		tx.Rename(k[0], k[1])
		tx.Copy(k[1], 0, k[0], false)
		u, _ := tx.EditStream(k[1])
		u.DestroyGroup(u.Group([]byte("g")))
		u.Trim(Trim{MaxLen: 0})
	})
	checked(t, st)
	unloadAll(st)
	must(t, st, 0, []string{"s", "t"}, inspect)
	must(t, st, 0, []string{"u"}, func(tx *Tx, k [][]byte) {
		u, _ := tx.EditStream(k[0])
		if u.Len() != 0 || len(u.Groups()) != 1 || u.Groups()[0].EntriesRead() != 12 {
			t.Errorf("the copied one lost %d entries and has %d groups", u.Len(), len(u.Groups()))
		}
		u.Add(StreamID{1 << 63, 5000}, packed())
	})
	checked(t, st)
}

func TestADeletedStreamIsReapedFromAllItsTables(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditStream(k[0])
		for i := range 3000 {
			s.Add(StreamID{uint64(i + 1), 0}, packed("f", "v"))
		}
		s.CreateGroup([]byte("g"), minStreamID, 0)
		g := s.Group([]byte("g"))
		s.Deliver(g, s.See(g, []byte("c")), 0, false, func(StreamID, StreamFields) {})
	})
	flushed(t, st)
	mustDel(t, st, "s")
	flushed(t, st)
	eventually(t, "the reaper's end", func() bool { return streamRows(t, st) == 0 })
	checked(t, st)
}

func streamRows(t *testing.T, st *Store) (rows int64) {
	t.Helper()
	err := st.readers.use(func(r *reader) error {
		for _, tb := range tablesOf(TypeStream) {
			var n int64
			if err := queryInts(r.c, `SELECT count(*) FROM `+tables[tb].name, &n); err != nil {
				return err
			}
			rows += n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestApproximateTrimmingTakesWholeNodesAndNeverGoesBelowTheBound(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditStream(k[0])
		for i := range 1050 {
			s.Add(StreamID{uint64(i + 1), 0}, packed("f", "0123456789"))
		}
		node := Trim{Approximate: true, NodeEntries: 100, NodeBytes: 4096}
		for _, step := range []struct {
			trim          Trim
			removed, left int64
		}{
			{Trim{MaxLen: 1000}, 0, 1050},
			{Trim{MaxLen: 900}, 100, 950},
			{Trim{MaxLen: 0, Limit: 250}, 200, 750},
			{Trim{MaxLen: 0, Limit: 50}, 0, 750},
			{Trim{MaxLen: -1, MinID: StreamID{400, 0}}, 0, 750},
			{Trim{MaxLen: -1, MinID: StreamID{401, 0}}, 100, 650},
			{Trim{MaxLen: 600, NodeBytes: 160}, 50, 600},
			{Trim{MaxLen: 1}, 500, 100},
			{Trim{MaxLen: 0}, 100, 0},
		} {
			trim := node
			trim.MaxLen, trim.MinID, trim.Limit = step.trim.MaxLen, step.trim.MinID, step.trim.Limit
			if step.trim.NodeBytes > 0 {
				trim.NodeBytes = step.trim.NodeBytes
			}
			if n := s.Trim(trim); n != step.removed || int64(s.Len()) != step.left {
				t.Errorf("%+v removed %d and left %d, want %d and %d", trim, n, s.Len(), step.removed, step.left)
			}
		}
	})
	checked(t, st)
}

func TestDamagedStreamRowsAreRefused(t *testing.T) {
	for _, fields := range []StreamFields{"5:a", "1:a", "x", "1", ":", "1:a1:", "1:a1:b7", "-1:a", "99999999999999999999:a", "1;a1:b"} {
		if fields.valid() {
			t.Errorf("%q passes for fields", fields)
		}
		n := 0
		fields.Each(func(string) { n++ })
		if n > 2 {
			t.Errorf("%q has %d elements", fields, n)
		}
	}
	if f := packed("f", "", "g", string(make([]byte, 300))); !f.valid() || f.Len() != 4 {
		t.Errorf("%q has %d elements", f, f.Len())
	}
}

func TestTheViewsShowStreamsInAReadableForm(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		s, _ := tx.EditStream(k[0])
		s.Add(StreamID{5, 1}, packed("f", "hello", "", "a:b\"c", "g", "123456789012"))
		s.Add(StreamID{1<<64 - 1, 7}, packed("5:x", ""))
		s.CreateGroup([]byte("g"), StreamID{1 << 63, 2}, -1)
		g := s.Group([]byte("g"))
		s.Deliver(g, s.See(g, []byte("c")), 0, false, func(StreamID, StreamFields) {})
	})
	flushed(t, st)
	for sql, want := range map[string][]string{
		`SELECT key || ' ' || entry || ' ' || fields FROM streams`: {
			`s 5-1 ["f","hello","","a:b\"c","g","123456789012"]`,
			`s 18446744073709551615-7 ["5:x",""]`},
		`SELECT key || ' ' || consumer_group || ' ' || last_delivered || ' ' || consumers || ' ' || pending FROM stream_consumer_groups`: {
			`s g 18446744073709551615-7 1 1`},
	} {
		var got []string
		err := st.readers.use(func(r *reader) error {
			s, err := r.stmt(sql)
			if err != nil {
				return err
			}
			defer s.Reset()
			for s.Step() {
				got = append(got, s.ColumnText(0))
			}
			return s.Err()
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q, %v\nwant %q", sql, got, err, want)
		}
	}
}

// What the fields of entries take beyond their bytes, which are what is counted for them, is little.
func TestPackedFieldsTakeLittleBesideTheirBytes(t *testing.T) {
	var p FieldsPacker
	var bytes, rooms int
	var last *byte
	pack := func(elements ...string) {
		fields := p.Pack(elements)
		if fields != packed(elements...) {
			t.Fatalf("%q are packed as %q", elements, fields)
		}
		if cap(p.room) > roomBytes {
			t.Fatalf("short entries are to share %d bytes with a long one", cap(p.room))
		}
		if cap(p.room) > 0 && &p.room[:1][0] != last {
			last = &p.room[:1][0]
			rooms += cap(p.room)
		}
		if len(fields) <= shortFields {
			bytes += len(fields)
		}
	}
	pack("f", "v")
	if rooms > bytes {
		t.Errorf("an entry of %d bytes takes %d", bytes, rooms)
	}
	for i := range 10_000 {
		pack("f", fmt.Sprint(i))
		if i%1000 == 0 {
			pack("long", strings.Repeat("v", i*10))
		}
	}
	if rooms > bytes*5/4 {
		t.Errorf("entries of %d bytes take %d", bytes, rooms)
	}
}

package store

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"diskette/compat_test/testrand"
)

// editing a list: fn gets the list of the key "l".
func onList(t testing.TB, st *Store, fn func(l ListTx)) {
	t.Helper()
	must(t, st, 0, []string{"l"}, func(tx *Tx, k [][]byte) {
		l, err := tx.EditList(k[0])
		if err != nil {
			t.Fatal(err)
		}
		fn(l)
	})
}

func wantList(t testing.TB, st *Store, want []string) {
	t.Helper()
	onList(t, st, func(l ListTx) {
		if got := elementsOf(l.List); !slices.Equal(got, want) {
			t.Fatalf("the list has %d elements %.200q, want %d %.200q", len(got), got, len(want), want)
		}
		for i := 1; i < l.Len(); i++ {
			if l.at(i-1).n >= l.at(i).n {
				t.Fatalf("position %d at %d is not below %d", l.at(i-1).n, i-1, l.at(i).n)
			}
		}
	})
}

// soundList checks what a list keeps besides its elements.
func soundList(t testing.TB, l *List) {
	t.Helper()
	values, packed := int64(0), int64(0)
	for i := range l.Len() {
		values += int64(len(l.At(i)))
		packed += packedBytes(l.At(i))
	}
	if packed != l.packed {
		t.Fatalf("%d bytes packed; the books say %d", packed, l.packed)
	}
	if l.large == nil {
		if l.Len() > packElements || packed > listPackBytes {
			t.Fatalf("%d elements of %d bytes are a pack", l.Len(), packed)
		}
		p := &l.pack
		if live := int(values); p.live() != live || len(p.block) > 1<<16-1 {
			t.Fatalf("a pack has %d bytes of %d alive, in %d", p.live(), live, len(p.block))
		}
		return
	}
	b := l.large
	slots, room := 0, 0
	for _, block := range b.blocks {
		slots += len(block)
		for _, e := range block {
			if e != (element{}) {
				room++
			}
		}
	}
	slots += len(b.spare)
	if slots != b.slots || values != b.values {
		t.Fatalf("%d slots, %d bytes; the books say %d, %d", slots, values, b.slots, b.values)
	}
	if room > b.len {
		t.Fatalf("%d places are in use for %d elements", room, b.len)
	}
	if len(b.blocks) > 2*(b.len/listBlock)+4 {
		t.Fatalf("%d blocks for %d elements", len(b.blocks), b.len)
	}
}

func TestAListDoesWhatASliceDoes(t *testing.T) {
	for seed := range uint64(20) {
		r := testrand.New(t, seed)
		st := opened(t, t.TempDir())
		g := &game{t: t, st: st, r: r}
		var want []string
		for round := range 30 {
			onList(t, st, func(l ListTx) {
				grow := r.IntN(4) == 0
				for range r.IntN(400) {
					if len(want) == 0 && l.o.typ != None {
						break
					}
					if grow {
						l.Push(Tail, []byte("e1"))
						want = append(want, "e1")
					}
					want = playList(g, l, want)
					if len(want) == 0 { // the key is gone
						return
					}
				}
				soundList(t, l.List)
			})
			wantList(t, st, want)
			if round%10 == 9 {
				checked(t, st)
				unloadAll(st)
				wantList(t, st, want)
			}
		}
		checked(t, st)
		st = reopened(t, st)
		wantList(t, st, want)
		closed(t, st)
	}
}

func TestAListIsRenamedCopiedAndDeleted(t *testing.T) {
	st := opened(t, t.TempDir())
	var want []string
	onList(t, st, func(l ListTx) {
		for i := range 1000 {
			l.Push(Head, fmt.Append(nil, i))
			want = slices.Insert(want, 0, fmt.Sprint(i))
		}
	})
	must(t, st, 0, []string{"l", "m", "n"}, func(tx *Tx, k [][]byte) {
		tx.Rename(k[0], k[1])
		tx.Copy(k[1], 0, k[0], false)
		tx.Copy(k[1], 0, k[2], false)
		m, _ := tx.EditList(k[1])
		m.Pop(Head)
		tx.Delete(k[2])
	})
	checked(t, st)
	unloadAll(st)
	wantList(t, st, want)
	must(t, st, 0, []string{"m"}, func(tx *Tx, k [][]byte) {
		m, _ := tx.List(k[0])
		if !slices.Equal(elementsOf(m), want[1:]) {
			t.Error("the copy's change shows in the original")
		}
	})
	st = reopened(t, st)
	wantList(t, st, want)
	onList(t, st, func(l ListTx) {
		for l.Len() > 0 {
			l.Pop(Tail)
		}
	})
	checked(t, st)
	must(t, st, 0, []string{"l"}, func(tx *Tx, k [][]byte) {
		if tx.TypeOf(k[0]) != None {
			t.Error("an empty list is a key")
		}
	})
}

func TestAQueueThatRunsForEverStaysSmall(t *testing.T) {
	for _, ends := range [][2]End{{Tail, Head}, {Head, Tail}} {
		for _, length := range []int{1, 3, 100, 130, 1000} {
			l := &List{}
			push := func(n int64) {
				at := 0
				if ends[0] == Tail {
					at = l.Len()
				}
				l.add(at, element{n, "x"}, false)
			}
			for i := range length {
				push(int64(i))
			}
			for i := range 100_000 {
				push(int64(i + length))
				if e := l.take(ends[1]); e.n != int64(i) {
					t.Fatalf("length %d: %d came out, want %d", length, e.n, i)
				}
			}
			b := l.large
			switch most := 4*length + 4*listBlock; {
			case b == nil:
				if n := cap(l.pack.block); n > 512+16*length {
					t.Errorf("a queue of %d has a pack of %d bytes", length, n)
				}
			case b.slots > most || cap(b.blocks) > most/listBlock+8:
				t.Errorf("a queue of %d has %d slots in %d blocks", length, b.slots, cap(b.blocks))
			}
		}
	}
}

func TestInsertionsAtOnePlaceRenumberFewRows(t *testing.T) {
	st := opened(t, t.TempDir())
	var want []string
	onList(t, st, func(l ListTx) {
		for i := range 2000 {
			l.Push(Tail, fmt.Append(nil, i))
			want = append(want, fmt.Sprint(i))
		}
	})
	rows := 0
	onList(t, st, func(l ListTx) {
		for i := range 20_000 {
			before := len(l.tx.rec.head)
			l.Insert(1000, []byte("x"))
			rows += (len(l.tx.rec.head) - before) / 12 // a put or a removal is 10 to 14 bytes
			want = slices.Insert(want, 1000, "x")
			if i%1000 == 0 {
				soundList(t, l.List)
			}
		}
	})
	if rows > 20_000*60 {
		t.Errorf("%d rows for 20,000 insertions", rows)
	}
	t.Logf("about %d rows for 20,000 insertions at one place", rows)
	wantList(t, st, want)
	checked(t, st)
}

func TestPositionsBeginAnewAtTheEndOfTheirRange(t *testing.T) {
	for _, far := range []int64{math.MaxInt64 - 1, math.MinInt64 + 1} {
		st := opened(t, t.TempDir())
		onList(t, st, func(l ListTx) {
			for _, v := range []string{"a", "b", "c"} {
				l.Push(Tail, []byte(v))
			}
			l.renumber(0, 3, far-map[bool]int64{true: 3, false: 0}[far > 0], 1)
		})
		wantList(t, st, []string{"a", "b", "c"})
		onList(t, st, func(l ListTx) { l.Insert(1, []byte("i")) })
		onList(t, st, func(l ListTx) { l.Push(Tail, []byte("z")) })
		onList(t, st, func(l ListTx) { l.Push(Head, []byte("0")) })
		wantList(t, st, []string{"0", "a", "i", "b", "c", "z"})
		checked(t, st)
		st = reopened(t, st)
		wantList(t, st, []string{"0", "a", "i", "b", "c", "z"})
	}
}

func TestAPopOfALongListTakesOneRow(t *testing.T) {
	st := opened(t, t.TempDir())
	onList(t, st, func(l ListTx) {
		for range 100_000 {
			l.Push(Head, []byte("x"))
		}
	})
	onList(t, st, func(l ListTx) {
		l.Pop(Head)
		l.Pop(Tail)
		if n := len(l.tx.rec.head); n > 40 {
			t.Errorf("two pops record %d bytes", n)
		}
	})
	flushed(t, st)
	must(t, st, 0, []string{"l"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
	checked(t, st)
	eventually(t, "the end of the rows", func() bool {
		flushed(t, st)
		rows := -1
		if err := st.readers.use(func(r *reader) error {
			s, err := r.stmt(`SELECT count(*) FROM (SELECT 1 FROM list_runs LIMIT 1)`)
			if err != nil {
				return err
			}
			defer s.Reset()
			if s.Step() {
				rows = s.ColumnInt(0)
			}
			return s.Err()
		}); err != nil {
			t.Fatal(err)
		}
		return rows == 0
	})
}

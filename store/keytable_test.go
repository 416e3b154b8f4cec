package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// tableModel is a keyTable beside a map that it is compared with.
type tableModel struct {
	t     testing.TB
	table keyTable
	space *space
	model map[string]*object
	names []string // of the model, in no order
	gone  []*object
}

func newTableModel(t testing.TB) *tableModel {
	return &tableModel{t: t, table: newKeyTable(), space: &space{}, model: map[string]*object{}}
}

func (m *tableModel) put(name string) {
	if m.model[name] != nil {
		return
	}
	o := newObject(m.space, name)
	m.table.put(o)
	m.model[name] = o
	m.names = append(m.names, name)
}

func (m *tableModel) delete(at int) {
	name := m.names[at]
	o := m.model[name]
	m.table.delete(o)
	m.table.delete(o) // it is not there any more
	m.gone = append(m.gone, o)
	delete(m.model, name)
	m.names = slices.Delete(m.names, at, at+1)
}

func (m *tableModel) check() {
	m.t.Helper()
	if m.table.len() != len(m.model) {
		m.t.Fatalf("the table has %d names, of %d", m.table.len(), len(m.model))
	}
	for name, o := range m.model {
		if o.name() != name || m.table.get(name) != o || m.table.getBytes([]byte(name)) != o || !m.table.has(o) {
			m.t.Fatalf("%q is not found", name)
		}
	}
	for _, o := range m.gone {
		if m.table.has(o) || m.table.get(o.name()) != m.model[o.name()] {
			m.t.Fatalf("%q is found, and is gone", o.name())
		}
	}
	seen := map[*object]bool{}
	m.table.each(func(o *object) bool {
		if seen[o] || m.model[o.name()] != o {
			m.t.Fatalf("%q comes twice, or is gone", o.name())
		}
		seen[o] = true
		return true
	})
	if len(seen) != len(m.model) {
		m.t.Fatalf("%d names come, of %d", len(seen), len(m.model))
	}
	if some := m.table.some(10); len(some) != min(10, len(m.model)) {
		m.t.Fatalf("%d of %d names", len(some), len(m.model))
	}
	m.checkAhead()
	m.checkSegments()
}

// checkAhead looks up names that are there and names that are not together.
func (m *tableModel) checkAhead() {
	m.t.Helper()
	var names [][]byte
	for i := range aheadKeys {
		name := []byte(fmt.Sprint("absent", i))
		if i%3 != 0 && len(m.names) > 0 {
			name = []byte(m.names[i*len(m.names)/aheadKeys])
		}
		names = append(names, name)
	}
	var found [aheadKeys]*object
	m.table.ahead(names, &found)
	for i, name := range names {
		if found[i] != m.model[string(name)] {
			m.t.Fatalf("%q is found otherwise together with others", name)
		}
	}
}

func (m *tableModel) checkSegments() {
	m.t.Helper()
	for i := 0; i < len(m.table.dir); {
		s := m.table.dir[i]
		n := 1 << (m.table.depth - s.depth)
		for j := range n {
			if m.table.dir[i+j] != s {
				m.t.Fatalf("place %d of the directory is another segment's", i+j)
			}
		}
		var live, spent int32
		for g := range s.groups {
			for p, o := range s.groups[g].objects {
				tag := byte(s.groups[g].tags >> (8 * p))
				if (o != nil) != (tag < tagEmpty) {
					m.t.Fatalf("tag %x stands for %v", tag, o)
				}
				if o != nil {
					live++
				}
				if tag != tagEmpty {
					spent++
				}
			}
		}
		if live != s.live || spent != s.spent || spent > fullAt(len(s.groups)) {
			m.t.Fatalf("a segment of %d groups has %d and %d places, and counts %d and %d", len(s.groups), live, spent, s.live, s.spent)
		}
		i += n
	}
}

// TestATableOfNamesIsLikeAMap plays random puts and deletions, of more than the table has, then of fewer.
func TestATableOfNamesIsLikeAMap(t *testing.T) {
	rnd := testrand.New(t, 1)
	m := newTableModel(t)
	for round := range 12 {
		births := []int{9, 6, 2, 5}[round%4] // of ten steps
		for range 4000 {
			switch {
			case rnd.IntN(10) < births:
				m.put(randomName(rnd))
			case len(m.names) > 0:
				m.delete(rnd.IntN(len(m.names)))
			}
		}
		m.check()
		m.gone = nil
	}
	for len(m.names) > 0 {
		m.delete(len(m.names) - 1)
	}
	m.check()
	if m.table.dir != nil {
		t.Error("an empty table keeps its directory")
	}
}

// randomName is short mostly; some are as long as stand behind an object, and longer.
func randomName(rnd *rand.Rand) string {
	name := fmt.Sprint("key:", rnd.IntN(20_000))
	if rnd.IntN(20) == 0 {
		name = strings.Repeat("n", []int{0, 1, 16, 33, 300, longestLocal, longestLocal + 1, 70_000}[rnd.IntN(8)])
	}
	return name
}

// TestATableStaysSmall: it takes what objectBytes says of it, while it grows and after most names are gone.
func TestATableStaysSmall(t *testing.T) {
	bytes := func(table *keyTable) (n int) {
		for i := 0; i < len(table.dir); {
			s := table.dir[i]
			n += len(s.groups)*72 + 64
			i += 1 << (table.depth - s.depth)
		}
		return n + 8*len(table.dir)
	}
	m := newTableModel(t)
	for i := range 50_000 {
		m.put(fmt.Sprint("key:", i))
		if each := float64(bytes(&m.table)) / float64(i+1); i > 2000 && i%1000 == 0 && (each < 9 || each > 1.35*placeBytes) {
			t.Fatalf("a table of %d names takes %.1f bytes for each", i+1, each)
		}
	}
	for len(m.names) > 1000 {
		m.delete(len(m.names) - 1)
	}
	m.check()
	if n := bytes(&m.table); n > 60*1000 {
		t.Errorf("a table of 50,000 names has %d bytes, with 1,000 of them left", n)
	}
}

// TestNoStepOfATableIsLong: putting one name in touches a segment's names at most.
func TestNoStepOfATableIsLong(t *testing.T) {
	m := newTableModel(t)
	for i := range 100_000 {
		m.put(fmt.Sprint(i))
	}
	m.checkSegments()
	for _, s := range m.table.dir {
		if len(s.groups) > groupSteps[len(groupSteps)-1] {
			t.Fatalf("a segment has %d groups", len(s.groups))
		}
	}
}

// FuzzKeyTable takes a byte a step: a name of few, put or deleted.
func FuzzKeyTable(f *testing.F) {
	f.Add([]byte("a few steps"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := newTableModel(t)
		for i, b := range steps {
			if b&1 == 0 {
				m.put(fmt.Sprint(int(b) * i % 3000))
			} else if len(m.names) > 0 {
				m.delete(int(b) % len(m.names))
			}
		}
		m.check()
	})
}

// TestAnObjectHoldsWhatItIsGiven plays every field that is kept apart, in any order, against a plain struct.
func TestAnObjectHoldsWhatItIsGiven(t *testing.T) {
	rnd := testrand.New(t, 1)
	for _, name := range []string{"", "k", strings.Repeat("n", 16), strings.Repeat("n", 17), strings.Repeat("n", longestLocal),
		strings.Repeat("n", longestLocal+1)} {
		o := newObject(&space{}, name)
		var want struct {
			str     string
			coll    collection
			lsn     uint64
			lent    bool
			load    *load
			outline *outline
			pins    int32
		}
		for step := range 2000 {
			switch rnd.IntN(9) {
			case 0:
				b := make([]byte, []int{0, 1, 100, longestShort, longestShort + 1, 200_000}[rnd.IntN(6)])
				want.str, want.lsn, want.lent = string(b), 0, false
				o.setStr(b)
			case 1:
				want.lsn, want.lent = uint64(rnd.IntN(2)), rnd.IntN(2) == 0
				o.shareStr([]byte("shared"), want.lsn, want.lent)
				want.str = "shared"
			case 2:
				want.coll = []collection{nil, &List{}, &Set{}, &ZSet{}, &Hash{}, &Stream{}}[rnd.IntN(6)]
				o.setColl(want.coll)
			case 3:
				want.load = []*load{nil, {}}[rnd.IntN(2)]
				o.setLoad(want.load)
			case 4:
				want.outline = []*outline{nil, {}}[rnd.IntN(2)]
				o.setOutline(want.outline)
			case 5:
				want.pins++
				o.pin()
			case 6:
				if want.pins > 0 {
					want.pins--
					o.unpin()
				}
			case 7:
				want.str, want.coll, want.lsn, want.lent = "", nil, 0, false
				o.empty()
			case 8:
				want.lent = true
				o.lend()
			}
			if string(o.str()) != want.str || o.coll() != want.coll || o.sharedLSN() != want.lsn || o.lent() != want.lent ||
				o.load() != want.load || o.outline() != want.outline || o.pins() != want.pins || o.name() != name {
				t.Fatalf("step %d: another object than %+v", step, want)
			}
		}
	}
}

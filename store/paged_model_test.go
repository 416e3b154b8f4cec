package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// TestPartsOfLargeCollectionsDoWhatASimpleMapDoes plays on hashes, sets and sorted sets that count as large from a few
// elements on: they are indexed and held in parts, with unloads, write-backs, kills and full disks in between.
func TestPartsOfLargeCollectionsDoWhatASimpleMapDoes(t *testing.T) {
	first := testrand.Number(t, 1)
	for seed := first; !t.Failed() && seed < first+uint64(shorter(6, 3)); seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			g := newPartGame(t, seed)
			for range 400 {
				g.partStep()
			}
			g.compare()
			checked(t, g.st)
			g.st = reopened(t, g.st, g.options)
			g.compare()
			checked(t, g.st)
			if seed == first && g.parts.held == 0 {
				t.Error("no command has found a collection in parts")
			}
			closed(t, g.st)
		})
	}
}

// TestPartsOfLargeCollectionsAreRightForManyAtOnce has several clients do so, while others flush, unload and sweep.
func TestPartsOfLargeCollectionsAreRightForManyAtOnce(t *testing.T) {
	first := testrand.Number(t, 1)
	for seed := first; !t.Failed() && seed < first+3; seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			g := newPartGame(t, seed)
			for range 30 {
				g.partStep()
			}
			for range 3 {
				g.partsTogether()
				g.compare()
				checked(t, g.st)
			}
			closed(t, g.st)
		})
	}
}

func newPartGame(t *testing.T, seed uint64) *game {
	g := newGame(t, seed)
	closed(t, g.st)
	usual := g.options
	paged, young, memory := 1+g.r.IntN(12), []int64{1, 3_000, 1 << 20}[g.r.IntN(3)], []int64{1, 20_000, 1 << 20}[g.r.IntN(3)]
	g.options = func(o *Options) {
		usual(o)
		o.pagedElements, o.youngBytes, o.MaxMemory = paged, young, memory
	}
	g.parts = &partsSeen{}
	g.st = opened(t, t.TempDir(), g.options)
	return g
}

// partsSeen counts what commands have found.
type partsSeen struct {
	sync.Mutex
	held int
}

func (g *game) partKey() (key string, typ Type) {
	n := g.r.IntN(10)
	return fmt.Sprint("p", n), []Type{TypeHash, TypeSet, TypeZSet, TypeList, TypeStream}[n%5]
}

func (g *game) partStep() {
	switch n := g.r.IntN(100); {
	case n < 70:
		g.partCommand()
	case n < 76:
		flushed(g.t, g.st)
		unloadAll(g.st)
		g.note("indexed")
		indexesMade(g.t, g.st)
	case n < 82:
		g.note("flush and unload")
		flushed(g.t, g.st)
		unloadAll(g.st)
	case n < 88:
		g.note("unload")
		unloadAll(g.st)
	case n < 90:
		g.note("check")
		checked(g.t, g.st)
	case n < 92:
		g.now += 300
		g.st.Sweep(g.now)
	case n < 94:
		g.note("restart")
		g.st = reopened(g.t, g.st, g.options)
	case n < 95:
		g.fullDisk()
	case n < 97:
		g.crash()
	default:
		g.command()
	}
}

// indexesMade waits until every key that is to have an index has it.
func indexesMade(t testing.TB, st *Store) {
	t.Helper()
	eventually(t, "the index", func() bool {
		st.paged.mu.Lock()
		left := int64(len(st.paged.wanted))
		st.paged.mu.Unlock()
		signal(st.wb.applyNow)
		err := st.readers.use(func(r *reader) error {
			var n int64
			err := queryInts(r.c, `SELECT count(*) FROM indexed_keys JOIN keys USING (id) WHERE below <> `+itoa(allHashes), &n)
			left += n
			return err
		})
		return err == nil && left == 0
	})
}

// partCommand does something with a few elements of a key.
func (g *game) partCommand() {
	key, typ := g.partKey()
	elements := make([]string, 1+g.r.IntN(3))
	for i := range elements {
		elements[i] = g.element()
	}
	whole, gone, length := g.r.IntN(12) == 0, g.r.IntN(60) == 0, g.r.IntN(12) == 0
	dst, deadline := "", int64(0)
	if g.r.IntN(30) == 0 {
		dst = fmt.Sprint("p", g.r.IntN(10))
	}
	if g.r.IntN(30) == 0 {
		deadline = g.now + int64(g.r.IntN(2000)) + 1
	}
	end, pops, many := End(g.r.IntN(2) == 0), 0, 0
	if g.r.IntN(2) == 0 {
		pops = g.r.IntN(4)
	}
	if g.r.IntN(20) == 0 {
		many = g.r.IntN(60)
	}
	play := g.newStreamPlay()
	want := func(tx *Tx, k []byte, names Names) bool {
		switch typ {
		case TypeList:
			return tx.WantEnd(k, end, pops)
		case TypeStream:
			return play.want(tx, k)
		}
		return tx.WantElements(k, names)
	}
	err := onElements(g.st, g.now, key, elements, g.r.IntN(8) > 0, want, func(tx *Tx, k []byte) {
		e, ok := g.live(0, key)
		if ok {
			typ = e.typ
		} else {
			e = entryModel{typ: typ}
		}
		if o := g.st.dbs[0].keys.get(key); o != nil && o.part() != nil {
			g.parts.Lock()
			g.parts.held++
			g.parts.Unlock()
		}
		switch {
		case typ == TypeString:
			if _, err := tx.EditHashPart(k, Names{Args: [][]byte{{}}, Step: 1}); err != ErrWrongType {
				g.fail("part of a string: %v", err)
			}
			return
		case !hasParts(typ):
			return
		case gone:
			g.note("del %s", key)
			tx.Delete(k)
			g.gone(0, key)
			return
		case dst != "" && ok && dst != key:
			g.note("rename %s %s", key, dst)
			tx.Rename(k, []byte(dst))
			g.carry(0, key, 0, dst, e)
			return
		case deadline != 0 && ok:
			tx.SetDeadline(k, deadline)
			e.deadline = deadline
			g.dbs[0][key] = e
			return
		case length:
			if n, err := tx.Length(k, typ); err != nil || n != e.content.len() {
				g.fail("%v %s has %d elements, %v; want %d", typ, key, n, err, e.content.len())
			}
			if s, _, there := tx.PeekOutline(k); there != ok || s.Len != e.content.len() {
				g.fail("%v %s has the outline %+v, %v; want %d elements", typ, key, s, there, e.content.len())
			}
			return
		case whole && ok:
			if got := collectionModels[typ].read(g, tx, k); !got.equal(e.content) {
				g.fail("%v %s = %v; want %v", typ, key, got, e.content)
			}
			return
		}
		switch typ {
		case TypeList:
			g.playEnd(tx, key, k, end, pops, many)
			return
		case TypeStream:
			g.playStream(tx, key, k, play, many)
			return
		}
		for _, element := range elements {
			before := e.content.len()
			g.next = &element
			g.note("%s %.20q of %d", key, element, before)
			collectionModels[typ].change(g, tx, k, &e.content)
			g.next = nil
			if before == 0 || e.content.len() == 0 {
				g.gone(0, key)
				g.births++
				e = entryModel{typ: typ, content: e.content, birth: g.births}
			}
			if e.content.len() > 0 {
				g.dbs[0][key] = e
			}
		}
	})
	if err != nil {
		g.fail("command: %v", err)
	}
}

// playEnd pushes to a list, or pops from it.
func (g *game) playEnd(tx *Tx, key string, k []byte, end End, pops, many int) {
	e, ok := g.live(0, key)
	if !ok {
		e = entryModel{typ: TypeList}
	}
	l, err := tx.EditListEnd(k, end, pops)
	if err != nil || l.Len() != len(e.content.list) {
		g.fail("list %s has %d elements, %v; want %d", key, l.Len(), err, len(e.content.list))
	}
	g.note("%s of %d: end %v, pops %d, pushes %d", key, l.Len(), end, pops, many)
	list := slices.Clone(e.content.list)
	if n := min(pops, len(list)); n > 0 && g.r.IntN(2) == 0 {
		list = playPopMany(g, l, list, end, n)
	} else if pops > 0 {
		for range min(pops, len(list)) {
			at := 0
			if end == Tail {
				at = len(list) - 1
			}
			if got := l.Pop(end); got != list[at] {
				g.fail("pop of %s = %.20q; want %.20q", key, got, list[at])
			}
			list = slices.Delete(list, at, at+1)
		}
	} else {
		for range 1 + many {
			value := fmt.Sprint("v", g.r.IntN(1_000_000), strings.Repeat("-", g.r.IntN(80)))
			if g.r.IntN(200) == 0 {
				value = strings.Repeat("l", chunkBytes+5)
			}
			if l.Push(end, []byte(value)); end == Head {
				list = slices.Insert(list, 0, value)
			} else {
				list = append(list, value)
			}
		}
	}
	if before := len(e.content.list); before == 0 || len(list) == 0 {
		g.gone(0, key)
		g.births++
		e = entryModel{typ: TypeList, birth: g.births}
	}
	if e.content.list = list; len(list) > 0 {
		g.dbs[0][key] = e
	}
}

// onElements is command for one that names elements of its key; unannounced, it comes upon them.
func onElements(
	st *Store, now int64, key string, elements []string, announced bool, want func(*Tx, []byte, Names) bool,
	fn func(tx *Tx, key []byte),
) error {
	k := []byte(key)
	names := Names{Step: 1, Last: len(elements) - 1}
	for _, e := range elements {
		names.Args = append(names.Args, []byte(e))
	}
	ready := func(tx *Tx) bool { return !announced || want(tx, k, names) }
	return commandWith(st, 0, now, nil, ready, func(tx *Tx, _ [][]byte) { fn(tx, k) })
}

func (g *game) partsTogether() {
	stop, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			switch n % 4 {
			case 0:
				g.st.Sweep(g.now)
			case 1:
				unloadAll(g.st)
			case 2:
				if err := g.st.Flush(); err != nil {
					g.t.Errorf("flush: %v", err)
				}
			case 3:
				signal(g.st.wb.applyNow)
			}
		}
	}()
	var players sync.WaitGroup
	for n := range 4 {
		p := *g
		p.r, p.trace = rand.New(rand.NewPCG(g.r.Uint64(), uint64(n))), nil
		players.Go(func() {
			for range 150 {
				p.partCommand()
			}
		})
	}
	players.Wait()
	close(stop)
	<-swept
}

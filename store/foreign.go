package store

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Other programs may read the database; one that writes to it must not keep the server from starting, nor take the
// place of what a client was told is stored. Its rows are found, and make way:
//
//	a row with an id that one of our keys has      is given another id, with all that belongs to it
//	a row with the name that one of our keys gets  is deleted
//	a row with an id that we have not given out    is no trouble: ids are taken from above it from then on
//	the spaces' row counts                         are taken anew
//
// SQLite tells a connection that another has committed something (PRAGMA data_version): write-back asks that in
// each transaction, and looks at single rows only then, or after a constraint has failed.
type foreign struct {
	version   int64       // data_version when the writer last looked
	met       atomic.Bool // a key could not be read for an id that is not its own
	suspected bool        // another program has written, and what it did is not counted yet
	counted   time.Time   // when the spaces' rows were last counted for that
	found     foreignRows
	moving    bool // the transaction has given a row another id
	// moves counts such transactions, once no load sees the tables as they were before: what was read across one may
	// have the id of another key.
	moves atomic.Uint64
}

// foreignRows is what was found of another program's writing.
type foreignRows struct {
	wrote          bool     // another program has committed something
	counted        bool     // the transaction keeps the spaces' row counts
	count          bool     // it takes them anew
	moved, deleted []string // names of keys, no more than maxForeignNames
	more           int      // of them that are not named
	counts         map[int64]foreignCount
	above          int64 // next_id must be above it
}

// foreignCount is by how much the rows of a space are more than the store knew.
type foreignCount struct{ keys, expiring int64 }

const (
	maxForeignNames = 16
	// mostID is above all ids that are given out. What another program puts there, or below 1, is moved.
	mostID = 1 << 60
	// foreignPause is the least time between two counts of all rows.
	foreignPause = time.Minute
)

// errForeign says that a row can not be read, because another program's has the id of a key of ours.
var errForeign = errors.New("another program has written the key into the database file, under an id that is taken; " +
	"write-back gives it another")

// errNoType says that a row can not be read, because another program has written it.
var errNoType = errors.New("another program has written a key with a type that does not exist into the database file")

// suspectForeign makes the next attempt look for rows of another program. It reports whether that is new.
func (w *writer) suspectForeign(err error) bool {
	if w.foreign.suspected || !errors.Is(err, sqlite3.CONSTRAINT) {
		return false
	}
	w.foreign.suspected = true
	return true
}

// lookForForeign finds out, in a transaction, whether another program has written since the last. counts = the
// transaction keeps the spaces' row counts.
func (w *writer) lookForForeign(counts bool) {
	var version int64
	w.query(`SELECT data_version FROM pragma_data_version`, &version)
	if w.err != nil {
		return
	}
	f := &w.foreign
	if version != f.version {
		w.distrustIndexes()
	}
	f.found = foreignRows{wrote: f.found.wrote || version != f.version, counted: counts}
	f.suspected = f.found.wrote || f.met.Swap(false) || f.suspected
	f.found.count = counts && f.suspected && time.Since(f.counted) >= foreignPause
	f.version = version
	if w.foreign.suspected {
		w.raiseIDs()
	}
}

// raiseIDs has ids taken from above those in the tables, once the rows outside of their range are within it.
func (w *writer) raiseIDs() {
	const outside = `SELECT id FROM keys WHERE id <= 0 UNION ALL SELECT id FROM keys WHERE id >= `
	for _, id := range w.ints(outside + itoa(mostID)) {
		w.moveForeign(id)
	}
	var top int64
	w.query(`SELECT coalesce(max(id), 0) FROM keys WHERE id < `+itoa(mostID), &top)
	w.ids.above(top)
	w.foreign.found.above = max(w.foreign.found.above, top)
}

// makeWay takes away what stands where an entry's row is to go.
func (w *writer) makeWay(e *entry) {
	if !w.foreign.suspected || w.err != nil {
		return
	}
	var other int64
	w.query(`SELECT coalesce((SELECT id FROM keys WHERE space = ?1 AND key = ?2), 0)`, &other, e.space,
		storedName(e.key))
	if other != 0 {
		w.run(w.toGarbage, other)
		w.run(w.dropAny, other)
		w.foreign.found.count = w.foreign.found.counted // it may have been counted before
		w.foreign.found.name(&w.foreign.found.deleted, bytesOf(e.key))
	}
	if !e.born {
		return
	}
	if w.query(`SELECT count(*) FROM keys WHERE id = ?1`, &other, e.id); other != 0 && e.id != 0 {
		w.moveForeign(e.id)
	}
}

// moveForeign gives a row and what belongs to it another id.
func (w *writer) moveForeign(id int64) {
	var top int64
	w.query(`SELECT coalesce(max(id), 0) FROM keys WHERE id < `+itoa(mostID), &top)
	if w.err != nil {
		return
	}
	w.ids.above(top)
	to := w.ids.take()
	w.foreign.found.above = max(w.foreign.found.above, to)
	w.foreign.moving = true
	w.distrustIndexes()
	w.foreign.found.name(&w.foreign.found.moved, w.nameOf(id))
	w.exec(`UPDATE keys SET id = ?2 WHERE id = ?1`, id, to)
	w.exec(`UPDATE OR REPLACE chunks SET id = ?2 WHERE id = ?1`, id, to)
	for t := hashFields; int(t) < len(tables); t++ {
		w.exec(`UPDATE OR REPLACE `+tables[t].name+` SET id = ?2 WHERE id = ?1`, id, to)
	}
	if w.exec(`UPDATE OR REPLACE pieces SET id = ?2 WHERE id = ?1`, id, to) > 0 {
		w.pieced[to] = struct{}{}
	}
}

// nameOf is a key's name as its row has it.
func (w *writer) nameOf(id int64) []byte {
	if w.err != nil {
		return nil
	}
	s, _, err := w.c.Prepare(`SELECT key FROM keys WHERE id = ?1`)
	if err != nil {
		w.err = err
		return nil
	}
	defer s.Close()
	w.bindID(s, id)
	return w.readBlob(s)
}

func (f *foreignRows) name(list *[]string, key []byte) {
	if len(f.moved)+len(f.deleted) >= maxForeignNames {
		f.more++
		return
	}
	*list = append(*list, quoted(string(key)))
}

// countForeign takes the spaces' row counts anew, when another program may have changed them. It comes last in a
// transaction.
func (w *writer) countForeign() {
	if !w.foreign.found.count || w.err != nil {
		return
	}
	s, _, err := w.c.Prepare(`SELECT space, keys, expiring, (SELECT count(*) FROM keys k WHERE k.space = spaces.space),
		(SELECT count(*) FROM keys k WHERE k.space = spaces.space AND k.expires_ms > 0) FROM spaces
		WHERE db IS NOT NULL`)
	if err != nil {
		w.err = err
		return
	}
	counts := map[int64]foreignCount{}
	w.foreign.found.counts = counts
	for s.Step() {
		c := foreignCount{s.ColumnInt64(3) - s.ColumnInt64(1), s.ColumnInt64(4) - s.ColumnInt64(2)}
		if c != (foreignCount{}) {
			counts[s.ColumnInt64(0)] = c
		}
	}
	w.err = s.Close()
	for space, c := range counts {
		w.exec(`UPDATE spaces SET keys = keys + ?2, expiring = expiring + ?3 WHERE space = ?1`, space, c.keys,
			c.expiring)
	}
}

// takeForeignFound is called when the transaction was committed. It returns what was found in it.
func (w *writer) takeForeignFound() (found foreignRows) {
	f := &w.foreign
	found, f.found = f.found, foreignRows{}
	if !found.toTell() { // with the next
		f.found.wrote = found.wrote
	}
	if found.count {
		f.suspected, f.counted = false, time.Now()
	}
	return found
}

// toTell reports whether there is something to log: rows that made way, or what a count brought to light, once a
// minute at most.
func (f *foreignRows) toTell() bool {
	return len(f.moved)+len(f.deleted) > 0 || f.count && (f.wrote || len(f.counts) > 0)
}

// tellForeign logs what was found, and lets memory know of rows that it does not have. serving = the spaces are in
// memory.
func (st *Store) tellForeign(found foreignRows, serving bool) {
	if !found.toTell() {
		return
	}
	more := int64(0)
	for _, c := range found.counts {
		more += c.keys
	}
	if serving && len(found.counts) > 0 {
		st.Lock()
		st.order.missing = st.order.by.limited()
		for _, s := range st.dbs {
			c := found.counts[s.id]
			s.live, s.expiring = max(0, s.live+c.keys), max(0, s.expiring+c.expiring)
			s.unloaded = s.unloaded || c.keys > 0
		}
		st.Unlock()
	}
	fields := []any{"rows_more", more}
	if len(found.moved)+len(found.deleted) > 0 {
		fields = append(fields, "keys_under_a_new_id", found.moved, "keys_replaced", found.deleted,
			"keys_not_named", found.more)
	}
	st.opts.Log("another program has written to the database file", Warning("it must only be read while it is "+
		"this server's, and what was acknowledged to clients comes first: write through the server"), fields...)
}

// givesID reports whether an id is one that the store gives to keys.
func givesID(id int64) bool { return id > 0 && id < mostID }

// ids are the keys' numbers in order of birth. None is given out twice.
type ids struct{ last atomic.Int64 }

func (i *ids) take() int64 { return i.last.Add(1) }

// next is the id that take would return.
func (i *ids) next() int64 { return i.last.Load() + 1 }

// above has ids taken from above one that is in use.
func (i *ids) above(used int64) {
	for last := i.last.Load(); last < used && !i.last.CompareAndSwap(last, used); last = i.last.Load() {
	}
}

// takenLocked reports whether a key in memory, other than o, has the id: then a row with it is another program's.
// The caller holds the keyspace lock.
func (st *Store) takenLocked(id int64, o *object) bool {
	holds := func(b *object) bool {
		return b != nil && b != o && b.id == id && b.typ != None && b.space.keys.has(b)
	}
	if holds(st.renamed.of(id)) {
		return true
	}
	if len(st.births) == 0 || id < st.births[0].id {
		return false
	}
	at, born := slices.BinarySearchFunc(st.births, id, func(b birth, id int64) int { return cmp.Compare(b.id, id) })
	return born && holds(st.births[at].o)
}

// knownLocked refuses the id of a row that another program has written, until write-back has given it another, and
// takes note of one that the store has not given out. The caller holds the keyspace lock.
func (st *Store) knownLocked(id int64, o *object) error {
	if !givesID(id) || st.takenLocked(id, o) {
		return errForeign
	}
	st.ids.above(id)
	return nil
}

// foreignAtStart deals with rows that another program has written since the database was closed, or before a kill:
// those whose ids were never given out.
func (st *Store) foreignAtStart() error {
	w := st.wb.w
	var next, top int64
	if err := queryInts(w.c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'next_id'), 0),
		coalesce((SELECT max(id) FROM keys), 0)`, &next, &top); err != nil {
		return damaged(st.dir, err)
	}
	// next_id may never have been noted, or may follow with the rest of the slices.
	if top < mostID && (next == 0 || top < next) || w.ahead != 0 {
		return nil
	}
	err := w.transaction(func() {
		w.foreign.suspected, w.foreign.found.wrote = true, true
		w.lookForForeign(true)
		w.countForeign()
		w.run(w.meta, "next_id", w.foreign.found.above+1)
	})
	if err != nil {
		return damaged(st.dir, err)
	}
	st.tellForeign(w.takeForeignFound(), false)
	return nil
}

package store

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// nameScan is a scan that goes on from name to name (scan_names.go). It stands in memory, since a cursor has no room
// for what it notes; if it is forgotten it begins anew, by id.
type nameScan struct {
	space              int64
	prefix             string
	after, top, newest int64

	serial    int64
	step      int64        // of the youngest cursor
	reached   [2]namePlace // by the cursor that was used last, and by the one that was returned for it
	onlyOnce  bool         // nobody goes on with it
	noteBytes int
}

// namePlace is how far a scan has come.
type namePlace struct {
	step  int64
	begun bool   // at the name, as the index has it; what follows is to be looked at
	name  string // may be empty: that is a name, too
	tail  bool   // the names are done
	id    int64  // then: what follows is to be looked at
}

// next is the first name, as it is stored, that there can be behind a place among those with a prefix.
func (p *namePlace) next(prefix string) string {
	if p.begun {
		return p.name + "\x00"
	}
	return prefix
}

// A cursor of a scan by names has the mark, its serial number and its step. It stays whole in a float64, which some
// clients take it for.
const (
	namesMark = 1 << 52
	stepBits  = 20
)

// A cursor with walkMark is the id of a scan that had begun by names, was forgotten, and begins anew by id: that ends,
// however many others there are.
const walkMark = 1 << 51

func idOf(cursor int64) (id, mark int64) { return cursor &^ walkMark, cursor & walkMark }

func isNamesCursor(cursor int64) bool { return cursor&^(namesMark-1) == namesMark }

// Scans by names that are remembered, with what they note.
const (
	mostNameScans     = 256
	mostNameScanBytes = 1 << 20
)

// nameScans are those that were active last.
type nameScans struct {
	mu     sync.Mutex
	scans  []*nameScan // oldest use first
	bytes  int
	serial int64
	broken bool // the index can not be read: all scans walk by id
}

// usable reports whether the index can be read.
func (l *nameScans) usable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.broken
}

// begin remembers a new scan, and returns the cursor of its beginning.
func (l *nameScans) begin(n *nameScan) (cursor int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number(n)
	n.reached[1] = namePlace{}
	l.note(n)
	if n.onlyOnce { // it takes nobody's place
		if len(l.scans) > 0 && l.scans[0].onlyOnce {
			l.bytes -= l.scans[0].noteBytes
			l.scans = l.scans[1:]
		}
		l.scans = slices.Insert(l.scans, 0, n)
		return n.cursor()
	}
	l.scans = append(l.scans, n)
	for len(l.scans) > mostNameScans || len(l.scans) > 1 && l.bytes > mostNameScanBytes {
		l.bytes -= l.scans[0].noteBytes
		l.scans = slices.Delete(l.scans, 0, 1)
	}
	return n.cursor()
}

// number gives a scan a number of its own, higher than all before.
func (l *nameScans) number(n *nameScan) {
	if l.serial == 0 { // a cursor from before a restart is nobody's
		l.serial = rand.Int64N(namesMark >> stepBits / 2)
	}
	l.serial = (l.serial + 1) % (namesMark >> stepBits)
	n.serial, n.step = l.serial, 0
}

// note counts what a scan takes.
func (l *nameScans) note(n *nameScan) {
	l.bytes -= n.noteBytes
	n.noteBytes = len(n.prefix) + len(n.reached[0].name) + len(n.reached[1].name)
	l.bytes += n.noteBytes
}

func (n *nameScan) cursor() int64 { return namesMark | n.serial<<stepBits | n.step }

// find returns a copy of the scan whose cursor that is, and where it stands; ok = it is remembered.
func (l *nameScans) find(space int64, prefix string, cursor int64) (n nameScan, at namePlace, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	serial, step := cursor&(namesMark-1)>>stepBits, cursor&(1<<stepBits-1)
	i := slices.IndexFunc(l.scans, func(n *nameScan) bool {
		return n.serial == serial && n.space == space && n.prefix == prefix
	})
	if i < 0 {
		return n, at, false
	}
	n = *l.scans[i]
	for _, at := range n.reached {
		if at.step == step {
			return n, at, true
		}
	}
	return n, at, false
}

// advance remembers that a scan has come from one place to another, and returns the cursor of that. If it was forgotten
// meanwhile the cursor is nobody's.
func (l *nameScans) advance(cursor int64, from, to namePlace) (next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	serial := cursor & (namesMark - 1) >> stepBits
	i := slices.IndexFunc(l.scans, func(n *nameScan) bool { return n.serial == serial })
	if i < 0 {
		return cursor
	}
	n := l.scans[i]
	if n.step++; n.step == 1<<stepBits {
		l.number(n)
		from.step = -1 // under the old number it is not found any more
	}
	to.step = n.step
	n.reached = [2]namePlace{from, to}
	l.note(n)
	if !n.onlyOnce {
		l.scans = append(slices.Delete(l.scans, i, i+1), n)
	}
	return n.cursor()
}

// end forgets a scan that is over.
func (l *nameScans) end(cursor int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	serial := cursor & (namesMark - 1) >> stepBits
	l.scans = slices.DeleteFunc(l.scans, func(n *nameScan) bool {
		if n.serial == serial {
			l.bytes -= n.noteBytes
		}
		return n.serial == serial
	})
}

// breaks has all scans walk by id from now on.
func (l *nameScans) breaks() {
	l.mu.Lock()
	l.broken, l.scans, l.bytes = true, nil, 0
	l.mu.Unlock()
}

package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"

	"diskette/expire"
)

// ScanOptions narrows a scan. Prefix is what every match begins with (a hint that makes the
// cost follow what matches); Match, if set, decides.
type ScanOptions struct {
	Prefix string
	Match  func(key []byte) bool
	Type   Type // None = any

	onlyOnce bool // nobody will go on with the cursor
}

// unreadableRow is damage in the tables behind a cursor.
type unreadableRow struct {
	cursor int64
	err    error
}

func (u *unreadableRow) Error() string { return u.err.Error() }
func (u *unreadableRow) Unwrap() error { return u.err }

// passOver adds to damage that a scan has met the cursor from which it can go on: otherwise no scan would get past
// it. 0 = nothing behind it can be read.
func (st *Store) passOver(cursor int64, err error) (next int64, _ error) {
	var met *unreadableRow
	if !errors.As(err, &met) {
		return 0, err
	}
	readable := func(r *reader, cursor int64) bool {
		q, err := r.stmt(scanColumns + `keys WHERE id >= ?1 ORDER BY id LIMIT 1`)
		if err != nil || bind(q, behind(cursor)) != nil {
			return false
		}
		defer q.Reset()
		if q.Step() {
			_, err = r.scanRow(q)
		}
		return err == nil && q.Err() == nil
	}
	start, good := max(cursor, met.cursor), int64(0)
	bad := start
	_ = st.readers.use(func(r *reader) error { // the damage is known
		// By small steps: between two damaged pages there may be one that is well.
		for good == 0 && bad < st.ids.next() {
			step := max(1, (bad-start)/8)
			if readable(r, bad+step) {
				good = bad + step
			} else {
				bad += step
			}
		}
		for good-bad > 1 {
			if middle := bad + (good-bad)/2; readable(r, middle) {
				good = middle
			} else {
				bad = middle
			}
		}
		return nil
	})
	if good == 0 {
		return 0, fmt.Errorf("%w; no key behind it can be read", err)
	}
	return good, fmt.Errorf("%w; go on behind it with cursor %d", err, good)
}

// Scan returns about count keys and the cursor to go on from; 0 = the end. A key that is there throughout under one
// name is returned exactly once, whatever else changes: in order of birth, the cursor being the last examined key's
// id, or, where few keys match, in order of their names (scan_names.go). Only if the store had to forget where such a
// scan was, at a restart or for many others, it begins anew, by id, and returns keys twice.
//
// It reads a page of the tables and joins it, under the lock, with what memory knows better: keys
// born or renamed since the applied LSN, and the present state of every resident name (I5). Should
// write-back have applied something in between, it reads the page again. The caller does not
// hold the lock, or says that it does (inside MULTI). Damage is an error that says where to go on, and so does next.
func (st *Store) Scan(
	db int, cursor int64, count int, now int64, o ScanOptions, locked bool,
) (keys []string, next int64, seen uint64, err error) {
	o.Prefix = o.Prefix[:min(len(o.Prefix), namePrefix)] // a long name's row has no more of it; Match sees the rest
	for examined, looked := 0, 0; ; {
		s, err := st.scanOn(db, cursor, min(count-examined, scanStep), now, o, locked)
		if err != nil && len(keys) > 0 {
			return keys, cursor, seen, nil // the next call meets the damage first
		} else if err != nil {
			return nil, s.next, 0, err
		}
		if keys == nil {
			keys = s.keys
		} else {
			keys = append(keys, s.keys...)
		}
		examined, looked = examined+s.examined, looked+s.looked
		if cursor = s.next; cursor == 0 || examined >= count || looked >= max(2*walkRows, 2*count) {
			return keys, cursor, s.seen, nil
		}
	}
}

// scanned is what a step of a scan has found.
type scanned struct {
	keys             []string
	examined, looked int // keys with the prefix that it has come to, and rows
	next             int64
	seen             uint64
}

// scanOn is a step of a scan: one look at the tables, joined under one hold of the lock.
func (st *Store) scanOn(db int, cursor int64, count int, now int64, o ScanOptions, locked bool) (sc scanned, err error) {
	if isNamesCursor(cursor) {
		return st.scanNames(db, cursor, count, now, o, locked)
	}
	at, mark := idOf(cursor)
	for merged := false; !merged; {
		var s *space
		var applied uint64
		if err := st.Look(locked, func() { s, applied = st.dbs[db], st.applied.Load() }); err != nil {
			return sc, err
		}
		page, names, err := st.walkPage(s.id, at, count, o.Prefix, mark == 0)
		if err != nil {
			sc.next, err = st.passOver(at, st.failed(place{op: scanning}, err))
			return sc, err
		}
		st.worked(place{op: scanning})
		sc.examined, sc.looked = len(page.rows), page.looked
		o.filter(&page)
		err = st.Look(locked, func() {
			if merged = st.dbs[db] == s && st.applied.Load() == applied; merged {
				newer := 0
				sc.keys, sc.next, newer = st.mergeLocked(s, page, at, count, 0, now, o)
				sc.examined, sc.seen = sc.examined+newer, st.journal.Last()
				if sc.next != page.last {
					names = nil // the page was cut: its other rows come with the next one
				}
				if names != nil {
					names.newest = st.ids.next() - 1
				}
			}
		})
		if err != nil {
			return sc, err
		}
		if merged && names != nil {
			names.onlyOnce = o.onlyOnce
			sc.next = st.names.begin(names)
		}
	}
	if sc.next != 0 {
		sc.next |= mark
	}
	return sc, nil
}

// filter leaves out what does not match, before the lock is taken.
func (o *ScanOptions) filter(page *scanPage) {
	if o.Match != nil {
		page.rows = slices.DeleteFunc(page.rows, func(r scanRow) bool { return !o.Match(bytesOf(r.name)) })
	}
}

// scanRow is a key as the tables or memory have it.
type scanRow struct {
	id       int64
	name     string
	typ      Type
	deadline int64
}

// birthSlice is how many births a step of a scan looks at: most of those that it passes over are of other databases, or
// keys that are gone.
const birthSlice = 4096

// newerLocked lists keys of a space, in id order, with ids above the cursor and up to last (0 = no bound), that the
// tables do not have, or have under another name than memory: of those that were born since the applied LSN some
// hundred, or count, and of those that were renamed all that the page has come to by any name. There are no others: a
// renamed key has a row, or was born since. reached is the id up to which the keys were looked at, 0 = to the last.
//
// What is unloaded is not listed, though its birth or renaming is not forgotten yet: the tables have it (I3).
func (st *Store) newerLocked(s *space, page *scanPage, cursor, last int64, count int) (newer []scanRow, reached int64) {
	list := func(id int64, o *object) {
		if o.id == id && o.space == s && s.keys.has(o) {
			newer = append(newer, scanRow{id: id, name: o.name()})
		}
	}
	for _, id := range page.ids {
		if o := st.renamed.of(id); o != nil && (last == 0 || id <= last) {
			list(id, o)
		}
	}
	renamed, most := len(newer), max(count, 512)
	births := st.births[sort.Search(len(st.births), func(i int) bool { return st.births[i].id > cursor }):]
	for i, b := range births {
		if last != 0 && b.id > last {
			break
		}
		if i == birthSlice || len(newer)-renamed == most {
			reached = births[i-1].id
			break
		}
		if o := st.renamed.of(b.id); o != nil {
			list(b.id, o)
		} else {
			list(b.id, b.o)
		}
	}
	if renamed > 0 {
		slices.SortFunc(newer, func(a, b scanRow) int { return cmp.Compare(a.id, b.id) })
		// Of a key whose birth is applied and not forgotten yet there are both.
		newer = slices.CompactFunc(newer, func(a, b scanRow) bool { return a.id == b.id })
	}
	return newer, reached
}

// upToID are the first rows, those whose ids are not above one.
func upToID(rows []scanRow, id int64) []scanRow {
	return rows[:sort.Search(len(rows), func(i int) bool { return rows[i].id > id })]
}

// mergeLocked joins a page of the tables with what is newer, and keeps the keys that are there now and match. The
// page's do already. Nothing above the id upTo is joined, 0 = no bound. next is the cursor to go on from, 0 at the end;
// joined is how many newer ones it has come to.
func (st *Store) mergeLocked(
	s *space, page scanPage, cursor int64, count int, upTo, now int64, o ScanOptions,
) (keys []string, next int64, joined int) {
	last := page.last // while the tables have more rows, only what is born before the page's end may be joined
	if last == 0 {
		last = upTo
	}
	rows, next := page.rows, page.last
	newer, reached := st.newerLocked(s, &page, cursor, last, count)
	if reached != 0 { // rows behind it come with the next page
		rows, newer, next = upToID(rows, reached), upToID(newer, reached), reached
	}
	joined = len(newer)
	for len(rows) > 0 || len(newer) > 0 {
		var r scanRow
		matched := false
		switch {
		case len(newer) == 0 || len(rows) > 0 && rows[0].id < newer[0].id:
			r, rows, matched = rows[0], rows[1:], true
		default:
			if len(rows) > 0 && rows[0].id == newer[0].id { // the same key, under its newer name
				rows = rows[1:]
			}
			r, newer = newer[0], newer[1:]
		}
		if st.isThereLocked(s, r, now, o) && (matched || o.Match == nil || o.Match(bytesOf(r.name))) {
			keys = append(keys, r.name)
		}
	}
	return keys, next, joined
}

func (st *Store) isThereLocked(s *space, r scanRow, now int64, o ScanOptions) bool {
	if m := s.keys.get(r.name); m != nil && !m.unknown() { // memory knows better
		if m.id != r.id {
			return false
		}
		r.typ, r.deadline = m.typ, m.deadline
	} else if r.typ == None {
		return false // the key was newer than the tables, and is gone
	}
	return !expire.Due(r.deadline, now) && (o.Type == None || r.typ == o.Type)
}

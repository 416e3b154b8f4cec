package store

import (
	"cmp"
	"slices"
	"strings"

	"diskette/expire"
)

// A scan whose keys are few among those that were born beside them goes on from name to name in the index, which has
// no others: the keys of a database that is small beside its neighbours, and the names with a prefix. Keys that come
// to the tables behind its back could stand before the name that it has come to. So it notes how things stood when it
// began:
//
//	ids up to after           the walk by id has had them before
//	ids up to top             were in the tables: it comes to their names
//	ids from there to newest  were not: a walk by id comes to them last
//	younger ones              nobody has to be told of, and may be
//
// A key that has another name since is there by that name: memory knows until the tables do. scan_remembered.go keeps
// what a scan notes.
//
// Before, the ids of all matches were listed and sorted at the first call, and again after a million: the first SCAN
// in a database of 2 million keys behind one of 3 million took 28 s on a busy machine, and one for a prefix of 1.1
// million 1.3 s. Now either takes some 10 ms, of which the keyspace lock is held for 0.1.

// walkPage reads on by id. names is not nil if the scan had better go on by names behind the page: its newest is to be
// set under the lock with which the page is joined.
func (st *Store) walkPage(
	space, cursor int64, count int, prefix string, mayTurn bool,
) (page scanPage, names *nameScan, err error) {
	err = st.readers.use(func(r *reader) error {
		done, err := r.walk(&page, space, cursor, count, prefix)
		if err != nil || done || !mayTurn || !st.names.usable() {
			return err
		}
		names = &nameScan{space: space, prefix: strings.Clone(prefix), after: page.last}
		return queryInts(r.c, `SELECT coalesce(max(id), 0) FROM keys`, &names.top)
	})
	return page, names, err
}

// namePage is what stands in the index behind a place.
type namePage struct {
	rows             []scanRow // by id, those that match
	from             namePlace // it is about what is behind this
	to               string    // up to this name
	end              bool      // or all
	examined, looked int
}

// scanNames is a step of a scan by names.
func (st *Store) scanNames(db int, cursor int64, count int, now int64, o ScanOptions, locked bool) (sc scanned, err error) {
	for {
		var s *space
		var applied uint64
		if err := st.Look(locked, func() { s, applied = st.dbs[db], st.applied.Load() }); err != nil {
			return sc, err
		}
		n, at, ok := st.names.find(s.id, o.Prefix, cursor)
		if !ok {
			sc.next = walkMark
			return sc, nil
		}
		if at.tail {
			return st.scanTail(db, s, &n, cursor, at, count, now, o, locked)
		}
		var page namePage
		err := st.readers.use(func(r *reader) (err error) {
			page, err = r.namesBehind(&n, at, count, now, &o)
			return err
		})
		if isDamage(err) {
			_ = st.failed(place{op: scanning}, err)
			st.names.breaks()
			sc.next = n.after // what the walk behind it can not read either it says
			if n.after == 0 {
				return st.scanOn(db, 0, count, now, o, locked)
			}
			return sc, nil
		} else if err != nil {
			return sc, st.failed(place{op: scanning}, err)
		}
		merged := false
		for more := true; more; {
			err := st.Look(locked, func() {
				if merged = st.dbs[db] == s && st.applied.Load() == applied; !merged {
					more = false
				} else if more = st.renamed.sort(renamedSlice); !more {
					sc.keys, sc.seen = st.mergeNamesLocked(s, &page, &n, max(count, 512), now, o), st.journal.Last()
				}
			})
			if err != nil {
				return sc, err
			}
		}
		if !merged {
			continue
		}
		sc.examined, sc.looked = max(page.examined, len(sc.keys)), page.looked
		to := namePlace{begun: true, name: page.to}
		if page.end {
			to = namePlace{tail: true, id: n.top}
		}
		if page.end && n.top >= n.newest {
			st.names.end(cursor)
			return sc, nil
		}
		sc.next = st.names.advance(cursor, at, to)
		return sc, nil
	}
}

// scanTail is a step of the walk by id that ends a scan by names. What is damaged it passes over as any walk does.
func (st *Store) scanTail(
	db int, s *space, n *nameScan, cursor int64, at namePlace, count int, now int64, o ScanOptions, locked bool,
) (sc scanned, err error) {
	for merged := false; !merged; {
		applied := st.applied.Load()
		var page scanPage
		err := st.readers.use(func(r *reader) error {
			_, err := r.walk(&page, n.space, at.id, count, n.prefix)
			return err
		})
		if err != nil {
			sc.next, err = st.passOver(at.id, st.failed(place{op: scanning}, err))
			return sc, err
		}
		if page.last > n.newest {
			page.last = 0
		}
		page.rows = slices.DeleteFunc(page.rows, func(r scanRow) bool { return r.id > n.newest })
		sc.examined, sc.looked = len(page.rows), page.looked
		o.filter(&page)
		err = st.Look(locked, func() {
			switch {
			case st.dbs[db] != s: // another database has the number now
				merged = true
			case st.applied.Load() == applied:
				newer := 0
				sc.keys, at.id, newer = st.mergeLocked(s, page, at.id, count, n.newest, now, o)
				sc.examined, sc.seen, merged = sc.examined+newer, st.journal.Last(), true
			}
		})
		if err != nil {
			return sc, err
		}
		if merged && st.dbs[db] != s {
			sc.next = cursor // which is not remembered for the other one
			return sc, nil
		}
	}
	if at.id == 0 || at.id >= n.newest {
		st.names.end(cursor)
		return sc, nil
	}
	sc.next = st.names.advance(cursor, at, namePlace{tail: true, id: at.id})
	return sc, nil
}

// namesBehind reads on in the index behind a place. What the rows say beside the names it does not read if it need not:
// they stand anywhere in the file.
func (r *reader) namesBehind(n *nameScan, from namePlace, count int, now int64, o *ScanOptions) (page namePage, err error) {
	due, all, err := r.due(now)
	if err != nil {
		return page, err
	}
	low, high := prefixRange(n.prefix)
	if page.from = from; from.begun {
		low = bytesOf(from.next(n.prefix))
	}
	below := ``
	if high != nil {
		below = ` AND key < ?3`
	}
	q, err := r.stmt(`SELECT id, key FROM keys INDEXED BY keys_by_name WHERE space = ?1 AND key >= ?2` + below +
		` ORDER BY key LIMIT ?4`)
	if err != nil {
		return page, err
	}
	defer q.Reset()
	rows := max(walkRows, 2*count)
	if err := bind(q, n.space, low, high, rows); err != nil {
		return page, err
	}
	for page.examined < count && q.Step() {
		page.looked++
		id, key := q.ColumnInt64(0), q.ColumnRawBlob(1)
		if page.examined+1 == count || page.looked == rows {
			page.to = string(key)
		}
		if id <= n.after || id > n.top && id <= n.newest {
			continue
		}
		page.examined++
		name, err := r.name(id, key)
		if err != nil {
			return page, err
		}
		if o.Match == nil || o.Match(bytesOf(name)) {
			page.rows = append(page.rows, scanRow{id: id, name: name, typ: TypeString})
		}
	}
	if err := q.Err(); err != nil {
		return page, err
	}
	page.end = page.examined < count && page.looked < rows
	slices.SortFunc(page.rows, func(a, b scanRow) int { return cmp.Compare(a.id, b.id) })
	if o.Type != None || !all {
		page.rows, err = r.byID(n.space, n.prefix, page.rows)
		return page, err
	}
	page.rows = slices.DeleteFunc(page.rows, func(row scanRow) bool {
		_, found := slices.BinarySearch(due, row.id)
		return found
	})
	return page, nil
}

// due are the ids of the keys in the tables that have expired, ascending; all = there are no more.
func (r *reader) due(now int64) (ids []int64, all bool, err error) {
	q, err := r.stmt(`SELECT id FROM keys INDEXED BY keys_by_deadline WHERE expires_ms > 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT ?2`)
	if err != nil {
		return nil, false, err
	}
	defer q.Reset()
	const most = 1000
	if err := bind(q, now, most); err != nil {
		return nil, false, err
	}
	for q.Step() {
		ids = append(ids, q.ColumnInt64(0))
	}
	slices.Sort(ids)
	return ids, len(ids) < most, q.Err()
}

// renamedSlice is how many keys that have other names than the tables know are looked at under one hold of the lock.
const renamedSlice = 1024

// mergeNamesLocked joins a page of names with what memory knows better, and keeps the keys that are there. If more keys
// were renamed into the page than most, or than are looked at under one hold, it ends the page behind those that it has
// come to: what follows, in the tables and of the renamed ones, the next step finds.
func (st *Store) mergeNamesLocked(
	s *space, page *namePage, n *nameScan, most int, now int64, o ScanOptions,
) (keys []string) {
	renamed := st.renamedLocked(s, page, n, most, now, o)
	for _, r := range page.rows {
		m := s.keys.get(r.name)
		if m != nil && !m.unknown() && m.typ != None && m.id > n.newest {
			r.id = m.id // another key has the name since
		}
		if st.isThereLocked(s, r, now, o) {
			keys = append(keys, r.name)
		}
	}
	return append(keys, renamed...)
}

// renamedLocked are the names of a page that the tables do not have, or not as those of keys that have them now. All
// renamed keys are sorted. If it does not come to the page's end, that is where it came to.
func (st *Store) renamedLocked(
	s *space, page *namePage, n *nameScan, most int, now int64, o ScanOptions,
) (names []string) {
	looked, last, whole := 0, "", true
	st.renamed.ascend(s.id, page.from.next(n.prefix), func(key string, r renaming) bool {
		if !strings.HasPrefix(key, n.prefix) || !page.end && key > page.to {
			return false
		}
		if whole = looked < renamedSlice && len(names) < most; !whole {
			return false
		}
		looked, last = looked+1, key
		m := r.o
		if r.id <= n.after || r.id > n.top && r.id <= n.newest || m.id != r.id || !s.keys.has(m) ||
			m.typ == None || expire.Due(m.deadline, now) ||
			o.Type != None && o.Type != m.typ || o.Match != nil && !o.Match(bytesOf(m.name())) {
			return true
		}
		at, found := slices.BinarySearchFunc(page.rows, r.id, func(r scanRow, id int64) int { return cmp.Compare(r.id, id) })
		if !found || page.rows[at].name != m.name() { // else the tables know, too
			names = append(names, m.name())
		}
		return true
	})
	if !whole {
		page.to, page.end = strings.Clone(last), false
		page.rows = slices.DeleteFunc(page.rows, func(r scanRow) bool { return viewString(storedName(r.name)) > last })
	}
	return names
}

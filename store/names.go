package store

import "diskette/expire"

const (
	namesPage = 4096 // names that are asked of Scan at a time

	// namesSlice is how many names of memory's are looked at under one hold of the keyspace lock: 0.2 to 0.5 ms.
	namesSlice = 8 << 10

	// Among more names than namesFew the tables' index is asked first for those with a prefix: a page of it costs no
	// more than a look at so many.
	namesFew = 64 << 10
)

// Names calls each, without the keyspace lock unless the caller holds it, with the names of all keys of a database that
// match. A key that is there throughout comes once, whatever else changes. seen is the newest LSN of what was looked
// at. The caller does not hold the lock, or says that it does (inside MULTI). Damage is an error.
//
// While no key of the database is on disk alone, its names are memory's, and the tables are not read. KEYS of a third
// of 60,000 took 5 times Redis's processor time through Scan: its pages are read, and every name of them looked up.
func (st *Store) Names(db int, now int64, o ScanOptions, locked bool, each func(name string)) (seen uint64, err error) {
	var page []string
	cursor, known := int64(0), 0
	if err := st.Look(locked, func() { known = st.dbs[db].keys.len() }); err != nil {
		return 0, err
	}
	if o.Prefix != "" && known > namesFew {
		page, cursor, seen, err = st.Scan(db, 0, namesPage, now, o, locked)
		if err != nil || cursor == 0 {
			callEach(page, each)
			return seen, err
		}
	}
	names, newest, ok, err := st.namesOfMemory(db, now, o, locked)
	if err != nil {
		return 0, err
	}
	if ok {
		callEach(names, each)
		return newest, nil
	}
	callEach(page, each)
	for {
		page, cursor, newest, err = st.Scan(db, cursor, namesPage, now, o, locked)
		if err != nil {
			return 0, err
		}
		callEach(page, each)
		if seen = max(seen, newest); cursor == 0 {
			return seen, nil
		}
	}
}

func callEach(names []string, each func(name string)) {
	for _, name := range names {
		each(name)
	}
}

// namesOfMemory is Names as memory knows them; ok is false if there may be others.
//
// It walks along the names' hashes, whose order neither time nor the table's growth changes: a slice goes on where the
// one before has ended.
func (st *Store) namesOfMemory(
	db int, now int64, o ScanOptions, locked bool,
) (names []string, seen uint64, ok bool, err error) {
	var walked *space
	for hash, more := uint64(0), true; more; {
		begin := len(names)
		err := st.Look(locked, func() {
			s := st.dbs[db]
			if ok = !s.unloaded && (walked == nil || walked == s); !ok {
				return
			}
			walked = s
			hash, more = s.keys.from(hash, namesSlice, func(m *object) {
				if m.typ != None && !m.unknown() && !expire.Due(m.deadline, now) && (o.Type == None || m.typ == o.Type) {
					names = append(names, m.name())
				}
			})
			seen = st.journal.Last()
		})
		if err != nil || !ok {
			return nil, 0, false, err
		}
		if o.Match != nil { // a name never changes
			matching := names[:begin]
			for _, name := range names[begin:] {
				if o.Match(bytesOf(name)) {
					matching = append(matching, name)
				}
			}
			clear(names[len(matching):])
			names = matching
		}
	}
	return names, seen, true, nil
}

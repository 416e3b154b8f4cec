package store

import "fmt"

// What verifies the index of elements (paged_index.go).

// indexChecks are the rows of the index that must not be there.
var indexChecks = []stray{
	{"entries in element_index of no indexed key", `SELECT 1 FROM element_index WHERE id NOT IN (SELECT id FROM indexed_keys)`},
	{"indexed keys that are no collections", `SELECT 1 FROM indexed_keys
		WHERE id NOT IN (SELECT id FROM keys WHERE type IN (2, 3, 4, 5, 6) UNION ALL SELECT id FROM garbage)`},
	{"indexed keys with a wrong number of entries", `SELECT 1 FROM indexed_keys i JOIN keys USING (id)
		WHERE below <> -1 AND type NOT IN (2, 6) AND elements <> (SELECT count(*) FROM element_index e WHERE e.id = i.id)`},
}

// checkKeptIndex is checkIndex for a file that may be of another version: one that knows nothing of the index leaves it
// behind, and the next start makes it anew.
func (r *reader) checkKeptIndex(fail func(string, ...any)) error {
	var tables int64
	err := queryInts(r.c, `SELECT count(*) FROM sqlite_schema WHERE name IN ('element_index', 'indexed_keys')`, &tables)
	if err != nil || tables < 2 {
		return err
	}
	if kept, err := indexKept(r.c); err != nil || !kept {
		return err
	}
	return r.checkIndex(fail)
}

// checkIndex verifies that the index has the rows that it should and no other.
func (r *reader) checkIndex(fail func(string, ...any)) error {
	if err := r.checkStray(indexChecks, fail, func(string) error { return nil }); err != nil {
		return err
	}
	keys, err := idsOf(r.c, `SELECT i.id, k.type FROM indexed_keys i JOIN keys k USING (id) WHERE below <> -1`)
	for _, key := range keys {
		switch {
		case err != nil:
		case !hasNames(Type(key[1])):
			err = r.checkCount(key[0], elementTable(Type(key[1])), fail)
		default:
			err = r.checkEntries(key[0], Type(key[1]), fail)
		}
	}
	return err
}

func (r *reader) checkCount(id int64, t table, fail func(string, ...any)) error {
	elements, ok, err := r.indexed(id)
	if err != nil || !ok {
		return err
	}
	n, err := r.count(id, t)
	if int64(n) != elements {
		fail("key %d: %s has %d elements of it, and %d were counted", id, t, n, elements)
	}
	return err
}

func (r *reader) checkEntries(id int64, t Type, fail func(string, ...any)) error {
	d := &tables[elementTable(t)]
	rows, _, err := r.c.Prepare(fmt.Sprintf(`SELECT n, %s FROM %s WHERE id = %d`, d.columns[0].name, d.name, id))
	if err != nil {
		return err
	}
	defer rows.Close()
	entry, _, err := r.c.Prepare(`SELECT 1 FROM element_index WHERE id = ?1 AND hash = ?2 AND n = ?3`)
	if err != nil {
		return err
	}
	defer entry.Close()
	var below, elements, indexed int64
	if err := queryInts(r.c, `SELECT below, elements FROM indexed_keys WHERE id = `+itoa(id), &below, &elements); err != nil {
		return err
	}
	lacking, beyond, first := 0, 0, int64(0)
	for rows.Step() {
		hash := elementHash(rows.ColumnRawBlob(1))
		if err := bind(entry, id, hash, rows.ColumnInt64(0)); err != nil {
			return err
		}
		there := entry.Step()
		if err := entry.Reset(); err != nil {
			return err
		}
		if there {
			indexed++
		}
		if there == (hash < below) {
			continue
		}
		if lacking+beyond == 0 {
			first = rows.ColumnInt64(0)
		}
		if there {
			beyond++
		} else {
			lacking++
		}
	}
	if lacking+beyond > 0 {
		fail("key %d: its index lacks %d rows of %s, and has %d above its bound; the first is row %d", id, lacking, d.name, beyond, first)
	}
	if indexed != elements {
		fail("key %d: %d rows of %s are in the index, which has %d entries of it", id, indexed, d.name, elements)
	}
	return rows.Err()
}

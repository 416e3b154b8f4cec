package store

import (
	"fmt"
)

// tidy brings what was salvaged into an order that a server can serve: a key is there with its rows or not at
// all, and each that is not is named. A string with a hole would read as zeros, and goes; a collection with
// one keeps the elements that it has.
func (s *salvage) tidy() error {
	w := s.w
	err := w.transaction(func() {
		s.spaces()
		if s.rescue != nil {
			for _, h := range s.rescue.holes {
				s.suspects(h)
			}
		}
		s.drop("lost, its name is not whole",
			fmt.Sprintf(`length(key) = %d AND id NOT IN (SELECT id FROM pieces WHERE part = 0)`, longName))
		s.drop("lost, a piece is missing", `id IN (SELECT id FROM pieces p WHERE piece > 0
			AND NOT EXISTS (SELECT 1 FROM pieces q
			WHERE q.id = p.id AND q.n = p.n AND q.part = p.part AND q.piece = p.piece - 1))`)
		for t := hashFields; int(t) < len(tables); t++ {
			if d := &tables[t]; d.typ != TypeStream || t == streamHeads {
				s.drop("lost, nothing of it is there",
					fmt.Sprintf(`type = %d AND id NOT IN (SELECT id FROM %s)`, d.typ, d.name))
			}
		}
		s.strays()
		w.run(w.recount)
		w.exec(`UPDATE spaces SET expiring =
			(SELECT count(*) FROM keys k WHERE k.space = spaces.space AND k.expires_ms > 0)`)
	})
	if err != nil {
		return fmt.Errorf("tidy what was salvaged: %w", err)
	}
	return queryInts(s.c, `SELECT coalesce(sum(keys), 0) FROM spaces WHERE db IS NOT NULL`, &s.there)
}

// mapSpaces gives databases whose spaces are not known those that they have in a new file.
func (s *salvage) mapSpaces() error {
	w := s.w
	guessed := 0
	err := w.transaction(func() {
		for i := range s.st.opts.Databases + 1 {
			db, space := i, int64(i)+1
			if i == s.st.opts.Databases {
				db = ownNumber
			}
			_, known := w.spaceOf[db]
			if known || len(w.ints(`SELECT 1 FROM spaces WHERE space = `+itoa(space))) > 0 {
				continue
			}
			w.run(w.mapSpace, space, int64(db))
			w.spaceOf[db] = space
			guessed++
		}
	})
	if guessed > 0 {
		s.note("which keys were in which database is not known: taken as if FLUSHDB and SWAPDB had never been used")
	}
	return err
}

// spaces lets go of keys that are in no database.
func (s *salvage) spaces() {
	s.drop("lost, its database is not known", `space NOT IN (SELECT space FROM spaces)`)
}

// suspects are the keys that may have had rows in a hole.
func (s *salvage) suspects(h hole) {
	ids := fmt.Sprintf(`id >= %d`, h.after.id)
	if !h.end {
		ids += fmt.Sprintf(` AND id <= %d`, h.before.id)
	}
	switch h.table {
	case "keys", "spaces":
	case "chunks":
		s.drop("lost, part of the string can not be read", ids+` AND chunked > 0`)
	case "pieces":
		long := fmt.Sprintf(`length(key) = %d`, longName)
		for t := hashFields; int(t) < len(tables); t++ {
			for _, c := range tables[t].stored() {
				if c.kind == blobColumn {
					long += fmt.Sprintf(` OR id IN (SELECT id FROM %s WHERE length(%s) >= %d)`, tables[t].name, c.name,
						chunkBytes)
				}
			}
		}
		s.drop("lost, part of a long value can not be read", ids+` AND (`+long+`)`)
	default:
		for t := hashFields; int(t) < len(tables); t++ {
			if tables[t].name == h.table { // those without any row go later
				s.each(fmt.Sprintf(`%s AND type = %d AND id IN (SELECT id FROM %s)`, ids, tables[t].typ, h.table),
					"not whole")
			}
		}
	}
}

// drop deletes the keys for which a condition holds, and names them.
func (s *salvage) drop(what, condition string) {
	s.each(condition, what)
	s.w.exec(`DELETE FROM keys WHERE ` + condition)
}

// each names the keys for which a condition holds.
func (s *salvage) each(condition, what string) {
	if s.w.err != nil {
		return
	}
	q, _, err := s.c.Prepare(`SELECT space, key FROM keys WHERE ` + condition)
	if err != nil {
		s.w.err = err
		return
	}
	for q.Step() {
		s.key(q.ColumnInt64(0), q.ColumnRawBlob(1), what)
	}
	s.w.err = q.Close()
}

// strays deletes rows that belong to nothing.
func (s *salvage) strays() {
	w := s.w
	w.exec(`DELETE FROM garbage`)
	w.exec(`DELETE FROM chunks WHERE id NOT IN (SELECT id FROM keys WHERE chunked > 0)`)
	w.exec(fmt.Sprintf(`DELETE FROM chunks WHERE n * %d + length(data) >
		(SELECT chunked FROM keys k WHERE k.id = chunks.id)`, chunkBytes))
	for t := hashFields; int(t) < len(tables); t++ {
		w.exec(fmt.Sprintf(`DELETE FROM %s WHERE id NOT IN (SELECT id FROM keys WHERE type = %d)`, tables[t].name,
			tables[t].typ))
	}
	w.exec(`DELETE FROM stream_consumers WHERE NOT EXISTS (SELECT 1 FROM stream_groups g
		WHERE g.id = stream_consumers.id AND g.n = group_n)`)
	w.exec(`DELETE FROM stream_pending WHERE NOT EXISTS (SELECT 1 FROM stream_consumers c
		WHERE c.id = stream_pending.id AND c.n = consumer_n AND c.group_n = stream_pending.group_n)`)
	w.exec(`DELETE FROM pieces WHERE (id, n, part) IN (SELECT id, n, part FROM pieces EXCEPT SELECT * FROM (` +
		longColumns() + `))`)
}

package store

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// This file is the goroutine that puts a Bulk's parcels into the tables, and what comes after the last of them.

// write puts parcels into the tables until there are no more. After a failure it takes them without a look.
func (b *Bulk) write(put func(*parcel) error) {
	var err error
	for p := range b.full {
		if err == nil {
			if err = put(p); err != nil {
				b.failed <- err
			}
		}
		p.reset()
		b.free <- p
	}
	if err == nil {
		b.failed <- nil
	}
	close(b.failed)
}

// putNew puts a parcel into tables that are the import's own.
func (b *Bulk) putNew(p *parcel) error {
	err := b.w.transaction(func() { b.putParcel(p) })
	if err == nil {
		err = guarded(func() error { return b.lookForTwins(p.large) })
	}
	if err != nil {
		return b.im.dirOwner.hindered(fmt.Errorf("import into the tables: %w", err))
	}
	return nil
}

func (p *parcel) reset() {
	p.fold.reset()
	for t := range p.byTable {
		p.byTable[t] = p.byTable[t][:0]
	}
	clear(p.chunks)
	p.chunks, p.large, p.size = p.chunks[:0], p.large[:0], 0
}

func (b *Bulk) putParcel(p *parcel) {
	w := b.w
	for i := 0; i < len(p.entries) && w.err == nil; {
		n := 0
		for n < keyRows && i+n < len(p.entries) && p.entries[i+n].isPlain() {
			n++
		}
		switch e := &p.entries[i]; {
		case n == keyRows:
			b.putKeys(p.entries[i : i+n])
			i += n
		case e.patched != nil: // its chunks come by themselves
			w.run(w.insert, e.id, e.space, storedName(e.key), int64(e.typ), e.deadline, e.patched.length, nil)
			w.putName(e.id, e.key)
			i++
		default:
			w.insertKey(&p.fold, int32(i))
			i++
		}
	}
	for _, c := range p.chunks {
		w.run(w.putChunk, c.id, c.n, c.data)
	}
	for t := hashFields; int(t) < len(tables); t++ {
		if order := p.byTable[t]; len(order) > 0 {
			w.rows(&p.fold, order)
		}
	}
}

// isPlain reports whether the key's row has all of its name, and of its value unless that has rows of its own.
func (e *entry) isPlain() bool {
	return len(e.key) < longName && len(e.value) < chunkBytes && e.patched == nil
}

// putKeys puts as many keys as the statement takes.
func (b *Bulk) putKeys(entries []entry) {
	w, s := b.w, b.many
	for i := range entries {
		e, at := &entries[i], i*6+1
		w.bindInt(s, at, e.id)
		w.bindInt(s, at+1, e.space)
		w.bindBlob(s, at+2, bytesOf(e.key))
		w.bindInt(s, at+3, int64(e.typ))
		w.bindInt(s, at+4, e.deadline)
		if e.typ == TypeString {
			w.bindBlob(s, at+5, e.value)
		} else {
			w.bindNull(s, at+5)
		}
	}
	w.step(s)
}

// lookForTwins looks for fields and members that a large collection has twice. Of those that are long the tables have
// the beginning only: they are passed over.
func (b *Bulk) lookForTwins(large []bulkLarge) error {
	for _, l := range large {
		d := &tables[tablesOf(l.typ)[0]]
		name := d.columns[0].name
		s, _, err := b.c.Prepare(fmt.Sprintf(`SELECT 1 FROM %s WHERE id = %d AND length(%s) < %d
			GROUP BY %[3]s HAVING count(*) > 1 LIMIT 1`, d.name, l.id, name, chunkBytes))
		if err != nil {
			return err
		}
		twice := s.Step()
		if err := s.Close(); err != nil {
			return err
		}
		if twice {
			return fmt.Errorf("a %s of the key %s of database %d %w", name, quoted(l.name), l.db, ErrTwice)
		}
	}
	return nil
}

// complete makes the indexes and notes what the tables have.
func (b *Bulk) complete(ctx context.Context) error {
	b.c.SetInterrupt(ctx)
	if err := b.removeDropped(); err != nil {
		return err
	}
	if err := b.c.Exec(nameIndex + `; ` + deadlineIndex); err != nil {
		if twin := b.twin(); twin != nil {
			return twin
		}
		return fmt.Errorf("make the indexes: %w", err)
	}
	w := b.w
	err := w.transaction(func() {
		for db, s := range b.spaces {
			w.run(w.mapSpace, s.id, int64(db))
			w.run(w.count, s.id, s.keys)
			w.run(w.expiring, s.id, s.expiring)
		}
		w.run(w.meta, "next_space", int64(len(b.spaces))+1)
		w.run(w.meta, "next_id", b.nextID)
		// From a journal that begins with record 1 the tables could be made anew, and from this one they can not.
		w.run(w.meta, "applied_lsn", int64(1))
		// Large collections get their indexes while they are served, without being loaded.
		w.run(w.meta, "indexed_lsn", int64(1))
		for _, id := range b.toIndex {
			w.exec(`INSERT OR IGNORE INTO indexed_keys (id, elements, below) SELECT id, 0, 0 FROM keys WHERE id = ?1`, id)
		}
	})
	if err != nil {
		return err
	}
	if _, err := b.c.Config(noCheckpointOnClose, false); err != nil {
		return err
	}
	return b.c.Exec(`PRAGMA journal_mode = WAL`)
}

// removeDropped removes what is in the tables of the key that was given up.
func (b *Bulk) removeDropped() error {
	if b.dropped == 0 {
		return nil
	}
	from := []string{"chunks", "pieces"}
	for _, t := range tablesOf(b.droppedType) {
		from = append(from, t.String())
	}
	sql := fmt.Sprintf(`DELETE FROM keys WHERE id = %d;`, b.dropped)
	for _, table := range from {
		sql += fmt.Sprintf(`DELETE FROM %s WHERE id = %d;`, table, b.dropped)
	}
	return b.c.Exec(sql)
}

const noCheckpointOnClose = sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE

// The indexes that a Bulk makes when all keys are there, as in schema.sql.
const (
	nameIndex     = `CREATE UNIQUE INDEX keys_by_name ON keys (space, key)`
	deadlineIndex = `CREATE INDEX keys_by_deadline ON keys (expires_ms) WHERE expires_ms > 0`
)

// twin finds a key that is there twice, as an error.
func (b *Bulk) twin() error {
	s, _, err := b.c.Prepare(`SELECT key, space FROM keys GROUP BY space, key HAVING count(*) > 1 LIMIT 1`)
	if err != nil {
		return nil
	}
	defer s.Close()
	if !s.Step() {
		return nil
	}
	for db, space := range b.spaces {
		if space.id == s.ColumnInt64(1) {
			return fmt.Errorf("the key %s of database %d %w", quoted(s.ColumnText(0)), db, ErrTwice)
		}
	}
	return nil
}

package store

import "github.com/ncruces/go-sqlite3"

// A bound that nobody has given must not take away what was stored before there were bounds: an older version kept all
// of it, whatever maxmemory-policy said. So a directory that such a version has written remembers how much it took on
// disk when the first version that has bounds opened it, and a bound that was assumed is no less than twice of that:
// with what lies beside the tables (disk_sizes.go) nothing is evicted before there is more.

// beforeBounds is the fact in meta for that: bytes, 0 = the directory was made by a version that has bounds.
const beforeBounds = "before_bounds"

// noteBeforeBounds notes it in a directory that does not say so yet. It belongs to a transaction of own's.
func (w *writer) noteBeforeBounds(bytes int64) {
	w.exec(`INSERT OR IGNORE INTO meta (name, value) VALUES ('`+beforeBounds+`', ?1)`, bytes)
}

// copyBeforeBounds brings what a damaged database says, if anything, into the one that takes its place.
func copyBeforeBounds(from, to *sqlite3.Conn) error {
	bytes := int64(-1)
	if err := queryInts(from, `SELECT value FROM meta WHERE name = '`+beforeBounds+`'`, &bytes); err != nil || bytes < 0 {
		return to.Exec(`DELETE FROM meta WHERE name = '` + beforeBounds + `'`) // own notes what there is
	}
	return to.Exec(`UPDATE meta SET value = ` + itoa(bytes) + ` WHERE name = '` + beforeBounds + `'`)
}

// readBeforeBounds has the bounds that Open was given follow what the directory remembers.
func (st *Store) readBeforeBounds() error {
	err := queryInts(st.wb.w.c, `SELECT coalesce((SELECT value FROM meta WHERE name = '`+beforeBounds+`'), 0)`,
		&st.before)
	if b := st.notBelow(st.Bounds()); err == nil && b != st.Bounds() {
		st.bounds.Store(b)
		st.shareDisk(b)
	}
	return err
}

// notBelow is bounds of which an assumed one leaves what was there before: the same, or others.
func (st *Store) notBelow(b *Bounds) *Bounds {
	if !b.Assumed || b.Disk >= 2*st.before {
		return b
	}
	wider := *b
	wider.Disk = 2 * st.before
	return &wider
}

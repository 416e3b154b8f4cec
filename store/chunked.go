package store

import (
	"fmt"
	"time"
)

// chunkSet is what memory has of a long string of which the rest is on disk alone: chunks, as the table chunks has
// them.
//
//	not in the set      the table has the chunk as it is
//	in it, clean        so it does
//	in it, dirty        a record that is not applied changes it: it stays in the set
//
// Chunks come into a set and never leave it: to let go of the clean ones the object gets another set. So who reads a
// chunk without the lock, and finds the same set, in the same object, without the chunk, has read what is current;
// and who reads all of them puts what the set has over it (merge). While one of them is under way the object is
// pinned, and its set is not exchanged.
type chunkSet struct {
	have  map[int64]*chunk
	bytes int64 // that they take
}

type chunk struct {
	data []byte // from its beginning; what is missing at its end is zero bytes
	lsn  uint64 // of the newest record that changed it, 0 = none
	lent bool   // a reply or a passage has the bytes: they are copied before they are changed
}

// chunkCost is a chunk's besides its bytes.
const chunkCost = 96

// put puts a chunk into the set, in the place of the one that is there.
func (s *chunkSet) put(n int64, c *chunk) {
	if old := s.have[n]; old != nil {
		s.bytes -= int64(cap(old.data)) + chunkCost
	}
	if s.have == nil {
		s.have = map[int64]*chunk{}
	}
	s.have[n] = c
	s.bytes += int64(cap(c.data)) + chunkCost
}

// part returns the bytes from .. to-1, whose chunks are in the set.
func (s *chunkSet) part(from, to int64) []byte {
	n := from / chunkBytes
	if data := s.have[n].data; to <= n*chunkBytes+int64(len(data)) {
		return data[from%chunkBytes : to-n*chunkBytes]
	}
	part := make([]byte, to-from)
	for at := from; at < to; at = (at/chunkBytes + 1) * chunkBytes {
		if data := s.have[at/chunkBytes].data; at%chunkBytes < int64(len(data)) {
			copy(part[at-from:], data[at%chunkBytes:])
		}
	}
	return part
}

// lend is part for bytes that nobody changes afterwards.
func (s *chunkSet) lend(from, to int64) []byte {
	if from/chunkBytes == (to-1)/chunkBytes {
		s.have[from/chunkBytes].lent = true
	}
	return s.part(from, to)
}

// write writes data from an offset on, for the record lsn. What of a chunk is neither in the set nor written is zero.
func (s *chunkSet) write(at int64, data []byte, lsn uint64) {
	for len(data) > 0 {
		n, off := at/chunkBytes, int(at%chunkBytes)
		k := min(chunkBytes-off, len(data))
		c := s.have[n]
		if c == nil {
			c = &chunk{}
			s.put(n, c)
		}
		end, had := max(off+k, len(c.data)), cap(c.data)
		room := c.data
		if c.lent || had < end {
			room = make([]byte, len(c.data), min(chunkBytes, end+end/8))
			copy(room, c.data)
			c.lent = false
		}
		room = room[:end]
		if was := len(c.data); was < off {
			clear(room[was:off])
		}
		copy(room[off:], data[:k])
		c.data, c.lsn = room, lsn
		s.bytes += int64(cap(room) - had)
		at, data = at+int64(k), data[k:]
	}
}

// merge puts the set's chunks over a value that was read from the tables, which is nobody else's, and gives it its
// length.
func (o *outline) merge(value []byte) []byte {
	if o.chunks == nil {
		return value
	}
	if missing := o.bytes - int64(len(value)); missing > 0 {
		value = append(value, make([]byte, missing)...)
	}
	for n, c := range o.chunks.have {
		copy(value[n*chunkBytes:], c.data)
	}
	return value
}

// trim lets go of the chunks that the tables have, if the object has any.
func (o *object) trim(applied uint64) bool {
	if !o.headOnly || o.outline() == nil || o.outline().chunks == nil || o.pins() > 0 || o.load() != nil {
		return false
	}
	kept := &chunkSet{}
	for n, c := range o.outline().chunks.have {
		if c.lsn > applied { // I3
			kept.put(n, c)
		}
	}
	if len(kept.have) == len(o.outline().chunks.have) {
		return false
	}
	o.outline().chunks = kept
	return true
}

// chunksWanted are chunks that a Fetch reads.
type chunksWanted struct {
	o           *object // pinned
	db          int
	id          int64
	set         *chunkSet
	first, last int64
	read        map[int64][]byte
	err         error
}

// hasAll reports whether the bytes from .. to-1 are in the set.
func (s *chunkSet) hasAll(from, to int64) bool {
	if s == nil {
		return from >= to
	}
	for n := from / chunkBytes; n*chunkBytes < to; n++ {
		if s.have[n] == nil {
			return false
		}
	}
	return true
}

// wantChunks notes a load of the chunks of these bytes, which are not all in memory. The object is of a long string.
func (v *View) wantChunks(o *object, from, to int64) {
	if o.outline().chunks == nil {
		o.outline().chunks = &chunkSet{}
	}
	f := v.fetching()
	f.chunks = append(f.chunks, chunksWanted{o: o, db: v.db, id: o.id, set: o.outline().chunks,
		first: from / chunkBytes, last: (to - 1) / chunkBytes})
	o.pin()
}

// loadChunks reads the chunks that are wanted, as Load does keys.
func (f *Fetch) loadChunks() (failed error) {
	if len(f.chunks) == 0 {
		return nil
	}
	st, start := f.st, time.Now()
	for i := range f.chunks {
		w := &f.chunks[i]
		w.read = map[int64][]byte{}
		w.err = st.readers.load(func(r *reader) error {
			return r.someChunks(w.id, w.first, w.last, func(n int64, data []byte) {
				w.read[n] = append(make([]byte, 0, len(data)), data...)
			})
		})
	}
	st.Lock()
	defer st.Unlock()
	for i := range f.chunks {
		w := &f.chunks[i]
		if w.err != nil {
			failed = st.unreadable(w.o, w.db, w.err)
			continue
		}
		st.worked(keyPlace(w.o))
		st.stats.loads++
		if o := w.o; o.headOnly && o.id == w.id && o.outline() != nil && o.outline().chunks == w.set {
			for n := w.first; n <= w.last; n++ {
				if w.set.have[n] == nil {
					w.set.put(n, &chunk{data: w.read[n]})
				}
			}
			st.resized(o)
		}
		w.read = nil
	}
	st.stats.loadNanos += time.Since(start).Nanoseconds()
	return failed
}

// unpinChunks lets go of the keys whose chunks were wanted. The caller holds the keyspace lock.
func (f *Fetch) unpinChunks() {
	for _, w := range f.chunks {
		w.o.unpin()
	}
	f.chunks = nil
}

// someChunks calls fn with those of a long string's chunks that have rows; the bytes are SQLite's.
func (r *reader) someChunks(id, first, last int64, fn func(n int64, data []byte)) error {
	s, err := r.stmt(`SELECT n, data FROM chunks WHERE id = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n`)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := bind(s, id, first, last); err != nil {
		return err
	}
	for s.Step() {
		data := s.ColumnRawBlob(1)
		if len(data) > chunkBytes {
			return fmt.Errorf("%w: a chunk of %d bytes", ErrDamaged, len(data))
		}
		fn(s.ColumnInt64(0), data)
	}
	return s.Err()
}

// writeChunks changes part of a long string that is on disk alone, whose chunks are in memory as far as they are not
// written whole, and records the change.
func (tx *Tx) writeChunks(o *object, offset int, data []byte) (length int) {
	if o.outline().chunks == nil {
		o.outline().chunks = &chunkSet{}
	}
	end := max(o.outline().bytes, int64(offset+len(data)))
	o.outline().bytes = end
	o.outline().chunks.write(int64(offset), data, tx.lsn)
	tx.rec.patch(o.id, int(end), offset, data)
	return int(end)
}

// overwriteOnDisk is overwrite for a string of which the value is on disk alone; an offset < 0 is its end. Data of
// shareBytes or more is kept. done is false if the value is in memory now, because chunks were missing.
func (tx *Tx) overwriteOnDisk(key []byte, o *object, offset int, data []byte) (length int, done bool) {
	t := Text{&tx.View, key, o}
	if offset < 0 {
		offset = t.Len()
	}
	if t.Overwritable(offset, offset+len(data), false); !o.headOnly {
		return 0, false
	}
	length = tx.writeChunks(o, offset, data)
	o.setForm(Grown)
	tx.st.resized(o)
	tx.touched(o)
	return length, true
}

// EditPart is EditString for a command that changes nothing but the bytes from .. to-1: those of them that the string
// has when it is length long are what edit gets. Of a string on disk alone they should be Editable, or the value is
// read under the lock.
func (tx *Tx) EditPart(key []byte, length, from, to int, edit func(part []byte) []Span) error {
	o := tx.edited(tx.known(key, NeedSmall))
	if o.headOnly && o.typ == TypeString {
		t := Text{&tx.View, key, o}
		t.Editable(from, to, false)
		t.Editable(length-1, length, false)
	}
	if !o.headOnly || o.typ != TypeString {
		return tx.EditString(key, length, func(value []byte) []Span {
			start := min(from, len(value))
			spans := edit(value[start:min(to, len(value))])
			for i := range spans {
				spans[i].From, spans[i].To = spans[i].From+start, spans[i].To+start
			}
			return spans
		})
	}
	was := int(o.outline().bytes)
	to = min(to, max(was, length))
	from = min(from, to)
	part := make([]byte, to-from)
	if from < was {
		copy(part, o.outline().chunks.part(int64(from), int64(min(to, was))))
	}
	spans := edit(part)
	o.setForm(Grown)
	if length > was {
		tx.writeChunks(o, length-1, []byte{0}) // what lies between is zero bytes
	}
	for _, s := range spans {
		tx.writeChunks(o, from+s.From, part[s.From:s.To])
	}
	if length > was || len(spans) > 0 {
		tx.st.resized(o)
		tx.touched(o)
	}
	return nil
}

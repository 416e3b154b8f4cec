package store

// A Text is a string that may be on disk alone, for commands that use a part of it. It is looked up with NeedSmall: a
// string of less than chunkBytes comes into memory whole, a longer one by chunks (chunked.go) or not at all
// (passage.go). It is valid while the keyspace lock is held, and until something is written to the key.
//
//	up to partBytes of it            the chunks that these bytes stand in come into memory, and stay as hot keys do
//	more, of a value that is small   the value comes into memory whole: it would be read whole the next time, too
//	beside the hot set
//	more, of another                 a Passage: nothing comes into memory
//
// Small beside the hot set is an eighth of maxmemory; what parts of such a value are read for is counted, and when
// that is as much as the value is long, it comes into memory whole, too: so nothing costs more than twice what it has
// to.
type Text struct {
	v   *View
	key []byte
	o   *object // nil = there is no such key
}

const (
	partBytes  = 1 << 20
	wholeShare = 8
)

// Text returns a string, and counts as a use of it.
func (v *View) Text(key []byte) (Text, error) {
	return v.text(key, v.used(v.counted(key, v.known(key, NeedSmall))))
}

// Text is View.Text for a command that writes: what it looks up for itself is neither hit nor miss.
func (tx *Tx) Text(key []byte) (Text, error) { return tx.text(key, tx.there(tx.known(key, NeedSmall))) }

func (v *View) text(key []byte, o *object) (Text, error) {
	if o != nil && o.typ != TypeString {
		return Text{}, ErrWrongType
	}
	return Text{v, key, o}, nil
}

// There reports whether there is such a key.
func (t Text) There() bool { return t.o != nil }

// Len is its length in bytes, 0 if it is not there.
func (t Text) Len() int {
	switch {
	case t.o == nil:
		return 0
	case t.o.headOnly:
		return int(t.o.outline().bytes)
	}
	return len(t.o.str())
}

// OnDisk reports whether the value is on disk alone, or but for some chunks.
func (t Text) OnDisk() bool { return t.o != nil && t.o.headOnly }

// Bytes is the value of one that is in memory, nil if it is not there: as View.String's.
func (t Text) Bytes() []byte {
	if t.o == nil {
		return nil
	}
	return t.o.value()
}

// Lend is Bytes for a value that outlives the lock: as View.LendString's.
func (t Text) Lend() []byte {
	if t.o != nil && len(t.o.str()) >= shareBytes {
		t.o.lend()
	}
	return t.Bytes()
}

// Part returns the bytes from .. to-1, which lie within it: the store's, as Bytes' are. If they are not in memory, ok
// is false and loads are noted: the command must have changed nothing, and run again when they have been made.
// mayWait says that it can; else the value is read under the lock.
func (t *Text) Part(from, to int, mayWait bool) (part []byte, ok bool) {
	switch {
	case from == to:
		return emptyString, true
	case !t.within(from, to, mayWait):
		return nil, false
	case !t.o.headOnly:
		return t.o.str()[from:to], true
	}
	return t.o.outline().chunks.part(int64(from), int64(to)), true
}

// LendPart is Part for bytes that outlive the lock.
func (t *Text) LendPart(from, to int, mayWait bool) (part []byte, ok bool) {
	if !t.within(from, to, mayWait) {
		return nil, false
	}
	if !t.o.headOnly {
		return t.Lend()[from:to], true
	}
	return t.o.outline().chunks.lend(int64(from), int64(to)), true
}

// Overwritable reports whether what is needed to write over the bytes from .. to-1, which may lie beyond its end, is
// in memory: of the chunks that are not written whole what they hold. If not it is as for Part.
func (t *Text) Overwritable(from, to int, mayWait bool) bool {
	if t.inRow() {
		return t.within(0, 1, mayWait)
	}
	length := t.Len()
	first, last := from-from%chunkBytes, to-to%chunkBytes
	ok := from == first || first >= length || t.within(first, min(first+chunkBytes, length), mayWait)
	if last == first && from > first {
		return ok
	}
	return (to == last || to >= length || t.within(last, min(last+chunkBytes, length), mayWait)) && ok
}

// Editable is Overwritable for who does not write all of these bytes: they are in memory, too.
func (t *Text) Editable(from, to int, mayWait bool) bool {
	if t.inRow() {
		return t.within(0, 1, mayWait)
	}
	length := t.Len()
	first := from - from%chunkBytes
	return first >= length || t.within(first, min(length, to+chunkBytes-1-(to-1)%chunkBytes), mayWait)
}

// inRow reports whether the value is on disk alone and stands in its row: it comes into memory whole, and what makes it
// longer is recorded as a new value, because it has no chunks.
func (t *Text) inRow() bool { return t.OnDisk() && !t.o.outline().long }

// within reports whether the bytes are in memory; else it is as for Part.
func (t *Text) within(from, to int, mayWait bool) bool {
	switch {
	case !t.OnDisk() || t.o.outline().long && t.o.outline().chunks.hasAll(int64(from), int64(to)):
		return true
	case !mayWait:
		t.o = t.v.known(t.key, NeedValue)
		return true
	case !t.o.outline().long || to-from > partBytes+2*chunkBytes:
		return t.v.WantAlso(t.key, NeedValue)
	}
	t.v.wantChunks(t.o, int64(from), int64(to))
	return false
}

// InPassage reports whether a command that uses so many bytes of it is to use a Passage.
func (t Text) InPassage(bytes int) bool {
	if !t.OnDisk() || !t.o.outline().long || bytes <= partBytes {
		return false
	}
	o := t.o.outline()
	o.passed += int64(bytes)
	return o.passed < o.bytes || o.bytes > t.v.st.maxMemory.Load()/wholeShare
}

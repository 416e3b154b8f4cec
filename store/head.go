package store

import "diskette/expire"

// The head of a key is what is known of it without its value: that it is there, its id, type and deadline,
// and the length of a string. A command that needs no more (EXISTS, TYPE, STRLEN, EXPIRE, RENAME, DEL, SET
// over it) wants it with NeedHead, and looks it up with head, peekHead, lookHead, findHead and editHead. For
// the length of a collection (HLEN, LLEN) see outline.go.
//
//	unknown > head > value       a load each, or one for both: a value that is small comes with its head
//	head > head                  EXPIRE, RENAME: the change goes by the id, the value stays where it is
//	head > absent, new value     DEL, SET: nothing is read
//
// All other look-ups are for the value, and load it if memory has the head alone: whatever does not say that it needs
// no value is slow at worst, never wrong.
//
// A head may be dirty, and of another name than in the tables. Its value is therefore read by id, and what
// memory knows of the head stands. EXISTS of eight strings of 100 MB on disk, with maxmemory 64mb, takes 16
// MB of RSS so, and took 822 with their values.

// Need is how much of a key has to be in memory for a command.
type Need uint8

const (
	NeedValue  Need = iota // the most
	NeedPart               // certain elements, which WantElements names: see paged.go
	NeedShape              // the value if it is short, else its outline
	NeedLength             // the value if it is short, else how many elements it has
	NeedSmall              // the value if it is short: who can not know takes it along where that costs little
	NeedHead
)

const (
	headBytes  = 4 << 10    // a string's value shorter than this comes with its head
	smallBytes = chunkBytes // NeedSmall: what a string, or a collection in memory, takes at most
)

// unknown reports that memory does not know of the name yet whether it is a key.
func (o *object) unknown() bool { return o.load() != nil && !o.headOnly }

// lacks reports whether a command has to wait for a load.
func (o *object) lacks(n Need) bool {
	switch n {
	case NeedValue, NeedPart:
		return o.load() != nil || o.headOnly
	case NeedShape:
		return o.unknown() || o.headOnly && (o.outline() == nil || o.outline().rough)
	case NeedLength:
		return o.unknown() || o.headOnly && o.outline() == nil
	}
	return o.unknown()
}

// filled ends the time without a value: it has one now, or is no key. A load that is under way comes too late.
func (o *object) filled() {
	o.releasePart()
	o.headOnly = false
	o.setOutline(nil)
	o.setLoad(nil)
}

// head is entry for whom the head is enough; so are the others what their names without Head are.
func (v *View) head(key []byte) *object { return v.known(key, NeedHead) }

func (v *View) peekHead(key []byte) *object { return v.there(v.head(key)) }

func (v *View) lookHead(key []byte) *object { return v.counted(key, v.head(key)) }

func (v *View) findHead(key []byte) *object { return v.used(v.lookHead(key)) }

func (tx *Tx) editHead(key []byte) *object { return tx.edited(tx.head(key)) }

// TypeOf returns the key's type, None if it is not there.
func (v *View) TypeOf(key []byte) Type {
	if o := v.lookHead(key); o != nil {
		return o.typ
	}
	return None
}

// PeekType is TypeOf without counting a hit or a miss.
func (v *View) PeekType(key []byte) Type {
	if o := v.peekHead(key); o != nil {
		return o.typ
	}
	return None
}

// Deadline returns the key's deadline in unix ms (0 = none) and whether the key is there.
func (v *View) Deadline(key []byte) (deadline int64, ok bool) {
	if o := v.lookHead(key); o != nil {
		return o.deadline, true
	}
	return 0, false
}

// IdleMillis is the time since the key's last use before this command, for OBJECT IDLETIME, which
// is itself no use. A key just loaded counts from when the Order of its space thinks that it was used last, if there is
// one, or else from then.
func (v *View) IdleMillis(key []byte) (idle int64, ok bool) {
	o := v.peekHead(key)
	if o == nil {
		return 0, false
	}
	return o.idle(v.now), true
}

// IsExpired reports whether the key's deadline has passed and nothing has removed it yet, for WATCH.
func (v *View) IsExpired(key []byte) bool {
	o := v.head(key)
	return o.typ != None && expire.Due(o.deadline, v.now)
}

// StringLength is the length in bytes of a string, 0 when the key is not there.
func (v *View) StringLength(key []byte) (int64, error) {
	o := v.findHead(key)
	switch {
	case o == nil:
		return 0, nil
	case o.typ != TypeString:
		return 0, ErrWrongType
	case o.headOnly:
		return o.outline().bytes, nil
	}
	return int64(len(o.str())), nil
}

// PeekShort returns a string of up to most bytes, which are headBytes at most, and how it came
// about; a longer one is nil. It does not count as a use of the key, which is a string.
func (v *View) PeekShort(key []byte, most int) (value []byte, form Form) {
	o := v.peekHead(key)
	if o.headOnly || len(o.str()) > most {
		return nil, o.form()
	}
	return o.value(), o.form()
}

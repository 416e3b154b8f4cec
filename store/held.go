package store

import "unsafe"

// kind is what an object holds: what its pointer held points to. There are three bits for it.
type kind uint8

const (
	nothing     kind = iota
	shortString      // bytes: length and capacity are the object's; nobody else reads them without the keyspace lock
	apartKind        // an apart, which has the value and whatever few objects have
	heldList         // the collections as such
	heldSet
	heldZSet
	heldHash
	heldStream
	kindBits = 7
)

// longestShort is the most that a short string's block may have.
const longestShort = 1<<16 - 1

func (o *object) kind() kind { return kind(o.bits & kindBits) }

// hasMembers reports whether the object holds a collection in which members are looked up by name.
func (o *object) hasMembers() bool { return o.kind() > heldList && o.kind() < heldStream }

func (o *object) hold(k kind, p unsafe.Pointer) {
	o.held, o.bits = p, o.bits&^kindBits|uint8(k)
}

// An apart has what most objects do not need. It goes when it holds no more than the object can.
type apart struct {
	// str is a string that is long, or that others read: a reply that outlives the lock (lent), or the journal and
	// write-back (until sharedLSN is applied). It must be copied before it is changed in place.
	str       []byte
	sharedLSN uint64
	lent      bool
	pins      int32 // loads that have not used the object yet: a pinned object is not unloaded
	waits     int32 // clients that wait for the key: it is not, either, but its value may go
	coll      collection
	load      *load    // under way while non-nil
	outline   *outline // what is known of a value that is on disk alone, if anything
	name      string   // if the object says nameApart
}

const apartBytes = int64(unsafe.Sizeof(apart{}))

// apart returns an object's apart, nil if it has none.
func (o *object) apart() *apart {
	if o.kind() != apartKind {
		return nil
	}
	return (*apart)(o.held)
}

// parted makes an apart for an object that has none.
func (o *object) parted() *apart {
	if a := o.apart(); a != nil {
		return a
	}
	a := &apart{str: o.str(), coll: o.coll()}
	o.hold(apartKind, unsafe.Pointer(a))
	return a
}

// joined gives up an apart that has nothing but what the object can hold itself.
func (o *object) joined() {
	a := o.apart()
	if a == nil || a.load != nil || a.outline != nil || a.pins != 0 || a.waits != 0 || a.lent || a.sharedLSN != 0 || o.letters == nameApart ||
		cap(a.str) > longestShort {
		return
	}
	switch str, coll := a.str, a.coll; {
	case coll != nil && str != nil:
	case coll != nil:
		o.holdColl(coll)
	case str != nil:
		o.holdShort(str)
	default:
		o.hold(nothing, nil)
	}
}

func (o *object) holdShort(b []byte) {
	o.hold(shortString, unsafe.Pointer(unsafe.SliceData(b)))
	o.length, o.capacity = uint16(len(b)), uint16(cap(b))
}

// size counts the apart itself for what makes it last, not for loads and pins, which come and go.
func (a *apart) size() int64 {
	n := int64(cap(a.str)) + int64(len(a.name))
	if a.outline != nil || a.name != "" || cap(a.str) > longestShort {
		n += apartBytes
	}
	if a.coll != nil {
		n += a.coll.size()
	}
	if a.outline != nil {
		n += a.outline.size()
	}
	return n
}

// str is a string's value, nil if there is none. Up to shareBytes it is always copied out.
func (o *object) str() []byte {
	switch o.kind() {
	case shortString:
		return unsafe.Slice((*byte)(o.held), int(o.capacity))[:o.length]
	case apartKind:
		return (*apart)(o.held).str
	}
	return nil
}

// setStr makes b the object's value, which nobody else reads.
func (o *object) setStr(b []byte) { o.shareStr(b, 0, false) }

// shareStr makes b the object's value, which the record with an LSN refers to (0 = none), and replies if it is lent.
func (o *object) shareStr(b []byte, lsn uint64, lent bool) {
	k := o.kind()
	switch {
	case k > apartKind || lsn != 0 || lent || cap(b) > longestShort || k == apartKind:
		a := o.parted()
		a.str, a.sharedLSN, a.lent = b, lsn, lent
		o.joined()
	case b == nil:
		o.hold(nothing, nil)
	default:
		o.holdShort(b)
	}
}

// lengthen makes the string end where its block has still room.
func (o *object) lengthen(end int) { o.shareStr(o.str()[:end], o.sharedLSN(), o.lent()) }

func (o *object) lent() bool {
	a := o.apart()
	return a != nil && a.lent
}

func (o *object) lend() { o.parted().lent = true }

func (o *object) sharedLSN() uint64 {
	if a := o.apart(); a != nil {
		return a.sharedLSN
	}
	return 0
}

// shared says that the record with an LSN refers to the object's string.
func (o *object) shared(lsn uint64) { o.parted().sharedLSN = lsn }

// coll is the value of any other type, nil for strings.
func (o *object) coll() collection {
	switch o.kind() {
	case heldList:
		return (*List)(o.held)
	case heldSet:
		return (*Set)(o.held)
	case heldZSet:
		return (*ZSet)(o.held)
	case heldHash:
		return (*Hash)(o.held)
	case heldStream:
		return (*Stream)(o.held)
	case apartKind:
		return (*apart)(o.held).coll
	}
	return nil
}

// setColl makes c the object's value, and takes it away if it is nil.
func (o *object) setColl(c collection) {
	if a := o.apart(); a != nil {
		a.coll = c
		o.joined()
		return
	}
	switch {
	case c != nil && o.kind() == shortString:
		o.parted().coll = c
	case c != nil:
		o.holdColl(c)
	case o.kind() != shortString:
		o.hold(nothing, nil)
	}
}

func (o *object) holdColl(c collection) {
	switch c := c.(type) {
	case *List:
		o.hold(heldList, unsafe.Pointer(c))
	case *Set:
		o.hold(heldSet, unsafe.Pointer(c))
	case *ZSet:
		o.hold(heldZSet, unsafe.Pointer(c))
	case *Hash:
		o.hold(heldHash, unsafe.Pointer(c))
	case *Stream:
		o.hold(heldStream, unsafe.Pointer(c))
	default:
		o.parted().coll = c
	}
}

// empty takes the value away.
func (o *object) empty() {
	if a := o.apart(); a != nil {
		a.str, a.coll, a.sharedLSN, a.lent = nil, nil, 0, false
		o.joined()
		return
	}
	o.hold(nothing, nil)
}

// load is the load that is under way, nil if there is none.
func (o *object) load() *load {
	if a := o.apart(); a != nil {
		return a.load
	}
	return nil
}

func (o *object) setLoad(l *load) {
	if l == nil && o.apart() == nil {
		return
	}
	o.parted().load = l
	o.joined()
}

func (o *object) outline() *outline {
	if a := o.apart(); a != nil {
		return a.outline
	}
	return nil
}

func (o *object) setOutline(x *outline) {
	if x == nil && o.apart() == nil {
		return
	}
	o.parted().outline = x
	o.joined()
}

func (o *object) pins() int32 {
	if a := o.apart(); a != nil {
		return a.pins
	}
	return 0
}

func (o *object) pin() { o.parted().pins++ }

func (o *object) unpin() {
	o.parted().pins--
	o.joined()
}

package command

// longReply is from how many elements a reply is encoded without the keyspace lock, and sent while it is being
// encoded: half a million elements take some 20 ms to encode, which everybody would wait for, and 16 MB at once.
//
// What collections hold are strings, which never change (store/collection.go), so the reply stays what it was when
// the command ran, as long as it holds nothing else of the store: kindBulk and KindLent may be a value that the next
// command changes. Inside MULTI and scripts the next command comes at once, and the reply is encoded under the lock.
const longReply = 2048

// IsLong reports whether a reply is long and may be encoded later.
func (r *Reply) IsLong() bool {
	switch {
	case len(r.Elems) >= longReply:
		return r.lasts()
	case len(r.Elems) == 0 || len(r.Elems) > 16:
		return false
	}
	for i := range r.Elems { // such as XREAD's and ZMPOP's: a name, and what is there
		if r.Elems[i].IsLong() {
			return r.lasts()
		}
	}
	return false
}

// lasts reports whether a reply holds nothing that can change.
func (r *Reply) lasts() bool {
	if r.Kind == KindBulk || r.Kind == KindLent {
		return false
	}
	for i := range r.Elems {
		if e := &r.Elems[i]; e.Kind != KindText && !e.lasts() {
			return false
		}
	}
	return true
}

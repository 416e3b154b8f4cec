package resp

// longReply is from how many elements a reply is encoded without the keyspace lock, and sent while it is being encoded: half a million
// elements take some 20 ms to encode, which everybody would wait for, and 16 MB at once.
//
// What collections hold are strings, which never change (store/collection.go), so the reply stays what it was when the command ran, as
// long as it holds nothing else of the store: kindBulk and kindLent may be a value that the next command changes. Inside MULTI and scripts
// the next command comes at once, and the reply is encoded under the lock.
const longReply = 2048

// isLong reports whether a reply is long and may be encoded later.
func (r *Reply) isLong() bool {
	switch {
	case len(r.elems) >= longReply:
		return r.lasts()
	case len(r.elems) == 0 || len(r.elems) > 16:
		return false
	}
	for i := range r.elems { // such as XREAD's and ZMPOP's: a name, and what is there
		if r.elems[i].isLong() {
			return r.lasts()
		}
	}
	return false
}

// lasts reports whether a reply holds nothing that can change.
func (r *Reply) lasts() bool {
	if r.kind == kindBulk || r.kind == kindLent {
		return false
	}
	for i := range r.elems {
		if e := &r.elems[i]; e.kind != kindText && !e.lasts() {
			return false
		}
	}
	return true
}

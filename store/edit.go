package store

// A Span is the bytes of a string from From up to To.
type Span struct{ From, To int }

// EditString makes a string at least length bytes long, creating the key, and lets edit change its bytes in place.
// edit returns what it has changed; it keeps nothing of value, and is called once. If it changes nothing of a
// string that was long enough, nothing is recorded. ErrPutOff: see PutOffCopies; edit has not been called then.
func (tx *Tx) EditString(key []byte, length int, edit func(value []byte) []Span) error {
	o := tx.edit(key)
	if o.typ != None && o.typ != TypeString {
		return ErrWrongType
	}
	was := len(o.str)
	end := max(was, length)
	applied := tx.st.applied.Load()
	if rw := tx.rewritten; rw.fits(o, end, nil) {
		o.str, o.lent, o.sharedLSN = rw.made, false, 0
	} else {
		if !o.owned(end, applied) && tx.mayPutOff(end) {
			o.lent = o.typ != None
			tx.rewrite = newRewrite(o, end, nil).pinned()
			return ErrPutOff
		}
		if o.typ == None {
			o.str = make([]byte, end)
		} else {
			o.own(end, applied)
			o.str = o.str[:end]
			clear(o.str[was:])
		}
	}
	o.form = Grown
	spans := edit(o.str)
	if o.typ == None {
		if len(o.str) >= shareBytes {
			o.sharedLSN = tx.lsn // the record references it
		}
		tx.create(o, TypeString, 0)
		return nil
	}
	if end > was {
		spans = append(spans, Span{end - 1, end}) // what lies between is zero bytes
	}
	tx.st.resized(o)
	if len(spans) == 0 {
		return nil
	}
	if patches(was, end) {
		for _, s := range spans {
			tx.rec.patch(o.id, end, s.From, o.str[s.From:s.To])
			if s.To-s.From >= shareBytes {
				o.sharedLSN = tx.lsn
			}
		}
	} else {
		tx.recordValue(o)
	}
	tx.touched(o)
	return nil
}

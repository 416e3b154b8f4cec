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
	was := len(o.str())
	end := max(was, length)
	applied := tx.st.applied.Load()
	if rw := tx.rewritten; rw.fits(o, end, nil) {
		o.setStr(rw.made)
	} else {
		if !o.owned(end, applied) && tx.mayPutOff(end) {
			if o.typ != None {
				o.lend()
			}
			tx.rewrite = newRewrite(o, end, nil).pinned()
			return ErrPutOff
		}
		if o.typ == None {
			o.setStr(make([]byte, end))
		} else {
			o.own(end, applied)
			o.lengthen(end)
			clear(o.str()[was:])
		}
	}
	o.setForm(Grown)
	value := o.str()
	spans := edit(value)
	if o.typ == None {
		if len(value) >= shareBytes {
			o.shared(tx.lsn) // the record references it
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
			tx.rec.patch(o.id, end, s.From, value[s.From:s.To])
			if s.To-s.From >= shareBytes {
				o.shared(tx.lsn)
			}
		}
	} else {
		tx.recordValue(o)
	}
	tx.touched(o)
	return nil
}

package resp

import "io"

// lentBytes is the length from which a lent value is sent from where it stands.
const lentBytes = 64 << 10

// output gathers the replies of a batch, in order, until what they saw is committed.
type output struct {
	buf   []byte
	parts []part // values that are not copied, each after a place in buf
	size  int    // bytes in all
	marks []mark
	limit int64 // bytes; 0 = none
	over  bool  // they were more: nothing is gathered until reset
}

type part struct {
	at   int // stands after buf[:at]
	data []byte
}

// mark is the beginning of one reply and the LSN that it must wait for.
type mark struct {
	at, parts int
	lsn       uint64
}

func (o *output) begin(lsn uint64) {
	o.marks = append(o.marks, mark{len(o.buf), len(o.parts), lsn})
}

func (o *output) reference(b []byte) {
	o.parts = append(o.parts, part{len(o.buf), b})
	o.size += len(b)
}

// join appends another's replies.
func (o *output) join(other *output) {
	for _, p := range other.parts {
		o.parts = append(o.parts, part{len(o.buf) + p.at, p.data})
	}
	o.buf = append(o.buf, other.buf...)
	o.size += other.size
	o.over = o.over || other.over
}

func (o *output) bytes() int { return len(o.buf) + o.size }

// refuse puts an error in the place of every reply that saw something newer than
// committed: its data could not be stored (I8).
func (o *output) refuse(committed uint64, err Reply) {
	var kept output
	for i, m := range o.marks {
		end, parts := len(o.buf), len(o.parts)
		if i+1 < len(o.marks) {
			end, parts = o.marks[i+1].at, o.marks[i+1].parts
		}
		if m.lsn > committed {
			kept.encode(&err, false)
			continue
		}
		at := m.at
		for _, p := range o.parts[m.parts:parts] {
			kept.buf = append(kept.buf, o.buf[at:p.at]...)
			kept.reference(p.data)
			at = p.at
		}
		kept.buf = append(kept.buf, o.buf[at:end]...)
	}
	kept.limit, kept.over = o.limit, o.over
	*o = kept
}

// flush writes everything out and empties the buffer, keeping a small one for the next batch.
func (o *output) flush(w io.Writer) error {
	var err error
	at := 0
	for _, p := range o.parts {
		if err == nil && p.at > at {
			_, err = w.Write(o.buf[at:p.at])
		}
		if err == nil {
			_, err = w.Write(p.data)
		}
		at = p.at
	}
	if err == nil && len(o.buf) > at {
		_, err = w.Write(o.buf[at:])
	}
	o.reset()
	return err
}

func (o *output) reset() {
	if cap(o.buf) > 64<<10 {
		o.buf = nil
	}
	clear(o.parts)
	o.buf, o.parts, o.marks, o.size, o.over = o.buf[:0], o.parts[:0], o.marks[:0], 0, false
}

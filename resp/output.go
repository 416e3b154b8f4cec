package resp

import (
	"strconv"

	"diskette/resp/wire"
)

// lentBytes is the length from which a lent value is sent from where it stands.
const lentBytes = 64 << 10

// output gathers the replies of a batch, in order, until what they saw is committed.
//
//	pieces  [ reply reply ] [ lent value ] [ reply ... ]     buf[from:]  [ reply reply
//
// What gathers in buf is cut off at SendBytes: the replies of one EXEC, which may be many, are never copied to make them one.
type output struct {
	pieces []piece // they come first
	buf    []byte
	from   int // buf[:from] is in pieces already
	size   int // bytes of pieces
	marks  []mark
	limit  int64 // bytes; 0 = none
	over   bool  // they were more, or are not wanted any more: nothing is gathered until reset

	sending bool // what has gathered may be sent at any time: it is the beginning of a long reply
	guard   *wire.Guard
	owner   outputOwner // who is told how much has gathered, a piece at a time; nil = nobody
}

// An outputOwner is the client for whom an output gathers.
type outputOwner interface {
	// gathers notes that so many bytes more wait, fewer if negative, and reports whether they are still wanted.
	gathers(bytes int) (wanted bool)
	// sendPart sends what has gathered of a long reply.
	sendPart() (ok bool)
}

// ownedBy makes it the output of a client's connection.
func (o *output) ownedBy(owner outputOwner, g *wire.Guard) { o.owner, o.guard = owner, g }

type piece struct {
	data    []byte
	lasting bool // it stays as it is for as long as anybody has it
}

// mark is the beginning of one reply, at a place in a piece or in what is to become one, and the LSN that it must wait for.
type mark struct {
	piece, at int
	lsn       uint64
}

// lastSaw changes the LSN that the last reply must wait for.
func (o *output) lastSaw(lsn uint64) { o.marks[len(o.marks)-1].lsn = lsn }

// begin begins a reply that must wait for lsn.
func (o *output) begin(lsn uint64) {
	o.marks = append(o.marks, mark{len(o.pieces), len(o.buf) - o.from, lsn})
}

// reference puts in bytes that stay as they are.
func (o *output) reference(b []byte) {
	if len(o.buf) > o.from {
		o.append(piece{data: o.buf[o.from:]})
		o.from = len(o.buf)
	}
	if o.guard != nil {
		longest := &o.guard.Unsent.Longest
		longest.Store(max(longest.Load(), int64(len(b))))
	}
	o.append(piece{b, true})
}

func (o *output) append(p piece) {
	if o.over {
		return
	}
	o.pieces = append(o.pieces, p)
	o.size += len(p.data)
	if o.owner != nil && !o.owner.gathers(len(p.data)) {
		o.drop()
	}
}

// full makes a piece of what has gathered in buf, or sends it if that may be done already. There will be more, unless dropped says
// that it is not wanted.
func (o *output) full() (dropped bool) {
	if o.sending {
		return !o.owner.sendPart()
	}
	full := o.buf[o.from:]
	o.buf, o.from = make([]byte, 0, wire.SendBytes+wire.SendBytes/8), 0
	o.append(piece{full, true})
	return o.over
}

// join appends another's replies, which are not used any more.
func (o *output) join(other *output) {
	for _, p := range other.pieces {
		if p.lasting {
			o.reference(p.data)
		} else {
			o.buf = append(o.buf, p.data...)
		}
	}
	o.buf = append(o.buf, other.buf[other.from:]...)
	if other.over {
		o.drop()
	}
}

func (o *output) bytes() int { return o.size + len(o.buf) - o.from }

// refuse puts an error, as encodeError writes it, in the place of every reply that saw something newer than
// committed: its data could not be stored (I8).
func (o *output) refuse(committed uint64, encodeError func(*output)) {
	kept := output{limit: o.limit, over: o.over, guard: o.guard, owner: o.owner}
	all := append(o.pieces, piece{data: o.buf[o.from:]})
	for i, m := range o.marks {
		end := mark{piece: len(all) - 1, at: len(o.buf) - o.from}
		if i+1 < len(o.marks) {
			end = o.marks[i+1]
		}
		if m.lsn > committed {
			encodeError(&kept)
			continue
		}
		for ; m.piece < end.piece; m.piece, m.at = m.piece+1, 0 {
			kept.take(all[m.piece], m.at, len(all[m.piece].data))
		}
		kept.take(all[m.piece], m.at, end.at)
	}
	o.disown()
	*o = kept
}

// take is for refuse: it puts in a part of a piece.
func (o *output) take(p piece, from, to int) {
	if p.lasting && to-from >= lentBytes {
		o.reference(p.data[from:to])
	} else {
		o.buf = append(o.buf, p.data[from:to]...)
	}
}

// sendTo sends everything and empties the buffer, keeping a small one for the next batch.
func (o *output) sendTo(g *wire.Guard) error {
	var err error
	for i := range o.pieces {
		if err == nil {
			err = g.Send(o.pieces[i].data, o.pieces[i].lasting)
		}
		o.pieces[i] = piece{} // what waits to be sent waits there
	}
	if err == nil && len(o.buf) > o.from {
		err = g.Send(o.buf[o.from:], false)
	}
	o.reset()
	return err
}

func (o *output) reset() {
	if cap(o.buf) > 64<<10 && !o.sending {
		o.buf = nil
	}
	if len(o.pieces) > 0 {
		o.disown()
		clear(o.pieces)
		o.pieces, o.size, o.from = o.pieces[:0], 0, 0
	}
	o.buf, o.marks, o.over = o.buf[:0], o.marks[:0], false
}

// drop lets go of everything, and lets nothing more gather.
func (o *output) drop() {
	o.over = true
	o.disown()
	o.buf, o.from, o.pieces, o.size = nil, 0, nil, 0
	for i := range o.marks { // they stay as many as there are replies
		o.marks[i] = mark{lsn: o.marks[i].lsn}
	}
}

func (o *output) disown() {
	if o.owner != nil && o.size > 0 {
		o.owner.gathers(-o.size)
	}
}

// takes reports whether more may be put in. What has gathered is made a piece, or sent, when it is enough.
func (o *output) takes() bool {
	if o.over || o.limit != 0 && o.limitReached() {
		return false
	}
	return len(o.buf)-o.from < wire.SendBytes || !o.full()
}

// limitReached drops what outgrew the hard limit: to gather on would only cost memory.
func (o *output) limitReached() bool {
	if int64(o.bytes()) <= o.limit {
		return false
	}
	o.drop()
	return true
}

// line puts in a line.
func (o *output) line(prefix byte, s string) {
	o.buf = append(append(append(o.buf, prefix), s...), '\r', '\n')
}

// number puts in a line that holds a number.
func (o *output) number(prefix byte, n int64) {
	o.buf = append(o.buf, prefix)
	if n >= 0 && n < 10 {
		o.buf = append(o.buf, byte('0'+n), '\r', '\n')
		return
	}
	o.buf = append(strconv.AppendInt(o.buf, n, 10), '\r', '\n')
}

// bulk puts in bytes behind their number.
func (o *output) bulk(s string) {
	o.number('$', int64(len(s)))
	o.buf = append(append(o.buf, s...), '\r', '\n')
}

// text puts in bytes as they are.
func (o *output) text(s string) { o.buf = append(o.buf, s...) }

// crlf ends a line.
func (o *output) crlf() { o.buf = append(o.buf, '\r', '\n') }

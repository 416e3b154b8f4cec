package wire

import "strconv"

// LentBytes is the length from which a lent value is sent from where it stands.
const LentBytes = 64 << 10

// Output gathers the replies of a batch, in order, until what they saw is committed.
//
//	pieces  [ reply reply ] [ lent value ] [ reply ... ]     buf[from:]  [ reply reply
//
// What gathers in buf is cut off at SendBytes: the replies of one EXEC, which may be many, are
// never copied to make them one.
type Output struct {
	pieces  []piece // they come first
	Buf     []byte
	from    int // buf[:from] is in pieces already
	size    int // bytes of pieces
	marks   []mark
	Limit   int64 // bytes; 0 = none
	Dropped bool  // they were more, or are not wanted any more: nothing is gathered until reset

	Sending bool  // what has gathered may be sent at any time: it is the beginning of a long reply
	InParts int64 // bytes of the value that is sent in parts and counts as one value; 0 = none is
	guard   *Guard
	owner   OutputOwner // who is told how much has gathered, a piece at a time; nil = nobody
}

// An OutputOwner is the client for whom an output gathers.
type OutputOwner interface {
	// Gathers notes that so many bytes more wait, fewer if negative, and reports whether they are still wanted.
	Gathers(bytes int) (wanted bool)
	// SendPart sends what has gathered of a long reply.
	SendPart() (ok bool)
}

// OwnedBy makes it the output of a client's connection.
func (o *Output) OwnedBy(owner OutputOwner, g *Guard) { o.owner, o.guard = owner, g }

type piece struct {
	data    []byte
	lasting bool // it stays as it is for as long as anybody has it
}

// mark is the beginning of one reply, at a place in a piece or in what is to become one, and
// the LSN that it must wait for.
type mark struct {
	piece, at int
	lsn       uint64
}

// LastSaw changes the LSN that the last reply must wait for.
func (o *Output) LastSaw(lsn uint64) { o.marks[len(o.marks)-1].lsn = lsn }

// BeginReply begins a reply that must wait for lsn.
func (o *Output) BeginReply(lsn uint64) {
	o.marks = append(o.marks, mark{len(o.pieces), len(o.Buf) - o.from, lsn})
}

// Reference puts in bytes that stay as they are.
func (o *Output) Reference(b []byte) {
	if o.Dropped {
		return
	}
	if len(o.Buf) > o.from {
		o.append(piece{data: o.Buf[o.from:]})
		o.from = len(o.Buf)
	}
	if o.guard != nil {
		longest := &o.guard.Unsent.need().longest
		longest.Store(max(longest.Load(), int64(len(b))))
	}
	o.append(piece{b, true})
}

func (o *Output) append(p piece) {
	if o.Dropped {
		return
	}
	o.pieces = append(o.pieces, p)
	o.size += len(p.data)
	if o.owner != nil && !o.owner.Gathers(len(p.data)) {
		o.Drop()
	}
}

// full makes a piece of what has gathered in buf, or sends it if that may be done already.
// There will be more, unless dropped says that it is not wanted.
func (o *Output) full() (dropped bool) {
	if o.Sending {
		return !o.owner.SendPart()
	}
	full := o.Buf[o.from:]
	o.Buf, o.from = make([]byte, 0, SendBytes+SendBytes/8), 0
	o.append(piece{full, true})
	return o.Dropped
}

// Join appends another's replies, which are not used any more.
func (o *Output) Join(other *Output) {
	for _, p := range other.pieces {
		if p.lasting {
			o.Reference(p.data)
		} else {
			o.Buf = append(o.Buf, p.data...)
		}
	}
	o.Buf = append(o.Buf, other.Buf[other.from:]...)
	if other.Dropped {
		o.Drop()
	}
}

// Bytes is how many have gathered.
func (o *Output) Bytes() int { return o.size + len(o.Buf) - o.from }

// Refuse puts an error, as encodeError writes it, in the place of every reply that saw something newer than
// committed: its data could not be stored (I8).
func (o *Output) Refuse(committed uint64, encodeError func(*Output)) {
	kept := Output{Limit: o.Limit, Dropped: o.Dropped, guard: o.guard, owner: o.owner}
	all := append(o.pieces, piece{data: o.Buf[o.from:]})
	for i, m := range o.marks {
		end := mark{piece: len(all) - 1, at: len(o.Buf) - o.from}
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
func (o *Output) take(p piece, from, to int) {
	if p.lasting && to-from >= LentBytes {
		o.Reference(p.data[from:to])
	} else {
		o.Buf = append(o.Buf, p.data[from:to]...)
	}
}

// SendTo sends everything and empties the buffer, keeping a small one for the next batch.
func (o *Output) SendTo(g *Guard) error {
	var err error
	o.noteLongest(g)
	for i := range o.pieces {
		if err == nil {
			o.letGo(len(o.pieces[i].data)) // first: others see it wait there, and never twice
			err = g.Send(o.pieces[i].data, o.pieces[i].lasting)
		}
		o.pieces[i] = piece{} // what waits to be sent waits there
	}
	if err == nil && len(o.Buf) > o.from {
		err = g.Send(o.Buf[o.from:], false)
	}
	o.Reset()
	return err
}

// Reset empties it and keeps its memory.
func (o *Output) Reset() {
	if cap(o.Buf) > 64<<10 && !o.Sending {
		o.Buf = nil
	}
	if len(o.pieces) > 0 {
		o.disown()
		clear(o.pieces)
	}
	o.pieces, o.size, o.from = o.pieces[:0], 0, 0
	o.Buf, o.marks, o.Dropped = o.Buf[:0], o.marks[:0], false
}

// Disowned empties it for another owner, who gets its memory.
func (o *Output) Disowned() {
	o.Sending, o.InParts, o.Limit = false, 0, 0
	o.Reset()
	o.owner, o.guard = nil, nil
}

// Drop lets go of everything, and lets nothing more gather.
func (o *Output) Drop() {
	o.Dropped = true
	o.disown()
	o.Buf, o.from, o.pieces, o.size = nil, 0, nil, 0
	for i := range o.marks { // they stay as many as there are replies
		o.marks[i] = mark{lsn: o.marks[i].lsn}
	}
}

// noteLongest says what the longest value is, anew when nothing waits: only the output's own goroutine does, so that no
// end of what was sent before takes away what is said of a value that gathers.
func (o *Output) noteLongest(g *Guard) {
	if o.guard == nil {
		return
	}
	was := g.Unsent.Longest()
	longest := o.InParts
	if g.Waiting() > 0 { // was may be of what waits
		longest = max(longest, was)
	}
	for _, p := range o.pieces {
		if p.lasting {
			longest = max(longest, int64(len(p.data)))
		}
	}
	if longest != was {
		g.Unsent.need().longest.Store(longest)
	}
}

// disown takes back what the owner was told of.
func (o *Output) disown() { o.letGo(o.size) }

func (o *Output) letGo(bytes int) {
	o.size -= bytes
	if o.owner != nil && bytes > 0 {
		o.owner.Gathers(-bytes)
	}
}

// Takes reports whether more may be put in. What has gathered is made a piece, or sent, when it is enough.
func (o *Output) Takes() bool {
	if o.Dropped || o.Limit != 0 && o.limitReached() {
		return false
	}
	return len(o.Buf)-o.from < SendBytes || !o.full()
}

// limitReached drops what outgrew the hard limit: to gather on would only cost memory.
func (o *Output) limitReached() bool {
	if int64(o.Bytes()) <= o.Limit {
		return false
	}
	o.Drop()
	return true
}

// Line puts in a line.
func (o *Output) Line(prefix byte, s string) {
	o.Buf = append(append(append(o.Buf, prefix), s...), '\r', '\n')
}

// Number puts in a line that holds a number.
func (o *Output) Number(prefix byte, n int64) {
	o.Buf = append(o.Buf, prefix)
	if n >= 0 && n < 10 {
		o.Buf = append(o.Buf, byte('0'+n), '\r', '\n')
		return
	}
	o.Buf = append(strconv.AppendInt(o.Buf, n, 10), '\r', '\n')
}

// Bulk puts in bytes behind their number.
func (o *Output) Bulk(s string) {
	o.Number('$', int64(len(s)))
	o.Buf = append(append(o.Buf, s...), '\r', '\n')
}

// Text puts in bytes as they are.
func (o *Output) Text(s string) { o.Buf = append(o.Buf, s...) }

// CRLF ends a line.
func (o *Output) CRLF() { o.Buf = append(o.Buf, '\r', '\n') }

package resp

import (
	"time"

	"diskette/store"
)

// A value that is sent while it is read from disk (store.Passage) must wait for its client in between, or it would
// gather here: it goes on when no more than passageAhead waits to be sent. A client that takes nothing for a second may
// have a pipeline to write before it reads. Then the value is read on into memory, as one that is there would wait to
// be sent: until the client takes something again, or slowDown stops that.
const (
	passageAhead  = 2 << 20
	passageStalls = time.Second
)

// replyPassage sends a value that is on disk alone. If not wanted the client has asked for silence. The caller does not
// hold the keyspace lock.
func (cl *client) replyPassage(p *store.Passage, wanted bool, lsn uint64) {
	defer p.Close()
	o, left := &cl.out, p.Left()
	switch {
	case !wanted:
		return
	case cl.srv.store.Wait(max(cl.seen, lsn)) != nil: // none of it may be sent: an error comes in its place
		o.BeginReply(lsn)
		cl.seen = max(cl.seen, lsn)
		return
	case o.Limit > 0 && int64(o.Bytes())+left > o.Limit: // the hard limit is for the whole, as in Redis
		o.Drop()
		return
	}
	o.BeginReply(lsn)
	cl.seen = max(cl.seen, lsn)
	o.Number('$', left)
	begun, kept := time.Now(), int64(0) // kept = of it, in memory
	defer func() { cl.Gathers(-int(kept)) }()
	o.Sending, o.InParts = true, left
	defer func() { o.Sending, o.InParts = false, 0 }()
	for {
		if cl.send() != nil || !cl.pace(p, begun, &kept) {
			cl.closing = true
			return
		}
		piece, err := p.Next()
		if err != nil {
			cl.srv.log.Error().Str("client", cl.addr()).Err(err).Msg("client closed: the rest of a value can not be read")
			cl.kill()
			cl.closing = true
			return
		}
		o.BeginReply(0)
		if len(piece) == 0 {
			break
		}
		o.Buf = append(o.Buf, piece...)
	}
	o.CRLF()
	cl.limitOutput()
}

// pace waits until the client has taken most of what was sent of a passage that began then. kept is what counts as
// waiting for it, of the passage.
func (cl *client) pace(p *store.Passage, begun time.Time, kept *int64) (wanted bool) {
	u := &cl.guard.Unsent
	for ; ; u.Await(lookAgain) {
		now := p.Kept()
		wanted = cl.Gathers(int(now - *kept))
		*kept = now
		if !wanted || cl.isKilled() {
			return false
		}
		stalled := min(time.Since(begun), time.Since(time.UnixMilli(u.Took())))
		if cl.guard.Waiting() <= passageAhead || stalled > passageStalls {
			return true
		}
	}
}

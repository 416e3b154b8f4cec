package resp

import (
	"errors"
	"time"

	"diskette/resp/command"
	"diskette/resp/config"
	"diskette/resp/wire"
)

// What waits to be sent to a client, and the replies that are being made for it, are bounded so:
//
//	client-output-buffer-limit   hard: more ends the connection at once. soft: more for so many seconds on end does
//	maxmemory-clients            all clients together: above it those with the most are closed (client_eviction.go)
//	what is left of that         a client for which more waits, and more than an eighth of it all, is not read
//	                             from: its next commands stay in its socket
//
// The last bound slows clients down that read late, before any must be closed. One client may have half of
// maxmemory-clients waiting, and the next half of the rest, so that there is room for others: as switches
// share their memory among queues (Choudhury and Hahne, Dynamic Queue Length Thresholds, 1998). An eighth is
// for everybody; when that becomes too much, the largest is closed. A client that is slowed down and takes nothing
// for stalledMillis, or for timeout if that is less, is closed: both sides would wait for each other for ever.

const (
	freeShare     = 8
	stalledMillis = 60_000
	// lookAgain is how often a client that is slowed down looks whether others have let go of memory.
	lookAgain = 100 * time.Millisecond
)

var (
	errOutputHard = errors.New("client-output-buffer-limit: its hard limit is reached")
	errOutputSoft = errors.New("client-output-buffer-limit: its soft limit was exceeded for too long")
	errNotReading = errors.New("timeout: the client has not read for too long")
	errStalled    = errors.New("maxmemory-clients: too much waits for a client that does not read, so its commands are not read, either")
	errClosed     = errors.New("the client was closed")
)

// outputLimit is client-output-buffer-limit's for the client's class. For a monitor that is normal,
// which usually has none; a slow monitor must not take all memory, so the replicas' holds then.
func (cl *client) outputLimit() config.OutputLimit {
	limits := cl.srv.cfg.OutputLimits()
	switch {
	case !cl.pushing.Load():
		return limits.Normal
	case cl.subscriptions.all() > 0:
		return limits.PubSub
	case cl.monitoring.Load() && limits.Normal.HardBytes == 0:
		return limits.Replica
	}
	return limits.Normal
}

// limitOutput bounds what gathers next by what the hard limit leaves.
func (cl *client) limitOutput() {
	cl.out.Limit = 0
	if hard := cl.outputLimit().HardBytes; hard > 0 {
		cl.out.Limit = max(1, hard-cl.guard.Waiting())
	}
}

// unsent is how many bytes wait for the client, or are being made for it.
func (cl *client) unsent() int64 {
	return cl.guard.Waiting() + int64(cl.pushesWaiting()) + cl.gathered.Load()
}

// flush sends the gathered replies, or lets them wait in the connection. After an error the
// connection is of no more use.
func (cl *client) flush() error {
	o := &cl.out
	if cl.isReplica() { // its connection is the stream's: another goroutine sends, and a reply would be taken for data
		o.Reset()
		return nil
	}
	if o.Dropped {
		o.Reset()
		if cl.isKilled() {
			return errClosed
		}
		return cl.overLimit(errOutputHard)
	}
	err := o.SendTo(cl.guard)
	if err == nil && cl.guard.Waiting() > 0 {
		err = cl.bound(0)
		if err == nil {
			err = cl.slowDown()
		}
	}
	return err
}

// bound applies the limits to what waits, and ends a client that is over one. It is called
// after something was added; queued is how much of it waits elsewhere than in the connection.
func (cl *client) bound(queued int) error {
	limit, waiting := cl.outputLimit(), cl.guard.Waiting()+int64(queued)
	switch {
	case limit.HardBytes > 0 && waiting > limit.HardBytes:
		return cl.overLimit(errOutputHard)
	case limit.SoftBytes > 0 && waiting > limit.SoftBytes:
		length, first := cl.guard.Unsent.Exceeds(limit.SoftBytes)
		if first {
			time.AfterFunc(limit.Soft()+softGrace, cl.endSlow)
		} else if length > limit.Soft() {
			return cl.overLimit(errOutputSoft)
		}
	}
	return cl.srv.boundClients(cl)
}

// softGrace is how much later than its limit a client is closed to which nothing more is sent.
const softGrace = 10 * time.Millisecond

// endSlow closes a client if more than the soft limit has waited for it for as long as it may.
// It looks again later if it has been less meanwhile.
func (cl *client) endSlow() {
	limit := cl.outputLimit()
	length, over := cl.guard.Unsent.ExceededFor()
	switch {
	case !over || limit.SoftBytes == 0:
	case length >= limit.Soft():
		_ = cl.overLimit(errOutputSoft) // it logs, counts and closes
	default:
		time.AfterFunc(limit.Soft()-length+softGrace, cl.endSlow)
	}
}

// overLimit ends a connection because of a limit, logs and counts that.
func (cl *client) overLimit(reason error) error {
	if cl.killCounted(&cl.srv.stats.overOutput) {
		cl.srv.log.Warn().Str("client", cl.addr()).AnErr("reason", reason).Msg("client closed")
	}
	return reason
}

// overQuery is overLimit for what a client has sent.
func (cl *client) overQuery() {
	cl.srv.stats.overQuery.Add(1)
	cl.srv.log.Warn().Str("client", cl.addr()).AnErr("reason", wire.ErrQueryBuffer).Msg("client closed")
}

// slowDown waits while too much waits for the client.
func (cl *client) slowDown() error {
	if cl.mayGoOn() {
		return nil
	}
	if cl.inBatch && !cl.out.Sending {
		cl.endBatch() // meanwhile it can be pushed to
		defer cl.beginBatch()
	}
	return cl.awaitReading(errStalled, cl.mayGoOn)
}

func (cl *client) mayGoOn() bool {
	most := cl.srv.cfg.MaxClientMemory.Load()
	return cl.guard.Waiting() <= max(most/freeShare, most-cl.srv.limits.Unsent.Load())
}

// endIdle ends a client that has sent nothing for timeout, nor taken any of what waits for it.
func (cl *client) endIdle() {
	if waiting := cl.guard.Waiting(); waiting > 0 {
		cl.srv.log.Info().Str("client", cl.addr()).Int64("bytes", waiting).AnErr("reason", errNotReading).Msg("client closed")
		cl.kill()
	}
}

// finish waits until the client has taken what waits for it: its connection is about to end.
func (cl *client) finish() {
	if cl.isReplica() {
		cl.kill() // what waits for it is the stream: it comes again
		return
	}
	_ = cl.awaitReading(errNotReading, func() bool { return cl.guard.Waiting() == 0 }) // it has ended then
}

// awaitReading waits until the client has read enough. One that takes nothing for too long is
// closed, for the reason given.
func (cl *client) awaitReading(reason error, enough func() bool) error {
	if enough() {
		return nil
	}
	cl.leaveLoop()
	u := &cl.guard.Unsent
	for start := time.Now().UnixMilli(); !enough(); u.Await(lookAgain) {
		if cl.isKilled() {
			return errClosed
		}
		patience := int64(stalledMillis)
		if idle := cl.srv.idleTimeout().Milliseconds(); idle > 0 {
			patience = min(patience, idle)
		}
		if time.Now().UnixMilli()-max(start, u.Took()) > patience {
			cl.srv.log.Warn().Str("client", cl.addr()).Int64("bytes", cl.guard.Waiting()).AnErr("reason", reason).Msg("client closed")
			cl.kill()
			return reason
		}
	}
	return u.Broken()
}

// replyLong is reply for a long one. The caller does not hold the keyspace lock.
func (cl *client) replyLong(r *command.Reply, lsn uint64) {
	cl.encodeLong(lsn, func(o *wire.Output) { r.Encode(o, cl.RESP3) })
}

// replyElements is replyLong for a reply whose elements are made while it is encoded. What they hold waits for the
// client.
func (cl *client) replyElements(e *command.Elements, lsn uint64) {
	cl.Gathers(int(e.Held))
	defer cl.Gathers(-int(e.Held))
	cl.encodeLong(lsn, func(o *wire.Output) { e.Encode(o, cl.RESP3) })
}

func (cl *client) encodeLong(lsn uint64, encode func(o *wire.Output)) {
	cl.leaveLoop()
	o := &cl.out
	o.BeginReply(lsn)
	failed := cl.srv.store.Wait(max(cl.seen, lsn)) != nil
	cl.seen = max(cl.seen, lsn)
	if !failed { // else none of it may be sent: an error comes in its place
		o.Sending = true
		encode(o)
		o.Sending = false
	}
	cl.limitOutput()
	cl.Scratch.Reset()
}

// SendPart sends what there is of a long reply, which is committed. As in Redis the hard limit is for the whole.
func (cl *client) SendPart() (ok bool) {
	o := &cl.out
	left := o.Limit - int64(o.Bytes())
	if o.Limit > 0 && left <= 0 {
		o.Drop()
		return false
	}
	o.Limit = max(left, 0)
	if cl.send() != nil {
		o.Drop()
		cl.closing = true
		return false
	}
	o.BeginReply(0)
	return true
}

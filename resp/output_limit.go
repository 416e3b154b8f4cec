package resp

import (
	"errors"
	"os"
	"time"
)

// A client's next commands run only once the replies before them have left, so what waits for
// a client that does not read is never more than sendBytes, or one larger reply, or the
// replies of one EXEC; the rest waits, as commands, in the client's own socket. Hence what
// client-output-buffer-limit's class normal means here:
//
//	hard limit     one reply, EXEC or batch that gathers to more is not sent: the connection ends
//	soft limit     more than that still waits after so many seconds of sending: it ends
//
// And timeout counts a client as idle, too, that has taken none of what waits for it for that long.

// limitReached drops what outgrew the hard limit: to gather on would only cost memory.
func (o *output) limitReached() bool {
	if o.limit == 0 || !o.over && int64(o.bytes()) <= o.limit {
		return false
	}
	o.over = true
	o.buf, o.parts, o.size = nil, nil, 0
	for i := range o.marks { // they stay as many as there are replies
		o.marks[i] = mark{lsn: o.marks[i].lsn}
	}
	return true
}

var (
	errOutputHard = errors.New("client-output-buffer-limit: its hard limit is reached")
	errOutputPush = errors.New("client-output-buffer-limit: messages wait for a client that reads too slowly")
	errOutputSoft = errors.New("client-output-buffer-limit: its soft limit was exceeded for too long")
	errNotReading = errors.New("timeout: the client has not read for too long")
)

// listedBytes is from where waiting output is shown as omem in CLIENT LIST, as in Redis, whose clients
// have a buffer of that size besides.
const listedBytes = 16 << 10

// flush sends the gathered replies. After an error the connection is of no more use.
func (cl *client) flush() error {
	o := &cl.out
	if o.over {
		o.reset()
		return cl.overLimit(errOutputHard)
	}
	waiting := o.bytes()
	if waiting > listedBytes {
		cl.waiting.Store(int64(waiting))
		defer cl.waiting.Store(0)
	}
	w := outlet{cl: cl, waiting: int64(waiting), idle: time.Duration(cl.srv.cfg.Timeout.Load()) * time.Second}
	if class := cl.srv.cfg.OutputLimits().Normal; class.SoftBytes > 0 && class.SoftSeconds > 0 && w.waiting > class.SoftBytes {
		w.soft, w.softEnd = class.SoftBytes, time.Now().Add(class.soft())
	}
	if w.idle == 0 && w.softEnd.IsZero() {
		if cl.writeArmed {
			cl.writeArmed = false
			_ = cl.guard.SetWriteDeadline(time.Time{}) // a closed connection's error is for the write
		}
		return o.flush(cl.guard)
	}
	return o.flush(&w)
}

// overLimit logs and counts the end of a connection that a limit brings.
func (cl *client) overLimit(reason error) error {
	cl.srv.stats.overOutput.Add(1)
	cl.srv.log.Warn().Str("client", cl.addr).AnErr("reason", reason).Msg("client closed")
	return reason
}

// overQuery is overLimit for what a client has sent.
func (cl *client) overQuery() {
	cl.srv.stats.overQuery.Add(1)
	cl.srv.log.Warn().Str("client", cl.addr).AnErr("reason", errQueryBuffer).Msg("client closed")
}

// outlet sends to a client under the limits that have to do with time.
type outlet struct {
	cl      *client
	waiting int64         // bytes yet to be sent
	soft    int64         // until this few wait ...
	softEnd time.Time     // ... this is the end; zero = no such limit
	idle    time.Duration // in which some of it must go; 0 = any
}

func (w *outlet) Write(p []byte) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+w.cl.guard.partBytes())]
		deadline, reason := w.deadline()
		w.cl.writeArmed = true
		_ = w.cl.guard.SetWriteDeadline(deadline) // a closed connection's error is for the write
		k, err := w.cl.guard.Write(part)
		n += k
		w.waiting -= int64(k)
		w.cl.waiting.Store(w.waiting)
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return n, err
		case reason == errNotReading && k > 0 && w.cl.guard.tls == nil: // it has read
		case reason == errNotReading:
			w.cl.srv.log.Info().Str("client", w.cl.addr).AnErr("reason", reason).Msg("client closed")
			return n, reason
		case w.waiting > w.soft:
			return n, w.cl.overLimit(reason)
		case w.cl.guard.tls != nil: // crypto/tls can not go on behind a write that ran out of time
			return n, err
		}
	}
	return n, nil
}

// deadline is when the next write must be done, and what it means if it is not.
func (w *outlet) deadline() (deadline time.Time, reason error) {
	if w.idle > 0 {
		deadline, reason = time.Now().Add(w.idle), errNotReading
	}
	if !w.softEnd.IsZero() && w.waiting > w.soft && (deadline.IsZero() || w.softEnd.Before(deadline)) {
		deadline, reason = w.softEnd, errOutputSoft
	}
	return deadline, reason
}

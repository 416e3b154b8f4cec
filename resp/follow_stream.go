package resp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/follow"
	"diskette/resp/internal/numbers"
	"diskette/resp/wire"
	"diskette/store"
)

// newMasterClient is who runs a master's commands: they pass no gate, nothing expires for them, and nobody hears
// replies.
func (s *Server) newMasterClient() *client {
	cl := &client{srv: s, Caller: command.Caller{Host: &s.host, Replaying: true, OfMaster: true}, authed: true, master: true, replies: repliesOff,
		since: time.Now().UnixMilli()}
	cl.Session = cl
	cl.user.Store(acl.New(s.table, func() bool { return true }).Def)
	cl.takeDesk()
	return cl
}

// resume goes on with the stream where this server was.
func (l *link) resume(s follow.Sync) error {
	if l.fresh && l.srv.follow.resumable().id == "" { // a client's write that had passed the gate
		l.from = position{}
		return errors.New("a client has written since this server became a replica: a full copy is needed")
	}
	if s.ID != "" && s.ID != l.from.id {
		l.srv.log.Info().Str("master", l.address()).Str("id", s.ID).Msg("the master's history has another id now")
		l.from.before, l.from.beforeOffset = l.from.id, l.from.offset+1
		l.from.id = s.ID
	}
	at := l.from
	l.srv.follow.history.Store(&at)
	l.srv.follow.resume.Add(1)
	l.srv.log.Info().Str("master", l.address()).Int64("offset", l.from.offset).Msg("the stream goes on where it was")
	return nil
}

// A streaming applies a master's commands, in their order.
type streaming struct {
	l   *link
	s   *Server
	cl  *client
	h   hold
	at  position
	lsn uint64 // of the newest change

	multi   *transaction // since MULTI: what stands between it and EXEC is one change
	multiDB int
	ackNow  bool
}

// stream applies commands until the link ends.
func (l *link) stream(r *follow.Reader) error {
	cl := l.srv.newMasterClient()
	cl.DB = l.from.db
	a := &streaming{l: l, s: l.srv, cl: cl, h: hold{cl: cl}, at: l.from}
	defer func() {
		a.h.release()
		l.from = a.at
	}()
	r.SetOffset(a.at.offset)
	r.Wait = a.commit
	l.lastIO.Store(time.Now().UnixMilli())
	l.downSince.Store(0)
	id := a.at.id
	l.masterID.Store(&id)
	l.state.Store(linkUp)
	l.fresh = false
	if err := l.ack(); err != nil { // after a copy without a length the master waits for it
		return err
	}
	for {
		c, err := r.Command()
		if err == nil {
			err = a.take(c)
		}
		if err != nil {
			return err
		}
	}
}

// commit is called when all that has arrived is in the data: it waits until the journal has it, and tells the master
// if it has asked.
func (a *streaming) commit() error {
	a.h.release()
	for a.lsn > 0 {
		err := a.s.store.Wait(a.lsn)
		if err == nil {
			a.lsn = 0
			break
		}
		if a.l.wait(retryCommit); a.l.ctx.Err() != nil {
			return err
		}
	}
	a.l.committed.Store(a.at.offset)
	if a.ackNow {
		a.ackNow = false
		if err := a.l.ack(); err != nil {
			return err
		}
	}
	return a.l.await()
}

// retryCommit is how long a follower waits before it tries again what the disk has refused.
const retryCommit = 200 * time.Millisecond

// take applies a command of the stream.
func (a *streaming) take(c follow.Command) error {
	if len(c.Args) == 0 {
		a.passed(c)
		return nil
	}
	r := a.s.table.Lookup(c.Args[0])
	if r != nil && r.Subs != nil && len(c.Args) > 1 {
		r = r.Sub(c.Args[1])
	}
	switch {
	case r == nil:
		a.fails(c.Args, "unknown command")
	case !r.ArityOK(len(c.Args)):
		a.fails(c.Args, "wrong number of arguments")
	default:
		return a.run(c, r)
	}
	a.passed(c)
	return nil
}

func (a *streaming) run(c follow.Command, r *command.Row) error {
	switch r.Full {
	case "ping":
	case "select":
		if a.multi != nil {
			return a.queue(c, r)
		}
		if err := a.choose(c); err != nil {
			return err
		}
	case "replconf":
		if len(c.Args) > 1 && follow.Equal(c.Args[1], "getack") {
			a.ackNow = true
		}
	case "multi":
		a.multi, a.multiDB = &transaction{}, a.cl.DB
		return nil // the offset stands where it begins
	case "exec":
		if t := a.multi; t != nil {
			a.multi = nil
			return a.exec(c, t)
		}
		a.fails(c.Args, "EXEC without MULTI")
	default:
		switch {
		case r.Conn != nil && r.Name != "publish" && r.Name != "spublish":
			a.fails(c.Args, "it changes no data")
		case a.multi != nil:
			return a.queue(c, r)
		case r.Conn != nil:
			if err := a.lock(nil); err != nil {
				return err
			}
			a.publish(r, c.Args)
			a.s.endUnit(nil)
		default:
			return a.apply(c, r)
		}
	}
	a.passed(c)
	return nil
}

// choose is SELECT.
func (a *streaming) choose(c follow.Command) error {
	db, ok := numbers.ParseInt(c.Args[1])
	if !ok || db < 0 || db >= int64(a.s.cfg.Databases) {
		// What follows would go into another database: better nothing than that.
		return fmt.Errorf("the master writes into database %.20q, and there are %d here (databases)", c.Args[1], a.s.cfg.Databases)
	}
	a.cl.DB = int(db)
	return nil
}

// queue keeps a command for EXEC. Its arguments are nobody else's.
func (a *streaming) queue(c follow.Command, r *command.Row) error {
	t := a.multi
	t.queued = append(t.queued, queued{r, append([][]byte(nil), c.Args...)})
	for _, arg := range c.Args {
		t.bytes += len(arg) + wire.ArgCost
	}
	if int64(t.bytes) > a.l.limits().Command {
		return fmt.Errorf("%w: a transaction of %d bytes", follow.ErrTooLong, t.bytes)
	}
	return nil
}

// passed notes that the stream up to here is in the data. An open MULTI counts from its start.
func (a *streaming) passed(c follow.Command) {
	if a.multi != nil {
		return
	}
	a.at.offset, a.at.db = c.End, a.cl.DB
	a.l.applied.Store(c.End)
}

func (a *streaming) publish(r *command.Row, args [][]byte) {
	a.cl.call = command.Call{Caller: &a.cl.Caller, Row: r, Args: args, Now: time.Now().UnixMilli(), Locked: true}
	r.Conn(&a.cl.call)
	a.cl.Scratch.Reset()
}

// apply runs a command on keys. Its changes and the position behind it are one record.
func (a *streaming) apply(c follow.Command, r *command.Row) error {
	if err := a.lock(r); err != nil {
		return err
	}
	defer a.h.unpin()
	a.guarded(c, func() {
		tx, err := a.h.ready(r, c.Args, nil)
		if err != nil {
			a.fails(c.Args, command.Failure(err).S)
			tx = a.h.tx()
		} else {
			var reply command.Reply
			var seen uint64
			tx, reply, seen = a.h.call(tx, r, c.Args)
			a.lsn = max(a.lsn, seen)
			a.judge(r, c.Args, reply)
		}
		a.end(tx, c)
	})
	a.cl.Scratch.Reset()
	return nil
}

// end completes a record.
func (a *streaming) end(tx *store.Tx, c follow.Command) {
	a.passed(c)
	a.s.follow.keep(tx, a.at)
	a.lsn = max(a.lsn, tx.End())
	a.s.endUnit(nil)
	if len(a.s.blockers.ready) > 0 {
		a.s.serveBlocked(a.h.now)
	}
}

// exec runs what stands between MULTI and EXEC, as one record.
func (a *streaming) exec(c follow.Command, t *transaction) error {
	a.cl.DB = a.multiDB
	for _, q := range t.queued {
		if q.row.Flags&command.Write != 0 {
			if err := a.lock(q.row); err != nil {
				return err
			}
		}
	}
	if err := a.lock(nil); err != nil {
		return err
	}
	defer a.h.unpin()
	a.guarded(c, func() {
		tx := a.h.tx()
		for !a.cl.wantQueued(tx, t) {
			if err := a.h.load(tx); err != nil {
				a.fails(c.Args, command.Failure(err).S)
				tx = a.h.tx()
				break // a command whose key can not be read fails by itself
			}
			tx = a.h.tx()
		}
		for _, q := range t.queued {
			if q.row.Name == "select" {
				if err := a.choose(follow.Command{Args: q.args}); err != nil {
					a.fails(q.args, err.Error())
				}
				continue
			}
			tx.Select(a.cl.DB)
			a.cl.call = command.Call{Caller: &a.cl.Caller, Row: q.row, Args: q.args, Now: a.h.now, Locked: true}
			a.judge(q.row, q.args, a.cl.callQueued(tx, q))
			a.cl.Scratch.Reset()
		}
		a.end(tx, c)
	})
	return nil
}

// lock takes the keyspace lock for a command, once the disk takes what that writes.
func (a *streaming) lock(r *command.Row) error {
	for told := false; ; told = true {
		err := a.s.store.WriteError()
		if err == nil || r != nil && r.Flags&command.Denyoom == 0 && a.s.store.DiskFull() {
			break
		}
		a.h.release()
		if !told {
			a.s.log.Error().Err(err).Msg("the master's stream waits until the disk takes writes again")
		}
		if a.l.wait(retryCommit); a.l.ctx.Err() != nil {
			return context.Cause(a.l.ctx)
		}
	}
	if r == nil {
		r = a.s.table.Lookup([]byte("exec"))
	}
	if a.h.take(r) {
		a.h.takeBack() // a script that runs for long: there is no hurry that could be answered with an error
	}
	return nil
}

// guarded keeps a defect in a command's function to that command.
func (a *streaming) guarded(c follow.Command, fn func()) {
	defer func() {
		if p := recover(); p != nil {
			reply := a.s.panicked(name(c.Args[0]), p)
			if a.h.held {
				a.lsn = max(a.lsn, a.s.store.Abort())
			} else {
				a.h.takeBack()
			}
			a.fails(c.Args, reply.S)
			a.passed(c)
		}
	}()
	fn()
}

// judge looks at the reply of a command that the master has run with success.
func (a *streaming) judge(r *command.Row, args [][]byte, reply command.Reply) {
	switch {
	case reply.Kind == command.KindBlock:
		a.fails(args, "it waits for something")
	case reply.Kind == command.KindError && !strings.HasPrefix(r.Name, "eval") && r.Name != "fcall":
		// Scripts are excepted: they may write, and then fail.
		a.fails(args, reply.S)
	}
}

// fails tells that a command of the master's could not be run here.
func (a *streaming) fails(args [][]byte, why string) {
	a.s.follow.failed.Add(1)
	e := a.s.log.Error().Str("command", name(args[0])).Int("arguments", len(args)-1).Int64("offset", a.at.offset).Str("error", why)
	if len(args) > 1 {
		e = e.Str("first_argument", name(args[1]))
	}
	e.Msg("a command that the master has run can not be run here: the data differs from the master's from now on")
}

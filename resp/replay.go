package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/store"
)

// A Replay runs the commands of an append only file, one after the other, on a store that nobody else has yet. They
// go the way of a client's commands, from the table on, and have no replies.
//
// While it runs nothing expires, as in Redis: what expired when the file was written is deleted by commands in it,
// and a command in between was for the key as it was then. A deadline that has passed is set all the same. So to keys
// it is the year 1970; what else a command takes from the clock, such as when a consumer was last seen, is of now.
type Replay struct {
	s  *Server
	cl *client
	h  hold

	lsn  uint64 // the newest change
	late int    // commands since the journal was last waited for
}

// replayBatch is how many commands share a write of the journal.
const replayBatch = 256

// Replay begins a replay into a store.
func (s *Server) Replay(st *store.Store) *Replay {
	r := newServer(s.cfg, s.log)
	r.store, r.host.Store, r.watchers.store = st, st, st
	r.libraries.restore()
	cl := &client{srv: r, Caller: command.Caller{Host: &r.host, Replaying: true}, authed: true, replies: repliesOff, since: time.Now().UnixMilli()}
	cl.Session = cl
	cl.user.Store(r.acl.Def)
	cl.takeDesk()
	return &Replay{s: r, cl: cl, h: hold{cl: cl}}
}

// ErrReplay says that a command of a file can not be run. The error's text tells what was found.
var ErrReplay = errors.New("the command can not be run")

// sharedBytes is the length from which the store may keep an argument instead of copying it.
const sharedBytes = 64 << 10

// Run runs a command, whose arguments are the caller's again then. MULTI and EXEC are passed over: what stands
// between them is whole.
func (p *Replay) Run(args [][]byte) (err error) {
	for i, arg := range args {
		if len(arg) >= sharedBytes {
			args[i] = bytes.Clone(arg)
		}
	}
	r := p.s.called.Lookup(args[0]) // Redis writes what the client has called it
	if r == nil {
		r = p.s.table.Lookup(args[0])
	}
	switch {
	case r == nil:
		return fmt.Errorf("%w: %s is unknown", ErrReplay, name(args[0]))
	case r.Subs != nil && len(args) > 1:
		sub := r.Sub(args[1])
		if sub == nil {
			return fmt.Errorf("%w: %s %s is unknown", ErrReplay, r.Name, name(args[1]))
		}
		r = sub
	}
	switch {
	case !r.ArityOK(len(args)):
		return fmt.Errorf("%w: %s with %d arguments", ErrReplay, r.Full, len(args)-1)
	case r.Name == "multi" || r.Name == "exec":
		return nil
	case r.Conn != nil && r.Name != "select":
		return fmt.Errorf("%w: %s changes no data, and no server writes it there", ErrReplay, r.Full)
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			reply := p.s.panicked(r.Full, panicked)
			if p.h.held {
				p.s.store.Abort()
			}
			err = fmt.Errorf("%w: %s: %s", ErrReplay, r.Full, reply.S)
		}
	}()
	reply, err := p.run(r, args)
	switch {
	case err != nil:
		return err
	case reply.Kind == command.KindBlock:
		return fmt.Errorf("%w: %s waits for something", ErrReplay, r.Full)
	case reply.Kind == command.KindError && !strings.HasPrefix(r.Name, "eval") && r.Name != "fcall":
		// Scripts are excepted: they may write, and then fail.
		return fmt.Errorf("%w: %s answered %q", ErrReplay, r.Full, reply.S)
	}
	return p.commit()
}

func (p *Replay) run(r *command.Row, args [][]byte) (command.Reply, error) {
	h, cl := &p.h, p.cl
	defer cl.Scratch.Reset()
	if r.Conn != nil {
		h.release()
		cl.call = command.Call{Caller: &cl.Caller, Row: r, Args: args, Now: time.Now().UnixMilli()}
		return r.Conn(&cl.call), nil
	}
	h.take(r)
	defer h.unpin()
	if err := p.s.store.WriteError(); err != nil {
		return command.ReplyNone, err
	}
	tx, err := h.ready(r, args, nil)
	if err != nil {
		return command.ReplyNone, err
	}
	tx, reply, seen := h.call(tx, r, args)
	p.lsn = max(p.lsn, seen, tx.End())
	return reply, nil
}

// commit waits now and then for the journal, which otherwise gathers what nobody waits for.
func (p *Replay) commit() error {
	if p.late++; p.late < replayBatch {
		return nil
	}
	p.late = 0
	p.h.release()
	return p.s.store.Wait(p.lsn)
}

// Close ends the replay. The store is the caller's to close.
func (p *Replay) Close() { p.h.release() }

// name is what a file has for the name of a command, as far as it can be shown.
func name(word []byte) string { return fmt.Sprintf("%.40q", word) }

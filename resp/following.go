package resp

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/follow"
	"diskette/resp/repl"
	"diskette/store"
)

// following is whom this server follows, and how far its data is on the way of that master's.
type following struct {
	srv    *Server
	of     atomic.Pointer[link] // nil = nobody: this server is a master
	change sync.Mutex           // held by who changes that; before the keyspace lock

	at      position                 // under the keyspace lock
	history atomic.Pointer[position] // at, as it was when a history began: for INFO
	failed  atomic.Int64
	full    atomic.Int64 // copies that were completed
	resume  atomic.Int64 // times that the stream went on without one
}

// A position says what of a master's history the data is. It is stored in the record of each command that the master
// sent, so that it is exact after a crash, too; a full copy brings its own.
type position struct {
	id     string // of the history; "" = of none: the data is this server's own
	offset int64  // bytes of its stream
	db     int    // that the stream has selected
	lsn    uint64 // of the record that stored it: if the store has newer ones, something else has changed the data

	// The history that this one began as, up to an offset: that of the master which this server followed before it
	// became one.
	before       string
	beforeOffset int64
}

// positionKey is a string in the server's own database.
const positionKey = "replication"

// noID stands for no history, as in Redis.
var noID = strings.Repeat("0", follow.IDBytes)

func (p *position) encode(b []byte) []byte {
	before := p.before
	if before == "" {
		before = noID
	}
	return fmt.Appendf(b, "%s %d %d %d %s %d", p.id, p.offset, p.db, p.lsn, before, p.beforeOffset)
}

func parsePosition(text string) (p position, ok bool) {
	n, err := fmt.Sscanf(text, "%s %d %d %d %s %d", &p.id, &p.offset, &p.db, &p.lsn, &p.before, &p.beforeOffset)
	if err != nil || n != 6 || len(p.id) != follow.IDBytes || p.offset < 0 || p.db < 0 {
		return position{}, false
	}
	if p.before == noID {
		p.before = ""
	}
	return p, true
}

// keep stores the position as part of what tx does.
func (f *following) keep(tx *store.Tx, p position) {
	p.lsn = tx.LSN()
	inOwnDB(tx, func() { tx.SetString([]byte(positionKey), p.encode(nil), 0) })
	f.at = p
}

// restore reads the position at the start.
func (f *following) restore() {
	st := f.srv.store
	st.Lock()
	defer st.Unlock()
	tx := st.Begin(st.OwnDB(), time.Now().UnixMilli())
	text, err := tx.View.String([]byte(positionKey))
	if p, ok := parsePosition(string(text)); err == nil && ok {
		f.at = p
		f.history.Store(&p)
	}
	tx.Uncount() // no client's hit or miss
	tx.End()
}

// resumable is the position from which the stream may go on. Once anything but the stream has changed the data there
// is none.
func (f *following) resumable() position {
	st := f.srv.store
	st.Lock()
	defer st.Unlock()
	if p := f.at; p.id != "" && p.lsn == st.LastLocked() {
		return p
	}
	return position{}
}

// begin follows a master, or another one.
func (f *following) begin(host string, port int) {
	f.change.Lock()
	defer f.change.Unlock()
	old := f.of.Load()
	if old != nil {
		old.end()
	}
	l := newLink(f.srv, host, port)
	l.from = f.resumable()
	f.of.Store(l)
	f.srv.applyBounds()
	if old == nil {
		f.srv.refuseBlocked()
	}
	f.srv.cfg.Note("replicaof", host+" "+strconv.Itoa(port))
	f.srv.log.Info().Str("master", l.address()).Bool("resumes", l.from.id != "").Msg("following a master")
	go l.run()
}

// end makes this server a master. All that has arrived of the old one is in the data, and its history is remembered.
func (f *following) end() error {
	f.change.Lock()
	defer f.change.Unlock()
	l := f.of.Load()
	if l == nil {
		return nil
	}
	l.end()
	st := f.srv.store
	st.Lock()
	tx := st.Begin(0, time.Now().UnixMilli())
	p := position{id: repl.NewID(), offset: l.applied.Load(), before: cmp.Or(f.at.id, noID), beforeOffset: l.applied.Load() + 1}
	f.keep(tx, p)
	f.history.Store(&p)
	// Who followed the same master goes on here; our own replicas, whose stream had another history, copy all.
	f.srv.replicas.stream.Adopt(repl.State{ID: p.id, Offset: p.offset, ID2: p.before, Second: p.beforeOffset})
	f.srv.replicas.effects.Unit.SelectAgain() // the stream of the old master may have selected another database
	lsn := tx.End()
	st.Unlock()
	f.srv.cfg.Note("replicaof", "")
	f.of.Store(nil) // from here on clients may write
	f.srv.applyBounds()
	f.srv.log.Info().Str("master", l.address()).Int64("offset", p.offset).Str("id", p.id).Msg("no longer following: this is a master")
	return st.Wait(lsn)
}

// stop ends the link without a change of role.
func (f *following) stop() {
	f.change.Lock()
	defer f.change.Unlock()
	if l := f.of.Load(); l != nil {
		l.end()
	}
}

// beginFollowing follows the master of the configuration, if there is one.
func (s *Server) beginFollowing() {
	if words := s.cfg.Words("replicaof"); len(words) == 2 {
		port, _ := strconv.Atoi(words[1])
		s.follow.begin(words[0], port)
	}
}

// refuseBlocked ends the waits of those who wait for keys: this server is a replica now.
func (s *Server) refuseBlocked() {
	s.store.Lock()
	defer s.store.Unlock()
	s.clients.each(func(cl *client) {
		if b := cl.blockedOn; b != nil {
			s.answer(b, errRoleChanged)
		}
	})
}

var (
	errRoleChanged = command.ErrorReply("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")
	errReadOnly    = command.ErrorReply("READONLY You can't write against a read only replica.")
	errMasterDown  = command.ErrorReply("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
)

// refusesWrites reports whether clients' writes are refused because this server follows another.
func (s *Server) refusesWrites(cl *client) bool {
	return s.follow.of.Load() != nil && !cl.master && s.cfg.Bool("replica-read-only")
}

// gate refuses what a replica does not do for its clients; KindNone = it does.
func (l *link) gate(cl *client, r *command.Row) command.Reply {
	if l.srv.refusesWrites(cl) && (r.Flags&command.Write != 0 || r.Name == "exec" && cl.multi != nil && cl.multi.writes()) {
		return errReadOnly
	}
	if r.Flags&command.Stale == 0 && l.stale() {
		return errMasterDown
	}
	return command.ReplyNone
}

// stale reports whether what is here may be old, and is not to be served then.
func (l *link) stale() bool {
	return l.state.Load() != linkUp && !l.srv.cfg.Bool("replica-serve-stale-data")
}

// writes reports whether a queued command writes.
func (t *transaction) writes() bool {
	for _, q := range t.queued {
		if q.row.Flags&command.Write != 0 {
			return true
		}
	}
	return false
}

// wait waits for so long, or until the link is to end.
func (l *link) wait(d time.Duration) {
	select {
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

var errLinkEnds = fmt.Errorf("the link ends: %w", context.Canceled)

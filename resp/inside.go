package resp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"diskette/resp/acl"
	"diskette/store"
)

// Parts of this process may be clients, too, as the admin page is: what they ask goes the way of every command, past
// the same gates and with the same permissions, and they stand in CLIENT LIST. What the server asks itself does not.
//
// Their connections are pairs of sockets without an address. Such a connection has that of whoever the part acts for,
// so that protected mode, the delay of wrong passwords and ACL LOG judge him.
type inside struct {
	once  sync.Once
	conns chan net.Conn
	ended chan struct{}
	close sync.Once
}

// ErrNoUser says that there is no such user, or none that may connect.
var ErrNoUser = errors.New("no such user, or it is switched off")

var errNoData = errors.New("the data is not open yet")

// hasData returns errNoData until Start has done its work.
func (s *Server) hasData() error {
	if s.loading.Load() != nil || s.store == nil {
		return errNoData
	}
	return nil
}

// insideConn is the server's end.
type insideConn struct {
	socketEnd
	from, to net.Addr
	user     *acl.User // nil = it has to say who it is, as any client
	own      bool      // ConnectOwn's
}

func (c insideConn) RemoteAddr() net.Addr { return c.from }
func (c insideConn) LocalAddr() net.Addr  { return c.to }

// Connect returns a new connection to the server, of somebody who has come from one address to another and has yet to
// say who he is. There must be a store, or a Loading.
func (s *Server) Connect(from, to net.Addr) (net.Conn, error) { return s.connect(from, to, nil, false) }

// ConnectAs is Connect for somebody who has proved who he is before.
func (s *Server) ConnectAs(user string, from, to net.Addr) (net.Conn, error) {
	u := s.acl.Find(user)
	if u == nil || !u.Permissions.Load().On() {
		return nil, ErrNoUser
	}
	return s.connect(from, to, u, false)
}

// ConnectOwn is Connect for what the server itself wants to know. It may do everything, whatever the users' rules are,
// and is nobody's use of the server: INFO's counts of commands, errors, hits and misses, of clients, connections and
// their bytes, the times of commands, SLOWLOG, MONITOR and CLIENT LIST know nothing of it, nor does maxclients.
func (s *Server) ConnectOwn(from, to net.Addr) (net.Conn, error) {
	own := acl.New(s.table, func() bool { return true }).Def
	return s.connect(from, to, own, true)
}

func (s *Server) connect(from, to net.Addr, user *acl.User, own bool) (net.Conn, error) {
	in := &s.inside
	in.once.Do(func() {
		in.conns, in.ended = make(chan net.Conn), make(chan struct{})
		go func() {
			// It ends when the server does: see Close.
			_ = s.Serve(in)
		}()
	})
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	select {
	case in.conns <- insideConn{theirs, from, to, user, own}:
		return ours, nil
	case <-in.ended:
		ours.Close()
		theirs.Close()
		return nil, net.ErrClosed
	}
}

// Accept is redcon's.
func (in *inside) Accept() (net.Conn, error) {
	select {
	case c := <-in.conns:
		return c, nil
	case <-in.ended:
		return nil, net.ErrClosed
	}
}

// Close lets nobody in any more.
func (in *inside) Close() error {
	in.close.Do(func() { close(in.ended) })
	return nil
}

// Addr is nobody's.
func (in *inside) Addr() net.Addr { return &net.UnixAddr{Name: "inside", Net: "unix"} }

// letIn makes a client of this process's the user that it is. It is not idle while nobody asks it for anything, and
// what it looks up is no hit, no miss and no use of a key, whatever the user may say: people look at what they have.
func (cl *client) letIn(c insideConn) {
	cl.guard.AllowSilence(true)
	cl.own, cl.inside = c.own, true
	cl.setNoTouch(true)
	if c.user != nil {
		cl.user.Store(c.user)
		cl.setAuthed(true)
	}
}

// NeedsPassword says that nobody may do anything before he has said who he is.
func (s *Server) NeedsPassword() bool { return !s.acl.Open() }

// Ready is nil if clients are served, or says why they are not.
func (s *Server) Ready() error {
	switch {
	case s.stopping.Load():
		return errors.New("the server is shutting down")
	case s.loading.Load() != nil:
		return errors.New("data is moving in")
	case s.store == nil:
		return errors.New("the data is being opened")
	case s.store.Damaged():
		return errors.New("a part of the data can not be read: " + s.store.Damage().What)
	}
	return s.store.WriteError()
}

// What a part of the process wants to find again after a restart is in the server's own database, a hash a part.

// Keep stores values by name; a part's names are to be few. It returns when a kill does not lose them any more. While
// nothing can be written it fails. It waits for a long script until the context is done.
func (s *Server) Keep(ctx context.Context, part string, values map[string][]byte) error {
	if err := s.hasData(); err != nil {
		return err
	}
	if err := s.store.WriteError(); err != nil {
		return err
	}
	lsn, err := s.keep(ctx, part, func(uint64) map[string][]byte { return values })
	if err != nil {
		return err
	}
	return s.store.Wait(lsn)
}

// keep is Keep up to the change. lsn is the change's. values is called under the keyspace lock with the LSN that the
// change will have; if there are none, nothing is changed.
func (s *Server) keep(ctx context.Context, part string, values func(lsn uint64) map[string][]byte) (lsn uint64, err error) {
	return s.onKept(ctx, part, func(tx *store.Tx, key []byte) error {
		last := s.store.LastLocked()
		h, err := tx.EditHash(key)
		if err != nil {
			return err
		}
		all := values(tx.LSN())
		for name, value := range all {
			h.Set([]byte(name), value)
		}
		if len(all) == 0 {
			return nil
		}
		if p := s.follow.at; p.id != "" && p.lsn == last { // the master's stream may still go on from there
			s.follow.keep(tx, p)
		}
		return nil
	})
}

// Kept returns what Keep has stored, and waits as it does.
func (s *Server) Kept(ctx context.Context, part string) (map[string]string, error) {
	if err := s.hasData(); err != nil {
		return nil, err
	}
	return s.kept(ctx, part)
}

// kept is Kept for Start, too.
func (s *Server) kept(ctx context.Context, part string) (map[string]string, error) {
	values := map[string]string{}
	_, err := s.onKept(ctx, part, func(tx *store.Tx, key []byte) error {
		defer tx.Uncount() // no client's hit or miss
		h, err := tx.View.Hash(key)
		if err == nil && h != nil {
			h.Each(func(name, value string) bool {
				values[strings.Clone(name)] = strings.Clone(value)
				return true
			})
		}
		return err
	})
	return values, err
}

// onKept calls what with the key of a part's hash, which is in memory then. lsn is that of what it has changed.
func (s *Server) onKept(
	ctx context.Context, part string, what func(tx *store.Tx, key []byte) error,
) (lsn uint64, err error) {
	st, key := s.store, []byte(keptPrefix+part)
	var loaded []*store.Fetch
	release := func() {
		for _, f := range loaded {
			f.Release()
		}
		st.Unlock()
	}
	for {
		if err := s.lockWithin(ctx); err != nil {
			if len(loaded) > 0 {
				go func() { // they stay pinned until the script is over
					st.Lock()
					release()
				}()
			}
			return 0, err
		}
		tx := st.Begin(st.OwnDB(), time.Now().UnixMilli())
		if tx.Want(key, store.NeedValue) {
			defer release()
			err = what(tx, key)
			return tx.End(), err
		}
		f := tx.TakeFetch()
		loaded = append(loaded, f)
		st.Unlock() // I9
		if err := f.Load(); err != nil {
			st.Lock()
			release()
			return 0, err
		}
	}
}

// lockWithin takes the keyspace lock, if no long script keeps it until the context is done.
func (s *Server) lockWithin(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	for !s.store.LockUnlessBusy() {
		select {
		case <-ctx.Done():
			return store.ErrBusy
		case <-time.After(pause):
		}
	}
	return nil
}

// ExpiringNext lists at most so many keys of a database that expire behind a place, in that order, and where to go on:
// 0, 0 = that was all.
func (s *Server) ExpiringNext(db int, millis, id int64, most int) (keys []string, nextMillis, nextID int64, err error) {
	if err := s.hasData(); err != nil {
		return nil, 0, 0, err
	}
	if db < 0 || db >= s.cfg.Databases {
		return nil, 0, 0, errors.New("there is no such database")
	}
	keys, next, err := s.store.ExpiringNext(db, store.DeadlinePlace{Millis: millis, ID: id}, most)
	return keys, next.Millis, next.ID, err
}

// Elements lists at most so many elements of a large hash, set or sorted set behind a place, in order of birth, as the
// tables have them, and where to go on; the zero place = that was all. there = the tables have the collection, and it
// is the one of the place.
func (s *Server) Elements(
	db int, key string, behind store.LeafPlace, most int,
) (elements []store.Element, next store.LeafPlace, there bool, err error) {
	if err := s.hasData(); err != nil {
		return nil, next, false, err
	}
	if db < 0 || db >= s.cfg.Databases {
		return nil, next, false, errors.New("there is no such database")
	}
	elements, next, err = s.store.Leaf(db, key, behind, most, time.Now().UnixMilli())
	if err == store.ErrNotThere {
		return nil, next, false, nil
	}
	return elements, next, err == nil, err
}

// WatchHolds watches the holds of the keyspace lock until the context is done.
func (s *Server) WatchHolds(ctx context.Context) ([]store.Holds, error) {
	if err := s.hasData(); err != nil {
		return nil, err
	}
	return s.store.WatchHolds(ctx)
}

// keptPrefix comes before a part's name in the server's own database.
const keptPrefix = "kept:"

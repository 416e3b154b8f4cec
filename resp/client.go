package resp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"diskette/expire"
	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/wire"
)

// A client is one connection. The goroutine that serves it, its own or an event loop's, runs its commands; others see
// it through CLIENT LIST and KILL, so what they read is atomic or under mu.
//
// Most connections rest most of the time, and one that rests in a loop takes some 850 bytes, together with its
// wire.Guard and wire.PolledConn, none of which is a buffer. So what is needed only while it is served is at its desk
// (desk.go) or in the guard's workspace, and what few clients ever use behind a pointer.
type client struct {
	srv   *Server
	guard *wire.Guard
	id    int64
	since int64 // unix ms

	// The goroutine's own.
	command.Caller
	*desk         // nil while the client rests
	baton   baton // the role that its goroutine has besides, nil = none: see leaveLoop
	master  bool  // it is none: it runs what a master sends
	authed  bool  // the client gave a password, or needed none when it came
	closing bool  // after the replies so far
	noTouch bool
	own     bool // the server's own: its commands are not counted (ConnectOwn)
	inside  bool // of this process: what it looks up is no use of the cache
	caching bool // CLIENT CACHING has been called, for the command or transaction that follows
	inBatch bool // the client's goroutine holds sending
	replies replyMode
	multi   *transaction // between MULTI and EXEC
	watched map[watchName]*watchedKey
	wroteTo int64   // the stream's offset behind the client's last change: what WAIT waits for; under the keyspace lock
	pushes  *pushes // nil until it is pushed to for the first time

	sending     sync.Mutex  // held while replies or pushes go out: see push.go
	pushing     atomic.Bool // pushes is set
	pushesRESP3 atomic.Bool // resp3, for those who push

	subscriptions subscriptions
	monitoring    atomic.Bool              // MONITOR
	tracking      atomic.Pointer[tracking] // nil = it does not

	replica    atomic.Pointer[replica] // nil = it has never said that it is one
	user       atomic.Pointer[acl.User]
	dirty      atomic.Bool  // a watched key was touched: EXEC answers null
	lastActive atomic.Int64 // unix ms of the last batch
	last       atomic.Pointer[command.Row]
	dbSeen     atomic.Int32 // db, for CLIENT LIST
	commands   atomic.Int64
	ran        atomic.Int64 // of the bytes received, how many there were when the last batch had run
	arrival    arrival
	blocked    atomic.Bool  // in await, or in the queue of a key
	blockedOn  *blocked     // while it is in the queue of a key; under the keyspace lock
	gathered   atomic.Int64 // bytes of replies that are being made, if they are many
	counted    atomic.Int64 // what Server.held has of the client

	mu struct {
		sync.Mutex
		noEvict, noTouch, killed, resp3 bool

		names *clientNames // nil = it has none
		multi *multiNotes  // nil = it has used neither MULTI nor WATCH
	}
}

// clientNames is what a client calls itself.
type clientNames struct{ name, libName, libVer string }

// multiNotes is what others may know of a client's transaction.
type multiNotes struct {
	queued       int // commands in an open MULTI, -1 = none
	queuedBytes  int
	watching     int
	watchedBytes int64
}

// namesLocked is what the client calls itself. The caller holds cl.mu.
func (cl *client) namesLocked() clientNames {
	if cl.mu.names == nil {
		return clientNames{}
	}
	return *cl.mu.names
}

// changeNamesLocked is namesLocked for whoever changes them.
func (cl *client) changeNamesLocked() *clientNames {
	if cl.mu.names == nil {
		cl.mu.names = &clientNames{}
	}
	return cl.mu.names
}

// multiLocked is what others may know of the client's transaction. The caller holds cl.mu.
func (cl *client) multiLocked() multiNotes {
	if cl.mu.multi == nil {
		return multiNotes{queued: -1}
	}
	return *cl.mu.multi
}

type replyMode byte

const (
	repliesOn replyMode = iota
	repliesOff
	repliesSkipNext // CLIENT REPLY SKIP itself
	repliesSkip     // the command after it
)

// maxBatch is how many commands of a pipeline are parsed and run before their replies leave.
const maxBatch = 256

// serveConn is redcon's handler: it is called once, by the guard's tick, and serves the
// connection to its end, or gives it to an event loop.
func (s *Server) serveConn(conn redcon.Conn, _ redcon.Command) {
	cl, ok := conn.Context().(*client)
	if !ok {
		conn.Close()
		return
	}
	if cl.guard.Polled() != nil {
		conn.SetContext(nil) // or redcon would tell closed
		conn.Detach()
		cl.enterLoop()
		return
	}
	defer conn.Close()
	defer cl.finish()
	defer cl.endBatch()
	if cl.shakeHands() != batchAnswered {
		return
	}
	for cl.runBatch() == batchRan && cl.answer() == batchAnswered {
	}
}

// batchState is what has come of a batch.
type batchState byte

const (
	batchNotYet   batchState = iota // there is none yet, and ReadBatch does not wait for it: wire.ErrNotYet
	batchRan                        // its replies have gathered
	batchAnswered                   // they are sent
	batchEnds                       // the connection is to end
)

// shakeHands comes before the first batch.
func (cl *client) shakeHands() (how batchState) {
	defer cl.recoverTo(&how)
	if err := cl.guard.Handshake(); err != nil {
		cl.srv.log.Debug().Err(err).Str("client", cl.addr()).Msg("no TLS connection came about")
		return batchEnds
	}
	return batchAnswered
}

// runBatch reads the next batch and runs it.
func (cl *client) runBatch() (how batchState) {
	defer cl.recoverTo(&how)
	cmds, err := cl.nextBatch()
	cl.takeDesk()
	if err != nil {
		return cl.readFailed(err)
	}
	if cl.srv.cfg.CountsClients.Load() && cl.isKilled() {
		return batchEnds // for what it has sent
	}
	cl.beginBatch()
	cl.pushFirst()
	cl.run(cmds)
	cl.noteRun()
	if cl.owed > 0 && !cl.waitOwed() {
		return batchEnds
	}
	return batchRan
}

// readBatch reads the batch that the next runBatch runs.
func (cl *client) readBatch() {
	how := batchNotYet
	cl.takeDesk()
	defer func() {
		if cl.read.done = true; how == batchEnds {
			cl.read.err = errClosed
		}
	}()
	defer cl.recoverTo(&how)
	cl.read.commands, cl.read.err = cl.guard.ReadBatch(maxBatch)
}

// nextBatch is the batch that was read, or reads one. What has ended meanwhile runs nothing any more.
func (cl *client) nextBatch() ([]wire.Command, error) {
	if cl.desk == nil || !cl.read.done {
		return cl.guard.ReadBatch(maxBatch)
	}
	r := cl.read
	cl.read = batchRead{}
	if r.err == nil && cl.guard.Polled().IsClosed() {
		return nil, errClosed
	}
	return r.commands, r.err
}

// readFailed is runBatch without a batch.
func (cl *client) readFailed(err error) batchState {
	var broken *wire.ProtocolError
	switch {
	case err == wire.ErrNotYet:
		cl.leaveDesk()
		return batchNotYet
	case errors.As(err, &broken):
		reply := command.ErrorReply("ERR " + broken.Error())
		cl.srv.stats.errors.count(reply.S)
		reply.Encode(&cl.out, false)
		cl.beginBatch()
		_ = cl.flush() // it ends in any case
	case errors.Is(err, wire.ErrQueryBuffer):
		cl.overQuery()
	case errors.Is(err, os.ErrDeadlineExceeded):
		cl.endIdle()
	}
	return batchEnds
}

// answer sends the replies of a batch that has run.
func (cl *client) answer() (how batchState) {
	defer cl.recoverTo(&how)
	if cl.send() != nil {
		return batchEnds
	}
	cl.endBatch()
	cl.NoteHeld()
	cl.leaveDesk()
	if cl.closing {
		return batchEnds
	}
	return batchAnswered
}

// end ends the connection of a client that redcon does not know any more.
func (cl *client) end() {
	cl.endBatch()
	cl.finish()
	cl.guard.Polled().Retire()
	_ = cl.guard.Close() // it may be closed
	cl.srv.forget(cl)
}

// send waits until what the replies saw is committed (I2), then lets them go.
func (cl *client) send() error {
	var start time.Time
	if cl.seen > 0 && cl.srv.watchesLatency() {
		start = time.Now()
	}
	var err error
	if cl.seen > 0 {
		err = cl.srv.store.Wait(cl.seen)
	}
	if !start.IsZero() {
		cl.noteCommit(start)
	}
	if err != nil { // I8
		refusal := command.ErrNotStored(err)
		cl.out.Refuse(cl.srv.store.Committed(), func(o *wire.Output) { refusal.Encode(o, false) })
		cl.srv.stats.errors.count(refusal.S)
	}
	cl.seen = 0
	if cl.out.Bytes() == 0 && !cl.out.Dropped {
		cl.out.Reset()
		return nil
	}
	return cl.flush()
}

// kill ends the connection, from any goroutine; first = nobody else has.
func (cl *client) kill() (first bool) { return cl.killCounted(new(atomic.Int64)) }

// killCounted is kill. ends is one more before the client can see that it is closed, if nobody else has done it.
func (cl *client) killCounted(ends *atomic.Int64) (first bool) {
	cl.mu.Lock()
	first = !cl.mu.killed
	cl.mu.killed = true
	cl.mu.Unlock()
	if first {
		ends.Add(1)
	}
	_ = cl.guard.Abort() // it may be closed
	return first
}

// killAtOnce is kill for a command: the commands that come after it, of whomever, see nothing of the client any
// more, as in Redis. The caller holds none of the lists' locks.
func (cl *client) killAtOnce() {
	cl.kill()
	cl.leaveLists()
}

// leaveLists takes the client out of what others ask and are told by; where it waits for a key it is passed over
// (block.go). A client that was killed does not come into a list again: each looks, under its lock.
func (cl *client) leaveLists() {
	cl.srv.pubsub.leave(cl)
	cl.srv.monitors.leave(cl)
	cl.srv.tracking.turnOff(cl)
}

// accept admits a connection or turns it away.
func (s *Server) accept(conn redcon.Conn) bool {
	defer s.arrivals.noteAccepted()
	g, ok := conn.NetConn().(*wire.Guard)
	if !ok {
		return false
	}
	turnAway := func(text string) bool {
		s.stats.rejected.Add(1)
		if g.TLS == nil { // the handshake would have to come first
			io.WriteString(g.Plain(), "-"+text+"\r\n")
		}
		return false
	}
	if s.protects(g.RemoteAddr()) {
		return turnAway(protectedText)
	}
	cl := &client{srv: s, guard: g, Caller: command.Caller{Host: &s.host}}
	cl.Session = cl
	cl.since = expire.NowMillis()
	cl.lastActive.Store(cl.since)
	cl.user.Store(s.acl.Def)
	cl.authed = s.acl.Open()
	g.Authed.Store(cl.authed)
	g.Owner = cl
	if c, ok := g.Plain().(insideConn); ok {
		cl.letIn(c)
	}
	if !s.clients.add(cl, int(s.cfg.MaxClients.Load())) {
		return turnAway("ERR max number of clients reached")
	}
	if !cl.own {
		s.stats.connections.Add(1)
		s.arrivals.note(cl)
	}
	conn.SetContext(cl)
	return true
}

func (s *Server) closed(conn redcon.Conn, _ error) {
	if cl, ok := conn.Context().(*client); ok {
		s.forget(cl)
	}
}

// forget is the last that the server knows of a client.
func (s *Server) forget(cl *client) {
	cl.unwatch()
	s.limits.Strangers.Forget(cl.guard)
	s.arrivals.leave(cl)
	cl.leaveLists()
	s.replicas.leave(cl)
	cl.endPushes()
	cl.leaveDesk()
	s.clients.remove(cl)
	s.held.Add(-cl.counted.Swap(0))
}

// addr is where the client has come from, "127.0.0.1:50000" or "/path:0"; "" = it is not connected.
func (cl *client) addr() string {
	if cl.guard == nil {
		return ""
	}
	return addrText(cl.guard.RemoteAddr(), cl.guard)
}

// laddr is where it has come to.
func (cl *client) laddr() string { return addrText(cl.guard.LocalAddr(), cl.guard) }

// addrText is an address as CLIENT LIST shows it; a unix socket's is its path and port 0.
func addrText(a net.Addr, g *wire.Guard) string {
	if a == nil {
		return ""
	}
	if a.Network() == "unix" {
		return g.LocalAddr().String() + ":0"
	}
	return a.String()
}

const protectedText = "DENIED Diskette is running in protected mode because no password is set for the default user. In this mode connections are only accepted from the loopback interface. To connect from elsewhere either set a password with requirepass, or bind to loopback and tunnel, or turn the protection off with 'CONFIG SET protected-mode no' from a local client or the option --protected-mode no."

// protects reports whether protected mode forbids a peer: no password is set and it is not local.
func (s *Server) protects(peer net.Addr) bool {
	if !s.cfg.ProtectedMode.Load() || !s.acl.Def.Permissions.Load().Nopass {
		return false
	}
	tcp, ok := peer.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// registry is the connected clients.
type registry struct {
	sync.Mutex
	byID   map[int64]*client
	own    map[*client]struct{} // the server's own connections, which are no clients
	lastID int64

	ended  traffic                        // of connections that ended, less what CONFIG RESETSTAT has zeroed
	master struct{ in, out atomic.Int64 } // bytes that links to a master have carried
}

// add gives a client its id. The server's own connections get none: nobody lists, counts, closes or bounds them.
func (r *registry) add(cl *client, limit int) bool {
	r.Lock()
	defer r.Unlock()
	if cl.own {
		r.own[cl] = struct{}{}
		return true
	}
	if len(r.byID) >= limit {
		return false
	}
	r.lastID++
	cl.id = r.lastID
	r.byID[cl.id] = cl
	return true
}

// each calls fn for every client, under the lock.
func (r *registry) each(fn func(*client)) {
	r.Lock()
	defer r.Unlock()
	for _, cl := range r.byID {
		fn(cl)
	}
}

func (r *registry) remove(cl *client) {
	r.Lock()
	defer r.Unlock()
	if cl.own {
		delete(r.own, cl)
		return
	}
	delete(r.byID, cl.id)
	r.ended = r.ended.plus(cl)
}

// close calls end for every connection, the server's own too, and returns how many there are.
func (r *registry) close(end func(*client)) (connections int) {
	r.Lock()
	defer r.Unlock()
	for _, cl := range r.byID {
		end(cl)
	}
	for cl := range r.own {
		end(cl)
	}
	return len(r.byID) + len(r.own)
}

func (r *registry) count() int {
	r.Lock()
	defer r.Unlock()
	return len(r.byID)
}

// clientOf is the client of a call.
func clientOf(c *command.Call) *client { return c.Session.(*client) }

// onClient makes a row's function of one that works on the connection.
func onClient(fn func(*client, *command.Call) command.Reply) func(*command.Call) command.Reply {
	return func(c *command.Call) command.Reply { return fn(clientOf(c), c) }
}

package resp

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

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

// clientOf is the client of a call.
func clientOf(c *command.Call) *client { return c.Session.(*client) }

// onClient makes a row's function of one that works on the connection.
func onClient(fn func(*client, *command.Call) command.Reply) func(*command.Call) command.Reply {
	return func(c *command.Call) command.Reply { return fn(clientOf(c), c) }
}

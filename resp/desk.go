package resp

import (
	"sync"
	"time"

	"diskette/resp/command"
	"diskette/resp/wire"
)

// A desk is what a client has while a batch of its commands is read, runs and is answered. Clients share desks, as their
// connections share the memory to read into (wire/buffer.go): one that rests has none, whatever it has done before. So
// of ten thousand connections that are idle none keeps what its longest reply has taken, and the few that are busy find
// the desk of another in the processor's cache.
//
// Who waits in the middle of a batch keeps its desk: its command is not over. Others touch it only then, and under the
// keyspace lock: see blocked.
type desk struct {
	read       batchRead     // the batch that runs next, if its loop has read it already
	owed       time.Duration // how long the replies so far are to wait
	out        wire.Output
	seen       uint64 // newest LSN that the replies in out must wait for
	call       command.Call
	replied    bool   // the Conn function encoded its reply itself
	afterReply []byte // what its own command pushes to it
	newRole    func() // what REPLICAOF in a transaction has put off until the keyspace lock is free
	execAt     roomAt // when the last EXEC began
	letWrites  func() // ends what its MIGRATE holds back, nil = nothing; under the keyspace lock
	scratch    command.Scratch
}

// batchRead is what a ReadBatch has returned.
type batchRead struct {
	done     bool
	commands []wire.Command
	err      error
}

var desks = sync.Pool{New: func() any { return new(desk) }}

// keptAfterReply is how many bytes of afterReply's memory the next client gets.
const keptAfterReply = 4 << 10

// takeDesk comes before a batch, and does nothing where the client has a desk.
func (cl *client) takeDesk() {
	if cl.desk != nil {
		return
	}
	cl.desk = desks.Get().(*desk)
	cl.Scratch = &cl.desk.scratch
	cl.out.OwnedBy(cl, cl.guard)
}

// leaveDesk comes between two batches: the client's replies are sent, or nobody will send them.
func (cl *client) leaveDesk() {
	d := cl.desk
	if d == nil {
		return
	}
	cl.desk, cl.Scratch = nil, nil
	d.out.Clean()
	d.scratch.Reset()
	clean := desk{out: d.out, scratch: d.scratch}
	if cap(d.afterReply) <= keptAfterReply {
		clean.afterReply = d.afterReply[:0]
	}
	*d = clean
	desks.Put(d)
}

package resp

import (
	"sync"
	"time"

	"diskette/resp/command"
	"diskette/resp/wire"
)

// A desk is what a client has while a batch of its commands is read, runs and is answered. Clients share desks, as
// their connections share the memory to read into (wire/buffer.go): one that rests has none, whatever it has done
// before. So of ten thousand connections that are idle none keeps what its longest reply has taken, and the few that
// are busy find the desk of another in the processor's cache.
//
// Who waits in the middle of a batch keeps its desk: its command is not over. Others touch it only then, and under the
// keyspace lock: see blocked.
type desk struct {
	// Emptied between two clients. The next one has their memory.
	out        wire.Output
	scratch    command.Scratch
	afterReply []byte // what the client's own command pushes to it

	task
}

// task is what nobody has any more when the batch is answered.
type task struct {
	read      batchRead     // the batch that runs next, if its loop has read it already
	owed      time.Duration // how long the replies so far are to wait
	seen      uint64        // newest LSN that the replies in out must wait for
	call      command.Call
	replied   bool   // the Conn function encoded its reply itself
	newRole   func() // what REPLICAOF in a transaction has put off until the keyspace lock is free
	execAt    roomAt // when the last EXEC began
	letWrites func() // ends what its MIGRATE holds back, nil = nothing; under the keyspace lock
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
	d.out.Disowned()
	d.scratch.Reset()
	if d.afterReply = d.afterReply[:0]; cap(d.afterReply) > keptAfterReply {
		d.afterReply = nil
	}
	d.task = task{}
	desks.Put(d)
}

package wire

import (
	"sync"

	"diskette/resp/internal/words"
)

// Sizes of read buffers in bytes. A client starts with the small one and gets the
// large one once it has filled that. The large one holds any single argument below
// BigArg together with its command.
const (
	smallBuffer = 4 << 10
	largeBuffer = BigArg + 8<<10
)

// copyBytes is the most that is copied at once.
const copyBytes = 256 << 10

// A workspace with slots for more than that many arguments is not kept.
const keepArgs = 8 << 10

// workspace is the memory in which commands are read and parsed. Connections share
// workspaces: each holds one from the moment bytes arrive until its commands are served
// and no byte is left over, so idle connections hold none.
type workspace struct {
	buf      []byte
	spans    []words.Span // arguments of the command being parsed; a negative from means a big one, Guard.bigs[^from]
	args     [][]byte     // arguments of the batch, one command after the other
	commands []Command    // the batch
}

var smallWorkspaces = sync.Pool{New: func() any { return &workspace{buf: make([]byte, smallBuffer)} }}
var largeWorkspaces = sync.Pool{New: func() any { return &workspace{buf: make([]byte, largeBuffer)} }}

func takeWorkspace(size int) *workspace {
	if size == smallBuffer {
		return smallWorkspaces.Get().(*workspace)
	}
	return largeWorkspaces.Get().(*workspace)
}

// give hands the workspace to the next connection, unless one huge command has
// stretched it.
func (ws *workspace) give() {
	ws.reset()
	ws.spans = ws.spans[:0]
	if cap(ws.args) > keepArgs || cap(ws.spans) > keepArgs || cap(ws.commands) > keepArgs {
		return
	}
	switch len(ws.buf) {
	case smallBuffer:
		smallWorkspaces.Put(ws)
	case largeBuffer:
		largeWorkspaces.Put(ws)
	}
}

// reset forgets the last batch, and with it every reference to its big arguments.
func (ws *workspace) reset() {
	clear(ws.commands)
	clear(ws.args)
	ws.commands, ws.args = ws.commands[:0], ws.args[:0]
}

// release gives the workspace back if nothing in it is needed any more.
func (g *Guard) release() {
	if g.start == g.end && g.ws != nil {
		g.drop()
	}
}

func (g *Guard) drop() {
	g.ws.give()
	g.ws, g.start, g.pos, g.scan, g.end = nil, 0, 0, 0, 0
	g.held.Store(int64(len(g.ahead)))
	g.account()
}

// abandon lets go of everything that was read: the stream has ended.
func (g *Guard) abandon() {
	g.big, g.bigs, g.bigBytes, g.ahead = nil, nil, 0, nil
	if g.ws != nil {
		g.drop()
	}
}

// target is where the next bytes of the stream belong. It is not empty.
func (g *Guard) target() []byte {
	if len(g.big) > 0 && int64(len(g.big)) < g.bulk {
		g.growBig(1)
		return g.big[len(g.big):cap(g.big)]
	}
	g.makeRoom()
	return g.ws.buf[g.end:]
}

// took notes that a read brought n bytes into target, of the room that was there.
func (g *Guard) took(n, room int) {
	if len(g.big) > 0 && int64(len(g.big)) < g.bulk {
		g.big = g.big[:len(g.big)+n]
		g.cut += n
		return
	}
	if g.end == 0 && n < smallBuffer/2 {
		g.want = smallBuffer
	}
	if n > 0 && n == room {
		g.want = largeBuffer
	}
	g.end += n
}

// makeRoom moves the unfinished command to the front of a buffer that can take more
// of it. It moves each byte a bounded number of times, since buffers double.
func (g *Guard) makeRoom() {
	if g.ws == nil {
		g.ws = takeWorkspace(g.want)
		return
	}
	need := g.end - g.start + 1
	if g.bulk >= 0 && g.bulk < BigArg {
		need = g.pos - g.start + int(g.bulk) + 2
	}
	from, size := g.ws.buf[g.start:g.end], len(g.ws.buf)
	switch {
	case need > largeBuffer && need > size:
		g.ws.buf = make([]byte, max(need, 2*size))
	case need <= largeBuffer && (size < max(need, g.want) || size > largeBuffer):
		other := takeWorkspace(largeBuffer)
		other.spans, g.ws.spans = g.ws.spans, other.spans
		defer g.ws.give() // another connection may take it at once, so not before from has been copied
		g.ws = other
	case g.start == 0:
		return
	}
	copy(g.ws.buf, from)
	g.pos -= g.start
	g.scan -= g.start
	g.end -= g.start
	g.start = 0
}

// growBig makes room for at least n more bytes of the big argument. Its memory grows
// fourfold, to exactly its announced length in the end: what a client announces costs
// nothing, what it sends at most four times its size. The last step comes when a quarter has come, so that
// what is left for the garbage collector is a third of the argument and not, at worst, as much as it.
func (g *Guard) growBig(n int) {
	have := int64(len(g.big) + n)
	if have <= int64(cap(g.big)) {
		return
	}
	size := g.bulk
	for size/4 >= max(BigArg, have) {
		size /= 4
	}
	grown := make([]byte, 0, size)
	for rest := g.big; len(rest) > 0; { // the Go scheduler can not interrupt a copy, so it comes in pieces
		n := min(len(rest), copyBytes)
		grown = append(grown, rest[:n]...)
		rest = rest[n:]
	}
	g.big = grown
}

// cost is the memory held for the unfinished command in bytes, give or take the
// spare room of its buffers.
func (g *Guard) cost() int64 {
	return int64(g.end-g.start) + int64(len(g.big)) + g.bigBytes + int64(len(g.ws.spans))*ArgCost
}

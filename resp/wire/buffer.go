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

// workspace is the memory in which commands are read and parsed, and what is known of one that is not whole.
// Connections share workspaces: each holds one from the moment bytes arrive until its commands are served and no byte
// is left over, so idle connections hold none.
type workspace struct {
	buf      []byte
	args     [][]byte  // arguments of the batch, one command after the other
	commands []Command // the batch
	parsing
}

// parsing is what ReadBatch has of the stream. A batch's commands lie before start, the command being parsed between
// start and end:
//
//	buf [ served | parsed args | line or body being read | free ]
//	    0        start         pos                       end
type parsing struct {
	spans    []words.Span // arguments of the command being parsed; a negative From means a big one, bigs[^From]
	start    int
	pos      int      // first byte that is not parsed
	scan     int      // no line end lies between pos and here
	end      int      // first free byte
	missing  int      // arguments of the current command that are yet to come
	bulk     int64    // announced length of the argument at pos; -1: its length line comes next
	big      []byte   // as much of it as has come, if it is a big one
	bigs     [][]byte // finished big arguments of the current command
	bigBytes int64    // bytes of bigs
	cut      int      // bytes of big arguments that never entered the buffer, or left it again
}

var smallWorkspaces = sync.Pool{New: func() any { return newWorkspace(smallBuffer) }}
var largeWorkspaces = sync.Pool{New: func() any { return newWorkspace(largeBuffer) }}

func newWorkspace(size int) *workspace {
	return &workspace{buf: make([]byte, size), parsing: parsing{bulk: -1}}
}

func takeWorkspace(large bool) *workspace {
	if large {
		return largeWorkspaces.Get().(*workspace)
	}
	return smallWorkspaces.Get().(*workspace)
}

// give hands the workspace to the next connection, unless one huge command has
// stretched it.
func (ws *workspace) give() {
	ws.reset()
	ws.parsing = parsing{spans: ws.spans[:0], bulk: -1}
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
	if g.ws != nil && g.ws.start == g.ws.end {
		g.drop()
	}
}

func (g *Guard) drop() {
	g.ws.give()
	g.ws = nil
	g.held.Store(int64(len(g.ahead)))
	g.account()
}

// abandon lets go of everything that was read: the stream has ended.
func (g *Guard) abandon() {
	g.ahead = nil
	if g.ws != nil {
		g.drop()
	}
}

// takesBig reports whether what comes next is of a big argument that has begun.
func (ws *workspace) takesBig() bool { return len(ws.big) > 0 && int64(len(ws.big)) < ws.bulk }

// target is where the next bytes of the stream belong. It is not empty.
func (g *Guard) target() []byte {
	if ws := g.ws; ws != nil && ws.takesBig() {
		ws.growBig(1)
		return ws.big[len(ws.big):cap(ws.big)]
	}
	g.makeRoom()
	return g.ws.buf[g.ws.end:]
}

// took notes that a read brought n bytes, more than none, into target, of the room that was there.
func (g *Guard) took(n, room int) {
	ws := g.ws
	if ws.takesBig() {
		ws.big = ws.big[:len(ws.big)+n]
		ws.cut += n
		return
	}
	if ws.end == 0 && n < smallBuffer/2 {
		g.large = false
	}
	if n == room {
		g.large = true
	}
	ws.end += n
}

// makeRoom moves the unfinished command to the front of a buffer that can take more
// of it. It moves each byte a bounded number of times, since buffers double.
func (g *Guard) makeRoom() {
	if g.ws == nil {
		g.ws = takeWorkspace(g.large)
		return
	}
	ws := g.ws
	need := ws.end - ws.start + 1
	if ws.bulk >= 0 && ws.bulk < BigArg {
		need = ws.pos - ws.start + int(ws.bulk) + 2
	}
	wanted := need
	if g.large {
		wanted = max(need, largeBuffer)
	}
	from, size := ws.buf[ws.start:ws.end], len(ws.buf)
	switch {
	case need > largeBuffer && need > size:
		ws.buf = make([]byte, max(need, 2*size))
	case need <= largeBuffer && (size < wanted || size > largeBuffer):
		other := takeWorkspace(true)
		other.parsing, ws.parsing = ws.parsing, other.parsing
		defer ws.give() // another connection may take it at once, so not before from has been copied
		g.ws = other
	case ws.start == 0:
		return
	}
	ws = g.ws
	copy(ws.buf, from)
	ws.pos -= ws.start
	ws.scan -= ws.start
	ws.end -= ws.start
	ws.start = 0
}

// growBig makes room for at least n more bytes of the big argument. Its memory grows
// fourfold, to exactly its announced length in the end: what a client announces costs
// nothing, what it sends at most four times its size. The last step comes when a quarter has come, so that
// what is left for the garbage collector is a third of the argument and not, at worst, as much as it.
func (ws *workspace) growBig(n int) {
	have := int64(len(ws.big) + n)
	if have <= int64(cap(ws.big)) {
		return
	}
	size := ws.bulk
	for size/4 >= max(BigArg, have) {
		size /= 4
	}
	grown := make([]byte, 0, size)
	for rest := ws.big; len(rest) > 0; { // the Go scheduler can not interrupt a copy, so it comes in pieces
		n := min(len(rest), copyBytes)
		grown = append(grown, rest[:n]...)
		rest = rest[n:]
	}
	ws.big = grown
}

// cost is the memory held for the unfinished command in bytes, give or take the
// spare room of its buffers.
func (ws *workspace) cost() int64 {
	return int64(ws.end-ws.start) + int64(len(ws.big)) + ws.bigBytes + int64(len(ws.spans))*ArgCost
}

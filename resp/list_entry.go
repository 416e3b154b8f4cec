package resp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"diskette/resp/wire"
)

// clientBytes is what a connection takes besides its buffers.
const clientBytes = int(unsafe.Sizeof(client{}) + unsafe.Sizeof(wire.Guard{}))

// listEntry describes the connection as CLIENT LIST does: Redis 7.2's fields in its order. Those that have no
// meaning here (reply buffers, which are empty between commands) are 0. It may be called from any goroutine.
func (cl *client) listEntry(now int64) string {
	cmd := "NULL"
	if r := cl.last.Load(); r != nil {
		cmd = r.Full
	}
	held, waiting := cl.guard.Buffered(), cl.unsent()
	subs := &cl.subscriptions.counts
	flags := cl.flagLetters()
	cl.mu.Lock()
	defer cl.mu.Unlock()
	names, multi := cl.namesLocked(), cl.multiLocked()
	protocol := 2
	if cl.mu.resp3 {
		protocol = 3
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d"+
		" qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=r cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s",
		cl.id, cl.addr(), cl.laddr(), cl.guard.Descriptor(), names.name, max(now-cl.since, 0)/1000, max(now-cl.lastActive.Load(), 0)/1000, flags, cl.dbSeen.Load(),
		subs[toChannel].Load(), subs[toPattern].Load(), subs[toShard].Load(), multi.queued,
		held, multi.queuedBytes, cl.guard.Unsent.Pieces(), waiting, cl.memoryLocked(), cmd, cl.user.Load().Name, cl.redirect(), protocol, names.libName, names.libVer)
}

// flagLetters are CLIENT LIST's flags in Redis's order; N = none.
func (cl *client) flagLetters() string {
	how := cl.tracking.Load()
	cl.mu.Lock()
	defer cl.mu.Unlock()
	var letters strings.Builder
	for _, f := range []struct {
		set    bool
		letter byte
	}{
		{cl.isReplica(), 'S'},
		{cl.monitoring.Load(), 'O'},
		{cl.subscriptions.all() > 0, 'P'},
		{cl.multiLocked().queued >= 0, 'x'},
		{cl.blocked.Load(), 'b'},
		{how != nil, 't'},
		{how != nil && how.broken.Load(), 'R'},
		{how != nil && how.bcast, 'B'},
		{cl.dirty.Load(), 'd'},
		{cl.isUnix(), 'U'},
		{cl.mu.noEvict, 'e'},
		{cl.mu.noTouch, 'T'},
	} {
		if f.set {
			letters.WriteByte(f.letter)
		}
	}
	return cmp.Or(letters.String(), "N")
}

// memoryLocked is the bytes that a connection takes, as tot-mem. The caller holds cl.mu.
func (cl *client) memoryLocked() int {
	return cl.heldLocked() + int(cl.unsent())
}

// heldLocked is what it takes besides what waits for the client. The caller holds cl.mu.
func (cl *client) heldLocked() int {
	multi := cl.multiLocked()
	held := clientBytes + cl.guard.Buffered() + multi.queuedBytes + int(cl.subscriptions.bytes.Load()+multi.watchedBytes)
	if how := cl.tracking.Load(); how != nil {
		held += int(how.bytes)
	}
	return held
}

// nameBytes is what a name takes that a client watches or listens to, besides its places in maps.
func nameBytes(name string) int64 { return int64(len(name)) + 128 }

// clientsMemory is what all connections but the replicas' take.
func (s *Server) clientsMemory() (bytes int) {
	s.clients.each(func(cl *client) {
		if cl.isReplica() {
			return
		}
		cl.mu.Lock()
		bytes += cl.memoryLocked()
		cl.mu.Unlock()
	})
	return bytes
}

func (cl *client) isUnix() bool { return cl.guard.RemoteAddr().Network() == "unix" }

// list is the connections in the order of their ids, without those that were killed.
func (r *registry) list() []*client {
	r.Lock()
	clients := make([]*client, 0, len(r.byID))
	for _, cl := range r.byID {
		clients = append(clients, cl)
	}
	r.Unlock()
	clients = slices.DeleteFunc(clients, (*client).isKilled)
	slices.SortFunc(clients, func(a, b *client) int { return cmp.Compare(a.id, b.id) })
	return clients
}

// find returns nil if no connection has the id.
func (r *registry) find(id int64) *client {
	r.Lock()
	cl := r.byID[id]
	r.Unlock()
	if cl == nil || cl.isKilled() {
		return nil
	}
	return cl
}

func (cl *client) isKilled() bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.mu.killed
}

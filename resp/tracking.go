package resp

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"diskette/resp/command"
	"diskette/resp/internal/words"
	"diskette/resp/wire"
)

// Client-side caching: a client that has turned CLIENT TRACKING on is told which of the keys it
// has read, or which keys with its prefixes (BCAST), have changed.
//
//	a command that reads    > the table: key > ids of the clients that may have it in their caches
//	a change of the key     > the entry leaves the table, each of its clients is sent the key
//	with BCAST              > the key is noted, and sent when the keyspace lock is let go of: one message for a batch
//
// Keys are known by their names alone, whatever their database, as in Redis. The lock is below the keyspace lock.
type trackingTable struct {
	srv     *Server
	clients atomic.Int64 // clients that track: a change of a key costs one look at it while there are none
	mu      struct {
		sync.Mutex
		byID     map[int64]*client
		byKey    map[string][]int64
		items    int                         // ids in byKey
		prefixes map[string]map[*client]bool // BCAST
		changed  map[string]*client          // to broadcast, and who alone has changed each; nil = several or none
	}
}

// tracking is how a client tracks. It is replaced, not changed, but for broken.
type tracking struct {
	bcast, optIn, optOut, noLoop bool
	redirect                     int64 // the id of the client that is told instead, 0 = none
	prefixes                     []string
	bytes                        int64       // what prefixes take, about
	broken                       atomic.Bool // the client that REDIRECT names is gone
}

// invalidationChannel is where a RESP2 client that others redirect to hears of changes.
const invalidationChannel = "__redis__:invalidate"

// turnOn makes the client track in a new way. Prefixes are added to those it has.
func (t *trackingTable) turnOn(cl *client, how *tracking) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cl.isKilled() {
		return
	}
	if t.mu.byID == nil {
		t.mu.byID, t.mu.byKey = map[int64]*client{}, map[string][]int64{}
		t.mu.prefixes, t.mu.changed = map[string]map[*client]bool{}, map[string]*client{}
	}
	if old := cl.tracking.Load(); old == nil {
		t.clients.Add(1)
	} else if old.bcast {
		how.prefixes = append(slices.Clone(old.prefixes), how.prefixes...)
	}
	slices.Sort(how.prefixes)
	how.prefixes = slices.Compact(how.prefixes)
	for _, prefix := range how.prefixes {
		how.bytes += nameBytes(prefix)
	}
	for _, prefix := range how.prefixes {
		if t.mu.prefixes[prefix] == nil {
			t.mu.prefixes[prefix] = map[*client]bool{}
		}
		t.mu.prefixes[prefix][cl] = true
	}
	t.mu.byID[cl.id] = cl
	cl.tracking.Store(how)
}

// turnOff lets a client hear of nothing. Its id stays in the table until the keys change.
func (t *trackingTable) turnOff(cl *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how := cl.tracking.Load()
	if how == nil {
		return
	}
	for _, prefix := range how.prefixes {
		delete(t.mu.prefixes[prefix], cl)
		if len(t.mu.prefixes[prefix]) == 0 {
			delete(t.mu.prefixes, prefix)
		}
	}
	delete(t.mu.byID, cl.id)
	cl.tracking.Store(nil)
	if t.clients.Add(-1) == 0 {
		clear(t.mu.byKey)
		clear(t.mu.changed)
		t.mu.items = 0
	}
}

// remember notes which keys a tracking client reads, before it does. A script has read what its commands
// read, which come here themselves, and not what it was given. The caller holds the keyspace lock.
func (cl *client) remember(r *command.Row, args [][]byte) {
	how := cl.tracking.Load()
	if how == nil || r.Flags&command.Readonly == 0 || r.Group == "scripting" || how.bcast || how.optIn && !cl.caching ||
		how.optOut && cl.caching {
		return
	}
	t := &cl.srv.tracking
	t.mu.Lock()
	defer t.mu.Unlock()
	if cl.tracking.Load() != how { // it was killed
		return
	}
	r.EachKey(args, func(i int) {
		ids := t.mu.byKey[words.ViewString(args[i])]
		if !slices.Contains(ids, cl.id) {
			if len(ids) == cap(ids) { // else a key that never changes would remember all clients that ever were
				t.mu.items -= len(ids)
				ids = slices.DeleteFunc(ids, func(id int64) bool { return t.mu.byID[id] == nil })
				t.mu.items += len(ids)
			}
			t.mu.byKey[string(args[i])] = append(ids, cl.id)
			t.mu.items++
		}
	})
	t.boundLocked()
}

// bound is for a lower tracking-table-max-keys. The caller holds the keyspace lock.
func (t *trackingTable) bound() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.boundLocked()
}

// boundLocked keeps to tracking-table-max-keys: what leaves the table is as if it had changed.
func (t *trackingTable) boundLocked() {
	most := int(t.srv.cfg.TrackingTableMaxKeys.Load())
	if most == 0 {
		return
	}
	for key := range t.mu.byKey {
		if len(t.mu.byKey) <= most {
			return
		}
		t.invalidateLocked(key, nil)
	}
}

// touched tells of a change of a key. The caller holds the keyspace lock.
func (t *trackingTable) touched(key string) {
	if t.clients.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.invalidateLocked(key, t.srv.running)
	for prefix := range t.mu.prefixes {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		by := t.srv.running
		if before, known := t.mu.changed[key]; known && before != by {
			by = nil // each of them hears of what the other did, with NOLOOP too
		}
		t.mu.changed[key] = by
		return
	}
}

// invalidateLocked sends a key to those who have read it, and forgets them. by is the client that has changed it.
func (t *trackingTable) invalidateLocked(key string, by *client) {
	ids, known := t.mu.byKey[key]
	if !known {
		return
	}
	delete(t.mu.byKey, key)
	t.mu.items -= len(ids)
	lsn := t.srv.store.EventLSN()
	for _, id := range ids {
		cl := t.mu.byID[id]
		if cl == nil {
			continue
		}
		if how := cl.tracking.Load(); !how.bcast && !(how.noLoop && cl == by) {
			t.send(cl, how, command.Array(command.BulkString(key)), t.srv.running, lsn)
		}
	}
}

// broadcast sends what has changed to the clients with BCAST. It is called before the keyspace lock is let go of.
func (t *trackingTable) broadcast() {
	if t.clients.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.changed) == 0 {
		return
	}
	keys, lsn := slices.Sorted(maps.Keys(t.mu.changed)), t.srv.store.LastLocked()
	for _, prefix := range slices.Sorted(maps.Keys(t.mu.prefixes)) {
		for cl := range t.mu.prefixes[prefix] {
			how := cl.tracking.Load()
			var theirs []command.Reply
			for _, key := range keys {
				if strings.HasPrefix(key, prefix) && !(how.noLoop && t.mu.changed[key] == cl) {
					theirs = append(theirs, command.BulkString(key))
				}
			}
			if len(theirs) > 0 {
				t.send(cl, how, command.Array(theirs...), nil, lsn)
			}
		}
	}
	clear(t.mu.changed)
}

// flushed tells all who track that nothing is as it was. The caller holds the keyspace lock.
func (t *trackingTable) flushed() {
	if t.clients.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.mu.byKey)
	t.mu.items = 0
	for _, cl := range t.mu.byID {
		t.send(cl, cl.tracking.Load(), command.ReplyNull, t.srv.running, t.srv.store.EventLSN())
	}
}

// send pushes keys to a client that tracks, or to the one it redirects to. A RESP2 client can
// be told only by a message on the channel for it, and has to have a subscription.
func (t *trackingTable) send(cl *client, how *tracking, keys command.Reply, from *client, lsn uint64) {
	to := cl
	if how.redirect != 0 {
		if to = t.srv.clients.find(how.redirect); to == nil {
			how.broken.Store(true)
			if cl.pushesRESP3.Load() {
				cl.pushReply(from,
					command.Push(command.BulkString("tracking-redir-broken"), command.Integer(how.redirect)), 0)
			}
			return
		}
	}
	switch {
	case !to.pushing.Load():
	case to.pushesRESP3.Load():
		to.pushReply(from, command.Push(command.BulkString("invalidate"), keys), lsn)
	case how.redirect != 0 && to.subscriptions.all() > 0:
		to.pushReply(from, command.Push(command.BulkString("message"), command.BulkString(invalidationChannel), keys),
			lsn)
	}
}

func (cl *client) pushReply(from *client, r command.Reply, lsn uint64) {
	var o wire.Output
	r.Encode(&o, cl.pushesRESP3.Load())
	cl.push(from, o.Buf, lsn)
}

// counts are INFO's.
func (t *trackingTable) counts() (keys, items, prefixes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mu.byKey), t.mu.items, len(t.mu.prefixes)
}

package resp

import (
	"sync"
	"sync/atomic"
)

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

package resp

// maxmemory-clients bounds what all clients take together: over it those that take the most are closed, as in Redis,
// until the rest is within it. CLIENT NO-EVICT exempts a client. What a client takes is tot-mem of CLIENT LIST: what it
// has sent and is not served yet, the commands of its MULTI, what it watches and listens to, what waits to be sent to
// it and is being made to be.
//
// One value, however long, may always wait: the longest one is not counted.
//
// Redis's default, 0, is no bound. Here it stands for a quarter of maxmemory, but at least 256 MB where the machine
// has four times that, and at most 1 GB, and then only what waits to be sent counts: nobody's pipeline needs more. What
// clients have sent is bounded by client-query-buffer-limit, each by itself, and is taken from the keys' memory
// (memory_bound.go).

// Gathers notes that so many bytes more are being made for the client (fewer if negative), and
// reports whether they are still wanted.
func (cl *client) Gathers(bytes int) (wanted bool) {
	cl.gathered.Add(int64(bytes))
	cl.srv.limits.Unsent.Add(int64(bytes))
	return bytes < 0 || cl.srv.boundClients(cl) == nil && !cl.isKilled()
}

// heldStep is by how much Server.held may be wrong for each client: within it nobody writes to a number that all share.
const heldStep = 1 << 10

// NoteHeld counts what the client takes besides what waits for it, and closes those that take the most if it is too
// much. The client's goroutine calls it after each batch, and whenever something large comes.
func (cl *client) NoteHeld() {
	s := cl.srv
	if !s.cfg.CountsClients.Load() {
		return
	}
	if grown := cl.count(); grown > 0 {
		_ = s.boundClients(cl) // who is closed sees it at the next byte
	}
}

// count brings Server.held up to date with a client, and returns by how much it has grown.
func (cl *client) count() (grown int64) {
	cl.mu.Lock()
	now := int64(cl.heldLocked())
	cl.mu.Unlock()
	if before := cl.counted.Load(); now-before >= heldStep || before-now >= heldStep {
		grown = now - cl.counted.Swap(now)
		cl.srv.held.Add(grown)
	}
	return grown
}

// boundClients comes after something was added to what a client takes.
func (s *Server) boundClients(cl *client) error {
	unsent := s.limits.Unsent.Load()
	s.heap.makeRoom(s, unsent)
	if s.cfg.CountsClients.Load() {
		unsent += s.held.Load()
	}
	if unsent <= s.cfg.MaxClientMemory.Load() {
		return nil
	}
	s.evictClients()
	if cl.isKilled() {
		return errClosed
	}
	return nil
}

// evictClients closes the clients that take the most until all together are within maxmemory-clients. It may be called
// from any goroutine, under the keyspace lock, too.
func (s *Server) evictClients() {
	s.eviction.Lock()
	defer s.eviction.Unlock()
	most, countsAll := s.cfg.MaxClientMemory.Load(), s.cfg.CountsClients.Load()
	for {
		var largest *client
		var bytes, longest int64
		going := int64(0) // of clients that are closed already: their goroutines will let go of it
		all := int64(0)   // what clients hold besides
		s.clients.each(func(cl *client) {
			unsent, held := cl.unsent(), int64(0)
			if countsAll && !cl.isReplica() {
				cl.count()
				held = cl.counted.Load()
				all += held
			}
			if cl.isKilled() {
				going += unsent + held
				return
			}
			longest = max(longest, min(cl.guard.Unsent.Longest(), unsent))
			if unsent+held > bytes && cl.mayEvict() {
				largest, bytes = cl, unsent+held
			}
		})
		if largest == nil || s.limits.Unsent.Load()+all-going-longest <= most {
			return
		}
		if largest.killCounted(&s.stats.evictedClients) {
			s.log.Warn().Str("client", largest.addr()).Int64("bytes", bytes).Int64("maxmemory_clients", most).
				Msg("client closed: it takes the most, and all together are above maxmemory-clients")
		}
	}
}

// mayEvict is false after CLIENT NO-EVICT, and for a replica, which has a limit of its own.
func (cl *client) mayEvict() bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return !cl.mu.noEvict && !cl.isReplica()
}

package resp

// maxmemory-clients bounds what waits to be sent to all clients together, and what is being made to be: over it those
// for whom the most waits are closed, as in Redis, until the rest is within it. CLIENT NO-EVICT exempts a client.
//
// One value, however long, may always wait: the longest one is not counted.
//
// Redis's default, 0, is no bound. Here it stands for a quarter of maxmemory, but at least 256 MB where the machine
// has four times that, and at most 1 GB: nobody's pipeline needs more, and one value, however long, may always wait.

// Gathers notes that so many bytes more are being made for the client (fewer if negative), and
// reports whether they are still wanted.
func (cl *client) Gathers(bytes int) (wanted bool) {
	cl.gathered.Add(int64(bytes))
	cl.srv.limits.Unsent.Add(int64(bytes))
	return bytes < 0 || cl.srv.boundClients(cl) == nil && !cl.isKilled()
}

// boundClients comes after something was added to what waits for a client.
func (s *Server) boundClients(cl *client) error {
	unsent := s.limits.Unsent.Load()
	s.heap.makeRoom(s, unsent)
	if unsent <= s.cfg.MaxClientMemory.Load() {
		return nil
	}
	s.evictClients()
	if cl.isKilled() {
		return errClosed
	}
	return nil
}

// evictClients closes the clients for whom the most waits until all together are within
// maxmemory-clients. It may be called from any goroutine, under the keyspace lock, too.
func (s *Server) evictClients() {
	s.eviction.Lock()
	defer s.eviction.Unlock()
	most := s.cfg.MaxClientMemory.Load()
	for {
		var largest *client
		var bytes, longest int64
		going := int64(0) // made for clients that are closed already: their goroutines will let go of it
		s.clients.each(func(cl *client) {
			unsent := cl.unsent()
			if cl.isKilled() {
				going += unsent
				return
			}
			longest = max(longest, min(cl.guard.Unsent.Longest.Load(), unsent))
			if unsent > bytes && cl.mayEvict() {
				largest, bytes = cl, unsent
			}
		})
		if largest == nil || s.limits.Unsent.Load()-going-longest <= most {
			return
		}
		if largest.kill() {
			s.stats.evictedClients.Add(1)
			s.log.Warn().Str("client", largest.addr).Int64("bytes", bytes).Int64("maxmemory_clients", most).
				Msg("client closed: the most waits for it, and all together are above maxmemory-clients")
		}
	}
}

// mayEvict is false after CLIENT NO-EVICT, and for a replica, which has a limit of its own.
func (cl *client) mayEvict() bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return !cl.mu.noEvict && !cl.isReplica()
}

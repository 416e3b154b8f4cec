package resp

import "diskette/resp/internal/machine"

// maxmemory bounds the hot set, what is known of keys on disk while there are bounds, and, beyond bufferShare of it,
// what connections hold for their clients: commands that are not whole yet, queued ones, replies and messages that
// wait. As in Redis, many or large buffers leave less for keys; here keys are unloaded for them, not evicted. At least
// a quarter of maxmemory stays for keys, or nothing could be served: client-output-buffer-limit,
// client-query-buffer-limit and maxclients bound the buffers themselves.
const (
	bufferShare = 8 // an eighth of maxmemory, in which the buffers of everyday do not show
	keysShare   = 4
)

// boundHotSet tells the store what these leave of maxmemory, now and then once a second.
func (s *Server) boundHotSet() {
	limit := s.cfg.MaxMemory.Load()
	orders, packing := s.store.SideBytes()
	beyond := max(0, int64(s.clientsMemory())-limit/bufferShare) + orders + packing
	machine.KeysWithin(limit)
	s.store.SetMaxMemory(max(limit-beyond, limit/keysShare))
}

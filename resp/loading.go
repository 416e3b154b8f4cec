package resp

import (
	"sync/atomic"
	"time"

	"diskette/resp/command"
)

// Loading is how far a server is that moves data in. It listens meanwhile: who connects hears -LOADING from commands
// on keys, as from Redis, and from PING, by which health checks find that it is not ready. Commands with the flag
// loading are served as far as they can be without a store.
type Loading struct {
	started       time.Time
	total, loaded atomic.Int64 // bytes of the files
	keys, expired atomic.Int64
}

// BeginLoading makes a server, which has no store yet, one that can be connected to while it loads so many bytes.
// Start ends it.
func (s *Server) BeginLoading(totalBytes int64) *Loading {
	l := &Loading{started: time.Now()}
	l.total.Store(totalBytes)
	s.limitClients()
	s.applyToClients()
	s.limitHeap()
	s.loading.Store(l)
	return l
}

// Note says how far it is: bytes read, keys that are in, keys that were left out because they have expired.
func (l *Loading) Note(bytes, keys, expired int64) {
	l.loaded.Store(bytes)
	l.keys.Store(keys)
	l.expired.Store(expired)
}

// loaded ends the loading, if there was one. A goroutine that sees no Loading sees the store.
func (s *Server) loaded() {
	if s.loading.Load() == nil {
		s.limitClients()
		s.applyToClients()
		return
	}
	s.loading.Store(nil)
}

// servesLoading reports whether a command is served while the server loads. Of those that Redis serves then, DEBUG
// and an EXEC with something to execute need a store.
func servesLoading(r *command.Row, cl *client) bool {
	switch {
	case r.Flags&command.Loading == 0 || r.Name == "debug":
		return false
	case r.Name == "exec":
		return cl.multi == nil || cl.multi.broken || len(cl.multi.queued) == 0
	}
	return true
}

// infoWhileLoading is INFO without what the store would tell.
func (s *Server) infoWhileLoading(c *command.Call, r *infoReport) command.Reply {
	return r.tell(c, func(section string) bool {
		return section != "diskette" && section != "bounds" && section != "keyspace"
	})
}

// info writes the lines of INFO persistence that count while a server loads.
func (l *Loading) info(t *infoText, now time.Time) {
	total, loaded := l.total.Load(), l.loaded.Load()
	perc, eta := 100*ratio(loaded, max(total, 1)), int64(1)
	if took := now.Sub(l.started); loaded > 0 && loaded < total {
		eta = int64(took.Seconds() * float64(total-loaded) / float64(loaded))
	} else if loaded >= total {
		eta = 0
	}
	t.line("loading", 1)
	t.line("async_loading", 0)
	t.line("rdb_changes_since_last_save", 0)
	t.line("rdb_bgsave_in_progress", 0)
	t.line("rdb_last_save_time", l.started.Unix())
	t.line("rdb_last_bgsave_status", "ok")
	t.line("rdb_last_load_keys_expired", l.expired.Load())
	t.line("rdb_last_load_keys_loaded", l.keys.Load())
	t.line("aof_enabled", 1)
	t.line("aof_rewrite_in_progress", 0)
	t.line("aof_last_bgrewrite_status", "ok")
	t.line("aof_last_write_status", "ok")
	t.line("loading_start_time", l.started.Unix())
	t.line("loading_total_bytes", total)
	t.line("loading_rdb_used_mem", 0)
	t.line("loading_loaded_bytes", loaded)
	t.linef("loading_loaded_perc", "%.2f", perc)
	t.line("loading_eta_seconds", eta)
}

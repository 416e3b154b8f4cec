package resp

import (
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"diskette/store"
	"diskette/store/journal"
)

func configGet(cl *client, c *call) Reply {
	patterns := make([]string, 0, len(c.args)-2)
	for i := 2; i < len(c.args); i++ {
		patterns = append(patterns, c.str(i))
	}
	pairs := cl.srv.cfg.Get(patterns...)
	elems := make([]Reply, 0, 2*len(pairs))
	for _, p := range pairs {
		elems = append(elems, bulkString(p[0]), bulkString(p[1]))
	}
	return mapOf(elems...)
}

func configSet(cl *client, c *call) Reply {
	if len(c.args)%2 != 0 {
		return errSyntax
	}
	var pairs [][2]string
	for i := 2; i < len(c.args); i += 2 {
		pairs = append(pairs, [2]string{c.str(i), c.str(i + 1)})
	}
	if err := cl.srv.cfg.Set(pairs); err != nil {
		return errorReply(oneLine(err.Error()))
	}
	return replyOK
}

func configRewrite(cl *client, _ *call) Reply {
	if err := cl.srv.cfg.Rewrite(); err != nil {
		cl.srv.log.Error().Err(err).Str("file", cl.srv.cfg.File()).Msg("CONFIG REWRITE failed")
		return errorReply(oneLine(err.Error()))
	}
	cl.srv.log.Info().Str("file", cl.srv.cfg.File()).Msg("CONFIG REWRITE wrote the conf file")
	return replyOK
}

func configResetstat(cl *client, c *call) Reply {
	s := cl.srv
	switch {
	case s.loading.Load() != nil: // there is none to be reset
	case c.locked:
		s.store.ResetStatsLocked()
	default:
		s.store.ResetStats()
	}
	s.stats.connections.Store(0)
	s.stats.rejected.Store(0)
	s.stats.commands.Store(0)
	now := s.loopNow()
	s.stats.loop.Store(&now)
	s.stats.overQuery.Store(0)
	s.stats.overOutput.Store(0)
	s.stats.evictedClients.Store(0)
	s.stats.errors.reset()
	s.clients.resetTraffic()
	s.table.each(func(r *row) { r.stats.reset() })
	c.row.stats.calls.Store(1) // this one
	return replyOK
}

// applyConfig puts the settings into effect that are not read where they are used, now and
// whenever CONFIG SET changes them: those of the store and of what works on it, applyToClients having done with the rest. The hooks
// take no keyspace lock: CONFIG SET may stand in a MULTI.
func (s *Server) applyConfig() {
	cfg := s.cfg
	s.on("maxmemory", func() {
		s.boundHotSet()
		s.limitHeap()
		s.evictClients() // what they may have follows maxmemory
	})
	s.on("maxmemory-clients", s.evictClients)
	for _, name := range []string{"maxmemory-policy", "lfu-log-factor", "lfu-decay-time"} {
		s.on(name, func() { s.store.CountUses(useCounting(cfg)) })
	}
	s.on("hz", func() { s.sweeper.SetHz(int(cfg.Hz.Load())) })
	cfg.OnChange("appendfsync", func(word string) error { // the store was opened with the first
		policy, err := journal.ParsePolicy(word)
		if err == nil {
			s.store.SetPolicy(policy)
		}
		return err
	})
}

// on applies a setting now and whenever CONFIG SET changes it.
func (s *Server) on(name string, apply func()) {
	apply()
	s.cfg.OnChanged(name, func(string) { apply() })
}

// applyToClients is applyConfig for what clients meet, whether or not there is a store.
func (s *Server) applyToClients() {
	cfg := s.cfg
	s.on("notify-keyspace-events", func() { s.host.events.set(eventClass(cfg.Int("notify-keyspace-events"))) })
	s.on("proto-max-bulk-len", func() { s.limits.MaxBulkBytes.Store(cfg.ProtoMaxBulkLen.Load()) })
	s.on("client-query-buffer-limit", func() { s.limits.QueryBufferBytes.Store(cfg.ClientQueryBufferLimit.Load()) })
	for _, name := range []string{"slowlog-log-slower-than", "latency-monitor-threshold", "latency-tracking"} {
		s.on(name, func() { s.looks.apply(cfg) })
	}
	s.on("loglevel", func() { zerolog.SetGlobalLevel(LogLevel(cfg.Text("loglevel"))) })
	s.on("timeout", func() {
		s.limits.Idle.Store(int64(s.idleTimeout()))
		s.clients.each(func(cl *client) { cl.guard.IdleChanged() })
	})
	cfg.OnChanged("requirepass", func(password string) {
		s.acl.requirePass(password)
		s.noteOpen()
	})
	s.on("acllog-max-len", func() {
		d := &s.acl.denials
		d.mu.Lock()
		d.trimLocked(cfg.Int("acllog-max-len"))
		d.mu.Unlock()
	})
}

// useCounting is how the settings want uses of keys counted, nil = not at all.
func useCounting(cfg *Config) *store.UseCounting {
	if !strings.HasSuffix(cfg.Text("maxmemory-policy"), "-lfu") {
		return nil
	}
	return &store.UseCounting{LogFactor: cfg.Int("lfu-log-factor"), DecayMillis: cfg.Int("lfu-decay-time") * 60_000}
}

// noteOpen lifts the guard's limits for strangers if nobody is one any more. Who is connected otherwise stays as he is.
func (s *Server) noteOpen() {
	if s.acl.open() {
		s.clients.each(func(cl *client) { cl.guard.Authed.Store(true) })
	}
}

// heapRoom is what may come on top of the Go heap's usual bound for now, in bytes.
type heapRoom struct {
	script atomic.Int64 // a long script's memory
	unsent atomic.Int64 // what waits to be sent, in whole heapSteps
}

const heapStep = 64 << 20

// makeRoom follows what waits to be sent: the collector would work hard for nothing.
func (h *heapRoom) makeRoom(s *Server, unsent int64) {
	if room := unsent / heapStep * heapStep; h.unsent.Load() != room && h.unsent.Swap(room) != room {
		s.limitHeap()
	}
}

// limitHeap bounds the Go heap.
func (s *Server) limitHeap() {
	debug.SetMemoryLimit(goMemoryLimit(s.cfg.MaxMemory.Load()) + s.heap.script.Load() + s.heap.unsent.Load())
}

// goMemoryLimit is the Go heap's soft bound in bytes for a hot set of at most maxMemory: a quarter for
// the collector's slack, and what write-back, SQLite's caches and connections take. Beyond it
// the collector works harder instead of letting the process grow.
func goMemoryLimit(maxMemory int64) int64 { return maxMemory + maxMemory/4 + 96<<20 }

// LogLevel is the zerolog level of a redis.conf loglevel.
func LogLevel(word string) zerolog.Level {
	switch word {
	case "debug":
		return zerolog.TraceLevel
	case "verbose":
		return zerolog.DebugLevel
	case "warning":
		return zerolog.WarnLevel
	case "nothing":
		return zerolog.Disabled
	}
	return zerolog.InfoLevel
}

// idleTimeout is timeout: how long a client without subscriptions may be silent, 0 = for ever.
func (s *Server) idleTimeout() time.Duration {
	return time.Duration(s.cfg.Timeout.Load()) * time.Second
}

package resp

import (
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/command"
	"diskette/resp/config"
	"diskette/store"
	"diskette/store/journal"
)

func configRows() []*command.Row {
	return []*command.Row{
		{Name: "config", Arity: -2,
			Group: "server", Since: "2.0.0", Doc: "Reads and changes the settings.", Subs: []*command.Row{
				{Name: "rewrite", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale,
					Conn:  onClient(configRewrite),
					Since: "2.8.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Doc: "Writes the present settings into the conf file."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "get", Arity: -3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale,
					Conn:  onClient(configGet),
					Since: "2.0.0", Usage: "<pattern>", Args: "parameter...", Cost: "O(N) in the number of parameters",
					Doc: "Returns settings."},
				{Name: "resetstat", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale,
					Conn:  onClient(configResetstat),
					Since: "2.0.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Doc: "Zeroes INFO's counters."},
				{Name: "set", Arity: -4, Flags: command.Admin | command.Noscript | command.Loading | command.Stale,
					Conn:  onClient(configSet),
					Since: "2.0.0", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Usage: "<directive> <value>", Args: "data{parameter value}...",
					Cost: "O(N) in the number of parameters", Doc: "Changes settings."},
			}},
	}
}

func configGet(cl *client, c *command.Call) command.Reply {
	patterns := make([]string, 0, len(c.Args)-2)
	for i := 2; i < len(c.Args); i++ {
		patterns = append(patterns, c.Str(i))
	}
	pairs := cl.srv.cfg.Get(patterns...)
	elems := make([]command.Reply, 0, 2*len(pairs))
	for _, p := range pairs {
		elems = append(elems, command.BulkString(p[0]), command.BulkString(p[1]))
	}
	return command.MapOf(elems...)
}

func configSet(cl *client, c *command.Call) command.Reply {
	if len(c.Args)%2 != 0 {
		return command.ErrSyntax
	}
	var pairs [][2]string
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, [2]string{c.Str(i), c.Str(i + 1)})
	}
	if err := cl.srv.cfg.Set(pairs); err != nil {
		return command.ErrorReply(command.OneLine(err.Error()))
	}
	return command.ReplyOK
}

func configRewrite(cl *client, _ *command.Call) command.Reply {
	if err := cl.srv.cfg.Rewrite(); err != nil {
		cl.srv.log.Error().Err(err).Str("file", cl.srv.cfg.File()).Msg("CONFIG REWRITE failed")
		return command.ErrorReply(command.OneLine(err.Error()))
	}
	cl.srv.log.Info().Str("file", cl.srv.cfg.File()).Msg("CONFIG REWRITE wrote the conf file")
	return command.ReplyOK
}

func configResetstat(cl *client, c *command.Call) command.Reply {
	s := cl.srv
	switch {
	case s.loading.Load() != nil: // there is none to be reset
	case c.Locked:
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
	s.bounds.refused.all.Store(0)
	s.bounds.watch.reset(time.Now())
	s.stats.errors.reset()
	s.clients.resetTraffic()
	s.table.Each(func(r *command.Row) { r.Stats.Reset() })
	c.Row.Stats.Calls.Store(1) // this one
	return command.ReplyOK
}

// applyConfig puts the settings into effect that are not read where they are used, now and whenever CONFIG
// SET changes them: those of the store and of what works on it, applyToClients having done with the rest. The
// hooks take no keyspace lock: CONFIG SET may stand in a MULTI.
func (s *Server) applyConfig() {
	cfg := s.cfg
	s.on("maxmemory", func() {
		s.boundHotSet()
		s.limitHeap()
		s.evictClients() // what they may have follows maxmemory
	})
	s.on("maxmemory-clients", s.evictClients)
	for _, name := range []string{"maxmemory-policy", "maxmemory-policy-db", "lfu-log-factor", "lfu-decay-time"} {
		s.on(name, func() { s.store.CountUses(useCounting(cfg)) })
	}
	s.on("wal-limit", func() { s.store.SetWALLimit(cfg.Int("wal-limit")) })
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
	s.on("notify-keyspace-events", func() { s.host.Events.Set(command.EventClass(cfg.Int("notify-keyspace-events"))) })
	s.on("proto-max-bulk-len", func() { s.limits.MaxBulkBytes.Store(cfg.ProtoMaxBulkLen.Load()) })
	s.on("client-query-buffer-limit", func() { s.limits.QueryBufferBytes.Store(cfg.ClientQueryBufferLimit.Load()) })
	for _, name := range []string{"slowlog-log-slower-than", "latency-monitor-threshold", "latency-tracking"} {
		s.on(name, func() { s.timing.apply(cfg) })
	}
	s.on("loglevel", func() { zerolog.SetGlobalLevel(LogLevel(cfg.Text("loglevel"))) })
	s.on("timeout", func() {
		s.limits.Idle.Store(int64(s.idleTimeout()))
		s.clients.each(func(cl *client) { cl.guard.IdleChanged() })
	})
	cfg.OnChanged("requirepass", func(password string) {
		s.acl.RequirePass(password)
		s.noteOpen()
	})
	s.on("acllog-max-len", func() {
		d := &s.acl.Denials
		d.Mu.Lock()
		d.TrimLocked(cfg.Int("acllog-max-len"))
		d.Mu.Unlock()
	})
}

// useCounting is how the settings want uses of keys counted, nil = not at all.
func useCounting(cfg *config.Config) *store.UseCounting {
	if !cfg.HasPolicy("-lfu") {
		return nil
	}
	return &store.UseCounting{LogFactor: cfg.Int("lfu-log-factor"), DecayMillis: cfg.Int("lfu-decay-time") * 60_000}
}

// noteOpen lifts the guard's limits for strangers if nobody is one any more. Who is connected otherwise stays as he is.
func (s *Server) noteOpen() {
	if s.acl.Open() {
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
	limit := goMemoryLimit(s.cfg.MaxMemory.Load()) + s.heap.script.Load() + s.heap.unsent.Load()
	if s.cfg.Memory > 0 {
		limit = min(limit, store.HeapShare(s.cfg.Memory))
	}
	debug.SetMemoryLimit(limit)
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

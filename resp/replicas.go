package resp

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/repl"
)

// Replicas. What a command changes becomes bytes of the stream (resp/repl) under the keyspace lock, in the order in
// which commands run (command.Effects), and each replica's own goroutine sends it what it has not got yet:
//
//	PSYNC of one that comes back   +CONTINUE, and the stream from where it was, if the backlog still has that
//	any other, and SYNC            an RDB file of one moment (replica_copy.go), and the stream from that moment on
//
// A command waits for no replica. One that does not keep up has the stream wait for it, up to
// client-output-buffer-limit's replica; then it is closed, so memory is bounded.
//
// What a replica has is not always committed here: it may be ahead of the journal by what a power cut takes. That does
// no harm, because a start begins a new history: whoever followed copies all anew.

// replicas are those of a server.
type replicas struct {
	srv     *Server
	stream  *repl.Stream
	effects command.Effects
	copying chan struct{} // holds one for each copy that is being made
	lacking atomic.Bool   // fewer than min-replicas-to-write are good: writes are refused

	fulls, partials, refused atomic.Int64 // synchronisations, and those that could not be partial

	waiting []*blocked   // WAIT and WAITAOF; under the keyspace lock
	waiters atomic.Int64 // how many that are

	mu struct {
		sync.Mutex
		attached []*replica
		ticking  bool
		lastLeft time.Time // when the last one left
	}
}

func (rs *replicas) init(s *Server) {
	rs.srv = s
	rs.copying = make(chan struct{}, copiesAtOnce)
	rs.stream = repl.New(s.cfg.Int("repl-backlog-size"))
	rs.effects = command.Effects{Stream: rs.stream, Unit: repl.NewUnit(rs.stream)}
	s.host.Effects = &rs.effects
}

// start is called when the server has its data.
func (rs *replicas) start() {
	rs.judge()
	for _, name := range []string{"min-replicas-to-write", "min-replicas-max-lag"} {
		rs.srv.cfg.OnChanged(name, func(string) { rs.judge() })
	}
}

// list is the replicas in the order in which they came.
func (rs *replicas) list() []*replica {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Clone(rs.mu.attached)
}

// attach makes a client a replica.
func (rs *replicas) attach(r *replica) {
	rs.mu.Lock()
	rs.mu.attached = append(rs.mu.attached, r)
	start := !rs.mu.ticking
	rs.mu.ticking = true
	rs.mu.Unlock()
	r.cl.guard.AllowSilence(true)
	if start {
		go rs.tick()
	}
}

// leave is called when a connection has ended.
func (rs *replicas) leave(cl *client) {
	r := cl.replica.Load()
	if r == nil || !r.attached.Load() {
		return
	}
	rs.mu.Lock()
	rs.mu.attached = slices.DeleteFunc(rs.mu.attached, func(other *replica) bool { return other == r })
	rs.mu.lastLeft = time.Now()
	rs.mu.Unlock()
	r.end()
	rs.judge()
	rs.srv.log.Info().Str("replica", r.name()).Msg("replica gone")
}

// Ends of a unit of execution.

// endUnit gives the stream what a command and all that it has caused have gathered. The caller holds the keyspace lock.
func (s *Server) endUnit(cl *client) {
	if s.replicas.effects.Unit.End(false) && cl != nil {
		cl.wroteTo = s.replicas.stream.Offset()
	}
}

// removed tells replicas of a key that its deadline or a bound of the disk has removed: they do not look at these
// themselves. Outside of any command it is a unit of its own.
func (rs *replicas) removed(db int, command ...string) {
	if !rs.effects.On() {
		return
	}
	args := make([][]byte, len(command))
	for i, a := range command {
		args[i] = []byte(a)
	}
	rs.effects.Unit.Add(db, args...)
	if rs.srv.running == nil {
		rs.effects.Unit.End(true)
	}
}

// published tells replicas of a message. locked = the caller's command has the keyspace lock.
func (rs *replicas) published(cl *client, c *command.Call) {
	if !rs.effects.On() {
		return
	}
	if !c.Locked {
		cl.leaveLoop() // the lock may be held for long
		rs.srv.store.Lock()
		defer rs.srv.store.Unlock()
	}
	rs.effects.Unit.Add(cl.DB, c.Args...)
	if !c.Locked {
		rs.srv.endUnit(cl)
	}
}

// Time passes.

const replicaTick = time.Second

// tick runs while there are replicas or a backlog.
func (rs *replicas) tick() {
	lastPing := time.Now()
	for range time.Tick(replicaTick) {
		if rs.srv.stopping.Load() {
			return
		}
		cfg, now := rs.srv.cfg, time.Now()
		rs.stream.SetBacklog(cfg.Int("repl-backlog-size"))
		list := rs.list()
		for _, r := range list {
			r.tick(now)
		}
		if period := time.Duration(cfg.Int("repl-ping-replica-period")) * time.Second; len(list) > 0 && now.Sub(lastPing) >= period {
			lastPing = now
			rs.stream.Feed(pingReplicas)
		}
		rs.judge()
		if rs.rest(now) {
			return
		}
	}
}

var pingReplicas = []byte("*1\r\n$4\r\nPING\r\n")

// rest gives the backlog up when nobody has come for it for repl-backlog-ttl seconds.
func (rs *replicas) rest(now time.Time) (done bool) {
	ttl := time.Duration(rs.srv.cfg.Int("repl-backlog-ttl")) * time.Second
	rs.srv.store.Lock()
	defer rs.srv.store.Unlock()
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if ttl == 0 || len(rs.mu.attached) > 0 || now.Sub(rs.mu.lastLeft) < ttl || !rs.stream.Rest() {
		return false
	}
	rs.mu.ticking = false
	rs.srv.log.Info().Dur("after", ttl).Msg("backlog given up: no replica has come back")
	return true
}

// Good replicas: min-replicas-to-write, min-replicas-max-lag.

var errNoGoodReplicas = command.ErrorReply("NOREPLICAS Not enough good replicas to write.")

// good is how many replicas have acknowledged something lately; asked = the configuration asks for it.
func (rs *replicas) good() (n int64, asked bool) {
	lag := rs.srv.cfg.Int("min-replicas-max-lag")
	if rs.srv.cfg.Int("min-replicas-to-write") == 0 || lag == 0 {
		return 0, false
	}
	for _, r := range rs.list() {
		if r.online() && r.lag(time.Now()) <= lag {
			n++
		}
	}
	return n, true
}

// judge decides whether writes are refused. It is called when anything about that may have changed.
func (rs *replicas) judge() {
	n, asked := rs.good()
	rs.lacking.Store(asked && n < rs.srv.cfg.Int("min-replicas-to-write"))
}

// WAIT.

// reached is how many replicas have acknowledged an offset: that they have it, or that it is on their disks.
func (rs *replicas) reached(offset int64, fsynced bool) (n int64) {
	for _, r := range rs.list() {
		at := r.ack.Load()
		if fsynced {
			at = r.fsynced.Load()
		}
		if r.online() && at >= offset {
			n++
		}
	}
	return n
}

// wait and waitNoMore note who waits. The caller holds the keyspace lock.

func (rs *replicas) wait(b *blocked) {
	rs.waiting = append(rs.waiting, b)
	rs.waiters.Add(1)
	rs.stream.AskForAcks()
}

func (rs *replicas) waitNoMore(b *blocked) {
	rs.waiting = slices.DeleteFunc(rs.waiting, func(other *blocked) bool { return other == b })
	rs.waiters.Add(-1)
}

// acknowledged looks whether somebody has waited for what a replica has just told.
func (rs *replicas) acknowledged() {
	s := rs.srv
	if rs.waiters.Load() == 0 {
		return
	}
	s.store.Lock()
	defer s.store.Unlock()
	for _, b := range slices.Clone(rs.waiting) {
		if reply, reached := b.Reached(); reached {
			s.answer(b, reply)
		}
	}
}

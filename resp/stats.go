package resp

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/internal/machine"
)

// errorCounts counts error replies by their first word.
type errorCounts struct {
	total    atomic.Int64
	mu       sync.Mutex
	byPrefix map[string]int64
}

// maxErrorPrefixes bounds byPrefix: scripts may make up words of their own.
const maxErrorPrefixes = 128

func (c *errorCounts) count(text string) {
	c.total.Add(1)
	prefix, _, _ := strings.Cut(text, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPrefix == nil {
		c.byPrefix = map[string]int64{}
	}
	if _, known := c.byPrefix[prefix]; known || len(c.byPrefix) < maxErrorPrefixes {
		c.byPrefix[strings.Clone(prefix)]++
	}
}

func (c *errorCounts) reset() {
	c.total.Store(0)
	c.mu.Lock()
	c.byPrefix = nil
	c.mu.Unlock()
}

// sampler looks once a second at what INFO tells per second, and at the peak of memory.
type sampler struct {
	stop chan struct{}
	done sync.WaitGroup

	startBytes atomic.Int64 // see startup
	peakBytes  atomic.Int64 // the most that was seen in use

	mu                   sync.Mutex // guards what follows
	at                   time.Time
	commands             int64   // in all, at that time
	net                  traffic // the same
	perSecond            rates
	loop                 loopTotals
	loopPerS, loopMicros float64 // batches a second; processor time a batch
}

func (p *sampler) start(s *Server) {
	p.stop = make(chan struct{})
	p.startBytes.Store(machine.ReadProcess().Used)
	p.sample(s, time.Now())
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case now := <-tick.C:
				p.sample(s, now)
				s.idle.look(s, now, p.stop)
			}
		}
	}()
}

// startup is the memory that was in use before there was any data: what was measured when the server was ready, or what
// is in use now besides the keys, once that was less. An import or a recovery leaves much that was still to be freed.
func (p *sampler) startup(used, hot int64) int64 {
	for {
		was := p.startBytes.Load()
		now := max(0, min(was, used-hot))
		if now == was || p.startBytes.CompareAndSwap(was, now) {
			return now
		}
	}
}

func (p *sampler) end() {
	close(p.stop)
	p.done.Wait()
}

func (p *sampler) sample(s *Server, now time.Time) {
	p.noteMemory(machine.ReadProcess().Used)
	s.boundHotSet()
	s.watchBounds(now)
	if s.cfg.CountsClients.Load() {
		s.evictClients()
	}
	s.heap.makeRoom(s, s.limits.Unsent.Load())
	s.noteIntrusions(now)
	commands := s.stats.commands.Load()
	net, loop := s.clients.traffic(), s.loopNow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if seconds := now.Sub(p.at).Seconds(); !p.at.IsZero() && seconds > 0 {
		// After a CONFIG RESETSTAT totals are lower than before.
		rate := func(now, before int64) float64 { return float64(max(0, now-before)) / seconds }
		p.perSecond = rates{
			commands: rate(commands, p.commands),
			in:       rate(net.In, p.net.In), out: rate(net.Out, p.net.Out),
			replicaIn: rate(net.replicaIn, p.net.replicaIn), replicaOut: rate(net.replicaOut, p.net.replicaOut),
		}
		done := loop.since(&p.loop)
		p.loopPerS = float64(done.batches) / seconds
		p.loopMicros = float64(done.processor.Microseconds()) / float64(max(1, done.batches))
	}
	p.loop = loop
	p.at, p.commands, p.net = now, commands, net
}

// loopTotals is what comes nearest to the turns of an event loop.
type loopTotals struct {
	batches   int64
	processor time.Duration // what the process has used of the processors
}

func (s *Server) loopNow() loopTotals {
	system, user := machine.CPUTime()
	return loopTotals{s.stats.batches.Load(), system + user}
}

func (t loopTotals) since(then *loopTotals) loopTotals {
	if then == nil {
		return t
	}
	return loopTotals{t.batches - then.batches, t.processor - then.processor}
}

// commandMicros is the time of all commands, as the samples have it.
func (s *Server) commandMicros() (micros int64) {
	s.table.Each(func(r *command.Row) { micros += r.Stats.Microseconds(r.Stats.Calls.Load()) })
	return micros
}

// batchRates are batches a second, and the processor's microseconds for one.
func (p *sampler) batchRates() (perSecond, micros float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loopPerS, p.loopMicros
}

// rates are what came and went a second, the rest than commands in bytes: see traffic.
type rates struct{ commands, in, out, replicaIn, replicaOut float64 }

func (p *sampler) rates() rates {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.perSecond
}

// noteMemory keeps the peak and returns it.
func (p *sampler) noteMemory(bytes int64) (peak int64) {
	for {
		peak = p.peakBytes.Load()
		if bytes <= peak {
			return peak
		}
		if p.peakBytes.CompareAndSwap(peak, bytes) {
			return bytes
		}
	}
}

func infoCommandstats(t *infoText, r *infoReport) {
	r.s.table.Each(func(row *command.Row) {
		s := &row.Stats
		calls, rejected, failed := s.Calls.Load(), s.Rejected.Load(), s.Failed.Load()
		if calls+rejected+failed > 0 {
			all := s.Microseconds(calls)
			t.linef("cmdstat_"+row.Full, "calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d", calls,
				all, ratio(all, calls), rejected, failed)
		}
	})
}

func infoErrorstats(t *infoText, r *infoReport) {
	c := &r.s.stats.errors
	c.mu.Lock()
	defer c.mu.Unlock()
	byName := map[string]int64{}
	for prefix, n := range c.byPrefix {
		byName[infoName.Replace(prefix)] += n
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		t.linef("errorstat_"+name, "count=%d", byName[name])
	}
}

// infoName makes of a word that a script has chosen one that breaks no line of INFO: Redis's getSafeInfoString.
var infoName = strings.NewReplacer("#", "_", ":", "_", "\n", "_", "\r", "_")

package admin

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The plots' figures are kept in rings of samples, one for the last hour, one for the last day and one for the last
// month. A sample of a coarser ring is the mean of the finer one's in its time, or the greatest where that counts.
// They are kept in the database, so that a restart leaves no gap but its own: some 130 KB, of which a few hundred bytes
// are written a minute.
//
//	ring    a sample every   samples
//	hour    10 s             360
//	day     4 min            360
//	month   2 h              360
const ringSamples = 360

// figures of a sample, by their places in it.
const (
	figOps = iota // a second, as all of those up to figOut
	figHits
	figMisses
	figExpired
	figEvicted
	figIn
	figOut
	figP50 // microseconds of a command, in the sample's time
	figP99
	figMemory // bytes, as those up to figLag
	figHot
	figDisk
	figLag
	figKeys
	figClients
	figures_
)

var figureNames = [figures_]string{"ops", "hits", "misses", "expired", "evicted", "in", "out", "p50", "p99", "memory", "hot", "disk", "lag",
	"keys", "clients"}

// greatest are those of which a coarser sample has the greatest.
var greatest = [figures_]bool{figP99: true, figLag: true}

// sample is the figures of one span of time. at is its begin, in unix ms; 0 = there is none.
type sample struct {
	at      int64
	figures [figures_]float32
}

// a ring has the samples of the last ringSamples steps, each at the place that its time says.
type ring struct {
	name    string
	step    time.Duration
	samples [ringSamples]sample
	changed map[int]bool // since they were last stored

	sums  [figures_]float64 // of the finer ring's samples within the one under way
	count int
	begun int64 // unix ms of that one
}

// history is all rings, the finest first.
type history struct {
	mu     sync.Mutex
	rings  []*ring
	last   counters
	stored time.Time
}

const (
	historyPart = "samples"
	storeEvery  = time.Minute
	lastStore   = time.Second // within which they are stored at the end, unless a script runs for longer
)

// counters are what a sample's rates are differences of.
type counters struct {
	at                                       time.Time
	commands, hits, misses, expired, evicted float64
	in, out                                  float64
	latency                                  buckets
}

func newHistory(steps ...time.Duration) *history {
	h := &history{}
	for i, name := range []string{"hour", "day", "month"} {
		h.rings = append(h.rings, &ring{name: name, step: steps[i], changed: map[int]bool{}})
	}
	return h
}

func (r *ring) place(at int64) int { return int(at / r.step.Milliseconds() % ringSamples) }

// put stores a sample, at the begin of its step.
func (r *ring) put(s sample) {
	s.at -= s.at % r.step.Milliseconds()
	n := r.place(s.at)
	r.samples[n] = s
	r.changed[n] = true
}

// add gathers a finer sample. The coarser one is stored anew with each, so that it is there before its time is over.
func (r *ring) add(s sample) {
	begin := s.at - s.at%r.step.Milliseconds()
	if begin != r.begun {
		r.begun, r.count, r.sums = begin, 0, [figures_]float64{}
		if old := r.samples[r.place(begin)]; old.at == begin { // from before a restart
			r.count = 1
			for i, v := range old.figures {
				r.sums[i] = float64(v)
			}
		}
	}
	r.count++
	mean := sample{at: begin}
	for i, v := range s.figures {
		if greatest[i] {
			r.sums[i] = max(r.sums[i], float64(v))
			mean.figures[i] = float32(r.sums[i])
			continue
		}
		r.sums[i] += float64(v)
		mean.figures[i] = float32(r.sums[i] / float64(r.count))
	}
	r.put(mean)
}

// recent are the samples of the ring's time up to now, oldest first.
func (r *ring) recent(now int64) (all []sample) {
	step := r.step.Milliseconds()
	for at := now - now%step - (ringSamples-1)*step; at <= now; at += step {
		if at <= 0 {
			continue
		}
		if s := r.samples[r.place(at)]; s.at == at {
			all = append(all, s)
		}
	}
	return all
}

func (s sample) encode() []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.at))
	for _, v := range s.figures {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// decodeSample reads what encode has written, also with fewer figures than there are today.
func decodeSample(text string) (s sample, ok bool) {
	b := []byte(text)
	if len(b) < 8 {
		return s, false
	}
	s.at = int64(binary.LittleEndian.Uint64(b))
	b = b[8:]
	for i := 0; i < len(s.figures) && len(b) >= 4; i, b = i+1, b[4:] {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b))
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return s, false
		}
		s.figures[i] = v
	}
	return s, s.at > 0
}

// restore takes in what Kept returns.
func (h *history) restore(kept map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, text := range kept {
		of, place, _ := strings.Cut(name, "/")
		n, err := strconv.Atoi(place)
		s, ok := decodeSample(text)
		for _, r := range h.rings {
			if of == r.name && ok && err == nil && n >= 0 && n < ringSamples && n == r.place(s.at) && s.at%r.step.Milliseconds() == 0 {
				r.samples[n] = s
			}
		}
	}
}

// unstored are the samples that have changed since the last call.
func (h *history) unstored() map[string][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	values := map[string][]byte{}
	for _, r := range h.rings {
		for n := range r.changed {
			values[fmt.Sprintf("%s/%d", r.name, n)] = r.samples[n].encode()
		}
		clear(r.changed)
	}
	return values
}

// note makes a sample of what INFO and LATENCY HISTOGRAM say. The first one has nothing to be a difference of.
func (h *history) note(now time.Time, info *report, latency buckets) {
	c := counters{now, info.number("total_commands_processed"), info.number("keyspace_hits"), info.number("keyspace_misses"),
		info.number("expired_keys"), info.number("evicted_keys"), info.number("total_net_input_bytes"), info.number("total_net_output_bytes"), latency}
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.last
	h.last = c
	if before.at.IsZero() || !now.After(before.at) {
		return
	}
	seconds := now.Sub(before.at).Seconds()
	rate := func(now, then float64) float32 { return float32(max(0, now-then) / seconds) } // less: CONFIG RESETSTAT
	s := sample{at: now.UnixMilli()}
	f := &s.figures
	f[figOps], f[figHits], f[figMisses] = rate(c.commands, before.commands), rate(c.hits, before.hits), rate(c.misses, before.misses)
	f[figExpired], f[figEvicted] = rate(c.expired, before.expired), rate(c.evicted, before.evicted)
	f[figIn], f[figOut] = rate(c.in, before.in), rate(c.out, before.out)
	f[figP50], f[figP99] = float32(c.latency.since(&before.latency, 0.50)*1e6), float32(c.latency.since(&before.latency, 0.99)*1e6)
	f[figMemory], f[figHot] = float32(info.number("used_memory")), float32(info.number("hot_bytes"))
	f[figDisk], f[figLag] = float32(info.disk()), float32(info.number("backlog_bytes"))
	for _, db := range info.lists["keyspace"] {
		f[figKeys] += float32(db.number("keys"))
	}
	f[figClients] = float32(info.number("connected_clients"))
	h.rings[0].put(s)
	for _, r := range h.rings[1:] {
		r.add(s)
	}
}

// since is a percentile of the calls since then, in seconds: the bound of the bucket that it falls into.
func (b *buckets) since(then *buckets, percentile float64) float64 {
	calls := b.calls - min(then.calls, b.calls)
	if calls == 0 {
		return 0
	}
	for i, bound := range b.bounds {
		if n := b.counts[i] - min(then.upTo(bound), b.counts[i]); float64(n) >= percentile*float64(calls) {
			return bound
		}
	}
	return b.bounds[len(b.bounds)-1]
}

// sampling takes samples until Stop.
func (s *Server) sampling() {
	defer s.working.Done()
	every := s.history.rings[0].step
	tick := time.NewTicker(every)
	defer tick.Stop()
	restored := false
	for {
		if !restored && s.back.Ready() == nil {
			restored = true
			kept, err := s.back.Kept(s.stopping, historyPart)
			if err != nil && s.stopping.Err() == nil {
				s.back.Log("the admin page's plots begin anew: what was kept can not be read", err)
			}
			s.history.restore(kept)
		}
		if restored {
			s.takeSample()
		}
		select {
		case <-s.stopping.Done():
			if restored {
				last, cancel := context.WithTimeout(context.Background(), lastStore)
				s.storeSamples(last)
				cancel()
			}
			return
		case <-tick.C:
		}
		if restored && time.Since(s.history.stored) >= storeEvery {
			s.storeSamples(s.stopping)
		}
	}
}

func (s *Server) takeSample() {
	err := s.ask(func(c *conn) error {
		info, err := c.info("default")
		if err != nil {
			return err
		}
		histograms, err := c.do("LATENCY", "HISTOGRAM")
		if err != nil {
			return err
		}
		var parts []buckets
		all := buckets{bounds: timeBounds}
		histograms.pairs(func(_ string, h *value) { parts = append(parts, bucketsOf(h)) })
		sums := addUp(parts)
		for _, p := range parts {
			all.calls += p.calls
		}
		for _, bound := range timeBounds {
			all.counts = append(all.counts, sums[bound])
		}
		s.history.note(time.Now(), info, all)
		return nil
	})
	if err != nil && s.stopping.Err() == nil {
		s.back.Log("the admin page could not take a sample", err)
	}
}

// storeSamples keeps what is new. What can not be stored while the disk is full is gone after a restart, no more.
func (s *Server) storeSamples(ctx context.Context) {
	s.history.stored = time.Now()
	if values := s.history.unstored(); len(values) > 0 && s.back.Ready() == nil {
		if err := s.back.Keep(ctx, historyPart, values); err != nil {
			s.back.Log("the admin page's samples could not be stored", err)
		}
	}
}

// samples gives the plots a ring's figures as JSON: a list of times, in unix seconds, and one for each figure.
func (l *look) samples() error {
	if _, err := l.c.do("INFO", "server"); err != nil {
		return err
	}
	h := l.s.history
	h.mu.Lock()
	var chosen *ring
	for _, r := range h.rings {
		if r.name == l.r.FormValue("span") {
			chosen = r
		}
	}
	if chosen == nil {
		h.mu.Unlock()
		return refusal{http.StatusBadRequest, "span is hour, day or month"}
	}
	recent := chosen.recent(time.Now().UnixMilli())
	h.mu.Unlock()
	out := map[string][]float64{"at": {}}
	for _, name := range figureNames {
		out[name] = []float64{}
	}
	for _, s := range recent {
		out["at"] = append(out["at"], float64(s.at)/1000)
		for i, v := range s.figures {
			out[figureNames[i]] = append(out[figureNames[i]], float64(v))
		}
	}
	l.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(l.w).Encode(out)
}

package resp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func latencyHistory(cl *client, c *call) Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	e := l.events[c.str(2)]
	if e == nil {
		return array()
	}
	samples := make([]Reply, len(e.samples))
	for i, s := range e.samples {
		samples[i] = array(integer(s.at), integer(s.millis))
	}
	return array(samples...)
}

func latencyLatest(cl *client, _ *call) Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	var latest []Reply
	for _, name := range slices.Sorted(maps.Keys(l.events)) {
		e := l.events[name]
		last := e.samples[len(e.samples)-1]
		latest = append(latest, array(bulkString(name), integer(last.at), integer(last.millis), integer(e.max)))
	}
	return array(latest...)
}

// latencyReset forgets the named events, or all, and says how many there were.
func latencyReset(cl *client, c *call) Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	n := len(l.events)
	if len(c.args) == 2 {
		l.events = nil
		return integer(n)
	}
	for _, name := range c.args[2:] {
		delete(l.events, string(name))
	}
	return integer(n - len(l.events))
}

func latencyGraph(cl *client, c *call) Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	e := l.events[c.str(2)]
	if e == nil {
		return errorReply(oneLine("ERR No samples available for event '" + c.str(2) + "'"))
	}
	return verbatim(e.graph(c.str(2), c.now/1000))
}

// latencyAdvice says what to do about an event.
var latencyAdvice = map[string]string{
	eventCommand:     "Commands that walk over much data hold up all others: SLOWLOG GET names them. Use SCAN for KEYS, ranges for whole collections.",
	eventFastCommand: "Commands that should be fast were not: the machine is short of processor time, or memory is being swapped.",
	eventExpire:      "Many keys expire in the same moment: spread their deadlines.",
	eventFsync:       "The disk takes long to make a commit durable, and with appendfsync always clients wait for it: use a faster disk, or everysec.",
	eventWrite:       "The disk takes long to accept a commit: something else keeps it busy, or it is full.",
	eventLoad:        "Keys that are in use have to be read from disk: a larger maxmemory keeps more of them at hand.",
}

func latencyDoctor(cl *client, c *call) Reply {
	if !cl.srv.watchesLatency() {
		return verbatim(`Latency is not watched on this server. "CONFIG SET latency-monitor-threshold <milliseconds>" begins to.` + "\n")
	}
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	if len(l.events) == 0 {
		return verbatim("Nothing has taken latency-monitor-threshold or longer.\n")
	}
	var report, advice strings.Builder
	for i, name := range slices.Sorted(maps.Keys(l.events)) {
		e := l.events[name]
		f := e.figures(c.now / 1000)
		fmt.Fprintf(&report, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, name, len(e.samples), f.mean, f.deviation, f.period, e.max)
		fmt.Fprintf(&advice, "- %s\n", latencyAdvice[name])
	}
	return verbatim(report.String() + "\n" + advice.String())
}

// latencyHistogram describes the named commands, or all; a container stands for its subcommands.
func latencyHistogram(cl *client, c *call) Reply {
	t := cl.srv.table
	var found []Reply
	add := func(r *row) {
		if h, calls := r.stats.times.Load(), r.stats.calls.Load(); h != nil && calls > 0 {
			var steps []Reply
			for _, s := range h.Steps(calls) {
				steps = append(steps, integer(s.Micros), integer(s.Calls))
			}
			found = append(found, bulkString(r.full), mapOf(bulkString("calls"), integer(calls), bulkString("histogram_usec"), mapOf(steps...)))
		}
	}
	if len(c.args) == 2 {
		t.each(add)
		return mapOf(found...)
	}
	for _, name := range c.args[2:] {
		if r := t.find(string(name)); r != nil {
			add(r)
			for _, sub := range r.subs {
				add(sub)
			}
		}
	}
	return mapOf(found...)
}

// infoLatencystats gives percentiles of the commands' times, in microseconds.
func infoLatencystats(t *infoText, r *infoReport) {
	percentiles := r.s.cfg.Words("latency-tracking-info-percentiles")
	if !r.s.looks.tracking.Load() || len(percentiles) == 0 {
		return
	}
	r.s.table.each(func(row *row) {
		h := row.stats.times.Load()
		if h == nil || h.Total() == 0 {
			return
		}
		shown := make([]string, len(percentiles))
		for i, p := range percentiles {
			percent, _ := strconv.ParseFloat(p, 64) // CONFIG SET took it
			shown[i] = fmt.Sprintf("p%s=%.3f", p, float64(h.Percentile(percent))/1000)
		}
		t.line("latency_percentiles_usec_"+row.full, strings.Join(shown, ","))
	})
}

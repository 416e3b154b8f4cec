package resp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"diskette/resp/command"
)

func latencyRows() []*command.Row {
	return []*command.Row{
		{Name: "latency", Arity: -2,
			Group: "server", Since: "2.8.13", Doc: "Tells what took long, and how long commands take.", Subs: []*command.Row{
				{Name: "doctor", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(latencyDoctor),
					Since: "2.8.13", Tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
					Doc: "Explains what took long and what to do about it."},
				{Name: "graph", Arity: 3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(latencyGraph),
					Since: "2.8.13", Tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
					Usage: "<event>", Args: "event", Doc: "Draws an event's samples."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "2.8.13", Doc: "Explains the subcommands."},
				{Name: "histogram", Arity: -2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale,
					Conn:  onClient(latencyHistogram),
					Since: "7.0.0", Tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
					Usage: "[<command> ...]", Args: "[command...]", Cost: "O(N) in the number of commands",
					Doc: "Tells how the times of commands are distributed."},
				{Name: "history", Arity: 3, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(latencyHistory),
					Since: "2.8.13", Tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
					Usage: "<event>", Args: "event", Doc: "Returns an event's samples."},
				{Name: "latest", Arity: 2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(latencyLatest),
					Since: "2.8.13", Tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
					Doc: "Returns the latest sample of each event, and its worst."},
				{Name: "reset", Arity: -2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(latencyReset),
					Since: "2.8.13", Tips: "request_policy:all_nodes response_policy:agg_sum", Usage: "[<event> ...]",
					Args: "[event...]", Doc: "Forgets the samples of events."},
			}},
	}
}

func latencyHistory(cl *client, c *command.Call) command.Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	e := l.events[c.Str(2)]
	if e == nil {
		return command.Array()
	}
	samples := make([]command.Reply, len(e.samples))
	for i, s := range e.samples {
		samples[i] = command.Array(command.Integer(s.at), command.Integer(s.millis))
	}
	return command.Array(samples...)
}

func latencyLatest(cl *client, _ *command.Call) command.Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	var latest []command.Reply
	for _, name := range slices.Sorted(maps.Keys(l.events)) {
		e := l.events[name]
		last := e.samples[len(e.samples)-1]
		latest = append(latest, command.Array(command.BulkString(name), command.Integer(last.at), command.Integer(last.millis), command.Integer(e.max)))
	}
	return command.Array(latest...)
}

// latencyReset forgets the named events, or all, and says how many there were.
func latencyReset(cl *client, c *command.Call) command.Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	n := len(l.events)
	if len(c.Args) == 2 {
		l.events = nil
		return command.Integer(n)
	}
	for _, name := range c.Args[2:] {
		delete(l.events, string(name))
	}
	return command.Integer(n - len(l.events))
}

func latencyGraph(cl *client, c *command.Call) command.Reply {
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	e := l.events[c.Str(2)]
	if e == nil {
		return command.ErrorReply(command.OneLine("ERR No samples available for event '" + c.Str(2) + "'"))
	}
	return command.Verbatim(e.graph(c.Str(2), c.Now/1000))
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

func latencyDoctor(cl *client, c *command.Call) command.Reply {
	if !cl.srv.watchesLatency() {
		return command.Verbatim(`Latency is not watched on this server. "CONFIG SET latency-monitor-threshold <milliseconds>" begins to.` + "\n")
	}
	l := &cl.srv.latencies
	l.Lock()
	defer l.Unlock()
	if len(l.events) == 0 {
		return command.Verbatim("Nothing has taken latency-monitor-threshold or longer.\n")
	}
	var report, advice strings.Builder
	for i, name := range slices.Sorted(maps.Keys(l.events)) {
		e := l.events[name]
		f := e.figures(c.Now / 1000)
		fmt.Fprintf(&report, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, name, len(e.samples), f.mean, f.deviation, f.period, e.max)
		fmt.Fprintf(&advice, "- %s\n", latencyAdvice[name])
	}
	return command.Verbatim(report.String() + "\n" + advice.String())
}

// latencyHistogram describes the named commands, or all; a container stands for its subcommands.
func latencyHistogram(cl *client, c *command.Call) command.Reply {
	t := cl.srv.table
	var found []command.Reply
	add := func(r *command.Row) {
		if h, calls := r.Stats.Times.Load(), r.Stats.Calls.Load(); h != nil && calls > 0 {
			var steps []command.Reply
			for _, s := range h.Steps(calls) {
				steps = append(steps, command.Integer(s.Micros), command.Integer(s.Calls))
			}
			found = append(found, command.BulkString(r.Full), command.MapOf(command.BulkString("calls"), command.Integer(calls), command.BulkString("histogram_usec"), command.MapOf(steps...)))
		}
	}
	if len(c.Args) == 2 {
		t.Each(add)
		return command.MapOf(found...)
	}
	for _, name := range c.Args[2:] {
		if r := cl.srv.called.Find(string(name)); r != nil {
			add(r)
			for _, sub := range r.Subs {
				add(sub)
			}
		}
	}
	return command.MapOf(found...)
}

// infoLatencystats gives percentiles of the commands' times, in microseconds.
func infoLatencystats(t *infoText, r *infoReport) {
	percentiles := r.s.cfg.Words("latency-tracking-info-percentiles")
	if !r.s.timing.tracking.Load() || len(percentiles) == 0 {
		return
	}
	r.s.table.Each(func(row *command.Row) {
		h := row.Stats.Times.Load()
		if h == nil || h.Total() == 0 {
			return
		}
		shown := make([]string, len(percentiles))
		for i, p := range percentiles {
			percent, _ := strconv.ParseFloat(p, 64) // CONFIG SET took it
			shown[i] = fmt.Sprintf("p%s=%.3f", p, float64(h.Percentile(percent))/1000)
		}
		t.line("latency_percentiles_usec_"+row.Full, strings.Join(shown, ","))
	})
}

package resp

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"diskette/resp/command"
	"diskette/resp/internal/machine"
	"diskette/store"
)

func memoryRows() []*command.Row {
	return []*command.Row{
		{Name: "memory", Arity: -2,
			Group: "server", Since: "4.0.0", Doc: "Tells about memory.", Subs: []*command.Row{
				{Name: "malloc-stats", Arity: 2, Conn: onClient(memoryMallocStats),
					Since: "4.0.0", Tips: "nondeterministic_output request_policy:all_shards response_policy:special",
					Doc: "Reports on the Go heap."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "4.0.0", Doc: "Explains the subcommands."},
				{Name: "purge", Arity: 2, Conn: onClient(memoryPurge),
					Since: "4.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
					Doc: "Gives unused memory back to the system."},
				{Name: "doctor", Arity: 2, Conn: onClient(memoryDoctor),
					Since: "4.0.0", Tips: "nondeterministic_output request_policy:all_shards response_policy:special",
					Doc: "Looks for memory problems."},
				{Name: "usage", Arity: -3, Flags: command.Readonly, Keys: command.AtFirst(store.NeedHead, command.Shapes(command.KeyAt(2, "RO"))), Read: memoryUsage,
					Since: "4.0.0", Usage: "<key> [SAMPLES <count>]", Args: "key [SAMPLES count]",
					Doc: "Returns what a key takes in memory."},
				{Name: "stats", Arity: 2, Conn: onClient(memoryStats),
					Since: "4.0.0", Tips: "nondeterministic_output request_policy:all_shards response_policy:special",
					Cost: "O(N) in the number of databases", Doc: "Reports on memory."},
			}},
	}
}

// memoryUsage counts exactly, so SAMPLES changes nothing.
func memoryUsage(v *store.View, c *command.Call) command.Reply {
	for i := 3; i < len(c.Args); i += 2 {
		if !c.Is(i, "samples") || i+1 == len(c.Args) {
			return command.ErrSyntax
		}
		n, ok := c.Int(i + 1)
		if !ok {
			return command.ErrNotInteger
		}
		if n < 0 {
			return command.ErrSyntax
		}
	}
	switch v.PeekType(c.Args[2]) {
	case store.None, store.TypeString:
	default:
		if !c.Has(v, c.Args[2], store.NeedShape) {
			return command.ReplyLoad
		}
	}
	if bytes, ok := v.MemoryBytes(c.Args[2]); ok {
		return command.Integer(bytes)
	}
	return command.ReplyNull
}

func memoryStats(cl *client, c *command.Call) command.Reply {
	s := cl.srv
	var dbs []store.DatabaseStats
	var lua luaStats
	st, err := s.store.Stats(c.Locked)
	if err == nil {
		err = s.store.Look(c.Locked, func() {
			dbs, cl.CallSeen = s.databases(c.Now)
			lua = s.luaStats()
		})
	}
	if err != nil {
		return s.host.NotSeen(err)
	}
	var keys int64
	for _, db := range dbs {
		keys += db.Keys
	}
	m := machine.ReadProcess()
	peak := s.sampler.noteMemory(m.Used)
	var elems []command.Reply
	put := func(name string, value command.Reply) { elems = append(elems, command.BulkString(name), value) }
	put("peak.allocated", command.Integer(peak))
	put("total.allocated", command.Integer(m.Used))
	put("startup.allocated", command.Integer(s.sampler.startup(m.Used, st.HotBytes)))
	backlog, _, ofReplicas := s.replicas.memory()
	put("replication.backlog", command.Integer(backlog))
	put("clients.slaves", command.Integer(ofReplicas))
	put("clients.normal", command.Integer(s.clientsMemory()))
	put("cluster.links", command.ReplyZero)
	put("lua.caches", command.Integer(lua.scriptBytes))
	put("functions.caches", command.Integer(lua.libraryBytes))
	for db, d := range dbs {
		if d.Overhead > 0 { // deadlines stand in the keys' own structures
			put("db."+strconv.Itoa(db), command.MapOf(command.BulkString("overhead.hashtable.main"), command.Integer(d.Overhead),
				command.BulkString("overhead.hashtable.expires"), command.ReplyZero))
		}
	}
	put("overhead.total", command.Integer(max(0, m.Used-st.HotBytes)))
	put("keys.count", command.Integer(keys))
	put("keys.bytes-per-key", command.Integer(st.HotBytes/max(1, st.HotObjects)))
	put("dataset.bytes", command.Integer(st.HotBytes))
	put("dataset.percentage", command.Double(100*ratio(st.HotBytes, m.Used)))
	put("peak.percentage", command.Double(100*ratio(m.Used, peak)))
	put("allocator.allocated", command.Integer(m.Objects))
	put("allocator.active", command.Integer(m.Active))
	put("allocator.resident", command.Integer(m.Resident))
	put("allocator-fragmentation.ratio", command.Double(ratio(m.Active, m.Objects)))
	put("allocator-fragmentation.bytes", command.Integer(m.Active-m.Objects))
	put("allocator-rss.ratio", command.Double(ratio(m.Resident, m.Active)))
	put("allocator-rss.bytes", command.Integer(m.Resident-m.Active))
	put("rss-overhead.ratio", command.Double(ratio(m.RSS, m.Resident)))
	put("rss-overhead.bytes", command.Integer(m.RSS-m.Resident))
	put("fragmentation", command.Double(ratio(m.RSS, m.Used)))
	put("fragmentation.bytes", command.Integer(m.RSS-m.Used))
	put("hot.bytes", command.Integer(st.HotBytes))
	put("hot.objects", command.Integer(st.HotObjects))
	put("hot.limit", command.Integer(s.store.MaxMemory()))
	return command.MapOf(elems...)
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func memoryDoctor(cl *client, c *command.Call) command.Reply {
	st, err := cl.srv.store.Stats(c.Locked)
	if err != nil {
		return cl.NotSeen(err)
	}
	m, maxMemory := machine.ReadProcess(), cl.srv.cfg.MaxMemory.Load()
	limit := goMemoryLimit(maxMemory)
	var findings []string
	find := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	if m.RSS > limit+limit/4 {
		find("The process holds %s, more than maxmemory and its overhead account for (%s). Many connections, large replies or very large values do that. MEMORY PURGE gives free memory back.", humanBytes(m.RSS), humanBytes(limit))
	}
	if st.BacklogBytes > 256<<20 {
		find("Write-back is %s behind the journal: the disk is slower than the writes. Changed keys stay in memory until they are in the tables.", humanBytes(st.BacklogBytes))
	}
	if st.WriteBackError != "" || st.JournalError != "" || st.ReserveGone {
		find("Nothing can be written at present (INFO persistence and the log say why), so changed keys can not be unloaded.")
	}
	if b := cl.srv.store.Bounds(); b.Disk > 0 && st.UsedDisk > b.Disk {
		find("The data takes %s on disk, more than maxdisk (%s) allows. %d keys were evicted, %d commands refused (INFO bounds).",
			humanBytes(st.UsedDisk), humanBytes(b.Disk), st.EvictedKeys, cl.srv.bounds.refused.all.Load())
	}
	if lookups := st.Hits + st.Misses; lookups > 100_000 && st.Loads > lookups/5 {
		find("%.0f%% of the look-ups had to read the disk: what is in use is larger than maxmemory (%s). A larger maxmemory would speed it up.", 100*ratio(st.Loads, lookups), humanBytes(maxMemory))
	}
	if len(findings) == 0 {
		return command.Verbatim(fmt.Sprintf("Nothing to report: %d objects take %s of a maxmemory of %s; %s are in use, the process holds %s.\n",
			st.HotObjects, humanBytes(st.HotBytes), humanBytes(maxMemory), humanBytes(m.Used), humanBytes(m.RSS)))
	}
	return command.Verbatim(" * " + strings.Join(findings, "\n * ") + "\n")
}

// memoryPurge collects garbage and gives free memory back to the system.
func memoryPurge(_ *client, c *command.Call) command.Reply {
	if c.Locked {
		go debug.FreeOSMemory() // it takes time, and everybody waits for the lock
	} else {
		debug.FreeOSMemory()
	}
	return command.ReplyOK
}

func memoryMallocStats(*client, *command.Call) command.Reply {
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	m := machine.ReadProcess()
	var t infoText
	t.title("Go heap")
	t.line("objects", m.Objects)
	t.line("active", m.Active)
	t.line("resident", m.Resident)
	t.line("returned", m.Returned)
	t.line("stacks", m.Stacks)
	t.line("mapped", m.Mapped)
	t.line("collections", gc.NumGC)
	t.line("collection_pause_total_usec", gc.PauseTotal.Microseconds())
	return command.Verbatim(t.String())
}

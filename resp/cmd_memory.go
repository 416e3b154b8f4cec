package resp

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"diskette/store"
)

// memoryUsage counts exactly, so SAMPLES changes nothing.
func memoryUsage(v *store.View, c *call) Reply {
	for i := 3; i < len(c.args); i += 2 {
		if !c.is(i, "samples") || i+1 == len(c.args) {
			return errSyntax
		}
		n, ok := c.int(i + 1)
		if !ok {
			return errNotInteger
		}
		if n < 0 {
			return errSyntax
		}
	}
	switch v.PeekType(c.args[2]) {
	case store.None, store.TypeString:
	default:
		if !c.loadedWhole(v, c.args[2]) {
			return replyLoad
		}
	}
	if bytes, ok := v.MemoryBytes(c.args[2]); ok {
		return integer(bytes)
	}
	return replyNull
}

func memoryStats(cl *client, c *call) Reply {
	s := cl.srv
	var dbs []store.DatabaseStats
	var lua luaStats
	st, err := s.store.Stats(c.locked)
	if err == nil {
		err = s.store.Look(c.locked, func() {
			dbs, cl.callSeen = s.databases(c.now)
			lua = s.luaStats()
		})
	}
	if err != nil {
		return s.host.notSeen(err)
	}
	var keys int64
	for _, db := range dbs {
		keys += db.Keys
	}
	m := readMemory()
	peak := s.sampler.noteMemory(m.used)
	var elems []Reply
	put := func(name string, value Reply) { elems = append(elems, bulkString(name), value) }
	put("peak.allocated", integer(peak))
	put("total.allocated", integer(m.used))
	put("startup.allocated", integer(s.sampler.startBytes))
	put("replication.backlog", replyZero)
	put("clients.slaves", replyZero)
	put("clients.normal", integer(s.clientsMemory()))
	put("cluster.links", replyZero)
	put("lua.caches", integer(lua.scriptBytes))
	put("functions.caches", integer(lua.libraryBytes))
	for db, d := range dbs {
		if d.Overhead > 0 { // deadlines stand in the keys' own structures
			put("db."+strconv.Itoa(db), mapOf(bulkString("overhead.hashtable.main"), integer(d.Overhead),
				bulkString("overhead.hashtable.expires"), replyZero))
		}
	}
	put("overhead.total", integer(max(0, m.used-st.HotBytes)))
	put("keys.count", integer(keys))
	put("keys.bytes-per-key", integer(st.HotBytes/max(1, st.HotObjects)))
	put("dataset.bytes", integer(st.HotBytes))
	put("dataset.percentage", double(100*ratio(st.HotBytes, m.used)))
	put("peak.percentage", double(100*ratio(m.used, peak)))
	put("allocator.allocated", integer(m.objects))
	put("allocator.active", integer(m.active))
	put("allocator.resident", integer(m.resident))
	put("allocator-fragmentation.ratio", double(ratio(m.active, m.objects)))
	put("allocator-fragmentation.bytes", integer(m.active-m.objects))
	put("allocator-rss.ratio", double(ratio(m.resident, m.active)))
	put("allocator-rss.bytes", integer(m.resident-m.active))
	put("rss-overhead.ratio", double(ratio(m.rss, m.resident)))
	put("rss-overhead.bytes", integer(m.rss-m.resident))
	put("fragmentation", double(ratio(m.rss, m.used)))
	put("fragmentation.bytes", integer(m.rss-m.used))
	put("hot.bytes", integer(st.HotBytes))
	put("hot.objects", integer(st.HotObjects))
	put("hot.limit", integer(s.store.MaxMemory()))
	return mapOf(elems...)
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func memoryDoctor(cl *client, c *call) Reply {
	st, err := cl.srv.store.Stats(c.locked)
	if err != nil {
		return cl.notSeen(err)
	}
	m, maxMemory := readMemory(), cl.srv.cfg.MaxMemory.Load()
	limit := goMemoryLimit(maxMemory)
	var findings []string
	find := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	if m.rss > limit+limit/4 {
		find("The process holds %s, more than maxmemory and its overhead account for (%s). Many connections, large replies or very large values do that. MEMORY PURGE gives free memory back.", humanBytes(m.rss), humanBytes(limit))
	}
	if st.BacklogBytes > 256<<20 {
		find("Write-back is %s behind the journal: the disk is slower than the writes. Changed keys stay in memory until they are in the tables.", humanBytes(st.BacklogBytes))
	}
	if st.WriteBackError != "" || st.JournalError != "" || st.ReserveGone {
		find("Nothing can be written at present (INFO persistence and the log say why), so changed keys can not be unloaded.")
	}
	if lookups := st.Hits + st.Misses; lookups > 100_000 && st.Loads > lookups/5 {
		find("%.0f%% of the look-ups had to read the disk: what is in use is larger than maxmemory (%s). A larger maxmemory would speed it up.", 100*ratio(st.Loads, lookups), humanBytes(maxMemory))
	}
	if len(findings) == 0 {
		return verbatim(fmt.Sprintf("Nothing to report: %d objects take %s of a maxmemory of %s; %s are in use, the process holds %s.\n",
			st.HotObjects, humanBytes(st.HotBytes), humanBytes(maxMemory), humanBytes(m.used), humanBytes(m.rss)))
	}
	return verbatim(" * " + strings.Join(findings, "\n * ") + "\n")
}

// memoryPurge collects garbage and gives free memory back to the system.
func memoryPurge(_ *client, c *call) Reply {
	if c.locked {
		go debug.FreeOSMemory() // it takes time, and everybody waits for the lock
	} else {
		debug.FreeOSMemory()
	}
	return replyOK
}

func memoryMallocStats(*client, *call) Reply {
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	m := readMemory()
	var t infoText
	t.title("Go heap")
	t.line("objects", m.objects)
	t.line("active", m.active)
	t.line("resident", m.resident)
	t.line("returned", m.returned)
	t.line("stacks", m.stacks)
	t.line("mapped", m.mapped)
	t.line("collections", gc.NumGC)
	t.line("collection_pause_total_usec", gc.PauseTotal.Microseconds())
	return verbatim(t.String())
}

package resp

import (
	"fmt"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/store"
)

// infoSections are INFO's, in its order. A field stands here if clients, exporters or dashboards
// read it under that name and its value is true of this server; the rest of Redis's fields is left
// out rather than filled with zeros. What is always 0 below is
// so in truth: there are no forks, no defragmentation.
var infoSections = []struct {
	name, title string
	always      bool // in INFO without arguments; the others are in INFO all or everything
	write       func(*infoText, *infoReport)
}{
	{"server", "Server", true, infoServer},
	{"clients", "Clients", true, infoClients},
	{"memory", "Memory", true, infoMemory},
	{"persistence", "Persistence", true, infoPersistence},
	{"stats", "Stats", true, infoStats},
	{"replication", "Replication", true, infoReplication},
	{"cpu", "CPU", true, infoCPU},
	{"modules", "Modules", true, func(*infoText, *infoReport) {}},
	{"commandstats", "Commandstats", false, infoCommandstats},
	{"errorstats", "Errorstats", true, infoErrorstats},
	{"latencystats", "Latencystats", false, infoLatencystats},
	{"cluster", "Cluster", true, func(t *infoText, _ *infoReport) { t.line("cluster_enabled", 0) }},
	{"diskette", "Diskette", true, infoDiskette},
	{"bounds", "Bounds", true, infoBounds},
	{"keyspace", "Keyspace", true, infoKeyspace},
}

// infoReport is what the sections of one INFO tell about.
type infoReport struct {
	s         *Server
	now       time.Time
	store     store.Stats
	databases []store.DatabaseStats
	lua       luaStats
	loading   *Loading // nil = the server is at work
}

// info answers INFO [section ...]. Unknown sections give nothing.
func info(cl *client, c *command.Call) command.Reply {
	s := cl.srv
	r := infoReport{s: s, now: time.Now()}
	var err error
	if r.loading = s.loading.Load(); r.loading != nil {
		return s.infoWhileLoading(c, &r)
	}
	if r.store, err = s.store.Stats(c.Locked); err == nil {
		err = s.store.Look(c.Locked, func() {
			r.lua = s.luaStats()
			r.databases, cl.CallSeen = s.databases(c.Now)
		})
	}
	if err != nil {
		return s.host.NotSeen(err)
	}
	return r.tell(c, func(string) bool { return true })
}

// tell writes the sections that are wanted and that there are.
func (r *infoReport) tell(c *command.Call, there func(section string) bool) command.Reply {
	wanted := infoWanted(c.Args[1:])
	var t infoText
	for _, section := range infoSections {
		if there(section.name) && wanted(section.name, section.always) {
			t.title(section.title)
			section.write(&t, r)
		}
	}
	return command.Verbatim(t.String())
}

// infoWanted decides which sections the arguments ask for.
func infoWanted(args [][]byte) func(name string, always bool) bool {
	names := map[string]bool{}
	for _, a := range args {
		names[strings.ToLower(string(a))] = true
	}
	if len(args) == 0 {
		names["default"] = true
	}
	return func(name string, always bool) bool {
		return names["everything"] || names["all"] && name != "modules" || names["default"] && always || names[name]
	}
}

// databases describes all databases at now (unix ms), and says which LSN a reply about them must wait for: none
// while nothing can be written, since INFO has to answer then. The caller holds the keyspace lock.
func (s *Server) databases(now int64) (all []store.DatabaseStats, seen uint64) {
	if s.store.WriteError() == nil {
		seen = s.store.LastLocked()
	}
	return s.store.DatabaseStatsLocked(now), seen
}

// infoText is INFO's format: sections with a title, lines of name:value.
type infoText struct{ strings.Builder }

func (t *infoText) title(name string) {
	if t.Len() > 0 {
		t.WriteString("\r\n")
	}
	t.WriteString("# " + name + "\r\n")
}

func (t *infoText) line(name string, value any) { fmt.Fprintf(t, "%s:%v\r\n", name, value) }

func (t *infoText) linef(name, format string, args ...any) {
	fmt.Fprintf(t, "%s:"+format+"\r\n", append([]any{name}, args...)...)
}

// bytes writes a size in bytes, and again for people.
func (t *infoText) bytes(name string, n int64) {
	t.line(name, n)
	t.line(name+"_human", humanBytes(n))
}

// humanBytes writes a size as Redis does: 1023B, 1.00K, 2.50M.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	size, unit := float64(n)/1024, 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.2f%c", size, "KMGTP"[unit])
}

func okOr(failed bool) string {
	if failed {
		return "err"
	}
	return "ok"
}

func zeroOne(b bool) int {
	if b {
		return 1
	}
	return 0
}

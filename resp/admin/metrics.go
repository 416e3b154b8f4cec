package admin

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metrics answers a scrape with what the user may know.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request, c *conn) {
	p := scrape{s: s, c: c}
	if err := p.collect(); err != nil { // redis_up 0 would say that the server is down
		plain(w, http.StatusForbidden, "the user needs the permission to run INFO: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", expositionType)
	w.Write(p.exposition.encode())
}

// A scrape asks the server once.
type scrape struct {
	exposition
	s *Server
	c *conn
}

// collect asks the server. If it can not say anything, all there is is redis_up 0. An error is that the user may not
// ask.
func (p *scrape) collect() error {
	began := time.Now()
	info, err := p.c.info("everything")
	if noPermission(err) {
		return err
	}
	if err != nil {
		p.put("redis_up", "1 = the server has answered.", false, 0)
		return nil
	}
	p.put("redis_up", "1 = the server has answered.", false, 1)
	for _, figures := range [][]figure{redisFigures, ourFigures} {
		for _, f := range figures {
			if v := info.number(f.field); info.has(f.field) && (f.unknown == 0 || v != f.unknown) {
				p.put(f.name, f.help, f.counter, v*cmp.Or(f.scale, 1))
			}
		}
	}
	for _, f := range statusFigures {
		if info.has(f.field) {
			p.put(f.name, f.help, false, zeroOne(info.text[f.field] == "ok"))
		}
	}
	p.instance(info)
	p.databases(info)
	p.bounds(info)
	p.caches()
	p.commands(info)
	p.latencies(info)
	p.slow()
	p.put("diskette_scrape_duration_seconds", "How long the server took to tell all this.", false, time.Since(began).Seconds())
	return nil
}

func zeroOne(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// instance tells what has no number.
func (p *scrape) instance(info *report) {
	t := info.text
	p.put("redis_instance_info", "What the server is.", false, 1, "role", t["role"], "redis_version", t["redis_version"],
		"redis_build_id", t["redis_build_id"], "redis_mode", t["redis_mode"], "os", t["os"],
		"maxmemory_policy", t["maxmemory_policy"], "tcp_port", t["tcp_port"], "run_id", t["run_id"],
		"process_id", t["process_id"])
	p.put("diskette_info", "Diskette's own version.", false, 1, "version", t["diskette_version"])
	now := info.number("server_time_usec") / 1e6
	p.put("redis_start_time_seconds", "When the server was started.", false, float64(int64(now-info.number("uptime_in_seconds"))))
	if t["role"] == "slave" {
		p.put("redis_master_link_up", "1 = the stream of the master comes in.", false,
			zeroOne(t["master_link_status"] == "up"), "master_host", t["master_host"], "master_port", t["master_port"])
		p.put("redis_master_sync_in_progress", "1 = the master's data is being copied.", false,
			info.number("master_sync_in_progress"), "master_host", t["master_host"], "master_port", t["master_port"])
		p.put("redis_master_last_io_seconds_ago", "Since when nothing has come from the master.", false,
			info.number("master_last_io_seconds_ago"), "master_host", t["master_host"], "master_port", t["master_port"])
	}
	for _, d := range diskFields {
		if info.has(d.field) {
			p.put("diskette_disk_bytes", "What is on disk, by kind of file.", false, info.number(d.field), "part", d.part)
		}
	}
	for _, d := range denialFields {
		p.put("diskette_acl_denials_total", "What users were not allowed to do.", true, info.number(d.field), "reason", d.reason)
	}
	for _, e := range info.lists["errorstats"] { // two words may be the same text: then put adds them up
		p.put("redis_errors_total", "Error replies by their first word.", true, e.number("count"), "err",
			strings.TrimPrefix(e.name, "errorstat_"))
	}
}

// databases also tells of empty ones, as redis_exporter does.
func (p *scrape) databases(info *report) {
	there := map[string]item{}
	for _, db := range info.lists["keyspace"] {
		there[db.name] = db
	}
	count := len(there)
	if v, err := p.c.do("CONFIG", "GET", "databases"); err == nil {
		v.pairs(func(_ string, v *value) { count = int(min(v.int(), 1024)) })
	}
	for n := range count {
		if name := dbName(n); there[name].fields == nil {
			there[name] = item{name: name}
		}
	}
	for name, db := range there {
		p.put("redis_db_keys", "Keys of a database.", false, db.number("keys"), "db", name)
		p.put("redis_db_keys_expiring", "Keys with a deadline.", false, db.number("expires"), "db", name)
		if db.fields != nil {
			p.put("redis_db_avg_ttl_seconds", "How long keys with a deadline have left, in the mean.", false,
				db.number("avg_ttl")/1000, "db", name)
		}
	}
}

// bounds are those of single databases.
func (p *scrape) bounds(info *report) {
	for _, db := range info.lists["bounds"] {
		name := strings.TrimPrefix(db.name, "bound_")
		p.put("diskette_db_disk_bytes", "About what a database with a bound takes on disk.", false, db.number("used"), "db", name)
		p.put("diskette_db_disk_limit_bytes", "The bound of a database, in bytes; 0 = it has none.", false, db.number("maxdisk"), "db", name)
		p.put("diskette_db_evicted_keys_total", "Keys of a database that were evicted.", true, db.number("evicted"), "db", name)
	}
}

func dbName(n int) string { return "db" + strconv.Itoa(n) }

func (p *scrape) commands(info *report) {
	for _, cmd := range info.lists["commandstats"] {
		name := strings.TrimPrefix(cmd.name, "cmdstat_")
		p.put("redis_commands_total", "Calls of a command.", true, cmd.number("calls"), "cmd", name)
		p.put("redis_commands_duration_seconds_total", "Time of a command, of a sample of its calls, scaled to all.", true,
			cmd.number("usec")/1e6, "cmd", name)
		p.put("redis_commands_rejected_calls_total", "Calls that did not run.", true, cmd.number("rejected_calls"), "cmd", name)
		p.put("redis_commands_failed_calls_total", "Calls that failed.", true, cmd.number("failed_calls"), "cmd", name)
	}
	calls := map[string]item{}
	for _, cmd := range info.lists["commandstats"] {
		calls[strings.TrimPrefix(cmd.name, "cmdstat_")] = cmd
	}
	for _, cmd := range info.lists["latencystats"] {
		name := strings.TrimPrefix(cmd.name, "latency_percentiles_usec_")
		quantiles := map[float64]float64{}
		for p, text := range cmd.fields {
			if q, err := strconv.ParseFloat(strings.TrimPrefix(p, "p"), 64); err == nil {
				quantiles[q] = parseFloat(text)
			}
		}
		p.summary("redis_latency_percentiles_usec", "Microseconds of a command.", calls[name].number("calls"), calls[name].number("usec"),
			quantiles, "cmd", name)
	}
}

// families are the groups that commands belong to: string, hash, server. They never change.
type families struct {
	mu sync.Mutex
	of map[string]string
}

// known asks for them once, from somebody who may.
func (f *families) known(c *conn) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		docs, err := c.do("COMMAND", "DOCS")
		if err != nil {
			return nil
		}
		f.of = map[string]string{}
		docs.pairs(func(name string, doc *value) { f.of[name] = doc.field("group").text })
	}
	return f.of
}

// latencies adds up LATENCY HISTOGRAM by family: its buckets are counts from zero up to a bound.
func (p *scrape) latencies(info *report) {
	families := p.s.families.known(p.c)
	histograms, err := p.c.do("LATENCY", "HISTOGRAM")
	if err != nil || families == nil {
		return
	}
	type sum struct {
		calls   uint64
		seconds float64
		parts   []buckets
	}
	sums := map[string]*sum{}
	histograms.pairs(func(name string, h *value) {
		container, _, _ := strings.Cut(name, "|")
		family := cmp.Or(families[container], "other")
		if sums[family] == nil {
			sums[family] = &sum{}
		}
		b := bucketsOf(h)
		sums[family].parts = append(sums[family].parts, b)
		sums[family].calls += b.calls
	})
	for _, cmd := range info.lists["commandstats"] {
		container, _, _ := strings.Cut(strings.TrimPrefix(cmd.name, "cmdstat_"), "|")
		if of := sums[cmp.Or(families[container], "other")]; of != nil {
			of.seconds += cmd.number("usec") / 1e6
		}
	}
	for family, s := range sums {
		p.histogram("diskette_command_duration_seconds", "Time of commands by family, of a sample of the calls, scaled to all.",
			s.calls, s.seconds, addUp(s.parts), "family", family)
	}
}

// buckets is one command's histogram.
type buckets struct {
	calls  uint64
	bounds []float64 // seconds, ascending
	counts []uint64  // of the calls that took no longer
}

func bucketsOf(h *value) (b buckets) {
	b.calls = uint64(h.field("calls").int())
	h.field("histogram_usec").pairs(func(bound string, n *value) {
		b.bounds = append(b.bounds, parseFloat(bound)/1e6)
		b.counts = append(b.counts, uint64(n.int()))
	})
	return b
}

// upTo is how many calls took no longer than a bound.
func (b *buckets) upTo(bound float64) uint64 {
	at, exact := slices.BinarySearch(b.bounds, bound)
	if exact {
		return b.counts[at]
	}
	if at == 0 {
		return 0
	}
	return b.counts[at-1]
}

// timeBounds are the buckets of our histogram, in seconds: every other of the server's, which are a bit above the
// powers of two. They are the same at each scrape, whatever was counted.
var timeBounds = []float64{1e-6, 4e-6, 16e-6, 68e-6, 272e-6, 1088e-6, 4352e-6, 17408e-6, 69632e-6, 278528e-6, 1.114112, 4.456448}

// addUp adds histograms.
func addUp(parts []buckets) map[float64]uint64 {
	sums := map[float64]uint64{}
	for _, bound := range timeBounds {
		for i := range parts {
			sums[bound] += parts[i].upTo(bound)
		}
	}
	return sums
}

func (p *scrape) slow() {
	if v, err := p.c.do("SLOWLOG", "LEN"); err == nil {
		p.put("redis_slowlog_length", "Entries of the slow log.", false, float64(v.int()))
	}
	if v, err := p.c.do("SLOWLOG", "GET", "1"); err == nil {
		id, micros := int64(0), int64(0)
		if len(v.elems) > 0 && len(v.elems[0].elems) > 2 {
			id, micros = v.elems[0].elems[0].int(), v.elems[0].elems[2].int()
		}
		p.put("redis_slowlog_last_id", "The id of the newest entry of the slow log.", false, float64(id))
		p.put("redis_last_slow_execution_duration_seconds", "How long the newest entry of the slow log took.", false, float64(micros)/1e6)
	}
	if v, err := p.c.do("LATENCY", "LATEST"); err == nil {
		for _, e := range v.elems {
			if len(e.elems) == 4 {
				p.put("redis_latency_spike_last", "When the newest sample of a latency event was.", false, float64(e.elems[1].int()), "event_name", e.elems[0].text)
				p.put("redis_latency_spike_duration_seconds", "How long the newest sample of a latency event took.", false, float64(e.elems[2].int())/1000, "event_name", e.elems[0].text)
			}
		}
	}
}

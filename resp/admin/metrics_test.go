package admin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testport"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// fill gives the server something to tell of.
func fill(s *subject) {
	s.do("CONFIG", "SET", "maxdisk-db", "0 100mb")
	s.do("SET", "a", "1")
	s.do("SET", "b", "1", "EX", "1000")
	s.do("GET", "a")
	s.do("GET", "none")
	s.do("MSET", "user:1:name", "x", "user:2:name", "y", "a\"b\\\n\xff:1", "z")
	s.do("GET", "user:1:name")
	s.do("GET", "user:none")
	s.do("SELECT", "3")
	s.do("RPUSH", "list", "1", "2")
	s.conn.do("SET", "list")
	s.conn.do("HGET", "list", "x")
	s.do("SELECT", "0")
	s.do("CONFIG", "SET", "latency-monitor-threshold", "1")
	s.do("CONFIG", "SET", "slowlog-log-slower-than", "5000")
	s.do("DEBUG", "SLEEP", "0.01")
	s.do("CONFIG", "SET", "latency-monitor-threshold", "10000", "slowlog-log-slower-than", "-1")
}

func TestMetricsFollowTheRulesOfPrometheus(t *testing.T) {
	s := start(t, t.TempDir(), "--enable-debug-command", "yes")
	fill(s)
	_, body := s.get(nil, "/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "redis_") { // redis_exporter has chosen the name, and dashboards know it
			continue
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, want := range []string{`redis_db_keys{db="db3"} 1`, `redis_db_keys_expiring{db="db0"} 1`, `redis_db_keys{db="db15"} 0`,
		`redis_commands_total{cmd="get"} 4`, `redis_commands_total{cmd="config|set"} 4`, `redis_keyspace_hits_total 3`,
		`redis_errors_total{err="WRONGTYPE"} 1`, `redis_commands_rejected_calls_total{cmd="set"} 1`,
		`diskette_command_duration_seconds_bucket{family="string",le="+Inf"}`, `redis_slowlog_length `,
		`redis_latency_spike_duration_seconds{event_name="command"}`, `diskette_disk_bytes{part="database"}`,
		`diskette_db_disk_limit_bytes{db="db0"} 1.048576e+08`, `diskette_prefix_keys{db="db0",prefix="user:"} 2`,
		`diskette_prefix_hits_total{db="db0",prefix="user:"} 1`, `diskette_prefix_misses_total{db="db0",prefix="user:"} 1`,
		`diskette_prefix_sets_total{db="db0",prefix="user:"} 2`, `diskette_prefix_keys{db="db0",prefix="(none)"} 2`,
		`diskette_prefix_keys{db="db0",prefix="a\"b\\\n?:"} 1`, `diskette_prefix_bytes{db="db3",prefix="(none)"} `} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// What is not known is no 0.
func TestAMetricThatIsNotKnownIsNotThere(t *testing.T) {
	s := start(t, t.TempDir())
	s.do("SET", "a", "1")
	s.do("SELECT", "3")
	s.do("SET", "a", "1")
	s.do("DEL", "a")
	_, body := s.get(nil, "/metrics")
	for name, there := range map[string]bool{`diskette_cache_mean_age_seconds{db="db0"} `: true,
		`diskette_cache_bytes{db="db3"} 0`: true, `diskette_cache_mean_age_seconds{db="db3"} `: false,
		"diskette_evicted_bytes_total 0": true, "diskette_evicted_age_seconds ": false} {
		if strings.Contains(body, "\n"+name) != there {
			t.Errorf("%s: want %v", name, there)
		}
	}
}

// However many prefixes clients think of, a scrape has a bounded number of them: those of the most bytes. A user has
// those that he may read.
func TestMetricsAreOfSomePrefixes(t *testing.T) {
	s := start(t, t.TempDir())
	for db := range 3 {
		s.do("SELECT", strconv.Itoa(db))
		for n := range mostScraped {
			s.do("SET", fmt.Sprintf("small%d:x", n), "1")
		}
		s.do("SET", "large:x", strings.Repeat("x", 10_000))
	}
	_, body := s.get(nil, "/metrics")
	if n := strings.Count(body, "\ndiskette_prefix_bytes{"); n != mostScraped {
		t.Errorf("%d prefixes", n)
	}
	if n := strings.Count(body, `prefix="large:"`); n != 3*len(prefixCounts) {
		t.Errorf("%d figures of the largest ones", n)
	}
	s.do("ACL", "SETUSER", "ann", "on", ">word", "~large:*", "+info", "+cache", "+select")
	_, body = s.get(s.logIn("ann", "word"), "/metrics")
	if !strings.Contains(body, `diskette_prefix_keys{db="db1",prefix="large:"} 1`) || strings.Contains(body, `prefix="small`) {
		t.Errorf("who may read large: alone:\n%s", body)
	}
}

// A name that INFO does not have would be a metric that is never there.
func TestEveryFigureIsInInfoAndEveryNumberOfOursIsAFigure(t *testing.T) {
	s := start(t, t.TempDir())
	info, err := s.conn.info("everything")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range slices.Concat(redisFigures, ourFigures, statusFigures) {
		known[f.field] = true
		if !info.has(f.field) {
			t.Errorf("%s: INFO has no %s", f.name, f.field)
		}
	}
	for _, d := range diskFields {
		known[d.field] = true
	}
	for _, field := range []string{"database_bytes", "wal_bytes", "journal_bytes", "used_disk"} {
		known[field] = true
	}
	ours, err := s.conn.info("diskette", "bounds")
	if err != nil {
		t.Fatal(err)
	}
	if len(ours.text) < 30 {
		t.Errorf("INFO has %d fields", len(ours.text))
	}
	for field, value := range ours.text {
		if _, err := strconv.ParseFloat(value, 64); err == nil && !known[field] {
			t.Errorf("INFO's %s:%s is no figure", field, value)
		}
	}
}

func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../grafana/diskette.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	s := start(t, t.TempDir(), "--enable-debug-command", "yes")
	fill(s)
	_, body := s.get(nil, "/metrics")
	asked := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			for _, name := range regexp.MustCompile(`(redis|diskette)_\w+`).FindAllString(target.Expr, -1) {
				if asked++; !strings.Contains(body, "\n"+name+"{") && !strings.Contains(body, "\n"+name+" ") {
					t.Errorf("there is no %s", name)
				}
			}
		}
	}
	for _, bound := range []string{"diskette_disk_limit_bytes", "diskette_db_disk_bytes", "diskette_db_disk_limit_bytes",
		"diskette_refused_for_room_total", "diskette_full_databases", "diskette_prefix_bytes", "diskette_prefix_hits_total",
		"diskette_prefix_misses_total"} {
		if !strings.Contains(string(text), bound+"{") {
			t.Errorf("no panel shows %s", bound)
		}
	}
	if asked < 30 {
		t.Errorf("the dashboard asks for %d metrics", asked)
	}
}

func TestErrorsWithStrangeWordsAreMetricsAllTheSame(t *testing.T) {
	s := start(t, t.TempDir())
	s.conn.do("EVAL", "return redis.error_reply('\xff\xfe\"{}= x')", "0")
	if status, body := s.get(nil, "/metrics"); status != 200 || !strings.Contains(body, "redis_errors_total{err=") {
		t.Errorf("%d\n%s", status, body)
	}
}

func TestErrorsWhoseWordsAreAlikeAreOneMetric(t *testing.T) {
	s := start(t, t.TempDir())
	for _, word := range []string{"one:a", "one#a", "two\xff", "two\xfe"} {
		s.conn.do("EVAL", "return redis.error_reply('"+word+" x')", "0")
	}
	status, body := s.get(nil, "/metrics")
	for _, want := range []string{`redis_errors_total{err="one_a"} 2`, `redis_errors_total{err="two?"} 2`} {
		if !strings.Contains(body, "\n"+want+"\n") {
			t.Errorf("%d: there is no %s in\n%s", status, want, body)
		}
	}
}

// What Prometheus's own parser reads is what was put in.
func FuzzExposition(f *testing.F) {
	f.Add("plain", "help", 1.5)
	f.Add("\"quoted\\\n", "two\nlines \\ and \"quotes\"", math.Inf(1))
	f.Add("\xff\x00}{,=", "", -1e-300)
	f.Fuzz(func(t *testing.T, label, help string, value float64) {
		help = strings.ToValidUTF8(help, "?") // ours are texts of the program
		if help != strings.TrimSpace(help) {
			return // the parser trims it
		}
		var e exposition
		e.put("a_total", help, true, value, "label", label, "other", "x")
		e.put("b", help, false, value)
		e.summary("c", help, 3, 4.5, map[float64]float64{0.5: value, 0.99: 7}, "label", label)
		e.histogram("d", help, 9, 1e9, map[float64]uint64{0.001: 4, 4: 7}, "label", label)
		parser := expfmt.NewTextParser(model.UTF8Validation)
		read, err := parser.TextToMetricFamilies(bytes.NewReader(e.encode()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, e.encode())
		}
		same := func(what string, got, want any) {
			t.Helper()
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s is %v, not %v, in\n%s", what, got, want, e.encode())
			}
		}
		same("how many there are", len(read), 4)
		a := read["a_total"]
		same("its type", a.GetType(), "COUNTER")
		same("its help", a.GetHelp(), help)
		same("its value", a.Metric[0].GetCounter().GetValue(), value)
		same("its label", a.Metric[0].Label[0].GetValue(), strings.ToValidUTF8(label, "?"))
		same("the gauge", read["b"].Metric[0].GetGauge().GetValue(), value)
		c := read["c"].Metric[0].GetSummary()
		same("the summary", []any{c.GetSampleCount(), c.GetSampleSum(), c.Quantile[0].GetValue(), c.Quantile[1].GetQuantile()}, []any{3, 4.5, value, 0.99})
		d := read["d"].Metric[0].GetHistogram()
		same("the histogram", []any{d.GetSampleCount(), d.GetSampleSum(), len(d.Bucket), d.Bucket[1].GetCumulativeCount(), d.Bucket[1].GetUpperBound()},
			[]any{9, 1e9, 3, 7, 4})
	})
}

// samples are the metrics of a page by name and labels.
func samples(page string) map[string]float64 {
	all := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		line := lines.Text()
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			all[line[:at]], _ = strconv.ParseFloat(line[at+1:], 64)
		}
	}
	return all
}

// moving are figures that differ from one moment to the next, or that tell of the exporter itself.
var moving = []string{"redis_exporter_", "redis_last_key_groups", "redis_cpu_", "redis_memory_used", "redis_mem_", "redis_allocator_",
	"redis_net_", "redis_commands_", "redis_total_reads", "redis_total_writes", "redis_connect", "redis_latency_percentiles",
	"redis_uptime", "redis_client_recent", "redis_db_avg_ttl", "redis_total_error", "redis_slowlog_last_id", "redis_last_slow",
	"redis_start_time", "redis_expire_cycle", "redis_target_scrape", "redis_errors_total", "redis_rdb_changes_since_last_save"}

// leftOut are redis_exporter's names for what this server's INFO does not have.
var leftOut = []string{"redis_exporter_", "redis_last_key_groups", "redis_target_scrape", "redis_config_maxmemory", "redis_config_io_threads",
	"redis_cpu_sys_main_thread", "redis_cpu_user_main_thread"}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// TestLiveExporterTellsTheSame lets redis_exporter ask the same server.
func TestLiveExporterTellsTheSame(t *testing.T) {
	bin, err := exec.LookPath("prometheus-redis-exporter")
	if !*liveFlag || err != nil {
		t.Skip("NOT CHECKED: that redis_exporter tells the same; go test ./resp/admin -live does, with Debian's prometheus-redis-exporter")
	}
	s := start(t, t.TempDir(), "--enable-debug-command", "yes")
	fill(s)
	at := "127.0.0.1:" + testport.Free(t)
	cmd := exec.Command(bin, "-redis.addr", "redis://"+s.redis, "-web.listen-address", at, "-redis-only-metrics", "-include-system-metrics")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	exporter := &subject{t: t, at: "http://" + at}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", at); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("redis_exporter does not listen")
		}
	}
	_, theirPage := exporter.get(nil, "/metrics")
	_, ourPage := s.get(nil, "/metrics")
	theirs, ours := samples(theirPage), samples(ourPage)
	if len(theirs) < 150 {
		t.Fatalf("redis_exporter has %d figures", len(theirs))
	}
	compared := 0
	for name, want := range theirs {
		switch got, ok := ours[name]; {
		case hasPrefix(name, leftOut):
		case strings.Contains(name, `="config|get"`), strings.Contains(name, `"client|setname"`), strings.HasPrefix(name, "redis_instance_info"):
		case !ok:
			t.Errorf("there is no %s", name)
		case hasPrefix(name, moving):
		case got != want:
			t.Errorf("%s %v, and redis_exporter says %v", name, got, want)
		default:
			compared++
		}
	}
	if compared < 80 {
		t.Errorf("only %d figures were compared", compared)
	}
}

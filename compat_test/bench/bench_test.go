package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBenchmarkOutputGivesThroughputAndLatencies(t *testing.T) {
	out := `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"MSET (10 keys)","81037.28","6.440","0.560","6.023","9.567","20.159","23.775"
`
	got, err := parseBenchmark([]byte(out))
	if want := (sample{OpsPerSecond: 81037.28, P50Millis: 6.023, P99Millis: 20.159}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestBenchmarkOutputWithoutResultIsAnError(t *testing.T) {
	for _, out := range []string{
		"",
		`"test","rps","p50_latency_ms","p99_latency_ms"` + "\n", // the header of a run that failed
		`"test","rps","p50_latency_ms"` + "\n" + `"GET","1","2"` + "\n",
		`"test","rps","p50_latency_ms","p99_latency_ms"` + "\n" + `"GET","fast","2","3"` + "\n",
	} {
		if got, err := parseBenchmark([]byte(out)); err == nil {
			t.Errorf("parseBenchmark(%q) = %+v, no error", out, got)
		}
	}
}

func TestEndedChildrenAreReadPastAnyCommandName(t *testing.T) {
	stat := "42 (a) b (c d)) S 1 42 42 0 -1 4194560 100 0 0 0 11 12 130 7 20 0 4 0 100 1000 10"
	if got, err := parseEndedChildrenCPU(stat); err != nil || got != 1370*time.Millisecond {
		t.Errorf("got %v, %v; want 1.37s", got, err)
	}
	if _, err := parseEndedChildrenCPU("42 (short) S 1"); err == nil {
		t.Error("a cut line gives no error")
	}
}

func TestMemoryIsTakenFromProcStatus(t *testing.T) {
	got, err := parseMemory("Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n")
	if want := (memory{now: 200 << 10, peak: 300 << 10}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseMemory("Name:\tkthreadd\n"); err == nil {
		t.Error("a process without memory gives no error")
	}
}

func TestServerCPUCountsTheProcessItsThreadsAndItsChildren(t *testing.T) {
	// One shell burns CPU itself and in a child; both must be in the reading.
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; "+
		"sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; echo done; read line")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	got, err := serverCPU(cmd.Process.Pid)
	if err != nil {
		t.Error(err)
	}
	stdin.Close()
	_ = cmd.Wait() // read fails at the end of its input: the status says nothing
	want := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if diff := (want - got).Abs(); diff > 30*time.Millisecond || got == 0 { // three ticks
		t.Errorf("read %v while it ran, %v in all once it had ended", got, want)
	}
}

func TestMiddleIsTheMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := middle(c.values); got != c.want {
			t.Errorf("middle(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRatiosThatMissTheirTargetAreMarked(t *testing.T) {
	r := row{
		Target:   fifty,
		Redis:    []sample{{OpsPerSecond: 100, P50Millis: 1, P99Millis: 2, CPUMicros: 10, RSSBytes: 50}},
		Diskette: []sample{{OpsPerSecond: 79, P50Millis: 1, P99Millis: 4, CPUMicros: 16, RSSBytes: 25}},
	}
	v := r.verdict()
	if got := []string{v.throughput.text(), v.p50.text(), v.p99.text(), v.cpu.markdown(), v.rss.markdown()}; !slices.Equal(got,
		[]string{"0.79!", "1.00 ", "2.00 ", "**1.60**", "0.50"}) {
		t.Errorf("marks are %q", got)
	}
}

func TestFactsMissAboveOrBelowTheirTarget(t *testing.T) {
	for _, c := range []struct {
		fact   fact
		missed bool
	}{
		{fact{Diskette: 0.29, AtLeast: 0.3}, true},
		{fact{Diskette: 0.3, AtLeast: 0.3}, false},
		{fact{Diskette: 301, AtMost: 300}, true},
		{fact{Diskette: 300, AtMost: 300}, false},
		{fact{Diskette: 5000}, false},
	} {
		if got := c.fact.missed(); got != c.missed {
			t.Errorf("%+v: missed is %v", c.fact, got)
		}
	}
}

func TestMarkdownHasARowForEachCaseAndFact(t *testing.T) {
	one := []sample{{OpsPerSecond: 95112, P50Millis: 0.3, P99Millis: 0.5, CPUMicros: 8, RSSBytes: 30 << 20}}
	rep := &report{
		Date: "2025-01-02", Machine: "a machine", Redis: "Redis 7.0.15", Diskette: "Diskette 0.1", Go: "go1.26", Rounds: 5,
		Rows:  []row{{Title: "SET, 50 connections", Target: fifty, Redis: one, Diskette: one}},
		Facts: []fact{{Title: "RSS", Unit: "MB", Diskette: 250, Redis: 1234, AtMost: 300}},
	}
	var b strings.Builder
	rep.writeMarkdown(&b)
	for _, want := range []string{
		"| SET, 50 connections | 95,112 | 95,112 | 1.00 | 1.00 | 1.00 | 1.00 | 1.00 |\n",
		"| RSS | 1,234 MB | 250 MB | at most 300 MB |\n",
		"2025-01-02, a machine. Diskette 0.1 against Redis 7.0.15",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestAnEmptySampleStillEncodesAsJSON(t *testing.T) {
	r := row{Redis: []sample{{}}, Diskette: []sample{{}}}
	if v := r.verdict(); v.p50.ratio != 0 {
		t.Errorf("0/0 is %v", v.p50.ratio)
	}
	if _, err := json.Marshal(&report{Rows: []row{r}}); err != nil {
		t.Error(err)
	}
}

func TestVersionIsAServersOwnBeforeTheRedisItSpeaks(t *testing.T) {
	for info, want := range map[string]string{
		"# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n":                                  "Redis 7.0.15",
		"# Server\r\nredis_version:7.2.4\r\ndiskette_version:0.1.0\r\n":                     "Diskette 0.1.0",
		"# Server\r\ndiskette_version:0.1.0\r\nredis_version:7.2.4\r\nx:\r":                 "Diskette 0.1.0",
		"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n": "Valkey 9.1.2",
	} {
		if got := versionFromInfo(info); got != want {
			t.Errorf("versionFromInfo(%q) = %q, want %q", info, got, want)
		}
	}
}

func TestCasesAreChosenByName(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range caseNames(fullSize) {
		if seen[name] {
			t.Errorf("two cases are called %s", name)
		}
		seen[name] = true
	}
	chosen := chooseCases(config{cases: regexp.MustCompile("^set-50$|restart"), size: fullSize})
	if len(chosen) != 2 || len(chosen[0].cases) != 1 || len(chosen[1].cases) != 1 || chosen[1].cases[0].name != "restart" {
		t.Errorf("chosen: %+v", chosen)
	}
}

func TestTheColdDataSetIsTwentyTimesMaxMemory(t *testing.T) {
	for _, sz := range []size{fullSize, quickSize} {
		for _, g := range chooseCases(config{cases: regexp.MustCompile("^cold$"), size: sz}) {
			bytes := g.keys * (len(keyName(0)) + g.valueBytes)
			if want := 20 * sz.coldMaxMB << 20; bytes > want || bytes < want-2*coldValue {
				t.Errorf("%d keys hold %d bytes, not about %d", g.keys, bytes, want)
			}
		}
	}
}

func TestValuesHaveTheirLengthAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for i := range 1000 {
		v := string(value(i, 100))
		if len(v) != 100 || seen[v] {
			t.Fatalf("value %d is %q", i, v)
		}
		seen[v] = true
	}
}

func TestMachineNamesCoresAndKernel(t *testing.T) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if m := machine(); !strings.Contains(m, " cores") || !strings.Contains(m, strings.TrimSpace(string(kernel))) {
		t.Errorf("machine() = %q", m)
	}
}

func TestLongCommandsAreMarkedAboveOneAndAHalfTimesRedis(t *testing.T) {
	rep := &report{Elements: 1_000_000, Longs: []longRow{{
		Title:    "SORT",
		Redis:    []long{{400, 400, 100 << 20}, {410, 399, 100 << 20}, {9000, 9000, 100 << 20}},
		Diskette: []long{{600, 700, 300 << 20}, {610, 650, 300 << 20}, {20, 1, 300 << 20}},
		Cold:     []long{{2000, 3, 300 << 20}},
	}, {
		Title:    "DEL",
		Redis:    []long{{0.5, 0.5, 100 << 20}},
		Diskette: []long{{9, 9, 300 << 20}}, // below the floor
	}}}
	var b strings.Builder
	rep.writeMarkdown(&b)
	for _, want := range []string{
		"over 1,000,000 elements",
		"| SORT | 410 | 600 | 1.46 | 2,000 | 400 | 650 | **1.62** | 3.0 | 100 | 300 |\n",
		"| DEL | 0.5 | 9.0 | 18.00 |  | 0.5 | 9.0 | 18.00 |  | 100 | 300 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestBytesWrittenAreThoseOfTheDisk(t *testing.T) {
	got, err := parseWritten("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n")
	if err != nil || got != 6 {
		t.Errorf("got %d, %v; want 6", got, err)
	}
	if _, err := parseWritten("wchar: 2\n"); err == nil {
		t.Error("a text without write_bytes gives no error")
	}
}

func TestAServerThatHasPutWorkOffOwesIt(t *testing.T) {
	for info, want := range map[string]bool{
		"# Diskette\r\njournal_bytes:64\r\nunapplied_records:0\r\n":             false,
		"# Diskette\r\nunapplied_records:12\r\n":                                true,
		"# Persistence\r\nloading:0\r\naof_rewrite_in_progress:1\r\n":           true,
		"# Persistence\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:1": true,
		"# Persistence\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0": false,
		"# Persistence\r\naof_last_rewrite_time_sec:-1\r\nrdb_saves:3\r\n":      false,
		"": false,
	} {
		if got := owedByInfo(info); got != want {
			t.Errorf("owedByInfo(%q) is %v", info, got)
		}
	}
}

func TestCostsAreShownDuringTheRunAndUntilQuiet(t *testing.T) {
	rep := &report{Rows: []row{{
		Name: "set-50-p16", Title: "SET",
		Redis:    []sample{{DuringMicros: 1, CPUMicros: 1.1, WrittenBytes: 144}, {DuringMicros: 2, CPUMicros: 2.2, WrittenBytes: 144}},
		Diskette: []sample{{DuringMicros: 2, CPUMicros: 3.3, WrittenBytes: 201}, {DuringMicros: 2, CPUMicros: 4.4, WrittenBytes: 201}},
	}, {Name: "set-50", Title: "one by one", Redis: []sample{{}}, Diskette: []sample{{}}}}}
	var b strings.Builder
	rep.writeCostsMarkdown(&b)
	want := "| SET | 1.50 | 1.65 | 2.00 | 3.85 | 1.50 (1.00-2.00) | 2.50 (2.00-3.00) | 144 | 201 |\n"
	if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "one by one") {
		t.Errorf("no %q in, or too much\n%s", want, &b)
	}
	rep.TmpFS = true
	b.Reset()
	rep.writeCosts(&b)
	if strings.Contains(b.String(), "144") || strings.Count(b.String(), "set-50") != 2 {
		t.Errorf("on tmpfs nothing is known of the disk, and every row has its costs:\n%s", &b)
	}
}

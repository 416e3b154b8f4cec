package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type slowEntry struct {
	ID      int64
	At      time.Time
	Micros  float64
	Command string
	Client  string
}

type commandLine struct {
	Name            string
	Calls, Failed   float64
	Seconds, Micros float64 // in all, and a call
	P99             float64 // microseconds
	Share           float64 // percent of the time of all commands
}

type clientLine struct {
	ID, Address, Name, User, Command, DB, Flags string
	Age, Idle, Waits, Memory                    float64 // seconds, seconds, bytes, bytes
	Ours                                        bool    // this page's own
}

type latencyLine struct {
	Event       string
	At          time.Time
	Millis, Max float64
}

const (
	mostSlow     = "50"
	mostLines    = 30  // of commands
	mostClients  = 100 // shown
	slowArgument = 200 // bytes shown of a command
)

// slow shows what takes long, and who waits. What the user may not ask for is left out, and said to be.
func (l *look) slow() error {
	data := map[string]any{}
	denied := map[string]string{}
	for name, part := range map[string]func(map[string]any) error{
		"Slowlog": l.slowlog, "Latency": l.latencies, "Commands": l.commandStats, "Clients": l.clients,
	} {
		d, err := may(part(data))
		if err != nil {
			return err
		}
		denied[name] = d
	}
	data["Denied"] = denied
	return l.show("slow", "Slow", data)
}

func (l *look) slowlog(data map[string]any) error {
	v, err := l.c.do("SLOWLOG", "GET", mostSlow)
	if err != nil {
		return err
	}
	var entries []slowEntry
	for _, e := range v.elems {
		if len(e.elems) < 6 {
			continue
		}
		var words []string
		for _, word := range e.elems[3].elems {
			words = append(words, showBytes(word.text))
		}
		entries = append(entries, slowEntry{e.elems[0].int(), time.Unix(e.elems[1].int(), 0), float64(e.elems[2].int()),
			shorten(strings.Join(words, " "), slowArgument), e.elems[4].text})
	}
	data["Slowlog"] = entries
	return nil
}

func (l *look) latencies(data map[string]any) error {
	v, err := l.c.do("LATENCY", "LATEST")
	if err != nil {
		return err
	}
	var lines []latencyLine
	for _, e := range v.elems {
		if len(e.elems) >= 4 {
			lines = append(lines, latencyLine{e.elems[0].text, time.Unix(e.elems[1].int(), 0), float64(e.elems[2].int()), float64(e.elems[3].int())})
		}
	}
	data["Latency"] = lines
	return nil
}

func (l *look) commandStats(data map[string]any) error {
	info, err := l.c.info("commandstats", "latencystats")
	if err != nil {
		return err
	}
	p99 := map[string]float64{}
	for _, it := range info.lists["latencystats"] {
		p99[strings.TrimPrefix(it.name, "latency_percentiles_usec_")] = it.number("p99")
	}
	var lines []commandLine
	for _, it := range info.lists["commandstats"] {
		name := strings.TrimPrefix(it.name, "cmdstat_")
		lines = append(lines, commandLine{Name: strings.ReplaceAll(name, "|", " "), Calls: it.number("calls"),
			Failed: it.number("failed_calls") + it.number("rejected_calls"), Seconds: it.number("usec") / 1e6,
			Micros: it.number("usec_per_call"), P99: p99[name]})
	}
	slices.SortFunc(lines, func(a, b commandLine) int { return cmp.Compare(b.Seconds, a.Seconds) })
	sum := 0.0
	for _, line := range lines {
		sum += line.Seconds
	}
	lines = lines[:min(len(lines), mostLines)]
	for i := range lines {
		lines[i].Share = 100 * lines[i].Seconds / max(sum, 1e-9)
	}
	data["Commands"] = lines
	return nil
}

func (l *look) clients(data map[string]any) error {
	text, err := l.c.whole("CLIENT", "LIST")
	if err != nil {
		return err
	}
	var lines []clientLine
	for line := range strings.Lines(text) {
		f := map[string]string{}
		for _, word := range strings.Fields(line) {
			name, v, _ := strings.Cut(word, "=")
			f[name] = v
		}
		if f["id"] == "" {
			continue
		}
		lines = append(lines, clientLine{ID: f["id"], Address: f["addr"], Name: f["name"], User: f["user"], Command: f["cmd"], DB: f["db"],
			Flags: f["flags"], Age: parseFloat(f["age"]) * 1000, Idle: parseFloat(f["idle"]) * 1000, Waits: parseFloat(f["omem"]),
			Memory: parseFloat(f["tot-mem"]), Ours: f["name"] == "admin"})
	}
	data["ClientCount"] = len(lines)
	slices.SortFunc(lines, func(a, b clientLine) int { return cmp.Compare(b.Memory, a.Memory) })
	data["Clients"] = lines[:min(len(lines), mostClients)]
	return nil
}

func (l *look) killClient() error {
	id := l.r.PostFormValue("id")
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return refusal{http.StatusBadRequest, "a client has a number"}
	}
	v, err := l.c.do("CLIENT", "KILL", "ID", id)
	if err != nil {
		return err
	}
	told := "The client " + id + " is closed."
	if v.int() == 0 {
		told = "There is no client " + id + " any more, or it is this one."
	}
	return l.done("/slow", url.Values{}, told)
}

package admin

import (
	"encoding/json"
	"strings"
	"time"
)

// tile is a figure in large.
type tile struct {
	Name, Value, More string
	Bad               bool
}

// overview shows how the server does. As JSON it is what the open page asks for now and then.
func (l *look) overview() error {
	info, err := l.c.info("default")
	if err != nil {
		return err
	}
	tiles := overviewTiles(info)
	if l.r.Header.Get("Accept") == "application/json" {
		l.w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(l.w).Encode(tiles)
	}
	return l.show("overview", "Overview", map[string]any{"Tiles": tiles, "Plots": plots, "Info": info.text,
		"Started": time.Now().Add(-time.Duration(info.number("uptime_in_seconds")) * time.Second)})
}

// plots are drawn from samples.
var plots = []struct{ Title, Figures, Unit string }{
	{"Commands a second", "ops", "count"},
	{"Hits and misses a second", "hits misses", "count"},
	{"Time of a command", "p50 p99", "usec"},
	{"Memory", "memory hot", "bytes"},
	{"On disk", "disk", "bytes"},
	{"Keys", "keys", "count"},
	{"Expired and evicted a second", "expired evicted", "count"},
	{"Journal that the tables do not have yet", "lag", "bytes"},
	{"Clients", "clients", "count"},
	{"Bytes a second", "in out", "bytes"},
}

func overviewTiles(info *report) []tile {
	n := info.number
	keys, expiring := 0.0, 0.0
	for _, db := range info.lists["keyspace"] {
		keys += db.number("keys")
		expiring += db.number("expires")
	}
	hits := tile{Name: "Hits", Value: "–", More: "nothing was asked for yet"}
	if ratio := info.hitRatio(); ratio >= 0 {
		hits.Value, hits.More = strconvPercent(ratio), humanCount(n("keyspace_hits"))+" hits, "+humanCount(n("keyspace_misses"))+" misses"
	}
	tiles := []tile{
		{Name: "Commands a second", Value: humanCount(n("instantaneous_ops_per_sec")), More: humanCount(n("total_commands_processed")) + " in all"},
		hits,
		{Name: "Keys", Value: humanCount(keys), More: humanCount(expiring) + " with a deadline"},
		{Name: "Keys in memory", Value: humanBytes(n("hot_bytes")), More: humanCount(n("hot_objects")) + " keys, of at most " + humanBytes(n("hot_limit"))},
		{Name: "Memory of the process", Value: humanBytes(n("used_memory_rss")), More: humanBytes(n("used_memory_peak")) + " in use at the peak"},
		{Name: "On disk", Value: humanBytes(info.disk()), More: diskLimit(info), Bad: n("disk_full") == 1},
		{Name: "Expired", Value: humanCount(n("expired_keys")), More: "keys, since the start"},
		{Name: "Evicted", Value: humanCount(n("evicted_keys")), More: humanBytes(n("evicted_bytes")) + ", policy " + info.text["maxdisk_policy"],
			Bad: n("full_databases") > 0},
		{Name: "Clients", Value: humanCount(n("connected_clients")), More: humanCount(n("blocked_clients")) + " wait, of at most " + humanCount(n("maxclients"))},
		{Name: "Up for", Value: humanMillis(n("uptime_in_seconds") * 1000), More: "version " + info.text["diskette_version"]},
		durability(info),
	}
	if n("storage_damaged") == 1 {
		tiles = append(tiles, tile{"Data", "Damaged", info.text["storage_damaged_what"], true})
	}
	if info.text["role"] == "slave" {
		tiles = append(tiles, tile{"Follows", info.text["master_host"] + ":" + info.text["master_port"], "the link is " + info.text["master_link_status"],
			info.text["master_link_status"] != "up"})
	}
	return tiles
}

// diskLimit is up to where the data may grow.
func diskLimit(info *report) string {
	if limit := info.number("maxdisk"); limit > 0 {
		return "of at most " + humanBytes(limit)
	}
	return humanBytes(info.number("disk_free")) + " free on the file system"
}

// durability is how far what was acknowledged has come.
func durability(info *report) tile {
	t := tile{Name: "Journal ahead of the tables", Value: humanBytes(info.number("backlog_bytes")), More: "all of it safe, as appendfsync says"}
	if fsyncs := info.number("fsyncs"); fsyncs > 0 {
		t.More = "an fsync takes " + humanMillis(info.number("fsync_usec")/fsyncs/1000)
	}
	for _, field := range []string{"aof_last_write_status", "rdb_last_bgsave_status"} {
		if info.text[field] != "" && info.text[field] != "ok" {
			return tile{"Journal", "Failing", strings.TrimSuffix(field, "_status") + " has failed: see the log", true}
		}
	}
	return t
}

func strconvPercent(f float64) string {
	return templateFuncs["pct"].(func(float64) string)(f) + " %"
}

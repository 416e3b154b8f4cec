package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	tiles := append(overviewTiles(info), originTiles(info, time.Now())...)
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
		{Name: "Evicted", Value: humanCount(n("evicted_keys")), More: humanBytes(n("evicted_bytes")) + ", policy " + info.text["maxdisk_policy"] + fullDatabases(info),
			Bad: n("full_databases") > 0},
		{Name: "Clients", Value: humanCount(n("connected_clients")), More: humanCount(n("blocked_clients")) + " wait, of at most " + humanCount(n("maxclients"))},
		{Name: "Up for", Value: humanMillis(n("uptime_in_seconds") * 1000), More: "version " + info.text["diskette_version"]},
	}
	tiles = append(tiles, durability(info)...)
	if held := n("wal_held_by_reader_seconds"); held > 0 {
		t := tile{Name: "SQLite’s WAL is held", Value: humanBytes(n("wal_bytes")),
			More: "a program has read the database for " + humanMillis(held*1000) + " in one transaction; wal-limit is " + humanBytes(n("wal_limit"))}
		if limit := n("wal_limit"); limit == 0 {
			t.More = "a program has read the database for " + humanMillis(held*1000) + " in one transaction; there is no wal-limit"
		} else if n("wal_bytes") >= limit {
			t.More, t.Bad = t.More+": write-back waits until it ends (fuser names it)", true
		}
		tiles = append(tiles, t)
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

// fullDatabases says how many caches are at a bound of their own.
func fullDatabases(info *report) string {
	bounds := len(info.lists["bounds"])
	if bounds == 0 {
		return ""
	}
	return fmt.Sprintf("; of %d caches with a bound %s full", bounds, humanCount(info.number("full_databases")))
}

// diskLimit is up to where the data may grow.
func diskLimit(info *report) string {
	if limit := info.number("maxdisk"); limit > 0 {
		return "of at most " + humanBytes(limit) + " (" + strconvPercent(100*info.disk()/limit) + ")"
	}
	return humanBytes(info.number("disk_free")) + " free on the file system"
}

// durability is how far what was acknowledged has come: into the journal's file, onto the disk, into the tables.
func durability(info *report) []tile {
	lag := tile{Name: "Journal ahead of the tables", Value: humanBytes(info.number("backlog_bytes")),
		More: "in the journal’s file, and not yet in SQLite’s"}
	sync := tile{Name: "Last fsync", Value: "none", More: "since the start; appendfsync says when"}
	if at := info.number("last_fsync_time"); at > 0 {
		sync.Value = ago(info.number("server_time_usec")/1e6 - at)
		sync.More = "one takes " + humanMillis(info.number("fsync_usec")/max(info.number("fsyncs"), 1)/1000)
	}
	for _, field := range []string{"aof_last_write_status", "rdb_last_bgsave_status"} {
		if info.text[field] != "" && info.text[field] != "ok" {
			lag = tile{"Journal", "Failing", strings.TrimSuffix(field, "_status") + " has failed: see the log", true}
		}
	}
	return []tile{lag, sync}
}

// originTiles are when the data was last copied, and where it came from.
func originTiles(info *report, now time.Time) []tile {
	tiles := []tile{lastBackup(info, now)}
	if from := info.text["imported_from"]; from != "" {
		tiles = append(tiles, tile{Name: "Last import", Value: ago(float64(now.Unix()) - info.number("imported_time")),
			More: humanCount(info.number("imported_keys")) + " keys from " + shorten(from, 200)})
	}
	return tiles
}

// lastBackup tells of the newest copy that the server knows of: those that it, or the program's commands, have made.
func lastBackup(info *report, now time.Time) tile {
	const name = "Last backup"
	if why := info.text["last_backup_error"]; why != "" {
		return tile{name, "not known", shorten(why, 200), true}
	}
	at := info.number("last_backup_time")
	if at <= 0 {
		return tile{Name: name, Value: "none known",
			More: "by this page, SAVE, diskette backup or export; what others copy is not seen"}
	}
	what := cmp.Or(map[string]string{"database": "an SQLite file", "increment": "an increment", "rdb": "an RDB file"}[info.text["last_backup_kind"]], info.text["last_backup_kind"])
	by := cmp.Or(map[string]string{"page": "downloaded", "save": "by SAVE", "backup": "by diskette backup",
		"export": "by diskette export"}[info.text["last_backup_by"]], info.text["last_backup_by"])
	what += " " + by + ", " + humanBytes(info.number("last_backup_bytes"))
	if file := info.text["last_backup_file"]; file != "" {
		what += ": " + shorten(file, 200)
	}
	return tile{Name: name, Value: ago(float64(now.Unix()) - at), More: what}
}

// ago is a time in the past, in seconds before now.
func ago(seconds float64) string {
	if seconds < 1 {
		return "just now"
	}
	return humanMillis(float64(int64(seconds))*1000) + " ago"
}

func strconvPercent(f float64) string {
	return templateFuncs["pct"].(func(float64) string)(f) + " %"
}

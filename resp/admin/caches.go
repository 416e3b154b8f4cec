package admin

import (
	"net/http"
	"net/url"
	"strings"
)

// cacheLine is a database.
type cacheLine struct {
	DB            string
	Number        string
	Keys, Expires float64
	TTL           float64 // ms, in the mean
	Used, Limit   float64 // bytes on disk, known only of databases with a bound; 0 = not known, no bound
	Policy        string
	Evicted       float64
	Full          bool
	Hits, Misses  float64
	HitRatio      float64 // percent; -1 = nothing was looked for
}

// caches shows every database that has keys.
func (l *look) caches() error {
	info, err := l.c.info("keyspace", "memory", "stats", "diskette", "bounds")
	if err != nil {
		return err
	}
	stats, err := l.c.do("CACHE", "STATS")
	denied, err := may(err)
	if err != nil {
		return err
	}
	var lines []cacheLine
	bounds := map[string]item{}
	for _, it := range info.lists["bounds"] {
		bounds[strings.TrimPrefix(it.name, "bound_")] = it
	}
	for _, it := range info.lists["keyspace"] {
		line := cacheLine{DB: it.name, Number: strings.TrimPrefix(it.name, "db"), Keys: it.number("keys"), Expires: it.number("expires"),
			TTL: it.number("avg_ttl"), Policy: info.text["maxdisk_policy"]}
		if b, ok := bounds[it.name]; ok {
			line.Used, line.Limit, line.Evicted, line.Full = b.number("used"), b.number("maxdisk"), b.number("evicted"), b.number("full") == 1
			if b.fields["policy"] != "" {
				line.Policy = b.fields["policy"]
			}
		}
		counts := stats.field(it.name)
		line.Hits, line.Misses = float64(counts.field("hits").int()), float64(counts.field("misses").int())
		line.HitRatio = hitRatio(line.Hits, line.Misses)
		lines = append(lines, line)
	}
	return l.show("caches", "Caches", map[string]any{"Caches": lines, "MaxDisk": info.number("maxdisk"),
		"Hot": info.number("hot_bytes"), "Limit": info.number("hot_limit"), "Disk": info.disk(), "Hits": info.hitRatio(), "Denied": denied})
}

// disk is what all of it takes on disk.
func (r *report) disk() (sum float64) {
	for _, d := range diskFields {
		sum += r.number(d.field)
	}
	return sum
}

// hitRatio is the one since the start.
func (r *report) hitRatio() float64 {
	return hitRatio(r.number("keyspace_hits"), r.number("keyspace_misses"))
}

// hitRatio is in percent; -1 = nothing was looked for.
func hitRatio(hits, misses float64) float64 {
	if hits+misses == 0 {
		return -1
	}
	return 100 * hits / (hits + misses)
}

// clear empties a database whose name was typed.
func (l *look) clear() error {
	db, err := l.database()
	if err != nil {
		return err
	}
	if strings.TrimSpace(l.r.PostFormValue("name")) != dbName(db) {
		return refusal{http.StatusBadRequest, "nothing was cleared: to clear the cache its name, " + dbName(db) + ", has to be typed"}
	}
	if _, err := l.c.do("FLUSHDB", "ASYNC"); err != nil {
		return err
	}
	return l.done("/caches", url.Values{}, "The cache "+dbName(db)+" is empty.")
}

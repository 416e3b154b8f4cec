package admin

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// cacheCounts are fields of CACHE STATS that count events.
var cacheCounts = []struct{ field, name, help string }{
	{"hits", "diskette_cache_hits_total", "Look-ups of keys in a database that found one, over restarts."},
	{"misses", "diskette_cache_misses_total", "Look-ups of keys in a database that found none, over restarts."},
	{"sets", "diskette_cache_sets_total", "Keys of a database that were written, over restarts."},
	{"deletes", "diskette_cache_deletes_total", "Keys of a database that a command removed, over restarts."},
	{"evictions", "diskette_cache_evictions_total", "Keys of a database that were evicted, over restarts."},
	{"expiries", "diskette_cache_expiries_total", "Keys of a database whose deadline has passed, over restarts."},
}

// caches are the statistics of databases, for those who may ask for them.
func (p *scrape) caches() {
	v, err := p.c.do("CACHE", "STATS")
	if err != nil {
		return
	}
	var databases []string
	v.pairs(func(db string, stats *value) {
		databases = append(databases, strings.TrimPrefix(db, "db"))
		for _, c := range cacheCounts {
			p.put(c.name, c.help, true, float64(stats.field(c.field).int()), "db", db)
		}
		p.put("diskette_cache_bytes", "What the keys of a database take on disk, about.", false, float64(stats.field("bytes").int()), "db", db)
		if age := stats.field("mean_age_ms"); !age.missing() {
			p.put("diskette_cache_mean_age_seconds", "The mean age of the keys of a database whose birth is known.", false,
				float64(age.int())/1000, "db", db)
		}
	})
	p.prefixes(databases)
}

// mostScraped is how many prefixes of all databases have metrics, so that a scrape stays small and a database of
// metrics does not grow with the names that clients think of. Those with the most bytes are told of.
const mostScraped = 100

// prefixCounts are fields of CACHE PREFIXES.
var prefixCounts = []struct {
	field, name string
	counter     bool
	help        string
}{
	{"keys", "diskette_prefix_keys", false, "Keys with a prefix, up to the first ':' of their names, about."},
	{"bytes", "diskette_prefix_bytes", false, "What the keys with a prefix take on disk, about."},
	{"hits", "diskette_prefix_hits_total", true, "Look-ups of keys with a prefix that found one, about."},
	{"misses", "diskette_prefix_misses_total", true, "Look-ups of keys with a prefix that found none, about."},
	{"sets", "diskette_prefix_sets_total", true, "Keys with a prefix that were written, about."},
	{"deletes", "diskette_prefix_deletes_total", true, "Keys with a prefix that a command removed, about."},
	{"evictions", "diskette_prefix_evictions_total", true, "Keys with a prefix that were evicted, about."},
	{"expiries", "diskette_prefix_expiries_total", true, "Keys with a prefix whose deadline has passed, about."},
}

// withoutPrefix is the label of the keys whose names have no ':': Prometheus takes an empty one for none. No prefix is
// like it, since each ends with ':'.
const withoutPrefix = "(none)"

// prefixes are the statistics of the prefixes that the user may read.
func (p *scrape) prefixes(databases []string) {
	type line struct {
		db    string
		stats *value
		bytes int64
	}
	var lines []line
	for _, db := range databases {
		v, err := p.c.do("CACHE", "PREFIXES", db, "COUNT", strconv.Itoa(mostScraped))
		if err != nil {
			continue
		}
		for i := range v.elems {
			lines = append(lines, line{"db" + db, &v.elems[i], v.elems[i].field("bytes").int()})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(b.bytes, a.bytes) })
	for _, l := range lines[:min(len(lines), mostScraped)] {
		prefix := cmp.Or(l.stats.field("prefix").text, withoutPrefix)
		for _, c := range prefixCounts {
			p.put(c.name, c.help, c.counter, float64(l.stats.field(c.field).int()), "db", l.db, "prefix", prefix)
		}
	}
}

package admin

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
	v.pairs(func(db string, stats *value) {
		for _, c := range cacheCounts {
			p.put(c.name, c.help, true, float64(stats.field(c.field).int()), "db", db)
		}
		p.put("diskette_cache_bytes", "What the keys of a database take on disk, about.", false, float64(stats.field("bytes").int()), "db", db)
		p.put("diskette_cache_mean_age_seconds", "The mean age of the keys of a database.", false,
			float64(stats.field("mean_age_ms").int())/1000, "db", db)
	})
}

package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"diskette/resp"
	"diskette/store"
	"diskette/store/tally"
)

// keptStatistics are what CACHE STATS and CACHE PREFIXES know, as it was stored last. The names are theirs. An age that
// is not known is null.
type keptStatistics struct {
	Since     int64            `json:"records_since"`
	Databases []cacheStatistic `json:"databases"`
}

type cacheStatistic struct {
	DB int `json:"db"`
	eventCounts
	Keys       int64             `json:"keys"`
	Bytes      int64             `json:"bytes"`
	MeanAge    *int64            `json:"mean_age_ms"`
	EvictedAge *int64            `json:"evicted_age_ms"`
	ExpiredAge *int64            `json:"expired_age_ms"`
	From       int64             `json:"since_ms"`
	Sampled    int64             `json:"one_key_in"`
	Complete   bool              `json:"complete"`
	Prefixes   []prefixStatistic `json:"prefixes"`
}

type prefixStatistic struct {
	name   string
	Prefix any `json:"prefix"` // {"base64": ...} if it is no text
	eventCounts
	Missed  int64  `json:"missed"`
	Keys    int64  `json:"keys"`
	Bytes   int64  `json:"bytes"`
	MeanAge *int64 `json:"mean_age_ms"`
}

type eventCounts struct {
	Hits      int64 `json:"hits"`
	Misses    int64 `json:"misses"`
	Sets      int64 `json:"sets"`
	Deletes   int64 `json:"deletes"`
	Evictions int64 `json:"evictions"`
	Expiries  int64 `json:"expiries"`
}

func countsOf(c tally.Counts) eventCounts {
	return eventCounts{c[tally.Hit], c[tally.Miss], c[tally.Set], c[tally.Delete], c[tally.Evict], c[tally.Expire]}
}

// cells are the counts as a table has them; the columns are those of countColumns.
func (c eventCounts) cells() []any {
	return []any{c.Hits, c.Misses, c.Sets, c.Deletes, c.Evictions, c.Expiries}
}

var countColumns = []string{"hits", "misses", "sets", "deletes", "evictions", "expiries", "keys", "bytes", "mean age"}

// statistics reads what is kept.
func (c *statsCommand) statistics(o *store.Outside) (*keptStatistics, error) {
	hash, err := o.OwnHash(resp.KeptStatistics)
	if err != nil {
		return nil, err
	}
	kept, err := o.CacheStats(hash, time.Now().UnixMilli())
	if kept == nil || err != nil {
		return nil, err
	}
	all := &keptStatistics{Since: kept.Since, Databases: []cacheStatistic{}}
	for i := range kept.Databases {
		d := &kept.Databases[i]
		line := cacheStatistic{DB: d.DB, eventCounts: countsOf(d.Counts), Keys: d.Keys, Bytes: int64(d.Present.Bytes),
			MeanAge: meanAge(d.Present.Ages), EvictedAge: meanAge(d.Evicted), ExpiredAge: meanAge(d.Expired), From: d.Since,
			Sampled: d.Sampled, Complete: d.Seeded, Prefixes: []prefixStatistic{}}
		fullest := d.Fullest(int(c.Level), func(string) bool { return true })
		for _, p := range fullest[:min(len(fullest), int(c.Prefixes))] {
			line.Prefixes = append(line.Prefixes, prefixStatistic{p.Prefix, jsonValue(p.Prefix), countsOf(p.Counts), p.Missed,
				int64(math.Round(p.Present.Keys)), int64(p.Present.Bytes), meanAge(p.Present.Ages)})
		}
		all.Databases = append(all.Databases, line)
	}
	return all, nil
}

// write writes two tables: of the databases, and of the prefixes. What it is written to tells of its errors elsewhere.
func (k *keptStatistics) write(w io.Writer) {
	if k == nil || len(k.Databases) == 0 {
		return
	}
	t := tableRows{out: w}
	fmt.Fprintln(w)
	t.begin(append([]string{"database"}, countColumns...))
	for _, d := range k.Databases {
		t.row(append(append([]any{int64(d.DB)}, d.cells()...), d.Keys, d.Bytes, ageText(d.MeanAge)))
	}
	begun := false
	for _, d := range k.Databases {
		for _, p := range d.Prefixes {
			if !begun {
				t.begin(append([]string{"database", "prefix"}, countColumns...))
				begun = true
			}
			name := p.name
			if name == "" {
				name = "names without :"
			}
			t.row(append(append([]any{int64(d.DB), name}, p.cells()...), p.Keys, p.Bytes, ageText(p.MeanAge)))
		}
	}
	t.end()
}

// meanAge is nil if it is not known.
func meanAge(ages tally.Ages) *int64 {
	if mean, known := ages.Mean(); known {
		return &mean
	}
	return nil
}

// ageText is a duration to the second.
func ageText(millis *int64) string {
	if millis == nil {
		return "unknown"
	}
	return (time.Duration(*millis) * time.Millisecond).Round(time.Second).String()
}

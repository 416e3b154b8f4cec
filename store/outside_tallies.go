package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"diskette/store/tally"
)

// KeptStats are statistics as they were last kept (see TallyChanges).
type KeptStats struct {
	Databases []CacheStats // that have keys, or to which something has happened; in the order of their numbers
	// Since is how many records the tables have that are newer: what came with them is not counted, but in Keys.
	Since int64
}

// OwnHash reads a hash in the server's own database, which is no client's; none if it is not there.
func (o *Outside) OwnHash(key string) (map[string]string, error) {
	all := map[string]string{}
	s := Snapshot{r: o.r}
	err := s.OwnHash(key, func(e *SnapshotElement) error {
		all[strings.Clone(e.Name)] = strings.Clone(e.Value)
		return nil
	})
	return all, o.nameDamage(err)
}

// CacheStats are those that were kept, at now in unix ms, with their prefixes. It returns nil if there are none.
func (o *Outside) CacheStats(kept map[string]string, now int64) (*KeptStats, error) {
	var lsn, next int64
	if _, err := fmt.Sscan(kept[keptState], &lsn, &next); err != nil {
		return nil, nil
	}
	keys, known := map[int]int64{}, false
	err := o.r.guard(func() error {
		q, err := o.r.stmt(`SELECT db, keys FROM spaces WHERE db IS NOT NULL AND db <> ?1`)
		if err != nil {
			return err
		}
		defer q.Reset()
		if err := bind(q, ownNumber); err != nil {
			return err
		}
		for q.Step() {
			keys[q.ColumnInt(0)] = q.ColumnInt64(1)
		}
		if err := q.Err(); err != nil {
			return err
		}
		var younger int64
		err = queryInts(o.r.c, fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM keys WHERE id >= %d
			AND space IN (SELECT space FROM spaces WHERE db IS NOT NULL AND db <> %d))`, next, ownNumber), &younger)
		known = younger == 0
		return err
	})
	if err != nil {
		return nil, o.nameDamage(err)
	}
	for name := range kept {
		db, err := strconv.Atoi(strings.TrimPrefix(name, keptFlows))
		if _, there := keys[db]; err == nil && !there && strings.HasPrefix(name, keptFlows) {
			keys[db] = 0
		}
	}
	all := &KeptStats{Since: max(0, int64(o.LSN)-lsn)}
	for db, n := range keys {
		c, err := keptCache(kept, db, n, known, now)
		if err != nil {
			return nil, fmt.Errorf("database %d: %w", db, err)
		}
		if c.Keys > 0 || c.Counts != (tally.Counts{}) {
			all.Databases = append(all.Databases, c)
		}
	}
	slices.SortFunc(all.Databases, func(a, b CacheStats) int { return a.DB - b.DB })
	return all, nil
}

// keptCache are a database's, of which the tables have so many keys; known says that the census was told of all.
func keptCache(kept map[string]string, db int, keys int64, known bool, now int64) (c CacheStats, err error) {
	number := strconv.Itoa(db)
	flows := tally.NewFlows(0, tallyKeys/tallyPrefixes)
	if text, there := kept[keptFlows+number]; there {
		if err := flows.Restore(text); err != nil {
			return c, err
		}
	}
	census, err := restoredCensus(kept, db, tallyKeys)
	switch {
	case err != nil:
		return c, err
	case census == nil:
		census, known = tally.NewCensus(tallyKeys), known && keys == 0
	}
	c = newCacheStats(db, flows, keys, census.One(), known)
	sample := census.Sample()
	first, second := flows.Lines()
	c.addUp(&sample, [2][]tally.Line{first, second}, now, true)
	return c, nil
}

// restoredCensus is a database's of at most so many keys, nil if none was kept.
func restoredCensus(kept map[string]string, db, most int) (*tally.Census, error) {
	number := strconv.Itoa(db)
	head, there := kept[keptCensus+number]
	if !there {
		return nil, nil
	}
	parts := make([]string, tally.Parts)
	for part := range parts {
		parts[part] = kept[keptCensus+number+"/"+strconv.Itoa(part)]
	}
	return tally.RestoreCensus(most, head, parts)
}

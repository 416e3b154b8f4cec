package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"diskette/store/tally"
)

// What a database's statistics are made of: what happens in it (Flows) and what is in it (Census), in package tally's
// words. Flows belong to the number that clients select and outlast FLUSHDB; a Census to the keys. Both are told of
// everything under the keyspace lock. An emptied database's keys are no deletes: FLUSHDB counts nothing.

// tallies is what belongs to no database. It is under the keyspace lock.
type tallies struct {
	most    int     // keys of a census
	reading reading // the seeding's: see ordering_scan.go
	seed    seed
}

const (
	tallyKeys        = 8192 // of a database
	tallyKeysOfAll   = 128 << 10
	fewestTallyKeys  = 256
	tallyMemoryShare = 13 // a key for so many bytes of maxmemory, as a power of two
	tallyPrefixes    = 8  // keys of a census for one prefix

	// largeUnits is the size of an object from which a census has to be asked.
	largeUnits = tally.Large / sizeUnit
)

// openTallies gives the databases empty ones. It is for Open.
func (st *Store) openTallies() {
	most := min(tallyKeys, tallyKeysOfAll/st.opts.Databases, int(min(st.maxMemory.Load()>>tallyMemoryShare, tallyKeys)))
	st.tally.most = max(most, fewestTallyKeys)
	now := time.Now().UnixMilli()
	for _, s := range st.dbs {
		if s != nil {
			s.flows = tally.NewFlows(now, st.tally.most/tallyPrefixes)
			s.census = tally.NewCensus(st.tally.most)
		}
	}
}

// lookups are hits and misses in a database.
type lookups struct {
	space        *space
	hits, misses int64
}

// pick is a look-up that the clock has picked.
type pick struct {
	flows  *tally.Flows
	kind   tally.Kind
	weight int64
	length int
	name   [tally.LongestPrefix]byte // its beginning: the argument may be gone when the command ends
}

// mostPicks are the picks of a script that looks up very many keys before some of them count.
const mostPicks = 512

// pick notes the look-up that the clock has picked.
func (v *View) pick(key []byte, hit bool) {
	if len(v.picks) == mostPicks {
		v.settlePicks()
	}
	if len(v.picks) == 0 {
		v.before = v.clock
		v.before.Left += v.lookups().hits + v.lookups().misses // of this command
	}
	p := pick{flows: v.space.flows, kind: tally.Miss, weight: v.clock.Pick(v.now)}
	if hit {
		p.kind = tally.Hit
	}
	p.length = copy(p.name[:], key)
	v.picks = append(v.picks, p)
	v.aside++
}

func (v *View) settlePicks() {
	for i := range v.picks {
		p := &v.picks[i]
		p.flows.Note(p.kind, viewString(p.name[:p.length]), p.weight)
	}
	v.aside -= len(v.picks)
	v.picks = v.picks[:0]
}

// leave puts the look-ups in the selected database aside: another one is going to be selected.
func (v *View) leave() {
	v.earlier = append(v.earlier, lookups{v.space, v.hits, v.misses})
	v.aside++
	v.hits, v.misses = 0, 0
}

// settle counts what is rare: picks, and look-ups in databases that were selected before.
func (tx *Tx) settle() {
	tx.settlePicks()
	for _, l := range tx.earlier {
		l.space.flows.Counts[tally.Hit] += l.hits
		l.space.flows.Counts[tally.Miss] += l.misses
	}
	tx.aside, tx.earlier = 0, tx.earlier[:0]
}

// lookups are all of the command under way.
func (v *View) lookups() (all lookups) {
	all.hits, all.misses = v.hits, v.misses
	for _, l := range v.earlier {
		all.hits, all.misses = all.hits+l.hits, all.misses+l.misses
	}
	return all
}

// Uncount forgets the hits and misses so far, of a command that will run once more from its beginning.
func (v *View) Uncount() {
	if v.hits|v.misses|int64(v.aside) != 0 {
		v.uncount()
	}
}

func (v *View) uncount() {
	all := v.lookups()
	if len(v.picks) > 0 {
		v.clock = v.before
	} else {
		v.clock.Left += all.hits + all.misses
	}
	v.hits, v.misses, v.aside, v.picks, v.earlier = 0, 0, 0, v.picks[:0], v.earlier[:0]
}

// count counts a change of a key, and reports whether the clock has picked it.
func (tx *Tx) count(kind tally.Kind, o *object) (picked bool) {
	o.space.flows.Counts[kind]++
	if tx.changes.Left--; tx.changes.Left < 0 {
		o.space.flows.Note(kind, o.name(), tx.changes.Pick(tx.now))
		return true
	}
	return false
}

// censusChanged is told of a key that is new, born in unix ms, or has changed. Of a small key it hears the changes that
// the clock picks, and all of one command after its first: so a size that it has may be some hundred changes old.
func (st *Store) censusChanged(o *object, born int64) {
	if c := o.space.census; c.Concerns(o.id) || o.units >= largeUnits || o.headOnly {
		c.Put(o.id, o.bytesOnDisk(), born, o.name())
	}
}

// censusDropped is told of a key that goes.
func (tx *Tx) censusDropped(o *object, why tally.Kind) {
	c := o.space.census
	if !c.Concerns(o.id) && o.units < largeUnits && !o.headOnly {
		return
	}
	if k, weight := c.Delete(o.id); weight > 0 && k.Born > 0 {
		o.space.flows.Gone(why, float64(max(tx.now-k.Born, 0)), weight)
	}
}

// censusMoved is told of a key that got another name, to, and perhaps another space.
func (st *Store) censusMoved(from, to *object) {
	born := int64(0)
	if from.space == to.space {
		to.space.census.Rename(to.id, to.name())
	} else {
		k, _ := from.space.census.Delete(from.id)
		born = k.Born
	}
	st.censusChanged(to, born) // the seeding may not have come to it, and will not know it by this name
}

// tallySwapped is told of two spaces that are to change their numbers.
func (st *Store) tallySwapped(a, b *space) {
	a.flows, b.flows = b.flows, a.flows
	a.census.Moved()
	b.census.Moved()
}

// tallySupplanted is told of a space that takes the number of an old one.
func (st *Store) tallySupplanted(old, fresh *space) {
	fresh.flows, fresh.census = old.flows, tally.NewCensus(st.tally.most)
	old.census = tally.NewCensus(1)
}

// lookedUp is how often keys were looked for since the start or ResetStats, the command under way included. The caller
// holds the keyspace lock.
func (st *Store) lookedUp() (hits, misses int64) {
	all := st.tx.lookups()
	for _, s := range st.dbs {
		all.hits += s.flows.Counts[tally.Hit]
		all.misses += s.flows.Counts[tally.Miss]
	}
	return all.hits, all.misses
}

// resetTallies forgets what has happened, and not what is there.
func (st *Store) resetTallies() {
	now := time.Now().UnixMilli()
	for _, s := range st.dbs {
		s.flows.Reset(now)
	}
}

// CacheStats are a database's statistics.
type CacheStats struct {
	DB               int
	Counts           tally.Counts
	Evicted, Expired tally.Ages // of keys that went so
	Since            int64      // unix ms: since when Counts counts, over restarts
	Keys             int64      // exact
	Present          tally.Share
	Sampled          int64 // one key in so many was looked at, 1 = all
	Seeded           bool  // the census knows of all keys; else Present is extrapolated from those it knows

	First, Second map[string]*PrefixStats // by the name up to the first and the second ':'; nil if not asked for
}

// PrefixStats are those of the keys with a prefix.
type PrefixStats struct {
	tally.Line
	Present tally.Share
}

// CacheStats gathers a database's statistics at now in unix ms, with those of its prefixes if that is asked for; locked
// = the caller holds the keyspace lock. ErrBusy = a long command holds it.
func (st *Store) CacheStats(db int, now int64, prefixes, locked bool) (c CacheStats, err error) {
	// The room for the copies is made without the lock: it is some hundred KB, and who allocates so much may have to
	// help the collector first, for 3 ms.
	var known, first, second int
	err = st.Look(locked, func() {
		s := st.dbs[db]
		known = s.census.Len()
		first, second = s.flows.Len()
	})
	if err != nil {
		return c, err
	}
	const more = 8 // that may come in between; if it is more, the copies find room for themselves
	keys := make([]tally.Key, 0, known+more)
	var lines [2][]tally.Line
	if prefixes {
		lines = [2][]tally.Line{make([]tally.Line, 0, first+more), make([]tally.Line, 0, second+more)}
	}
	var sample tally.Sample
	err = st.Look(locked, func() {
		s := st.dbs[db]
		c = newCacheStats(db, s.flows, s.live, s.census.One(), !st.tally.seed.under)
		if s == st.tx.space { // the command that asks may be a script that has looked something up
			c.Counts[tally.Hit] += st.tx.hits
			c.Counts[tally.Miss] += st.tx.misses
		}
		if prefixes {
			lines[0], lines[1] = s.flows.LinesIn(lines[0], lines[1])
		}
		sample = s.census.SampleIn(keys)
	})
	if err != nil {
		return c, err
	}
	c.addUp(&sample, lines, now, prefixes)
	return c, nil
}

// newCacheStats are a database's without what a census is added up for.
func newCacheStats(db int, f *tally.Flows, keys, sampled int64, seeded bool) CacheStats {
	return CacheStats{DB: db, Counts: f.All(), Evicted: f.Evicted, Expired: f.Expired, Since: f.Since, Keys: keys,
		Sampled: sampled, Seeded: seeded}
}

// addUp adds what a sample of the keys says at now in unix ms, and the lines of both levels of prefixes.
func (c *CacheStats) addUp(sample *tally.Sample, lines [2][]tally.Line, now int64, prefixes bool) {
	all, first, second := sample.Shares(now)
	scale := 1.0
	if all.Keys > 0 {
		scale = float64(c.Keys) / all.Keys
	}
	all.Scale(scale)
	c.Present = all
	if prefixes {
		c.First, c.Second = prefixStats(lines[0], first, scale), prefixStats(lines[1], second, scale)
	}
}

func prefixStats(lines []tally.Line, shares map[string]*tally.Share, scale float64) map[string]*PrefixStats {
	stats := make(map[string]*PrefixStats, len(lines)+len(shares))
	for _, l := range lines {
		stats[l.Prefix] = &PrefixStats{Line: l}
	}
	for prefix, share := range shares {
		p := stats[prefix]
		if p == nil {
			p = &PrefixStats{Line: tally.Line{Prefix: prefix}}
			stats[prefix] = p
		}
		share.Scale(scale)
		p.Present = *share
	}
	return stats
}

// Fullest are the prefixes of a level, 1 or 2, that are wanted, by the room that their keys take.
func (c *CacheStats) Fullest(level int, wanted func(prefix string) bool) []*PrefixStats {
	all := c.First
	if level == 2 {
		all = c.Second
	}
	var found []*PrefixStats
	for prefix, p := range all {
		if wanted(prefix) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *PrefixStats) int {
		return cmp.Or(cmp.Compare(b.Present.Bytes, a.Present.Bytes), cmp.Compare(b.Counts[tally.Hit], a.Counts[tally.Hit]),
			strings.Compare(a.Prefix, b.Prefix))
	})
	return found
}

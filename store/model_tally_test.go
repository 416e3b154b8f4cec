package store

import (
	"maps"

	"diskette/store/tally"
)

// The statistics of the game: all keys are in the censuses, by their prefixes, whatever was done, kept and lost.

func (g *game) beginTallies(kept map[string][]byte) {
	g.t.Helper()
	g.kept = maps.Clone(kept)
	texts := map[string]string{}
	for name, value := range kept {
		texts[name] = string(value)
	}
	g.st.tally.seed.hurries = true
	if err := g.st.BeginTallies(texts); err != nil {
		g.fail("begin tallies: %v", err)
	}
}

func (g *game) keepTallies() {
	g.st.Lock()
	next := g.st.TallyNext()
	g.st.Unlock()
	if g.kept == nil {
		g.kept = map[string][]byte{}
	}
	for db := range g.dbs {
		g.st.Lock()
		maps.Copy(g.kept, g.st.TallyChanges(db, 0, next))
		g.st.Unlock()
	}
}

func (g *game) tallies() {
	g.t.Helper()
	eventually(g.t, "the seeding", g.st.TalliesSeeded)
	for db := range g.dbs {
		want := map[string]float64{}
		for key := range g.dbs[db] {
			if _, live := g.live(db, key); live {
				first, _ := tally.Prefixes(key)
				want[first]++
			}
		}
		g.st.Lock()
		sample, live := g.st.dbs[db].census.Sample(), g.st.dbs[db].live
		g.st.Unlock()
		all, first, _ := sample.Shares(g.now)
		if all.Keys != float64(live) {
			g.fail("the census of database %d has %v keys, the database %d", db, all.Keys, live)
		}
		for prefix, n := range want { // those that have expired may be there, too
			if share := first[prefix]; share == nil || share.Keys < n {
				g.fail("database %d has %v keys below %q, the census %+v", db, n, prefix, share)
			}
		}
	}
}

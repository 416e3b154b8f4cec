package store

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// scanModel is a SCAN loop under way.
type scanModel struct {
	db, count int
	cursor    int64
	o         ScanOptions
	there     map[string]bool // keys there throughout so far
	returned  map[string]int
	births    map[int]string // of what was returned
}

// liveKeys are the names in a database at the game's time that begin with prefix.
func (g *game) liveKeys(db int, prefix string) map[string]bool {
	keys := map[string]bool{}
	for k := range g.dbs[db] {
		if _, ok := g.live(db, k); ok && strings.HasPrefix(k, prefix) {
			keys[k] = true
		}
	}
	return keys
}

// scanStep begins a SCAN loop or takes its next page.
func (g *game) scanStep() {
	if g.scan == nil {
		s := &scanModel{db: g.r.IntN(len(g.dbs)), count: 1 + g.r.IntN(6), returned: map[string]int{}, births: map[int]string{}}
		if g.r.IntN(2) == 0 {
			prefix := []string{"a:", "b:1", "\xff", "\xff\xff"}[g.r.IntN(4)]
			s.o = ScanOptions{Prefix: prefix, Match: func(k []byte) bool { return bytes.HasPrefix(k, []byte(prefix)) }}
		}
		if g.r.IntN(4) == 0 {
			s.o.Type = TypeString
		}
		s.there = g.liveKeys(s.db, s.o.Prefix)
		maps.DeleteFunc(s.there, func(k string, _ bool) bool { return s.o.Type != None && g.dbs[s.db][k].typ != s.o.Type })
		g.scan = s
	}
	s := g.scan
	keys, next, _, err := g.st.Scan(s.db, s.cursor, s.count, g.now, s.o, false)
	if err != nil {
		g.fail("scan: %v", err)
	}
	g.note("scan %d cursor %d count %d prefix %q = %.20q, %d", s.db, s.cursor, s.count, s.o.Prefix, keys, next)
	for _, k := range keys {
		e, ok := g.live(s.db, k)
		if !ok {
			g.fail("scan returned %.20q, which is not there", k)
		}
		if other, twice := s.births[e.birth]; twice {
			g.fail("scan returned %.20q twice, first as %.20q", k, other)
		}
		s.births[e.birth] = k
		s.returned[k]++
	}
	if next != 0 {
		if next <= s.cursor {
			g.fail("scan's cursor went from %d to %d", s.cursor, next)
		}
		s.cursor = next
		return
	}
	for k := range s.there {
		if e, ok := g.live(s.db, k); ok && s.returned[k] != 1 && (s.o.Type == None || s.o.Type == e.typ) {
			g.fail("scan returned %.20q %d times though it was there throughout", k, s.returned[k])
		}
	}
	g.scan = nil
}

// counts compares DBSIZE and RANDOMKEY.
func (g *game) counts() {
	for db := range g.dbs {
		want := g.liveKeys(db, "")
		n, _, err := g.st.DBSize(db, g.now, false)
		if err != nil || n != int64(len(want)) {
			g.fail("dbsize %d = %d, %v; want %d", db, n, err, len(want))
		}
		key, _, ok, err := g.st.RandomKey(db, g.now, false)
		if err != nil || ok != (len(want) > 0) || ok && !want[key] {
			g.fail("randomkey %d = %.20q, %v, %v of %d keys", db, key, ok, err, len(want))
		}
	}
}

// compare reads everything.
func (g *game) compare() {
	g.note("compare")
	g.counts()
	for db, m := range g.dbs {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			e, ok := g.live(db, k)
			err := command(g.st, db, g.now, []string{k}, func(tx *Tx, keys [][]byte) {
				d, _ := tx.Deadline(keys[0])
				if ok && e.typ != TypeString {
					if got := collectionModels[e.typ].read(g, tx, keys[0]); tx.TypeOf(keys[0]) != e.typ || d != e.deadline || !got.equal(e.content) {
						g.fail("%v %.20q in %d = %v, deadline %d; want %v, deadline %d", e.typ, k, db, got, d, e.content, e.deadline)
					}
					return
				}
				v, _ := tx.String(keys[0])
				if (v != nil) != ok || ok && (string(v) != e.value || d != e.deadline) {
					g.fail("key %.20q in %d = %s, deadline %d; want %s, deadline %d, %v", k, db, brief(string(v)), d, brief(e.value), e.deadline, ok)
				}
			})
			if err != nil {
				g.fail("get: %v", err)
			}
		}
	}
}

package store

// evict removes a key as the evictor does, whatever it is and whatever is under way.
func (g *game) evict() {
	st, db := g.st, g.r.IntN(len(g.dbs))
	st.Lock()
	s, id := st.dbs[db], int64(0)
	if s.order != nil {
		first, ids := g.r.Int64N(st.ids.next()), st.ids.next()
		for n := int64(0); n < ids && id == 0; n++ {
			if at := 1 + (first+n)%ids; s.order.Has(at) {
				id = at
			}
		}
	}
	applied := st.applied.Load()
	st.Unlock()
	if id == 0 {
		return
	}
	rows, err := st.rowHeads(func(r *reader) ([]rowHead, error) { return r.headsOf([]int64{id}) })
	if err != nil {
		g.fail("evict: %v", err)
	}
	var row *rowHead
	if len(rows) > 0 {
		row = &rows[0]
	}
	st.Lock()
	if st.applied.Load() != applied { // what was changed before the look may have left memory
		st.Unlock()
		return
	}
	st.reading = reading{applied: applied}
	tx := st.Begin(db, g.now)
	freed := tx.evictCandidate(s, id, row, true, false)
	seen := tx.End()
	st.reading.stale = true // the evictor, if it was looking, looks again
	st.Unlock()
	g.note("evict %d: %d bytes of key %d", db, freed, id)
	if err := st.Wait(seen); err != nil {
		g.fail("evict: %v", err)
	}
}

// evicted is the store's hook. The caller holds the keyspace lock.
func (g *game) evicted(db int, key string) {
	g.note("evicted %d %.20q", db, key)
	g.gone(db, key)
}

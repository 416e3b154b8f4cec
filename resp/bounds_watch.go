package resp

import (
	"strconv"
	"sync"
	"time"

	"diskette/resp/command"
	"diskette/store"
)

// boundsWatch looks at the bounds once a second: for how long they are exceeded, which INFO tells, and what the
// operator is to be told.
type boundsWatch struct {
	mu       sync.Mutex // guards what follows
	exceeded time.Time  // since when more is used than maxdisk; zero = it is not
	total    time.Duration
	told     map[int]*toldOfBound // by database, or allDatabases
}

// watchBounds is called once a second.
func (s *Server) watchBounds(now time.Time) {
	w, b := &s.bounds.watch, s.store.Bounds()
	used := int64(0)
	if b.Disk > 0 {
		used = s.store.UsedDisk()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time(now, b.Disk > 0 && used > b.Disk)
	s.logBounds(now, b)
}

// time notes whether more is used than maxdisk.
func (w *boundsWatch) time(now time.Time, exceeded bool) {
	switch {
	case exceeded && w.exceeded.IsZero():
		w.exceeded = now
	case !exceeded && !w.exceeded.IsZero():
		w.total += now.Sub(w.exceeded)
		w.exceeded = time.Time{}
	}
}

// times are how long maxdisk has been exceeded in all, and just now.
func (w *boundsWatch) times(now time.Time) (total, current time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.exceeded.IsZero() {
		current = now.Sub(w.exceeded)
	}
	return w.total + current, current
}

// reset is CONFIG RESETSTAT's.
func (w *boundsWatch) reset(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total = 0
	if !w.exceeded.IsZero() {
		w.exceeded = now
	}
}

// evicted is the store's hook for a key that it has removed to make room.
func (s *Server) evicted(db int, key string) {
	s.bounds.evicted.Add(1)
	s.notify(db, command.EventEvicted, "evicted", key)
	if s.replicas.effects.On() {
		del := "DEL"
		if s.cfg.Bool("lazyfree-lazy-eviction") {
			del = "UNLINK"
		}
		s.replicas.removed(db, del, key)
	}
}

// infoBounds is what bounds the data on disk, what it takes there, and what went for it.
func infoBounds(t *infoText, r *infoReport) {
	st, b := &r.store, r.s.store.Bounds()
	total, free := store.FileSystem(r.s.cfg.Text("dir"))
	t.bytes("maxdisk", b.Disk) // what it comes to; CONFIG GET has it as it was given
	t.line("maxdisk_free", b.Free)
	t.line("maxdisk_policy", b.Policy)
	t.bytes("used_disk", st.UsedDisk)
	t.line("used_disk_database", st.DatabaseBytes)
	t.line("used_disk_wal", st.WALBytes)
	t.line("used_disk_journal", st.Journal.Bytes)
	t.line("used_disk_reserve", max(0, st.UsedDisk-st.DatabaseBytes-st.WALBytes-st.Journal.Bytes))
	t.line("disk_total", total)
	t.line("disk_free", free)
	t.line("evicted_bytes", st.EvictedBytes)
	t.line("evicted_age_ms", st.EvictedAgeMillis) // since the last use of the key that went last; -1 = not known
	t.line("refused_for_room", r.s.bounds.refused.all.Load())
	full := 0
	for db := range r.databases {
		full += zeroOne(r.s.full(db))
	}
	t.line("full_databases", full) // that refuse what needs more room
	for db, d := range r.databases {
		if bound, has := b.Databases[db]; has || d.EvictedKeys > 0 {
			policy := b.Policy
			if bound.HasPolicy {
				policy = bound.Policy
			}
			t.linef("bound_db"+strconv.Itoa(db), "maxdisk=%d,used=%d,policy=%s,evicted=%d,full=%d", bound.Disk, d.DiskBytes, policy,
				d.EvictedKeys, zeroOne(r.s.full(db)))
		}
	}
}

package resp

import (
	"strconv"
	"sync"
	"time"

	"diskette/resp/command"
	"diskette/store"
)

// boundsWatch looks at the bounds once a second: for how long they are exceeded, which INFO tells, and what the
// operator is to be told. What comes and goes between two looks makes no line, so that there is no flood.
type boundsWatch struct {
	mu       sync.Mutex // guards what follows
	exceeded time.Time  // since when more is used than maxdisk; zero = it is not
	total    time.Duration

	reached  bool      // keys were evicted, and that was told
	refused  int64     // commands, at the last look
	refusing bool      // that was told, and not yet that it is over
	began    time.Time // when the refusals that were told began
	last     time.Time // when a refusal was last seen
	before   int64     // commands refused before they began
}

// acceptedAgain is how long no command must be refused until that is told.
const acceptedAgain = 5 * time.Second

// watchBounds is called once a second.
func (s *Server) watchBounds(now time.Time) {
	w, b := &s.bounds.watch, s.store.Bounds()
	refused, evicted := s.bounds.refused.Load(), s.bounds.evicted.Load()
	used := int64(0)
	if b.Disk > 0 {
		used = s.store.UsedDisk()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time(now, b.Disk > 0 && used > b.Disk)
	if evicted > 0 && !w.reached {
		w.reached = true
		s.tellBounds(b, "a bound of the disk is reached: keys are evicted from here on (evicted_keys in INFO counts them)")
	}
	switch {
	case refused < w.refused: // CONFIG RESETSTAT
	case refused > w.refused:
		if w.last = now; !w.refusing {
			w.refusing, w.began, w.before = true, now, w.refused
			s.tellBounds(b, "writes are refused: a bound of the disk is reached, and maxmemory-policy has nothing to evict")
		}
	case w.refusing && now.Sub(w.last) >= acceptedAgain && !s.anyFull():
		w.refusing = false
		s.log.Info().Int64("refused", refused-w.before).Dur("ms", now.Sub(w.began)).Int64("used_disk", s.store.UsedDisk()).
			Int64("maxdisk", b.Disk).Msg("writes are accepted again")
	}
	w.refused = refused
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

// tellBounds writes a line with the figures of the bounds.
func (s *Server) tellBounds(b *store.Bounds, what string) {
	total, free := store.FileSystem(s.cfg.Text("dir"))
	e := s.log.Warn().Str("policy", b.Policy.String()).Int64("used_disk", s.store.UsedDisk()).Int64("maxdisk", b.Disk).
		Int64("maxdisk_free", b.Free).Int64("disk_free", free).Int64("disk_total", total).
		Int64("evicted", s.bounds.evicted.Load()).Int64("refused", s.bounds.refused.Load())
	if len(b.Databases) > 0 {
		e = e.Str("maxdisk_db", s.cfg.Text("maxdisk-db")).Str("maxmemory_policy_db", s.cfg.Text("maxmemory-policy-db"))
	}
	e.Msg(what)
}

// anyFull reports whether there is no room in one of the databases.
func (s *Server) anyFull() bool {
	for db := range s.cfg.Databases {
		if s.full(db) {
			return true
		}
	}
	return false
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
	t.line("evicted_age_ms", st.EvictedAgeMillis) // since the last use of the key that went last
	t.line("refused_for_room", r.s.bounds.refused.Load())
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

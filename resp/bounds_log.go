package resp

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"diskette/store"
)

// allDatabases stands where else a database's number does, for the bound of all databases together.
const allDatabases = -1

// refusals count the commands that were refused because there was no room, by the bound that they met.
type refusals struct {
	all atomic.Int64 // since the start or CONFIG RESETSTAT

	mu       sync.Mutex
	by       map[int]int64        // since the start
	policy   map[int]store.Policy // that refused last
	outsized outsized             // the largest since the log was told
	times    int64                // and how many there were
}

// outsized is a command that is larger than a bound by itself.
type outsized struct {
	db           int // whose bound it is
	bytes, bound int64
}

func (r *refusals) count(db int, policy store.Policy) {
	r.all.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by, r.policy = map[int]int64{}, map[int]store.Policy{}
	}
	r.by[db]++
	r.policy[db] = policy
}

func (r *refusals) outsize(o outsized) {
	r.all.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times++
	if o.bytes > r.outsized.bytes {
		r.outsized = o
	}
}

// toldOfBound is what the log has been told of one bound. What comes and goes between two looks makes no line, so that
// there is no flood.
type toldOfBound struct {
	reached  bool      // keys were evicted, and that was told
	refused  int64     // commands, at the last look
	refusing bool      // that was told, and not yet that it is over
	began    time.Time // when the refusals that were told began
	last     time.Time // when a refusal was last seen
	before   int64     // commands refused before they began
	outsized time.Time // when the log was last told of one
}

const (
	// acceptedAgain is how long no command must be refused until that is told.
	acceptedAgain = 5 * time.Second
	// outsizedPause is how long a client that tries again and again is not told of again.
	outsizedPause = time.Minute
)

// logBounds writes what is new about the bounds into the log. The caller holds the watch's lock.
func (s *Server) logBounds(now time.Time, b *store.Bounds) {
	r := &s.bounds.refused
	r.mu.Lock()
	refused, policies, large, times := maps.Clone(r.by), maps.Clone(r.policy), r.outsized, r.times
	r.mu.Unlock()
	evicted := map[int]int64{allDatabases: s.bounds.evicted.Load()}
	for db := range s.cfg.Databases {
		evicted[db] = s.store.DatabaseRoom(db).Evicted
		evicted[allDatabases] -= evicted[db]
	}
	for _, db := range slices.Sorted(maps.Keys(evicted)) {
		s.logBound(now, b, db, evicted[db], refused[db], policies[db])
	}
	if told := s.bounds.watch.of(large.db); times > 0 && now.Sub(told.outsized) >= outsizedPause {
		told.outsized = now
		e := s.log.Warn().Int64("bytes", large.bytes).Int64("commands", times)
		e, whose := boundField(e, large.db, large.bound)
		e.Msg("a command was refused that is larger than " + whose + " by itself: nothing was evicted for it, and others go on")
		r.mu.Lock()
		r.outsized, r.times = outsized{}, r.times-times
		r.mu.Unlock()
	}
}

// boundField adds a bound to a line, and is what it is called.
func boundField(e *zerolog.Event, db int, bound int64) (with *zerolog.Event, whose string) {
	if db == allDatabases {
		return e.Int64("maxdisk", bound), "maxdisk"
	}
	return e.Int("db", db).Int64("maxdisk_db", bound), "its database's maxdisk-db"
}

// of is what was told of a bound.
func (w *boundsWatch) of(db int) *toldOfBound {
	if w.told == nil {
		w.told = map[int]*toldOfBound{}
	}
	if w.told[db] == nil {
		w.told[db] = &toldOfBound{}
	}
	return w.told[db]
}

// logBound is logBounds for one of them. policy is that of the last command that was refused: it may be another by now.
func (s *Server) logBound(now time.Time, b *store.Bounds, db int, evicted, refused int64, policy store.Policy) {
	w := s.bounds.watch.of(db)
	bound, writes, from, full := "a bound of the disk is reached", "writes", "", s.store.FullInAll
	if db != allDatabases {
		bound, writes, from = "a database has reached its own bound on disk", "writes to a database", "of it "
		full = func() bool { return s.store.FullOfItsOwn(db) }
	}
	if evicted > 0 && !w.reached {
		w.reached = true
		s.boundFigures(s.log.Warn(), b, b.PolicyOf(db), db, evicted, refused).
			Msg(bound + ": keys " + from + "are evicted from here on (evicted_keys in INFO counts them)")
	}
	switch {
	case refused > w.refused:
		if w.last = now; !w.refusing {
			w.refusing, w.began, w.before = true, now, w.refused
			why := "maxmemory-policy " + policy.String() + " finds nothing to evict"
			if policy == store.NoEviction {
				why = "maxmemory-policy is noeviction"
			}
			s.boundFigures(s.log.Warn(), b, policy, db, evicted, refused).Msg(writes + " are refused: " + bound + ", and " + why)
		}
	case w.refusing && now.Sub(w.last) >= acceptedAgain && !full():
		w.refusing = false
		s.boundFigures(s.log.Info(), b, b.PolicyOf(db), db, evicted, refused-w.before).Dur("ms", now.Sub(w.began)).
			Msg(writes + " are accepted again")
	}
	w.refused = refused
}

// boundFigures adds to a line what a bound is like now, and the policy that the line is about.
func (s *Server) boundFigures(e *zerolog.Event, b *store.Bounds, policy store.Policy, db int, evicted, refused int64) *zerolog.Event {
	e = e.Int64("evicted", evicted).Int64("refused", refused)
	if db != allDatabases {
		return e.Int("db", db).Str("policy", policy.String()).Int64("used_disk_db", s.store.DatabaseRoom(db).Bytes).
			Int64("maxdisk_db", b.Databases[db].Disk)
	}
	total, free := store.FileSystem(s.cfg.Text("dir"))
	e = e.Str("policy", policy.String()).Int64("used_disk", s.store.UsedDisk()).Int64("maxdisk", b.Disk).
		Int64("maxdisk_free", b.Free).Int64("disk_free", free).Int64("disk_total", total)
	if of := s.cfg.Text("maxmemory-policy-db"); of != "" {
		e = e.Str("maxmemory_policy_db", of)
	}
	return e
}

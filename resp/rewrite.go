package resp

import (
	"sync"
	"time"
)

// rewrites are the write-backs that clients ask for with BGREWRITEAOF, one at a time. Every write is durable without
// them; they bring what the journal holds into the tables, where backups of the database file find it.
type rewrites struct {
	mu       sync.Mutex // guards what follows
	started  time.Time  // zero = none is under way
	last     time.Duration
	finished int64 // how many have ended well
	failed   bool  // the last one
}

// runInBackground writes everything back; started is false if another run is under way.
func (j *rewrites) runInBackground(s *Server) (started bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.started.IsZero() {
		return false
	}
	j.started = time.Now()
	go j.run(s)
	return true
}

func (j *rewrites) run(s *Server) {
	err := s.store.Flush()
	j.mu.Lock()
	j.last, j.started, j.failed = time.Since(j.started), time.Time{}, err != nil
	if err == nil {
		j.finished++
	}
	took := j.last
	j.mu.Unlock()
	if err != nil {
		s.log.Error().Err(err).Dur("took_ms", took).Msg("BGREWRITEAOF failed")
	} else {
		s.log.Debug().Dur("took_ms", took).Msg("BGREWRITEAOF done")
	}
}

// rewriteState is rewrites as INFO tells it.
type rewriteState struct {
	running, failed             bool
	finished                    int64
	lastSeconds, currentSeconds int64 // -1 = there was none, is none
}

func (j *rewrites) state(now time.Time) rewriteState {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := rewriteState{running: !j.started.IsZero(), failed: j.failed, finished: j.finished, lastSeconds: -1,
		currentSeconds: -1}
	if j.finished > 0 || j.failed {
		s.lastSeconds = int64(j.last / time.Second)
	}
	if s.running {
		s.currentSeconds = int64(now.Sub(j.started) / time.Second)
	}
	return s
}

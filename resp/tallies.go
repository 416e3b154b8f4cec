package resp

import (
	"context"
	"errors"
	"time"

	"diskette/store"
)

// The statistics of CACHE are kept in the server's own database, as what the admin page keeps is: once a minute if
// something has happened, and at the end. A kill loses up to a minute of them.
const (
	talliesPart = "tallies"
	talliesTime = time.Minute
	talliesWait = 10 * time.Second // for a long script
)

// KeptStatistics is the name of the hash that they are in, in the server's own database.
const KeptStatistics = keptPrefix + talliesPart

// beginTallies takes in what was kept. Of what can not be read the keys' rows tell.
func (s *Server) beginTallies() {
	kept, err := s.kept(context.Background(), talliesPart)
	if err = errors.Join(err, s.store.BeginTallies(kept)); err != nil {
		s.log.Warn().Err(err).Msg("statistics of the caches begin anew: what was kept can not be read")
	}
}

// keepTalliesUntil keeps them until stop is closed.
func (s *Server) keepTalliesUntil(stop <-chan struct{}) {
	tick := time.NewTicker(talliesTime)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.keepTallies()
		}
	}
}

// keepTallies keeps what is new, a database after the other, so that none holds the keyspace lock for long. What can
// not be stored while the disk is full is lost at a restart.
func (s *Server) keepTallies() {
	if s.store.WriteError() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), talliesWait)
	defer cancel()
	next := int64(0)
	for db := range s.cfg.Databases {
		_, err := s.keep(ctx, talliesPart, func(lsn uint64) map[string][]byte {
			if next == 0 {
				next = s.store.TallyNext()
			}
			return s.store.TallyChanges(db, lsn, next)
		})
		if err == store.ErrBusy {
			return // a long script runs; at the next minute
		}
		if err != nil {
			s.log.Warn().Err(err).Msg("statistics of the caches could not be stored")
			return
		}
	}
}

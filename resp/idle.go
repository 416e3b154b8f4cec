package resp

import (
	"runtime/debug"
	"time"

	"diskette/resp/internal/machine"
)

// Memory is given back when nobody has used a key for hot-idle: keys are unloaded (store/idle.go), Go's heap goes back
// to the system, and so do the pages of the program that were read; those that are needed come again from the page
// cache. That is done once, until keys are used again. A health check's PING or INFO is no use of one.
//
// What the start has taken is given back once, too, when no key was used for startRest.
type idleness struct { // the sampler's
	uses  int64
	since time.Time // when uses was another last
	given bool      // since then
	begun bool      // what the start has taken was given back
}

const startRest = 10 * time.Second

// look is called once a second. It may take some seconds, unless keys are used again or stop is closed.
func (i *idleness) look(s *Server, now time.Time, stop <-chan struct{}) {
	uses, known := s.store.Uses()
	if !known {
		return
	}
	if i.since.IsZero() || uses != i.uses {
		i.uses, i.since, i.given = uses, now, false
	}
	after := time.Duration(s.cfg.Int("hot-idle")) * time.Second
	switch idle := now.Sub(i.since); {
	case after > 0 && idle >= after && !i.given:
		i.given = true
		began := s.store.HotKeys()
		s.store.UnloadIdle(func() bool {
			select {
			case <-stop:
				return false
			default:
			}
			n, known := s.store.Uses()
			return known && n == uses
		})
		s.log.Info().Int64("keys", began).Dur("hot_idle", after).Msg("nobody uses keys: they are unloaded, and memory is given back")
	case idle >= startRest && !i.begun:
	default:
		return
	}
	i.begun = true
	debug.FreeOSMemory()
	machine.LetProgramGo()
}

package resp

import (
	"sync/atomic"
	"time"

	"diskette/resp/command"
	"diskette/resp/config"
)

// Every command that runs goes through beforeCommand and afterCommand, for those who look inside: INFO commandstats and
// latencystats, LATENCY, SLOWLOG, MONITOR. Two clock readings cost as much as a tenth of a GET, hence:
//
//	exact     calls, failures and what MONITOR shows; the time of commands that take longer the more data they meet
//	          (Row.TimeVaries), that have many arguments or had to read the disk; the time of all commands while
//	          slowlog-log-slower-than is below a millisecond or latency-monitor-threshold is set
//	sampled   the time of the others, one call in timedEvery: INFO's usec and percentiles and LATENCY HISTOGRAM
//	          are the sample's, scaled to the calls
//
// So the slow log may miss a GET, which has no reason to be slow, but no KEYS. Waiting, for the lock, for
// a commit or in the queue of a key, is no part of a command's time; reading its keys from disk is.

const (
	timedEvery = 16
	manyArgs   = 64
	// fineMicros is the slowlog-log-slower-than below which a command of little data can be slow.
	fineMicros = 1000
)

// timingSettings is what the server's settings ask beforeCommand and afterCommand to do.
type timingSettings struct {
	timeAll  atomic.Bool
	tracking atomic.Bool // latency-tracking
	resumed  atomic.Bool // the measuring was off: commands that have no percentiles get their next call timed
}

// apply takes over the settings; it is called at the start and after each CONFIG SET of one of them.
func (t *timingSettings) apply(cfg *config.Config) {
	slower := cfg.SlowlogLogSlowerThan.Load()
	t.timeAll.Store(slower >= 0 && slower < fineMicros || cfg.LatencyMonitorThreshold.Load() > 0)
	on := cfg.Bool("latency-tracking")
	if !on {
		t.resumed.Store(true)
	}
	t.tracking.Store(on)
}

// timing is a command under way.
type timing struct {
	start   time.Time // zero = its time is not taken
	sampled bool      // the call is one of those that stand for all
}

// beforeCommand counts a call; loaded is how long it has read the disk already.
func (cl *client) beforeCommand(r *command.Row, args [][]byte, loaded time.Duration) timing {
	if cl.own {
		return timing{}
	}
	sampled := r.Stats.Calls.Add(1)%timedEvery == 1
	if sampled || r.TimeVaries || loaded > 0 || len(args) > manyArgs || cl.srv.timing.timeAll.Load() {
		return timing{time.Now().Add(-loaded), sampled || r.TimeVaries}
	}
	if cl.srv.timing.resumed.Load() && r.Stats.Times.Load() == nil && cl.srv.timing.tracking.Load() {
		return timing{time.Now(), true}
	}
	return timing{}
}

// afterCommand is called when the command has run, under the same hold of the keyspace lock if it is on keys.
func (cl *client) afterCommand(t timing, r *command.Row, args [][]byte, reply *command.Reply) {
	if cl.own {
		return
	}
	cl.noteTimes(t, r, args, reply)
	if cl.srv.monitors.count.Load() > 0 {
		cl.srv.monitors.feed(cl, r, args)
	}
}

// noteTimes is afterCommand without the monitors: scripts' commands come to them in another way.
func (cl *client) noteTimes(t timing, r *command.Row, args [][]byte, reply *command.Reply) {
	s := cl.srv
	if !t.start.IsZero() {
		took := time.Since(t.start)
		if t.sampled {
			r.Stats.Took(took, s.timing.tracking.Load())
		}
		if reply.Kind != command.KindBlock { // else when it is served
			s.noteSlow(cl, r, args, took)
		}
	}
	if reply.Kind == command.KindError {
		r.Stats.Failed.Add(1)
	}
}

// noteSlow keeps what took long for SLOWLOG and LATENCY.
func (s *Server) noteSlow(cl *client, r *command.Row, args [][]byte, took time.Duration) {
	if slower := s.cfg.SlowlogLogSlowerThan.Load(); slower >= 0 && took.Microseconds() >= slower &&
		r.Flags&command.SkipSlowlog == 0 {
		s.slowlog.add(cl, r, args, took, int(min(s.cfg.SlowlogMaxLen.Load(), maxSlowlog)))
	}
	event := eventCommand
	if r.Flags&command.Fast != 0 {
		event = eventFastCommand
	}
	s.noteLatency(event, took)
}

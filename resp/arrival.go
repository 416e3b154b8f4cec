package resp

import (
	"runtime"
	"slices"
	"time"

	"diskette/resp/wire"
)

// Commands of different clients are in no order, but applications count on one: they subscribe on one connection and, without waiting
// for the confirmation, do on another what they want to hear of. redis-py's own examples do so, and Redis serves the
// two as they come. Here each client has a goroutine, and Go's scheduler, when the network has brought both, runs the later first or each on a
// core of its own: 3 to 48 of 100 such messages found nobody. So who publishes steps back where somebody may be subscribing: with
// a turn of the scheduler, which costs next to nothing where nobody listens but a third of PUBLISH's throughput where
// 100 do; and, if the message would reach nobody, by waiting for those whose bytes have come already.

const (
	// arrivalMillis is how long a client that has connected or subscribed is thought to be about to subscribe.
	arrivalMillis = 1000
	// arrivalWait bounds the wait for others, who may be busy for long, and newcomerWait that for those who have connected just now: on
	// a busy machine their thread may have to wait for a core [PUBLISH right after an unawaited SUBSCRIBE of a new connection, beside
	// other work: 0.7 to 8 % lost with 0.5 ms for all, 0 to 0.3 with 5 ms].
	arrivalWait  = 500 * time.Microsecond
	newcomerWait = 5 * time.Millisecond
	// arrivalClients is how many clients are looked at, at most.
	arrivalClients = 256
)

func (s *Server) arriving(now int64) bool { return now-s.stats.lastArrival.Load() < arrivalMillis }

// stepBack lets others go first if some may be subscribing to what the command is going to tell. The caller holds no lock.
func (cl *client) stepBack(now int64) {
	switch nobody := cl.srv.pubsub.any.Load() == 0; {
	case nobody && cl.srv.arriving(now):
		cl.letEarlierRun(now)
	case nobody || cl.srv.arriving(now):
		runtime.Gosched()
	}
}

// underWay is a client that had sent something when it was looked at, and how many commands it had run by then.
type underWay struct {
	cl       *client
	commands int64
}

// letEarlierRun waits until the clients that have sent something by now have run a command. The caller holds no lock.
func (cl *client) letEarlierRun(now int64) {
	runtime.Gosched()
	earlier := cl.srv.clients.underWay(cl)
	for start := time.Now(); len(earlier) > 0; runtime.Gosched() {
		waited := time.Since(start)
		earlier = slices.DeleteFunc(earlier, func(u underWay) bool {
			wait := arrivalWait
			if now-u.cl.since < arrivalMillis {
				wait = newcomerWait
			}
			return waited > wait || u.cl.commands.Load() != u.commands
		})
	}
}

// underWay lists the clients besides cl whose bytes wait to be read, or that have more to read once they have their replies.
func (r *registry) underWay(cl *client) (found []underWay) {
	r.Lock()
	defer r.Unlock()
	if len(r.byID) > arrivalClients {
		return nil
	}
	others := make([]underWay, 0, len(r.byID))
	guards := make([]*wire.Guard, 0, len(r.byID))
	for _, other := range r.byID {
		if other == cl || other.blocked.Load() {
			continue
		}
		u := underWay{other, other.commands.Load()}
		if other.guard.BytesIn() != other.served.Load() { // it runs a batch, or sends its replies
			found = append(found, u)
			continue
		}
		others, guards = append(others, u), append(guards, other.guard)
	}
	for i, readable := range wire.GuardsReadable(guards) {
		if readable {
			found = append(found, others[i])
		}
	}
	return found
}

package resp

import (
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"diskette/expire"
	"diskette/resp/wire"
)

// Commands of different clients are in no order, but applications count on one: they subscribe on one connection and,
// without waiting for the confirmation, do on another what they want to hear of. redis-py's own examples do so, and
// Redis serves the two as they come. Here each client has a goroutine, and Go's scheduler, when the network has brought
// both, runs the later first or each on a core of its own: 3 to 48 of 100 such messages found nobody.
//
// So a command that would be heard by nobody first lets run what came before it from those who may be subscribing.
// They are few: the clients that have connected or subscribed within the last second, but for those that have
// shown by their commands that they do something else. One look, a poll of their sockets, says which of them have
// sent something that has not run yet. If none has, which is the rule, the command goes on. Else it sleeps until
// they have run it, and they wake it up; it waits at most once for what a client has sent, and not for long.
//
// The design that lost looked at all clients, and gave its turn away until each had run a command: PUBLISH to
// nobody from 50 connections took 43 us of processor time while a connection came every 0.4 s, and Redis 8.

const (
	// arrivalMillis is how long a client that has connected or subscribed is thought to be about to subscribe.
	arrivalMillis = 1000
	// arrivalCommands is how many commands it may run meanwhile: a library's first ones, and a few more.
	arrivalCommands = 8
	// arrivalWait bounds the wait for others, who may be busy for long, and newcomerWait that for those who
	// have connected just now: on a busy machine their thread may have to wait for a core [PUBLISH right
	// after an unawaited SUBSCRIBE of a new connection, beside other work: 0.7 to 8 % lost with 0.5 ms for
	// all, 0 to 0.3 with 5 ms].
	arrivalWait  = 500 * time.Microsecond
	newcomerWait = 5 * time.Millisecond
	// lastWait follows a wait that was in vain. The process may have had no core all the time, and
	// Go then wakes up those whose time is over before it looks for what the network has brought.
	lastWait = 200 * time.Microsecond
)

// arrivals are the clients that may be about to subscribe. Its lock comes after those of the
// registry and of listeners, and nothing else is locked under it.
type arrivals struct {
	last     atomic.Int64 // unix ms: when a client connected or subscribed
	coming   atomic.Int64 // connections that the system has handed out
	accepted atomic.Int64 // connections that have been admitted or turned away
	awaited  atomic.Bool  // somebody waits for one of the arrivals

	mu struct {
		sync.Mutex
		clients []*client
		doors   []syscall.RawConn // of the listeners
		next    chan struct{}     // closed when a client has come, or has run what it sent; nil = nobody waits
	}
}

// arrival is what arrivals know of a client.
type arrival struct {
	among    atomic.Bool  // the client is in arrivals
	at       atomic.Int64 // unix ms
	commands atomic.Int64 // how many it had run then
	inVain   atomic.Int64 // its underWay.progress for which somebody has waited in vain; 0 = none
}

func (a *arrivals) arriving(now int64) bool { return now-a.last.Load() < arrivalMillis }

// note adds a client that has connected or subscribed.
func (a *arrivals) note(cl *client) {
	now := expire.NowMillis()
	a.last.Store(now)
	cl.arrival.at.Store(now)
	cl.arrival.commands.Store(cl.commands.Load())
	if cl.arrival.among.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !cl.arrival.among.Swap(true) {
		a.mu.clients = append(a.mu.clients, cl)
	}
}

// listens adds a listener: who stands before it has connected.
func (a *arrivals) listens(ln net.Listener) {
	l, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := l.SyscallConn(); err == nil { // else it is closed
		a.mu.Lock()
		a.mu.doors = append(a.mu.doors, raw)
		a.mu.Unlock()
	}
}

// noteAccepted comes after a connection was admitted or turned away.
func (a *arrivals) noteAccepted() {
	a.accepted.Add(1)
	a.wake()
}

// leave takes out a client that ends.
func (a *arrivals) leave(cl *client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cl.arrival.among.Swap(false) {
		a.mu.clients = slices.DeleteFunc(a.mu.clients, func(other *client) bool { return other == cl })
	}
	a.wakeLocked()
}

// noteRun comes after each batch of commands, and wakes up those who wait for this client.
func (cl *client) noteRun() {
	cl.ran.Store(cl.guard.BytesIn())
	if cl.arrival.among.Load() {
		cl.srv.arrivals.wake()
	}
}

func (a *arrivals) wake() {
	if a.awaited.Load() {
		a.mu.Lock()
		a.wakeLocked()
		a.mu.Unlock()
	}
}

// wakeLocked is wake with a.mu held.
func (a *arrivals) wakeLocked() {
	if a.mu.next != nil {
		close(a.mu.next)
		a.mu.next = nil
		a.awaited.Store(false)
	}
}

// next is closed when the next client has come, or has run what it sent.
func (a *arrivals) next() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.next == nil {
		a.mu.next = make(chan struct{})
		a.awaited.Store(true)
	}
	return a.mu.next
}

// await waits until something is so, which it looks at whenever a client has come or run, or until the deadline.
func (a *arrivals) await(deadline time.Time, isSo func() bool) bool {
	over := time.NewTimer(time.Until(deadline))
	defer over.Stop()
	for last := false; ; {
		next := a.next() // before the look, so that nothing is missed
		if isSo() {
			return true
		}
		select {
		case <-next:
		case <-over.C:
			if last {
				return false
			}
			last = true
			over.Reset(lastWait)
		}
	}
}

// subscribing reports whether a client may still be about to subscribe.
func (cl *client) subscribing(now int64) bool {
	return now-cl.arrival.at.Load() < arrivalMillis && cl.commands.Load()-cl.arrival.commands.Load() <= arrivalCommands
}

// giveWay lets others go first, with a turn of the scheduler, if some may be subscribing to what the command
// is going to tell. It costs next to nothing where nobody listens but a third of PUBLISH's throughput where
// 100 do. The caller holds no lock.
func (cl *client) giveWay(now int64) {
	if cl.srv.pubsub.any.Load() == 0 || cl.srv.arrivals.arriving(now) {
		runtime.Gosched()
	}
}

// stepBack is giveWay for a command that can not tell again: if nobody at all listens, it waits for what came before.
// The caller holds no lock.
func (cl *client) stepBack(now int64) {
	cl.giveWay(now)
	if cl.srv.pubsub.any.Load() == 0 && cl.srv.arrivals.arriving(now) {
		cl.letEarlierRun(now)
	}
}

// underWay is a client that had sent something when it was looked at, and how far it was then.
type underWay struct {
	cl       *client
	commands int64 // commands that the client had run
	progress int64 // grows with what has been read from it and with what it has run; above 0
}

// letEarlierRun waits until those who may be subscribing have run what they have sent by now;
// waited = there was such a client. The caller holds no lock.
func (cl *client) letEarlierRun(now int64) (waited bool) {
	a := &cl.srv.arrivals
	accepted, coming := a.accepted.Load(), a.coming.Load()
	earlier, knocks := a.underWay(cl, now)
	if knocks {
		coming = max(coming, accepted+1)
	}
	if len(earlier) == 0 && coming <= accepted {
		return false
	}
	cl.leaveLoop() // they may be the same loop's
	start := time.Now()
	if coming > accepted {
		a.await(start.Add(newcomerWait), func() bool { return a.accepted.Load() >= coming })
		earlier, _ = a.underWay(cl, now)
	}
	wait := arrivalWait
	for _, u := range earlier {
		if now-u.cl.since < arrivalMillis {
			wait = newcomerWait
		}
	}
	if !a.await(start.Add(wait), func() bool {
		earlier = slices.DeleteFunc(earlier, underWay.ended)
		return len(earlier) == 0
	}) {
		for _, u := range earlier {
			u.cl.arrival.inVain.Store(u.progress)
		}
	}
	return true
}

// ended reports whether the client has run a command since, or has ended.
func (u underWay) ended() bool {
	return u.cl.commands.Load() != u.commands || !u.cl.arrival.among.Load()
}

// underWay lists those who may be subscribing and have sent something that has not run yet, but for cl itself and what
// somebody has waited for in vain; knocks = somebody has connected whom the system
// has not handed out yet.
func (a *arrivals) underWay(cl *client, now int64) (found []underWay, knocks bool) {
	var others []underWay
	a.mu.Lock()
	a.mu.clients = slices.DeleteFunc(a.mu.clients, func(other *client) bool {
		if !other.subscribing(now) {
			other.arrival.among.Store(false)
			return true
		}
		if other == cl || other.blocked.Load() {
			return false
		}
		in, commands := other.guard.BytesIn(), other.commands.Load()
		u := underWay{other, commands, 1 + in + commands}
		switch {
		case u.progress == other.arrival.inVain.Load():
		case in != other.ran.Load(): // it runs a batch
			found = append(found, u)
		default:
			others = append(others, u)
		}
		return false
	})
	descriptors := slices.Clone(a.mu.doors)
	a.mu.Unlock()
	doors := len(descriptors)
	for _, u := range others {
		descriptors = append(descriptors, u.cl.guard.Raw())
	}
	for i, readable := range wire.DescriptorsReadable(descriptors) {
		switch {
		case !readable:
		case i < doors:
			knocks = true
		default:
			found = append(found, others[i-doors])
		}
	}
	return found, knocks
}

package resp

import (
	"sync"
	"sync/atomic"
	"time"
)

// A turn's commit is a write to the journal. It takes some microseconds, unless the disk is at work for somebody:
// beside an fsync, or where the system lets who writes wait until others' pages are on disk, it may take a second and
// more. A reply that has seen a change must wait for that (I2), but no other client: so a loop is taken away from the
// goroutine whose commit takes long, by another one, which serves those who are not concerned. The first goroutine
// keeps the clients of the turn who have seen what is not committed, and they return to the loop with their replies.
// Until then no other turn's commit is waited for by a loop: those who have to wait leave it at once, as they do under
// appendfsync always. What a client's pushes wait for at the beginning of its batch (pushFirst) is not shown to the
// timer: there the loop waits until another commit is known to have stalled.
//
// A goroutine can not be told to begin something else in the middle of a write. So each commit is shown to a timer
// (loop.waits), which runs while there are any. It looks every stallPeriod, and takes a loop away from a commit that
// it has seen before.
type stalls struct {
	watched atomic.Bool  // the timer runs
	now     atomic.Int64 // goroutines that a loop was taken from and whose commit is not over
	taking  sync.Mutex   // held while a loop is taken away
	timer   *time.Timer
}

// stallPeriod is how often commits are looked at: one that takes twice as long has stalled.
const stallPeriod = 5 * time.Millisecond

// commit waits until what the turn's commands have seen is committed. mine = it is, and the role is still this
// goroutine's. Else this one has the turn's clients that have to wait, which have left.
func (l *loop) commit() (mine bool) {
	st, s := l.srv.store, &l.srv.loops.stalls
	a := l.ran
	switch {
	case st.Committed() >= a.seen:
		return true
	case s.now.Load() > 0:
		l.letGo(a)
		return false
	}
	l.commits.Add(1)
	l.waits.Store(a)
	s.watch()
	over := st.WaitBriefly(a.seen)
	if l.waits.Swap(nil) == nil {
		s.taking.Lock() // until the clients have left
		s.now.Add(-1)
		s.taking.Unlock()
		return false
	}
	if !over {
		l.letGo(a)
	}
	return over
}

// letGo lets a turn's clients leave that have to wait, to be served by who has called it, and the loop go to a new
// goroutine. The others get their replies there.
func (l *loop) letGo(a *answers) {
	committed := l.srv.store.Committed()
	stay, wait := &answers{}, a.clients[:0]
	for _, cl := range a.clients {
		if cl.seen <= committed {
			stay.clients = append(stay.clients, cl)
			continue
		}
		cl.guard.Polled().Leave()
		wait = append(wait, cl)
	}
	clear(a.clients[len(wait):])
	a.clients = wait
	l.ran = stay
	l.srv.loops.roles.run(l)
}

// watch lets the timer run.
func (s *stalls) watch() {
	if !s.watched.Load() && s.watched.CompareAndSwap(false, true) {
		s.timer.Reset(stallPeriod)
	}
}

// look takes loops away from commits that last, and runs again while there are commits.
func (ls *loops) look() {
	s := &ls.stalls
	for _, l := range ls.all {
		if n := l.commits.Load(); n != l.looked {
			l.looked = n
		} else if l.waits.Load() != nil {
			l.takeAway()
		}
	}
	s.watched.Store(false)
	for _, l := range ls.all {
		if l.waits.Load() != nil { // one that has begun before that relies on the timer
			s.watch()
		}
	}
}

// takeAway takes the loop from a goroutine that waits for a commit, if it still does.
func (l *loop) takeAway() {
	s := &l.srv.loops.stalls
	s.taking.Lock()
	defer s.taking.Unlock()
	if a := l.waits.Swap(nil); a != nil {
		s.now.Add(1)
		l.letGo(a)
	}
}

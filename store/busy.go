package store

import (
	"errors"
	"runtime"
	"time"
)

// A script that runs for long holds the keyspace lock, since nothing may come in between, but who waits for
// the lock has to learn that it will be long: from time to time the script lets the others look in. They find
// the store busy:
//
//	Lock              waits on, until the script is over: the sweepers, INFO, all that need the keyspace and have time
//	LockUnlessBusy    gives up: a client's command, which then answers -BUSY, and who tells of the script's changes
//	LockSoon          does not even wait until it is found busy: an event loop, which others wait for
//	LookEvenIfBusy    goes on: WATCH, which only asks what keys memory holds
//
// Nobody else sees, and nobody but the script touches, what the lock protects meanwhile.

// ErrBusy is what a look at the keyspace answers while a long command is under way.
var ErrBusy = errors.New("a long command holds the keyspace")

// Lock takes the keyspace lock: one order of execution for everything (I1). Lock order:
// keyspace, then journal (I9). Unlock after a few commands so that others get their turn.
//
// What an earlier holder looked ahead for ends here: its arguments' memory may hold other keys by now.
func (st *Store) Lock() {
	st.mu.Lock()
	for st.busy {
		st.notBusy.Wait()
	}
	st.tx.aheads = 0
}

// LockUnlessBusy is Lock for who would rather not wait for a long command: false = the lock is not taken, because
// one is under way.
func (st *Store) LockUnlessBusy() bool {
	st.mu.Lock()
	if st.busy {
		st.mu.Unlock()
		return false
	}
	st.tx.aheads = 0
	return true
}

// lockTries is how often LockSoon tries, each time after a turn of the scheduler: holders of every day need no more.
const lockTries = 20

// LockSoon is LockUnlessBusy for who must not wait for whoever holds the lock for long: soon = false says that the lock
// is not taken, because somebody does.
func (st *Store) LockSoon() (held, soon bool) {
	for n := 0; !st.mu.TryLock(); n++ {
		if n == lockTries {
			return false, false
		}
		runtime.Gosched()
	}
	if st.busy {
		st.mu.Unlock()
		return false, true
	}
	st.tx.aheads = 0
	return true, true
}

// Look runs what looks at the keyspace under its lock, which the caller may hold already.
// ErrBusy = a long command is under way, and nothing was run.
func (st *Store) Look(locked bool, what func()) error {
	if !locked {
		if !st.LockUnlessBusy() {
			return ErrBusy
		}
		defer st.Unlock()
	}
	what()
	return nil
}

// LookEvenIfBusy runs what looks at the keyspace even when a long command is under way, whose changes
// so far it finds. It begins no Tx and changes nothing.
func (st *Store) LookEvenIfBusy(what func()) {
	st.mu.Lock()
	what()
	st.mu.Unlock()
}

// Unlock releases the keyspace lock.
func (st *Store) Unlock() {
	if st.busy {
		st.busy = false
		st.notBusy.Broadcast()
	}
	st.mu.Unlock()
}

// lookIn is how long LetLookIn leaves the door open: who waits for a mutex needs some 10 us to get it.
const lookIn = 200 * time.Microsecond

// LetLookIn lets those who wait for the lock find the store busy. The caller holds the lock,
// for a command that is not over, and has it again afterwards.
func (st *Store) LetLookIn() {
	st.busy = true
	st.mu.Unlock()
	time.Sleep(lookIn)
	st.mu.Lock()
}

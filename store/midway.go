package store

import (
	"errors"
	"time"
)

// A script that runs for long holds the keyspace lock, since nothing may come in between, but who waits for
// the lock has to learn that it will be long: from time to time the script lets the others look in. They find
// the store midway:
//
//	Lock              waits on, until the script is over: the sweepers, INFO, all that need the keyspace and have time
//	LockUnlessMidway  gives up: a client's command, which then answers -BUSY
//	LookMidway        goes on: WATCH, which only asks what keys memory holds
//
// Nobody else sees, and nobody but the script touches, what the lock protects meanwhile.

// ErrMidway is what a look at the keyspace answers while a long command is midway.
var ErrMidway = errors.New("a long command holds the keyspace")

// Lock takes the keyspace lock: one order of execution for everything (I1). Lock order:
// keyspace, then journal (I9). Unlock after a few commands so that others get their turn.
//
// What an earlier holder looked ahead for ends here: its arguments' memory may hold other keys by now.
func (st *Store) Lock() {
	st.mu.Lock()
	for st.midway {
		st.over.Wait()
	}
	st.tx.aheads = 0
}

// LockUnlessMidway is Lock for who would rather not wait for a long command: false = the lock is not taken, because
// one is midway.
func (st *Store) LockUnlessMidway() bool {
	st.mu.Lock()
	if st.midway {
		st.mu.Unlock()
		return false
	}
	st.tx.aheads = 0
	return true
}

// Look runs what looks at the keyspace under its lock, which the caller may hold already.
// ErrMidway = a long command is midway, and nothing was run.
func (st *Store) Look(locked bool, what func()) error {
	if !locked {
		if !st.LockUnlessMidway() {
			return ErrMidway
		}
		defer st.Unlock()
	}
	what()
	return nil
}

// LookMidway runs what looks at the keyspace even when a long command is midway, whose changes
// so far it finds. It begins no Tx and changes nothing.
func (st *Store) LookMidway(what func()) {
	st.mu.Lock()
	what()
	st.mu.Unlock()
}

// Unlock releases the keyspace lock.
func (st *Store) Unlock() {
	if st.midway {
		st.midway = false
		st.over.Broadcast()
	}
	st.mu.Unlock()
}

// lookIn is how long LetLookIn leaves the door open: who waits for a mutex needs some 10 us to get it.
const lookIn = 200 * time.Microsecond

// LetLookIn lets those who wait for the lock find the store midway. The caller holds the lock,
// for a command that is not over, and has it again afterwards.
func (st *Store) LetLookIn() {
	st.midway = true
	st.mu.Unlock()
	time.Sleep(lookIn)
	st.mu.Lock()
}

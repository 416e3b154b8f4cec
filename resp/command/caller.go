package command

import (
	"sync/atomic"

	"diskette/store"
)

// A Caller is the client of a call, as far as a command may know it: a command on keys has no way to its connection.
type Caller struct {
	*Host
	Session Session
	DB      int
	RESP3   bool
	// Replaying says that the commands are those of a file or of a master, for which nothing expires.
	Replaying bool
	OfMaster  bool     // they are what a master tells its replicas
	CallSeen  uint64   // newest LSN that a function without the keyspace lock saw: its reply must wait for it
	Scratch   *Scratch // while it runs commands
}

// A Session is what a command may ask of its client.
type Session interface {
	// ReadsAllKeys reports whether the client may read every key by a command, as SORT's BY and GET need.
	ReadsAllKeys(r *Row, args [][]byte) bool
}

// A Host is what commands may ask of the server. There is one, for all calls.
type Host struct {
	Store     *store.Store
	Table     *Table
	Settings  Settings
	MaxBulk   *atomic.Int64 // proto-max-bulk-len, bytes
	MaxMemory *atomic.Int64 // bytes, always > 0
	Events    Events
	Effects   *Effects // what replicas get

	Tell    func(db int, class EventClass, event, key string) // a keyspace event that somebody has asked for
	Touched func(db int, key string)                          // those who wait for a key look at it again
	Flushed func()                                            // keys that clients have cached are gone
	Busy    func() Reply                                      // what a command hears while a long script runs
}

// Settings are CONFIG's, by name.
type Settings interface {
	Int(name string) int64
	Bool(name string) bool
}

// NotSeen is the reply of a command whose look at the keyspace failed.
func (h *Host) NotSeen(err error) Reply {
	if err == store.ErrBusy {
		return h.Busy()
	}
	return Failure(err)
}

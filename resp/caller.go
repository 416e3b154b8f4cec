package resp

import (
	"sync/atomic"

	"diskette/store"
)

// A caller is the client of a call, as far as a command may know it: a command on keys has no way to its connection.
type caller struct {
	*host
	session  session
	db       int
	resp3    bool
	callSeen uint64 // newest LSN that a function without the keyspace lock saw: its reply must wait for it
	scratch  scratch
}

// A session is what a command may ask of its client.
type session interface {
	// readsAllKeys reports whether the client may read every key by a command, as SORT's BY and GET need.
	readsAllKeys(r *row, args [][]byte) bool
}

// A host is what commands may ask of the server. There is one, for all calls.
type host struct {
	store     *store.Store
	table     *commands
	settings  settings
	maxBulk   *atomic.Int64 // proto-max-bulk-len, bytes
	maxMemory *atomic.Int64 // bytes, always > 0
	events    events
	replaying bool // it runs the commands of a file, for which nothing expires

	tell    func(db int, class eventClass, event, key string) // a keyspace event that somebody has asked for
	touched func(db int, key string)                          // those who wait for a key look at it again
	flushed func()                                            // keys that clients have cached are gone
	busy    func() Reply                                      // what a command hears while a script holds the keyspace for long
}

// settings are CONFIG's, by name.
type settings interface {
	Int(name string) int64
	Bool(name string) bool
}

// notSeen is the reply of a command whose look at the keyspace failed.
func (h *host) notSeen(err error) Reply {
	if err == store.ErrMidway {
		return h.busy()
	}
	return failure(err)
}

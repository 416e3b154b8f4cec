package resp

import (
	"sync/atomic"
)

// Keyspace notifications: what happens to keys is published on channels, if notify-keyspace-events asks for it.
//
//	__keyspace@<db>__:<key>    <event>      K
//	__keyevent@<db>__:<event>  <key>        E
//
// Commands tell of their events where Redis does, the store's hooks of what happens to a key whoever does it. A message
// waits until what it tells is committed (push.go).

// eventClass is one letter of notify-keyspace-events, as a bit.
type eventClass uint32

const (
	eventKeyspace eventClass = 1 << iota
	eventKeyevent
	eventGeneric
	eventString
	eventList
	eventSet
	eventHash
	eventZSet
	eventExpired
	eventEvicted
	eventStream
	eventModule
	eventMissed
	eventNew

	eventsOfA = eventGeneric | eventString | eventList | eventSet | eventHash | eventZSet | eventExpired | eventEvicted | eventStream | eventModule
)

var eventLetters = map[rune]eventClass{
	'K': eventKeyspace, 'E': eventKeyevent, 'g': eventGeneric, '$': eventString, 'l': eventList, 's': eventSet, 'h': eventHash,
	'z': eventZSet, 'x': eventExpired, 'e': eventEvicted, 't': eventStream, 'd': eventModule, 'm': eventMissed, 'n': eventNew, 'A': eventsOfA,
}

// events is the classes that are asked for, 0 = nobody can hear anything.
type events struct{ atomic.Uint32 }

// askedEvents are the classes that letters stand for.
func askedEvents(letters string) (asked eventClass) {
	for _, letter := range letters {
		asked |= eventLetters[letter]
	}
	return asked
}

func (e *events) set(asked eventClass) {
	if asked&(eventKeyspace|eventKeyevent) == 0 {
		asked = 0
	}
	e.Store(uint32(asked))
}

func (e *events) has(class eventClass) bool { return e.Load()&uint32(class) != 0 }

// inDB is the database that a command works on: a View or a Tx.
type inDB interface{ DB() int }

// notify tells of what the command has just done to a key. It costs one atomic load if nobody asked for such events.
func (c *call) notify(v inDB, class eventClass, event string, key []byte) {
	if c.events.has(class) {
		c.tell(v.DB(), class, event, string(key))
	}
}

// notifyGone is notify, and tells of the key's end if nothing is left in it.
func (c *call) notifyGone(v inDB, class eventClass, event string, key []byte, left int) {
	c.notify(v, class, event, key)
	if left == 0 {
		c.notify(v, eventGeneric, "del", key)
	}
}

// notifyStored tells that a key was given n elements, none being the end of what it held.
func (c *call) notifyStored(v inDB, class eventClass, event string, key []byte, n int, existed bool) {
	if n > 0 {
		c.notify(v, class, event, key)
	} else if existed {
		c.notify(v, eventGeneric, "del", key)
	}
}

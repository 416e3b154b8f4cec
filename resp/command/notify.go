package command

import (
	"sync/atomic"
)

// Keyspace notifications: what happens to keys is published on channels, if notify-keyspace-events asks for it.
//
//	__keyspace@<db>__:<key>    <event>      K
//	__keyevent@<db>__:<event>  <key>        E
//
// Commands tell of their events where Redis does, and the store's hooks tell of what happens to
// a key by any command or by none. A message waits until what it tells is committed (push.go).

// EventClass is one letter of notify-keyspace-events, as a bit.
type EventClass uint32

const (
	EventKeyspace EventClass = 1 << iota
	EventKeyevent
	EventGeneric
	eventString
	eventList
	eventSet
	EventHash
	eventZSet
	EventExpired
	EventEvicted
	eventStream
	eventModule
	EventMissed
	EventNew

	eventsOfA = EventGeneric | eventString | eventList | eventSet | EventHash | eventZSet | EventExpired | EventEvicted | eventStream | eventModule
)

var eventLetters = map[rune]EventClass{
	'K': EventKeyspace, 'E': EventKeyevent, 'A': eventsOfA, 'g': EventGeneric,
	'$': eventString, 'l': eventList, 's': eventSet, 'h': EventHash, 'z': eventZSet, 't': eventStream, 'd': eventModule,
	'x': EventExpired, 'e': EventEvicted, 'm': EventMissed, 'n': EventNew,
}

// Events is the classes that are asked for, 0 = nobody can hear anything.
type Events struct{ atomic.Uint32 }

// AskedEvents are the classes that letters stand for.
func AskedEvents(letters string) (asked EventClass) {
	for _, letter := range letters {
		asked |= eventLetters[letter]
	}
	return asked
}

// Set asks for classes of events, and for no others.
func (e *Events) Set(asked EventClass) {
	if asked&(EventKeyspace|EventKeyevent) == 0 {
		asked = 0
	}
	e.Store(uint32(asked))
}

// Has reports whether a class of events is asked for.
func (e *Events) Has(class EventClass) bool { return e.Load()&uint32(class) != 0 }

// inDB is the database that a command works on: a View or a Tx.
type inDB interface{ DB() int }

// notify tells of what the command has just done to a key. It costs one atomic load if nobody asked for such events.
func (c *Call) notify(v inDB, class EventClass, event string, key []byte) {
	if c.Events.Has(class) {
		c.Tell(v.DB(), class, event, string(key))
	}
}

// notifyGone is notify, and tells of the key's end if nothing is left in it.
func (c *Call) notifyGone(v inDB, class EventClass, event string, key []byte, left int) {
	c.notify(v, class, event, key)
	if left == 0 {
		c.notify(v, EventGeneric, "del", key)
	}
}

// notifyStored tells that a key was given n elements, none being the end of what it held.
func (c *Call) notifyStored(v inDB, class EventClass, event string, key []byte, n int, existed bool) {
	if n > 0 {
		c.notify(v, class, event, key)
	} else if existed {
		c.notify(v, EventGeneric, "del", key)
	}
}

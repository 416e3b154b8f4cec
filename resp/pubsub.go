package resp

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"diskette/resp/command"
	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
	"diskette/resp/wire"
)

// listeners knows who listens to which channel. It has a lock of its own, below the keyspace
// lock: messages are published from MULTI blocks and scripts, too, and by changes of keys.
type listeners struct {
	mu struct {
		sync.RWMutex
		byName [subscriptionKinds]map[string][]*client
	}
	any atomic.Int64 // subscriptions in all: publishing to nobody costs one look at it
}

// subscriptionKind is one of three worlds of names.
type subscriptionKind int

const (
	toChannel subscriptionKind = iota
	toPattern
	toShard // SSUBSCRIBE's channels, which in a cluster stay within a shard
	subscriptionKinds
)

// words are the first elements of what subscribers are sent.
var subscriptionWords = [subscriptionKinds]struct{ subscribe, unsubscribe, message string }{
	toChannel: {"subscribe", "unsubscribe", "message"},
	toPattern: {"psubscribe", "punsubscribe", "pmessage"},
	toShard:   {"ssubscribe", "sunsubscribe", "smessage"},
}

// subscriptions are one client's. names belong to listeners.mu; counts may be read anywhere.
type subscriptions struct {
	names  [subscriptionKinds]map[string]bool
	counts [subscriptionKinds]atomic.Int32
	bytes  atomic.Int64 // what they take, about
}

// all is the number of a client's subscriptions.
func (s *subscriptions) all() int32 {
	return s.counts[toChannel].Load() + s.counts[toPattern].Load() + s.counts[toShard].Load()
}

// counted is the number that a confirmation tells: channels and patterns count together.
func (s *subscriptions) counted(kind subscriptionKind) int {
	if kind == toShard {
		return int(s.counts[toShard].Load())
	}
	return int(s.counts[toChannel].Load() + s.counts[toPattern].Load())
}

func (p *listeners) subscribe(cl *client, kind subscriptionKind, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &cl.subscriptions
	if s.names[kind][name] || cl.isKilled() {
		return
	}
	if s.names[kind] == nil {
		s.names[kind] = map[string]bool{}
	}
	s.names[kind][name] = true
	s.counts[kind].Add(1)
	s.bytes.Add(nameBytes(name))
	if p.mu.byName[kind] == nil {
		p.mu.byName[kind] = map[string][]*client{}
	}
	p.mu.byName[kind][name] = append(p.mu.byName[kind][name], cl)
	p.any.Add(1)
}

func (p *listeners) unsubscribe(cl *client, kind subscriptionKind, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsubscribeLocked(cl, kind, name)
}

func (p *listeners) unsubscribeLocked(cl *client, kind subscriptionKind, name string) {
	s := &cl.subscriptions
	if !s.names[kind][name] {
		return
	}
	delete(s.names[kind], name)
	s.counts[kind].Add(-1)
	s.bytes.Add(-nameBytes(name))
	p.any.Add(-1)
	line := p.mu.byName[kind][name]
	for i, other := range line {
		if other == cl {
			line = append(line[:i:i], line[i+1:]...) // a publisher may be reading the old one
			break
		}
	}
	if len(line) == 0 {
		delete(p.mu.byName[kind], name)
	} else {
		p.mu.byName[kind][name] = line
	}
}

// names are a client's subscriptions of one kind, as they are now.
func (p *listeners) names(cl *client, kind subscriptionKind) (names []string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for name := range cl.subscriptions.names[kind] {
		names = append(names, name)
	}
	return names
}

// leave takes a client that ends out of everything.
func (p *listeners) leave(cl *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for kind := range subscriptionKinds {
		for name := range cl.subscriptions.names[kind] {
			p.unsubscribeLocked(cl, kind, name)
		}
	}
}

// publish sends a message to the listeners of a channel, and of the patterns that match it unless it is a
// shard's, and returns how many there were. from is the client whose command publishes, nil = none; the message
// waits until lsn is committed, 0 = it does not.
func (p *listeners) publish(from *client, kind subscriptionKind, channel, message string, lsn uint64) (listeners int) {
	if p.any.Load() == 0 {
		return 0
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var m pushed
	for _, cl := range p.mu.byName[kind][channel] {
		cl.push(from, m.encode(cl, subscriptionWords[kind].message, channel, message), lsn)
		listeners++
	}
	if kind != toChannel {
		return listeners
	}
	for pattern, line := range p.mu.byName[toPattern] {
		if !glob.Match(words.ViewBytes(pattern), words.ViewBytes(channel)) {
			continue
		}
		var m pushed
		for _, cl := range line {
			cl.push(from, m.encode(cl, "pmessage", pattern, channel, message), lsn)
			listeners++
		}
	}
	return listeners
}

// pushed is a push that is encoded once for all who get it: RESP2 and RESP3 differ in the first byte.
type pushed struct{ encoded []byte }

func (m *pushed) encode(cl *client, parts ...string) []byte {
	if m.encoded == nil {
		var o wire.Output
		o.Number('*', int64(len(parts)))
		for _, part := range parts {
			o.Bulk(part)
		}
		m.encoded = o.Buf
	}
	m.encoded[0] = '*'
	if cl.pushesRESP3.Load() {
		m.encoded[0] = '>'
	}
	return m.encoded
}

// counts are INFO's: channels, patterns, shard channels, and clients with a subscription are counted elsewhere.
func (p *listeners) counts() (channels, patterns, shards int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	l := &p.mu.byName
	return len(l[toChannel]), len(l[toPattern]), len(l[toShard])
}

// notify is called under the keyspace lock, by the goroutine that changes the key.
func (s *Server) notify(db int, class command.EventClass, event, key string) {
	asked := command.EventClass(s.host.Events.Load())
	if asked&class == 0 || s.pubsub.any.Load() == 0 {
		return
	}
	lsn, at := s.store.EventLSN(), strconv.Itoa(db)
	if asked&command.EventKeyspace != 0 {
		s.pubsub.publish(s.running, toChannel, "__keyspace@"+at+"__:"+key, event, lsn)
	}
	if asked&command.EventKeyevent != 0 {
		s.pubsub.publish(s.running, toChannel, "__keyevent@"+at+"__:"+event, key, lsn)
	}
}

// missed is the store's Missed. OBJECT looks at keys without being heard.
func (s *Server) missed(db int, key string) {
	if s.host.Events.Has(command.EventMissed) &&
		!(s.running != nil && strings.HasPrefix(s.running.call.Name(), "object|")) {
		s.notify(db, command.EventMissed, "keymiss", key)
	}
}

// hears reports whether anybody may hear of a class of events.
func (s *Server) hears(class command.EventClass) bool {
	return s.host.Events.Has(class) && s.pubsub.any.Load() > 0
}

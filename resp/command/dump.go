package command

import (
	"errors"
	"slices"

	"diskette/resp/internal/words"
	"diskette/resp/rdb"
	"diskette/store"
)

func dumpRows() []*Row {
	return []*Row{
		{Name: "dump", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: Dump,
			Group: "generic", Since: "2.6.0", Tips: "nondeterministic_output", Args: "key",
			Cost: "O(N*M) for N elements of size M", Doc: "Returns a key's value in the form that RESTORE takes."},
		{Name: "restore", Arity: -4, Flags: Write | Denyoom, Keys: KeyAt(1, "OW update"),
			Write: restore, Effect: restoreEffect,
			Group: "generic", Since: "2.6.0", Cats: "dangerous",
			Args: "key ttl=integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency=integer]",
			Cost: "O(N*M) for N elements of size M; O(N*M*log(N)) for a sorted set",
			Doc:  "Creates a key with a value that DUMP returned."},
		{Name: "restore-asking", Arity: -4, Flags: askingFlag | Write | Denyoom, Keys: KeyAt(1, "OW update"),
			Write: restore, Effect: restoreEffect,
			Group: "server", Since: "3.0.0", Cats: "keyspace dangerous",
			Args: "key ttl=integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency=integer]",
			Cost: "O(N*M) for N elements of size M; O(N*M*log(N)) for a sorted set",
			Doc:  "Creates a key with a value that DUMP returned."},
	}
}

var (
	errBusyKey    = ErrorReply("BUSYKEY Target key name already exists.")
	errTTL        = ErrorReply("ERR Invalid TTL value, must be >= 0")
	errIdletime   = ErrorReply("ERR Invalid IDLETIME value, must be >= 0")
	errFreq       = ErrorReply("ERR Invalid FREQ value, must be >= 0 and <= 255")
	ErrPayload    = ErrorReply("ERR DUMP payload version or checksum are wrong")
	errBadPayload = ErrorReply("ERR Bad data format")
)

// Values from dumpOffLockBytes bytes of memory on are encoded, and payloads from restoreOffLockBytes bytes on
// decoded, without the keyspace lock.
const (
	dumpOffLockBytes    = 1 << 20
	restoreOffLockBytes = 64 << 10
)

// RestoreBytes is what a restored value may take in memory, whatever the bound of the hot set
// and the size of the payload.
const RestoreBytes = 64 << 20

func Dump(v *store.View, c *Call) Reply {
	key := c.Args[1]
	s, ok := v.PeekShape(key)
	if !ok {
		v.Touch(key) // counts the miss
		return ReplyNull
	}
	bytes, _ := v.MemoryBytes(key)
	value := dumpedValue(v, key, s.Type)
	if value == nil {
		return ReplyNull
	}
	o := dumpOptions(c.Settings, s)
	if bytes < dumpOffLockBytes || !c.MayLeaveLock {
		return lent(rdb.Encode(value, o))
	}
	c.Finish = func() Reply { return lent(rdb.Encode(value, o)) }
	return ReplyNone
}

// dumpOptions are how a value of a shape is encoded.
func dumpOptions(cfg Settings, s store.Shape) rdb.Options {
	o := rdb.Options{
		Compress:          cfg.Bool("rdbcompression"),
		ListNode:          int(cfg.Int("list-max-listpack-size")),
		StreamNodeBytes:   int(cfg.Int("stream-node-max-bytes")),
		StreamNodeEntries: int(cfg.Int("stream-node-max-entries")),
	}
	if s.Type != store.TypeString {
		o.Compact = isCompact(encodingOf(cfg, s))
	}
	return o
}

// Payload encodes the value of a key as DUMP does; nil = there is none. It is called with or without the keyspace lock.
func Payload(v *store.View, key []byte, cfg Settings) (encode func() []byte) {
	s, ok := v.PeekShape(key)
	if !ok {
		v.Touch(key) // counts the miss
		return nil
	}
	value := dumpedValue(v, key, s.Type)
	if value == nil {
		return nil
	}
	o := dumpOptions(cfg, s)
	if len(value.String) < restoreOffLockBytes && s.Type == store.TypeString { // it is not lent
		payload := rdb.Encode(value, o)
		return func() []byte { return payload }
	}
	return func() []byte { return rdb.Encode(value, o) }
}

// dumpedValue is the value of a key of a type; nil when all fields of its hash have expired. It is good
// without the lock: elements never change, and a string that is long enough to be encoded there is lent.
func dumpedValue(v *store.View, key []byte, t store.Type) *rdb.Value {
	// The look-ups do not fail: the type is known.
	switch t {
	case store.TypeString:
		value, _ := v.LendString(key)
		return &rdb.Value{Kind: rdb.String, String: words.ViewString(value)}
	case store.TypeList:
		l, _ := v.List(key)
		return &rdb.Value{Kind: rdb.List, Elements: l.Range(0, l.Len())}
	case store.TypeSet:
		s, _ := v.Set(key)
		return &rdb.Value{Kind: rdb.Set, Elements: slices.AppendSeq(make([]string, 0, s.Len()), s.Members())}
	case store.TypeZSet:
		z, _ := v.ZSet(key)
		members := make([]rdb.Member, 0, z.Len())
		z.Each(0, z.Len(), func(it *store.Scored) bool {
			members = append(members, rdb.Member{Name: it.Member, Score: it.Score})
			return true
		})
		return &rdb.Value{Kind: rdb.ZSet, Members: members}
	case store.TypeHash:
		h, _ := v.Hash(key)
		return dumpedHash(h)
	}
	s, _ := v.Stream(key)
	return &rdb.Value{Kind: rdb.Stream, Stream: dumpedStream(s)}
}

func dumpedHash(h *store.Hash) *rdb.Value {
	v := &rdb.Value{Kind: rdb.Hash, Elements: make([]string, 0, 2*h.Len())}
	var times []int64
	timed := false
	h.Each(func(field, value string) bool {
		v.Elements = append(v.Elements, field, value)
		deadline, _ := h.Deadline(words.ViewBytes(field))
		times = append(times, deadline)
		timed = timed || deadline != 0
		return true
	})
	if len(v.Elements) == 0 {
		return nil
	}
	if timed {
		v.Times = times
	}
	return v
}

func restore(tx *store.Tx, c *Call) Reply {
	key := c.Args[1]
	o, refusal := c.restoreOptions()
	if refusal.IsError() {
		return refusal
	}
	there := tx.TypeOf(key) != store.None
	if there && !o.replace {
		return errBusyKey
	}
	ttl, ok := c.Int(2)
	switch {
	case !ok:
		return ErrNotInteger
	case ttl < 0:
		return errTTL
	}
	d, refusal := c.payload()
	if refusal.IsError() || c.OffLock != nil {
		return refusal
	}
	tx.Delete(key)
	deadline := ttl
	if ttl > 0 && !o.absolute {
		deadline += c.Now // a sum that overflows is a deadline that has passed, as in Redis
	}
	if ttl > 0 && c.hasPassed(deadline) {
		if there {
			c.notify(tx, EventGeneric, "del", key)
		}
		return ReplyOK
	}
	if d.made == nil {
		d.made = madeValue(d.value)
	}
	if d.made != nil {
		tx.Place(key, d.made)
	} else {
		restoreValue(tx, key, d.value, c)
	}
	if d.value.Kind == rdb.Stream {
		restoreGroups(tx, key, d.value.Stream.Groups)
	}
	if deadline > 0 {
		tx.SetDeadline(key, deadline)
	}
	if o.idle >= 0 {
		tx.SetIdle(key, min(o.idle, c.Now/1000)*1000)
	}
	if o.freq >= 0 && c.Store.CountsUses() {
		tx.SetFrequency(key, o.freq)
	}
	c.notify(tx, EventGeneric, "restore", key)
	return ReplyOK
}

// payload decodes the value, or has it decoded without the lock: then OffLock is set.
func (c *Call) payload() (d decoded, refusal Reply) {
	d, ok := c.Resume.(decoded)
	switch {
	case ok:
	case len(c.Args[3]) >= restoreOffLockBytes && c.MayLeaveLock:
		c.OffLock = func() any {
			d := c.decodePayload()
			if d.err == nil {
				if d.made = madeValue(d.value); d.made != nil {
					d.made.Record()
				}
			}
			return d
		}
		return d, ReplyNone
	default:
		d = c.decodePayload()
	}
	switch {
	case errors.Is(d.err, rdb.ErrChecksum):
		return d, ErrPayload
	case d.err != nil:
		return d, errBadPayload
	}
	return d, ReplyNone
}

type decoded struct {
	value *rdb.Value
	made  *store.Made // the collection that was made of value, if any
	err   error
}

func (c *Call) decodePayload() (d decoded) {
	payload := c.Args[3]
	d.value, d.err = rdb.Decode(payload, rdb.Limits{
		StringBytes: c.Settings.Int("proto-max-bulk-len"),
		TotalBytes:  max(c.MaxMemory.Load(), RestoreBytes+2*int64(len(payload))),
	})
	return d
}

type restoreOptions struct {
	replace, absolute bool
	idle              int64 // seconds, -1 = not given
	freq              int64 // a counter, -1 = not given
}

// restoreOptions reads the words after the payload.
func (c *Call) restoreOptions() (o restoreOptions, refusal Reply) {
	o.idle, o.freq = -1, -1
	for i := 4; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.Is(i, "replace"):
			o.replace = true
		case c.Is(i, "absttl"):
			o.absolute = true
		case c.Is(i, "idletime") && more && o.freq < 0:
			i++
			if o.idle, refusal = c.atLeastZero(i, errIdletime); refusal.IsError() {
				return o, refusal
			}
		case c.Is(i, "freq") && more && o.idle < 0:
			i++
			if o.freq, refusal = c.atLeastZero(i, errFreq); refusal.IsError() {
				return o, refusal
			}
			if o.freq > 255 {
				return o, errFreq
			}
		default:
			return o, ErrSyntax
		}
	}
	return o, Reply{}
}

// atLeastZero reads argument i as an integer that is not negative.
func (c *Call) atLeastZero(i int, negative Reply) (n int64, refusal Reply) {
	n, ok := c.Int(i)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 0:
		return 0, negative
	}
	return n, Reply{}
}

// madeValue makes a collection of a value; nil = it needs a key for that.
func madeValue(v *rdb.Value) *store.Made {
	switch v.Kind {
	case rdb.List:
		return store.KeepList(v.Elements)
	case rdb.Set:
		return store.MakeSet(slices.Values(v.Elements), len(v.Elements))
	case rdb.ZSet:
		members := make([]store.Scored, len(v.Members))
		for i, m := range v.Members {
			members[i] = store.Scored{Member: m.Name, Score: m.Score}
		}
		store.SortScored(members)
		return store.MakeZSet(members)
	case rdb.Hash:
		if v.Times == nil {
			return store.MakeHash(v.Elements)
		}
	case rdb.Stream:
		if len(v.Stream.Entries) > 0 {
			return madeStream(v.Stream)
		}
	}
	return nil
}

// restoreValue gives an absent key a value that is not made without one. A hash whose fields have all expired is no
// key.
func restoreValue(tx *store.Tx, key []byte, v *rdb.Value, c *Call) {
	// The look-ups do not fail: the key is absent.
	switch v.Kind {
	case rdb.String:
		tx.SetString(key, words.ViewBytes(v.String), 0) // nobody else has it
	case rdb.Hash:
		h, _ := tx.EditHash(key)
		for i := 0; i < len(v.Elements); i += 2 {
			field, deadline := words.ViewBytes(v.Elements[i]), v.Times[i/2]
			if deadline != 0 && c.hasPassed(deadline) {
				continue
			}
			h.Set(field, words.ViewBytes(v.Elements[i+1]))
			if deadline != 0 {
				h.SetDeadline(field, deadline)
			}
		}
	case rdb.Stream:
		s, _ := tx.EditStream(key)
		s.Create()
		s.SetLastID(store.StreamID(v.Stream.Last), v.Stream.Added, store.StreamID(v.Stream.MaxDeleted))
	}
}

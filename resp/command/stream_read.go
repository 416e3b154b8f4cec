package command

import "diskette/store"

func streamReadRows() []*Row {
	return []*Row{
		{Name: "xread", Arity: -4, Flags: Readonly | Blocking | MovableKeys,
			Keys: asksForEntries(keysBehind("STREAMS", 1, "RO access")), Read: xread,
			Group: "stream", Since: "5.0.0", Args: "[COUNT count] [BLOCK milliseconds] STREAMS streams{key... id...}",
			Cost: "O(N) in the number of entries returned",
			Doc:  "Returns the entries behind an id of each stream, waiting for some if there are none."},
		{Name: "xreadgroup", Arity: -7, Flags: Write | Blocking | MovableKeys,
			Keys: asksForEntries(keysBehind("STREAMS", 4, "RO access")), Write: xreadgroup, Effect: Told,
			Group: "stream", Since: "5.0.0",
			Args: "GROUP group_consumer{group consumer} [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS streams{key... id...}",
			Cost: "O(N) in the number of entries returned",
			Doc:  "Delivers entries to a consumer of a group, or shows it again what it has pending."},
	}
}

var (
	errReadNew        = ErrorReply("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
	errGroupReadLast  = ErrorReply("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.")
	errGroupReadFinal = ErrorReply("ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.")
)

// xread answers with the entries behind the given ids. The id $ means those added from now on, so a client that waits
// keeps what it was when the command first ran.
func xread(v *store.View, c *Call) Reply {
	o, refusal := c.parseRead(false)
	if refusal.IsError() {
		return refusal
	}
	after, waited := c.Resume.([]store.StreamID)
	if !waited {
		after = make([]store.StreamID, len(o.keys))
	}
	streams := make([]*store.Stream, len(o.keys))
	for i, key := range o.keys {
		s, err := v.StreamPart(key)
		if err != nil {
			return Failure(err)
		}
		streams[i] = s
		if !waited {
			if after[i], refusal = readAfter(s, o.ids[i]); refusal.IsError() {
				return refusal
			}
		}
	}
	known := true
	for i, s := range streams {
		if s.Len() > 0 && s.TopID().Compare(after[i]) > 0 {
			start, _ := after[i].Next()
			known = c.hasEntries(v, s, store.EntriesFrom(start, o.count)) && known
		}
	}
	if !known {
		return ReplyLoad
	}
	var found []Reply
	for i, s := range streams {
		if s.Len() > 0 && s.TopID().Compare(after[i]) > 0 {
			start, _ := after[i].Next()
			entries := c.streamEntries(s, start, maxStreamID, o.count, (*store.Stream).Range)
			found = append(found, Bulk(o.keys[i]), Array(entries...))
		}
	}
	switch {
	case found != nil:
		return mapPairsOf(found...)
	case o.blocks:
		return c.BlockOn(BlockRequest{Keys: o.keys, Type: store.TypeStream, Timeout: o.timeout, TimedOut: ReplyNoArray, Resume: after})
	}
	return ReplyNoArray
}

// readAfter is the id behind which XREAD reads: a given one, $ for the last so far, or Redis 7.4's + for what comes
// before the last entry, so that this one is read.
func readAfter(s *store.Stream, arg []byte) (after store.StreamID, refusal Reply) {
	switch string(arg) {
	case "$":
		return s.LastID(), ReplyNone
	case "+":
		if s.Len() == 0 {
			return after, ReplyNone
		}
		after, _ = s.TopID().Previous()
		return after, ReplyNone
	case ">":
		return after, errReadNew
	}
	after, ok := parseStrictID(arg, 0)
	if !ok {
		return after, errStreamID
	}
	return after, ReplyNone
}

// parseRead is parseRead of the call's arguments. A script can not wait, and Redis says so.
func (c *Call) parseRead(grouped bool) (o readOptions, refusal Reply) {
	o, refusal = parseRead(c.Args, grouped, c.Now)
	return o, refusal
}

// groupRead is one stream that XREADGROUP reads.
type groupRead struct {
	stream  store.StreamTx
	group   *store.StreamGroup
	history bool // what is pending at the consumer, behind after; else what nobody in the group has read
	after   store.StreamID
}

func xreadgroup(tx *store.Tx, c *Call) Reply {
	o, refusal := c.parseRead(true)
	if refusal.IsError() {
		return refusal
	}
	reads := make([]groupRead, len(o.keys))
	for i := range reads {
		if reads[i], refusal = newGroupRead(tx, o, i); refusal.IsError() {
			return refusal
		}
	}
	known := true
	for i := range reads {
		if s := reads[i].stream.Stream; s.Partial() {
			known = c.hasEntries(&tx.View, s, reads[i].entries(o)...) && known
		}
	}
	if !known {
		return ReplyLoad
	}
	var found []Reply
	for i := range reads {
		if entries, ok := reads[i].read(tx, c, o, o.keys[i]); ok {
			found = append(found, Bulk(o.keys[i]), Array(entries...))
		}
	}
	switch {
	case found != nil:
		return mapPairsOf(found...)
	case o.blocks: // its consumers have been seen, and that is all that has changed: nobody waits for it
		return c.BlockOn(BlockRequest{Keys: o.keys, Timeout: o.timeout, TimedOut: ReplyNoArray})
	}
	return ReplyNoArray
}

func newGroupRead(tx *store.Tx, o readOptions, i int) (r groupRead, refusal Reply) {
	tx.View.TypeOf(o.keys[i]) // a look-up for reading, which may miss
	s, err := tx.EditStreamPart(o.keys[i])
	if err != nil {
		return r, Failure(err)
	}
	r = groupRead{stream: s, group: s.Group(o.group)}
	if r.group == nil {
		return r, errNoGroupToRead(o.keys[i], o.group)
	}
	switch string(o.ids[i]) {
	case ">":
		return r, ReplyNone
	case "$":
		return r, errGroupReadLast
	case "+":
		return r, errGroupReadFinal
	}
	ok := false
	if r.after, ok = parseStrictID(o.ids[i], 0); !ok {
		return r, errStreamID
	}
	r.history = r.after != maxStreamID // Redis's mark for >
	return r, ReplyNone
}

func errNoGroupToRead(key, group []byte) Reply {
	return ErrorReply(OneLine("NOGROUP No such key '" + UpToNUL(key, len(key)) + "' or consumer group '" + UpToNUL(group, len(group)) + "' in XREADGROUP with GROUP option"))
}

// entries are those that read needs.
func (r *groupRead) entries(o readOptions) (ranges []store.EntryRange) {
	if r.history {
		if consumer := r.group.Consumer(o.consumer); consumer != nil {
			start, _ := r.after.Next()
			consumer.EachPending(start, maxStreamID, func(p store.Pending) bool {
				ranges = append(ranges, store.EntryRange{From: p.ID, To: p.ID})
				return int64(len(ranges)) != o.count
			})
		}
		return ranges
	}
	if start, ok := r.group.LastID().Next(); ok {
		ranges = append(ranges, store.EntriesFrom(start, o.count))
	}
	return ranges
}

// read delivers what there is; ok is false if the stream has no part in the reply.
func (r *groupRead) read(tx *store.Tx, c *Call, o readOptions, key []byte) (entries []Reply, ok bool) {
	s := r.stream
	consumer := c.consumer(tx, key, s, r.group, o.consumer)
	effect := c.groupEffect(key, o.group, r.group)
	if r.history {
		start, _ := r.after.Next()
		s.Redeliver(r.group, consumer, start, o.count, func(id store.StreamID, fields store.StreamFields, ok bool) {
			entry := Array(streamID(id), ReplyNoArray) // deleted meanwhile
			if ok {
				entry = c.streamEntry(id, fields)
				effect.claimed(id, store.ClaimedIt)
			}
			entries = append(entries, entry)
		})
		return entries, true
	}
	if s.Len() == 0 || s.TopID().Compare(r.group.LastID()) <= 0 {
		return nil, false
	}
	s.Deliver(r.group, consumer, o.count, o.noAck, func(id store.StreamID, fields store.StreamFields) {
		entries = append(entries, c.streamEntry(id, fields))
		if !o.noAck {
			effect.claimed(id, store.ClaimedIt)
		}
	})
	effect.read()
	return entries, true
}

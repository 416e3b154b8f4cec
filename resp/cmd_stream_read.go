package resp

import "diskette/store"

var (
	errReadNew        = errorReply("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
	errGroupReadLast  = errorReply("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.")
	errGroupReadFinal = errorReply("ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.")
)

// xread answers with the entries behind the given ids. The id $ means those added from now on, so a client that waits
// keeps what it was when the command first ran.
func xread(v *store.View, c *call) Reply {
	o, refusal := c.parseRead(false)
	if refusal.isError() {
		return refusal
	}
	after, waited := c.resume.([]store.StreamID)
	if !waited {
		after = make([]store.StreamID, len(o.keys))
	}
	streams := make([]*store.Stream, len(o.keys))
	for i, key := range o.keys {
		s, err := v.Stream(key)
		if err != nil {
			return failure(err)
		}
		streams[i] = s
		if !waited {
			if after[i], refusal = readAfter(s, o.ids[i]); refusal.isError() {
				return refusal
			}
		}
	}
	var found []Reply
	for i, s := range streams {
		if s.Len() > 0 && s.TopID().Compare(after[i]) > 0 {
			start, _ := after[i].Next()
			entries := c.streamEntries(s, start, maxStreamID, o.count, (*store.Stream).Range)
			found = append(found, bulk(o.keys[i]), array(entries...))
		}
	}
	switch {
	case found != nil:
		return mapPairsOf(found...)
	case o.blocks:
		return c.blockOn(blockRequest{keys: o.keys, typ: store.TypeStream, timeout: o.timeout, timedOut: replyNoArray, resume: after})
	}
	return replyNoArray
}

// readAfter is the id behind which XREAD reads: a given one, $ for the last so far, or Redis 7.4's + for what comes
// before the last entry, so that this one is read.
func readAfter(s *store.Stream, arg []byte) (after store.StreamID, refusal Reply) {
	switch string(arg) {
	case "$":
		return s.LastID(), replyNone
	case "+":
		if s.Len() == 0 {
			return after, replyNone
		}
		after, _ = s.TopID().Previous()
		return after, replyNone
	case ">":
		return after, errReadNew
	}
	after, ok := parseStrictID(arg, 0)
	if !ok {
		return after, errStreamID
	}
	return after, replyNone
}

// parseRead is parseRead of the call's arguments. A script can not wait, and Redis says so.
func (c *call) parseRead(grouped bool) (o readOptions, refusal Reply) {
	o, refusal = parseRead(c.args, grouped, c.now)
	return o, refusal
}

// groupRead is one stream that XREADGROUP reads.
type groupRead struct {
	stream  store.StreamTx
	group   *store.StreamGroup
	history bool // what is pending at the consumer, behind after; else what nobody in the group has read
	after   store.StreamID
}

func xreadgroup(tx *store.Tx, c *call) Reply {
	o, refusal := c.parseRead(true)
	if refusal.isError() {
		return refusal
	}
	reads := make([]groupRead, len(o.keys))
	for i := range reads {
		if reads[i], refusal = newGroupRead(tx, o, i); refusal.isError() {
			return refusal
		}
	}
	var found []Reply
	for i := range reads {
		if entries, ok := reads[i].read(tx, c, o, o.keys[i]); ok {
			found = append(found, bulk(o.keys[i]), array(entries...))
		}
	}
	switch {
	case found != nil:
		return mapPairsOf(found...)
	case o.blocks: // its consumers have been seen, and that is all that has changed: nobody waits for it
		return c.blockOn(blockRequest{keys: o.keys, timeout: o.timeout, timedOut: replyNoArray})
	}
	return replyNoArray
}

func newGroupRead(tx *store.Tx, o readOptions, i int) (r groupRead, refusal Reply) {
	tx.View.TypeOf(o.keys[i]) // a look-up for reading, which may miss
	s, err := tx.EditStream(o.keys[i])
	if err != nil {
		return r, failure(err)
	}
	r = groupRead{stream: s, group: s.Group(o.group)}
	if r.group == nil {
		return r, errNoGroupToRead(o.keys[i], o.group)
	}
	switch string(o.ids[i]) {
	case ">":
		return r, replyNone
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
	return r, replyNone
}

func errNoGroupToRead(key, group []byte) Reply {
	return errorReply(oneLine("NOGROUP No such key '" + upToNUL(key, len(key)) + "' or consumer group '" + upToNUL(group, len(group)) + "' in XREADGROUP with GROUP option"))
}

// read delivers what there is; ok is false if the stream has no part in the reply.
func (r *groupRead) read(tx *store.Tx, c *call, o readOptions, key []byte) (entries []Reply, ok bool) {
	s := r.stream
	consumer := c.consumer(tx, key, s, r.group, o.consumer)
	if r.history {
		start, _ := r.after.Next()
		s.Redeliver(r.group, consumer, start, o.count, func(id store.StreamID, fields store.StreamFields, ok bool) {
			entry := array(streamID(id), replyNoArray) // deleted meanwhile
			if ok {
				entry = c.streamEntry(id, fields)
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
	})
	return entries, true
}

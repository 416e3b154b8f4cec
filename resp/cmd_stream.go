package resp

import (
	"strconv"

	"diskette/resp/internal/words"
	"diskette/store"
)

// streamID is an id as clients see it.
func streamID(id store.StreamID) Reply {
	b := strconv.AppendUint(make([]byte, 0, 24), id.Ms, 10)
	b = strconv.AppendUint(append(b, '-'), id.Seq, 10)
	return bulkString(words.ViewString(b))
}

// streamEntry is an entry: its id, its fields and values.
func (c *call) streamEntry(id store.StreamID, fields store.StreamFields) Reply {
	elems := c.elems(fields.Len())
	fields.Each(func(e string) { elems = append(elems, bulkString(e)) })
	return array(append(c.elems(2), streamID(id), array(elems...))...)
}

// trim gives a Trim the size of a node.
func (c *call) trim(t store.Trim) store.Trim {
	cfg := c.settings
	t.NodeEntries, t.NodeBytes = cfg.Int("stream-node-max-entries"), cfg.Int("stream-node-max-bytes")
	return t
}

var (
	errAddZero      = errorReply("ERR The ID specified in XADD must be greater than 0-0")
	errAddSmall     = errorReply("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	errAddLarge     = errorReply("ERR Elements are too large to be stored")
	errAddExhausted = errorReply("ERR The stream has exhausted the last possible ID, unable to add more items")
)

func xadd(tx *store.Tx, c *call) Reply {
	o, refusal := parseAdd(c.args, true, c.settings.Int("stream-node-max-entries"))
	if refusal.isError() {
		return refusal
	}
	fields := c.args[min(o.fields, len(c.args)):]
	switch {
	case len(fields) == 0 || len(fields)%2 != 0:
		return errArity(c.row)
	case !o.auto && !o.autoSeq && o.id == store.StreamID{}:
		return errAddZero
	}
	s, err := tx.EditStream(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case o.noStream && !s.Exists():
		return replyNull
	case s.LastID() == maxStreamID:
		return errAddExhausted
	}
	id, ok := addID(s, o, c.now)
	if !ok {
		return errAddSmall
	}
	packed := store.PackFields(fields)
	if len(packed) > store.MaxFieldsBytes {
		return errAddLarge
	}
	s.Add(id, packed)
	c.notify(tx, eventStream, "xadd", c.args[1])
	if o.trims && s.Trim(c.trim(o.trim)) > 0 {
		c.notify(tx, eventStream, "xtrim", c.args[1])
	}
	return streamID(id)
}

// addID decides on the id of a new entry; ok is false if it is not above the last one.
func addID(s store.StreamTx, o addOptions, now int64) (id store.StreamID, ok bool) {
	last := s.LastID()
	switch {
	case o.auto:
		return s.NextID(now)
	case o.autoSeq && o.id.Ms == last.Ms:
		id, ok = last.Next()
		return id, ok && id.Ms == last.Ms
	}
	return o.id, o.id.Compare(last) > 0 || o.autoSeq && o.id.Ms > last.Ms
}

func xlen(v *store.View, c *call) Reply {
	s, err := v.Stream(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(s.Len())
}

func xrange(v *store.View, c *call) Reply {
	return c.streamRange(v, c.args[2], c.args[3], (*store.Stream).Range)
}

func xrevrange(v *store.View, c *call) Reply {
	return c.streamRange(v, c.args[3], c.args[2], (*store.Stream).RangeBack)
}

type streamWalk func(s *store.Stream, from, to store.StreamID, fn func(store.StreamID, store.StreamFields) bool)

func (c *call) streamRange(v *store.View, from, to []byte, walk streamWalk) Reply {
	start, end, refusal := parseInterval(from, to)
	if refusal.isError() {
		return refusal
	}
	count, refusal := parseCount(c.args[4:])
	if refusal.isError() {
		return refusal
	}
	s, err := v.Stream(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case s == nil:
		return array()
	case count == 0:
		return replyNoArray
	}
	if s.Len() >= apartElements && (count < 0 || count >= apartElements) {
		n := 0
		walk(s, start, end, func(store.StreamID, store.StreamFields) bool {
			n++
			return n < apartElements
		})
		if c.apartFor(n, n) {
			c.finish = c.manyEntries(s, start, end, count, walk)
			return replyNone
		}
	}
	return array(c.streamEntries(s, start, end, count, walk)...)
}

// manyEntries collects entries under the lock, for a reply that is made without it.
func (c *call) manyEntries(s *store.Stream, start, end store.StreamID, count int64, walk streamWalk) func() Reply {
	type entry struct {
		id     store.StreamID
		fields store.StreamFields
	}
	var entries []entry
	walk(s, start, end, func(id store.StreamID, fields store.StreamFields) bool {
		entries = append(entries, entry{id, fields})
		return int64(len(entries)) != count
	})
	return func() Reply {
		elems := make([]Reply, len(entries))
		for i, e := range entries {
			elems[i] = c.streamEntry(e.id, e.fields)
		}
		return array(elems...)
	}
}

// streamEntries collects up to count entries between two ids; 0 or less = all.
func (c *call) streamEntries(s *store.Stream, start, end store.StreamID, count int64, walk streamWalk) (entries []Reply) {
	walk(s, start, end, func(id store.StreamID, fields store.StreamFields) bool {
		entries = append(entries, c.streamEntry(id, fields))
		return int64(len(entries)) != count
	})
	return entries
}

// existingStream is the stream of a key; ok is false, and reply what to say, if it is another type or missing.
func existingStream(tx *store.Tx, key []byte, missing Reply) (s store.StreamTx, reply Reply, ok bool) {
	s, err := tx.EditStream(key)
	switch {
	case err != nil:
		return s, failure(err), false
	case !s.Exists():
		return s, missing, false
	}
	return s, replyNone, true
}

func xdel(tx *store.Tx, c *call) Reply {
	s, reply, ok := existingStream(tx, c.args[1], replyZero)
	if !ok {
		return reply
	}
	ids, refusal := parseIDs(c.args[2:])
	if refusal.isError() {
		return refusal
	}
	n := 0
	for _, id := range ids {
		if s.Delete(id) {
			n++
		}
	}
	if n > 0 {
		c.notify(tx, eventStream, "xdel", c.args[1])
	}
	return integer(n)
}

func xtrim(tx *store.Tx, c *call) Reply {
	o, refusal := parseAdd(c.args, false, c.settings.Int("stream-node-max-entries"))
	if refusal.isError() {
		return refusal
	}
	s, reply, ok := existingStream(tx, c.args[1], replyZero)
	if !ok {
		return reply
	}
	n := s.Trim(c.trim(o.trim))
	if n > 0 {
		c.notify(tx, eventStream, "xtrim", c.args[1])
	}
	return integer(n)
}

var (
	errAddedNegative = errorReply("ERR entries_added must be positive")
	errLastBelowDel  = errorReply("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
	errLastBelowMax  = errorReply("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
	errLastBelowTop  = errorReply("ERR The ID specified in XSETID is smaller than the target stream top item")
	errAddedBelowLen = errorReply("ERR The entries_added specified in XSETID is smaller than the target stream length")
)

func xsetid(tx *store.Tx, c *call) Reply {
	id, ok := parseStrictID(c.args[2], 0)
	if !ok {
		return errStreamID
	}
	added, deleted := int64(-1), store.StreamID{}
	for i := 3; i < len(c.args); i += 2 {
		var refusal Reply
		switch more := i+1 < len(c.args); {
		case more && c.is(i, "entriesadded"):
			added, refusal = parseNotNegative(c.args[i+1], errAddedNegative)
		case more && c.is(i, "maxdeletedid"):
			if deleted, ok = parseStrictID(c.args[i+1], 0); !ok {
				refusal = errStreamID
			} else if id.Compare(deleted) < 0 {
				refusal = errLastBelowDel
			}
		default:
			refusal = errSyntax
		}
		if refusal.isError() {
			return refusal
		}
	}
	s, reply, ok := existingStream(tx, c.args[1], errNoSuchKey)
	switch {
	case !ok:
		return reply
	case id.Compare(s.MaxDeletedID()) < 0:
		return errLastBelowMax
	case id.Compare(s.TopID()) < 0:
		return errLastBelowTop
	case s.Len() > 0 && added >= 0 && int64(s.Len()) > added:
		return errAddedBelowLen
	}
	s.SetLastID(id, added, deleted)
	c.notify(tx, eventStream, "xsetid", c.args[1])
	return replyOK
}

package command

import (
	"strconv"
	"unsafe"

	"diskette/resp/internal/words"
	"diskette/store"
)

func streamRows() []*Row {
	return []*Row{
		{Name: "xadd", Arity: -5, Flags: Write | Denyoom | Fast,
			Keys:  noted(asksForEntries(KeyAt(1, "RW update")), "UPDATE instead of INSERT because of the optional trimming feature"),
			Write: xadd, Effect: addEffect,
			Group: "stream", Since: "5.0.0", Tips: "nondeterministic_output",
			Args: "key [NOMKSTREAM] [trim{strategy(MAXLEN|MINID) [operator(=|~)] threshold [LIMIT count]}] id_or_auto(*|id) field_value{field value}...",
			Cost: "O(1), and O(N) in the number of trimmed entries",
			Doc:  "Appends an entry to a stream, creating it."},
		{Name: "xdel", Arity: -3, Flags: Write | Fast, Keys: asksForEntries(KeyAt(1, "RW delete")), Write: xdel,
			Group: "stream", Since: "5.0.0", Args: "key id...", Cost: "O(1) for each id",
			Doc: "Deletes entries of a stream."},
		{Name: "xlen", Arity: 2, Flags: Readonly | Fast, Keys: Lengths(KeyAt(1, "RO")), Read: lengthOf(store.TypeStream),
			Group: "stream", Since: "5.0.0", Args: "key", Doc: "Counts the entries of a stream."},
		{Name: "xrange", Arity: -4, Flags: Readonly, Keys: asksForEntries(KeyAt(1, "RO access")), Read: xrange,
			Group: "stream", Since: "5.0.0", Args: "key start:string end:string [COUNT count]",
			Cost: "O(N) in the number of entries returned", Doc: "Returns the entries between two ids."},
		{Name: "xrevrange", Arity: -4, Flags: Readonly, Keys: asksForEntries(KeyAt(1, "RO access")), Read: xrevrange,
			Group: "stream", Since: "5.0.0", Args: "key end:string start:string [COUNT count]",
			Cost: "O(N) in the number of entries returned",
			Doc:  "Returns the entries between two ids, the last first."},
		{Name: "xsetid", Arity: -3, Flags: Write | Denyoom | Fast, Keys: asksForEntries(KeyAt(1, "RW update")), Write: xsetid,
			Group: "stream", Since: "5.0.0",
			Args: "key last-id [ENTRIESADDED entries_added:integer] [MAXDELETEDID max_deleted_entry_id]",
			Doc:  "Changes what a stream remembers: its last id, how many entries it has had, and the highest that was deleted."},
		{Name: "xtrim", Arity: -4, Flags: Write, Keys: asksForEntries(KeyAt(1, "RW delete")), Write: xtrim, Effect: trimEffect,
			Group: "stream", Since: "5.0.0", Tips: "nondeterministic_output",
			Args: "key trim{strategy(MAXLEN|MINID) [operator(=|~)] threshold [LIMIT count]}",
			Cost: "O(N) in the number of trimmed entries", Doc: "Deletes a stream's first entries."},
	}
}

// streamID is an id as clients see it.
func streamID(id store.StreamID) Reply {
	return BulkString(words.ViewString(appendID(make([]byte, 0, 24), id)))
}

func appendID(b []byte, id store.StreamID) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(b, id.Ms, 10), '-'), id.Seq, 10)
}

// streamEntry is an entry: its id, its fields and values.
func (c *Call) streamEntry(id store.StreamID, fields store.StreamFields) Reply {
	elems := c.Elems(fields.Len())
	fields.Each(func(e string) { elems = append(elems, BulkString(e)) })
	return Array(append(c.Elems(2), streamID(id), Array(elems...))...)
}

// trim is the trimming that XADD or XTRIM asks for, with the size of a node, from which follows how much an approximate
// one takes away at most. Whoever does not trim asks for no settings [XADD in pipelines of 16: each of three look-ups
// by name was 1.4 % of its processor time].
func (c *Call) trim(o addOptions) store.Trim {
	t := o.trim
	if !o.trims {
		return t
	}
	t.NodeEntries, t.NodeBytes = c.Settings.Int("stream-node-max-entries"), c.Settings.Int("stream-node-max-bytes")
	if t.Approximate && !o.limited {
		t.Limit = 10_000
		if t.NodeEntries > 0 {
			t.Limit = min(t.NodeEntries, 10_000) * 100
		}
	}
	return t
}

var (
	errAddZero      = ErrorReply("ERR The ID specified in XADD must be greater than 0-0")
	errAddSmall     = ErrorReply("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	errAddLarge     = ErrorReply("ERR Elements are too large to be stored")
	errAddExhausted = ErrorReply("ERR The stream has exhausted the last possible ID, unable to add more items")
)

func xadd(tx *store.Tx, c *Call) Reply {
	o, refusal := parseAdd(c.Args, true)
	if refusal.IsError() {
		return refusal
	}
	fields := c.Args[min(o.fields, len(c.Args)):]
	switch {
	case len(fields) == 0 || len(fields)%2 != 0:
		return ErrArity(c.Row)
	case !o.auto && !o.autoSeq && o.id == store.StreamID{}:
		return errAddZero
	}
	s, err := tx.EditStreamPart(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case o.noStream && !s.Exists():
		return ReplyNull
	case s.LastID() == maxStreamID:
		return errAddExhausted
	}
	id, ok := addID(s, o, c.Now)
	if !ok {
		return errAddSmall
	}
	packed := store.PackFields(fields)
	if len(packed) > store.MaxFieldsBytes {
		return errAddLarge
	}
	trim := c.trim(o)
	if o.trims && s.Partial() && !c.hasEntries(&tx.View, s.Stream, s.Trimmed(trim, 1)...) {
		return ReplyLoad
	}
	s.Add(id, packed)
	c.notify(tx, eventStream, "xadd", c.Args[1])
	if o.trims && s.Trim(trim) > 0 {
		c.notify(tx, eventStream, "xtrim", c.Args[1])
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

func xrange(v *store.View, c *Call) Reply {
	return c.streamRange(v, c.Args[2], c.Args[3], false)
}

func xrevrange(v *store.View, c *Call) Reply {
	return c.streamRange(v, c.Args[3], c.Args[2], true)
}

type streamWalk func(s *store.Stream, from, to store.StreamID, fn func(store.StreamID, store.StreamFields) bool)

func (c *Call) streamRange(v *store.View, from, to []byte, back bool) Reply {
	start, end, refusal := parseInterval(from, to)
	if refusal.IsError() {
		return refusal
	}
	count, refusal := parseCount(c.Args[4:])
	if refusal.IsError() {
		return refusal
	}
	s, err := v.StreamPart(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case s == nil:
		return Array()
	case count == 0:
		return ReplyNoArray
	case !c.hasEntries(v, s, store.EntryRange{From: start, To: end, Count: count, Back: back}):
		return ReplyLoad
	}
	walk := (*store.Stream).Range
	if back {
		walk = (*store.Stream).RangeBack
	}
	if s.Len() >= OffLockElements && (count < 0 || count >= OffLockElements) {
		n := 0
		walk(s, start, end, func(store.StreamID, store.StreamFields) bool {
			n++
			return n < OffLockElements
		})
		if c.worksOffLock(n, n) {
			c.Finish = c.manyEntries(s, start, end, count, walk)
			return ReplyNone
		}
	}
	return Array(c.streamEntries(s, start, end, count, walk)...)
}

// manyEntries collects entries under the lock, for a reply that is made without it.
func (c *Call) manyEntries(s *store.Stream, start, end store.StreamID, count int64, walk streamWalk) func() Reply {
	var entries []storedEntry
	walk(s, start, end, func(id store.StreamID, fields store.StreamFields) bool {
		entries = append(entries, storedEntry{id, fields})
		return int64(len(entries)) != count
	})
	return func() Reply {
		c.Elements = &Elements{KindArray, len(entries), int64(len(entries)) * int64(unsafe.Sizeof(storedEntry{})),
			func(yield func(*Reply) bool) {
				var elems, pair []Reply
				var id []byte
				for i := range entries {
					elems, id = elems[:0], appendID(id[:0], entries[i].id)
					entries[i].fields.Each(func(e string) { elems = append(elems, BulkString(e)) })
					pair = append(pair[:0], Bulk(id), Array(elems...))
					if r := Array(pair...); !yield(&r) {
						return
					}
				}
			}}
		return Reply{Kind: KindElements}
	}
}

// streamEntries collects up to count entries between two ids; 0 or less = all.
func (c *Call) streamEntries(s *store.Stream, start, end store.StreamID, count int64, walk streamWalk) (entries []Reply) {
	walk(s, start, end, func(id store.StreamID, fields store.StreamFields) bool {
		entries = append(entries, c.streamEntry(id, fields))
		return int64(len(entries)) != count
	})
	return entries
}

// existingStream is the stream of a key, or a part of it; ok is false, and reply what to say, if it is another type or
// missing.
func existingStream(tx *store.Tx, key []byte, missing Reply) (s store.StreamTx, reply Reply, ok bool) {
	s, err := tx.EditStreamPart(key)
	switch {
	case err != nil:
		return s, Failure(err), false
	case !s.Exists():
		return s, missing, false
	}
	return s, ReplyNone, true
}

// entriesAt are the entries of these ids.
func entriesAt(ids []store.StreamID) []store.EntryRange {
	ranges := make([]store.EntryRange, len(ids))
	for i, id := range ids {
		ranges[i] = store.EntryRange{From: id, To: id}
	}
	return ranges
}

func xdel(tx *store.Tx, c *Call) Reply {
	s, reply, ok := existingStream(tx, c.Args[1], ReplyZero)
	if !ok {
		return reply
	}
	ids, refusal := parseIDs(c.Args[2:])
	if refusal.IsError() {
		return refusal
	}
	if s.Partial() && !c.hasEntries(&tx.View, s.Stream, entriesAt(ids)...) {
		return ReplyLoad
	}
	n := 0
	for _, id := range ids {
		if s.Delete(id) {
			n++
		}
	}
	if n > 0 {
		c.notify(tx, eventStream, "xdel", c.Args[1])
	}
	return Integer(n)
}

func xtrim(tx *store.Tx, c *Call) Reply {
	o, refusal := parseAdd(c.Args, false)
	if refusal.IsError() {
		return refusal
	}
	s, reply, ok := existingStream(tx, c.Args[1], ReplyZero)
	if !ok {
		return reply
	}
	trim := c.trim(o)
	if s.Partial() && !c.hasEntries(&tx.View, s.Stream, s.Trimmed(trim, 0)...) {
		return ReplyLoad
	}
	n := s.Trim(trim)
	if n > 0 {
		c.notify(tx, eventStream, "xtrim", c.Args[1])
	}
	return Integer(n)
}

var (
	errAddedNegative = ErrorReply("ERR entries_added must be positive")
	errLastBelowDel  = ErrorReply("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
	errLastBelowMax  = ErrorReply("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
	errLastBelowTop  = ErrorReply("ERR The ID specified in XSETID is smaller than the target stream top item")
	errAddedBelowLen = ErrorReply("ERR The entries_added specified in XSETID is smaller than the target stream length")
)

func xsetid(tx *store.Tx, c *Call) Reply {
	id, ok := parseStrictID(c.Args[2], 0)
	if !ok {
		return errStreamID
	}
	added, deleted := int64(-1), store.StreamID{}
	for i := 3; i < len(c.Args); i += 2 {
		var refusal Reply
		switch more := i+1 < len(c.Args); {
		case more && c.Is(i, "entriesadded"):
			added, refusal = parseNotNegative(c.Args[i+1], errAddedNegative)
		case more && c.Is(i, "maxdeletedid"):
			if deleted, ok = parseStrictID(c.Args[i+1], 0); !ok {
				refusal = errStreamID
			} else if id.Compare(deleted) < 0 {
				refusal = errLastBelowDel
			}
		default:
			refusal = ErrSyntax
		}
		if refusal.IsError() {
			return refusal
		}
	}
	s, reply, ok := existingStream(tx, c.Args[1], ErrNoSuchKey)
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
	c.notify(tx, eventStream, "xsetid", c.Args[1])
	return ReplyOK
}

package command

import (
	"math"
	"strconv"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// streamPendingRows are the commands of what consumers have been given and have not acknowledged.
func streamPendingRows() []*Row {
	return []*Row{
		{Name: "xack", Arity: -4, Flags: Write | Fast, Keys: asksForEntries(KeyAt(1, "RW update")), Write: xack,
			Group: "stream", Since: "5.0.0", Args: "key group id...", Cost: "O(1) for each id",
			Doc: "Ends entries' being pending in a consumer group."},
		{Name: "xautoclaim", Arity: -6, Flags: Write | Fast, Keys: asksForEntries(KeyAt(1, "RW delete")), Write: xautoclaim, Effect: Told,
			Group: "stream", Since: "6.2.0", Tips: "nondeterministic_output",
			Args: "key group consumer min-idle-time start:string [COUNT count] [JUSTID]",
			Cost: "O(1) if COUNT is small",
			Doc:  "Takes over, a page at a time, what is pending at other consumers for long."},
		{Name: "xclaim", Arity: -6, Flags: Write | Fast, Keys: asksForEntries(KeyAt(1, "RW update")), Write: xclaim, Effect: Told,
			Group: "stream", Since: "5.0.0", Tips: "nondeterministic_output",
			Args: "key group consumer min-idle-time id... [IDLE ms:integer] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]",
			Cost: "O(log N) in the number of pending entries, for each id",
			Doc:  "Takes over what is pending at other consumers."},
		{Name: "xpending", Arity: -3, Flags: Readonly, Keys: asksForEntries(KeyAt(1, "RO access")), Read: xpending,
			Group: "stream", Since: "5.0.0", Tips: "nondeterministic_output",
			Args: "key group [filters{[IDLE min-idle-time:integer] start:string end:string count [consumer]}]",
			Cost: "O(N) in the number of entries returned, or looked at for IDLE",
			Doc:  "Shows what a consumer group has pending."},
	}
}

func xack(tx *store.Tx, c *Call) Reply {
	tx.View.TypeOf(c.Args[1]) // a look-up for reading, which may miss
	s, err := tx.EditStreamPart(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	g := s.Group(c.Args[2])
	if g == nil {
		return ReplyZero
	}
	ids, refusal := parseIDs(c.Args[3:])
	if refusal.IsError() {
		return refusal
	}
	n := 0
	for _, id := range ids {
		if s.Acknowledge(g, id) {
			n++
		}
	}
	return Integer(n)
}

func xpending(v *store.View, c *Call) Reply {
	if len(c.Args) != 3 && (len(c.Args) < 6 || len(c.Args) > 9) {
		return ErrSyntax
	}
	filter, refusal := parsePending(c.Args)
	if refusal.IsError() {
		return refusal
	}
	s, err := v.StreamPart(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	g := s.Group(c.Args[2])
	switch {
	case g == nil:
		return errNoKeyOrGroup(c)
	case len(c.Args) == 3:
		return pendingSummary(g)
	}
	return filter.pending(g, c.Now)
}

// pendingFilter is what XPENDING is asked for.
type pendingFilter struct {
	start, end store.StreamID
	count      int64
	consumer   []byte
	ofConsumer bool  // else of all
	leastIdle  int64 // ms
}

func parsePending(args [][]byte) (f pendingFilter, refusal Reply) {
	if len(args) < 6 {
		return f, ReplyNone
	}
	i, ok := 3, true
	if words.EqualFold(args[3], "idle") {
		if f.leastIdle, ok = numbers.ParseInt(args[4]); !ok {
			return f, ErrNotInteger
		}
		if len(args) < 8 {
			return f, ErrSyntax
		}
		i = 5
	}
	if f.count, ok = numbers.ParseInt(args[i+2]); !ok {
		return f, ErrNotInteger
	}
	f.start, f.end, refusal = parseInterval(args[i], args[i+1])
	if i+3 < len(args) {
		f.consumer, f.ofConsumer = args[i+3], true
	}
	return f, refusal
}

func pendingSummary(g *store.StreamGroup) Reply {
	if g.PendingLen() == 0 {
		return Array(ReplyZero, ReplyNull, ReplyNull, ReplyNoArray)
	}
	var consumers []Reply
	for _, consumer := range g.Consumers() {
		if n := consumer.PendingLen(); n > 0 {
			consumers = append(consumers, Array(BulkString(consumer.Name()), BulkString(strconv.Itoa(n))))
		}
	}
	first, last := g.PendingEnds()
	return Array(Integer(g.PendingLen()), streamID(first), streamID(last), Array(consumers...))
}

func (f pendingFilter) pending(g *store.StreamGroup, now int64) Reply {
	each := g.EachPending
	if f.ofConsumer {
		consumer := g.Consumer(f.consumer)
		if consumer == nil {
			return Array()
		}
		each = consumer.EachPending
	}
	var found []Reply
	if f.count > 0 {
		each(f.start, f.end, func(p store.Pending) bool {
			if idle := now - p.DeliveredMs; f.leastIdle == 0 || idle >= f.leastIdle {
				found = append(found, Array(streamID(p.ID), BulkString(p.Consumer), Integer(max(0, idle)), Integer(p.Deliveries)))
			}
			return int64(len(found)) != f.count
		})
	}
	return Array(found...)
}

// claimFrom looks up the stream and the group that XCLAIM and XAUTOCLAIM need.
func claimFrom(tx *store.Tx, c *Call) (s store.StreamTx, g *store.StreamGroup, refusal Reply) {
	tx.View.TypeOf(c.Args[1]) // a look-up for reading, which may miss
	s, err := tx.EditStreamPart(c.Args[1])
	if err != nil {
		return s, nil, Failure(err)
	}
	if g = s.Group(c.Args[2]); g == nil {
		return s, nil, errNoKeyOrGroup(c)
	}
	return s, g, ReplyNone
}

func xclaim(tx *store.Tx, c *Call) Reply {
	s, g, refusal := claimFrom(tx, c)
	if refusal.IsError() {
		return refusal
	}
	o, refusal := parseClaim(c.Args[4:], c.Now)
	if refusal.IsError() {
		return refusal
	}
	if s.Partial() && !c.hasEntries(&tx.View, s.Stream, entriesAt(o.ids)...) {
		return ReplyLoad
	}
	switch {
	case o.lastID.Compare(g.LastID()) <= 0:
	case c.OfMaster:
		// Redis 7.0 tells its replicas of XREADGROUP by this alone. They do not know then how much a group has read,
		// and neither does that Redis when it has loaded its own append-only file. Here it is known: each entry that
		// was read is told of, and it is the group's next one.
		s.ReadOn(g, o.lastID)
	default:
		s.SetGroup(g, o.lastID, g.EntriesRead())
	}
	consumer := c.consumer(tx, c.Args[1], s, g, c.Args[3])
	effect := c.groupEffect(c.Args[1], c.Args[2], g)
	var claimed []Reply
	for _, id := range o.ids {
		done := s.Claim(g, consumer, id, o.how)
		effect.claimed(id, done)
		if done == store.ClaimedIt {
			claimed = append(claimed, c.claimed(s, id, o.how.JustID))
		}
	}
	if o.lastID != (store.StreamID{}) {
		effect.read()
	}
	return Array(claimed...)
}

// consumer is the group's consumer of a name, created if need be.
func (c *Call) consumer(tx *store.Tx, key []byte, s store.StreamTx, g *store.StreamGroup, name []byte) *store.StreamConsumer {
	known := g.Consumer(name) != nil
	consumer := s.See(g, name)
	if !known {
		c.notify(tx, eventStream, "xgroup-createconsumer", key)
		if c.Effects.On() {
			c.TellReplicas("XGROUP", "CREATECONSUMER", key, g.Name(), name)
		}
	}
	return consumer
}

// claimed is what XCLAIM and XAUTOCLAIM show of an entry.
func (c *Call) claimed(s store.StreamTx, id store.StreamID, justID bool) Reply {
	if justID {
		return streamID(id)
	}
	fields, _ := s.Entry(id)
	return c.streamEntry(id, fields)
}

const (
	claimAttempts = 10                 // pending entries that XAUTOCLAIM looks at for each that it may claim
	maxClaimCount = math.MaxInt64 / 16 // Redis's bound, for whom an id takes 16 bytes
)

func xautoclaim(tx *store.Tx, c *Call) Reply {
	count, start, how, refusal := parseAutoclaim(c.Args, c.Now)
	if refusal.IsError() {
		return refusal
	}
	s, g, refusal := claimFrom(tx, c)
	if refusal.IsError() {
		return refusal
	}
	if s.Partial() && !c.hasEntries(&tx.View, s.Stream, autoclaimed(g, start, count, how, c.Now)...) {
		return ReplyLoad
	}
	consumer := c.consumer(tx, c.Args[1], s, g, c.Args[3])
	effect := c.groupEffect(c.Args[1], c.Args[2], g)
	var claimed, gone []Reply
	next, ok := g.NextPending(start)
	for attempts := count * claimAttempts; ok && attempts > 0 && count > 0; attempts-- {
		done := s.Claim(g, consumer, next.ID, how)
		effect.claimed(next.ID, done)
		switch done {
		case store.ClaimedIt:
			claimed = append(claimed, c.claimed(s, next.ID, how.JustID))
			count--
		case store.ClaimGone:
			gone = append(gone, streamID(next.ID))
			count--
		}
		if start, ok = next.ID.Next(); ok {
			next, ok = g.NextPending(start)
		}
	}
	cursor := store.StreamID{}
	if ok {
		cursor = next.ID
	}
	return Array(streamID(cursor), Array(claimed...), Array(gone...))
}

// autoclaimed are the entries that XAUTOCLAIM may look at.
func autoclaimed(g *store.StreamGroup, start store.StreamID, count int64, how store.Claim, now int64) (ranges []store.EntryRange) {
	attempts := count * claimAttempts
	g.EachPending(start, maxStreamID, func(p store.Pending) bool {
		ranges = append(ranges, store.EntryRange{From: p.ID, To: p.ID})
		if how.MinIdleMs <= 0 || now-p.DeliveredMs >= how.MinIdleMs {
			count--
		}
		attempts--
		return count > 0 && attempts > 0
	})
	return ranges
}

func parseAutoclaim(args [][]byte, now int64) (count int64, start store.StreamID, how store.Claim, refusal Reply) {
	least, ok := numbers.ParseInt(args[4])
	if !ok {
		return 0, start, how, ErrorReply("ERR Invalid min-idle-time argument for XAUTOCLAIM")
	}
	how = store.Claim{MinIdleMs: max(0, least), DeliveredMs: now, Deliveries: -1}
	if start, refusal = parseIntervalStart(args[5]); refusal.IsError() {
		return 0, start, how, refusal
	}
	count = 100
	for i := 6; i < len(args); i++ {
		switch {
		case words.EqualFold(args[i], "count") && i+1 < len(args):
			i++
			if count, ok = numbers.ParseInt(args[i]); !ok || count < 1 || count > maxClaimCount {
				return 0, start, how, errCountZero
			}
		case words.EqualFold(args[i], "justid"):
			how.JustID = true
		default:
			return 0, start, how, ErrSyntax
		}
	}
	return count, start, how, ReplyNone
}

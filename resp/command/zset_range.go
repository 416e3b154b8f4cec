package command

import (
	"bytes"
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

func zsetRangeRows() []*Row {
	return []*Row{
		{Name: "zcount", Arity: 4, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: zcount,
			Group: "sorted-set", Since: "2.0.0", Args: "key min=double max=double",
			Cost: "O(log(N)) in the number of members", Doc: "Counts the members with scores in a range."},
		{Name: "zlexcount", Arity: 4, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: zlexcount,
			Group: "sorted-set", Since: "2.8.9", Args: "key min max", Cost: "O(log(N)) in the number of members",
			Doc: "Counts the members between two names, when all scores are equal."},
		{Name: "zrange", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: zrange,
			Group: "sorted-set", Since: "1.2.0",
			Args: "key start=string stop=string [sortby(BYSCORE|BYLEX)] [REV] [LIMIT offset_count{offset count}] [WITHSCORES]",
			Cost: "O(log(N)+M) for M members of N", Doc: "Returns a range of members by rank, score or name."},
		{Name: "zrangebylex", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: zrangeBy(byLex, false),
			Group: "sorted-set", Since: "2.8.9", Args: "key min max [LIMIT offset_count{offset count}]",
			Cost: "O(log(N)+M) for M members of N",
			Doc:  "Returns the members between two names, when all scores are equal."},
		{Name: "zrangebyscore", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"),
			Read:  zrangeBy(byScore, false),
			Group: "sorted-set", Since: "1.0.5",
			Args: "key min=double max=double [WITHSCORES] [LIMIT offset_count{offset count}]",
			Cost: "O(log(N)+M) for M members of N", Doc: "Returns the members with scores in a range."},
		{Name: "zrangestore", Arity: -5, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "OW update"), KeyAt(2, "RO access")), Write: zrangestore,
			Group: "sorted-set", Since: "6.2.0",
			Args: "dst=key src=key min max [sortby(BYSCORE|BYLEX)] [REV] [LIMIT offset_count{offset count}]",
			Cost: "O(log(N)+M) for M members of N", Doc: "Stores a range of members in another key."},
		{Name: "zremrangebylex", Arity: 4, Flags: Write, Keys: KeyAt(1, "RW delete"), Write: zremrangebylex,
			Group: "sorted-set", Since: "2.8.9", Args: "key min max",
			Cost: "O(M*log(N)) for M members removed from N",
			Doc:  "Removes the members between two names, when all scores are equal."},
		{Name: "zremrangebyrank", Arity: 4, Flags: Write, Keys: KeyAt(1, "RW delete"), Write: zremrangebyrank,
			Group: "sorted-set", Since: "2.0.0", Args: "key start stop=integer",
			Cost: "O(M*log(N)) for M members removed from N", Doc: "Removes the members in a range of ranks."},
		{Name: "zremrangebyscore", Arity: 4, Flags: Write, Keys: KeyAt(1, "RW delete"), Write: zremrangebyscore,
			Group: "sorted-set", Since: "1.2.0", Args: "key min=double max=double",
			Cost: "O(M*log(N)) for M members removed from N", Doc: "Removes the members with scores in a range."},
		{Name: "zrevrange", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: zrevrange,
			Group: "sorted-set", Since: "1.2.0", Args: "key start stop=integer [WITHSCORES]",
			Cost: "O(log(N)+M) for M members of N",
			Doc:  "Returns a range of members by rank from the highest score."},
		{Name: "zrevrangebylex", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: zrangeBy(byLex, true),
			Group: "sorted-set", Since: "2.8.9", Args: "key max min [LIMIT offset_count{offset count}]",
			Cost: "O(log(N)+M) for M members of N",
			Doc:  "Returns the members between two names in reverse order, when all scores are equal."},
		{Name: "zrevrangebyscore", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"),
			Read:  zrangeBy(byScore, true),
			Group: "sorted-set", Since: "2.2.0",
			Args: "key max=double min=double [WITHSCORES] [LIMIT offset_count{offset count}]",
			Cost: "O(log(N)+M) for M members of N",
			Doc:  "Returns the members with scores in a range, the highest first."},
	}
}

var (
	errScoreBound = ErrorReply("ERR min or max is not a float")
	errLexBound   = ErrorReply("ERR min or max not valid string range item")
	errRankLimit  = ErrorReply("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	errLexScores  = ErrorReply("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
)

// rangeBy is what the bounds of a range are.
type rangeBy byte

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// memberRange is a range of a sorted set whose bounds have been read.
type memberRange struct {
	by          rangeBy
	start, stop int64 // by rank: as given, both inclusive, negative = from the end
	min, max    bound
}

// A bound is a score or a member. Infinite bounds of members are kept by their sign in score.
type bound struct {
	score     float64
	member    string
	exclusive bool
}

// readRange reads two bounds by their kind; min and max are the places of the arguments.
func (c *Call) readRange(by rangeBy, min, max int) (r memberRange, refusal Reply) {
	r.by = by
	ok := false
	switch by {
	case byRank:
		if r.start, ok = c.Int(min); ok {
			r.stop, ok = c.Int(max)
		}
		refusal = ErrNotInteger
	case byScore:
		if r.min, ok = scoreBound(c.Args[min]); ok {
			r.max, ok = scoreBound(c.Args[max])
		}
		refusal = errScoreBound
	case byLex:
		if r.min, ok = lexBound(c.Args[min]); ok {
			r.max, ok = lexBound(c.Args[max])
		}
		refusal = errLexBound
	}
	if ok {
		refusal = ReplyNone
	}
	return r, refusal
}

// scoreBound reads a bound as C's strtod does: nothing at all is 0, the number may follow blanks, and a NUL ends it.
func scoreBound(b []byte) (bound, bool) {
	b, exclusive := bytes.CutPrefix(b, []byte("("))
	b, _, _ = bytes.Cut(b, []byte{0})
	f, n, _ := numbers.Strtod(b)
	return bound{score: f, exclusive: exclusive}, n == len(b) && !math.IsNaN(f)
}

// lexBound reads [member, (member, - or +.
func lexBound(b []byte) (bound, bool) {
	if len(b) == 0 {
		return bound{}, false
	}
	infinite := len(b) == 1 || b[1] == 0
	switch b[0] {
	case '-':
		return bound{score: math.Inf(-1)}, infinite
	case '+':
		return bound{score: math.Inf(1)}, infinite
	case '[', '(':
		return bound{member: string(b[1:]), exclusive: b[0] == '('}, true
	}
	return bound{}, false
}

// ranks are those of the members in the range: from .. to-1. It is empty if from >= to.
func (r *memberRange) ranks(z *store.ZSet) (from, to int) {
	if r.by == byRank {
		return ranksBetween(r.start, r.stop, z.Len())
	}
	return r.rankOf(z, &r.min, r.min.exclusive), r.rankOf(z, &r.max, !r.max.exclusive)
}

// rankOf is how many members come before a bound; those that equal it, too, if past is set.
func (r *memberRange) rankOf(z *store.ZSet, b *bound, past bool) int {
	if r.by == byScore {
		return z.Seek(func(it *store.Scored) bool { return it.Score < b.score || past && it.Score == b.score })
	}
	switch {
	case b.score < 0:
		return 0
	case b.score > 0:
		return z.Len()
	}
	return z.Seek(func(it *store.Scored) bool { return it.Member < b.member || past && it.Member == b.member })
}

// ranksBetween turns inclusive ranks, negative ones counted from the end, into from .. to-1.
func ranksBetween(start, stop int64, n int) (from, to int) {
	size := int64(n)
	if start < 0 {
		start = max(start+size, 0)
	}
	if stop < 0 {
		stop += size
	}
	return int(min(start, size)), int(min(stop, size-1)) + 1
}

func zcount(v *store.View, c *Call) Reply { return countRange(v, c, byScore) }

func zlexcount(v *store.View, c *Call) Reply { return countRange(v, c, byLex) }

func countRange(v *store.View, c *Call, by rangeBy) Reply {
	r, refusal := c.readRange(by, 2, 3)
	if refusal.IsError() {
		return refusal
	}
	z, err := v.ZSet(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := r.ranks(z)
	return Integer(max(to-from, 0))
}

func zremrangebyrank(tx *store.Tx, c *Call) Reply { return removeRange(tx, c, byRank) }

func zremrangebyscore(tx *store.Tx, c *Call) Reply { return removeRange(tx, c, byScore) }

func zremrangebylex(tx *store.Tx, c *Call) Reply { return removeRange(tx, c, byLex) }

func removeRange(tx *store.Tx, c *Call, by rangeBy) Reply {
	r, refusal := c.readRange(by, 2, 3)
	if refusal.IsError() {
		return refusal
	}
	z, err := tx.EditZSet(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := r.ranks(z.ZSet)
	left := z.Len() - max(to-from, 0)
	z.RemoveRanks(from, to)
	if to > from {
		c.notifyGone(tx, eventZSet, c.Row.Name, c.Args[1], left)
	}
	return Integer(max(to-from, 0))
}

// rangeQuery is a ZRANGE, or one of the commands that it has replaced, or ZRANGESTORE.
type rangeQuery struct {
	memberRange
	reverse, withScores bool
	offset, limit       int64
}

func zrange(v *store.View, c *Call) Reply {
	return rangeReply(v, c, rangeQuery{}, true)
}

func zrevrange(v *store.View, c *Call) Reply {
	return rangeReply(v, c, rangeQuery{reverse: true}, false)
}

// zrangeBy is ZRANGEBYSCORE, ZREVRANGEBYLEX and so on.
func zrangeBy(by rangeBy, reverse bool) reading {
	return func(v *store.View, c *Call) Reply {
		return rangeReply(v, c, rangeQuery{memberRange: memberRange{by: by}, reverse: reverse}, false)
	}
}

func rangeReply(v *store.View, c *Call, q rangeQuery, free bool) Reply {
	if refusal := c.rangeQuery(&q, 1, free, true); refusal.IsError() {
		return refusal
	}
	z, err := v.ZSet(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	from, to := q.selected(z)
	if c.worksOffLock(to-from, to-from) {
		return c.eachScored(scored(z, from, to), q.withScores, q.reverse)
	}
	list := c.scoredList(to-from, q.withScores)
	q.each(z, from, to, list.add)
	return list.reply()
}

func zrangestore(tx *store.Tx, c *Call) Reply {
	var q rangeQuery
	if refusal := c.rangeQuery(&q, 2, true, false); refusal.IsError() {
		return refusal
	}
	z, err := tx.ZSet(c.Args[2])
	if err != nil {
		return Failure(err)
	}
	from, to := q.selected(z)
	n := max(to-from, 0)
	members := []store.Scored(nil)
	snapshot := func() { members = scored(z, from, to) }
	made, _ := c.makeOf(&tx.View, c.Args[2:3], c.worksOffLock(n, n), snapshot, func() (*store.Made, Reply) {
		if members == nil {
			snapshot()
		}
		return c.madeZSet(members), ReplyNone
	})
	if c.OffLock != nil {
		return ReplyNone
	}
	return c.placeZSet(tx, c.Row.Name, c.Args[1], made)
}

// scored are the members of the ranks from .. to-1.
func scored(z *store.ZSet, from, to int) []store.Scored {
	members := make([]store.Scored, 0, max(to-from, 0))
	z.Each(from, to, func(it *store.Scored) bool {
		members = append(members, *it)
		return true
	})
	return members
}

// rangeQuery reads the words after key min max, then the bounds; key is the key's place. free says whether
// the words may tell the order and the kind of the bounds, scores whether they may ask for scores.
func (c *Call) rangeQuery(q *rangeQuery, key int, free, scores bool) (refusal Reply) {
	q.limit = -1
	ordered, kinded := !free, !free
	for i := key + 3; i < len(c.Args); i++ {
		switch {
		case scores && c.Is(i, "withscores"):
			q.withScores = true
		case c.Is(i, "limit") && i+2 < len(c.Args):
			var ok, ok2 bool
			q.offset, ok = c.Int(i + 1)
			q.limit, ok2 = c.Int(i + 2)
			if !ok || !ok2 {
				return ErrNotInteger
			}
			i += 2
		case !ordered && c.Is(i, "rev"):
			q.reverse, ordered = true, true
		case !kinded && c.Is(i, "bylex"):
			q.by, kinded = byLex, true
		case !kinded && c.Is(i, "byscore"):
			q.by, kinded = byScore, true
		default:
			return ErrSyntax
		}
	}
	switch {
	case q.limit != -1 && q.by == byRank:
		return errRankLimit
	case q.withScores && q.by == byLex:
		return errLexScores
	}
	low, high := key+1, key+2
	if q.reverse && q.by != byRank {
		low, high = high, low
	}
	q.memberRange, refusal = c.readRange(q.by, low, high)
	return refusal
}

// selected are the ranks of what the query wants.
func (q *rangeQuery) selected(z *store.ZSet) (from, to int) {
	from, to = q.ranks(z)
	if q.by == byRank {
		if q.reverse {
			n := z.Len()
			from, to = n-to, n-from
		}
		return from, to
	}
	n := int64(max(to-from, 0))
	skip, take := q.offset, q.limit
	if skip < 0 || skip > n {
		skip = n
	}
	if take < 0 || take > n-skip {
		take = n - skip
	}
	if q.reverse {
		to -= int(skip)
		return to - int(take), to
	}
	from += int(skip)
	return from, from + int(take)
}

// each calls fn for the members of the ranks from .. to-1 in the query's order.
func (q *rangeQuery) each(z *store.ZSet, from, to int, fn func(it *store.Scored) bool) {
	if q.reverse {
		z.Back(from, to, fn)
	} else {
		z.Each(from, to, fn)
	}
}

// scoredList builds a reply of members, with their scores or without.
type scoredList struct {
	elems  []Reply
	scores bool
}

func (c *Call) scoredList(n int, scores bool) scoredList {
	if scores {
		n *= 2
	}
	return scoredList{c.Elems(max(n, 0)), scores}
}

func (l *scoredList) add(it *store.Scored) bool {
	l.elems = append(l.elems, BulkString(it.Member))
	if l.scores {
		l.elems = append(l.elems, Double(it.Score))
	}
	return true
}

func (l *scoredList) addAll(members []store.Scored, reverse bool) {
	for i := range members {
		if reverse {
			i = len(members) - 1 - i
		}
		l.add(&members[i])
	}
}

func (l *scoredList) reply() Reply {
	if l.scores {
		return pairsOf(l.elems...)
	}
	return Array(l.elems...)
}

package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

func zsetRows() []*Row {
	return []*Row{
		{Name: "zadd", Arity: -4, Flags: Write | Denyoom | Fast, Keys: namedBy(KeyAt(1, "RW update"), zaddMembers),
			Write: zadd,
			Group: "sorted-set", Since: "1.2.0",
			Args: "key [condition(NX|XX)] [comparison(GT|LT)] [change=CH] [increment=INCR] score_member{score=double member}...",
			Cost: "O(log(N)) for each member", Doc: "Adds members to a sorted set, or gives them other scores."},
		{Name: "zcard", Arity: 2, Flags: Readonly | Fast, Keys: Lengths(KeyAt(1, "RO")), Read: lengthOf(store.TypeZSet),
			Group: "sorted-set", Since: "1.2.0", Args: "key", Doc: "Counts the members of a sorted set."},
		{Name: "zincrby", Arity: 4, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW access update"), 3, 1, 3), Write: zincrby,
			Group: "sorted-set", Since: "1.2.0", Args: "key increment member",
			Cost: "O(log(N)) in the number of members", Doc: "Adds a number to a member's score."},
		{Name: "zmscore", Arity: -3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO access"), 2, 1, -1), Read: onZSetPart(zmscore),
			Group: "sorted-set", Since: "6.2.0", Args: "key member...",
			Cost: "O(N) in the number of members asked for", Doc: "Returns the scores of members."},
		{Name: "zrank", Arity: -3, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: zrank,
			Group: "sorted-set", Since: "2.0.0", Args: "key member [WITHSCORE]",
			Cost: "O(log(N)) in the number of members", Doc: "Returns a member's rank from the lowest score."},
		{Name: "zrem", Arity: -3, Flags: Write | Fast, Keys: Named(KeyAt(1, "RW delete"), 2, 1, -1), Write: editZSetPart(zrem),
			Group: "sorted-set", Since: "1.2.0", Args: "key member...",
			Cost: "O(M*log(N)) for M members removed from N", Doc: "Removes members of a sorted set."},
		{Name: "zrevrank", Arity: -3, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: zrevrank,
			Group: "sorted-set", Since: "2.0.0", Args: "key member [WITHSCORE]",
			Cost: "O(log(N)) in the number of members", Doc: "Returns a member's rank from the highest score."},
		{Name: "zscore", Arity: 3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO access"), 2, 1, 2), Read: onZSetPart(zscore),
			Group: "sorted-set", Since: "1.2.0", Args: "key member", Doc: "Returns a member's score."},
	}
}

var (
	errZaddNXXX      = ErrorReply("ERR XX and NX options at the same time are not compatible")
	errZaddGTLTNX    = ErrorReply("ERR GT, LT, and/or NX options at the same time are not compatible")
	errZaddIncrPairs = ErrorReply("ERR INCR option supports a single increment-element pair")
	errScoreNaN      = ErrorReply("ERR resulting score is not a number (NaN)")
)

// zaddOptions are the words before ZADD's first score.
type zaddOptions struct {
	nx, xx, gt, lt, ch, incr bool
}

// zaddOptions reads ZADD's words, or GEOADD's, which are fewer, from argument 2 on and returns where the scores begin.
func (c *Call) zaddOptions(o *zaddOptions, geo bool) (scores int) {
	for i := 2; ; i++ {
		switch {
		case c.Is(i, "nx"):
			o.nx = true
		case c.Is(i, "xx"):
			o.xx = true
		case !geo && c.Is(i, "gt"):
			o.gt = true
		case !geo && c.Is(i, "lt"):
			o.lt = true
		case c.Is(i, "ch"):
			o.ch = true
		case !geo && c.Is(i, "incr"):
			o.incr = true
		default:
			return i
		}
	}
}

// zaddMembers are the members that ZADD names, behind its options and each behind its score.
func zaddMembers(args [][]byte) store.Names {
	c := Call{Args: args}
	return store.Names{Args: args, First: c.zaddOptions(&zaddOptions{}, false) + 1, Step: 2, Last: len(args) - 1}
}

func zadd(tx *store.Tx, c *Call) Reply { return zaddWith(tx, c, zaddOptions{}) }

func zincrby(tx *store.Tx, c *Call) Reply { return zaddWith(tx, c, zaddOptions{incr: true}) }

func zaddWith(tx *store.Tx, c *Call, o zaddOptions) Reply {
	pairs := c.Args[c.zaddOptions(&o, false):]
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		return ErrSyntax
	case o.nx && o.xx:
		return errZaddNXXX
	case (o.gt || o.lt) && o.nx || o.gt && o.lt:
		return errZaddGTLTNX
	case o.incr && len(pairs) > 2:
		return errZaddIncrPairs
	}
	scores := make([]float64, 0, 16)
	for i := 0; i < len(pairs); i += 2 {
		score, ok := numbers.ParseDouble(pairs[i])
		if !ok {
			return errNotFloat
		}
		scores = append(scores, score)
	}
	z, err := tx.EditZSetPart(c.Args[1], c.names())
	switch {
	case err != nil:
		return Failure(err)
	case o.incr:
		return o.increment(tx, z, c, pairs[1], scores[0])
	}
	return o.set(tx, z, c, pairs, scores)
}

// set gives members their scores, as far as the options let it. Each is the last of its share of args.
func (o *zaddOptions) set(tx *store.Tx, z store.ZSetTx, c *Call, args [][]byte, scores []float64) Reply {
	share := len(args) / len(scores)
	n, changed := 0, false
	for i, score := range scores {
		member := args[share*(i+1)-1]
		if *o != (zaddOptions{ch: o.ch}) && !o.wants(z.ZSet, member, score) {
			continue
		}
		created, updated := z.Set(member, c.kept(score, z.Shape(), member))
		changed = changed || created || updated
		if created || updated && o.ch {
			n++
		}
	}
	if changed {
		c.notify(tx, eventZSet, "zadd", c.Args[1])
	}
	return Integer(n)
}

// wants reports whether the options let a member have a score.
func (o *zaddOptions) wants(z *store.ZSet, member []byte, score float64) bool {
	old, there := z.Score(words.ViewString(member))
	if !there {
		return !o.xx
	}
	return !o.nx && !(o.gt && score <= old) && !(o.lt && score >= old)
}

func (o *zaddOptions) increment(tx *store.Tx, z store.ZSetTx, c *Call, member []byte, by float64) Reply {
	old, there := z.Score(words.ViewString(member))
	if there && o.nx {
		return ReplyNull
	}
	score := old + by
	switch {
	case math.IsNaN(score):
		return errScoreNaN
	case !there:
		score = by // 0 + -0 would be 0
	}
	if !o.wants(z.ZSet, member, score) {
		return ReplyNull
	}
	if created, updated := z.Set(member, c.kept(score, z.Shape(), member)); created || updated {
		c.notify(tx, eventZSet, "zincr", c.Args[1])
	}
	return Double(score)
}

// kept is the score that Redis keeps for a member of a sorted set of this shape: while it is compact, -0 becomes 0.
func (c *Call) kept(score float64, s store.Shape, member []byte) float64 {
	if score == 0 && math.Signbit(score) {
		s.MostLen, s.LongestBytes = max(s.MostLen, s.Len+1), max(s.LongestBytes, len(member))
		if encodingOf(c.Settings, s) == "listpack" {
			return 0
		}
	}
	return score
}

// madeZSet is a sorted set of what a command has computed, which is in order.
func (c *Call) madeZSet(members []store.Scored) *store.Made {
	shape := store.Shape{Type: store.TypeZSet, Len: len(members) - 1}
	for i := range members {
		shape.LongestBytes = max(shape.LongestBytes, len(members[i].Member))
	}
	for i := range members {
		members[i].Score = c.kept(members[i].Score, shape, nil)
	}
	return store.MakeZSet(members)
}

// placeZSet stores a sorted set and tells of it as an event.
func (c *Call) placeZSet(tx *store.Tx, event string, key []byte, made *store.Made) Reply {
	existed := tx.TypeOf(key) != store.None
	n := tx.Place(key, made)
	c.notifyStored(tx, eventZSet, event, key, n, existed)
	return Integer(n)
}

func zrem(z store.ZSetTx, tx *store.Tx, c *Call) Reply {
	n := 0
	for _, member := range c.Args[2:] {
		if z.Remove(member) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, eventZSet, "zrem", c.Args[1], z.Len())
	}
	return Integer(n)
}

func zscore(z *store.ZSet, c *Call) Reply {
	return scoreOf(z, c.Args[2])
}

func scoreOf(z *store.ZSet, member []byte) Reply {
	score, ok := z.Score(words.ViewString(member))
	if !ok {
		return ReplyNull
	}
	return Double(score)
}

func zmscore(z *store.ZSet, c *Call) Reply {
	elems := c.Elems(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		elems = append(elems, scoreOf(z, member))
	}
	return Array(elems...)
}

func zrank(v *store.View, c *Call) Reply { return rankOf(v, c, false) }

func zrevrank(v *store.View, c *Call) Reply { return rankOf(v, c, true) }

func rankOf(v *store.View, c *Call, reverse bool) Reply {
	withScore := false
	switch {
	case len(c.Args) > 4:
		return ErrArity(c.Row)
	case len(c.Args) == 4:
		if !c.Is(3, "withscore") {
			return ErrSyntax
		}
		withScore = true
	}
	z, err := v.ZSet(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	rank, score, ok := z.Rank(words.ViewString(c.Args[2]))
	switch {
	case !ok && withScore:
		return ReplyNoArray
	case !ok:
		return ReplyNull
	case reverse:
		rank = z.Len() - 1 - rank
	}
	if withScore {
		return Array(Integer(rank), Double(score))
	}
	return Integer(rank)
}

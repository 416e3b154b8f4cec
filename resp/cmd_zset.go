package resp

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

var (
	errZaddNXXX      = errorReply("ERR XX and NX options at the same time are not compatible")
	errZaddGTLTNX    = errorReply("ERR GT, LT, and/or NX options at the same time are not compatible")
	errZaddIncrPairs = errorReply("ERR INCR option supports a single increment-element pair")
	errScoreNaN      = errorReply("ERR resulting score is not a number (NaN)")
)

// zaddOptions are the words before ZADD's first score.
type zaddOptions struct {
	nx, xx, gt, lt, ch, incr bool
}

// zaddOptions reads ZADD's words, or GEOADD's, which are fewer, from argument 2 on and returns where the scores begin.
func (c *call) zaddOptions(o *zaddOptions, geo bool) (scores int) {
	for i := 2; ; i++ {
		switch {
		case c.is(i, "nx"):
			o.nx = true
		case c.is(i, "xx"):
			o.xx = true
		case !geo && c.is(i, "gt"):
			o.gt = true
		case !geo && c.is(i, "lt"):
			o.lt = true
		case c.is(i, "ch"):
			o.ch = true
		case !geo && c.is(i, "incr"):
			o.incr = true
		default:
			return i
		}
	}
}

func zadd(tx *store.Tx, c *call) Reply { return zaddWith(tx, c, zaddOptions{}) }

func zincrby(tx *store.Tx, c *call) Reply { return zaddWith(tx, c, zaddOptions{incr: true}) }

func zaddWith(tx *store.Tx, c *call, o zaddOptions) Reply {
	pairs := c.args[c.zaddOptions(&o, false):]
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		return errSyntax
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
	z, err := tx.EditZSet(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case o.incr:
		return o.increment(tx, z, c, pairs[1], scores[0])
	}
	return o.set(tx, z, c, pairs, scores)
}

// set gives members their scores, as far as the options let it. Each is the last of its share of args.
func (o *zaddOptions) set(tx *store.Tx, z store.ZSetTx, c *call, args [][]byte, scores []float64) Reply {
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
		c.notify(tx, eventZSet, "zadd", c.args[1])
	}
	return integer(n)
}

// wants reports whether the options let a member have a score.
func (o *zaddOptions) wants(z *store.ZSet, member []byte, score float64) bool {
	old, there := z.Score(words.ViewString(member))
	if !there {
		return !o.xx
	}
	return !o.nx && !(o.gt && score <= old) && !(o.lt && score >= old)
}

func (o *zaddOptions) increment(tx *store.Tx, z store.ZSetTx, c *call, member []byte, by float64) Reply {
	old, there := z.Score(words.ViewString(member))
	if there && o.nx {
		return replyNull
	}
	score := old + by
	switch {
	case math.IsNaN(score):
		return errScoreNaN
	case !there:
		score = by // 0 + -0 would be 0
	}
	if !o.wants(z.ZSet, member, score) {
		return replyNull
	}
	if created, updated := z.Set(member, c.kept(score, z.Shape(), member)); created || updated {
		c.notify(tx, eventZSet, "zincr", c.args[1])
	}
	return double(score)
}

// kept is the score that Redis keeps for a member of a sorted set of this shape: while it is compact, -0 becomes 0.
func (c *call) kept(score float64, s store.Shape, member []byte) float64 {
	if score == 0 && math.Signbit(score) {
		s.MostLen, s.LongestBytes = max(s.MostLen, s.Len+1), max(s.LongestBytes, len(member))
		if encodingOf(c.settings, s) == "listpack" {
			return 0
		}
	}
	return score
}

// madeZSet is a sorted set of what a command has computed, which is in order.
func (c *call) madeZSet(members []store.Scored) *store.Made {
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
func (c *call) placeZSet(tx *store.Tx, event string, key []byte, made *store.Made) Reply {
	existed := tx.TypeOf(key) != store.None
	n := tx.Place(key, made)
	c.notifyStored(tx, eventZSet, event, key, n, existed)
	return integer(n)
}

func zrem(tx *store.Tx, c *call) Reply {
	z, err := tx.EditZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, member := range c.args[2:] {
		if z.Remove(member) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, eventZSet, "zrem", c.args[1], z.Len())
	}
	return integer(n)
}

func zcard(v *store.View, c *call) Reply {
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(z.Len())
}

func zscore(v *store.View, c *call) Reply {
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	return scoreOf(z, c.args[2])
}

func scoreOf(z *store.ZSet, member []byte) Reply {
	score, ok := z.Score(words.ViewString(member))
	if !ok {
		return replyNull
	}
	return double(score)
}

func zmscore(v *store.View, c *call) Reply {
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	elems := c.elems(len(c.args) - 2)
	for _, member := range c.args[2:] {
		elems = append(elems, scoreOf(z, member))
	}
	return array(elems...)
}

func zrank(v *store.View, c *call) Reply { return rankOf(v, c, false) }

func zrevrank(v *store.View, c *call) Reply { return rankOf(v, c, true) }

func rankOf(v *store.View, c *call, reverse bool) Reply {
	withScore := false
	switch {
	case len(c.args) > 4:
		return errArity(c.row)
	case len(c.args) == 4:
		if !c.is(3, "withscore") {
			return errSyntax
		}
		withScore = true
	}
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	rank, score, ok := z.Rank(words.ViewString(c.args[2]))
	switch {
	case !ok && withScore:
		return replyNoArray
	case !ok:
		return replyNull
	case reverse:
		rank = z.Len() - 1 - rank
	}
	if withScore {
		return array(integer(rank), double(score))
	}
	return integer(rank)
}

package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

func zsetScanRows() []*Row {
	return []*Row{
		{Name: "zrandmember", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: zrandmember,
			Group: "sorted-set", Since: "6.2.0", Tips: "nondeterministic_output",
			Args: "key [options{count [WITHSCORES]}]", Cost: "O(N) in the number of members returned",
			Doc: "Returns random members."},
		{Name: "zscan", Arity: -3, Flags: Readonly, Keys: KeyAt(1, "RO access"),
			Read:  scanning((*store.View).ZSet, zscan),
			Group: "sorted-set", Since: "2.8.0", Tips: "nondeterministic_output",
			Args: "key cursor [MATCH pattern] [COUNT count]", Cost: "O(1) a call, O(N) for a complete iteration",
			Doc: "Walks through the members and scores of a sorted set."},
	}
}

func zrandmember(v *store.View, c *Call) Reply {
	count, counted, withScores := int64(1), len(c.Args) > 2, false
	if counted {
		var ok bool
		if count, ok = c.Int(2); !ok {
			return ErrNotInteger
		}
		switch {
		case count == math.MinInt64:
			return errInt64Range
		case len(c.Args) > 4 || len(c.Args) == 4 && !c.Is(3, "withscores"):
			return ErrSyntax
		}
		withScores = len(c.Args) == 4
		if withScores && (count > math.MaxInt64/2 || count < -math.MaxInt64/2) {
			return errOutOfRange
		}
	}
	z, err := v.ZSet(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case !counted && z.Len() == 0:
		return ReplyNull
	case z.Len() == 0:
		return Array()
	case !counted:
		return BulkString(z.Random().Member)
	case count < 0:
		return c.scoredDraws(z, -count, withScores)
	}
	count = min(count, int64(z.Len()))
	list := c.scoredList(int(count), withScores)
	z.Sample(int(count), func(it store.Scored) { list.add(&it) })
	return list.reply()
}

// scoredDraws is count random members, the same ones perhaps several times.
func (c *Call) scoredDraws(z *store.ZSet, count int64, withScores bool) Reply {
	each := z.MemberBytes()/int64(z.Len()) + drawBytes
	if withScores {
		each += drawBytes
	}
	if count > max(int64(z.Len()), mostDrawn/each) {
		return errRandomLength
	}
	list := c.scoredList(int(count), withScores)
	for range count {
		it := z.Random()
		list.add(&it)
	}
	return list.reply()
}

// zscan writes the scores of a large sorted set with 17 digits, as Redis does.
func zscan(z *store.ZSet, s elementScan, c *Call) Reply {
	var elems []Reply
	add := func(member, score string) {
		if s.matches(member) {
			elems = append(elems, BulkString(member), BulkString(score))
		}
	}
	format := numbers.FormatDigits
	if encodingOf(c.Settings, z.Shape()) == "listpack" {
		if format = numbers.FormatDouble; s.cursor == 0 {
			z.Each(0, z.Len(), func(it *store.Scored) bool {
				add(it.Member, format(it.Score))
				return true
			})
			return s.reply(elems)
		}
		s.unbounded()
	}
	z.After(s.cursor, func(n int64, member string, score float64) bool {
		if !s.step(n) {
			return false
		}
		add(member, format(score))
		return true
	})
	return s.reply(elems)
}

package resp

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

func zrandmember(v *store.View, c *call) Reply {
	count, counted, withScores := int64(1), len(c.args) > 2, false
	if counted {
		var ok bool
		if count, ok = c.int(2); !ok {
			return errNotInteger
		}
		switch {
		case count == math.MinInt64:
			return errInt64Range
		case len(c.args) > 4 || len(c.args) == 4 && !c.is(3, "withscores"):
			return errSyntax
		}
		withScores = len(c.args) == 4
		if withScores && (count > math.MaxInt64/2 || count < -math.MaxInt64/2) {
			return errOutOfRange
		}
	}
	z, err := v.ZSet(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case !counted && z.Len() == 0:
		return replyNull
	case z.Len() == 0:
		return array()
	case !counted:
		return bulkString(z.Random().Member)
	case count < 0:
		return c.scoredDraws(z, -count, withScores)
	}
	count = min(count, int64(z.Len()))
	list := c.scoredList(int(count), withScores)
	z.Sample(int(count), func(it store.Scored) { list.add(&it) })
	return list.reply()
}

// scoredDraws is count random members, the same ones perhaps several times.
func (c *call) scoredDraws(z *store.ZSet, count int64, withScores bool) Reply {
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
func zscan(v *store.View, c *call) Reply {
	cursor, refusal := c.scanCursor()
	if refusal.isError() {
		return refusal
	}
	z, err := v.ZSet(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case z == nil:
		return scanned(0, nil)
	}
	s, refusal := c.elementScan(cursor)
	if refusal.isError() {
		return refusal
	}
	var elems []Reply
	add := func(member, score string) {
		if s.matches(member) {
			elems = append(elems, bulkString(member), bulkString(score))
		}
	}
	format := numbers.FormatDigits
	if encodingOf(c.settings, z.Shape()) == "listpack" {
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

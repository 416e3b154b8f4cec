package command

import "diskette/store"

func zsetPopRows() []*Row {
	return []*Row{
		{Name: "bzmpop", Arity: -5, Flags: Write | Blocking | MovableKeys, Keys: KeysCounted(2, "RW access delete"),
			Write: bzmpop, Effect: multiPopEffect(&zsetMultiPop, 2, "ZPOPMIN", "ZPOPMAX"),
			Group: "sorted-set", Since: "7.0.0", Args: "timeout=double numkeys key... where(MIN|MAX) [COUNT count]",
			Cost: "O(K) + O(M*log(N)) for K keys and M members removed from a sorted set of N",
			Doc:  "Removes members with the lowest or highest scores from the first sorted set that has any, or waits for one."},
		{Name: "bzpopmax", Arity: -3, Flags: Write | Blocking | Fast, Keys: KeysFrom(1, -2, 1, "RW access delete"),
			Write: bzpop(true), Effect: popEffect("ZPOPMAX"),
			Group: "sorted-set", Since: "5.0.0", Args: "key... timeout=double",
			Cost: "O(log(N)) in the number of members",
			Doc:  "Removes the member with the highest score from the first sorted set that has any, or waits for one."},
		{Name: "bzpopmin", Arity: -3, Flags: Write | Blocking | Fast, Keys: KeysFrom(1, -2, 1, "RW access delete"),
			Write: bzpop(false), Effect: popEffect("ZPOPMIN"),
			Group: "sorted-set", Since: "5.0.0", Args: "key... timeout=double",
			Cost: "O(log(N)) in the number of members",
			Doc:  "Removes the member with the lowest score from the first sorted set that has any, or waits for one."},
		{Name: "zmpop", Arity: -4, Flags: Write | MovableKeys, Keys: KeysCounted(1, "RW access delete"),
			Write: zmpop, Effect: multiPopEffect(&zsetMultiPop, 1, "ZPOPMIN", "ZPOPMAX"),
			Group: "sorted-set", Since: "7.0.0", Args: "numkeys key... where(MIN|MAX) [COUNT count]",
			Cost: "O(K) + O(M*log(N)) for K keys and M members removed from a sorted set of N",
			Doc:  "Removes members with the lowest or highest scores from the first sorted set that has any."},
		{Name: "zpopmax", Arity: -2, Flags: Write | Fast, Keys: KeyAt(1, "RW access delete"), Write: zpop(true),
			Group: "sorted-set", Since: "5.0.0", Args: "key [count]",
			Cost: "O(M*log(N)) for M members removed from N", Doc: "Removes the members with the highest scores."},
		{Name: "zpopmin", Arity: -2, Flags: Write | Fast, Keys: KeyAt(1, "RW access delete"), Write: zpop(false),
			Group: "sorted-set", Since: "5.0.0", Args: "key [count]",
			Cost: "O(M*log(N)) for M members removed from N", Doc: "Removes the members with the lowest scores."},
	}
}

// popRanks are the ranks of the count lowest or highest members.
func popRanks(z *store.ZSet, highest bool, count int64) (from, to int) {
	n := int(min(count, int64(z.Len())))
	if highest {
		return z.Len() - n, z.Len()
	}
	return 0, n
}

// popScored removes the count lowest or highest members, beginning with the most extreme, and
// returns them with their scores.
func (c *Call) popScored(tx *store.Tx, key []byte, z store.ZSetTx, highest bool, count int64) []Reply {
	from, to := popRanks(z.ZSet, highest, count)
	list := c.scoredList(to-from, true)
	q := rangeQuery{reverse: highest}
	q.each(z.ZSet, from, to, list.add)
	left := z.Len() - (to - from)
	z.RemoveRanks(from, to)
	if to > from {
		event := "zpopmin"
		if highest {
			event = "zpopmax"
		}
		c.notifyGone(tx, eventZSet, event, key, left)
	}
	return list.elems
}

// zpop is ZPOPMIN and ZPOPMAX. Without a count the reply is flat in RESP3, too.
func zpop(highest bool) writing {
	return func(tx *store.Tx, c *Call) Reply {
		if len(c.Args) > 3 {
			return ErrSyntax
		}
		count, counted, refusal := c.popCount()
		if refusal.IsError() {
			return refusal
		}
		z, err := tx.EditZSet(c.Args[1])
		if err != nil {
			return Failure(err)
		}
		elems := c.popScored(tx, c.Args[1], z, highest, count)
		if counted {
			return pairsOf(elems...)
		}
		return Array(elems...)
	}
}

// bzpop is BZPOPMIN and BZPOPMAX.
func bzpop(highest bool) writing {
	return blockingPop(store.TypeZSet, func(tx *store.Tx, c *Call, key []byte) (reply Reply, found bool) {
		z, refusal, found := membersOf(tx, key)
		if !found {
			return refusal, false
		}
		return Array(append([]Reply{Bulk(key)}, c.popScored(tx, key, z, highest, 1)...)...), true
	})
}

// membersOf returns the sorted set of a key. found is false if there is none, or another type, which the refusal says.
func membersOf(tx *store.Tx, key []byte) (z store.ZSetTx, refusal Reply, found bool) {
	z, err := tx.EditZSet(key)
	if err != nil {
		return z, Failure(err), false
	}
	return z, ReplyNone, z.Len() > 0
}

// nested makes arrays of two, in both protocols.
func nested(elems []Reply) Reply {
	pairs := make([]Reply, 0, len(elems)/2)
	for i := 0; i < len(elems); i += 2 {
		pairs = append(pairs, Array(elems[i:i+2]...))
	}
	return Array(pairs...)
}

var zsetMultiPop = multiPop{typ: store.TypeZSet, first: "min", last: "max", pop: popZSet}

func zmpop(tx *store.Tx, c *Call) Reply  { return zsetMultiPop.now(tx, c) }
func bzmpop(tx *store.Tx, c *Call) Reply { return zsetMultiPop.waiting(tx, c) }

func popZSet(tx *store.Tx, c *Call, key []byte, highest bool, count int64) (popped Reply, found bool) {
	z, refusal, found := membersOf(tx, key)
	if !found {
		return refusal, false
	}
	return nested(c.popScored(tx, key, z, highest, count)), true
}

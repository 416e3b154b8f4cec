package command

import (
	"iter"
	"slices"

	"diskette/store"
)

func setRows() []*Row {
	return []*Row{
		{Name: "sadd", Arity: -3, Flags: Write | Denyoom | Fast, Keys: Named(KeyAt(1, "RW insert"), 2, 1, -1), Write: editSetPart(sadd),
			Group: "set", Since: "1.0.0", Args: "key member...", Cost: "O(N) in the number of members",
			Doc: "Adds members to a set."},
		{Name: "scard", Arity: 2, Flags: Readonly | Fast, Keys: Lengths(KeyAt(1, "RO")), Read: lengthOf(store.TypeSet),
			Group: "set", Since: "1.0.0", Args: "key", Doc: "Counts the members of a set."},
		{Name: "sismember", Arity: 3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO"), 2, 1, 2), Read: onSetPart(sismember),
			Group: "set", Since: "1.0.0", Args: "key member", Doc: "Tells whether a set has a member."},
		{Name: "smembers", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onSet(smembers),
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output_order", Args: "key",
			Cost: "O(N) in the number of members", Doc: "Returns all members of a set."},
		{Name: "smismember", Arity: -3, Flags: Readonly | Fast, Keys: Named(KeyAt(1, "RO access"), 2, 1, -1), Read: onSetPart(smismember),
			Group: "set", Since: "6.2.0", Args: "key member...", Cost: "O(N) in the number of members asked for",
			Doc: "Tells for each member whether a set has it."},
		{Name: "smove", Arity: 4, Flags: Write | Fast,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: editSet(smove),
			Group: "set", Since: "1.0.0", Args: "source destination member",
			Doc: "Moves a member from one set to another."},
		{Name: "spop", Arity: -2, Flags: Write | Fast, Keys: KeyAt(1, "RW access delete"), Write: spop, Effect: spopEffect,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output", Args: "key [count]",
			Cost: "O(N) in the count", Doc: "Removes random members and returns them."},
		{Name: "srandmember", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: srandmember,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output", Args: "key [count]",
			Cost: "O(N) in the count", Doc: "Returns random members."},
		{Name: "srem", Arity: -3, Flags: Write | Fast, Keys: Named(KeyAt(1, "RW delete"), 2, 1, -1), Write: editSetPart(srem),
			Group: "set", Since: "1.0.0", Args: "key member...", Cost: "O(N) in the number of members",
			Doc: "Removes members of a set."},
		{Name: "sscan", Arity: -3, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: scanning((*store.View).Set, sscan),
			Group: "set", Since: "2.8.0", Tips: "nondeterministic_output",
			Args: "key cursor [MATCH pattern] [COUNT count]", Cost: "O(1) a call, O(N) for a complete iteration",
			Doc: "Walks through the members of a set."},
	}
}

func sadd(s store.SetTx, tx *store.Tx, c *Call) Reply {
	n := 0
	for _, member := range c.Args[2:] {
		if s.Add(member) {
			n++
		}
	}
	if n > 0 {
		c.notify(tx, eventSet, "sadd", c.Args[1])
	}
	return Integer(n)
}

func srem(s store.SetTx, tx *store.Tx, c *Call) Reply {
	n := 0
	for _, member := range c.Args[2:] {
		if s.Remove(member) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, eventSet, "srem", c.Args[1], s.Len())
	}
	return Integer(n)
}

func smembers(s *store.Set, c *Call) Reply {
	if c.worksOffLock(s.Len(), s.Len()) {
		return c.manyMembers(s)
	}
	return SetOf(c.members(s)...)
}

// manyMembers copies members under the lock, for a reply that is made without it.
func (c *Call) manyMembers(s *store.Set) Reply {
	return c.eachText(KindSet, slices.AppendSeq(make([]string, 0, s.Len()), s.Members()))
}

// members are all members of a set as replies.
func (c *Call) members(s *store.Set) []Reply { return c.listed(s.Len(), s.Members()) }

// listed are members as replies; there are most at most.
func (c *Call) listed(most int, members iter.Seq[string]) []Reply {
	elems := c.Elems(most)
	for m := range members {
		elems = append(elems, BulkString(m))
	}
	return elems
}

func sismember(s *store.Set, c *Call) Reply {
	return OneIf(s.HasBytes(c.Args[2]))
}

func smismember(s *store.Set, c *Call) Reply {
	elems := c.Elems(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		elems = append(elems, OneIf(s.HasBytes(member)))
	}
	return Array(elems...)
}

func smove(from store.SetTx, tx *store.Tx, c *Call) Reply {
	if from.Len() == 0 {
		return ReplyZero // whatever the destination is
	}
	to, err := tx.EditSet(c.Args[2])
	if err != nil {
		return Failure(err)
	}
	if from.Set == to.Set {
		return OneIf(from.HasBytes(c.Args[3]))
	}
	if !from.Remove(c.Args[3]) {
		return ReplyZero
	}
	c.notifyGone(tx, eventSet, "srem", c.Args[1], from.Len())
	if to.Add(c.Args[3]) {
		c.notify(tx, eventSet, "sadd", c.Args[2])
	}
	return ReplyOne
}

func spop(tx *store.Tx, c *Call) Reply {
	if len(c.Args) > 3 {
		return ErrSyntax
	}
	count, counted, refusal := c.popCount()
	if refusal.IsError() {
		return refusal
	}
	s, err := tx.EditSet(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case s.Len() == 0 && !counted:
		return ReplyNull
	case !counted:
		member := BulkString(s.Pop())
		c.notifyGone(tx, eventSet, "spop", c.Args[1], s.Len())
		return member
	case count == 0 || s.Len() == 0:
		return SetOf()
	case count >= int64(s.Len()):
		elems := c.members(s.Set)
		tx.Delete(c.Args[1])
		c.notifyGone(tx, eventSet, "spop", c.Args[1], 0)
		return SetOf(elems...)
	}
	elems := c.Elems(int(count))
	for range count {
		elems = append(elems, BulkString(s.Pop()))
	}
	c.notify(tx, eventSet, "spop", c.Args[1])
	return SetOf(elems...)
}

func srandmember(v *store.View, c *Call) Reply {
	count, counted := int64(1), len(c.Args) > 2
	if len(c.Args) > 3 {
		return ErrSyntax
	}
	if counted {
		var ok bool
		if count, ok = c.Int(2); !ok {
			return ErrNotInteger
		}
		if -count == count && count != 0 {
			return errInt64Range
		}
	}
	s, err := v.Set(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case !counted && s.Len() == 0:
		return ReplyNull
	case !counted:
		return BulkString(s.Random())
	case count < 0:
		return c.draws(s, -count)
	}
	count = min(count, int64(s.Len()))
	elems := c.Elems(int(count))
	s.Sample(int(count), func(m string) { elems = append(elems, BulkString(m)) })
	return Array(elems...)
}

const (
	drawBytes = 128       // what a drawn member takes besides itself until it is sent
	mostDrawn = 512 << 20 // bytes of a reply of drawn members: Redis would go on until memory ends
)

// draws is count random members, the same ones perhaps several times.
func (c *Call) draws(s *store.Set, count int64) Reply {
	if s.Len() == 0 {
		return Array()
	}
	if each := s.MemberBytes()/int64(s.Len()) + drawBytes; count > max(int64(s.Len()), mostDrawn/each) {
		return errRandomLength
	}
	elems := c.Elems(int(count))
	for range count {
		elems = append(elems, BulkString(s.Random()))
	}
	return Array(elems...)
}

func sscan(s *store.Set, o elementScan, c *Call) Reply {
	var elems []Reply
	add := func(member string) {
		if o.matches(member) {
			elems = append(elems, BulkString(member))
		}
	}
	if encodingOf(c.Settings, s.Shape()) != "hashtable" {
		if o.cursor == 0 {
			for member := range s.Members() {
				add(member)
			}
			return o.reply(elems)
		}
		o.unbounded()
	}
	s.After(o.cursor, func(n int64, member string) bool {
		if !o.step(n) {
			return false
		}
		add(member)
		return true
	})
	return o.reply(elems)
}

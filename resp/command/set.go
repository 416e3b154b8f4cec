package command

import (
	"cmp"
	"iter"
	"slices"

	"diskette/store"
)

func setRows() []*Row {
	return []*Row{
		{Name: "sadd", Arity: -3, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW insert"), Write: editSet(sadd),
			Group: "set", Since: "1.0.0", Args: "key member...", Cost: "O(N) in the number of members",
			Doc: "Adds members to a set."},
		{Name: "scard", Arity: 2, Flags: Readonly | Fast, Keys: Shapes(KeyAt(1, "RO")), Read: lengthOf(store.TypeSet),
			Group: "set", Since: "1.0.0", Args: "key", Doc: "Counts the members of a set."},
		{Name: "sdiff", Arity: -2, Flags: Readonly, Keys: KeysFrom(1, -1, 1, "RO access"), Read: sdiff,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output_order", Args: "key...",
			Cost: "O(N) in the number of members of all sets",
			Doc:  "Returns the members of the first set that no other has."},
		{Name: "sdiffstore", Arity: -3, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "OW update"), KeysFrom(2, -1, 1, "RO access")), Write: sdiffstore,
			Group: "set", Since: "1.0.0", Args: "destination key...",
			Cost: "O(N) in the number of members of all sets",
			Doc:  "Stores the members of the first set that no other has."},
		{Name: "sinter", Arity: -2, Flags: Readonly, Keys: KeysFrom(1, -1, 1, "RO access"), Read: sinter,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output_order", Args: "key...",
			Cost: "O(N*M) in the number of members of the smallest set and the number of sets",
			Doc:  "Returns the members that all sets have."},
		{Name: "sintercard", Arity: -3, Flags: Readonly | MovableKeys, Keys: KeysCounted(1, "RO access"),
			Read:  sintercard,
			Group: "set", Since: "7.0.0", Args: "numkeys key... [LIMIT limit]",
			Cost: "O(N*M) in the number of members of the smallest set and the number of sets",
			Doc:  "Counts the members that all sets have, up to a limit."},
		{Name: "sinterstore", Arity: -3, Flags: Write | Denyoom,
			Keys: both(Heads(KeyAt(1, "OW update")), KeysFrom(2, -1, 1, "RO access")), Write: sinterstore,
			Group: "set", Since: "1.0.0", Args: "destination key...",
			Cost: "O(N*M) in the number of members of the smallest set and the number of sets",
			Doc:  "Stores the members that all sets have."},
		{Name: "sismember", Arity: 3, Flags: Readonly | Fast, Keys: KeyAt(1, "RO"), Read: onSet(sismember),
			Group: "set", Since: "1.0.0", Args: "key member", Doc: "Tells whether a set has a member."},
		{Name: "smembers", Arity: 2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onSet(smembers),
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output_order", Args: "key",
			Cost: "O(N) in the number of members", Doc: "Returns all members of a set."},
		{Name: "smismember", Arity: -3, Flags: Readonly | Fast, Keys: KeyAt(1, "RO access"), Read: onSet(smismember),
			Group: "set", Since: "6.2.0", Args: "key member...", Cost: "O(N) in the number of members asked for",
			Doc: "Tells for each member whether a set has it."},
		{Name: "smove", Arity: 4, Flags: Write | Fast,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: editSet(smove),
			Group: "set", Since: "1.0.0", Args: "source destination member",
			Doc: "Moves a member from one set to another."},
		{Name: "spop", Arity: -2, Flags: Write | Fast, Keys: KeyAt(1, "RW access delete"), Write: spop,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output", Args: "key [count]",
			Cost: "O(N) in the count", Doc: "Removes random members and returns them."},
		{Name: "srandmember", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: srandmember,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output", Args: "key [count]",
			Cost: "O(N) in the count", Doc: "Returns random members."},
		{Name: "srem", Arity: -3, Flags: Write | Fast, Keys: KeyAt(1, "RW delete"), Write: editSet(srem),
			Group: "set", Since: "1.0.0", Args: "key member...", Cost: "O(N) in the number of members",
			Doc: "Removes members of a set."},
		{Name: "sscan", Arity: -3, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: scanning((*store.View).Set, sscan),
			Group: "set", Since: "2.8.0", Tips: "nondeterministic_output",
			Args: "key cursor [MATCH pattern] [COUNT count]", Cost: "O(1) a call, O(N) for a complete iteration",
			Doc: "Walks through the members of a set."},
		{Name: "sunion", Arity: -2, Flags: Readonly, Keys: KeysFrom(1, -1, 1, "RO access"), Read: sunion,
			Group: "set", Since: "1.0.0", Tips: "nondeterministic_output_order", Args: "key...",
			Cost: "O(N) in the number of members of all sets", Doc: "Returns the members of all sets."},
		{Name: "sunionstore", Arity: -3, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "OW update"), KeysFrom(2, -1, 1, "RO access")), Write: sunionstore,
			Group: "set", Since: "1.0.0", Args: "destination key...",
			Cost: "O(N) in the number of members of all sets", Doc: "Stores the members of all sets."},
	}
}

var (
	errTooManyKeys = ErrorReply("ERR Number of keys can't be greater than number of args")
	errLimit       = ErrorReply("ERR LIMIT can't be negative")
)

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
	members := slices.AppendSeq(make([]string, 0, s.Len()), s.Members())
	c.Finish = func() Reply { return SetOf(BulkStrings(members).Elems...) }
	return ReplyNone
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
	count, counted := int64(1), len(c.Args) > 2
	if len(c.Args) > 3 {
		return ErrSyntax
	}
	if counted {
		var ok bool
		if count, ok = c.Int(2); !ok || count < 0 {
			return ErrNegative
		}
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

// sets are the sets of the keys from argument i up to but not including end.
func (c *Call) sets(v *store.View, i, end int) (sets []*store.Set, err error) {
	sets = make([]*store.Set, 0, end-i)
	for _, key := range c.Args[i:end] {
		s, err := v.Set(key)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// A setOperation is union, intersection or difference.
type setOperation struct {
	members func([]*store.Set) iter.Seq[string]
	walked  func(sets []*store.Set) int // how many elements it walks over
	unique  bool                        // no member comes twice
}

var (
	setUnion        = setOperation{store.Union, allMembers, false}
	setIntersection = setOperation{store.Intersection, fewestMembers, true}
	setDifference   = setOperation{store.Difference, func(sets []*store.Set) int { return sets[0].Len() }, true}
)

func allMembers(sets []*store.Set) (n int) {
	for _, s := range sets {
		n += s.Len()
	}
	return n
}

func fewestMembers(sets []*store.Set) int {
	return slices.MinFunc(sets, func(a, b *store.Set) int { return cmp.Compare(a.Len(), b.Len()) }).Len()
}

// worksOffLock reports whether the operation is long enough to be done without the lock.
func (o setOperation) worksOffLock(c *Call, sets []*store.Set) bool {
	return c.worksOffLock(o.walked(sets), allMembers(sets))
}

// snapshots puts copies in the place of sets, one for each that comes several times.
func snapshots(sets []*store.Set) {
	copies := map[*store.Set]*store.Set{}
	for i, s := range sets {
		if copies[s] == nil {
			copies[s] = s.Snapshot()
		}
		sets[i] = copies[s]
	}
}

// made is the operation's result as a set.
func (o setOperation) made(sets []*store.Set) *store.Made {
	about := 0
	if !o.unique {
		about = slices.MaxFunc(sets, func(a, b *store.Set) int { return cmp.Compare(a.Len(), b.Len()) }).Len()
	}
	return store.MakeSet(o.members(sets), about)
}

func sinter(v *store.View, c *Call) Reply { return c.combined(v, setIntersection) }

func sdiff(v *store.View, c *Call) Reply { return c.combined(v, setDifference) }

func sunion(v *store.View, c *Call) Reply { return c.combined(v, setUnion) }

func (c *Call) combined(v *store.View, o setOperation) Reply {
	sets, err := c.sets(v, 1, len(c.Args))
	if err != nil {
		return Failure(err)
	}
	return c.replyOf(o.worksOffLock(c, sets), func() { snapshots(sets) }, func() Reply {
		if !o.unique {
			return SetOf(c.members(store.SetOf(o.members(sets)))...)
		}
		var elems []Reply
		for m := range o.members(sets) {
			elems = append(elems, BulkString(m))
		}
		return SetOf(elems...)
	})
}

func sinterstore(tx *store.Tx, c *Call) Reply { return c.storeCombined(tx, setIntersection) }

func sdiffstore(tx *store.Tx, c *Call) Reply { return c.storeCombined(tx, setDifference) }

func sunionstore(tx *store.Tx, c *Call) Reply { return c.storeCombined(tx, setUnion) }

func (c *Call) storeCombined(tx *store.Tx, o setOperation) Reply {
	sets, err := c.sets(&tx.View, 2, len(c.Args))
	if err != nil {
		return Failure(err)
	}
	made, _ := c.makeOf(&tx.View, c.Args[2:], o.worksOffLock(c, sets), func() { snapshots(sets) },
		func() (*store.Made, Reply) { return o.made(sets), ReplyNone })
	if c.OffLock != nil {
		return ReplyNone
	}
	existed := tx.TypeOf(c.Args[1]) != store.None
	n := tx.Place(c.Args[1], made)
	c.notifyStored(tx, eventSet, c.Row.Name, c.Args[1], n, existed)
	return Integer(n)
}

func sintercard(v *store.View, c *Call) Reply {
	keys, ok := c.Int(1)
	switch {
	case !ok || keys < 1:
		return errNumkeys
	case keys > int64(len(c.Args)-2):
		return errTooManyKeys
	}
	end, limit := 2+int(keys), int64(0)
	for i := end; i < len(c.Args); i += 2 {
		if !c.Is(i, "limit") || i+1 == len(c.Args) {
			return ErrSyntax
		}
		if limit, ok = c.Int(i + 1); !ok || limit < 0 {
			return errLimit
		}
	}
	sets, err := c.sets(v, 2, end)
	if err != nil {
		return Failure(err)
	}
	n := int64(0)
	for range store.Intersection(sets) {
		if n++; n == limit {
			break
		}
	}
	return Integer(n)
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

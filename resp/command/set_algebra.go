package command

import (
	"cmp"
	"iter"
	"slices"

	"diskette/store"
)

func setAlgebraRows() []*Row {
	return []*Row{
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

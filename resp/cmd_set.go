package resp

import (
	"cmp"
	"iter"
	"slices"

	"diskette/store"
)

var (
	errTooManyKeys = errorReply("ERR Number of keys can't be greater than number of args")
	errLimit       = errorReply("ERR LIMIT can't be negative")
)

func sadd(tx *store.Tx, c *call) Reply {
	s, err := tx.EditSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, member := range c.args[2:] {
		if s.Add(member) {
			n++
		}
	}
	if n > 0 {
		c.notify(tx, eventSet, "sadd", c.args[1])
	}
	return integer(n)
}

func srem(tx *store.Tx, c *call) Reply {
	s, err := tx.EditSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, member := range c.args[2:] {
		if s.Remove(member) {
			n++
		}
	}
	if n > 0 {
		c.notifyGone(tx, eventSet, "srem", c.args[1], s.Len())
	}
	return integer(n)
}

func smembers(v *store.View, c *call) Reply {
	s, err := v.Set(c.args[1])
	if err != nil {
		return failure(err)
	}
	if c.apartFor(s.Len(), s.Len()) {
		return c.manyMembers(s)
	}
	return setOf(c.members(s)...)
}

// manyMembers copies members under the lock, for a reply that is made without it.
func (c *call) manyMembers(s *store.Set) Reply {
	members := slices.AppendSeq(make([]string, 0, s.Len()), s.Members())
	c.finish = func() Reply { return setOf(bulkStrings(members).elems...) }
	return replyNone
}

// members are all members of a set as replies.
func (c *call) members(s *store.Set) []Reply { return c.listed(s.Len(), s.Members()) }

// listed are members as replies; there are most at most.
func (c *call) listed(most int, members iter.Seq[string]) []Reply {
	elems := c.elems(most)
	for m := range members {
		elems = append(elems, bulkString(m))
	}
	return elems
}

func sismember(v *store.View, c *call) Reply {
	s, err := v.Set(c.args[1])
	if err != nil {
		return failure(err)
	}
	return oneIf(s.HasBytes(c.args[2]))
}

func smismember(v *store.View, c *call) Reply {
	s, err := v.Set(c.args[1])
	if err != nil {
		return failure(err)
	}
	elems := c.elems(len(c.args) - 2)
	for _, member := range c.args[2:] {
		elems = append(elems, oneIf(s.HasBytes(member)))
	}
	return array(elems...)
}

func scard(v *store.View, c *call) Reply {
	s, err := v.Set(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(s.Len())
}

func smove(tx *store.Tx, c *call) Reply {
	from, err := tx.EditSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	if from.Len() == 0 {
		return replyZero // whatever the destination is
	}
	to, err := tx.EditSet(c.args[2])
	if err != nil {
		return failure(err)
	}
	if from.Set == to.Set {
		return oneIf(from.HasBytes(c.args[3]))
	}
	if !from.Remove(c.args[3]) {
		return replyZero
	}
	c.notifyGone(tx, eventSet, "srem", c.args[1], from.Len())
	if to.Add(c.args[3]) {
		c.notify(tx, eventSet, "sadd", c.args[2])
	}
	return replyOne
}

func spop(tx *store.Tx, c *call) Reply {
	count, counted := int64(1), len(c.args) > 2
	if len(c.args) > 3 {
		return errSyntax
	}
	if counted {
		var ok bool
		if count, ok = c.int(2); !ok || count < 0 {
			return errNegative
		}
	}
	s, err := tx.EditSet(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case s.Len() == 0 && !counted:
		return replyNull
	case !counted:
		member := bulkString(s.Pop())
		c.notifyGone(tx, eventSet, "spop", c.args[1], s.Len())
		return member
	case count == 0 || s.Len() == 0:
		return setOf()
	case count >= int64(s.Len()):
		elems := c.members(s.Set)
		tx.Delete(c.args[1])
		c.notifyGone(tx, eventSet, "spop", c.args[1], 0)
		return setOf(elems...)
	}
	elems := c.elems(int(count))
	for range count {
		elems = append(elems, bulkString(s.Pop()))
	}
	c.notify(tx, eventSet, "spop", c.args[1])
	return setOf(elems...)
}

func srandmember(v *store.View, c *call) Reply {
	count, counted := int64(1), len(c.args) > 2
	if len(c.args) > 3 {
		return errSyntax
	}
	if counted {
		var ok bool
		if count, ok = c.int(2); !ok {
			return errNotInteger
		}
		if -count == count && count != 0 {
			return errInt64Range
		}
	}
	s, err := v.Set(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case !counted && s.Len() == 0:
		return replyNull
	case !counted:
		return bulkString(s.Random())
	case count < 0:
		return c.draws(s, -count)
	}
	count = min(count, int64(s.Len()))
	elems := c.elems(int(count))
	s.Sample(int(count), func(m string) { elems = append(elems, bulkString(m)) })
	return array(elems...)
}

const (
	drawBytes = 128       // what a drawn member takes besides itself until it is sent
	mostDrawn = 512 << 20 // bytes of a reply of drawn members: Redis would go on until memory ends
)

// draws is count random members, the same ones perhaps several times.
func (c *call) draws(s *store.Set, count int64) Reply {
	if s.Len() == 0 {
		return array()
	}
	if each := s.MemberBytes()/int64(s.Len()) + drawBytes; count > max(int64(s.Len()), mostDrawn/each) {
		return errRandomLength
	}
	elems := c.elems(int(count))
	for range count {
		elems = append(elems, bulkString(s.Random()))
	}
	return array(elems...)
}

// sets are the sets of the keys from argument i up to but not including end.
func (c *call) sets(v *store.View, i, end int) (sets []*store.Set, err error) {
	sets = make([]*store.Set, 0, end-i)
	for _, key := range c.args[i:end] {
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

// apartFor reports whether the operation is long enough to be done without the lock.
func (o setOperation) apartFor(c *call, sets []*store.Set) bool {
	return c.apartFor(o.walked(sets), allMembers(sets))
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

func sinter(v *store.View, c *call) Reply { return c.combined(v, setIntersection) }

func sdiff(v *store.View, c *call) Reply { return c.combined(v, setDifference) }

func sunion(v *store.View, c *call) Reply { return c.combined(v, setUnion) }

func (c *call) combined(v *store.View, o setOperation) Reply {
	sets, err := c.sets(v, 1, len(c.args))
	if err != nil {
		return failure(err)
	}
	return c.replyOf(o.apartFor(c, sets), func() { snapshots(sets) }, func() Reply {
		if !o.unique {
			return setOf(c.members(store.SetOf(o.members(sets)))...)
		}
		var elems []Reply
		for m := range o.members(sets) {
			elems = append(elems, bulkString(m))
		}
		return setOf(elems...)
	})
}

func sinterstore(tx *store.Tx, c *call) Reply { return c.storeCombined(tx, setIntersection) }

func sdiffstore(tx *store.Tx, c *call) Reply { return c.storeCombined(tx, setDifference) }

func sunionstore(tx *store.Tx, c *call) Reply { return c.storeCombined(tx, setUnion) }

func (c *call) storeCombined(tx *store.Tx, o setOperation) Reply {
	sets, err := c.sets(&tx.View, 2, len(c.args))
	if err != nil {
		return failure(err)
	}
	made, _ := c.makeOf(&tx.View, c.args[2:], o.apartFor(c, sets), func() { snapshots(sets) },
		func() (*store.Made, Reply) { return o.made(sets), replyNone })
	if c.apart != nil {
		return replyNone
	}
	existed := tx.TypeOf(c.args[1]) != store.None
	n := tx.Place(c.args[1], made)
	c.notifyStored(tx, eventSet, c.row.name, c.args[1], n, existed)
	return integer(n)
}

func sintercard(v *store.View, c *call) Reply {
	keys, ok := c.int(1)
	switch {
	case !ok || keys < 1:
		return errNumkeys
	case keys > int64(len(c.args)-2):
		return errTooManyKeys
	}
	end, limit := 2+int(keys), int64(0)
	for i := end; i < len(c.args); i += 2 {
		if !c.is(i, "limit") || i+1 == len(c.args) {
			return errSyntax
		}
		if limit, ok = c.int(i + 1); !ok || limit < 0 {
			return errLimit
		}
	}
	sets, err := c.sets(v, 2, end)
	if err != nil {
		return failure(err)
	}
	n := int64(0)
	for range store.Intersection(sets) {
		if n++; n == limit {
			break
		}
	}
	return integer(n)
}

func sscan(v *store.View, c *call) Reply {
	cursor, refusal := c.scanCursor()
	if refusal.isError() {
		return refusal
	}
	s, err := v.Set(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case s == nil:
		return scanned(0, nil)
	}
	o, refusal := c.elementScan(cursor)
	if refusal.isError() {
		return refusal
	}
	var elems []Reply
	add := func(member string) {
		if o.matches(member) {
			elems = append(elems, bulkString(member))
		}
	}
	if encodingOf(c.settings, s.Shape()) != "hashtable" {
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

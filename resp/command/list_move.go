package command

import "diskette/store"

func listMoveRows() []*Row {
	return []*Row{
		{Name: "blmove", Arity: 6, Flags: Write | Denyoom | Blocking,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: blmove, Effect: renamed("LMOVE", 1),
			Group: "list", Since: "6.2.0",
			Args: "source destination wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT) timeout",
			Doc:  "Moves an element from one list to another, waiting for one."},
		{Name: "blmpop", Arity: -5, Flags: Write | Blocking | MovableKeys, Keys: KeysCounted(2, "RW access delete"),
			Write: blmpop, Effect: multiPopEffect(&listMultiPop, 2, "LPOP", "RPOP"),
			Group: "list", Since: "7.0.0", Args: "timeout numkeys key... where(LEFT|RIGHT) [COUNT count]",
			Cost: "O(N+M) in the numbers of keys and of elements returned",
			Doc:  "Removes and returns elements of the first list that there is, waiting for one."},
		{Name: "blpop", Arity: -3, Flags: Write | Blocking, Keys: KeysFrom(1, -2, 1, "RW access delete"),
			Write: bpop(store.Head), Effect: popEffect("LPOP"),
			Group: "list", Since: "2.0.0", Args: "key... timeout", Cost: "O(N) in the number of keys",
			Doc: "Removes and returns the first element of the first list that there is, waiting for one."},
		{Name: "brpop", Arity: -3, Flags: Write | Blocking, Keys: KeysFrom(1, -2, 1, "RW access delete"),
			Write: bpop(store.Tail), Effect: popEffect("RPOP"),
			Group: "list", Since: "2.0.0", Args: "key... timeout", Cost: "O(N) in the number of keys",
			Doc: "Removes and returns the last element of the first list that there is, waiting for one."},
		{Name: "brpoplpush", Arity: 4, Flags: Write | Denyoom | Blocking,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: brpoplpush, Effect: renamed("RPOPLPUSH", 1),
			Group: "list", Since: "2.2.0", Args: "source destination timeout",
			Doc: "Moves a list's last element to the head of another, waiting for one; BLMOVE's old name."},
		{Name: "lmove", Arity: 5, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: lmove,
			Group: "list", Since: "6.2.0", Args: "source destination wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT)",
			Doc: "Moves an element from an end of a list to an end of another."},
		{Name: "lmpop", Arity: -4, Flags: Write | MovableKeys, Keys: KeysCounted(1, "RW access delete"),
			Write: lmpop, Effect: multiPopEffect(&listMultiPop, 1, "LPOP", "RPOP"),
			Group: "list", Since: "7.0.0", Args: "numkeys key... where(LEFT|RIGHT) [COUNT count]",
			Cost: "O(N+M) in the numbers of keys and of elements returned",
			Doc:  "Removes and returns elements of the first list that there is."},
		{Name: "rpoplpush", Arity: 3, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "RW access delete"), KeyAt(2, "RW insert")), Write: rpoplpush,
			Group: "list", Since: "1.2.0", Args: "source destination",
			Doc: "Moves a list's last element to the head of another; LMOVE's old name."},
	}
}

// listEnd reads argument i as LEFT or RIGHT.
func (c *Call) listEnd(i int) (end store.End, ok bool) {
	switch {
	case c.Is(i, "LEFT"):
		return store.Head, true
	case c.Is(i, "RIGHT"):
		return store.Tail, true
	}
	return store.Tail, false
}

func lmove(tx *store.Tx, c *Call) Reply {
	from, ok := c.listEnd(3)
	to, ok2 := c.listEnd(4)
	if !ok || !ok2 {
		return ErrSyntax
	}
	reply, _ := moveElement(tx, c, from, to)
	return reply
}

func rpoplpush(tx *store.Tx, c *Call) Reply {
	reply, _ := moveElement(tx, c, store.Tail, store.Head)
	return reply
}

// moveElement moves one from the list of argument 1 to that of argument 2. found is false, and
// the reply null, when there is no such list.
func moveElement(tx *store.Tx, c *Call, from, to store.End) (reply Reply, found bool) {
	source, err := tx.EditList(c.Args[1])
	switch {
	case err != nil:
		return Failure(err), true
	case source.Len() == 0:
		return ReplyNull, false
	}
	destination, err := tx.EditList(c.Args[2])
	if err != nil {
		return Failure(err), true
	}
	element := BulkString(source.MoveTo(destination, from, to))
	c.notify(tx, eventList, pushEvents[to], c.Args[2])
	c.notifyGone(tx, eventList, popEvents[from], c.Args[1], source.Len())
	return element, true
}

var listMultiPop = multiPop{typ: store.TypeList, first: "left", last: "right", pop: popList}

func lmpop(tx *store.Tx, c *Call) Reply  { return listMultiPop.now(tx, c) }
func blmpop(tx *store.Tx, c *Call) Reply { return listMultiPop.waiting(tx, c) }

// elementsOf returns the list of a key. found is false if there is none, or another type, which the refusal says.
func elementsOf(tx *store.Tx, key []byte) (l store.ListTx, refusal Reply, found bool) {
	l, err := tx.EditList(key)
	if err != nil {
		return l, Failure(err), false
	}
	return l, ReplyNone, l.Len() > 0
}

func popList(tx *store.Tx, c *Call, key []byte, last bool, count int64) (popped Reply, found bool) {
	l, refusal, found := elementsOf(tx, key)
	if !found {
		return refusal, false
	}
	end := store.Head
	if last {
		end = store.Tail
	}
	return c.popped(tx, key, l, end, count), true
}

// bpop is BLPOP and BRPOP.
func bpop(end store.End) writing {
	return blockingPop(store.TypeList, func(tx *store.Tx, c *Call, key []byte) (reply Reply, found bool) {
		l, refusal, found := elementsOf(tx, key)
		if !found {
			return refusal, false
		}
		return Array(Bulk(key), c.popOne(tx, key, l, end)), true
	})
}

func blmove(tx *store.Tx, c *Call) Reply {
	from, ok := c.listEnd(3)
	to, ok2 := c.listEnd(4)
	if !ok || !ok2 {
		return ErrSyntax
	}
	return blockingMove(tx, c, from, to, 5)
}

func brpoplpush(tx *store.Tx, c *Call) Reply {
	return blockingMove(tx, c, store.Tail, store.Head, 3)
}

// blockingMove is moveElement with a time-out in argument i. Redis answers another null when the time is over than
// inside MULTI.
func blockingMove(tx *store.Tx, c *Call, from, to store.End, i int) Reply {
	timeout, refusal := c.timeout(i)
	if refusal.IsError() {
		return refusal
	}
	reply, found := moveElement(tx, c, from, to)
	if !found && !c.Locked {
		return c.BlockOn(BlockRequest{Keys: c.Args[1:2], Type: store.TypeList, Timeout: timeout, TimedOut: ReplyNoArray})
	}
	return reply
}

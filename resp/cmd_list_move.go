package resp

import "diskette/store"

// listEnd reads argument i as LEFT or RIGHT.
func (c *call) listEnd(i int) (end store.End, ok bool) {
	switch {
	case c.is(i, "LEFT"):
		return store.Head, true
	case c.is(i, "RIGHT"):
		return store.Tail, true
	}
	return store.Tail, false
}

func lmove(tx *store.Tx, c *call) Reply {
	from, ok := c.listEnd(3)
	to, ok2 := c.listEnd(4)
	if !ok || !ok2 {
		return errSyntax
	}
	reply, _ := moveElement(tx, c, from, to)
	return reply
}

func rpoplpush(tx *store.Tx, c *call) Reply {
	reply, _ := moveElement(tx, c, store.Tail, store.Head)
	return reply
}

// moveElement moves one from the list of argument 1 to that of argument 2. found is false, and the reply null, when there is
// no such list.
func moveElement(tx *store.Tx, c *call, from, to store.End) (reply Reply, found bool) {
	source, err := tx.EditList(c.args[1])
	switch {
	case err != nil:
		return failure(err), true
	case source.Len() == 0:
		return replyNull, false
	}
	destination, err := tx.EditList(c.args[2])
	if err != nil {
		return failure(err), true
	}
	element := bulkString(source.MoveTo(destination, from, to))
	c.notify(tx, eventList, pushEvents[to], c.args[2])
	c.notifyGone(tx, eventList, popEvents[from], c.args[1], source.Len())
	return element, true
}

var listMultiPop = multiPop{typ: store.TypeList, first: "left", last: "right", pop: popList}

func lmpop(tx *store.Tx, c *call) Reply  { return listMultiPop.now(tx, c) }
func blmpop(tx *store.Tx, c *call) Reply { return listMultiPop.waiting(tx, c) }

func popList(tx *store.Tx, c *call, key []byte, last bool, count int64) (popped Reply, found bool) {
	l, err := tx.EditList(key)
	switch {
	case err != nil:
		return failure(err), false
	case l.Len() == 0:
		return replyNone, false
	}
	end := store.Head
	if last {
		end = store.Tail
	}
	return c.popped(tx, key, l, end, count), true
}

// blockingPop is BLPOP and BRPOP.
func blockingPop(end store.End) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		last := len(c.args) - 1
		timeout, refusal := c.timeout(last)
		if refusal.isError() {
			return refusal
		}
		for _, key := range c.args[1:last] {
			l, err := tx.EditList(key)
			if err != nil {
				return failure(err)
			}
			if l.Len() > 0 {
				return array(bulk(key), c.popOne(tx, key, l, end))
			}
		}
		return c.blockOn(blockRequest{keys: c.args[1:last], typ: store.TypeList, timeout: timeout, timedOut: replyNoArray})
	}
}

func blmove(tx *store.Tx, c *call) Reply {
	from, ok := c.listEnd(3)
	to, ok2 := c.listEnd(4)
	if !ok || !ok2 {
		return errSyntax
	}
	return blockingMove(tx, c, from, to, 5)
}

func brpoplpush(tx *store.Tx, c *call) Reply {
	return blockingMove(tx, c, store.Tail, store.Head, 3)
}

// blockingMove is moveElement with a time-out in argument i. Redis answers another null when the time is over than
// inside MULTI.
func blockingMove(tx *store.Tx, c *call, from, to store.End, i int) Reply {
	timeout, refusal := c.timeout(i)
	if refusal.isError() {
		return refusal
	}
	reply, found := moveElement(tx, c, from, to)
	if !found && !c.locked {
		return c.blockOn(blockRequest{keys: c.args[1:2], typ: store.TypeList, timeout: timeout, timedOut: replyNoArray})
	}
	return reply
}

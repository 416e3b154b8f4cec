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

// A multiPop is what LMPOP and BLMPOP are asked for.
type multiPop struct {
	keys  [][]byte
	end   store.End
	count int64
}

// multiPop reads the arguments from i on: numkeys key [key ...] LEFT|RIGHT [COUNT count].
func (c *call) multiPop(i int) (p multiPop, refusal Reply) {
	numkeys, ok := c.int(i)
	switch {
	case !ok || numkeys < 1:
		return p, errNumkeys
	case numkeys >= int64(len(c.args)-i-1):
		return p, errSyntax
	}
	where := i + 1 + int(numkeys)
	p.keys, p.count = c.args[i+1:where], 1
	if p.end, ok = c.listEnd(where); !ok {
		return p, errSyntax
	}
	switch rest := c.args[where+1:]; {
	case len(rest) == 0:
		return p, replyNone
	case len(rest)%2 == 0 && c.is(where+1, "COUNT"):
		if p.count, ok = c.int(where + 2); !ok || p.count < 1 {
			return p, errPopCount
		}
		if len(rest) > 2 {
			return p, errSyntax
		}
		return p, replyNone
	}
	return p, errSyntax
}

func lmpop(tx *store.Tx, c *call) Reply {
	p, refusal := c.multiPop(1)
	if refusal.isError() {
		return refusal
	}
	reply, _ := p.run(tx, c)
	return reply
}

func blmpop(tx *store.Tx, c *call) Reply {
	p, refusal := c.multiPop(2)
	if refusal.isError() {
		return refusal
	}
	timeout, refusal := c.timeout(1)
	if refusal.isError() {
		return refusal
	}
	reply, found := p.run(tx, c)
	if !found {
		return c.blockOn(blockRequest{keys: p.keys, typ: store.TypeList, timeout: timeout, timedOut: replyNoArray})
	}
	return reply
}

// run pops from the first list that there is. found is false, and the reply null, if there is none.
func (p *multiPop) run(tx *store.Tx, c *call) (reply Reply, found bool) {
	for _, key := range p.keys {
		l, err := tx.EditList(key)
		if err != nil {
			return failure(err), true
		}
		if l.Len() > 0 {
			return array(bulk(key), c.popped(tx, key, l, p.end, p.count)), true
		}
	}
	return replyNoArray, false
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

package resp

import "diskette/store"

// A multiPop is LMPOP or ZMPOP: they pop from the first key that holds something, and have blocking forms.
type multiPop struct {
	typ         store.Type
	first, last string // the words for the two ends

	// pop removes up to count elements from an end. found is false if there is none.
	pop func(tx *store.Tx, c *call, key []byte, last bool, count int64) (popped Reply, found bool)
}

// multiPopArgs is what one is asked for.
type multiPopArgs struct {
	keys  [][]byte
	last  bool
	count int64
}

// parse reads the arguments from i on: numkeys key [key ...] FIRST|LAST [COUNT count].
func (m multiPop) parse(c *call, i int) (p multiPopArgs, refusal Reply) {
	numkeys, ok := c.int(i)
	switch {
	case !ok || numkeys < 1:
		return p, errNumkeys
	case numkeys >= int64(len(c.args)-i-1):
		return p, errSyntax
	}
	where := i + 1 + int(numkeys)
	p.keys, p.count = c.args[i+1:where], 1
	p.last = c.is(where, m.last)
	if !p.last && !c.is(where, m.first) {
		return p, errSyntax
	}
	counted := false
	for j := where + 1; j < len(c.args); j += 2 {
		if counted || !c.is(j, "count") || j+1 == len(c.args) {
			return p, errSyntax
		}
		if p.count, ok = c.int(j + 1); !ok || p.count < 1 {
			return p, errPopCount
		}
		counted = true
	}
	return p, replyNone
}

// run pops from the first key that holds something. found is false if none does.
func (m multiPop) run(tx *store.Tx, c *call, p multiPopArgs) (reply Reply, found bool) {
	for _, key := range p.keys {
		if popped, found := m.pop(tx, c, key, p.last, p.count); popped.isError() {
			return popped, true
		} else if found {
			return array(bulk(key), popped), true
		}
	}
	return replyNoArray, false
}

// now is the form that does not block.
func (m multiPop) now(tx *store.Tx, c *call) Reply {
	p, refusal := m.parse(c, 1)
	if refusal.isError() {
		return refusal
	}
	reply, _ := m.run(tx, c, p)
	return reply
}

// waiting is the form that blocks, whose first argument is the time-out.
func (m multiPop) waiting(tx *store.Tx, c *call) Reply {
	p, refusal := m.parse(c, 2)
	if refusal.isError() {
		return refusal
	}
	timeout, refusal := c.timeout(1)
	if refusal.isError() {
		return refusal
	}
	reply, found := m.run(tx, c, p)
	if !found {
		return c.blockOn(blockRequest{keys: p.keys, typ: m.typ, timeout: timeout, timedOut: replyNoArray})
	}
	return reply
}

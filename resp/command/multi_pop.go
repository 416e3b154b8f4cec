package command

import "diskette/store"

// A multiPop is LMPOP or ZMPOP: they pop from the first key that holds something, and have blocking forms.
type multiPop struct {
	typ         store.Type
	first, last string // the words for the two ends

	// pop removes up to count elements from an end. found is false if there is none.
	pop func(tx *store.Tx, c *Call, key []byte, last bool, count int64) (popped Reply, found bool)
}

// multiPopArgs is what one is asked for.
type multiPopArgs struct {
	keys  [][]byte
	last  bool
	count int64
}

// parse reads the arguments from i on: numkeys key [key ...] FIRST|LAST [COUNT count].
func (m multiPop) parse(c *Call, i int) (p multiPopArgs, refusal Reply) {
	numkeys, ok := c.Int(i)
	switch {
	case !ok || numkeys < 1:
		return p, errNumkeys
	case numkeys >= int64(len(c.Args)-i-1):
		return p, ErrSyntax
	}
	where := i + 1 + int(numkeys)
	p.keys, p.count = c.Args[i+1:where], 1
	p.last = c.Is(where, m.last)
	if !p.last && !c.Is(where, m.first) {
		return p, ErrSyntax
	}
	counted := false
	for j := where + 1; j < len(c.Args); j += 2 {
		if counted || !c.Is(j, "count") || j+1 == len(c.Args) {
			return p, ErrSyntax
		}
		if p.count, ok = c.Int(j + 1); !ok || p.count < 1 {
			return p, errPopCount
		}
		counted = true
	}
	return p, ReplyNone
}

// run pops from the first key that holds something. found is false if none does.
func (m multiPop) run(tx *store.Tx, c *Call, p multiPopArgs) (reply Reply, found bool) {
	for _, key := range p.keys {
		if popped, found := m.pop(tx, c, key, p.last, p.count); popped.IsError() {
			return popped, true
		} else if found {
			return Array(Bulk(key), popped), true
		}
	}
	return ReplyNoArray, false
}

// now is the form that does not block.
func (m multiPop) now(tx *store.Tx, c *Call) Reply {
	p, refusal := m.parse(c, 1)
	if refusal.IsError() {
		return refusal
	}
	reply, _ := m.run(tx, c, p)
	return reply
}

// waiting is the form that blocks, whose first argument is the time-out.
func (m multiPop) waiting(tx *store.Tx, c *Call) Reply {
	p, refusal := m.parse(c, 2)
	if refusal.IsError() {
		return refusal
	}
	timeout, refusal := c.timeout(1)
	if refusal.IsError() {
		return refusal
	}
	reply, found := m.run(tx, c, p)
	if !found {
		return c.BlockOn(BlockRequest{Keys: p.keys, Type: m.typ, Timeout: timeout, TimedOut: ReplyNoArray})
	}
	return reply
}

package resp

import (
	"math"

	"diskette/resp/internal/words"
	"diskette/store"
)

var (
	errIndexRange     = errorReply("ERR index out of range")
	errRankZero       = errorReply("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
	errCountNegative  = errorReply("ERR COUNT can't be negative")
	errMaxlenNegative = errorReply("ERR MAXLEN can't be negative")
)

// pushEvents and popEvents are what a push and a pop at an end are called.
var pushEvents, popEvents = map[store.End]string{store.Head: "lpush", store.Tail: "rpush"}, map[store.End]string{store.Head: "lpop", store.Tail: "rpop"}

// listPush is LPUSH and RPUSH.
func listPush(end store.End) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		l, err := tx.EditList(c.args[1])
		if err != nil {
			return failure(err)
		}
		for _, value := range c.args[2:] {
			l.Push(end, value)
		}
		c.notify(tx, eventList, pushEvents[end], c.args[1])
		return integer(l.Len())
	}
}

// listPushx is LPUSHX and RPUSHX.
func listPushx(end store.End) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		l, err := tx.EditList(c.args[1])
		if err != nil {
			return failure(err)
		}
		if l.Len() > 0 {
			for _, value := range c.args[2:] {
				l.Push(end, value)
			}
			c.notify(tx, eventList, pushEvents[end], c.args[1])
		}
		return integer(l.Len())
	}
}

// listPop is LPOP and RPOP.
func listPop(end store.End) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		count, counted := int64(1), len(c.args) == 3
		switch {
		case len(c.args) > 3:
			return errArity(c.row)
		case counted:
			var ok bool
			if count, ok = c.int(2); !ok || count < 0 {
				return errNegative
			}
		}
		l, err := tx.EditList(c.args[1])
		switch {
		case err != nil:
			return failure(err)
		case l.Len() == 0 && counted:
			return replyNoArray
		case l.Len() == 0:
			return replyNull
		case counted:
			return c.popped(tx, c.args[1], l, end, count)
		}
		return c.popOne(tx, c.args[1], l, end)
	}
}

// popOne removes an element of a list that has one, and returns it.
func (c *call) popOne(tx *store.Tx, key []byte, l store.ListTx, end store.End) Reply {
	element := bulkString(l.Pop(end))
	c.notifyGone(tx, eventList, popEvents[end], key, l.Len())
	return element
}

// popped removes up to count elements and returns them.
func (c *call) popped(tx *store.Tx, key []byte, l store.ListTx, end store.End, count int64) Reply {
	n := int(min(count, int64(l.Len())))
	elems := c.elems(n)
	for range n {
		elems = append(elems, bulkString(l.Pop(end)))
	}
	if n > 0 {
		c.notifyGone(tx, eventList, popEvents[end], key, l.Len())
	}
	return array(elems...)
}

func llen(v *store.View, c *call) Reply {
	l, err := v.List(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(l.Len())
}

// listRange reads arguments 2 and 3 as the first and the last index of a range; negative ones count from the end.
type listRange struct{ start, stop int64 }

func (c *call) listRange() (r listRange, ok bool) {
	start, ok1 := c.int(2)
	stop, ok2 := c.int(3)
	return listRange{start, stop}, ok1 && ok2
}

// of returns the range in a list of a length: from start up to, not including, end; start >= end if it is empty.
func (r listRange) of(length int) (start, end int) {
	n := int64(length)
	if r.start < 0 {
		r.start = max(r.start+n, 0)
	}
	if r.stop < 0 {
		r.stop += n
	}
	if r.start > r.stop || r.start >= n {
		return 0, 0
	}
	return int(r.start), int(min(r.stop, n-1)) + 1
}

func lrange(v *store.View, c *call) Reply {
	r, ok := c.listRange()
	if !ok {
		return errNotInteger
	}
	l, err := v.List(c.args[1])
	if err != nil {
		return failure(err)
	}
	start, end := r.of(l.Len())
	if c.apartFor(end-start, end-start) {
		values := l.Range(start, end)
		c.finish = func() Reply { return bulkStrings(values) }
		return replyNone
	}
	elems := c.elems(end - start)
	for i := start; i < end; i++ {
		elems = append(elems, bulkString(l.At(i)))
	}
	return array(elems...)
}

// place turns an index that may count from the end into one from the head; ok is false when there is no such element.
func place(index int64, length int) (i int, ok bool) {
	if index < 0 {
		index += int64(length)
	}
	return int(index), index >= 0 && index < int64(length)
}

func lindex(v *store.View, c *call) Reply {
	l, err := v.List(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case l.Len() == 0:
		return replyNull
	}
	index, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	i, ok := place(index, l.Len())
	if !ok {
		return replyNull
	}
	return bulkString(l.At(i))
}

func lset(tx *store.Tx, c *call) Reply {
	l, err := tx.EditList(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case l.Len() == 0:
		return errNoSuchKey
	}
	index, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	i, ok := place(index, l.Len())
	if !ok {
		return errIndexRange
	}
	l.Set(i, c.args[3])
	c.notify(tx, eventList, "lset", c.args[1])
	return replyOK
}

func linsert(tx *store.Tx, c *call) Reply {
	after := c.is(2, "AFTER")
	if !after && !c.is(2, "BEFORE") {
		return errSyntax
	}
	l, err := tx.EditList(c.args[1])
	switch {
	case err != nil:
		return failure(err)
	case l.Len() == 0:
		return replyZero
	}
	i := l.Find(c.args[3])
	if i < 0 {
		return integer(-1)
	}
	if after {
		i++
	}
	l.Insert(i, c.args[4])
	c.notify(tx, eventList, "linsert", c.args[1])
	return integer(l.Len())
}

func lrem(tx *store.Tx, c *call) Reply {
	count, ok := c.int(2)
	if !ok {
		return errNotInteger
	}
	if count == math.MinInt64 { // it has no opposite; Redis never reaches it, so all go
		count = 0
	}
	l, err := tx.EditList(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := l.Remove(c.args[3], count)
	if n > 0 {
		c.notifyGone(tx, eventList, "lrem", c.args[1], l.Len())
	}
	return integer(n)
}

func ltrim(tx *store.Tx, c *call) Reply {
	r, ok := c.listRange()
	if !ok {
		return errNotInteger
	}
	l, err := tx.EditList(c.args[1])
	if err != nil {
		return failure(err)
	}
	if l.Len() > 0 {
		start, end := r.of(l.Len())
		l.Trim(start, end)
		c.notifyGone(tx, eventList, "ltrim", c.args[1], max(end-start, 0))
	}
	return replyOK
}

func lpos(v *store.View, c *call) Reply {
	o, refusal := c.lposOptions()
	if refusal.isError() {
		return refusal
	}
	l, err := v.List(c.args[1])
	if err != nil {
		return failure(err)
	}
	return o.find(l, words.ViewString(c.args[2]))
}

// lposOptions say which matches LPOS wants.
type lposOptions struct {
	rank  int64 // of the first match to be returned, from 1, or from -1 at the tail
	count int64 // matches; 0 = all, -1 = one, and the reply is no array
	most  int64 // elements to compare; 0 = all
}

func (c *call) lposOptions() (o lposOptions, refusal Reply) {
	o = lposOptions{rank: 1, count: -1}
	for i := 3; i < len(c.args); i += 2 {
		if i+1 == len(c.args) {
			return o, errSyntax
		}
		n, isInt := c.int(i + 1)
		switch {
		case c.is(i, "RANK"):
			switch o.rank = n; {
			case !isInt:
				return o, errNotInteger
			case n == math.MinInt64:
				return o, errInt64Range
			case n == 0:
				return o, errRankZero
			}
		case c.is(i, "COUNT"):
			if o.count = n; !isInt || n < 0 {
				return o, errCountNegative
			}
		case c.is(i, "MAXLEN"):
			if o.most = n; !isInt || n < 0 {
				return o, errMaxlenNegative
			}
		default:
			return o, errSyntax
		}
	}
	return o, replyNone
}

func (o lposOptions) find(l *store.List, element string) Reply {
	start, step, skip := 0, 1, o.rank-1
	if o.rank < 0 {
		start, step, skip = l.Len()-1, -1, -o.rank-1
	}
	var found []Reply
	seen := int64(0)
	l.Each(start, step, func(i int, value string) bool {
		seen++
		if value == element {
			if skip--; skip < 0 {
				found = append(found, integer(i))
			}
		}
		return seen != o.most && (o.count == 0 || int64(len(found)) < max(o.count, 1))
	})
	switch {
	case o.count >= 0:
		return array(found...)
	case len(found) == 0:
		return replyNull
	}
	return found[0]
}

package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

func listRows() []*Row {
	return []*Row{
		{Name: "lindex", Arity: 3, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onList(lindex),
			Group: "list", Since: "1.0.0", Args: "key index", Doc: "Returns an element by its index."},
		{Name: "linsert", Arity: 5, Flags: Write | Denyoom, Keys: KeyAt(1, "RW insert"), Write: linsert,
			Group: "list", Since: "2.2.0", Args: "key where(BEFORE|AFTER) pivot element",
			Cost: "O(N) in the distance from the head to the pivot",
			Doc:  "Inserts an element before or after another."},
		{Name: "llen", Arity: 2, Flags: Readonly | Fast, Keys: Lengths(KeyAt(1, "RO")), Read: lengthOf(store.TypeList),
			Group: "list", Since: "1.0.0", Args: "key", Doc: "Returns a list's length."},
		{Name: "lpop", Arity: -2, Flags: Write | Fast, Keys: atEnd(KeyAt(1, "RW access delete"), store.Head, pops), Write: listPop(store.Head),
			Group: "list", Since: "1.0.0", Args: "key [count]", Cost: "O(N) in the number of elements returned",
			Doc: "Removes and returns a list's first elements."},
		{Name: "lpos", Arity: -3, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: lpos,
			Group: "list", Since: "6.0.6", Args: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
			Cost: "O(N) in the number of elements compared", Doc: "Finds an element's indexes."},
		{Name: "lpush", Arity: -3, Flags: Write | Denyoom | Fast, Keys: atEnd(KeyAt(1, "RW insert"), store.Head, nil),
			Write: listPush(store.Head),
			Group: "list", Since: "1.0.0", Args: "key element...", Cost: "O(N) in the number of elements added",
			Doc: "Adds elements at a list's head, creating it."},
		{Name: "lpushx", Arity: -3, Flags: Write | Denyoom | Fast, Keys: atEnd(KeyAt(1, "RW insert"), store.Head, nil),
			Write: listPushx(store.Head),
			Group: "list", Since: "2.2.0", Args: "key element...", Cost: "O(N) in the number of elements added",
			Doc: "Adds elements at the head of a list that is there."},
		{Name: "lrange", Arity: 4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: lrange,
			Group: "list", Since: "1.0.0", Args: "key start stop", Cost: "O(N) in the number of elements returned",
			Doc: "Returns a range of elements."},
		{Name: "lrem", Arity: 4, Flags: Write, Keys: KeyAt(1, "RW delete"), Write: lrem,
			Group: "list", Since: "1.0.0", Args: "key count element", Cost: "O(N) in the length of the list",
			Doc: "Removes elements that are equal to one."},
		{Name: "lset", Arity: 4, Flags: Write | Denyoom, Keys: KeyAt(1, "RW update"), Write: editList(lset),
			Group: "list", Since: "1.0.0", Args: "key index element", Doc: "Replaces an element by its index."},
		{Name: "ltrim", Arity: 4, Flags: Write, Keys: KeyAt(1, "RW delete"), Write: ltrim,
			Group: "list", Since: "1.0.0", Args: "key start stop", Cost: "O(N) in the number of elements removed",
			Doc: "Keeps a range of elements."},
		{Name: "rpop", Arity: -2, Flags: Write | Fast, Keys: atEnd(KeyAt(1, "RW access delete"), store.Tail, pops), Write: listPop(store.Tail),
			Group: "list", Since: "1.0.0", Args: "key [count]", Cost: "O(N) in the number of elements returned",
			Doc: "Removes and returns a list's last elements."},
		{Name: "rpush", Arity: -3, Flags: Write | Denyoom | Fast, Keys: atEnd(KeyAt(1, "RW insert"), store.Tail, nil),
			Write: listPush(store.Tail),
			Group: "list", Since: "1.0.0", Args: "key element...", Cost: "O(N) in the number of elements added",
			Doc: "Adds elements at a list's tail, creating it."},
		{Name: "rpushx", Arity: -3, Flags: Write | Denyoom | Fast, Keys: atEnd(KeyAt(1, "RW insert"), store.Tail, nil),
			Write: listPushx(store.Tail),
			Group: "list", Since: "2.2.0", Args: "key element...", Cost: "O(N) in the number of elements added",
			Doc: "Adds elements at the tail of a list that is there."},
	}
}

var (
	errIndexRange     = ErrorReply("ERR index out of range")
	errRankZero       = ErrorReply("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
	errCountNegative  = ErrorReply("ERR COUNT can't be negative")
	errMaxlenNegative = ErrorReply("ERR MAXLEN can't be negative")
)

// What a push and a pop at an end are called.
var (
	pushEvents = map[store.End]string{store.Head: "lpush", store.Tail: "rpush"}
	popEvents  = map[store.End]string{store.Head: "lpop", store.Tail: "rpop"}
)

// listPush is LPUSH and RPUSH.
func listPush(end store.End) writing {
	return editListEnd(end, func(l store.ListTx, tx *store.Tx, c *Call) Reply {
		for _, value := range c.Args[2:] {
			l.Push(end, value)
		}
		c.notify(tx, eventList, pushEvents[end], c.Args[1])
		return Integer(l.Len())
	})
}

// listPushx is LPUSHX and RPUSHX.
func listPushx(end store.End) writing {
	return editListEnd(end, func(l store.ListTx, tx *store.Tx, c *Call) Reply {
		if l.Len() > 0 {
			for _, value := range c.Args[2:] {
				l.Push(end, value)
			}
			c.notify(tx, eventList, pushEvents[end], c.Args[1])
		}
		return Integer(l.Len())
	})
}

// listPop is LPOP and RPOP.
func listPop(end store.End) writing {
	return func(tx *store.Tx, c *Call) Reply {
		if len(c.Args) > 3 {
			return ErrArity(c.Row)
		}
		count, counted, refusal := c.popCount()
		if refusal.IsError() {
			return refusal
		}
		l, err := tx.EditListEnd(c.Args[1], end, pops(c.Args))
		switch {
		case err != nil:
			return Failure(err)
		case l.Len() == 0 && counted:
			return ReplyNoArray
		case l.Len() == 0:
			return ReplyNull
		case counted:
			return c.popped(tx, c.Args[1], l, end, count)
		}
		return c.popOne(tx, c.Args[1], l, end)
	}
}

// pops is how many elements LPOP or RPOP may remove.
func pops(args [][]byte) int {
	if len(args) < 3 {
		return 1
	}
	n, _ := numbers.ParseInt(args[2])
	return int(min(max(n, 0), math.MaxInt32)) // an int may have 32 bits
}

// popCount reads the number of elements to be removed, if argument 2 is there; else it is 1.
func (c *Call) popCount() (count int64, counted bool, refusal Reply) {
	if len(c.Args) < 3 {
		return 1, false, Reply{}
	}
	count, ok := c.Int(2)
	if !ok || count < 0 {
		return 0, true, ErrNegative
	}
	return count, true, Reply{}
}

// popOne removes an element of a list that has one, and returns it.
func (c *Call) popOne(tx *store.Tx, key []byte, l store.ListTx, end store.End) Reply {
	element := BulkString(l.Pop(end))
	c.notifyGone(tx, eventList, popEvents[end], key, l.Len())
	return element
}

// popped removes up to count elements and returns them.
func (c *Call) popped(tx *store.Tx, key []byte, l store.ListTx, end store.End, count int64) Reply {
	n := int(min(count, int64(l.Len())))
	if n == 0 {
		return Array()
	}
	elems := c.Elems(n)
	for _, element := range l.PopMany(end, n) {
		elems = append(elems, BulkString(element))
	}
	c.notifyGone(tx, eventList, popEvents[end], key, l.Len())
	return Array(elems...)
}

// listRange reads arguments 2 and 3 as the first and the last index of a range; negative ones count from the end.
type listRange struct{ start, stop int64 }

func (c *Call) listRange() (r listRange, ok bool) {
	start, ok1 := c.Int(2)
	stop, ok2 := c.Int(3)
	return listRange{start, stop}, ok1 && ok2
}

// of returns the range in a list of a length: from start up to, not including, end; start >= end if it is empty.
func (r listRange) of(length int) (start, end int) {
	if start, end = ranksBetween(r.start, r.stop, length); start >= end {
		return 0, 0
	}
	return start, end
}

func lrange(v *store.View, c *Call) Reply {
	r, ok := c.listRange()
	if !ok {
		return ErrNotInteger
	}
	l, err := v.List(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	start, end := r.of(l.Len())
	if c.worksOffLock(end-start, end-start) {
		return c.eachText(KindArray, l.Range(start, end))
	}
	elems := c.Elems(end - start)
	for i := start; i < end; i++ {
		elems = append(elems, BulkString(l.At(i)))
	}
	return Array(elems...)
}

// place reads argument 2 as the index of an element, which may count from the end; absent is what to say when there is
// no such element.
func (c *Call) place(l *store.List, absent Reply) (i int, ok bool, otherwise Reply) {
	index, isInt := c.Int(2)
	if !isInt {
		return 0, false, ErrNotInteger
	}
	if index < 0 {
		index += int64(l.Len())
	}
	if index < 0 || index >= int64(l.Len()) {
		return 0, false, absent
	}
	return int(index), true, Reply{}
}

func lindex(l *store.List, c *Call) Reply {
	if l.Len() == 0 {
		return ReplyNull
	}
	i, ok, otherwise := c.place(l, ReplyNull)
	if !ok {
		return otherwise
	}
	return BulkString(l.At(i))
}

func lset(l store.ListTx, tx *store.Tx, c *Call) Reply {
	if l.Len() == 0 {
		return ErrNoSuchKey
	}
	i, ok, otherwise := c.place(l.List, errIndexRange)
	if !ok {
		return otherwise
	}
	l.Set(i, c.Args[3])
	c.notify(tx, eventList, "lset", c.Args[1])
	return ReplyOK
}

func linsert(tx *store.Tx, c *Call) Reply {
	after := c.Is(2, "AFTER")
	if !after && !c.Is(2, "BEFORE") {
		return ErrSyntax
	}
	l, err := tx.EditList(c.Args[1])
	switch {
	case err != nil:
		return Failure(err)
	case l.Len() == 0:
		return ReplyZero
	}
	i := l.Find(c.Args[3])
	if i < 0 {
		return Integer(-1)
	}
	if after {
		i++
	}
	l.Insert(i, c.Args[4])
	c.notify(tx, eventList, "linsert", c.Args[1])
	return Integer(l.Len())
}

func lrem(tx *store.Tx, c *Call) Reply {
	count, ok := c.Int(2)
	if !ok {
		return ErrNotInteger
	}
	if count == math.MinInt64 { // it has no opposite; Redis never reaches it, so all go
		count = 0
	}
	l, err := tx.EditList(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	n := l.Remove(c.Args[3], count)
	if n > 0 {
		c.notifyGone(tx, eventList, "lrem", c.Args[1], l.Len())
	}
	return Integer(n)
}

func ltrim(tx *store.Tx, c *Call) Reply {
	r, ok := c.listRange()
	if !ok {
		return ErrNotInteger
	}
	l, err := tx.EditList(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	if l.Len() > 0 {
		start, end := r.of(l.Len())
		l.Trim(start, end)
		c.notifyGone(tx, eventList, "ltrim", c.Args[1], max(end-start, 0))
	}
	return ReplyOK
}

func lpos(v *store.View, c *Call) Reply {
	o, refusal := c.lposOptions()
	if refusal.IsError() {
		return refusal
	}
	l, err := v.List(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	return o.find(l, words.ViewString(c.Args[2]))
}

// lposOptions say which matches LPOS wants.
type lposOptions struct {
	rank  int64 // of the first match to be returned, from 1, or from -1 at the tail
	count int64 // matches; 0 = all, -1 = one, and the reply is no array
	most  int64 // elements to compare; 0 = all
}

func (c *Call) lposOptions() (o lposOptions, refusal Reply) {
	o = lposOptions{rank: 1, count: -1}
	for i := 3; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			return o, ErrSyntax
		}
		n, isInt := c.Int(i + 1)
		switch {
		case c.Is(i, "RANK"):
			switch o.rank = n; {
			case !isInt:
				return o, ErrNotInteger
			case n == math.MinInt64:
				return o, errInt64Range
			case n == 0:
				return o, errRankZero
			}
		case c.Is(i, "COUNT"):
			if o.count = n; !isInt || n < 0 {
				return o, errCountNegative
			}
		case c.Is(i, "MAXLEN"):
			if o.most = n; !isInt || n < 0 {
				return o, errMaxlenNegative
			}
		default:
			return o, ErrSyntax
		}
	}
	return o, ReplyNone
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
				found = append(found, Integer(i))
			}
		}
		return seen != o.most && (o.count == 0 || int64(len(found)) < max(o.count, 1))
	})
	switch {
	case o.count >= 0:
		return Array(found...)
	case len(found) == 0:
		return ReplyNull
	}
	return found[0]
}

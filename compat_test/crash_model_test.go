package compat_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// place is where a value is: a key in a database.
type place struct {
	db  int
	key string
}

// entry is a string value and its deadline in unix ms, 0 = none. A deadline that the
// server computed from a TTL may be later than noted, by slack milliseconds at most.
type entry struct {
	value    string
	deadline int64
	slack    int64
}

// keyspace is what a writer expects, or what a server has. Entries whose deadline has
// passed stay in what is expected: they must not come back.
type keyspace map[place]entry

// observed is a keyspace as a server showed it between two clock readings in unix ms.
type observed struct {
	keyspace
	from, to int64
}

// difference is a key that is not as expected.
type difference struct {
	place
	text string
}

// differences are those between what is expected and what was seen.
func (seen observed) differences(want keyspace) (all []difference) {
	differ := func(p place, format string, args ...any) {
		all = append(all, difference{p, fmt.Sprintf(format, args...)})
	}
	for p, e := range want {
		got, there := seen.keyspace[p]
		switch gone, alive := e.deadline != 0 && e.deadline+e.slack < seen.from, e.deadline == 0 || e.deadline > seen.to; {
		case !there && alive:
			differ(p, "is missing, should be %s", e)
		case there && gone:
			differ(p, "has come back %d ms after its deadline: %s", seen.from-e.deadline, got)
		case there && (got.value != e.value || got.deadline < e.deadline || got.deadline > e.deadline+e.slack):
			differ(p, "is %s, should be %s", got, e)
		}
	}
	for p, got := range seen.keyspace {
		if _, ok := want[p]; !ok {
			differ(p, "should not be there and is %s", got)
		}
	}
	return all
}

func (e entry) String() string {
	head := e.value[:min(len(e.value), 40)]
	return fmt.Sprintf("%q (%d bytes, deadline %d, slack %d ms)", head, len(e.value), e.deadline, e.slack)
}

// operation is what a writer sends as one: a command or a MULTI block.
type operation struct {
	commands [][]any
	apply    func(keyspace)
	want     string // text of the last reply, "" = anything but an error
}

// concerns says whether the operation may have changed the key.
func (op operation) concerns(p place) bool {
	for _, args := range op.commands {
		if slices.Contains(args, any(p.key)) || args[0] == "FLUSHDB" || args[0] == "SWAPDB" {
			return true
		}
	}
	return false
}

// String is the operation with its long values cut.
func (op operation) String() string {
	var b strings.Builder
	for i, args := range op.commands {
		if i > 0 {
			b.WriteString("; ")
		}
		for _, arg := range args {
			s := fmt.Sprint(arg)
			if len(s) > 30 {
				s = fmt.Sprintf("%s...(%d bytes)", s[:20], len(s))
			}
			b.WriteString(s + " ")
		}
	}
	return b.String()
}

// inspect reads everything that the server has.
func inspect(addr string) (observed, error) {
	c, err := open(addr)
	if err != nil {
		return observed{}, err
	}
	defer c.Close()
	seen := observed{keyspace: keyspace{}, from: time.Now().UnixMilli()}
	for db := range 16 {
		if err := seen.read(c, db); err != nil {
			return seen, fmt.Errorf("database %d: %w", db, err)
		}
	}
	seen.to = time.Now().UnixMilli()
	return seen, nil
}

// read iterates over one database. Nobody else writes, so no key may come twice, and DBSIZE
// must agree but for what expires meanwhile.
func (seen observed) read(c *client, db int) error {
	if v, err := c.Try("SELECT", db); err != nil || v.IsError() {
		return fmt.Errorf("SELECT: %v %w", v, err)
	}
	listed, lasting := make(map[string]bool), int64(0)
	for cursor := "0"; ; {
		page, err := c.Try("SCAN", cursor, "COUNT", 500)
		if err != nil {
			return err
		}
		if len(page.elems) != 2 {
			return fmt.Errorf("SCAN: %s", page)
		}
		for _, key := range page.elems[1].elems {
			if listed[key.text] {
				return fmt.Errorf("SCAN returned %q twice", key.text)
			}
			listed[key.text] = true
		}
		n, err := seen.readKeys(c, db, page.elems[1].elems)
		if err != nil {
			return err
		}
		lasting += n
		if cursor = page.elems[0].text; cursor == "0" {
			break
		}
	}
	size, err := c.Try("DBSIZE")
	if err != nil {
		return err
	}
	if n := size.Int(); n < lasting || n > int64(len(listed)) {
		return fmt.Errorf("DBSIZE is %d, SCAN returned %d keys, %d of them without a deadline", n, len(listed), lasting)
	}
	return nil
}

// readKeys reads values and deadlines and counts the keys without a deadline. A collection's value is its
// contents as shown gives them.
func (seen observed) readKeys(c *client, db int, keys []value) (lasting int64, err error) {
	var asked [][]any
	for _, key := range keys {
		asked = append(asked, []any{"TYPE", key.text}, []any{"PEXPIRETIME", key.text})
	}
	facts, err := pipelined(c, asked)
	if err != nil {
		return 0, err
	}
	asked = nil
	for i, key := range keys {
		asked = append(asked, readCommand(facts[2*i].text, key.text))
	}
	values, err := pipelined(c, asked)
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		typ, deadline, val := facts[2*i].text, facts[2*i+1], values[i]
		switch {
		case val.IsError() || deadline.IsError():
			return 0, fmt.Errorf("%q: %s %s", key.text, deadline, val)
		case val.IsNil() || val.kind == kindArray && len(val.elems) == 0 && typ != "stream": // expired meanwhile
		case deadline.Int() == -1:
			lasting++
			seen.keyspace[place{db, key.text}] = entry{value: shown(typ, val)}
		default:
			seen.keyspace[place{db, key.text}] = entry{value: shown(typ, val), deadline: deadline.Int()}
		}
	}
	return lasting, nil
}

// pipelined sends commands and returns their replies.
func pipelined(c *client, commands [][]any) (replies []value, err error) {
	var b []byte
	for _, args := range commands {
		b = append(b, encode(args...)...)
	}
	if err := c.write(b); err != nil {
		return nil, err
	}
	for range commands {
		v, err := c.read(replyTimeout)
		if err != nil {
			return nil, err
		}
		replies = append(replies, v)
	}
	return replies, nil
}

// author makes random operations and knows what they do. Its keys are its alone: those with
// its prefix, or, if it empties and swaps databases, two whole databases.
type author struct {
	rand   *rand.Rand
	db     int // it sends commands to this database
	prefix string
	owner  bool // of db and db+1
	huge   bool // some of its values take up to 100 MB

	streamed int // the last id given to a stream's entry
	ahead    keyspace
}

func (a *author) owns(p place) bool {
	if a.owner {
		return p.db == a.db || p.db == a.db+1
	}
	return p.db == a.db && strings.HasPrefix(p.key, a.prefix)
}

// Its keys: k hold values, n hold integers, t are short-lived and are only ever set or deleted, so
// that no outcome depends on the moment at which they expire.
func (a *author) key() place   { return a.place("k", 300) }
func (a *author) count() place { return a.place("n", 10) }
func (a *author) brief() place { return a.place("t", 100) }

func (a *author) place(kind string, n int) place {
	return place{a.db, a.prefix + kind + strconv.Itoa(a.rand.IntN(n))}
}

// value is mostly short; one in five hundred takes more than one chunk of the store's table.
func (a *author) value() string {
	n := a.rand.IntN(200)
	switch r := a.rand.IntN(500); {
	case r == 0:
		n = 250_000 + a.rand.IntN(400_000)
	case r < 25:
		n = 2000 + a.rand.IntN(10_000)
	}
	mark := strconv.FormatUint(a.rand.Uint64(), 36)
	return strings.Repeat(mark, n/len(mark)+1)[:n]
}

const farAhead = 48 * 60 * 60 * 1000 // ms

func (a *author) farDeadline() int64 {
	return time.Now().UnixMilli() + farAhead + a.rand.Int64N(1_000_000)
}

// next makes an operation and notes what it leads to.
func (a *author) next() operation {
	op := a.any()
	op.apply(a.ahead)
	return op
}

func (a *author) any() operation {
	n := a.rand.IntN(1000)
	if a.owner && n < 4 {
		return a.flush()
	}
	if a.owner && n < 8 {
		return a.swap()
	}
	switch {
	case n < 100:
		return a.block()
	case n < 180:
		return a.mset()
	case a.huge && n < 184:
		return a.hugeValue()
	}
	return a.single()
}

// single is an operation of one command that may stand in a MULTI block.
func (a *author) single() operation {
	all := []func() operation{
		a.set, a.set, a.set, a.setDeadline, a.setBrief, a.setBrief, a.appendTo, a.setRange, a.incr, a.incr, a.incrBy,
		a.expireAt, a.expire, a.persist, a.del, a.delBrief, a.getDel, a.getEx, a.rename, a.copy,
		a.collection, a.collection, a.collection, a.collection, a.collection, a.collection, a.collection, a.collection,
	}
	return all[a.rand.IntN(len(all))]()
}

func command(apply func(keyspace), args ...any) operation {
	return operation{commands: [][]any{args}, apply: apply}
}

func (a *author) set() operation {
	p, v := a.key(), a.value()
	return command(func(k keyspace) { k[p] = entry{value: v} }, "SET", p.key, v)
}

func (a *author) setDeadline() operation {
	p, v, at := a.key(), a.value(), a.farDeadline()
	return command(func(k keyspace) { k[p] = entry{value: v, deadline: at} }, "SET", p.key, v, "PXAT", at)
}

func (a *author) setBrief() operation {
	p, v, at := a.brief(), a.value(), time.Now().UnixMilli()+5+a.rand.Int64N(2000)
	return command(func(k keyspace) { k[p] = entry{value: v, deadline: at} }, "SET", p.key, v, "PXAT", at)
}

func (a *author) appendTo() operation {
	p, v := a.key(), a.value()
	op := command(func(k keyspace) {
		e := k[p]
		e.value += v
		k[p] = e
	}, "APPEND", p.key, v)
	if len(a.ahead[p].value) > 2_000_000 { // long enough
		return a.del()
	}
	op.want = strconv.Itoa(len(a.ahead[p].value) + len(v))
	return op
}

func (a *author) setRange() operation {
	p, v := a.key(), strconv.FormatUint(a.rand.Uint64(), 36)
	at := a.rand.IntN(len(a.ahead[p].value) + 20)
	return command(func(k keyspace) {
		e := k[p]
		b := make([]byte, max(len(e.value), at+len(v)))
		copy(b, e.value)
		copy(b[at:], v)
		e.value = string(b)
		k[p] = e
	}, "SETRANGE", p.key, at, v)
}

func (a *author) incr() operation { return a.add(a.count(), 1, "INCR") }

func (a *author) incrBy() operation {
	n := a.rand.Int64N(2000) - 1000
	return a.add(a.count(), n, "INCRBY", n)
}

func (a *author) add(p place, n int64, name string, more ...any) operation {
	sum := func(k keyspace) int64 {
		old, _ := strconv.ParseInt(k[p].value, 10, 64) // absent counts as 0
		return old + n
	}
	op := command(func(k keyspace) {
		e := k[p]
		e.value = strconv.FormatInt(sum(k), 10)
		k[p] = e
	}, append([]any{name, p.key}, more...)...)
	op.want = strconv.FormatInt(sum(a.ahead), 10)
	return op
}

func (a *author) expireAt() operation {
	p, at := a.key(), a.farDeadline()
	return command(deadline(p, at, 0), "PEXPIREAT", p.key, at)
}

// expire gives a TTL from which the server computes the deadline when it gets there.
func (a *author) expire() operation {
	p := a.key()
	at := time.Now().UnixMilli() + farAhead
	return command(deadline(p, at, replyTimeout.Milliseconds()), "EXPIRE", p.key, farAhead/1000)
}

func (a *author) persist() operation {
	p := a.key()
	return command(deadline(p, 0, 0), "PERSIST", p.key)
}

func (a *author) getEx() operation {
	p, at := a.key(), a.farDeadline()
	op := command(deadline(p, at, 0), "GETEX", p.key, "PXAT", at)
	op.want = a.ahead[p].value
	return op
}

func deadline(p place, at, slack int64) func(keyspace) {
	return func(k keyspace) {
		if e, ok := k[p]; ok {
			e.deadline, e.slack = at, slack
			k[p] = e
		}
	}
}

func (a *author) del() operation {
	p, q := a.key(), a.key()
	return command(func(k keyspace) { delete(k, p); delete(k, q) }, "DEL", p.key, q.key)
}

func (a *author) delBrief() operation {
	p := a.brief()
	return command(func(k keyspace) { delete(k, p) }, "UNLINK", p.key)
}

func (a *author) getDel() operation {
	p := a.key()
	op := command(func(k keyspace) { delete(k, p) }, "GETDEL", p.key)
	op.want = a.ahead[p].value
	return op
}

func (a *author) rename() operation {
	p, q := a.key(), a.key()
	if _, ok := a.ahead[p]; !ok {
		return a.set()
	}
	op := command(func(k keyspace) {
		e := k[p]
		delete(k, p)
		k[q] = e
	}, "RENAME", p.key, q.key)
	op.want = "OK"
	return op
}

func (a *author) copy() operation {
	p, q := a.key(), a.key()
	if _, ok := a.ahead[p]; !ok || p == q {
		return a.set()
	}
	op := command(func(k keyspace) { k[q] = k[p] }, "COPY", p.key, q.key, "REPLACE")
	op.want = "1"
	return op
}

func (a *author) mset() operation {
	args, pairs := []any{"MSET"}, map[place]string{}
	for range 2 + a.rand.IntN(6) {
		p, v := a.key(), a.value()
		args, pairs[p] = append(args, p.key, v), v
	}
	return command(func(k keyspace) {
		for p, v := range pairs {
			k[p] = entry{value: v}
		}
	}, args...)
}

// block is a transaction, which must be there as a whole or not at all.
func (a *author) block() operation {
	before := a.ahead
	a.ahead = keyspace{} // what the commands of the block expect, they expect of each other
	for p, e := range before {
		a.ahead[p] = e
	}
	var parts []operation
	commands := [][]any{{"MULTI"}}
	for range 2 + a.rand.IntN(5) {
		op := a.single()
		op.apply(a.ahead)
		parts, commands = append(parts, op), append(commands, op.commands...)
	}
	a.ahead = before
	return operation{commands: append(commands, []any{"EXEC"}), apply: func(k keyspace) {
		for _, op := range parts {
			op.apply(k)
		}
	}}
}

func (a *author) flush() operation {
	return command(func(k keyspace) {
		for p := range k {
			if p.db == a.db {
				delete(k, p)
			}
		}
	}, "FLUSHDB")
}

func (a *author) swap() operation {
	return command(func(k keyspace) {
		swapped := make(keyspace, len(k))
		for p, e := range k {
			swapped[place{2*a.db + 1 - p.db, p.key}] = e
		}
		clear(k)
		for p, e := range swapped {
			k[p] = e
		}
	}, "SWAPDB", a.db, a.db+1)
}

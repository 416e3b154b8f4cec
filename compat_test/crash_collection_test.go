package compat_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The crash test's collections. What one holds is kept as text, the way shown writes it, so that the keyspaces of the
// crash test hold it like any other value.

// contents are a collection's elements: a hash's fields with values, a set's members, a sorted set's members with
// scores, a stream's ids with entries. A list's elements are in order.
type contents struct {
	typ   string
	named map[string]string
	list  []string
}

// readCommand reads the whole value of a key.
func readCommand(typ, key string) []any {
	switch typ {
	case "hash":
		return []any{"HGETALL", key}
	case "list":
		return []any{"LRANGE", key, 0, -1}
	case "set":
		return []any{"SMEMBERS", key}
	case "zset":
		return []any{"ZRANGE", key, 0, -1, "WITHSCORES"}
	case "stream":
		return []any{"XRANGE", key, "-", "+"}
	}
	return []any{"GET", key}
}

// shown is the text of what a readCommand answered.
func shown(typ string, v value) string {
	c := contents{typ: typ, named: map[string]string{}}
	switch typ {
	case "hash", "zset":
		for i := 0; i+1 < len(v.elems); i += 2 {
			c.named[v.elems[i].text] = v.elems[i+1].text
		}
	case "list":
		for _, e := range v.elems {
			c.list = append(c.list, e.text)
		}
	case "set":
		for _, e := range v.elems {
			c.named[e.text] = ""
		}
	case "stream":
		for _, e := range v.elems {
			c.named[e.elems[0].text] = e.elems[1].elems[1].text
		}
	default:
		return v.text
	}
	return c.String()
}

func (c contents) String() string {
	var b strings.Builder
	b.WriteString(c.typ)
	for _, name := range slices.Sorted(maps.Keys(c.named)) {
		b.WriteString("\n" + name + "=" + c.named[name])
	}
	for _, e := range c.list {
		b.WriteString("\n" + e)
	}
	return b.String()
}

// contentsOf reads a text of shown.
func contentsOf(typ, text string) contents {
	c := contents{typ: typ, named: map[string]string{}}
	lines := strings.Split(text, "\n")
	for _, line := range lines[1:] {
		if typ == "list" {
			c.list = append(c.list, line)
			continue
		}
		name, val, _ := strings.Cut(line, "=")
		c.named[name] = val
	}
	return c
}

// change is an operation that changes a collection's contents. One without elements is no key, but for a stream.
func (a *author) change(p place, typ string, fn func(c *contents), args ...any) operation {
	return command(func(k keyspace) {
		e := k[p]
		c := contentsOf(typ, e.value)
		fn(&c)
		e.value = c.String()
		if len(c.named)+len(c.list) == 0 && typ != "stream" {
			delete(k, p)
		} else {
			k[p] = e
		}
	}, args...)
}

// crashTypes are the types of collections that the crash test knows; a key's name tells its type.
var crashTypes = []string{"hash", "list", "set", "stream"}

// collection changes one collection's elements, or the key as a whole.
func (a *author) collection() operation {
	typ := crashTypes[a.rand.IntN(len(crashTypes))]
	p := a.place(typ, 20)
	switch a.rand.IntN(30) {
	case 0:
		return command(func(k keyspace) { delete(k, p) }, "DEL", p.key)
	case 1:
		if q := a.place(typ, 20); a.ahead[p].value != "" && p != q {
			return command(func(k keyspace) { k[q] = k[p]; delete(k, p) }, "RENAME", p.key, q.key)
		}
	case 2:
		if q := a.place(typ, 20); a.ahead[p].value != "" && p != q {
			return command(func(k keyspace) { k[q] = k[p] }, "COPY", p.key, q.key, "REPLACE")
		}
	case 3:
		at := a.farDeadline()
		return command(deadline(p, at, 0), "PEXPIREAT", p.key, at)
	}
	switch typ {
	case "hash":
		return a.hash(p)
	case "list":
		return a.list(p)
	case "set":
		return a.member(p)
	case "zset":
		return a.zset(p)
	}
	return a.stream(p)
}

// element is a short name of one of few, seldom a long one.
func (a *author) element() string {
	e := "e" + strconv.Itoa(a.rand.IntN(80))
	if a.rand.IntN(500) == 0 {
		e += strings.Repeat("x", 70_000)
	}
	return e
}

func (a *author) hash(p place) operation {
	args, fields := []any{"HSET", p.key}, map[string]string{}
	if a.rand.IntN(3) == 0 {
		args[0] = "HDEL"
	}
	for range 1 + a.rand.IntN(5) {
		field, val := a.element(), strconv.FormatUint(a.rand.Uint64(), 36)
		fields[field] = val
		args = append(args, field)
		if args[0] == "HSET" {
			args = append(args, val)
		}
	}
	return a.change(p, "hash", func(c *contents) {
		for field, val := range fields {
			if args[0] == "HSET" {
				c.named[field] = val
			} else {
				delete(c.named, field)
			}
		}
	}, args...)
}

func (a *author) list(p place) operation {
	val := strconv.FormatUint(a.rand.Uint64(), 36)
	switch a.rand.IntN(6) {
	case 0:
		return a.change(p, "list", func(c *contents) { c.list = c.list[min(1, len(c.list)):] }, "LPOP", p.key)
	case 1:
		return a.change(p, "list", func(c *contents) { c.list = c.list[:max(0, len(c.list)-1)] }, "RPOP", p.key)
	case 2:
		return a.change(p, "list", func(c *contents) { c.list = append([]string{val}, c.list...) }, "LPUSH", p.key, val)
	case 3:
		return a.change(p, "list", func(c *contents) { c.list = c.list[:min(50, len(c.list))] }, "LTRIM", p.key, 0, 49)
	case 4:
		list := contentsOf("list", a.ahead[p].value).list
		if len(list) > 0 {
			pivot := list[a.rand.IntN(len(list))]
			return a.change(p, "list", func(c *contents) {
				if i := slices.Index(c.list, pivot); i >= 0 {
					c.list = slices.Insert(c.list, i, val)
				}
			}, "LINSERT", p.key, "BEFORE", pivot, val)
		}
	}
	return a.change(p, "list", func(c *contents) { c.list = append(c.list, val) }, "RPUSH", p.key, val)
}

func (a *author) member(p place) operation {
	member := a.element()
	if a.rand.IntN(3) == 0 {
		return a.change(p, "set", func(c *contents) { delete(c.named, member) }, "SREM", p.key, member)
	}
	return a.change(p, "set", func(c *contents) { c.named[member] = "" }, "SADD", p.key, member)
}

func (a *author) zset(p place) operation {
	member, score := a.element(), strconv.Itoa(a.rand.IntN(1000))
	if a.rand.IntN(3) == 0 {
		return a.change(p, "zset", func(c *contents) { delete(c.named, member) }, "ZREM", p.key, member)
	}
	return a.change(p, "zset", func(c *contents) { c.named[member] = score }, "ZADD", p.key, score, member)
}

// stream adds entries under ids of its own, which only go up, and deletes some.
func (a *author) stream(p place) operation {
	if entries := slices.Sorted(maps.Keys(contentsOf("stream", a.ahead[p].value).named)); len(entries) > 0 && a.rand.IntN(3) == 0 {
		id := entries[a.rand.IntN(len(entries))]
		return a.change(p, "stream", func(c *contents) { delete(c.named, id) }, "XDEL", p.key, id)
	}
	a.streamed++
	id, val := fmt.Sprintf("%d-1", a.streamed), strconv.FormatUint(a.rand.Uint64(), 36)
	return a.change(p, "stream", func(c *contents) { c.named[id] = val }, "XADD", p.key, id, "f", val)
}

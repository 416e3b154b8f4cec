package resp

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"diskette/resp/internal/ccast"
	"diskette/resp/internal/numbers"
	"diskette/resp/lualib"
)

// Values go both ways between Lua and the protocol as Redis converts them (script_lua.c):
//
//	protocol > Lua              RESP2                          RESP3, after redis.setresp(3)
//	:1                          number                         number
//	$ bulk                      string                         string
//	+status, -error             {ok = ...}, {err = ...}        the same
//	null                        false                          nil
//	array                       table                          table
//	map, set, double, verbatim  as RESP2 sends them            {map = {...}}, {set = {m = true}}, {double = n}, {verbatim_string = {...}}
//
//	Lua > protocol: a number is cut to an integer, a table is an array up to its first nil unless it is one of the above, true
//	is 1 and false null (RESP3: booleans), anything else null.

// value makes a Lua value of a command's reply. Strings are copied: the reply may hold the store's.
func (e *engine) value(r *Reply) lua.LValue {
	resp3 := e.run.cl.resp3
	switch r.kind {
	case kindInteger:
		return lua.LNumber(r.n)
	case kindBulk, kindText, kindLent:
		return e.text(r.s)
	case kindSimple:
		return oneField("ok", lua.LString(r.s))
	case kindError:
		t := errorTable(r.s)
		if r.n == errorCounted {
			t.RawSetString(countedField, lua.LTrue)
		}
		return t
	case kindNull, kindNullArray:
		if resp3 {
			return lua.LNil
		}
	case kindArray, kindPush:
		return e.array(r.elems)
	case kindMap, kindMapPairs:
		switch {
		case resp3:
			m := e.newTable(0, len(r.elems)/2)
			for i := 0; i+1 < len(r.elems); i += 2 {
				setField(m, e.value(&r.elems[i]), e.value(&r.elems[i+1]))
			}
			return oneField("map", m)
		case r.kind == kindMap:
			return e.array(r.elems)
		default:
			return e.twos(r.elems)
		}
	case kindPairs:
		if resp3 {
			return e.twos(r.elems)
		}
		return e.array(r.elems)
	case kindSet:
		if !resp3 {
			return e.array(r.elems)
		}
		set := e.newTable(0, len(r.elems))
		for i := range r.elems {
			setField(set, e.value(&r.elems[i]), lua.LTrue)
		}
		return oneField("set", set)
	case kindDouble:
		text := r.s
		if text == "" {
			text = numbers.FormatDouble(math.Float64frombits(uint64(r.n)))
		}
		if resp3 {
			f, _ := strconv.ParseFloat(text, 64)
			return oneField("double", lua.LNumber(f))
		}
		return e.text(text)
	case kindVerbatim:
		if resp3 {
			v := e.newTable(0, 2)
			v.RawSetString("format", lua.LString("txt"))
			v.RawSetString("string", e.text(r.s))
			return oneField("verbatim_string", v)
		}
		return e.text(r.s)
	}
	return lua.LFalse
}

// text copies a string for Lua.
func (e *engine) text(s string) lua.LString {
	e.made += len(s)
	return lua.LString(strings.Clone(s))
}

func (e *engine) newTable(array, hash int) *lua.LTable {
	e.made += tableBytes + 16*array + 64*hash
	return e.lua.L.CreateTable(array, hash)
}

const tableBytes = 128

// oneField is a table with one field.
func oneField(name string, v lua.LValue) *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	t.RawSetString(name, v)
	return t
}

// setField leaves out what can not be a key.
func setField(t *lua.LTable, key, v lua.LValue) {
	if f, isNumber := key.(lua.LNumber); key != lua.LNil && !(isNumber && math.IsNaN(float64(f))) {
		t.RawSet(key, v)
	}
}

func (e *engine) array(elems []Reply) *lua.LTable {
	t := e.newTable(len(elems), 0)
	for i := range elems {
		t.RawSetInt(i+1, e.value(&elems[i]))
	}
	return t
}

func (e *engine) twos(elems []Reply) *lua.LTable {
	t := e.newTable(len(elems)/2, 0)
	for i := 0; i+1 < len(elems); i += 2 {
		t.RawSetInt(i/2+1, e.array(elems[i:i+2]))
	}
	return t
}

// reply makes a reply of what a script has returned; resp3 is what it has set with redis.setresp.
func (e *engine) reply(v lua.LValue, resp3 bool) Reply {
	c := converter{resp3: resp3}
	reply := c.reply(v, 0)
	if c.size > scriptMemory {
		return errorReply("ERR the script's reply is too large")
	}
	return reply
}

// A converter makes a reply of a Lua value. A table may hold itself, many times: what is made is counted.
type converter struct {
	resp3 bool
	size  int
}

const (
	replyDepth = 128 // of tables in tables; beyond it an error stands in the reply, as in Redis, whose bound is its Lua stack's
	replyCost  = 64  // bytes a reply takes, without its text
)

func (c *converter) reply(v lua.LValue, depth int) Reply {
	if c.size += replyCost; c.size > scriptMemory {
		return replyNull
	}
	switch v := v.(type) {
	case lua.LString:
		c.size += len(v)
		return bulkString(string(v))
	case lua.LNumber:
		return integer(ccast.Int64(float64(v)))
	case lua.LBool:
		switch {
		case c.resp3:
			return Reply{kind: kindBool, n: oneIf(bool(v)).n}
		case bool(v):
			return replyOne
		}
	case *lua.LTable:
		if depth >= replyDepth {
			return errorReply("ERR reached lua stack limit")
		}
		return c.table(v, depth+1)
	}
	return replyNull
}

func (c *converter) table(t *lua.LTable, depth int) Reply {
	if r, special := c.special(t, depth); special {
		return r
	}
	elems := make([]Reply, 0, min(t.Len(), scratchReplies))
	for i := 1; c.size <= scriptMemory; i++ {
		v := t.RawGetInt(i)
		if v == lua.LNil {
			break
		}
		elems = append(elems, c.reply(v, depth))
	}
	return array(elems...)
}

// special is a table that stands for something else than an array.
func (c *converter) special(t *lua.LTable, depth int) (r Reply, special bool) {
	if text, ok := text(t.RawGetString("err")); ok {
		r := errorReply(oneLine(cString(text)))
		if counted, _ := t.RawGetString(countedField).(lua.LBool); bool(counted) {
			r.n = errorCounted
		}
		return r, true
	}
	if text, ok := text(t.RawGetString("ok")); ok {
		return simple(oneLine(cString(text))), true
	}
	if f, ok := t.RawGetString("double").(lua.LNumber); ok {
		return double(float64(f)), true
	}
	if text, ok := text(t.RawGetString("big_number")); ok {
		return Reply{kind: kindBigNumber, s: oneLine(text)}, true
	}
	if v, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok {
		format, hasFormat := text(v.RawGetString("format"))
		body, hasBody := text(v.RawGetString("string"))
		if hasFormat && hasBody {
			c.size += len(body)
			return Reply{kind: kindVerbatim, s: body, n: verbatimFormat(format)}, true
		}
	}
	if m, ok := t.RawGetString("map").(*lua.LTable); ok {
		var elems []Reply
		m.ForEach(func(k, v lua.LValue) {
			if c.size <= scriptMemory {
				elems = append(elems, c.reply(k, depth), c.reply(v, depth))
			}
		})
		return mapOf(elems...), true
	}
	if set, ok := t.RawGetString("set").(*lua.LTable); ok {
		var elems []Reply
		set.ForEach(func(k, _ lua.LValue) {
			if c.size <= scriptMemory {
				elems = append(elems, c.reply(k, depth))
			}
		})
		return setOf(elems...), true
	}
	return Reply{}, false
}

// plainText is tostring, for what is neither table nor function.
func plainText(v lua.LValue) string {
	if n, isNumber := v.(lua.LNumber); isNumber {
		return lualib.FormatNumber(n)
	}
	return v.String()
}

// cString is what C takes for a string: Redis does for statuses and errors.
func cString(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

func text(v lua.LValue) (string, bool) {
	s, ok := v.(lua.LString)
	return string(s), ok
}

package resp

import (
	"math"
	"strconv"
	"strings"

	"diskette/resp/lua"

	"diskette/resp/command"
	"diskette/resp/internal/ccast"
	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
)

// Values go both ways between Lua and the protocol as Redis converts them (script_lua.c):
//
//	protocol > Lua              RESP2                          RESP3, after redis.setresp(3)
//	:1                          number                         number
//	$ bulk                      string                         string
//	+status, -error             {ok = ...}, {err = ...}        the same
//	null                        false                          nil
//	array                       table                          table
//	map, set                    as RESP2 sends them            {map = {...}}, {set = {m = true}}
//	double, verbatim            as RESP2 sends them            {double = n}, {verbatim_string = {...}}
//
//	Lua > protocol: a number is cut to an integer, a table is an array up to its first nil unless it is one of the
//	above, true is 1 and false null (RESP3: booleans), anything else null.

// value makes a Lua value of a command's reply. Strings are copied: the reply may hold the store's.
func (e *engine) value(r *command.Reply) lua.LValue {
	resp3 := e.run.cl.RESP3
	switch r.Kind {
	case command.KindInteger:
		return lua.LNumber(r.N)
	case command.KindBulk, command.KindText, command.KindLent:
		return e.text(r.S)
	case command.KindSimple:
		return status(r.S)
	case command.KindError:
		t := errorTable(r.S)
		if r.N == errorCounted {
			t.RawSetString(countedField, lua.LTrue)
		}
		return t
	case command.KindNull, command.KindNullArray:
		if resp3 {
			return lua.LNil
		}
	case command.KindArray, command.KindPush:
		return e.array(r.Elems)
	case command.KindMap, command.KindMapPairs:
		switch {
		case resp3:
			return oneField("map", e.mapOf(r.Elems))
		case r.Kind == command.KindMap:
			return e.array(r.Elems)
		default:
			return e.twos(r.Elems)
		}
	case command.KindPairs:
		if resp3 {
			return e.twos(r.Elems)
		}
		return e.array(r.Elems)
	case command.KindSet:
		if !resp3 {
			return e.array(r.Elems)
		}
		return oneField("set", e.setOf(r.Elems))
	case command.KindDouble:
		return e.double(r, resp3)
	case command.KindVerbatim:
		if resp3 {
			v := e.newTable(0, 2)
			v.RawSetString("format", lua.LString("txt"))
			v.RawSetString("string", e.text(r.S))
			return oneField("verbatim_string", v)
		}
		return e.text(r.S)
	}
	return lua.LFalse
}

func (e *engine) double(r *command.Reply, resp3 bool) lua.LValue {
	text := r.S
	if text == "" {
		text = numbers.FormatDouble(math.Float64frombits(uint64(r.N)))
	}
	if resp3 {
		f, _ := strconv.ParseFloat(text, 64)
		return oneField("double", lua.LNumber(f))
	}
	return e.text(text)
}

// text copies a string for Lua.
func (e *engine) text(s string) lua.LValue {
	e.made += len(s)
	return lua.CopyString(words.ViewBytes(s))
}

func (e *engine) newTable(array, hash int) *lua.LTable {
	e.made += tableBytes + 16*array + 64*hash
	return e.lua.L.CreateTable(array, hash)
}

const tableBytes = 128

// The names of what statuses and errors are in Lua, and the status that most are.
var okField, errField, textOK lua.LValue = lua.LString("ok"), lua.LString("err"), lua.LString("OK")

// oneField is a table with one field.
func oneField(name string, v lua.LValue) *lua.LTable { return lua.NewField(lua.LString(name), v) }

func status(text string) *lua.LTable {
	if text == "OK" {
		return lua.NewField(okField, textOK)
	}
	return lua.NewField(okField, lua.LString(text))
}

// setField leaves out what can not be a key.
func setField(t *lua.LTable, key, v lua.LValue) {
	if f, isNumber := key.(lua.LNumber); key != lua.LNil && !(isNumber && math.IsNaN(float64(f))) {
		t.RawSet(key, v)
	}
}

func (e *engine) array(elems []command.Reply) *lua.LTable {
	t := e.newTable(len(elems), 0)
	for i := range elems {
		t.RawSetInt(i+1, e.value(&elems[i]))
	}
	return t
}

func (e *engine) mapOf(elems []command.Reply) *lua.LTable {
	m := e.newTable(0, len(elems)/2)
	for i := 0; i+1 < len(elems); i += 2 {
		setField(m, e.value(&elems[i]), e.value(&elems[i+1]))
	}
	return m
}

func (e *engine) setOf(elems []command.Reply) *lua.LTable {
	set := e.newTable(0, len(elems))
	for i := range elems {
		setField(set, e.value(&elems[i]), lua.LTrue)
	}
	return set
}

func (e *engine) twos(elems []command.Reply) *lua.LTable {
	t := e.newTable(len(elems)/2, 0)
	for i := 0; i+1 < len(elems); i += 2 {
		t.RawSetInt(i/2+1, e.array(elems[i:i+2]))
	}
	return t
}

// reply makes a reply of what a script has returned; resp3 is what it has set with redis.setresp.
func (e *engine) reply(v lua.LValue, resp3 bool) command.Reply {
	c := converter{resp3: resp3, most: int(e.srv.scriptMemory())}
	reply := c.reply(v, 0)
	if c.size > c.most {
		return command.ErrorReply("ERR the script's reply is too large")
	}
	return reply
}

// A converter makes a reply of a Lua value. A table may hold itself, many times: what is made is counted.
type converter struct {
	resp3      bool
	size, most int // bytes
}

const (
	// replyDepth is how deep tables may stand in tables. Beyond it an error stands in the reply, as in Redis,
	// whose bound is its Lua stack's.
	replyDepth = 128
	replyCost  = 64 // bytes a reply takes, without its text
)

func (c *converter) reply(v lua.LValue, depth int) command.Reply {
	if c.size += replyCost; c.size > c.most {
		return command.ReplyNull
	}
	switch v := v.(type) {
	case lua.LString:
		c.size += len(v)
		return command.BulkString(string(v))
	case lua.LNumber:
		return command.Integer(ccast.Int64(float64(v)))
	case lua.LBool:
		switch {
		case c.resp3:
			return command.Reply{Kind: command.KindBool, N: command.OneIf(bool(v)).N}
		case bool(v):
			return command.ReplyOne
		}
	case *lua.LTable:
		if depth >= replyDepth {
			return command.ErrorReply("ERR reached lua stack limit")
		}
		return c.table(v, depth+1)
	}
	return command.ReplyNull
}

func (c *converter) table(t *lua.LTable, depth int) command.Reply {
	if r, special := c.special(t, depth); special {
		return r
	}
	elems := make([]command.Reply, 0, min(t.Len(), command.ScratchReplies))
	for i := 1; c.size <= c.most; i++ {
		v := t.RawGetInt(i)
		if v == lua.LNil {
			break
		}
		elems = append(elems, c.reply(v, depth))
	}
	return command.Array(elems...)
}

// special is a table that stands for something else than an array.
func (c *converter) special(t *lua.LTable, depth int) (r command.Reply, special bool) {
	if text, ok := text(t.RawGetString("err")); ok {
		r := command.ErrorReply(command.OneLine(strings.TrimRight(cString(text), "\r\n")))
		if counted, _ := t.RawGetString(countedField).(lua.LBool); bool(counted) {
			r.N = errorCounted
		}
		return r, true
	}
	if text, ok := text(t.RawGetString("ok")); ok {
		return command.Simple(command.OneLine(cString(text))), true
	}
	if f, ok := t.RawGetString("double").(lua.LNumber); ok {
		return command.Double(float64(f)), true
	}
	if text, ok := text(t.RawGetString("big_number")); ok {
		return command.Reply{Kind: command.KindBigNumber, S: command.OneLine(text)}, true
	}
	if v, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok {
		format, hasFormat := text(v.RawGetString("format"))
		body, hasBody := text(v.RawGetString("string"))
		if hasFormat && hasBody {
			c.size += len(body)
			return command.Reply{Kind: command.KindVerbatim, S: body, N: command.VerbatimFormat(format)}, true
		}
	}
	if m, ok := t.RawGetString("map").(*lua.LTable); ok {
		var elems []command.Reply
		for k, v := range m.All() {
			if c.size <= c.most {
				elems = append(elems, c.reply(k, depth), c.reply(v, depth))
			}
		}
		return command.MapOf(elems...), true
	}
	if set, ok := t.RawGetString("set").(*lua.LTable); ok {
		var elems []command.Reply
		for k := range set.All() {
			if c.size <= c.most {
				elems = append(elems, c.reply(k, depth))
			}
		}
		return command.SetOf(elems...), true
	}
	return command.Reply{}, false
}

// plainText is tostring, for what is neither table nor function.
func plainText(v lua.LValue) string {
	if n, isNumber := v.(lua.LNumber); isNumber {
		return lua.FormatNumber(n)
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

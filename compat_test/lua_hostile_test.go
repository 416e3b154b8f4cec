package compat_test

import (
	"strings"
	"testing"
	"time"
)

// hostileScripts want more than they may have. Each must get an error that says these words, and soon.
var hostileScripts = []struct{ name, script, says string }{
	{"memory in a table", "local t = {} for i = 1, 1e9 do t[i] = {i} end", "not enough memory"},
	{"memory in strings", "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 100000) .. i end", "not enough memory"},
	{"memory in one string", "local s = 'x' while true do s = s .. s end", "not enough memory"},
	{"memory in closures", "local t = {} for i = 1, 1e9 do t[i] = function() return t, i end end", "not enough memory"},
	{"memory in coroutines", "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end", "not enough memory"},
	{"memory in commands' arguments", "local t = {} for i = 1, 7000 do t[i] = string.rep('x', 1000000) end return #redis.call('ping', table.concat(t))", "not enough memory"},
	{"memory in commands' replies", "redis.call('set', KEYS[1], string.rep('x', 10000000)) local t = {} for i = 1, 1e6 do t[i] = redis.call('get', KEYS[1]) end", "not enough memory"},
	{"memory that pcall would hide", "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t+1] = {i} end end) end", "not enough memory"},
	{"string.rep", "return string.rep('x', 1e9)", "not enough memory"},
	{"string.rep beyond 64 bits", "return string.rep('xxxxxxxx', 1e30)", ""},
	{"string.format's width", "return #string.format('%99999999d', 1)", "invalid"},
	{"table.concat", "local t = {} for i = 1, 1e6 do t[i] = 'xxxxxxxxxx' end local s = table.concat(t) local u = {} for i = 1, 1000 do u[i] = s end return table.concat(u)", "not enough memory"},
	{"gsub", "return #string.gsub(string.rep('x', 1e6), 'x', string.rep('y', 1e6))", "not enough memory"},
	{"far indexes", "local t = {} t[2^40] = 1 t[4e6] = 1 t[2^22] = 1 return #t", ""},
	{"a recursion", "local function f() return 1 + f() end return f()", "stack overflow"},
	{"a recursion through pcall", "local function f() return pcall(f) end return tostring(f())", ""},
	{"a recursion through pcall that wants more", "local function f() local ok, e = pcall(f) if not ok then error(e) end end f()", ""},
	{"a recursion through metamethods", "local t = {} setmetatable(t, {__index = function(t, k) return t[k + 1] end}) return t[1]", ""},
	{"a recursion through __tostring", "local t = {} setmetatable(t, {__tostring = function(t) return tostring(t) end}) return tostring(t)", ""},
	{"a recursion through gsub", "local function f(s) return (string.gsub(s, '.', f)) end return f('x')", ""},
	{"a recursion through sort", "local function f(a, b) table.sort({3, 2, 1}, f) return a < b end f(1, 2)", ""},
	{"a recursion through coroutines", "local function f() return coroutine.wrap(f)() end return f()", ""},
	{"a recursion through loadstring", "local s = 'return ...' for i = 1, 1000 do s = 'return (function(...) ' .. s .. ' end)(...)' end return loadstring(s)(1)", ""},
	{"a long __index chain", "local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return t.x", ""},
	{"a table that holds itself", "local t = {} t[1] = t return t", ""},
	{"a table that holds itself twice", "local t = {} t[1] = t t[2] = t return t", ""},
	{"a map that holds itself", "local t = {} t.map = {a = t, b = t} return t", ""},
	{"a huge reply", "local s = string.rep('x', 1000000) local t = {} for i = 1, 1000 do t[i] = s end return t", "too large"},
	{"cjson of a table that holds itself", "local t = {} t[1] = t return cjson.encode(t)", "excessive nesting"},
	{"cjson of much", "local s = string.rep('x', 1000000) local t = {} for i = 1, 10000 do t[i] = s end return #cjson.encode(t)", "not enough memory"},
	{"cjson of depth", "cjson.encode_max_depth(1e9) local t = {} t[1] = t return cjson.encode(t)", ""},
	{"cjson's nesting", "cjson.decode_max_depth(1e9) return cjson.decode(string.rep('[', 1e7))", ""},
	{"cjson's sparse arrays", "cjson.encode_sparse_array(true, 1, 1) return #cjson.encode({[1e9] = 1})", ""},
	{"cmsgpack of a table that holds itself", "local t = {} for i = 1, 2 do t[i] = t end return #cmsgpack.pack(t)", ""},
	{"cmsgpack's lengths", "return cmsgpack.unpack('\\221\\255\\255\\255\\255')", ""},
	{"cmsgpack's nesting", "return cmsgpack.unpack(string.rep('\\145', 1e6))", ""},
	{"struct's sizes", "return #struct.pack('c1000000000', 'x')", ""},
	{"struct's formats", "return struct.unpack(string.rep('c0', 1e6), 'x')", ""},
	{"unpack of millions", "return #{unpack({}, 1, 1e8)}", "too many results to unpack"},
	{"unpack of all numbers", "return unpack({}, 1, 2^31 - 1)", "too many results to unpack"},
	{"string.byte of millions", "return #{string.byte(string.rep('x', 1e8), 1, -1)}", ""},
	{"string.char of many", "return string.char(unpack({}, 1, 1e7))", ""},
	{"select of many", "return select(-1, unpack({}, 1, 7999999))", ""},
	{"a hundred thousand parentheses", "return " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000), "compiling"},
	{"a hundred thousand braces", "return " + strings.Repeat("{", 100_000) + strings.Repeat("}", 100_000), "compiling"},
	{"a hundred thousand functions", "return " + strings.Repeat("function() return ", 100_000) + strings.Repeat(" end", 100_000), "compiling"},
	{"a hundred thousand ifs", strings.Repeat("if x then ", 100_000) + strings.Repeat(" end", 100_000), "compiling"},
	{"a hundred thousand operators", "return " + strings.Repeat("- ", 100_000) + "1", "compiling"},
	{"a hundred thousand powers", "return 1" + strings.Repeat("^1", 100_000), "compiling"},
	{"a hundred thousand concatenations", "return 1" + strings.Repeat("..1", 100_000), "compiling"},
	{"a hundred thousand calls", "return redis" + strings.Repeat("()", 100_000), ""},
	{"a hundred thousand locals", strings.Repeat("local a ", 100_000), "compiling"},
	{"a hundred thousand loaded parentheses", "return loadstring('return ' .. string.rep('(', 100000))()", ""},
	{"commands without end", "for i = 1, 1e9 do redis.call('rpush', KEYS[1], string.rep('x', 1000000)) end", "changed too much"},
}

// endlessScripts would go on for ever: SCRIPT KILL ends them.
var endlessScripts = []struct{ name, script string }{
	{"a pattern", "return string.find(string.rep('a', 1e5), string.rep('.-', 50) .. 'b')"},
	{"a pattern without loops of its own", "return string.find(string.rep('a', 1e7), string.rep('a?', 30) .. string.rep('a', 1e5) .. 'b')"},
	{"a plain find", "local s = string.rep('a', 1e7) while true do string.find(s, string.rep('a', 1000) .. 'b', 1, true) end"},
	{"gsub", "while true do string.gsub(string.rep('a', 1e6), 'a', 'b') end"},
	{"a sort", "local t = {} for i = 1, 1e6 do t[i] = i % 7 end while true do table.sort(t) end"},
	{"cjson", "local t = {} for i = 1, 1e5 do t[i] = {i} end while true do cjson.decode(cjson.encode(t)) end"},
	{"cmsgpack of a table that holds itself", "local t = {} for i = 1, 100 do t[i] = t end return cmsgpack.pack(t)"},
	{"cmsgpack", "local t = {} for i = 1, 1e5 do t[i] = {i} end while true do cmsgpack.unpack(cmsgpack.pack(t)) end"},
	{"concat", "local t = {} for i = 1, 1e5 do t[i] = 'x' end while true do table.concat(t) end"},
	{"commands", "while true do redis.call('ping') end"},
	{"sha1", "local s = string.rep('x', 1e7) while true do redis.sha1hex(s) end"},
	{"a chain of metatables", "local t = {} setmetatable(t, {__index = function() return nil end}) while true do local x = t.x end"},
	{"unpack", "local t = {} for i = 1, 7000 do t[i] = i end while true do select('#', unpack(t)) end"},
	{"loadstring", "while true do loadstring('return ' .. string.rep('{', 100) .. string.rep('}', 100)) end"},
	{"table.insert", "local t = {} while true do table.insert(t, 1, 'x') end"},
	{"slow commands", "while true do redis.call('sort_ro', KEYS[1], 'alpha') end"},
	{"repetitions", "while true do string.rep('xy', 1e6) end"},
	{"errors", "while true do pcall(error, 'x') end"},
}

func TestAScriptThatWantsTooMuchGetsAnErrorAndTheServerGoesOn(t *testing.T) {
	s := startPrey(t, "", "--busy-reply-threshold", "60000", "--maxmemory", "256mb")
	for _, h := range hostileScripts {
		t.Run(h.name, func(t *testing.T) {
			c, other := dial(t, s.Addr), dial(t, s.Addr)
			before := cpuTicks(t, s)
			c.Send("EVAL", h.script, 1, "doomed")
			v, err := c.read(5 * time.Minute)
			if err != nil {
				t.Fatalf("%v\n%s", err, s.Log.tail())
			}
			if h.says != "" && !strings.Contains(v.text, h.says) {
				t.Errorf("the reply is %.200s, should say %q", v, h.says)
			}
			if ticks := cpuTicks(t, s) - before; ticks > 4000 {
				t.Errorf("that took %d s of processor time", ticks/100)
			}
			says(t, other, "1", "EVAL", "return 1", 0)
			other.Do("DEL", "doomed")
		})
	}
	stillWell(t, s, "", 1500<<20)
	c := dial(t, s.Addr)
	await(t, "the memory is back", func() bool {
		c.Do("MEMORY", "PURGE")
		return s.memoryLine("VmRSS") < 160<<20
	})
}

func TestAScriptThatGoesOnForEverIsKilledWhereverItIs(t *testing.T) {
	s := startPrey(t, "", "--busy-reply-threshold", "100")
	c := dial(t, s.Addr)
	says(t, c, "200000", "EVAL", "for i = 1, 2e5 do redis.call('rpush', KEYS[1], i % 7) end return redis.call('llen', KEYS[1])", 1, "doomed")
	for _, e := range endlessScripts {
		t.Run(e.name, func(t *testing.T) {
			running := runEndless(t, s, "EVAL", e.script, 1, "doomed")
			says(t, dial(t, s.Addr), "OK", "SCRIPT", "KILL")
			before := cpuTicks(t, s)
			mentions(t, running.Receive().text, "Script killed by user")
			if ticks := cpuTicks(t, s) - before; ticks > 1000 {
				t.Errorf("the end took %d s of processor time", ticks/100)
			}
		})
	}
	says(t, c, "1", "DEL", "doomed")
	stillWell(t, s, "", 600<<20)
}

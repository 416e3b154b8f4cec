package lualib

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"diskette/resp/lua"
)

// run runs a script in a state of its own.
func run(t testing.TB, source string, l Limits) ([]lua.LValue, error) {
	t.Helper()
	code, err := Compile(source, "user_script")
	if err != nil {
		return nil, err
	}
	s := New(l)
	s.Reset()
	return s.Call(s.Bind(code))
}

func TestGreedyScriptsEndInAnError(t *testing.T) {
	for name, source := range map[string]string{
		"a string doubled": `local x = "x" while true do x = x .. x end`,
		"strings kept":     `local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1000) .. i end`,
		"strings kept, and errors caught": `local t = {}
			while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = ("x"):rep(1000) .. i end end) end`,
		"a string doubled by gsub":   `local x = "xx" while true do x = x:gsub("x", "%0%0") end`,
		"a string doubled by concat": `local x = "x" while true do x = table.concat({x, x}) end`,
		"a string doubled by format": `local x = "x" while true do x = ("%s%s"):format(x, x) end`,
		"a string doubled by rep":    `local x = "x" while true do x = x:rep(2) end`,
		"a long rep":                 `return ("x"):rep(1e9)`,
		"a table filled":             `local t = {} for i = 1, 1e9 do t[i] = i + 0.5 end`,
		"a table appended to":        `local t = {} for i = 1, 1e9 do t[#t + 1] = i + 0.5 end`,
		"a table of names":           `local t = {} for i = 1, 1e9 do t["k" .. i] = i end`,
		"tables in tables":           `local t = {} while true do t = {t, {}, {}} end`,
		"far indexes":                `local a = {} for i = 1, 1e9 do local t = {} t[4000000] = 1 a[#a + 1] = t end`,
		"closures kept":              `local t = {} while true do local x = {} t[#t + 1] = function() return x end end`,
		"coroutines kept": `local t = {}
			while true do local co = coroutine.wrap(function() coroutine.yield() end) co() t[#t + 1] = co end`,
		"JSON of a table that shares": `local t = {("x"):rep(1e4)}
			for i = 1, 60 do t = {t, t} end return cjson.encode(t)`,
		"MessagePack of a table that shares": `local t = {("x"):rep(1e6)}
			for i = 1, 8 do t = {t, t, t, t} end return cmsgpack.pack(t)`,
		"decoding much": `local t = {} local s = "[" .. ("{},"):rep(1e5) .. "1]"
			while true do t[#t + 1] = cjson.decode(s) end`,
		"code kept": `local t = {} local s = ("local x = {} "):rep(100)
			while true do t[#t + 1] = loadstring(s) end`,
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := run(t, "local keep = {} "+source, Limits{Memory: 16 << 20, Tick: func() error {
				if time.Since(began) > 5*time.Minute {
					return errors.New("too slow")
				}
				return nil
			}})
			if err == nil || !strings.Contains(err.Error(), "not enough memory") {
				t.Errorf("%v, after %v", err, time.Since(began))
			}
			t.Logf("%v", time.Since(began))
			runtime.GC()
		})
	}
}

func TestFarIndexesTakeNoMoreMemoryThanNearOnes(t *testing.T) {
	for _, source := range []string{
		"local t = {} t[2^40] = 1 t[4e6] = 1 t[2^22] = 1 keep[#keep + 1] = t",
		"keep[#keep + 1] = {[4e6] = 1}",
		"keep[#keep + 1] = rawset({}, 4e6, 1)",
		"local t = {} table.insert(t, 4e6, 1) keep[#keep + 1] = t",
	} {
		_, err := run(t, "local keep = {} for i = 1, 1e4 do "+source+" end return #keep", Limits{Memory: 16 << 20})
		if err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestGarbageIsNotHeldAgainstAScript(t *testing.T) {
	_, err := run(t, `for i = 1, 3000 do
		local s = ("x"):rep(100000) .. i
		local t = {} for j = 1, 100 do t[j] = j end
	end`, Limits{Memory: 32 << 20})
	if err != nil {
		t.Error(err)
	}
}

func TestDeepScriptsEndInAnError(t *testing.T) {
	for name, source := range map[string]string{
		"recursion":      `local function f() return 1 + f() end f()`,
		"pcall in pcall": `local function f() local ok, e = pcall(f) if not ok then error(e) end end f()`,
		"xpcall in xpcall": `local function f() local ok, e = xpcall(f, function(m) return m end)
			if not ok then error(e) end end f()`,
		"a metamethod of itself": `local t = setmetatable({}, {})
			getmetatable(t).__index = function(t, k) return t[k .. "x"] end return t.x`,
		"__add of itself": `local t = setmetatable({}, {})
			getmetatable(t).__add = function(a, b) return a + b end return t + t`,
		"__concat of itself": `local t = setmetatable({}, {})
			getmetatable(t).__concat = function(a, b) return a .. b end return t .. t`,
		"__call of itself": `local t = setmetatable({}, {})
			getmetatable(t).__call = function(a) return 1 + a() end return t()`,
		"__call of a chain": `local t = {} for i = 1, 300 do t = setmetatable({}, {__call = t}) end return t()`,
		"__tostring of itself": `local t = setmetatable({}, {})
			getmetatable(t).__tostring = function(a) return tostring(a) end return tostring(t)`,
		"coroutines in coroutines": `local function f() local ok, e = coroutine.resume(coroutine.create(f))
			if not ok then error(e) end end f()`,
		"metamethods in coroutines, deeply": `local function deep(n)
				local t = setmetatable({}, {}) local d = 0
				getmetatable(t).__index = function(t, k)
					d = d + 1 if d > 1500 then return coroutine.wrap(deep)(n + 1) end
					return t[k]
				end
				return t.x
			end
			deep(1)`,
		"gsub in gsub":       `local function f() return (("x"):gsub("x", f)) end f()`,
		"sort in sort":       `local function f() table.sort({1, 2, 3}, f) return true end f()`,
		"a deep pattern":     `return ("a"):rep(1e5):match(("a?"):rep(50000) .. "b")`,
		"a deep capture":     `return ("a"):rep(300000):match("(.-)b" .. ("(.-)"):rep(40))`,
		"deep JSON":          `return cjson.decode(("["):rep(1e6))`,
		"deep JSON, allowed": `local c = cjson.new() c.decode_max_depth(2^30) return c.decode(("["):rep(1e6))`,
		"deep tables as JSON, allowed": `local c = cjson.new() c.encode_max_depth(2^30)
			local t = {} for i = 1, 2e5 do t = {t} end return c.encode(t)`,
		"deep MessagePack":             `return cmsgpack.unpack(("\145"):rep(1e6))`,
		"unpack of much":               `return unpack({}, 1, 1e8)`,
		"many varargs":                 `local function f(...) return f(1, ...) end f()`,
		"string.byte of much":          `return ("x"):rep(1e6):byte(1, -1)`,
		"an error in an error handler": `local function h() error("x", h()) end local ok, e = xpcall(error, h) error(e)`,
		"__index chains": `local t = {}
			for i = 1, 200 do t = setmetatable({}, {__index = t}) end return t.x + 1`,
		"tostring that is called by sorting": `local mt = {} mt.__lt = function(a, b) return a < b end
			local a, b = setmetatable({}, mt), setmetatable({}, mt) table.sort({a, b})`,
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := run(t, source, Limits{Memory: 256 << 20, Tick: func() error {
				if time.Since(began) > 3*time.Second {
					return errors.New("it can be ended, at least")
				}
				return nil
			}})
			if err == nil || time.Since(began) > time.Minute {
				t.Errorf("%v, after %v", err, time.Since(began))
			}
			if err != nil && strings.Contains(err.Error(), "runtime error") {
				t.Errorf("%v", err)
			}
			t.Logf("%.100v, after %v", err, time.Since(began))
		})
	}
}

func TestSourceThatIsDeepOrHugeIsRefused(t *testing.T) {
	const n = 100000
	for name, source := range map[string]string{
		"parentheses": "return " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"braces":      "return " + strings.Repeat("{", n) + strings.Repeat("}", n),
		"functions":   strings.Repeat("local function f() ", n) + strings.Repeat("end ", n),
		"blocks":      strings.Repeat("do ", n) + strings.Repeat("end ", n),
		"not":         "return " + strings.Repeat("not ", n) + "1",
		"minus":       "return " + strings.Repeat("- ", n) + "1",
		"joins":       "return 1" + strings.Repeat(" ..1", n),
		"powers":      "return 1" + strings.Repeat("^1", n),
		"indexes":     "local a return " + strings.Repeat("a[", n) + "1" + strings.Repeat("]", n),
		"elseifs":     "if x then " + strings.Repeat("elseif x then ", n) + "end",
		"names":       "local a1" + strings.Repeat(",a", n) + " = 1",
		"targets":     "local t t.a" + strings.Repeat(",t.a", n) + " = 1",
		"bytes":       strings.Repeat(" ", maxSource+1),
	} {
		began := time.Now()
		_, err := Compile(source, "user_script")
		if err == nil || time.Since(began) > time.Minute {
			t.Errorf("%s: %v, after %v", name, err, time.Since(began))
		}
	}
}

func TestNoPcallCatchesTheEndThatTickWants(t *testing.T) {
	stop := errors.New("Script killed by user with SCRIPT KILL...")
	for _, source := range []string{
		`while true do end`,
		`while true do pcall(function() while true do end end) end`,
		`while true do xpcall(function() while true do end end, function() while true do end end) end`,
		`repeat until false`,
		`for i = 1, math.huge do end`,
		`for k in function() return 1 end do end`,
		`local function f() return f() end f()`,
		`local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end fib(60)`,
		`while true do coroutine.wrap(function() while true do coroutine.yield() end end)() end`,
		`while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
		`local co = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) while true do pcall(co) end`,
		`return ("a"):rep(40):match(("a*"):rep(20) .. "b")`,
		`return ("a"):rep(1e6):find(".-.-.-b")`,
		`local t = setmetatable({}, {__index = function(t, k) return t[k - 1] + t[k - 2] end})
			t[1] = 1 t[2] = 1 return t[60]`,
		`local t = {} for i = 1, 200 do t[i] = i end while true do table.sort(t, function(a, b) return a < b end) end`,
		`while true do ("x"):gsub("x", function() while true do end end) end`,
		`table.insert({}, -2^31, 1)`,
	} {
		began := time.Now()
		calls := 0 // since it is to end
		_, err := run(t, source, Limits{Memory: 256 << 20, Tick: func() error {
			if time.Since(began) > 100*time.Millisecond {
				calls++
				return stop
			}
			return nil
		}})
		if err == nil || err.Error() != stop.Error() {
			t.Errorf("%s: %v, after %v and %d calls", source, err, time.Since(began), calls)
		}
		if took := time.Since(began); took > time.Minute || calls > 1000 {
			t.Errorf("%s: ended after %v and %d calls", source, took, calls)
		}
	}
}

func TestAStateWorksAfterAnEnd(t *testing.T) {
	s := New(Limits{Tick: func() error { return errors.New("stop") }})
	endless, _ := Compile(`pcall(function() while true do end end)`, "user_script")
	sum, _ := Compile(`return 1 + 1`, "user_script")
	for range 3 {
		s.Reset()
		if _, err := s.Call(s.Bind(endless)); err == nil || s.Ended() == nil {
			t.Fatal("it ran to its end")
		}
		s.Reset()
		if out, err := s.Call(s.Bind(sum)); err != nil || out[0] != lua.LNumber(2) || s.L.GetTop() != 0 {
			t.Fatal(out, err, s.L.GetTop())
		}
	}
}

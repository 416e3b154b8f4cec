package lua

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// results runs a chunk without libraries and shows what it returns.
func results(t *testing.T, source string) string {
	t.Helper()
	p, err := Compile(source, "chunk")
	if err != nil {
		return err.Error()
	}
	L := NewState()
	L.G.Global.RawSetString("next", L.NewFunction(func(L *LState) int {
		k, v, _ := L.Get(1).(*LTable).Next(L.Get(2))
		L.Push(k)
		L.Push(v)
		return 2
	}))
	L.Push(L.Bind(p))
	if failure := L.PCall(0, MultRet, nil); failure != nil {
		return failure.String()
	}
	var out []string
	for i := 1; i <= L.GetTop(); i++ {
		out = append(out, L.Get(i).String())
	}
	return strings.Join(out, " ")
}

// TestTablesHaveTheBordersAndTheOrderThatTheyHaveInC has what redis-server 7.0.15 says of the same chunks.
func TestTablesHaveTheBordersAndTheOrderThatTheyHaveInC(t *testing.T) {
	const keys = " local s = '' for k in next, t do s = s .. k .. ' ' end return s .. #t"
	for source, want := range map[string]string{
		"local t = {} t[5] = 1 return #t":                                "0",
		"return #{nil, nil, 3}":                                          "3",
		"return #{1, 2, nil}":                                            "2",
		"return #{1, nil, 3, nil}":                                       "1",
		"local t = {1, 2, 3} t[2] = nil return #t":                       "3",
		"local t = {1, 2, 3} t[3] = nil return #t":                       "2",
		"local t = {} for i = 1, 8 do t[i] = i end t[8] = nil return #t": "7",
		"local t = {} t[4] = 1 t[2] = 1 t[1] = 1" + keys:                 "1 2 4 4",
		"local t = {} t[2] = 'b' t[#t + 1] = 'a'" + keys:                 "1 2 2",
		"local t = {x = 1, y = 2, z = 3, [1] = 4}" + keys:                "y x 1 z 1",
		"local t = {a = 1, b = 2, c = 3} t.d = 4 t.b = nil" + keys:       "a d c 0",
		"local t = {1, 2, 3, n = 3, [0] = 0, [2.5] = 1}" + keys:          "1 2 3 0 2.5 n 3",
	} {
		if got := results(t, source); got != want {
			t.Errorf("%s: %s, not %s", source, got, want)
		}
	}
}

func TestNumbersDoAsInC(t *testing.T) {
	for source, want := range map[string]string{
		"return 1 % 0.1":                                          "0",
		"return -5 % 3, 5 % -3, 5.5 % 2":                          "1 -1 1.5",
		"return 2^53 % 3, 1e300 % 7":                              "2 0",
		"return -2^2, 2^-1, 100^100, -8^(1/3)":                    "-4 0.5 1e+200 -2",
		"return 0x10, 1e2, .5, 0xffffffffff":                      "16 100 0.5 1099511627775",
		"return '10' + 5, -'3', '0x10' * 1":                       "15 -3 16",
		"return 0, -0":                                            "0 0",
		"return -0, 0":                                            "-0 -0",
		"local n = 0 for i = 0, 1, 0.1 do n = n + 1 end return n": "11",
		"local n = 0 for i = '1', '3' do n = n + i end return n":  "6",
	} {
		if got := results(t, source); got != want {
			t.Errorf("%s: %s, not %s", source, got, want)
		}
	}
}

func TestErrorsNameLineAndValue(t *testing.T) {
	for source, want := range map[string]string{
		"local x\nreturn x.y":       "chunk:2: attempt to index local 'x' (a nil value)",
		"local t = {} return t.a.b": "chunk:1: attempt to index field 'a' (a nil value)",
		"local t = {} t:m()":        "chunk:1: attempt to call method 'm' (a nil value)",
		"local x local function f() return x + 1 end return (f())": "chunk:1: attempt to perform arithmetic on upvalue 'x' (a nil value)",
		"f()":                     "chunk:1: attempt to call global 'f' (a nil value)",
		"return 1 .. {}":          "chunk:1: attempt to concatenate a table value",
		"return {} < 1":           "chunk:1: attempt to compare table with number",
		"local t = {} t[nil] = 1": "chunk:1: table index is nil",
		"local t = {} t[0/0] = 1": "chunk:1: table index is NaN",
		"for i = 1, {} do end":    "chunk:1: 'for' limit must be a number",
		"local function f() return f() + 1 end return (f())": "chunk:1: stack overflow",
		"x = = 1":  "chunk:1: unexpected symbol near '='",
		"return '": "chunk:1: unfinished string near '<eof>'",
		"x\x00":    "chunk:1: '=' expected",
		"x\x01":    "chunk:1: '=' expected near 'char(1)'",
	} {
		if got := results(t, source); got != want {
			t.Errorf("%s: %s, not %s", source, got, want)
		}
	}
}

func TestLongConstructorsAndChainsCompile(t *testing.T) {
	for source, want := range map[string]string{
		"local t = {" + strings.Repeat("7,", 60000) + "8} return #t, t[60001]":                         "60001 8",
		"local function f() return 1, 2 end local t = {" + strings.Repeat("7,", 50) + "f()} return #t": "52",
		"local x = 1 if x == 2 then " + strings.Repeat("elseif x == 3 then ", 2000) + "end return x":   "1",
		"return 1" + strings.Repeat("+1", 50000):                                                       "50001",
	} {
		if got := results(t, source); got != want {
			t.Errorf("%.60s: %s, not %s", source, got, want)
		}
	}
}

func TestEveryLoopCountsItsTurns(t *testing.T) {
	for _, source := range []string{
		"while true do end", "repeat until false", "for i = 1, 1e308 do end", "local x = 1 repeat until x == 2",
		"local x repeat until x",
		"for _ in function() return 1 end do end", "local function f() return f() end f()",
		"local x repeat local y = x until y and x",
	} {
		p, err := Compile(source, "chunk")
		if err != nil {
			t.Fatal(err)
		}
		L := NewState()
		L.G.Ticks = 1000
		L.G.Tick = func(L *LState) { L.Error(LString("enough")) }
		L.Push(L.Bind(p))
		if failure := L.PCall(0, 0, nil); failure != LValue(LString("enough")) {
			t.Errorf("%s: %v", source, failure)
		}
	}
}

func TestOtherPanicsGoThrough(t *testing.T) {
	fault := errors.New("a fault")
	L := NewState()
	L.Push(L.NewFunction(func(*LState) int { panic(fault) }))
	defer func() {
		if r := recover(); r != any(fault) {
			t.Errorf("%v", r)
		}
		L.Reset()
		if L.GetTop() != 0 {
			t.Error("the stack is not empty")
		}
	}()
	L.PCall(0, 0, nil)
	t.Error("it was caught")
}

// TestATableHoldsWhatAMapHolds changes a table and a map in the same ways, and looks at both.
func TestATableHoldsWhatAMapHolds(t *testing.T) {
	for seed := range 200 {
		table, model := &LTable{}, map[LValue]LValue{}
		n := uint32(seed*7919 + 1)
		random := func(limit uint32) uint32 {
			n = n*1664525 + 1013904223
			return n >> 8 % limit
		}
		for range 500 {
			var key LValue = LNumber(random(40))
			switch random(4) {
			case 0:
				key = LString(fmt.Sprint("k", random(30)))
			case 1:
				key = LNumber(random(10)) / 2
			}
			if random(3) == 0 {
				table.RawSet(key, LNil)
				delete(model, key)
			} else {
				table.RawSet(key, LNumber(random(100)))
				model[key] = table.RawGet(key)
			}
		}
		seen := 0
		for k, v := range table.All() {
			if seen++; model[k] != v {
				t.Fatalf("seed %d: %v is %v, not %v", seed, k, v, model[k])
			}
		}
		if seen != len(model) {
			t.Fatalf("seed %d: %d fields, not %d", seed, seen, len(model))
		}
		if border := table.Len(); border > 0 && isNil(table.RawGetInt(border)) || !isNil(table.RawGetInt(border+1)) {
			t.Fatalf("seed %d: %d is no border", seed, border)
		}
	}
}

// Tables that are made in one piece of memory are those that grow step by step: of the same parts, then and later.
func TestTablesInOnePieceAreLikeOthers(t *testing.T) {
	for n := range 7 {
		texts := make([][]byte, n)
		grown := newTable(n, 0)
		for i := range texts {
			texts[i] = []byte(strings.Repeat("x", i*9))
			grown.RawSetInt(i+1, LString(texts[i]))
		}
		same(t, NewStrings(texts), grown)
	}
	for _, name := range []LValue{LString("ok"), LString("verbatim_string"), LString("")} {
		grown := newTable(0, 0)
		grown.RawSet(name, LString("OK"))
		same(t, NewField(name, LString("OK")), grown)
	}
}

// same compares two tables, also while both get more fields.
func same(t *testing.T, a, b *LTable) {
	t.Helper()
	for i := range 20 {
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("after %d fields more:\n%#v\n%#v", i, a, b)
		}
		if i%3 == 0 {
			a.Append(LNumber(i))
			b.Append(LNumber(i))
		} else {
			a.RawSetString(fmt.Sprint("field", i), LNumber(i))
			b.RawSetString(fmt.Sprint("field", i), LNumber(i))
		}
	}
}

// The copy of a text is as long as it, and has nothing in common with it.
func TestACopyOfATextIsAnother(t *testing.T) {
	for n := range 100 {
		text := []byte(strings.Repeat("a", n))
		v := CopyString(text)
		clear(text)
		runtime.GC()
		if want := strings.Repeat("a", n); !RawEqual(v, LString(want)) || v.Type() != LTString || v.String() != want {
			t.Fatalf("%q, not %q", v.String(), want)
		}
	}
}

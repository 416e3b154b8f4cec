package lualib

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// An author writes random Lua: expressions over all types, and small programs of them. Much of it fails, which is
// compared too, since Lua's errors name the line and the variable. Nothing in it depends on addresses: a key is never a
// table or a function.
type author struct {
	rand  *rand.Rand
	lines []string
	loops int
}

func (a *author) pick(choices ...string) string { return choices[a.rand.IntN(len(choices))] }

func (a *author) chance(oneIn int) bool { return a.rand.IntN(oneIn) == 0 }

// program is a chunk. The driver gives it two tables, and shows what is in them afterwards.
func (a *author) program() string {
	a.lines = []string{
		"local t, u, k, tame = ...",
		"local a, b, c, d, e = " + a.number() + ", " + a.text() + ", {" + a.items(1) + "}, nil, " + a.pick("true",
			"false", "0", "'5'"),
		"local function f(x, ...) return x, ... end",
	}
	for range a.rand.IntN(6) {
		a.statement(2)
	}
	results := []string{a.value(3)}
	for range a.rand.IntN(3) {
		results = append(results, a.value(2))
	}
	a.add("return %s", strings.Join(results, ", "))
	separator := "\n"
	if a.chance(4) {
		separator = " "
	}
	return strings.Join(a.lines, separator)
}

func (a *author) add(format string, args ...any) {
	a.lines = append(a.lines, fmt.Sprintf(format, args...))
}

// broken is a program that has lost, doubled or exchanged a few of its words.
func (a *author) broken() string {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", "{", " { ", "}", " } ", ",",
		" , ").Replace(a.program()))
	for range 1 + a.rand.IntN(3) {
		i, j := a.rand.IntN(len(words)), a.rand.IntN(len(words))
		switch a.rand.IntN(4) {
		case 0:
			words = append(words[:i], words[i+1:]...)
		case 1:
			words[i] = words[j]
		case 2:
			words[i] += " " + words[j]
		case 3:
			words[i] = a.pick("end", "do", "[[", "]]", "'", "\"\\q\"", "=", "==", "~", "..", "...", "0x", "1e", "1..2",
				"3x", "--", "--[[", "[=[", "@", "!", "goto", "\\", "'a\nb'", "\\300", "'\\300'", "break", "return", ";",
				":", "function", "then")
		}
		if len(words) == 0 {
			return ""
		}
	}
	return strings.Join(words, a.pick(" ", " ", "\n"))
}

func (a *author) block(depth int, head, tail string) {
	a.add("%s", head)
	for range a.rand.IntN(3) {
		a.statement(depth - 1)
	}
	a.add("%s", tail)
}

func (a *author) table() string { return a.pick("t", "t", "u", "c") }

func (a *author) index() string {
	return a.pick("1", "2", "3", "4", "5", "6", "7", "8", "9", "16", "17", "0", "-1", "1.5", "100", "'n'", "'x'",
		"'key'", "true", "false", "2^31", "2^53", "1e300", "-0", "'1'",
		"k("+a.value(1)+")", "k("+a.value(1)+")", "#t", "#t + 1", "#u + 1")
}

func (a *author) statement(depth int) {
	n := a.rand.IntN(28)
	if depth <= 0 {
		n %= 14
	}
	switch n {
	case 0, 1:
		a.add("%s[%s] = %s", a.table(), a.index(), a.value(2))
	case 2:
		a.add("%s[%s] = nil", a.table(), a.index())
	case 3:
		a.add("%s.%s = %s", a.table(), a.pick("n", "x", "y", "z", "key", "another"), a.value(2))
	case 4:
		a.add("table.insert(%s, (%s))", a.table(), a.value(1))
	case 5:
		a.add("table.insert(%s, %s, (%s))", a.table(), a.pick("1", "2", "3", "5", "0", "#t", "#u + 1", "-1"), a.value(1))
	case 6:
		a.add("table.remove(%s%s)", a.table(), a.pick("", "", ", 1", ", 2", ", 4"))
	case 7:
		a.add("%s = {%s}", a.pick("t", "u", "c", "d"), a.items(2))
	case 8:
		a.add("%s = %s", a.variable(), a.value(3))
	case 9:
		a.add("%s, %s = %s, %s", a.target(), a.target(), a.value(2), a.value(2))
	case 10:
		a.add("local %s = %s", a.pick("a, b", "d", "e, a, d", "c"), a.pick(a.value(2), a.value(1)+", "+a.value(1),
			"f("+a.value(1)+", "+a.value(1)+")"))
	case 11:
		a.add("%s", a.call(2))
	case 12:
		a.add("for i = %s, %s do %s[i] = %s end", a.pick("1", "0", "2", "-1"), a.pick("3", "4", "7", "8", "9", "17",
			"33"), a.table(), a.pick("i", "nil", "-i", "i * 0.5", "a", "tostring(i)", "i % 2 == 0 and i or nil"))
	case 13:
		a.add("for i = %s, %s, %s do %s[#%[4]s + 1] = i end", a.pick("1", "0", "0.1", "10", "'1'", "nil"), a.pick("3",
			"2", "0.5", "1", "'3'", "-1"), a.pick("1", "0.1", "0.25", "-1", "'2'", "0.3", "2"), a.table())
	case 14:
		a.block(depth, "if "+a.value(2)+" then", "end")
	case 15:
		a.block(depth, "if "+a.value(2)+" then "+a.pick("a",
			"b")+" = "+a.value(1)+" elseif "+a.value(1)+" then d = "+a.value(1)+" else", "end")
	case 16:
		a.loops++
		a.block(depth, fmt.Sprintf("local n%d = 0 while n%[1]d < 5 and %s do n%[1]d = n%[1]d + 1", a.loops, a.value(1)),
			"end")
	case 17:
		a.loops++
		a.block(depth, fmt.Sprintf("local n%d = 0 repeat n%[1]d = n%[1]d + 1 local z = %s",
			a.loops, a.value(1)), fmt.Sprintf("until n%d > 3 or z", a.loops))
	case 18:
		a.loops++ // a loop that adds fields may never end
		a.block(depth, fmt.Sprintf("local n%d = 0 for i, v in %s(%s) do n%[1]d = n%[1]d + 1 if n%[1]d > 9 then break end",
			a.loops, a.pick("pairs", "ipairs"), a.table()), "end")
	case 19:
		a.block(depth, "for i = 1, 3 do if i == 2 then "+a.pick("break", "d = i", "a = function() return i end")+" end",
			"end")
	case 20:
		a.block(depth, "do local a, b = b, a", "end")
	case 21:
		a.block(depth, "pcall(function()", "end)")
	case 22:
		a.block(depth, "local function g(x, ...) "+a.pick("local y = ...", "x = x", "a = x", "d = {...}", "d = arg"),
			"return "+a.value(1)+" end")
		a.add("%s = g(%s, %s)", a.pick("a", "b", "d"), a.value(1), a.value(1))
	case 23:
		a.add("setmetatable(%s, {__%s = %s})", a.table(), a.pick("index", "newindex", "add", "sub", "mul", "div", "mod",
			"pow", "unm", "concat", "len", "eq", "lt", "le", "call", "tostring", "metatable"),
			a.pick("function(x, y) return "+a.value(0)+" end", "function(x, y, z) rawset(x, k(y), z) end", "{n = 5}",
				"c", "f", "u", "print", "1"))
	case 24:
		a.block(depth, "local co = coroutine.wrap(function(x)",
			"coroutine.yield("+a.value(1)+") return "+a.value(1)+" end)")
		a.add("a, b = co(%s), co()", a.value(1))
	case 25:
		a.add("d, e = pcall(function() %s end)", a.pick("error("+a.value(1)+a.pick("", ", 0", ", 1", ", 2")+")",
			"return "+a.value(2), "local x = "+a.value(2)+" return x.y.z", "assert("+a.value(1)+", "+a.value(1)+")"))
	case 26:
		a.add("function %s(x) return %s end", a.pick("t.n", "u.x.y", "t:m", "c.key"), a.value(1))
	case 27:
		a.add("local function up() %s = %s return %s end d = up()", a.pick("a", "b", "t.x"), a.value(1), a.variable())
	}
}

func (a *author) variable() string { return a.pick("a", "b", "c", "d", "e", "a", "b", "t", "u") }

func (a *author) target() string {
	return a.pick("a", "b", "d", "e", "t["+a.index()+"]", "u.n", "c[a]", "t[#t + 1]")
}

// items are a table constructor's.
func (a *author) items(depth int) string {
	var out []string
	for range a.rand.IntN(6) {
		switch a.rand.IntN(9) {
		case 0:
			out = append(out, "nil")
		case 1:
			out = append(out, a.pick("n", "x", "key", "y")+" = "+a.value(depth-1))
		case 2:
			out = append(out, "["+a.pick("1", "2", "3", "4", "'n'", "1.5", "true", "-1", "10")+"] = "+a.value(depth-1))
		case 3:
			out = append(out, a.pick("nil, nil, 3", "1, nil", "nil", "1, 2, 3, 4, 5", "f", "{}", "'s'"))
		default:
			out = append(out, a.value(depth-1))
		}
	}
	if a.chance(6) {
		out = append(out, a.pick("unpack({1, 2, 3})", "...", "f(1, nil, 3)", "unpack({1, nil, 3}, 1, 3)", "f()"))
	}
	return strings.Join(out, a.pick(", ", ", ", "; "))
}

func (a *author) number() string {
	return a.pick("0", "1", "2", "3", "-1", "0.1", "0.5", "2.5", "10", "100", "-7", "1e15", "1e17", "2^53", "2^31",
		"1e100", "1e308", "5e-324", "0x10", "0xffffffffff", "1/0", "-1/0", "(0/0)",
		".5", "3.", "1e-5", "123456789012", "-0", "1e16", "123456.789", "255", "1e14", "0.30000000000000004", "1/3",
		"4294967296", "9007199254740993", "12345678901234567890", "1E2", "007")
}

func (a *author) text() string {
	return a.pick("''", "'x'", "'hello world'", "'10'", "'3.5'", "' 12 '", "'0x10'", "'1e2'", "'1e'", "'abc'", "'-3'",
		"'inf'", "'nan'", "'0x'", "'1 2'", `'\0'`, `'1\0002'`, "'key=value'", "'a,b,,c'",
		"'%d'", "'(x'", "'MiXed'", `'\1\255\n'`, "[[long\nline]]", "[==[a]]b]==]", `"a\tb\\"`, "'010'", "'1_0'",
		"'0x1p4'", "'infinity'", "'+5'", "'--5'", "'.5'", "'5.'", "'.'", "'1e400'",
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'")
}

func (a *author) pattern() string {
	return a.pick("'l+'", "'%w+'", "'(%w)(%w)'", "'.'", "'^h'", "'o$'", "'[a-e]*'", "'%s'", "'()'", "'(%a+)=(%a+)'",
		"','", "''", "'['", "'%'", "'(x'", "'x-'", "'%b()'", "'%f[%w]'", "'[^,]*'", "'%d+'", "'(.)%1'",
		"'%1'", "'[%a_][%w_]*'", "'[]]'", "'[^]'", "'%f'", "'%b('", "'a-b'", "'(a*)b'", "'%z'", "'^'", "'$'", "'[a-'",
		"'x?'", "'((l)(o))'", "')'", "'[%'")
}

func (a *author) value(depth int) string {
	if depth <= 0 {
		return a.pick(a.number(), a.number(), a.text(), a.variable(), a.variable(), "nil", "true", "false")
	}
	v := func() string { return a.value(depth - 1) }
	switch a.rand.IntN(20) {
	case 0:
		return a.value(0)
	case 1, 2, 3, 4:
		return fmt.Sprintf("%s %s %s", v(), a.pick("+", "-", "*", "/", "%", "^"), v())
	case 5, 6:
		return fmt.Sprintf("(%s %s %s)", v(), a.pick("+", "-", "*", "/", "%", "^", "..", "=="), v())
	case 7:
		return fmt.Sprintf("(%s %s %s)", v(), a.pick("==", "~=", "<", "<=", ">", ">="), v())
	case 8:
		return fmt.Sprintf("%s .. %s", v(), v())
	case 9, 10:
		return fmt.Sprintf("(%s %s %s)", v(), a.pick("and", "or"), v())
	case 11:
		return fmt.Sprintf("%s%s", a.pick("not ", "#", "-", "- -", "#"), v())
	case 12:
		return fmt.Sprintf("%s[%s]", a.table(), a.index())
	case 13:
		return "{" + a.items(depth) + "}"
	case 14:
		return fmt.Sprintf("(%s)", v())
	case 15:
		return a.variable() + a.pick(".n", ".x", ".x.y", ":m()", "[1]", "()", "[d]", "[1][2]", ".key", "(a)", "[a][b]",
			".n()", ":len()", ":upper()", "{1}", "'s'")
	case 16:
		return fmt.Sprintf("(function(x, ...) local y = %s return %s end)(%s)", v(), a.pick("x", "y", "...", "x == y",
			"x, y, ...", "select('#', ...)", "{...}", "y(x)", "x.y"), v())
	}
	return a.call(depth)
}

// call is a call of a library function.
func (a *author) call(depth int) string {
	v := func() string { return a.value(depth - 1) }
	s := func() string { return a.pick(a.text(), "b", "tame("+v()+")", v()) }
	n := func() string { return a.pick(a.number(), a.number(), "a", v()) }
	switch a.rand.IntN(25) {
	case 0:
		return fmt.Sprintf("tonumber(%s)", a.pick(s(), n(), s()+", "+a.pick("2", "10", "16", "36", "1", "8")))
	case 1:
		return fmt.Sprintf("%s(%s)", a.pick("tame", "type", "next", "rawequal", "select", "unpack", "ipairs", "pairs",
			"getmetatable", "assert", "error", "loadstring", "print"), v())
	case 2:
		return fmt.Sprintf("string.%s(%s)", a.pick("upper", "lower", "len", "reverse", "char", "byte", "dump"), s())
	case 3:
		return fmt.Sprintf("string.sub(%s, %s, %s)", s(), n(), n())
	case 4:
		return fmt.Sprintf("string.%s(%s, %s%s)", a.pick("find", "match"), s(), a.pattern(), a.pick("", "", ", 2",
			", -3", ", 1, true", ", "+n()))
	case 5, 6:
		return fmt.Sprintf("string.gsub(%s, %s, %s%s)", s(), a.pattern(), a.pick("'<%0>'", "'%1'", "'%2'",
			"string.upper", "{x='y', l=1}", "function(x) return "+v()+" end", "'%'", "'%%'", s()), a.pick("", "", ", 1",
			", "+n()))
	case 7, 8:
		return fmt.Sprintf("string.format(%s, %s)", a.pick("'%d'", "'%s'", "'%5.1f'", "'%g'", "'%x'", "'%q'", "'%c'",
			"'%05d'", "'%y'", "'%i%%'", "'%e'", "'%.3s|'", "'%10s|'", "'%-10s|'", "'%+d'", "'% d'", "'%#x'", "'%o'",
			"'%u'", "'%.0f'", "'%.20g'", "'%X'", "'%G'", "'%E'", "'%5'", "'%'", "'%.3d'", "'%.99f'", "'%100d'",
			"'%.123d'", "'%#o'", "'%#.3g'", "'%a'", "'%-5d|'", "'%s %s'"), a.pick(n(), s()))
	case 9:
		return fmt.Sprintf("string.byte(%s, %s)", s(), a.pick("1", "-1", "2", "1, -1", "0", "1, 3", n()))
	case 10:
		return fmt.Sprintf("string.rep(string.sub(%s, 1, 9), %s)", s(), a.pick("0", "1", "3", "-1", "2.7"))
	case 11:
		return fmt.Sprintf("math.%s(%s)", a.pick("floor", "ceil", "abs", "sqrt", "frexp", "modf", "deg", "rad", "max",
			"min"), n())
	case 12:
		return fmt.Sprintf("math.%s(%s, %s)", a.pick("max", "min", "fmod", "mod", "ldexp", "pow"), n(), n())
	case 13:
		return fmt.Sprintf("table.concat(%s%s)", a.pick(a.table(), "{"+a.items(1)+"}"), a.pick("", ", ','",
			", '', 1, 3", ", 1", ", '-', 2", ", '', "+n()))
	case 14:
		return fmt.Sprintf("table.%s", a.pick("remove(t)", "insert(c, ("+v()+"))", "remove(c, 1)",
			"insert(t, 1, ("+n()+"))", "getn(c)", "maxn(t)", "maxn(u)", "sort(c)",
			"sort(t, function(x, y) return tame(x) < tame(y) end)", "foreachi(t, f)", "foreach(u, tame)", "setn(t, 1)"))
	case 15:
		return fmt.Sprintf("select(%s, %s, %s)", a.pick("1", "2", "-1", "'#'", "0", "3", "-3", n()), v(), v())
	case 16:
		return fmt.Sprintf("unpack(%s%s)", a.pick(a.table(), "{"+a.items(1)+"}"), a.pick("", "", ", 2", ", 1, 4",
			", 0, 2", ", -1, 1"))
	case 17:
		return fmt.Sprintf("cjson.encode(%s)", a.pick(a.table(), "{"+a.items(1)+"}", s(), n()))
	case 18:
		return fmt.Sprintf("pcall(%s, %s)", a.pick("f", "error", "string.len", "tame", "unpack", "table.concat", "next",
			"rawset", "setmetatable", "string.format", "nil", "a", "coroutine.yield"), v())
	case 19:
		return fmt.Sprintf("(#%s)", a.pick("t", "u", "c", "{"+a.items(1)+"}"))
	case 20:
		return fmt.Sprintf("%s(%s, %s)", a.pick("rawget", "rawset", "next", "setmetatable", "rawequal", "f", "error",
			"xpcall"), a.pick(a.table(), v()), a.pick(a.index(), v()))
	case 21:
		return fmt.Sprintf("bit.%s(%s, %s)", a.pick("band", "bor", "bxor", "lshift", "rshift", "arshift", "rol",
			"tohex"), n(), n())
	case 23:
		return fmt.Sprintf("string.format('%%.13g', math.%s(%s))", a.pick("exp", "log", "log10", "sin", "cos", "tan",
			"atan"), a.pick("1", "0.5", "2", "10"))
	case 22:
		return fmt.Sprintf("next(%s, k(%s))", a.table(), v())
	}
	return fmt.Sprintf("f(%s, %s)", v(), v())
}

package compat_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// randomScripts is how many scripts each run of the random comparison sends.
const randomScripts = 2500

// scriptAuthor writes random scripts. Most fail somewhere, which is compared, too: Lua's errors
// name the variable and the line.
//
// Numbers become text before a command gets them, since Redis 7.0 and 7.2 write them in different ways.
//
// It leaves out what differs from one run of redis-server to the next (addresses, the order of pairs) and
// what Lua leaves open (the length of a table with holes, the last digit of a power, the sign of 0), and
// arithmetic on two constants: Lua 5.1 takes -0 for 0 where both are constants.
type scriptAuthor struct {
	rand  *rand.Rand
	lines []string
}

func (a *scriptAuthor) pick(choices ...string) string { return choices[a.rand.IntN(len(choices))] }

func (a *scriptAuthor) script() string {
	a.lines = []string{
		"local a, b, c, d, e = 7, 'text', {1, 2, 'x'}, nil, true",
		"local function show(v) if v ~= v then return 'nan' end if type(v) == 'table' or type(v) == 'function' then return type(v) end return tostring(v) end",
		"local function some(v) if v == nil then return 0 end return v end",
		"local function try(f) local _, v = pcall(f) return v end",
		"local function plain(v) if type(v) == 'number' then return tostring(v) end return v end",
	}
	for range 1 + a.rand.IntN(5) {
		a.statement(2)
	}
	return strings.Join(append(a.lines, fmt.Sprintf("return {%s, %s, show(a), show(b), type(c), show(d), show(e)}", a.tried(3), a.tried(3))), "\n")
}

func (a *scriptAuthor) add(format string, args ...any) {
	a.lines = append(a.lines, fmt.Sprintf(format, args...))
}

func (a *scriptAuthor) variable() string { return a.pick("a", "b", "c", "d", "e", "a", "b") }

func (a *scriptAuthor) statement(depth int) {
	block := func(head, tail string) {
		a.add("%s", head)
		for range 1 + a.rand.IntN(2) {
			a.statement(depth - 1)
		}
		a.add("%s", tail)
	}
	n := a.rand.IntN(12)
	if depth == 0 {
		n %= 6
	}
	switch n {
	case 0, 1:
		a.add("%s = %s", a.pick("a", "b", "d", "e"), a.tried(3))
	case 2:
		a.add("if type(c) == 'table' and #c > 2 then c[%s] = some(%s) end", a.pick("1", "2", "3", "'k'", "true", "2.5"), a.tried(2))
	case 3:
		a.add("d = try(function() return %s end)", a.command())
	case 4:
		a.add("%s, %s = %s, %s", a.variable(), a.variable(), a.tried(2), a.tried(2))
	case 5:
		a.add("%s = %s", a.variable(), a.value(2))
	case 6:
		block("if "+a.tried(2)+" then", "end")
	case 7:
		block(fmt.Sprintf("for i = %d, %d do", a.rand.IntN(3), a.rand.IntN(5)), "end")
	case 8:
		block("for i, v in ipairs({a, b, e}) do", "end")
	case 9:
		block("pcall(function()", "end)")
	case 10:
		block("do local a, b = b, a", "end")
	default:
		block("for _, v in ipairs({"+a.value(1)+", "+a.value(1)+"}) do d = v", "end")
	}
}

func (a *scriptAuthor) number() string {
	return a.pick("0", "1", "2", "3", "10", "-1", "2.5", "100", "1e15", "255", "0.1", "12345678901", "-7", "0x1F")
}

func (a *scriptAuthor) text() string {
	return a.pick("''", "'x'", "'hello world'", "'10'", "'3.5'", "'key=value'", "'a,b,,c'", `'[1,2,{"k":null}]'`, `'{"n":1.5}'`, `'\1\255'`, "'MiXed'", "' 12 '", "'0x10'", "'%d'", "'(x'")
}

func (a *scriptAuthor) pattern() string {
	return a.pick("'l+'", "'%w+'", "'(%w)(%w)'", "'.'", "'^h'", "'o$'", "'[a-e]*'", "'%s'", "'()'", "'(%a+)=(%a+)'", "','", "''", "'['", "'%'", "'(x'", "'x-'", "'%b()'", "'%f[%w]'")
}

// tried is an expression, whose error is its value most of the time.
func (a *scriptAuthor) tried(depth int) string {
	if a.rand.IntN(10) == 0 {
		return a.value(depth)
	}
	return "try(function() return " + a.value(depth) + " end)"
}

// value is an expression.
func (a *scriptAuthor) value(depth int) string {
	if depth == 0 {
		return a.pick(a.number(), a.text(), a.variable(), a.variable(), "nil", "true", "false")
	}
	v := func() string { return a.value(depth - 1) }
	s := func() string { return a.pick(a.text(), "b", "show("+v()+")") }
	n := func() string { return a.pick(a.number(), a.number(), "a", v()) }
	switch a.rand.IntN(34) {
	case 0, 1:
		return a.value(0)
	case 2, 3:
		return fmt.Sprintf("(%s %s %s)", a.variable(), a.pick("+", "-", "*", "/"), v())
	case 4:
		return fmt.Sprintf("(%s %s %s)", v(), a.pick("==", "~=", "<", "<=", ">", ">="), v())
	case 5:
		return fmt.Sprintf("(%s .. %s)", v(), v())
	case 6:
		return fmt.Sprintf("(%s %s %s)", a.variable(), a.pick("and", "or"), v())
	case 7:
		return fmt.Sprintf("(%s %s)", a.pick("not", "#"), a.variable())
	case 8:
		return fmt.Sprintf("%s[%s]", a.variable(), v())
	case 9:
		return fmt.Sprintf("{some(%s), some(%s), %s}", v(), v(), v())
	case 10:
		return "{" + a.pick("ok", "err", "x") + "=" + v() + "}"
	case 11:
		return "show(" + v() + ")"
	case 12:
		return fmt.Sprintf("tonumber(%s)", a.pick(s(), n(), s()+", "+a.pick("2", "10", "16", "36", "1")))
	case 13:
		return fmt.Sprintf("string.%s(%s)", a.pick("upper", "lower", "len", "reverse"), s())
	case 14:
		return fmt.Sprintf("string.sub(%s, %s, %s)", s(), n(), n())
	case 15:
		return fmt.Sprintf("string.%s(%s, %s)", a.pick("find", "match"), s(), a.pattern())
	case 16:
		return fmt.Sprintf("string.gsub(%s, %s, %s)", s(), a.pattern(), a.pick("'<%0>'", "'%1'", "'%2'", "string.upper", "{x='y', l=1}", "function(x) return "+v()+" end"))
	case 17:
		return fmt.Sprintf("string.format(%s, %s)", a.pick("'%d'", "'%s'", "'%5.1f'", "'%g'", "'%x'", "'%q'", "'%c'", "'%05d'", "'%y'", "'%i%%'", "'%e'"), a.pick(n(), s()))
	case 18:
		return fmt.Sprintf("string.byte(%s, %s)", s(), a.pick("1", "-1", "2", "1, -1"))
	case 19:
		return fmt.Sprintf("string.rep(string.sub(%s, 1, 9), %s)", s(), a.pick("0", "1", "3", "-1", "2.7"))
	case 20:
		return fmt.Sprintf("math.%s(%s)", a.pick("floor", "ceil", "abs", "sqrt"), n())
	case 21:
		return fmt.Sprintf("math.%s(%s, %s)", a.pick("max", "min", "fmod"), n(), n())
	case 22:
		return fmt.Sprintf("table.concat(%s, %s)", a.pick("c", "{some("+v()+"), "+v()+"}"), a.pick("','", "''", "1"))
	case 23:
		return fmt.Sprintf("table.%s", a.pick("remove(c)", "insert(c, show("+v()+"))", "remove(c, 1)", "insert(c, 1, some("+n()+"))", "getn(c)", "maxn(c)", "sort(c)"))
	case 24:
		return fmt.Sprintf("cjson.encode(%s)", a.pick("{1, 'x', true}", "{show("+v()+"), {"+a.number()+"}}", a.text(), a.number()))
	case 25:
		return fmt.Sprintf("cjson.decode(%s)", s())
	case 26:
		return fmt.Sprintf("cmsgpack.pack(%s)", a.pick("{show("+v()+"), "+a.number()+"}", a.text(), "1.5"))
	case 27:
		return fmt.Sprintf("bit.%s(%s, %s)", a.pick("band", "bor", "bxor", "lshift", "rshift", "arshift", "rol"), n(), n())
	case 28:
		return fmt.Sprintf("struct.%s", a.pick("pack('>I4', "+n()+"):byte(1, -1)", "pack('s', "+s()+"):len()", "unpack('>I2', "+s()+")", "pack('bhd', 1, 2, "+n()+")", "size('i4')"))
	case 29:
		return fmt.Sprintf("select(%s, %s, %s)", a.pick("1", "2", "-1", "'#'", "0"), v(), v())
	case 30:
		return fmt.Sprintf("(function(x, ...) local y = %s return %s end)(%s)", v(), a.pick("x", "y", "...", "x == y"), v())
	case 31:
		return a.pick("unpack(c)", "type("+v()+")", "next({})", "redis.sha1hex("+s()+")", "redis.error_reply("+s()+")", "redis.status_reply("+s()+")")
	}
	return a.command()
}

// command is a redis.call.
func (a *scriptAuthor) command() string {
	key := "'" + a.pick("k1", "k2", "k3", "k4") + "'"
	arg := func() string { return a.pick(a.number(), a.text(), a.variable(), a.value(1)) }
	command := a.pick("'set', K, A", "'get', K", "'incr', K", "'incrby', K, A", "'append', K, A", "'strlen', K", "'getrange', K, A, A", "'rpush', K, A, A", "'lpop', K",
		"'lrange', K, 0, -1", "'llen', K", "'hset', K, A, A", "'hget', K, A", "'hgetall', K", "'sadd', K, A", "'scard', K", "'sismember', K, A", "'zadd', K, A, A", "'zscore', K, A",
		"'zrange', K, 0, -1", "'del', K", "'del', K", "'exists', K", "'type', K", "'mget', K, A", "'setnx', K, A", "'echo', A", "'ping'", "'nosuch', A", "A", "'get'", "'getset', K, A", "'persist', K", "'multi'")
	command = strings.ReplaceAll(command, "K", key)
	for strings.Contains(command, "A") {
		command = strings.Replace(command, "A", "plain("+arg()+")", 1)
	}
	return "redis." + a.pick("call", "pcall") + "(" + command + ")"
}

// notANumber has a sign in C that depends on the compiler.
var notANumber = regexp.MustCompile(`-?nan`)

// TestRandomScriptsAnswerAsALiveRedisDoes runs the same random scripts on Diskette and on a live redis-server, and
// compares every reply and what the keys hold then.
func TestRandomScriptsAnswerAsALiveRedisDoes(t *testing.T) {
	ours, theirs := startBoth(t, "that random scripts get a live Redis's replies")
	seed := testrand.Seed(t)
	for protocol := 2; protocol <= 3; protocol++ {
		t.Run("RESP"+strconv.Itoa(protocol), func(t *testing.T) {
			a := scriptAuthor{rand: rand.New(rand.NewPCG(seed, uint64(protocol)))}
			clients := []*client{dial(t, ours.Addr), dial(t, theirs.Addr)}
			failed := 0
			for range randomScripts {
				text := a.script()
				var replies [2]value
				var keys [2]string
				for i, c := range clients {
					if protocol == 3 {
						c.Do("HELLO", 3)
					}
					replies[i] = c.Do("EVAL", text, 0)
					for _, key := range []string{"k1", "k2", "k3", "k4"} {
						keys[i] += "\n" + notANumber.ReplaceAllString(reading(c, key), "nan")
					}
				}
				if replies[0].IsError() {
					failed++
				}
				// Equal replies are not written out: a table that holds itself has too many lines.
				if keys[0] == keys[1] && reflect.DeepEqual(replies[0], replies[1]) {
					continue
				}
				ours, theirs := strings.Join(replies[0].lines(protocol), "\n"), strings.Join(replies[1].lines(protocol), "\n")
				if keys[0] != keys[1] || notANumber.ReplaceAllString(ours, "nan") != notANumber.ReplaceAllString(theirs, "nan") {
					t.Fatalf("after\n%s\nDiskette says:\n%s\nredis-server says:\n%s", text, ours+keys[0], theirs+keys[1])
				}
			}
			t.Logf("%d of %d scripts ended with an error", failed, randomScripts)
			if failed > randomScripts*9/10 {
				t.Error("that is too many to compare much")
			}
		})
	}
}

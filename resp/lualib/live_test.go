package lualib

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"diskette/compat_test/testrand"
	"diskette/resp/lua"
)

var (
	live     = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with a live redis-server as well")
	programs = flag.Int("programs", 20000, "how many random programs the live comparison runs")
)

// liveDriver runs each of ARGV and describes what it returns or raises, and what is then in the tables that it got.
// Tables are shown in the order of pairs, numbers with all their digits.
const liveDriver = `
cjson.encode_max_depth(3) -- or tables that hold themselves take for ever
local show
local function number(n) return n ~= n and "nan" or string.format("%.17g", n) end
local function tame(v)
	local kind = type(v)
	if kind == "number" or kind == "string" or kind == "boolean" then return tostring(v) end
	return kind
end
function show(v, depth)
	local kind = type(v)
	if kind == "string" then return string.format("%q", v) end
	if kind == "number" then return number(v) end
	if kind ~= "table" then
		if kind == "nil" or kind == "boolean" then return tostring(v) end
		return kind
	end
	if depth > 3 then return "..." end
	local out = {}
	for k, x in next, v do out[#out + 1] = show(k, depth + 1) .. "=" .. show(x, depth + 1) end
	return "{" .. table.concat(out, " ") .. "}#" .. #v
end
local function list(...)
	local out = {}
	for i = 1, select("#", ...) do out[i] = show((select(i, ...)), 0) end
	return table.concat(out, " ")
end
local function key(v)
	local kind = type(v)
	if kind == "number" and v == v or kind == "string" or kind == "boolean" then return v end
	return kind
end
local out = {}
for i = 1, #ARGV do
	local text = ARGV[i]
	local f, err = loadstring(string.sub(text, 2), "@user_script")
	if not f then
		out[i] = "no chunk: " .. err
	elseif string.sub(text, 1, 1) == "c" then
		out[i] = "compiles"
	else
		local t, u = {1, 2, 3}, {n = 1, x = {y = 2}}
		out[i] = list(pcall(f, t, u, key, tame)) .. " | " .. show(t, 0) .. " " .. show(u, 0)
	end
end
return out
`

// What is not compared: addresses, and the sign of what is not a number.
var (
	addresses = regexp.MustCompile(`(table|function|thread|userdata|builtin): ?(0x[0-9a-f]+|builtin|\(nil\))`)
	notNumber = regexp.MustCompile(`-?nan`)
)

func comparable(reply string) string {
	return notNumber.ReplaceAllString(addresses.ReplaceAllString(reply, "$1: 0"), "nan")
}

// TestRandomProgramsAnswerAsInALiveRedis compares thousands of small programs, of which every tenth is broken, with
// redis-server's Lua. It takes some seconds; -programs 1000000 takes minutes. DISKETTE_SEED plays others.
func TestRandomProgramsAnswerAsInALiveRedis(t *testing.T) {
	if !*live {
		t.Skip("NOT CHECKED: that random Lua programs do as in a live Redis; go test ./resp/lualib -live does")
	}
	seed := testrand.Seed(t)
	a := &author{rand: rand.New(rand.NewPCG(seed, 5))}
	conn, killer := startRedis(t)
	code, err := Compile(liveDriver, "user_script")
	if err != nil {
		t.Fatal(err)
	}
	const batch = 200
	different, skipped := 0, 0
	for done := 0; done < *programs && different < 40; done += batch {
		args := redis.Args{liveDriver, 0}
		var texts []string
		for range batch {
			text := "r" + a.program()
			if a.chance(10) {
				text = "c" + a.broken()
			}
			texts = append(texts, text)
			args = append(args, text)
		}
		kill := time.AfterFunc(8*time.Second, func() { killer.Do("SCRIPT", "KILL") })
		theirs, err := redis.Strings(conn.Do("EVAL", args...))
		kill.Stop()
		if err != nil {
			t.Logf("redis-server, after %d programs: %v", done, err)
			if skipped++; skipped > 1+*programs/batch/50 {
				t.Fatal("too much of it goes on for ever")
			}
			continue
		}
		ours := runLocally(t, code, texts)
		for i, text := range texts {
			if got, want := comparable(ours[i]), comparable(theirs[i]); got != want {
				different++
				t.Errorf("%s\n got %s\nwant %s", text, got, want)
			}
		}
	}
}

// runLocally gives the programs to the driver here.
func runLocally(t *testing.T, code *Code, texts []string) (replies []string) {
	began := time.Now()
	s := New(Limits{Memory: 256 << 20, Tick: func() error {
		if time.Since(began) > time.Minute {
			return errors.New("too slow")
		}
		return nil
	}})
	argv := s.L.NewTable()
	for _, text := range texts {
		argv.Append(lua.LString(text))
	}
	s.SetPlainGlobal("ARGV", argv)
	s.SetPlainGlobal("KEYS", s.L.NewTable())
	out, err := s.Call(s.Bind(code))
	if err != nil {
		t.Fatalf("%v\n%q", err, texts)
	}
	list := out[0].(*lua.LTable)
	for i := range texts {
		replies = append(replies, list.RawGetInt(i+1).String())
	}
	return replies
}

package lualib

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testport"
	"diskette/resp/lua"
	"github.com/gomodule/redigo/redis"
)

var record = flag.Bool("record", false, "ask the redis-server on PATH for the answers in testdata, and write them there")

// driver runs ARGV[1] and describes what it returns or raises. Both sides run it.
const driver = `
local function show(v, depth)
	if type(v) == "string" then return '"' .. v .. '"' end
	if type(v) ~= "table" then
		if type(v) == "function" or type(v) == "thread" then return type(v) end
		return tostring(v)
	end
	if depth > 20 then return "..." end
	local keys = {}
	for k in pairs(v) do keys[#keys + 1] = k end
	table.sort(keys, function(a, b)
		if type(a) == type(b) and type(a) ~= "boolean" then return a < b end
		return type(a) < type(b)
	end)
	local out = {}
	for i, k in ipairs(keys) do out[i] = show(k, depth + 1) .. "=" .. show(v[k], depth + 1) end
	return "{" .. table.concat(out, " ") .. "}"
end
local function list(...)
	local out = {}
	for i = 1, select("#", ...) do out[i] = show((select(i, ...)), 0) end
	return table.concat(out, " ")
end
local f, err = loadstring(ARGV[1], "@user_script")
if not f then return "no chunk: " .. err end
return list(pcall(f))
`

type exchange struct {
	file, script, reply string
	comment             bool
}

// exchanges reads a file of scripts, each a line, with the reply on the line below, quoted, after =>.
func exchanges(t testing.TB, path string) (all []exchange) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "" || strings.HasPrefix(line, "#"):
			all = append(all, exchange{script: line, comment: true})
		case strings.HasPrefix(line, "=> "):
			reply, err := strconv.Unquote(line[3:])
			if err != nil || len(all) == 0 {
				t.Fatalf("%s: %q: %v", path, line, err)
			}
			all[len(all)-1].reply = reply
		default:
			all = append(all, exchange{file: path, script: line})
		}
	}
	return all
}

// source is a script as it runs: a line of the file stands for one of several with \n written so.
func (e exchange) source() string { return strings.ReplaceAll(e.script, "¶", "\n") }

func TestScriptsAnswerAsInRedis(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.lua.txt")
	if *record {
		recordReplies(t, files)
	}
	code, err := Compile(driver, "driver")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		for _, e := range exchanges(t, file) {
			if e.comment {
				continue
			}
			n++
			s := New(Limits{Memory: 256 << 20})
			argv := s.L.NewTable()
			argv.Append(lua.LString(e.source()))
			s.SetPlainGlobal("ARGV", argv)
			s.SetPlainGlobal("KEYS", s.L.NewTable())
			out, err := s.Call(s.Bind(code))
			got := ""
			if err != nil {
				got = "error: " + err.Error()
			} else {
				got = string(out[0].(lua.LString))
			}
			if got != e.reply {
				t.Errorf("%s: %s\n got %q\nwant %q", e.file, e.script, got, e.reply)
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d scripts", n)
	}
}

func recordReplies(t *testing.T, files []string) {
	for _, file := range files {
		var out strings.Builder
		conn, _ := startRedis(t)
		for _, e := range exchanges(t, file) {
			out.WriteString(e.script + "\n")
			if e.comment {
				continue
			}
			reply, err := redis.String(conn.Do("EVAL", driver, 0, e.source()))
			if err != nil {
				reply = "error: " + err.Error()
				t.Errorf("%s: %v", e.script, err)
				if conn.Err() != nil {
					t.Fatalf("the server did not survive %s", e.script)
				}
			}
			out.WriteString("=> " + strconv.Quote(reply) + "\n")
		}
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startRedis starts a redis-server and connects to it twice.
func startRedis(t *testing.T) (conn, second redis.Conn) {
	port := testport.Free(t)
	addr := "127.0.0.1:" + port
	server := exec.Command("redis-server", "--port", port, "--save", "", "--dir", t.TempDir(), "--daemonize", "no")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if conn, err := redis.Dial("tcp", addr, redis.DialReadTimeout(time.Minute)); err == nil {
			if _, err := conn.Do("PING"); err == nil {
				second, err := redis.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				return conn, second
			}
			conn.Close()
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

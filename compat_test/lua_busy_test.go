package compat_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	busyScript     = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	busyFunction   = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
	unkillable     = "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
	endlessScript  = "while true do end"
	mostSteps      = 400_000_000 // of a loop that ends, which takes a minute or more
	endlessLibrary = "#!lua name=endless\nredis.register_function('loop', function() while true do end end)"
)

// runEndless sends a command that does not end, and returns the connection when the others hear -BUSY.
func runEndless(t testing.TB, s *server, args ...any) *client {
	t.Helper()
	running, other := dial(t, s.Addr), dial(t, s.Addr)
	running.Send(args...)
	await(t, "the server is busy", func() bool { return strings.HasPrefix(other.Do("PING").text, "BUSY ") })
	return running
}

// runLong sends a script that ends by itself. Its reply comes by the channel; slow = the others heard -BUSY before.
func runLong(t testing.TB, s *server, args ...any) (reply <-chan value, slow bool) {
	t.Helper()
	running, other := dial(t, s.Addr), dial(t, s.Addr)
	running.Send(args...)
	replies := make(chan value, 1)
	go func() {
		v, _ := running.readOutcome(5 * time.Minute) // no reply is another than what is wanted
		replies <- v
	}()
	await(t, "the server is busy, or the script has ended", func() bool {
		slow = strings.HasPrefix(other.Do("PING").text, "BUSY ")
		return slow || len(replies) > 0
	})
	return replies, slow
}

// startBusy starts a server on which scripts are slow after some 100 ms.
func startBusy(t *testing.T) *server {
	t.Helper()
	return startServer(t, subjectBin(t), "--busy-reply-threshold", "100")
}

func TestWhileAScriptIsSlowOthersHearBusyAndItCanBeKilled(t *testing.T) {
	s := startBusy(t)
	other := dial(t, s.Addr)
	says(t, other, "OK", "SET", "k", "v")
	running := runEndless(t, s, "EVAL", endlessScript, 0)
	for _, args := range [][]any{{"GET", "k"}, {"SET", "k", "w"}, {"PING"}, {"INFO"}, {"EVAL", "return 1", 0}, {"KEYS", "*"}, {"FCALL", "f", 0}, {"SCRIPT", "FLUSH"}, {"CLIENT", "ID"}} {
		says(t, other, busyScript, args...)
	}
	says(t, other, busyScript, "FUNCTION", "KILL")
	says(t, other, "OK", "MULTI")
	says(t, other, busyScript, "GET", "k")
	says(t, other, "EXECABORT Transaction discarded because of: "+busyScript, "EXEC")
	says(t, other, "OK", "SCRIPT", "KILL")
	mentions(t, running.Receive().text, "ERR Script killed by user with SCRIPT KILL... script: ")
	says(t, other, "v", "GET", "k")
	says(t, other, "NOTBUSY No scripts in execution right now.", "SCRIPT", "KILL")
	says(t, running, "1", "EVAL", "return 1", 0)
}

// Those who came before the script was slow wait for it no longer than those who come later.
func TestClientsThatWaitForASlowScriptHearBusy(t *testing.T) {
	s := startServer(t, subjectBin(t), "--busy-reply-threshold", "400")
	dial(t, s.Addr).Do("SET", "k", "v")
	running, watcher := dial(t, s.Addr), dial(t, s.Addr)
	var waiting []*client
	waitingCommands := [][]any{
		{"GET", "k"}, {"SET", "k", "v"}, {"EVAL", "return 2", 0}, {"INFO"}, {"DBSIZE"}, {"SCAN", 0}, {"KEYS", "*"}, {"RANDOMKEY"}, {"MEMORY", "STATS"},
		{"CLIENT", "UNBLOCK", watcher.Do("CLIENT", "ID").text},
	}
	for range waitingCommands {
		waiting = append(waiting, dial(t, s.Addr))
	}
	says(t, watcher, "OK", "MONITOR")
	running.Send("EVAL", endlessScript, 0)
	mentions(t, watcher.Receive().text, endlessScript) // it has begun
	for i, c := range waiting {
		c.SendRaw(append(encode(waitingCommands[i]...), encode([][]any{{"SET", "k", "w"}, {"INCR", "n"}, {"PING"}, {"EVAL", "return 1", 0}}[i%4]...)...))
	}
	for i, c := range waiting {
		equal(t, fmt.Sprint("the reply to ", waitingCommands[i], ", which waited"), c.Receive().text, busyScript)
		equal(t, "the next reply", c.Receive().text, busyScript)
	}
	killer := dial(t, s.Addr)
	await(t, "SCRIPT KILL is heard", func() bool { return killer.Do("SCRIPT", "KILL").text == "OK" })
	mentions(t, running.Receive().text, "Script killed by user")
	says(t, killer, "PONG", "PING")
}

// A client that is to hear of what a slow script has done waits for that, as it is not done before the script ends, but
// its commands wait no longer than those of others.
func TestAClientThatASlowScriptTellsHearsBusy(t *testing.T) {
	s := startBusy(t)
	for what, listen := range map[string][]any{
		"tracking": {"CLIENT", "TRACKING", "on"}, "keyspace events": {"SUBSCRIBE", "__keyevent@0__:set"},
	} {
		t.Run(what, func(t *testing.T) {
			c, other := dial(t, s.Addr), dial(t, s.Addr)
			says(t, other, "OK", "CONFIG", "SET", "notify-keyspace-events", "KEA")
			c.Do("HELLO", 3)
			c.Do(listen...)
			for steps := 20_000_000; ; steps *= 4 {
				if steps > mostSteps {
					t.Fatal("never slow enough")
				}
				c.Do("GET", "k")
				reply, slow := runLong(t, s, "EVAL", `redis.call('SET', 'k', ARGV[1]) local n = 0
					while n < tonumber(ARGV[1]) do n = n + 1 end return 'done'`, 0, steps)
				c.Send("GET", "k")
				first := c.Receive() // if the script is over, what it tells
				c.Send("GET", "k")
				equal(t, "the script's reply", (<-reply).text, "done")
				pushes, texts := 0, []string{}
				for v := first; ; v = c.Receive() {
					if v.kind == kindPush {
						pushes++
					} else {
						texts = append(texts, v.text)
					}
					if pushes == 1 && len(texts) == 2 {
						break
					}
				}
				if slow && first.text == busyScript {
					says(t, c, fmt.Sprint(steps), "GET", "k")
					return
				}
			}
		})
	}
}

// WATCH counts from what the script has left so far.
func TestAKeyCanBeWatchedWhileAScriptIsSlow(t *testing.T) {
	s := startBusy(t)
	changed, unchanged := dial(t, s.Addr), dial(t, s.Addr)
	for steps := 20_000_000; ; steps *= 4 { // until it lasts longer than the machine keeps the others waiting
		if steps > mostSteps {
			t.Fatal("never slow enough")
		}
		says(t, changed, "OK", "UNWATCH")
		says(t, changed, "OK", "MSET", "before", "1", "after", "1")
		reply, slow := runLong(t, s, "EVAL", `
			redis.call('SET', 'before', 2)
			local n = 0
			while n < tonumber(ARGV[1]) do n = n + 1 end
			redis.call('SET', 'after', 2)
			return 'done'`, 0, steps)
		if !slow {
			equal(t, "the script's reply", (<-reply).text, "done")
			continue
		}
		says(t, changed, "OK", "WATCH", "after")
		says(t, unchanged, "OK", "WATCH", "before")
		says(t, unchanged, "OK", "UNWATCH")
		says(t, unchanged, "OK", "WATCH", "before", "absent")
		slow = strings.HasPrefix(dial(t, s.Addr).Do("PING").text, "BUSY ")
		equal(t, "the script's reply", (<-reply).text, "done")
		if slow {
			break
		}
	}
	for c, want := range map[*client]string{changed: "(nil array)", unchanged: "1) +PONG"} {
		says(t, c, "OK", "MULTI")
		says(t, c, "QUEUED", "PING")
		equal(t, "EXEC", c.Do("EXEC").String(), want)
	}
}

func TestAFunctionIsKilledByFunctionKillAlone(t *testing.T) {
	s := startBusy(t)
	c := dial(t, s.Addr)
	says(t, c, "endless", "FUNCTION", "LOAD", endlessLibrary)
	running := runEndless(t, s, "FCALL", "loop", 1, "key", "argument")
	says(t, c, busyFunction, "GET", "k")
	says(t, c, busyFunction, "SCRIPT", "KILL")
	stats := c.Do("FUNCTION", "STATS")
	mentions(t, stats.String(), `"loop"`, `"FCALL"`, `"argument"`, "duration_ms")
	says(t, c, "OK", "FUNCTION", "KILL")
	// Redis says SCRIPT of a function, too.
	mentions(t, running.Receive().text, "Script killed by user with SCRIPT KILL... script: loop, on @user_function:2.")
	says(t, c, "NOTBUSY No scripts in execution right now.", "FUNCTION", "KILL")
	equal(t, "FUNCTION STATS afterwards", strings.Contains(c.Do("FUNCTION", "STATS").String(), "loop"), false)
}

// Redis hears no client before a function is slow, so a client that is heard finds the function in FUNCTION STATS.
func TestFunctionStatsTellsOfAFunctionThatHasJustBegun(t *testing.T) {
	s := startServer(t, subjectBin(t), "--busy-reply-threshold", "400")
	running, watcher, c := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
	says(t, c, "endless", "FUNCTION", "LOAD", endlessLibrary)
	says(t, watcher, "OK", "MONITOR")
	running.Send("FCALL", "loop", 1, "key", "argument")
	mentions(t, watcher.Receive().text, `"loop"`) // it has begun
	mentions(t, c.Do("FUNCTION", "STATS").String(), `"loop"`, `"FCALL"`, `"argument"`, "duration_ms")
	says(t, c, "OK", "FUNCTION", "KILL")
}

func TestNothingInAScriptCatchesTheKill(t *testing.T) {
	s := startBusy(t)
	c := dial(t, s.Addr)
	for name, script := range map[string]string{
		"pcall":             "while true do pcall(function() while true do end end) end",
		"pcall of a call":   "while true do pcall(redis.call, 'ping') end",
		"redis.pcall":       "while true do redis.pcall('get') end",
		"xpcall's handler":  "while true do xpcall(function() while true do end end, function() while true do end end) end",
		"a coroutine":       "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
		"a wrapped one":     "while true do pcall(coroutine.wrap(function() while true do end end)) end",
		"a metamethod":      "local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(function() return t.x end) end",
		"gsub's function":   "while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end",
		"sort's comparison": "while true do pcall(table.sort, {1,2,3}, function() while true do end end) end",
		"a recursion":       "local function f() while true do pcall(f) end end f()",
		"a pattern":         "pcall(string.find, string.rep('a', 300), string.rep('a-', 300)..'b') while true do end",
		"repeat":            "repeat pcall(error) until false",
		"goto is no loop":   "for i = 1, math.huge do end",
		"loadstring":        "while true do pcall(loadstring('while true do end')) end",
	} {
		t.Run(name, func(t *testing.T) {
			running := runEndless(t, s, "EVAL", script, 0)
			says(t, c, "OK", "SCRIPT", "KILL")
			mentions(t, running.Receive().text, "Script killed by user with SCRIPT KILL...")
			says(t, c, "PONG", "PING")
		})
	}
}

func TestAScriptThatHasWrittenCanNotBeKilled(t *testing.T) {
	s := startBusy(t)
	c := dial(t, s.Addr)
	for steps := 1_000_000; ; steps *= 4 { // until it lasts longer than the machine keeps who kills it waiting
		if steps > mostSteps {
			t.Fatal("never slow enough")
		}
		reply, slow := runLong(t, s, "EVAL", "redis.call('set','k','v') local n = 0 while n < tonumber(ARGV[1]) do n = n + 1 end return 'done'", 0, steps)
		answer := c.Do("SCRIPT", "KILL").text
		equal(t, "the script's reply", (<-reply).text, "done")
		if slow && !strings.HasPrefix(answer, "NOTBUSY ") {
			equal(t, "SCRIPT KILL", answer, unkillable)
			break
		}
	}
	says(t, c, "v", "GET", "k")
}

// An operator who has to end the server in the middle of a script gets its end at once, and data as if the script
// had never run.
func TestTheServerEndsInTheMiddleOfAScript(t *testing.T) {
	for _, way := range []struct {
		name string
		end  func(*server, *client)
	}{
		{"SHUTDOWN NOSAVE", func(s *server, c *client) { c.Send("SHUTDOWN", "NOSAVE") }},
		{"SIGTERM", func(s *server, _ *client) { _ = s.cmd.Process.Signal(syscall.SIGTERM) }}, // Wait notices an error
		{"SIGINT", func(s *server, _ *client) { _ = s.cmd.Process.Signal(syscall.SIGINT) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := startBusy(t)
			c := dial(t, s.Addr)
			says(t, c, "OK", "MSET", "before", "1", "both", "1")
			running := runEndless(t, s, "EVAL", "redis.call('mset','both','2','script','2') redis.call('del','before') redis.call('rpush','l','x') while true do end", 0)
			says(t, c, busyScript, "SHUTDOWN")
			says(t, c, unkillable, "SCRIPT", "KILL")
			start := time.Now()
			way.end(s, c)
			equal(t, "the exit status", s.Wait(), 0)
			if took := time.Since(start); took > time.Minute {
				t.Errorf("the end took %v", took)
			}
			if v, err := running.read(replyTimeout); err == nil && !v.IsError() {
				t.Errorf("the script's client hears %s", v)
			}
			s.Restart()
			c = dial(t, s.Addr)
			equal(t, "what is there", c.Do("MGET", "before", "both", "script").String(), c.Do("EVAL", "return {'1','1',false}", 0).String())
			says(t, c, "2", "DBSIZE")
		})
	}
}

// A threshold of 0 lets a script take as long as it likes, and the others wait.
func TestWithoutAThresholdOthersWaitForAScript(t *testing.T) {
	s := startServer(t, subjectBin(t), "--busy-reply-threshold", "0")
	running, other := dial(t, s.Addr), dial(t, s.Addr)
	running.Send("EVAL", "redis.call('set','k','v') for i = 1, 1000000 do end return 'done'", 0)
	await(t, "the script has run", func() bool {
		v := other.Do("GET", "k")
		return v.text == "v" || v.IsError()
	})
	says(t, other, "v", "GET", "k")
	equal(t, "the script's reply", running.Receive().text, "done")
}

package resp

import (
	"maps"
	"slices"
	"strings"

	"diskette/resp/lua"
	"github.com/rs/zerolog"

	"diskette/resp/acl"
	"diskette/resp/internal/ccast"
	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
)

// The redis table is another for EVAL's scripts, for functions, and for the code of their
// libraries, which can only register them.

// api is what scripts and functions have.
func (e *engine) api() *lua.LTable {
	return e.table(map[string]lua.LGFunction{
		"call":          func(L *lua.LState) int { return e.call(L, true) },
		"pcall":         func(L *lua.LState) int { return e.call(L, false) },
		"sha1hex":       e.sha1hex,
		"status_reply":  statusReply,
		"error_reply":   scriptErrorReply,
		"log":           e.log,
		"setresp":       e.setResp,
		"set_repl":      e.setRepl,
		"acl_check_cmd": e.aclCheckCmd,
	}, map[string]lua.LValue{
		"REPL_NONE": lua.LNumber(0), "REPL_AOF": lua.LNumber(1), "REPL_SLAVE": lua.LNumber(2), "REPL_REPLICA": lua.LNumber(2), "REPL_ALL": lua.LNumber(3),
	})
}

// debuggingAPI is what EVAL's scripts have besides: no debugger stands behind it.
func (e *engine) debuggingAPI() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"breakpoint":         func(L *lua.LState) int { L.Push(lua.LFalse); return 1 },
		"debug":              func(*lua.LState) int { return 0 },
		"replicate_commands": func(L *lua.LState) int { L.Push(lua.LTrue); return 1 },
	}
}

// loadAPI is what a library's code has: all else is an error, as if it were a global variable.
func (e *engine) loadAPI() *lua.LTable {
	L := e.lua.L
	redis := e.table(map[string]lua.LGFunction{"register_function": e.registerFunction, "log": e.log}, nil)
	meta := L.NewTable()
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		L.Error(lua.LString(L.Where(1) + "Script attempted to access nonexistent global variable '" + plainText(L.Get(2)) + "'"))
		return 0
	}))
	redis.Metatable = meta
	return redis
}

// table makes a redis table, with the constants that every one has.
func (e *engine) table(functions map[string]lua.LGFunction, more map[string]lua.LValue) *lua.LTable {
	redis := e.lua.L.NewTable()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		redis.RawSetString(name, e.lua.L.NewFunction(functions[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		redis.RawSetString(name, more[name])
	}
	for level, name := range []string{"LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"} {
		redis.RawSetString(name, lua.LNumber(level))
	}
	redis.RawSetString("REDIS_VERSION", lua.LString(RedisVersion))
	redis.RawSetString("REDIS_VERSION_NUM", lua.LNumber(redisVersionNumber()))
	return redis
}

// redisVersionNumber is RedisVersion as 0x00MMmmpp.
func redisVersionNumber() (n int) {
	for part := range strings.SplitSeq(RedisVersion, ".") {
		digit, _ := numbers.ParseInt(words.ViewBytes(part))
		n = n<<8 | int(digit)
	}
	return n
}

func (e *engine) sha1hex(L *lua.LState) int {
	if L.GetTop() != 1 {
		raised(L, "wrong number of arguments")
	}
	var text string
	if v := L.Get(1); v.Type() == lua.LTString || v.Type() == lua.LTNumber {
		text = plainText(v)
	}
	e.lua.Spend(L, len(text)/64, 0)
	L.Push(lua.LString(shaOf([]byte(text))))
	return 1
}

// statusReply and scriptErrorReply return, and do not raise, an error about their arguments: as Redis does.
func statusReply(L *lua.LState) int {
	text, ok := L.Get(1).(lua.LString)
	if L.GetTop() != 1 || !ok {
		L.Push(errorTable("ERR wrong number or type of arguments"))
	} else {
		L.Push(status(string(text)))
	}
	return 1
}

func scriptErrorReply(L *lua.LState) int {
	text, ok := L.Get(1).(lua.LString)
	if L.GetTop() != 1 || !ok {
		L.Push(errorTable("ERR wrong number or type of arguments"))
		return 1
	}
	message := strings.TrimPrefix(cString(string(text)), "-")
	if !strings.Contains(message, " ") {
		message = "ERR " + message
	}
	L.Push(errorTable(strings.Trim(message, "\r\n")))
	return 1
}

var scriptLogLevels = [...]zerolog.Level{zerolog.DebugLevel, zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel}

func (e *engine) log(L *lua.LState) int {
	n := L.GetTop()
	if n < 2 {
		raised(L, "redis.log() requires two arguments or more.")
	}
	level, ok := number(L.Get(1))
	if !ok {
		raised(L, "First argument must be a number (log level).")
	}
	if level < 0 || int(level) >= len(scriptLogLevels) {
		raised(L, "Invalid log level.")
	}
	var words []string
	for i := 2; i <= n; i++ {
		switch v := L.Get(i); v.Type() {
		case lua.LTString, lua.LTNumber:
			words = append(words, plainText(v))
		}
	}
	if e.run != nil {
		e.run.mayLoad = false // the line is not to come twice
	}
	e.srv.log.WithLevel(scriptLogLevels[int(level)]).Str("from", "script").Msg(strings.Join(words, " "))
	return 0
}

// number is lua_tonumber: strings that are numbers count.
func number(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return numbers.ParseDouble([]byte(v))
	}
	return 0, false
}

func (e *engine) needsRun(L *lua.LState, what string) {
	if e.run == nil {
		raised(L, "redis."+what+" can only be called inside a script invocation")
	}
}

func (e *engine) setResp(L *lua.LState) int {
	e.needsRun(L, "setresp")
	if L.GetTop() != 1 {
		raised(L, "redis.setresp() requires one argument.")
	}
	version, _ := number(L.Get(1))
	if version = float64(int(version)); version != 2 && version != 3 {
		raised(L, "RESP version must be 2 or 3.")
	}
	e.run.cl.RESP3 = version == 3
	return 0
}

// setRepl has no effect: what a script changes is always stored.
func (e *engine) setRepl(L *lua.LState) int {
	e.needsRun(L, "set_repl")
	if L.GetTop() != 1 {
		raised(L, "redis.set_repl() requires one argument.")
	}
	if flags, _ := number(L.Get(1)); ccast.Int32(flags)&^3 != 0 {
		raised(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

func (e *engine) aclCheckCmd(L *lua.LState) int {
	e.needsRun(L, "acl_check_cmd")
	if refusal, refused := e.arguments(L); refused {
		L.Error(errorTable(refusal.S))
	}
	args := e.args
	r := e.srv.called.Lookup(args[0])
	if r != nil && r.Subs != nil && len(args) > 1 {
		r = r.Sub(args[1])
	}
	if r == nil {
		raised(L, "Invalid command passed to redis.acl_check_cmd()")
	}
	d := e.run.cl.user.Load().Permissions.Load().Check(r, args)
	L.Push(lua.LBool(d.Reason == acl.Allowed))
	return 1
}

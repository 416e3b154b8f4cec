package resp

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
	"diskette/resp/lua"
	"diskette/resp/rdb"
	"diskette/store"
)

func functionRows() []*command.Row {
	return []*command.Row{
		{Name: "fcall", Arity: -3,
			Flags: command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys | command.MayReplicate,
			Keys:  command.ScriptKeys("RW access update"), Write: fcall(false), Effect: command.ItsCommands,
			Group: "scripting", Since: "7.0.0", Args: "function numkeys [key...] [arg...]",
			Cost: "Depends on the function", Doc: "Calls a function."},
		{Name: "fcall_ro", Arity: -3,
			Flags: command.Readonly | command.Noscript | command.Stale | command.SkipMonitor | command.NoMandatoryKeys | command.MovableKeys,
			Keys:  command.ScriptKeys("RO access"), Write: fcall(true), Effect: command.ItsCommands,
			Group: "scripting", Since: "7.0.0", Cats: "-read", Args: "function numkeys [key...] [arg...]",
			Cost: "Depends on the function", Doc: "Calls a function that only reads."},
		{Name: "function", Arity: -2,
			Group: "scripting", Since: "7.0.0", Cats: "-scripting",
			Doc: "Keeps libraries of functions.", Subs: []*command.Row{
				{Name: "delete", Arity: 3, Flags: command.Write | command.Noscript, Write: functionDelete,
					Since: "7.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
					Usage: "<LIBRARY NAME>", Args: "library-name", Doc: "Deletes a library."},
				{Name: "dump", Arity: 2, Flags: command.Noscript, Read: functionDump,
					Since: "7.0.0", Cost: "O(N) in the number of functions",
					Doc: "Returns all libraries as a payload for RESTORE."},
				{Name: "flush", Arity: -2, Flags: command.Write | command.AlwaysTold | command.Noscript, Write: functionFlush,
					Since: "7.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
					Usage: "[ASYNC|SYNC]", Args: "[flush-type(ASYNC|SYNC)]", Cost: "O(N) in the number of functions",
					Doc: "Deletes all libraries."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "7.0.0", Doc: "Explains the subcommands."},
				{Name: "kill", Arity: 2, Flags: command.Noscript | command.AllowBusy, Conn: onClient(functionKill),
					Since: "7.0.0", Tips: "request_policy:all_shards response_policy:one_succeeded",
					Doc: "Ends the function that is running, unless it has written."},
				{Name: "list", Arity: -2, Flags: command.Noscript, Read: functionList,
					Since: "7.0.0", Tips: "nondeterministic_output_order", Usage: "[LIBRARYNAME PATTERN] [WITHCODE]",
					Args: "[LIBRARYNAME library-name-pattern] [WITHCODE]", Cost: "O(N) in the number of functions",
					Doc: "Describes the libraries."},
				{Name: "load", Arity: -3, Flags: command.Write | command.Denyoom | command.Noscript, Write: functionLoad,
					Since: "7.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
					Usage: "[REPLACE] <FUNCTION CODE>", Args: "[REPLACE] function-code", Doc: "Creates a library."},
				{Name: "restore", Arity: -3, Flags: command.Write | command.Denyoom | command.Noscript, Write: functionRestore,
					Since: "7.0.0", Tips: "request_policy:all_shards response_policy:all_succeeded",
					Usage: "<PAYLOAD> [FLUSH|APPEND|REPLACE]", Args: "serialized-value [policy(FLUSH|APPEND|REPLACE)]",
					Cost: "O(N) in the number of functions", Doc: "Creates the libraries in a payload."},
				{Name: "stats", Arity: 2, Flags: command.Noscript | command.AllowBusy, Conn: onClient(functionStats),
					Since: "7.0.0", Tips: "nondeterministic_output request_policy:all_shards response_policy:special",
					Doc: "Tells which function is running, and how many there are."},
			}},
	}
}

// FCALL, FCALL_RO and FUNCTION. See function.go.

func fcall(readOnly bool) func(*store.Tx, *command.Call) command.Reply {
	return func(tx *store.Tx, c *command.Call) command.Reply {
		showScript(c)
		libs := &clientOf(c).srv.libraries
		f := libs.find(c.Args[1])
		if f == nil {
			return command.ErrorReply("ERR Function not found")
		}
		keys, refusal := keysAt(c, 2)
		if refusal.S == command.ErrNotInteger.S {
			refusal = command.ErrorReply("ERR Bad number of keys provided")
		}
		if refusal.IsError() {
			return refusal
		}
		e := libs.engine
		run, refusal := e.newRun(c, tx, f.name, f.flags, readOnly)
		if refusal.IsError() {
			return refusal
		}
		return e.execute(run, f.fn, lua.NewStrings(c.Args[3:3+keys]), lua.NewStrings(c.Args[3+keys:]))
	}
}

func functionLoad(tx *store.Tx, c *command.Call) command.Reply {
	replace := false
	for _, option := range c.Args[2 : len(c.Args)-1] {
		if !words.EqualFold(option, "replace") {
			return command.ErrorReply(command.OneLine("ERR Unknown option given: " + string(option)))
		}
		replace = true
	}
	libs := &clientOf(c).srv.libraries
	code := c.Args[len(c.Args)-1]
	name, _, refusal := metadata(words.ViewString(code))
	if refusal.IsError() {
		return refusal
	}
	if !replace && libs.byName[name] != nil {
		return command.ErrorReply("ERR Library '" + name + "' already exists")
	}
	compiled, ok := c.Resume.(*compiledLibrary)
	if !ok {
		text := string(code)
		if len(text) >= compileOffLockBytes && c.MayLeaveLock {
			c.OffLock = func() any { return compileLibrary(text) }
			return command.ReplyNone
		}
		compiled = compileLibrary(text)
	}
	lib, refusal := libs.make(compiled, loadTimeout)
	if !refusal.IsError() {
		refusal = libs.link([]*library{lib}, replace)
	}
	if refusal.IsError() {
		return refusal
	}
	if err := lib.store(tx); err != nil {
		return command.Failure(err)
	}
	return command.BulkString(lib.name)
}

func functionDelete(tx *store.Tx, c *command.Call) command.Reply {
	libs := &clientOf(c).srv.libraries
	lib := libs.byName[c.Str(2)]
	if lib == nil {
		return command.ErrorReply("ERR Library not found")
	}
	if err := lib.unstore(tx); err != nil {
		return command.Failure(err)
	}
	libs.unlink(lib)
	return command.ReplyOK
}

func functionFlush(tx *store.Tx, c *command.Call) command.Reply {
	switch {
	case len(c.Args) > 3:
		return command.ErrSubcommandSyntax(c)
	case len(c.Args) == 3 && !c.Is(2, "SYNC") && !c.Is(2, "ASYNC"):
		return command.ErrorReply("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	}
	if err := clientOf(c).srv.libraries.flush(tx); err != nil {
		return command.Failure(err)
	}
	return command.ReplyOK
}

func (l *libraries) flush(tx *store.Tx) error {
	for _, lib := range l.sorted() {
		if err := lib.unstore(tx); err != nil {
			return err
		}
		l.unlink(lib)
	}
	return nil
}

func functionList(_ *store.View, c *command.Call) command.Reply {
	withCode, pattern := false, []byte(nil)
	for i := 2; i < len(c.Args); i++ {
		switch {
		case !withCode && c.Is(i, "withcode"):
			withCode = true
		case pattern == nil && c.Is(i, "libraryname"):
			if i++; i == len(c.Args) {
				return command.ErrorReply("ERR library name argument was not given")
			}
			pattern = c.Args[i]
		default:
			return command.ErrorReply(command.OneLine("ERR Unknown argument " + c.Str(i)))
		}
	}
	var listed []command.Reply
	for _, lib := range clientOf(c).srv.libraries.sorted() {
		if pattern != nil && !glob.Match([]byte(strings.ToLower(string(pattern))), []byte(strings.ToLower(lib.name))) {
			continue
		}
		var functions []command.Reply
		for _, name := range slices.Sorted(maps.Keys(lib.functions)) {
			functions = append(functions, lib.functions[name].describe())
		}
		about := []command.Reply{command.BulkString("library_name"), command.BulkString(lib.name), command.BulkString("engine"), command.BulkString("LUA"), command.BulkString("functions"), command.Array(functions...)}
		if withCode {
			about = append(about, command.BulkString("library_code"), command.BulkString(lib.code))
		}
		listed = append(listed, command.MapOf(about...))
	}
	return command.Array(listed...)
}

func (f *function) describe() command.Reply {
	doc := command.ReplyNull
	if f.doc != "" {
		doc = command.BulkString(f.doc)
	}
	var flags []command.Reply
	for _, known := range scriptFlagNames {
		if f.flags&known.flag != 0 {
			flags = append(flags, command.Simple(known.name))
		}
	}
	return command.MapOf(command.BulkString("name"), command.BulkString(f.name), command.BulkString("description"), doc, command.BulkString("flags"), command.SetOf(flags...))
}

func functionDump(_ *store.View, c *command.Call) command.Reply {
	var code []string
	for _, lib := range clientOf(c).srv.libraries.sorted() {
		code = append(code, lib.code)
	}
	return command.Bulk(rdb.EncodeLibraries(code, clientOf(c).srv.cfg.Bool("rdbcompression")))
}

func functionRestore(tx *store.Tx, c *command.Call) command.Reply {
	if len(c.Args) > 4 {
		return command.ErrSubcommandSyntax(c)
	}
	policy := "append"
	if len(c.Args) == 4 {
		policy = strings.ToLower(c.Str(3))
	}
	if policy != "append" && policy != "replace" && policy != "flush" {
		return command.ErrorReply("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
	}
	code, err := rdb.DecodeLibraries(c.Args[2], command.RestoreBytes)
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return command.ErrPayload
	case err != nil:
		return command.ErrorReply(command.OneLine("ERR failed loading the given functions payload: " + err.Error()))
	}
	libs := &clientOf(c).srv.libraries
	var added []*library
	end := time.Now().Add(loadTimeout) // for all of them
	for _, text := range code {
		lib, refusal := libs.make(compileLibrary(text), max(time.Until(end), time.Millisecond))
		if refusal.IsError() {
			return refusal
		}
		added = append(added, lib)
	}
	if policy == "flush" {
		var fresh libraries // so that nothing goes if what comes is refused
		if refusal := fresh.link(added, false); refusal.IsError() {
			return refusal
		}
		engine := libs.engine
		if err := libs.flush(tx); err != nil {
			return command.Failure(err)
		}
		libs.engine, libs.byName, libs.all = engine, fresh.byName, fresh.all
		libs.count()
	} else if refusal := libs.link(added, policy == "replace"); refusal.IsError() {
		return refusal
	}
	for _, lib := range added {
		if err := lib.store(tx); err != nil {
			return command.Failure(err)
		}
	}
	return command.ReplyOK
}

// functionStats answers while a function is running: when that has come to its end or is busy, as in Redis.
func functionStats(cl *client, c *command.Call) command.Reply {
	s := cl.srv
	running := command.ReplyNull
	if s.scripts.runs.now.Load() != nil && !c.Locked && s.store.LockUnlessBusy() {
		s.store.Unlock()
	}
	if run := s.scripts.runs.now.Load(); run != nil && s.scripts.runs.busy.Load() {
		if run.isEval {
			return run.busyReply()
		}
		running = command.MapOf(command.BulkString("name"), command.BulkString(run.name), command.BulkString("command"), run.shown(),
			command.BulkString("duration_ms"), command.Integer(time.Since(run.began).Milliseconds()))
	}
	counts := s.libraries.counts.Load()
	if counts == nil {
		counts = &libraryCounts{}
	}
	return command.MapOf(command.BulkString("running_script"), running, command.BulkString("engines"), command.MapOf(command.BulkString("LUA"),
		command.MapOf(command.BulkString("libraries_count"), command.Integer(counts.libraries), command.BulkString("functions_count"), command.Integer(counts.functions))))
}

func functionKill(cl *client, _ *command.Call) command.Reply { return cl.srv.scripts.kill(false) }

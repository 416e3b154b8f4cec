package resp

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
	"diskette/resp/rdb"
	"diskette/store"
)

// FCALL, FCALL_RO and FUNCTION. See function.go.

func fcall(readOnly bool) func(*store.Tx, *call) Reply {
	return func(tx *store.Tx, c *call) Reply {
		showScript(c)
		libs := &clientOf(c).srv.libraries
		f := libs.find(c.args[1])
		if f == nil {
			return errorReply("ERR Function not found")
		}
		keys, refusal := keysAt(c, 2)
		if refusal.s == errNotInteger.s {
			refusal = errorReply("ERR Bad number of keys provided")
		}
		if refusal.isError() {
			return refusal
		}
		e := libs.engine
		run, refusal := e.begin(c, tx, f.name, f.flags, readOnly)
		if refusal.isError() {
			return refusal
		}
		return e.execute(run, f.fn, e.strings(c.args[3:3+keys]), e.strings(c.args[3+keys:]))
	}
}

func functionLoad(tx *store.Tx, c *call) Reply {
	replace := false
	for _, option := range c.args[2 : len(c.args)-1] {
		if !words.EqualFold(option, "replace") {
			return errorReply(oneLine("ERR Unknown option given: " + string(option)))
		}
		replace = true
	}
	libs := &clientOf(c).srv.libraries
	code := c.args[len(c.args)-1]
	name, _, refusal := metadata(words.ViewString(code))
	if refusal.isError() {
		return refusal
	}
	if !replace && libs.byName[name] != nil {
		return errorReply("ERR Library '" + name + "' already exists")
	}
	compiled, ok := c.resume.(*compiledLibrary)
	if !ok {
		text := string(code)
		if len(text) >= compileApart && c.mayPart {
			c.apart = func() any { return compileLibrary(text) }
			return replyNone
		}
		compiled = compileLibrary(text)
	}
	lib, refusal := libs.make(compiled, loadTimeout)
	if !refusal.isError() {
		refusal = libs.link([]*library{lib}, replace)
	}
	if refusal.isError() {
		return refusal
	}
	if err := lib.store(tx); err != nil {
		return failure(err)
	}
	return bulkString(lib.name)
}

func functionDelete(tx *store.Tx, c *call) Reply {
	libs := &clientOf(c).srv.libraries
	lib := libs.byName[c.str(2)]
	if lib == nil {
		return errorReply("ERR Library not found")
	}
	if err := lib.unstore(tx); err != nil {
		return failure(err)
	}
	libs.unlink(lib)
	return replyOK
}

func functionFlush(tx *store.Tx, c *call) Reply {
	switch {
	case len(c.args) > 3:
		return errSubcommandSyntax(c)
	case len(c.args) == 3 && !c.is(2, "SYNC") && !c.is(2, "ASYNC"):
		return errorReply("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	}
	if err := clientOf(c).srv.libraries.flush(tx); err != nil {
		return failure(err)
	}
	return replyOK
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

func functionList(_ *store.View, c *call) Reply {
	withCode, pattern := false, []byte(nil)
	for i := 2; i < len(c.args); i++ {
		switch {
		case !withCode && c.is(i, "withcode"):
			withCode = true
		case pattern == nil && c.is(i, "libraryname"):
			if i++; i == len(c.args) {
				return errorReply("ERR library name argument was not given")
			}
			pattern = c.args[i]
		default:
			return errorReply(oneLine("ERR Unknown argument " + c.str(i)))
		}
	}
	var listed []Reply
	for _, lib := range clientOf(c).srv.libraries.sorted() {
		if pattern != nil && !glob.Match([]byte(strings.ToLower(string(pattern))), []byte(strings.ToLower(lib.name))) {
			continue
		}
		var functions []Reply
		for _, name := range slices.Sorted(maps.Keys(lib.functions)) {
			functions = append(functions, lib.functions[name].describe())
		}
		about := []Reply{bulkString("library_name"), bulkString(lib.name), bulkString("engine"), bulkString("LUA"), bulkString("functions"), array(functions...)}
		if withCode {
			about = append(about, bulkString("library_code"), bulkString(lib.code))
		}
		listed = append(listed, mapOf(about...))
	}
	return array(listed...)
}

func (f *function) describe() Reply {
	doc := replyNull
	if f.doc != "" {
		doc = bulkString(f.doc)
	}
	var flags []Reply
	for _, known := range scriptFlagNames {
		if f.flags&known.flag != 0 {
			flags = append(flags, simple(known.name))
		}
	}
	return mapOf(bulkString("name"), bulkString(f.name), bulkString("description"), doc, bulkString("flags"), setOf(flags...))
}

func functionDump(_ *store.View, c *call) Reply {
	var code []string
	for _, lib := range clientOf(c).srv.libraries.sorted() {
		code = append(code, lib.code)
	}
	return bulk(rdb.EncodeLibraries(code, clientOf(c).srv.cfg.Bool("rdbcompression")))
}

func functionRestore(tx *store.Tx, c *call) Reply {
	if len(c.args) > 4 {
		return errSubcommandSyntax(c)
	}
	policy := "append"
	if len(c.args) == 4 {
		policy = strings.ToLower(c.str(3))
	}
	if policy != "append" && policy != "replace" && policy != "flush" {
		return errorReply("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
	}
	code, err := rdb.DecodeLibraries(c.args[2], restoreBytes)
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return errPayload
	case err != nil:
		return errorReply(oneLine("ERR failed loading the given functions payload: " + err.Error()))
	}
	libs := &clientOf(c).srv.libraries
	var added []*library
	end := time.Now().Add(loadTimeout) // for all of them
	for _, text := range code {
		lib, refusal := libs.make(compileLibrary(text), max(time.Until(end), time.Millisecond))
		if refusal.isError() {
			return refusal
		}
		added = append(added, lib)
	}
	if policy == "flush" {
		var fresh libraries // so that nothing goes if what comes is refused
		if refusal := fresh.link(added, false); refusal.isError() {
			return refusal
		}
		engine := libs.engine
		if err := libs.flush(tx); err != nil {
			return failure(err)
		}
		libs.engine, libs.byName, libs.all = engine, fresh.byName, fresh.all
		libs.count()
	} else if refusal := libs.link(added, policy == "replace"); refusal.isError() {
		return refusal
	}
	for _, lib := range added {
		if err := lib.store(tx); err != nil {
			return failure(err)
		}
	}
	return replyOK
}

// functionStats answers while a function is running: when that has come to its end or is busy, as in Redis.
func functionStats(cl *client, c *call) Reply {
	s := cl.srv
	running := replyNull
	if s.scripts.runs.now.Load() != nil && !c.locked && s.store.LockUnlessMidway() {
		s.store.Unlock()
	}
	if run := s.scripts.runs.now.Load(); run != nil && s.scripts.runs.busy.Load() {
		if run.isEval {
			return run.busyReply()
		}
		running = mapOf(bulkString("name"), bulkString(run.name), bulkString("command"), run.shown(),
			bulkString("duration_ms"), integer(time.Since(run.began).Milliseconds()))
	}
	counts := s.libraries.counts.Load()
	if counts == nil {
		counts = &libraryCounts{}
	}
	return mapOf(bulkString("running_script"), running, bulkString("engines"), mapOf(bulkString("LUA"),
		mapOf(bulkString("libraries_count"), integer(counts.libraries), bulkString("functions_count"), integer(counts.functions))))
}

func functionKill(cl *client, _ *call) Reply { return cl.srv.scripts.kill(false) }

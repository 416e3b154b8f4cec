package resp

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"diskette/resp/lua"

	"diskette/resp/command"
	"diskette/resp/internal/words"
	"diskette/resp/lualib"
	"diskette/store"
)

// Libraries of functions: FUNCTION LOAD runs a library's code once, which registers functions; FCALL calls
// them. The code is stored in the server's own database, and run again at the start. All libraries share one
// Lua. A function's name is the same in any case, as in Redis.

// libraries is under the keyspace lock.
type libraries struct {
	srv    *Server
	engine *engine                       // nil until there is one
	byName map[string]*library           // by the name in its very case
	all    map[string]*function          // of all libraries
	counts atomic.Pointer[libraryCounts] // for those without the lock
}

// libraryCounts is how many libraries and functions there are.
type libraryCounts struct{ libraries, functions int }

func (l *libraries) count() { l.counts.Store(&libraryCounts{len(l.byName), len(l.all)}) }

type library struct {
	name      string
	code      string
	functions map[string]*function // by name in lower case
	began     time.Time            // when the run of its code began
	timeout   time.Duration        // 0 = none
}

type function struct {
	name  string
	doc   string // "" = none
	flags scriptFlags
	fn    *lua.LFunction
}

const (
	librariesKey = "libraries" // a hash in the server's own database: the code by name
	loadTimeout  = 500 * time.Millisecond
)

// metadata reads the first line of a library, #!lua name=mylib. rest begins with that line's end.
func metadata(code string) (name, rest string, refusal command.Reply) {
	refuse := func(text string) (string, string, command.Reply) {
		return "", "", command.ErrorReply(command.OneLine("ERR " + text))
	}
	if !strings.HasPrefix(code, "#!") {
		return refuse("Missing library metadata")
	}
	line, _, ended := strings.Cut(code, "\n")
	if !ended {
		return refuse("Invalid library metadata")
	}
	words, ok := words.Split(line)
	if !ok {
		return refuse("Invalid library metadata")
	}
	engine := words[0][len("#!"):]
	named := false
	for _, word := range words[1:] {
		if len(word) < 5 || !strings.EqualFold(word[:5], "name=") {
			return refuse("Invalid metadata value given: " + word)
		}
		if named {
			return refuse("Invalid metadata value, name argument was given multiple times")
		}
		name, named = word[5:], true
	}
	switch {
	case !named:
		return refuse("Library name was not given")
	case !isFunctionName(name):
		return refuse(badFunctionName)
	case !strings.EqualFold(engine, "lua"):
		return refuse("Engine '" + engine + "' not found")
	}
	return name, code[len(line):], command.ReplyNone
}

const badFunctionName = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

func isFunctionName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// compiledLibrary is a library's code before it is run, or why it can not be.
type compiledLibrary struct {
	name, code string
	lua        *lualib.Code
	refusal    command.Reply
}

// compileLibrary needs no lock.
func compileLibrary(code string) *compiledLibrary {
	name, rest, refusal := metadata(code)
	c := &compiledLibrary{name: name, code: code, refusal: refusal}
	if refusal.IsError() {
		return c
	}
	var err error
	if c.lua, err = lualib.Compile(rest, "user_function"); err != nil {
		c.refusal = command.ErrorReply(command.OneLine("ERR Error compiling function: " + err.Error()))
	}
	return c
}

// make runs a library's code and returns the library, which is not among the others yet. The code finds no
// global but redis, as in Redis; at the start, without a timeout, it finds all, because older versions of
// Diskette have taken libraries that need them.
func (l *libraries) make(c *compiledLibrary, timeout time.Duration) (*library, command.Reply) {
	if c.refusal.IsError() {
		return nil, c.refusal
	}
	if l.engine == nil {
		l.engine = l.srv.newEngine(true)
	}
	e := l.engine
	lib := &library{name: c.name, code: c.code, functions: map[string]*function{}, began: time.Now(), timeout: timeout}
	e.load = lib
	e.lua.SetPlainGlobal("redis", e.apis.load)
	show := func() {}
	if timeout > 0 {
		show = e.lua.HideGlobals("redis")
	}
	defer func() {
		show()
		e.load = nil
		e.lua.SetPlainGlobal("redis", e.apis.run)
	}()
	e.lua.Reset()
	if _, failure := e.lua.Run(e.lua.Bind(c.lua), nil); failure != nil {
		return nil, command.ErrorReply(command.OneLine("ERR Error registering functions: " + loadFailure(failure)))
	}
	if len(lib.functions) == 0 {
		return nil, command.ErrorReply("ERR No functions registered")
	}
	return lib, command.ReplyNone
}

func loadFailure(err lua.LValue) string {
	if table, ok := err.(*lua.LTable); ok {
		if text, ok := text(table.RawGetString("err")); ok {
			return text
		}
	}
	return "ERR " + plainText(err)
}

// loadTick ends the run of a library's code that takes too long.
func (e *engine) loadTick() error {
	if lib := e.load; lib != nil && lib.timeout > 0 && time.Since(lib.began) > lib.timeout {
		return errors.New("FUNCTION LOAD timeout") //nolint:staticcheck // Redis's words
	}
	return nil
}

// link adds new libraries, which replace those of their names if replace is set; either all or none.
func (l *libraries) link(added []*library, replace bool) command.Reply {
	byName, all := maps.Clone(l.byName), maps.Clone(l.all)
	if byName == nil {
		byName, all = map[string]*library{}, map[string]*function{}
	}
	for _, lib := range added {
		old := byName[lib.name]
		switch {
		case old != nil && !replace:
			return command.ErrorReply("ERR Library " + lib.name + " already exists")
		case old != nil:
			for name := range old.functions {
				delete(all, name)
			}
		}
		byName[lib.name] = lib
	}
	for _, lib := range added {
		for name, f := range lib.functions {
			if all[name] != nil {
				return command.ErrorReply("ERR Function " + f.name + " already exists")
			}
			all[name] = f
		}
	}
	l.byName, l.all = byName, all
	l.count()
	return command.ReplyNone
}

func (l *libraries) unlink(lib *library) {
	delete(l.byName, lib.name)
	for name := range lib.functions {
		delete(l.all, name)
	}
	if len(l.byName) == 0 {
		l.engine = nil
	}
	l.count()
}

func (l *libraries) find(name []byte) *function {
	if f := l.all[words.ViewString(name)]; f != nil {
		return f
	}
	return l.all[strings.ToLower(words.ViewString(name))]
}

// sorted are the libraries in the order of their names.
func (l *libraries) sorted() []*library {
	return slices.SortedFunc(maps.Values(l.byName), func(a, b *library) int { return strings.Compare(a.name, b.name) })
}

// inOwnDB runs fn on the server's own database.
func inOwnDB(tx *store.Tx, fn func()) {
	db := tx.DB()
	tx.Select(tx.OwnDB())
	fn()
	tx.Select(db)
}

// store makes a library part of what survives.
func (lib *library) store(tx *store.Tx) (err error) {
	inOwnDB(tx, func() {
		var h store.HashTx
		if h, err = tx.EditHash([]byte(librariesKey)); err == nil {
			h.Set([]byte(lib.name), []byte(lib.code))
		}
	})
	return err
}

func (lib *library) unstore(tx *store.Tx) (err error) {
	inOwnDB(tx, func() {
		var h store.HashTx
		if h, err = tx.EditHash([]byte(librariesKey)); err == nil {
			h.Delete([]byte(lib.name))
		}
	})
	return err
}

// restore brings back the libraries that are stored, at the start. One that does not run any
// more is left out, with a line in the log.
func (l *libraries) restore() {
	st := l.srv.store
	var code []string
	st.Lock()
	defer st.Unlock()
	tx := st.Begin(st.OwnDB(), time.Now().UnixMilli())
	h, err := tx.View.Hash([]byte(librariesKey))
	if err == nil && h != nil {
		h.Each(func(_, value string) bool {
			code = append(code, value)
			return true
		})
	}
	tx.Uncount() // no client's hit or miss
	tx.End()
	for _, c := range code {
		lib, refusal := l.make(compileLibrary(c), 0)
		if !refusal.IsError() {
			refusal = l.link([]*library{lib}, true)
		}
		if refusal.IsError() {
			l.srv.log.Error().Str("error", refusal.S).Str("code", c[:min(len(c), 80)]).
				Msg("a library of functions can not be loaded")
		}
	}
	if len(code) > 0 {
		l.srv.log.Info().Int("libraries", len(l.byName)).Msg("libraries of functions loaded")
	}
}

// registerFunction is redis.register_function.
func (e *engine) registerFunction(L *lua.LState) int {
	if e.load == nil {
		raised(L, "redis.register_function can only be called on FUNCTION LOAD command")
	}
	var f *function
	var wrong string
	switch L.GetTop() {
	case 1:
		f, wrong = namedFunction(L.Get(1))
	case 2:
		f, wrong = plainFunction(L.Get(1), L.Get(2))
	default:
		wrong = "wrong number of arguments to redis.register_function"
	}
	switch {
	case wrong != "":
	case !isFunctionName(f.name):
		wrong = badFunctionName
	case e.load.functions[strings.ToLower(f.name)] != nil:
		wrong = "Function already exists in the library"
	}
	if wrong != "" {
		raised(L, wrong)
	}
	e.load.functions[strings.ToLower(f.name)] = f
	return 0
}

func plainFunction(name, callback lua.LValue) (f *function, wrong string) {
	f = &function{}
	if !isText(name, &f.name) {
		return nil, "first argument to redis.register_function must be a string"
	}
	var ok bool
	if f.fn, ok = callback.(*lua.LFunction); !ok {
		return nil, "second argument to redis.register_function must be a function"
	}
	return f, ""
}

// namedFunction reads register_function{function_name = ..., callback = ..., flags = {...}, description = ...}.
func namedFunction(arguments lua.LValue) (f *function, wrong string) {
	t, ok := arguments.(*lua.LTable)
	if !ok {
		return nil, "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."
	}
	f = &function{}
	for k, v := range t.All() {
		var key string
		switch {
		case wrong != "":
		case !isText(k, &key):
			wrong = "named argument key given to redis.register_function is not a string"
		default:
			wrong = f.argument(strings.ToLower(key), v)
		}
	}
	switch {
	case wrong != "":
	case f.name == "":
		wrong = "redis.register_function must get a function name argument"
	case f.fn == nil:
		wrong = "redis.register_function must get a callback argument"
	}
	return f, wrong
}

func (f *function) argument(key string, v lua.LValue) (wrong string) {
	switch key {
	case "function_name", "description":
		to := &f.name
		if key == "description" {
			to = &f.doc
		}
		if !isText(v, to) {
			return key + " argument given to redis.register_function must be a string"
		}
	case "callback":
		var ok bool
		if f.fn, ok = v.(*lua.LFunction); !ok {
			return "callback argument given to redis.register_function must be a function"
		}
	case "flags":
		names, ok := v.(*lua.LTable)
		if !ok {
			return "flags argument to redis.register_function must be a table representing function flags"
		}
		for i := 1; names.RawGetInt(i) != lua.LNil; i++ {
			flag, known := scriptFlagNamed(strings.ToLower(names.RawGetInt(i).String()))
			if !known {
				return "unknown flag given"
			}
			f.flags |= flag
		}
	default:
		return "unknown argument given to redis.register_function"
	}
	return ""
}

// isText is luaGetStringSds: numbers are text, too.
func isText(v lua.LValue, to *string) bool {
	switch v.Type() {
	case lua.LTString, lua.LTNumber:
		*to = plainText(v)
		return true
	}
	return false
}

package resp

import (
	"container/list"
	"crypto/sha1"
	"encoding/hex"
	"strings"

	"diskette/resp/lua"

	"diskette/resp/command"
	"diskette/resp/internal/words"
	"diskette/resp/lualib"
)

// Scripts (EVAL, SCRIPT) and functions (FUNCTION, FCALL) run in Lua, under the keyspace lock, as one command:
// nothing comes between their redis.calls, and what these change is one journal record, all of it or nothing
// after a crash. A script that fails keeps what it has changed, as in Redis.
//
//	script.go        the cache of EVAL's scripts
//	script_run.go    a script under way: its beginning, its end, -BUSY and SCRIPT KILL
//	script_call.go   redis.call
//	script_value.go  values between Lua and the protocol
//	script_api.go    the rest of the redis table
//	function.go      libraries of functions
//	lualib/          Lua itself: sandbox, libraries, limits
//
// EVALSHA at 50 connections is bound by Lua in Go: a compare-and-delete takes about 2 us, half
// of it in two redis.calls. KEYS, ARGV, short strings and statuses lie in one piece of memory each, not in two to
// four: server CPU for a lock that is taken or given back, in pipelines of 16, 4.9 us before and 4.7 now.

// scripts is what the server keeps of them. It is under the keyspace lock, but for what script_run.go says.
type scripts struct {
	srv    *Server
	engine *engine // nil until a script needs it
	bySHA  map[string]*script
	evals  list.List // of *script, those that only EVAL has brought, the least recently used first
	bytes  int64     // of the bodies
	runs   runs
}

// script is one that EVALSHA can call.
type script struct {
	sha   string
	body  string
	flags scriptFlags
	code  *lualib.Code
	fn    *lua.LFunction
	eval  *list.Element // nil = SCRIPT LOAD brought it: it stays
}

// maxEvals is how many scripts that nobody has loaded are kept, as in Redis 7.4: programs that
// put values into the text of their scripts would fill the memory.
const maxEvals = 500

// scriptFlags are what the first line of a script says: #!lua flags=no-writes,allow-stale.
type scriptFlags byte

const (
	scriptNoWrites scriptFlags = 1 << iota
	scriptAllowOOM
	scriptAllowStale
	scriptNoCluster
	scriptCrossSlot
	scriptOldStyle // without such a line: whether it writes shows when it does
)

// needRoom reports whether the flags say, or do not deny, that commands of the script need room. Of a script without
// flags its commands show it.
func (f scriptFlags) needRoom() bool { return f&(scriptOldStyle|scriptAllowOOM|scriptNoWrites) == 0 }

var scriptFlagNames = []struct {
	name string
	flag scriptFlags
}{
	{"no-writes", scriptNoWrites}, {"allow-oom", scriptAllowOOM}, {"allow-stale", scriptAllowStale},
	{"no-cluster", scriptNoCluster}, {"allow-cross-slot-keys", scriptCrossSlot},
}

func scriptFlagNamed(name string) (scriptFlags, bool) {
	for _, f := range scriptFlagNames {
		if f.name == name {
			return f.flag, true
		}
	}
	return 0, false
}

func shaOf(body []byte) string {
	sum := sha1.Sum(body)
	return hex.EncodeToString(sum[:])
}

// shebang reads the first line of a script and returns the rest, which begins with that line's
// end so that lines keep their numbers.
func shebang(body string) (flags scriptFlags, rest string, refusal command.Reply) {
	if !strings.HasPrefix(body, "#!") {
		return scriptOldStyle, body, command.ReplyNone
	}
	line, _, ended := strings.Cut(body, "\n")
	if !ended {
		return 0, "", command.ErrorReply("ERR Invalid script shebang")
	}
	words, ok := words.Split(line)
	if !ok {
		return 0, "", command.ErrorReply("ERR Invalid engine in script shebang")
	}
	if words[0] != "#!lua" {
		return 0, "", command.ErrorReply(command.OneLine("ERR Unexpected engine in script shebang: " + words[0]))
	}
	for _, word := range words[1:] {
		names, isFlags := strings.CutPrefix(word, "flags=")
		if !isFlags {
			return 0, "", command.ErrorReply(command.OneLine("ERR Unknown lua shebang option: " + word))
		}
		if names == "" {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			flag, known := scriptFlagNamed(name)
			if !known {
				return 0, "", command.ErrorReply(command.OneLine("ERR Unexpected flag in script shebang: " + name))
			}
			flags |= flag
		}
	}
	return flags, body[len(line):], command.ReplyNone
}

// compileScript makes a script of its text. It needs no lock.
func compileScript(sha string, body []byte) (*script, command.Reply) {
	sc := &script{sha: sha, body: string(body)}
	flags, rest, refusal := shebang(sc.body)
	if refusal.IsError() {
		return nil, refusal
	}
	code, err := lualib.Compile(rest, "user_script")
	if err != nil {
		return nil, command.ErrorReply(command.OneLine("ERR Error compiling script (new function): " + err.Error()))
	}
	sc.flags, sc.code = flags, code
	return sc, command.ReplyNone
}

// compileOffLockBytes is the length from which a script is compiled without the keyspace lock: 64 KiB take some 10 ms.
const compileOffLockBytes = 16 << 10

// define finds a script by its text, or adds it. offLock = it is to be compiled without the lock first: see
// Call.OffLock.
func (s *scripts) define(c *command.Call, body []byte, keep bool) (sc *script, offLock bool, refusal command.Reply) {
	sha := shaOf(body)
	if sc = s.bySHA[sha]; sc == nil {
		made, _ := c.Resume.(compiled)
		switch {
		case made.done:
			sc, refusal = made.script, made.refusal
		case len(body) >= compileOffLockBytes && c.MayLeaveLock:
			body = append([]byte{}, body...)
			c.OffLock = func() any {
				sc, refusal := compileScript(sha, body)
				return compiled{true, sc, refusal}
			}
			return nil, true, command.ReplyNone
		default:
			sc, refusal = compileScript(sha, body)
		}
		if refusal.IsError() {
			return nil, false, refusal
		}
		s.add(sc)
	}
	switch {
	case keep && sc.eval != nil:
		s.evals.Remove(sc.eval)
		sc.eval = nil
	case keep:
	case sc.eval != nil:
		s.evals.MoveToBack(sc.eval)
	}
	return sc, false, command.ReplyNone
}

// compiled is what define has made without the lock.
type compiled struct {
	done    bool
	script  *script
	refusal command.Reply
}

func (s *scripts) add(sc *script) {
	if s.bySHA == nil {
		s.bySHA = map[string]*script{}
	}
	if s.engine == nil {
		s.engine = s.srv.newEngine(false)
	}
	sc.fn = s.engine.lua.Bind(sc.code)
	s.bySHA[sc.sha] = sc
	s.bytes += int64(len(sc.body))
	sc.eval = s.evals.PushBack(sc)
	if s.evals.Len() > maxEvals {
		oldest := s.evals.Remove(s.evals.Front()).(*script)
		delete(s.bySHA, oldest.sha)
		s.bytes -= int64(len(oldest.body))
	}
}

// find is EVALSHA's look-up; a sum in capitals is the same.
func (s *scripts) find(sha []byte) *script {
	if len(sha) != 2*sha1.Size {
		return nil
	}
	sc := s.bySHA[words.ViewString(sha)]
	if sc == nil {
		sc = s.bySHA[strings.ToLower(words.ViewString(sha))]
	}
	if sc != nil && sc.eval != nil {
		s.evals.MoveToBack(sc.eval)
	}
	return sc
}

// saysNoWrites reports whether EVAL, EVALSHA or FCALL calls what declares that it does not
// write; locked = the caller holds the keyspace lock.
func (s *Server) saysNoWrites(locked bool, r *command.Row, args [][]byte) bool {
	var flags scriptFlags
	switch r.Name {
	case "eval":
		flags, _, _ = shebang(words.ViewString(args[1]))
	case "evalsha":
		_ = s.store.Look(locked, func() {
			if sc := s.scripts.find(args[1]); sc != nil {
				flags = sc.flags
			}
		})
	case "fcall":
		_ = s.store.Look(locked, func() {
			if f := s.libraries.find(args[1]); f != nil {
				flags = f.flags
			}
		})
	}
	return flags&scriptNoWrites != 0
}

// flush forgets all scripts, and the Lua that they have run in.
func (s *scripts) flush() {
	s.engine, s.bySHA, s.bytes = nil, nil, 0
	s.evals.Init()
}

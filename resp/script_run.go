package resp

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"diskette/resp/lua"

	"diskette/resp/command"
	"diskette/resp/lualib"
	"diskette/store"
)

// A script that runs longer than busy-reply-threshold makes the others hear -BUSY instead of
// waiting for the keyspace lock, and can be killed unless it has written:
//
//	the gate        refuses every command that is not AllowBusy
//	those who wait  for the lock already are let look in, see that the store is busy, and give up (store/busy.go)
//	SCRIPT KILL     sets a mark, which the script finds at its next tick

// runs says which script is running. It may be asked without the keyspace lock.
type runs struct {
	now  atomic.Pointer[scriptRun] // nil = none
	busy atomic.Bool               // the script runs longer than it should
}

// scriptRun is one run of a script or function.
type scriptRun struct {
	cl       *client
	tx       *store.Tx
	clock    int64    // unix ms: time stands still in a script
	name     string   // the script's sum, or the function's name
	command  [][]byte // the connection's: only its own goroutine may read them, unless the run is busy
	isEval   bool
	readOnly bool
	allowOOM bool   // the script says that it may run when there is no room
	begins   roomAt // when the command began that runs the script
	began    time.Time
	lookedIn time.Time // when others were last let look in
	long     bool      // the script has run for longMemory
	mayLoad  bool      // the script may end with ReplyLoad: see lacks
	lacking  bool      // the script ends with ReplyLoad

	wrote  atomic.Bool // a command that writes was called
	killed atomic.Bool
}

// engine is a Lua, with what its functions work on.
type engine struct {
	srv  *Server
	lua  *lualib.State
	run  *scriptRun                     // nil between runs
	load *library                       // while FUNCTION LOAD runs its code
	apis struct{ run, load lua.LValue } // the redis table of scripts, and of libraries' code

	args  [][]byte // of the command that is being called
	bytes []byte   // theirs
	inner command.Call
	made  int // bytes of the Lua values that its reply has become
}

// scriptMemory is how much a script may hold in memory, where the machine or container has that much to spare.
const scriptMemory = 256 << 20

func (s *Server) scriptMemory() int64 {
	if s.cfg.Memory == 0 {
		return scriptMemory
	}
	return min(scriptMemory, store.HeapShare(s.cfg.Memory)/2)
}

func (s *Server) newEngine(functions bool) *engine {
	e := &engine{srv: s}
	e.lua = lualib.New(lualib.Limits{
		Memory: s.scriptMemory(), Others: e.others, Tick: e.tick,
		Defect: func(p any) { s.panicked("script", p) },
	})
	api := e.api()
	if functions {
		e.apis.load = e.lua.Protect(e.loadAPI())
	} else {
		for name, fn := range e.debuggingAPI() {
			api.RawSetString(name, e.lua.L.NewFunction(fn))
		}
	}
	e.apis.run = e.lua.Protect(api)
	e.lua.SetPlainGlobal("redis", e.apis.run)
	return e
}

// others is what keys take in memory, and changes that are not committed: a script that reads
// many keys does not hold them. Both are estimates on the low side.
func (e *engine) others() int64 {
	if e.run == nil {
		return 0
	}
	return 2 * (e.srv.store.HotBytesLocked() + int64(e.run.tx.ChangeBytes()))
}

// newRun notes a run. The caller holds the keyspace lock.
func (e *engine) newRun(c *command.Call, tx *store.Tx, name string, flags scriptFlags, readOnly bool) (*scriptRun, command.Reply) {
	begins := e.srv.roomAt(clientOf(c), c, tx.DB())
	if begins.full && flags.needRoom() {
		return nil, e.srv.refuse(begins.db)
	}
	if flags&(scriptOldStyle|scriptNoWrites) == 0 {
		if e.srv.replicas.lacking.Load() {
			return nil, errNoGoodReplicas
		}
		if err := e.srv.store.WriteError(); err != nil {
			return nil, command.ErrNotStored(err)
		}
		if e.srv.refusesWrites(clientOf(c)) {
			return nil, errReadOnly
		}
		if readOnly {
			return nil, command.ErrorReply("ERR Can not execute a script with write flag using *_ro command.")
		}
	}
	if l := e.srv.follow.of.Load(); l != nil && flags&scriptAllowStale == 0 && l.stale() {
		return nil, errMasterDown
	}
	tx.CopyAtOnce()
	return &scriptRun{
		cl: clientOf(c), tx: tx, clock: c.Now, name: name, command: c.Args, began: time.Now(),
		readOnly: readOnly || flags&scriptNoWrites != 0, allowOOM: flags&scriptAllowOOM != 0, begins: begins,
	}, command.ReplyNone
}

// execute calls a function of the engine's Lua for a run, and returns the reply.
func (e *engine) execute(run *scriptRun, fn *lua.LFunction, args ...lua.LValue) command.Reply {
	cl, s, L := run.cl, e.srv, e.lua.L
	db, resp3 := cl.DB, cl.RESP3
	e.run, cl.RESP3 = run, false // Redis: scripts begin in RESP2
	s.scripts.runs.now.Store(run)
	defer func() {
		e.run, cl.RESP3 = nil, resp3
		if cl.DB != db {
			cl.DB = db
			cl.dbSeen.Store(int32(db))
			run.tx.Select(db)
		}
		s.scripts.runs.busy.Store(false)
		s.scripts.runs.now.Store(nil)
		L.SetTop(0)
		if run.long {
			s.heap.script.Store(0)
			s.limitHeap()
		}
	}()
	e.lua.Reset()
	result, failure := e.lua.Run(fn, errorPlace, args...)
	if run.lacking {
		return command.ReplyLoad
	}
	if failure != nil {
		return run.failure(failure)
	}
	return e.reply(result, cl.RESP3)
}

// startAnew is how long a script may have run to be run again from its beginning.
const startAnew = 10 * time.Millisecond

var errLoadFirst = errors.New("a key has to be loaded first")

// lacks reports whether the script is to end here and to run once more from its beginning, when keys of its
// next command have been loaded without the keyspace lock: declared ones that are not small, and those that
// it has not declared. It may as long as it has only read: a script of EVAL keeps nothing from one run to the
// next. A function may, in its library's variables; its declared keys are all loaded before. What is left is
// loaded by the look-ups, under the lock.
func (run *scriptRun) lacks(r *command.Row, args [][]byte) bool {
	if r.Read == nil {
		run.mayLoad = false
		return false
	}
	tx, has := run.tx, true
	if tx.AllInMemory() {
		return false
	}
	r.EachNeeded(args, func(i int, s *command.KeySpec) { has = has && s.Has(&tx.View, args, i) })
	if has {
		return false
	}
	if run.mayLoad = time.Since(run.began) < startAnew; run.mayLoad {
		has = true // what memory has in parts may become whole by that alone
		r.EachNeeded(args, func(i int, s *command.KeySpec) { has = s.WantAlso(&tx.View, args, i) && has })
		run.lacking = !has
	}
	return run.lacking
}

// errorPlace makes a table of any error, with the line it comes from.
func errorPlace(L *lua.LState, failure lua.LValue) lua.LValue {
	err, isTable := failure.(*lua.LTable)
	if !isTable {
		err = errorTable("ERR " + plainText(failure))
	}
	for level := 0; ; level++ {
		source, line, known, more := L.Line(level)
		if known {
			err.RawSetString("source", lua.LString("@"+source))
			err.RawSetString("line", lua.LNumber(line))
		}
		if known || !more {
			return err
		}
	}
}

// failure is the reply when a script ended with an error.
func (run *scriptRun) failure(err lua.LValue) (reply command.Reply) {
	if table, ok := err.(*lua.LTable); ok {
		reply = run.raised(table)
	} else {
		reply = command.ErrorReply("ERR " + plainText(err))
	}
	reply.S = command.OneLine(reply.S)
	return reply
}

func (run *scriptRun) raised(err *lua.LTable) command.Reply {
	text, ok := err.RawGetString("err").(lua.LString)
	if !ok {
		text = "ERR unknown error"
	}
	reply := command.ErrorReply(cString(string(text)))
	source, hasSource := err.RawGetString("source").(lua.LString)
	line, hasLine := err.RawGetString("line").(lua.LNumber)
	if hasSource && hasLine {
		reply.S += " script: " + run.name + ", on " + string(source) + ":" + strconv.Itoa(int(line)) + "."
	}
	if counted, _ := err.RawGetString(countedField).(lua.LBool); bool(counted) {
		reply.N = errorCounted
	}
	return reply
}

var errKilled = errors.New("Script killed by user with SCRIPT KILL...") //nolint:staticcheck // Redis's words

// letLookInEvery is how often a busy script lets those who wait for the lock see that it is.
const letLookInEvery = 10 * time.Millisecond

// longMemory is the time after which a script's memory comes on top of the heap's bound. Without it a script that
// holds much beside a small maxmemory would spend its time in the collector; moving the bound takes some 50 us.
const longMemory = 20 * time.Millisecond

// tick is called every now and then while a script runs.
func (e *engine) tick() error {
	run := e.run
	if run == nil { // FUNCTION LOAD runs it
		return e.loadTick()
	}
	if run.killed.Load() {
		return errKilled
	}
	threshold := e.srv.cfg.BusyReplyThreshold.Load()
	now := time.Now()
	if !run.long && now.Sub(run.began) > longMemory {
		run.long = true
		run.cl.leaveLoop() // SCRIPT KILL may come to it
		e.srv.heap.script.Store(e.srv.scriptMemory())
		e.srv.limitHeap()
	}
	if threshold == 0 || now.Sub(run.began).Milliseconds() < threshold || now.Sub(run.lookedIn) < letLookInEvery {
		return nil
	}
	if !e.srv.scripts.runs.busy.Swap(true) {
		e.srv.log.Warn().Str("client", run.cl.addr()).Str("script", run.name).Int64("ms", now.Sub(run.began).Milliseconds()).
			Msg("slow script: the other clients hear -BUSY; " + run.killer() + " can end it")
	}
	e.srv.store.LetLookIn()
	run.lookedIn = time.Now()
	return nil
}

// shown is the command that runs it, for FUNCTION STATS.
func (run *scriptRun) shown() command.Reply {
	elems := make([]command.Reply, len(run.command))
	for i, a := range run.command {
		elems[i] = command.BulkString(string(a))
	}
	return command.Array(elems...)
}

// RunsScript reports whether a script holds the keyspace. After Stop that is one which can not be waited for.
func (s *Server) RunsScript() bool { return s.scripts.runs.now.Load() != nil }

// killer is the command that may end the run.
func (run *scriptRun) killer() string {
	if run.isEval {
		return "SCRIPT KILL"
	}
	return "FUNCTION KILL"
}

func (run *scriptRun) busyReply() command.Reply {
	return command.ErrorReply("BUSY Redis is busy running a script. You can only call " + run.killer() + " or SHUTDOWN NOSAVE.")
}

var errNotBusy = command.ErrorReply("NOTBUSY No scripts in execution right now.")

// killWait is how long SCRIPT KILL waits for the script's end, so that who hears OK finds the
// server free. A command that the script is in comes to its end first.
const killWait = time.Second

// kill is SCRIPT KILL and FUNCTION KILL. It does not need the keyspace lock.
func (s *scripts) kill(isEval bool) command.Reply {
	run := s.runs.now.Load()
	switch {
	case run == nil:
		return errNotBusy
	case run.wrote.Load():
		return command.ErrorReply("UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.")
	case run.isEval != isEval:
		return run.busyReply()
	}
	run.killed.Store(true)
	s.srv.log.Warn().Str("script", run.name).Msg("script killed by " + run.killer())
	for end := time.Now().Add(killWait); s.runs.now.Load() == run && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
	return command.ReplyOK
}

// busyReply is what a command hears that may not run now.
func (s *scripts) busyReply() command.Reply {
	run := s.runs.now.Load()
	if run == nil { // it has just ended
		run = &scriptRun{isEval: true}
	}
	return run.busyReply()
}

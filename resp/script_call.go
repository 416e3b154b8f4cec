package resp

import (
	"strconv"

	"diskette/resp/lua"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/numbers"
	"diskette/resp/lualib"
	"diskette/resp/wire"
)

// countedField marks an error whose command has counted it in INFO errorstats already;
// errorCounted is the same in a Reply's n.
const (
	countedField = "ignore_error_stats_update"
	errorCounted = 1
)

// callTicks is what a command counts for, in turns of a loop. After one that walks over data
// the script looks at the clock.
const callTicks = 16

// scriptChanges is how much a script may change: it is held in memory until the script ends.
const scriptChanges = 512 << 20

// call is redis.call and redis.pcall: raise = errors end the script.
func (e *engine) call(L *lua.LState, raise bool) int {
	if e.run == nil {
		raised(L, "redis.call/pcall can only be called inside a script invocation")
	}
	reply, refused := e.arguments(L)
	if !refused {
		reply = e.command()
		switch {
		case reply.Kind == command.KindLoad:
			e.lua.End(L, errLoadFirst)
		case reply.IsError():
			reply.N = errorCounted
		}
	}
	e.made = 0
	v := e.value(&reply)
	e.run.cl.Scratch.Reset()
	e.run.tx.MakeRoom()
	ticks := callTicks
	if !refused && e.inner.Row != nil && e.inner.Row.TimeVaries {
		ticks = lualib.TicksPerLook
	}
	e.lua.Spend(L, ticks, e.made)
	if raise && reply.IsError() {
		L.Error(v)
	}
	L.Push(v)
	return 1
}

// raised ends the script, or the pcall around it, with one of our own errors.
func raised(L *lua.LState, text string) { L.Error(errorTable("ERR " + text)) }

func errorTable(text string) *lua.LTable { return lua.NewField(errField, lua.LString(text)) }

// arguments takes a command's arguments off Lua's stack into e.args, which are valid until the next call.
func (e *engine) arguments(L *lua.LState) (refusal command.Reply, refused bool) {
	n := L.GetTop()
	if n == 0 {
		return command.ErrorReply("ERR Please specify at least one argument for this redis lib call"), true
	}
	size := 0
	for i := 1; i <= n; i++ {
		switch a := L.Get(i).(type) {
		case lua.LString:
			if len(a) < wire.BigArg {
				size += len(a)
			}
		case lua.LNumber:
			size += numberBytes
		default:
			return command.ErrorReply("ERR Lua redis lib command arguments must be strings or integers"), true
		}
	}
	if cap(e.bytes) < size || cap(e.bytes) > keptBytes {
		e.bytes = make([]byte, 0, size+size/2)
	}
	e.args = e.args[:0]
	buf := e.bytes[:0]
	for i := 1; i <= n; i++ {
		from := len(buf)
		switch a := L.Get(i).(type) {
		case lua.LString:
			if len(a) >= wire.BigArg { // the command may keep it
				e.args = append(e.args, []byte(a))
				continue
			}
			buf = append(buf, a...)
		case lua.LNumber:
			buf = appendArgument(buf, float64(a))
		}
		e.args = append(e.args, buf[from:len(buf):len(buf)])
	}
	return command.ReplyNone, false
}

const (
	numberBytes = 32        // %.17g takes at most 24
	keptBytes   = 256 << 10 // of e.bytes, from one command to the next
)

// appendArgument writes a number as Redis 7.2 gives it to commands: whole numbers up to 2^62
// exactly, others with the fewest digits that read back the same.
func appendArgument(buf []byte, f float64) []byte {
	if i := int64(f); f >= -1<<62 && f <= 1<<62 && float64(i) == f {
		return strconv.AppendInt(buf, i, 10)
	}
	if f != f {
		return append(buf, lua.FormatNumber(lua.LNumber(f))...)
	}
	return append(buf, numbers.FormatDouble(f)...)
}

// command runs the command in e.args, as EXEC does.
func (e *engine) command() command.Reply {
	run, args := e.run, e.args
	cl, s, tx := run.cl, e.srv, run.tx
	r, refusal := e.admit(args)
	if refusal.IsError() {
		s.stats.errors.count(refusal.S)
		if r != nil {
			r.Stats.Rejected.Add(1)
		}
		return refusal
	}
	if run.mayLoad && run.lacks(r, args) {
		return command.ReplyLoad
	}
	e.inner = command.Call{Caller: &cl.Caller, Row: r, Args: args, Now: run.clock, Locked: true, Script: true}
	cl.remember(r, args)
	t := cl.beforeCommand(r, args, 0)
	reply := e.invoke(r)
	cl.noteTimes(t, r, args, &reply)
	if s.monitors.count.Load() > 0 && r.Flags&(command.SkipMonitor|command.Admin) == 0 {
		s.monitors.show(cl, "lua", r, args)
	}
	if reply.IsError() {
		s.stats.errors.count(reply.S)
	}
	if r.Conn != nil && cl.DB != tx.DB() {
		tx.Select(cl.DB)
	}
	return reply
}

// admit is the gate for a script's commands. Redis: scriptCall in script.c.
func (e *engine) admit(args [][]byte) (*command.Row, command.Reply) {
	run, s := e.run, e.srv
	r := s.called.Lookup(args[0])
	if r != nil && r.Subs != nil && len(args) > 1 {
		r = r.Sub(args[1])
	}
	switch {
	case r == nil:
		return nil, command.ErrorReply("ERR Unknown Redis command called from script")
	case !r.ArityOK(len(args)) || r.Read == nil && r.Write == nil && r.Conn == nil:
		return r, command.ErrorReply("ERR Wrong number of args calling Redis command from script")
	case r.Flags&command.Noscript != 0:
		return r, command.ErrorReply("ERR This Redis command is not allowed from script")
	}
	if !run.cl.mayAll() {
		if u, d := run.cl.denied(r, args, "lua"); d.Reason != acl.Allowed {
			return r, command.ErrorReply(command.OneLine("ERR ACL failure in script: " + d.Text(u.Name, r, args, false)))
		}
	}
	if run.readOnly && r.Flags&(command.Write|command.MayReplicate) != 0 {
		return r, command.ErrorReply("ERR Write commands are not allowed from read-only scripts.")
	}
	if db := storesIn(r, args, run.tx.DB()); r.Flags&command.Denyoom != 0 && !run.allowOOM && !run.wrote.Load() && run.begins.isFull(s, db) {
		return r, s.refuse(db)
	}
	if r.Flags&command.Write != 0 {
		if s.refusesWrites(run.cl) {
			return r, errReadOnly
		}
		if s.replicas.lacking.Load() {
			return r, errNoGoodReplicas
		}
		if err := s.store.WriteError(); err != nil && (r.Flags&command.Denyoom != 0 || !s.store.DiskFull()) {
			return r, command.ErrNotStored(err)
		}
		if r.Flags&command.Denyoom != 0 && run.tx.ChangeBytes() > scriptChanges {
			return r, command.ErrorReply("ERR The script has changed too much: more than 512 MiB would have to be kept in memory until it ends")
		}
		run.wrote.Store(true)
	}
	return r, command.ReplyNone
}

// invoke runs the command's function. If it panics, what it has changed is recorded with the
// rest, and the script gets an error.
func (e *engine) invoke(r *command.Row) (reply command.Reply) {
	c, tx := &e.inner, e.run.tx
	defer func() {
		if p := recover(); p != nil {
			reply = e.srv.panicked(r.Full, p)
		}
	}()
	switch {
	case r.Read != nil:
		return r.Read(&tx.View, c)
	case r.Write != nil:
		return c.Write(tx)
	}
	reply = r.Conn(c)
	clientOf(c).CallSeen = 0
	tx.SawAll()
	return reply
}

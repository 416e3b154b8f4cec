package resp

import (
	"math"
	"strconv"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/store"
)

func serverRows() []*command.Row {
	return []*command.Row{
		{Name: "wait", Arity: 3, Flags: command.Blocking, Read: wait,
			Group: "generic", Since: "3.0.0", Cats: "connection -keyspace",
			Tips: "request_policy:all_shards response_policy:agg_min", Args: "numreplicas timeout",
			Doc: "Waits until replicas have the client's changes."},
		{Name: "waitaof", Arity: 4, Flags: command.Blocking, Read: waitaof,
			Group: "generic", Since: "7.2.0", Cats: "connection -keyspace",
			Tips: "request_policy:all_shards response_policy:agg_min", Args: "numlocal numreplicas timeout",
			Doc: "Waits until the journal is fsynced, and until replicas have fsynced the client's changes."},
		{Name: "bgrewriteaof", Arity: 1, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(bgrewriteaof),
			Group: "server", Since: "1.0.0", Cost: "O(N) in the changes not written back",
			Doc: "Forces a write-back in the background."},
		{Name: "bgsave", Arity: -1, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(bgsave),
			Group: "server", Since: "1.0.0", Args: "[SCHEDULE]", Cost: "O(1)",
			Doc: "Writes all data to dump.rdb in the background."},
		{Name: "debug", Arity: -2, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(debugCommand),
			Group: "server", Since: "1.0.0", Cost: "Depends on subcommand.",
			Doc: "Serves tests; needs enable-debug-command."},
		{Name: "info", Arity: -1, Flags: command.Loading | command.Stale, Conn: onClient(info),
			Group: "server", Since: "1.0.0", Cats: "dangerous",
			Tips: "nondeterministic_output request_policy:all_shards response_policy:special", Args: "[section...]",
			Doc: "Reports on the server."},
		{Name: "lastsave", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(lastsave),
			Group: "server", Since: "1.0.0", Cats: "admin dangerous", Tips: "nondeterministic_output",
			Doc: "Returns when all data was last written to dump.rdb."},
		{Name: "lolwut", Arity: -1, Flags: command.Readonly | command.Fast, Conn: onClient(lolwut),
			Group: "server", Since: "5.0.0", Args: "[VERSION version]",
			Doc: "Draws something and tells the version."},
		{Name: "monitor", Arity: 1, Flags: command.Admin | command.Noscript | command.Loading | command.Stale, Conn: onClient(monitor),
			Group: "server", Since: "1.0.0", Doc: "Shows every command that the server runs, until RESET."},
		{Name: "save", Arity: 1, Flags: command.Admin | command.Noscript | command.NoAsyncLoading | command.NoMulti, Conn: onClient(save),
			Group: "server", Since: "1.0.0", Cost: "O(N) in the keys",
			Doc: "Writes all data to dump.rdb, while other clients go on."},
		{Name: "shutdown", Arity: -1, Flags: command.Admin | command.Noscript | command.Loading | command.Stale | command.NoMulti | command.AllowBusy,
			Conn:  onClient(shutdown),
			Group: "server", Since: "1.0.0", Args: "[save-selector(NOSAVE|SAVE)] [NOW] [FORCE] [ABORT]",
			Cost: "O(N) in the changes not written back", Doc: "Writes everything back and ends the server."},
		{Name: "time", Arity: 1, Flags: command.Loading | command.Stale | command.Fast, Conn: onClient(serverTime),
			Group: "server", Since: "2.6.0", Tips: "nondeterministic_output", Doc: "Returns the clock."},
	}
}

// serverTime is TIME. In a script time stands still.
func serverTime(_ *client, c *command.Call) command.Reply {
	now := time.Now()
	if c.Script {
		now = time.UnixMilli(c.Now)
	}
	return command.Array(command.BulkString(strconv.FormatInt(now.Unix(), 10)), command.BulkString(strconv.Itoa(now.Nanosecond()/1000)))
}

func bgrewriteaof(cl *client, _ *command.Call) command.Reply {
	if !cl.srv.rewrite.runInBackground(cl.srv) {
		return command.ErrorReply("ERR Background append only file rewriting already in progress")
	}
	return command.Simple("Background append only file rewriting started")
}

// shutdown has no reply when it works: the connection closes. With NOSAVE it does not wait for a write-back first,
// though the end of the process brings one anyway if the disk allows it. SAVE, said in so many words, writes dump.rdb.
func shutdown(cl *client, c *command.Call) command.Reply {
	var save, noSave, now, force, abort bool
	for i := 1; i < len(c.Args); i++ {
		switch strings.ToLower(c.Str(i)) {
		case "save":
			save = true
		case "nosave":
			noSave = true
		case "now":
			now = true
		case "force":
			force = true
		case "abort":
			abort = true
		default:
			return command.ErrSyntax
		}
	}
	if save && noSave || abort && len(c.Args) > 2 {
		return command.ErrSyntax
	}
	if abort {
		return command.ErrorReply("ERR No shutdown in progress.") // it does not wait for replicas, so there is no while
	}
	s := cl.srv
	if !noSave && s.scripts.runs.busy.Load() {
		return s.scripts.busyReply()
	}
	if !noSave && s.loading.Load() == nil {
		err := s.store.Flush()
		if err == nil && save {
			err = s.dumps.lastly(s)
		}
		if err != nil && !force {
			s.log.Error().Err(err).Msg("SHUTDOWN refused: not everything could be written; NOSAVE or FORCE ends the server all the same")
			return command.ErrorReply("ERR Errors trying to SHUTDOWN. Check logs.")
		}
	}
	s.log.Info().Str("client", cl.addr()).Msg("SHUTDOWN asked for")
	s.lastSocket.Store(cl.guard.SecondDescriptor())
	s.shutdown(Shutdown{Now: now})
	cl.closing = true
	return command.ReplyNone
}

// wait waits until so many replicas have acknowledged the client's changes. Its reply leaves when the connection's own
// writes are committed, as every reply does (I2).
func wait(_ *store.View, c *command.Call) command.Reply {
	replicas, ok := c.Int(1)
	if !ok {
		return command.ErrNotInteger
	}
	timeout, refusal := timeoutMillis(c, 2)
	if refusal.IsError() {
		return refusal
	}
	cl := clientOf(c)
	reached := func() (command.Reply, bool) {
		n := cl.srv.replicas.reached(cl.wroteTo, false)
		return command.Integer(n), n >= replicas
	}
	reply, over := reached()
	if over {
		return reply
	}
	return c.BlockOn(command.BlockRequest{Timeout: time.Duration(timeout) * time.Millisecond, TimedOut: reply, Reached: reached})
}

// waitaof waits for an fsync of the journal when numlocal is 1, and for replicas that have fsynced as wait does.
func waitaof(_ *store.View, c *command.Call) command.Reply {
	local, ok := c.Int(1)
	if !ok {
		return command.ErrNotInteger
	}
	if local < 0 || local > 1 {
		return command.ErrorReply("ERR value is out of range, value must between 0 and 1")
	}
	replicas, ok := c.Int(2)
	if !ok || replicas < 0 {
		return command.ErrNegative
	}
	timeout, refusal := timeoutMillis(c, 3)
	if refusal.IsError() {
		return refusal
	}
	cl := clientOf(c)
	st, left := cl.srv.store, time.Duration(timeout)*time.Millisecond
	synced := command.OneIf(st.Synced())
	if local == 1 && !c.Locked {
		if c.Resume == nil {
			c.OffLock = func() any { return awaitSync(st, left) }
			return command.ReplyNone
		}
		wait := c.Resume.(syncWait)
		if wait.err != nil {
			return command.ErrNotStored(wait.err)
		}
		synced, left = command.OneIf(wait.synced), left-wait.took
	}
	reached := func() (command.Reply, bool) {
		n := cl.srv.replicas.reached(cl.wroteTo, true)
		return command.Array(synced, command.Integer(n)), n >= replicas
	}
	reply, over := reached()
	if over || timeout > 0 && left <= 0 {
		return reply
	}
	return c.BlockOn(command.BlockRequest{Timeout: max(left, 0), TimedOut: reply, Reached: reached})
}

// syncWait is what came of a wait for an fsync.
type syncWait struct {
	synced bool
	took   time.Duration
	err    error
}

// awaitSync waits for an fsync of the journal, at most so long; 0 = for ever.
func awaitSync(st *store.Store, timeout time.Duration) (w syncWait) {
	start := time.Now()
	synced := make(chan error, 1)
	go func() { synced <- st.Sync() }()
	var expired <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case w.err = <-synced:
		w.synced = w.err == nil
	case <-expired:
	}
	w.took = time.Since(start)
	return w
}

// timeoutMillis reads argument i as a timeout in milliseconds, 0 = for ever.
func timeoutMillis(c *command.Call, i int) (millis int64, refusal command.Reply) {
	millis, ok := c.Int(i)
	switch {
	case !ok:
		return 0, command.ErrTimeout
	case millis < 0:
		return 0, command.ErrTimeoutBelow
	case millis > math.MaxInt64/int64(time.Millisecond):
		return 0, command.ErrTimeoutRange
	}
	return millis, command.Reply{}
}

package resp

import (
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"diskette/store"
)

// serverTime is TIME. In a script time stands still.
func serverTime(_ *client, c *call) Reply {
	now := time.Now()
	if c.script {
		now = time.UnixMilli(c.now)
	}
	return array(bulkString(strconv.FormatInt(now.Unix(), 10)), bulkString(strconv.Itoa(now.Nanosecond()/1000)))
}

// saves are the write-backs that clients asked for. Every write is durable without them; they
// bring what the journal holds into the tables, where backups of the database file find it.
type saves struct {
	save, rewrite saveJob // SAVE and BGSAVE | BGREWRITEAOF
}

// saveJob runs one write-back at a time.
type saveJob struct {
	mu       sync.Mutex // guards what follows
	started  time.Time  // zero = none is under way
	last     time.Duration
	finished int64 // how many have ended well
	failed   bool  // the last one
	ended    time.Time
}

// run writes everything back; started is false if another run is under way.
func (j *saveJob) run(s *Server, what string) (started bool, err error) {
	if !j.begin() {
		return false, nil
	}
	return true, j.finish(s, what)
}

func (j *saveJob) runInBackground(s *Server, what string) (started bool) {
	if !j.begin() {
		return false
	}
	go j.finish(s, what)
	return true
}

func (j *saveJob) begin() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.started.IsZero() {
		return false
	}
	j.started = time.Now()
	return true
}

func (j *saveJob) finish(s *Server, what string) error {
	err := s.store.Flush()
	j.mu.Lock()
	j.ended = time.Now()
	j.last, j.started, j.failed = j.ended.Sub(j.started), time.Time{}, err != nil
	if err == nil {
		j.finished++
	}
	took := j.last
	j.mu.Unlock()
	if err != nil {
		s.log.Error().Err(err).Dur("took_ms", took).Msg(what + " failed")
	} else {
		s.log.Debug().Dur("took_ms", took).Msg(what + " done")
	}
	return err
}

// saveState is a saveJob as INFO tells it.
type saveState struct {
	running, failed             bool
	finished                    int64
	ended                       time.Time
	lastSeconds, currentSeconds int64 // -1 = there was none, is none
}

func (j *saveJob) state(now time.Time) saveState {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := saveState{running: !j.started.IsZero(), failed: j.failed, finished: j.finished, ended: j.ended, lastSeconds: -1, currentSeconds: -1}
	if j.finished > 0 || j.failed {
		s.lastSeconds = int64(j.last / time.Second)
	}
	if s.running {
		s.currentSeconds = int64(now.Sub(j.started) / time.Second)
	}
	return s
}

var errSaveInProgress = errorReply("ERR Background save already in progress")

func save(cl *client, _ *call) Reply {
	started, err := cl.srv.saves.save.run(cl.srv, "SAVE")
	switch {
	case !started:
		return errSaveInProgress
	case err != nil:
		return errNotStored(err)
	}
	return replyOK
}

func bgsave(cl *client, c *call) Reply {
	if len(c.args) > 2 || len(c.args) == 2 && !c.is(1, "schedule") {
		return errSyntax
	}
	if !cl.srv.saves.save.runInBackground(cl.srv, "BGSAVE") {
		return errSaveInProgress
	}
	return simple("Background saving started")
}

func bgrewriteaof(cl *client, _ *call) Reply {
	if !cl.srv.saves.rewrite.runInBackground(cl.srv, "BGREWRITEAOF") {
		return errorReply("ERR Background append only file rewriting already in progress")
	}
	return simple("Background append only file rewriting started")
}

func lastsave(cl *client, _ *call) Reply {
	if l := cl.srv.loading.Load(); l != nil {
		return integer(l.started.Unix())
	}
	return integer(cl.srv.store.LastWriteBack().Unix())
}

// shutdown has no reply when it works: the connection closes. With NOSAVE it does not wait for a
// write-back first, though the end of the process brings one anyway if the disk allows it.
func shutdown(cl *client, c *call) Reply {
	var save, noSave, now, force, abort bool
	for i := 1; i < len(c.args); i++ {
		switch strings.ToLower(c.str(i)) {
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
			return errSyntax
		}
	}
	if save && noSave || abort && len(c.args) > 2 {
		return errSyntax
	}
	if abort {
		return errorReply("ERR No shutdown in progress.") // it does not wait for replicas, so there is no while
	}
	s := cl.srv
	if !noSave && s.scripts.runs.busy.Load() {
		return s.scripts.busyReply()
	}
	if !noSave && s.loading.Load() == nil {
		if err := s.store.Flush(); err != nil && !force {
			s.log.Error().Err(err).Msg("SHUTDOWN refused: not everything could be written back; NOSAVE or FORCE ends the server all the same")
			return errorReply("ERR Errors trying to SHUTDOWN. Check logs.")
		}
	}
	s.log.Info().Str("client", cl.addr).Msg("SHUTDOWN asked for")
	s.lastSocket.Store(cl.guard.Hold())
	s.shutdown(Shutdown{Now: now})
	cl.closing = true
	return replyNone
}

// wait has no replicas to wait for: whoever asks for one waits until the time is over. Its reply leaves when the connection's
// own writes are committed, as every reply does (I2).
func wait(_ *store.View, c *call) Reply {
	replicas, ok := c.int(1)
	if !ok {
		return errNotInteger
	}
	timeout, refusal := timeoutMillis(c, 2)
	if refusal.isError() {
		return refusal
	}
	if replicas <= 0 {
		return replyZero
	}
	return c.blockOn(blockRequest{timeout: time.Duration(timeout) * time.Millisecond, timedOut: replyZero})
}

// waitaof waits for an fsync of the journal when numlocal is 1, and for replicas as wait does.
func waitaof(_ *store.View, c *call) Reply {
	local, ok := c.int(1)
	if !ok {
		return errNotInteger
	}
	if local < 0 || local > 1 {
		return errorReply("ERR value is out of range, value must between 0 and 1")
	}
	replicas, ok := c.int(2)
	if !ok || replicas < 0 {
		return errNegative
	}
	timeout, refusal := timeoutMillis(c, 3)
	if refusal.isError() {
		return refusal
	}
	st, left := clientOf(c).srv.store, time.Duration(timeout)*time.Millisecond
	synced := oneIf(st.Synced())
	if local == 1 && !c.locked {
		if c.resume == nil {
			c.apart = func() any { return awaitSync(st, left) }
			return replyNone
		}
		wait := c.resume.(syncWait)
		if wait.err != nil {
			return errNotStored(wait.err)
		}
		synced, left = oneIf(wait.synced), left-wait.took
	}
	reply := array(synced, replyZero)
	if replicas == 0 || timeout > 0 && left <= 0 {
		return reply
	}
	return c.blockOn(blockRequest{timeout: max(left, 0), timedOut: reply})
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
func timeoutMillis(c *call, i int) (millis int64, refusal Reply) {
	millis, ok := c.int(i)
	switch {
	case !ok:
		return 0, errTimeout
	case millis < 0:
		return 0, errTimeoutBelow
	case millis > math.MaxInt64/int64(time.Millisecond):
		return 0, errTimeoutRange
	}
	return millis, Reply{}
}

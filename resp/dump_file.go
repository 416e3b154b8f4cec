package resp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/moveout"
	"diskette/store"
)

// dumps writes dump.rdb, when SAVE, BGSAVE or SHUTDOWN SAVE say so and at no other time: what was acknowledged is
// durable without it. It is a copy for Redis, for backup tools and for leaving.
//
//	temp-diskette-PID.rdb   is written, and fsynced
//	rename                  to dbfilename, in the place of the one before
//	fsync of the directory
//
// What fails or is killed before the rename leaves the file that was there. The next start removes what is left of a
// temporary file.
type dumps struct {
	mu         sync.Mutex // guards what follows
	started    time.Time  // zero = none is under way
	background bool
	cancel     context.CancelCauseFunc
	ended      bool      // the server ends: none is started
	saved      time.Time // when the newest was written, at first when the server was started
	changes    int64     // the store's count of changes that it has
	count      int64     // files written since the start
	failed     bool      // the last BGSAVE
	last       time.Duration
	timed      bool // last is of a BGSAVE

	running     sync.WaitGroup
	keys, total atomic.Int64 // of the one under way
}

// readBy says who can read a version of the file.
var readBy = map[int]string{9: "Redis 5 and later", 10: "Redis 7.0 and later", 11: "Redis 7.2 and later", 12: "Redis 7.4 and later"}

const tempDumpPattern = "temp-diskette-*.rdb"

var (
	errServerEnds  = errors.New("the server ends")
	errSavedAtOnce = errors.New("SHUTDOWN SAVE writes the file anew")
)

// prepare removes what a killed server has left of a file.
func (d *dumps) prepare(s *Server) {
	d.saved = s.started
	dir := s.cfg.Text("dir")
	entries, _ := os.ReadDir(dir) // the store has opened it
	for _, e := range entries {
		if ours, _ := filepath.Match(tempDumpPattern, e.Name()); ours {
			path := filepath.Join(dir, e.Name())
			err := os.Remove(path)
			s.log.Info().Err(err).Str("file", path).Msg("removed what is left of a dump that was not finished")
		}
	}
}

// end gives up the one under way, and returns when it is over. None is started after it.
func (d *dumps) end() {
	d.mu.Lock()
	d.ended = true
	if d.cancel != nil {
		d.cancel(errServerEnds)
	}
	d.mu.Unlock()
	d.running.Wait()
}

// run writes the file; started is false if another is under way.
func (d *dumps) run(s *Server) (started bool, err error) {
	ctx, ok := d.start(false)
	if !ok {
		return false, nil
	}
	return true, d.write(ctx, s)
}

func (d *dumps) runInBackground(s *Server) (started bool) {
	ctx, ok := d.start(true)
	if ok {
		go func() { _ = d.write(ctx, s) }() // the log and INFO tell of errors
	}
	return ok
}

// lastly gives up one under way, and writes the file.
func (d *dumps) lastly(s *Server) error {
	for {
		switch started, err := d.run(s); {
		case started:
			return err
		case d.giveUp(errSavedAtOnce):
			return errServerEnds
		}
		d.running.Wait()
	}
}

// giveUp gives up the one under way; ended = the server ends.
func (d *dumps) giveUp(why error) (ended bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil {
		d.cancel(why)
	}
	return d.ended
}

func (d *dumps) start(background bool) (ctx context.Context, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.started.IsZero() || d.ended {
		return nil, false
	}
	d.started, d.background = time.Now(), background
	ctx, d.cancel = context.WithCancelCause(context.Background())
	d.keys.Store(0)
	d.total.Store(0)
	d.running.Add(1)
	return ctx, true
}

// write writes the file, and notes what came of it.
func (d *dumps) write(ctx context.Context, s *Server) error {
	defer d.running.Done()
	path := filepath.Join(s.cfg.Text("dir"), s.cfg.Text("dbfilename"))
	result, err := d.replace(ctx, s, path)
	d.mu.Lock()
	took := time.Since(d.started)
	if d.background {
		d.failed, d.last, d.timed = err != nil, took, true
	}
	if err == nil {
		d.saved, d.changes, d.failed = time.Now(), result.Changes, false
		d.count++
	}
	d.cancel(nil)
	d.started, d.cancel = time.Time{}, nil
	d.mu.Unlock()
	if err != nil {
		s.log.Error().Err(err).Str("file", path).Dur("took_ms", took).
			Msg("the dump could not be written, the file before it stays")
		return fmt.Errorf("%s can not be written: %w", path, err)
	}
	s.log.Info().Str("file", path).Int64("keys", result.Keys).Int64("bytes", result.Bytes).
		Int("libraries", result.Libraries).
		Int("rdb_version", result.Version).Str("read_by", readBy[result.Version]).Dur("took_ms", took).
		Msg("dump written")
	if aof := s.cfg.Text("appenddirname"); dirExists(filepath.Join(s.cfg.Text("dir"), aof)) {
		s.log.Warn().Str("file", path).Str("beside", aof).Msg("a redis-server with appendonly yes reads " + aof +
			" here and not this dump: remove that first, or start it with appendonly no")
	}
	if w := result.Warning(); w != "" {
		s.log.Warn().Str("file", path).Msg(w)
	}
	s.NoteBackup(store.LastBackup{Time: result.Moment, Kind: store.BackupRDB, By: "save", File: path, Bytes: result.Bytes})
	return nil
}

// replace puts a new file in the place of path.
func (d *dumps) replace(ctx context.Context, s *Server, path string) (result moveout.Result, err error) {
	f, err := moveout.Create(path, strings.Replace(tempDumpPattern, "*", strconv.Itoa(os.Getpid()), 1))
	if err != nil {
		return result, err
	}
	result, err = s.writeRDB(ctx, f, rdbRequest{progress: func(p moveout.Progress) {
		d.keys.Store(p.Keys)
		d.total.Store(p.Total)
	}})
	if err != nil {
		return result, errors.Join(err, f.Abort())
	}
	return result, f.Finish()
}

// dumpState is dumps as LASTSAVE and INFO tell it.
type dumpState struct {
	running, failed             bool
	saved                       time.Time
	changes, count              int64
	keys, total                 int64 // of the one under way
	lastSeconds, currentSeconds int64 // of BGSAVE; -1 = there was none, is none
}

func (d *dumps) state(now time.Time) dumpState {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := dumpState{running: !d.started.IsZero() && d.background, failed: d.failed, saved: d.saved, changes: d.changes,
		count: d.count, lastSeconds: -1, currentSeconds: -1}
	if d.timed {
		s.lastSeconds = int64(d.last / time.Second)
	}
	if s.running {
		s.currentSeconds = int64(now.Sub(d.started) / time.Second)
		s.keys, s.total = d.keys.Load(), d.total.Load()
	}
	return s
}

func dirExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

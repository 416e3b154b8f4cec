package resp

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"diskette/resp/command"
	"diskette/resp/config"
	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// The bounds of the data on disk (maxdisk and its kin), as clients and the operator see them: the store keeps to them
// and evicts, here are the settings, the gate and the log.
//
// What Redis does at maxmemory happens here at maxdisk: a command marked denyoom is refused while eviction makes no
// room, and so is whatever is to be queued in a MULTI, and an EXEC with a denyoom command among those that were queued
// before. A script with flags needs room unless they deny it; one without is refused at its first command that writes.
// Redis: processCommand in server.c, scriptFlagsToCmdFlags and scriptVerifyOOM in script.c.
//
// As with Redis's replica-ignore-maxmemory a server that follows another keeps to no bounds: its master says what goes.
type diskBounds struct {
	fs      config.FileSystem
	refused refusals
	evicted atomic.Int64 // keys, since the start
	watch   boundsWatch

	begun atomic.Bool  // beginBounds is over
	told  atomic.Int64 // the assumed bound that the log had last
}

// Bounds are those that the server is started with, for store.Options. The error says why it can not keep to them.
func (s *Server) Bounds() (*store.Bounds, error) {
	dir := s.cfg.Text("dir")
	_, free := store.FileSystem(existing(dir))
	if s.bounds.fs.Room = -1; free >= 0 {
		s.bounds.fs.Room = free + store.DataBytes(dir)
	}
	b, err := s.cfg.DiskBounds(s.fileSystem())
	if err == nil && s.cfg.Text("replicaof") != "" && s.cfg.Bool("replica-ignore-maxmemory") {
		b = &store.Bounds{}
	}
	return b, err
}

// existing is a directory, or that in which it will be made.
func existing(dir string) string {
	for {
		if total, _ := store.FileSystem(dir); total >= 0 || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// fileSystem is the data directory's as it is now.
func (s *Server) fileSystem() config.FileSystem {
	total, _ := store.FileSystem(existing(s.cfg.Text("dir")))
	return config.FileSystem{Total: total, Room: s.bounds.fs.Room}
}

// checkBounds reports what is wrong with a parameter. Config.Set asks it before the new value counts.
func (s *Server) checkBounds(name string) error {
	_, err := s.cfg.DiskBounds(s.fileSystem())
	var wrong *config.BoundError
	if errors.As(err, &wrong) && wrong.Parameter == name {
		return wrong.Reason
	}
	return nil
}

// beginBounds has the settings change the bounds from now on. It comes once it is known whether the server follows
// another.
func (s *Server) beginBounds() {
	for _, name := range []string{"maxdisk", "maxdisk-free", "maxdisk-db", "maxmemory-policy-db"} {
		s.cfg.OnChange(name, func(string) error { return s.checkBounds(name) })
		s.cfg.OnChanged(name, func(string) { s.applyBounds() })
	}
	for _, name := range []string{"maxmemory", "maxmemory-policy", "replica-ignore-maxmemory"} {
		s.cfg.OnChanged(name, func(string) { s.applyBounds() })
	}
	s.applyBounds() // they may have changed while data was moving in
	s.bounds.begun.Store(true)
	s.logDefaultBound()
}

// applyBounds gives the store the bounds that hold now. It takes no keyspace lock.
func (s *Server) applyBounds() {
	if s.store == nil {
		return
	}
	if s.follow.of.Load() != nil && s.cfg.Bool("replica-ignore-maxmemory") {
		s.store.SetBounds(&store.Bounds{})
		return
	}
	b, err := s.cfg.DiskBounds(s.fileSystem())
	if err != nil { // the file system is not the one that it was when the settings were tried
		s.log.Error().Err(err).Msg("the bounds of the data on disk stay as they were")
		return
	}
	s.store.SetBounds(b)
	if s.bounds.begun.Load() {
		s.logDefaultBound()
	}
}

// logDefaultBound says what an evicting policy means where nothing says how much disk there is for the data, whenever
// that is another bound than before.
func (s *Server) logDefaultBound() {
	b := s.store.Bounds()
	if s.cfg.Int("maxdisk") != 0 || b.Policy == store.NoEviction || b.Disk == 0 {
		s.bounds.told.Store(0)
		return
	}
	if s.bounds.told.Swap(b.Disk) == b.Disk {
		return
	}
	if assumed, err := s.cfg.DiskBounds(s.fileSystem()); err == nil && b.Disk > assumed.Disk {
		s.log.Warn().Int64("maxmemory", s.cfg.MaxMemory.Load()).Int64("maxdisk", b.Disk).Int64("assumed", assumed.Disk).
			Int64("used_disk", s.store.UsedDisk()).Msg("maxmemory-policy " + b.Policy.String() + ": an older version, which evicted " +
			"nothing, has stored more here than the " + spokenBytes(assumed.Disk) + " that would be assumed for maxdisk; nothing of it " +
			"goes before there are " + spokenBytes(b.Disk) + " on disk: set maxdisk")
		return
	}
	s.log.Info().Int64("maxmemory", s.cfg.MaxMemory.Load()).Int64("maxdisk", b.Disk).Msg("maxmemory-policy " + b.Policy.String() +
		": the hottest " + spokenBytes(s.cfg.MaxMemory.Load()) + " stay in memory, up to " + spokenBytes(b.Disk) +
		" on disk; maxdisk sets it")
}

// spokenBytes is a size with one digit at most after the point: 256 MB, 2.5 GB.
func spokenBytes(n int64) string {
	unit, size := 0, float64(n)
	for ; size >= 1024 && unit < 4; unit++ {
		size /= 1024
	}
	return strings.TrimSuffix(strconv.FormatFloat(size, 'f', 1, 64), ".0") + " " + []string{"bytes", "KB", "MB", "GB", "TB"}[unit]
}

// full reports whether a denyoom command on a database is to be refused.
func (s *Server) full(db int) bool { return s.store.Full(db) }

// outsizes is the bound that a command's arguments alone exceed, so that everything else would go for it in vain; the
// zero value = they do not.
func (s *Server) outsizes(db int, args [][]byte) outsized {
	b := s.store.Bounds()
	o := outsized{db: allDatabases, bound: b.Disk}
	if own := b.Databases[db].Disk; own > 0 && (o.bound == 0 || own < o.bound) {
		o.db, o.bound = db, own
	}
	if o.bound == 0 {
		return outsized{}
	}
	for _, a := range args {
		o.bytes += int64(len(a))
	}
	if o.bytes <= o.bound {
		return outsized{}
	}
	return o
}

// outOfRoom refuses a command for which there is no room; KindNone = there is.
func (s *Server) outOfRoom(cl *client, r *command.Row, args [][]byte) command.Reply {
	switch t := cl.multi; {
	case cl.master:
	case t == nil:
		if r.Flags&command.Denyoom == 0 {
			break
		}
		db := storesIn(r, args, cl.DB)
		if s.full(db) {
			return s.refuse(db)
		}
		if o := s.outsizes(db, args); o.bound > 0 {
			s.bounds.refused.outsize(o)
			return command.ErrOOM
		}
	case r.Name == "exec":
		if db, full := t.full(s, cl.DB); full {
			return s.refuse(db)
		}
	case r.Name != "discard" && r.Name != "quit" && r.Name != "reset":
		if s.full(t.db) {
			return s.refuse(t.db)
		}
	}
	return command.ReplyNone
}

// refuse counts a command that is refused because a database is full, and is its reply.
func (s *Server) refuse(db int) command.Reply {
	of := allDatabases
	b := s.store.Bounds()
	if !s.store.FullInAll() && b.Databases[db].Disk > 0 { // which of them it was, if there is room again
		of = db
	}
	s.bounds.refused.count(of, b.PolicyOf(of))
	return command.ErrOOM
}

// roomAt is whether there was room in a database at a moment. What begins then, an EXEC or a script, is not stopped
// half-way because there is none any more.
type roomAt struct {
	db   int
	full bool
}

// roomAt is for a script that a command runs. In a transaction the moment is EXEC's.
func (s *Server) roomAt(cl *client, c *command.Call, db int) roomAt {
	if c.Locked && cl.execAt.db == db {
		return cl.execAt
	}
	return roomAt{db, s.full(db)}
}

// isFull is for a database that need not be the one that was looked at.
func (at roomAt) isFull(s *Server, db int) bool {
	if at.db == db {
		return at.full
	}
	return s.full(db)
}

// storesIn is the database in which a command stores: COPY's may be another than that on which it works.
func storesIn(r *command.Row, args [][]byte, db int) int {
	if r.Name != "copy" {
		return db
	}
	for i := 3; i+1 < len(args); i++ {
		if strings.EqualFold(string(args[i]), "db") {
			if n, ok := numbers.ParseInt(args[i+1]); ok && n >= 0 && n < 1<<30 {
				return int(n)
			}
		}
	}
	return db
}

// selects is the database after a queued command, before which it was db.
func selects(q queued, databases, db int) int {
	if q.row.Name != "select" || len(q.args) != 2 {
		return db
	}
	if n, ok := numbers.ParseInt(q.args[1]); ok && n >= 0 && n < int64(databases) {
		return int(n)
	}
	return db
}

// scriptsNeedRoom is full for what only the scripts' own flags tell. The caller holds the keyspace lock.
func (t *transaction) scriptsNeedRoom(s *Server, db int) (at int, full bool) {
	for _, q := range t.queued {
		if q.row.Group == "scripting" && s.full(db) && s.scriptFlags(q.row, q.args).needRoom() {
			return db, true
		}
		db = selects(q, s.cfg.Databases, db)
	}
	return 0, false
}

// scriptFlags are those of what a command runs. What runs nothing, or nothing that is known, does not need room.
func (s *Server) scriptFlags(r *command.Row, args [][]byte) scriptFlags {
	switch r.Name {
	case "eval", "eval_ro":
		flags, _, _ := shebang(words.ViewString(args[1]))
		return flags
	case "evalsha", "evalsha_ro":
		if sc := s.scripts.find(args[1]); sc != nil {
			return sc.flags
		}
	case "fcall", "fcall_ro":
		if f := s.libraries.find(args[1]); f != nil {
			return f.flags
		}
	}
	return scriptOldStyle
}

// full reports whether one of the queued commands, which begin on a database, is to be refused, and on which it is.
func (t *transaction) full(s *Server, db int) (at int, full bool) {
	for _, q := range t.queued {
		if at = storesIn(q.row, q.args, db); q.row.Flags&command.Denyoom != 0 && s.full(at) {
			return at, true
		}
		db = selects(q, s.cfg.Databases, db)
	}
	return 0, false
}

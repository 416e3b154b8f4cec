package resp

import (
	"errors"
	"fmt"
	"io"
	"time"

	"diskette/resp/command"
	"diskette/resp/follow"
	"diskette/resp/movein"
	"diskette/resp/rdb"
	"diskette/store"
)

// copy takes all of the master's data, beside what is served, and puts it in the place of that at once.
func (l *link) copy(r *follow.Reader, to follow.Sync) (err error) {
	l.state.Store(linkCopying)
	defer func() {
		if err != nil {
			l.state.Store(linkConnect)
		}
	}()
	start := time.Now()
	snap, err := r.Snapshot()
	if err != nil {
		return err
	}
	l.copied.total.Store(snap.Size)
	l.copied.read.Store(0)
	l.srv.log.Info().Str("master", l.address()).Str("id", to.ID).Int64("offset", to.Offset).Int64("bytes", snap.Size).
		Msg("copying the master's data; what was there before is served until that is over")
	file := rdb.NewFileReader(copying{l, snap}, l.srv.copyOptions())
	c := l.srv.store.BeginCopy(l.ctx)
	in, err := movein.Fill(l.ctx, file, c.Bulk, l.srv.cfg.Databases)
	if err == nil {
		err = snap.End(file.Ahead())
	}
	var keys int64
	if err == nil {
		keys, err = c.Complete()
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	p := position{id: to.ID, offset: to.Offset}
	if err = l.srv.adopt(c, in.Libraries, p); err != nil {
		return errors.Join(err, c.Close())
	}
	l.from = p
	l.applied.Store(p.offset)
	l.committed.Store(p.offset)
	l.srv.follow.full.Add(1)
	seconds := time.Since(start).Seconds()
	l.srv.log.Info().Str("master", l.address()).Int64("keys", keys).Int("libraries", len(in.Libraries)).Int64("bytes", file.Offset()).
		Float64("seconds", seconds).Int64("keys_per_second", int64(float64(keys)/max(seconds, 0.001))).
		Msg("the master's data is here")
	return nil
}

// copying counts what has been read of a copy.
type copying struct {
	l *link
	r io.Reader
}

func (c copying) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.l.copied.read.Add(int64(n))
	c.l.copied.lastIO.Store(time.Now().UnixMilli())
	return n, err
}

func (s *Server) copyOptions() rdb.FileOptions {
	n := s.cfg.ProtoMaxBulkLen.Load()
	return rdb.FileOptions{StringBytes: n, PackedBytes: n, NoChecksum: !s.cfg.Bool("rdbchecksum")}
}

// adopt puts a copy, its functions and its position in the place of what there is, in one record, and waits until
// that is committed.
func (s *Server) adopt(c *store.Copy, libraries []string, p position) error {
	if err := s.store.WriteError(); err != nil {
		return err
	}
	cl := s.newMasterClient()
	h := hold{cl: cl}
	h.takeBack()
	tx := h.tx()
	tx.Adopt(c)
	run := func(args ...string) {
		row := s.table.Lookup([]byte(args[0])).Sub([]byte(args[1]))
		words := make([][]byte, len(args))
		for i, a := range args {
			words[i] = []byte(a)
		}
		cl.call = command.Call{Caller: &cl.Caller, Row: row, Args: words, Now: h.now, Locked: true}
		if reply := row.Write(tx, &cl.call); reply.IsError() {
			s.follow.failed.Add(1)
			s.log.Error().Str("command", row.Full).Str("error", reply.S).
				Msg("a library of the master's functions can not be loaded: this server lacks it")
		}
	}
	run("function", "flush")
	for _, code := range libraries {
		run("function", "load", code)
	}
	s.follow.keep(tx, p)
	s.follow.history.Store(&p)
	lsn := tx.End()
	s.tracking.flushed()
	s.replicas.effects.Lost() // our own replicas copy all of it, too
	h.release()
	if err := s.store.Wait(lsn); err != nil {
		return fmt.Errorf("the copy is not in the journal: %w", err)
	}
	return nil
}

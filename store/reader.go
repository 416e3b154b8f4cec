package store

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// readers is a small pool of read-only connections.
//
// To begin and end a read transaction takes two fcntl and a look at the WAL's index, so loads leave theirs
// open for the next load as long as the tables have not changed since it began: a key that is not in memory
// is in the tables as they are now (I5), and write-back calls renew before anything newer may be unloaded.
// Measured with five million keys: a row 16.4 us -> 14.1; the server's CPU for a cold GET 58 us -> 48, for a
// SET at random with maxmemory 128mb 74 -> 65 (medians of three). An open read transaction keeps the WAL from
// being written from its start again; hence renew is called around a checkpoint, too.
type readers struct {
	free    chan *reader
	all     []*reader
	renewed atomic.Uint64 // how often renew was called
}

// use lends a reader outside of any transaction: each statement sees the tables as they are when it begins.
func (p *readers) use(fn func(*reader) error) error {
	r := <-p.free
	defer func() { p.free <- r }()
	return r.guard(func() error {
		if err := r.endTransaction(); err != nil {
			return err
		}
		return fn(r)
	})
}

// useAtOneMoment lends a reader within a transaction of its own: each statement sees the tables as they were at the
// first.
func (p *readers) useAtOneMoment(fn func(*reader) error) error {
	return p.use(func(r *reader) error {
		if err := r.ensureTransaction(p.renewed.Load()); err != nil {
			return err
		}
		return errors.Join(fn(r), r.endTransaction())
	})
}

// load lends a reader within a transaction that sees everything that was in the tables before the call.
func (p *readers) load(fn func(*reader) error) error {
	r := <-p.free
	defer func() {
		if r.began != p.renewed.Load() {
			r.endTransaction()
		}
		p.free <- r
	}()
	return r.guard(func() error {
		if err := r.ensureTransaction(p.renewed.Load()); err != nil {
			return err
		}
		err := fn(r)
		if err != nil {
			r.endTransaction()
		}
		return err
	})
}

// renew ends the transactions that loads have left open. Write-back calls it when the tables have changed, before
// anything that it has brought there may be unloaded. A reader that is lent ends its own when it comes back.
func (p *readers) renew() {
	p.renewed.Add(1)
	for range p.all {
		select {
		case r := <-p.free: // each that is free comes once: the channel is a queue
			r.endTransaction()
			p.free <- r
		default:
			return
		}
	}
}

func (p *readers) close() error {
	var errs []error
	for range p.all {
		errs = append(errs, (<-p.free).close())
	}
	return errors.Join(errs...)
}

// A reader is a read-only connection with its statements. One goroutine uses it at a time.
type reader struct {
	c       *sqlite3.Conn // nil after a panic, until the next use
	dir     string
	vfs     string
	small   int64  // smallBytes, unless a test has it otherwise
	cache   int64  // the most that it holds of the file, in bytes
	reading bool   // a transaction is open
	began   uint64 // the value of readers.renewed when the transaction began
	start   *sqlite3.Stmt
	stop    *sqlite3.Stmt
	byName  *sqlite3.Stmt
	chunks  *sqlite3.Stmt
	scanned map[string]*sqlite3.Stmt // scan statements, by their SQL
}

func openReader(dir, vfs string, small, cache int64) (*reader, error) {
	r := &reader{dir: dir, vfs: vfs, small: small, cache: cache}
	return r, guarded(r.open)
}

// guard runs what uses the connection. After a panic it is abandoned, and the next use opens another.
func (r *reader) guard(fn func() error) error {
	if r.c == nil {
		err := tooManyAbandoned()
		if err == nil {
			err = guarded(r.open)
		}
		if err != nil {
			return fmt.Errorf("open the database again after a panic: %w", err)
		}
	}
	err := guarded(fn)
	if errors.Is(err, ErrPanic) {
		c := r.c
		*r = reader{dir: r.dir, vfs: r.vfs, small: r.small, cache: r.cache} // nothing may hold on to the connection
		abandon(c)
	}
	return err
}

func (r *reader) open() error {
	c, err := openDB(r.dir, r.vfs, readerMemory, true)
	if err != nil {
		return err
	}
	if err := r.prepare(c); err != nil {
		closeConn(c)
		return damaged(r.dir, err)
	}
	return nil
}

// prepare makes a connection this reader's.
func (r *reader) prepare(c *sqlite3.Conn) error {
	if err := c.Exec(`PRAGMA cache_size = -` + itoa(r.cache>>10) +
		`; PRAGMA busy_timeout = 10000; PRAGMA query_only = 1`); err != nil {
		return err
	}
	for dst, sql := range map[**sqlite3.Stmt]string{
		&r.start:  `BEGIN`,
		&r.stop:   `COMMIT`,
		&r.byName: `SELECT id, type, expires_ms, chunked, value FROM keys WHERE space = ?1 AND key = ?2`,
		&r.chunks: `SELECT n, data FROM chunks WHERE id = ?1`,
	} {
		s, _, err := c.Prepare(sql)
		if err != nil {
			return err
		}
		*dst = s
	}
	r.c, r.scanned = c, map[string]*sqlite3.Stmt{}
	return nil
}

// ensureTransaction makes sure that a transaction is open that began when readers.renewed had this value.
func (r *reader) ensureTransaction(renewed uint64) error {
	if r.reading && r.began == renewed {
		return nil
	}
	if err := r.endTransaction(); err != nil {
		return err
	}
	r.start.Step() // takes no lock: the first SELECT does
	err := r.start.Reset()
	r.reading, r.began = err == nil, renewed
	return err
}

// endTransaction ends the transaction that is open, if one is.
func (r *reader) endTransaction() error {
	if !r.reading {
		return nil
	}
	return r.guard(func() (err error) {
		if !r.c.GetAutocommit() { // else SQLite has ended it: a page could not be read
			r.stop.Step()
			err = r.stop.Reset()
		}
		r.reading = err != nil
		return err
	})
}

func (r *reader) close() error { return closeConn(r.c) }

// row is a key's row in the tables.
type row struct {
	id       int64 // 0 = there is no such key
	typ      Type
	deadline int64
	headOnly bool     // the value was not read
	outline  *outline // instead of it, if there is one
	value    []byte
	coll     collection
	found    parted      // elements that were asked for
	ofEnd    *List       // elements of a list that are next to an end
	entries  []foundSpan // of a stream
	unfit    bool        // the key is to be loaded whole
}

// headSQL has length() read from a value's header alone, so that a row's overflow pages stay where they are.
var headSQL = fmt.Sprintf(`SELECT id, type, expires_ms, chunked,
	CASE WHEN length(value) < %d THEN value END, length(value)
	FROM keys WHERE space = ?1 AND key = ?2`, headBytes)

// row reads what is needed of a key. The value is freshly allocated.
func (r *reader) row(space int64, name string, need Need, dst *row, names ...string) (err error) {
	s := r.byName
	if need == NeedHead {
		if s, err = r.stmt(headSQL); err != nil {
			return err
		}
	}
	defer s.Reset()
	if err := errors.Join(s.BindInt64(1, space), s.BindBlob(2, storedName(name))); err != nil {
		return err
	}
	return r.step(s, need, names, dst)
}

// pending reads what memory does not know yet of a key.
func (r *reader) pending(p pending, dst *row) error {
	if p.part != nil {
		*dst = row{id: p.id, typ: p.typ}
		return r.more(dst, p.l)
	}
	if p.id == 0 {
		return r.row(p.o.space.id, p.o.name(), p.l.need, dst, p.l.names...)
	}
	s, err := r.stmt(`SELECT id, type, expires_ms, chunked, value FROM keys WHERE id = ?1`)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := s.BindInt64(1, p.id); err != nil {
		return err
	}
	need := p.l.need
	if need > NeedLength {
		need = NeedShape
	}
	return r.step(s, need, p.l.names, dst)
}

func (r *reader) step(s *sqlite3.Stmt, need Need, names []string, dst *row) (err error) {
	*dst = row{}
	if !s.Step() {
		return s.Err()
	}
	dst.id, dst.typ, dst.deadline = s.ColumnInt64(0), Type(s.ColumnInt64(1)), s.ColumnInt64(2)
	chunked := s.ColumnInt64(3)
	if typ := s.ColumnInt64(1); typ < int64(TypeString) || typ > int64(TypeStream) {
		return fmt.Errorf("%w: %d, of key %d", errNoType, typ, dst.id)
	}
	switch {
	case need == NeedHead && (dst.typ != TypeString || max(chunked, s.ColumnInt64(5)) >= headBytes):
		dst.headOnly = true
		if dst.typ == TypeString {
			dst.outline = &outline{bytes: max(chunked, s.ColumnInt64(5)), long: chunked > 0}
		}
		return nil
	case need != NeedValue && chunked > 0:
		dst.headOnly, dst.outline = true, &outline{bytes: chunked, long: true}
		return nil
	case need == NeedPart && hasNames(dst.typ):
		return r.newPart(dst, names)
	case need == NeedPart && dst.typ == TypeList:
		return r.newEnds(dst)
	case need == NeedPart && dst.typ == TypeStream:
		return r.newSpans(dst)
	case need == NeedPart && dst.typ != TypeString:
		dst.headOnly = true
		return nil
	case dst.typ != TypeString:
		if need == NeedLength && hasParts(dst.typ) {
			if ok, err := r.outlineOfIndexed(dst); ok || err != nil {
				return err
			}
		}
		dst.coll, dst.outline, err = r.collection(dst.id, dst.typ, need)
		dst.headOnly = err == nil && dst.coll == nil
		return err
	case chunked > 0:
		return r.chunked(dst, chunked)
	}
	raw := s.ColumnRawBlob(4)
	dst.value = append(make([]byte, 0, len(raw)), raw...)
	return nil
}

// chunked reads a long string of n bytes, chunk by chunk into its place.
func (r *reader) chunked(dst *row, n int64) error {
	dst.value = make([]byte, n)
	s := r.chunks
	defer s.Reset()
	if err := s.BindInt64(1, dst.id); err != nil {
		return err
	}
	for s.Step() {
		at := s.ColumnInt64(0) * chunkBytes
		if at < 0 || at >= n {
			return fmt.Errorf("%w: chunk at %d of a string of %d bytes", ErrDamaged, at, n)
		}
		copy(dst.value[at:], s.ColumnRawBlob(1))
	}
	return s.Err()
}

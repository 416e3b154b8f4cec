package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// A failure of the disk under the tables is one of two kinds. Damage is what came back and is not what was
// written: it stays until a restart, because nothing that this process can do mends it. An I/O error is of
// the moment: it is over once the same operation works. Both are told at once, once a minute while they go
// on, and in INFO; what needs the page concerned is refused, and the rest goes on. Write-back that meets
// either refuses writes (I8), and the journal keeps everything.

// ErrDiskFailed says that the disk could not be read or written; it may be over the next time.
var ErrDiskFailed = errors.New("the disk failed")

// isDamage reports whether an error says that what the disk gave back is not what was written.
func isDamage(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) ||
		errors.Is(err, sqlite3.IOERR_DATA) || errors.Is(err, sqlite3.IOERR_CORRUPTFS)
}

// isDiskFailure reports whether an error is one of the moment. A full disk is none: reserve.go deals with it.
func isDiskFailure(err error) bool {
	return !noSpace(err) && (errors.Is(err, ErrDiskFailed) || errors.Is(err, sqlite3.IOERR) ||
		errors.Is(err, sqlite3.CANTOPEN) ||
		errors.Is(err, syscall.EIO))
}

// operation is what was done to the tables when they failed, as the log names it.
type operation string

const (
	readingKey  operation = "read a key"
	scanning    operation = "scan"
	sweeping    operation = "look for expired keys"
	writingBack operation = "write back"
	reaping     operation = "reap"
	indexing    operation = "index elements"
	vacuuming   operation = "give free pages back"
	moving      operation = "checkpoint"
	measuring   operation = "make room"
	repacking   operation = "pack pages"
	evicting    operation = "look for keys to evict"
)

func (op operation) writes() bool {
	return op != readingKey && op != scanning && op != sweeping && op != evicting
}

// place is where an operation failed: in a key of a space, or anywhere.
type place struct {
	op    operation
	space int64
	name  string
}

const (
	summaryEvery = time.Minute // between two lines of the log about one operation
	maxFailing   = 64          // places that are remembered
	probeEvery   = time.Second
)

// damage is what the store knows of such failures.
type damage struct {
	met     atomic.Bool  // damage, since the start
	failing atomic.Int32 // places where an I/O error is not over yet

	mu        sync.Mutex
	report    Damage // of damage alone, What
	first     map[place]ioFailure
	logLimits map[operation]*logLimit
	probed    time.Time
}

type ioFailure struct {
	since time.Time
	err   error
}

// logLimit limits what the log tells of an operation.
type logLimit struct {
	untold int64
	timer  *time.Timer // runs while the operation must wait for its next line
}

// Damage is what INFO tells of the tables' failures.
type Damage struct {
	What     string    // the first damage that was met, or an I/O error that is not over; "" = none
	Since    time.Time // when
	Reads    int64     // reads that failed for damage
	Writes   int64     // transactions and upkeep
	IOErrors int64     // failures of the moment, those that are over included
}

// failed notes an operation's error, if it is one of the disk's, and returns it under its kind's name: as ErrDamaged or
// ErrDiskFailed, or as it is. fields go into the log.
func (st *Store) failed(p place, err error, fields ...any) error {
	switch {
	case err == nil:
		return nil
	case isDamage(err):
		err = plain(err)
		st.damage.note(p, err)
		st.tell(p.op, "the database file is damaged", err, append(fields, "do", damageAdvice)...)
		return named(err, ErrDamaged)
	case isDiskFailure(err):
		st.damage.noteIO(p, err)
		if p.op != writingBack { // which tells of itself
			st.tell(p.op, "the disk failed", err, fields...)
		}
		return named(err, ErrDiskFailed)
	}
	return err
}

const damageAdvice = "restore it from a copy, or restart with --set-aside-damaged salvage to go on with all that can be read"

func named(err, kind error) error {
	if errors.Is(err, kind) {
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// plain says what SQLite calls a disk I/O error, for want of another code, when a page is
// missing or its checksum does not fit.
func plain(err error) error {
	if errors.Is(err, sqlite3.IOERR_DATA) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("a page does not fit its checksum (%w)", err)
	}
	return err
}

func (d *damage) note(p place, err error) {
	d.met.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.report.What == "" {
		d.report.What, d.report.Since = string(p.op)+": "+err.Error(), time.Now()
	}
	if p.op.writes() {
		d.report.Writes++
	} else {
		d.report.Reads++
	}
}

func (d *damage) noteIO(p place, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.IOErrors++
	if _, known := d.first[p]; known || len(d.first) >= maxFailing {
		return
	}
	if d.first == nil {
		d.first = map[place]ioFailure{}
	}
	d.first[p] = ioFailure{time.Now(), err}
	d.failing.Store(int32(len(d.first)))
}

// worked notes that what had failed at a place works again. It costs an atomic load when nothing had.
func (st *Store) worked(p place) {
	d := &st.damage
	if d.failing.Load() == 0 {
		return
	}
	d.mu.Lock()
	f, was := d.first[p]
	delete(d.first, p)
	d.failing.Store(int32(len(d.first)))
	left := len(d.first)
	d.mu.Unlock()
	if was && left == 0 && p.op != writingBack {
		st.opts.Log("the disk works again", nil, "operation", string(p.op), "seconds",
			int64(time.Since(f.since).Seconds()))
	}
}

// workedWriting notes that the tables have taken everything.
func (st *Store) workedWriting() {
	for _, op := range []operation{writingBack, reaping, indexing, vacuuming, moving} {
		st.worked(place{op: op})
	}
}

// probe reads a key again whose reading had failed for the moment, so that the end of the
// trouble is seen though nobody asks for the key. The apply goroutine calls it.
func (st *Store) probe() {
	d := &st.damage
	if d.failing.Load() == 0 || time.Since(d.probed) < probeEvery {
		return
	}
	d.probed = time.Now()
	d.mu.Lock()
	var p place
	for p = range d.first { // a random one
		if p.op == readingKey {
			break
		}
	}
	d.mu.Unlock()
	if p.op != readingKey {
		return
	}
	var r row
	err := st.readers.load(func(rd *reader) error { return rd.row(p.space, p.name, NeedValue, &r) })
	if err == nil {
		st.worked(p)
	} else {
		_ = st.failed(p, err)
	}
}

// tell logs a failure of an operation, the first at once and those of the following minute as a number.
func (st *Store) tell(op operation, event string, err error, fields ...any) {
	d := &st.damage
	d.mu.Lock()
	l := d.logLimits[op]
	if l == nil {
		if d.logLimits == nil {
			d.logLimits = map[operation]*logLimit{}
		}
		l = &logLimit{}
		d.logLimits[op] = l
	}
	if l.timer != nil {
		l.untold++
		d.mu.Unlock()
		return
	}
	l.timer = time.AfterFunc(summaryEvery, func() { st.tellMore(op, event, err) })
	d.mu.Unlock()
	st.opts.Log(event, err, append(fields, "operation", string(op))...)
}

// tellMore logs how often an operation has failed since its last line.
func (st *Store) tellMore(op operation, event string, err error) {
	d := &st.damage
	d.mu.Lock()
	l := d.logLimits[op]
	n := l.untold
	l.untold, l.timer = 0, nil
	if n > 0 && !st.closed.Load() {
		l.timer = time.AfterFunc(summaryEvery, func() { st.tellMore(op, event, err) })
	}
	d.mu.Unlock()
	if n > 0 {
		st.opts.Log(event, err, "operation", string(op), "more_failures", n, "seconds", int64(summaryEvery/time.Second))
	}
}

// Damaged reports whether something is damaged, or a read or a transaction fails at present. It costs two atomic loads.
func (st *Store) Damaged() bool { return st.damage.met.Load() || st.damage.failing.Load() > 0 }

// Damage tells what has failed.
func (st *Store) Damage() Damage {
	d := &st.damage
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.report
	if r.What != "" || len(d.first) == 0 {
		return r
	}
	p := slices.MinFunc(slices.Collect(maps.Keys(d.first)),
		func(a, b place) int { return d.first[a].since.Compare(d.first[b].since) })
	r.What, r.Since = string(p.op)+": "+d.first[p].err.Error(), d.first[p].since
	return r
}

// DamageError says what is damaged or fails at present, nil if nothing does.
func (st *Store) DamageError() error {
	r := st.Damage()
	switch {
	case r.What == "":
		return nil
	case r.Reads+r.Writes == 0:
		return fmt.Errorf("%w since %s: %s", ErrDiskFailed, r.Since.UTC().Format(time.RFC3339), r.What)
	}
	return fmt.Errorf("%w, found at %s: %s; %s", ErrDamaged, r.Since.UTC().Format(time.RFC3339), r.What, damageAdvice)
}

// quoted is a key's name for the log, of bounded length.
func quoted(name string) string {
	const most = 128
	if len(name) > most {
		return strconv.Quote(name[:most]) + "..."
	}
	return strconv.Quote(name)
}

func keyPlace(o *object) place { return place{readingKey, o.space.id, o.name()} }

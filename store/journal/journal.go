package journal

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"diskette/store/files"
)

// ErrFailed is wrapped by every error that says that the journal could not store a record.
var ErrFailed = errors.New("journal failed")

// ErrSync means that an fsync failed: what the named segment holds may not survive a power cut. It wraps ErrFailed
// and goes away when Drop learns that SQLite holds those records.
var ErrSync = fmt.Errorf("%w: fsync", ErrFailed)

// ErrClosed is what Wait says about records that were not committed before Close. It wraps ErrFailed.
var ErrClosed = fmt.Errorf("%w: closed", ErrFailed)

// Policy says when committed records are fsynced: appendfsync, as in redis.conf.
type Policy int32

const (
	Always   Policy = iota // before Wait returns
	EverySec               // about once a second, in the background
	No                     // when the operating system likes, and at rotation
)

var policyNames = [...]string{Always: "always", EverySec: "everysec", No: "no"}

// String returns redis.conf's word.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy reads redis.conf's word, in any case.
func ParsePolicy(word string) (Policy, error) {
	for p, name := range policyNames {
		if strings.EqualFold(word, name) {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("appendfsync %q: it must be always, everysec or no", word)
}

// Options configure Open; the zero value fsyncs always.
type Options struct {
	Policy       Policy
	SegmentBytes int64 // a segment that has grown to this size gets a successor; 0 = 64 MiB
	FreeBytes    int64 // of released batches, kept for the next ones; 0 = 8 MiB

	// Committed receives each batch once, in LSN order, from the goroutine that wrote it and before any Wait
	// for it returns. It must be quick; the receiver owns the batch and ends with Release. A batch whose fsync
	// failed is handed over too: writing it back is what ends that failure. nil releases batches at once.
	Committed func(*Batch)

	// Torn is told that a torn end was cut off the last segment. nil = not told.
	Torn func(Tear)

	// Full is called when a write finds the disk full, and says whether it has made room: then the write
	// is tried once more. It is called by the goroutine that writes, and must not use the journal. nil = it has not.
	Full func() bool

	// Failed is told when Err begins to be an error. It must be quick and must not use the journal. nil = not told.
	Failed func(err error)

	Disk files.Disk // changes the files; a test's may fail
}

const (
	defaultSegmentBytes = 64 << 20
	retryEvery          = 100 * time.Millisecond // a failed write is tried again
	syncEvery           = time.Second            // EverySec
	slowSync            = 2 * time.Second        // Redis makes writers wait when an fsync takes longer; we count it

	// Rotation fsyncs under the lock that writers need. Above this many unsynced bytes it
	// lets the background fsync come first.
	maxSyncInlineBytes = 1 << 20

	// Drop ends the active segment early, so that an idle server is left with next to nothing on disk and a busy
	// one with little more than what write-back has yet to do.
	dropPartBytes = 4 << 20          // partly applied, and at least this long
	dropAllBytes  = 1 << 20          // all applied, and at least this long
	dropAllAge    = 10 * time.Second // or this old
)

// Journal is an open journal directory. Its methods may be called from any goroutine, Append by one at a time.
type Journal struct {
	dir      string
	o        Options
	state    *StateFile // nil = the journal has none
	identity uint64     // 0 without a state file

	policy       atomic.Int32
	segmentBytes atomic.Int64
	last         atomic.Uint64           // newest LSN appended; written under pending
	committed    atomic.Uint64           // newest LSN that Wait may let through; written under committing
	synced       atomic.Uint64           // newest LSN up to which all is fsynced, here or in SQLite; under committing
	failed       atomic.Pointer[failure] // what Err answers; written under committing
	alone        atomic.Uint64           // waits in a row whose yield brought nothing
	attempts     atomic.Uint64           // commits begun, each of which took everything appended before
	counts       counters

	pending struct {
		sync.Mutex
		batch     *Batch // being filled, never nil
		free      []*Batch
		freeBytes int
	}

	waiting struct {
		sync.Mutex
		changed   sync.Cond // busy went false
		busy      bool      // a waiter is committing for all
		failedTry uint64    // committing's, for those who slept
	}

	syncing sync.Mutex // held around an fsync that writers do not wait for

	committing struct {
		sync.Mutex
		active    *segment   // receives writes; nil until the next write creates one
		sealed    []*segment // oldest first; complete, kept until applied
		stuck     *Batch     // taken from pending, not yet written: it goes first
		written   uint64     // newest LSN in the files and handed to Committed
		applied   uint64     // what Drop was told
		failedTry uint64     // the number of the newest attempt that failed
		writeErr  error      // the last write failed
		syncErr   error      // an fsync failed ...
		unsynced  uint64     // ... and the records up to here are in doubt until applied
		closed    bool
	}

	kick     chan struct{} // wakes tend early
	stop     chan struct{}
	stopped  chan struct{}
	closing  sync.Once
	closeErr error
}

type failure struct{ err error }

// counters are what Stats reports, kept apart so that Stats needs no lock.
type counters struct {
	bytes, segments               atomic.Int64
	batches, records, written     atomic.Int64
	fsyncs, fsyncNanos, lastFsync atomic.Int64
	delayedFsyncs, failures       atomic.Int64
}

// Stats are totals since Open, but for the first two.
type Stats struct {
	Bytes           int64 // on disk now
	Segments        int64 // on disk now
	Batches         int64
	Records         int64
	BytesWritten    int64
	Fsyncs          int64
	FsyncNanos      int64
	LastFsyncUnixMs int64 // 0 = none yet
	DelayedFsyncs   int64 // took longer than two seconds
	Failures        int64 // file operations that failed, retries included
}

// Stats returns counters; it takes no lock, so they may be a few operations apart.
func (j *Journal) Stats() Stats {
	c := &j.counts
	return Stats{
		Bytes: c.bytes.Load(), Segments: c.segments.Load(),
		Batches: c.batches.Load(), Records: c.records.Load(), BytesWritten: c.written.Load(),
		Fsyncs: c.fsyncs.Load(), FsyncNanos: c.fsyncNanos.Load(), LastFsyncUnixMs: c.lastFsync.Load(),
		DelayedFsyncs: c.delayedFsyncs.Load(), Failures: c.failures.Load(),
	}
}

// Append gives rec the next LSN and copies rec.Head; rec.Ext's data is referenced and must not change until the
// batch is released. It never waits for a disk and never fails: that is Wait's part. The caller's lock,
// the keyspace lock, orders calls, and so the journal's order is the order of execution (I1).
func (j *Journal) Append(rec Record) (lsn uint64) {
	p := &j.pending
	p.Lock() // I9: keyspace -> pending, and nothing is locked under pending
	lsn = j.last.Load() + 1
	p.batch.add(lsn, rec)
	j.last.Store(lsn)
	p.Unlock()
	return lsn
}

// Last returns the newest LSN appended, or what Open found when none was.
func (j *Journal) Last() uint64 { return j.last.Load() }

// Committed returns the newest LSN that is written, and fsynced under Always.
func (j *Journal) Committed() uint64 { return j.committed.Load() }

// Wait returns nil once lsn is committed under the policy, and never before (I2). An error wraps ErrFailed: the record
// is not safe, though it stays in the journal's memory and is written when that works again.
func (j *Journal) Wait(lsn uint64) error {
	if j.committed.Load() >= lsn {
		return nil
	}
	return j.wait(lsn)
}

// Err returns why writes must be refused now, or nil. The answer wraps ErrFailed.
func (j *Journal) Err() error {
	if f := j.failed.Load(); f != nil {
		return f.err
	}
	return nil
}

// SetSegmentBytes changes the size from which a segment gets a successor.
func (j *Journal) SetSegmentBytes(n int64) { j.segmentBytes.Store(n) }

// SetPolicy changes appendfsync. It waits for an fsync that is under way: of two at the same time the
// kernel tells only one about a lost page, and a commit under Always must be that one.
func (j *Journal) SetPolicy(p Policy) {
	j.syncing.Lock()
	j.committing.Lock()
	j.policy.Store(int32(p))
	j.committing.Unlock()
	j.syncing.Unlock()
	j.wake() // what EverySec or No left unsynced
}

// SyncsAlways reports whether a commit takes an fsync.
func (j *Journal) SyncsAlways() bool { return Policy(j.policy.Load()) == Always }

// take swaps the pending batch for an empty one; nil when nothing is pending.
func (j *Journal) take() *Batch {
	p := &j.pending
	p.Lock()
	defer p.Unlock()
	b := p.batch
	if b.Last == 0 {
		return nil
	}
	if n := len(p.free); n > 0 {
		p.batch, p.free[n-1], p.free = p.free[n-1], nil, p.free[:n-1]
		p.freeBytes -= cap(p.batch.arena)
	} else {
		p.batch = &Batch{journal: j}
	}
	return b
}

// wake makes tend look at the state now.
func (j *Journal) wake() {
	select {
	case j.kick <- struct{}{}:
	default: // it is about to look anyway
	}
}

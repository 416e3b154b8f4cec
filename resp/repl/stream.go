package repl

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
)

// State names a place in a history.
type State struct {
	ID     string // of the history; 40 hexadecimal digits
	Offset int64  // of its last byte, the first having 1
	ID2    string // of the history that this one has gone on from; NoID = none
	Second int64  // the first offset that the two do not share; -1 = none
}

// NoID stands for no history.
var NoID = strings.Repeat("0", 40)

// NewID names a new history.
func NewID() string {
	id := make([]byte, 20)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// blockBytes is the least size of a block. A command that is longer has a block of its own size.
const blockBytes = 16 << 10

// Stream is the bytes. It may be used from any goroutine.
type Stream struct {
	active atomic.Bool
	mu     struct {
		sync.Mutex
		State
		first, last *block // the kept ones; nil = none
		backlog     int64  // bytes that are kept for those who come back
		readers     map[*Reader]struct{}
	}
}

// A block is under the stream's lock, but for its bytes, which never change.
type block struct {
	first int64 // the offset of its first byte
	bytes []byte
	next  *block
}

// New begins a history. backlog is how many bytes are kept for those who come back.
func New(backlog int64) *Stream {
	s := &Stream{}
	s.mu.readers = map[*Reader]struct{}{}
	s.mu.State = State{ID: NewID(), ID2: NoID, Second: -1}
	s.mu.backlog = backlog
	return s
}

// Active reports whether the stream is kept: what is sent while it is not has no reader and moves no offset.
func (s *Stream) Active() bool { return s.active.Load() }

// State is where the stream is.
func (s *Stream) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.State
}

// Offset is State's.
func (s *Stream) Offset() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.Offset
}

// Kept is the offset of the first byte in the backlog, how many there are, and what the slowest reader is behind.
func (s *Stream) Kept() (first, length, behind int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.keptLocked()
	for r := range s.mu.readers {
		behind = max(behind, s.mu.Offset+1-r.next)
	}
	return first, s.mu.Offset + 1 - first, behind
}

// keptLocked is the offset from which on somebody may read; Offset+1 = there is no byte before what comes.
func (s *Stream) keptLocked() int64 {
	if s.mu.first == nil {
		return s.mu.Offset + 1
	}
	return max(s.mu.first.first, s.mu.Offset+1-s.mu.backlog)
}

// SetBacklog changes how many bytes are kept for those who come back.
func (s *Stream) SetBacklog(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.backlog = bytes
	s.trimLocked()
}

// Adopt makes the stream go on with another history, as a replica does that becomes a master. Whoever read the one
// before is cut off.
func (s *Stream) Adopt(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutOffLocked()
	s.mu.State = state
	s.mu.first, s.mu.last = nil, nil
}

// Restart begins a new history with the same data. Whoever read the one before is cut off.
func (s *Stream) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restartLocked()
}

func (s *Stream) restartLocked() {
	s.cutOffLocked()
	s.mu.ID, s.mu.ID2, s.mu.Second = NewID(), NoID, -1
	s.mu.first, s.mu.last = nil, nil
}

func (s *Stream) cutOffLocked() {
	for r := range s.mu.readers {
		s.closeLocked(r, ErrCutOff)
	}
}

// Keep makes the stream active although nobody reads it, so that a backlog gathers.
func (s *Stream) Keep() { s.active.Store(true) }

// Rest ends the keeping of the stream, unless somebody reads it, and reports whether it did. What is not kept can not
// be continued, so another history begins.
func (s *Stream) Rest() (done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.readers) > 0 || !s.active.Load() {
		return false
	}
	s.active.Store(false)
	s.restartLocked()
	return true
}

// Feed adds bytes at the stream's end. They are copied. It is the master's own bytes of one that follows, and Unit's
// of one that does not.
func (s *Stream) Feed(pieces ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pieces {
		s.feedLocked(p)
	}
	for r := range s.mu.readers {
		if r.limit > 0 && s.mu.Offset+1-r.next > r.limit {
			s.closeLocked(r, ErrBehind)
		}
	}
	s.trimLocked()
	s.wakeLocked()
}

var getAck = []byte("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n")

// AskForAcks asks all replicas how far they are.
func (s *Stream) AskForAcks() { s.Feed(getAck) }

func (s *Stream) feedLocked(p []byte) {
	from := s.mu.Offset + 1
	s.mu.Offset += int64(len(p))
	if !s.active.Load() {
		return // the master's, whom we follow: it counts
	}
	if b := s.mu.last; b != nil {
		n := min(len(p), cap(b.bytes)-len(b.bytes))
		b.bytes = append(b.bytes, p[:n]...)
		p, from = p[n:], from+int64(n)
	}
	if len(p) == 0 {
		return
	}
	b := &block{first: from, bytes: append(make([]byte, 0, max(len(p), blockBytes)), p...)}
	if s.mu.last == nil {
		s.mu.first = b
	} else {
		s.mu.last.next = b
	}
	s.mu.last = b
}

func (s *Stream) wakeLocked() {
	for r := range s.mu.readers {
		select {
		case r.moved <- struct{}{}:
		default:
		}
	}
}

// trimLocked lets go of the blocks that the backlog does not need.
func (s *Stream) trimLocked() {
	for b := s.mu.first; b != nil && b.next != nil && b.next.first <= s.mu.Offset+1-s.mu.backlog; b = b.next {
		s.mu.first = b.next
	}
}

// A Reader reads the stream from one place on. Next is for one goroutine, the others for any.
type Reader struct {
	s      *Stream
	next   int64  // the offset of the byte that is read next; this and what follows is under s.mu
	block  *block // where that stands, or the last one before it
	limit  int64  // 0 = none
	err    error  // why it is closed; nil = it is not
	moved  chan struct{}
	closed chan struct{}
}

// Why a reader is closed.
var (
	ErrClosed = errors.New("the replica has left")
	ErrCutOff = errors.New("another history has begun: the replica is to copy all data anew")
	ErrBehind = errors.New("too much of the stream waits for the replica")
)

// ReadOn begins to read what comes from now on, and tells behind which offset that is.
func (s *Stream) ReadOn() (*Reader, State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active.Store(true)
	return s.readLocked(s.mu.Offset + 1), s.mu.State
}

// ReadFrom begins to read at an offset of a history; nil = that is not this one's, or no longer kept.
func (s *Stream) ReadFrom(id string, offset int64) (*Reader, State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := id == s.mu.ID || id == s.mu.ID2 && id != NoID && offset <= s.mu.Second
	if !mine || !s.active.Load() || offset < s.keptLocked() || offset > s.mu.Offset+1 {
		return nil, s.mu.State
	}
	return s.readLocked(offset), s.mu.State
}

func (s *Stream) readLocked(offset int64) *Reader {
	r := &Reader{s: s, next: offset, moved: make(chan struct{}, 1), closed: make(chan struct{})}
	if s.mu.first == nil {
		s.mu.first = &block{first: s.mu.Offset + 1, bytes: make([]byte, 0, blockBytes)}
		s.mu.last = s.mu.first
	}
	for b := s.mu.first; b != nil && b.first <= offset; b = b.next {
		r.block = b
	}
	s.mu.readers[r] = struct{}{}
	return r
}

// Next waits for bytes and returns at most so many, which never change.
func (r *Reader) Next(most int) ([]byte, error) {
	for {
		p, err := r.take(most)
		if len(p) > 0 || err != nil {
			return p, err
		}
		select {
		case <-r.moved:
		case <-r.closed:
		}
	}
}

func (r *Reader) take(most int) ([]byte, error) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	if r.next > s.mu.Offset {
		return nil, nil
	}
	b := r.block
	for r.next >= b.first+int64(len(b.bytes)) {
		b = b.next
	}
	r.block = b
	p := b.bytes[r.next-b.first:]
	p = p[:min(len(p), most)]
	r.next += int64(len(p))
	return p[:len(p):len(p)], nil
}

// Behind is how many bytes are still to be read.
func (r *Reader) Behind() int64 {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.err != nil {
		return 0
	}
	return r.s.mu.Offset + 1 - r.next
}

// SetLimit bounds how many bytes may be still to be read, 0 = not at all: a reader with more is closed (ErrBehind), by
// who feeds the stream.
func (r *Reader) SetLimit(bytes int64) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.limit = bytes
}

// Err is why the reader is closed, nil = it is not.
func (r *Reader) Err() error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.err
}

// Closed is closed when the reader is.
func (r *Reader) Closed() <-chan struct{} { return r.closed }

// Close ends the reading; a Next that waits returns ErrClosed.
func (r *Reader) Close() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.closeLocked(r, ErrClosed)
}

func (s *Stream) closeLocked(r *Reader, err error) {
	if r.err != nil {
		return
	}
	r.err, r.block = err, nil
	delete(s.mu.readers, r)
	close(r.closed)
}

package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"diskette/store/files"
)

// State is what the parts of a data directory know of each other. It stands in a small file beside the database and the
// journal's directory, and each fact is there, fsynced, before the step that makes it necessary:
//
//	Newest  before the first record goes into a new segment
//	Floor   before a segment is deleted
//
// so that at the next start a part that is missing, older or another's is told from what a crash can leave. Written and
// Synced are noted about once a second without an fsync: they only say more than would be known without.
type State struct {
	Identity uint64   // of database and journal; random, not 0
	Before   uint64   // the identity that the database had until now, 0 = none: this one is being given to it
	Floor    uint64   // the database holds every record up to this LSN, fsynced: the journal was cut to here
	Newest   uint64   // first LSN of the newest segment that must be there, 0 = none must
	Written  uint64   // records up to this LSN were in the files: a kill of the process keeps them
	Synced   uint64   // records up to this LSN were fsynced: a power cut keeps them, too
	Boot     [16]byte // of the kernel under which Written was noted; zero = not known
}

// ErrNoState says that the state file can not be read: neither of its two copies is whole.
var ErrNoState = errors.New("neither of the state file's copies is whole")

// Two copies of the state stand in the file, each in a block of its own, so that a write that is torn leaves the other.
//
//	+--------------+------------+------------------------------------------------------------+---------+---------+
//	| "DKSTATE1" 8 | number u64 | Identity, Before, Floor, Newest, Written, Synced, u64 each | Boot 16 | crc u32 |
//	+--------------+------------+------------------------------------------------------------+---------+---------+
const (
	stateMagic  = "DKSTATE1"
	stateBytes  = 84
	stateStride = 4096
)

// StateFile is the open state file. Its methods may be called from any goroutine.
type StateFile struct {
	disk    files.Disk
	mu      sync.Mutex // after committing; an fsync is under it
	file    *os.File
	state   State
	number  uint64 // of the newest copy
	durable int64  // the copy, 0 or 1, that is not written to until the other is fsynced
	doubt   bool   // the other may say what a change that failed would have said
}

func (s *State) encode(number uint64) []byte {
	b := make([]byte, 0, stateBytes)
	b = append(b, stateMagic...)
	for _, v := range [...]uint64{number, s.Identity, s.Before, s.Floor, s.Newest, s.Written, s.Synced} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = append(b, s.Boot[:]...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (s *State) decode(b []byte) (number uint64, ok bool) {
	body := b[:stateBytes-4]
	if string(b[:len(stateMagic)]) != stateMagic ||
		crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return 0, false
	}
	body = body[len(stateMagic):]
	for _, v := range [...]*uint64{&number, &s.Identity, &s.Before, &s.Floor, &s.Newest, &s.Written, &s.Synced} {
		*v, body = binary.LittleEndian.Uint64(body), body[8:]
	}
	copy(s.Boot[:], body)
	return number, true
}

// ReadState reads the state file and changes nothing. The error is os.ErrNotExist, ErrNoState or from reading it.
func ReadState(path string) (State, error) {
	f, err := os.Open(path)
	if err != nil {
		return State{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	s, _, _, err := readState(f)
	return s, err
}

// readState returns the newest whole copy, its number and its place.
func readState(f *os.File) (newest State, number uint64, copyOf int64, err error) {
	for i := range int64(2) {
		var b [stateBytes]byte
		if _, err := f.ReadAt(b[:], i*stateStride); err != nil && !errors.Is(err, io.EOF) {
			return State{}, 0, 0, fmt.Errorf("%s: %w", f.Name(), err)
		}
		var s State
		if n, ok := s.decode(b[:]); ok && n > number {
			newest, number, copyOf = s, n, i
		}
	}
	if number == 0 {
		return State{}, 0, 0, fmt.Errorf("%s: %w", f.Name(), ErrNoState)
	}
	return newest, number, copyOf, nil
}

// CreateState makes the state file, there for good and whole when it returns; one that is there is replaced.
func CreateState(disk files.Disk, path string, s State) error {
	fresh := path + ".new"
	f, err := disk.Create(fresh, 0o600)
	if err != nil {
		return err
	}
	b := make([]byte, 2*stateStride)
	copy(b, s.encode(1))
	_, err = disk.Write(f, b, 0)
	if err == nil {
		err = disk.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = disk.Rename(fresh, path)
	}
	if err == nil {
		err = disk.SyncDir(filepath.Dir(path))
	}
	return err
}

// OpenState opens the state file to change it. What it says is fsynced when it returns.
func OpenState(disk files.Disk, path string) (*StateFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	sf := &StateFile{disk: disk, file: f}
	sf.state, sf.number, sf.durable, err = readState(f)
	if err == nil {
		// The newest copy may never have been fsynced, and the other may say too little. The same bytes over
		// themselves harm neither, however the write is torn, and an fsync of pages that are dirty can be trusted.
		err = sf.write(sf.durable, sf.number, &sf.state, true)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return sf, nil
}

// Get returns the state.
func (sf *StateFile) Get() State {
	sf.mu.Lock()
	defer sf.mu.Unlock()
	return sf.state
}

// requires reports whether a start may find in the file that the segment with that first LSN must be there.
func (sf *StateFile) requires(first uint64) bool {
	sf.mu.Lock()
	defer sf.mu.Unlock()
	return sf.doubt || sf.state.Newest >= first
}

// Set changes the state and fsyncs it. With an error it is as it was, and may be tried again:
// that writes the same copy anew.
func (sf *StateFile) Set(change func(*State)) error { return sf.change(change, true) }

// Note changes the state without an fsync.
func (sf *StateFile) Note(change func(*State)) error { return sf.change(change, false) }

func (sf *StateFile) change(change func(*State), sync bool) error {
	sf.mu.Lock()
	defer sf.mu.Unlock()
	s := sf.state
	if change(&s); s == sf.state && !sync {
		return nil
	}
	if err := sf.write(1-sf.durable, sf.number+1, &s, sync); err != nil {
		sf.doubt = true
		return fmt.Errorf("write %s: %w", sf.file.Name(), err)
	}
	sf.state, sf.number, sf.doubt = s, sf.number+1, sf.doubt && !sync
	if sync {
		sf.durable = 1 - sf.durable
	}
	return nil
}

// write writes one copy. The caller holds mu, or nobody knows the file yet.
func (sf *StateFile) write(copyOf int64, number uint64, s *State, sync bool) error {
	_, err := sf.disk.Write(sf.file, s.encode(number), copyOf*stateStride)
	if err == nil && sync {
		err = sf.disk.Sync(sf.file)
	}
	return err
}

// Close closes the file.
func (sf *StateFile) Close() error { return sf.file.Close() }

// SameBoot reports whether the kernel still runs that ran when the state was noted: what a process wrote, it has.
func (s *State) SameBoot() bool { return s.Boot != [16]byte{} && s.Boot == BootID() }

// BootID names this run of the kernel: what a process wrote is in the page cache as long as it is the
// same. Zero where the kernel does not say. A test that plays a power cut puts another in its place.
var BootID = bootID

func bootID() (id [16]byte) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id
	}
	var n int
	for _, c := range strings.TrimSpace(string(text)) {
		if c != '-' && n < 2*len(id) {
			id[n/2] = id[n/2]<<4 | hexDigit(c)
			n++
		}
	}
	return id
}

func hexDigit(c rune) byte {
	if c >= 'a' {
		return byte(c-'a') + 10
	}
	return byte(c - '0')
}

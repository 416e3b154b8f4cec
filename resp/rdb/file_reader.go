package rdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
)

// The versions of files. Between them lie numbers that Valkey leaves to Redis.
const (
	maxRedisVersion  = 14 // Redis 8.8
	minValkeyVersion = 80 // Valkey 9.0
	maxValkeyVersion = 80
	checksumVersion  = 5 // the first with a checksum
)

// What may stand before a value, or instead of one.
const (
	opKeyMeta    = 243 // of Redis 8.6: what modules attach to a key
	opSlotImport = 243 // of Valkey 9
	opSlotInfo   = 244
	opModuleAux  = 247
	opIdle       = 248
	opFrequency  = 249
	opAux        = 250
	opSizes      = 251
	opExpiresMs  = 252
	opExpires    = 253
	opSelectDB   = 254
	opEnd        = 255
)

// FileOptions are the bounds of reading. 0 means the default.
type FileOptions struct {
	StringBytes int64 // the longest string: 512 MiB, Redis's proto-max-bulk-len
	PackedBytes int64 // the longest compact encoding, unfolded: 1 GiB
	PartBytes   int64 // about what a part takes in memory: 1 MiB
	NoChecksum  bool  // the checksum is not compared
}

func (o FileOptions) withDefaults() FileOptions {
	def := func(n *int64, value int64) {
		if *n <= 0 {
			*n = value
		}
	}
	def(&o.StringBytes, 512<<20)
	def(&o.PackedBytes, 1<<30)
	def(&o.PartBytes, 1<<20)
	return o
}

// A FileReader reads an RDB file front to back: records by Next, the value of a key by Part.
//
// It takes no memory for what a file merely says of itself: beyond what has arrived of the string, compact encoding
// or consumer group that is being read, it holds at most PackedBytes for one that unfolds, and a part with one
// element.
type FileReader struct {
	o       FileOptions
	r       reader
	value   valueReader
	version int
	db      int
	record  Record
	inKey   bool // the record is a key whose value has not been read to its end
	inSkip  bool // the record is a module's, of which nothing has been passed over
	err     error
	before  keyHeader
	sum     sumState
}

// sumState says whether the file's checksum was compared.
type sumState int

const (
	sumUnread sumState = iota // the end was not reached, or the version has none
	sumRight
	sumNone // it was saved with checksums off, or they are not compared
)

// A keyHeader is what stands before a key.
type keyHeader struct {
	begun            bool
	offset           int64
	expiresMs        int64
	idle             int64
	frequency        int
	hasIdle, hasFreq bool
}

// A RecordKind tells records apart.
type RecordKind int

const (
	RecordKey       RecordKind = iota // a key, whose value Part reads
	RecordModule                      // a key with a module's value, which the next Next passes over
	RecordModuleAux                   // a module's data beside the keys, or on the next key: then Module is META
	RecordAux                         // Key is the name of a fact about the file, Text the fact: redis-ver, ctime ...
	RecordFunction                    // Text is the code of a library
	RecordSizes                       // how many keys DB has, Keys and Expires: a hint, not to be relied on
)

// A Record is a piece of a file. It is good until the next one; its strings are good for ever.
type Record struct {
	Kind        RecordKind
	Offset      int64 // where it begins, of a key with its deadline
	DB          int   // of RecordKey, RecordModule and RecordSizes
	Key, Text   string
	Module      string // the name of the type of a module's value
	Type        Kind   // of a RecordKey
	ExpiresMs   int64  // unix ms, 0 = none. What expired before 1970 has 1
	IdleSeconds int64  // since the last access, -1 = not in the file
	Frequency   int    // of accesses, as LFU counts, -1 = not in the file
	Count       int64  // elements (of a string, bytes), as the file says; -1 when it does not. Not to be relied on

	Keys, Expires uint64
}

// A Part is some of a value: its next elements. Parts, one after the other, are the value. One that is small is one
// part.
//
//	String           the next bytes
//	List, Set, Hash  Elements; Times has the deadlines of this part's fields, nil when none has one
//	ZSet             Members
//	Stream           Stream.Entries; once these are through Last, MaxDeleted and Added are set, and Groups, each with
//	                 all that is pending, follow
//
// Elements are distinct within a part. The caller finds out whether they are across parts. Entries are in
// order across parts. Redis drops collections without elements when it loads a file; here they have one part, which
// is the last and empty.
type Part struct {
	Value
	Last bool // nothing follows
}

// NewFileReader returns a reader of a file. It reads ahead: see Rest.
func NewFileReader(src io.Reader, o FileOptions) *FileReader {
	o = o.withDefaults()
	f := &FileReader{o: o, r: reader{in: newWindow(src), maxString: o.StringBytes, maxPacked: o.PackedBytes}}
	f.r.left = f.budget()
	f.value = valueReader{reader: &f.r, whole: o.PartBytes}
	return f
}

// budget is what a part may take, with an element that does not end it.
func (f *FileReader) budget() int64 {
	return f.o.PartBytes + f.o.PackedBytes + f.o.StringBytes
}

// Version is the file's, 0 before the first Next. Valkey numbers its own ones from 80 on.
func (f *FileReader) Version() int { return f.version }

// Valkey reports whether the file has Valkey's own format.
func (f *FileReader) Valkey() bool { return f.r.valkey }

// Summed reports, once Next has returned io.EOF, that the checksum is that of the file.
func (f *FileReader) Summed() bool { return f.sum == sumRight }

// Unsummed reports, once Next has returned io.EOF, that there is a checksum and nothing was compared with it: the file
// was saved without one, or NoChecksum is set.
func (f *FileReader) Unsummed() bool { return f.sum == sumNone }

// Offset is how many bytes of the file have been read.
func (f *FileReader) Offset() int64 { return f.r.offset() }

// Ahead is what of what follows the end of the file has been read already. It is valid after Next has returned io.EOF.
func (f *FileReader) Ahead() []byte { return f.r.b }

// Rest is what follows the end of the file, after Next has returned io.EOF.
func (f *FileReader) Rest() io.Reader {
	return io.MultiReader(bytes.NewReader(f.r.b), f.r.in.src)
}

// Next returns the next record and passes over what has not been read of the one before. The error is io.EOF at the
// end and a *FileError otherwise; either comes again.
func (f *FileReader) Next() (*Record, error) {
	for f.err == nil && f.inKey {
		f.Part()
	}
	if f.err == nil && f.inSkip {
		f.r.skipModuleData()
		f.fault()
		f.inSkip = false
	}
	if f.err == nil && f.version == 0 {
		f.header()
		f.fault()
	}
	for f.err == nil {
		f.r.left = f.budget()
		whole := f.step()
		f.fault()
		if f.err == nil && whole {
			return &f.record, nil
		}
	}
	return nil, f.err
}

// fault makes an error of the reader's that of the file.
func (f *FileReader) fault() {
	if f.err == nil && f.r.err != nil {
		f.err = f.fileError()
	}
}

// Part returns the next part of the value of the key that Next has returned, io.EOF after the last. It is the caller's.
func (f *FileReader) Part() (*Part, error) {
	if f.err != nil {
		return nil, f.err
	}
	if !f.inKey {
		return nil, io.EOF
	}
	f.r.left = f.budget()
	p := &Part{}
	f.value.more(&p.Value)
	f.fault()
	if f.err != nil {
		return nil, f.err
	}
	p.Last = f.value.done
	f.inKey = !p.Last
	return p, nil
}

// header reads the magic and the version.
func (f *FileReader) header() {
	b := f.r.take(9)
	if b == nil {
		return
	}
	digits := b[5:9]
	switch {
	case string(b[:5]) == "REDIS":
	case string(b[:6]) == "VALKEY":
		f.r.valkey, digits = true, b[6:9]
	default:
		f.r.failAs(ErrNotRDB, 0, "REDIS or VALKEY and a version", "%q", b)
		return
	}
	n, err := strconv.Atoi(string(digits))
	switch {
	case err != nil || n < 1 || digits[0] == '+':
		f.r.failAs(ErrNotRDB, 9-int64(len(digits)), "the number of a version", "%q", digits)
	case !f.r.valkey && n > maxRedisVersion:
		f.r.failAs(ErrVersion, 5, fmt.Sprintf("at most %d, that of Redis 8.8", maxRedisVersion), "version %d", n)
	case f.r.valkey && (n < minValkeyVersion || n > maxValkeyVersion):
		f.r.failAs(ErrVersion, 6, fmt.Sprintf("Valkey's version %d", maxValkeyVersion), "version %d", n)
	}
	f.version = n
}

// step reads what comes next and reports whether that was a whole record.
func (f *FileReader) step() bool {
	at := f.r.offset()
	if !f.before.begun {
		f.before = keyHeader{offset: at}
	}
	op := f.r.byte()
	if f.r.err != nil {
		return false
	}
	switch op {
	case opExpires, opExpiresMs, opIdle, opFrequency:
		f.keyFact(op)
		return false
	case opSelectDB:
		n := f.r.length()
		if n > math.MaxInt32 {
			f.r.failAs(ErrFormat, at, "the number of a database", "%d", n)
		}
		f.db = int(n)
		return false
	case opSlotInfo:
		f.r.length()
		f.r.length()
		f.r.length()
		return false
	case opSizes:
		f.record = Record{Kind: RecordSizes, Offset: at, DB: f.db, Keys: f.r.length(), Expires: f.r.length()}
	case opAux:
		f.record = Record{Kind: RecordAux, Offset: at, Key: f.r.string(), Text: f.r.string()}
	case opLibrary:
		f.record = Record{Kind: RecordFunction, Offset: at, Text: f.r.string()}
	case opLibraryOld:
		f.r.failPreGA()
	case opModuleAux:
		f.record = Record{Kind: RecordModuleAux, Offset: at, Module: f.r.moduleName()}
		f.r.moduleWhen()
		f.inSkip = true
	case opKeyMeta:
		if f.r.valkey {
			f.r.skipSlotImport()
			return false
		}
		f.r.skipKeyMeta()
		f.before.begun = true
		f.record = Record{Kind: RecordModuleAux, Offset: at, Module: "META"}
	case opEnd:
		f.end()
		return false
	default:
		f.key(op)
	}
	return true
}

// keyFact reads what is said of the next key.
func (f *FileReader) keyFact(op byte) {
	f.before.begun = true
	switch op {
	case opExpires:
		if b := f.r.take(4); b != nil {
			f.before.expiresMs = deadline(int64(int32(binary.LittleEndian.Uint32(b))) * 1000)
		}
	case opExpiresMs:
		f.before.expiresMs = deadline(f.r.millis())
	case opIdle:
		f.before.idle, f.before.hasIdle = f.r.number(), true
	case opFrequency:
		f.before.frequency, f.before.hasFreq = int(f.r.byte()), true
	}
}

// deadline turns one of a file, in which -1 is none, into one of ours, in which 0 is.
func deadline(ms int64) int64 {
	if ms == -1 {
		return 0
	}
	return max(ms, 1)
}

// key reads a key up to its value.
func (f *FileReader) key(t byte) {
	h := f.before
	f.before = keyHeader{}
	typeAt := f.r.offset() - 1
	f.record = Record{Offset: h.offset, DB: f.db, ExpiresMs: h.expiresMs, IdleSeconds: -1, Frequency: -1, Count: -1}
	if h.hasIdle {
		f.record.IdleSeconds = h.idle
	}
	if h.hasFreq {
		f.record.Frequency = h.frequency
	}
	if t > 127 {
		f.r.failAs(ErrFormat, typeAt, "a type or a code that is known", "%d", t)
		return
	}
	f.record.Key = f.r.string()
	if f.r.err != nil {
		return
	}
	f.inKey = true
	switch t {
	case typeModuleOld:
		f.r.failAs(ErrModule, typeAt, "a value as Redis 4.0 was released with", "one of a candidate of it")
	case typeModule:
		f.record.Kind, f.record.Module = RecordModule, f.r.moduleName()
		f.inSkip = true
	default:
		f.value.beginValue(t, typeAt)
		f.record.Type, f.record.Count = f.value.kind, f.value.claimed()
		return
	}
	if f.r.err == nil {
		f.inKey = false
	}
}

// end checks the sum of all that has been read.
func (f *FileReader) end() {
	if f.version >= checksumVersion {
		f.r.in.account(len(f.r.b))
		want := ^f.r.in.sum
		at := f.r.offset()
		b := f.r.take(8)
		if b == nil {
			return
		}
		if sum := binary.LittleEndian.Uint64(b); sum != 0 && sum != want && !f.o.NoChecksum {
			f.r.failAs(ErrChecksum, at, fmt.Sprintf("the checksum %016x", want), "%016x", sum)
			return
		} else if f.sum = sumRight; sum == 0 || f.o.NoChecksum {
			f.sum = sumNone
		}
	}
	f.err = io.EOF
}

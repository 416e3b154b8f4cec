package aof

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"diskette/resp/rdb"
)

// Options are the bounds of reading. 0 means the default.
type Options struct {
	RDB          rdb.FileOptions // of a base or a preamble
	CommandBytes int64           // the longest command in memory: 1 GiB, as Redis bounds what a client may send
}

// A Reader reads the commands of a set.
type Reader struct {
	set      *Set
	o        Options
	open     func(path string) (io.ReadSeekCloser, error)
	part     int   // the one under way
	before   int64 // bytes of those before it
	file     io.ReadSeekCloser
	snapshot *rdb.FileReader
	commands *commandReader
	extent   extent
	torn     *Torn
	item     Item
	err      error
}

// An Item is what comes next. It is good until the next one.
type Item struct {
	File   string
	Offset int64
	// Snapshot is an RDB file that the part begins with: read it to its end. What is left of it, the next Next passes
	// over.
	Snapshot *rdb.FileReader
	// Command is a command with its arguments. Those of a block stand between MULTI and EXEC, and both do; as no
	// block is without its end, they may as well be run one by one.
	Command [][]byte
	// Annotated is set for a #TS: annotation: the commands after it were run at TimeSeconds, unix, or later.
	Annotated   bool
	TimeSeconds int64
}

// A Torn is the end of the last file that does not count.
type Torn struct {
	File          string
	Offset, Bytes int64 // where it begins, and its length
	Why           string
}

// Open begins reading. Nothing is read before the first Next.
func (s *Set) Open(o Options) *Reader {
	open := func(path string) (io.ReadSeekCloser, error) { return os.Open(path) }
	return &Reader{set: s, o: o.withDefaults(), open: open}
}

func (o Options) withDefaults() Options {
	if o.CommandBytes <= 0 {
		o.CommandBytes = 1 << 30
	}
	return o
}

// Torn is the torn end of the last file, once Next has returned io.EOF; nil when there is none. A server with
// aof-load-truncated no does not start with one.
func (r *Reader) Torn() *Torn { return r.torn }

// Offset is how many of the set's bytes have been read.
func (r *Reader) Offset() int64 {
	switch {
	case r.snapshot != nil:
		return r.before + r.snapshot.Offset()
	case r.commands != nil:
		return r.before + r.commands.offset
	}
	return r.before
}

// Close closes the file under way.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// Next returns the next item, io.EOF at the end, and an *Error otherwise; either comes again. What came before an
// error is right: no block that has begun before it and does not end has been returned.
func (r *Reader) Next() (*Item, error) {
	for r.err == nil {
		item, err := r.next()
		if item != nil && err == nil {
			return item, nil
		}
		r.err = r.named(err)
	}
	r.Close()
	return nil, r.err
}

// named gives an error the name of the file.
func (r *Reader) named(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var mine *Error
	if errors.As(err, &mine) {
		mine.File = r.path()
		return mine
	}
	e := &Error{File: r.path(), Offset: r.Offset() - r.before, Err: err}
	var theirs *rdb.FileError
	if errors.As(err, &theirs) {
		e.Offset = theirs.Offset
		e.Found, e.Expected = theirs.Found, theirs.Expected
	}
	return e
}

func (r *Reader) path() string {
	if r.part < len(r.set.Parts) {
		return r.set.Parts[r.part].Path
	}
	return ""
}

// next returns an item, or nil when there is more to do first.
func (r *Reader) next() (*Item, error) {
	switch {
	case r.part == len(r.set.Parts):
		return nil, io.EOF
	case r.file == nil:
		return r.openPart()
	case r.snapshot != nil:
		return nil, r.endSnapshot()
	case r.commands.offset < r.extent.end:
		return r.command()
	}
	return nil, r.endPart()
}

// openPart opens a part.
func (r *Reader) openPart() (*Item, error) {
	var err error
	if r.file, err = r.open(r.path()); err != nil {
		return nil, err
	}
	magic := make([]byte, 6)
	n, err := io.ReadFull(r.file, magic)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	if magic = magic[:n]; bytes.HasPrefix(magic, []byte("REDIS")) || bytes.HasPrefix(magic, []byte("VALKEY")) {
		r.snapshot = rdb.NewFileReader(io.MultiReader(bytes.NewReader(magic), r.file), r.o.RDB)
		r.item = Item{File: r.path(), Snapshot: r.snapshot}
		return &r.item, nil
	}
	return nil, r.scan(0)
}

// endSnapshot reads what is left of the snapshot, and on to the commands after it.
func (r *Reader) endSnapshot() error {
	for {
		if _, err := r.snapshot.Next(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	end := r.snapshot.Offset()
	r.snapshot = nil
	return r.scan(end)
}

// scan finds out how far the commands from an offset on are right, and goes back to it.
func (r *Reader) scan(from int64) error {
	r.commands = &commandReader{maxBytes: r.o.CommandBytes}
	if err := r.seek(from); err != nil {
		return err
	}
	r.extent = r.commands.scan()
	return r.seek(from)
}

func (r *Reader) seek(offset int64) error {
	_, err := r.file.Seek(offset, io.SeekStart)
	if r.commands.in == nil {
		r.commands.in = bufio.NewReaderSize(r.file, bufferBytes)
	} else {
		r.commands.in.Reset(r.file)
	}
	r.commands.offset = offset
	return err
}

func (r *Reader) command() (*Item, error) {
	r.item = Item{File: r.path(), Offset: r.commands.offset}
	annotation, err := r.commands.next(false)
	if err != nil {
		if err == io.EOF || err == errTorn {
			const before = "the file as it was a moment ago"
			err = &Error{Offset: r.item.Offset, Found: "a shorter file", Expected: before, Err: ErrFormat}
		}
		return nil, err
	}
	if annotation == "" {
		r.item.Command = r.commands.arguments
		return &r.item, nil
	}
	if digits, isTime := strings.CutPrefix(annotation, "TS:"); isTime {
		r.item.TimeSeconds, err = strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err == nil {
			r.item.Annotated = true
			return &r.item, nil
		}
	}
	return nil, nil // a remark
}

// endPart goes on to the next part, unless this one does not end well.
func (r *Reader) endPart() error {
	last := r.part == len(r.set.Parts)-1
	switch err := r.extent.err; {
	case err == errTorn && !last:
		const whole = "a whole file, as it is not the last one"
		return &Error{Offset: r.extent.end, Found: r.extent.why, Expected: whole, Err: ErrFormat}
	case err == errTorn:
		r.torn = &Torn{File: r.path(), Offset: r.extent.end, Bytes: r.size() - r.extent.end, Why: r.extent.why}
	case err != nil:
		return err
	}
	r.before += r.size()
	r.commands = nil
	r.part++
	return r.Close()
}

// size is that of the part under way, now.
func (r *Reader) size() int64 {
	n, err := r.file.Seek(0, io.SeekEnd)
	if err != nil {
		return r.set.Parts[r.part].Bytes
	}
	return n
}

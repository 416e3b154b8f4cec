package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/files"
)

// A row that the tables do not take however often write-back tries, while others go in, is set aside:
// otherwise it would hold up everything behind it, and every start. That is a defect, or a row that somebody
// else has put where this one belongs. What it was to become stays in a file, and a log line names the key;
// write-back goes on without it. What happens to a key later whose row is not there is set aside, too.
//
// After rowAttempts failures that a row may be the cause of, a fold is sifted: each row has a savepoint of
// its own, and is left out if it fails. A panic takes the whole transaction along; then the next attempt
// leaves out the row that was being written. A lump that does not decode is left out with its key (lump.go).
//
// The file aside/<applied LSN, 16 hex digits>.rows is on disk before applied_lsn passes the records
// that it was made from. No program reads it but for the ids and their number; a person decides.
//
//	file   = "DKASIDE1" frame*
//	frame  = length u64, crc u32, payload         little-endian; CRC-32C of the payload, length counts the payload
//	payload = reason length uvarint, reason, record
//	record = a journal's (change.go): what is to become of the row, in one change a part
const (
	asideMagic  = "DKASIDE1"
	asideSuffix = ".rows"
	rowAttempts = 3
	reasonBytes = 1 << 10
)

// A target is a key's row, or row n of one of its tables.
type target struct {
	id, n int64
	table table // 0 = the key's own
}

// asides is what is left out of the fold under way, and why, and which keys are not in the tables because of that.
type asides struct {
	disk    files.Disk
	dir     string
	sifting bool
	at      target // what is being written
	bytes   int    // its size
	out     map[target]error
	gone    map[int64]struct{}
	rows    atomic.Int64 // in the files
}

var errGone = errors.New("the row of its key was set aside before")

// ofARow reports whether a row, rather than the disk or the file, may be why a write-back failed.
func ofARow(err error) bool {
	return errors.Is(err, ErrPanic) || errors.Is(err, errBadRecord) || errors.Is(err, errBadRun) ||
		errors.Is(err, sqlite3.CONSTRAINT) ||
		errors.Is(err, sqlite3.TOOBIG) || errors.Is(err, sqlite3.MISMATCH)
}

// sift prepares another attempt at a fold that rows keep from being written. It is called after
// an attempt that failed with err.
func (a *asides) sift(err error) {
	if a.sifting && errors.Is(err, ErrPanic) && a.at.id != 0 {
		a.out[a.at] = err
	}
	a.sifting = true
}

// attempt writes an entry or a row, or, when the fold is sifted, leaves it out.
func (w *writer) attempt(f *fold, i int32, at target, size int, write func(w *writer, f *fold, i int32)) {
	w.asides.at, w.asides.bytes = at, size
	if !w.asides.sifting || w.err != nil {
		write(w, f, i)
		return
	}
	w.run(w.savepoint)
	write(w, f, i)
	err := w.err
	if ofARow(err) {
		w.err = nil
		w.run(w.rollbackTo)
		if w.build != nil {
			w.build.begin() // it has noted what is undone
		}
		w.asides.out[at] = err
	}
	w.run(w.release)
}

// leaveOut says that what happens in a fold to keys whose rows are not there has no place either.
func (w *writer) leaveOut(f *fold) {
	if len(w.asides.gone) == 0 {
		return
	}
	leave := func(id int64) {
		if _, gone := w.asides.gone[id]; gone {
			w.asides.out[target{id: id}] = errGone
		}
	}
	for i := range f.entries {
		leave(f.entries[i].id)
	}
	for i := range int32(f.rows.n) {
		leave(f.rows.at(i).id)
	}
}

func (a *asides) leavesOut(t target) bool {
	if len(a.out) == 0 {
		return false
	}
	_, out := a.out[t]
	return out
}

// record is what was to become of a target.
func (f *fold) record(w *recordWriter, t target) {
	if t.table == 0 {
		if e := f.find(t.id); e != nil {
			e.record(w)
		}
	}
	for i := range int32(f.rows.n) {
		if r := f.rows.at(i); r.id == t.id && (t.table == 0 || r.table == t.table && r.n == t.n) {
			r.record(w)
		}
	}
	if l, ok := f.lumps[t.id]; ok && t.table == 0 {
		l.record(w, t.id)
	}
}

func (e *entry) record(w *recordWriter) {
	switch {
	case e.dropped:
		w.drop(e.id, &space{id: e.from})
		return
	case e.born:
		w.born(e.id, e.space, e.typ, e.deadline, e.key, e.value)
	case e.renamed:
		w.rename(e.id, &space{id: e.from}, &space{id: e.space}, e.key)
	}
	if e.hasValue && !e.born {
		w.value(e.id, e.value)
	}
	if e.patched != nil {
		for _, p := range e.patched.patches {
			w.patch(e.id, int(e.patched.length), int(p.offset), p.data)
		}
	}
	if e.hasDeadline && !e.born {
		w.deadline(e.id, e.deadline)
	}
}

func (r *rowEntry) record(w *recordWriter) {
	if r.removed {
		w.remove(r.id, r.table, r.n)
		return
	}
	w.put(r.id, r.table, r.n)
	w.bytes(r.data)
}

// save writes what a fold leaves out to its file.
func (a *asides) save(f *fold) error {
	if len(a.out) == 0 {
		return nil
	}
	if err := a.write(f, filepath.Join(a.dir, asideName(f))); err != nil {
		return fmt.Errorf("set rows aside: %w", err)
	}
	return nil
}

func (a *asides) write(f *fold, path string) error {
	if err := a.disk.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	file, err := a.disk.Create(path+".new", 0o600)
	if err != nil {
		return err
	}
	out := asideWriter{a.disk, file, 0}
	err = out.write(rope{[]byte(asideMagic)})
	for t, why := range a.out {
		if err == nil {
			err = out.frame(f, t, why)
		}
	}
	if err == nil {
		err = a.disk.Sync(file)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = a.disk.Rename(path+".new", path)
	}
	if err == nil {
		err = a.disk.SyncDir(a.dir)
	}
	return err
}

// asideWriter appends to a file.
type asideWriter struct {
	disk files.Disk
	file *os.File
	at   int64
}

func (o *asideWriter) write(parts rope) error {
	for _, p := range parts {
		n, err := o.disk.Write(o.file, p, o.at)
		if o.at += int64(n); err != nil {
			return err
		}
	}
	return nil
}

func (o *asideWriter) frame(f *fold, t target, why error) error {
	var w recordWriter
	f.record(&w, t)
	reason := why.Error()
	reason = reason[:min(len(reason), reasonBytes)]
	parts := rope{binary.AppendUvarint(nil, uint64(len(reason))), []byte(reason)}
	at := 0
	for _, x := range w.ext {
		parts = append(parts, w.head[at:x.At], x.Data)
		at = x.At
	}
	parts = append(parts, w.head[at:])
	length, crc := 0, uint32(0)
	for _, p := range parts {
		length, crc = length+len(p), crc32.Update(crc, castagnoli, p)
	}
	frame := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, uint64(length)), crc)
	return o.write(append(rope{frame}, parts...))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// foldApplied is called when the fold is in the tables. It returns what was left out.
func (a *asides) foldApplied(f *fold) (out map[target]error) {
	out = a.out
	for t := range out {
		e := f.find(t.id)
		switch {
		case t.table != 0 || e == nil:
		case e.dropped:
			delete(a.gone, t.id)
		case e.born:
			a.gone[t.id] = struct{}{}
		}
	}
	a.rows.Add(int64(len(out)))
	a.sifting, a.out, a.at = false, map[target]error{}, target{}
	return out
}

// blame says what was being written when an attempt failed, for the log.
func (w *writer) blame(err error) (fields []any) {
	if at := w.asides.at; at.id != 0 && ofARow(err) {
		fields = append(fields, "key_id", at.id, "table", at.table.String(), "row", at.n, "bytes", w.asides.bytes)
	}
	var p *panicked
	if errors.As(err, &p) {
		fields = append(fields, "stack", string(p.stack))
	}
	return fields
}

// tellAsides logs what a fold that is in the tables has left out.
func (st *Store) tellAsides(f *fold) {
	for t, why := range st.wb.w.asides.foldApplied(f) {
		var w recordWriter
		f.record(&w, t)
		fields := []any{"key_id", t.id, "table", t.table.String(), "row", t.n, "bytes", len(w.head) + w.extra,
			"file", filepath.Join(st.wb.w.asides.dir, asideName(f))}
		if e := f.find(t.id); e != nil && len(e.key) > 0 {
			fields = append(fields, "key", strings.Clone(e.key[:min(len(e.key), 256)]), "key_bytes", len(e.key))
		}
		st.opts.Log("a row can not be written back and is set aside", why, fields...)
	}
}

func asideName(f *fold) string { return fmt.Sprintf("%016x%s", f.last, asideSuffix) }

// readAsides reads which keys were set aside before.
func readAsides(disk files.Disk, dir string) (a *asides, err error) {
	a = &asides{disk: disk, dir: filepath.Join(dir, asideDir), out: map[target]error{}, gone: map[int64]struct{}{}}
	entries, err := os.ReadDir(a.dir)
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	for _, entry := range entries { // in the order of their names, which is that of their LSNs
		if err == nil && strings.HasSuffix(entry.Name(), asideSuffix) {
			err = a.read(filepath.Join(a.dir, entry.Name()))
		}
	}
	if err != nil {
		return a, fmt.Errorf("read what was set aside: %w", err)
	}
	return a, nil
}

// read goes through a file, looking at the beginning of each frame.
func (a *asides) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	const head = 12
	b := make([]byte, head+reasonBytes+64)
	for at := int64(len(asideMagic)); ; {
		n, err := file.ReadAt(b, at)
		if n < head {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		a.rows.Add(1)
		cols := columnReader{b[head:n]}
		cols.blob()
		if r := (recordReader{b: cols.cols}); len(r.b) > 0 {
			switch o, id := op(r.byte()), r.uvarint(); o {
			case opCreate:
				a.gone[id] = struct{}{}
			case opDrop:
				delete(a.gone, id)
			}
		}
		at += head + int64(binary.LittleEndian.Uint64(b))
	}
}

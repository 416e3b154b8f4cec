package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/store/files"
)

// Increment tells what BackupSince has made.
type Increment struct {
	Bytes         int64 // of its file
	Pages, Stored int64 // of the result, and those of them that it has
	// Other: the base is of another directory, or of this one before it was restored.
	Other bool
}

// WholeBytes is what a backup without a base would have taken.
func (i Increment) WholeBytes() int64 { return i.Pages * pageBytes }

// BackupSince is Backup for the pages that differ from a copy that was made before. It goes the same way: the pages are
// copied into a database file as they are there, but this file compares each that it is given with the base's, and
// keeps those that differ (differing). Two passes read the base: that one, and the one that makes the increment of what
// was kept, with both files' sums, and finds whether the base is whole. In memory is a bit a page. Beside the increment
// there must be room for the pages that differ until it has its name.
func (s *Snapshot) BackupSince(
	ctx context.Context, base, file string, step func(what string, n, of int),
) (in Increment, err error) {
	b, err := openBase(base)
	if err != nil {
		return in, err
	}
	defer b.file.Close()
	if there, err := os.Stat(file); err == nil {
		if info, err := b.file.Stat(); err == nil && os.SameFile(there, info) {
			return in, fmt.Errorf("%s is the base itself, which is never written to: choose another name for what differs", file)
		}
	}
	d := &differing{base: b}
	if err := d.lookAtBase(base); err != nil {
		return in, err
	}
	var here int64
	err = s.r.guard(func() error {
		return queryInts(s.r.c, `SELECT coalesce((SELECT value FROM meta WHERE name = 'identity'), 0)`, &here)
	})
	if err != nil {
		return in, nameDamage(s.r.dir, err)
	}
	in.Other = uint64(here) != d.identity
	in.Bytes, err = s.makeFile(file, func(dir string) (string, error) {
		made := filepath.Join(dir, databaseFile)
		err := withVFS(differingVFS{vfs.Find(""), d}, func(name string) error {
			return s.copyInto(ctx, dir, name, func(done, pages int) { step("pages", done, pages) })
		})
		if d.fault != nil {
			err = d.fault // which SQLite calls a disk I/O error
		}
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, "increment")
		in.Pages, in.Stored, err = d.write(ctx, made, path, s.TimeMs, step)
		if err == nil {
			err = b.unchanged(base)
		}
		return path, err
	})
	return in, err
}

// ErrBaseDamaged says that a base is not what was written.
var ErrBaseDamaged = errors.New("the base is damaged, and nothing was made: use another one, or make a whole backup")

// differing is a database file that keeps the pages that differ from a base's. For SQLite it is one like any other.
type differing struct {
	base     *basePages
	identity uint64
	sealed   *pagesFile // what the base says of its pages' checksums
	// same are the pages that were found to be the base's at the same place. All others are in the file itself: those
	// that were never written are zeros there, as they would be in a file without a base.
	same  pageSet
	bytes int64
	fault error // the base's
}

// lookAtBase finds out what the base is.
func (d *differing) lookAtBase(path string) error {
	seen, err := lookAtCopy(path, lookVFS)
	if isDamage(err) && !errors.Is(err, errNoCopy) {
		return fmt.Errorf("%w: %s: %w", ErrBaseDamaged, path, plain(err))
	}
	if err != nil {
		return err
	}
	header := make([]byte, 100)
	if _, err := d.base.file.ReadAt(header, 0); err != nil {
		return err
	}
	d.sealed, d.identity = &pagesFile{}, seen.identity
	d.sealed.lookAt(header)
	if d.base.bytes%pageBytes != 0 || d.base.bytes < d.sealed.end {
		return fmt.Errorf("%w: %s: its end is missing: it has %d bytes and should have %d", ErrBaseDamaged, path,
			d.base.bytes, d.sealed.end)
	}
	d.sealed.unverified = d.sealed.unverified || seen.running // another program has copied it
	return nil
}

// lockPage is the page that SQLite never writes: its locks' bytes are there.
const lockPage = 1 << 30 / pageBytes

// sound compares the checksum of one of the base's pages.
func (d *differing) sound(b []byte, n int64) error {
	at := n * pageBytes
	if !d.sealed.sealed || d.sealed.unverified || n == lockPage || fits(b, at) || at >= d.sealed.end && isZero(b) {
		return nil
	}
	return fmt.Errorf("%w: %s: page %d does not fit its checksum", ErrBaseDamaged, d.base.file.Name(), n+1)
}

// write makes the increment of what was kept in the file made.
func (d *differing) write(
	ctx context.Context, made, path string, timeMs int64, step func(what string, n, of int),
) (pages, stored int64, err error) {
	own, err := os.Open(made)
	if err != nil {
		return 0, 0, err
	}
	defer own.Close()
	to, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	pages = d.bytes / pageBytes
	var set pageSet
	for n := range pages {
		set.put(n, !d.same.has(n))
	}
	stored = set.count()
	head := incrementHead{Version: incrementVersion, PageBytes: pageBytes, Pages: uint32(pages), Stored: uint32(stored),
		BaseBytes: uint64(d.base.bytes), TimeMs: timeMs}
	copy(head.Magic[:], incrementMagic)
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(to, sum), 256<<10)
	for _, part := range []any{&head, set.words} {
		if err := binary.Write(out, binary.LittleEndian, part); err != nil {
			return 0, 0, err
		}
	}
	sums, err := inStep(ctx, d.base, pages, &set,
		func(p []byte, n int64) error { return readZeros(own, p, n*pageBytes) },
		func(n int64, b, p []byte) error {
			if b != nil {
				if err := d.sound(b, n); err != nil {
					return err
				}
			}
			if n%backupStep == 0 {
				step("comparing with the base", int(n), int(max(pages, d.base.pages())))
			}
			if p == nil || !set.has(n) {
				return nil
			}
			_, err := out.Write(p)
			return err
		})
	if err == nil {
		err = binary.Write(out, binary.LittleEndian, &sums)
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		_, err = to.Write(sum.Sum(nil))
	}
	if err == nil {
		err = (files.Disk{}).Sync(to)
	}
	return pages, stored, err
}

// readZeros reads a part of a file that is zeros behind its end.
func readZeros(f io.ReaderAt, p []byte, at int64) error {
	n, err := f.ReadAt(p, at)
	if err == io.EOF {
		clear(p[n:])
		err = nil
	}
	return err
}

// differingVFS opens one file. What SQLite puts beside it, its WAL, is as it ever is.
type differingVFS struct {
	vfs.VFS
	d *differing
}

func (v differingVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpen(v.VFS, name, flags)
	return v.with(f, flags, err), out, err
}

func (v differingVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	return v.with(f, flags, err), out, err
}

func (v differingVFS) with(f vfs.File, flags vfs.OpenFlag, err error) vfs.File {
	if err != nil || flags&vfs.OPEN_MAIN_DB == 0 {
		return f
	}
	return &differingFile{f, v.d}
}

// differingFile is a connection's.
type differingFile struct {
	vfs.File // has the pages that differ, each in its place, and holes
	d        *differing
}

func (f *differingFile) ReadAt(p []byte, at int64) (int, error) {
	switch n := at / pageBytes; {
	case at >= f.d.bytes:
		return 0, io.EOF
	case at%pageBytes+int64(len(p)) > pageBytes:
		return 0, sqlite3.IOERR_READ // SQLite reads pages, and parts of one
	case f.d.same.has(n):
		return f.d.base.file.ReadAt(p, at)
	}
	return len(p), readZeros(f.File, p, at)
}

func (f *differingFile) WriteAt(p []byte, at int64) (int, error) {
	n := at / pageBytes
	if at%pageBytes != 0 || len(p) != pageBytes {
		return 0, sqlite3.IOERR_WRITE // of another size than all pages that there are
	}
	same := false
	if n < f.d.base.pages() {
		b := make([]byte, pageBytes)
		_, err := f.d.base.file.ReadAt(b, at)
		if same = string(b) == string(p); err == nil && !same {
			err = f.d.sound(b, n)
		}
		if err != nil {
			f.d.fault = err
			return 0, sqlite3.IOERR_READ
		}
	}
	f.d.same.put(n, same)
	f.d.bytes = max(f.d.bytes, at+pageBytes)
	if same {
		return len(p), nil
	}
	return f.File.WriteAt(p, at)
}

func (f *differingFile) Truncate(bytes int64) error {
	for n := bytes / pageBytes; n < f.d.bytes/pageBytes; n++ {
		f.d.same.put(n, false) // if it comes back, it is zeros until it is written
	}
	f.d.bytes = bytes
	return f.File.Truncate(bytes)
}

func (f *differingFile) Size() (int64, error)    { return f.d.bytes, nil }
func (f *differingFile) Sync(vfs.SyncFlag) error { return nil } // the increment is what has to last

func (f *differingFile) Unwrap() vfs.File               { return f.File }
func (f *differingFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *differingFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *differingFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *differingFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }

// DeviceCharacteristics keeps SQLite from writing parts of pages.
func (f *differingFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() &^ vfs.IOCAP_SUBPAGE_READ
}

// ownVFS numbers the VFSs that belong to one file.
var ownVFS atomic.Int64

// withVFS gives a VFS a name of its own as long as use takes.
func withVFS(v vfs.VFS, use func(name string) error) error {
	name := fmt.Sprint("increment-", ownVFS.Add(1))
	vfs.Register(name, v)
	defer func() {
		for _, over := range []string{"", pagesVFSPrefix, sealingVFSPrefix} {
			vfs.Unregister(over + name)
		}
	}()
	return use(name)
}

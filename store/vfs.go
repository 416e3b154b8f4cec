package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/store/files"
)

// doubtVFS stands between SQLite and the file system and remembers fsyncs that failed. SQLite does not: it
// fsyncs the WAL or the database file again later, and takes success for what it says. The kernel may hold
// pages for clean by then that the failed one did not write. So what was written since the last fsync that
// worked is written once more before the next one.
//
// A failure is remembered as long as the store is open. What an earlier process may have met is assumed: see
// syncWAL; the database file needs nothing, since SQLite copies the whole WAL into it again.
type doubtVFS struct {
	vfs.VFS
	disk files.Disk
	real bool // it stands on the operating system's

	unverified bool        // the pages' checksums are not compared: see pages.go
	gather     int         // bytes of a WAL's frames that are written together: see vfs_gather.go
	serving    atomic.Bool // there are clients, who are let have the processor while pages are written

	mu     sync.Mutex
	doubts map[string]*doubt // by file name: connections come and go
}

// doubt is what of a file may not be on disk. Only the writing connection changes the file.
type doubt struct {
	mu     sync.Mutex
	spans  []span // written since the last fsync that worked
	failed bool   // an fsync since then has failed
}

// span is the bytes of a file from one offset up to another.
type span struct{ from, to int64 }

// maxSpans bounds the memory: with more of them everything between counts as written.
const maxSpans = 1 << 16

var doubtVFSs atomic.Int64

// registerVFS makes a doubtVFS on another one, "" for the operating system's, known to SQLite by a name of its own.
func registerVFS(on string, disk files.Disk, unverified bool, gather int) (name string) {
	name = fmt.Sprint("diskette-", doubtVFSs.Add(1))
	vfs.Register(name, &doubtVFS{VFS: vfs.Find(on), disk: disk, real: on == "", unverified: unverified, gather: gather,
		doubts: map[string]*doubt{}})
	return name
}

func (d *doubtVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpen(d.VFS, name, flags)
	return d.wrap(name, f, flags, err)
}

func (d *doubtVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if d.real {
		createPrivate(name.String(), flags)
	}
	f, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	f, flags, err = d.wrap(name.String(), f, flags, err)
	if wal, ok := f.(*doubtFile); ok && flags&vfs.OPEN_WAL != 0 {
		if db, ok := vfsutil.UnwrapFile[*doubtFile](name.DatabaseFile()); ok {
			wal.gathering = newGathering(wal, d.gather)
			db.wal = wal.gathering
		}
	}
	return f, flags, err
}

// createPrivate creates a file that SQLite is about to create, for nobody but the server's user: SQLite's own would be
// everybody's to read. If it can not, SQLite can not either, and says why.
func createPrivate(name string, flags vfs.OpenFlag) {
	if name == "" || flags&vfs.OPEN_CREATE == 0 {
		return
	}
	if f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		f.Close()
	}
}

func (d *doubtVFS) wrap(name string, f vfs.File, flags vfs.OpenFlag, err error) (vfs.File, vfs.OpenFlag, error) {
	if err != nil || flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_WAL) == 0 || flags&vfs.OPEN_READONLY != 0 {
		return f, flags, err // never written, or for no longer than a transaction
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.doubts[name] == nil {
		d.doubts[name] = &doubt{}
	}
	return &doubtFile{File: f, name: name, disk: d.disk, doubt: d.doubts[name], serving: &d.serving}, flags, nil
}

func (d *doubtVFS) Delete(name string, syncDir bool) error {
	err := d.VFS.Delete(name, syncDir)
	if err == nil {
		d.mu.Lock()
		delete(d.doubts, name)
		d.mu.Unlock()
	}
	return err
}

// doubtFile is a file of one connection.
type doubtFile struct {
	vfs.File
	name  string
	disk  files.Disk
	doubt *doubt

	gathering *gathering // of a WAL's frames; nil = it is none
	wal       *gathering // of a database file: its WAL's, as the same connection has it

	serving *atomic.Bool
	breath  breath // a commit and a checkpoint write thousands of pages in one call of SQLite's
}

func (f *doubtFile) ReadAt(p []byte, off int64) (int, error) {
	if f.gathering != nil {
		return f.gathering.read(p, off)
	}
	return f.File.ReadAt(p, off)
}

func (f *doubtFile) WriteAt(p []byte, off int64) (int, error) {
	if f.serving.Load() {
		f.breath.step(1) // what is gathered as well: SQLite's work for a frame is more than the kernel's
	}
	if f.gathering != nil {
		return f.gathering.write(p, off)
	}
	return f.put(p, off)
}

func (f *doubtFile) put(p []byte, off int64) (int, error) {
	f.doubt.add(off, off+int64(len(p)))
	return f.File.WriteAt(p, off)
}

// out brings to the file what is gathered, if it is a WAL.
func (f *doubtFile) out() error {
	if f.gathering == nil {
		return nil
	}
	return f.gathering.out()
}

func (f *doubtFile) Size() (int64, error) {
	if err := f.out(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

func (f *doubtFile) Truncate(size int64) error {
	if err := f.out(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// SharedMemory is asked for before each use of it: G2 of gathering.
func (f *doubtFile) SharedMemory() vfs.SharedMemory {
	if f.wal != nil {
		_ = f.wal.out() // the next write says it: G3
	}
	return vfsutil.WrapSharedMemory(f.File)
}

func (d *doubt) add(from, to int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.spans)
	if n > 0 && d.spans[n-1].to == from { // the WAL grows so
		d.spans[n-1].to = to
		return
	}
	if n == maxSpans {
		all := d.spans[0]
		for _, s := range d.spans {
			all = span{min(all.from, s.from), max(all.to, s.to)}
		}
		d.spans = append(d.spans[:0], all)
	}
	d.spans = append(d.spans, span{from, to})
}

func (f *doubtFile) Sync(flags vfs.SyncFlag) error {
	if err := f.out(); err != nil {
		return err // no fsync has failed
	}
	d := f.doubt
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed {
		if err := f.rewrite(d.spans); err != nil {
			return err
		}
	}
	err := f.File.Sync(flags)
	if err == nil && d.failed {
		err = f.disk.SyncDir(filepath.Dir(f.name)) // it may have been the directory's fsync that failed
	}
	if d.failed = err != nil; !d.failed {
		d.spans = d.spans[:0]
	}
	return err
}

// rewrite writes over themselves the bytes that the next fsync has to bring to disk.
func (f *doubtFile) rewrite(spans []span) error {
	size, err := f.File.Size()
	if err != nil {
		return err
	}
	b := make([]byte, 64<<10)
	for _, s := range spans {
		for at := s.from; at < min(s.to, size); {
			n, err := f.File.ReadAt(b[:min(int64(len(b)), min(s.to, size)-at)], at)
			if n == 0 {
				return err
			}
			if _, err := f.File.WriteAt(b[:n], at); err != nil {
				return err
			}
			at += int64(n)
		}
	}
	return nil
}

// What SQLite asks of a file beyond that is passed on.

func (f *doubtFile) Unwrap() vfs.File         { return f.File }
func (f *doubtFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }
func (f *doubtFile) PersistWAL() bool         { return vfsutil.WrapPersistWAL(f.File) }
func (f *doubtFile) SetPersistWAL(keep bool)  { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *doubtFile) PowersafeOverwrite() bool { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *doubtFile) SetPowersafeOverwrite(psow bool) {
	vfsutil.WrapSetPowersafeOverwrite(f.File, psow)
}
func (f *doubtFile) SizeHint(size int64) error { return vfsutil.WrapSizeHint(f.File, size) }
func (f *doubtFile) HasMoved() (bool, error)   { return vfsutil.WrapHasMoved(f.File) }

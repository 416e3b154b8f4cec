package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/store/files"
)

// errFull is what SQLite hears of a full disk.
var errFull = vfs.SystemError(syscall.ENOSPC, sqlite3.FULL)

// disk is a file system below SQLite and the journal that a test breaks, slows down, stops and
// copies. It knows which of SQLite's writes an fsync has not covered, so that a copy can be what a power cut leaves.
type disk struct {
	vfs.VFS
	name string

	still sync.RWMutex // read-held around every change: who holds it for writing sees one instant

	mu sync.Mutex
	op int // SQLite's and the journal's changes so far
	// fault is asked before each change, with the bytes that a write adds; nil = the disk is well.
	fault    func(op int, kind, file string, n int) error
	reading  func(file string)               // called before each read by SQLite
	watch    func(c files.Call, failed bool) // told of each change
	broken   bool                            // reads fail
	readOps  int                             // SQLite's so far
	failRead int                             // the one of them that fails
	unsynced map[string]*history
	lacks    vfs.DeviceCharacteristic // what it can not do
}

// history is a file's content at its last fsync and what was done to it since.
type history struct {
	synced []byte
	done   []edit
}

// edit is a write, or a truncation when data is nil.
type edit struct {
	at   int64
	data []byte
}

// disks were made so far: each has a name of its own.
var disks atomic.Int64

func newDisk(t testing.TB) *disk {
	d := &disk{VFS: vfs.Find("os"), name: fmt.Sprint(strings.ReplaceAll(t.Name(), "/", "_"), disks.Add(1)), unsynced: map[string]*history{}}
	vfs.Register(d.name, d)
	t.Cleanup(func() { vfs.Unregister(d.name) })
	return d
}

// use puts a store's files on the disk.
func (d *disk) use(o *Options) { o.VFS, o.Fault = d.name, d.fileFault }

// breakWith makes the disk fail; nil mends it.
func (d *disk) breakWith(fault func(op int, kind, file string, n int) error) {
	d.mu.Lock()
	d.fault = fault
	d.mu.Unlock()
}

func (d *disk) ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.op
}

func (d *disk) ask(kind, file string, n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.op++
	if d.fault == nil {
		return nil
	}
	return d.fault(d.op, kind, filepath.Base(file), n)
}

var kinds = map[files.Op]string{files.Create: "create", files.Write: "write", files.Truncate: "truncate", files.Allocate: "reserve",
	files.Sync: "sync", files.Remove: "remove", files.Rename: "rename", files.Mkdir: "mkdir", files.SyncDir: "sync"}

// fileFault is asked about the journal's files and the others that are not SQLite's.
func (d *disk) fileFault(c files.Call) (allow int, err error) {
	n := len(c.Data)
	if c.Op == files.Truncate || c.Op == files.Allocate {
		n = int(c.At)
	}
	err = d.ask(kinds[c.Op], "journal", n)
	if err != nil {
		c.Data = c.Data[:len(c.Data)/2]
	}
	d.note(c, err != nil)
	if errors.Is(err, errFull) {
		err = syscall.ENOSPC
	}
	return len(c.Data), err
}

// note tells who watches of a change.
func (d *disk) note(c files.Call, failed bool) {
	if d.watch != nil {
		d.watch(c, failed)
	}
}

// killed copies a data directory as a process that is killed now leaves it.
func (d *disk) killed(t testing.TB, dir string) string {
	t.Helper()
	d.still.Lock()
	defer d.still.Unlock()
	return copyOf(t, dir)
}

// copyOf copies a data directory while SQLite's files stand still.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	state := func() string {
		b, err := os.ReadFile(filepath.Join(dir, stateName))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for { // the journal may change meanwhile: the state says when it has, and that is not of one instant
		to, before := t.TempDir(), state()
		// The journal is copied first: what is dropped from it meanwhile is in the tables.
		copyFiles(t, filepath.Join(dir, "journal"), filepath.Join(to, "journal"))
		copyFiles(t, dir, to)
		if state() == before {
			return to
		}
	}
}

// powerCut is killed, and SQLite's writes since the last fsync of each file are there or not, as r decides.
func (d *disk) powerCut(t testing.TB, dir string, r *rand.Rand) string {
	t.Helper()
	to := d.cut(t, dir, r)
	reboot(t, to)
	return to
}

// cut is what is on the medium at one instant: copying and forgetting are one hold of still, because an fsync or a
// checkpoint in between would leave files of two instants.
func (d *disk) cut(t testing.TB, dir string, r *rand.Rand) string {
	t.Helper()
	d.still.Lock()
	defer d.still.Unlock()
	to := copyOf(t, dir)
	d.mu.Lock()
	defer d.mu.Unlock()
	for file, h := range d.unsynced {
		if filepath.Dir(file) != filepath.Clean(dir) { // of a store that was there before
			continue
		}
		content := append([]byte(nil), h.synced...)
		for _, e := range h.done {
			if r.IntN(2) == 0 {
				content = e.apply(content)
			}
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func (e edit) apply(content []byte) []byte {
	end := e.at + int64(len(e.data))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if e.data == nil {
		return content[:e.at]
	}
	copy(content[e.at:], e.data)
	return content
}

func copyFiles(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() || e.Name() == reserveFile {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if errors.Is(err, fs.ErrNotExist) { // dropped
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpen(d.VFS, name, flags)
	return d.wrap(name, f, false), flags, err
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	d.still.RLock()
	defer d.still.RUnlock()
	const journals = vfs.OPEN_MAIN_JOURNAL | vfs.OPEN_SUPER_JOURNAL | vfs.OPEN_WAL
	// The operating system's VFS fsyncs the directory, too, with a file's first fsync.
	syncsDir := flags&vfs.OPEN_CREATE != 0 && flags&journals != 0
	if _, err := os.Stat(name.String()); flags&vfs.OPEN_CREATE != 0 && errors.Is(err, fs.ErrNotExist) {
		if err := d.ask("create", name.String(), 0); err != nil {
			return nil, flags, err
		}
		d.note(files.Call{Op: files.Create, Path: name.String()}, false)
	}
	f, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	return d.wrap(name.String(), f, syncsDir), flags, nil
}

func (d *disk) wrap(name string, f vfs.File, syncsDir bool) vfs.File {
	if f == nil {
		return nil
	}
	return &diskFile{File: f, disk: d, name: name, syncsDir: syncsDir}
}

func (d *disk) Delete(name string, syncDir bool) error {
	d.still.RLock()
	defer d.still.RUnlock()
	if err := d.ask("remove", name, 0); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.unsynced, name)
	d.mu.Unlock()
	err := d.VFS.Delete(name, syncDir)
	d.note(files.Call{Op: files.Remove, Path: name}, err != nil)
	if syncDir && err == nil {
		d.note(files.Call{Op: files.SyncDir, Path: filepath.Dir(name)}, false)
	}
	return err
}

// diskFile is a file of SQLite's on a disk.
type diskFile struct {
	vfs.File
	disk     *disk
	name     string
	syncsDir bool
}

func (f *diskFile) Unwrap() vfs.File               { return f.File }
func (f *diskFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *diskFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *diskFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *diskFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }

func (f *diskFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() &^ f.disk.lacks
}

func (f *diskFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	f.disk.readOps++
	reading, broken := f.disk.reading, f.disk.broken || f.disk.readOps == f.disk.failRead
	f.disk.mu.Unlock()
	if broken {
		return 0, syscall.EIO
	}
	if reading != nil {
		reading(filepath.Base(f.name))
	}
	return f.File.ReadAt(p, off)
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.still.RLock()
	defer f.disk.still.RUnlock()
	size, err := f.File.Size()
	if err != nil {
		return 0, err
	}
	if err := f.disk.ask("write", f.name, int(max(0, off+int64(len(p))-size))); err != nil {
		short := len(p) / 2
		if len(p) < sectorSize { // no file system writes a part of so little
			short = 0
		}
		n, _ := f.write(p[:short], off, true)
		return n, err
	}
	return f.write(p, off, false)
}

func (f *diskFile) write(p []byte, off int64, failed bool) (int, error) {
	for at := off; at < off+int64(len(p)); { // each page of the kernel's goes to the disk by itself
		end := min((at/pageBytes+1)*pageBytes, off+int64(len(p)))
		f.did(edit{at, append([]byte{}, p[at-off:end-off]...)})
		at = end
	}
	f.disk.note(files.Call{Op: files.Write, Path: f.name, At: off, Data: p}, failed)
	return f.File.WriteAt(p, off)
}

func (f *diskFile) Truncate(size int64) error {
	f.disk.still.RLock()
	defer f.disk.still.RUnlock()
	if err := f.disk.ask("truncate", f.name, int(size)); err != nil {
		return err
	}
	f.did(edit{size, nil})
	f.disk.note(files.Call{Op: files.Truncate, Path: f.name, At: size}, false)
	return f.File.Truncate(size)
}

func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	f.disk.still.RLock()
	defer f.disk.still.RUnlock()
	if err := f.disk.ask("sync", f.name, 0); err != nil {
		f.disk.note(files.Call{Op: files.Sync, Path: f.name}, true)
		return err
	}
	f.disk.note(files.Call{Op: files.Sync, Path: f.name}, false)
	if f.syncsDir {
		f.syncsDir = false
		err := f.disk.ask("sync", filepath.Dir(f.name), 0)
		f.disk.note(files.Call{Op: files.SyncDir, Path: filepath.Dir(f.name)}, err != nil)
		if err != nil {
			return err
		}
	}
	f.disk.mu.Lock()
	delete(f.disk.unsynced, f.name)
	f.disk.mu.Unlock()
	return f.File.Sync(flags)
}

// did notes a change that no fsync has covered yet.
func (f *diskFile) did(e edit) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	h := f.disk.unsynced[f.name]
	if h == nil {
		h = &history{synced: f.content()}
		f.disk.unsynced[f.name] = h
	}
	h.done = append(h.done, e)
}

func (f *diskFile) content() []byte {
	size, err := f.File.Size()
	if err != nil {
		panic(err)
	}
	b := make([]byte, size)
	if n, err := f.File.ReadAt(b, 0); err != nil && err != io.EOF {
		panic(err)
	} else {
		return b[:n]
	}
}

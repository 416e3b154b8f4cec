package main

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/store/files"
)

const vfsName = "faulty"

// disk is the operating system's file system, in which operations of one kind fail while the weather is bad.
type disk struct {
	vfs.VFS

	mu   sync.Mutex
	rand *rand.Rand
	bad  *fault // nil = the weather is good
}

// fault is a kind of operation that fails one time in oneIn.
type fault struct {
	kind  string // read, write, sync, truncate or create
	err   error
	short bool // half of what is to be written is
	oneIn int
}

var (
	errFull = vfs.SystemError(syscall.ENOSPC, sqlite3.FULL)

	faults = []fault{
		{kind: "write", err: syscall.EIO},
		{kind: "write", err: syscall.EIO, short: true},
		{kind: "write", err: errFull, short: true},
		{kind: "create", err: errFull},
		{kind: "sync", err: syscall.EIO},
		{kind: "read", err: syscall.EIO},
		{kind: "truncate", err: syscall.EIO},
	}
)

func newDisk(seed uint64) *disk {
	d := &disk{VFS: vfs.Find("os"), rand: rand.New(rand.NewPCG(seed, 1))}
	vfs.Register(vfsName, d)
	return d
}

// weather is good for up to half a second, then bad for up to a third of one, and so on. One
// start in two meets bad weather.
func (d *disk) weather() {
	for good := d.number(2) == 0; ; good = true {
		if good {
			time.Sleep(d.pick(nil, 500))
		}
		f := faults[d.number(len(faults))]
		f.oneIn = 1 << d.number(5)
		time.Sleep(d.pick(&f, 300))
	}
}

// pick changes the weather and says for how long, at most so many milliseconds.
func (d *disk) pick(f *fault, most int) time.Duration {
	n := d.number(most)
	d.mu.Lock()
	d.bad = f
	d.mu.Unlock()
	return time.Duration(n) * time.Millisecond
}

func (d *disk) number(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n)
}

// ask says whether an operation fails, and how much of n bytes is written all the same.
func (d *disk) ask(kind string, n int) (allow int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.bad
	if f == nil || f.kind != kind || d.rand.IntN(f.oneIn) != 0 {
		return n, nil
	}
	if f.short {
		return n / 2, f.err
	}
	return 0, f.err
}

// change is asked before the store and the journal change a file.
func (d *disk) change(c files.Call) (allow int, err error) {
	kind := map[files.Op]string{files.Create: "create", files.Write: "write", files.Allocate: "write", files.Sync: "sync",
		files.SyncDir: "sync", files.Truncate: "truncate"}[c.Op]
	if allow, err = d.ask(kind, len(c.Data)); err == errFull {
		err = syscall.ENOSPC
	}
	return allow, err
}

func (d *disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpen(d.VFS, name, flags)
	return d.wrap(f), flags, err
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	return d.wrap(f), flags, err
}

func (d *disk) wrap(f vfs.File) vfs.File {
	if f == nil {
		return nil
	}
	return &file{f, d}
}

// file is one of SQLite's.
type file struct {
	vfs.File
	disk *disk
}

func (f *file) Unwrap() vfs.File               { return f.File }
func (f *file) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *file) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *file) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *file) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if _, err := f.disk.ask("read", len(p)); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	allow, err := f.disk.ask("write", len(p))
	if err == nil {
		return f.File.WriteAt(p, off)
	}
	n, _ := f.File.WriteAt(p[:allow], off)
	return n, err
}

func (f *file) Truncate(size int64) error {
	if _, err := f.disk.ask("truncate", 0); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *file) Sync(flags vfs.SyncFlag) error {
	if _, err := f.disk.ask("sync", 0); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

package store

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Each page of the database file ends with a checksum, so that a bit that a disk has changed is
// an error and no wrong value:
//
//	+-----------------------------+----------------------------------------------+
//	| SQLite's part, 4092 bytes   | CRC-32C of it, XOR the page's number from 1  |
//	+-----------------------------+----------------------------------------------+
//
// in little endian. SQLite leaves the last bytes of each page alone when the file's header says so (reserved
// bytes, byte 20), and other programs can read such a file. The number makes a page that stands in another's place
// an error, and a page of zeros never fits. The checksum is made when a checkpoint writes the page and compared
// when SQLite reads it from the file; of the WAL SQLite has its own, compared when it is read after a crash. A
// page that was never written keeps its older state with a checksum that fits: nothing on the page can tell.
//
// The process's time with and without, interleaved, medians of five whose spread was 15 %: a SET of 100 bytes
// with its write-back 16.0 us and 15.6, a cold GET 11.5 and 11.1; of three: a SET of 100 KB 578 us and 492, a
// cold GET of it 145 and 145.
//
// Another program that checkpoints the WAL, as Litestream does, brings pages into the file with the bytes that stood
// there before in the checksum's place. Where that was asked for (Options.Unverified) checksums are written, and not
// compared; the file's version keeps note of it, for all that open the file. (To tell such pages from damaged ones by
// zeros in that place was tried: a program that writes, as Litestream does into a table of its own, leaves an old
// checksum there.)
//
// SQLite's own checksum VFS has a weaker sum that takes five times as long, and zeros fit it: a
// zeroed end of a long value would be zeros in the value.
const sealBytes = 4

// sealedVersion is the user_version from which a file has checksums: a second witness beside
// byte 20, so that no one flipped bit makes them go unread.
const sealedVersion = 4

// unverifiedVersion is the user_version of a file whose checksums are not compared. It is as sealedVersion in all
// else, and five bits from it.
const unverifiedVersion = 0x1b

// pagesOver names the VFS that puts checksums over the VFS of that name, empty for the operating system's.
func pagesOver(name string) string {
	base := vfs.Find(name)
	if base == nil {
		return name // SQLite says that there is none
	}
	doubts, _ := base.(*doubtVFS)
	looks, _ := base.(looking)
	vfs.Register(pagesVFSPrefix+name, pagesVFS{base, doubts != nil && doubts.unverified || looks.unverified})
	return pagesVFSPrefix + name
}

// pagesVFSPrefix comes before the name of the VFS that is below one of pagesOver's.
const pagesVFSPrefix = "pages:"

// pagesVFS is a VFS whose database files have checksums. Everything else is the VFS's below.
type pagesVFS struct {
	vfs.VFS
	unverified bool
}

func (v pagesVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpen(v.VFS, name, flags)
	return v.withPages(f, flags, err), out, err
}

func (v pagesVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	return v.withPages(f, flags, err), out, err
}

func (v pagesVFS) withPages(f vfs.File, flags vfs.OpenFlag, err error) vfs.File {
	if err != nil || flags&vfs.OPEN_MAIN_DB == 0 {
		return f
	}
	return &pagesFile{File: f, unverified: v.unverified}
}

// pagesFile is a connection's database file.
type pagesFile struct {
	vfs.File
	sealed     bool // its pages have checksums; once found so, it stays
	unverified bool // but they are not compared
	// end is the file's in bytes, as the header says that was last read from the file or written. SQLite may read
	// on behind it, and finds nothing or the zeros of allocated space.
	end int64
}

func (f *pagesFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	if at == 0 {
		f.lookAt(p[:n])
	}
	if !f.sealed || len(p) != pageBytes || err != nil && err != io.EOF {
		return n, err
	}
	if f.unverified || n == len(p) && fits(p, at) || at >= f.end && isZero(p[:n]) {
		return n, err
	}
	return 0, sqlite3.IOERR_DATA
}

func fits(page []byte, at int64) bool {
	body, seal := page[:pageBytes-sealBytes], page[pageBytes-sealBytes:]
	return binary.LittleEndian.Uint32(seal) == sealOf(body, at)
}

func isZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

func (f *pagesFile) WriteAt(p []byte, at int64) (int, error) {
	if at == 0 {
		f.lookAt(p)
	}
	if f.sealed && len(p) == pageBytes {
		binary.LittleEndian.PutUint32(p[pageBytes-sealBytes:], sealOf(p[:pageBytes-sealBytes], at))
	}
	return f.File.WriteAt(p, at)
}

// lookAt finds in the file's header whether its pages have checksums, and its size.
func (f *pagesFile) lookAt(header []byte) {
	if len(header) < 100 {
		return
	}
	f.end = int64(binary.BigEndian.Uint32(header[28:])) * pageBytes
	version := binary.BigEndian.Uint32(header[60:])
	if binary.BigEndian.Uint32(header[68:]) != applicationID {
		version = 0
	}
	if version <= sealedVersion || version == unverifiedVersion { // else it is not ours to judge
		f.sealed = f.sealed || header[20] == sealBytes || version >= sealedVersion
		f.unverified = f.unverified || version == unverifiedVersion
	}
}

func sealOf(body []byte, at int64) uint32 {
	return crc32.Checksum(body, castagnoli) ^ uint32(at/pageBytes+1)
}

// DeviceCharacteristics keeps SQLite from reading parts of pages.
func (f *pagesFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() &^ vfs.IOCAP_SUBPAGE_READ
}

// The rest of what a file of the operating system's can do, but for memory mapping, which would
// read around the checksums.

func (f *pagesFile) Unwrap() vfs.File               { return f.File }
func (f *pagesFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *pagesFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *pagesFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *pagesFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *pagesFile) PowersafeOverwrite() bool       { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *pagesFile) SetPowersafeOverwrite(on bool)  { vfsutil.WrapSetPowersafeOverwrite(f.File, on) }
func (f *pagesFile) SizeHint(size int64) error      { return vfsutil.WrapSizeHint(f.File, size) }
func (f *pagesFile) ChunkSize(size int)             { vfsutil.WrapChunkSize(f.File, size) }
func (f *pagesFile) HasMoved() (bool, error)        { return vfsutil.WrapHasMoved(f.File) }

const (
	setSealed     = `PRAGMA user_version = 4;`  // sealedVersion
	setUnverified = `PRAGMA user_version = 27;` // unverifiedVersion
)

// noteVerified notes in the file that checksums are not to be compared, before any connection but the writer's is open.
func (st *Store) noteVerified(c *sqlite3.Conn) error {
	var version int64
	err := queryInts(c, `SELECT user_version FROM pragma_user_version`, &version)
	switch {
	case err != nil:
		return err
	case version == unverifiedVersion && !st.opts.Unverified:
		st.opts.Log("the pages' checksums are not compared: another program may have written some without", nil,
			"way", "diskette backup and diskette restore make a database in which all are right")
	case version == sealedVersion && st.opts.Unverified:
		if err := c.Exec(setUnverified); err != nil {
			return err
		}
		_, _, err = c.WALCheckpoint("main", sqlite3.CHECKPOINT_FULL) // the file says so, too, before anybody opens it
	}
	return err
}

// sealAtStart is the size in bytes up to which a file of an older version is given checksums when
// it is opened, by a VACUUM, which writes the whole file anew. A larger one goes on without.
const sealAtStart = 64 << 20

// sealPages writes every page of a small file anew, with its checksum. Killed at any point it
// leaves the file as it was, or done but for the version.
func sealPages(c *sqlite3.Conn) error {
	var pages int64
	if err := queryInts(c, `SELECT page_count FROM pragma_page_count`, &pages); err != nil ||
		pages*pageBytes > sealAtStart {
		return err
	}
	if _, err := c.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, sealBytes); err != nil {
		return err
	}
	if err := c.Exec(`VACUUM`); err != nil {
		return err
	}
	// Whole, but not CHECKPOINT_TRUNCATE: a start that finds the WAL of a database that was not
	// closed empty takes it for lost.
	if _, _, err := c.WALCheckpoint("main", sqlite3.CHECKPOINT_FULL); err != nil {
		return err
	}
	return c.Exec(setSealed)
}

// noteVersion notes the file's version, and logs if it has no checksums.
func (st *Store) noteVersion(c *sqlite3.Conn) error {
	version, err := fileVersion(c)
	st.opened.Format = int(version)
	if err == nil && version < sealedVersion {
		st.opts.Log("the database file has no page checksums: it was made by an older version and is large", nil,
			"bytes", fileBytes(filepath.Join(st.dir, databaseFile)), "bytes_at_most", int64(sealAtStart))
	}
	return err
}

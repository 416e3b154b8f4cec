package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"diskette/compat_test/testrand"
	"diskette/store/files"
)

// pagesOfRows is a database of rows of a page each, some of which a model says what they are.
type pagesOfRows struct {
	t    *testing.T
	dir  string
	disk *disk
	vfs  string
	rows map[int64]string
}

func newPagesOfRows(t *testing.T, gather int) *pagesOfRows {
	d := newDisk(t)
	p := &pagesOfRows{t: t, dir: t.TempDir(), disk: d, rows: map[int64]string{},
		vfs: registerVFS(d.name, files.Disk{}, false, gather)}
	t.Cleanup(func() { vfs.Unregister(p.vfs) })
	return p
}

// connect opens a connection whose cache is so small that it writes pages before the commit.
func (p *pagesOfRows) connect(readOnly bool) *sqlite3.Conn {
	p.t.Helper()
	c, err := openDB(p.dir, p.vfs, 32<<20, readOnly)
	if err == nil {
		p.t.Cleanup(func() { c.Close() })
		err = c.Exec(`PRAGMA journal_mode = WAL; PRAGMA cache_size = 20; PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 0`)
	}
	if err == nil && !readOnly {
		err = c.Exec(`CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, value TEXT)`)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// put changes rows within a transaction that is open, and says which.
func put(c *sqlite3.Conn, r *rand.Rand, rows int) (map[int64]string, error) {
	changed := map[int64]string{}
	for range rows {
		n, value := r.Int64N(300), strings.Repeat(fmt.Sprint(r.IntN(10)), 2500+r.IntN(1000))
		s, _, err := c.Prepare(`INSERT OR REPLACE INTO t VALUES (?1, ?2)`)
		if err == nil {
			err = errors.Join(bind(s, n, value), s.Exec(), s.Close())
		}
		if err != nil {
			return nil, err
		}
		changed[n] = value
	}
	return changed, nil
}

// holds says whether a connection finds what the model has.
func (p *pagesOfRows) holds(c *sqlite3.Conn) error {
	s, _, err := c.Prepare(`SELECT n, value FROM t`)
	if err != nil {
		return err
	}
	defer s.Close()
	found := map[int64]string{}
	for s.Step() {
		found[s.ColumnInt64(0)] = s.ColumnText(1)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if !maps.Equal(found, p.rows) {
		return fmt.Errorf("%d rows are found, want %d, or they are others", len(found), len(p.rows))
	}
	return nil
}

// mustHold is holds for a connection, and for a start that has the files alone, without the WAL's index.
func (p *pagesOfRows) mustHold(c *sqlite3.Conn, when string) {
	p.t.Helper()
	if err := p.holds(c); err != nil {
		p.t.Fatalf("%s: another connection: %v", when, err)
	}
	alone := p.t.TempDir()
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(p.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(alone, name), b, 0o600)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	after, err := openDB(alone, "", 32<<20, false)
	if err != nil {
		p.t.Fatalf("%s: %v", when, err)
	}
	defer after.Close()
	if err := errors.Join(p.holds(after), isWhole(after)); err != nil {
		p.t.Fatalf("%s: from the files alone: %v", when, err)
	}
}

func isWhole(c *sqlite3.Conn) error {
	s, _, err := c.Prepare(`PRAGMA integrity_check`)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Step(); s.ColumnText(0) != "ok" {
		return fmt.Errorf("%s, %w", s.ColumnText(0), s.Err())
	}
	return nil
}

func TestFramesGoToTheFileManyAtATime(t *testing.T) {
	const pages, together = 300, 16
	write := func(gather int) (calls, frames int) {
		p := newPagesOfRows(t, gather)
		c := p.connect(false)
		p.disk.watch = func(call files.Call, _ bool) {
			if call.Op == files.Write && strings.HasSuffix(call.Path, "-wal") {
				calls++
			}
		}
		err := c.Exec(`PRAGMA synchronous = FULL; PRAGMA cache_size = 100; INSERT INTO t
			WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < ` + itoa(pages) + `)
			SELECT n, zeroblob(3000) FROM r`)
		if err != nil {
			t.Fatal(err)
		}
		w, err := readWAL(filepath.Join(p.dir, databaseFile+"-wal"), 0)
		if err != nil {
			t.Fatal(err)
		}
		return calls, int(w.frames)
	}
	single, _ := write(1)
	calls, frames := write(together * walFrameBytes)
	if frames < pages || single < pages || calls > 2*frames/together+10 {
		t.Errorf("%d frames were written with %d calls, and with room for one with %d", frames, calls, single)
	}
}

// G1, and G2 for those who write.
func TestAnotherConnectionFindsEveryFrameThatItIsToldOf(t *testing.T) {
	for _, how := range []string{"FULL", "NORMAL", "OFF"} {
		for what, lacks := range map[string]vfs.DeviceCharacteristic{"": 0, ", padded": vfs.IOCAP_POWERSAFE_OVERWRITE} {
			t.Run(how+what, func(t *testing.T) {
				p := newPagesOfRows(t, 8*walFrameBytes)
				p.disk.lacks = lacks
				writers := []*sqlite3.Conn{p.connect(false), p.connect(false)}
				reader := p.connect(true)
				r := testrand.New(t, 1)
				for _, c := range writers {
					if err := c.Exec(`PRAGMA synchronous = ` + how); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 40 {
					c, when := writers[r.IntN(2)], fmt.Sprint("transaction ", i)
					must := func(sql string) {
						if err := c.Exec(sql); err != nil {
							t.Fatalf("%s: %s: %v", when, sql, err)
						}
					}
					must(`BEGIN IMMEDIATE`)
					changed, err := put(c, r, 1+r.IntN(60))
					if err != nil {
						t.Fatal(err)
					}
					if r.IntN(3) == 0 { // a part that is undone
						must(`SAVEPOINT s`)
						if _, err := put(c, r, 1+r.IntN(60)); err != nil {
							t.Fatal(err)
						}
						must(`ROLLBACK TO s; RELEASE s`)
						more, err := put(c, r, r.IntN(60))
						if err != nil {
							t.Fatal(err)
						}
						maps.Copy(changed, more)
					}
					if err := p.holds(reader); err != nil {
						t.Fatalf("before the end of %s: another connection: %v", when, err)
					}
					if r.IntN(3) == 0 {
						must(`ROLLBACK`)
						continue
					}
					must(`COMMIT`)
					maps.Copy(p.rows, changed)
					p.mustHold(reader, when)
					if r.IntN(6) == 0 {
						must(`PRAGMA wal_checkpoint(RESTART)`)
						p.mustHold(reader, "a checkpoint after "+when)
					}
				}
			})
		}
	}
}

// G3 as SQLite meets it: the transaction fails, as one on a full disk, and what follows finds all that was there.
func TestAFrameThatCouldNotBeWrittenFailsItsTransaction(t *testing.T) {
	play := func(t *testing.T, failAt int) (writes int) {
		p := newPagesOfRows(t, 4*walFrameBytes)
		c, reader := p.connect(false), p.connect(true)
		r := testrand.New(t, 1)
		p.disk.breakWith(func(_ int, kind, file string, _ int) error {
			if kind != "write" || !strings.HasSuffix(file, "-wal") {
				return nil
			}
			if writes++; writes == failAt {
				return errFull
			}
			return nil
		})
		if err := c.Exec(`PRAGMA synchronous = FULL`); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for i := range 8 {
			before := writes
			err := c.Exec(`BEGIN IMMEDIATE`)
			var changed map[int64]string
			if err == nil {
				changed, err = put(c, r, 40)
			}
			end := `COMMIT`
			if i%3 == 2 {
				end = `ROLLBACK`
			}
			if err == nil {
				err = c.Exec(end)
			}
			switch {
			case err != nil && (!noSpace(err) || failAt <= before || failAt > writes):
				t.Fatalf("transaction %d: %v", i, err)
			case err != nil:
				failed++
				if !c.GetAutocommit() {
					_ = c.Exec(`ROLLBACK`)
				}
			case end == `COMMIT`:
				if before < failAt && failAt <= writes {
					t.Fatalf("transaction %d: write %d has failed, and nobody heard of it", i, failAt)
				}
				maps.Copy(p.rows, changed)
			}
			p.mustHold(reader, fmt.Sprint("transaction ", i))
		}
		if failed > 1 {
			t.Fatalf("%d transactions failed for one write", failed)
		}
		return writes
	}
	writes := play(t, 0)
	for n := 1; n <= writes; n += 1 + writes/60 {
		t.Run(fmt.Sprint("write ", n), func(t *testing.T) { play(t, n) })
	}
}

// someWAL is a WAL's file in memory.
type someWAL struct {
	vfs.File
	bytes []byte
	err   error
}

func (f *someWAL) WriteAt(p []byte, off int64) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if grow := off + int64(len(p)) - int64(len(f.bytes)); grow > 0 {
		f.bytes = append(f.bytes, make([]byte, grow)...)
	}
	return copy(f.bytes[off:], p), nil
}

func (f *someWAL) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.bytes)) {
		return 0, io.EOF
	}
	n := copy(p, f.bytes[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *someWAL) Size() (int64, error) { return int64(len(f.bytes)), nil }

func gatheringOf(f *someWAL, frames int) *doubtFile {
	d := &doubtVFS{gather: frames * walFrameBytes}
	wal := &doubtFile{File: f, doubt: &doubt{}, serving: &d.serving}
	wal.gathering = newGathering(wal, d.gather)
	return wal
}

func frameAt(n int) int64 { return walHeaderBytes + int64(n)*walFrameBytes }

func aHeader(page int, last bool) []byte {
	h := make([]byte, frameHeaderBytes)
	binary.BigEndian.PutUint32(h, uint32(page))
	if last {
		binary.BigEndian.PutUint32(h[4:], 1)
	}
	return h
}

// Whatever is written, a read finds it, and the file has it all after the header of a transaction's last frame.
func TestWhatIsGatheredIsReadAndComesToTheFile(t *testing.T) {
	r := testrand.New(t, 2)
	file, same := &someWAL{}, &someWAL{}
	wal := gatheringOf(file, 5)
	write := func(p []byte, off int64) {
		n, err := wal.WriteAt(p, off)
		if n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		same.WriteAt(p, off)
	}
	page := func() []byte { return bytes.Repeat([]byte{byte(r.IntN(256))}, pageBytes) }
	frames := 0
	for i := range 20_000 {
		switch n := r.IntN(max(frames, 1)); r.IntN(12) {
		default:
			write(aHeader(i, false), frameAt(frames))
			write(page(), frameAt(frames)+frameHeaderBytes)
			frames++
		case 0:
			write(aHeader(i, true), frameAt(frames))
			if !bytes.Equal(file.bytes, same.bytes) {
				t.Fatalf("step %d: the file has not all that was written", i)
			}
			write(page(), frameAt(frames)+frameHeaderBytes)
			if frames++; !bytes.Equal(file.bytes, same.bytes) {
				t.Fatalf("step %d: the file has not the last page", i)
			}
		case 1:
			write(page(), frameAt(n)+frameHeaderBytes)
		case 2:
			write(aHeader(i, false), frameAt(n))
		case 3:
			if r.IntN(20) == 0 {
				frames = n // undone from there on
			}
		case 4:
			b := page()
			write(b[:r.IntN(len(b))], r.Int64N(frameAt(frames+1)))
		case 5, 6:
			a, b := make([]byte, 1+r.IntN(2*pageBytes)), []byte(nil)
			off := r.Int64N(frameAt(frames + 1))
			b = make([]byte, len(a))
			n, err := wal.ReadAt(a, off)
			m, want := same.ReadAt(b, off)
			if n != m || err != want || !bytes.Equal(a[:n], b[:n]) {
				t.Fatalf("step %d: a read at %d has %d bytes, %v; want %d, %v, or they are others", i, off, n, err, m, want)
			}
		case 7:
			size, err := wal.Size()
			if err != nil || size != int64(len(same.bytes)) {
				t.Fatalf("step %d: the size is %d, %v, want %d", i, size, err, len(same.bytes))
			}
		}
	}
}

// G3 where there is no call that could fail.
func TestWhatIsLostOutsideOfAWriteIsToldByTheNext(t *testing.T) {
	lose := func() *doubtFile {
		file := &someWAL{}
		wal := gatheringOf(file, 8)
		for n := range 4 {
			wal.WriteAt(aHeader(n+1, false), frameAt(n))
			wal.WriteAt(make([]byte, pageBytes), frameAt(n)+frameHeaderBytes)
			if n == 1 {
				wal.gathering.out()
			}
		}
		file.err = syscall.ENOSPC
		db := &doubtFile{File: nowhere{}, wal: wal.gathering}
		db.SharedMemory()
		file.err = nil
		return wal
	}
	page := make([]byte, pageBytes)
	for what, c := range map[string]struct {
		do   func(wal *doubtFile) error
		want error
	}{
		"the transaction's next frame": {func(wal *doubtFile) error {
			_, err := wal.WriteAt(aHeader(5, false), frameAt(4))
			return err
		}, syscall.ENOSPC},
		"its last frame": {func(wal *doubtFile) error {
			_, err := wal.WriteAt(aHeader(5, true), frameAt(4))
			return err
		}, syscall.ENOSPC},
		"a page that is written over": {func(wal *doubtFile) error {
			_, err := wal.WriteAt(page, frameAt(0)+frameHeaderBytes)
			return err
		}, syscall.ENOSPC},
		"a read of what was lost": {func(wal *doubtFile) error {
			_, err := wal.ReadAt(page, frameAt(3)+frameHeaderBytes)
			return err
		}, syscall.ENOSPC},
		"a read of what was not": {func(wal *doubtFile) error {
			_, err := wal.ReadAt(page, frameAt(1)+frameHeaderBytes)
			return err
		}, nil},
		"a second read of it": {func(wal *doubtFile) error {
			wal.ReadAt(page, frameAt(3)+frameHeaderBytes)
			_, err := wal.ReadAt(page, frameAt(1)+frameHeaderBytes)
			if err == nil {
				_, err = wal.ReadAt(page, frameAt(3)+frameHeaderBytes)
			}
			return err
		}, io.EOF},
		"the transaction's next frame after a read": {func(wal *doubtFile) error {
			wal.ReadAt(page, frameAt(3)+frameHeaderBytes)
			_, err := wal.WriteAt(aHeader(5, false), frameAt(4))
			return err
		}, syscall.ENOSPC},
		"the header of a WAL that begins anew": {func(wal *doubtFile) error {
			_, err := wal.WriteAt(make([]byte, walHeaderBytes), 0)
			return err
		}, nil},
		"what is written after it was undone": {func(wal *doubtFile) error {
			_, err := wal.WriteAt(aHeader(1, false), frameAt(2))
			return err
		}, nil},
		"what follows the write that was told": {func(wal *doubtFile) error {
			wal.WriteAt(aHeader(5, false), frameAt(4))
			_, err := wal.WriteAt(aHeader(1, false), frameAt(4))
			return err
		}, nil},
	} {
		if err := c.do(lose()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

// A write that fails is no fsync that failed: nothing has to be written once more.
func TestAFailureToWriteWhatIsGatheredIsNoFailedFsync(t *testing.T) {
	file := &someWAL{}
	wal := gatheringOf(file, 8)
	wal.WriteAt(aHeader(1, false), frameAt(0))
	file.err = errFull
	if err := wal.Sync(0); err != errFull || wal.doubt.failed {
		t.Errorf("the fsync says %v, and it is %v that one has failed", err, wal.doubt.failed)
	}
}

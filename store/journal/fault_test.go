package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"diskette/store/files"
)

// disk is a files.Disk.Fault that a test breaks and mends.
type disk struct {
	sync.Mutex
	room   int // bytes that can be written before ENOSPC; -1 = no bound
	broken map[files.Op]error
	asked  map[files.Op]int
}

func newDisk() *disk { return &disk{room: -1, broken: map[files.Op]error{}, asked: map[files.Op]int{}} }

func (d *disk) fault(c files.Call) (allow int, err error) {
	op, n := c.Op, len(c.Data)
	if op == files.SyncDir {
		op = files.Sync
	}
	d.Lock()
	defer d.Unlock()
	d.asked[op]++
	if err := d.broken[op]; err != nil {
		return 0, err
	}
	if op == files.Write && d.room >= 0 {
		if n > d.room {
			n, err = d.room, syscall.ENOSPC
		}
		d.room -= n
	}
	return n, err
}

func (d *disk) setRoom(n int) { d.Lock(); d.room = n; d.Unlock() }

func (d *disk) set(op files.Op, err error) { d.Lock(); d.broken[op] = err; d.Unlock() }

func wantFailed(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, ErrFailed) || !errors.Is(err, cause) {
		t.Fatalf("error %v, want one that wraps ErrFailed and %v", err, cause)
	}
}

func TestAFullDiskFailsWaitersAndHealsByItself(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		for room := range 2*frameHeaderBytes + 10 { // the short write ends at each byte of the batch
			if policy != Always && room%5 != 0 {
				continue
			}
			t.Run(fmt.Sprint(policy, " with room for ", room), func(t *testing.T) {
				t.Parallel()
				d, dir := newDisk(), t.TempDir()
				j := open(t, dir, 0, Options{Policy: policy, Disk: files.Disk{Fault: d.fault}})
				store(t, j, "before")
				d.setRoom(room)
				j.Append(Record{Head: []byte("stuck")})
				lsn := j.Append(Record{Head: []byte("next.")})
				wantFailed(t, j.Wait(lsn), syscall.ENOSPC)
				wantFailed(t, j.Err(), syscall.ENOSPC)
				if j.Committed() != 1 {
					t.Fatalf("committed %d, want 1", j.Committed())
				}
				wantRecords(t, reopened(t, killed(t, dir)), "1:before")

				d.setRoom(0)
				wantFailed(t, j.Wait(j.Append(Record{Head: []byte("DEL")})), syscall.ENOSPC)
				d.setRoom(-1)
				eventually(t, "the retry", func() bool { return j.Committed() == 4 && j.Err() == nil })
				store(t, j, "after")
				closeIt(t, j)
				wantRecords(t, reopened(t, dir), "1:before", "2:stuck", "3:next.", "4:DEL", "5:after")
			})
		}
	}
}

func TestAFullDiskOnWhichRoomIsMadeFailsNobody(t *testing.T) {
	for room := range 2*frameHeaderBytes + 10 {
		d := newDisk()
		asked := 0
		j := open(t, t.TempDir(), 0, Options{Disk: files.Disk{Fault: d.fault}, Full: func() bool {
			asked++
			d.setRoom(-1)
			return asked == 1
		}})
		store(t, j, "before")
		d.setRoom(room)
		store(t, j, "on the full disk")
		if asked > 1 {
			t.Fatalf("with room for %d: room was asked for %d times", room, asked)
		}
		if err := j.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWaitTriesAgainAtOnce, and leaves it to the background only if that comes first.
func TestWaitTriesAgainAtOnce(t *testing.T) {
	d := newDisk()
	var byWait atomic.Bool // Wait has written last
	fault := func(c files.Call) (int, error) {
		if c.Op == files.Write {
			byWait.Store(bytes.Contains(debug.Stack(), []byte("(*Journal).Wait(")))
		}
		return d.fault(c)
	}
	j := open(t, t.TempDir(), 0, Options{Policy: No, Disk: files.Disk{Fault: fault}})
	store(t, j, "before")
	for range 2000 {
		d.setRoom(0)
		wantFailed(t, j.Wait(j.Append(Record{})), syscall.ENOSPC)
		d.setRoom(-1)
		store(t, j, "after")
		if err := j.Err(); err != nil {
			t.Fatal(err)
		}
		if byWait.Load() {
			return
		}
	}
	t.Error("each time the background was first")
}

func TestAFileThatCanNotBeCutBackGetsASuccessor(t *testing.T) {
	// There is room for nothing, for part of a record, for a whole one, for more.
	for _, room := range []int{0, 5, frameHeaderBytes + 5, 2*frameHeaderBytes + 7} {
		for _, first := range []bool{true, false} { // the failing batch is the segment's first or not
			t.Run(fmt.Sprint("room ", room, " first ", first), func(t *testing.T) {
				d, dir := newDisk(), t.TempDir()
				j := open(t, dir, 0, Options{Policy: EverySec, Disk: files.Disk{Fault: d.fault}})
				want := []string{}
				if first {
					d.setRoom(segmentHeaderBytes + room)
				} else {
					store(t, j, "before")
					want = append(want, "1:before")
					d.setRoom(room)
				}
				d.set(files.Truncate, syscall.EIO)
				j.Append(Record{Head: []byte("stuck")})
				wantFailed(t, j.Wait(j.Append(Record{Head: []byte("next.")})), syscall.ENOSPC)
				crashed := reopened(t, killed(t, dir)) // what is there is a prefix
				all := append(want, fmt.Sprintf("%d:stuck", len(want)+1), fmt.Sprintf("%d:next.", len(want)+2))
				wantRecords(t, crashed, all[:len(crashed)]...)

				d.setRoom(-1)
				store(t, j, "after")
				want = append(all, fmt.Sprintf("%d:after", len(all)+1))
				wantRecords(t, reopened(t, killed(t, dir)), want...)
				closeIt(t, j)
				wantRecords(t, reopened(t, dir), want...)
				if n := j.Stats().Bytes; n <= 0 {
					t.Fatalf("%d bytes", n)
				}
			})
		}
	}
}

func TestASegmentThatCanNotBeCreatedIsTriedAgain(t *testing.T) {
	for op, name := range map[files.Op]string{files.Create: "create", files.Write: "header", files.Sync: "directory"} {
		t.Run(name, func(t *testing.T) {
			d, dir := newDisk(), t.TempDir()
			j := open(t, dir, 0, Options{Policy: No, Disk: files.Disk{Fault: d.fault}})
			d.set(op, syscall.ENOSPC)
			wantFailed(t, j.Wait(j.Append(Record{Head: []byte("one")})), syscall.ENOSPC)
			// A try that goes on behind the first one's answer has the file for a moment.
			eventually(t, "nothing left", func() bool {
				s := j.Stats()
				return len(segmentFiles(t, dir)) == 0 && s.Segments == 0 && s.Bytes == 0 && s.Failures > 0
			})
			d.set(op, nil)
			eventually(t, "the retry", func() bool { return j.Err() == nil && j.Committed() == 1 })
			closeIt(t, j)
			wantRecords(t, reopened(t, dir), "1:one")
		})
	}
}

func TestAFailedFsyncUnderAlwaysEndsWhenTheRecordsAreApplied(t *testing.T) {
	d, dir := newDisk(), t.TempDir()
	var handed []uint64
	j := open(t, dir, 0, Options{Policy: Always, Disk: files.Disk{Fault: d.fault}, Committed: func(b *Batch) {
		handed = append(handed, b.Last)
		b.Release()
	}})
	store(t, j, "one")
	d.set(files.Sync, syscall.EIO)
	wantFailed(t, j.Wait(j.Append(Record{Head: []byte("two")})), ErrSync)
	wantFailed(t, j.Err(), syscall.EIO)
	wantFailed(t, j.Wait(j.Append(Record{Head: []byte("three")})), ErrSync)
	wantFailed(t, j.Sync(3), ErrSync)
	if j.Committed() != 1 || fmt.Sprint(handed) != "[1 2 3]" {
		t.Fatalf("committed %d, handed over %d", j.Committed(), handed)
	}
	j.Drop(2)
	wantFailed(t, j.Err(), ErrSync)
	j.Drop(3)
	if err := j.Err(); err != nil || j.Committed() != 3 || len(segmentFiles(t, dir)) != 0 {
		t.Fatalf("after Drop: %v, committed %d, files %q", err, j.Committed(), segmentFiles(t, dir))
	}
	d.set(files.Sync, nil)
	store(t, j, "four")
	closeIt(t, j)
	j = open(t, dir, 3, Options{})
	wantRecords(t, replayed(t, j, 4), "4:four")
}

// rewrites counts the writes to where something stood already.
func rewrites(d *disk) (fault func(files.Call) (int, error), count func() int) {
	var mu sync.Mutex
	ends := map[string]int64{}
	n := 0
	return func(c files.Call) (int, error) {
			mu.Lock()
			if c.Op == files.Write && len(c.Data) != zeroBytes {
				if c.At < ends[c.Path] {
					n++
				}
				ends[c.Path] = max(ends[c.Path], c.At+int64(len(c.Data)))
			}
			mu.Unlock()
			return d.fault(c)
		}, func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

func TestAFailedFsyncEndsWhenTheBytesAreWrittenAgainAndFsynced(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			d, dir := newDisk(), t.TempDir()
			fault, rewritten := rewrites(d)
			j := open(t, dir, 0, Options{Policy: policy, SegmentBytes: 200, Disk: files.Disk{Fault: fault}})
			store(t, j, "one")
			if err := j.Sync(1); err != nil {
				t.Fatal(err)
			}
			d.set(files.Sync, syscall.EIO)
			err := j.Wait(j.Append(Record{Head: []byte("two")}))
			if policy == Always {
				wantFailed(t, err, ErrSync)
			} else if err != nil {
				t.Fatal(err)
			}
			wantFailed(t, j.Sync(2), ErrSync)
			_ = j.Wait(j.Append(Record{Head: bytes.Repeat([]byte("x"), 200)}))
			_ = j.Wait(j.Append(Record{Head: []byte("four")}))
			if n := len(segmentFiles(t, dir)); n != 1 || j.Synced() != 1 {
				t.Fatalf("%d segments, fsynced up to %d: what has a successor must be on disk", n, j.Synced())
			}
			before := rewritten()
			d.set(files.Sync, nil)
			eventually(t, "the end", func() bool { return j.Err() == nil && j.Sync(4) == nil && j.Committed() == 4 })
			if rewritten() == before {
				t.Fatal("an fsync was believed that may have had nothing to write")
			}
			store(t, j, "five")
			closeIt(t, j)
			wantRecords(t, reopened(t, dir), "1:one", "2:two", "3:"+strings.Repeat("x", 200), "4:four", "5:five")
		})
	}
}

func TestWhatTheKernelNoLongerHasIsNotWrittenAgain(t *testing.T) {
	d, dir := newDisk(), t.TempDir()
	// The kernel drops the bytes in the very fsync that fails: later the journal may be about to write them again.
	fault := func(c files.Call) (int, error) {
		n, err := d.fault(c)
		if c.Op == files.Sync && err != nil {
			content := readAll(t, c.Path)
			if at := bytes.LastIndex(content, []byte("two")); at >= 0 {
				if err := os.WriteFile(c.Path, append(content[:at:at], make([]byte, len(content)-at)...), 0); err != nil {
					t.Error(err)
				}
			}
		}
		return n, err
	}
	j := open(t, dir, 0, Options{Policy: Always, Disk: files.Disk{Fault: fault}})
	store(t, j, "one")
	d.set(files.Sync, syscall.EIO)
	wantFailed(t, j.Wait(j.Append(Record{Head: []byte("two")})), ErrSync)
	d.set(files.Sync, nil)
	time.Sleep(3 * retryEvery)
	wantFailed(t, j.Err(), ErrSync)
	j.Drop(2)
	if err := j.Err(); err != nil {
		t.Fatal(err)
	}
	store(t, j, "three")
}

func TestAFailedFsyncAtRotationIsAFailedFsync(t *testing.T) {
	d, dir := newDisk(), t.TempDir()
	j := open(t, dir, 0, Options{Policy: No, SegmentBytes: 100, Disk: files.Disk{Fault: d.fault}})
	store(t, j, strings.Repeat("x", 100))
	d.set(files.Sync, syscall.EIO)
	store(t, j, "next") // behind the other, for that can have no successor
	wantFailed(t, j.Err(), ErrSync)
	if n := len(segmentFiles(t, dir)); n != 1 {
		t.Fatalf("%d segments", n)
	}
	j.Drop(2) // both are in doubt as soon as the fsync was tried again
	if err := j.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestASegmentThatCanNotBeDeletedIsDeletedLater(t *testing.T) {
	d, dir := newDisk(), t.TempDir()
	j := open(t, dir, 0, Options{Policy: No, SegmentBytes: 1, Disk: files.Disk{Fault: d.fault}})
	for range 4 {
		store(t, j, "x")
	}
	d.set(files.Remove, syscall.EACCES)
	j.Drop(3)
	if n := len(segmentFiles(t, dir)); n != 4 || j.Stats().Segments != 4 {
		t.Fatalf("%d segments, stats %+v", n, j.Stats())
	}
	d.set(files.Remove, nil)
	j.Drop(3)
	if n := len(segmentFiles(t, dir)); n != 1 || j.Stats().Segments != 1 {
		t.Fatalf("%d segments, stats %+v", n, j.Stats())
	}
}

func TestCloseReportsWhatItCouldNotStore(t *testing.T) {
	d := newDisk()
	j := open(t, t.TempDir(), 0, Options{Policy: No, Disk: files.Disk{Fault: d.fault}})
	store(t, j, "one")
	d.setRoom(0)
	j.Append(Record{Head: []byte("two")})
	wantFailed(t, j.Close(), syscall.ENOSPC)
}

func TestOpenFailsWhenTheTailCanNotBeCutOff(t *testing.T) {
	for _, op := range []files.Op{files.Truncate, files.Sync} {
		dir, paths := segments(t)
		content := readAll(t, paths[2])
		if err := os.WriteFile(paths[2], content[:len(content)-1], 0o600); err != nil {
			t.Fatal(err)
		}
		d := newDisk()
		d.set(op, syscall.EIO)
		if _, err := Open(dir, 0, Options{Disk: files.Disk{Fault: d.fault}}); !errors.Is(err, syscall.EIO) {
			t.Fatalf("Open: %v", err)
		}
	}
}

// TestADiskThatComesAndGoesLosesNothing lets writers run while writes, truncates, creates and fsyncs fail at random,
// with a write-back that drops what it was handed. At the end every record is in the journal or was applied.
func TestADiskThatComesAndGoesLosesNothing(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec} {
		t.Run(policy.String(), func(t *testing.T) {
			d, dir := newDisk(), t.TempDir()
			handed := make(chan uint64, 1<<16)
			j := open(t, dir, 0, Options{Policy: policy, SegmentBytes: 2 << 10, Disk: files.Disk{Fault: d.fault}, Committed: func(b *Batch) {
				handed <- b.Last
				b.Release()
			}})
			var keyspace sync.Mutex
			var writers sync.WaitGroup
			stop := make(chan struct{})
			for range 4 {
				writers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						keyspace.Lock()
						lsn := j.Append(Record{Head: fmt.Append(nil, j.Last()+1)})
						keyspace.Unlock()
						if err := j.Wait(lsn); err != nil {
							if !errors.Is(err, ErrFailed) {
								t.Error(err)
							}
							time.Sleep(time.Millisecond)
						} else if j.Committed() < lsn {
							t.Errorf("Wait(%d) let through at %d", lsn, j.Committed())
						}
					}
				})
			}
			var applied uint64
			for i := range 60 {
				d.setRoom([]int{-1, 3, 100, 0}[i%4])
				d.set([]files.Op{files.Truncate, files.Sync, files.Create}[i%3], []error{nil, syscall.EIO}[i/3%2])
				time.Sleep(2 * time.Millisecond)
				acked, size := j.Committed(), len(handed)
				if i%2 == 0 {
					for range size / 2 {
						applied = <-handed
					}
					j.Drop(applied)
				}
				if i%6 == 5 {
					k := open(t, killed(t, dir), applied, Options{Policy: No})
					if k.Last() < acked {
						t.Fatalf("%d was acknowledged, the journal ends with %d", acked, k.Last())
					}
					closeIt(t, k)
				}
			}
			close(stop)
			writers.Wait()
			d.setRoom(-1)
			for _, op := range []files.Op{files.Truncate, files.Sync, files.Create} {
				d.set(op, nil)
			}
			for len(handed) > 0 {
				applied = <-handed
			}
			j.Drop(applied)
			eventually(t, "recovery", func() bool {
				for len(handed) > 0 {
					applied = <-handed
					j.Drop(applied)
				}
				return j.Err() == nil && j.Committed() == j.Last()
			})
			store(t, j, fmt.Sprint(j.Last()+1))
			last := j.Last()
			closeIt(t, j)
			j = open(t, dir, applied, Options{})
			next := applied + 1
			err := j.Replay(next, func(lsn uint64, rec Record) error {
				if lsn != next || string(rec.Head) != fmt.Sprint(lsn) {
					return fmt.Errorf("LSN %d is %s, want %d", lsn, rec.Head, next)
				}
				next++
				return nil
			})
			if err != nil || j.Last() != last {
				t.Fatalf("Replay: %v; last %d, want %d", err, j.Last(), last)
			}
		})
	}
}

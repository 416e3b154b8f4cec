package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// open opens a journal that the test's end closes.
func open(t testing.TB, dir string, applied uint64, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, applied, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// store appends records and waits for the last.
func store(t testing.TB, j *Journal, records ...string) {
	t.Helper()
	var lsn uint64
	for _, r := range records {
		lsn = j.Append(Record{Head: []byte(r)})
	}
	if err := j.Wait(lsn); err != nil {
		t.Fatal(err)
	}
}

func closeIt(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// replayed returns "lsn:record" for the records with LSN >= from.
func replayed(t testing.TB, j *Journal, from uint64) (all []string) {
	t.Helper()
	err := j.Replay(from, func(lsn uint64, rec Record) error {
		if rec.Ext != nil {
			t.Error("Replay gave an Ext")
		}
		all = append(all, fmt.Sprintf("%d:%s", lsn, rec.Head))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// reopened returns what a journal opened on dir replays.
func reopened(t testing.TB, dir string) []string {
	t.Helper()
	j := open(t, dir, 0, Options{Policy: No})
	defer closeIt(t, j)
	return replayed(t, j, 1)
}

func wantRecords(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("records %.300q, want %.300q", got, want)
	}
}

func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// eventually fails the test when ok stays false for five minutes.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in five minutes: ", what)
		}
	}
}

func TestRecordsComeBackInOrderAfterReopening(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			j := open(t, dir, 0, Options{Policy: policy})
			store(t, j, "one", "", "three")
			closeIt(t, j)

			j = open(t, dir, 0, Options{Policy: policy})
			wantRecords(t, replayed(t, j, 1), "1:one", "2:", "3:three")
			wantRecords(t, replayed(t, j, 3), "3:three")
			wantRecords(t, replayed(t, j, 4))
			store(t, j, "four")
			closeIt(t, j)
			wantRecords(t, reopened(t, dir), "1:one", "2:", "3:three", "4:four")
		})
	}
}

func TestNewRecordsNeverGoToAnOldSegment(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{})
	store(t, j, "one")
	closeIt(t, j)
	before, _ := os.ReadFile(segmentFiles(t, dir)[0])
	j = open(t, dir, 0, Options{})
	store(t, j, "two")
	closeIt(t, j)
	after, _ := os.ReadFile(segmentFiles(t, dir)[0])
	if !bytes.Equal(before, after) || len(segmentFiles(t, dir)) != 2 {
		t.Fatalf("segments: %q", segmentFiles(t, dir))
	}
}

func TestAJournalThatIsOnlyOpenedLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	closeIt(t, open(t, dir, 7, Options{}))
	if files := segmentFiles(t, dir); len(files) != 0 {
		t.Fatalf("files: %q", files)
	}
}

func TestLSNsGoOnAfterTheAppliedOne(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{})
	store(t, j, "one", "two")
	closeIt(t, j)

	j = open(t, dir, 9, Options{}) // SQLite is ahead: the journal's tail was lost in a power cut
	wantRecords(t, replayed(t, j, 10))
	if j.Last() != 9 || j.Committed() != 9 {
		t.Fatalf("last %d, committed %d, want 9", j.Last(), j.Committed())
	}
	if lsn := j.Append(Record{Head: []byte("ten")}); lsn != 10 {
		t.Fatalf("next LSN %d, want 10", lsn)
	}
	closeIt(t, j)
	j = open(t, dir, 9, Options{})
	wantRecords(t, replayed(t, j, 10), "10:ten")
}

func TestExtDataStandsWhereItBelongs(t *testing.T) {
	var batch *Batch
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Committed: func(b *Batch) { batch = b }})
	big := strings.Repeat("x", 1<<20)
	j.Append(Record{Head: []byte("plain")})
	j.Append(Record{Head: []byte("abcd"), Ext: []Ext{{0, []byte("<0>")}, {2, []byte(big)}, {2, []byte("<2>")}, {4, []byte("<4>")}}})
	j.Append(Record{Ext: []Ext{{0, []byte("alone")}}})
	lsn := j.Append(Record{Head: []byte("last")})
	if err := j.Wait(lsn); err != nil {
		t.Fatal(err)
	}

	var lens []string
	err := batch.Each(func(lsn uint64, rec Record) error {
		lens = append(lens, fmt.Sprintf("%d:%s+%d", lsn, rec.Head, len(rec.Ext)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, lens, "1:plain+0", "2:abcd+4", "3:+1", "4:last+0")
	if want := int64(4*frameHeaderBytes + 5 + 4 + 9 + 1<<20 + 5 + 4); batch.Bytes() != want || j.Stats().BytesWritten != want+segmentHeaderBytes {
		t.Fatalf("batch of %d bytes, %d written, want %d", batch.Bytes(), j.Stats().BytesWritten, want)
	}
	stop := errors.New("stop")
	if err := batch.Each(func(uint64, Record) error { return stop }); err != stop {
		t.Fatalf("Each returned %v", err)
	}
	batch.Release()
	closeIt(t, j)
	wantRecords(t, reopened(t, dir), "1:plain", "2:<0>ab"+big+"<2>cd<4>", "3:alone", "4:last")
}

func TestExtDataIsNotCopied(t *testing.T) {
	j := open(t, t.TempDir(), 0, Options{Policy: No})
	data := make([]byte, 32<<20)
	var before, after = memory(), uint64(0)
	lsn := j.Append(Record{Head: []byte("h"), Ext: []Ext{{1, data}}})
	if err := j.Wait(lsn); err != nil {
		t.Fatal(err)
	}
	if after = memory(); after-before > 1<<20 {
		t.Fatalf("storing 32 MiB allocated %d bytes", after-before)
	}
}

func TestBatchesAreHandedOverInOrderAndBeforeWaitReturns(t *testing.T) {
	var handed atomic.Uint64
	j := open(t, t.TempDir(), 0, Options{Policy: No, Committed: func(b *Batch) {
		if b.First != handed.Load()+1 || b.Last < b.First {
			t.Errorf("batch %d-%d after %d", b.First, b.Last, handed.Load())
		}
		handed.Store(b.Last)
		b.Release()
	}})
	write(t, j, 20, 300, func(lsn uint64) {
		if handed.Load() < lsn {
			t.Errorf("Wait(%d) returned before its batch was handed over", lsn)
		}
	})
	if handed.Load() != 6000 || j.Stats().Records != 6000 {
		t.Fatalf("%d handed over, stats %+v", handed.Load(), j.Stats())
	}
}

// write runs writers that store `each` records apiece, and calls acked after every Wait.
func write(t testing.TB, j *Journal, writers, each int, acked func(lsn uint64)) {
	t.Helper()
	var keyspace sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				keyspace.Lock()
				lsn := j.Append(Record{Head: fmt.Appendf(nil, "%d/%d", w, i)})
				keyspace.Unlock()
				if err := j.Wait(lsn); err != nil {
					t.Error(err)
					return
				}
				acked(lsn)
			}
		})
	}
	wg.Wait()
}

func TestManyWritersShareACommit(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		t.Run(policy.String(), func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, 0, Options{Policy: policy})
			write(t, j, 50, 20, func(lsn uint64) {
				if j.Committed() < lsn {
					t.Errorf("Wait(%d) returned with %d committed", lsn, j.Committed())
				}
			})
			if s := j.Stats(); s.Batches*2 > s.Records {
				t.Errorf("%d records took %d batches", s.Records, s.Batches)
			}
			closeIt(t, j)
			if got := len(reopened(t, dir)); got != 1000 {
				t.Fatalf("%d records, want 1000", got)
			}
		})
	}
}

func TestPoliciesFsyncAsOftenAsTheySay(t *testing.T) {
	syncs := func(j *Journal) int64 { return j.Stats().Fsyncs }
	t.Run("always: before Wait returns", func(t *testing.T) {
		j := open(t, t.TempDir(), 0, Options{Policy: Always})
		for range 5 {
			before := syncs(j)
			store(t, j, "x")
			if syncs(j) == before {
				t.Fatal("no fsync")
			}
		}
	})
	t.Run("everysec: in the background, and only when there is something", func(t *testing.T) {
		var j *Journal
		for again := true; again; {
			began := time.Now() // no later than the background's first second
			j = open(t, t.TempDir(), 0, Options{Policy: EverySec})
			store(t, j, "x")
			created := syncs(j) // the segment's header
			store(t, j, "x")
			did := syncs(j) > created
			if again = time.Since(began) >= syncEvery; did && !again { // else it may have been the background
				t.Fatal("Wait did an fsync")
			}
		}
		eventually(t, "an fsync", func() bool { return j.synced.Load() == 2 })
		after := syncs(j)
		time.Sleep(1200 * time.Millisecond)
		if syncs(j) != after || j.Stats().LastFsyncUnixMs == 0 {
			t.Fatal("an fsync without a write")
		}
	})
	t.Run("no: not until Sync asks", func(t *testing.T) {
		j := open(t, t.TempDir(), 0, Options{Policy: No})
		store(t, j, "x")
		created := syncs(j)
		time.Sleep(1200 * time.Millisecond)
		if syncs(j) != created {
			t.Fatal("an fsync")
		}
		if err := j.Sync(1); err != nil || syncs(j) != created+1 {
			t.Fatalf("Sync: %v, %d fsyncs", err, syncs(j)-created)
		}
		if err := j.Sync(1); err != nil || syncs(j) != created+1 {
			t.Fatalf("a second Sync: %v, %d fsyncs", err, syncs(j)-created)
		}
	})
	t.Run("a change takes effect at once", func(t *testing.T) {
		j := open(t, t.TempDir(), 0, Options{Policy: No})
		store(t, j, "x")
		j.SetPolicy(Always)
		eventually(t, "an fsync of what No left", func() bool { return j.synced.Load() == 1 })
		before := syncs(j)
		store(t, j, "x")
		if syncs(j) != before+1 {
			t.Fatal("no fsync")
		}
	})
}

func TestPolicyWordsAreThoseOfRedisConf(t *testing.T) {
	for _, p := range []Policy{Always, EverySec, No} {
		if got, err := ParsePolicy(strings.ToUpper(p.String())); got != p || err != nil {
			t.Errorf("ParsePolicy(%q) = %v, %v", p, got, err)
		}
	}
	if _, err := ParsePolicy("sometimes"); err == nil {
		t.Error("ParsePolicy took a wrong word")
	}
}

func TestASegmentThatHasItsSizeGetsASuccessor(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: EverySec, SegmentBytes: 200})
	var want []string
	for i := range 40 {
		store(t, j, strings.Repeat("r", i))
		want = append(want, fmt.Sprintf("%d:%s", i+1, strings.Repeat("r", i)))
	}
	files := segmentFiles(t, dir)
	if n := len(files); n < 5 || int64(n) != j.Stats().Segments {
		t.Fatalf("%d files, stats %+v", n, j.Stats())
	}
	var bytes int64
	for _, f := range files {
		info, _ := os.Stat(f)
		bytes += info.Size()
	}
	if bytes != j.Stats().Bytes {
		t.Fatalf("%d bytes on disk, stats say %d", bytes, j.Stats().Bytes)
	}
	closeIt(t, j)
	wantRecords(t, reopened(t, dir), want...)
}

func TestDropDeletesWhatIsApplied(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No, SegmentBytes: 200})
	for range 40 {
		store(t, j, "0123456789")
	}
	before := j.Stats()
	j.Drop(20)
	if s := j.Stats(); s.Segments >= before.Segments || s.Bytes >= before.Bytes || s.Segments != int64(len(segmentFiles(t, dir))) {
		t.Fatalf("before %+v, after %+v", before, s)
	}
	closeIt(t, j)

	j = open(t, dir, 20, Options{})
	got := replayed(t, j, 21)
	if len(got) != 20 || got[0] != "21:0123456789" {
		t.Fatalf("records from 21 on: %q", got)
	}
}

func TestOpenDropsWhatIsApplied(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No, SegmentBytes: 200})
	for range 40 {
		store(t, j, "0123456789")
	}
	closeIt(t, j)
	all := len(segmentFiles(t, dir))
	closeIt(t, open(t, dir, 20, Options{}))
	if left := len(segmentFiles(t, dir)); left == 0 || left >= all {
		t.Fatalf("%d of %d segments left", left, all)
	}
	closeIt(t, open(t, dir, 40, Options{}))
	if left := segmentFiles(t, dir); len(left) != 0 {
		t.Fatalf("left: %q", left)
	}
}

func TestAnIdleServersJournalIsNearlyEmpty(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No})
	store(t, j, strings.Repeat("x", dropAllBytes))
	j.Drop(1)
	if s := j.Stats(); s.Bytes != 0 || s.Segments != 0 || len(segmentFiles(t, dir)) != 0 {
		t.Fatalf("stats %+v", s)
	}
	store(t, j, "small")
	j.Drop(2)
	if s := j.Stats(); s.Segments != 1 {
		t.Fatalf("a young small segment was not kept: %+v", s)
	}
	j.committing.active.created = time.Now().Add(-dropAllAge)
	j.Drop(2)
	if s := j.Stats(); s.Bytes != 0 {
		t.Fatalf("stats %+v", s)
	}
	store(t, j, "next")
	closeIt(t, j)
	j = open(t, dir, 2, Options{})
	wantRecords(t, replayed(t, j, 1), "3:next")
}

func TestDropEndsALongSegmentThatIsPartlyApplied(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No})
	store(t, j, strings.Repeat("x", dropPartBytes), "y")
	j.Drop(1)
	store(t, j, "z")
	j.Drop(2)
	if s := j.Stats(); s.Segments != 1 || s.Bytes > 100 {
		t.Fatalf("stats %+v", s)
	}
	closeIt(t, j)
	j = open(t, dir, 2, Options{})
	wantRecords(t, replayed(t, j, 1), "3:z")
}

func TestReplayStopsAtTheCallbacksError(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{})
	store(t, j, "one", "two")
	closeIt(t, j)
	j = open(t, dir, 0, Options{})
	stop, calls := errors.New("stop"), 0
	if err := j.Replay(1, func(uint64, Record) error { calls++; return stop }); err != stop || calls != 1 {
		t.Fatalf("Replay: %v after %d calls", err, calls)
	}
}

func TestReplayMayRunBesideDrop(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Policy: No, SegmentBytes: 100})
	for range 30 {
		store(t, j, "0123456789")
	}
	closeIt(t, j)
	j = open(t, dir, 0, Options{})
	var seen uint64
	err := j.Replay(1, func(lsn uint64, _ Record) error { seen = lsn; j.Drop(lsn); return nil })
	if err != nil || seen != 30 {
		t.Fatalf("Replay: %v at %d", err, seen)
	}
}

func TestAfterCloseNothingIsStored(t *testing.T) {
	j := open(t, t.TempDir(), 0, Options{})
	store(t, j, "one")
	closeIt(t, j)
	closeIt(t, j)
	if err := j.Wait(1); err != nil {
		t.Fatal(err)
	}
	if err := j.Wait(j.Append(Record{})); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrFailed) {
		t.Fatalf("Wait after Close: %v", err)
	}
}

func TestWaitForAnLSNThatIsNotThereIsAnError(t *testing.T) {
	j := open(t, t.TempDir(), 0, Options{})
	if err := j.Wait(1); !errors.Is(err, ErrFailed) {
		t.Fatalf("Wait: %v", err)
	}
}

func TestBatchesAreRecycledAndStayIntactUntilReleased(t *testing.T) {
	batches := make(chan *Batch, 64)
	j := open(t, t.TempDir(), 0, Options{Policy: No, Committed: func(b *Batch) { batches <- b }})
	done := make(chan int)
	go func() { // a write-back that is a few batches behind
		records := 0
		for b := range batches {
			err := b.Each(func(lsn uint64, rec Record) error {
				records++
				if want := fmt.Sprint("record ", lsn); string(rec.Head) != want {
					return fmt.Errorf("%q, want %q", rec.Head, want)
				}
				for _, x := range rec.Ext {
					if want := fmt.Sprint("ext ", lsn); string(x.Data) != want || x.At != 6 {
						return fmt.Errorf("%q at %d, want %q", x.Data, x.At, want)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			b.Release()
		}
		done <- records
	}()
	var keyspace sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		r := testrand.New(t, uint64(i))
		wg.Go(func() {
			for range 500 {
				keyspace.Lock()
				next := j.Last() + 1
				rec := Record{Head: fmt.Append(nil, "record ", next)}
				if r.IntN(4) == 0 {
					rec.Ext = []Ext{{6, fmt.Append(nil, "ext ", next)}}
				}
				lsn := j.Append(rec)
				keyspace.Unlock()
				if err := j.Wait(lsn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	closeIt(t, j)
	close(batches)
	if records := <-done; records != 4000 {
		t.Fatalf("%d records, want 4000", records)
	}
}

func TestAHugeArenaIsNotKept(t *testing.T) {
	j := open(t, t.TempDir(), 0, Options{Policy: No})
	store(t, j, strings.Repeat("x", maxFreeArenaBytes+1))
	if j.pending.freeBytes != 0 {
		t.Fatalf("%d bytes kept", j.pending.freeBytes)
	}
	store(t, j, "small")
	if j.pending.freeBytes == 0 || len(j.pending.free) != 1 {
		t.Fatal("a small arena was not kept")
	}
}

func TestASteadyStreamOfRecordsAllocatesNothing(t *testing.T) {
	j := open(t, t.TempDir(), 0, Options{Policy: No})
	head := bytes.Repeat([]byte("x"), 100)
	ext := []Ext{{10, head}}
	if n := testing.AllocsPerRun(1000, func() {
		j.Append(Record{Head: head})
		if err := j.Wait(j.Append(Record{Head: head, Ext: ext})); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations a commit", n)
	}
}

package journal

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"diskette/store/files"
)

// BenchmarkCommit is one SET of 100 bytes a turn from clients that each wait for their own commit, as without
// pipelining. cpu-ns is the process's processor time a record.
func BenchmarkCommit(b *testing.B) {
	for _, policy := range []Policy{No, Always} {
		for _, clients := range []int{1, 50} {
			b.Run(fmt.Sprintf("%v/clients=%d", policy, clients), func(b *testing.B) {
				j := open(b, b.TempDir(), 0, Options{Policy: policy})
				head := make([]byte, 120)
				var keyspace sync.Mutex
				var wg sync.WaitGroup
				var turns atomic.Int64
				cpu := processorNanos(b)
				b.ReportAllocs()
				b.ResetTimer()
				for range clients {
					wg.Go(func() {
						for turns.Add(1) <= int64(b.N) {
							keyspace.Lock()
							lsn := j.Append(Record{Head: head})
							keyspace.Unlock()
							if err := j.Wait(lsn); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64(processorNanos(b)-cpu)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(j.Stats().Records)/float64(j.Stats().Batches), "records/batch")
			})
		}
	}
}

func processorNanos(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkSegment is a segment's life: created for a record, sealed, dropped. With a state
// file two fsyncs of that come on top.
func BenchmarkSegment(b *testing.B) {
	for _, withState := range []bool{false, true} {
		b.Run(fmt.Sprint("state file ", withState), func(b *testing.B) {
			dir := b.TempDir()
			var sf *StateFile
			if withState {
				path := filepath.Join(dir, "state")
				err := CreateState(files.Disk{}, path, State{Identity: 1})
				if err == nil {
					sf, err = OpenState(files.Disk{}, path)
				}
				if err != nil {
					b.Fatal(err)
				}
				defer sf.Close() //nolint:errcheck // a temporary one
			}
			f, err := Look(filepath.Join(dir, "journal"), 0, State{}, false)
			if err != nil {
				b.Fatal(err)
			}
			j, err := Start(f, sf, Options{Policy: No, SegmentBytes: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close() //nolint:errcheck // a temporary one
			for b.Loop() {
				lsn := j.Append(Record{Head: []byte("record")})
				if err := j.Wait(lsn); err != nil {
					b.Fatal(err)
				}
				j.Drop(lsn - 1)
			}
		})
	}
}

package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
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

package compat_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestAConsumerGroupLosesNothingWhenWorkersAndTheServerCrash is a queue of jobs as applications build it. The
// first worker dies in the middle of a batch, the server is killed before the second one takes over what was
// left, and once more while it works.
func TestAConsumerGroupLosesNothingWhenWorkersAndTheServerCrash(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-debug-command", "local")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	q := &jobQueue{t: t, ctx: ctx, c: goRedis(t, s, redis.Options{MaxRetries: -1}), done: map[string]int{}}
	if err := q.c.XGroupCreateMkStream(ctx, "jobs", "workers", "0").Err(); err != nil {
		t.Fatal(err)
	}
	const jobs = 500
	for i := range jobs / 2 {
		q.add(i)
	}
	q.workHalf("first", 20)
	left := q.c.XPending(ctx, "jobs", "workers").Val()
	s.Kill9()
	s.start(nil)
	if found := q.c.XPending(ctx, "jobs", "workers").Val(); left.Count == 0 || found.Count != left.Count || found.Lower != left.Lower || found.Higher != left.Higher || found.Consumers["first"] != left.Count {
		t.Errorf("%+v is pending after the crash, %+v was before", found, left)
	}
	for i := jobs / 2; i < jobs; i++ {
		q.add(i)
	}
	var killed chan struct{} // closed when the server is gone once more
	for q.taken("second") || len(q.done) < jobs {
		if killed == nil && len(q.done) > jobs/2 {
			killed = make(chan struct{})
			time.AfterFunc(5*time.Millisecond, func() { s.Kill9(); close(killed) })
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d jobs were done in time", len(q.done), jobs)
		}
		if killed != nil && s.died() {
			<-killed
			s.start(nil)
		}
	}
	<-killed
	if s.died() {
		s.start(nil)
	}
	q.settled(jobs, left.Count)
	if v := dial(t, s.Addr).Do("DEBUG", "CHECK"); v.text != "OK" {
		t.Errorf("DEBUG CHECK: %s", v)
	}
}

// jobQueue is a stream of jobs, each of which is added once.
type jobQueue struct {
	t    *testing.T
	ctx  context.Context
	c    *redis.Client
	done map[string]int // how often each job was done
}

func (q *jobQueue) add(job int) {
	q.t.Helper()
	if err := q.c.XAdd(q.ctx, &redis.XAddArgs{Stream: "jobs", Values: []any{"job", job}}).Err(); err != nil {
		q.t.Fatal(err)
	}
}

func (q *jobQueue) read(worker string, count int64) ([]redis.XMessage, error) {
	streams, err := q.c.XReadGroup(q.ctx, &redis.XReadGroupArgs{Group: "workers", Consumer: worker, Streams: []string{"jobs", ">"}, Count: count, Block: 20 * time.Millisecond}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}

// workHalf does and acknowledges half of each batch, as a worker does that fails at the other half.
func (q *jobQueue) workHalf(worker string, batches int) {
	q.t.Helper()
	for range batches {
		batch, err := q.read(worker, 8)
		if err != nil {
			q.t.Fatal(err)
		}
		if err := q.do(batch[:len(batch)/2]); err != nil {
			q.t.Fatal(err)
		}
	}
}

// taken does what any worker has left, and then a batch of new jobs. It reports whether there
// was something; an error is no reason to stop: what was not acknowledged comes back.
func (q *jobQueue) taken(worker string) bool {
	batch, _, err := q.c.XAutoClaim(q.ctx, &redis.XAutoClaimArgs{Stream: "jobs", Group: "workers", Consumer: worker, Start: "0-0", Count: 10}).Result()
	if err == nil && len(batch) == 0 {
		batch, err = q.read(worker, 10)
	}
	return q.do(batch) != nil || err != nil || len(batch) > 0
}

func (q *jobQueue) do(batch []redis.XMessage) error {
	for _, m := range batch {
		q.done[m.Values["job"].(string)]++
		if err := q.c.XAck(q.ctx, "jobs", "workers", m.ID).Err(); err != nil {
			return err
		}
	}
	return nil
}

// settled checks that all jobs were done, those twice at most whose acknowledgement a crash may
// have swallowed, and that the server knows of nothing that is left.
func (q *jobQueue) settled(jobs int, claimed int64) {
	q.t.Helper()
	twice := 0
	for i := range jobs {
		switch n := q.done[strconv.Itoa(i)]; {
		case n == 0:
			q.t.Errorf("job %d was lost", i)
		case n > 1:
			twice++
		}
	}
	if twice > 1 {
		q.t.Errorf("%d jobs were done more than once, after one lost connection", twice)
	}
	if p, err := q.c.XPending(q.ctx, "jobs", "workers").Result(); err != nil || p.Count != 0 {
		q.t.Errorf("%+v is still pending, %v", p, err)
	}
	groups := q.c.XInfoGroups(q.ctx, "jobs").Val()
	if len(groups) != 1 || groups[0].Lag != 0 || groups[0].EntriesRead != int64(jobs) || groups[0].Consumers != 2 {
		q.t.Errorf("the group is %+v", groups)
	}
	if n := q.c.XLen(q.ctx, "jobs").Val(); n != int64(jobs) || claimed == 0 {
		q.t.Errorf("%d jobs in the stream, %d were claimed", n, claimed)
	}
}

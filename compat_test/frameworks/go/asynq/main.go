// Asynq: tasks done, delayed, retried, unique, grouped, scheduled and cancelled, and a worker killed half-way.
//
// Started with "worker" it is the worker that is killed; with "before" and "after" the two halves between which the server is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	. "diskette/frameworks/transcript"
)

var (
	opt     = asynq.RedisClientOpt{Addr: Addr()}
	client  = asynq.NewClient(opt)
	look    = asynq.NewInspector(opt)
	rdb     = redis.NewClient(&redis.Options{Addr: Addr()})
	ctx     = context.Background()
	noLater = asynq.MaxRetry(0)
)

func main() {
	switch strings.Join(os.Args[1:], " ") {
	case "worker":
		hang := func(context.Context, *asynq.Task) error {
			rdb.Incr(ctx, "begun")
			select {}
		}
		Must(server(nil).Run(asynq.HandlerFunc(hang)))
	case "before":
		before()
	case "after":
		after()
	default:
		for _, part := range []struct {
			name string
			do   func()
		}{{"tasks", tasks}, {"retries", retries}, {"groups", groups}, {"scheduler", scheduler}, {"killed half-way", killedHalfWay}} {
			Part(part.name)
			rdb.FlushDB(ctx)
			client = asynq.NewClient(opt) // a client announces its queues once
			part.do()
		}
	}
}

func server(change func(*asynq.Config)) *asynq.Server {
	config := asynq.Config{
		Concurrency:              4,
		LogLevel:                 asynq.FatalLevel,
		TaskCheckInterval:        50 * time.Millisecond,
		DelayedTaskCheckInterval: 100 * time.Millisecond,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 100 * time.Millisecond },
		Queues:                   map[string]int{"urgent": 3, "default": 2, "low": 1},
	}
	if change != nil {
		change(&config)
	}
	return asynq.NewServer(opt, config)
}

// enqueue adds a task and gives its id.
func enqueue(kind, payload string, opts ...asynq.Option) string {
	return Got(client.Enqueue(asynq.NewTask(kind, []byte(payload)), opts...)).ID
}

func state(id string) string {
	info, err := look.GetTaskInfo("default", id)
	if err != nil {
		return err.Error()
	}
	return info.State.String()
}

func size(queue string) string {
	q := Got(look.GetQueueInfo(queue))
	return fmt.Sprint("pending ", q.Pending, ", active ", q.Active, ", scheduled ", q.Scheduled, ", retry ", q.Retry, ", archived ", q.Archived, ", completed ", q.Completed)
}

func tasks() {
	keep := asynq.Retention(time.Minute)
	echo := enqueue("echo", "hello", keep)
	low := enqueue("echo", "low", asynq.Queue("low"))
	enqueue("echo", "urgent", asynq.Queue("urgent"))
	_, err := client.Enqueue(asynq.NewTask("echo", nil), asynq.TaskID(echo))
	Say("same id", errors.Is(err, asynq.ErrTaskIDConflict))
	unique := asynq.NewTask("unique", []byte("once"))
	_, err = client.Enqueue(unique, asynq.Unique(time.Minute))
	Must(err)
	_, err = client.Enqueue(unique, asynq.Unique(time.Minute))
	Say("unique", errors.Is(err, asynq.ErrDuplicateTask))
	delayed := enqueue("echo", "later", asynq.ProcessIn(700*time.Millisecond), keep)
	far := enqueue("echo", "far", asynq.ProcessIn(time.Hour), keep)
	deleted := enqueue("echo", "deleted", asynq.ProcessIn(time.Hour))
	Say("deleted", look.DeleteTask("default", deleted), state(deleted))
	Say("queues", slices.Sorted(slices.Values(Got(look.Queues()))), size("default"))
	Must(look.PauseQueue("low"))

	var late, cancelled atomic.Bool
	mux := asynq.NewServeMux()
	mux.HandleFunc("echo", func(_ context.Context, t *asynq.Task) error {
		if string(t.Payload()) == "low" && Got(look.GetQueueInfo("low")).Paused {
			late.Store(true)
		}
		_, err := fmt.Fprintf(t.ResultWriter(), "%s back", t.Payload())
		return err
	})
	mux.HandleFunc("unique", func(context.Context, *asynq.Task) error { return nil })
	mux.HandleFunc("hang", func(ctx context.Context, t *asynq.Task) error {
		rdb.Incr(ctx, "hangs")
		<-ctx.Done()
		cancelled.Store(true)
		return ctx.Err()
	})
	s := server(nil)
	Must(s.Start(mux))
	Until("the task is done", func() bool { return state(echo) == "completed" })
	Say("result", string(Got(look.GetTaskInfo("default", echo)).Result))
	Until("the later task is done", func() bool { return state(delayed) == "completed" })
	Say("the far task", state(far))
	Say("run now", look.RunTask("default", far))
	Until("the far task is done", func() bool { return state(far) == "completed" })
	Say("paused", Got(look.GetTaskInfo("low", low)).State)
	Must(look.UnpauseQueue("low"))
	Until("the low task is done", func() bool { return Got(look.GetQueueInfo("low")).Processed == 1 })
	Say("not done while paused", !late.Load())
	Until("the unique task is done", func() bool { return Got(look.GetQueueInfo("default")).Processed == 4 })
	_, err = client.Enqueue(unique, asynq.Unique(time.Minute))
	Say("unique again when done", err)

	hung := enqueue("hang", "", noLater)
	Until("it runs", func() bool { return rdb.Get(ctx, "hangs").Val() == "1" })
	Until("it hears", func() bool { Must(look.CancelProcessing(hung)); return cancelled.Load() })
	Until("it is archived", func() bool { return state(hung) == "archived" })
	Say("cancelled", Got(look.GetTaskInfo("default", hung)).LastErr)
	timed := enqueue("hang", "", noLater, asynq.Timeout(time.Second))
	Until("it is archived", func() bool { return state(timed) == "archived" })
	Say("timed out", Got(look.GetTaskInfo("default", timed)).LastErr)
	for i := range 200 {
		enqueue("echo", fmt.Sprint(i))
	}
	Until("all are done", func() bool { return Got(look.GetQueueInfo("default")).Processed == 207 })
	servers := Got(look.Servers())
	Say("servers", len(servers), servers[0].Concurrency, servers[0].Status)
	s.Shutdown()
	Say("servers", len(Got(look.Servers())), size("default"))
	h := Got(look.History("default", 1))[0]
	Say("history", h.Processed, h.Failed)
}

func retries() {
	var mu sync.Mutex
	tries := map[string]int{}
	s := server(nil)
	Must(s.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		mu.Lock()
		defer mu.Unlock()
		tries[t.Type()]++
		switch {
		case t.Type() == "hopeless":
			return fmt.Errorf("no use: %w", asynq.SkipRetry)
		case t.Type() == "exhausted", tries[t.Type()] < 3:
			return fmt.Errorf("try %d failed", tries[t.Type()])
		}
		n, _ := asynq.GetRetryCount(ctx)
		_, err := fmt.Fprint(t.ResultWriter(), "retried ", n)
		return err
	})))
	defer s.Shutdown()
	retried := enqueue("retried", "", asynq.MaxRetry(5), asynq.Retention(time.Minute))
	exhausted := enqueue("exhausted", "", asynq.MaxRetry(2))
	hopeless := enqueue("hopeless", "", asynq.MaxRetry(5))
	Until("it is done", func() bool { return state(retried) == "completed" })
	Until("it is archived", func() bool { return state(exhausted) == "archived" && state(hopeless) == "archived" })
	info := Got(look.GetTaskInfo("default", exhausted))
	mu.Lock()
	defer mu.Unlock()
	Say("retried", string(Got(look.GetTaskInfo("default", retried)).Result), tries["retried"])
	Say("exhausted", info.Retried, info.LastErr, tries["exhausted"])
	Say("hopeless", Got(look.GetTaskInfo("default", hopeless)).LastErr, tries["hopeless"])
	Say("archived", Got(look.DeleteAllArchivedTasks("default")), size("default"))
}

func groups() {
	for i := range 7 {
		enqueue("part", fmt.Sprint(i), asynq.Group("g"))
	}
	Say("aggregating", len(Got(look.ListAggregatingTasks("default", "g"))), Got(look.Groups("default"))[0].Size)
	whole := make(chan string, 9)
	s := server(func(c *asynq.Config) {
		c.GroupGracePeriod, c.GroupMaxSize = time.Second, 5
		c.GroupAggregator = asynq.GroupAggregatorFunc(func(group string, tasks []*asynq.Task) *asynq.Task {
			var all []string
			for _, t := range tasks {
				all = append(all, string(t.Payload()))
			}
			return asynq.NewTask("whole", []byte(strings.Join(all, "+")))
		})
	})
	Must(s.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		whole <- string(t.Payload())
		return nil
	})))
	defer s.Shutdown()
	var sizes []int
	var all []string
	for range 2 {
		parts := strings.Split(<-whole, "+")
		sizes, all = append(sizes, len(parts)), append(all, parts...)
	}
	slices.Sort(sizes)
	slices.Sort(all)
	Say("in groups", sizes, all)
}

func scheduler() {
	done := make(chan string, 99)
	s := server(nil)
	Must(s.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		done <- t.Type()
		return nil
	})))
	defer s.Shutdown()
	every := asynq.NewScheduler(opt, &asynq.SchedulerOpts{LogLevel: asynq.FatalLevel})
	Got(every.Register("@every 1s", asynq.NewTask("tick", nil)))
	Must(every.Start())
	Say("every second", <-done, <-done)
	Until("the entry is there", func() bool { return len(Got(look.SchedulerEntries())) == 1 })
	Say("entries", Got(look.SchedulerEntries())[0].Spec)
	every.Shutdown()
	Say("entries", len(Got(look.SchedulerEntries())))
}

func killedHalfWay() {
	orphan := enqueue("orphan", "", asynq.Retention(time.Minute), asynq.MaxRetry(3))
	exe := Got(os.Executable())
	killed := exec.Command(exe, "worker")
	Must(killed.Start())
	Until("the task runs", func() bool { return rdb.Get(ctx, "begun").Val() == "1" })
	Must(killed.Process.Kill())
	_ = killed.Wait()
	Say("its worker killed", state(orphan), size("default"))
	// The lease is half a minute; its time passes here.
	Must(rdb.ZAdd(ctx, "asynq:{default}:lease", redis.Z{Score: float64(time.Now().Add(-time.Minute).Unix()), Member: orphan}).Err())
	s := server(nil)
	Must(s.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		n, _ := asynq.GetRetryCount(ctx)
		_, err := fmt.Fprint(t.ResultWriter(), "taken up, retry ", n)
		return err
	})))
	defer s.Shutdown()
	Until("it is done", func() bool { return state(orphan) == "completed" })
	Say("taken up by another", string(Got(look.GetTaskInfo("default", orphan)).Result))
}

// before leaves work of all kinds behind: waiting, delayed, done, to be retried.
func before() {
	s := server(func(c *asynq.Config) {
		c.RetryDelayFunc = func(int, error, *asynq.Task) time.Duration { return time.Second }
	})
	Must(s.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		if t.Type() == "fails" {
			return errors.New("the first time")
		}
		return nil
	})))
	enqueue("done", "", asynq.TaskID("done"), asynq.Retention(time.Hour))
	enqueue("fails", "", asynq.TaskID("fails"), asynq.MaxRetry(3), asynq.ProcessIn(0))
	Until("both have run", func() bool { return state("done") == "completed" && state("fails") == "retry" })
	s.Shutdown()
	for i := range 500 {
		enqueue("waits", fmt.Sprint(i))
	}
	for i := range 20 {
		enqueue("later", fmt.Sprint(i), asynq.ProcessIn(time.Second))
	}
	Got(client.Enqueue(asynq.NewTask("unique", nil), asynq.Unique(time.Hour)))
	Say("before", size("default"))
}

// after finds it and does it.
func after() {
	Say("after", size("default"))
	_, err := client.Enqueue(asynq.NewTask("unique", nil), asynq.Unique(time.Hour))
	Say("still unique", errors.Is(err, asynq.ErrDuplicateTask))
	var mu sync.Mutex
	times := map[string]int{}
	s := server(nil)
	Must(s.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		mu.Lock()
		defer mu.Unlock()
		times[t.Type()+string(t.Payload())]++
		return nil
	})))
	Until("all is done", func() bool {
		q := Got(look.GetQueueInfo("default"))
		return q.Pending+q.Active+q.Scheduled+q.Retry == 0
	})
	s.Shutdown()
	twice := 0
	for _, n := range times {
		if n != 1 {
			twice++
		}
	}
	Say("done", len(times), "more than once", twice, size("default"))
}

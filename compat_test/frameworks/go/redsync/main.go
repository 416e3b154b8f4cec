// Redsync's locks over go-redis and over redigo: taken, waited for, extended, lost, and counted under.
package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-redsync/redsync/v4"
	redsyncredis "github.com/go-redsync/redsync/v4/redis"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	redigopool "github.com/go-redsync/redsync/v4/redis/redigo"
	"github.com/gomodule/redigo/redis"
	goredis9 "github.com/redis/go-redis/v9"

	. "diskette/frameworks/transcript"
)

func main() {
	client := goredis9.NewClient(&goredis9.Options{Addr: Addr()})
	defer client.Close()
	pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", Addr()) }, MaxIdle: 10}
	defer pool.Close()

	Part("go-redis")
	locks(client, goredis.NewPool(client))
	Part("redigo")
	locks(client, redigopool.NewPool(pool))
}

// outcome is err in a word or two: its text has addresses.
func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.As(err, new(*redsync.ErrTaken)):
		return "taken"
	case errors.Is(err, redsync.ErrLockAlreadyExpired):
		return "already expired"
	case errors.Is(err, redsync.ErrExtendFailed):
		return "extend failed"
	}
	return err.Error()
}

func locks(client *goredis9.Client, pool redsyncredis.Pool) {
	ctx := context.Background()
	rs := redsync.New(pool)
	name := "lock"
	mine := rs.NewMutex(name, redsync.WithExpiry(10*time.Second), redsync.WithTries(2), redsync.WithRetryDelay(20*time.Millisecond))
	theirs := rs.NewMutex(name, redsync.WithExpiry(10*time.Second), redsync.WithTries(2), redsync.WithRetryDelay(20*time.Millisecond))

	Say("lock", outcome(mine.Lock()), Got(client.Get(ctx, name).Result()) == mine.Value())
	Say("another's lock", outcome(theirs.Lock()), outcome(theirs.TryLock()))
	ok, err := theirs.Unlock()
	Say("another's unlock", ok, outcome(err))
	client.PExpire(ctx, name, time.Second)
	ok, err = mine.Extend()
	Say("extend", ok, outcome(err), client.PTTL(ctx, name).Val() > 9*time.Second)
	ok, err = mine.Valid()
	Say("valid", ok, outcome(err))
	ok, err = mine.Unlock()
	Say("unlock", ok, outcome(err), client.Exists(ctx, name).Val())
	ok, err = mine.Unlock()
	Say("unlock again", ok, outcome(err))

	brief := rs.NewMutex(name, redsync.WithExpiry(200*time.Millisecond))
	waiting := rs.NewMutex(name, redsync.WithExpiry(10*time.Second), redsync.WithTries(500), redsync.WithRetryDelay(10*time.Millisecond))
	Must(brief.Lock())
	Say("lock when the other's has expired", outcome(waiting.Lock()))
	ok, err = brief.Extend()
	Say("extend of the lost lock", ok, outcome(err))
	ok, err = brief.Unlock()
	Say("unlock of the lost lock", ok, outcome(err))
	ok, err = waiting.Unlock()
	Say("unlock", ok, outcome(err))
	back := rs.NewMutex(name, redsync.WithExpiry(10*time.Second), redsync.WithSetNXOnExtend())
	Must(back.Lock())
	client.Del(ctx, name)
	ok, err = back.Extend()
	Say("extend of a deleted lock, taking it again", ok, outcome(err))
	Got(back.Unlock())

	count := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			m := rs.NewMutex("counter", redsync.WithExpiry(10*time.Second), redsync.WithTries(100_000), redsync.WithRetryDelay(time.Millisecond))
			for range 25 {
				Must(m.Lock())
				n := count
				Must(client.Ping(ctx).Err())
				count = n + 1
				Got(m.Unlock())
			}
		})
	}
	all.Wait()
	Say("eight count under a lock", count)
}

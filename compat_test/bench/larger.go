package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gomodule/redigo/redis"
)

// The larger cases are collections of ten million elements, Diskette with a maxmemory of a fraction of what they take:
// what they are in memory and on disk, how fast they are filled, and what the server does for a command about one of
// the elements.

const (
	largerElements = 10       // times size.elements
	largerMaxMB    = 64       // Diskette's maxmemory
	largerCommands = 20_000   // of each kind
	largerPeak     = 2.5 * 64 // megabytes that Diskette's memory may come to while it is filled
)

// larger is one such collection.
type larger struct {
	name, title string
	perCommand  int // elements of one command that fills it
	add         func(key string, from, to int) redis.Args
	commands    []largerCommand
}

// largerCommand is a command about element i of n.
type largerCommand struct {
	title string
	args  func(key string, i, n int) redis.Args
}

func largerName(i int) string { return fmt.Sprintf("element:%09d", i*7919%1_000_000_007) }

func largers() []larger {
	field := func(i int) redis.Args { return redis.Args{largerName(i), element} }
	of := func(command string, more func(i, n int) redis.Args) func(key string, i, n int) redis.Args {
		return func(key string, i, n int) redis.Args { return append(redis.Args{command, key}, more(i, n)...) }
	}
	name := func(i, _ int) redis.Args { return redis.Args{largerName(i)} }
	none := func(int, int) redis.Args { return nil }
	each := func(command string, one func(i int) redis.Args) func(key string, from, to int) redis.Args {
		return func(key string, from, to int) redis.Args {
			args := redis.Args{command, key}
			for i := from; i < to; i++ {
				args = append(args, one(i)...)
			}
			return args
		}
	}
	return []larger{
		{"hash", "hash, values of 20 bytes", 10, each("HSET", field), []largerCommand{
			{"HGET", of("HGET", name)},
			{"HSET of a field that is there", of("HSET", func(i, _ int) redis.Args { return field(i) })},
			{"HSET of a new field", of("HSET", func(i, n int) redis.Args { return field(i + n) })},
			{"HLEN", of("HLEN", none)},
		}},
		{"set", "set", 10, each("SADD", func(i int) redis.Args { return redis.Args{largerName(i)} }), []largerCommand{
			{"SISMEMBER", of("SISMEMBER", name)},
			{"SADD of a new member", of("SADD", func(i, n int) redis.Args { return redis.Args{largerName(i + n)} })},
		}},
		{"zset", "sorted set", 10, each("ZADD", func(i int) redis.Args { return redis.Args{i, largerName(i)} }), []largerCommand{
			{"ZSCORE", of("ZSCORE", name)},
			{"ZADD of a member that is there", of("ZADD", func(i, n int) redis.Args { return redis.Args{n - i, largerName(i)} })},
			{"ZADD of a new member", of("ZADD", func(i, n int) redis.Args { return redis.Args{i, largerName(i + n)} })},
		}},
		{"list", "list, elements of 20 bytes", 10, each("RPUSH", func(int) redis.Args { return redis.Args{element} }), []largerCommand{
			{"LPUSH", of("LPUSH", func(int, int) redis.Args { return redis.Args{element} })},
			{"RPOP", of("RPOP", none)},
		}},
		{"stream", "stream, a field of 20 bytes", 1, func(key string, from, _ int) redis.Args {
			return redis.Args{"XADD", key, fmt.Sprintf("%d-0", from+1), "field", element}
		}, []largerCommand{
			{"XADD", of("XADD", func(int, int) redis.Args { return redis.Args{"*", "field", element} })},
			{"XREAD of one entry", func(key string, i, _ int) redis.Args {
				return redis.Args{"XREAD", "COUNT", 1, "STREAMS", key, fmt.Sprintf("%d-0", i)}
			}},
		}},
	}
}

// largerFamilies is a pair of servers for each, since memory is a server's as a whole.
func largerFamilies() (groups []group) {
	for _, l := range largers() {
		groups = append(groups, group{name: "larger", appendfsync: "everysec", subjectArgs: maxMemory(largerMaxMB),
			cases: []benchCase{{"larger-" + l.name, l.run}}})
	}
	return groups
}

func (l larger) run(ctx context.Context, cfg config, p pair, rep *report) error {
	n := cfg.size.elements * largerElements
	title := grouped(n) + " elements, " + l.title + ": "
	pace := fact{Title: title + "filled with", Unit: "elements/s"}
	peak := fact{Title: title + "highest RSS meanwhile", Unit: "MB", AtMost: largerPeak}
	rss := fact{Title: title + "RSS after the commands below", Unit: "MB"}
	disk := fact{Title: title + "on disk", Unit: "MB"}
	costs := make([]fact, len(l.commands))
	for i, c := range l.commands {
		costs[i] = fact{Title: title + c.title + ", CPU", Unit: "us"}
	}
	for _, s := range p.each() {
		note := func(f *fact, figure float64) {
			progress("larger-%s, %s: %s %s", l.name, s.label, f.Title, f.amount(figure))
			if s == p.subject {
				f.Diskette = figure
			} else {
				f.Redis = figure
			}
		}
		took, err := l.fill(ctx, s, n)
		if err != nil {
			return fmt.Errorf("fill %s: %w", s.label, err)
		}
		note(&pace, float64(n)/took.Seconds())
		used, err := serverMemory(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		note(&peak, megabytes(used.peak))
		if err := settle(ctx, s, max(s.quiet, time.Second)); err != nil {
			return err
		}
		stored, err := bytesBelow(s.dir)
		if err != nil {
			return err
		}
		note(&disk, megabytes(stored))
		for i, c := range l.commands {
			cost, err := l.cost(ctx, s, c, n, max(int(largerCommands*cfg.size.requests), 100))
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.label, c.title, err)
			}
			note(&costs[i], cost.Seconds()*1e6)
		}
		if used, err = serverMemory(s.cmd.Process.Pid); err != nil {
			return err
		}
		note(&rss, megabytes(used.now))
	}
	for _, f := range append([]fact{rss, peak, disk, pace}, costs...) {
		f.Case = "larger-" + l.name
		rep.Facts = append(rep.Facts, f)
	}
	return nil
}

func (l larger) key() string { return "larger:" + l.name }

// fill makes the collection and returns how long that took.
func (l larger) fill(ctx context.Context, s *server, n int) (time.Duration, error) {
	c, err := s.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	began := time.Now()
	if err := sendAll(ctx, c, (n+l.perCommand-1)/l.perCommand, func(i int) error {
		args := l.add(l.key(), i*l.perCommand, min((i+1)*l.perCommand, n))
		return c.Send(args[0].(string), args[1:]...)
	}); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// cost is the server's CPU time of one of the commands, which come one after the other about elements at random.
func (l larger) cost(ctx context.Context, s *server, command largerCommand, n, commands int) (time.Duration, error) {
	c, err := s.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	before, err := serverCPU(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range commands {
		args := command.args(l.key(), random.IntN(n), n)
		switch reply, err := c.Do(args[0].(string), args[1:]...); {
		case err != nil:
			return 0, err
		case reply == nil:
			return 0, errors.New("an element is not there")
		case ctx.Err() != nil:
			return 0, ctx.Err()
		}
	}
	if err := settle(ctx, s, s.quiet); err != nil {
		return 0, err
	}
	after, err := serverCPU(s.cmd.Process.Pid)
	return (after - before) / time.Duration(commands), err
}

// bytesBelow is how much the files of a directory take on disk, those below it included.
func bytesBelow(dir string) (bytes int64, err error) {
	return bytes, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) { // a segment that was dropped meanwhile
			return nil
		}
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// The collections that the cases below work on. Redis-benchmark puts twelve digits in the place of __rand_int__.
const (
	manySmall   = 10_000 // hashes of hashFields fields, lists of listLength elements
	hashFields  = 20
	listLength  = 100
	manyMembers = 100_000 // of one hash, one set, one sorted set that grow by element
	digits      = "__rand_int__"
)

var element = strings.Repeat("v", 20)

// collections is the cases on hashes, lists, sets, sorted sets and streams.
func collections() group {
	g := group{name: "collections", appendfsync: "everysec", prepare: prepareCollections}
	for _, shape := range []struct {
		suffix, title string
		pipeline      int
		requests      int
		target        target
	}{
		{"50", "50 connections", 1, 200_000, fifty},
		{"50-p16", "50 connections, pipelines of 16", 16, 800_000, target{Throughput: 0.9, P99: 2, CPU: 1.2}},
	} {
		for _, c := range []struct {
			name, title string
			keys        int
			requests    float64 // of the shape's
			command     []string
		}{
			{"hset", "HSET", manySmall, 1, []string{"HSET", "hash:" + digits, "field7", element}},
			{"hget", "HGET", manySmall, 1, []string{"HGET", "hash:" + digits, "field7"}},
			{"hgetall", "HGETALL of 20 fields", manySmall, 0.25, []string{"HGETALL", "hash:" + digits}},
			{"lpush", "LPUSH", 1, 1, []string{"LPUSH", "queue", element}},
			{"rpop", "RPOP", 1, 1, []string{"RPOP", "queue"}},
			{"lrange", "LRANGE of 100 elements", manySmall, 0.1, []string{"LRANGE", "list:" + digits, "0", "99"}},
			{"sadd", "SADD", 10 * manyMembers, 1, []string{"SADD", "set", "member:" + digits}},
			{"spop", "SPOP", 1, 0.5, []string{"SPOP", "set"}},
			{"zadd", "ZADD", manyMembers, 1, []string{"ZADD", "board", digits, "member:" + digits}},
			{"zrank", "ZRANK", manyMembers, 1, []string{"ZRANK", "board", "member:" + digits}},
			{"zrange", "ZRANGE of 100 members", manyMembers, 0.1, []string{"ZRANGE", "board", "5000", "5099"}},
			{"xadd", "XADD", 1, 1, []string{"XADD", "stream", "*", "field", element}},
			{"xreadgroup", "XREADGROUP", 1, 0.25, []string{"XREADGROUP", "GROUP", "group", "worker", "COUNT", "1", "STREAMS", "stream", ">"}},
		} {
			l := load{command: c.command, connections: 50, pipeline: shape.pipeline,
				requests: int(float64(shape.requests) * c.requests), keys: c.keys}
			g.add(c.name+"-"+shape.suffix, c.title+", "+shape.title, l, shape.target)
		}
	}
	return g
}

// prepareCollections stores what the cases read.
func prepareCollections(ctx context.Context, s *server) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, part := range []struct {
		n    int
		send func(i int) error
	}{
		{manySmall, func(i int) error {
			args := redis.Args{fmt.Sprintf("hash:%012d", i)}
			for f := range hashFields {
				args = args.Add(fmt.Sprint("field", f), element)
			}
			return c.Send("HSET", args...)
		}},
		{manySmall, func(i int) error {
			args := redis.Args{fmt.Sprintf("list:%012d", i)}
			for range listLength {
				args = args.Add(element)
			}
			return c.Send("RPUSH", args...)
		}},
		{manyMembers, func(i int) error { return c.Send("ZADD", "board", i*7919%manyMembers, fmt.Sprintf("member:%012d", i)) }},
		{1, func(int) error { return c.Send("XGROUP", "CREATE", "stream", "group", "0", "MKSTREAM") }},
	} {
		if err := sendAll(ctx, c, part.n, part.send); err != nil {
			return fmt.Errorf("prepare %s: %w", s.label, err)
		}
	}
	return s.rest(ctx, true)
}

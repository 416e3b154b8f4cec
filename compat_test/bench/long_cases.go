package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// A longFamily is long cases over what store stores.
type longFamily struct {
	name  string
	args  []string // Diskette's
	store func(c redis.Conn, n int) error
	cases []longCase
}

// longFamilies is the long cases. A family has a pair of servers of its own, so that a command's memory is its own.
func longFamilies() []group {
	families := []longFamily{
		{"long sets", inMemory, storeSets, []longCase{
			{"long-sinterstore", "SINTERSTORE of two", just("SINTERSTORE", "to", "set:a", "set:b")},
			{"long-sunionstore", "SUNIONSTORE of two", just("SUNIONSTORE", "to", "set:a", "set:b")},
			{"long-sdiffstore", "SDIFFSTORE of two", just("SDIFFSTORE", "to", "set:a", "set:b")},
			{"long-sinter", "SINTER of two", just("SINTER", "set:a", "set:b")},
			{"long-smembers", "SMEMBERS", just("SMEMBERS", "set:a")},
			{"long-spop", "SPOP of half", onCopy("set:a", "SPOP", "copy", half)},
			{"long-copy-set", "COPY of a set", just("COPY", "set:a", "to")},
			{"long-del-set", "DEL of a set", onCopy("set:a", "DEL", "copy")},
			{"long-unlink-set", "UNLINK of a set", onCopy("set:a", "UNLINK", "copy")},
		}},
		{"long sorted sets", inMemory, storeZSets, []longCase{
			{"long-zunionstore", "ZUNIONSTORE of two", just("ZUNIONSTORE", "to", 2, "zset:a", "zset:b")},
			{"long-zinterstore", "ZINTERSTORE of two", just("ZINTERSTORE", "to", 2, "zset:a", "zset:b")},
			{"long-zdiffstore", "ZDIFFSTORE of two", just("ZDIFFSTORE", "to", 2, "zset:a", "zset:b")},
			{"long-zrangestore", "ZRANGESTORE", just("ZRANGESTORE", "to", "zset:a", 0, -1)},
			{"long-zunion", "ZUNION of two", just("ZUNION", 2, "zset:a", "zset:b")},
			{"long-zrange", "ZRANGE WITHSCORES", just("ZRANGE", "zset:a", 0, -1, "WITHSCORES")},
			{"long-zremrangebyrank", "ZREMRANGEBYRANK of half", onCopy("zset:a", "ZREMRANGEBYRANK", "copy", 0, half)},
			{"long-copy-zset", "COPY of a sorted set", just("COPY", "zset:a", "to")},
			{"long-del-zset", "DEL of a sorted set", onCopy("zset:a", "DEL", "copy")},
		}},
		{"long lists", inMemory, storeLists, []longCase{
			{"long-sort", "SORT", just("SORT", "list")},
			{"long-sort-store", "SORT STORE", just("SORT", "list", "STORE", "to")},
			{"long-sort-alpha", "SORT ALPHA", just("SORT", "list", "ALPHA")},
			{"long-sort-by", "SORT BY keys, a quarter of the elements", just("SORT", "few", "BY", "weight:*")},
			{"long-sort-get", "SORT GET keys, a quarter of the elements", just("SORT", "few", "GET", "weight:*")},
			{"long-lrange", "LRANGE", just("LRANGE", "list", 0, -1)},
			{"long-lpos", "LPOS of what is not there", just("LPOS", "list", "none")},
			{"long-linsert", "LINSERT in the middle", just("LINSERT", "list", "BEFORE", half, 0)},
			{"long-lrem", "LREM of every tenth", onCopy("tens", "LREM", "copy", 0, 7)},
			{"long-copy-list", "COPY of a list", just("COPY", "list", "to")},
			{"long-del-list", "DEL of a list", onCopy("list", "DEL", "copy")},
		}},
		{"long hashes", inMemory, storeHashes, []longCase{
			{"long-hgetall", "HGETALL", just("HGETALL", "hash")},
			{"long-restore", "RESTORE of a hash", restored("hash")},
			{"long-del-hash", "DEL of a hash", onCopy("hash", "DEL", "copy")},
			{"long-xrange", "XRANGE", just("XRANGE", "stream", "-", "+")},
			{"long-xtrim", "XTRIM to none", onCopy("stream", "XTRIM", "copy", "MAXLEN", 0)},
		}},
		{"long strings", inMemory, storeStrings, []longCase{
			{"long-bitcount", "BITCOUNT of 64 bytes an element (64 MB)", just("BITCOUNT", "string:a")},
			{"long-bitop", "BITOP AND of two of 64 bytes an element (64 MB)", just("BITOP", "AND", "to", "string:a", "string:b")},
			{"long-keys", "KEYS", just("KEYS", "key:*")},
			{"long-flushall", "FLUSHALL", after(storeStrings, "FLUSHALL")},
		}},
	}
	families = append(families, boundedFamilies()...)
	groups := []group{}
	for _, f := range families {
		g := group{name: f.name, appendfsync: "everysec", subjectArgs: append(f.args, "--enable-debug-command", "yes")}
		for _, lc := range f.cases {
			g.cases = append(g.cases, benchCase{lc.name, func(ctx context.Context, cfg config, p pair, rep *report) error {
				rep.Elements = cfg.size.elements
				for _, s := range p.each() {
					if err := storeOnce(ctx, s, f.store, cfg.size.elements); err != nil {
						return err
					}
				}
				return compareLong(ctx, cfg, p, rep, lc)
			}})
		}
		groups = append(groups, g)
	}
	return groups
}

var inMemory = []string{"--maxmemory", "4gb"}

// half in a command stands for half the number of elements.
const half = share(2)

type share int

// just sends a command.
func just(command ...any) longRun {
	return func(_ redis.Conn, n int) (func(*rawClient) error, error) {
		filled := slices.Clone(command)
		for i, arg := range filled {
			if part, ok := arg.(share); ok {
				filled[i] = n / int(part)
			}
		}
		return func(c *rawClient) error { return c.do(filled...) }, nil
	}
}

// after sends a command that comes after something else.
func after(first func(c redis.Conn, n int) error, command ...any) longRun {
	return func(c redis.Conn, n int) (func(*rawClient) error, error) {
		if err := first(c, n); err != nil {
			return nil, err
		}
		return just(command...)(c, n)
	}
}

// onCopy sends a command that uses up a copy of a key.
func onCopy(key string, command ...any) longRun {
	return after(func(c redis.Conn, _ int) error {
		_, err := c.Do("COPY", key, "copy")
		return err
	}, command...)
}

// restored restores a key's value under another name.
func restored(key string) longRun {
	return func(c redis.Conn, n int) (func(*rawClient) error, error) {
		dump, err := redis.String(c.Do("DUMP", key))
		if err != nil {
			return nil, err
		}
		return just("RESTORE", "to", 0, dump)(c, n)
	}
}

// storeOnce stores what a family works on, before its first case.
func storeOnce(ctx context.Context, s *server, store func(c redis.Conn, n int) error, n int) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if keys, err := redis.Int(c.Do("DBSIZE")); err != nil || keys > 0 {
		return err
	}
	if s.label == "redis" { // an append-only file that is rewritten in a case would be the case's memory and time
		if _, err := c.Do("CONFIG", "SET", "auto-aof-rewrite-percentage", 0); err != nil {
			return err
		}
	}
	progress("storing %d elements in %s", n, s.label)
	if err := store(c, n); err != nil {
		return fmt.Errorf("store in %s: %w", s.label, err)
	}
	return ctx.Err()
}

// The elements are spread as those of real sets are: their order by name, by score and by birth are different ones.

func spread(i, n int) int { return int(uint64(i) * 7919 % uint64(n)) }

func member(i int) string { return fmt.Sprintf("member:%08d", i) }

// stored sends commands of a thousand elements each.
func stored(c redis.Conn, n int, command string, key any, element func(i int) []any) error {
	const each = 1000
	for from := 0; from < n; from += each {
		args := redis.Args{key}
		for i := from; i < min(from+each, n); i++ {
			args = append(args, element(i)...)
		}
		if _, err := c.Do(command, args...); err != nil {
			return err
		}
	}
	return nil
}

func storeSets(c redis.Conn, n int) error {
	if err := stored(c, n, "SADD", "set:a", func(i int) []any { return []any{member(spread(i, n))} }); err != nil {
		return err
	}
	return stored(c, n, "SADD", "set:b", func(i int) []any { return []any{member(n/2 + spread(i, n))} })
}

func storeZSets(c redis.Conn, n int) error {
	if err := stored(c, n, "ZADD", "zset:a", func(i int) []any { return []any{i, member(spread(i, n))} }); err != nil {
		return err
	}
	return stored(c, n, "ZADD", "zset:b", func(i int) []any { return []any{spread(i, n), member(n/2 + i)} })
}

func storeLists(c redis.Conn, n int) error {
	for _, l := range []struct {
		key     string
		n       int
		element func(i int) any
	}{
		{"list", n, func(i int) any { return spread(i, n) }},
		{"few", n / 4, func(i int) any { return i }},
		{"tens", n, func(i int) any { return i % 10 }},
	} {
		if err := stored(c, l.n, "RPUSH", l.key, func(i int) []any { return []any{l.element(i)} }); err != nil {
			return err
		}
	}
	return storedKeys(c, n/4, "weight:", n)
}

// storedKeys stores string keys, a thousand a command.
func storedKeys(c redis.Conn, n int, prefix string, modulus int) error {
	const each = 1000
	for from := 0; from < n; from += each {
		var args redis.Args
		for i := from; i < min(from+each, n); i++ {
			args = append(args, fmt.Sprint(prefix, i), spread(i, modulus))
		}
		if _, err := c.Do("MSET", args...); err != nil {
			return err
		}
	}
	return nil
}

func storeHashes(c redis.Conn, n int) error {
	field := func(i int) []any { return []any{fmt.Sprint("field:", spread(i, n)), element} }
	if err := stored(c, n, "HSET", "hash", field); err != nil {
		return err
	}
	for i := 0; i < n; i += 500 {
		for k := i; k < min(i+500, n); k++ {
			if err := c.Send("XADD", "stream", fmt.Sprint(k+1, "-0"), "field", element); err != nil {
				return err
			}
		}
		if _, err := c.Do(""); err != nil {
			return err
		}
	}
	return nil
}

func storeStrings(c redis.Conn, n int) error {
	bytes := 64 * n // 64 MB for a million
	for i, key := range []string{"string:a", "string:b"} {
		if _, err := c.Do("SET", key, strings.Repeat(string(rune('a'+i)), bytes)); err != nil {
			return err
		}
	}
	return storedKeys(c, n, "key:", n)
}

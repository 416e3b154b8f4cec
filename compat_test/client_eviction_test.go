package compat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a client takes is not only what waits for it. Redis: unit/client-eviction.tcl.
func TestWhatAClientHoldsCountsForMaxmemoryClients(t *testing.T) {
	for name, take := range map[string]func(c *client) error{
		"an argument that is not whole": func(c *client) error {
			return c.write([]byte("*1\r\n$3000000\r\n" + strings.Repeat("v", 2_500_000)))
		},
		"a command that is whole": func(c *client) error {
			return c.write(encode("SET", "large", strings.Repeat("v", 2_500_000)))
		},
		"the commands of a transaction": func(c *client) error {
			c.Send("MULTI")
			for range 40 {
				if err := c.write(encode("SET", "k", strings.Repeat("v", 50_000))); err != nil {
					return err
				}
			}
			return nil
		},
		"watched keys":             func(c *client) error { return sendMany(c, "WATCH", 20_000) },
		"subscriptions":            func(c *client) error { return sendMany(c, "SUBSCRIBE", 20_000) },
		"subscriptions of shards":  func(c *client) error { return sendMany(c, "SSUBSCRIBE", 20_000) },
		"subscriptions by pattern": func(c *client) error { return sendMany(c, "PSUBSCRIBE", 20_000) },
		"prefixes of tracking": func(c *client) error {
			c.Send("HELLO", 3)
			for i := range 20 {
				args := []any{"CLIENT", "TRACKING", "on", "BCAST"}
				for j := range 100 {
					args = append(args, "PREFIX", fmt.Sprintf("%d %d %1000d", i, j, 0))
				}
				if err := c.write(encode(args...)); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, subjectBin(t), "--maxmemory-clients", "1mb")
			looking, c := dial(t, s.Addr), dial(t, s.Addr)
			id := c.Do("CLIENT", "ID").text
			_ = take(c) // the server may hang up meanwhile
			waitClosed(t, s, id, time.Now())
			equal(t, "evicted_clients", infoField(looking.Do("INFO", "stats").Text(), "evicted_clients"), "1")
			equal(t, "EXISTS large", looking.Do("EXISTS", "large").text, "0") // Redis: before the command runs
			logSays(t, s, "maxmemory-clients")
		})
	}
}

func sendMany(c *client, name string, n int) error {
	args := []any{name}
	for i := range n {
		args = append(args, i)
	}
	return c.write(encode(args...))
}

func TestTheClientThatHoldsTheMostIsClosedFirst(t *testing.T) {
	s := startServer(t, subjectBin(t))
	looking := dial(t, s.Addr)
	looking.Do("CLIENT", "NO-EVICT", "on")
	ids := map[int]string{}
	for _, size := range []int{200_000, 3_000_000, 1_000_000} {
		c := dial(t, s.Addr)
		ids[size] = c.Do("CLIENT", "ID").text
		c.SendRaw([]byte("*1\r\n$4000000\r\n" + strings.Repeat("v", size)))
	}
	memory := func(id string) (bytes int) {
		fmt.Sscan(infoFieldOfLine(looking.Do("CLIENT", "LIST", "ID", id).Text(), "tot-mem"), &bytes)
		return bytes
	}
	for size, id := range ids {
		await(t, "all of it has come", func() bool { return memory(id) >= size })
	}
	there := func(want ...int) { // who is closed is listed until it has gone
		t.Helper()
		await(t, fmt.Sprint("there are those that hold ", want), func() bool {
			list, are := looking.Do("CLIENT", "LIST").Text(), []int{}
			for size, id := range ids {
				if strings.Contains(list, "id="+id+" ") {
					are = append(are, size)
				}
			}
			slices.Sort(are)
			return slices.Equal(are, want)
		})
	}
	there(200_000, 1_000_000, 3_000_000) // maxmemory-clients 0: what clients send does not count
	looking.Do("CONFIG", "SET", "maxmemory-clients", "3mb")
	there(200_000, 1_000_000)
	looking.Do("CONFIG", "SET", "maxmemory-clients", "500kb")
	there(200_000)
	exempt := dial(t, s.Addr)
	exempt.Do("CLIENT", "NO-EVICT", "on")
	exempt.Do("SET", "k", strings.Repeat("v", 600_000))
	equal(t, "EXISTS", looking.Do("EXISTS", "k").text, "1")
}

// infoFieldOfLine is a field of a line of CLIENT LIST.
func infoFieldOfLine(line, name string) string {
	for _, field := range strings.Fields(line) {
		if value, found := strings.CutPrefix(field, name+"="); found {
			return value
		}
	}
	return ""
}

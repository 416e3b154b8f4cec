package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// boundedFamilies is cases whose memory is what matters: commands that need no value, over
// values on disk, and replies that nobody reads.
func boundedFamilies() []longFamily {
	const of = " of eight values of 100 bytes an element (100 MB), maxmemory 64 MB"
	return []longFamily{
		{"long values", maxMemory(64), storeValues, []longCase{
			{"long-exists", "EXISTS" + of, overValues("EXISTS")},
			{"long-type", "TYPE" + of, overValues("TYPE")},
			{"long-strlen", "STRLEN" + of, overValues("STRLEN")},
			{"long-expire", "EXPIRE" + of, overValues("EXPIRE", 1000)},
			{"long-del", "DEL" + of, func(c redis.Conn, n int) (func(*rawClient) error, error) {
				if err := storeValues(c, n); err != nil {
					return nil, err
				}
				return overValues("DEL")(c, n)
			}},
		}},
		{"long replies", inMemory, storeLists, []longCase{
			{"long-multi-unread", "MULTI with 60 LRANGE of half the elements, which nobody reads", unread(1, 60, 2)},
			{"long-clients-unread", "100 clients with 10 LRANGE of a twentieth each, which do not read", unread(100, 10, 20)},
		}},
	}
}

const valueKeys = 8

func valueKey(i int) string { return fmt.Sprint("value:", i) }

// storeValues stores strings of 100 MB for a million elements.
func storeValues(c redis.Conn, n int) error {
	for i := range valueKeys {
		if _, err := c.Do("SET", valueKey(i), strings.Repeat(string(rune('a'+i)), 100*n)); err != nil {
			return err
		}
	}
	return nil
}

// overValues sends a command for each value.
func overValues(command string, args ...any) longRun {
	return func(redis.Conn, int) (func(*rawClient) error, error) {
		return func(c *rawClient) error {
			for i := range valueKeys {
				if err := c.do(append([]any{command, valueKey(i)}, args...)...); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
}

// unread lets clients send a MULTI block of LRANGEs of a part of the list, and read nothing until
// the server has done them: until, for a second, every EXISTS was answered within a tenth of one.
func unread(clients, ranges, part int) longRun {
	return func(_ redis.Conn, n int) (func(*rawClient) error, error) {
		return func(c *rawClient) error {
			for range clients {
				conn, err := net.Dial("tcp", c.RemoteAddr().String())
				if err != nil {
					return err
				}
				defer conn.Close()
				idle := &rawClient{Conn: conn}
				commands := [][]any{{"MULTI"}}
				for range ranges {
					commands = append(commands, []any{"LRANGE", "list", 0, n/part - 1})
				}
				for _, command := range append(commands, []any{"EXEC"}) {
					if err := idle.send(command...); err != nil {
						return err
					}
				}
			}
			for calm := 0; calm < 10; calm++ {
				began := time.Now()
				if err := c.do("EXISTS", "none"); err != nil { // which needs the keyspace
					return err
				}
				if time.Since(began) > 100*time.Millisecond {
					calm = 0
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}, nil
	}
}

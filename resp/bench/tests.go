package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A test is a row of the table below.
type test struct {
	title   string
	names   string // what -t may call it
	command string // words; see words
}

const (
	payloadWord = "$" // in a command: the payload
	scoreWord   = "#" // 0, or a random one with -r
)

// tests are redis-benchmark's own, in its order; XADD is 7.2's.
var tests = []test{
	{"PING_INLINE", "ping_inline ping", ""}, // a line, and no array of words
	{"PING_MBULK", "ping_mbulk ping", "PING"},
	{"SET", "set", "SET key:__rand_int__ $"},
	{"GET", "get", "GET key:__rand_int__"},
	{"INCR", "incr", "INCR counter:__rand_int__"},
	{"LPUSH", "lpush", "LPUSH mylist $"},
	{"RPUSH", "rpush", "RPUSH mylist $"},
	{"LPOP", "lpop", "LPOP mylist"},
	{"RPOP", "rpop", "RPOP mylist"},
	{"SADD", "sadd", "SADD myset element:__rand_int__"},
	{"HSET", "hset", "HSET myhash element:__rand_int__ $"},
	{"SPOP", "spop", "SPOP myset"},
	{"ZADD", "zadd", "ZADD myzset # element:__rand_int__"},
	{"ZPOPMIN", "zpopmin", "ZPOPMIN myzset"},
	{"LPUSH (needed to benchmark LRANGE)", "lrange lrange_100 lrange_300 lrange_500 lrange_600", "LPUSH mylist $"},
	{"LRANGE_100 (first 100 elements)", "lrange_100 lrange", "LRANGE mylist 0 99"},
	{"LRANGE_300 (first 300 elements)", "lrange_300 lrange", "LRANGE mylist 0 299"},
	{"LRANGE_500 (first 500 elements)", "lrange_500 lrange", "LRANGE mylist 0 499"},
	{"LRANGE_600 (first 600 elements)", "lrange_600 lrange", "LRANGE mylist 0 599"},
	{"MSET (10 keys)", "mset", "MSET" + strings.Repeat(" key:__rand_int__ $", 10)},
	{"XADD", "xadd", "XADD mystream * myfield $"},
}

func (t *test) called(name string) bool { return slices.Contains(strings.Fields(t.names), name) }

// chosen are the tests that the options name, and a warning for each name that is none's.
func chosen(names []string) (list []test, unknown []string) {
	if names == nil {
		return tests, nil
	}
	for _, t := range tests {
		if slices.ContainsFunc(names, t.called) {
			list = append(list, t)
		}
	}
	for _, name := range names {
		if name != "" && !slices.ContainsFunc(tests, func(t test) bool { return t.called(name) }) {
			unknown = append(unknown, fmt.Sprintf("There is no test '%s'.", name))
		}
	}
	return list, unknown
}

// bytes is the command as it is sent.
func (t *test) bytes(payload string, random bool) []byte {
	if t.command == "" {
		return []byte("PING\r\n")
	}
	words := strings.Fields(t.command)
	for n, word := range words {
		switch {
		case word == payloadWord:
			words[n] = payload
		case word == scoreWord && random:
			words[n] = randomWord
		case word == scoreWord:
			words[n] = "0"
		}
	}
	return appendCommand(nil, words)
}

// payloadOf makes so many bytes, the same each time and as in redis-benchmark, which compress badly.
func payloadOf(bytes int) string {
	var text strings.Builder
	text.Grow(bytes)
	state := uint32(1234)
	for range bytes {
		state = state*1103515245 + 12345
		text.WriteByte('0' + byte(state>>16&63))
	}
	return text.String()
}

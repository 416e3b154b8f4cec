package compat_test

import "strings"

// Hashes come twice: short ones, which keep their order, and such as Redis holds in a table.
func init() {
	templates := `
HSET K W V
HSET K W V
HSET K W V W V
HSET K W I
HSET K W V W V W V W V W V
HSET K W V W
HMSET K W V W V
HMSET K W
HSETNX K W V
HSETNX K W V
HGET K W
HMGET K W W W
HKEYS K
HVALS K
HDEL K W
HDEL K W W W
HLEN K
HSTRLEN K W
HEXISTS K W
HINCRBY K W I
HINCRBY K W I
HINCRBYFLOAT K W F
HINCRBYFLOAT K W F
HRANDFIELD K C
HRANDFIELD K C WITHVALUES
HRANDFIELD K C WITHVALUES X
HRANDFIELD K C VALUES
HSCAN K 0 COUNT 100000
HSCAN K 0 MATCH P COUNT 100000
HSCAN K B COUNT 100000
HSCAN K 0 COUNT B
HSCAN K 0 COUNT
HSCAN K 0 TYPE hash
HSCAN K 0 X 1
SET K V
GET K
APPEND K V
DEL K
DEL K K
EXISTS K K
TYPE K
OBJECT ENCODING K
RENAME K K
RENAMENX K K
COPY K K
COPY K K REPLACE
COPY K K DB D REPLACE
MOVE K D
SELECT D
SWAPDB D D
FLUSHDB
PEXPIREAT K M
EXPIRETIME K
PERSIST K
DBSIZE
MULTI
EXEC
DISCARD
WATCH K
UNWATCH
`
	words := map[string][]string{
		"K": {"a", "b", "c", ""},
		"W": {"x", "y", "z", "xx", "", "\x00", "12", "f1", "f2", "f3", "f4", "f5"},
		"C": {"0", "100000", "9223372036854775807", "4611686018427387903", "-9223372036854775808", "x", ""},
		"B": {"x", "-", "18446744073709551616", "1.5", "-1x"},
		"X": {"x", "withvalues"},
	}
	randomFamilies["hashes"] = randomFamily{templates: "HGETALL K\nHGETALL K" + templates, words: words, unordered: "HRANDFIELD"}
	tables := map[string][]string{"V": append([]string{strings.Repeat("w", 65), strings.Repeat("w", 200)}, commonWords["V"]...)}
	for word, choices := range words {
		tables[word] = choices
	}
	randomFamilies["hashes as tables"] = randomFamily{templates: strings.TrimPrefix(templates, "\n"), words: tables,
		unordered: "HRANDFIELD HKEYS HVALS HSCAN"}
}

package compat_test

import (
	"slices"
	"strconv"
	"strings"
)

// The words: ID and NEW are ids, G a group, C a consumer, A a bound of a range, W what XREAD reads behind, H
// a last id, Q and U a count, T and a least idle time. The times are far from now, so that a second between
// the servers is no difference.
func init() {
	randomFamilies["streams"] = randomFamily{templates: `
XADD K NEW f V
XADD K NEW f V
XADD K NEW f V g V
XADD K NEW f V f V g V
XADD K NEW f V
XADD K ID f V
XADD K ID f V
XADD K NEW f
XADD K NEW f V g
XADD K NOMKSTREAM NEW f V
XADD K MAXLEN U NEW f V
XADD K MAXLEN = U NEW f V
XADD K MAXLEN ~ B NEW f V
XADD K MAXLEN ~ B LIMIT U NEW f V
XADD K MAXLEN U LIMIT U NEW f V
XADD K MINID ID NEW f V
XADD K MINID = ID NOMKSTREAM NEW f V
XADD K MINID ~ E NEW f V
XADD K LIMIT U NEW f V
XADD K MAXLEN U MINID ID NEW f V
XADD K NEW LIMIT U
XLEN K
XRANGE K - +
XRANGE K A A
XRANGE K A A COUNT U
XRANGE K A A COUNT U COUNT U
XRANGE K A A U
XREVRANGE K + -
XREVRANGE K A A
XREVRANGE K A A COUNT U
XDEL K ID
XDEL K ID ID ID
XTRIM K MAXLEN U
XTRIM K MAXLEN = U
XTRIM K MAXLEN ~ B
XTRIM K MAXLEN ~ B LIMIT U
XTRIM K MAXLEN U LIMIT U
XTRIM K MINID ID
XTRIM K MINID ~ E
XTRIM K MINID ID MAXLEN U
XTRIM K LIMIT U
XSETID K H
XSETID K H ENTRIESADDED Q
XSETID K H MAXDELETEDID ID
XSETID K H ENTRIESADDED Q MAXDELETEDID ID
XREAD STREAMS K W
XREAD COUNT U STREAMS K K W W
XREAD COUNT U STREAMS K W W
XREAD NOACK STREAMS K W
XREAD GROUP G C STREAMS K W
XGROUP CREATE K G W
XGROUP CREATE K G ID MKSTREAM
XGROUP CREATE K G $ MKSTREAM ENTRIESREAD Q
XGROUP CREATE K G 0
XGROUP CREATE K G ID ENTRIESREAD Q U
XGROUP CREATECONSUMER K G C
XGROUP DELCONSUMER K G C
XGROUP DESTROY K G
XGROUP SETID K G A
XGROUP SETID K G 0
XGROUP SETID K G ID ENTRIESREAD Q
XREADGROUP GROUP G C STREAMS K >
XREADGROUP GROUP G C COUNT U STREAMS K >
XREADGROUP GROUP G C COUNT 1 STREAMS K >
XREADGROUP GROUP G C COUNT 2 NOACK STREAMS K >
XREADGROUP GROUP G C NOACK COUNT U STREAMS K K > >
XREADGROUP GROUP G C STREAMS K W
XREADGROUP GROUP G C COUNT U STREAMS K 0
XREADGROUP GROUP G C COUNT 1 STREAMS K K 0 >
XREADGROUP NOACK NOACK NOACK STREAMS K 0
XACK K G ID
XACK K G ID ID ID ID
XPENDING K G
XPENDING K G - + U
XPENDING K G A A U
XPENDING K G A A U C
XPENDING K G IDLE T A A U
XPENDING K G IDLE T - + U C
XPENDING K G IDLE T -
XPENDING K G - + U C C C
XCLAIM K G C T ID
XCLAIM K G C T ID ID ID
XCLAIM K G C T ID ID FORCE
XCLAIM K G C 0 ID ID JUSTID
XCLAIM K G C 0 ID IDLE T
XCLAIM K G C 0 ID TIME U
XCLAIM K G C 0 ID RETRYCOUNT U
XCLAIM K G C 0 ID FORCE JUSTID LASTID ID
XCLAIM K G C 0 ID FORCE RETRYCOUNT U TIME U
XCLAIM K G C 0 ID U
XAUTOCLAIM K G C T A
XAUTOCLAIM K G C 0 - COUNT U
XAUTOCLAIM K G C 0 0 COUNT 1
XAUTOCLAIM K G C T A COUNT U JUSTID
XAUTOCLAIM K G C 0 A JUSTID U
XINFO STREAM K
XINFO STREAM K FULL
XINFO STREAM K FULL COUNT U
XINFO STREAM K FULL U
XINFO GROUPS K
XINFO GROUPS K
XINFO CONSUMERS K G
XINFO HELLO K
XGROUP HELLO K
OBJECT ENCODING K
TYPE K
SET K V
DEL K
COPY K K REPLACE
RENAME K K
EXISTS K
MULTI
EXEC
DISCARD
WATCH K
`, words: map[string][]string{
		"K":   {"a", "b", "c", "a", "b"},
		"V":   {"", "x", "12", "-7", "\x00\xff\r\n", strings.Repeat("y", 70)},
		"ID":  streamIDs(),
		"NEW": append(newIDs(), "1-*", "5-*", "abc", "18446744073709551615-18446744073709551614", "0-0", "0-*", "-", "+", "5-5-5"),
		// Some of H are above all ids that are deleted, which Redis 7.2 demands.
		"H": {"9-2", "9-2", "10", "x", "+", "", "18446744073709551615"},
		"G": {"g", "h", "g", ""},
		"C": {"alice", "bob", "alice", ""},
		"A": append(streamIDs(), "-", "+", "(5", "(3-1", "(", "(-", "(+", "(18446744073709551615-18446744073709551615", "(0-0", "0", "(0"),
		"W": append(streamIDs(), "$", ">", "0", "0", "-", "18446744073709551615-18446744073709551615"),
		"U": {"0", "1", "2", "3", "10", "-1", "-2", "5", "9223372036854775807", "9223372036854775808", "x", "", "1.5", "01"},
		"Q": {"0", "1", "2", "3", "10", "-1", "-2", "9223372036854775808", "x", ""},
		"T": {"0", "0", "0", "-1", "3600000", "9223372036854775807", "-9223372036854775808", "x", "10000000000000"},
		"B": {"0", "100000", "-1", "x"},
		"E": {"0", "999999999-0", "0-1"},
	}, settled: settledStream}
}

func streamIDs() (ids []string) {
	for ms := range 10 {
		ids = append(ids, strconv.Itoa(ms), strconv.Itoa(ms)+"-1", strconv.Itoa(ms)+"-2")
	}
	return append(ids, "", "x", "1-x", "-1", " 7", "+7", "07-1", "7--1", "7-01", "7x", "18446744073709551616", "4\x00x", strings.Repeat("1", 128))
}

// newIDs are ids of which the next is above the last, more often than not.
func newIDs() (ids []string) {
	for ms := range 10 {
		ids = append(ids, strconv.Itoa(ms)+"-"+strconv.Itoa(ms%3), strconv.Itoa(ms)+"-*")
	}
	return ids
}

// settledStream leaves out what differs between two servers, or between Redis 7.0 and 7.2: times, how the entries are
// kept, and consumers that have claimed in vain, whom Redis creates from 7.2 on. Of EXEC's reply stay the kinds.
func settledStream(args []any, v value) value {
	switch {
	case v.kind == kindError && strings.HasPrefix(v.text, "ERR Unbalanced "):
		v.text = "ERR Unbalanced" // Redis 7.2 names the command
	case args[0] == "XGROUP" && args[1] == "CREATECONSUMER" && v.kind == kindInteger:
		v.text = "0 or 1"
	case args[0] == "EXEC":
		for i := range v.elems {
			v.elems[i] = value{kind: kindSimple, text: string(v.elems[i].kind)}
		}
	case args[0] == "XPENDING":
		for i := range v.elems {
			if row := v.elems[i].elems; len(row) == 4 {
				row[2].text = "idle"
			}
		}
	case args[0] == "XINFO":
		return settledInfo(v)
	}
	return v
}

func settledInfo(v value) value {
	if !v.isAggregate() {
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil && v.kind == kindInteger && n > 1_700_000_000_000 && n < 2_000_000_000_000 {
			v.text = "now"
		}
		return v
	}
	var kept []value
	for i := 0; i < len(v.elems); i++ {
		switch e := v.elems[i]; {
		case slices.Contains(clockFields, e.text), e.text == "consumers" && v.elems[i+1].kind == kindInteger:
			i++
		case !isIdleConsumer(e):
			kept = append(kept, settledInfo(e))
		}
	}
	v.elems = kept
	return v
}

// isIdleConsumer reports whether a part of XINFO's reply describes a consumer that has nothing pending.
func isIdleConsumer(v value) bool {
	none := false
	for i, e := range v.elems {
		if e.text == "last-delivered-id" {
			return false // a group
		}
		none = none || (e.text == "pel-count" || e.text == "pending") && v.elems[i+1].text == "0"
	}
	return none
}

var clockFields = []string{"idle", "inactive", "seen-time", "active-time", "radix-tree-keys", "radix-tree-nodes"}

package tally

import "strings"

// LongestPrefix is what a prefix may be long, in bytes: a name with a longer one has none.
const LongestPrefix = 64

// Prefixes are a name up to its first ':' and up to its second one. A name without the second has its first for both,
// and one without any the empty one.
func Prefixes(name string) (first, second string) {
	head := name[:min(len(name), LongestPrefix)]
	at := strings.IndexByte(head, ':')
	if at < 0 {
		return "", ""
	}
	first, second = head[:at+1], head[:at+1]
	if next := strings.IndexByte(head[at+1:], ':'); next >= 0 {
		second = head[:at+1+next+1]
	}
	return first, second
}

// FirstOf is the first prefix of names with this second one.
func FirstOf(second string) string { return second[:strings.IndexByte(second, ':')+1] }

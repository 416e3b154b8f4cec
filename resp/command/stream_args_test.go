package command

import (
	"strings"
	"testing"

	"diskette/store"
)

// FuzzStreamArguments gives the stream commands' argument parsers whatever there is: they must
// not panic, and what they accept must be in its bounds.
func FuzzStreamArguments(f *testing.F) {
	for _, seed := range []string{
		"xadd|s|*|f|v", "xadd|s|1-1|f|v", "xadd|s|5-*|f|v", "xadd|s|MAXLEN|~|10|LIMIT|5|NOMKSTREAM|*|f|v", "xadd|s|MINID|=|5-1|6", "xadd|s|maxlen",
		"xadd|s|MAXLEN|~", "xadd|s|MAXLEN|=|", "xadd|s|LIMIT|0", "xtrim|s|MAXLEN|5", "xtrim|s|MINID|~|0|LIMIT|0", "xtrim|s", "xadd",
		"xrange|s|-|+|COUNT|5", "xrange|s|(1-1|(5|COUNT", "xrange|s|(18446744073709551615-18446744073709551615|(0-0",
		"xread|COUNT|1|BLOCK|0|STREAMS|a|b|$|0", "xread|BLOCK|9223372036854775807|STREAMS|a|$", "xread|STREAMS", "xread|STREAMS|a",
		"xreadgroup|GROUP|g|c|NOACK|STREAMS|s|>", "xreadgroup|GROUP|g", "xreadgroup|GROUP||",
		"xclaim|s|g|c|0|1-1|IDLE|-9223372036854775808|TIME|5|RETRYCOUNT|9|FORCE|JUSTID|LASTID|9", "xclaim|s|g|c|0|IDLE", "xclaim|s|g|c|x",
		"xautoclaim|s|g|c|0|(5|COUNT|9223372036854775807|JUSTID", "xpending|s|g|IDLE|9|-|+|10|c", "xpending|s|g|IDLE|9|-|",
		"| 7|+7|-7|07-1|7--1|7-+1|1-2-3|\x00|9\x009|-|+|(|(-|18446744073709551616|" + strings.Repeat("1", 128),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var args [][]byte
		for part := range strings.SplitSeq(text, "|") {
			args = append(args, []byte(part))
		}
		for _, a := range args {
			id, ok := parseStrictID(a, 0)
			if loose, okToo := parseStreamID(a, 0); ok && (!okToo || loose != id) {
				t.Errorf("%q is %v, or %v", a, id, loose)
			}
			if start, refusal := parseIntervalStart(a); !refusal.IsError() && len(a) > 1 && a[0] == '(' && start == (store.StreamID{}) {
				t.Errorf("%q begins at the first id", a)
			}
		}
		for _, xadd := range []bool{true, false} {
			o, refusal := parseAdd(args, xadd)
			if !refusal.IsError() && (o.trim.Limit < 0 || o.trims && o.trim.MaxLen < -1 || o.fields < 3 && len(args) > 1) {
				t.Errorf("%q is read as %+v", text, o)
			}
		}
		const now = 1_700_000_000_000
		for _, grouped := range []bool{true, false} {
			o, refusal := parseRead(args, grouped, now)
			if !refusal.IsError() && (len(o.keys) != len(o.ids) || o.count < 0 || o.timeout < 0) {
				t.Errorf("%q is read as %+v", text, o)
			}
		}
		if count, refusal := parseCount(args); !refusal.IsError() && count < -1 {
			t.Errorf("%q counts %d", text, count)
		}
		if o, refusal := parseClaim(args, now); !refusal.IsError() && (o.how.DeliveredMs < 0 || o.how.DeliveredMs > now || o.how.MinIdleMs < 0) {
			t.Errorf("%q is read as %+v", text, o)
		}
		if len(args) >= 6 {
			if count, _, _, refusal := parseAutoclaim(args, now); !refusal.IsError() && (count < 1 || count*claimAttempts < count) {
				t.Errorf("%q claims %d", text, count)
			}
			parseInterval(args[0], args[1])
		}
		if len(args) == 3 || len(args) >= 6 && len(args) <= 9 {
			parsePending(args)
		}
	})
}

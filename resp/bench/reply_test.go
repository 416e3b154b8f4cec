package bench

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// All that two protocols have, with what each reply amounts to.
var streams = []struct {
	wire string
	want []outcome
}{
	{"+OK\r\n", []outcome{answered}},
	{"+\r\n:1\r\n", []outcome{answered, answered}},
	{"-ERR no\r\n+OK\r\n", []outcome{refused, answered}},
	{"$3\r\nabc\r\n$0\r\n\r\n$-1\r\n", []outcome{answered, answered, answered}},
	{"$4\r\n\r\n-E\r\n", []outcome{answered}},
	{"*0\r\n*-1\r\n*2\r\n$1\r\na\r\n:5\r\n", []outcome{answered, answered, answered}},
	{"*2\r\n*2\r\n+a\r\n*0\r\n*1\r\n-ERR inside\r\n+OK\r\n", []outcome{answered, answered}},
	{"_\r\n#t\r\n,1.5\r\n(12345678901234567890\r\n=5\r\ntxt:a\r\n", []outcome{answered, answered, answered, answered, answered}},
	{"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n~1\r\n+c\r\n%0\r\n", []outcome{answered, answered, answered}},
	{">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n+OK\r\n", []outcome{pushed, answered}},
	{"|1\r\n+ttl\r\n:1\r\n*1\r\n+a\r\n+OK\r\n", []outcome{answered, answered}},
	{"!5\r\nERR x\r\n", []outcome{refused}},
}

func TestRepliesAreCountedHoweverTheyAreCut(t *testing.T) {
	for _, test := range streams {
		for try := range 50 {
			var s scanner
			var got []outcome
			for data := []byte(test.wire); len(data) > 0; {
				piece := data
				if try > 0 {
					piece = data[:1+rand.IntN(len(data))]
				}
				data = data[len(piece):]
				for len(piece) > 0 {
					n, what, err := s.next(piece)
					if err != nil {
						t.Fatalf("%q: %v", test.wire, err)
					}
					if piece = piece[n:]; what != unfinished {
						got = append(got, what)
					}
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("%q: %v, want %v", test.wire, got, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Fatalf("%q: %v, want %v", test.wire, got, test.want)
				}
			}
		}
	}
}

func TestWhatIsNoReplyIsAnError(t *testing.T) {
	for wire, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n":     `Error: Protocol error, got "H" as reply type byte`,
		"\r\n":                             "Error: Protocol error",
		"$x\r\n":                           "Error: Protocol error",
		"*-2\r\n":                          "Error: Protocol error",
		"*9223372036854775807\r\n":         "Error: Protocol error",
		"$99999999999\r\n":                 "Error: Protocol error",
		strings.Repeat("+", longestLine+2): "Error: Protocol error, a line of more than",
	} {
		var s scanner
		_, _, err := s.next([]byte(wire))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", wire, err, want)
		}
	}
}

func FuzzReplies(f *testing.F) {
	for _, test := range streams {
		f.Add([]byte(test.wire), uint8(3))
	}
	f.Fuzz(func(t *testing.T, wire []byte, cut uint8) {
		count := func(size int) (replies int, failed bool) {
			var s scanner
			for len(wire) > 0 && !failed {
				piece := wire[:min(size, len(wire))]
				rest := wire[len(piece):]
				for len(piece) > 0 {
					n, what, err := s.next(piece)
					if err != nil {
						return replies, true
					}
					if n == 0 {
						t.Fatal("nothing is taken")
					}
					if piece = piece[n:]; what != unfinished {
						replies++
					}
				}
				defer func(all []byte) { wire = all }(wire)
				wire = rest
			}
			return replies, false
		}
		whole, wrong := count(max(len(wire), 1))
		cutUp, wrongToo := count(int(cut) + 1)
		if whole != cutUp || wrong != wrongToo {
			t.Errorf("%q: whole %d, %v; cut %d, %v", wire, whole, wrong, cutUp, wrongToo)
		}
	})
}

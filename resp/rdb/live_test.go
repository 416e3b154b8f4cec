package rdb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// randomString is one of those that are encoded in different ways.
func randomString(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return strconv.Itoa(r.IntN(300) - 150)
	case 1:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 2:
		return noise(r.IntN(80))
	case 3:
		return strings.Repeat(string(rune('a'+r.IntN(3))), r.IntN(70))
	case 4:
		return words(r.IntN(5000))
	case 5: // three letters: many short matches
		b := make([]byte, r.IntN(600))
		for i := range b {
			b[i] = byte('a' + r.IntN(3))
		}
		return string(b)
	}
	return words(r.IntN(40))
}

func randomScore(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		return float64(r.IntN(100) - 50)
	case 1:
		return float64(int64(r.Uint64()) >> r.IntN(64))
	case 2:
		return r.NormFloat64() * math.Pow(10, float64(r.IntN(40)-20))
	}
	for {
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && f != 0 {
			return f
		}
	}
}

func randomValue(r *rand.Rand) *Value {
	n := 1 + r.IntN(1<<r.IntN(9))
	distinct := func(n int) []string {
		var ss []string
		for seen := map[string]bool{}; len(ss) < n; {
			if s := randomString(r); !seen[s] {
				seen[s] = true
				ss = append(ss, s)
			}
		}
		return ss
	}
	switch r.IntN(7) {
	case 0, 1:
		s := randomString(r)
		for range r.IntN(20) {
			s += randomString(r)
		}
		return &Value{Kind: String, String: s}
	case 2:
		var ss []string
		for range n {
			ss = append(ss, randomString(r))
		}
		return &Value{Kind: List, Elements: ss}
	case 3:
		return &Value{Kind: Set, Elements: distinct(n)}
	case 4:
		v := &Value{Kind: ZSet}
		for _, name := range distinct(n) {
			v.Members = append(v.Members, Member{name, randomScore(r)})
		}
		return v
	case 5:
		v := &Value{Kind: Hash}
		for _, field := range distinct(n) {
			v.Elements = append(v.Elements, field, randomString(r))
		}
		return v
	}
	return &Value{Kind: Stream, Stream: randomStream(r, n)}
}

func randomStream(r *rand.Rand, n int) *StreamValue {
	s := &StreamValue{}
	id := ID{}
	for range n {
		id = ID{id.Ms + uint64(r.IntN(2)*r.IntN(1<<r.IntN(30))), id.Seq + 1 + uint64(r.IntN(3))}
		e := Entry{ID: id}
		for i := range 1 + r.IntN(3) {
			e.Fields = append(e.Fields, fmt.Sprintf("field%d", i+r.IntN(2)*r.IntN(2)), randomString(r))
		}
		s.Entries = append(s.Entries, e)
	}
	s.Last, s.Added = id, int64(n)
	return s
}

func (r *redis) fillStream(s *StreamValue) {
	for _, e := range s.Entries {
		r.must(append([]string{"XADD", "k", fmt.Sprintf("%d-%d", e.ID.Ms, e.ID.Seq)}, e.Fields...)...)
	}
}

func TestRandomValuesHaveTheBytesOfALiveRedisAndMoveBothWays(t *testing.T) {
	r := liveRedis(t, "what values are in a live Redis's bytes")
	for i := range 3000 {
		v := randomValue(testrand.New(t, uint64(i)))
		r.must("FLUSHALL")
		if r.fill(v); v.Kind == Stream {
			r.fillStream(v.Stream)
		}
		theirs := r.must("DUMP", "k")
		encoding := r.must("OBJECT", "ENCODING", "k")
		o := defaults
		o.Compact = encoding == "listpack" || encoding == "intset"
		back, err := Decode([]byte(theirs), Limits{})
		if err != nil || !sameValue(back, v) {
			t.Fatalf("%d: %s: decoded as %.300q, %v; it is %.300q", i, encoding, fmt.Sprint(deref(back)), err, fmt.Sprint(deref(v)))
		}
		ours := string(Encode(v, o))
		if encoding != "hashtable" && ours != theirs {
			t.Fatalf("%d: %s: encoded as\n%.600x, Redis has\n%.600x", i, encoding, ours, theirs)
		}
		r.must("RESTORE", "k", "0", ours, "REPLACE")
		again, err := Decode([]byte(r.must("DUMP", "k")), Limits{})
		if err != nil || !sameValue(again, v) {
			t.Fatalf("%d: %s: Redis made %.300q of it, %v", i, encoding, fmt.Sprint(again), err)
		}
	}
}

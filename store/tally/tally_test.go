package tally

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

func TestPrefixesEndAtTheFirstAndTheSecondColon(t *testing.T) {
	long := strings.Repeat("x", LongestPrefix)
	for _, test := range []struct{ name, first, second string }{
		{"", "", ""},
		{"name", "", ""},
		{"user:1", "user:", "user:"},
		{"user:1:name", "user:", "user:1:"},
		{"user:1:a:b", "user:", "user:1:"},
		{":", ":", ":"},
		{"::", ":", "::"},
		{"\xff\x00:\n:", "\xff\x00:", "\xff\x00:\n:"},
		{long + ":a", "", ""},
		{long[1:] + ":a", long[1:] + ":", long[1:] + ":"},
		{"a:" + long + ":b", "a:", "a:"},
	} {
		first, second := Prefixes(test.name)
		if first != test.first || second != test.second || FirstOf(second) != first {
			t.Errorf("%q: %q %q, its first %q", test.name, first, second, FirstOf(second))
		}
	}
}

// play has events come at a rate, and returns what the clock makes of them.
func play(c *Clock, f *Flows, events, perSecond int, name func(int) string) {
	for i := range events {
		f.Counts[Hit]++
		if c.Left--; c.Left < 0 {
			f.Note(Hit, name(i), c.Pick(int64(i)*1000/int64(perSecond)))
		}
	}
}

func TestEventsAreExactWhileTheyAreFew(t *testing.T) {
	f, c := NewFlows(1, 64), Clock{}
	play(&c, f, 5000, exactEvents/2, func(i int) string { return fmt.Sprintf("p%d:%d", i%7, i) })
	first, _ := f.Lines()
	sum := int64(0)
	for _, l := range first {
		if n := l.Counts[Hit]; n < 5000/7 || n > 5000/7+1 || l.Missed != 0 {
			t.Errorf("%q: %+v", l.Prefix, l)
		}
		sum += l.Counts[Hit]
	}
	if len(first) != 7 || sum != 5000 {
		t.Errorf("%d prefixes, %d events", len(first), sum)
	}
}

func TestManyEventsAreEstimatedAndTheirSumIsExact(t *testing.T) {
	const events = 2_000_000
	f, c := NewFlows(1, 64), Clock{}
	r := testrand.New(t, 1)
	play(&c, f, events, 100_000_000, func(int) string { return []string{"most:", "most:", "most:", "some:"}[r.IntN(4)] + "x" })
	first, _ := f.Lines()
	sum := int64(0)
	for _, l := range first {
		share := map[string]float64{"most:": 0.75, "some:": 0.25}[l.Prefix]
		// Some 8 standard deviations of the sample's.
		if off := math.Abs(float64(l.Counts[Hit])/(events*share) - 1); off > 8*math.Sqrt(2*meanGap/(events*share)) {
			t.Errorf("%q is off by %.3f: %d", l.Prefix, off, l.Counts[Hit])
		}
		sum += l.Counts[Hit]
	}
	if sum > events || sum < events-2*meanGap {
		t.Errorf("%d of %d events", sum, events)
	}
}

func TestWhatAnUndoneCommandHasLookedUpCountsOnce(t *testing.T) {
	f, c := NewFlows(1, 64), Clock{}
	look := func() {
		if c.Left--; c.Left < 0 {
			f.Note(Hit, "a:1", c.Pick(1))
		}
	}
	for range exactEvents + 10 {
		look()
	}
	before := c
	c.Left--
	if c.Left < 0 {
		c.Pick(1)
	}
	c = before
	for range 10 * meanGap {
		look()
	}
	first, _ := f.Lines()
	if n := first[0].Counts[Hit]; n > exactEvents+10+10*meanGap || n < exactEvents+10+8*meanGap {
		t.Errorf("%d events", n)
	}
}

func TestPrefixesWithoutEndTakeBoundedRoomAndTheHeavyOnesStay(t *testing.T) {
	const most = 128
	f := NewFlows(1, most)
	census := NewCensus(1024)
	for i := range 100_000 {
		f.Note(Set, fmt.Sprintf("hostile%d:%d", i, i), 1)
		if i%10 == 0 {
			f.Note(Hit, "heavy:x", 1)
		}
		census.Put(int64(i+1), 100, 1, fmt.Sprintf("hostile%d:%d", i, i))
	}
	first, second := f.Lines()
	if len(first) != most || len(second) != most || census.Len() > 1024 || census.Len() < 256 {
		t.Fatalf("%d, %d prefixes, %d keys", len(first), len(second), census.Len())
	}
	heavy := slices.IndexFunc(first, func(l Line) bool { return l.Prefix == "heavy:" })
	if heavy < 0 {
		t.Fatal("the prefix with most events is not there")
	}
	l := first[heavy]
	if n := l.Counts[Hit]; n > 10_000 || n+l.Missed < 10_000 {
		t.Errorf("%d hits, %d missed at most, of 10,000", n, l.Missed)
	}
	sample := census.Sample()
	all, _, _ := sample.Shares(1)
	if off := math.Abs(all.Keys/100_000 - 1); off > 8/math.Sqrt(256) {
		t.Errorf("%v keys", all.Keys)
	}
}

// The census of keys that are left is as if the others had never been, but for its rate.
func TestACensusFollowsLifeAndDeath(t *testing.T) {
	r := testrand.New(t, 2)
	c, size := NewCensus(512), map[int64]int64{}
	for step := range 200_000 {
		id := r.Int64N(20_000) + 1
		switch r.IntN(3) {
		case 0:
			c.Delete(id)
			delete(size, id)
		default:
			bytes := r.Int64N(2000)
			if id%997 == 0 {
				bytes = Large + r.Int64N(50*Large)
			}
			c.Put(id, bytes, int64(step), fmt.Sprintf("p%d:%d", id%3, id))
			size[id] = bytes
		}
		if c.Len() > 512 {
			t.Fatal("too many keys")
		}
	}
	for id, bytes := range size {
		if c.wants(id, bytes) != c.Has(id) {
			t.Fatalf("key %d of %d bytes: wanted %v, there %v", id, bytes, c.wants(id, bytes), c.Has(id))
		}
		if c.Has(id) && bytes < Large && !c.Concerns(id) {
			t.Fatalf("key %d would not be found", id)
		}
	}
	for _, k := range c.keys {
		if size[k.ID] != k.Bytes {
			t.Fatalf("key %d has %d bytes, the census %d", k.ID, size[k.ID], k.Bytes)
		}
	}
	for id := range size {
		c.Delete(id)
	}
	if c.Len() != 0 || len(c.at) != 0 {
		t.Errorf("%d keys are left of none", c.Len())
	}
}

func TestAFewLargeKeysAreSeenAmongManySmallOnes(t *testing.T) {
	c := NewCensus(8192)
	bytes := 0.0
	for id := int64(1); id <= 1_000_000; id++ {
		name, size := fmt.Sprintf("small:%d", id), int64(150)
		if id%100_000 == 0 {
			name, size = fmt.Sprintf("large:%d", id), 40<<20
			bytes += float64(size)
		}
		c.Put(id, size, 1, name)
	}
	sample := c.Sample()
	_, first, _ := sample.Shares(1)
	if large := first["large:"]; large == nil || large.Bytes != bytes || large.Keys != 10 {
		t.Errorf("large: %+v", large)
	}
	if small := first["small:"]; math.Abs(small.Bytes/(150*999_990)-1) > 8/math.Sqrt(4096) {
		t.Errorf("small: %+v", small)
	}
	c.Put(100_000, 100, 1, "large:") // one of them becomes small
	if c.Has(100_000) && !c.wants(100_000, 100) {
		t.Error("it stays")
	}
}

func TestStatisticsOutlastTheirEncoding(t *testing.T) {
	f, c := NewFlows(77, 16), NewCensus(256)
	for i := range 1000 {
		name := fmt.Sprintf("\xff%d:\x00%d:x", i%30, i%3)
		f.Counts[Kind(i)%Kinds]++
		f.Note(Kind(i)%Kinds, name, 1)
		c.Put(int64(i+1), int64(i), int64(i), name)
	}
	f.Gone(Expire, 5000, 2)
	b, changed := f.Encode()
	if _, again := f.Encode(); !changed || again {
		t.Error("what has changed is not known")
	}
	g := NewFlows(99, 16)
	if err := g.Restore(string(b)); err != nil {
		t.Fatal(err)
	}
	wantFirst, wantSecond := f.Lines()
	first, second := g.Lines()
	for _, lines := range [][]Line{wantFirst, wantSecond, first, second} {
		sortLines(lines)
	}
	if g.All() != f.Counts || g.Since != 77 || g.Expired.Millis/g.Expired.Keys != 5000 || !slices.Equal(first, wantFirst) || !slices.Equal(second, wantSecond) {
		t.Errorf("got %+v\nwant %+v", g, f)
	}
	head, parts := c.Changes()
	if again, _ := c.Changes(); len(parts) != Parts || again != nil {
		t.Errorf("%d parts have changed", len(parts))
	}
	texts := make([]string, Parts)
	for i, p := range parts {
		texts[i] = string(p)
	}
	d, err := RestoreCensus(256, string(head), texts)
	if err != nil || d.Len() != c.Len() {
		t.Fatalf("%d keys, %v; want %d", d.Len(), err, c.Len())
	}
	for _, k := range c.keys {
		if d.keys[d.at[k.ID]] != k {
			t.Errorf("%+v", k)
		}
	}
	if smaller, err := RestoreCensus(64, string(head), texts); err != nil || smaller.Len() > 64 {
		t.Errorf("%d keys, %v", smaller.Len(), err)
	}
}

func FuzzKeptStatistics(f *testing.F) {
	flows, census := NewFlows(1, 4), NewCensus(8)
	for i := range 20 {
		flows.Counts[Hit]++
		flows.Note(Hit, fmt.Sprintf("a%d:b", i), 1)
		census.Put(int64(i), 10, 1, "a:b")
	}
	b, _ := flows.Encode()
	head, parts := census.Changes()
	f.Add(string(b), string(head), string(parts[0]))
	f.Fuzz(func(t *testing.T, flows, head, part string) {
		into := NewFlows(1, 4)
		if err := into.Restore(flows); err == nil {
			if first, second := into.Lines(); len(first) > 4 || len(second) > 4 {
				t.Error("too many prefixes")
			}
		}
		if c, err := RestoreCensus(8, head, []string{part}); err == nil && c.Len() > 8 {
			t.Error("too many keys")
		}
	})
}

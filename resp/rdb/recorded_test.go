package rdb

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const recordedFile = "testdata/redis-7.0.15.txt"

// defaults are Redis's settings.
var defaults = Options{Compress: true, Compact: true, ListNode: -2, StreamNodeBytes: 4096, StreamNodeEntries: 100}

// A recordedCase is a value that redis-server has dumped.
type recordedCase struct {
	name     string
	value    *Value
	commands string   // that make the key k, a command a line; "" = those that follow from the value
	config   []string // name, value ...
	options  Options
	unlike   bool // the bytes depend on Redis's hash order
}

func recordedCases() []recordedCase {
	table := defaults
	table.Compact = false
	var cases []recordedCase
	add := func(name string, v *Value) *recordedCase {
		cases = append(cases, recordedCase{name: name, value: v, options: defaults})
		return &cases[len(cases)-1]
	}
	for _, s := range []string{"", "a", "0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769", "2147483647",
		"2147483648", "-2147483648", "-2147483649", "00", "-0", "+1", " 1", "12345678901", "9223372036854775807", "\x00\xff"} {
		add(fmt.Sprintf("string %q", s), &Value{Kind: String, String: s})
	}
	for _, n := range []int{20, 21, 40, 63, 64, 300, 20000, 100000} {
		add(fmt.Sprintf("string %d a", n), &Value{Kind: String, String: strings.Repeat("a", n)})
		add(fmt.Sprintf("string %d words", n), &Value{Kind: String, String: words(n)})
		add(fmt.Sprintf("string %d noise", n), &Value{Kind: String, String: noise(min(n, 300))})
	}
	uncompressed := add("string uncompressed", &Value{Kind: String, String: words(200)})
	uncompressed.config, uncompressed.options.Compress = []string{"rdbcompression", "no"}, false

	mixed := []string{"a", "", "1", "-1", "127", "128", "4095", "4096", "-4096", "-4097", "32768", "-32769", "8388607", "8388608",
		"2147483648", "-9223372036854775808", "007", "-0", words(63), words(64), noise(300), words(4095), words(4096)}
	add("list small", &Value{Kind: List, Elements: mixed[:9]})
	add("list mixed", &Value{Kind: List, Elements: mixed})
	add("list of nodes", &Value{Kind: List, Elements: numbered(5000, "element ")})
	add("list of integers", &Value{Kind: List, Elements: numbered(3000, "")})
	add("list with long elements", &Value{Kind: List, Elements: []string{"a", words(9000), "b", words(8180), "c", noise(8192)}})
	three := add("list of three a node", &Value{Kind: List, Elements: numbered(10, "x")})
	three.config, three.options.ListNode = []string{"list-max-listpack-size", "3"}, 3

	add("intset 16", &Value{Kind: Set, Elements: []string{"-32768", "0", "7", "32767"}})
	add("intset 32", &Value{Kind: Set, Elements: []string{"-32769", "2147483647"}})
	add("intset 64", &Value{Kind: Set, Elements: []string{"-9223372036854775808", "1", "2147483648"}})
	add("intset long", &Value{Kind: Set, Elements: numbered(500, "")})
	add("set", &Value{Kind: Set, Elements: mixed}).unlike = true
	add("set of one", &Value{Kind: Set, Elements: []string{"member"}})

	members := []Member{{"-inf", math.Inf(-1)}, {"-1.5", -1.5}, {"-0", math.Copysign(0, -1)}, {"zero", 0}, {"0.1", 0.1}, {"one", 1},
		{"third", 1.0 / 3}, {"1e15", 1e15}, {"2^52", 1 << 52}, {"2^53", 1<<53 + 2}, {"1e17", 1e17}, {"1.5e300", 1.5e300}, {"inf", math.Inf(1)}}
	small := slices.Clone(members)
	small[3] = Member{"5e-324", 5e-324}
	add("zset listpack", &Value{Kind: ZSet, Members: small})
	skiplist := add("zset skiplist", &Value{Kind: ZSet, Members: small})
	skiplist.config, skiplist.options = []string{"zset-max-listpack-entries", "0"}, table

	add("hash listpack", &Value{Kind: Hash, Elements: mixed[:18]})
	one := add("hash table of one", &Value{Kind: Hash, Elements: []string{"field", "value"}})
	one.config, one.options = []string{"hash-max-listpack-entries", "0"}, table
	big := add("hash table", &Value{Kind: Hash, Elements: numbered(1200, "f")})
	big.options, big.unlike = table, true
	return append(cases, streamCases()...)
}

func streamCases() []recordedCase {
	stream := func(name string, s StreamValue, commands ...string) recordedCase {
		return recordedCase{name: name, value: &Value{Kind: Stream, Stream: &s}, commands: strings.Join(commands, "\n"), options: defaults}
	}
	entries := []Entry{{ID{1, 1}, []string{"a", "1", "b", "x"}}, {ID{1, 2}, []string{"a", "2", "b", "y"}}, {ID{5, 0}, []string{"c", "3"}}, {ID{1 << 40, 7}, []string{"a", "", "b", "-5"}}}
	adds := []string{"XADD k 1-1 a 1 b x", "XADD k 1-2 a 2 b y", "XADD k 5-0 c 3", "XADD k 1099511627776-7 a \"\" b -5"}
	last := ID{1 << 40, 7}
	many, manyAdds := StreamValue{Last: ID{999, 1}, Added: 999}, []string(nil)
	for i := 1; i < 1000; i++ {
		e := Entry{ID{uint64(i), 1}, []string{"field", words(i % 60), "other", strconv.Itoa(i * i)}}
		many.Entries = append(many.Entries, e)
		manyAdds = append(manyAdds, fmt.Sprintf("XADD k %d-1 field %q other %d", i, e.Fields[1], i*i))
	}
	grouped := []Group{
		{Name: "g", Last: ID{5, 0}, Read: 3, Consumers: []Consumer{{"alice", 1, 1}, {"bob", 1, 1}},
			Pending: []Pending{{ID{1, 1}, 0, 12345, 3}, {ID{1, 2}, 0, 1, 1}, {ID{5, 0}, 1, 1, 1}}},
		{Name: "none", Read: -1},
	}
	deleted := stream("stream with deleted entries", StreamValue{Entries: entries[2:], Last: last, MaxDeleted: ID{1, 2}, Added: 4}, append(adds, "XDEL k 1-1 1-2")...)
	deleted.unlike = true
	return []recordedCase{
		stream("stream", StreamValue{Entries: entries, Last: last, Added: 4}, adds...),
		stream("stream of nodes", many, manyAdds...),
		deleted,
		stream("stream empty", StreamValue{Last: ID{5, 6}, MaxDeleted: ID{5, 6}, Added: 1}, "XADD k 5-6 a b", "XDEL k 5-6"),
		stream("stream never filled", StreamValue{Groups: []Group{{Name: "1", Last: ID{}, Read: 0}}}, "XGROUP CREATE k 1 $ MKSTREAM ENTRIESREAD 0"),
		stream("stream with groups", StreamValue{Entries: entries, Last: last, Added: 4, Groups: grouped}, append(adds,
			"XGROUP CREATE k none 0", "XGROUP CREATE k g 0", "XREADGROUP GROUP g alice COUNT 2 STREAMS k >", "XREADGROUP GROUP g bob COUNT 1 STREAMS k >",
			"XCLAIM k g alice 0 1-1 TIME 12345 RETRYCOUNT 3 JUSTID")...),
	}
}

// words is n bytes of text that compresses, noise n bytes that do not.
func words(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString([]string{"the ", "disk ", "holds ", "values ", "a key ", strconv.Itoa(r.IntN(100)), ", "}[r.IntN(7)])
	}
	return b.String()[:n]
}

func noise(n int) string {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func numbered(n int, prefix string) []string {
	ss := make([]string, n)
	for i := range ss {
		ss[i] = prefix + strconv.Itoa(i)
	}
	return ss
}

// fill makes the key k of a value.
func (r *redis) fill(v *Value) {
	r.t.Helper()
	switch v.Kind {
	case String:
		r.must("SET", "k", v.String)
	case List:
		r.must(append([]string{"RPUSH", "k"}, v.Elements...)...)
	case Set:
		r.must(append([]string{"SADD", "k"}, v.Elements...)...)
	case Hash:
		r.must(append([]string{"HSET", "k"}, v.Elements...)...)
	case ZSet:
		for _, m := range v.Members {
			r.must("ZADD", "k", strconv.FormatFloat(m.Score, 'g', -1, 64), m.Name)
		}
	}
}

func (r *redis) dump(c recordedCase) string {
	r.must("FLUSHALL")
	for i := 0; i < len(c.config); i += 2 {
		before := strings.Split(r.must("CONFIG", "GET", c.config[i]), "\n")[1]
		r.must("CONFIG", "SET", c.config[i], c.config[i+1])
		defer r.must("CONFIG", "SET", c.config[i], before)
	}
	if c.commands == "" {
		r.fill(c.value)
	}
	for line := range strings.Lines(c.commands) {
		r.must(fields(line)...)
	}
	return r.must("DUMP", "k")
}

// fields splits a line at its spaces; words in quotes are Go's.
func fields(line string) (ss []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if quoted, err := strconv.QuotedPrefix(line); err == nil {
			s, _ := strconv.Unquote(quoted)
			ss, line = append(ss, s), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		ss, line = append(ss, word), rest
	}
	return ss
}

// recorded returns the payloads that redis-server dumped, by name.
func recorded(t testing.TB) map[string]string {
	if rt, ok := t.(*testing.T); ok && *recordFlag && !wasRecorded {
		record(rt)
		wasRecorded = true
	}
	b, err := os.ReadFile(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	payloads := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, digits, _ := strings.Cut(strings.TrimSpace(line), ": ")
		payload, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		payloads[name] = string(payload)
	}
	return payloads
}

var wasRecorded bool

func record(t *testing.T) {
	r := startRedis(t)
	var b bytes.Buffer
	b.WriteString("# What redis-server 7.0.15 dumps for the cases of recorded_test.go: go test ./resp/rdb -run TestRecorded -record\n")
	for _, c := range recordedCases() {
		fmt.Fprintf(&b, "%s: %x\n", c.name, r.dump(c))
	}
	if err := os.WriteFile(recordedFile, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// comparable brings a value into a form that reflect.DeepEqual can compare: without order where there is none, and
// without the times of the recording.
func comparable(v *Value) *Value {
	c := *v
	switch v.Kind {
	case Set:
		c.Elements = slices.Sorted(slices.Values(v.Elements))
	case ZSet:
		c.Members = slices.Clone(v.Members)
		slices.SortFunc(c.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	case Hash:
		c.Elements, c.Times = nil, nil
		for i := 0; i < len(v.Elements); i += 2 {
			at := int64(0)
			if v.Times != nil {
				at = v.Times[i/2]
			}
			c.Elements = append(c.Elements, fmt.Sprintf("%q %q %d", v.Elements[i], v.Elements[i+1], at))
		}
		slices.Sort(c.Elements)
	case Stream:
		s := *v.Stream
		s.Groups = nil
		for _, g := range v.Stream.Groups {
			s.Groups = append(s.Groups, comparableGroup(g))
		}
		slices.SortFunc(s.Groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
		c.Stream = &s
	}
	return &c
}

func comparableGroup(g Group) Group {
	names := make([]string, len(g.Consumers))
	for i, c := range g.Consumers {
		names[i] = c.Name
	}
	sorted := slices.Sorted(slices.Values(names))
	g.Consumers, g.Pending = make([]Consumer, len(names)), slices.Clone(g.Pending)
	for i, name := range sorted {
		g.Consumers[i] = Consumer{name, 1, 1}
	}
	for i, p := range g.Pending {
		g.Pending[i].Consumer, _ = slices.BinarySearch(sorted, names[p.Consumer])
		if p.DeliveredMs > 1e12 {
			g.Pending[i].DeliveredMs = 1
		}
	}
	return g
}

func sameValue(a, b *Value) bool {
	return reflect.DeepEqual(comparable(a), comparable(b))
}

func deref(v *Value) any {
	if v.Stream != nil {
		return *v.Stream
	}
	return *v
}

func TestRecordedPayloadsOfRedisDecodeToWhatWasStored(t *testing.T) {
	payloads := recorded(t)
	for _, c := range recordedCases() {
		payload, ok := payloads[c.name]
		if !ok {
			t.Fatalf("%s is not in %s", c.name, recordedFile)
		}
		v, err := Decode([]byte(payload), Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !sameValue(v, c.value) {
			t.Errorf("%s: got %.300q, want %.300q", c.name, fmt.Sprint(deref(comparable(v))), fmt.Sprint(deref(comparable(c.value))))
		}
	}
}

func TestRecordedValuesEncodeToTheBytesOfRedis(t *testing.T) {
	payloads := recorded(t)
	for _, c := range recordedCases() {
		v, err := Decode([]byte(payloads[c.name]), Limits{})
		if err != nil {
			continue // the test above says so
		}
		if v.Kind != Stream {
			v = c.value // without the order that decoding gave
		}
		got := string(Encode(v, c.options))
		if !c.unlike && got != payloads[c.name] {
			t.Errorf("%s: encoded as\n%.400x, Redis has\n%.400x", c.name, got, payloads[c.name])
		}
		back, err := Decode([]byte(got), Limits{})
		if err != nil || !sameValue(back, c.value) {
			t.Errorf("%s: decodes to %.300q, %v", c.name, fmt.Sprint(back), err)
		}
	}
}

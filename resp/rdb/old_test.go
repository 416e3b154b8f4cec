package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// part is a piece of a payload in the making.
type part = string

func payloadOf(t byte, parts ...part) string {
	return string(seal([]byte(string([]byte{t})+strings.Join(parts, "")), version))
}

// blob is a string as it is.
func blob(s string) part {
	var w writer
	w.blob([]byte(s))
	return string(w.b)
}

func lzf(s string) part {
	w := writer{Options: Options{Compress: true}}
	w.blob([]byte(s))
	return string(w.b)
}

func number(n uint64) part {
	var w writer
	w.length(n)
	return string(w.b)
}

func millis(ms int64) part { return string(binary.LittleEndian.AppendUint64(nil, uint64(ms))) }

func rawID(ms, seq uint64) part {
	return string(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, ms), seq))
}

// listpack makes one of strings and integers.
func listpack(elements ...any) string {
	var w listpackWriter
	w.reset()
	for _, e := range elements {
		switch e := e.(type) {
		case int:
			w.integer(int64(e))
		case int64:
			w.integer(e)
		case string:
			w.string(e)
		}
	}
	return string(w.finish())
}

// ziplist makes one of elements, each an encoding with its data.
func ziplist(elements ...string) string {
	body, before, last := "", 0, ziplistHeader
	for _, e := range elements {
		last = ziplistHeader + len(body)
		entry := string([]byte{byte(before)}) + e
		if before >= longLength {
			entry = "\xfe" + string(binary.LittleEndian.AppendUint32(nil, uint32(before))) + e
		}
		body += entry
		before = len(entry)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(ziplistHeader+len(body)+1))
	b = binary.LittleEndian.AppendUint32(b, uint32(last))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(elements)))
	return string(b) + body + "\xff"
}

// oldCase is a payload with an encoding that Redis 7.0 does not write, or seldom.
type oldCase struct {
	name    string
	payload string
	value   *Value
	newer   bool // Redis 7.0 does not know it
}

func oldCases() []oldCase {
	long := words(300)
	s300 := "\x41\x2c" + long
	ints := ziplist("\xf1", "\xfd", "\xfe\x80", "\xc0\x00\x80", "\xf0\x00\x00\x80", "\xd0\x00\x00\x00\x80", "\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
		s300, "\x01a", "\x00", "\x80\x00\x00\x00\x02hi")
	intTexts := []string{"0", "12", "-128", "-32768", "-8388608", "-2147483648", "-9223372036854775808", long, "a", "", "hi"}
	pairs := []string{"f", "1", "g", "v"}
	pairZiplist := ziplist("\x01f", "\xf2", "\x01g", "\x01v")
	scores := []Member{{"f", 1}, {"g", -0.5}, {"h", math.Inf(1)}}
	list := func(ss ...string) *Value { return &Value{Kind: List, Elements: ss} }
	hash := &Value{Kind: Hash, Elements: pairs}
	timed := &Value{Kind: Hash, Elements: []string{"f", "1", "g", "v", "h", "w"}, Times: []int64{0, 2000, 2500}}
	zset := &Value{Kind: ZSet, Members: scores}
	return append([]oldCase{
		{"list of strings", payloadOf(typeList, number(4), blob("a"), blob(""), "\xc0\x80", lzf(long)), list("a", "", "-128", long), false},
		{"list with 16 and 32 bit integers", payloadOf(typeList, number(2), "\xc1\x00\x80", "\xc2\x00\x00\x00\x80"), list("-32768", "-2147483648"), false},
		{"list with 32 and 64 bit lengths", payloadOf(typeList, "\x80\x00\x00\x00\x02", "\x81\x00\x00\x00\x00\x00\x00\x00\x01a", "\x40\x01b"), list("a", "b"), false},
		{"list ziplist", payloadOf(typeListZiplist, blob(ints)), list(intTexts...), false},
		{"list ziplist compressed", payloadOf(typeListZiplist, lzf(ints)), list(intTexts...), false},
		{"quicklist of ziplists", payloadOf(typeListQuicklist, number(3), lzf(ints), blob(ziplist()), blob(pairZiplist)), list(append(intTexts, pairs...)...), false},
		{"quicklist with plain nodes", payloadOf(typeListQuicklist2, number(3), number(plainNode), blob("plain"), number(packedNode), blob(listpack("a", 1)), number(plainNode), lzf(long)),
			list("plain", "a", "1", long), false},
		{"zset with text scores", payloadOf(typeZSet, number(3), blob("f"), "\x011", blob("g"), "\x04-0.5", blob("h"), "\xfe"), zset, false},
		{"zset with text scores below", payloadOf(typeZSet, number(1), blob("f"), "\xff"), &Value{Kind: ZSet, Members: []Member{{"f", math.Inf(-1)}}}, false},
		{"zset ziplist", payloadOf(typeZSetZiplist, blob(ziplist("\x01g", "\x04-0.5", "\x01f", "\xf2", "\x01h", "\x03inf"))), zset, false},
		{"hash ziplist", payloadOf(typeHashZiplist, blob(pairZiplist)), hash, false},
		{"hash zipmap", payloadOf(typeHashZipmap, blob("\x02\x01f\x01\x001\x01g\x01\x03v...\xff")), hash, false},
		{"hash zipmap uncounted", payloadOf(typeHashZipmap, blob("\xfe\xfe\x2c\x01\x00\x00"+long+"\x01\x001\xff")), &Value{Kind: Hash, Elements: []string{long, "1"}}, false},
		{"set listpack", payloadOf(typeSetListpack, blob(listpack("a", 5, long))), &Value{Kind: Set, Elements: []string{"a", "5", long}}, true},
		{"hash with field times", payloadOf(typeHashTimes, millis(2000), number(3), number(0), blob("f"), blob("1"), number(1), blob("g"), blob("v"), number(501), blob("h"), blob("w")), timed, true},
		{"hash listpack with field times", payloadOf(typeHashTimesPack, millis(2000), blob(listpack("g", "v", 2000, "h", "w", 2500, "f", 1, 0))), timed, true},
		{"hash without field times", payloadOf(typeHashTimesPack, millis(0), blob(listpack("f", 1, 0, "g", "v", 0))), hash, true},
		{"listpack uncounted", payloadOf(typeHashListpack, blob(strings.Replace(listpack("f", 1, "g", "v"), "\x04\x00", "\xff\xff", 1))), hash, false},
		{"listpack with numbers as strings", payloadOf(typeHashListpack, blob("\x0e\x00\x00\x00\x02\x00\x811\x02\x8212\x03\xff")), &Value{Kind: Hash, Elements: []string{"1", "12"}}, false},
	}, oldStreams()...)
}

func oldStreams() []oldCase {
	node := listpack(2, 1, 1, "f", 0, entrySameFields, 0, 0, "v", 4, entrySameFields|entryDeleted, 0, 1, "gone", 4, 0, 7, -1, 2, "a", 1, "b", "", 8)
	entries := []Entry{{ID{10, 5}, []string{"f", "v"}}, {ID{17, 4}, []string{"a", "1", "b", ""}}}
	group := func(consumers string) part {
		return blob("g") + number(10) + number(5) + "%s" + number(1) + rawID(10, 5) + millis(99) + number(2) + consumers
	}
	first := fmt.Sprintf(group(number(1)+blob("c")+millis(1000)+number(1)+rawID(10, 5)), "")
	third := fmt.Sprintf(group(number(2)+blob("c")+millis(1000)+millis(900)+number(1)+rawID(10, 5)+blob("d")+millis(5)+millis(-1)+number(0)), "\x81"+strings.Repeat("\xff", 8))
	pending := []Pending{{ID{10, 5}, 0, 99, 2}}
	body := number(1) + blob(rawID(10, 5)) + blob(node) + number(2) + number(17) + number(4)
	return []oldCase{
		{"stream of Redis 5", payloadOf(typeStream1, body, number(1), first), &Value{Kind: Stream, Stream: &StreamValue{
			Entries: entries, Last: ID{17, 4}, Added: 2,
			Groups: []Group{{"g", ID{10, 5}, 1, []Consumer{{"c", 1000, 1000}}, pending}}}}, false},
		{"stream of Redis 7.2", payloadOf(typeStream3, body, number(10), number(5), number(10), number(6), number(3), number(1), third), &Value{Kind: Stream, Stream: &StreamValue{
			Entries: entries, Last: ID{17, 4}, MaxDeleted: ID{10, 6}, Added: 3,
			Groups: []Group{{"g", ID{10, 5}, -1, []Consumer{{"c", 1000, 900}, {"d", 5, -1}}, pending}}}}, true},
	}
}

func TestOldEncodingsDecode(t *testing.T) {
	for _, c := range oldCases() {
		v, err := Decode([]byte(c.payload), Limits{})
		if err != nil || !sameValue(v, c.value) {
			t.Errorf("%s: got %.300q, %v, want %.300q", c.name, fmt.Sprint(v), err, fmt.Sprint(deref(c.value)))
		}
	}
	v, err := Decode([]byte(oldStreams()[1].payload), Limits{})
	if err != nil || v.Stream.Groups[0].Consumers[0] != (Consumer{"c", 1000, 900}) || v.Stream.Groups[0].Consumers[1] != (Consumer{"d", 5, -1}) {
		t.Errorf("the times of consumers are lost: %v %v", v, err)
	}
}

func TestAHashWithFieldTimesHasTheVersionThatKnowsThem(t *testing.T) {
	v := &Value{Kind: Hash, Elements: []string{"f", "1", "g", "v", "h", "w"}, Times: []int64{0, 2000, 2500}}
	packed := []byte("\x19" + millis(2000) + blob(listpack("g", "v", 2000, "h", "w", 2500, "f", 1, 0)))
	table := []byte("\x18" + millis(2000) + number(3) + number(0) + "\x01f\xc0\x01" + number(1) + "\x01g\x01v" + "\x41\xf5" + "\x01h\x01w")
	for compact, want := range map[bool][]byte{true: seal(packed, 12), false: seal(table, 12)} {
		o := defaults
		o.Compact, o.Compress = compact, false
		if got := Encode(v, o); string(got) != string(want) {
			t.Errorf("encoded as %x, want %x", got, want)
		}
		back, err := Decode(want, Limits{})
		if err != nil || !reflect.DeepEqual(comparable(back), comparable(v)) {
			t.Errorf("%x is read as %v: %v", want, back, err)
		}
	}
	v.Times = nil
	if got := Encode(v, defaults); got[len(got)-footerBytes] != 10 {
		t.Errorf("without times it has version %d", got[len(got)-footerBytes])
	}
}

func TestALiveRedisReadsTheOldEncodingsAlike(t *testing.T) {
	r := liveRedis(t, "that a live Redis reads the old encodings alike")
	for _, c := range oldCases() {
		if c.newer {
			continue
		}
		r.must("FLUSHALL")
		if reply := r.do("RESTORE", "k", "0", c.payload); reply != "OK" {
			t.Errorf("%s: %s", c.name, reply)
			continue
		}
		v, err := Decode([]byte(r.must("DUMP", "k")), Limits{})
		if err != nil || !sameValue(v, c.value) {
			t.Errorf("%s: Redis has %.300q, %v, want %.300q", c.name, fmt.Sprint(v), err, fmt.Sprint(deref(c.value)))
		}
	}
}

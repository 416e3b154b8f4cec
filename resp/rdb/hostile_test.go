package rdb

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// reseal gives a damaged payload a right footer.
func reseal(payload string) []byte {
	return seal([]byte(payload[:len(payload)-footerBytes]), version)
}

// seeds are payloads of every encoding.
func seeds(t testing.TB) (payloads []string) {
	for _, p := range recorded(t) {
		payloads = append(payloads, p)
	}
	for _, c := range oldCases() {
		payloads = append(payloads, c.payload)
	}
	return payloads
}

// mustHold decodes a payload of any kind: it is refused with one of the two errors, or it is a
// value that goes through encoding and decoding unchanged.
func mustHold(t testing.TB, payload []byte) {
	v, err := Decode(payload, Limits{StringBytes: 1 << 20, TotalBytes: 4 << 20})
	if err != nil {
		if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrChecksum) {
			t.Fatalf("%x: unknown error %v", payload, err)
		}
		return
	}
	for _, compact := range []bool{true, false} {
		o := defaults
		o.Compact = compact
		again, err := Decode(Encode(v, o), Limits{})
		if err != nil || !sameValue(again, v) {
			t.Fatalf("%x: %v became %v, %v", payload, deref(v), again, err)
		}
	}
}

func TestEveryDamagedByteAndEveryCutGivesAnErrorOrAValue(t *testing.T) {
	for _, p := range seeds(t) {
		if len(p) > 700 {
			continue
		}
		for i := range len(p) - footerBytes {
			mustHold(t, reseal(p[:i]+p[len(p)-footerBytes:]))
			for _, c := range []byte{0, 1, p[i] + 1, p[i] - 1, p[i] ^ 0x80, 0xfe, 0xff} {
				mustHold(t, reseal(p[:i]+string([]byte{c})+p[i+1:]))
			}
		}
	}
}

func TestAPayloadWithAWrongFooterIsRefused(t *testing.T) {
	good := payloadOf(typeString, blob("value"))
	for i := range good {
		damaged := []byte(good)
		damaged[i] ^= 1
		if _, err := Decode(damaged, Limits{}); !errors.Is(err, ErrChecksum) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for n := range len(good) {
		if _, err := Decode([]byte(good[:n]), Limits{}); !errors.Is(err, ErrChecksum) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for version, want := range map[byte]error{0: nil, 9: nil, 12: nil, 14: nil, 15: ErrChecksum, 79: ErrChecksum, 80: nil, 81: ErrChecksum} {
		b := []byte(good)[:len(good)-8]
		b[len(b)-2] = version
		sum := checksum(b)
		for i := range 8 {
			b = append(b, byte(sum>>(8*i)))
		}
		if _, err := Decode(b, Limits{}); !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
	}
	if got := checksum([]byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("the checksum of 123456789 is %#x", got)
	}
}

// hostilePayloads are structures that lie about themselves.
func hostilePayloads() map[string]string {
	huge := "\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
	lp := func(elements ...any) part { return blob(listpack(elements...)) }
	node := func(elements ...any) part { return number(1) + blob(rawID(1, 1)) + lp(elements...) }
	tail := number(1) + number(9) + number(9)
	one := node(1, 0, 1, "f", 0, entrySameFields, 0, 0, "v", 4) + tail
	pel := blob("g") + number(1) + number(1) + number(1) + rawID(1, 1) + millis(1) + number(1)
	return map[string]string{
		"unknown type":                     payloadOf(8),
		"module":                           payloadOf(7, huge),
		"hash with a deadline too late":    payloadOf(typeHashTimes, millis(1<<47), number(1), number(1<<48), blob("f"), blob("v")),
		"hash with a negative deadline":    payloadOf(typeHashTimesPack, millis(1), lp("f", "v", -1)),
		"hash with a word for a deadline":  payloadOf(typeHashTimesPack, millis(1), lp("f", "v", "w")),
		"nothing":                          string(seal(nil, version)),
		"unknown string encoding":          payloadOf(typeString, "\xc4"),
		"encoding for a length":            payloadOf(typeList, "\xc0\x01"),
		"unknown length":                   payloadOf(typeString, "\x82"),
		"huge string":                      payloadOf(typeString, huge),
		"huge list":                        payloadOf(typeList, huge, blob("a")),
		"huge set":                         payloadOf(typeSet, huge, blob("a")),
		"huge hash":                        payloadOf(typeHash, huge, blob("a")),
		"huge zset":                        payloadOf(typeZSet2, huge, blob("a")),
		"huge quicklist":                   payloadOf(typeListQuicklist2, huge, number(packedNode)),
		"empty list":                       payloadOf(typeList, number(0)),
		"empty set":                        payloadOf(typeSet, number(0)),
		"empty hash":                       payloadOf(typeHashListpack, lp()),
		"empty zset":                       payloadOf(typeZSetZiplist, blob(ziplist())),
		"empty intset":                     payloadOf(typeSetIntset, blob("\x02\x00\x00\x00\x00\x00\x00\x00")),
		"empty nodes":                      payloadOf(typeListQuicklist2, number(1), number(packedNode), lp()),
		"empty plain node":                 payloadOf(typeListQuicklist2, number(1), number(plainNode), blob("")),
		"unknown node":                     payloadOf(typeListQuicklist2, number(1), number(3), lp("a")),
		"half a pair":                      payloadOf(typeHashListpack, lp("f", "v", "g")),
		"field twice":                      payloadOf(typeHashListpack, lp("f", "v", "f", "w")),
		"field twice in a table":           payloadOf(typeHash, number(2), blob("f"), blob("v"), blob("f"), blob("w")),
		"member twice":                     payloadOf(typeSet, number(2), blob("1"), "\xc0\x01"),
		"member twice in a zset":           payloadOf(typeZSetListpack, lp("m", 1, "m", 2)),
		"intset without order":             payloadOf(typeSetIntset, blob("\x02\x00\x00\x00\x02\x00\x00\x00\x05\x00\x05\x00")),
		"intset of three bytes":            payloadOf(typeSetIntset, blob("\x03\x00\x00\x00\x01\x00\x00\x00\x05\x00\x05")),
		"intset too long":                  payloadOf(typeSetIntset, blob("\x02\x00\x00\x00\x01\x00\x00\x00\x05\x00\x06\x00")),
		"intset of 2^32":                   payloadOf(typeSetIntset, blob("\x08\x00\x00\x00\x00\x00\x00\x20\x05\x00\x06\x00\x07\x00\x08\x00")),
		"score not a number":               payloadOf(typeZSetListpack, lp("m", "nan")),
		"score no number":                  payloadOf(typeZSetListpack, lp("m", "one")),
		"score NaN":                        payloadOf(typeZSet, number(1), blob("m"), "\xfd"),
		"compressed size of 1 TB":          payloadOf(typeString, "\xc3", number(3), number(1<<40), "\xe0\xff\x00"),
		"compressed size of nothing":       payloadOf(typeString, "\xc3", number(1), number(0), "\x00"),
		"compressed from before the start": payloadOf(typeString, "\xc3", number(2), number(3), "\x20\x00"),
		"compressed cut":                   payloadOf(typeString, "\xc3", number(1), number(9), "\xe0"),
		"compressed shorter than said":     payloadOf(typeString, "\xc3", number(2), number(2), "\x00a"),
		"listpack with a wrong size":       payloadOf(typeHashListpack, blob(strings.Replace(listpack("f", "v"), "\x0d", "\x0e", 1))),
		"listpack with a wrong count":      payloadOf(typeHashListpack, blob(strings.Replace(listpack("f", "v"), "\x02\x00", "\x03\x00", 1))),
		"listpack with a wrong back":       payloadOf(typeHashListpack, blob(strings.Replace(listpack("f", "v"), "f\x02", "f\x03", 1))),
		"listpack with an end inside":      payloadOf(typeHashListpack, blob(strings.Replace(listpack("f", "v"), "\x81v", "\xffv", 1))),
		"ziplist with a wrong tail":        payloadOf(typeHashZiplist, blob(strings.Replace(ziplist("\x01f", "\x01v"), "\x0d", "\x0a", 1))),
		"ziplist with a wrong length":      payloadOf(typeHashZiplist, blob(strings.Replace(ziplist("\x01f", "\x01v"), "\x03\x01v", "\x02\x01v", 1))),
		"ziplist with an unknown element":  payloadOf(typeHashZiplist, blob(ziplist("\xc1f", "\x01v"))),
		"zipmap cut":                       payloadOf(typeHashZipmap, blob("\x01\x01f\x05\x00v\xff")),
		"zipmap half":                      payloadOf(typeHashZipmap, blob("\x01\x01f\xff")),
		"stream of huge nodes":             payloadOf(typeStream2, huge, blob(rawID(1, 1))),
		"stream node with a short key":     payloadOf(typeStream1, number(1), blob("k"), lp(0, 0, 1, "f", 0), tail, number(0)),
		"stream node with huge counts":     payloadOf(typeStream1, node(int64(1<<62), int64(1<<62), 1, "f", 0), tail, number(0)),
		"stream node with negative counts": payloadOf(typeStream1, node(-1, 1, 1, "f", 0), tail, number(0)),
		"stream node with huge fields":     payloadOf(typeStream1, node(1, 0, int64(1<<62), "f", 0), tail, number(0)),
		"stream entry with huge fields":    payloadOf(typeStream1, node(1, 0, 1, "f", 0, 0, 0, 0, int64(1<<62), "f", "v", 4), tail, number(0)),
		"stream entry with a wrong length": payloadOf(typeStream1, node(1, 0, 1, "f", 0, entrySameFields, 0, 0, "v", 5), tail, number(0)),
		"stream entries without order":     payloadOf(typeStream1, node(2, 0, 1, "f", 0, 2, 0, 1, "v", 4, 2, 0, 0, "v", 4), tail, number(0)),
		"stream with a last id too low":    payloadOf(typeStream1, node(1, 0, 1, "f", 0, 2, 9, 9, "v", 4), tail, number(0)),
		"stream group twice":               payloadOf(typeStream1, one, number(2), blob("g"), tail[1:], number(0), number(0), blob("g"), tail[1:], number(0), number(0)),
		"stream entry of no consumer":      payloadOf(typeStream1, one, number(1), pel, number(0)),
		"stream consumer with another's":   payloadOf(typeStream1, one, number(1), pel, number(1), blob("c"), millis(1), number(1), rawID(2, 2)),
		"stream consumers of one entry": payloadOf(typeStream1, one, number(1), pel, number(2),
			blob("c"), millis(1), number(1), rawID(1, 1), blob("d"), millis(1), number(1), rawID(1, 1)),
		"stream consumer twice": payloadOf(typeStream1, one, number(1), pel, number(2),
			blob("c"), millis(1), number(1), rawID(1, 1), blob("c"), millis(1), number(0)),
	}
}

func TestAStructureThatLiesIsRefused(t *testing.T) {
	for name, payload := range hostilePayloads() {
		if v, err := Decode([]byte(payload), Limits{}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
}

func TestALiveRedisRefusesWhatLies(t *testing.T) {
	taken := map[string]bool{ // by Redis, which does not look at what it has no need of
		"stream entries without order": true, "stream with a last id too low": true, "stream node with negative counts": true,
		"score no number": true, "score not a number": true, "compressed size of nothing": true,
	}
	r := liveRedis(t, "that a live Redis refuses the same payloads")
	for name, payload := range hostilePayloads() {
		reply := r.do("RESTORE", "k", "0", payload, "REPLACE")
		if taken[name] && reply != "OK" || !taken[name] && reply != "-ERR Bad data format" {
			t.Errorf("%s: Redis says %s", name, reply)
		}
	}
}

func TestABombIsRefusedBeforeItUnfolds(t *testing.T) {
	zeros := strings.Repeat("\x00\x01", 30<<20) // 31 million zeros in a listpack
	lp := string([]byte{6, 0, 0, 0, 0xff, 0xff}) + zeros + "\xff"
	n := len(lp)
	lp = string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) + lp[4:]
	bomb := payloadOf(typeListQuicklist2, number(1), number(packedNode), lzf(lp))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode([]byte(bomb), Limits{StringBytes: 512 << 20, TotalBytes: 16 << 20})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrFormat) {
		t.Fatalf("a bomb of %d bytes was taken: %v", len(bomb), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("refusing a bomb of %d bytes took %d bytes of memory", len(bomb), took)
	}
	if _, err := Decode([]byte(payloadOf(typeString, lzf(strings.Repeat("a", 2<<20)))), Limits{StringBytes: 1 << 20}); !errors.Is(err, ErrFormat) {
		t.Errorf("a string above the limit was taken: %v", err)
	}
}

func TestRandomValuesGoThroughEncodingAndDecoding(t *testing.T) {
	for i := range 300 {
		v := randomValue(testrand.New(t, uint64(i)))
		mustHold(t, Encode(v, defaults))
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range seeds(f) {
		if len(p) < 4000 {
			f.Add([]byte(p[:len(p)-footerBytes]))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		mustHold(t, seal(b[:len(b):len(b)], version))
		mustHold(t, b)
	})
}

// A stream of many small nodes takes the memory that it is counted for.
func TestManySmallNodesTakeNoMoreThanIsCounted(t *testing.T) {
	const nodes, limit = 50_000, 8 << 20
	var b strings.Builder
	b.WriteString(number(nodes))
	for i := range uint64(nodes) {
		b.WriteString(blob(rawID(1, i)) + blob(listpack(1, 0, 1, "f", 0, entrySameFields, 0, 0, "v", 4)))
	}
	payload := []byte(payloadOf(typeStream1, b.String(), number(nodes), number(1), number(nodes), number(0)))
	kept := heapKept(func() any {
		v, err := Decode(payload, Limits{TotalBytes: limit})
		if err != nil || len(v.Stream.Entries) != nodes {
			t.Error("it is not read:", err)
		}
		return v
	})
	if kept > 2*limit {
		t.Errorf("%d nodes, of which %d bytes are allowed, take %d", nodes, limit, kept)
	}
}

// What one short text takes does not depend on how many there could have been.
func TestAShortTextTakesLittleByItself(t *testing.T) {
	for n := range shortText {
		var r reader
		if r.keep(make([]byte, n)); cap(r.room) > n {
			t.Fatalf("a text of %d bytes takes %d", n, cap(r.room))
		}
	}
}

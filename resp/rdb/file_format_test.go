package rdb

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// op is a code or a type and what follows it.
func op(code byte, parts ...part) part { return string([]byte{code}) + strings.Join(parts, "") }

// rdbFile is a file of a version, without a checksum.
func rdbFile(magic string, parts ...part) string {
	end := "\xff"
	if magic > "REDIS0004" {
		end += strings.Repeat("\x00", 8)
	}
	return magic + strings.Join(parts, "") + end
}

// double is a score as files have it from version 8 on.
func double(f float64) part {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
}

// What no server at hand writes is made by hand here, from the sources of the versions.
func TestFormatsOfOtherVersionsAreRead(t *testing.T) {
	node := number(1) + blob(rawID(1, 0)) + blob(listpack(2, 0, 1, "f", 0, 2, 0, 0, "v", 4, 2, 0, 1, "w", 4))
	numbers := number(2) + number(1) + number(1) + number(1) + number(0) + number(0) + number(0) + number(2)
	group := number(1) + blob("g") + number(1) + number(1) + number(2) + // its name, last id and what was read
		number(2) + rawID(1, 0) + millis(5) + number(1) + rawID(1, 1) + millis(6) + number(2) +
		number(1) + blob("alice") + millis(7) + millis(8) + number(1) + rawID(1, 0)
	once := number(100) + number(50) + number(1) + blob("producer") + number(1) + blob("name") + number(1) +
		number(0) + number(9) + number(3)
	const stream = `db 0 key "s" stream last 1-1 deleted 0-0 added 2 (1-0 ["f" "v"]) (1-1 ["f" "w"])`
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"Redis 1.2: no checksum, scores as text": {
			rdbFile("REDIS0001", op(opSelectDB, number(3)), op(opExpires, "\x00\xf1\x53\x65"), op(typeString,
				blob("k"), "\xc1\xff\x7f"),
				op(typeList, blob("l"), number(2), blob("a"), "\xc0\xff"),
				op(typeZSet, blob("z"), number(4), blob("a"), "\x031.5", blob("b"), "\xfe", blob("c"), "\xff",
					blob("d"), "\x02-0")),
			[]string{
				`db 3 key "k" expires 1700000000000 string "32767"`, `db 3 key "l" list "a" "-1"`,
				`db 3 key "z" zset "a"=1.5 "b"=+Inf "c"=-Inf "d"=-0`,
			},
		},
		"deadlines before 1970, and none": {
			rdbFile("REDIS0003", op(opExpiresMs, millis(-2)), op(typeString, blob("a"), blob("v")), op(opExpiresMs,
				millis(-1)),
				op(typeString, blob("b"), blob("v")), op(opExpiresMs, millis(0)), op(typeString, blob("c"), blob("v"))),
			[]string{`db 0 key "a" expires 1 string "v"`, `db 0 key "b" string "v"`,
				`db 0 key "c" expires 1 string "v"`},
		},
		"Redis 3.2: lengths of 64 bits and doubles come with 4.0": {
			rdbFile("REDIS0008", op(typeString, blob("k"), "\x81\x00\x00\x00\x00\x00\x00\x00\x01v"),
				op(typeZSet2, blob("z"), "\x80\x00\x00\x00\x01", blob("a"), double(0.25))),
			[]string{`db 0 key "k" string "v"`, `db 0 key "z" zset "a"=0.25`},
		},
		"slots of a cluster": {
			rdbFile("REDIS0012", op(opSlotInfo, number(1), number(2), number(3)), op(typeString, blob("k"), blob("v"))),
			[]string{`db 0 key "k" string "v"`},
		},
		"candidates of Redis 7.4: deadlines that count from 0": {
			rdbFile("REDIS0012", op(typeHashTimesOld, blob("h"), number(2), number(1<<41), blob("f"), blob("v"),
				number(0), blob("g"), blob("w")),
				op(typeHashTimesPackOld, blob("i"), blob(listpack("f", "v", int64(1<<41), "g", "w", 0)))),
			[]string{
				`db 0 key "h" hash "f"="v" expires 2199023255552 "g"="w"`,
				`db 0 key "i" hash "f"="v" expires 2199023255552 "g"="w"`,
			},
		},
		"Redis 7.4: deadlines that count from the first": {
			rdbFile("REDIS0012", op(typeHashTimes, blob("h"), millis(1<<41), number(3), number(1), blob("f"),
				blob("v"), number(0),
				blob("g"), blob("w"), number(11), blob("h"), blob("x"))),
			[]string{`db 0 key "h" hash "f"="v" expires 2199023255552 "g"="w" "h"="x" expires 2199023255562`},
		},
		"Valkey 9: its own hash, and a move of slots": {
			rdbFile("VALKEY080", op(opSlotImport, blob("job"), number(1), number(0), number(99)),
				op(typeHashTimesValkey, blob("h"), number(2), blob("f"), blob("v"), millis(1<<50), blob("g"),
					blob("w"), millis(-1))),
			[]string{`db 0 key "h" hash "f"="v" expires 1125899906842624 "g"="w"`},
		},
		"Redis 8.6: streams that add once only, and what modules attach to keys": {
			rdbFile("REDIS0013", op(opExpiresMs, millis(9)), op(opKeyMeta, number(1), "abcd", number(moduleString),
				blob("x"), number(moduleEnd)),
				op(typeStream4, blob("s"), node, numbers, number(0), once), op(typeString, blob("k"), blob("v"))),
			[]string{`data of module META`, strings.Replace(stream, `"s"`, `"s" expires 9`, 1), `db 0 key "k" string "v"`},
		},
		"Redis 8.8: entries that were given back": {
			rdbFile("REDIS0014", op(typeStream5, blob("s"), node, numbers, group, number(1)+rawID(1, 1), once),
				op(typeString, blob("k"), blob("v"))),
			[]string{stream + ` group "g" last 1-1 read 2 consumer "(given back)" seen 0 active -1` +
				` consumer "alice" seen 7 active 8` +
				` pending 1-0 of "alice" at 5 times 1 pending 1-1 of "(given back)" at 6 times 2`,
				`db 0 key "k" string "v"`},
		},
		"empty collections, which Redis drops": {
			rdbFile("REDIS0011", op(typeHash, blob("h"), number(0)), op(typeSetIntset, blob("i"),
				blob("\x02\x00\x00\x00\x00\x00\x00\x00")),
				op(typeListQuicklist2, blob("l"), number(1), number(packedNode), blob(listpack())),
				op(typeZSetListpack, blob("z"), blob(listpack()))),
			[]string{`db 0 key "h" hash `, `db 0 key "i" set `, `db 0 key "l" list `, `db 0 key "z" zset `},
		},
	} {
		for _, size := range []int64{0, 1} {
			lines, _, err := readAll(strings.NewReader(c.file), FileOptions{PartBytes: size})
			if err != nil || !slices.Equal(lines, c.want) {
				t.Errorf("%s:\n%s\nwant\n%s\n%v", name, strings.Join(lines, "\n"), strings.Join(c.want, "\n"), err)
			}
		}
	}
}

func TestALongCompressedStringComesInPieces(t *testing.T) {
	for _, s := range []string{strings.Repeat("a", 100_000), words(100_000), words(20_000) + noise(300) +
		words(20_000)} {
		file := rdbFile("REDIS0011", op(typeString, blob("k"), lzf(s)), op(typeString, blob("l"), blob("v")))
		for _, size := range []int64{100, 8191, 8193, 50_000, 1 << 20} {
			lines, parts, err := readAll(strings.NewReader(file), FileOptions{PartBytes: size})
			if want := []string{keyLine(&Record{Key: "k"}, &Value{Kind: String, String: s}),
				`db 0 key "l" string "v"`}; err != nil || !slices.Equal(lines, want) {
				t.Errorf("in pieces of %d it is another: %v", size, err)
			}
			if want := (len(s)+int(size)-1)/int(size) + 1; parts != want {
				t.Errorf("in pieces of %d it has %d, want %d", size, parts, want)
			}
		}
	}
}

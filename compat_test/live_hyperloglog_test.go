package compat_test

import (
	"strconv"
	"strings"
)

// hyperloglog: every key has so few names that it becomes dense soon and is deleted often enough to begin again.
// GET compares the encoding byte by byte. W are values that are, or look like, HyperLogLogs; they get one
// element at a time, because Redis keeps what it added before it came upon the damage, and Diskette does not.
func init() {
	elements := []string{"", "a", "foo", "foobarbaz", "\x00\xff", strings.Repeat("x", 100)}
	for i := range 20_000 {
		elements = append(elements, "e"+strconv.Itoa(i))
	}
	fresh := "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
	many := strings.Repeat(" E", 60)
	dense := "HYLL\x00\x00\x00\x00" + strings.Repeat("\x00", 12296)
	randomFamilies["hyperloglog"] = randomFamily{templates: `
PFADD K
PFADD K E
PFADD K E E E
PFADD K E E E
PFADD K` + many + `
PFADD K` + many + many + `
PFADD K` + many + many + many + many + many + `
PFADD X E` + `
PFADD X` + many + `
GET K
GET K
GET X
STRLEN K
PFCOUNT K
PFCOUNT K
PFCOUNT K K
PFCOUNT K X Q
PFMERGE K
PFMERGE K K
PFMERGE X K
PFMERGE X K Q
PFMERGE Q X K
PFDEBUG ENCODING K
PFDEBUG DECODE K
PFDEBUG GETREG K
PFDEBUG TODENSE X
PFDEBUG NONE K
CONFIG SET hll-sparse-max-bytes L
SET R W
SET K fresh
APPEND R Z
SETRANGE R P Z
GET R
PFADD R E
PFADD R
PFCOUNT R
PFCOUNT K R
PFMERGE R K
PFMERGE K R
PFDEBUG DECODE R
PFDEBUG TODENSE R
EXPIREAT K S
EXPIRETIME K
HSET Q f v
DEL K
DEL X
DEL Q
`, words: map[string][]string{
		"K":     {"a", "b", "c", "d"},
		"X":     {"x", "y"},
		"Q":     {"q"},
		"R":     {"r", "s", "t"},
		"E":     elements,
		"L":     {"0", "100", "1000", "3000", "3000", "20000"},
		"P":     {"0", "4", "8", "15"},
		"fresh": {fresh},
		"Z":     {"\x00", "\x80", "\xff"},
		"W": {fresh, "", "HYLL", "12", "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "HYLL\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00",
			"HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff", "HYLM\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff",
			"HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe\x80", "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe",
			"HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x00", "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfb\xff",
			dense, dense[:len(dense)-1], dense + "\x00", strings.Replace(dense, "\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\xe0", 1)},
	}}
}

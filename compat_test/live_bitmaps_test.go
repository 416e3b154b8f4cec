package compat_test

// bitmaps: V is often long enough for ranges to have an inside; N lies around the ends. What
// Redis 7.2 says otherwise than the recorded 7.0, errors about absent keys, is in the script.
func init() {
	randomFamilies["bitmaps"] = randomFamily{templates: `
SET K V
HSET K f V
SET K W
SET K W
SET K I
APPEND K V
SETRANGE K O V
SETBIT K O B
SETBIT K O B
SETBIT K O B
SETBIT K N B
GETBIT K O
GETBIT K N
BITCOUNT K
BITCOUNT K R R
BITCOUNT K R R U
BITCOUNT K R R BIT
BITPOS K B01
BITPOS K B01 R
BITPOS K B01 R R
BITPOS K B01 R R U
BITPOS K B01 R R BIT
BITOP AND K K
BITOP OP K K
BITOP OP K K K
BITOP OP K K K K
BITOP NOT K K
BITOP NOT K K K
BITFIELD K
BITFIELD K GET T O
BITFIELD K GET T H
BITFIELD K SET T O J
BITFIELD K SET T H J
BITFIELD K INCRBY T O J
BITFIELD K INCRBY T H J
BITFIELD K OVERFLOW F INCRBY T O J
BITFIELD K OVERFLOW F SET T O J
BITFIELD K OVERFLOW F INCRBY T O J INCRBY T O J
BITFIELD K OVERFLOW SAT SET T O J OVERFLOW FAIL INCRBY T O J GET T O
BITFIELD K GET T O SET T O J INCRBY T H J GET T H
BITFIELD_RO K GET T O
BITFIELD_RO K GET T O GET T H
BITFIELD_RO K GET T O SET T O J
BITFIELD K GET T
BITFIELD K SET T O
BITFIELD K OVERFLOW
GET K
STRLEN K
INCR K
TYPE K
OBJECT ENCODING K
EXPIREAT K S
EXPIRETIME K
DEL K
`, words: map[string][]string{
		"B":   {"0", "1", "1", "0", "1", "2", "-1", "x", "01"},
		"B01": {"0", "1"},
		"O":   {"0", "1", "5", "7", "8", "9", "15", "16", "63", "64", "65", "100", "127", "128", "300", "511", "1000"},
		"N":   {"4294967296", "-1", "x", "", "9223372036854775807", "4294967297", "40", "01"},
		"R":   {"0", "1", "2", "3", "7", "8", "9", "16", "17", "24", "40", "100", "-1", "-2", "-8", "-9", "-17", "-40", "-100", "9223372036854775807", "-9223372036854775808"},
		"U":   {"BYTE", "BIT", "byte", "bit"},
		"OP":  {"AND", "OR", "XOR", "NOT", "and", "xor", "nand"},
		"W":   {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x00\x00\x00", "\xff\xf0\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff", "\x00\xff\xf0\x0f\xff\x00\xaa", "foobarfoobarfoobarfoobarfoobar"},
		"T":   {"u1", "u2", "u8", "u13", "u32", "u63", "i1", "i2", "i8", "i17", "i33", "i63", "i64", "u64", "i65", "u0", "i0", "x8", "", "u", "u8x"},
		"H":   {"#0", "#1", "#2", "#3", "#7", "#", "#x", "#-1", "#288230376151711744", "#9223372036854775807"},
		"J":   {"0", "1", "-1", "2", "-2", "3", "100", "127", "128", "-128", "-129", "255", "256", "9223372036854775807", "-9223372036854775808", "-9223372036854775807", "-9223372036854775700", "4611686018427387904", "x", ""},
		"F":   {"WRAP", "SAT", "FAIL", "sat", "fail", "none"},
	}}
}

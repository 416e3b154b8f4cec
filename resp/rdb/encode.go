package rdb

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// The types of values. What belongs to version 11, and all from before Redis 7, is only read.
const (
	typeString         = 0
	typeList           = 1
	typeSet            = 2
	typeZSet           = 3 // scores as text
	typeHash           = 4
	typeZSet2          = 5 // scores as doubles
	typeHashZipmap     = 9
	typeListZiplist    = 10
	typeSetIntset      = 11
	typeZSetZiplist    = 12
	typeHashZiplist    = 13
	typeListQuicklist  = 14 // of ziplists
	typeStream1        = 15
	typeHashListpack   = 16
	typeZSetListpack   = 17
	typeListQuicklist2 = 18 // of listpacks and long elements
	typeStream2        = 19
	typeSetListpack    = 20
	typeStream3        = 21
	typeHashTimes      = 24 // fields with deadlines
	typeHashTimesPack  = 25 // a listpack of them
	typeStream4        = 26 // and what was added once only: Redis 8.6
	typeStream5        = 27 // and what consumers gave back: Redis 8.8

	// The types of Redis 7.4 before its release, with deadlines that do not count from the
	// first one. Valkey 9 has another one by the first number.
	typeHashTimesOld     = 22
	typeHashTimesPackOld = 23
	typeHashTimesValkey  = 22
)

// Lengths, and strings that are encoded otherwise (0xc0 and up).
const (
	length6  = 0x00
	length14 = 0x40
	length32 = 0x80
	length64 = 0x81

	stringInt8  = 0xc0
	stringInt16 = 0xc1
	stringInt32 = 0xc2
	stringLZF   = 0xc3
)

const (
	plainNode  = 1 // of a quicklist: one long element
	packedNode = 2
	longBytes  = 1 << 30 // what is as long as this does not go into a listpack
)

// Options are the settings of the server that decide between encodings, by the names in its configuration.
type Options struct {
	Compress bool // rdbcompression
	Compact  bool // write the compact encoding: a listpack, of integers in a set an intset

	ListNode          int // list-max-listpack-size: elements, or -1 to -5 for 4 to 64 KB
	StreamNodeBytes   int // stream-node-max-bytes, 0 = no limit
	StreamNodeEntries int // stream-node-max-entries, 0 = no limit
}

// Encode returns a payload. Strings, intsets, listpacks, skiplists, and lists and streams that only grew at their
// end, have the bytes that Redis 7.0 would give them. A hash table's order is Redis's own; here it is the caller's.
func Encode(v *Value, o Options) []byte {
	w := writer{Options: o}
	defer w.end()
	switch v.Kind {
	case String:
		w.b = append(w.b, typeString)
		w.string(v.String)
	case List:
		w.list(v.Elements)
	case Set:
		w.set(v.Elements)
	case ZSet:
		w.zset(v.Members)
	case Hash:
		if v.Times != nil {
			w.hashTimes(v.Elements, v.Times)
			return seal(w.b, versionFieldTimes)
		}
		w.hash(v.Elements)
	case Stream:
		w.stream(typeStream2, v.Stream)
	}
	return seal(w.b, version)
}

// A writer builds a payload.
type writer struct {
	Options
	b  []byte
	lp listpackWriter
	c  *compressor // nil until it is needed
}

// end gives back what others can use.
func (w *writer) end() {
	if w.c != nil {
		w.c.release()
		w.c = nil
	}
}

func (w *writer) length(n uint64) {
	switch {
	case n < 1<<6:
		w.b = append(w.b, length6|byte(n))
	case n < 1<<14:
		w.b = append(w.b, length14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, length32), uint32(n))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, length64), n)
	}
}

// string writes an integer of up to 32 bits as such, and what is long and shrinks by 4 bytes compressed.
func (w *writer) string(s string) {
	if n, ok := canonicalInt(s); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		w.integer(int32(n))
		return
	}
	if w.Compress && len(s) > 20 {
		w.blob(unsafe.Slice(unsafe.StringData(s), len(s))) // it is only read
		return
	}
	w.length(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) integer(n int32) {
	switch {
	case n >= math.MinInt8 && n <= math.MaxInt8:
		w.b = append(w.b, stringInt8, byte(n))
	case n >= math.MinInt16 && n <= math.MaxInt16:
		w.b = binary.LittleEndian.AppendUint16(append(w.b, stringInt16), uint16(n))
	default:
		w.b = binary.LittleEndian.AppendUint32(append(w.b, stringInt32), uint32(n))
	}
}

// blob is string for what is no integer.
func (w *writer) blob(s []byte) {
	if w.Compress && len(s) > 20 {
		if w.c == nil {
			w.c = compressors.Get().(*compressor)
		}
		if n := w.c.run(s, len(s)-4); n > 0 {
			w.b = append(w.b, stringLZF)
			w.length(uint64(n))
			w.length(uint64(len(s)))
			w.b = append(w.b, w.c.out[:n]...)
			return
		}
	}
	w.length(uint64(len(s)))
	w.b = append(w.b, s...)
}

// list fills nodes as RPUSH does.
func (w *writer) list(elements []string) {
	w.b = append(w.b, typeListQuicklist2)
	starts := w.listNodes(elements)
	w.length(uint64(len(starts)))
	for i, start := range starts {
		end := len(elements)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if len(elements[start]) >= longBytes {
			w.length(plainNode)
			w.string(elements[start])
			continue
		}
		w.lp.reset()
		for _, e := range elements[start:end] {
			w.lp.string(e)
		}
		w.length(packedNode)
		w.blob(w.lp.finish())
	}
}

// listNodes returns where nodes begin. Redis takes the size of a new element for 8 bytes more than its length.
func (w *writer) listNodes(elements []string) (starts []int) {
	size, count, limit := 0, 0, 8192
	if w.ListNode < 0 {
		limit = 4096 << min(-w.ListNode-1, 4)
	}
	for i, e := range elements {
		fits := count > 0 && size+len(e)+8 <= limit && (w.ListNode < 0 || count < w.ListNode)
		if !fits || len(e) >= longBytes {
			starts = append(starts, i)
			size, count = listpackHeader+1, 0
		}
		if len(e) >= longBytes {
			size = longBytes // and nothing fits
		}
		size += listpackBytes(e)
		count++
	}
	return starts
}

// listpackBytes is what a string takes in a listpack.
func listpackBytes(s string) int {
	if n, ok := canonicalInt(s); ok {
		return integerBytes(n) + 1
	}
	n := len(s)
	switch {
	case n < 1<<6:
		n++
	case n < 1<<12:
		n += 2
	default:
		n += 5
	}
	return n + backLength(n)
}

// set knows no listpack: see the package comment.
func (w *writer) set(members []string) {
	if w.Compact {
		if ns, ok := integers(members); ok && len(ns) > 0 {
			w.b = append(w.b, typeSetIntset)
			w.blob(appendIntset(nil, ns))
			return
		}
	}
	w.table(typeSet, len(members), members)
}

// table writes a type, how many of something there are, and the strings of all.
func (w *writer) table(t byte, count int, strings []string) {
	w.b = append(w.b, t)
	w.length(uint64(count))
	for _, s := range strings {
		w.string(s)
	}
}

// pack writes a listpack.
func (w *writer) pack(strings []string) {
	w.lp.reset()
	for _, s := range strings {
		w.lp.string(s)
	}
	w.blob(w.lp.finish())
}

// zset writes a listpack ascending and a skiplist descending, as Redis does.
func (w *writer) zset(members []Member) {
	if !slices.IsSortedFunc(members, compareMembers) {
		members = slices.Clone(members)
		slices.SortFunc(members, compareMembers)
	}
	if w.Compact {
		w.b = append(w.b, typeZSetListpack)
		w.lp.reset()
		for _, m := range members {
			w.lp.string(m.Name)
			w.lp.string(scoreText(m.Score))
		}
		w.blob(w.lp.finish())
		return
	}
	w.b = append(w.b, typeZSet2)
	w.length(uint64(len(members)))
	for _, m := range slices.Backward(members) {
		w.scored(m)
	}
}

func compareMembers(a, b Member) int {
	switch {
	case a.Score < b.Score:
		return -1
	case a.Score > b.Score:
		return 1
	}
	return strings.Compare(a.Name, b.Name)
}

func (w *writer) scored(m Member) {
	w.string(m.Name)
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(m.Score))
}

// scoreText is a score as Redis 7.0 writes it: an integer up to 2^62 in full, other
// numbers with 17 digits as C's %.17g. A zero loses its sign in a listpack.
func scoreText(score float64) string {
	switch {
	case math.IsInf(score, 1):
		return "inf"
	case math.IsInf(score, -1):
		return "-inf"
	case math.Abs(score) <= 1<<62 && score == math.Trunc(score):
		return strconv.FormatInt(int64(score), 10)
	}
	return strconv.FormatFloat(score, 'g', 17, 64)
}

func (w *writer) hash(pairs []string) {
	if w.Compact {
		w.b = append(w.b, typeHashListpack)
		w.pack(pairs)
		return
	}
	w.table(typeHash, len(pairs)/2, pairs)
}

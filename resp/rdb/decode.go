package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Limits bound what a payload may unfold to. 0 = no limit.
type Limits struct {
	StringBytes int64 // a compressed string, unfolded
	TotalBytes  int64 // the value in memory: the bytes of its strings and what refers to them
}

// Decode returns the value of a payload. The error is ErrChecksum, or wraps ErrFormat. As in Redis, what may follow the value in
// a payload is not looked at.
func Decode(payload []byte, l Limits) (*Value, error) {
	b, err := unseal(payload)
	if err != nil {
		return nil, err
	}
	r := reader{b: b, maxString: math.MaxInt64, left: math.MaxInt64}
	if l.StringBytes > 0 {
		r.maxString = l.StringBytes
	}
	if l.TotalBytes > 0 {
		r.left = l.TotalBytes
	}
	v := r.value()
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// A reader reads a payload. After the first error everything it returns is empty: loops look at err in every round.
type reader struct {
	b         []byte // what is still to be read
	maxString int64
	left      int64 // bytes of memory that the value may still take
	err       error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
	}
	r.b = nil
}

// spend takes memory from the budget.
func (r *reader) spend(n int64) bool {
	if n > r.left {
		r.fail("too large")
		return false
	}
	r.left -= n
	return r.err == nil
}

// take returns the next n bytes.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("ends too early")
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// lengthOrEncoding reads a length, or the first byte of a string that is encoded otherwise.
func (r *reader) lengthOrEncoding() (n uint64, encoding byte) {
	switch c := r.byte(); {
	case c < length14:
		return uint64(c), 0
	case c < length32:
		return uint64(c&0x3f)<<8 | uint64(r.byte()), 0
	case c == length32:
		if b := r.take(4); b != nil {
			return uint64(binary.BigEndian.Uint32(b)), 0
		}
	case c == length64:
		if b := r.take(8); b != nil {
			return binary.BigEndian.Uint64(b), 0
		}
	case c >= stringInt8:
		return 0, c
	default:
		r.fail("length %#x", c)
	}
	return 0, 0
}

func (r *reader) length() uint64 {
	n, encoding := r.lengthOrEncoding()
	if encoding != 0 {
		r.fail("encoding %#x for a length", encoding)
	}
	return n
}

// count reads how many of something follow, each of which takes at least so many bytes. It is not 0.
func (r *reader) count(bytesEach uint64) int {
	n := r.length()
	if n == 0 || n > uint64(len(r.b))/bytesEach {
		r.fail("%d elements", n)
		return 0
	}
	return int(n)
}

// blob reads a string. It may point into the payload.
func (r *reader) blob() []byte {
	n, encoding := r.lengthOrEncoding()
	switch encoding {
	case 0:
		return r.take(n)
	case stringInt8, stringInt16, stringInt32:
		return strconv.AppendInt(nil, littleEndian(r.take(1<<(encoding-stringInt8))), 10)
	case stringLZF:
		packed := r.length()
		size := r.length()
		b := r.take(packed)
		if size > uint64(r.maxString) || size > uint64(len(b))*lzfMaxRatio || !r.spend(int64(size)) {
			r.fail("compressed string of %d bytes", size)
			return nil
		}
		b = decompress(b, size)
		if b == nil {
			r.fail("damaged compressed string")
		}
		r.left += int64(size) // it is paid for again by what is kept of it
		return b
	}
	r.fail("string encoding %#x", encoding)
	return nil
}

// headerBytes is what a string takes beside its bytes.
const headerBytes = 16

// string is blob for a string that is kept.
func (r *reader) string() string {
	b := r.blob()
	if !r.spend(headerBytes + int64(len(b))) {
		return ""
	}
	return string(b)
}

// text is the text of an element that is kept.
func (r *reader) text(e element) string {
	s := ""
	if r.spend(headerBytes) {
		s = e.text()
		r.spend(int64(len(s)))
	}
	return s
}

func (r *reader) value() *Value {
	switch t := r.byte(); t {
	case typeString:
		return &Value{Kind: String, String: r.string()}
	case typeList:
		return &Value{Kind: List, Elements: r.strings(r.count(1))}
	case typeListZiplist:
		return &Value{Kind: List, Elements: r.compact(eachZiplist, 1)}
	case typeListQuicklist, typeListQuicklist2:
		return &Value{Kind: List, Elements: r.quicklist(t == typeListQuicklist2)}
	case typeSet:
		return r.distinct(&Value{Kind: Set, Elements: r.strings(r.count(1))}, 1)
	case typeSetIntset:
		return &Value{Kind: Set, Elements: r.compact(eachIntset, 1)}
	case typeSetListpack:
		return r.distinct(&Value{Kind: Set, Elements: r.compact(eachListpack, 1)}, 1)
	case typeZSet, typeZSet2:
		return &Value{Kind: ZSet, Members: r.zset(t == typeZSet2)}
	case typeZSetZiplist:
		return &Value{Kind: ZSet, Members: r.scored(r.compact(eachZiplist, 2))}
	case typeZSetListpack:
		return &Value{Kind: ZSet, Members: r.scored(r.compact(eachListpack, 2))}
	case typeHash:
		return r.distinct(&Value{Kind: Hash, Elements: r.strings(2 * r.count(2))}, 2)
	case typeHashZipmap:
		return r.distinct(&Value{Kind: Hash, Elements: r.compact(eachZipmap, 2)}, 2)
	case typeHashZiplist:
		return r.distinct(&Value{Kind: Hash, Elements: r.compact(eachZiplist, 2)}, 2)
	case typeHashListpack:
		return r.distinct(&Value{Kind: Hash, Elements: r.compact(eachListpack, 2)}, 2)
	case typeHashTimes:
		return r.distinct(r.hashTimes(), 2)
	case typeHashTimesPack:
		return r.distinct(r.hashTimesPack(), 2)
	case typeStream1, typeStream2, typeStream3:
		return &Value{Kind: Stream, Stream: r.stream(t)}
	default:
		r.fail("type %d", t)
		return nil
	}
}

// strings reads n strings.
func (r *reader) strings(n int) []string {
	ss := make([]string, 0, min(n, 1024))
	for ; n > 0 && r.err == nil; n-- {
		ss = append(ss, r.string())
	}
	return ss
}

// eachListpack is eachZiplist for a listpack.
func eachListpack(b []byte, fn func(element)) bool {
	l, ok := readListpack(b)
	if !ok {
		return false
	}
	for {
		e, ok := l.next()
		if !ok {
			return !l.damaged
		}
		fn(e)
	}
}

// compact reads a string that is a compact encoding of tuples of elements, at least one.
func (r *reader) compact(each func([]byte, func(element)) bool, tuple int) []string {
	ss := r.unpack(nil, each)
	if len(ss) == 0 || len(ss)%tuple != 0 {
		r.fail("%d elements", len(ss))
	}
	return ss
}

// unpack reads a compact encoding and appends its elements.
func (r *reader) unpack(ss []string, each func([]byte, func(element)) bool) []string {
	b := r.blob()
	if r.err != nil {
		return ss
	}
	if !each(b, func(e element) {
		if r.err == nil {
			ss = append(ss, r.text(e))
		}
	}) {
		r.fail("damaged compact encoding")
	}
	return ss
}

// quicklist reads a list of nodes. Redis lets nodes be empty, but not all of them.
func (r *reader) quicklist(listpacks bool) (ss []string) {
	for n := r.count(1); n > 0 && r.err == nil; n-- {
		if !listpacks {
			ss = r.unpack(ss, eachZiplist)
			continue
		}
		switch node := r.length(); node {
		case packedNode:
			ss = r.unpack(ss, eachListpack)
		case plainNode:
			s := r.string()
			if s == "" {
				r.fail("empty node")
			}
			ss = append(ss, s)
		default:
			r.fail("node of kind %d", node)
		}
	}
	if len(ss) == 0 {
		r.fail("empty list")
	}
	return ss
}

// distinct checks that every first of a tuple is there once.
func (r *reader) distinct(v *Value, tuple int) *Value {
	if r.err != nil {
		return nil
	}
	seen := make(map[string]struct{}, len(v.Elements)/tuple)
	for i := 0; i < len(v.Elements); i += tuple {
		seen[v.Elements[i]] = struct{}{}
	}
	if len(seen)*tuple != len(v.Elements) {
		r.fail("an element is there twice")
	}
	return v
}

// zset reads members with scores as doubles or as texts.
func (r *reader) zset(doubles bool) []Member {
	n := r.count(2)
	members := make([]Member, 0, min(n, 1024))
	for ; n > 0 && r.err == nil; n-- {
		name := r.string()
		score := 0.0
		if doubles {
			if b := r.take(8); b != nil {
				score = math.Float64frombits(binary.LittleEndian.Uint64(b))
			}
		} else {
			score = r.textScore()
		}
		members = append(members, Member{name, score})
	}
	return r.members(members)
}

// textScore reads a score in a string of its own kind.
func (r *reader) textScore() float64 {
	switch n := r.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		return parseScore(string(r.take(uint64(n))))
	}
}

// parseScore returns NaN for what is no number.
func parseScore(s string) float64 {
	score, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return score
}

// scored makes members of names and scores in turn.
func (r *reader) scored(ss []string) []Member {
	if r.err != nil || !r.spend(int64(len(ss)/2)*8) {
		return nil
	}
	members := make([]Member, 0, len(ss)/2)
	for i := 0; i < len(ss); i += 2 {
		members = append(members, Member{ss[i], parseScore(ss[i+1])})
	}
	return r.members(members)
}

// members checks that every member is there once and has a score.
func (r *reader) members(members []Member) []Member {
	if r.err != nil {
		return nil
	}
	seen := make(map[string]struct{}, len(members))
	for _, m := range members {
		seen[m.Name] = struct{}{}
		if math.IsNaN(m.Score) {
			r.fail("a score is not a number")
		}
	}
	if len(seen) != len(members) {
		r.fail("a member is there twice")
	}
	return members
}

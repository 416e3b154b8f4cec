package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// A valueReader reads a value of a type, as a whole or in parts.
type valueReader struct {
	*reader
	t     byte
	kind  Kind
	whole int64  // what a part may take in memory before it ends
	left  uint64 // elements, or nodes, that have not been begun
	pack  pack   // the compact encoding under way
	at    int64  // where that begins
	first int64  // the first deadline of fields, from which others count
	long  *longString
	s     *streamReader
	done  bool
}

// kinds are those of the types, for a file of Redis.
var kinds = map[byte]Kind{
	typeString: String,
	typeList:   List, typeListZiplist: List, typeListQuicklist: List, typeListQuicklist2: List,
	typeSet: Set, typeSetIntset: Set, typeSetListpack: Set,
	typeZSet: ZSet, typeZSet2: ZSet, typeZSetZiplist: ZSet, typeZSetListpack: ZSet,
	typeHash: Hash, typeHashZipmap: Hash, typeHashZiplist: Hash, typeHashListpack: Hash,
	typeHashTimesOld: Hash, typeHashTimesPackOld: Hash, typeHashTimes: Hash, typeHashTimesPack: Hash,
	typeStream1: Stream, typeStream2: Stream, typeStream3: Stream, typeStream4: Stream, typeStream5: Stream,
}

// packs are the encodings of the types that are one pack, and how many elements of it belong together.
var packs = map[byte]struct {
	encoding packEncoding
	tuple    int
}{
	typeListZiplist: {ziplistEncoding, 1},
	typeSetIntset:   {intsetEncoding, 1}, typeSetListpack: {listpackEncoding, 1},
	typeZSetZiplist: {ziplistEncoding, 2}, typeZSetListpack: {listpackEncoding, 2},
	typeHashZipmap: {zipmapEncoding, 2}, typeHashZiplist: {ziplistEncoding, 2}, typeHashListpack: {listpackEncoding, 2},
	typeHashTimesPackOld: {listpackEncoding, 3}, typeHashTimesPack: {listpackEncoding, 3},
}

// beginValue reads what comes before the elements of a value of type t, which stood at an offset.
func (v *valueReader) beginValue(t byte, at int64) {
	*v = valueReader{reader: v.reader, whole: v.whole, t: t, at: v.offset()}
	kind, known := kinds[t]
	if v.valkey {
		known = known && t < typeHashTimesValkey || t == typeHashTimesValkey
	}
	if v.kind = kind; !known {
		v.unknownType(at)
		return
	}
	switch t {
	case typeString:
		v.long = v.beginString()
		return
	case typeHashTimesPack, typeHashTimes:
		v.first = v.millis()
	}
	if p, packed := packs[t]; packed && !v.valkey || packed && t < typeHashTimesValkey {
		v.open(p.encoding)
		return
	}
	v.left = v.length()
	if kind == Stream {
		v.s = &streamReader{valueReader: v, names: map[string]struct{}{}}
	}
}

func (v *valueReader) unknownType(at int64) {
	name := strconv.Itoa(int(v.t))
	if what, ok := newerTypes[v.t]; ok && !v.valkey {
		name += " (" + what + ")"
	}
	v.failAs(ErrFormat, at, "a type of value that Redis up to 8.6 or Valkey up to 9 has", "type %s", name)
}

// newerTypes are values that Diskette has no type for.
var newerTypes = map[byte]string{
	28: "an array of Redis 8.8", 29: "a hash with a template", 30: "a hash with a template",
	31: "a hash with a template", 32: "a hash with a template", 33: "a rate limiter of Redis 8.8",
}

// claimed is how many elements, or bytes of a string, the input says there are, -1 when it does not.
func (v *valueReader) claimed() int64 {
	switch {
	case v.err != nil || v.pack != nil || v.kind == Stream || v.t == typeListQuicklist || v.t == typeListQuicklist2:
		return -1
	case v.long != nil:
		return int64(v.long.left)
	}
	return int64(min(v.left, math.MaxInt64))
}

// more reads elements until the part is full or the value is done.
func (v *valueReader) more(into *Value) {
	into.Kind = v.kind
	budget := v.reader.left
	switch v.kind {
	case String:
		into.String = v.long.piece(v)
	case List:
		for v.another(budget) {
			v.listElement(into)
		}
	case Set:
		for v.another(budget) {
			v.setMember(into)
		}
		v.distinct(into.Elements, 1)
	case ZSet:
		for v.another(budget) {
			v.scoredMember(into)
		}
		v.checkMembers(into.Members)
	case Hash:
		for v.another(budget) {
			v.hashField(into)
		}
		v.distinct(into.Elements, 2)
		into.withTimes()
	case Stream:
		into.Stream = &StreamValue{}
		for v.another(budget) {
			v.s.step(into.Stream)
		}
	}
}

// another reports whether the part can take more of a value that has more.
func (v *valueReader) another(budget int64) bool {
	return !v.done && v.err == nil && budget-v.reader.left < v.whole
}

// open reads a compact encoding.
func (v *valueReader) open(encoding packEncoding) {
	v.at = v.offset()
	b := v.blob(v.maxPacked)
	if v.err != nil {
		return
	}
	if v.pack = openPack(encoding, b); v.pack == nil {
		v.failAs(ErrFormat, v.at, "a "+string(encoding), "%d bytes that are none", len(b))
	}
}

// tuple reads n elements of the pack; ok is false at its end.
func (v *valueReader) tuple(n int) (es [3]element, ok bool) {
	for i := range n {
		if es[i], ok = v.pack.next(); ok {
			continue
		}
		if !v.pack.whole() {
			v.failAs(ErrFormat, v.at, "a compact encoding", "a damaged one")
		} else if i > 0 {
			v.failAs(ErrFormat, v.at, fmt.Sprintf("elements that come %d together", n), "%d left over", i)
		}
		v.pack = nil
		return es, false
	}
	return es, true
}

// counted reports whether there is a further element of a plain encoding, and counts it.
func (v *valueReader) counted() bool {
	if v.left == 0 {
		v.done = true
		return false
	}
	v.left--
	v.done = v.left == 0
	return true
}

// packedTuple is tuple for a value that is one pack.
func (v *valueReader) packedTuple(n int) (es [3]element, ok bool) {
	es, ok = v.tuple(n)
	v.done = !ok
	return es, ok
}

func (v *valueReader) listElement(into *Value) {
	switch {
	case v.pack != nil:
		if es, ok := v.tuple(1); ok {
			into.Elements = append(into.Elements, v.text(es[0]))
		}
	case v.left == 0:
		v.done = true
	case v.t == typeListQuicklist:
		v.left--
		v.open(ziplistEncoding)
	case v.t == typeListQuicklist2:
		v.left--
		v.quicklistNode(into)
	default:
		v.left--
		into.Elements = append(into.Elements, v.string())
		v.done = v.left == 0
	}
}

func (v *valueReader) quicklistNode(into *Value) {
	at := v.offset()
	switch node := v.length(); node {
	case packedNode:
		v.open(listpackEncoding)
	case plainNode:
		s := v.string()
		if s == "" {
			v.failAs(ErrFormat, at, "a node with an element", "an empty one")
		}
		into.Elements = append(into.Elements, s)
	default:
		v.failAs(ErrFormat, at, "a node of kind 1 or 2", "kind %d", node)
	}
}

func (v *valueReader) setMember(into *Value) {
	if v.pack != nil {
		if es, ok := v.packedTuple(1); ok {
			into.Elements = append(into.Elements, v.text(es[0]))
		}
	} else if v.counted() {
		into.Elements = append(into.Elements, v.string())
	}
}

func (v *valueReader) hashField(into *Value) {
	withTimes := v.t >= typeHashTimesOld
	switch {
	case v.pack != nil && withTimes:
		if es, ok := v.packedTuple(3); ok {
			into.Elements = append(into.Elements, v.text(es[0]), v.text(es[1]))
			t, ok := es[2].integer()
			if !ok {
				v.failAs(ErrFormat, v.at, "a deadline", "a text")
			}
			v.fieldTime(into, t)
		}
	case v.pack != nil:
		if es, ok := v.packedTuple(2); ok {
			into.Elements = append(into.Elements, v.text(es[0]), v.text(es[1]))
		}
	case !v.counted():
	case v.t == typeHashTimesValkey && v.valkey:
		into.Elements = append(into.Elements, v.string(), v.string())
		v.valkeyFieldTime(into)
	case withTimes:
		t := v.length()
		if t > 0 && v.t == typeHashTimes {
			t += uint64(v.first) - 1
		}
		into.Elements = append(into.Elements, v.string(), v.string())
		v.fieldTime(into, int64(t))
	default:
		into.Elements = append(into.Elements, v.string(), v.string())
	}
}

// distinct checks that every first of a tuple is there once.
func (v *valueReader) distinct(elements []string, tuple int) {
	if v.err != nil || len(elements) <= tuple {
		return
	}
	seen := make(map[string]struct{}, len(elements)/tuple)
	for i := 0; i < len(elements); i += tuple {
		seen[elements[i]] = struct{}{}
	}
	if len(seen)*tuple != len(elements) {
		v.failAs(ErrFormat, v.at, "every element once", "one that is there twice")
	}
}

func (v *valueReader) scoredMember(into *Value) {
	if v.pack != nil {
		es, ok := v.packedTuple(2)
		if !ok || !v.spend(8) {
			return
		}
		into.Members = append(into.Members, Member{v.text(es[0]), es[1].score()})
		return
	}
	if !v.counted() {
		return
	}
	name, score := v.string(), 0.0
	if v.t == typeZSet {
		score = v.textScore()
	} else if b := v.take(8); b != nil {
		score = math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	v.spend(8)
	into.Members = append(into.Members, Member{name, score})
}

// textScore reads a score in a string of its own kind.
func (v *valueReader) textScore() float64 {
	switch n := v.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		return parseScore(string(v.take(uint64(n))))
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

// score is the element as a score, NaN when it is none.
func (e element) score() float64 {
	if e.isInt {
		return float64(e.n)
	}
	return parseScore(string(e.str))
}

// checkMembers checks that every member is there once and has a score.
func (v *valueReader) checkMembers(members []Member) {
	if v.err != nil {
		return
	}
	seen := make(map[string]struct{}, len(members))
	for _, m := range members {
		seen[m.Name] = struct{}{}
		if math.IsNaN(m.Score) {
			v.failAs(ErrFormat, v.at, "a score", "what is not a number")
		}
	}
	if len(seen) != len(members) {
		v.failAs(ErrFormat, v.at, "every member once", "one that is there twice")
	}
}

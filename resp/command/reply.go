package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/resp/wire"
)

// A Reply is what a command answers, encoded in one place for RESP2 and RESP3. It is encoded
// under the keyspace lock, right after the function returned, so it may hold slices that
// belong to the store; but a long one that holds nothing that can change is encoded without the lock (reply_long.go).
type Reply struct {
	Kind  Kind
	N     int64 // an integer, or a double's bits
	S     string
	Elems []Reply
}

// Kind is what a reply is on the wire.
type Kind byte

const (
	KindNone      Kind = iota // nothing is sent
	KindSimple                // +OK
	KindError                 // -ERR ...
	KindInteger               // :1
	KindBulk                  // $3 foo; copied when it is encoded
	KindText                  // a bulk that is a string, which never changes
	KindLent                  // a bulk that, if it is long, stays unchanged and may be sent without a copy
	KindNull                  // RESP2 $-1, RESP3 _
	KindNullArray             // RESP2 *-1, RESP3 _
	KindArray
	KindMap       // Elems are key, value, ...; RESP2 a flat array
	KindSet       // RESP2 an array
	KindPairs     // Elems are a, b, a, b ...: RESP2 a flat array, RESP3 an array of arrays of two
	KindMapPairs  // Elems are key, value, ...; RESP2 an array of arrays of the two, RESP3 a map
	KindDouble    // S, or N's bits as a float64; RESP2 a bulk
	KindPush      // RESP2 an array
	kindSeries    // Elems one after the other, with nothing around them
	KindBlock     // Call.BlockOn's: there is no reply yet
	KindLoad      // nor here: the command has asked for further keys, changed nothing, and is to run again
	KindVerbatim  // text; RESP2 a bulk. N is its format as VerbatimFormat packs it, 0 = txt
	KindBool      // RESP3 #t or #f, RESP2 :1 or :0
	KindBigNumber // S; RESP2 a bulk
	KindPassage   // a bulk of N bytes, which Call.Passage has: without the lock they are read while they are sent
	KindElements  // Call.Elements has it
	KindAttribute // Elems are key, value, ...: goes before a reply in RESP3, and is nothing in RESP2
)

var (
	ReplyOK      = Reply{Kind: KindSimple, S: "OK"}
	ReplyPong    = Reply{Kind: KindSimple, S: "PONG"}
	ReplyQueued  = Reply{Kind: KindSimple, S: "QUEUED"}
	ReplyNull    = Reply{Kind: KindNull}
	ReplyNoArray = Reply{Kind: KindNullArray}
	ReplyNone    = Reply{}
	ReplyLoad    = Reply{Kind: KindLoad}
	ReplyZero    = Reply{Kind: KindInteger}
	ReplyOne     = Reply{Kind: KindInteger, N: 1}
)

// Simple is a line of text: +OK.
func Simple(s string) Reply { return Reply{Kind: KindSimple, S: s} }

// Integer is a whole number.
func Integer[T int | int64 | uint64](n T) Reply { return Reply{Kind: KindInteger, N: int64(n)} }

// BulkString is a bulk that is a string.
func BulkString(s string) Reply { return Reply{Kind: KindText, S: s} }

// Array is an array.
func Array(elems ...Reply) Reply { return Reply{Kind: KindArray, Elems: elems} }

// MapOf is a map of key, value, ... .
func MapOf(elems ...Reply) Reply { return Reply{Kind: KindMap, Elems: elems} }

// SetOf is a set.
func SetOf(elems ...Reply) Reply      { return Reply{Kind: KindSet, Elems: elems} }
func mapPairsOf(elems ...Reply) Reply { return Reply{Kind: KindMapPairs, Elems: elems} }
func pairsOf(elems ...Reply) Reply    { return Reply{Kind: KindPairs, Elems: elems} }

// Push is what a client gets unasked.
func Push(elems ...Reply) Reply { return Reply{Kind: KindPush, Elems: elems} }

// Series is replies one after the other, with nothing around them.
func Series(replies ...Reply) Reply { return Reply{Kind: kindSeries, Elems: replies} }

// Double is a floating-point number.
func Double(f float64) Reply    { return Reply{Kind: KindDouble, N: int64(math.Float64bits(f))} }
func decimal(text string) Reply { return Reply{Kind: KindDouble, S: text} }

// Verbatim is text for people to read.
func Verbatim(s string) Reply { return Reply{Kind: KindVerbatim, S: s} }

// IsPushed reports whether a RESP3 client gets it as a push: CLIENT REPLY does not keep it back.
func (r *Reply) IsPushed() bool { return r.Kind == KindPush || r.Kind == kindSeries }

// Bulk is a value that is copied when it is encoded; nil is the null reply.
func Bulk(b []byte) Reply {
	if b == nil {
		return ReplyNull
	}
	return Reply{Kind: KindBulk, S: words.ViewString(b)}
}

// viewed is a string that views bytes of the store: it is copied when it is encoded.
func viewed(s string) Reply { return Reply{Kind: KindBulk, S: s} }

// lent is a value from store.LendString; nil is the null reply.
func lent(b []byte) Reply {
	if b == nil {
		return ReplyNull
	}
	return Reply{Kind: KindLent, S: words.ViewString(b)}
}

// OneIf is :1 or :0, for the commands that answer so in both protocols.
func OneIf(b bool) Reply {
	if b {
		return ReplyOne
	}
	return ReplyZero
}

// BulkStrings is an array of strings.
func BulkStrings(ss []string) Reply {
	elems := make([]Reply, len(ss))
	for i, s := range ss {
		elems[i] = BulkString(s)
	}
	return Array(elems...)
}

// Scratch is where a client's commands build the elements of their replies: a reply of a hundred elements then
// costs no allocation. It is emptied when the reply is encoded.
type Scratch struct {
	used  []Reply
	more  []Reply // what is left of the last block that was made beside it
	block int     // how many that block had
}

// ScratchReplies is how many elements are kept room for.
const ScratchReplies = 1024 // more are allocated

// Elems returns an empty slice with room for n elements of the command's reply.
func (c *Call) Elems(n int) []Reply {
	s := c.Scratch
	if n > cap(s.used)-len(s.used) {
		if n > ScratchReplies {
			return make([]Reply, 0, n)
		}
		if len(s.used) > 0 {
			return s.apart(n)
		}
		s.used = make([]Reply, 0, max(n, min(4*cap(s.used), ScratchReplies)))
	}
	from := len(s.used)
	s.used = s.used[:from+n]
	return s.used[from : from : from+n]
}

// apart returns an empty slice with room for n elements beside the scratch. It is part of a block: an allocation for
// each entry of a long range of a stream took a third of its time. Blocks double, for a short range needs no long one.
func (s *Scratch) apart(n int) []Reply {
	if n > len(s.more) {
		s.block = max(n, min(max(2*s.block, 8), ScratchReplies))
		s.more = make([]Reply, s.block)
	}
	elems := s.more[:0:n]
	s.more = s.more[n:]
	return elems
}

// Reset empties it: the reply has been encoded.
func (s *Scratch) Reset() {
	s.more, s.block = nil, 0
	if len(s.used) > 0 {
		clear(s.used)
		s.used = s.used[:0]
	}
}

// IsError reports whether it is an error.
func (r Reply) IsError() bool { return r.Kind == KindError }

// Encode appends a reply in the client's protocol.
func (r *Reply) Encode(o *wire.Output, resp3 bool) {
	if !o.Takes() {
		return
	}
	switch r.Kind {
	case KindNone, KindBlock, KindLoad:
	case KindSimple:
		o.Line('+', r.S)
	case KindError:
		o.Line('-', r.S)
	case KindInteger:
		o.Number(':', r.N)
	case KindBulk:
		o.Bulk(r.S)
	case KindText, KindLent:
		if len(r.S) < wire.LentBytes {
			o.Bulk(r.S)
		} else {
			o.Number('$', int64(len(r.S)))
			o.Reference(words.ViewBytes(r.S))
			o.CRLF()
		}
	case KindNull, KindNullArray:
		switch {
		case resp3:
			o.Text("_\r\n")
		case r.Kind == KindNull:
			o.Text("$-1\r\n")
		default:
			o.Text("*-1\r\n")
		}
	case KindArray:
		encodeElems(o, '*', len(r.Elems), r.Elems, resp3)
	case KindDouble, KindVerbatim, KindBool, KindBigNumber:
		r.encodeTyped(o, resp3)
	default:
		r.encodeAggregate(o, resp3)
	}
}

// encodeAggregate encodes what has elements and is no plain array.
func (r *Reply) encodeAggregate(o *wire.Output, resp3 bool) {
	switch r.Kind {
	case KindMap:
		if resp3 {
			encodeElems(o, '%', len(r.Elems)/2, r.Elems, resp3)
		} else {
			encodeElems(o, '*', len(r.Elems), r.Elems, resp3)
		}
	case KindAttribute:
		if resp3 {
			encodeElems(o, '|', len(r.Elems)/2, r.Elems, resp3)
		}
	case KindMapPairs:
		if resp3 {
			encodeElems(o, '%', len(r.Elems)/2, r.Elems, resp3)
		} else {
			encodeTwos(o, r.Elems, resp3)
		}
	case KindPairs:
		if resp3 {
			encodeTwos(o, r.Elems, resp3)
		} else {
			encodeElems(o, '*', len(r.Elems), r.Elems, resp3)
		}
	case KindSet:
		encodeElems(o, arrayOr('~', resp3), len(r.Elems), r.Elems, resp3)
	case KindPush:
		encodeElems(o, arrayOr('>', resp3), len(r.Elems), r.Elems, resp3)
	case kindSeries:
		for i := range r.Elems {
			r.Elems[i].Encode(o, resp3)
		}
	}
}

// encodeTyped encodes what has a type of its own in RESP3 alone.
func (r *Reply) encodeTyped(o *wire.Output, resp3 bool) {
	switch r.Kind {
	case KindDouble:
		text := r.S
		if text == "" {
			text = numbers.FormatDouble(math.Float64frombits(uint64(r.N)))
		}
		if resp3 {
			o.Line(',', text)
		} else {
			o.Bulk(text)
		}
	case KindVerbatim:
		if resp3 {
			o.Number('=', int64(len(r.S)+4))
			o.Text(verbatimName(r.N))
			o.Text(":")
		} else {
			o.Number('$', int64(len(r.S)))
		}
		o.Text(r.S)
		o.CRLF()
	case KindBool:
		switch {
		case !resp3:
			o.Number(':', r.N)
		case r.N != 0:
			o.Text("#t\r\n")
		default:
			o.Text("#f\r\n")
		}
	case KindBigNumber:
		if resp3 {
			o.Line('(', r.S)
		} else {
			o.Bulk(r.S)
		}
	}
}

// VerbatimFormat packs a verbatim string's format, of which three bytes are sent.
func VerbatimFormat(name string) (n int64) {
	name = (name + "   ")[:3]
	return int64(name[0])<<16 | int64(name[1])<<8 | int64(name[2])
}

func verbatimName(n int64) string {
	if n == 0 {
		return "txt"
	}
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n)})
}

// arrayOr is RESP3's prefix of what is an array in RESP2.
func arrayOr(prefix byte, resp3 bool) byte {
	if resp3 {
		return prefix
	}
	return '*'
}

// encodeTwos writes an array of arrays of two.
func encodeTwos(o *wire.Output, elems []Reply, resp3 bool) {
	o.Number('*', int64(len(elems)/2))
	for i := 0; i < len(elems); i += 2 {
		encodeElems(o, '*', 2, elems[i:i+2], resp3)
	}
}

// encodeElems writes elements behind their number.
func encodeElems(o *wire.Output, prefix byte, n int, elems []Reply, resp3 bool) {
	o.Number(prefix, int64(n))
	for i := range elems {
		elems[i].Encode(o, resp3)
	}
}

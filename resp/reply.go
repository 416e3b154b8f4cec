package resp

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
)

// A Reply is what a handler answers, encoded in one place for RESP2 and RESP3. It is encoded
// under the keyspace lock, right after the handler returned, so it may hold slices that
// belong to the store; but a long one that holds nothing that can change is encoded without the lock (reply_long.go).
type Reply struct {
	kind  kind
	n     int64 // an integer, or a double's bits
	s     string
	elems []Reply
}

type kind byte

const (
	kindNone      kind = iota // nothing is sent
	kindSimple                // +OK
	kindError                 // -ERR ...
	kindInteger               // :1
	kindBulk                  // $3 foo; copied when it is encoded
	kindText                  // a bulk that is a string, which never changes
	kindLent                  // a bulk that, if it is long, stays unchanged and may be sent without a copy
	kindNull                  // RESP2 $-1, RESP3 _
	kindNullArray             // RESP2 *-1, RESP3 _
	kindArray
	kindMap       // elems are key, value, ...; RESP2 a flat array
	kindSet       // RESP2 an array
	kindPairs     // elems are a, b, a, b ...: RESP2 a flat array, RESP3 an array of arrays of two
	kindMapPairs  // elems are key, value, ...; RESP2 an array of arrays of the two, RESP3 a map
	kindDouble    // s, or n's bits as a float64; RESP2 a bulk
	kindPush      // RESP2 an array
	kindSeries    // elems one after the other, with nothing around them
	kindBlock     // call.blockOn's: there is no reply yet
	kindLoad      // nor here: the command has asked for further keys, changed nothing, and is to run again
	kindVerbatim  // text; RESP2 a bulk. n is its format as verbatimFormat packs it, 0 = txt
	kindBool      // RESP3 #t or #f, RESP2 :1 or :0
	kindBigNumber // s; RESP2 a bulk
	kindAttribute // elems are key, value, ...: goes before a reply in RESP3, and is nothing in RESP2
)

var (
	replyOK      = Reply{kind: kindSimple, s: "OK"}
	replyPong    = Reply{kind: kindSimple, s: "PONG"}
	replyQueued  = Reply{kind: kindSimple, s: "QUEUED"}
	replyNull    = Reply{kind: kindNull}
	replyNoArray = Reply{kind: kindNullArray}
	replyNone    = Reply{}
	replyLoad    = Reply{kind: kindLoad}
	replyZero    = Reply{kind: kindInteger}
	replyOne     = Reply{kind: kindInteger, n: 1}
)

func simple(s string) Reply                     { return Reply{kind: kindSimple, s: s} }
func integer[T int | int64 | uint64](n T) Reply { return Reply{kind: kindInteger, n: int64(n)} }
func bulkString(s string) Reply                 { return Reply{kind: kindText, s: s} }
func array(elems ...Reply) Reply                { return Reply{kind: kindArray, elems: elems} }
func mapOf(elems ...Reply) Reply                { return Reply{kind: kindMap, elems: elems} }
func setOf(elems ...Reply) Reply                { return Reply{kind: kindSet, elems: elems} }
func mapPairsOf(elems ...Reply) Reply           { return Reply{kind: kindMapPairs, elems: elems} }
func pairsOf(elems ...Reply) Reply              { return Reply{kind: kindPairs, elems: elems} }
func push(elems ...Reply) Reply                 { return Reply{kind: kindPush, elems: elems} }
func series(replies ...Reply) Reply             { return Reply{kind: kindSeries, elems: replies} }
func double(f float64) Reply                    { return Reply{kind: kindDouble, n: int64(math.Float64bits(f))} }
func decimal(text string) Reply                 { return Reply{kind: kindDouble, s: text} }
func verbatim(s string) Reply                   { return Reply{kind: kindVerbatim, s: s} }

// isPushed reports whether a RESP3 client gets it as a push: CLIENT REPLY does not keep it back.
func (r *Reply) isPushed() bool { return r.kind == kindPush || r.kind == kindSeries }

// bulk is a value that is copied when it is encoded; nil is the null reply.
func bulk(b []byte) Reply {
	if b == nil {
		return replyNull
	}
	return Reply{kind: kindBulk, s: words.ViewString(b)}
}

// viewed is a string that views bytes of the store: it is copied when it is encoded.
func viewed(s string) Reply { return Reply{kind: kindBulk, s: s} }

// lent is a value from store.LendString; nil is the null reply.
func lent(b []byte) Reply {
	if b == nil {
		return replyNull
	}
	return Reply{kind: kindLent, s: words.ViewString(b)}
}

// oneIf is :1 or :0, for the commands that answer so in both protocols.
func oneIf(b bool) Reply {
	if b {
		return replyOne
	}
	return replyZero
}

func bulkStrings(ss []string) Reply {
	elems := make([]Reply, len(ss))
	for i, s := range ss {
		elems[i] = bulkString(s)
	}
	return array(elems...)
}

// scratch is where a client's commands build the elements of their replies: a reply of a hundred elements then
// costs no allocation. It is emptied when the reply is encoded.
type scratch struct{ used []Reply }

const scratchReplies = 1024 // more are allocated

// elems returns an empty slice with room for n elements of the command's reply.
func (c *call) elems(n int) []Reply {
	s := &c.scratch
	if n > cap(s.used)-len(s.used) {
		if n > scratchReplies || len(s.used) > 0 {
			return make([]Reply, 0, n)
		}
		s.used = make([]Reply, 0, max(n, min(4*cap(s.used), scratchReplies)))
	}
	from := len(s.used)
	s.used = s.used[:from+n]
	return s.used[from : from : from+n]
}

func (s *scratch) reset() {
	if len(s.used) > 0 {
		clear(s.used)
		s.used = s.used[:0]
	}
}

func (r Reply) isError() bool { return r.kind == kindError }

// encode appends a reply in the client's protocol.
func (r *Reply) encode(o *output, resp3 bool) {
	if !o.takes() {
		return
	}
	switch r.kind {
	case kindNone, kindBlock, kindLoad:
	case kindSimple:
		o.line('+', r.s)
	case kindError:
		o.line('-', r.s)
	case kindInteger:
		o.number(':', r.n)
	case kindBulk:
		o.bulk(r.s)
	case kindText, kindLent:
		if len(r.s) < lentBytes {
			o.bulk(r.s)
		} else {
			o.number('$', int64(len(r.s)))
			o.reference(words.ViewBytes(r.s))
			o.crlf()
		}
	case kindNull, kindNullArray:
		switch {
		case resp3:
			o.text("_\r\n")
		case r.kind == kindNull:
			o.text("$-1\r\n")
		default:
			o.text("*-1\r\n")
		}
	case kindArray:
		encodeElems(o, '*', len(r.elems), r.elems, resp3)
	case kindMap:
		if resp3 {
			encodeElems(o, '%', len(r.elems)/2, r.elems, resp3)
		} else {
			encodeElems(o, '*', len(r.elems), r.elems, resp3)
		}
	case kindAttribute:
		if resp3 {
			encodeElems(o, '|', len(r.elems)/2, r.elems, resp3)
		}
	case kindMapPairs:
		if resp3 {
			encodeElems(o, '%', len(r.elems)/2, r.elems, resp3)
		} else {
			encodeTwos(o, r.elems, resp3)
		}
	case kindPairs:
		if resp3 {
			encodeTwos(o, r.elems, resp3)
		} else {
			encodeElems(o, '*', len(r.elems), r.elems, resp3)
		}
	case kindSet:
		encodeElems(o, arrayOr('~', resp3), len(r.elems), r.elems, resp3)
	case kindPush:
		encodeElems(o, arrayOr('>', resp3), len(r.elems), r.elems, resp3)
	case kindSeries:
		for i := range r.elems {
			r.elems[i].encode(o, resp3)
		}
	case kindDouble:
		text := r.s
		if text == "" {
			text = numbers.FormatDouble(math.Float64frombits(uint64(r.n)))
		}
		if resp3 {
			o.line(',', text)
		} else {
			o.bulk(text)
		}
	case kindVerbatim:
		if resp3 {
			o.number('=', int64(len(r.s)+4))
			o.text(verbatimName(r.n))
			o.text(":")
		} else {
			o.number('$', int64(len(r.s)))
		}
		o.text(r.s)
		o.crlf()
	case kindBool:
		switch {
		case !resp3:
			o.number(':', r.n)
		case r.n != 0:
			o.text("#t\r\n")
		default:
			o.text("#f\r\n")
		}
	case kindBigNumber:
		if resp3 {
			o.line('(', r.s)
		} else {
			o.bulk(r.s)
		}
	}
}

// verbatimFormat packs a verbatim string's format, of which three bytes are sent.
func verbatimFormat(name string) (n int64) {
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
func encodeTwos(o *output, elems []Reply, resp3 bool) {
	o.number('*', int64(len(elems)/2))
	for i := 0; i < len(elems); i += 2 {
		encodeElems(o, '*', 2, elems[i:i+2], resp3)
	}
}

// encodeElems writes elements behind their number.
func encodeElems(o *output, prefix byte, n int, elems []Reply, resp3 bool) {
	o.number(prefix, int64(n))
	for i := range elems {
		elems[i].encode(o, resp3)
	}
}

package resp

import (
	"math"
	"strconv"
)

// A Reply is what a handler answers, encoded in one place for RESP2 and RESP3. It is encoded
// under the keyspace lock, right after the handler returned, so it may hold slices that
// belong to the store.
type Reply struct {
	kind  kind
	n     int64
	f     float64
	s     string
	b     []byte
	elems []Reply
}

type kind byte

const (
	kindNone      kind = iota // nothing is sent
	kindSimple                // +OK
	kindError                 // -ERR ...
	kindInteger               // :1
	kindBulk                  // $3 foo; copied when it is encoded
	kindLent                  // a bulk that stays unchanged and may be sent without a copy
	kindString                // a bulk from s
	kindNull                  // RESP2 $-1, RESP3 _
	kindNullArray             // RESP2 *-1, RESP3 _
	kindArray
	kindMap      // elems are key, value, ...; RESP2 a flat array
	kindSet      // RESP2 an array
	kindDouble   // RESP2 a bulk
	kindBlock    // call.blockOn's: there is no reply yet
	kindVerbatim // s with the format in b, as "txt"; RESP2 a bulk
)

var (
	replyOK      = Reply{kind: kindSimple, s: "OK"}
	replyPong    = Reply{kind: kindSimple, s: "PONG"}
	replyQueued  = Reply{kind: kindSimple, s: "QUEUED"}
	replyNull    = Reply{kind: kindNull}
	replyNoArray = Reply{kind: kindNullArray}
	replyNone    = Reply{}
	replyZero    = Reply{kind: kindInteger}
	replyOne     = Reply{kind: kindInteger, n: 1}
)

func simple(s string) Reply                     { return Reply{kind: kindSimple, s: s} }
func integer[T int | int64 | uint64](n T) Reply { return Reply{kind: kindInteger, n: int64(n)} }
func bulkString(s string) Reply                 { return Reply{kind: kindString, s: s} }
func array(elems ...Reply) Reply                { return Reply{kind: kindArray, elems: elems} }
func mapOf(elems ...Reply) Reply                { return Reply{kind: kindMap, elems: elems} }
func setOf(elems ...Reply) Reply                { return Reply{kind: kindSet, elems: elems} }
func double(f float64) Reply                    { return Reply{kind: kindDouble, f: f} }
func verbatim(s string) Reply                   { return Reply{kind: kindVerbatim, s: s} }

// bulk is a value that is copied when it is encoded; nil is the null reply.
func bulk(b []byte) Reply {
	if b == nil {
		return replyNull
	}
	return Reply{kind: kindBulk, b: b}
}

// lent is a value from store.LendString; nil is the null reply.
func lent(b []byte) Reply {
	if b == nil {
		return replyNull
	}
	return Reply{kind: kindLent, b: b}
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

func (r Reply) isError() bool { return r.kind == kindError }

// encode appends a reply in the client's protocol.
func (o *output) encode(r *Reply, resp3 bool) {
	if o.limitReached() {
		return
	}
	switch r.kind {
	case kindNone, kindBlock:
	case kindSimple:
		o.line('+', r.s)
	case kindError:
		o.line('-', r.s)
	case kindInteger:
		o.number(':', r.n)
	case kindBulk:
		o.bulk(r.b)
	case kindLent:
		if len(r.b) < lentBytes {
			o.bulk(r.b)
		} else {
			o.number('$', int64(len(r.b)))
			o.reference(r.b)
			o.crlf()
		}
	case kindString:
		o.number('$', int64(len(r.s)))
		o.buf = append(o.buf, r.s...)
		o.crlf()
	case kindNull, kindNullArray:
		switch {
		case resp3:
			o.buf = append(o.buf, "_\r\n"...)
		case r.kind == kindNull:
			o.buf = append(o.buf, "$-1\r\n"...)
		default:
			o.buf = append(o.buf, "*-1\r\n"...)
		}
	case kindArray:
		o.elems('*', len(r.elems), r.elems, resp3)
	case kindMap:
		if resp3 {
			o.elems('%', len(r.elems)/2, r.elems, resp3)
		} else {
			o.elems('*', len(r.elems), r.elems, resp3)
		}
	case kindSet:
		prefix := byte('*')
		if resp3 {
			prefix = '~'
		}
		o.elems(prefix, len(r.elems), r.elems, resp3)
	case kindDouble:
		text := formatDouble(r.f)
		if resp3 {
			o.line(',', text)
		} else {
			o.bulk([]byte(text))
		}
	case kindVerbatim:
		if resp3 {
			o.number('=', int64(len(r.s)+4))
			o.buf = append(o.buf, "txt:"...)
		} else {
			o.number('$', int64(len(r.s)))
		}
		o.buf = append(o.buf, r.s...)
		o.crlf()
	}
}

func (o *output) elems(prefix byte, n int, elems []Reply, resp3 bool) {
	o.number(prefix, int64(n))
	for i := range elems {
		o.encode(&elems[i], resp3)
	}
}

func (o *output) line(prefix byte, s string) {
	o.buf = append(append(append(o.buf, prefix), s...), '\r', '\n')
}

func (o *output) number(prefix byte, n int64) {
	o.buf = append(o.buf, prefix)
	if n >= 0 && n < 10 {
		o.buf = append(o.buf, byte('0'+n), '\r', '\n')
		return
	}
	o.buf = append(strconv.AppendInt(o.buf, n, 10), '\r', '\n')
}

func (o *output) bulk(b []byte) {
	o.number('$', int64(len(b)))
	o.buf = append(append(o.buf, b...), '\r', '\n')
}

func (o *output) crlf() { o.buf = append(o.buf, '\r', '\n') }

// formatDouble writes a score as Redis does: integers plainly, others with the fewest
// digits that read back the same.
func formatDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	case f == math.Trunc(f) && math.Abs(f) < 1e17:
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

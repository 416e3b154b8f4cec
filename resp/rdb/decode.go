package rdb

import "math"

// Limits bound what a payload may unfold to. 0 = no limit.
type Limits struct {
	StringBytes int64 // a string, unfolded
	TotalBytes  int64 // the value in memory: the bytes of its strings and what refers to them
}

// Decode returns the value of a payload. The error is ErrChecksum, or wraps ErrFormat. As in Redis, what may follow
// the value in a payload is not looked at.
func Decode(payload []byte, l Limits) (*Value, error) {
	b, valkey, err := unseal(payload)
	if err != nil {
		return nil, err
	}
	r := payloadReader(b)
	r.valkey = valkey
	if l.StringBytes > 0 {
		r.maxString, r.maxPacked = l.StringBytes, l.StringBytes
	}
	if l.TotalBytes > 0 {
		r.left = l.TotalBytes
	}
	v := &Value{}
	vr := valueReader{reader: r, whole: math.MaxInt64}
	t := r.byte()
	if t == opKeyMeta && !valkey {
		r.skipKeyMeta()
		t = r.byte()
	}
	vr.beginValue(t, 0)
	if r.err == nil {
		vr.more(v)
	}
	if r.err == nil && v.isEmpty() {
		r.fail("a collection with elements", "an empty one")
	}
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// payloadReader returns a reader of a payload without its footer.
func payloadReader(b []byte) *reader {
	const most = math.MaxInt64 / 2 // so that nothing overflows
	return &reader{b: b, end: int64(len(b)), maxString: most, maxPacked: most, left: math.MaxInt64}
}

// isEmpty reports whether the value is a collection that can not be without elements and is.
func (v *Value) isEmpty() bool {
	switch v.Kind {
	case List, Set, Hash:
		return len(v.Elements) == 0
	case ZSet:
		return len(v.Members) == 0
	}
	return false
}

package command

import (
	"testing"

	"diskette/resp/wire"
)

func TestALongReplyIsEncodedLaterOnlyIfNothingInItCanChange(t *testing.T) {
	texts := make([]Reply, longReply)
	for i := range texts {
		texts[i] = BulkString("text")
	}
	with := func(r Reply) Reply { return Array(append(texts[:len(texts)-1:len(texts)-1], r)...) }
	for name, c := range map[string]struct {
		reply Reply
		long  bool
	}{
		"strings":                   {Array(texts...), true},
		"one fewer":                 {Array(texts[1:]...), false},
		"a map":                     {MapOf(texts...), true},
		"numbers among them":        {with(Integer(1)), true},
		"arrays of strings":         {with(Array(texts[0], Double(1))), true},
		"a name and many elements":  {Array(BulkString("key"), Array(texts...)), true},
		"a value that may change":   {with(Bulk([]byte("view"))), false},
		"a short value of a string": {with(lent([]byte("view"))), false},
		"one deep inside":           {with(Array(texts[0], Array(Bulk([]byte("view"))))), false},
		"a view of a name":          {Array(Bulk([]byte("key")), Array(texts...)), false},
		"no array":                  {ReplyOK, false},
	} {
		if c.reply.IsLong() != c.long {
			t.Errorf("%s: %v", name, !c.long)
		}
	}
}

func BenchmarkLongReply(b *testing.B) {
	elems := make([]Reply, 500_000)
	for i := range elems {
		elems[i] = BulkString("element of number 000001")
	}
	r := Array(elems...)
	b.Run("seeing that it lasts", func(b *testing.B) {
		for b.Loop() {
			if !r.IsLong() {
				b.Fatal()
			}
		}
	})
	b.Run("encoding", func(b *testing.B) {
		var o wire.Output
		for b.Loop() {
			r.Encode(&o, false)
			o.Reset()
		}
	})
}

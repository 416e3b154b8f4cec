package resp

import "testing"

func TestALongReplyIsEncodedLaterOnlyIfNothingInItCanChange(t *testing.T) {
	texts := make([]Reply, longReply)
	for i := range texts {
		texts[i] = bulkString("text")
	}
	with := func(r Reply) Reply { return array(append(texts[:len(texts)-1:len(texts)-1], r)...) }
	for name, c := range map[string]struct {
		reply Reply
		long  bool
	}{
		"strings":                   {array(texts...), true},
		"one fewer":                 {array(texts[1:]...), false},
		"a map":                     {mapOf(texts...), true},
		"numbers among them":        {with(integer(1)), true},
		"arrays of strings":         {with(array(texts[0], double(1))), true},
		"a name and many elements":  {array(bulkString("key"), array(texts...)), true},
		"a value that may change":   {with(bulk([]byte("view"))), false},
		"a short value of a string": {with(lent([]byte("view"))), false},
		"one deep inside":           {with(array(texts[0], array(bulk([]byte("view"))))), false},
		"a view of a name":          {array(bulk([]byte("key")), array(texts...)), false},
		"no array":                  {replyOK, false},
	} {
		if c.reply.isLong() != c.long {
			t.Errorf("%s: %v", name, !c.long)
		}
	}
}

func BenchmarkLongReply(b *testing.B) {
	elems := make([]Reply, 500_000)
	for i := range elems {
		elems[i] = bulkString("element of number 000001")
	}
	r := array(elems...)
	b.Run("seeing that it lasts", func(b *testing.B) {
		for b.Loop() {
			if !r.isLong() {
				b.Fatal()
			}
		}
	})
	b.Run("encoding", func(b *testing.B) {
		var o output
		for b.Loop() {
			r.encode(&o, false)
			o.reset()
		}
	})
}

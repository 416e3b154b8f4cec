package command

import (
	"encoding/binary"
	"unsafe"

	"diskette/resp/internal/words"
	"diskette/resp/wire"
	"diskette/store"
)

// Elements are those of a reply of very many, which are made one by one while it is encoded and sent, without the
// keyspace lock: a Reply of each takes 56 bytes, more than most elements. They are strings and numbers that never
// change. In MULTI and in scripts a reply has its elements at once.
//
// KEYS * of a million names of 16 bytes on disk, with maxmemory 64mb: 35 MB of RSS more while it runs (75 before),
// half of them the names. SMEMBERS of a million, to a client that does not read yet: 17 MB (70 before), HGETALL 31.
type Elements struct {
	Of   Kind  // KindArray, KindSet, KindMap or KindPairs
	N    int   // how many, keys and values of a map counted each
	Held int64 // bytes that they take until the reply is sent
	Each func(yield func(*Reply) bool)
}

// Encode appends the reply in the client's protocol.
func (e *Elements) Encode(o *wire.Output, resp3 bool) {
	twos := e.Of == KindPairs && resp3
	switch {
	case e.Of == KindMap && resp3:
		o.Number('%', int64(e.N/2))
	case twos:
		o.Number('*', int64(e.N/2))
	case e.Of == KindSet:
		o.Number(arrayOr('~', resp3), int64(e.N))
	default:
		o.Number('*', int64(e.N))
	}
	i := 0
	e.Each(func(r *Reply) bool {
		if twos && i%2 == 0 {
			o.Number('*', 2)
		}
		i++
		r.Encode(o, resp3)
		return !o.Dropped
	})
}

// eachText answers with strings that never change.
func (c *Call) eachText(of Kind, texts []string) Reply {
	c.Elements = &Elements{of, len(texts), int64(len(texts)) * int64(unsafe.Sizeof("")), func(yield func(*Reply) bool) {
		var r Reply
		for _, text := range texts {
			if r = BulkString(text); !yield(&r) {
				return
			}
		}
	}}
	return Reply{Kind: KindElements}
}

// eachScored answers with members, in the reverse order if so, and with their scores if so.
func (c *Call) eachScored(members []store.Scored, withScores, reverse bool) Reply {
	e := &Elements{KindArray, len(members), int64(len(members)) * int64(unsafe.Sizeof(store.Scored{})), nil}
	if withScores {
		e.Of, e.N = KindPairs, 2*e.N
	}
	e.Each = func(yield func(*Reply) bool) {
		var r Reply
		for i := range members {
			if reverse {
				i = len(members) - 1 - i
			}
			if r = BulkString(members[i].Member); !yield(&r) {
				return
			}
			if withScores {
				if r = Double(members[i].Score); !yield(&r) {
					return
				}
			}
		}
	}
	c.Elements = e
	return Reply{Kind: KindElements}
}

// A pack is many strings in a few blocks of bytes, each behind its length.
type pack struct {
	blocks [][]byte
	n      int
	bytes  int64
}

const packBlock = 64 << 10

func (p *pack) add(text string) {
	last := len(p.blocks) - 1
	need := binary.MaxVarintLen64 + len(text)
	if last < 0 || cap(p.blocks[last])-len(p.blocks[last]) < need {
		size := max(need, min(packBlock, 256<<min(last+1, 8)))
		p.blocks = append(p.blocks, make([]byte, 0, size))
		p.bytes += int64(size)
		last++
	}
	p.blocks[last] = append(binary.AppendUvarint(p.blocks[last], uint64(len(text))), text...)
	p.n++
}

// each calls yield with the strings in order. If last, they are not needed any more.
func (p *pack) each(last bool, yield func(text string) bool) {
	for i, b := range p.blocks {
		for len(b) > 0 {
			length, n := binary.Uvarint(b)
			text := b[n : n+int(length)]
			if b = b[n+int(length):]; !yield(words.ViewString(text)) {
				return
			}
		}
		if last {
			p.blocks[i] = nil
		}
	}
}

// reply answers with the strings.
func (p *pack) reply(c *Call) Reply {
	if p.n < longReply || c.Locked {
		elems := make([]Reply, 0, p.n)
		p.each(false, func(text string) bool {
			elems = append(elems, BulkString(text))
			return true
		})
		return Array(elems...)
	}
	c.Elements = &Elements{KindArray, p.n, p.bytes, func(yield func(*Reply) bool) {
		var r Reply
		p.each(true, func(text string) bool {
			r = BulkString(text)
			return yield(&r)
		})
	}}
	return Reply{Kind: KindElements}
}

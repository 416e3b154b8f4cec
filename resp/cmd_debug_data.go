package resp

import (
	"fmt"
	"strconv"

	"diskette/expire"
	"diskette/resp/internal/words"
	"diskette/store"
)

// The words of DEBUG that clients' own tests use: a reply of each type, keys in numbers, what a key looks like inside.

const debugProtocolTypes = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"

// debugProtocol is DEBUG PROTOCOL, with Redis's values.
func debugProtocol(cl *client, kind string) Reply {
	three := func(value func(i int) []Reply) (elems []Reply) {
		for i := range 3 {
			elems = append(append(elems, integer(i)), value(i)...)
		}
		return elems
	}
	alone := func(int) []Reply { return nil }
	switch kind {
	case "string":
		return bulkString("Hello World")
	case "integer":
		return integer(12345)
	case "double":
		return double(3.141)
	case "bignum":
		return Reply{kind: kindBigNumber, s: "1234567999999999999999999999999999999"}
	case "null":
		return replyNull
	case "array":
		return array(three(alone)...)
	case "set":
		return setOf(three(alone)...)
	case "map":
		return mapOf(three(func(i int) []Reply { return []Reply{truth(i == 1)} })...)
	case "attrib":
		attribute := Reply{kind: kindAttribute, elems: []Reply{bulkString("key-popularity"), array(bulkString("key:123"), integer(90))}}
		return series(attribute, bulkString("Some real reply following the attribute"))
	case "push":
		if !cl.resp3 {
			return errorReply("ERR RESP2 is not supported by this command")
		}
		return series(bulkString("Some real reply following the push reply"), push(bulkString("server-cpu-usage"), integer(42)))
	case "verbatim":
		return verbatim("This is a verbatim\nstring")
	case "true", "false":
		return truth(kind == "true")
	}
	return errorReply("ERR Wrong protocol type name. Please use one of the following: " + debugProtocolTypes)
}

func truth(b bool) Reply { return Reply{kind: kindBool, n: oneIf(b).n} }

// onKeys runs fn on the client's database, as a command on keys does, and serves those whom its changes serve.
func (cl *client) onKeys(c *call, fn func(tx *store.Tx) Reply) (reply Reply) {
	if c.locked {
		return errNotInMulti
	}
	s := cl.srv
	s.store.WaitForRoom()
	s.store.Lock()
	s.running = cl
	defer func() {
		s.tracking.broadcast()
		s.running = nil
		s.store.Unlock()
	}()
	now := expire.NowMillis()
	tx := s.store.Begin(cl.db, now)
	defer func() {
		if p := recover(); p != nil {
			cl.callSeen = max(cl.callSeen, s.store.Abort())
			reply = s.panicked(c.name(), p)
		}
	}()
	reply = fn(tx)
	cl.callSeen = max(cl.callSeen, tx.End())
	s.serveBlocked(now)
	return reply
}

// debugObject is DEBUG OBJECT. A value has no address of its own; the length is that of DUMP without its frame.
func debugObject(cl *client, c *call) Reply {
	const frame = 11 // the type, the version and the checksum
	return cl.onKeys(c, func(tx *store.Tx) Reply {
		key, v := c.args[2], &tx.View
		idle, ok := v.IdleMillis(key)
		if !ok {
			return errNoSuchKey
		}
		ask := call{caller: c.caller, now: c.now, locked: true}
		ask.args = [][]byte{nil, key}
		payload := dump(v, &ask)
		ask.args = [][]byte{nil, nil, key}
		encoding := objectEncoding(v, &ask)
		return simple(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
			encoding.s, max(0, len(payload.s)-frame), (c.now-idle)/1000&(1<<24-1), idle/1000))
	})
}

// populateSlice is how many keys DEBUG POPULATE makes under one hold of the keyspace lock.
const populateSlice = 256

// debugPopulate is DEBUG POPULATE count [prefix] [size]: strings under names that nothing has yet.
func debugPopulate(cl *client, c *call) Reply {
	count, ok := c.int(2)
	size, sized := int64(0), len(c.args) > 4
	if sized && ok {
		size, ok = c.int(4)
	}
	if !ok || count < 0 || size < 0 {
		return errNegative
	}
	if size > c.maxBulk.Load() {
		return errTooLong
	}
	prefix := "key"
	if len(c.args) > 3 {
		prefix = c.str(3)
	}
	if err := cl.srv.store.WriteError(); err != nil {
		return errNotStored(err)
	}
	for from := int64(0); from < count; from += populateSlice {
		reply := cl.onKeys(c, func(tx *store.Tx) Reply {
			for i := from; i < min(count, from+populateSlice); i++ {
				number := strconv.FormatInt(i, 10)
				key, value := []byte(prefix+":"+number), "value:"+number
				if tx.PeekType(key) != store.None {
					continue
				}
				if sized && size > 0 {
					padded := make([]byte, size)
					copy(padded, value)
					value = words.ViewString(padded)
				}
				tx.SetString(key, []byte(value), 0)
			}
			return replyOK
		})
		if reply.isError() {
			return reply
		}
	}
	return replyOK
}

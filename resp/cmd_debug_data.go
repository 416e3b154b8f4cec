package resp

import (
	"fmt"
	"strconv"

	"diskette/expire"
	"diskette/resp/command"
	"diskette/resp/internal/words"
	"diskette/store"
)

// The words of DEBUG that clients' own tests use: a reply of each type, keys in numbers, what a key looks like inside.

const debugProtocolTypes = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"

// debugProtocol is DEBUG PROTOCOL, with Redis's values.
func debugProtocol(cl *client, kind string) command.Reply {
	three := func(value func(i int) []command.Reply) (elems []command.Reply) {
		for i := range 3 {
			elems = append(append(elems, command.Integer(i)), value(i)...)
		}
		return elems
	}
	alone := func(int) []command.Reply { return nil }
	switch kind {
	case "string":
		return command.BulkString("Hello World")
	case "integer":
		return command.Integer(12345)
	case "double":
		return command.Double(3.141)
	case "bignum":
		return command.Reply{Kind: command.KindBigNumber, S: "1234567999999999999999999999999999999"}
	case "null":
		return command.ReplyNull
	case "array":
		return command.Array(three(alone)...)
	case "set":
		return command.SetOf(three(alone)...)
	case "map":
		return command.MapOf(three(func(i int) []command.Reply { return []command.Reply{truth(i == 1)} })...)
	case "attrib":
		attribute := command.Reply{Kind: command.KindAttribute,
			Elems: []command.Reply{command.BulkString("key-popularity"),
				command.Array(command.BulkString("key:123"), command.Integer(90))}}
		return command.Series(attribute, command.BulkString("Some real reply following the attribute"))
	case "push":
		if !cl.RESP3 {
			return command.ErrorReply("ERR RESP2 is not supported by this command")
		}
		return command.Series(command.BulkString("Some real reply following the push reply"),
			command.Push(command.BulkString("server-cpu-usage"), command.Integer(42)))
	case "verbatim":
		return command.Verbatim("This is a verbatim\nstring")
	case "true", "false":
		return truth(kind == "true")
	}
	return command.ErrorReply("ERR Wrong protocol type name. Please use one of the following: " + debugProtocolTypes)
}

func truth(b bool) command.Reply { return command.Reply{Kind: command.KindBool, N: command.OneIf(b).N} }

// onKeys runs fn on the client's database, as a command on keys does, and serves those whom its changes serve.
func (cl *client) onKeys(c *command.Call, fn func(tx *store.Tx) command.Reply) (reply command.Reply) {
	if c.Locked {
		return command.ErrNotInMulti
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
	tx := s.store.Begin(cl.DB, now)
	defer func() {
		if p := recover(); p != nil {
			cl.CallSeen = max(cl.CallSeen, s.store.Abort())
			reply = s.panicked(c.Name(), p)
		}
	}()
	reply = fn(tx)
	cl.CallSeen = max(cl.CallSeen, tx.End())
	s.serveBlocked(now)
	return reply
}

// debugObject is DEBUG OBJECT. A value has no address of its own; the length is that of DUMP without its frame.
func debugObject(cl *client, c *command.Call) command.Reply {
	const frame = 11 // the type, the version and the checksum
	return cl.onKeys(c, func(tx *store.Tx) command.Reply {
		key, v := c.Args[2], &tx.View
		idle, ok := v.IdleMillis(key)
		if !ok {
			return command.ErrNoSuchKey
		}
		ask := command.Call{Caller: c.Caller, Now: c.Now, Locked: true}
		ask.Args = [][]byte{nil, key}
		payload := command.Dump(v, &ask)
		ask.Args = [][]byte{nil, nil, key}
		encoding := command.ObjectEncoding(v, &ask)
		return command.Simple(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
			encoding.S, max(0, len(payload.S)-frame), (c.Now-idle)/1000&(1<<24-1), idle/1000))
	})
}

// populateSlice is how many keys DEBUG POPULATE makes under one hold of the keyspace lock.
const populateSlice = 256

// debugPopulate is DEBUG POPULATE count [prefix] [size]: strings under names that nothing has yet.
func debugPopulate(cl *client, c *command.Call) command.Reply {
	count, ok := c.Int(2)
	size, sized := int64(0), len(c.Args) > 4
	if sized && ok {
		size, ok = c.Int(4)
	}
	if !ok || count < 0 || size < 0 {
		return command.ErrNegative
	}
	if size > c.MaxBulk.Load() {
		return command.ErrTooLong
	}
	prefix := "key"
	if len(c.Args) > 3 {
		prefix = c.Str(3)
	}
	if err := cl.srv.store.WriteError(); err != nil {
		return command.ErrNotStored(err)
	}
	for from := int64(0); from < count; from += populateSlice {
		reply := cl.onKeys(c, func(tx *store.Tx) command.Reply {
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
			return command.ReplyOK
		})
		if reply.IsError() {
			return reply
		}
	}
	return command.ReplyOK
}

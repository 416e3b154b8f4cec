package command

import (
	"math"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

const (
	embeddedBytes = 44    // the longest string that Redis keeps in one piece with its header
	sharedInts    = 10000 // how many small integers it keeps once for all keys
)

// ObjectEncoding names what Redis would keep the value in.
func ObjectEncoding(v *store.View, c *Call) Reply {
	key := c.Args[2]
	switch v.TypeOf(key) {
	case store.None:
		return ReplyNull
	case store.TypeString:
		return BulkString(stringEncoding(v, key))
	case store.TypeStream:
		return BulkString("stream")
	}
	if !c.Has(v, key, store.NeedShape) {
		return ReplyLoad
	}
	s, whole, _ := v.PeekOutline(key)
	name := encodingOf(c.Settings, s)
	if !whole && isCompact(name) { // what is known of it is still below the thresholds, which are far above Redis's own
		if !c.Has(v, key, store.NeedValue) {
			return ReplyLoad
		}
		s, _ = v.PeekShape(key)
		name = encodingOf(c.Settings, s)
	}
	return BulkString(name)
}

// isCompact reports whether an encoding is one that a value loses for good when it grows.
func isCompact(encoding string) bool {
	return encoding == "listpack" || encoding == "listpackex" || encoding == "intset"
}

// Has asks for what is needed of a key, of which the head has told so; false = it is to be loaded first.
// Inside MULTI and scripts the look-up loads it.
func (c *Call) Has(v *store.View, key []byte, need store.Need) bool {
	return !c.MayLoad || v.WantAlso(key, need)
}

func stringEncoding(v *store.View, key []byte) string {
	value, form := v.PeekShort(key, embeddedBytes)
	switch {
	case isRedisInt(value, form):
		return "int"
	case form == store.Grown || value == nil:
		return "raw"
	}
	return "embstr"
}

// encodingOf names a collection's encoding by Redis's names and thresholds (t_hash.c and the like).
func encodingOf(cfg Settings, s store.Shape) string {
	compact := func(entries, value string) bool {
		return int64(s.MostLen) <= cfg.Int(entries) && int64(s.LongestBytes) <= cfg.Int(value)
	}
	switch s.Type {
	case store.TypeHash:
		switch {
		case !compact("hash-max-listpack-entries", "hash-max-listpack-value"):
			return "hashtable"
		case s.Deadlines:
			return "listpackex" // Redis 7.4's
		}
		return "listpack"
	case store.TypeSet:
		integers, entries := int64(s.MostIntegers), cfg.Int("set-max-listpack-entries")
		switch outgrown := integers > cfg.Int("set-max-intset-entries"); {
		case s.MostLen == 0 && !outgrown:
			return "intset"
		case outgrown && integers > entries:
			return "hashtable"
		case compact("set-max-listpack-entries", "set-max-listpack-value"):
			return "listpack"
		}
		return "hashtable"
	case store.TypeZSet:
		if compact("zset-max-listpack-entries", "zset-max-listpack-value") {
			return "listpack"
		}
		return "skiplist"
	case store.TypeList:
		return listEncoding(cfg.Int("list-max-listpack-size"), s)
	}
	return "stream"
}

// listEncoding follows Redis 7.2: a list is a listpack until it outgrows one node of a quicklist, and again when it has
// shrunk to half of that. limit is list-max-listpack-size: elements, of 8 KB together, or -1 to -5 for 4 to 64 KB.
func listEncoding(limit int64, s store.Shape) string {
	const header, safe = 7, 8192
	fits := func(length int, bytes int64, share int64) bool {
		if limit < 0 {
			return bytes+header <= 4096<<min(-limit-1, 4)/share
		}
		return int64(length) <= max(limit, 1)/share && bytes+header <= safe/share
	}
	if fits(s.MostLen, s.MostBytes, 1) || fits(s.Len, s.Bytes, 2) {
		return "listpack"
	}
	return "quicklist"
}

// isRedisInt reports whether Redis would keep a string as an integer.
func isRedisInt(value []byte, form store.Form) bool {
	_, ok := numbers.ParseInt(value)
	return ok && form == store.Whole
}

func objectRefcount(v *store.View, c *Call) Reply {
	switch v.TypeOf(c.Args[2]) {
	case store.None:
		return ReplyNull
	case store.TypeString:
	default:
		return ReplyOne
	}
	value, form := v.PeekShort(c.Args[2], embeddedBytes)
	if n, _ := numbers.ParseInt(value); isRedisInt(value, form) && n >= 0 && n < sharedInts {
		return Integer(math.MaxInt32)
	}
	return ReplyOne
}

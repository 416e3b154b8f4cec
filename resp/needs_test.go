package resp

import (
	"strings"
	"testing"

	"diskette/resp/command"
)

// What a command of MULTI may turn out to need is loaded before EXEC runs it: nothing is read from disk under
// the keyspace lock. On its own a command asks for the head first, and for more where that is not enough.
func TestQueuedCommandsHaveAllThatTheyMayNeed(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	storeMany(k, command.OffLockElements)
	k.do("SETRANGE long 3000000 end")
	for _, line := range []string{
		"HLEN h", "LLEN l", "SCARD a", "ZCARD za", "XLEN x", "OBJECT ENCODING h", "OBJECT ENCODING l", "MEMORY USAGE a", "MEMORY USAGE x",
		"SORT l LIMIT 0 1", "SORT_RO a ALPHA LIMIT 0 1", "SORT h", "COPY h to", "COPY l a", "HGET h f", "EXISTS h",
		"GET long", "GETRANGE long 0 5", "SUBSTR long 0 -1", "GETBIT long 7", "SETBIT long 7 1", "SETRANGE long 262143 ab",
		"APPEND long abc", "STRLEN long", "BITCOUNT long 0 5", "BITPOS long 1", "BITFIELD long SET u8 2097150 7",
		"BITFIELD_RO long GET u8 0",
	} {
		k.do("DEL to")
		var args [][]byte
		for word := range strings.FieldsSeq(line) {
			args = append(args, []byte(word))
		}
		r := s.table.Lookup(args[0])
		if r.Subs != nil {
			r = r.Sub(args[1])
		}
		for _, first := range []bool{false, true} {
			if err := s.store.Unload(); err != nil {
				t.Fatal(err)
			}
			c := &command.Call{Caller: &command.Caller{Host: &s.host}, Row: r, Args: args, MayLoad: first}
			var reply command.Reply
			for reply = command.ReplyLoad; reply.Kind == command.KindLoad; {
				begun := s.store.Loads()
				s.store.Lock()
				tx := s.store.Begin(0, 1)
				if want(tx, r, args, first) {
					if r.Read != nil {
						reply = r.Read(&tx.View, c)
					} else {
						reply = r.Write(tx, c)
					}
				}
				f := tx.TakeFetch()
				tx.End()
				s.store.Unlock()
				if read := s.store.Loads() - begun; read > 0 {
					t.Errorf("%s (first %v) has read %d keys under the lock", line, first, read)
				}
				if f == nil {
					continue
				}
				if err := f.Load(); err != nil {
					t.Fatal(err)
				}
				s.store.Lock()
				f.Release()
				s.store.Unlock()
			}
			if wrong := line == "SORT h"; reply.IsError() != wrong {
				t.Errorf("%s: %v", line, reply)
			}
		}
	}
}

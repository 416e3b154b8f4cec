package resp

import (
	"bytes"
	"strings"
	"testing"

	"diskette/resp/command"
	"diskette/resp/wire"
	"diskette/store"
)

// What LCS of long strings works on without the lock stays as it was, whatever becomes of the keys meanwhile.
func TestALongLCSNeedsTheLockNoMore(t *testing.T) {
	_, s := startServing(t)
	for _, n := range []int{8 << 10, 2 * wire.LentBytes} { // copied, and lent
		a, b := strings.Repeat("abcdefgh", n/8), "hgfedcba"+strings.Repeat("abcd", 25)
		c := &command.Call{Caller: &command.Caller{Host: &s.host}, Args: [][]byte{[]byte("LCS"), []byte("a"), []byte("b"), []byte("LEN")}, MayLeaveLock: true}
		inLock := func(fn func(tx *store.Tx)) {
			s.store.Lock()
			defer s.store.Unlock()
			tx := s.store.Begin(0, 0)
			for _, key := range c.Args[1:3] {
				tx.Want(key, store.NeedValue)
			}
			fn(tx)
			tx.End()
		}
		var want int64 // as it is under the lock
		inLock(func(tx *store.Tx) {
			tx.SetString(c.Args[1], []byte(a), 0)
			tx.SetString(c.Args[2], []byte(b), 0)
			s.cfg.ProtoMaxBulkLen.Store(1 << 33)
			under := *c
			under.MayLeaveLock = false
			want = s.table.Lookup(c.Args[0]).Read(&tx.View, &under).N
			if reply := s.table.Lookup(c.Args[0]).Read(&tx.View, c); reply.Kind != command.KindNone || c.Finish == nil {
				t.Fatalf("answered under the lock: %v", reply)
			}
		})
		inLock(func(tx *store.Tx) {
			for _, key := range c.Args[1:3] {
				err := tx.EditString(key, 0, func(value []byte) []store.Span {
					copy(value, bytes.Repeat([]byte("x"), len(value)))
					return []store.Span{{From: 0, To: len(value)}}
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		if got := c.Finish(); got.N != want || want == 0 {
			t.Errorf("%d bytes: the length is %d, want %d", n, got.N, want)
		}
	}
}

package resp

import (
	"bytes"
	"strings"
	"testing"

	"diskette/store"
)

// What LCS of long strings works on without the lock stays as it was, whatever becomes of the keys meanwhile.
func TestALongLCSNeedsTheLockNoMore(t *testing.T) {
	_, s := startServing(t)
	for _, n := range []int{8 << 10, 2 * lentBytes} { // copied, and lent
		a, b := strings.Repeat("abcdefgh", n/8), "hgfedcba"+strings.Repeat("abcd", 25)
		c := &call{caller: &caller{host: &s.host}, args: [][]byte{[]byte("LCS"), []byte("a"), []byte("b"), []byte("LEN")}, mayPart: true}
		inLock := func(fn func(tx *store.Tx)) {
			s.store.Lock()
			defer s.store.Unlock()
			tx := s.store.Begin(0, 0)
			for _, key := range c.args[1:3] {
				tx.Want(key, store.NeedValue)
			}
			fn(tx)
			tx.End()
		}
		inLock(func(tx *store.Tx) {
			tx.SetString(c.args[1], []byte(a), 0)
			tx.SetString(c.args[2], []byte(b), 0)
			s.cfg.ProtoMaxBulkLen.Store(1 << 33)
			if reply := s.table.lookup(c.args[0]).read(&tx.View, c); reply.kind != kindNone || c.finish == nil {
				t.Fatalf("answered under the lock: %v", reply)
			}
		})
		inLock(func(tx *store.Tx) {
			for _, key := range c.args[1:3] {
				err := tx.EditString(key, 0, func(value []byte) []store.Span {
					copy(value, bytes.Repeat([]byte("x"), len(value)))
					return []store.Span{{From: 0, To: len(value)}}
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		if got, want := c.finish(), newLCSTable([]byte(a), []byte(b)).length; got.n != int64(want) || want == 0 {
			t.Errorf("%d bytes: the length is %d, want %d", n, got.n, want)
		}
	}
}

package compat_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"diskette/compat_test/testrand"
)

// A bank is accounts between which clients move money, each time in a MULTI that counts the transfer, too: a copy that
// is of one moment has as much in all of them together as there was before, and fits the number of transfers.
type bank struct {
	accounts int
	moved    atomic.Int64 // transfers that were acknowledged
	clients  int
	closing  atomic.Bool
	working  sync.WaitGroup
}

const firstBalance = 1000

// openBank has some clients of a server move money until close.
func openBank(t *testing.T, s *server, accounts, clients int) *bank {
	b := &bank{accounts: accounts, clients: clients}
	c := dial(t, s.Addr)
	for n := range accounts {
		c.Do("SET", accountName(n), firstBalance)
	}
	for w := range clients {
		conn := dial(t, s.Addr)
		b.working.Go(func() {
			for r := testrand.New(t, uint64(w)); !b.closing.Load(); b.moved.Add(1) {
				amount := r.IntN(100)
				v := conn.Pipeline([]any{"MULTI"}, []any{"DECRBY", accountName(r.IntN(accounts)), amount},
					[]any{"INCRBY", accountName(r.IntN(accounts)), amount}, []any{"INCR", "transfers"}, []any{"EXEC"})
				if v[4].IsError() {
					t.Errorf("EXEC: %s", v[4])
					return
				}
			}
		})
	}
	return b
}

func accountName(n int) string { return fmt.Sprint("account:", n) }

// most is how many transfers there may be by now: each client may have one that is not acknowledged yet.
func (b *bank) most() int64 { return b.moved.Load() + int64(b.clients) }

// close ends the transfers.
func (b *bank) close() {
	b.closing.Store(true)
	b.working.Wait()
}

// check looks at a copy that was made after so many transfers at least, and so many at most. balances are all of its
// accounts' in order.
func (b *bank) check(t *testing.T, get func(key string) string, least, most int64) (balances string) {
	t.Helper()
	sum := 0
	for n := range b.accounts {
		has, err := strconv.Atoi(get(accountName(n)))
		if err != nil {
			t.Error(err)
		}
		sum += has
		balances += fmt.Sprint(has, " ")
	}
	moved, _ := strconv.ParseInt(get("transfers"), 10, 64)
	if sum != firstBalance*b.accounts || moved < least || moved > most {
		t.Errorf("%d in all accounts, after %d transfers of %d to %d", sum, moved, least, most)
	}
	return balances
}

package resp

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"diskette/resp/command"
	"diskette/store"
)

// storeMany stores collections of n elements: sets a and b, of which half is the same, sorted
// sets za and zb likewise, a list of numbers, a hash and a stream.
func storeMany(k *talker, n int) {
	for _, c := range []struct {
		line    string
		element func(i int) string
	}{
		{"SADD a", func(i int) string { return fmt.Sprint("member", i*7%n) }},
		{"SADD b", func(i int) string { return fmt.Sprint("member", n/2+i*7%n) }},
		{"ZADD za", func(i int) string { return fmt.Sprint(i%100, " member", i*7%n) }},
		{"ZADD zb", func(i int) string { return fmt.Sprint(i, " member", n/2+i) }},
		{"RPUSH l", func(i int) string { return fmt.Sprint(i * 7919 % n) }},
		{"HSET h", func(i int) string { return fmt.Sprint("field", i, " value", i) }},
	} {
		for from := 0; from < n; from += 100 {
			var args []string
			for i := from; i < min(from+100, n); i++ {
				args = append(args, c.element(i))
			}
			k.do(c.line + " " + strings.Join(args, " "))
		}
	}
}

// contents is all that a key holds, in its order.
func (k *talker) contents(key string) string {
	switch k.do("TYPE " + key) {
	case "+set":
		return k.do("SMEMBERS " + key)
	case "+zset":
		return k.do("ZRANGE " + key + " 0 -1 WITHSCORES")
	case "+list":
		return k.do("LRANGE " + key + " 0 -1")
	case "+hash":
		return k.do("HGETALL " + key)
	}
	return ""
}

func TestLongCommandsMakeWithoutTheLockWhatTheyMakeUnderIt(t *testing.T) {
	addr, _ := startServing(t)
	k := talk(t, addr)
	storeMany(k, command.OffLockElements)
	for i := 0; i <= command.OffLockElements; i += 100 {
		for j := range 100 {
			k.send(fmt.Sprintf("XADD x %d-0 field value", i+j+1))
		}
		for range 100 {
			k.reply()
		}
	}
	for _, line := range []string{
		"SINTERSTORE to a b", "SUNIONSTORE to a b a", "SDIFFSTORE to a b", "SINTERSTORE to a a",
		"ZUNIONSTORE to 3 za zb a WEIGHTS 1 2 3", "ZINTERSTORE to 2 za zb AGGREGATE MAX", "ZDIFFSTORE to 2 za b",
		"ZRANGESTORE to za 10 -10", "ZRANGESTORE to za 0 50 BYSCORE",
		"SORT l STORE to", "SORT l DESC LIMIT 10 20000 STORE to", "SORT a ALPHA STORE to", "SORT a BY none STORE to",
		"SORT za BY none DESC STORE to", "COPY a to REPLACE", "COPY za to REPLACE", "COPY l to REPLACE", "COPY h to REPLACE",
		"SINTER a b", "SDIFF a b", "SUNION a b", "ZUNION 2 za zb WITHSCORES", "ZINTER 2 za zb", "ZDIFF 2 za zb",
		"ZRANGE za 0 -1 WITHSCORES", "ZRANGE za 0 -1 REV", "SORT l", "SORT l DESC", "SORT a", "SORT a ALPHA", "SORT_RO l",
		"SORT a STORE to", "LRANGE l 0 -1", "SMEMBERS a", "HGETALL h", "XRANGE x - +", "XREVRANGE x + - COUNT 16384", "XRANGE x 5 10",
	} {
		k.do("DEL to")
		offLock, made := k.do(line), k.contents("to")
		k.do("DEL to")
		k.do("MULTI")
		k.do(line)
		locked := k.do("EXEC")
		if want := strings.TrimPrefix(locked, "*1 "); offLock != want {
			t.Errorf("%s answers %.60q without the lock, %.60q under it", line, offLock, want)
		}
		if want := k.contents("to"); made != want {
			t.Errorf("%s makes %.60q without the lock, %.60q under it", line, made, want)
		}
	}
}

// What has become of a source between the snapshot and the publication decides whether what was
// made of the snapshot is used.
func TestWhatWasMadeOfAChangedSourceIsMadeAgain(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	storeMany(k, command.OffLockElements)
	for _, line := range []string{
		"SUNIONSTORE to a b", "ZUNIONSTORE to 2 za a", "SORT l STORE to", "COPY h to",
	} {
		args := [][]byte{}
		for word := range strings.FieldsSeq(line) {
			args = append(args, []byte(word))
		}
		for change, changed := range map[string]bool{
			"SADD b another": strings.Contains(line, " b"), "SET unrelated 1": false, "EXPIRE " + source(line) + " 1000": true,
		} {
			k.do("DEL to")
			r := s.table.Lookup(args[0])
			by := &command.Caller{Host: &s.host}
			c := &command.Call{Caller: by, Row: r, Args: args, MayLeaveLock: true}
			inLock := func(fn func(tx *store.Tx)) {
				s.store.Lock()
				defer s.store.Unlock()
				tx := s.store.Begin(0, 1)
				want(tx, r, args, true)
				fn(tx)
				tx.End()
			}
			inLock(func(tx *store.Tx) {
				if reply := r.Write(tx, c); c.OffLock == nil || reply.Kind != command.KindNone || tx.Changed() {
					t.Fatalf("%s is not put off", line)
				}
			})
			k.do(change)
			made := c.OffLock()
			if made.(command.Making).Made == nil {
				t.Errorf("%s makes nothing without the lock", line)
			}
			inLock(func(tx *store.Tx) {
				c = &command.Call{Caller: by, Row: r, Args: args, Resume: made}
				if used := tx.Unchanged(sources(line, args), made.(command.Making).Of); used == changed {
					t.Errorf("%s after %s: what was made is used: %v", line, change, used)
				}
				if reply := r.Write(tx, c); reply.Kind != command.KindInteger || reply.N == 0 || c.OffLock != nil {
					t.Errorf("%s after %s: %v", line, change, reply)
				}
			})
			got := k.contents("to")
			k.do("DEL to")
			k.do("MULTI")
			k.do(line)
			k.do("EXEC")
			if want := k.contents("to"); got != want {
				t.Errorf("%s after %s makes %.60q, want %.60q", line, change, got, want)
			}
			k.do("PERSIST " + source(line))
		}
	}
}

func sources(line string, args [][]byte) [][]byte {
	switch words := strings.Fields(line); words[0] {
	case "SUNIONSTORE":
		return args[2:]
	case "ZUNIONSTORE":
		return args[3:]
	case "ZRANGESTORE":
		return args[2:3]
	}
	return args[1:2]
}

func source(line string) string {
	args := [][]byte{}
	for word := range strings.FieldsSeq(line) {
		args = append(args, []byte(word))
	}
	return string(sources(line, args)[0])
}

// A set and its copy in another key always change together: a SUNION without the lock finds them the same.
func TestALongCommandSeesItsSourcesAtOneTime(t *testing.T) {
	addr, _ := startServing(t)
	k := talk(t, addr)
	storeMany(k, command.OffLockElements)
	k.do("COPY a copy")
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		w := talk(t, addr)
		for i := range command.OffLockElements {
			select {
			case <-done:
				return
			default:
			}
			w.send(fmt.Sprintf("MULTI\r\nSADD a new%d\r\nSADD copy new%d\r\nSREM a member%d\r\nSREM copy member%d\r\nEXEC", i, i, i, i))
			for range 6 {
				w.reply()
			}
			if i%50 == 0 {
				w.send("PING") // and some peace, in which what was made is used
				w.reply()
			}
		}
	})
	for range 20 {
		if n := k.do("SDIFFSTORE to a copy"); n != ":0" {
			t.Errorf("%s members are in one alone", n)
		}
		if n := k.do("SINTERSTORE to a copy"); n != fmt.Sprintf(":%d", command.OffLockElements) {
			t.Errorf("%s members are in both, not %d", n, command.OffLockElements)
		}
	}
	close(done)
	changing.Wait()
}

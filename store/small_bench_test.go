package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// The benchmarks of small collections touch 100,000 of them at random, so that the cache does not have them.
const smallCollections = 100_000

var smallValue = []byte("twenty bytes of text")

// smallElements fills a collection of a type with so many elements.
func smallElements(tx *Tx, key []byte, t Type, elements int) {
	switch t {
	case TypeHash:
		h, _ := tx.EditHash(key)
		for i := range elements {
			h.Set(fmt.Append(nil, "field", i), smallValue)
		}
	case TypeList:
		l, _ := tx.EditList(key)
		for range elements {
			l.Push(Tail, smallValue)
		}
	case TypeSet:
		s, _ := tx.EditSet(key)
		for i := range elements {
			s.Add(fmt.Appendf(nil, "member:%013d", i))
		}
	case TypeZSet:
		z, _ := tx.EditZSet(key)
		for i := range elements {
			z.Set(fmt.Appendf(nil, "member:%013d", i), float64(i))
		}
	}
}

// smallStore is a store of small collections of a type under the names of keys.
func smallStore(b *testing.B, t Type, elements int) (st *Store, keys [][]byte) {
	b.Helper()
	st = opened(b, b.TempDir(), func(o *Options) { o.MaxMemory = 4 << 30 })
	for i := range smallCollections {
		key := fmt.Appendf(nil, "key:%08d", i)
		keys = append(keys, key)
		st.Lock()
		tx := st.Begin(0, testNow)
		tx.Want(key, NeedValue)
		smallElements(tx, key, t, elements)
		seen := tx.End()
		st.Unlock()
		if err := st.Wait(seen); err != nil {
			b.Fatal(err)
		}
	}
	return st, keys
}

// BenchmarkSmallMemory reports what a small collection takes of the heap once it is written
// back, and what it counts for.
func BenchmarkSmallMemory(b *testing.B) {
	for _, t := range []Type{TypeHash, TypeList, TypeSet, TypeZSet} {
		for _, elements := range []int{5, 20} {
			b.Run(fmt.Sprint(t, "-", elements), func(b *testing.B) {
				before := heapBytes()
				st, keys := smallStore(b, t, elements)
				flushed(b, st)
				for b.Loop() { // there is nothing to repeat
				}
				b.ReportMetric(float64(heapBytes()-before)/smallCollections, "heap-B")
				b.ReportMetric(float64(st.hotBytes)/smallCollections, "counted-B")
				runtime.KeepAlive(keys)
			})
		}
	}
}

// onRandomKeys runs a command on keys at random, 64 under one hold of the lock, and reports the
// median of their times: other programs may be running.
func onRandomKeys(b *testing.B, st *Store, keys [][]byte, fn func(tx *Tx, key []byte)) {
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	var holds []time.Duration
	for b.Loop() {
		st.Lock()
		start := time.Now()
		for range 64 {
			key := keys[r.IntN(len(keys))]
			tx := st.Begin(0, testNow)
			tx.Want(key, NeedValue)
			fn(tx, key)
			tx.End()
		}
		holds = append(holds, time.Since(start))
		st.Unlock()
	}
	slices.Sort(holds)
	b.ReportMetric(float64(holds[len(holds)/2].Nanoseconds())/64, "median-ns")
}

func BenchmarkSmall(b *testing.B) {
	for _, n := range []int{5, 20} {
		field, member, sum := fmt.Append(nil, "field", n/2), fmt.Appendf(nil, "member:%013d", n/2), 0
		for _, c := range []struct {
			typ Type
			run map[string]func(tx *Tx, key []byte)
		}{
			{TypeHash, map[string]func(tx *Tx, key []byte){
				"HGET": func(tx *Tx, key []byte) {
					h, _ := tx.Hash(key)
					v, _ := h.Get(field)
					sum += int(v[0])
				},
				"HGETALL": func(tx *Tx, key []byte) {
					h, _ := tx.Hash(key)
					h.Each(func(field, value string) bool {
						sum += int(field[0]) + int(value[0])
						return true
					})
				},
				"HSET": func(tx *Tx, key []byte) {
					h, _ := tx.EditHash(key)
					h.Set(field, smallValue)
				},
			}},
			{TypeList, map[string]func(tx *Tx, key []byte){
				"LINDEX": func(tx *Tx, key []byte) {
					l, _ := tx.List(key)
					sum += int(l.At(l.Len() / 2)[0])
				},
				"LRANGE": func(tx *Tx, key []byte) {
					l, _ := tx.List(key)
					l.Each(0, 1, func(_ int, value string) bool {
						sum += int(value[0])
						return true
					})
				},
				"LPUSH and RPOP": func(tx *Tx, key []byte) {
					l, _ := tx.EditList(key)
					l.Push(Head, smallValue)
					l.Pop(Tail)
				},
			}},
			{TypeSet, map[string]func(tx *Tx, key []byte){
				"SISMEMBER": func(tx *Tx, key []byte) {
					s, _ := tx.Set(key)
					if s.HasBytes(member) {
						sum++
					}
				},
				"SADD and SREM": func(tx *Tx, key []byte) {
					s, _ := tx.EditSet(key)
					s.Add([]byte("another"))
					s.Remove([]byte("another"))
				},
			}},
			{TypeZSet, map[string]func(tx *Tx, key []byte){
				"ZSCORE": func(tx *Tx, key []byte) {
					z, _ := tx.ZSet(key)
					score, _ := z.Score(viewString(member))
					sum += int(score)
				},
				"ZRANGE": func(tx *Tx, key []byte) {
					z, _ := tx.ZSet(key)
					z.Each(0, z.Len(), func(it *Scored) bool {
						sum += int(it.Member[0])
						return true
					})
				},
				"ZADD": func(tx *Tx, key []byte) {
					z, _ := tx.EditZSet(key)
					z.Set(member, float64(sum%n))
					sum++
				},
			}},
		} {
			b.Run(fmt.Sprint(c.typ, "-", n), func(b *testing.B) {
				st, keys := smallStore(b, c.typ, n)
				for name, run := range c.run {
					b.Run(name, func(b *testing.B) { onRandomKeys(b, st, keys, run) })
				}
			})
		}
	}
}

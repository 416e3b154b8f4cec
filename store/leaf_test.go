package store

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Leafing through a collection finds each element once, in order of birth, and brings nothing of it into memory.
func TestLeafingFindsEachElementAndLoadsNothing(t *testing.T) {
	st := opened(t, t.TempDir())
	const n, most = 1000, 30
	long := strings.Repeat("x", LongElement+10)
	must(t, st, 1, []string{"hash", "set", "zset", "string"}, func(tx *Tx, k [][]byte) {
		h, _ := tx.EditHash(k[0])
		s, _ := tx.EditSet(k[1])
		z, _ := tx.EditZSet(k[2])
		for i := range n {
			name := []byte("e" + strconv.Itoa(i))
			h.Set(name, []byte("v"+strconv.Itoa(i)))
			s.Add(name)
			z.Set(name, float64(n-i))
		}
		h.Set([]byte("long"), []byte(long))
		h.Set([]byte("due"), []byte("v"))
		h.SetDeadline([]byte("due"), testNow+1)
		tx.SetString(k[3], []byte("v"), 0)
	})
	if _, _, err := st.Leaf(1, "hash", LeafPlace{}, most, testNow); err != ErrNotThere {
		t.Fatalf("a hash that memory alone has: %v", err)
	}
	flushed(t, st)
	unloadAll(st)
	for key, want := range map[string]func(i int) Element{
		"hash": func(i int) Element {
			if i == n {
				return Element{"long", long[:LeafBytes], 4, LongElement, 0}
			}
			name, value := fmt.Sprint("e", i), fmt.Sprint("v", i)
			return Element{name, value, int64(len(name)), int64(len(value)), 0}
		},
		"set": func(i int) Element {
			name := fmt.Sprint("e", i)
			return Element{name, "", int64(len(name)), 0, 0}
		},
		"zset": func(i int) Element {
			name := fmt.Sprint("e", i)
			return Element{name, "", int64(len(name)), 0, float64(n - i)}
		},
	} {
		all := n
		if key == "hash" {
			all++
		}
		seen, pages := 0, 1
		for behind := (LeafPlace{}); ; pages++ {
			elements, next, err := st.Leaf(1, key, behind, most, testNow+1)
			if err != nil || len(elements) > most {
				t.Fatalf("%s: %d elements, %v", key, len(elements), err)
			}
			for _, e := range elements {
				if e != want(seen) {
					t.Fatalf("%s: element %d is %.60v", key, seen, e)
				}
				seen++
			}
			if behind = next; next == (LeafPlace{}) {
				break
			}
		}
		if seen != all || pages > all/most+2 {
			t.Errorf("%s: %d elements in %d pages, want %d", key, seen, pages, all)
		}
	}
	for _, key := range []string{"string", "none"} {
		if _, _, err := st.Leaf(1, key, LeafPlace{}, most, testNow); err != ErrNotThere {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, _, err := st.Leaf(0, "hash", LeafPlace{}, most, testNow); err != ErrNotThere {
		t.Errorf("of another database: %v", err)
	}
	if n := st.Loads(); n != 0 {
		t.Errorf("%d keys were loaded", n)
	}
}

// The elements of a key that had the name before are not shown: neither while the tables still have that one, nor to
// who has begun with it and goes on.
func TestLeafingKnowsAKeyFromTheOneBefore(t *testing.T) {
	st := opened(t, t.TempDir())
	fill := func(name string) {
		t.Helper()
		must(t, st, 0, []string{"hash", "other"}, func(tx *Tx, k [][]byte) {
			tx.Delete(k[0])
			for _, key := range k {
				h, _ := tx.EditHash(key)
				for i := range 20 {
					h.Set(fmt.Append(nil, name, i), []byte("v"))
				}
			}
		})
	}
	leaf := func(behind LeafPlace) ([]Element, LeafPlace, error) { return st.Leaf(0, "hash", behind, 10, testNow) }
	fill("old")
	flushed(t, st)
	_, old, err := leaf(LeafPlace{})
	if err != nil || old == (LeafPlace{}) {
		t.Fatal(old, err)
	}
	fill("new")
	for what, behind := range map[string]LeafPlace{"the first page": {}, "the second": old} {
		if elements, _, err := leaf(behind); err != ErrNotThere {
			t.Errorf("%s of a hash that memory alone has, over an older one: %v, %v", what, elements, err)
		}
	}
	flushed(t, st)
	if elements, _, err := leaf(LeafPlace{}); err != nil || len(elements) != 10 || elements[0].Name != "new0" {
		t.Errorf("the new one, from its beginning: %v, %v", elements, err)
	}
	if elements, _, err := leaf(old); err != ErrNotThere {
		t.Errorf("the new one, where the old one was left: %v, %v", elements, err)
	}
	unloadAll(st)
	if elements, _, err := leaf(old); err != ErrNotThere {
		t.Errorf("the new one, which memory does not know, where the old one was left: %v, %v", elements, err)
	}
	must(t, st, 0, []string{"hash", "other"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
	if elements, _, err := leaf(LeafPlace{}); err != ErrNotThere {
		t.Errorf("one that is gone: %v, %v", elements, err)
	}
	must(t, st, 0, []string{"hash", "other"}, func(tx *Tx, k [][]byte) { tx.Rename(k[1], k[0]) })
	if elements, _, err := leaf(LeafPlace{}); err != ErrNotThere {
		t.Errorf("one that was another's until now: %v, %v", elements, err)
	}
}

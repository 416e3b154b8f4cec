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
	if _, _, err := st.Leaf(1, "hash", 0, most, testNow); err != ErrNotThere {
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
		for behind := int64(0); ; pages++ {
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
			if behind = next; next == 0 {
				break
			}
		}
		if seen != all || pages > all/most+2 {
			t.Errorf("%s: %d elements in %d pages, want %d", key, seen, pages, all)
		}
	}
	for _, key := range []string{"string", "none"} {
		if _, _, err := st.Leaf(1, key, 0, most, testNow); err != ErrNotThere {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, _, err := st.Leaf(0, "hash", 0, most, testNow); err != ErrNotThere {
		t.Errorf("of another database: %v", err)
	}
	if n := st.Loads(); n != 0 {
		t.Errorf("%d keys were loaded", n)
	}
}

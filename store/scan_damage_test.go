package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAScanGetsPastWhatIsDamaged(t *testing.T) {
	const keys = 3000
	dir, value := stored(t, keys)
	flip(t, dir, value)
	for _, c := range []struct {
		count   int
		options ScanOptions
	}{{10, ScanOptions{}}, {500, ScanOptions{}}, {10, ScanOptions{Prefix: "k1"}}, {3, ScanOptions{Prefix: "k29"}}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			st := opened(t, dir)
			defer st.Close()
			readable := map[string]bool{}
			for i := range keys {
				name := fmt.Sprint("k", i)
				if _, ok, err := get(st, name); err == nil && ok && strings.HasPrefix(name, c.options.Prefix) {
					readable[name] = true
				}
			}
			failures := 0
			for cursor := int64(0); ; {
				page, next, _, err := st.Scan(0, cursor, c.count, testNow, c.options, false)
				if err != nil {
					if failures++; !errors.Is(err, ErrDamaged) || next != 0 && !strings.Contains(err.Error(), fmt.Sprint("cursor ", next)) {
						t.Fatalf("cursor %d: %v", cursor, err)
					}
				}
				for _, name := range page {
					if !readable[name] {
						t.Fatalf("%s is found twice, or can not be read", name)
					}
					delete(readable, name)
				}
				if next == 0 {
					break
				}
				if next <= cursor {
					t.Fatalf("the cursor went from %d to %d", cursor, next)
				}
				cursor = next
			}
			if name, _, ok, err := st.RandomKey(0, testNow, false); err != nil || !ok || name == "" {
				t.Errorf("a random key: %q, %v, %v", name, ok, err)
			}
			if failures == 0 || len(readable) > 0 {
				t.Errorf("%d pages were passed over; not found: %d keys", failures, len(readable))
			}
		})
	}
}

func TestAScanWhoseListIsDamagedGoesOnWithoutIt(t *testing.T) {
	dir := t.TempDir()
	st := opened(t, dir)
	want := map[string]bool{}
	for i := range 5000 {
		mustSet(t, st, fmt.Sprint("name", i), "v")
		if i%100 == 7 {
			name := fmt.Sprint("few", i)
			mustSet(t, st, name, "v")
			want[name] = true
		}
	}
	closed(t, st)
	path := filepath.Join(dir, databaseFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	harmed := 0
	for at := pageBytes; at < len(b); at += pageBytes {
		if b[at] == 0x0a && strings.Contains(string(b[at:at+pageBytes]), "few") { // a leaf of an index
			b[at+2000] ^= 1
			harmed++
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil || harmed == 0 {
		t.Fatal(err, harmed)
	}
	st = opened(t, dir)
	for _, name := range scanAll(t, st, 0, 10, ScanOptions{Prefix: "few"}) {
		delete(want, name)
	}
	if len(want) > 0 || !st.Damaged() {
		t.Errorf("not found: %v; damaged: %v", want, st.Damaged())
	}
}

package store

import (
	"archive/tar"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unpackedTar writes a packed directory from testdata.
func unpackedTar(t *testing.T, name string) (dir string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for files := tar.NewReader(bzip2.NewReader(z)); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(f, files)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// version2-values and version2-names are what is left of servers of file version 2 that three HSETs of 80 MB,
// and four SETs of key names of 60 MB in a MULTI, have ended: each start after that ended with "panic:
// sqlite3: out of memory".
func TestAServerThatLongValuesBroughtDownStartsAgainAndHasEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT CHECKED with -short: two journals of 240 MB; go test ./store does")
	}
	const mb = 1 << 20
	letter := func(i int) string { return string(rune('a' + i)) }
	t.Run("values", func(t *testing.T) {
		st := opened(t, unpackedTar(t, "version2-values.tar.bz2.gz"))
		for i := range 3 {
			must(t, st, 0, []string{fmt.Sprint("h", i)}, func(tx *Tx, k [][]byte) {
				h, err := tx.Hash(k[0])
				if err != nil || h == nil {
					t.Fatalf("h%d: %v", i, err)
				}
				if v, _ := h.Get([]byte("f")); v != strings.Repeat(letter(i), 80*mb) {
					t.Errorf("h%d has %d bytes", i, len(v))
				}
			})
			unloadAll(st)
		}
	})
	t.Run("names", func(t *testing.T) {
		st := opened(t, unpackedTar(t, "version2-names.tar.bz2.gz"))
		for i := range 4 {
			wantGet(t, st, strings.Repeat(letter(i), 60*mb), fmt.Sprint("v", i))
		}
		wantAbsent(t, st, strings.Repeat("e", 60*mb))
	})
}

// version2-inline is a file of version 2 with rows that are long by themselves.
func TestTheLongRowsOfAFileOfVersion2AreTakenOver(t *testing.T) {
	long := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 40000)
	verify := func(st *Store, where string) {
		t.Helper()
		checked(t, st)
		unloadAll(st)
		for name, value := range map[string]string{long[:300000]: "long name", long[:65536]: "edge name", long[:65535]: "short name", "string": long} {
			wantGet(t, st, name, value)
		}
		must(t, st, 0, []string{"hash", "list", "set", "zset", "stream"}, func(tx *Tx, k [][]byte) {
			h, _ := tx.Hash(k[0])
			if v, _ := h.Get([]byte(long[1:900000])); v != "v" {
				t.Errorf("%s: the field is not there", where)
			}
			if v, _ := h.Get([]byte("f")); v != long {
				t.Errorf("%s: the field's value is %s", where, brief(v))
			}
			l, _ := tx.List(k[1])
			if got := elementsOf(l); len(got) != 5 || got[1] != long || got[3] != long[:262142] {
				t.Errorf("%s: %d elements", where, len(got))
			}
			if s, _ := tx.Set(k[2]); !s.Has(long) {
				t.Errorf("%s: the member is not there", where)
			}
			z, _ := tx.ZSet(k[3])
			if score, ok := z.Score(long); !ok || score != 2.5 {
				t.Errorf("%s: the member has %v", where, score)
			}
			s, _ := tx.Stream(k[4])
			if fields, _ := s.Entry(StreamID{1, 1}); fields != packed("f", long) || s.Group([]byte(long[:500000])) == nil {
				t.Errorf("%s: the entry or the group is not there", where)
			}
		})
	}
	st := opened(t, unpackedTar(t, "version2-inline.tar.bz2.gz"))
	verify(st, "taken over")
	verify(reopened(t, st), "at the next start")

	dir := unpackedTar(t, "version2-inline.tar.bz2.gz") // and where the takeover is interrupted
	d := newDisk(t)
	for failing := 0; ; failing += 1 + failing {
		before := d.ops()
		d.breakWith(func(op int, _, _ string, _ int) error {
			if op > before+failing {
				return errFull
			}
			return nil
		})
		st, err := tryOpen(dir, d.use)
		d.breakWith(nil)
		if err == nil {
			verify(st, "interrupted")
			closed(t, st)
			if failing < 60 {
				t.Errorf("only %d changes to the disk", failing)
			}
			return
		}
	}
}

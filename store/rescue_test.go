package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Of two times' pages each is whole and has its checksum, and together they need not be a tree. Here every page
// above the leaves' leads to the next one from all its places, so that a walk along them would take longer than
// anybody waits, without an error. It comes upon the same rows again and again.
func TestARescueEndsWherePagesLeadToEachOtherInManyWays(t *testing.T) {
	const keys = 3000
	dir := t.TempDir()
	open := func(name string) *sqlite3.Conn {
		c, err := sqlite3.Open(filepath.Join(dir, name))
		if err == nil {
			err = c.Exec(schema)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	name := func(id int64) string { return fmt.Sprintf("%05d%s", id, strings.Repeat("n", 500)) }
	from := open("from.db")
	if err := from.Exec(`PRAGMA synchronous = OFF; BEGIN`); err != nil {
		t.Fatal(err)
	}
	put, _, err := from.Prepare(`INSERT INTO keys (id, space, key, type, expires_ms, chunked, value)
		VALUES (?1, 0, ?2, 1, 0, 0, zeroblob(3000))`)
	if err != nil {
		t.Fatal(err)
	}
	for id := int64(1); id <= keys; id++ {
		put.BindInt64(1, id)
		put.BindBlob(2, []byte(name(id)))
		put.Step()
		if err := put.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	put.Close()
	roots := map[byte]int64{} // by what the pages above the leaves begin with
	for kind, of := range map[byte]string{0x05: "keys", 0x02: "keys_by_name"} {
		var root int64
		if err := queryInts(from, `SELECT rootpage FROM sqlite_schema WHERE name = '`+of+`'`, &root); err != nil {
			t.Fatal(err)
		}
		roots[kind] = root
	}
	if err := from.Exec(`COMMIT; PRAGMA journal_mode = DELETE`); err != nil {
		t.Fatal(err)
	}
	var size int64
	if err := queryInts(from, `PRAGMA page_size`, &size); err != nil {
		t.Fatal(err)
	}
	from.Close()

	path := filepath.Join(dir, "from.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for kind, root := range roots {
		tangle(t, file, int(size), kind, int(root))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	from = open("from.db")

	to := open("to.db")
	r := &rescue{from: from, to: to}
	done := make(chan error, 1)
	go func() {
		err := r.table(rescued{"keys", []string{"id"}})
		if err == nil {
			_, _, err = namesIn(from, to, r.holes)
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("it goes on for ever")
	}
	if len(r.holes) == 0 {
		t.Error("nothing is said to be lost")
	}
	var read int64
	q, _, err := to.Prepare(`SELECT id, key FROM keys`)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for ; q.Step(); read++ {
		if id := q.ColumnInt64(0); q.ColumnText(1) != name(id) {
			t.Errorf("key %d is %.20q", id, q.ColumnText(1))
		}
	}
	if read == 0 || read >= keys {
		t.Errorf("%d of %d keys were read", read, keys)
	}
	t.Logf("%d of %d keys were read, with %d holes", read, keys, len(r.holes))
}

// tangle makes each page of a tree that leads to leaves, but for the last, lead to the next of its kind alone; of
// no more than a dozen, as SQLite goes twenty deep.
func tangle(t *testing.T, file []byte, size int, kind byte, root int) {
	t.Helper()
	page := func(n int) []byte { return file[(n-1)*size : n*size] }
	children := func(p []byte) (places [][]byte) {
		for i := range int(binary.BigEndian.Uint16(p[3:])) {
			at := binary.BigEndian.Uint16(p[12+2*i:])
			places = append(places, p[at:at+4])
		}
		return append(places, p[8:12])
	}
	lowest, level := []int{}, []int{root}
	for len(level) > 0 {
		lowest, level = level, nil
		for _, n := range lowest {
			for _, c := range children(page(n)) {
				if to := int(binary.BigEndian.Uint32(c)); page(to)[0] == kind {
					level = append(level, to)
				}
			}
		}
	}
	if len(lowest) < 4 {
		t.Fatalf("the tree of root %d has only %d pages above its leaves", root, len(lowest))
	}
	for i, n := range lowest[:min(12, len(lowest)-1)] {
		for _, c := range children(page(n)) {
			binary.BigEndian.PutUint32(c, uint32(lowest[i+1]))
		}
	}
}

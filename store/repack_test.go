package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"diskette/compat_test/testrand"
)

// packAll has pages packed after each write-back, whether there are holes or not.
func packAll(o *Options) {
	o.upkeep = usualUpkeep
	o.upkeep.packAll = true
}

func repacked(st *Store) int64 {
	st.wb.stats.Lock()
	defer st.wb.stats.Unlock()
	return st.wb.stats.repacked
}

// rowsAndPages are the rows of the table of keys in the file of a store that is closed, and how many pages have them.
func rowsAndPages(t *testing.T, dir string) (rows []string, pages int) {
	t.Helper()
	c, err := openDB(dir, "", 1<<30, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, _, err := c.Prepare(`SELECT id, space, hex(key), type, expires_ms, chunked, typeof(value), hex(value) FROM keys ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for s.Step() {
		row := ""
		for i := range s.ColumnCount() {
			row += s.ColumnText(i) + "|"
		}
		rows = append(rows, row)
	}
	var root int64
	if err := errors.Join(s.Err(), queryInts(c, `SELECT rootpage FROM sqlite_schema WHERE name = 'keys'`, &root)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.WALCheckpoint("main", sqlite3.CHECKPOINT_FULL); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	return rows, leaves(file, int(root))
}

// leaves counts the leaves of a table in a database file.
func leaves(file []byte, root int) (n int) {
	page := file[(root-1)*pageBytes : root*pageBytes]
	const leaf, header = 0x0d, 12
	if page[0] == leaf {
		return 1
	}
	n = leaves(file, int(binary.BigEndian.Uint32(page[8:])))
	for i := range int(binary.BigEndian.Uint16(page[3:])) {
		cell := binary.BigEndian.Uint16(page[header+2*i:])
		n += leaves(file, int(binary.BigEndian.Uint32(page[cell:])))
	}
	return n
}

func TestPagesThatEvictionHasLeftHalfEmptyAreFilledAgain(t *testing.T) {
	r := testrand.New(t, 1)
	for what, length := range map[string]func() int{
		"short": func() int { return 40 },
		"equal": func() int { return 500 },
		"mixed": func() int { return r.IntN(1500) },
		"long":  func() int { return 1 + r.IntN(20_000)*r.IntN(2) },
	} {
		t.Run(what, func(t *testing.T) {
			st := opened(t, t.TempDir())
			const keys = 6000
			fill := func(st *Store, from, to int) {
				for i := from; i < to; i++ {
					must(t, st, 0, []string{fmt.Sprint("key:", i)}, func(tx *Tx, k [][]byte) {
						tx.SetString(k[0], []byte(strings.Repeat(string(rune('a'+i%26)), length())), int64(i%7)*1<<42)
					})
				}
			}
			fill(st, 0, keys)
			flushed(t, st)
			for i := range keys {
				if r.IntN(100) < 70 {
					must(t, st, 0, []string{fmt.Sprint("key:", i)}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
				}
			}
			flushed(t, st)
			closed(t, st)
			before, sparse := rowsAndPages(t, st.dir)
			st = opened(t, st.dir, packAll)
			for range 2 { // the second write-back begins when all that follows the first is over
				must(t, st, 1, []string{"another"}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte("v"), 0) })
				flushed(t, st)
				must(t, st, 1, []string{"another"}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
				flushed(t, st)
			}
			checked(t, st)
			closed(t, st)
			after, dense := rowsAndPages(t, st.dir)
			if !slices.Equal(before, after) {
				t.Fatalf("%d rows before, %d after, and they are not the same", len(before), len(after))
			}
			t.Logf("%d rows: %d pages before, %d after, %d were filled", len(after), sparse, dense, repacked(st))
			if dense > sparse || repacked(st) == 0 {
				t.Errorf("%d pages have become %d, of %d that were filled", sparse, dense, repacked(st))
			}
			if what == "equal" && dense*62 > len(after)*10 {
				t.Errorf("%d rows take %d pages, and took %d before; 7 fit a page", len(after), dense, sparse)
			}
		})
	}
}

// TestAStoreAtItsBoundPacksItsPages has the holes made by evicting.
func TestAStoreAtItsBoundPacksItsPages(t *testing.T) {
	const disk = SmallestDisk
	r := rand.New(rand.NewPCG(testrand.Number(t, 1), 5))
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: disk, Policy: AllKeysLFU}))
	watchDisk(t, st).Store(disk + disk/16)
	value := make([]byte, 500)
	for n := 0; repacked(st) == 0 || n < 20_000; n += 500 {
		if n > 500_000 {
			t.Fatal("no page was ever packed")
		}
		for i := range value {
			value[i] = byte('a' + r.IntN(26))
		}
		setMany(t, st, 0, "key:", n, n+500, string(value))
		for range 100 { // these are to stay, among others that go
			_, _, _ = get(st, fmt.Sprint("key:", n-r.IntN(8000)))
		}
	}
	quiet(t, st)
	flushed(t, st)
	checked(t, st)
	ordersAgree(t, st)
	if st.Full(0) {
		t.Error("full")
	}
}

// TestKeysThatGoTogetherLeaveNothingToPack has a stream of keys that nobody asks for: they go in the order in which
// they came, and with them their pages.
func TestKeysThatGoTogetherLeaveNothingToPack(t *testing.T) {
	const disk, keys = SmallestDisk, 40_000
	st := opened(t, t.TempDir(), bounded(&Bounds{Disk: disk, Policy: AllKeysLFU}))
	setMany(t, st, 0, "key:", 0, keys, strings.Repeat("v", 500))
	quiet(t, st)
	flushed(t, st)
	if pages := repacked(st); pages > keys/7/10 {
		t.Errorf("%d pages of %d were packed", pages, keys/7)
	}
	checked(t, st)
}

func TestNothingIsKnownOfRangesWithoutKeys(t *testing.T) {
	var p packing
	p.forget()
	const keys = 100 << rangeBits
	for id := range int64(keys) {
		p.born(id)
		if id >= 100 {
			p.lose(id - 100)
		}
	}
	if n := len(p.ranges); n > 2 {
		t.Errorf("of %d keys 100 are there, and %d ranges are known", keys, n)
	}
}

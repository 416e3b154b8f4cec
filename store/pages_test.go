package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"diskette/compat_test/testrand"
)

// everyKind fills a database with all types and sizes, overflow pages, chunks and free pages,
// and returns its directory, closed.
func everyKind(t *testing.T) (g *game, dir string) {
	g = newGame(t, 5)
	dir = t.TempDir()
	st := opened(t, dir)
	g.st = st
	play := func(key string, what func(tx *Tx, k [][]byte)) { must(t, st, 0, []string{key}, what) }
	for i := range 60 {
		key := fmt.Sprint("c", i)
		play(key, g.collectionPlay(0, key))
	}
	for i := range 80 {
		size := []int{3, 100, 5000, 9000}[i%4]
		switch {
		case i == 2:
			size = chunkBytes + 5000
		case i > 40:
			size = min(size, 100)
		}
		key, value := fmt.Sprint("s", i), strings.Repeat(fmt.Sprint(i, "."), size/3)
		if i == 4 { // ends in pages of zeros
			value = "z" + strings.Repeat("\x00", 40_000)
		}
		mustSet(t, st, key, value)
		if i%12 == 3 { // leaves free pages
			flushed(t, st)
			mustDel(t, st, key)
			continue
		}
		g.dbs[0][key] = entryModel{typ: TypeString, value: value}
	}
	checked(t, st)
	closed(t, st)
	return g, dir
}

// readAll reads every key of the model and says how many could not be read. What can be read must be right.
func (g *game) readAll(st *Store) (unreadable int) {
	for key, e := range g.dbs[0] {
		var read content
		var value string
		err := command(st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) {
			typ := tx.TypeOf(k[0])
			switch {
			case typ != e.typ:
				g.t.Errorf("%q is a %v, want %v", key, typ, e.typ)
			case typ == TypeString:
				v, _ := tx.String(k[0])
				value = string(v)
			default:
				read = collectionModels[typ].read(g, tx, k[0])
			}
		})
		switch {
		case errors.Is(err, ErrDamaged):
			unreadable++
		case err != nil:
			g.t.Errorf("read %q: %v", key, err)
		case value != e.value || !read.equal(e.content):
			g.t.Errorf("%q is %s %v, want %s %v", key, brief(value), read, brief(e.value), e.content)
		}
	}
	return unreadable
}

func TestAFlippedBitInAnyPageIsAnErrorAndNoWrongValue(t *testing.T) {
	g, dir := everyKind(t)
	r := testrand.New(t, 1)
	good, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	// The first places are in the header: what says whether there are checksums, and more.
	places := []int{0, 15, 18, 20, 20, 28, 31, 60, 63, 63, 68}
	for page := range len(good) / pageBytes {
		places = append(places, page*pageBytes+r.IntN(pageBytes))
	}
	refused, met, unread := 0, 0, 0
	for i, at := range places {
		if testing.Short() && i > 50 && i%4 != 0 {
			continue
		}
		page, bit := at/pageBytes, byte(1)<<r.IntN(8)
		if at == 20 && i%2 == 0 {
			bit = sealBytes
		}
		dir := t.TempDir()
		good[at] ^= bit
		err := os.WriteFile(filepath.Join(dir, databaseFile), good, 0o600)
		good[at] ^= bit
		if err != nil {
			t.Fatal(err)
		}
		st, err := tryOpen(dir)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, errNewerFile) {
				t.Errorf("open: %v", err)
			}
			refused++
			continue
		}
		unreadable := g.readAll(st)
		switch told := st.Damage(); {
		case unreadable > 0:
			met++
			if told.What == "" || told.Since.IsZero() || told.Reads == 0 {
				t.Errorf("%d keys can not be read, and the store tells %+v", unreadable, told)
			}
			if err := st.Close(); !errors.Is(err, ErrDamaged) {
				t.Errorf("close: %v", err)
			}
		default:
			unread++
			_ = st.Close()
		}
		if t.Failed() {
			t.Fatalf("bit %08b of byte %d of page %d", bit, at%pageBytes, page+1)
		}
	}
	t.Logf("%d pages; a flipped bit: %d times the start refused, %d times reads did, %d times nothing needed the page",
		len(good)/pageBytes, refused, met, unread)
	if met < (refused+met+unread)/2 || refused == 0 {
		t.Error("the test reads too little of the file")
	}
}

func TestAPageOfZerosAMissingEndAndAnotherPagesContentAreErrors(t *testing.T) {
	g, dir := everyKind(t)
	path := filepath.Join(dir, databaseFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The last page of a long value: its zeros would pass for the value's.
	overflow := 0
	for page := 1; page < len(good)/pageBytes; page++ {
		p := good[page*pageBytes:][:pageBytes]
		if binary.BigEndian.Uint32(p) == 0 && strings.Contains(string(p[4:200]), "7.7.7.7.") {
			overflow = page
		}
	}
	if overflow == 0 {
		t.Fatal("there is no last page of an overflow chain")
	}
	for what, damage := range map[string]func(b []byte) []byte{
		"a page of zeros":        func(b []byte) []byte { clear(b[overflow*pageBytes:][:pageBytes]); return b },
		"a missing end":          func(b []byte) []byte { return b[:overflow*pageBytes] },
		"another page's content": func(b []byte) []byte { copy(b[overflow*pageBytes:], b[(overflow-1)*pageBytes:][:pageBytes]); return b },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			b := damage(append([]byte(nil), good...))
			if err := os.WriteFile(filepath.Join(dir, databaseFile), b, 0o600); err != nil {
				t.Fatal(err)
			}
			st, err := tryOpen(dir)
			if err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatalf("open: %v", err)
				}
				return
			}
			g.t = t
			if g.readAll(st) == 0 {
				t.Error("every key could be read")
			}
			_ = st.Close()
		})
	}
}

func TestAnotherProgramReadsAFileWithChecksums(t *testing.T) {
	g, dir := everyKind(t)
	c, err := sqlite3.Open("file:" + filepath.Join(dir, databaseFile) + "?mode=ro") // without the checksums' VFS
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var keys, reserved, mode int64
	if err := queryInts(c, `SELECT (SELECT count(*) FROM all_keys), (SELECT auto_vacuum FROM pragma_auto_vacuum)`, &keys, &mode); err != nil {
		t.Fatal(err)
	}
	n, err := c.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES)
	if err != nil {
		t.Fatal(err)
	}
	reserved = int64(n.(int))
	if keys != int64(len(g.dbs[0])) || reserved != sealBytes || mode != 2 {
		t.Errorf("%d keys, %d reserved bytes, auto_vacuum %d; want %d, %d, 2", keys, reserved, mode, len(g.dbs[0]), sealBytes)
	}
}

func TestAFileOfAnOlderVersionIsGivenChecksumsWhateverFails(t *testing.T) {
	d := newDisk(t)
	before := d.ops()
	closed(t, opened(t, unpacked(t, "version1.db.gz"), d.use))
	all := d.ops() - before
	for n := 1; n <= all; n += max(1, all/25) {
		dir, from := unpacked(t, "version1.db.gz"), d.ops()
		d.breakWith(func(op int, _, _ string, _ int) error {
			if op >= from+n {
				return syscall.EIO
			}
			return nil
		})
		st, err := tryOpen(dir, d.use)
		d.breakWith(nil)
		if err == nil {
			_ = st.Close()
		}
		st = opened(t, dir, d.use)
		var version int64
		err = st.readers.use(func(r *reader) error {
			return queryInts(r.c, `SELECT user_version FROM pragma_user_version`, &version)
		})
		if err != nil || version != sealedVersion {
			t.Fatalf("after a failure at change %d of %d: version %d, %v", n, all, version, err)
		}
		checked(t, st)
		closed(t, st)
	}
}

package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// concernedDir is a directory whose trees have several levels: short keys, one with a value on overflow pages, a long
// string, a hash of many fields, and free pages.
func concernedDir(t *testing.T) string {
	t.Helper()
	st := opened(t, t.TempDir())
	const most = 6000
	for i := range most {
		if i == 3000 {
			mustSet(t, st, "large", strings.Repeat("L", 20_000))
			mustSet(t, st, "long", strings.Repeat("C", 600_000))
		}
		mustSet(t, st, fmt.Sprintf("key %04d\n\x1b", i), strings.Repeat("x", 100))
	}
	must(t, st, 1, []string{"hash"}, func(tx *Tx, k [][]byte) {
		h, err := tx.EditHash(k[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			h.Set(fmt.Appendf(nil, "field %d", i), []byte(strings.Repeat("v", 50)))
		}
	})
	closed(t, st)
	changedTables(t, st.dir, `DELETE FROM keys WHERE id BETWEEN 5000 AND 5200;
		UPDATE spaces SET keys = (SELECT count(*) FROM keys k WHERE k.space = spaces.space)`)
	return st.dir
}

// tree is the pages of a b-tree by their level, the root's first.
func tree(b []byte, root int) (levels [][]int) {
	for level := []int{root}; len(level) > 0; {
		levels = append(levels, level)
		var below []int
		for _, n := range level {
			p := b[(n-1)*pageBytes : n*pageBytes]
			if p[0] != 2 && p[0] != 5 { // SQLite's file format, "B-tree Pages"
				continue
			}
			for i := range int(binary.BigEndian.Uint16(p[3:])) {
				cell := binary.BigEndian.Uint16(p[12+2*i:])
				below = append(below, int(binary.BigEndian.Uint32(p[cell:])))
			}
			below = append(below, int(binary.BigEndian.Uint32(p[8:])))
		}
		level = below
	}
	return levels
}

// damagedTree is a directory of which a tree is damaged, and what is told of it.
type damagedTree struct {
	dir    string
	faults string
	parts  []DamagedPart
}

// damagedAt damages the pages of a directory that pick names, and checks it.
func damagedAt(
	t *testing.T, dir string, damage func(page []byte, n int), pick func(b []byte, root func(name string) int) []int,
) damagedTree {
	t.Helper()
	d := damagedTree{dir: t.TempDir()}
	b := readAll(t, filepath.Join(dir, databaseFile))
	c, err := openLook(filepath.Join(dir, databaseFile), false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, n := range pick(b, func(name string) int {
		var root int64
		if err := queryInts(c, `SELECT rootpage FROM sqlite_schema WHERE name = '`+name+`'`, &root); err != nil {
			t.Fatal(err)
		}
		return int(root)
	}) {
		damage(b[(n-1)*pageBytes:n*pageBytes], n)
	}
	file := filepath.Join(d.dir, "copy.db")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := OpenOutsideFile(file, false)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	faults, err := o.Check(t.Context(), silent)
	if err == nil {
		d.parts, err = o.Concerned(t.Context(), silent)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		d.faults += f.Error() + "\n"
	}
	return d
}

// flipBit changes a bit of a page, which does not fit its checksum then.
func flipBit(page []byte, _ int) { page[2000] ^= 4 }

// malformed makes a page of no kind, with a checksum that fits.
func malformed(page []byte, n int) {
	page[0] = 0x77
	reseal(page, n)
}

// reseal gives a page a checksum that fits.
func reseal(page []byte, n int) {
	at := int64(n-1) * pageBytes
	binary.LittleEndian.PutUint32(page[pageBytes-sealBytes:], sealOf(page[:pageBytes-sealBytes], at))
}

// unreadable are the names of the keys that a query by ?1 = id, ?2 = space and ?3 = name does not find.
func (d damagedTree) unreadable(t *testing.T, sound, sql string) (names []string) {
	t.Helper()
	c, err := openLook(filepath.Join(sound, databaseFile), false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	damaged, err := openLook(filepath.Join(d.dir, "copy.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	all, _, err := c.Prepare(`SELECT id, space, key FROM keys`)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	q, _, err := damaged.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for all.Step() {
		name := all.ColumnText(2)
		for i, v := range []any{all.ColumnInt64(0), all.ColumnInt64(1), all.ColumnRawBlob(2)} {
			if i >= q.BindCount() {
				break
			}
			switch v := v.(type) {
			case int64:
				err = q.BindInt64(i+1, v)
			case []byte:
				err = q.BindBlob(i+1, v)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !q.Step() {
			names = append(names, name)
		}
		_ = q.Reset()
	}
	return names
}

// named compares the keys of the only part, of a table, with those that it is to have.
func (d damagedTree) named(t *testing.T, what, table string, want []string) {
	t.Helper()
	i := slices.IndexFunc(d.parts, func(p DamagedPart) bool { return p.Table == table })
	if i < 0 {
		t.Errorf("%s: %+v", what, d.parts)
		return
	}
	p := d.parts[i]
	if len(want) == 0 || len(p.Keys)+int(p.More) != len(want) || len(p.Keys) != min(mostNamed, len(want)) {
		t.Errorf("%s: %d keys are named and %d more are counted, of %d: %s", what, len(p.Keys), p.More, len(want), &p)
	}
	for _, k := range p.Keys {
		if !slices.Contains(want, k.Name) {
			t.Errorf("%s: %d %q is named", what, k.DB, k.Name)
		}
	}
	if text := p.String(); strings.ContainsAny(text, "\n\x1b") || len(text) > 4000 {
		t.Errorf("%s: it would be written as %q", what, text)
	}
	if !strings.Contains(d.faults, table) {
		t.Errorf("%s: the faults do not name %s:\n%s", what, table, d.faults)
	}
}

// leafOf picks a leaf from the middle of a tree.
func leafOf(name string) func(b []byte, root func(string) int) []int {
	return func(b []byte, root func(string) int) []int {
		pages := tree(b, root(name))
		last := pages[len(pages)-1]
		return []int{last[len(last)/2]}
	}
}

func TestTheKeysOfADamagedPageAreNamed(t *testing.T) {
	dir := concernedDir(t)
	const byID = `SELECT * FROM keys WHERE id = ?1`
	const byName = `SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?2 AND key = ?3`
	for what, damage := range map[string]func([]byte, int){"a flipped bit": flipBit, "a page of no kind": malformed} {
		d := damagedAt(t, dir, damage, leafOf("keys"))
		d.named(t, "a leaf of keys, "+what, "keys", d.unreadable(t, dir, byID))

		d = damagedAt(t, dir, damage, leafOf("keys_by_name"))
		d.named(t, "a leaf of the index on names, "+what, "keys_by_name", d.unreadable(t, dir, byName))
	}
	root := func(name string) func(b []byte, root func(string) int) []int {
		return func(_ []byte, root func(string) int) []int { return []int{root(name)} }
	}
	d := damagedAt(t, dir, flipBit, root("keys"))
	want := d.unreadable(t, dir, byID)
	if len(want) < 5000 {
		t.Errorf("the root leads to %d keys", len(want))
	}
	d.named(t, "the root of keys", "keys", want)

	d = damagedAt(t, dir, flipBit, func(b []byte, _ func(string) int) []int {
		return []int{strings.Index(string(b), strings.Repeat("L", 4000))/pageBytes + 1}
	})
	d.named(t, "an overflow page", "keys", []string{"large"})

	d = damagedAt(t, dir, flipBit, leafOf("hash_fields"))
	d.named(t, "a leaf of fields", "hash_fields", []string{"hash"})
	if p := d.parts[0]; p.Keys[0].DB != 1 {
		t.Errorf("%+v", p)
	}
	d = damagedAt(t, dir, flipBit, func(b []byte, _ func(string) int) []int {
		return []int{strings.Index(string(b), strings.Repeat("C", 4000))/pageBytes + 1}
	})
	d.named(t, "a page of a long string", "chunks", []string{"long"})
}

// Where no key can be named, it is said why.
func TestWhyNoKeyIsNamedIsSaid(t *testing.T) {
	dir := concernedDir(t)
	d := damagedAt(t, dir, flipBit, func(b []byte, root func(string) int) []int {
		return append(leafOf("keys")(b, root), root("keys_by_name"))
	})
	if !slices.ContainsFunc(d.parts, func(p DamagedPart) bool {
		return p.Table == "keys" && len(p.Keys) == 0 && strings.Contains(p.Note, "the index on names is damaged, too")
	}) {
		t.Errorf("keys and their index: %+v", d.parts)
	}
	d = damagedAt(t, dir, flipBit, func(b []byte, _ func(string) int) []int {
		return []int{int(binary.BigEndian.Uint32(b[32:]))} // the first of the free pages
	})
	if len(d.parts) != 0 {
		t.Errorf("a free page: %+v\n%s", d.parts, d.faults)
	}
	d = damagedAt(t, dir, flipBit, func(_ []byte, root func(string) int) []int { return []int{root("spaces")} })
	if len(d.parts) == 0 || d.parts[0].Table != "spaces" || !strings.Contains(d.parts[0].Note, "none is named") {
		t.Errorf("spaces: %+v", d.parts)
	}
	d = damagedAt(t, dir, flipBit, func(_ []byte, root func(string) int) []int { return []int{root("keys_by_deadline")} })
	if len(d.parts) != 0 || !strings.Contains(d.faults, "an index of deadlines, no value stands in it") {
		t.Errorf("the index of deadlines: %+v\n%s", d.parts, d.faults)
	}
	d = damagedAt(t, dir, func([]byte, int) {}, func([]byte, func(string) int) []int { return nil })
	if len(d.parts) != 0 || d.faults != "" {
		t.Errorf("of a sound one: %+v\n%s", d.parts, d.faults)
	}
}

// A page in which nothing is stored is read by no query: that it was changed is told all the same.
func TestADamagedFreePageIsReported(t *testing.T) {
	dir := concernedDir(t)
	// The page of a number in the list's first trunk: SQLite's file format, "The Freelist".
	free := func(b []byte, n int) int {
		trunk := int(binary.BigEndian.Uint32(b[32:]))
		page := b[(trunk-1)*pageBytes:]
		if n >= int(binary.BigEndian.Uint32(page[4:])) {
			t.Fatalf("there is no free page %d in trunk %d", n, trunk)
		}
		return int(binary.BigEndian.Uint32(page[8+4*n:]))
	}
	var want string
	d := damagedAt(t, dir, flipBit, func(b []byte, _ func(string) int) []int {
		pages := []int{free(b, 1), free(b, 2)}
		slices.Sort(pages)
		want = fmt.Sprintf("free page %d, %d: does not fit its checksum", pages[0], pages[1])
		return pages
	})
	if len(d.parts) != 0 || !strings.Contains(d.faults, want) {
		t.Errorf("two free pages: %+v\n%s, want %s", d.parts, d.faults, want)
	}
	d = damagedAt(t, dir, flipBit, func(b []byte, _ func(string) int) []int { return []int{int(binary.BigEndian.Uint32(b[32:]))} })
	if len(d.parts) != 0 || d.faults == "" {
		t.Errorf("the list of them: %+v\n%s", d.parts, d.faults)
	}
	d = damagedAt(t, dir, func(page []byte, _ int) { clear(page) }, func(b []byte, _ func(string) int) []int { return []int{free(b, 1)} })
	if len(d.parts) != 0 || d.faults != "" {
		t.Errorf("a page of zeros, as one that was never written is: %+v\n%s", d.parts, d.faults)
	}
	d = damagedAt(t, dir, flipBit, func(b []byte, root func(string) int) []int {
		return append(leafOf("hash_fields")(b, root), free(b, 1))
	})
	if !strings.Contains(d.faults, "\npage ") || strings.Contains(d.faults, "free page") {
		t.Errorf("one that is free and one that is not:\n%s", d.faults)
	}
}

// For all the holes of the table of keys the index on names is read once.
func TestTheIndexOnNamesIsReadOnceForAllHoles(t *testing.T) {
	dir := concernedDir(t)
	d := damagedAt(t, dir, flipBit, func(b []byte, root func(string) int) (leaves []int) {
		pages := tree(b, root("keys"))
		last := pages[len(pages)-1]
		for i := 2; i < len(last); i += 7 {
			leaves = append(leaves, last[i])
		}
		return leaves
	})
	want := d.unreadable(t, dir, `SELECT * FROM keys WHERE id = ?1`)
	holes, named := 0, 0
	for _, p := range d.parts {
		if p.Table != "keys" {
			t.Errorf("%s", &p)
			continue
		}
		holes++
		named += len(p.Keys) + int(p.More)
		for _, k := range p.Keys {
			if !slices.Contains(want, k.Name) {
				t.Errorf("%q is named in %s", k.Name, &p)
			}
		}
	}
	if holes < 5 || named != len(want) {
		t.Errorf("%d holes, %d keys are named and counted; want %d", holes, named, len(want))
	}

	o, err := OpenOutsideFile(filepath.Join(d.dir, "copy.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err := o.Check(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	reads := 0
	if err := o.r.c.Trace(sqlite3.TRACE_STMT, func(_ sqlite3.TraceEvent, _, sql any) error {
		if text, _ := sql.(string); strings.Contains(text, "INDEXED BY keys_by_name") {
			reads++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Concerned(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	if reads != 2 { // for the holes, and whether it is whole itself
		t.Errorf("the index was read %d times for %d holes", reads, holes)
	}
}

// A long name is told whole, or it is said that what is told is its beginning.
func TestALongNameIsToldWhole(t *testing.T) {
	st := opened(t, t.TempDir())
	long := strings.Repeat("N", longName) + strings.Repeat("M", 100_000)
	must(t, st, 0, []string{long}, func(tx *Tx, k [][]byte) {
		h, err := tx.EditHash(k[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			h.Set(fmt.Appendf(nil, "field %d", i), []byte(strings.Repeat("v", 50)))
		}
	})
	closed(t, st)
	d := damagedAt(t, st.dir, flipBit, leafOf("hash_fields"))
	d.named(t, "a leaf of fields", "hash_fields", []string{long})
	if k := d.parts[0].Keys[0]; k.Beginning {
		t.Error("the whole name is told as a beginning")
	}
	d = damagedAt(t, st.dir, flipBit, func(b []byte, root func(string) int) []int {
		return append(leafOf("hash_fields")(b, root), root("pieces"))
	})
	i := slices.IndexFunc(d.parts, func(p DamagedPart) bool { return p.Table == "hash_fields" })
	if i < 0 || len(d.parts[i].Keys) != 1 {
		t.Fatalf("%+v", d.parts)
	}
	if k := d.parts[i].Keys[0]; !k.Beginning || k.Name != long[:namePrefix] ||
		!strings.Contains(d.parts[i].String(), "the beginning of a name") {
		t.Errorf("a name whose rest can not be read: %d bytes, beginning: %v, %s", len(k.Name), k.Beginning, &d.parts[i])
	}
}

// An index on names may have as many entries as there are keys, and other ones, or them in another order.
func TestAWrongIndexOnNamesNamesTheKeysThatItLacks(t *testing.T) {
	dir := concernedDir(t)
	for what, changed := range map[string]string{"another name": "key 1234\n\x1c", "a name in another's place": "key 9999\n\x1b"} {
		d := damagedAt(t, dir, func(page []byte, n int) {
			copy(page[strings.Index(string(page), "key 1234\n\x1b"):], changed)
			reseal(page, n)
		}, func(b []byte, root func(string) int) []int {
			pages := tree(b, root("keys_by_name"))
			for _, n := range pages[len(pages)-1] {
				if strings.Contains(string(b[(n-1)*pageBytes:n*pageBytes]), "key 1234\n\x1b") {
					return []int{n}
				}
			}
			t.Fatal("the name stands in no leaf")
			return nil
		})
		// A look-up in what is out of order may come to another key's entry.
		want := d.unreadable(t, dir, `SELECT 1 FROM (SELECT id FROM keys INDEXED BY keys_by_name
			WHERE space = ?2 AND key = ?3 LIMIT 1) WHERE id = ?1`)
		if !slices.Contains(want, "key 1234\n\x1b") {
			t.Fatalf("%s: %q are not found", what, want)
		}
		d.named(t, what, "keys_by_name", want)
	}
}

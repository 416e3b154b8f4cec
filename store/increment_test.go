package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"diskette/compat_test/testrand"
)

func silent(string, int, int) {}

// backedUpSince makes an increment of what a store has, and a whole copy of the same moment.
func backedUpSince(t testing.TB, st *Store, base, file, whole string) Increment {
	t.Helper()
	s, err := st.Snapshot(nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.BackupSince(t.Context(), base, file, silent)
	if err == nil && whole != "" {
		_, err = s.Backup(t.Context(), whole, func(int, int) {})
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if have := fileBytes(file); have != in.Bytes {
		t.Errorf("%d bytes were told of, and %d are there", in.Bytes, have)
	}
	return in
}

// resultOf is what a base and an increment make.
func resultOf(t testing.TB, base, file string) (result []byte) {
	t.Helper()
	b, err := openBase(base)
	if err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	err = withIncrement(t.Context(), base, file, silent, func(string, func() error) error {
		in, err := openIncrement(t.Context(), file)
		if err != nil {
			return err
		}
		defer in.file.Close()
		f := patchedFile{lookedAt{}, b, in}
		size, _ := f.Size()
		result = make([]byte, size)
		_, err = f.ReadAt(result, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A base and an increment are byte for byte the whole copy of the same moment, whatever was done in between: random
// commands of all types, databases that are flushed and exchanged, write-back at any time.
func TestAnIncrementAndItsBaseAreTheWholeCopy(t *testing.T) {
	first := testrand.Number(t, 1)
	for seed := first; seed < first+uint64(shorter(3, 2)) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			g := newGame(t, seed)
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			base := ""
			for round := range 8 {
				for range 40 {
					g.step()
				}
				if base == "" || g.r.IntN(3) == 0 {
					base = path(fmt.Sprint("base", round))
					backedUp(t, g.st, base)
					continue
				}
				in, whole := path(fmt.Sprint("in", round)), path(fmt.Sprint("whole", round))
				before := readAll(t, base)
				backedUpSince(t, g.st, base, in, whole)
				if !bytes.Equal(resultOf(t, base, in), readAll(t, whole)) {
					t.Errorf("round %d: they make another file", round)
				}
				if !bytes.Equal(readAll(t, base), before) {
					t.Errorf("round %d: the base was changed", round)
				}
				made := filepath.Join(t.TempDir(), "made")
				if _, err := Restore(t.Context(), Source{File: base, Increment: in}, Options{Dir: made}, silent); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			}
			if left, err := filepath.Glob(path("*.tmp")); err != nil || len(left) > 0 {
				t.Errorf("left: %q, %v", left, err)
			}
		})
	}
}

func TestAnIncrementHasThePagesThatDiffer(t *testing.T) {
	dir := t.TempDir()
	base, file, whole := filepath.Join(dir, "base"), filepath.Join(dir, "in"), filepath.Join(dir, "whole")
	st := opened(t, t.TempDir())
	for i := range 5000 {
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 100))
	}
	backedUp(t, st, base)
	in := backedUpSince(t, st, base, file, whole)
	if in.Stored != 0 || in.Other || in.Bytes > 4096 || in.WholeBytes() != fileBytes(whole) {
		t.Errorf("of what has not changed: %+v", in)
	}
	mustSet(t, st, "key2500", strings.Repeat("y", 100))
	in = backedUpSince(t, st, base, file, whole)
	if in.Stored == 0 || in.Stored > 12 || in.Pages < 150 || in.Other {
		t.Errorf("of one value that has changed: %+v", in)
	}
	if !bytes.Equal(resultOf(t, base, file), readAll(t, whole)) {
		t.Error("they make another file")
	}

	// An increment over the whole copy that was made with another one, and the file shrinks.
	for i := range 4900 {
		mustDel(t, st, fmt.Sprint("key", i))
	}
	flushed(t, st)
	st = vacuumed(t, st)
	in = backedUpSince(t, st, base, file, whole)
	if in.WholeBytes() >= fileBytes(base) || !bytes.Equal(resultOf(t, base, file), readAll(t, whole)) {
		t.Errorf("after it shrank from %d bytes: %+v", fileBytes(base), in)
	}
	for i := range 9000 {
		mustSet(t, st, fmt.Sprint("new", i), strings.Repeat("z", 100))
	}
	in = backedUpSince(t, st, base, file, whole)
	if in.WholeBytes() <= fileBytes(base) || !bytes.Equal(resultOf(t, base, file), readAll(t, whole)) {
		t.Errorf("after it grew from %d bytes: %+v", fileBytes(base), in)
	}
}

// vacuumed gives all free pages back.
func vacuumed(t *testing.T, st *Store) *Store {
	t.Helper()
	closed(t, st)
	changedTables(t, st.dir, `VACUUM`)
	return opened(t, st.dir)
}

// Every part of an increment is verified before anything is made of it.
func TestAnIncrementThatIsNotWholeIsRefused(t *testing.T) {
	dir := t.TempDir()
	base, file := filepath.Join(dir, "base"), filepath.Join(dir, "in")
	st := opened(t, t.TempDir())
	for i := range 200 {
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 100))
	}
	backedUp(t, st, base)
	mustSet(t, st, "key20", "another")
	backedUpSince(t, st, base, file, "")
	sound, soundBase := readAll(t, file), readAll(t, base)
	refused := func(what string, b []byte, wanted error) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		made := filepath.Join(dir, "made")
		_, err := Restore(t.Context(), Source{File: base, Increment: file}, Options{Dir: made}, silent)
		if err == nil || wanted != nil && !errors.Is(err, wanted) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was made: %v", what, err)
		}
	}
	flipped := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1 << (at % 8)
		return b
	}
	// All of the head, the set and the end; of each page some.
	plain := int(incrementHeadBytes + pageSetBytes(fileBytes(base)/pageBytes))
	for at := 0; at < len(sound); {
		refused(fmt.Sprint("a bit at ", at), flipped(sound, at), nil)
		if at < plain || at >= len(sound)-int(incrementTailBytes) {
			at++
		} else {
			at = min(at+509, len(sound)-int(incrementTailBytes))
		}
	}
	for _, length := range []int{0, 1, len(incrementMagic), int(incrementHeadBytes) - 1, int(incrementHeadBytes), plain,
		plain + 5000, len(sound) - 33, len(sound) - 1} {
		refused(fmt.Sprint("cut off at ", length), sound[:length], nil)
	}
	refused("one with more behind it", append(bytes.Clone(sound), 0), errIncrementDamaged)
	refused("a whole copy", soundBase, nil)

	for what, b := range map[string][]byte{"a base with a bit flipped": flipped(soundBase, len(soundBase)/2),
		"a base that is cut off": soundBase[:len(soundBase)-pageBytes], "a longer base": append(bytes.Clone(soundBase), 0)} {
		if err := os.WriteFile(base, b, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(what, sound, ErrOtherBase)
	}
	if err := os.WriteFile(base, soundBase, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "made")
	if _, err := Restore(t.Context(), Source{File: base, Increment: file}, Options{Dir: made}, silent); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	wantGet(t, opened(t, made), "key20", "another")
}

func TestABaseThatIsNoneMakesNothing(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	st := opened(t, t.TempDir())
	for i := range 200 {
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 100))
	}
	backedUp(t, st, path("base"))
	backedUpSince(t, st, path("base"), path("in"), "")
	sound := readAll(t, path("base"))
	write := func(name string, b []byte) {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damaged := bytes.Clone(sound)
	damaged[len(damaged)/2] ^= 1
	write("damaged", damaged)
	write("cut", sound[:len(sound)-pageBytes])
	write("text", []byte("no database"))
	write("empty", nil)
	write("served", sound)
	write("served-wal", []byte("x"))
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for base, want := range map[string]error{"damaged": ErrBaseDamaged, "cut": ErrBaseDamaged, "text": errNoCopy,
		"empty": errNoCopy, "in": ErrIncrement, "none": fs.ErrNotExist, ".": nil, "served": nil} {
		s, err := st.Snapshot(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.BackupSince(t.Context(), path(base), path("made"), silent)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("since %s: %v", base, err)
		}
		if _, err := s.BackupSince(t.Context(), path("base"), path("base"), silent); err == nil {
			t.Error("the base was written over")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	after, err := os.ReadDir(dir)
	if fmt.Sprint(after) != fmt.Sprint(before) || err != nil {
		t.Errorf("%v were there, and %v are, %v", before, after, err)
	}
	if !bytes.Equal(readAll(t, path("base")), sound) {
		t.Error("the base was changed")
	}
}

// Who interrupts it finds what was there before, at whatever step that is.
func TestAnIncrementThatIsInterruptedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	base, file := filepath.Join(dir, "base"), filepath.Join(dir, "in")
	st := opened(t, t.TempDir())
	for i := range 9000 { // more than a step has
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 1000))
	}
	backedUp(t, st, base)
	mustSet(t, st, "key20", "another")
	steps := 0
	for stop := 1; ; stop++ {
		ctx, interrupt := context.WithCancel(t.Context())
		s, err := st.Snapshot(nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		_, err = s.BackupSince(ctx, base, file, func(string, int, int) {
			if n++; n == stop {
				interrupt()
			}
		})
		interrupt()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err == nil {
			break
		}
		steps++
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Fatalf("at step %d: %v, %v", stop, left, err)
		}
	}
	if steps < 4 {
		t.Errorf("it was interrupted at %d steps alone", steps)
	}
}

// A base of another directory's makes an increment of all pages, and one that another program has copied is as good as
// any: what has no checksums in it differs, and the result has them.
func TestAnyCopyCanBeABase(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	other := opened(t, t.TempDir())
	for i := range 500 {
		mustSet(t, other, fmt.Sprint("other", i), strings.Repeat("o", 300))
	}
	backedUp(t, other, path("other"))
	st := opened(t, t.TempDir())
	for i := range 500 {
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 100))
	}
	flushed(t, st)
	for _, base := range []string{"other", "foreign"} {
		if base == "foreign" {
			copiedBySQLite(t, st, path(base))
			mustSet(t, st, "key3", "changed")
		}
		in := backedUpSince(t, st, path(base), path("in"), path("whole"))
		if in.Other != (base == "other") || in.Stored == 0 {
			t.Errorf("since %s: %+v", base, in)
		}
		if !bytes.Equal(resultOf(t, path(base), path("in")), readAll(t, path("whole"))) {
			t.Errorf("since %s: they make another file", base)
		}
		made := filepath.Join(t.TempDir(), "made")
		r, err := Restore(t.Context(), Source{File: path(base), Increment: path("in")}, Options{Dir: made}, silent)
		if err != nil || r.Foreign || r.Keys != 500 {
			t.Errorf("since %s: %+v, %v", base, r, err)
		}
	}
}

// copiedBySQLite copies a store's database while it is served, as sqlite3's .backup does.
func copiedBySQLite(t *testing.T, st *Store, file string) {
	t.Helper()
	c, err := sqlite3.Open("file:" + filepath.Join(st.dir, databaseFile) + "?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Backup("main", "file:"+file), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// A directory whose pages have checksums that are not compared (page-checksums no) makes copies in which all are right.
func TestAnIncrementOfADirectoryWithoutChecksums(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	st := opened(t, t.TempDir(), func(o *Options) { o.Unverified = true })
	for i := range 500 {
		mustSet(t, st, fmt.Sprint("key", i), strings.Repeat("x", 100))
	}
	backedUp(t, st, path("base"))
	mustSet(t, st, "key3", "changed")
	in := backedUpSince(t, st, path("base"), path("in"), path("whole"))
	if in.Stored == in.Pages || !bytes.Equal(resultOf(t, path("base"), path("in")), readAll(t, path("whole"))) {
		t.Errorf("%+v", in)
	}
	made := filepath.Join(t.TempDir(), "made")
	r, err := Restore(t.Context(), Source{File: path("base"), Increment: path("in")}, Options{Dir: made}, silent)
	if err != nil || r.Foreign {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnIncrementIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	base, file := filepath.Join(dir, "base"), filepath.Join(dir, "in")
	st := opened(t, t.TempDir())
	mustSet(t, st, "a", "1")
	backedUp(t, st, base)
	backedUpSince(t, st, base, file, "")
	_, err := OpenOutsideFile(file, false)
	if !errors.Is(err, ErrIncrement) || !strings.Contains(err.Error(), "--increment "+file) {
		t.Errorf("%v", err)
	}
	for _, from := range []Source{{File: file}, {File: file, Increment: base}} {
		if _, err := Restore(t.Context(), from, Options{Dir: filepath.Join(dir, "made")}, silent); !errors.Is(err, ErrIncrement) {
			t.Errorf("%+v: %v", from, err)
		}
	}
}

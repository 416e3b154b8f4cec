package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"diskette/compat_test/testrand"
	"diskette/store/files"
)

func TestSettingAsideThatAPowerCutInterruptsIsFinishedByTheNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	st := opened(t, dir)
	mustSet(t, st, "k", "v")
	closed(t, st)
	damaged := bytes.Repeat([]byte("this is no database"), 1000)
	if err := os.WriteFile(filepath.Join(dir, databaseFile), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	root, aside := filepath.Dir(dir), func(o *Options) { o.OnDamage, o.ReserveBytes = BeginEmpty, -1 }
	m := holding(root)
	var tp tape
	machine := newMachine(t, &tp, root)
	st = opened(t, dir, machine.use, aside)
	closed(t, st)

	r, seen := testrand.New(t, 14), map[uint64]bool{}
	for _, e := range tp.taken() {
		m.take(e)
		if e.Op == files.Write && m.seq%4 > 0 { // most write SQLite's pages
			continue
		}
		for _, c := range []choice{upTo(-1), m.cut(r)} {
			g := m.image(c)
			if id := g.hash(stateSeed); seen[id] {
				continue
			} else {
				seen[id] = true
			}
			g.otherBoot()
			root := fastDir(t)
			if err := g.write(root); err != nil {
				t.Fatal(err)
			}
			st, err := tryOpen(filepath.Join(root, "data"), aside)
			if err != nil {
				t.Fatalf("after event %d, with %s: %v\n%s", m.seq, c.what, err, g)
			}
			wantAll(t, st, nil)
			checked(t, st)
			closed(t, st)
			if !holds(t, root, damaged) {
				t.Fatalf("after event %d, with %s: what was set aside is gone\n%s", m.seq, c.what, g)
			}
			os.RemoveAll(root)
		}
	}
}

// holds reports whether a file under root has a content.
func holds(t *testing.T, root string, content []byte) (found bool) {
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		found = found || bytes.Equal(b, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

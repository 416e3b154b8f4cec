package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"diskette/store/files"

	"github.com/ncruces/go-sqlite3"
)

// begun begins an import into a directory.
func begun(t testing.TB, dir string, options ...func(*Options)) (*Import, *Bulk) {
	t.Helper()
	o := Options{Dir: dir}
	for _, set := range options {
		set(&o)
	}
	im, err := NewImport(o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := im.Bulk()
	if err != nil {
		t.Fatal(err)
	}
	return im, b
}

// bulkOf imports what fill puts into a new directory.
func bulkOf(t testing.TB, dir string, fill func(b *Bulk)) (keys int64) {
	t.Helper()
	im, b := begun(t, dir)
	fill(b)
	keys, err := b.Finish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	noted, err := im.Finish("dump.rdb")
	if err != nil || noted != keys {
		t.Fatalf("%d keys: %v", noted, err)
	}
	return keys
}

// The lengths around those at which a value, a name or a row is stored otherwise.
var bulkLengths = []int{0, 1, 300, shareBytes, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3*chunkBytes + 7}

func bulkText(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

func TestABulkIsThereWithAllThatWasPutIntoIt(t *testing.T) {
	const many = 3 * parcelRows
	dir := t.TempDir()
	keys := bulkOf(t, dir, func(b *Bulk) {
		for i, n := range bulkLengths {
			b.Key(0, "whole:"+strconv.Itoa(n), TypeString, int64(i)<<40)
			b.Text(bulkText(n), true)
			b.Key(0, "parts:"+strconv.Itoa(n), TypeString, 0)
			for text := bulkText(n); ; {
				part := text[:min(len(text), 1000)]
				text = text[len(part):]
				b.Text(part, text == "")
				if text == "" {
					break
				}
			}
			b.Key(3, bulkText(n)+"name", TypeString, 0)
			b.Text("v", true)
			b.Key(0, "hash:"+strconv.Itoa(n), TypeHash, 0)
			b.Field(bulkText(n), bulkText(n), 0)
			b.Field("f", "v", 1<<42)
			b.Key(0, "list:"+strconv.Itoa(n), TypeList, 0)
			b.Element("first")
			b.Element(bulkText(n))
			b.Element("last")
		}
		b.Key(0, "empty", TypeSet, 0) // no key: I7
		b.Key(0, "set", TypeSet, 0)
		b.Key(0, "list", TypeList, 0)
		for i := range many {
			if i%1000 == 0 {
				b.Part()
			}
			b.Element(strconv.Itoa(i))
		}
		b.Key(0, "zset", TypeZSet, 0)
		for i := range many {
			b.Scored(strconv.Itoa(i), float64(many-i)/8)
		}
		b.Scored("most", math.Inf(1))
		b.Scored("zero", math.Copysign(0, -1))
		b.Key(0, "stream", TypeStream, 0)
		for i := range many {
			b.Entry(StreamID{uint64(i), 7}, PackFields([][]byte{[]byte("n"), []byte(strconv.Itoa(i))}))
		}
		g, _ := b.Group("group", StreamID{5, 0}, 3)
		c, _ := b.Consumer(g, "consumer", 17, -1)
		b.Pending(g, c, Pending{ID: StreamID{3, 7}, DeliveredMs: 12, Deliveries: 2})
		b.Head(StreamID{1 << 50, 1}, StreamID{2, 2}, many+5)
		b.Key(9, "stream", TypeStream, 0)
		b.Head(StreamID{}, StreamID{}, 0)
	})
	if want := int64(5*len(bulkLengths) + 4); keys != want {
		t.Errorf("%d keys, want %d", keys, want)
	}
	st := opened(t, dir)
	checked(t, st)
	if im := st.Imported(); im.Source != "dump.rdb" || im.Keys != keys || time.Since(im.Time) > time.Minute {
		t.Errorf("%+v", im)
	}
	view := func(db int, name string, fn func(tx *Tx, key []byte)) {
		t.Helper()
		err := command(st, db, 1, []string{name}, func(tx *Tx, keys [][]byte) {
			if tx.TypeOf(keys[0]) == None {
				t.Fatalf("%.50s is not there", name)
			}
			fn(tx, keys[0])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range bulkLengths {
		for _, kind := range []string{"whole:", "parts:"} {
			view(0, kind+strconv.Itoa(n), func(tx *Tx, key []byte) {
				deadline, _ := tx.Deadline(key)
				v, err := tx.LendString(key)
				if err != nil || string(v) != bulkText(n) || kind == "whole:" && deadline != int64(i)<<40 {
					t.Errorf("%s%d: %d bytes, deadline %d, %v", kind, n, len(v), deadline, err)
				}
			})
		}
		view(3, bulkText(n)+"name", func(*Tx, []byte) {})
		view(0, "hash:"+strconv.Itoa(n), func(tx *Tx, key []byte) {
			h, _ := tx.View.Hash(key)
			v, _ := h.Get([]byte(bulkText(n)))
			if d, _ := h.Deadline([]byte("f")); h.Len() != 2 || v != bulkText(n) || d != 1<<42 {
				t.Errorf("hash:%d: %d fields, %d bytes, deadline %d", n, h.Len(), len(v), d)
			}
		})
		view(0, "list:"+strconv.Itoa(n), func(tx *Tx, key []byte) {
			l, _ := tx.View.List(key)
			var got []string
			l.Each(0, 1, func(_ int, e string) bool { got = append(got, e); return true })
			if !slices.Equal(got, []string{"first", bulkText(n), "last"}) {
				t.Errorf("list:%d: %d elements", n, len(got))
			}
		})
	}
	view(0, "list", func(tx *Tx, key []byte) {
		l, _ := tx.View.List(key)
		l.Each(0, 1, func(i int, e string) bool {
			if e != strconv.Itoa(i) {
				t.Errorf("element %d is %s", i, e)
			}
			return true
		})
		if l.Len() != many {
			t.Errorf("%d elements", l.Len())
		}
	})
	view(0, "zset", func(tx *Tx, key []byte) {
		z, _ := tx.View.ZSet(key)
		score, _ := z.Score("7")
		zero, _ := z.Score("zero")
		if z.Len() != many+2 || score != float64(many-7)/8 || !math.Signbit(zero) {
			t.Errorf("%d members, %v, %v", z.Len(), score, zero)
		}
	})
	view(0, "stream", func(tx *Tx, key []byte) {
		s, _ := tx.View.Stream(key)
		g := s.Groups()[0]
		pending := 0
		g.EachPending(StreamID{}, maxStreamID, func(p Pending) bool {
			pending++
			if p.Consumer != "consumer" || p.Deliveries != 2 || p.ID != (StreamID{3, 7}) {
				t.Errorf("%+v", p)
			}
			return true
		})
		if s.Len() != many || s.LastID() != (StreamID{1 << 50, 1}) || s.MaxDeletedID() != (StreamID{2, 2}) ||
			s.Added() != many+5 || g.LastID() != (StreamID{5, 0}) || pending != 1 {
			t.Errorf("%d entries, %v", s.Len(), s.LastID())
		}
	})
	if err := command(st, 0, 1, []string{"list", "new"}, func(tx *Tx, keys [][]byte) {
		l, _ := tx.EditList(keys[0])
		l.Push(Tail, []byte("more"))
		tx.SetString(keys[1], []byte("v"), 0)
	}); err != nil {
		t.Fatal(err)
	}
	st = reopened(t, st)
	checked(t, st)
}

func TestABulkRefusesWhatIsThereTwice(t *testing.T) {
	for what, fill := range map[string]func(b *Bulk){
		`the key "k" of database 3`: func(b *Bulk) {
			for range 2 {
				b.Key(3, "k", TypeString, 0)
				b.Text("v", true)
			}
		},
		`the key "large" of database 0`: func(b *Bulk) {
			b.Key(0, "large", TypeHash, 0)
			for i := range 2 * parcelRows {
				if i%1000 == 0 {
					b.Part()
				}
				b.Field(strconv.Itoa(i%(2*parcelRows-1)), "v", 0)
			}
		},
	} {
		dir := t.TempDir()
		im, b := begun(t, dir)
		fill(b)
		_, err := b.Finish(context.Background())
		if !errors.Is(err, ErrTwice) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		if err := im.Abort(); err != nil || !Fresh(dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAKeyThatIsGivenUpLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	keys := bulkOf(t, dir, func(b *Bulk) {
		b.Key(0, "before", TypeString, 0)
		b.Text("v", true)
		b.Key(0, "half", TypeHash, 1<<40)
		for i := range 2 * parcelRows {
			b.Field(strconv.Itoa(i), bulkText(10), 0)
		}
		b.Drop()
	})
	st := opened(t, dir)
	checked(t, st)
	if n := st.Opened().Keys; n != 1 || keys != 1 {
		t.Errorf("%d keys, told of %d", n, keys)
	}
}

// Whatever ends an import, the directory has no database, and the next one begins anew.
func TestAnImportThatIsNotFinishedIsNone(t *testing.T) {
	dir := t.TempDir()
	im, b := begun(t, dir)
	b.Key(0, "k", TypeString, 0)
	b.Text("v", true)
	if _, err := b.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	im.dirOwner.lock.Close() // as the end of the process does
	if !Fresh(dir) {
		t.Error("a start would not import again")
	}
	bulkOf(t, dir, func(b *Bulk) {
		b.Key(0, "other", TypeString, 0)
		b.Text("v", true)
	})
	st := opened(t, dir)
	if n := st.Opened().Keys; n != 1 {
		t.Errorf("%d keys", n)
	}
	if _, err := os.Stat(filepath.Join(dir, importDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the import's directory is still there: %v", err)
	}
	if _, err := NewImport(Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("an import into a directory in use: %v", err)
	}
	closed(t, st)
	if _, err := NewImport(Options{Dir: dir}); !errors.Is(err, ErrHasData) {
		t.Errorf("an import into a directory with data: %v", err)
	}
}

func TestAnImportThatIsToldToEndEnds(t *testing.T) {
	dir := t.TempDir()
	im, b := begun(t, dir)
	for i := range 300_000 {
		b.Key(0, strconv.Itoa(i), TypeString, 0)
		b.Text("v", true)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Finish(ctx); err == nil {
		t.Error("it went on")
	}
	if err := im.Abort(); err != nil || !Fresh(dir) {
		t.Error(err)
	}
}

// What was imported is in no journal: a database that is lost must not be made anew from one.
func TestAnImportedDatabaseThatIsLostIsMissed(t *testing.T) {
	dir := t.TempDir()
	bulkOf(t, dir, func(b *Bulk) {
		b.Key(0, "k", TypeString, 0)
		b.Text("v", true)
	})
	st := opened(t, dir)
	mustSet(t, st, "new", "v")
	killed := damagedDir{dir: dir}.copied(t).dir
	for _, name := range tableFiles {
		os.Remove(filepath.Join(killed, name))
	}
	if _, err := tryOpen(killed); !errors.Is(err, ErrNotWhole) {
		t.Errorf("%v", err)
	}
}

func TestDatabasesOfAnImportGetOtherNumbers(t *testing.T) {
	fill := func(b *Bulk) {
		for _, db := range []int{0, 1, 2} {
			b.Key(db, fmt.Sprint("of ", db), TypeString, 0)
			b.Text("v", true)
		}
	}
	dir := t.TempDir()
	im, b := begun(t, dir)
	fill(b)
	if _, err := b.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := im.MoveDatabases(map[int]int{0: 2}); err == nil {
		t.Error("two databases went into one")
	}
	if err := im.MoveDatabases(map[int]int{0: 2, 2: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Finish("dump.rdb"); err != nil {
		t.Fatal(err)
	}
	st := opened(t, dir)
	for db, name := range map[int]string{2: "of 0", 1: "of 1", 7: "of 2"} {
		err := command(st, db, 1, []string{name}, func(tx *Tx, keys [][]byte) {
			if tx.TypeOf(keys[0]) != TypeString {
				t.Errorf("%s is not in %d", name, db)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	checked(t, st)
}

func BenchmarkBulkOfSmallKeys(b *testing.B) {
	dir := b.TempDir()
	start := time.Now()
	bulkOf(b, dir, func(bulk *Bulk) {
		for i := range b.N {
			bulk.Key(0, "key:"+strconv.Itoa(i*7919%b.N), TypeString, 0)
			bulk.Text("value:"+strconv.Itoa(i), true)
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "keys/s")
}

// A parcel that is never handed on would be the whole file in memory.
func TestABulkHandsItsParcelsOn(t *testing.T) {
	im, b := begun(t, t.TempDir())
	most := 0
	for i := range 20 * parcelRows {
		b.Key(0, strconv.Itoa(i), TypeString, 0)
		b.Part()
		b.Text("in two ", false)
		b.Text("parts", true)
		most = max(most, len(b.parcel.entries))
	}
	if most > parcelRows {
		t.Errorf("a parcel had %d keys", most)
	}
	if err := errors.Join(b.Abort(), im.Abort()); err != nil {
		t.Error(err)
	}
}

// Whichever change of a file fails, the directory has all of what is imported or no database at all.
func TestAnImportThatTheDiskFailsIsWholeOrNone(t *testing.T) {
	for n := 0; ; n++ {
		dir, calls := t.TempDir(), 0
		failing := func(o *Options) {
			o.Fault = func(c files.Call) (int, error) {
				if calls++; calls == n+1 {
					return 0, syscall.EIO
				}
				return len(c.Data), nil
			}
		}
		err := func() error {
			o := Options{Dir: dir}
			failing(&o)
			im, err := NewImport(o)
			if err != nil {
				return err
			}
			b, err := im.Bulk()
			if err != nil {
				return errors.Join(err, im.Abort())
			}
			b.Key(0, "k", TypeString, 0)
			b.Text("v", true)
			if _, err := b.Finish(context.Background()); err != nil {
				return errors.Join(err, im.Abort())
			}
			_, err = im.Finish("dump.rdb")
			return err
		}()
		if err == nil && calls <= n {
			if n < 5 {
				t.Errorf("only %d changes were seen", calls)
			}
			return
		}
		if err != nil && Fresh(dir) {
			continue
		}
		st := opened(t, dir)
		if keys := st.Opened().Keys; keys != 1 {
			t.Errorf("after the failure of change %d (%v) there are %d keys", n, err, keys)
		}
		closed(t, st)
	}
}

// The system says no more than "I/O error" of a full disk, wherever an import meets it.
func TestAnImportThatAFullDiskEndsSaysSo(t *testing.T) {
	defer func(was int64) { refusedBelow = was }(refusedBelow)
	refusedBelow = 1 << 62
	dir, d := t.TempDir(), newDisk(t)
	o := Options{Dir: dir}
	d.use(&o)
	im, err := NewImport(o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := im.Bulk()
	if err != nil {
		t.Fatal(err)
	}
	d.breakWith(func(_ int, kind, file string, _ int) error {
		if kind == "write" && strings.Contains(file, databaseFile) {
			return sqlite3.IOERR_WRITE
		}
		return nil
	})
	long := strings.Repeat("v", 1<<20)
	for i := 0; err == nil && i < 100; i++ {
		b.Key(0, fmt.Sprint("k", i), TypeString, 0)
		err = b.Text(long, true)
	}
	if err == nil {
		_, err = b.Finish(context.Background())
	} else {
		b.Abort()
	}
	if err == nil || !strings.Contains(err.Error(), "bytes are free") {
		t.Errorf("the import ends with %v", err)
	}
	d.breakWith(nil)
	if err := im.Abort(); err != nil {
		t.Error(err)
	}
}

package store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// builtRun is a run as a runBuilder gave it out.
type builtRun struct {
	n          int64
	gaps, data []byte
}

func builder(t table, limit int) (b *runBuilder, runs *[]builtRun) {
	runs = new([]builtRun)
	return &runBuilder{d: &tables[t], limit: limit, write: func(n int64, gaps, data []byte) {
		*runs = append(*runs, builtRun{n, slices.Clone(gaps), slices.Clone(data)})
	}}, runs
}

func TestRunsHoldWhatWasPutIntoThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var numbers []int64
		var values []string
		for range 1 + r.IntN(200) {
			numbers = append(numbers, []int64{r.Int64() - math.MaxInt64/2, math.MinInt64, math.MaxInt64, positionStep * int64(r.IntN(300))}[r.IntN(4)])
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		b, runs := builder(listElements, runBytes)
		var w recordWriter
		for _, n := range numbers {
			w.cols = w.cols[:0]
			values = append(values, strings.Repeat(":9", r.IntN([]int{1, 10, 300}[r.IntN(3)])))
			w.colStr(values[len(values)-1])
			if err := b.add(n, w.cols); err != nil {
				t.Fatal(err)
			}
		}
		b.endRun()
		reader := runReader{d: &tables[listElements]}
		for _, run := range *runs {
			reader.open(run.n, run.gaps, run.data)
			rows := 0
			for ; reader.next(); rows++ {
				if reader.n != numbers[0] || string(reader.blobs[0]) != values[0] {
					t.Fatalf("row %d is %q, want %d %q", reader.n, reader.blobs[0], numbers[0], values[0])
				}
				numbers, values = numbers[1:], values[1:]
			}
			if reader.err() != nil || rows == 0 || rows > 1 && len(run.gaps)+len(run.data) > runBytes {
				t.Fatalf("%d rows in %d bytes, %v", rows, len(run.gaps)+len(run.data), reader.err())
			}
		}
		if len(numbers) > 0 {
			t.Fatalf("%d rows are in no run", len(numbers))
		}
	}
}

func TestARunThatDoesNotDecodeIsDamage(t *testing.T) {
	for what, run := range map[string]builtRun{
		"no row":              {1, nil, nil},
		"no length":           {1, nil, []byte("abc")},
		"no colon":            {1, nil, []byte("3")},
		"too short":           {1, nil, []byte("3:ab")},
		"an endless length":   {1, nil, []byte("99999999999999999999:ab")},
		"too many gaps":       {1, []byte{1, 1}, []byte("1:a1:b")},
		"too few gaps":        {1, []byte{1}, []byte("1:a1:b1:c")},
		"no way up":           {1, []byte{0}, []byte("1:a1:b")},
		"beyond the last":     {math.MaxInt64, nil, []byte("1:a1:b")},
		"half a gap":          {1, []byte{0x80}, []byte("1:a1:b")},
		"not above the first": {-5, nil, []byte("1:a")},
	} {
		reader := runReader{d: &tables[listElements]}
		reader.open(-5, nil, []byte("3:one"))
		for reader.next() {
		}
		if err := reader.err(); err != nil {
			t.Fatal(err)
		}
		reader.open(run.n, run.gaps, run.data)
		for reader.next() {
		}
		if err := reader.err(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	reader := runReader{d: &tables[streamEntries]}
	for reader.open(1, nil, []byte("1:x1:04:1:a0:")); reader.next(); {
	}
	if !errors.Is(reader.err(), ErrDamaged) {
		t.Errorf("an id that is no number: %v", reader.err())
	}
}

// listRuns is how many rows a store's lists take, and the fewest bytes in one of them but the first and the last.
func listRuns(t *testing.T, st *Store) (rows, least int64) {
	t.Helper()
	flushed(t, st)
	checked(t, st)
	if err := st.readers.use(func(r *reader) error {
		return queryInts(r.c, `SELECT count(*), (SELECT coalesce(min(length(data)), 0) FROM list_runs
			WHERE n > (SELECT min(n) FROM list_runs) AND n < (SELECT max(n) FROM list_runs)) FROM list_runs`, &rows, &least)
	}); err != nil {
		t.Fatal(err)
	}
	return rows, least
}

func TestAListTakesFewRows(t *testing.T) {
	value := []byte(strings.Repeat("v", 20))
	const perRun = runBytes / 31 // as write-back reckons before it knows better
	st := opened(t, t.TempDir())
	push := func(end End, n int) {
		onList(t, st, func(l ListTx) {
			for range n {
				l.Push(end, value)
			}
		})
	}
	push(Head, 10_000)
	if rows, least := listRuns(t, st); rows > 10_000/perRun || least < runBytes-2*31 {
		t.Errorf("10,000 elements in %d rows, the least with %d bytes", rows, least)
	}
	push(Tail, 10_000)
	push(Head, 10_000)
	if rows, least := listRuns(t, st); rows > 30_000/perRun || least < runBytes/2-31 {
		t.Errorf("30,000 elements in %d rows, the least with %d bytes", rows, least)
	}
	onList(t, st, func(l ListTx) {
		for range 14_990 {
			l.Pop(Head)
			l.Pop(Tail)
		}
	})
	if rows, _ := listRuns(t, st); rows > 3 {
		t.Errorf("20 elements that are left in %d rows", rows)
	}
}

func TestAListThatGrowsByOneElementAWriteBackTakesFewRows(t *testing.T) {
	value := []byte(strings.Repeat("v", 20))
	for name, c := range map[string]struct {
		grow func(l ListTx)
		full int64 // bytes that each row but the first and the last must have
	}{
		"tail":   {func(l ListTx) { l.Push(Tail, value) }, runBytes / 2},
		"head":   {func(l ListTx) { l.Push(Head, value) }, runBytes / 2},
		"middle": {func(l ListTx) { l.Insert(l.Len()/2, value) }, 0}, // insertions move elements from run to run
	} {
		t.Run(name, func(t *testing.T) {
			st := opened(t, t.TempDir())
			for range 200 {
				onList(t, st, c.grow)
				flushed(t, st)
			}
			if rows, least := listRuns(t, st); rows > 20 || least < c.full {
				t.Errorf("200 elements in %d rows, the least with %d bytes", rows, least)
			}
		})
	}
}

func TestAnElementOfALongListIsChangedInItsRun(t *testing.T) {
	st := opened(t, t.TempDir())
	var want []string
	onList(t, st, func(l ListTx) {
		for i := range 1000 {
			want = append(want, fmt.Sprint("element ", i))
			l.Push(Tail, []byte(want[i]))
		}
	})
	before, _ := listRuns(t, st)
	onList(t, st, func(l ListTx) {
		l.Set(500, []byte(strings.Repeat("long", 1000)))
		l.Remove([]byte("element 700"), 1)
	})
	want[500] = strings.Repeat("long", 1000)
	want = slices.Delete(want, 700, 701)
	if rows, _ := listRuns(t, st); rows > before+3 {
		t.Errorf("%d rows instead of %d", rows, before)
	}
	unloadAll(st)
	wantList(t, st, want)
}

// runsOf are the numbers at which a list's runs begin.
func runsOf(t *testing.T, st *Store, id int64) map[int64]bool {
	t.Helper()
	begins := map[int64]bool{}
	if err := st.readers.use(func(r *reader) error {
		s, _, err := r.c.Prepare(`SELECT n FROM list_runs WHERE id = ` + fmt.Sprint(id))
		if err != nil {
			return err
		}
		defer s.Close()
		for s.Step() {
			begins[s.ColumnInt64(0)] = true
		}
		return s.Err()
	}); err != nil {
		t.Fatal(err)
	}
	return begins
}

// Runs of which nothing is left go by one statement as far as they are neighbours. What is to stay between them, beside
// them or in a list beside theirs stays.
func TestRunsThatAreEmptiedTogetherLeaveTheirNeighbours(t *testing.T) {
	const elements = 3 * mostEmptied * runBytes / 100 // of about 100 bytes
	random := rand.New(rand.NewPCG(3, 3))
	keys := []string{"a", "b"}
	st := opened(t, t.TempDir())
	removals := func() (n int) {
		if err := st.onWriter(t.Context(), func(w *writer) error {
			n = w.removeRuns[listElements].Status(sqlite3.STMTSTATUS_RUN, false)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	play := func(what string, change func(l ListTx)) {
		want := map[string][]string{}
		for _, key := range keys {
			must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
				l, _ := tx.EditList(k[0])
				change(l)
				want[key] = elementsOf(l.List)
			})
		}
		flushed(t, st)
		checked(t, st)
		unloadAll(st)
		for _, key := range keys {
			must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
				if l, _ := tx.List(k[0]); !slices.Equal(elementsOf(l), want[key]) {
					t.Fatalf("%s: %s has %d elements, want %d", what, key, l.Len(), len(want[key]))
				}
			})
		}
	}
	fill := func(l ListTx) {
		for i := l.Len(); i < elements; i++ {
			l.Push(Tail, fmt.Appendf(nil, "%100d", random.Int()))
		}
	}
	play("filled", fill)
	before := removals()
	play("nearly all", func(l ListTx) { l.Trim(elements-1, elements) })
	if n := removals() - before; n < 2*3 || n > 2*6 {
		t.Errorf("%d statements emptied two lists of %d runs", n, 3*mostEmptied)
	}
	for range shorter(20, 3) {
		play("filled again", fill)
		play("stretches", func(l ListTx) {
			for range 1 + random.IntN(6) {
				at, many := random.IntN(l.Len()), []int{3, 30, 300}[random.IntN(3)]
				gone := l.Range(at, min(l.Len()-1, at+random.IntN(many)))
				for _, value := range gone {
					l.Remove([]byte(value), 1)
				}
				switch random.IntN(4) {
				case 0: // into the middle of what goes
					l.Insert(min(at, l.Len()), []byte("new"))
				case 1: // a run of its own
					l.Set(min(at, l.Len()-1), fmt.Appendf(nil, "%*d", chunkBytes+random.IntN(chunkBytes), random.Int()))
				}
			}
		})
		play("filled again", fill)
		play("whole runs", func(l ListTx) {
			var gone []string
			begins, goes := runsOf(t, st, l.o.id), false
			l.Each(1, 1, func(i int, value string) bool {
				if begins[l.at(i).n] && random.IntN(3) == 0 {
					goes = !goes
				}
				if goes {
					gone = append(gone, value)
				}
				return true
			})
			for _, value := range gone {
				l.Remove([]byte(value), 1)
			}
		})
		play("an end", func(l ListTx) {
			for end := End(random.IntN(2) == 0); l.Len() > 1 && random.IntN(2*elements) > 0; {
				l.Pop(end)
			}
		})
	}
}

// unpacked writes a gzip file from testdata as a directory's database.
func unpacked(t *testing.T, name string) (dir string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// version1.db.gz is what Diskette wrote when an element had a row: two lists, a stream with a
// group, an empty stream, a hash, a string.
func TestAFileOfVersion1IsTakenOver(t *testing.T) {
	st := opened(t, unpacked(t, "version1.db.gz"))
	checked(t, st)
	var numbers []string
	for i := -2; i < 150; i++ {
		if i == 50 {
			numbers = append(numbers, "inserted")
		}
		if i != 70 {
			numbers = append(numbers, fmt.Sprint(i))
		}
	}
	long := strings.Repeat("x", 2000)
	must(t, st, 0, []string{"numbers", "values", "stream", "empty", "hash", "string"}, func(tx *Tx, k [][]byte) {
		l, _ := tx.List(k[0])
		if got := elementsOf(l); !slices.Equal(got, numbers) {
			t.Errorf("numbers: %q", got)
		}
		l, _ = tx.List(k[1])
		if got := elementsOf(l); !slices.Equal(got, []string{"one", "", long, "two"}) {
			t.Errorf("values: %q", got)
		}
		s, _ := tx.Stream(k[2])
		fields, ok := s.Entry(StreamID{60, 1})
		if s.Len() != 61 || !ok || fields != packed("number", "60", "empty", "") || s.LastID() != maxStreamID || len(s.groups) != 1 {
			t.Errorf("stream: %d entries up to %v, %d groups, 60-1 is %q", s.Len(), s.LastID(), len(s.groups), fields)
		}
		if s, err := tx.Stream(k[3]); err != nil || s == nil || s.Len() != 0 {
			t.Errorf("empty: %v, %v", s, err)
		}
		if tx.TypeOf(k[4]) != TypeHash || tx.TypeOf(k[5]) != TypeString {
			t.Errorf("hash: %v, string: %v", tx.TypeOf(k[4]), tx.TypeOf(k[5]))
		}
	})
	if err := st.readers.use(func(r *reader) error {
		var version, lists, positions, entries, old int64
		err := queryInts(r.c, `SELECT (SELECT user_version FROM pragma_user_version),
			(SELECT count(*) FROM lists WHERE key = 'numbers' AND value = '' || CASE position WHEN 52 THEN 'inserted' ELSE position - 2 - (position > 52) + (position > 72) END
				OR key = 'values' AND length(value) = CASE position WHEN 0 THEN 3 WHEN 1 THEN 0 WHEN 2 THEN 2000 WHEN 3 THEN 3 END),
			(SELECT max(position) FROM lists WHERE key = 'numbers'),
			(SELECT count(*) FROM streams WHERE fields = '["number","' || (entry + 0) || '","empty",""]' OR entry = '18446744073709551615-18446744073709551615' AND fields = '["a","b"]'),
			(SELECT count(*) FROM sqlite_schema WHERE name IN ('list_elements', 'stream_entries'))`,
			&version, &lists, &positions, &entries, &old)
		if version != sealedVersion || lists != 156 || positions != 151 || entries != 60 || old != 0 {
			t.Errorf("version %d, %d elements of 156 as they should be, the last at %d; %d entries of 60; %d old tables",
				version, lists, positions, entries, old)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	st = reopened(t, st)
	checked(t, st)
}

func TestATakeoverThatFailsLeavesTheFileAsItWas(t *testing.T) {
	dir := unpacked(t, "version1.db.gz")
	d := newDisk(t)
	for failing := 0; ; failing += shorter(1, 3) {
		before := d.ops()
		d.breakWith(func(op int, kind, file string, n int) error {
			if op > before+failing && file != "journal" {
				return errFull
			}
			return nil
		})
		st, err := tryOpen(dir, d.use)
		d.breakWith(nil)
		if err == nil {
			checked(t, st)
			closed(t, st)
			if failing == 0 {
				t.Fatal("nothing failed")
			}
			return
		}
		if !noSpace(err) {
			t.Fatalf("with %d writes: %v", failing, err)
		}
	}
}

// A panic while a run is written leaves nothing of it to the attempt that comes after.
func TestARunThatWasBeingWrittenAtAPanicComesIntoNoOther(t *testing.T) {
	late := func(o *Options) { o.WriteBackDelay = time.Hour }
	st := opened(t, t.TempDir(), late)
	b, puts := &st.wb.w.merging.built, 0
	write := b.write
	b.write = func(n int64, gaps, data []byte) {
		if puts++; puts == 2 {
			panic("a defect")
		}
		write(n, gaps, data)
	}
	for _, key := range []string{"first", "second"} {
		must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) { rpush(tx, k[0], key+" 1", key+" 2") })
	}
	eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil })
	if puts < 2 {
		t.Fatal("nothing was written")
	}
	unloadAll(st)
	for _, key := range []string{"first", "second"} {
		must(t, st, 0, []string{key}, func(tx *Tx, k [][]byte) {
			l, err := tx.List(k[0])
			if got, want := elementsOf(l), []string{key + " 1", key + " 2"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("%s has %q, %v", key, got, err)
			}
		})
	}
	checked(t, st)
}

package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"diskette/compat_test/testrand"
	"diskette/store/journal"
)

// lumpsFrom makes lumps of collections that are made whole from so many elements on.
func lumpsFrom(t testing.TB, elements int) {
	t.Helper()
	was := lumpElements
	lumpElements = elements
	t.Cleanup(func() { lumpElements = was })
}

// madeOf is collections of each type with n elements, one of them long.
func madeOf(n int) map[string]*Made {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("element ", i)
	}
	names[n/2] = strings.Repeat("long", shareBytes)
	uneven := &List{}
	zset := make([]Scored, n)
	var fields []string
	stream := newStream()
	for i, name := range names {
		uneven.add(i, element{int64(i*i - 5), name}, false)
		zset[i] = Scored{float64(i) / 3, name}
		fields = append(fields, name, fmt.Sprint("value ", i))
		id := StreamID{uint64(i / 2), uint64(i % 2)}
		stream.entries.append(streamEntry{id: id, n: stream.number(), fields: PackFields([][]byte{{'f'}, []byte(name)})})
		stream.lastID = id
	}
	set := newSet()
	for _, name := range names {
		set.insert(name)
	}
	return map[string]*Made{"list": MakeList(names), "list of uneven distances": {coll: uneven},
		"set": {coll: set}, "sorted set": MakeZSet(zset), "hash": MakeHash(fields), "stream": {coll: stream}}
}

// A lump stands for the rows that the record has without it, in memory and as it comes back from a file.
func TestALumpStandsForTheRowsOfItsCollection(t *testing.T) {
	for _, n := range []int{lumpElements, 20_000} {
		for kind, made := range madeOf(n) {
			var lumped, plain recordWriter
			for _, w := range []*recordWriter{&lumped, &plain} {
				w.drop(6, &space{id: 3})
				w.born(7, 3, made.coll.kind(), 0, "name", nil)
			}
			lumped.beside(&made.Record().rows)
			made.coll.rows(&plain, createdKey)
			for _, w := range []*recordWriter{&lumped, &plain} {
				w.expiring(&space{id: 3, expiring: 12})
			}
			want, lumps := foldedRows(t, journal.Record{Head: plain.head, Ext: plain.ext})
			if lumps != 0 || len(want) < n {
				t.Fatalf("%s: %d rows and %d in lumps are recorded row by row", kind, len(want), lumps)
			}
			rec := journal.Record{Head: lumped.head, Ext: lumped.ext}
			for how, rec := range map[string]journal.Record{"in memory": rec, "from the file": joined(rec)} {
				got, lumps := foldedRows(t, rec)
				if lumps != n-1 { // the long one stands by itself
					t.Errorf("%d elements of a %s, %s: %d are in the lump", n, kind, how, lumps)
				}
				if !maps.Equal(got, want) {
					t.Errorf("%d elements of a %s, %s: the rows are others", n, kind, how)
				}
			}
			if n == 20_000 && len(lumped.head) > shareBytes {
				t.Errorf("%s: %d bytes were copied into the record", kind, len(lumped.head))
			}
		}
	}
}

// foldedRows is a record's rows, and how many of them stood in lumps.
func foldedRows(t *testing.T, rec journal.Record) (rows map[target]string, lumped int) {
	t.Helper()
	f := newFold(arenaBlock)
	err := f.add(1, rec)
	f.drain()
	lumped = f.lumped
	bad := f.expand()
	if err != nil || bad != nil || f.lumped != 0 || len(f.lumps) != 0 {
		t.Fatalf("%v; the lumps of %d do not decode; %d rows are left in lumps", err, bad, f.lumped)
	}
	rows = map[target]string{}
	for i := range int32(f.rows.n) {
		rows[f.rows.at(i).target()] = string(f.rows.at(i).data)
	}
	if len(rows) != f.rows.n {
		t.Fatalf("%d rows are there twice", f.rows.n-len(rows))
	}
	return rows, lumped
}

func TestALumpThatDoesNotDecodeIsNoRows(t *testing.T) {
	for kind, made := range madeOf(lumpElements) {
		var w recordWriter
		w.born(7, 3, made.coll.kind(), 0, "name", nil)
		w.recordLump(made.coll)
		var c change
		for r := readRecord(journal.Record{Head: w.head, Ext: w.ext}); r.next(&c) && c.op != opLump; {
		}
		for cut := 1; cut < 40; cut++ {
			f := newFold(arenaBlock)
			f.keepLump(&change{id: 7, table: c.table, length: c.length, data: c.data[:len(c.data)-cut]})
			if bad := f.expand(); bad == nil && f.lumps[7].rows == 0 && f.rows.n >= lumpElements-1 {
				t.Errorf("%s: a lump without its last %d bytes has %d rows", kind, cut, f.rows.n)
			}
		}
	}
}

// lookAtFold waits until all is folded, and looks at the fold.
func lookAtFold(t *testing.T, st *Store, look func(f *fold)) {
	t.Helper()
	last := st.journal.Last()
	eventually(t, "the fold of all records", func() bool {
		st.wb.mu.Lock()
		defer st.wb.mu.Unlock()
		if st.wb.pending.last < last {
			return false
		}
		look(st.wb.pending)
		return true
	})
}

// What COPY replaces before it is written back costs the fold nothing.
func TestACopyThatIsReplacedLeavesNothingInTheFold(t *testing.T) {
	st := opened(t, t.TempDir())
	const elements, copies = 20_000, 30
	for kind, made := range madeOf(elements) {
		must(t, st, 0, []string{kind}, func(tx *Tx, k [][]byte) { tx.Place(k[0], made) })
		flushed(t, st)
		for range copies {
			must(t, st, 0, []string{kind, "copy"}, func(tx *Tx, k [][]byte) { tx.Copy(k[0], 0, k[1], true) })
		}
		lookAtFold(t, st, func(f *fold) {
			if f.lumped != elements-1 || len(f.lumps) != 1 || f.rows.n > 2*copies || f.text.used > 4<<20 {
				t.Errorf("%s: %d rows in %d lumps, %d rows, %d bytes", kind, f.lumped, len(f.lumps), f.rows.n, f.text.used)
			}
		})
		unloadAll(st)
		before := printOf(t, st, kind)
		flushed(t, st)
		unloadAll(st)
		if after := printOf(t, st, "copy"); after != before {
			t.Errorf("the copy of a %s is %s and was %s", kind, after, before)
		}
		checked(t, st)
	}
}

// What becomes of a collection's elements between its making and the write-back is as it would be after that.
func TestWhatIsMadeAndChangedInOneFoldIsWrittenAsItIs(t *testing.T) {
	lumpsFrom(t, 1)
	g := newGame(t, 5)
	g.st = reopened(t, g.st, func(o *Options) { g.options(o); o.WriteBackDelay, o.WriteBackRows = 1<<40, 1<<20 })
	reached := map[Type]bool{}
	for round := range 40 {
		for _, typ := range slices.Sorted(maps.Keys(collectionModels)) {
			model := collectionModels[typ]
			key, dst := fmt.Sprint(typ), fmt.Sprint(typ, round%3)
			var c content
			must(t, g.st, 0, []string{key, dst}, func(tx *Tx, k [][]byte) {
				c = model.read(g, tx, k[0])
				for range 20 + g.r.IntN(200) {
					model.change(g, tx, k[0], &c)
				}
				c = c.clone()
				if !tx.Copy(k[0], 0, k[1], true) { // it is empty now
					tx.Delete(k[1])
				}
			})
			for range g.r.IntN(4) {
				must(t, g.st, 0, []string{dst}, func(tx *Tx, k [][]byte) {
					for range g.r.IntN(30) {
						model.change(g, tx, k[0], &c)
					}
				})
			}
			lookAtFold(t, g.st, func(f *fold) { reached[typ] = reached[typ] || f.lumped > 0 })
			flushed(t, g.st)
			unloadAll(g.st)
			must(t, g.st, 0, []string{dst}, func(tx *Tx, k [][]byte) {
				if got := model.read(g, tx, k[0]); !got.equal(c) {
					t.Fatalf("round %d: the %v is %v, want %v", round, typ, got, c)
				}
			})
		}
		checked(t, g.st)
	}
	for typ := range collectionModels {
		if !reached[typ] {
			t.Errorf("no %v was a lump", typ)
		}
	}
}

// A write-back of lumps that is interrupted at any change of the files, or goes in slices because it is heavy, is made
// again at the next start.
func TestAWriteBackOfLumpsThatIsInterruptedIsMadeAgain(t *testing.T) {
	for _, how := range []struct {
		what  string
		heavy int64
		every int // changes of the files one is an interruption
	}{{"in one transaction", heavyBytes, shorter(5, 4)}, {"in slices", 64 << 10, shorter(29, 97)}} {
		t.Run(how.what, func(t *testing.T) {
			lighter(t, how.heavy, 32<<10)
			d := newDisk(t)
			st := opened(t, t.TempDir(), d.use)
			want := map[string]string{}
			for kind, made := range madeOf(shorter(2000, 300)) {
				must(t, st, 0, []string{kind, "old " + kind}, func(tx *Tx, k [][]byte) {
					tx.Place(k[0], made)
					tx.Copy(k[0], 0, k[1], false)
				})
			}
			flushed(t, st)
			for kind := range madeOf(1) {
				names := []string{kind, "old " + kind, "copy of " + kind, "changed " + kind}
				must(t, st, 0, names, func(tx *Tx, k [][]byte) {
					tx.Copy(k[0], 0, k[1], true)
					tx.Copy(k[0], 0, k[2], true)
					tx.Copy(k[2], 0, k[3], true)
				})
				must(t, st, 0, names, func(tx *Tx, k [][]byte) {
					switch l, err := tx.EditList(k[3]); {
					case err == nil:
						for range 20 {
							l.Pop(Head)
							l.Insert(l.Len()/2, []byte("more"))
						}
					case tx.TypeOf(k[3]) == TypeSet:
						s, _ := tx.EditSet(k[3])
						s.Remove([]byte("element 3"))
					}
				})
				for _, name := range names {
					want[name] = printOf(t, st, name)
				}
			}
			lookAtFold(t, st, func(f *fold) {
				if len(f.lumps) != 3*6 {
					t.Errorf("%d lumps are to be written", len(f.lumps))
				}
			})
			var killed []string
			before := d.ops()
			d.breakWith(func(op int, kind, file string, _ int) error {
				if strings.HasPrefix(file, databaseFile) && (op-before)%how.every == 3 && len(killed) < 40 {
					killed = append(killed, copied(t, st.dir))
				}
				return nil
			})
			flushed(t, st)
			d.breakWith(nil)
			if len(killed) < 5 {
				t.Fatalf("only %d interruptions in %d changes", len(killed), d.ops()-before)
			}
			for i, dir := range append(killed, copied(t, st.dir)) {
				st := opened(t, dir)
				for name, print := range want {
					if got := printOf(t, st, name); got != print {
						t.Fatalf("interruption %d: %q is %s and was %s", i, name, got, print)
					}
				}
				checked(t, st)
				closed(t, st)
			}
		})
	}
}

// A disk that fails while lumps are written, at any change, keeps what was acknowledged, and so does a start after it.
func TestLumpsAreWrittenAfterAnyFaultOfTheDisk(t *testing.T) {
	lumpsFrom(t, 2)
	play := func(st *Store, want map[string]string) {
		for i := range 12 {
			names := []string{fmt.Sprint("src", i%2), fmt.Sprint("dst", i%3)}
			err := command(st, 0, testNow, names, func(tx *Tx, k [][]byte) {
				hset(tx, k[0], fmt.Sprint("f", i), strings.Repeat("v", 200*i))
				hset(tx, k[0], fmt.Sprint("g", i), "w")
				tx.Copy(k[0], 0, k[1], true)
				if i%2 == 0 {
					hset(tx, k[1], "f0", "changed")
				}
			})
			for _, name := range names {
				if want[name] = "?"; err == nil {
					want[name] = name
				}
			}
			if i%4 == 3 {
				_ = st.Flush()
			}
		}
	}
	d := newDisk(t)
	st := opened(t, t.TempDir(), d.use, always)
	opening := d.ops()
	play(st, map[string]string{})
	all := d.ops()
	closed(t, st)
	for n := opening + 1; n <= all; n += max(1, (all-opening)/shorter(40, 8)) {
		for what, failures := range map[string]int{"for good": 1 << 30, "three times": 3} {
			t.Run(fmt.Sprint("at change ", n, " ", what), func(t *testing.T) {
				d, left, want := newDisk(t), failures, map[string]string{}
				st := opened(t, t.TempDir(), d.use, always)
				r := testrand.New(t, uint64(n))
				d.breakWith(func(op int, _, _ string, _ int) error {
					if op < n || left == 0 {
						return nil
					}
					left--
					return []error{syscall.EIO, errFull}[n%2]
				})
				play(st, want)
				prints := map[string]string{}
				for name, known := range want {
					if known != "?" {
						prints[name] = printOf(t, st, name)
					}
				}
				dirs := []string{d.killed(t, st.dir), d.powerCut(t, st.dir, r)}
				if failures == 3 {
					d.breakWith(nil)
					eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
					dirs = append(dirs, copied(t, st.dir))
				}
				_ = st.Close()
				for _, dir := range dirs {
					st := opened(t, dir, always)
					for name, print := range prints {
						if got := printOf(t, st, name); got != print {
							t.Errorf("%s: %q is %s and was %s", filepath.Base(dir), name, got, print)
						}
					}
					checked(t, st)
					closed(t, st)
				}
			})
		}
	}
}

// A row of a lump that the tables refuse is set aside by itself, and the others go on.
func TestARowOfALumpThatTheTablesRefuseIsSetAside(t *testing.T) {
	lumpsFrom(t, 1)
	var log logged
	st := opened(t, t.TempDir(), log.use)
	mustSet(t, st, "before", "v")
	flushed(t, st)
	intrude(t, st, `CREATE TRIGGER refused BEFORE INSERT ON set_members WHEN new.member = CAST('bad' AS BLOB)
		BEGIN SELECT RAISE(ABORT, 'not here'); END`)
	must(t, st, 0, []string{"set", "list"}, func(tx *Tx, k [][]byte) {
		tx.Place(k[0], MakeSet(func(yield func(string) bool) { _ = yield("good") && yield("bad") && yield("better") }, 3))
		tx.Place(k[1], MakeList([]string{"a", "b"}))
	})
	eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
	if s, err := st.Stats(false); err != nil || s.RowsSetAside != 1 {
		t.Fatalf("%d rows set aside, %v", s.RowsSetAside, err)
	}
	if n := rowsIn(t, st, "set_members"); n != 2 {
		t.Errorf("%d members are in the tables", n)
	}
	st = reopened(t, st)
	must(t, st, 0, []string{"list"}, func(tx *Tx, k [][]byte) {
		if l, _ := tx.List(k[0]); fmt.Sprint(elementsOf(l)) != "[a b]" {
			t.Errorf("the list is %q", elementsOf(l))
		}
	})
}

// spoil has the lump that a record has decode no further than to the number of its first row.
func spoil(t *testing.T, w *recordWriter) {
	t.Helper()
	r := readRecord(journal.Record{Head: w.head, Ext: w.ext})
	r.created = 1
	var c change
	for r.next(&c) && c.op != opLump {
	}
	_, n := binary.Uvarint(c.data)
	if c.op != opLump || n <= 0 {
		t.Fatal("there is no lump")
	}
	copy(c.data[n:], "\xff\xff\xff\xff\xff")
}

// A lump that does not decode is set aside with its key, and with what becomes of that later, by a server and by a
// start. The keys before and behind it, lumps as well, go into the tables.
func TestALumpThatDoesNotDecodeIsSetAside(t *testing.T) {
	for kind := range madeOf(lumpElements) {
		for _, how := range []struct {
			what  string
			heavy int64
		}{{"in one transaction", heavyBytes}, {"in slices", 4 << 10}} {
			t.Run(kind+", "+how.what, func(t *testing.T) {
				lighter(t, how.heavy, 32<<10)
				d := newDisk(t)
				var log logged
				st := opened(t, t.TempDir(), d.use, log.use)
				mustSet(t, st, "before", "v")
				must(t, st, 0, []string{"bad", "good"}, func(tx *Tx, k [][]byte) {
					for _, name := range k {
						made := madeOf(lumpElements)[kind].Record()
						if string(name) == "bad" {
							spoil(t, &made.rows)
						}
						tx.Place(name, made)
					}
				})
				must(t, st, 0, []string{"bad"}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], []byte("worse")) })
				mustSet(t, st, "after", "v")
				good := printOf(t, st, "good")
				killed := d.killed(t, st.dir)
				wantRest := func(st *Store, log *logged) {
					t.Helper()
					unloadAll(st)
					for _, key := range []string{"before", "after"} {
						wantGet(t, st, key, "v")
					}
					if got := printOf(t, st, "good"); got != good {
						t.Errorf("the good one is %s and was %s", got, good)
					}
					wantAbsent(t, st, "worse")
					if s, err := st.Stats(false); err != nil || s.RowsSetAside != 1 {
						t.Errorf("%d rows set aside, %v", s.RowsSetAside, err)
					}
					if lines := log.with("set aside"); len(lines) != 1 || !strings.Contains(lines[0], "worse") {
						t.Errorf("log: %q", lines)
					}
				}
				eventually(t, "the end of the refusal", func() bool { return st.Flush() == nil && st.WriteError() == nil })
				wantRest(st, &log)
				checked(t, reopened(t, st, d.use))
				var again logged
				wantRest(opened(t, killed, again.use), &again)
			})
		}
	}
}

// A brokenCollection fails in the middle of its rows.
type brokenCollection struct{ collection }

func (c brokenCollection) rows(w *recordWriter, id int64) {
	w.put(id, elementTable(c.kind()), 1)
	panic("in the middle")
}

// What fails while it is made a lump takes no later row with it.
func TestRowsThatFollowAFailedLumpAreRecorded(t *testing.T) {
	for kind, made := range madeOf(lumpElements) {
		var w recordWriter
		w.born(7, 3, made.coll.kind(), 0, "name", nil)
		func() {
			defer func() { _ = recover() }()
			w.recordLump(brokenCollection{made.coll})
		}()
		made.coll.rows(&w, createdKey)
		rows, _ := foldedRows(t, journal.Record{Head: w.head, Ext: w.ext})
		if len(rows) < lumpElements {
			t.Errorf("%s: of %d elements %d rows are recorded", kind, lumpElements, len(rows))
		}
	}
}

// Write-back tries again what fails, and again.
func TestALumpThatDoesNotDecodeCostsNothingHoweverOftenItIsTried(t *testing.T) {
	for kind, made := range madeOf(lumpElements) {
		var w recordWriter
		w.born(7, 3, made.coll.kind(), 0, "name", nil)
		w.recordLump(made.coll)
		f := newFold(arenaBlock)
		if err := f.add(1, journal.Record{Head: w.head, Ext: w.ext}); err != nil {
			t.Fatal(err)
		}
		f.drain()
		l := f.lumps[7]
		l.data = l.data[:len(l.data)-1]
		f.lumps[7] = l
		rows, used := f.rows.n, f.text.used
		for range 3 {
			if bad := f.expand(); len(bad) != 1 || bad[0] != 7 {
				t.Errorf("%s: a lump without its last byte decodes", kind)
			}
		}
		if f.rows.n != rows || f.text.used != used || f.lumped != l.rows {
			t.Errorf("%s: %d rows and %d bytes became %d and %d", kind, rows, used, f.rows.n, f.text.used)
		}
	}
}

package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"diskette/compat_test/testrand"
)

// texts runs a command on long strings of which it needs parts: fn answers false to run again when what it asked for
// is loaded.
func texts(t testing.TB, st *Store, names []string, fn func(tx *Tx, k [][]byte) (done bool)) {
	t.Helper()
	needs := map[int]Need{}
	for i := range names {
		needs[i] = NeedSmall
	}
	for attempt := 0; ; attempt++ {
		if attempt == 20 {
			t.Fatal("it asks for more for ever")
		}
		var f *Fetch
		done := false
		if err := commandOn(st, 0, testNow, names, needs, func(tx *Tx, k [][]byte) {
			if done = fn(tx, k); !done {
				f = tx.TakeFetch()
			}
		}); err != nil {
			t.Fatal(err)
		}
		if done {
			return
		}
		if err := f.Load(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			st.Lock()
			f.Release()
			st.Unlock()
		}()
	}
}

func passageOf(t testing.TB, st *Store, name string, from, to int) (p *Passage) {
	t.Helper()
	texts(t, st, []string{name}, func(tx *Tx, k [][]byte) bool {
		text, err := tx.View.Text(k[0])
		if err != nil || !text.OnDisk() {
			t.Fatalf("%q is not on disk alone (%v)", name, err)
		}
		p = text.Passage(from, to)
		return true
	})
	return p
}

func restOf(t testing.TB, p *Passage) []byte {
	t.Helper()
	defer p.Close()
	whole := []byte{}
	for {
		piece, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if len(piece) == 0 {
			return whole
		}
		whole = append(whole, piece...)
	}
}

// longText is a string of chunks of which no two are alike.
func longText(r *rand.Rand, length int) []byte { return testrand.Bits(r, length) }

func textOnDisk(t testing.TB, st *Store, name string, value []byte) {
	t.Helper()
	must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], slices.Clone(value), 0) })
	flushed(t, st)
	unloadAll(st)
}

// TestAPartOfALongStringIsReadWithoutTheRest, and another part of the same chunk reads nothing.
func TestAPartOfALongStringIsReadWithoutTheRest(t *testing.T) {
	st := opened(t, t.TempDir())
	value := longText(testrand.New(t, 1), 40*chunkBytes+5)
	textOnDisk(t, st, "k", value)
	part := func(from, to int) (got []byte) {
		texts(t, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
			text, _ := tx.View.Text(k[0])
			b, ok := text.Part(from, to, true)
			got = bytes.Clone(b)
			return ok
		})
		return got
	}
	allocated := allocatedBytes()
	for _, at := range []int{5, chunkBytes - 3, 7 * chunkBytes, len(value) - 6} {
		if got := part(at, at+6); !bytes.Equal(got, value[at:at+6]) {
			t.Errorf("at %d stands %x, want %x", at, got, value[at:at+6])
		}
	}
	if n := allocatedBytes() - allocated; n > 8*chunkBytes {
		t.Errorf("it took %d bytes", n)
	}
	loads := st.Loads()
	if got := part(chunkBytes+9, chunkBytes+90); !bytes.Equal(got, value[chunkBytes+9:chunkBytes+90]) || st.Loads() != loads {
		t.Errorf("a chunk that was in memory was read once more, or is another")
	}
	checked(t, st)
}

// TestAWriteToAPartOfALongStringReadsNoMoreThanItsChunk, and nothing if it writes all of that.
func TestAWriteToAPartOfALongStringReadsNoMoreThanItsChunk(t *testing.T) {
	st := opened(t, t.TempDir())
	want := longText(testrand.New(t, 1), 40*chunkBytes+5)
	textOnDisk(t, st, "k", want)
	want = append(make([]byte, 0, 50*chunkBytes), want...)
	loads, allocated := st.Loads(), allocatedBytes()
	write := func(at int, data string) {
		texts(t, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
			text, _ := tx.Text(k[0])
			if at < 0 {
				at = text.Len()
			}
			if !text.Overwritable(at, at+len(data), true) {
				return false
			}
			if n, err := tx.SetRange(k[0], at, []byte(data)); err != nil || n != max(len(want), at+len(data)) {
				t.Errorf("length %d, %v", n, err)
			}
			return true
		})
		if n := at + len(data) - len(want); n > 0 {
			want = append(want, make([]byte, n)...)
		}
		copy(want[at:], data)
	}
	write(3*chunkBytes+7, "middle")
	write(-1, "end")
	write(chunkBytes-1, "xy")
	write(45*chunkBytes, "behind a gap")
	write(5*chunkBytes, string(make([]byte, chunkBytes)))
	if n := allocatedBytes() - allocated; n > 14*chunkBytes {
		t.Errorf("it took %d bytes", n)
	}
	if n := st.Loads() - loads; n > 1+1+1+2 { // the head, the chunks
		t.Errorf("%d loads", n)
	}
	flushed(t, st)
	checked(t, st)
	wantGet(t, st, "k", string(want))
	st = reopened(t, st)
	wantGet(t, st, "k", string(want))
}

// TestAStringOfWhichTheHeadWasKnownBecomesLong: it has no chunks to be patched, as a long one.
func TestAStringOfWhichTheHeadWasKnownBecomesLong(t *testing.T) {
	for name, change := range map[string]func(tx *Tx, k []byte){
		"written over and behind its end": func(tx *Tx, k []byte) { tx.SetRange(k, 0, make([]byte, 2*chunkBytes)) },
		"written far behind its end":      func(tx *Tx, k []byte) { tx.SetRange(k, 2*chunkBytes, []byte("x")) },
		"edited far behind its end": func(tx *Tx, k []byte) {
			tx.EditPart(k, 2*chunkBytes+1, 2*chunkBytes, 2*chunkBytes+1, func(b []byte) []Span { b[0] = 1; return []Span{{0, 1}} })
		},
		"appended to": func(tx *Tx, k []byte) { tx.Append(k, make([]byte, chunkBytes)) },
	} {
		t.Run(name, func(t *testing.T) {
			st := opened(t, t.TempDir())
			textOnDisk(t, st, "k", make([]byte, 2*headBytes))
			headsOf(t, st, []string{"k"}, func(tx *Tx, k [][]byte) { tx.Touch(k[0]) })
			must(t, st, 0, []string{"other"}, func(tx *Tx, k [][]byte) { change(tx, []byte("k")) })
			flushed(t, st)
			checked(t, st)
		})
	}
}

// TestAPassageHasTheValueOfItsMoment whatever becomes of the key while it is read.
func TestAPassageHasTheValueOfItsMoment(t *testing.T) {
	for name, change := range map[string]func(tx *Tx, k []byte){
		"nothing":       func(*Tx, []byte) {},
		"a patch":       func(tx *Tx, k []byte) { tx.SetRange(k, 6*chunkBytes+5, []byte("patch")) },
		"an end":        func(tx *Tx, k []byte) { tx.Append(k, []byte("end")) },
		"a long value":  func(tx *Tx, k []byte) { tx.SetString(k, make([]byte, 3*chunkBytes), 0) },
		"a short value": func(tx *Tx, k []byte) { tx.SetString(k, []byte("short"), 0) },
		"deletion":      func(tx *Tx, k []byte) { tx.Delete(k) },
		"a rename":      func(tx *Tx, k []byte) { tx.Rename(k, []byte("other")) },
		"a flush":       func(tx *Tx, k []byte) { tx.FlushDB(0) },
		"a collection":  func(tx *Tx, k []byte) { tx.Place(k, MakeList([]string{"a"})) },
	} {
		t.Run(name, func(t *testing.T) {
			st := opened(t, t.TempDir())
			value := longText(testrand.New(t, 1), 9*chunkBytes+5)
			textOnDisk(t, st, "k", value)
			p := passageOf(t, st, "k", 0, len(value))
			first, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			first = bytes.Clone(first)
			for range 2 { // the second has the state of the first on disk
				must(t, st, 0, []string{"k", "other"}, func(tx *Tx, k [][]byte) { change(tx, k[0]) })
				flushed(t, st)
				unloadAll(st)
			}
			if got := append(first, restOf(t, p)...); !bytes.Equal(got, value) {
				t.Errorf("%d bytes came, and they are not the %d that stood there", len(got), len(value))
			}
			if name == "deletion" || name == "a flush" {
				eventually(t, "the end of its chunks", func() bool {
					var n int64
					signal(st.wb.applyNow)
					if err := st.readers.use(func(r *reader) error {
						return queryInts(r.c, `SELECT count(*) FROM chunks`, &n)
					}); err != nil {
						t.Fatal(err)
					}
					return n == 0
				})
			}
		})
	}
}

// TestTextsAreWhatTheirCommandsMadeOfThem compares random commands on parts, write-backs and unloads with plain byte
// slices, and passages that are read at any time with what stood there when they began.
func TestTextsAreWhatTheirCommandsMadeOfThem(t *testing.T) {
	r := testrand.New(t, 3)
	st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory = 4 << 20 })
	names := []string{"a", "b", "c"}
	model := map[string][]byte{}
	type reading struct {
		p    *Passage
		want []byte
	}
	var readings []reading
	end := func(i int) {
		if got := restOf(t, readings[i].p); !bytes.Equal(got, readings[i].want) {
			t.Fatal("a passage has other bytes than stood there")
		}
		readings = slices.Delete(readings, i, i+1)
	}
	steps := 700
	if testing.Short() {
		steps = 250
	}
	for step := range steps {
		name := names[r.IntN(len(names))]
		was := model[name]
		note := func(v []byte) { model[name] = v }
		at := r.IntN(len(was) + 1)
		if r.IntN(3) == 0 {
			at = min(len(was), at/chunkBytes*chunkBytes)
		}
		n := r.IntN(1 + 2*chunkBytes>>r.IntN(19))
		mayWait := r.IntN(10) > 0
		switch r.IntN(12) {
		case 0:
			value := longText(r, r.IntN(5*chunkBytes))
			must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], slices.Clone(value), 0) })
			note(value)
		case 1:
			if r.IntN(4) == 0 {
				must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { tx.Delete(k[0]) })
				delete(model, name)
			}
		case 2:
			other := names[r.IntN(len(names))]
			if was != nil && other != name {
				headsOf(t, st, []string{name, other}, func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) })
				model[other] = was
				delete(model, name)
			}
		case 3, 4:
			to := min(len(was), at+n)
			texts(t, st, []string{name}, func(tx *Tx, k [][]byte) bool {
				text, _ := tx.View.Text(k[0])
				part, ok := text.Part(at, to, mayWait)
				if ok && (!bytes.Equal(part, was[at:to]) || text.Len() != len(was) || text.There() != (was != nil)) {
					t.Fatalf("step %d: bytes %d to %d of %q are others", step, at, to, name)
				}
				return ok
			})
		case 5, 6, 7:
			data := longText(r, n)
			if r.IntN(3) == 0 && len(was) < 8*chunkBytes {
				at = len(was) + r.IntN(2)*r.IntN(2*chunkBytes)
			}
			if n == 0 {
				continue
			}
			texts(t, st, []string{name}, func(tx *Tx, k [][]byte) bool {
				text, _ := tx.Text(k[0])
				if !text.Overwritable(at, at+n, mayWait) {
					return false
				}
				if at == len(was) {
					tx.Append(k[0], data)
				} else {
					tx.SetRange(k[0], at, data)
				}
				return true
			})
			value := append(bytes.Clone(was), make([]byte, max(0, at+n-len(was)))...)
			copy(value[at:], data)
			note(value)
		case 8:
			n = min(n, 2000) + 2
			length := 0
			if r.IntN(2) == 0 && len(was) < 8*chunkBytes {
				at += r.IntN(2) * r.IntN(chunkBytes)
				length = at + n - 1
			}
			value := append(bytes.Clone(was), make([]byte, max(0, length-len(was)))...)
			texts(t, st, []string{name}, func(tx *Tx, k [][]byte) bool {
				text, _ := tx.Text(k[0])
				if !text.Editable(at, at+n, mayWait) {
					return false
				}
				copy(value, was)
				clear(value[len(was):])
				err := tx.EditPart(k[0], length, at, at+n, func(part []byte) (spans []Span) {
					if want := value[min(at, len(value)):min(at+n, len(value))]; !bytes.Equal(part, want) {
						t.Fatalf("step %d: an edit of %d bytes at %d of %d got others", step, n, at, len(was))
					}
					for i := 0; i < len(part); i += 1 + r.IntN(500) {
						part[i] = byte(step)
						value[at+i] = byte(step)
						spans = append(spans, Span{i, i + 1})
					}
					return spans
				})
				if err != nil {
					t.Fatal(err)
				}
				return true
			})
			note(append([]byte{}, value...)) // it is a key now
		case 9:
			flushed(t, st)
			if r.IntN(2) == 0 {
				unloadAll(st)
			}
		case 10:
			o := st.dbs[0].keys.get(name)
			if o != nil && o.headOnly && o.outline().long && o.outline().bytes > 0 && len(readings) < 6 {
				to := at + r.IntN(len(was)-at+1)
				readings = append(readings, reading{passageOf(t, st, name, at, to), was[at:to]})
			}
		case 11:
			if len(readings) > 0 {
				i := r.IntN(len(readings))
				if r.IntN(2) == 0 {
					end(i)
				} else if piece, err := readings[i].p.Next(); err != nil || !bytes.HasPrefix(readings[i].want, piece) {
					t.Fatalf("a passage has other bytes than stood there, or %v", err)
				} else {
					readings[i].want = readings[i].want[len(piece):]
				}
			}
		}
		if step%100 == 99 {
			checked(t, st)
		}
	}
	for len(readings) > 0 {
		end(0)
	}
	flushed(t, st)
	checked(t, st)
	for name, value := range model {
		wantGet(t, st, name, string(value))
	}
}

// TestPartsOfATextThatOthersChangeAreOfOneMoment: a writer fills a part with one byte at a time, while readers ask
// for it and passages go over it, and write-back and unloading go on.
func TestPartsOfATextThatOthersChangeAreOfOneMoment(t *testing.T) {
	st := opened(t, t.TempDir(), func(o *Options) { o.MaxMemory = 1 << 20 })
	const length = 6 * chunkBytes
	textOnDisk(t, st, "k", make([]byte, length))
	places := []int{10, chunkBytes - 2, 4*chunkBytes + 100, length - 5}
	rounds := 60
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		defer close(stop)
		for i := range rounds {
			texts(t, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
				text, _ := tx.Text(k[0])
				ok := true
				for _, at := range places {
					ok = text.Overwritable(at, at+4, true) && ok
				}
				if !ok {
					return false
				}
				for _, at := range places {
					tx.SetRange(k[0], at, bytes.Repeat([]byte{byte(i)}, 4))
				}
				return true
			})
			if i%3 == 0 {
				flushed(t, st)
				unloadAll(st)
			}
		}
	})
	same := func(what string, value func(at int) []byte) {
		first := value(places[0])
		for _, at := range places {
			if got := value(at); !bytes.Equal(got, first) || bytes.Count(got, got[:1]) != 4 {
				t.Errorf("%s has %x at %d and %x at %d", what, got, at, first, places[0])
			}
		}
	}
	for range 2 {
		wg.Go(func() {
			for running := true; running && !t.Failed(); {
				select {
				case <-stop:
					running = false
				default:
				}
				texts(t, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
					text, _ := tx.View.Text(k[0])
					ok := true
					got := map[int][]byte{}
					for _, at := range places {
						part, there := text.Part(at, at+4, true)
						got[at], ok = bytes.Clone(part), ok && there
					}
					if ok {
						same("a reader", func(at int) []byte { return got[at] })
					}
					return ok
				})
				var p *Passage
				texts(t, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
					if text, _ := tx.View.Text(k[0]); text.OnDisk() {
						p = text.Passage(0, length)
					}
					return true
				})
				if p != nil {
					whole := restOf(t, p)
					same("a passage", func(at int) []byte { return whole[at : at+4] })
				}
			}
		})
	}
	wg.Wait()
	checked(t, st)
}

func BenchmarkPartOfALongString(b *testing.B) {
	st := opened(b, b.TempDir())
	textOnDisk(b, st, "k", make([]byte, 100*chunkBytes))
	for i := range b.N {
		at := i * 7919 % (100*chunkBytes - 10)
		texts(b, st, []string{"k"}, func(tx *Tx, k [][]byte) bool {
			text, _ := tx.View.Text(k[0])
			_, ok := text.Part(at, at+10, true)
			return ok
		})
	}

}

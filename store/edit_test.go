package store

import (
	"bytes"
	"testing"

	"diskette/compat_test/testrand"
)

// TestAStringIsEditedInPlace makes random edits, of strings around the lengths where their records and rows change, and
// compares with plain slices: in memory, from disk, and from the journal of a process that was killed.
func TestAStringIsEditedInPlace(t *testing.T) {
	r := testrand.New(t, 11)
	st := opened(t, t.TempDir())
	lengths := []int{1, 100, patchBytes - 1, patchBytes, 5000, shareBytes, chunkBytes - 1, chunkBytes, chunkBytes + 9, 2*chunkBytes + 1}
	names := []string{"a", "b", "c", "d"}
	model := map[string][]byte{}
	edit := func(name string) {
		length := lengths[r.IntN(len(lengths))] + r.IntN(3)
		value := model[name]
		if len(value) < length {
			value = append(value, make([]byte, length-len(value))...)
		}
		spans := make([]Span, r.IntN(4))
		fill := byte(r.Uint32())
		for i := range spans {
			from := r.IntN(len(value))
			spans[i] = Span{from, min(len(value), from+1+r.IntN(9))}
			if r.IntN(20) == 0 {
				spans[i].To = len(value)
			}
		}
		must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) {
			err := tx.EditString(k[0], length, func(got []byte) []Span {
				if len(got) != len(value) {
					t.Fatalf("%d bytes to edit, want %d", len(got), len(value))
				}
				for _, s := range spans {
					for i := s.From; i < s.To; i++ {
						got[i], value[i] = fill, fill
					}
				}
				return spans
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		model[name] = value
	}
	for round := range 400 {
		name := names[r.IntN(len(names))]
		switch r.IntN(12) {
		case 0:
			value := bytes.Repeat([]byte{byte(round)}, lengths[r.IntN(len(lengths))])
			mustSet(t, st, name, string(value))
			model[name] = value
		case 1:
			if model[name] != nil {
				mustDel(t, st, name)
				delete(model, name)
			}
		case 2:
			must(t, st, 0, []string{name}, func(tx *Tx, k [][]byte) { tx.LendString(k[0]) })
		case 3:
			flushed(t, st)
			unloadAll(st)
		case 4:
			if round%8 == 0 {
				st = reopened(t, st)
			}
		default:
			edit(name)
		}
		if round%50 == 0 {
			checked(t, st)
		}
	}
	st = reopened(t, st)
	checked(t, st)
	for _, name := range names {
		if value := model[name]; value != nil {
			wantGet(t, st, name, string(value))
		} else {
			wantAbsent(t, st, name)
		}
	}
}

func TestALentStringIsNotEditedInPlace(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", string(bytes.Repeat([]byte("x"), shareBytes)))
	flushed(t, st)
	var lent []byte
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) { lent, _ = tx.View.LendString(k[0]) })
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
		if err := tx.EditString(k[0], 1, func(value []byte) []Span { value[0] = 'y'; return []Span{{0, 1}} }); err != nil {
			t.Fatal(err)
		}
	})
	if lent[0] != 'x' {
		t.Error("a value that a reply may still read has changed")
	}
	wantGet(t, st, "k", "y"+string(lent[1:]))
}

func TestAnEditThatChangesNothingIsNotRecorded(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", "v")
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
		if err := tx.EditString(k[0], 1, func([]byte) []Span { return nil }); err != nil || tx.Changed() {
			t.Error("changed:", tx.Changed(), err)
		}
		if err := tx.EditString(k[0], 3, func([]byte) []Span { return nil }); err != nil || !tx.Changed() {
			t.Error("it grew: changed:", tx.Changed(), err)
		}
	})
	wantGet(t, st, "k", "v\x00\x00")
}

func TestALongEditWaitsForItsCopy(t *testing.T) {
	st := opened(t, t.TempDir())
	mustSet(t, st, "k", string(make([]byte, putOffBytes)))
	calls := 0
	edit := func(value []byte) []Span { calls++; value[5] = 1; return []Span{{5, 6}} }
	var rw *Rewrite
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
		tx.PutOffCopies()
		if err := tx.EditString(k[0], 1, edit); !isErr(err, ErrPutOff) || calls != 0 {
			t.Fatal(err, calls)
		}
		rw = tx.TakeRewrite()
	})
	rw.Make()
	must(t, st, 0, []string{"k"}, func(tx *Tx, k [][]byte) {
		rw.Release()
		tx.Use(rw)
		if err := tx.EditString(k[0], 1, edit); err != nil || calls != 1 {
			t.Fatal(err, calls)
		}
	})
	want := make([]byte, putOffBytes)
	want[5] = 1
	wantGet(t, st, "k", string(want))
	checked(t, st)
}

package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"diskette/store/journal"
)

// decoded lists a record's changes.
func decoded(rec journal.Record) (changes []string, err error) {
	r := readRecord(rec)
	for c := new(change); r.next(c); {
		changes = append(changes, fmt.Sprint(c.op, c.id, c.space, c.from, c.typ, c.deadline, c.length, c.offset, c.keys, len(c.key), len(c.data), brief(string(c.key)), brief(string(c.data))))
	}
	return changes, r.err()
}

// joined is the record as it comes back from a file: in one piece.
func joined(rec journal.Record) journal.Record {
	var b []byte
	at := 0
	for _, x := range rec.Ext {
		b = append(append(b, rec.Head[at:x.At]...), x.Data...)
		at = x.At
	}
	return journal.Record{Head: append(b, rec.Head[at:]...)}
}

func TestWhatIsRecordedDecodes(t *testing.T) {
	for _, n := range []int{0, 1, shareBytes - 1, shareBytes, 3 * shareBytes} {
		value, name := strings.Repeat("v", n), strings.Repeat("n", n)
		var w recordWriter
		w.born(7, 3, TypeString, math.MaxInt64, name, []byte(value))
		w.value(math.MaxInt64, []byte(value))
		w.patch(8, n+10, 10, []byte(value))
		w.deadline(9, 0)
		w.deadline(9, -1)
		w.rename(10, &space{id: 1}, &space{id: 2}, name)
		w.drop(11, &space{id: 4})
		w.database(15, &space{id: 5})
		w.expiring(&space{id: 6, expiring: 12})
		want := []string{
			fmt.Sprint(opCreate, 7, 3, 0, TypeString, int64(math.MaxInt64), 0, 0, 0, n, n, brief(name), brief(value)),
			fmt.Sprint(opValue, int64(math.MaxInt64), 0, 0, None, 0, 0, 0, 0, 0, n, `""`, brief(value)),
			fmt.Sprint(opPatch, 8, 0, 0, None, 0, n+10, 10, 0, 0, n, `""`, brief(value)),
			fmt.Sprint(opDeadline, 9, 0, 0, None, 0, 0, 0, 0, 0, 0, `""`, `""`),
			fmt.Sprint(opDeadline, 9, 0, 0, None, -1, 0, 0, 0, 0, 0, `""`, `""`),
			fmt.Sprint(opRename, 10, 2, 1, None, 0, 0, 0, 0, n, 0, brief(name), `""`),
			fmt.Sprint(opDrop, 11, 4, 0, None, 0, 0, 0, 0, 0, 0, `""`, `""`),
			fmt.Sprint(opDatabase, 15, 5, 0, None, 0, 0, 0, 0, 0, 0, `""`, `""`),
			fmt.Sprint(opExpiring, 6, 0, 0, None, 0, 0, 0, 12, 0, 0, `""`, `""`),
		}
		rec := journal.Record{Head: w.head, Ext: w.ext}
		for how, rec := range map[string]journal.Record{"in memory": rec, "from the file": joined(rec)} {
			got, err := decoded(rec)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%d bytes, %s: %v\n%s\nwant\n%s", n, how, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

func FuzzADecodedRecordIsWithinItsBytes(f *testing.F) {
	var w recordWriter
	w.born(7, 3, TypeString, 5, "name", []byte("value"))
	w.patch(8, 20, 10, []byte("value"))
	w.rename(10, &space{id: 1}, &space{id: 2}, "name")
	w.drop(11, &space{id: 4})
	w.database(15, &space{id: 5})
	w.expiring(&space{id: 6, expiring: 12})
	f.Add(w.head)
	f.Add([]byte{byte(opCreate), 1, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{byte(opValue), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0})
	w.reset()
	w.recordLump(MakeList([]string{"a", "b", "c"}).coll)
	f.Add(append([]byte{byte(opCreate), 7, 3, byte(TypeList), 0, 0, 0}, w.head...))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, head []byte) {
		r := readRecord(journal.Record{Head: head})
		bytes := 0
		for c := new(change); r.next(c); {
			if bytes += len(c.key) + len(c.data); bytes > len(head) || c.id < 0 || c.space < 0 || c.length < 0 || c.offset < 0 {
				t.Fatalf("%+v out of %d bytes", c, len(head))
			}
		}
		if err := r.err(); err != nil && err != errBadRecord {
			t.Fatal(err)
		}
	})
}

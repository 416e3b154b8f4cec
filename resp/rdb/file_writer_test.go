package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// partsOf cuts a value into parts as a FileReader might.
func partsOf(v *Value, size int) iter.Seq2[*Value, error] {
	return func(yield func(*Value, error) bool) {
		yieldAll := func(n, each int, cut func(a, b int) *Value) {
			for a := 0; a < n; a += size * each {
				if !yield(cut(a, min(n, a+size*each)), nil) {
					return
				}
			}
		}
		switch v.Kind {
		case String:
			yieldAll(len(v.String), 1, func(a, b int) *Value { return &Value{Kind: String, String: v.String[a:b]} })
		case List, Set:
			yieldAll(len(v.Elements), 1, func(a, b int) *Value {
				return &Value{Kind: v.Kind,
					Elements: v.Elements[a:b]}
			})
		case Hash:
			yieldAll(len(v.Elements), 2, func(a, b int) *Value {
				part := &Value{Kind: Hash, Elements: v.Elements[a:b]}
				if v.Times != nil && slices.ContainsFunc(v.Times[a/2:b/2], func(t int64) bool { return t != 0 }) {
					part.Times = v.Times[a/2 : b/2]
				}
				return part
			})
		case ZSet:
			yieldAll(len(v.Members), 1, func(a, b int) *Value { return &Value{Kind: ZSet, Members: v.Members[a:b]} })
		case Stream:
			yieldAll(len(v.Stream.Entries), 1, func(a, b int) *Value {
				return &Value{Kind: Stream, Stream: &StreamValue{Entries: v.Stream.Entries[a:b]}}
			})
			rest := *v.Stream
			rest.Entries, rest.Groups = nil, nil
			for i := range v.Stream.Groups {
				one := rest
				one.Groups = v.Stream.Groups[i : i+1]
				if !yield(&Value{Kind: Stream, Stream: &one}, nil) {
					return
				}
			}
			yield(&Value{Kind: Stream, Stream: &rest}, nil)
		}
	}
}

// countOf is what Parts is told.
func countOf(v *Value) int64 {
	switch v.Kind {
	case String:
		return int64(len(v.String))
	case Hash:
		return int64(len(v.Elements) / 2)
	case ZSet:
		return int64(len(v.Members))
	case Stream:
		return int64(len(v.Stream.Entries))
	}
	return int64(len(v.Elements))
}

// withGroups adds groups with consumers and pending entries to a stream.
func withGroups(r *rand.Rand, s *StreamValue) {
	for i := range r.IntN(4) {
		g := Group{Name: fmt.Sprintf("group%d", i), Last: s.Last, Read: int64(r.IntN(20)) - 1}
		for j := range 1 + r.IntN(3) {
			active := int64(-1)
			if r.IntN(2) == 0 {
				active = r.Int64N(1 << 41)
			}
			g.Consumers = append(g.Consumers, Consumer{fmt.Sprintf("consumer%d", j), r.Int64N(1 << 41), active})
		}
		for _, e := range s.Entries {
			if r.IntN(3) == 0 {
				g.Pending = append(g.Pending, Pending{e.ID, r.IntN(len(g.Consumers)), r.Int64N(1 << 41), 1 +
					r.Int64N(100)})
			}
		}
		s.Groups = append(s.Groups, g)
	}
}

// A fileKey is a key for a file.
type fileKey struct {
	KeyHeader
	db    int
	value *Value
}

func randomKeys(r *rand.Rand, n int, fieldTimes bool) (keys []fileKey) {
	for i := range n {
		k := fileKey{KeyHeader{Key: fmt.Sprintf("key %d %s", i, noise(r.IntN(5))), IdleSeconds: -1, Frequency: -1},
			3 * i / n * 2, randomValue(r)}
		switch r.IntN(4) {
		case 0:
			k.ExpiresMs = 1 + r.Int64N(1<<42)
		case 1:
			k.IdleSeconds = r.Int64N(1 << 33)
		case 2:
			k.Frequency = r.IntN(256)
		}
		if k.value.Kind == Stream {
			withGroups(r, k.value.Stream)
		}
		if k.value.Kind == Hash && fieldTimes && r.IntN(2) == 0 {
			k.FieldTimes = true
			k.value.Times = make([]int64, len(k.value.Elements)/2)
			k.value.Times[r.IntN(len(k.value.Times))] = 1 + r.Int64N(1<<47)
		}
		keys = append(keys, k)
	}
	return keys
}

// writeFile writes keys, every other one in parts when so told.
func writeFile(t *testing.T, o FileWriterOptions, keys []fileKey, inParts bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewFileWriter(&b, o)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Aux("redis-ver", "7.2.4"))
	must(w.Aux("ctime", "1700000000"))
	if o.Version != 9 {
		must(w.Function("#!lua name=lib\nredis.register_function('f', function() return 1 end)"))
	}
	db := -1
	for i, k := range keys {
		if k.db != db {
			db = k.db
			must(w.SelectDB(db))
			must(w.Sizes(uint64(len(keys)), 0))
		}
		if inParts && i%2 == 0 {
			must(w.Parts(k.KeyHeader, k.value.Kind, countOf(k.value), partsOf(k.value, 1+i%7)))
		} else {
			must(w.Key(k.KeyHeader, k.value))
		}
	}
	must(w.Finish())
	if w.Bytes() != int64(b.Len()) {
		t.Errorf("%d bytes, and says %d", b.Len(), w.Bytes())
	}
	return b.Bytes()
}

// lineOf is the line of a key, as a file of a version has it.
func (k fileKey) lineOf(version int) string {
	v := *k.value
	if v.Kind == Stream && version < 11 {
		s := *v.Stream
		s.Groups = nil
		for _, g := range v.Stream.Groups {
			g.Consumers = slices.Clone(g.Consumers)
			for i := range g.Consumers {
				g.Consumers[i].ActiveMs = g.Consumers[i].SeenMs // which older ones do not have
			}
			if version < 10 {
				g.Read = int64(len(s.Entries)) // told from the last id
			}
			s.Groups = append(s.Groups, g)
		}
		v.Stream = &s
	}
	return keyLine(&Record{DB: k.db, Key: k.Key, ExpiresMs: k.ExpiresMs}, &v)
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for version := 9; version <= 12; version++ {
		for seed := range 5 {
			r := testrand.New(t, uint64(100*version+seed))
			keys := randomKeys(r, 25, version >= 12)
			o := FileWriterOptions{Version: version, Compress: seed%2 == 0, NoChecksum: seed == 3}
			if seed == 4 {
				o.Packing = &Packing{}
			}
			b := writeFile(t, o, keys, seed > 1)
			for _, size := range []int64{0, 1 + int64(r.IntN(300))} {
				lines, _, err := readAll(bytes.NewReader(b), FileOptions{PartBytes: size})
				if err != nil {
					t.Fatalf("version %d, seed %d: %v", version, seed, err)
				}
				lines = slices.DeleteFunc(lines, func(s string) bool {
					return !strings.HasPrefix(s, "db ") ||
						!strings.Contains(s, " key ")
				})
				for i, k := range keys {
					want := k.lineOf(version)
					if i >= len(lines) || lines[i] != want {
						t.Fatalf("version %d, seed %d: key %d is\n%.600s, want\n%.600s", version, seed, i,
							lines[min(i, len(lines)-1)], want)
					}
				}
				if len(lines) != len(keys) {
					t.Errorf("version %d, seed %d: %d keys are %d", version, seed, len(keys), len(lines))
				}
			}
		}
	}
}

func TestIdleTimesFrequenciesAndSizesAreReadAgain(t *testing.T) {
	var b bytes.Buffer
	w := NewFileWriter(&b, FileWriterOptions{})
	w.SelectDB(7)
	w.Sizes(1<<40, 3)
	v := &Value{Kind: String, String: "v"}
	w.Key(KeyHeader{Key: "idle", IdleSeconds: 1 << 40, Frequency: -1}, v)
	w.Key(KeyHeader{Key: "often", IdleSeconds: -1, Frequency: 300}, v)
	w.Key(KeyHeader{Key: "neither", IdleSeconds: -1, Frequency: -1, ExpiresMs: 5}, v)
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	b.WriteString("what follows")
	f := NewFileReader(bytes.NewReader(b.Bytes()), FileOptions{})
	var got []string
	for {
		rec, err := f.Next()
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		got = append(got, fmt.Sprint(rec.Kind, rec.Key, rec.DB, rec.Keys, rec.Expires, rec.IdleSeconds,
			rec.Frequency, rec.ExpiresMs, rec.Count))
	}
	want := []string{
		fmt.Sprint(RecordSizes, "", 7, int64(1<<40), 3, 0, 0, 0, 0),
		fmt.Sprint(RecordKey, "idle", 7, 0, 0, int64(1<<40), -1, 0, 1),
		fmt.Sprint(RecordKey, "often", 7, 0, 0, -1, 255, 0, 1),
		fmt.Sprint(RecordKey, "neither", 7, 0, 0, -1, -1, 5, 1),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q,\nwant %q", got, want)
	}
	if rest, err := io.ReadAll(f.Rest()); string(rest) != "what follows" || err != nil || f.Version() != 11 ||
		f.Valkey() {
		t.Errorf("rest %q, %v; version %d", rest, err, f.Version())
	}
}

func TestWhatAVersionCanNotSayIsRefusedAndLeavesTheFileWhole(t *testing.T) {
	hash := &Value{Kind: Hash, Elements: []string{"f", "v"}, Times: []int64{5}}
	h := KeyHeader{Key: "h", IdleSeconds: -1, Frequency: -1, FieldTimes: true}
	var b bytes.Buffer
	w := NewFileWriter(&b, FileWriterOptions{Version: 9})
	for what, err := range map[string]error{
		"function": w.Function("#!lua name=a"), "deadlines": w.Key(h, hash), "deadlines in parts": w.Parts(h, Hash,
			1, partsOf(hash, 1)),
	} {
		if !errors.Is(err, ErrNotInVersion) {
			t.Errorf("%s: %v", what, err)
		}
	}
	hash.Times, h.FieldTimes = nil, false
	if err := errors.Join(w.Key(h, hash), w.Key(h, &Value{Kind: Set}), w.Finish()); err != nil {
		t.Fatal(err)
	}
	if lines, _, err := readAll(&b, FileOptions{}); err != nil || !slices.Equal(lines,
		[]string{`db 0 key "h" hash "f"="v"`}) {
		t.Errorf("%q, %v", lines, err)
	}
	for _, version := range []int{-1, 8, 13} {
		if err := NewFileWriter(io.Discard, FileWriterOptions{Version: version}).Finish(); err == nil {
			t.Errorf("version %d was written", version)
		}
	}
}

// full is a disk with room for so many bytes.
type full int

func (n *full) Write(b []byte) (int, error) {
	some := min(len(b), int(*n))
	if *n -= full(some); some < len(b) {
		return some, errors.New("no space left")
	}
	return some, nil
}

func TestErrorsOfTheDestinationAndOfPartsAreNotLost(t *testing.T) {
	list := &Value{Kind: List, Elements: numbered(20000, "element ")}
	h := KeyHeader{Key: "k", IdleSeconds: -1, Frequency: -1}
	for _, room := range []full{0, 100, 70000, 200000} {
		w := NewFileWriter(&room, FileWriterOptions{})
		w.Parts(h, List, 20000, partsOf(list, 100))
		if err := w.Finish(); err == nil || err.Error() != "no space left" {
			t.Errorf("%v", err)
		}
	}
	bad := errors.New("bad")
	broken := func(yield func(*Value, error) bool) {
		_ = yield(list, nil) && yield(nil, bad)
	}
	stream := &Value{Kind: Stream, Stream: &StreamValue{}}
	for name, write := range map[string]func(w *FileWriter) error{
		"count":        func(w *FileWriter) error { return w.Parts(h, List, 20001, partsOf(list, 100)) },
		"parts":        func(w *FileWriter) error { return w.Parts(h, List, 20000, broken) },
		"stream count": func(w *FileWriter) error { return w.Parts(h, Stream, 1, partsOf(stream, 100)) },
		"stream parts": func(w *FileWriter) error {
			return w.Parts(h, Stream, 0, func(yield func(*Value, error) bool) { yield(nil, bad) })
		},
	} {
		w := NewFileWriter(io.Discard, FileWriterOptions{})
		if err := write(w); err == nil || w.Finish() == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALargeValueIsWrittenAndReadInBoundedMemory(t *testing.T) {
	const n = 1 << 20
	big := strings.Repeat("0123456789abcdef", 64)
	elements := func(yield func(*Value, error) bool) {
		v := &Value{Kind: List, Elements: []string{big}}
		for range n / 16 {
			if !yield(v, nil) {
				return
			}
		}
	}
	pieces := func(yield func(*Value, error) bool) {
		v := &Value{Kind: String, String: big}
		for range n / 16 {
			if !yield(v, nil) {
				return
			}
		}
	}
	in, out := io.Pipe()
	go func() {
		w := NewFileWriter(out, FileWriterOptions{})
		h := KeyHeader{Key: "list", IdleSeconds: -1, Frequency: -1}
		err := w.Parts(h, List, n/16, elements)
		h.Key = "string"
		out.CloseWithError(errors.Join(err, w.Parts(h, String, n/16*1024, pieces), w.Finish()))
	}()
	f := NewFileReader(in, FileOptions{})
	got := map[string]int{}
	most := heapGrowth(func() {
		for {
			rec, err := f.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			for {
				p, err := f.Part()
				if err != nil {
					t.Error(err)
					return
				}
				got[rec.Key] += len(p.Elements)*1024 + len(p.String)
				if p.Last {
					break
				}
			}
		}
	})
	if got["list"] != n/16*1024 || got["string"] != n/16*1024 {
		t.Errorf("got %v", got)
	}
	if most > 40<<20 {
		t.Errorf("128 MB took %d bytes of memory", most)
	}
}

func TestScoresOfAllKindsAreReadAgain(t *testing.T) {
	v := &Value{Kind: ZSet}
	for i, score := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e300, 5e-324, math.Inf(1), math.Inf(-1),
		1 << 53, 1<<62 + 1} {
		v.Members = append(v.Members, Member{fmt.Sprint(i), score})
	}
	for _, o := range []FileWriterOptions{{}, {Packing: &Packing{}}, {Version: 9}} {
		var b bytes.Buffer
		w := NewFileWriter(&b, o)
		if err := errors.Join(w.Key(KeyHeader{Key: "z"}, v), w.Finish()); err != nil {
			t.Fatal(err)
		}
		lines, _, err := readAll(&b, FileOptions{})
		want := keyLine(&Record{Key: "z"}, v)
		if o.Version == 0 && o.Packing == nil {
			want = strings.Replace(want, `"1"=-0`, `"1"=0`, 1) // as in Redis
		}
		if err != nil || len(lines) != 1 || lines[0] != want {
			t.Errorf("got %q, %v, want %s", lines, err, want)
		}
	}
}

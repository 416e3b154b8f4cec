package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestAnErrorSaysWhereItIsWhatIsThereAndWhatShouldBe(t *testing.T) {
	huge := "\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
	module := op(typeModule, blob("m"), "\x81\x45\xe2\x52\x38\xdf\x91\x2c\x00")
	v := op(typeString, blob("k"), blob("v"))
	for name, c := range map[string]struct {
		file   string
		kind   error
		offset int64
		key    string
		text   string // of the error
	}{
		"nothing":          {"", ErrTruncated, 0, "", "9 bytes"},
		"an AOF":           {"*2\r\n$6\r\nSELECT\r\n", ErrNotRDB, 0, "", "REDIS or VALKEY"},
		"no version":       {"REDISabcd", ErrNotRDB, 5, "", `"abcd"`},
		"version 0":        {"REDIS0000", ErrNotRDB, 5, "", `"0000"`},
		"a later version":  {"REDIS0099", ErrVersion, 5, "", "version 99"},
		"a later Valkey":   {"VALKEY081", ErrVersion, 6, "", "version 81"},
		"an early Valkey":  {"VALKEY011", ErrVersion, 6, "", "version 11"},
		"a cut header":     {"REDIS00", ErrTruncated, 7, "", "9 bytes"},
		"no end":           {"REDIS0004" + v, ErrTruncated, 14, "", "1 bytes"},
		"a cut checksum":   {"REDIS0011" + v + "\xff123", ErrTruncated, 18, "", "8 bytes"},
		"a wrong checksum": {"REDIS0011" + v + "\xff12345678", ErrChecksum, 15, "", "checksum"},
		"a cut value":      {"REDIS0011" + v[:4], ErrTruncated, 13, "k", "1 bytes"},
		"an unknown type":  {rdbFile("REDIS0011", "\x21", blob("k"), blob("v")), ErrFormat, 9, "k", "a rate limiter"},
		"another":          {rdbFile("REDIS0011", "\x08", blob("k"), blob("v")), ErrFormat, 9, "k", "type 8"},
		"Valkey's hash":    {rdbFile("VALKEY080", "\x18", blob("k"), blob("v")), ErrFormat, 9, "k", "type 24"},
		"an unknown code":  {rdbFile("REDIS0011", v, "\xf0", blob("k"), blob("v")), ErrFormat, 14, "", "240"},
		"old functions":    {rdbFile("REDIS0011", op(opLibraryOld, blob("k"))), ErrFormat, 10, "", "functions"},
		"old modules": {rdbFile("REDIS0011", op(typeModuleOld, blob("k"), huge)), ErrModule, 9, "k",
			"candidate"},
		"a module's piece": {rdbFile("REDIS0011", module, number(9)), ErrModule, 22, "m", "9"},
		"a module's end":   {"REDIS0011" + module + number(moduleString) + huge, ErrTruncated, 31, "m", ""},
		"a module's aux": {rdbFile("REDIS0011", op(opModuleAux, huge, number(1), number(1))), ErrFormat, 20, "",
			"code"},
		"a length":      {rdbFile("REDIS0011", op(typeString, blob("k"), "\x82")), ErrFormat, 12, "k", "0x82"},
		"an encoding":   {rdbFile("REDIS0011", op(typeString, blob("k"), "\xc4")), ErrFormat, 12, "k", "0xc4"},
		"a database":    {rdbFile("REDIS0011", op(opSelectDB, huge)), ErrFormat, 9, "", "database"},
		"a huge key":    {rdbFile("REDIS0011", op(typeString, huge)), ErrTooLarge, 10, "", "at most"},
		"a huge string": {rdbFile("REDIS0011", op(typeString, blob("k"), huge)), ErrTooLarge, 12, "k", "at most"},
		"a huge listpack": {rdbFile("REDIS0011", op(typeHashListpack, blob("k"), huge)), ErrTooLarge, 12, "k",
			"at most"},
		"a huge list": {rdbFile("REDIS0011", op(typeList, blob("k"), huge, blob("a"))), ErrFormat, 23, "k",
			"0xff"},
		"a bomb": {rdbFile("REDIS0011", op(typeString, blob("k"), "\xc3", number(3), number(1<<29),
			"\xe0\xff\x00")), ErrFormat, 12, "k", "compressed"},
		"a bomb's listpack": {rdbFile("REDIS0011", op(typeHashListpack, blob("k"), "\xc3", number(3), number(1<<29),
			"\xe0\xff\x00")), ErrFormat, 12, "k", "compressed"},
		"a field twice": {rdbFile("REDIS0011", op(typeHash, blob("k"), number(2), blob("f"), blob("v"),
			blob("f"), blob("w"))), ErrFormat, 12, "k", "twice"},
		"a score": {rdbFile("REDIS0011", op(typeZSet2, blob("k"), number(1), blob("f"),
			double(math.NaN()))), ErrFormat, 12, "k", "score"},
		"a compact encoding": {rdbFile("REDIS0011", op(typeZSetListpack, blob("k"),
			blob(strings.Replace(listpack("m", 1), "m\x02", "m\x03", 1)))), ErrFormat, 12, "k", "damaged"},
	} {
		lines, _, err := readAll(strings.NewReader(c.file), FileOptions{})
		var e *FileError
		if !errors.As(err, &e) || !errors.Is(err, c.kind) || e.Offset != c.offset || e.Key != c.key ||
			e.InKey != (c.key != "") {
			t.Errorf("%s: %v after %q; want offset %d, key %q, %v", name, err, lines, c.offset, c.key, c.kind)
		} else if !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	bad := errors.New("disk on fire")
	for _, b := range volumes(t) {
		for _, n := range []int{0, 5, len(b) / 2} {
			src := io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(bad))
			if _, _, err := readAll(src, FileOptions{}); !errors.Is(err, bad) {
				t.Errorf("at %d: %v", n, err)
			}
		}
		whole, _, _ := readAll(bytes.NewReader(b), FileOptions{})
		for _, src := range []io.Reader{iotest.OneByteReader(bytes.NewReader(b)),
			iotest.DataErrReader(bytes.NewReader(b))} {
			if got, _, err := readAll(src, FileOptions{}); err != nil || strings.Join(got,
				"\n") != strings.Join(whole, "\n") {
				t.Errorf("byte by byte: %v", err)
			}
		}
	}
	if _, _, err := readAll(stuck{}, FileOptions{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a source that gives nothing: %v", err)
	}
}

// stuck is a source that gives neither bytes nor an error.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestErrorsAndTheEndComeAgain(t *testing.T) {
	for _, file := range []string{"", "REDIS0011", rdbFile("REDIS0011"), "REDIS0011" + op(typeString, blob("k"),
		huge40)} {
		f := NewFileReader(strings.NewReader(file), FileOptions{})
		_, err := f.Next()
		for err == nil {
			if _, err = f.Part(); err == nil {
				_, err = f.Next()
			}
		}
		_, next := f.Next()
		_, part := f.Part()
		if next != err || part != err {
			t.Errorf("%q: %v, then %v and %v", file, err, next, part)
		}
	}
}

// huge40 is the length of a string of 1 TB.
const huge40 = "\x81\x00\x00\x01\x00\x00\x00\x00\x00"

// endless is a source that repeats itself.
type endless struct {
	start, again string
	read         int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.start == "" {
		e.start = strings.Repeat(e.again, 1+(64<<10)/len(e.again))
	}
	n := copy(b, e.start)
	e.start = e.start[n:]
	e.read += int64(n)
	if e.read > 16<<20 {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func TestEndlessAndLyingFilesTakeBoundedMemory(t *testing.T) {
	head := "REDIS0011"
	petabyte := "\x81\x00\x04\x00\x00\x00\x00\x00\x00"
	o := FileOptions{StringBytes: 4 << 20, PackedBytes: 4 << 20}
	zeros := strings.Repeat("\x00\x01", 2<<20-10) // a listpack of as many numbers
	n := len(zeros) + 7
	pack := string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 0xff, 0xff}) + zeros + "\xff"
	entry := listpack(1, 0, 1, "f", 0, 0, 0, 0, 1<<20-100)
	entry = entry[:len(entry)-1] + zeros
	entry = string([]byte{byte(len(entry) + 1), byte((len(entry) + 1) >> 8), byte((len(entry) + 1) >> 16), 0}) +
		"\xff\xff" + entry[6:] + "\xff"
	for name, src := range map[string]*endless{
		"keys":   {start: head, again: op(typeString, blob("k"), blob("v"))},
		"a list": {start: head + op(typeList, blob("k"), petabyte), again: blob("element")},
		"a hash": {start: head + op(typeHash, blob("k"), petabyte), again: blob("field") + blob("value")},
		"nodes": {start: head + op(typeListQuicklist2, blob("k"), petabyte), again: number(packedNode) +
			blob(listpack("a", "b"))},
		"empty nodes": {start: head + op(typeListQuicklist2, blob("k"), petabyte), again: number(packedNode) +
			blob(listpack())},
		"a string": {start: head + op(typeString, blob("k"), petabyte), again: "x"},
		"a module": {start: head + op(typeModule, blob("k"), huge40), again: number(moduleString) +
			blob("x")},
		"a module's string": {start: head + op(typeModule, blob("k"), huge40) + number(moduleString) + petabyte,
			again: "x"},
		"aux":                {start: head, again: op(opAux, blob("a"), blob("b"))},
		"facts about no key": {start: head, again: op(opIdle, number(1))},
		"slots":              {start: "VALKEY080" + op(opSlotImport, blob("k"), petabyte), again: number(1)},
		"bombs": {start: head, again: op(typeListQuicklist2, blob("k"), number(1), number(packedNode),
			lzf(pack))},
		"bombs of strings": {start: head, again: op(typeString, blob("k"), lzf(strings.Repeat("a", 4<<20)))},
		"bombs of entries": {start: head, again: op(typeStream1, blob("k"), number(1), blob(rawID(1, 1)),
			lzf(entry))},
	} {
		most := heapGrowth(func() {
			f := NewFileReader(src, o)
			end := time.Now().Add(time.Second / 4) // a bomb costs time
			for records := 0; src.read < 8<<20 && time.Now().Before(end); records++ {
				if _, err := f.Next(); err != nil {
					return
				}
				if records%2 == 0 {
					continue // and the next one passes over it
				}
				for parts := 0; parts < 50; parts++ {
					if _, err := f.Part(); err != nil {
						break
					}
				}
			}
		})
		// A part, an element, a compact encoding and its window; and what waits for the collector.
		if most > 80<<20 {
			t.Errorf("%s: took %d MB after %d MB", name, most>>20, src.read>>20)
		}
	}
}

// fileSeeds are files for the fuzzer and for damage.
func fileSeeds(t testing.TB) (files [][]byte) {
	for _, b := range volumes(t) {
		if len(b) < 2000 {
			files = append(files, b)
		}
	}
	names, err := filepath.Glob(serversDir + "/*.rdb")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

// mustHoldFile reads what may be a file: it ends with a *FileError or with io.EOF, and then what was read is written
// and read again.
func mustHoldFile(t testing.TB, b []byte) {
	o := FileOptions{StringBytes: 1 << 20, PackedBytes: 1 << 20, NoChecksum: true}
	whole, _, err := readAll(bytes.NewReader(b), o)
	var e *FileError
	if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(b))) {
		t.Fatalf("%v of a file of %d bytes", err, len(b))
	}
	o.PartBytes = 60
	inParts, _, partsErr := readAll(bytes.NewReader(b), o)
	// What is there twice in a whole collection may not be in one part.
	if err == nil && (partsErr != nil || strings.Join(inParts, "\n") != strings.Join(whole, "\n")) {
		t.Fatalf("in parts it is\n%q, %v, whole\n%q", inParts, partsErr, whole)
	}
	again, _, againErr := readAll(bytes.NewReader(b), FileOptions{StringBytes: 1 << 20, PackedBytes: 1 << 20,
		NoChecksum: true})
	if fmt.Sprint(again, againErr) != fmt.Sprint(whole, err) {
		t.Fatalf("read again it is another")
	}
}

func TestEveryDamagedByteAndEveryCutOfAFileGivesAnErrorOrRecords(t *testing.T) {
	for _, b := range fileSeeds(t) {
		f := NewFileReader(bytes.NewReader(b), FileOptions{})
		for _, err := f.Next(); err == nil; _, err = f.Next() {
		}
		b = b[:f.Offset()] // one has bytes behind its end
		step := 1 + len(b)/60
		for i := 0; i < len(b); i += step {
			if _, _, err := readAll(bytes.NewReader(b[:i]), FileOptions{}); err == nil {
				t.Fatalf("a file cut at %d of %d bytes was whole", i, len(b))
			}
			for _, c := range []byte{0, b[i] + 1, b[i] ^ 0x80, 0xff} {
				damaged := bytes.Clone(b)
				damaged[i] = c
				mustHoldFile(t, damaged)
			}
		}
	}
}

func FuzzFileReader(f *testing.F) {
	for _, b := range fileSeeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { mustHoldFile(t, b) })
}

func FuzzFileValue(f *testing.F) {
	for _, p := range seeds(f) {
		if len(p) < 2000 {
			f.Add([]byte(p[:len(p)-footerBytes]), false)
		}
	}
	f.Add([]byte(op(typeHashTimesValkey, number(1), blob("f"), blob("v"), millis(-1))), true)
	f.Fuzz(func(t *testing.T, b []byte, valkey bool) {
		if len(b) == 0 {
			return
		}
		magic := "REDIS0014"
		if valkey {
			magic = "VALKEY080"
		}
		mustHoldFile(t, []byte(rdbFile(magic, op(b[0], blob("k"), string(b[1:])))))
	})
}

package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"diskette/resp/rdb"
)

// command is one as clients send it.
func command(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

// preamble is an RDB file with the key k, which is v.
const preamble = "REDIS0004\xfe\x00\x00\x01k\x01v\xff"

// file is a file in memory.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// inMemory reads files of a set that are in memory.
func inMemory(o Options, contents ...string) *Reader {
	s := &Set{}
	for i, c := range contents {
		s.Parts = append(s.Parts, Part{Path: fmt.Sprintf("%d.aof", i), Kind: Incr, Seq: int64(i + 1),
			Bytes: int64(len(c))})
	}
	r := s.Open(o)
	r.open = func(path string) (io.ReadSeekCloser, error) {
		i := slices.IndexFunc(s.Parts, func(p Part) bool { return p.Path == path })
		return file{bytes.NewReader([]byte(contents[i]))}, nil
	}
	return r
}

// items reads all items as text, one a line.
func items(r *Reader) (lines []string, err error) {
	for {
		item, err := r.Next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return lines, err
		}
		switch {
		case item.Snapshot != nil:
			rec, err := item.Snapshot.Next()
			if err != nil {
				continue // Next says it again
			}
			lines = append(lines, fmt.Sprintf("snapshot with %s", rec.Key))
		case item.Annotated:
			lines = append(lines, fmt.Sprintf("at %d", item.TimeSeconds))
		default:
			lines = append(lines, string(bytes.Join(item.Command, []byte(" "))))
		}
	}
}

func TestCommandsAnnotationsAndSnapshotsComeInOrder(t *testing.T) {
	r := inMemory(Options{},
		preamble+command("SET", "a", "1"),
		"#TS:1700000000\r\n"+command("SELECT", "1")+command("MULTI")+command("SET", "b", "")+command("EXEC"),
		"", "# a remark\r\n"+command("DEL", "a\r\nb"))
	got, err := items(r)
	want := []string{"snapshot with k", "SET a 1", "at 1700000000", "SELECT 1", "MULTI", "SET b ", "EXEC", "DEL a\r\nb"}
	if err != nil || !slices.Equal(got, want) || r.Torn() != nil || r.Offset() != r.set.Bytes() {
		t.Errorf("got %q, %v, torn %v, %d of %d bytes", got, err, r.Torn(), r.Offset(), r.set.Bytes())
	}
}

func TestWhereverTheLastFileIsCutOnlyWholeCommandsAndBlocksCount(t *testing.T) {
	pieces := []string{
		command("SET", "a", "1"), "#TS:1700000000\r\n", command("MULTI") + command("SET", "b", "2") +
			command("EXEC"), command("DEL", "a"),
	}
	all := strings.Join(pieces, "")
	want := [][]string{nil, {"SET a 1"}, {"at 1700000000"}, {"MULTI", "SET b 2", "EXEC"}, {"DEL a"}}
	for n := range len(all) + 1 {
		whole, end, lines := 0, 0, []string(nil)
		for whole < len(pieces) && end+len(pieces[whole]) <= n {
			end += len(pieces[whole])
			whole++
			lines = append(lines, want[whole]...)
		}
		r := inMemory(Options{}, command("PING"), preamble+all[:n])
		got, err := items(r)
		if err != nil || !slices.Equal(got, append([]string{"PING", "snapshot with k"}, lines...)) {
			t.Errorf("cut at %d: %q, %v", n, got, err)
		}
		torn := r.Torn()
		if n == end && torn != nil {
			t.Errorf("cut at %d: torn from %d on", n, torn.Offset)
		}
		if n > end && (torn == nil || torn.Offset != int64(len(preamble)+end) || torn.Bytes != int64(n-end) ||
			torn.File != "1.aof") {
			t.Errorf("cut at %d: torn %+v, should be from %d on", n, torn, len(preamble)+end)
		}
	}
}

func TestACutFileThatIsNotTheLastIsDamaged(t *testing.T) {
	set := command("SET", "a", "1")
	for name, content := range map[string]string{
		"command": set + set[:9], "block": set + command("MULTI") + set, "line": set + "*", "argument": set +
			set[:len(set)-3],
	} {
		r := inMemory(Options{}, content, set)
		got, err := items(r)
		var e *Error
		if !errors.As(err, &e) || e.File != "0.aof" || e.Offset != int64(len(set)) || !errors.Is(err, ErrFormat) ||
			len(got) != 1 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWhatIsNoCommandIsDamageAndSaysWhereItIs(t *testing.T) {
	set := command("SET", "a", "1")
	for _, c := range []struct {
		content  string
		offset   int // behind set
		commands int
	}{
		{"hello\r\n" + set, 0, 1}, {"hello", 0, 1}, {"\x00\x00\x00\x00", 0, 1}, {"\r\n" + set, 0, 1},
		{"*0\r\n" + set, 0, 1}, {"*-1\r\n" + set, 0, 1}, {"*x\r\n" + set, 0, 1}, {"*\r\n" + set, 0, 1},
		{"*1\r\n:4\r\nPING\r\n" + set, 4, 1}, {"*1\r\n$-1\r\n" + set, 4, 1}, {"*1\r\n$3\r\nPING\r\n" + set, 11, 1},
		{"*1\r\n$99999999999999999999\r\n" + set, 4, 1}, {"*1\r\n$9223372036854775807\r\n" + set, 4, 1},
		{strings.Repeat("*", 100) + "\n" + set, 0, 1}, {strings.Repeat("x", 1<<20), 0, 1},
		{command("MULTI") + set + "hello\r\n" + command("EXEC"), len(command("MULTI") + set), 1},
		{command("MULTI") + set + command("EXEC") + "hello\r\n", len(command("MULTI")+set) + len(command("EXEC")), 4},
	} {
		for _, after := range [][]string{nil, {set}} {
			r := inMemory(Options{}, append([]string{set + c.content}, after...)...)
			got, err := items(r)
			var e *Error
			if !errors.As(err, &e) || e.File != "0.aof" || e.Offset != int64(len(set)+c.offset) || e.Found == "" ||
				e.Expected == "" {
				t.Errorf("%.60q: %v", c.content, err)
			}
			if len(got) != c.commands {
				t.Errorf("%.60q: %q came before the damage", c.content, got)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("%.60q: then %v", c.content, again)
			}
		}
	}
}

func TestADamagedSnapshotSaysWhereItIs(t *testing.T) {
	for n, content := range map[int64]string{14: preamble[:14], 11: preamble[:11] + "\x7f\x01k\x01v\xff"} {
		_, err := items(inMemory(Options{}, content))
		var e *Error
		var in *rdb.FileError
		if !errors.As(err, &e) || !errors.As(err, &in) || e.Offset != n || e.File != "0.aof" {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestACommandIsBounded(t *testing.T) {
	o := Options{CommandBytes: 1000}
	for _, c := range []string{command("SET", "k", strings.Repeat("v", 1000)), command(slices.Repeat([]string{""},
		32)...), "*1\r\n$1001\r\n"} {
		if got, err := items(inMemory(o, c)); err == nil {
			t.Errorf("%.20q: %d items", c, len(got))
		}
	}
	if got, err := items(inMemory(o, command("SET", "k", strings.Repeat("v", 800)))); err != nil || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAPromiseOfManyArgumentsTakesNoMemory(t *testing.T) {
	content := "*2147483647\r\n$1000000000\r\nhello"
	allocated := testing.AllocsPerRun(1, func() {
		if got, err := items(inMemory(Options{}, content)); err != nil || len(got) != 0 {
			t.Errorf("%q, %v", got, err)
		}
	})
	if allocated > 100 {
		t.Errorf("%v allocations", allocated)
	}
}

// write puts files into a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheManifestSaysWhichFilesCountAndInWhichOrder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"d/a b.manifest": "# made by hand\nfile c.2.incr.aof seq 2 type i\nfile \"c \\x41\" seq 1 type b later 7\r\n" +
			"file gone seq 1 type h\nfile c.10.incr.aof seq 10 type i\n",
		"d/c A": preamble, "d/c.2.incr.aof": command("SET", "a", "2"), "d/c.10.incr.aof": command("SET", "a", "10"),
		"a b": command("SET", "a", "0"),
	})
	s, err := Find(dir, "d", "a b")
	if err != nil {
		t.Fatal(err)
	}
	got, err := items(s.Open(Options{}))
	if want := []string{"snapshot with k", "SET a 2", "SET a 10"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if len(s.History) != 1 || s.Parts[0].Kind != Base || s.Parts[2].Seq != 10 || s.Manifest != filepath.Join(dir,
		"d", "a b.manifest") {
		t.Errorf("%+v", s)
	}
}

func TestASingleFileIsOneOfRedisBefore7(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir, "d", "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	write(t, dir, map[string]string{"a": preamble + command("SET", "a", "1"), "d/stray": ""})
	s, err := Find(dir, "d", "a")
	if err != nil || s.Manifest != "" || len(s.Parts) != 1 || s.Bytes() != int64(len(preamble+command("SET", "a",
		"1"))) {
		t.Fatalf("%+v, %v", s, err)
	}
	if got, err := items(s.Open(Options{})); err != nil || !slices.Equal(got, []string{"snapshot with k", "SET a 1"}) {
		t.Errorf("%q, %v", got, err)
	}
	// Redis 7 writes the manifest before it moves the file.
	write(t, dir, map[string]string{"d/a.manifest": "file a seq 1 type b\n"})
	s, err = Find(dir, "d", "a")
	if err != nil || s.Parts[0].Path != filepath.Join(dir, "a") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestADamagedManifestAndAMissingFileAreErrors(t *testing.T) {
	const good = "file f seq 1 type b\n"
	for manifest, offset := range map[string]int64{
		"": 0, "# only a remark\n": 0, "\n": 0, "file f seq 1\n": 0, "file f seq 1 type\n": 0,
		"file f seq 1 type x\n": 0,
		"file f seq 0 type i\n": 0, "file f seq one type i\n": 0, "file ../f seq 1 type b\n": 0,
		"file \"f seq 1 type b\n": 0,
		"file f type b x y\n":     0, good + good: 20, good + "file f seq 2 type i\nfile f seq 2 type i\n": 40,
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"d/a.manifest": manifest, "d/f": ""})
		_, err := Find(dir, "d", "a")
		var e *Error
		if !errors.As(err, &e) || e.Offset != offset || e.File != filepath.Join(dir, "d", "a.manifest") {
			t.Errorf("%q: %v", manifest, err)
		}
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"d/a.manifest": good})
	_, err := Find(dir, "d", "a")
	var e *Error
	if !errors.As(err, &e) || e.File != filepath.Join(dir, "d", "f") || !strings.Contains(err.Error(), "a.manifest") {
		t.Errorf("without the file: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	set := command("SET", "a", "1")
	for _, s := range []string{
		set, preamble + set, "#TS:1\r\n" + set, command("MULTI") + set + command("EXEC"), command("MULTI") + set,
		set[:9], "REDIS", "*2147483647\r\n$1\r\n",
	} {
		f.Add([]byte(s), []byte(set))
		f.Add([]byte(set), []byte(s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		o := Options{CommandBytes: 1 << 20, RDB: rdb.FileOptions{StringBytes: 1 << 20, PackedBytes: 1 << 20}}
		r := inMemory(o, string(a), string(b))
		lines, err := items(r)
		open := false
		for _, line := range lines {
			switch strings.ToLower(line) {
			case "multi":
				open = true
			case "exec":
				open = false
			}
		}
		torn := r.Torn()
		switch {
		case open:
			t.Errorf("a block without an end: %q", lines)
		case err == nil && torn == nil && r.Offset() != int64(len(a)+len(b)):
			t.Errorf("ended at %d of %d", r.Offset(), len(a)+len(b))
		case torn != nil && torn.Offset+torn.Bytes != int64(len(b)):
			t.Errorf("torn %+v of %d bytes", torn, len(b))
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n" +
		"file \"a b\\x00\" seq 1 type h\n# remark\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseManifest("/d/a.manifest", b)
		if err != nil {
			return
		}
		for _, p := range append(s.Parts, s.History...) {
			if filepath.Dir(p.Path) != "/d" || p.Seq < 1 {
				t.Errorf("%q gave %+v", b, p)
			}
		}
	})
}

package diskcache

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"diskette/resp/internal/pickle"
)

// recorded unpacks what compat_test/testdata/diskcache_side.py has made with DiskCache 5.4.
func recorded(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	f, err := os.Open("testdata/caches.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if err == io.EOF {
			return dir
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			path := filepath.Join(dir, filepath.FromSlash(h.Name))
			var b []byte
			b, err = io.ReadAll(files)
			err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

var someDay = Options{Form: Auto, Now: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), Bytes: 1 << 20}

// all reads a cache: lines of key, value, deadline and tag, and of what could not be read.
func all(t *testing.T, c *Cache) (entries map[string]Entry, unread []string, n Counts) {
	t.Helper()
	entries = map[string]Entry{}
	n, err := c.Each(context.Background(), func(e Entry) error {
		entries[string(e.Key)] = e
		return nil
	}, func(u Unread) { unread = append(unread, fmt.Sprintf("%s: %v", u.Key, u.Err)) })
	if err != nil {
		t.Fatal(err)
	}
	return entries, unread, n
}

func opened(t *testing.T, dir string, o Options) *Cache {
	t.Helper()
	c, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryKindOfKeyAndValueIsRead(t *testing.T) {
	c := opened(t, filepath.Join(recorded(t), "plain"), someDay)
	entries, unread, n := all(t, c)
	if c.Form != Plain || n != (Counts{33, 1, 3}) || c.Total != 37 {
		t.Errorf("%s, %+v of %d", c.Form, n, c.Total)
	}
	const every = `[1,1099511627776,-3,1267650600228229401496703205376,"ä€😀\\u\u000a",{"base64":"gP8="},1.25,[],[1],[1,2],[1,2,3],` +
		`[1,2,3,4],{},{"k":[null,true,false]},[1],"2026-01-02"]`
	for key, want := range map[string]string{
		"text": "Zoë", "empty": "", "bytes\xff": "\x00\xff", "7": "42", "-1.5": "2.0", "large": "1e+300", "nan": "nan",
		"long text": strings.Repeat("ä\n", 2000), "stream": strings.Repeat("read ", 1000), "many digits": "1180591620717411303424",
		"none": "null", "true": "true", "list": `[1,"two",3.0,null,[4,5],{"six":[7]},{"base64":"OA=="},[],{"base64":"OQ=="}]`,
		"dict": `{"a":1,"2":"b","null":false}`, "shared": `[["y"],["y"],["y"]]`, "surrogate": `["\ud800"]`, "moment": "2026-11-29T20:01:02",
		"numbers":                   `["Infinity","-Infinity",-0.0,1e+16,1e-05,-9223372036854775808,255,65536,-1]`,
		"moments":                   `["2026-11-29T20:01:02.000003","2026-01-02","03:04:05",86402.0,"2026-01-01T00:00:00+00:00"]`,
		"things":                    `["1.10","00000000-0000-0000-0000-000000000005",[1],{"a":2,"b":1},{"x":[1]}]`,
		`["module.function",1,"x"]`: "memoized", "expires": "later", "tagged": "a",
		"protocol 0": every, "protocol 1": every, "protocol 2": every, "protocol 3": every, "protocol 4": every, "protocol 5": every,
	} {
		e, there := entries[key]
		if !there || string(e.Value) != want {
			t.Errorf("%q: %v\n got %.200q\nwant %.200q", key, there, e.Value, want)
		}
		if (e.Deadline != 0) != (key == "expires") {
			t.Errorf("%q expires at %d", key, e.Deadline)
		}
	}
	if d := entries["expires"].Deadline - 4102444800_000; d < -60_000 || d > 60_000 {
		t.Errorf("expires: %d ms from what it was", d)
	}
	if entries["tagged"].Tag == nil || string(entries["tagged too"].Tag) != "colours" || string(entries["tagged by number"].Tag) != "5" ||
		entries["text"].Tag != nil {
		t.Errorf("tags: %+v", entries["tagged"])
	}
	for i, want := range []string{`"own": `, `"function": `, "Own"} {
		if len(unread) != 3 || !strings.Contains(unread[i], want) || !strings.Contains(unread[i], pickle.ErrClass.Error()) {
			t.Errorf("%d: %q", i, unread)
		}
	}
}

func TestJSONDiskIsDecoded(t *testing.T) {
	dir := recorded(t)
	c := opened(t, filepath.Join(dir, "json"), someDay)
	entries, unread, n := all(t, c)
	if c.Form != JSON || n.Read != 5 || len(unread) > 0 {
		t.Errorf("%s, %+v, %q", c.Form, n, unread)
	}
	for key, want := range map[string]string{"text": "Zoë", "5": "6", `["a", 1]`: `{"b": [null, true, 1.5]}`,
		"long": strings.Repeat("x€", 50000), "as it is": "{not JSON"} {
		if got := string(entries[key].Value); got != want {
			t.Errorf("%q: %.100q, want %.100q", key, got, want)
		}
	}
	o := someDay
	o.Bytes = 1000 // what is compressed to less than that may be longer
	if _, unread, n := all(t, opened(t, filepath.Join(dir, "json"), o)); n.Read != 4 || len(unread) != 1 || !strings.Contains(unread[0], errTooLong.Error()) {
		t.Errorf("%+v, %q", n, unread)
	}
	o = someDay
	o.Form = Plain
	if entries, _, n := all(t, opened(t, filepath.Join(dir, "json"), o)); n.Read != 5 || entries["text"].Key != nil {
		t.Errorf("as it stands: %+v", n)
	}
	o.Form = JSON
	if _, unread, n := all(t, opened(t, filepath.Join(dir, "plain"), o)); n.Read > 1 || len(unread) < 30 {
		t.Errorf("what is no JSONDisk's read as such: %+v, %q", n, unread)
	}
}

func TestAFanoutCacheIsOne(t *testing.T) {
	entries, _, n := all(t, opened(t, filepath.Join(recorded(t), "fanout"), someDay))
	if n.Read != 30 || len(entries) != 30 || string(entries["key 29"].Value) != "29" {
		t.Errorf("%+v", n)
	}
}

// A directory may have been changed by anybody: names of files that lead elsewhere, files that are gone, nonsense.
func TestWhatCanNotBeReadIsNamedAndTheRestGoesOn(t *testing.T) {
	dir := filepath.Join(recorded(t), "plain")
	db, err := sqlite3.Open(filepath.Join(dir, "cache.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Exec(`PRAGMA journal_mode = DELETE; DROP TRIGGER Settings_size_update;
		UPDATE Cache SET filename = '../secret' WHERE key = 'long text';
		UPDATE Cache SET filename = '/etc/passwd' WHERE key = 'long bytes';
		UPDATE Cache SET filename = 'gone.val' WHERE key = 'stream';
		UPDATE Cache SET mode = 9 WHERE key = 'text';
		UPDATE Cache SET mode = 4 WHERE key = 'empty';
		UPDATE Cache SET expire_time = 'soon' WHERE key = 'tagged';
		UPDATE Cache SET expire_time = 1e300 WHERE key = 'large';
		UPDATE Cache SET key = NULL WHERE key = 'nan'`)
	if err := errors.Join(err, db.Close(), os.WriteFile(filepath.Join(dir, "..", "secret"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	before, _ := filepath.Glob(filepath.Join(dir, "*"))
	entries, unread, n := all(t, opened(t, dir, someDay))
	if n.Read != 26 || n.Expired != 2 || n.Unread != 9 || len(unread) != 9 {
		t.Errorf("%+v, %q", n, unread)
	}
	if entries["large"].Deadline != 1<<53 {
		t.Errorf("a deadline at the end of time: %+v", entries["large"])
	}
	for _, want := range []string{"its file \"../secret\" is not in", "its file \"/etc/passwd\" is not in", "gone.val", "mode 9", "no whole pickle", "nan"} {
		if !slices.ContainsFunc(unread, func(u string) bool { return strings.Contains(u, want) }) {
			t.Errorf("%s is not told: %q", want, unread)
		}
	}
	if after, _ := filepath.Glob(filepath.Join(dir, "*")); !slices.Equal(before, after) {
		t.Errorf("files have come or gone: %q, %q", before, after)
	}
	for _, none := range []string{t.TempDir(), filepath.Join(dir, "none")} {
		if _, err := Open(none, someDay); err == nil {
			t.Errorf("%s was opened", none)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cache.db"), []byte("no database at all, but longer than a header has to be"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, someDay); !errors.Is(err, sqlite3.NOTADB) {
		t.Errorf("nonsense: %v", err)
	}
}

package movein

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Redis has left in part, or what can not be reached, is never taken for nothing: a start would begin empty or
// with an older snapshot.
func TestWhatIsThereInPartIsNotTakenForNothing(t *testing.T) {
	names := Names{Dump: "dump.rdb", AppendDir: "appendonlydir", Append: "appendonly.aof"}
	const (
		dump     = "dump.rdb"
		single   = "appendonly.aof"
		parts    = "appendonlydir/"
		base     = parts + "appendonly.aof.1.base.rdb"
		incr     = parts + "appendonly.aof.1.incr.aof"
		manifest = parts + "appendonly.aof.manifest"
		lines    = "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
		link     = "-> nowhere"
	)
	for _, c := range []struct {
		name      string
		files     map[string]string
		appending bool
		taken     string // "" = none
		refused   string
	}{
		{name: "nothing"},
		{name: "no part in the directory", files: map[string]string{parts + "notes": ""}, appending: true},
		{name: "an append only file that is whole", files: map[string]string{dump: "", base: "", incr: "", manifest: lines},
			appending: true, taken: "appendonlydir"},
		{name: "a part missing", files: map[string]string{dump: "", base: "", manifest: lines}, appending: true,
			refused: "appendonly.aof.1.incr.aof"},
		{name: "a part missing, and no snapshot", files: map[string]string{incr: "", manifest: lines},
			refused: "appendonly.aof.1.base.rdb"},
		{name: "a part missing of what does not count", files: map[string]string{dump: "", base: "", manifest: lines},
			taken: dump},
		{name: "the manifest missing", files: map[string]string{dump: "", base: "", incr: ""}, appending: true,
			refused: "no appendonly.aof.manifest"},
		{name: "a link of the snapshot's", files: map[string]string{dump: link}, refused: dump},
		{name: "a link of the append only file's", files: map[string]string{single: link}, refused: single},
		{name: "a device", files: map[string]string{dump: "-> /dev/null"}, refused: "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.files {
				path := filepath.Join(dir, name)
				err := os.MkdirAll(filepath.Dir(path), 0o755)
				if to, isLink := strings.CutPrefix(text, "-> "); err == nil && isLink {
					err = os.Symlink(to, path)
				} else if err == nil {
					err = os.WriteFile(path, []byte(text), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			got, err := Find(dir, Options{Names: names, Appending: c.appending})
			switch {
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("%+v, %v: want an error that names %s", got, err, c.refused)
			case c.refused == "" && (err != nil || (got == nil) != (c.taken == "") || got != nil && got.Name != c.taken):
				t.Errorf("%+v, %v: want %q", got, err, c.taken)
			}
		})
	}
}

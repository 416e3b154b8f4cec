package compat_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// runProgram runs a command of diskette's. stdout is apart from what it says besides.
func runProgram(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(subjectBin(t), args...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// succeeds runs one that is to end with status 0, and returns what it writes.
func succeeds(t *testing.T, args ...string) string {
	t.Helper()
	out, said, status := runProgram(t, args...)
	if status != 0 {
		t.Fatalf("%q: status %d: %s%s", args, status, out, said)
	}
	return out
}

// sumsOf are the sums of a directory's files, by name.
func sumsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			sum := sha256.Sum256(readFile(t, path))
			sums[path] = hex.EncodeToString(sum[:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestABackupOfAServedDirectoryIsOfOneMomentAndCanBeServed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	money := openBank(t, s, 100, 3)
	for money.moved.Load() < 100 {
		c.Do("PING")
	}
	before := money.moved.Load()
	file := filepath.Join(t.TempDir(), "backup.db")
	succeeds(t, "backup", s.Dir, file)
	succeeds(t, "check", s.Dir) // beside the writers, too
	money.close()
	after := money.moved.Load()

	restored := newServer(t, subjectBin(t))
	succeeds(t, "restore", file, restored.Dir)
	var r struct {
		OK     bool
		Served bool
	}
	if err := json.Unmarshal([]byte(succeeds(t, "check", "--json", restored.Dir)), &r); err != nil || !r.OK || r.Served {
		t.Errorf("%+v, %v", r, err)
	}
	restored.start(nil)
	c = dial(t, restored.Addr)
	money.check(t, func(key string) string { return c.Do("GET", key).text }, before, after)
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("beside the backup: %q, %v", left, err)
	}
	if out, said, status := runProgram(t, "restore", file, restored.Dir); status != 1 || !strings.Contains(said, "has a database already") &&
		!strings.Contains(said, "in use") {
		t.Errorf("over data: status %d: %s%s", status, out, said)
	}
}

// What is copied beside a server, or while it is stopped, is told of by INFO, over restarts. Where no note can be
// written the copy is whole all the same.
func TestTheServerKnowsOfTheLastBackup(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "a", "1")
	field := func(name string) string {
		t.Helper()
		return infoField(dial(t, s.Addr).Do("INFO", "persistence").Text(), name)
	}
	equal(t, "last_backup_time before", field("last_backup_time"), "-1")
	dir := t.TempDir()
	told := func(kind, by, file string) {
		t.Helper()
		for name, want := range map[string]string{"last_backup_kind": kind, "last_backup_by": by, "last_backup_file": file} {
			equal(t, name, field(name), want)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "last_backup_bytes", field("last_backup_bytes"), fmt.Sprint(info.Size()))
		at, err := strconv.ParseInt(field("last_backup_time"), 10, 64)
		if age := time.Since(time.Unix(at, 0)); err != nil || age < -time.Second || age > time.Hour {
			t.Errorf("last_backup_time: %v, %v", age, err)
		}
	}
	backup, export := filepath.Join(dir, "b.db"), filepath.Join(dir, "e.rdb")
	succeeds(t, "backup", s.Dir, backup)
	told("database", "backup", backup)
	succeeds(t, "export", export, s.Dir)
	told("rdb", "export", export)
	says(t, c, "OK", "SAVE")
	told("rdb", "save", filepath.Join(s.Dir, "dump.rdb"))
	s.Restart()
	told("rdb", "save", filepath.Join(s.Dir, "dump.rdb"))
	s.Terminate()
	stopped := filepath.Join(dir, "stopped.db")
	succeeds(t, "backup", s.Dir, stopped)
	succeeds(t, "check", s.Dir)
	s.Restart()
	told("database", "backup", stopped)

	made := newServer(t, subjectBin(t))
	succeeds(t, "restore", stopped, made.Dir)
	if text, err := os.ReadFile(filepath.Join(made.Dir, "diskette.backup.json")); err == nil {
		t.Errorf("what was restored has a note: %s", text)
	}
	note := filepath.Join(s.Dir, "diskette.backup.json")
	if err := errors.Join(os.Remove(note), os.Mkdir(note, 0o700)); err != nil { // root may write into any directory
		t.Fatal(err)
	}
	if out, said, status := runProgram(t, "backup", s.Dir, backup); status != 0 || strings.Count(said, "\n") != 1 ||
		!strings.Contains(said, "could not be noted") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	succeeds(t, "check", backup)
	equal(t, "last_backup_time", field("last_backup_time"), "-1")
	if why := field("last_backup_error"); why == "" {
		t.Error("no last_backup_error")
	}
}

// What a killed server had only in its journal is told of, or brought in where that was asked for; nothing else
// changes a file.
func TestWhatOnlyTheJournalHasIsToldOf(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "MSET", "a", "1", "b", "2")
	s.Kill9()
	before := sumsOf(t, s.Dir)
	const told = "records of the journal are not in the tables yet"
	for _, args := range [][]string{{"stats", s.Dir}, {"sql", s.Dir, "SELECT * FROM all_keys"}, {"check", s.Dir}} {
		if out, said, status := runProgram(t, args...); status != 0 || !strings.Contains(said, told) || strings.Contains(out, "a  ") {
			t.Errorf("%q: status %d: %s%s", args, status, out, said)
		}
	}
	if after := sumsOf(t, s.Dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files have changed:\n%q\n%q", before, after)
	}
	out, said, status := runProgram(t, "sql", "--csv", "--recover", s.Dir, "SELECT key, value FROM strings ORDER BY key")
	if want := "key,value\na,1\nb,2\n"; out != want || said != "" || status != 0 {
		t.Errorf("status %d: %q, %q", status, out, said)
	}
	var stats struct {
		LastEnd   string `json:"last_end"`
		Keys      int64
		Unapplied int64 `json:"unapplied_records"`
		Databases []struct{ DB, Keys int64 }
	}
	if err := json.Unmarshal([]byte(succeeds(t, "stats", s.Dir, "--json")), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.LastEnd != "clean" || stats.Keys != 2 || stats.Unapplied != 0 || len(stats.Databases) != 1 || stats.Databases[0].Keys != 2 {
		t.Errorf("%+v", stats)
	}
	s.Restart()
	says(t, dial(t, s.Addr), "2", "GET", "b")
}

func TestABackupOfAKilledDirectoryHasWhatItsJournalHad(t *testing.T) {
	s := startServer(t, subjectBin(t))
	says(t, dial(t, s.Addr), "OK", "SET", "a", "1")
	s.Kill9()
	file, restored := filepath.Join(t.TempDir(), "b.db"), filepath.Join(t.TempDir(), "new")
	succeeds(t, "backup", s.Dir, file)
	succeeds(t, "restore", file, restored)
	if out := succeeds(t, "sql", restored, "--json", "SELECT db, key, type, bytes FROM all_keys"); out != `[{"db":0,"key":"a","type":"string","bytes":1}]`+"\n" {
		t.Errorf("%s", out)
	}
}

func TestSQLAnswersInThreeFormsAndChangesNothing(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "<script>", "a,\"b\"\n\x1b[31m")
	says(t, c, "OK", "SET", "raw", "\xff\x00")
	says(t, c, "2", "RPUSH", "list", "Zoë", "b")
	s.Terminate()
	const all = "SELECT key, value FROM strings ORDER BY key; SELECT position, value, NULL AS n, 1.5 AS f FROM lists"
	for _, c := range []struct{ form, want string }{
		{"", "key       value\n--------  ---------------\n<script>  a,\"b\"\\n\\x1b[31m\nraw       x'FF00'\n\n" +
			"position  value  n     f\n--------  -----  ----  ---\n0         Zoë    NULL  1.5\n1         b      NULL  1.5\n"},
		{"--csv", "key,value\n<script>,\"a,\"\"b\"\"\n\x1b[31m\"\nraw,x'FF00'\nposition,value,n,f\n0,Zoë,,1.5\n1,b,,1.5\n"},
		{"--json", `[{"key":"\u003cscript\u003e","value":"a,\"b\"\n\u001b[31m"},` + "\n" + `{"key":"raw","value":{"base64":"/wA="}}]` + "\n" +
			`[{"position":0,"value":"Zoë","n":null,"f":1.5},` + "\n" + `{"position":1,"value":"b","n":null,"f":1.5}]` + "\n"},
	} {
		args := []string{"sql", s.Dir, all}
		if c.form != "" {
			args = append(args, c.form)
		}
		if out := succeeds(t, args...); out != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.form, out, c.want)
		}
	}
	if out := succeeds(t, "sql", s.Dir, "--json", "SELECT 1 WHERE 0"); out != "[]\n" {
		t.Errorf("no rows: %q", out)
	}
	two := "SELECT 1 AS a UNION SELECT 2; SELECT 3 AS b WHERE 0; -- nothing\nSELECT 4 AS c"
	if out := succeeds(t, "sql", s.Dir, "--json", two); out != `[{"a":1},`+"\n"+`{"a":2}]`+"\n[]\n"+`[{"c":4}]`+"\n" {
		t.Errorf("an array for each statement: %q", out)
	}
	s.Restart()
	before := filepath.Join(t.TempDir(), "made.db")
	for dir, where := range map[string]string{s.Dir: "beside a server", stopped(t): "stopped"} {
		for _, sql := range []string{"DELETE FROM keys", "ATTACH '" + before + "' AS x", "VACUUM INTO '" + before + "'",
			"PRAGMA query_only = 0; DROP VIEW all_keys", "COMMIT; VACUUM INTO '" + before + "'", "SELECT nothing", "CREATE TABLE x (y)",
			"COMMIT; PRAGMA writable_schema = 1; DELETE FROM sqlite_schema"} {
			if out, said, status := runProgram(t, "sql", dir, sql); status != 1 || said == "" {
				t.Errorf("%s: %s: status %d: %s%s", where, sql, status, out, said)
			}
		}
	}
	if _, err := os.Stat(before); err == nil {
		t.Error("a file was made")
	}
	says(t, dial(t, s.Addr), "3", "DBSIZE")
}

// stopped is a directory of a server that ended in order, with the key a.
func stopped(t *testing.T) string {
	s := startServer(t, subjectBin(t))
	says(t, dial(t, s.Addr), "OK", "SET", "a", strings.Repeat("x", 100_000))
	s.Terminate()
	return s.Dir
}

func TestDamageIsFoundAndNeitherCopiedNorRestored(t *testing.T) {
	dir := stopped(t)
	file, other := filepath.Join(t.TempDir(), "b.db"), filepath.Join(t.TempDir(), "other.db")
	succeeds(t, "backup", dir, file)
	flip := func(path string) {
		t.Helper()
		b := readFile(t, path)
		at := strings.LastIndex(string(b), "xxxx") // of the value: no structure of SQLite's
		if at < 0 {
			t.Fatal("the value is not there")
		}
		b[at] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flip(file)
	flip(filepath.Join(dir, "diskette.db"))
	for _, c := range []struct {
		args []string
		told string
	}{
		{[]string{"check", dir}, "failed to get page"},
		{[]string{"check", file}, "failed to get page"},
		{[]string{"backup", dir, other}, "does not fit its checksum"},
		{[]string{"restore", file, filepath.Join(t.TempDir(), "new")}, "the backup is damaged, and nothing was restored"},
		{[]string{"restore", "program_test.go", t.TempDir()}, "is no copy of a database of Diskette's"},
	} {
		if out, said, status := runProgram(t, c.args...); status != 1 || !strings.Contains(out+said, c.told) {
			t.Errorf("%q: status %d: %s%s", c.args, status, out, said)
		}
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a damaged database was copied")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(other), "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// TestCopiesOfOtherProgramsAreRestored copies the files' pages as sqlite3's .backup does: from the WAL without
// checksums.
func TestCopiesOfOtherProgramsAreRestored(t *testing.T) {
	dir := stopped(t)
	b := readFile(t, filepath.Join(dir, "diskette.db"))
	for at := 4096; at <= len(b); at += 4096 {
		copy(b[at-4:at], "\x00\x00\x00\x00")
	}
	file, made := filepath.Join(t.TempDir(), "copy.db"), filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, said, status := runProgram(t, "restore", file, made); status != 1 || !strings.Contains(said, "damaged") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	out, said, status := runProgram(t, "restore", file, made, "--foreign")
	if status != 0 || !strings.Contains(said, "made by another program") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	succeeds(t, "check", made)
	if out, said, status := runProgram(t, "check", file); status != 1 || !strings.Contains(out+said, "checksum") {
		t.Errorf("check: status %d: %s%s", status, out, said)
	}
	if out, said, status := runProgram(t, "check", file, "--foreign"); status != 0 || !strings.Contains(said, "are not compared") {
		t.Errorf("check --foreign: status %d: %s%s", status, out, said)
	}
}

// What stores or sends differences between two backups finds few: docs/backup.md counts on it.
func TestABackupDiffersFromTheOneBeforeInThePagesThatHaveChanged(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	var sets [][]any
	for i := range 3000 {
		sets = append(sets, []any{"SET", fmt.Sprint("key:", i), strings.Repeat("x", 1000)})
	}
	c.Pipeline(sets...)
	dir := t.TempDir()
	backup := func(name string) string {
		path := filepath.Join(dir, name)
		succeeds(t, "backup", s.Dir, path)
		return string(readFile(t, path))
	}
	first := backup("first.db")
	c.Do("SET", "key:1500", strings.Repeat("y", 1000))
	c.Do("SET", "new", "z")
	second := backup("second.db")
	const page = 4096
	changed := max(len(first), len(second))/page - min(len(first), len(second))/page
	for at := 0; at < min(len(first), len(second)); at += page {
		if first[at:at+page] != second[at:at+page] {
			changed++
		}
	}
	if pages := len(first) / page; pages < 700 || changed < 2 || changed > 50 {
		t.Errorf("%d of %d pages differ", changed, pages)
	}
}

// A backup is looked at as it is, without a directory being made of it, and stays as it is.
func TestABackupIsLookedAtAlone(t *testing.T) {
	dir := stopped(t)
	file := filepath.Join(t.TempDir(), "b.db")
	succeeds(t, "backup", dir, file)
	before := sumsOf(t, filepath.Dir(file))
	var checked struct {
		OK    bool
		Alone bool `json:"file_alone"`
	}
	if err := json.Unmarshal([]byte(succeeds(t, "check", file, "--json")), &checked); err != nil || !checked.OK || !checked.Alone {
		t.Errorf("%+v, %v", checked, err)
	}
	if out := succeeds(t, "sql", file, "--csv", "SELECT key, type FROM all_keys WHERE db = 0"); out != "key,type\na,string\n" {
		t.Errorf("%q", out)
	}
	out, said, status := runProgram(t, "stats", file)
	mentions(t, out, "a database file without a directory", "1, 0 of them with a deadline", "names without :")
	if status != 0 || !strings.Contains(said, "no journal was looked at") {
		t.Errorf("status %d: %s", status, said)
	}
	if after := sumsOf(t, filepath.Dir(file)); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files have changed:\n%q\n%q", before, after)
	}
	if _, said, status := runProgram(t, "check", filepath.Join(dir, "diskette.db")); status != 1 || !strings.Contains(said, "is the database of a data directory") {
		t.Errorf("status %d: %s", status, said)
	}
}

func TestCommandsSayHowTheyAreUsed(t *testing.T) {
	all := succeeds(t, "--help")
	for _, command := range []string{"check", "backup", "restore", "stats", "sql", "bench", "import", "export", "import-diskcache"} {
		if out := succeeds(t, command, "--help"); !strings.HasPrefix(out, "Usage: diskette "+command) {
			t.Errorf("%s --help: %s", command, out)
		}
		mentions(t, all, "       "+command+" ")
	}
	if out := succeeds(t, "serve", "--help"); out != all {
		t.Errorf("serve --help: %s", out)
	}
	for _, args := range []string{"check", "check a b", "check --none a", "backup a", "restore a", "stats", "stats a --prefixes -1", "stats a --level 3", "sql", "sql --json --csv a x",
		"import-diskcache", "import-diskcache a --db -1", "import-diskcache a --disk x", "bench --none", "bench -n", "bench -n 0", "bench -t none", "import", "import a b", "import a --into", "export", "export a --dir"} {
		out, said, status := runProgram(t, strings.Fields(args)...)
		if status != 2 || out != "" || !strings.Contains(said, "Usage: diskette "+strings.Fields(args)[0]) {
			t.Errorf("%s: status %d: %s%s", args, status, out, said)
		}
	}
	for _, command := range []string{"check", "stats"} {
		if _, said, status := runProgram(t, command, t.TempDir()); status != 1 || !strings.Contains(said, "has no data of Diskette's") {
			t.Errorf("%s of an empty directory: status %d: %s", command, status, said)
		}
	}
	dir := t.TempDir()
	if _, said, status := runProgram(t, "restore", dir, filepath.Join(dir, "new")); status != 1 ||
		!strings.Contains(said, dir+" is a directory, and restore takes a file") {
		t.Errorf("restore of a directory: status %d: %s", status, said)
	}
	if _, said, status := runProgram(t, "stats", filepath.Join(t.TempDir(), "none")); status != 1 || !strings.Contains(said, "no such file") {
		t.Errorf("of none: status %d: %s", status, said)
	}
}

// A recorded directory of DiskCache's: resp/diskcache has the test of what is in it.
func TestADiskCacheComesInWholeOrNotAtAll(t *testing.T) {
	from, into := t.TempDir(), filepath.Join(t.TempDir(), "new")
	if out, err := exec.Command("tar", "-xzf", "../resp/diskcache/testdata/caches.tar.gz", "-C", from).CombinedOutput(); err != nil {
		t.Skipf("NOT CHECKED: diskette import-diskcache; tar: %v: %s", err, out)
	}
	out, said, status := runProgram(t, "import-diskcache", filepath.Join(from, "plain"), "--db", "17", "--databases", "18", "--into", into, "--json")
	var r struct {
		Keys, Tags, Expired, Unread, DB int64
		Disk                            string
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || r.Keys != 33 || r.Tags != 2 || r.Expired != 1 || r.Unread != 3 || r.Disk != "plain" {
		t.Errorf("status %d: %s%s%v", status, out, said, err)
	}
	mentions(t, said, `not read: "own": `, "__main__.Own")
	if out, said, status := runProgram(t, "import-diskcache", filepath.Join(from, "json"), "--db", "17", "--databases", "18", "--into", into); status != 1 ||
		!strings.Contains(said, "database 17 of "+into+" has 35 keys already") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	succeeds(t, "import-diskcache", filepath.Join(from, "json"), "--db", "17", "--databases", "18", "--into", into, "--merge")
	s := startServer(t, subjectBin(t), "--dir", into, "--databases", "18")
	c := dial(t, s.Addr)
	says(t, c, "OK", "SELECT", "17")
	says(t, c, "39", "DBSIZE") // text is in both
	says(t, c, "6", "GET", "5")
	says(t, c, "1", "SISMEMBER", "tag:colours", "tagged too")
	if ms := c.Do("PEXPIRETIME", "expires").text; len(ms) != 13 {
		t.Errorf("expires at %s", ms)
	}
	if _, said, status := runProgram(t, "import-diskcache", filepath.Join(from, "fanout"), "--into", into); status != 1 || !strings.Contains(said, "in use") {
		t.Errorf("beside a server: status %d: %s", status, said)
	}
	if _, said, status := runProgram(t, "import-diskcache", from, "--into", filepath.Join(from, "x")); status != 1 || !strings.Contains(said, "has no cache.db") {
		t.Errorf("no cache: status %d: %s", status, said)
	}
}

// A copy, a dump or a log that is told to go to one of the database's own files is refused: it would take its place.
func TestNothingIsWrittenOverTheDatabasesOwnFiles(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-protected-configs", "yes")
	c := dial(t, s.Addr)
	c.Do("SET", "k", "v")
	own := []string{"diskette.db", "diskette.db-wal", "diskette.state", "diskette.lock", "reserve", "journal/x", "diskette.backup.json"}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.Dir, link); err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		for _, name := range own {
			for _, args := range [][]string{
				{"export", filepath.Join(s.Dir, name), s.Dir}, {"backup", s.Dir, filepath.Join(s.Dir, name)},
				{"export", filepath.Join(link, name), s.Dir}, {"backup", s.Dir, filepath.Join(link, name)},
			} {
				if _, said, status := runProgram(t, args...); status == 0 || !strings.Contains(said, "choose another name") {
					t.Errorf("%s, %q: status %d: %s", when, args, status, said)
				}
			}
		}
	}
	refused("beside a server")
	equal(t, "SET", c.Do("SET", "k2", "v").Text(), "OK")
	equal(t, "CONFIG SET", c.Do("CONFIG", "SET", "dbfilename", "diskette.db").Text(), "OK")
	if v := c.Do("SAVE"); !v.IsError() || !strings.Contains(v.text, "choose another name") {
		t.Errorf("SAVE: %s", v)
	}
	equal(t, "exit status", fmt.Sprint(s.Terminate()), "0")
	refused("of a stopped directory")
	before := sumsOf(t, s.Dir)
	for _, option := range []string{"--logfile", "--pidfile", "--dbfilename", "--aclfile", "--unixsocket"} {
		path := filepath.Join(s.Dir, "diskette.db")
		if option == "--dbfilename" {
			path = "diskette.db"
		}
		if _, said, status := runProgram(t, "--dir", s.Dir, "--port", "0", option, path); status != 1 || !strings.Contains(said, "choose another name") {
			t.Errorf("%s %s: status %d: %s", option, path, status, said)
		}
	}
	for name, sum := range sumsOf(t, s.Dir) {
		if before[name] != sum {
			t.Errorf("%s was changed", name)
		}
	}
	s.Restart()
	equal(t, "the keys", dial(t, s.Addr).Do("EXISTS", "k", "k2").text, "2")
}

// A variable that is empty is no file: to go on without would restore, or write, something else.
func TestAnEmptyNameOfAnIncrementOrBaseIsRefused(t *testing.T) {
	s := startServer(t, subjectBin(t))
	file, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "new")
	succeeds(t, "backup", s.Dir, file)
	for _, args := range [][]string{{"restore", file, dir, "--increment", ""}, {"backup", s.Dir, dir, "--since", ""}} {
		_, said, status := runProgram(t, args...)
		if _, err := os.Stat(dir); status == 0 || !strings.Contains(said, args[3]+" is empty") || err == nil {
			t.Errorf("%q: status %d, %s; %v", args, status, said, err)
		}
	}
}

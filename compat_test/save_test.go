package compat_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"diskette/resp/rdb"
)

// strings of a dump, by name, with the facts that it says of itself.
func readDump(t *testing.T, dump []byte) (values, facts map[string]string) {
	t.Helper()
	values, facts = map[string]string{}, map[string]string{}
	f := rdb.NewFileReader(bytes.NewReader(dump), rdb.FileOptions{})
	for {
		r, err := f.Next()
		if err == io.EOF {
			return values, facts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Kind == rdb.RecordAux:
			facts[r.Key] = r.Text
		case r.Kind == rdb.RecordKey && r.Type == rdb.String:
			name := r.Key
			p, err := f.Part()
			if err != nil {
				t.Fatal(err)
			}
			values[name] = p.String
		}
	}
}

func dumpOf(t *testing.T, s *server) []byte {
	t.Helper()
	return readFile(t, filepath.Join(s.Dir, "dump.rdb"))
}

// saved waits until BGSAVE is over.
func saved(t *testing.T, c *client) {
	t.Helper()
	await(t, "BGSAVE is over", func() bool {
		return infoField(c.Do("INFO", "persistence").text, "rdb_bgsave_in_progress") == "0"
	})
}

// rewritten waits until BGREWRITEAOF is over.
func rewritten(t *testing.T, c *client) {
	t.Helper()
	await(t, "BGREWRITEAOF is over", func() bool {
		return infoField(c.Do("INFO", "persistence").text, "aof_rewrite_in_progress") == "0"
	})
}

func hasTemporaryDump(t *testing.T, s *server) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Dir, "temp-*.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names) > 0
}

// Money goes from account to account in transactions, and every dump has all of it.
func TestADumpIsOfOneMomentWhileClientsWrite(t *testing.T) {
	const accounts, dumps = 200, 8
	s := startServer(t, subjectBin(t), "--maxmemory", "16mb")
	c := dial(t, s.Addr)
	for n := range accounts {
		c.Do("SET", fmt.Sprint("ballast:", n), strings.Repeat("x", 2000))
	}
	money := openBank(t, s, accounts, 4)
	for money.moved.Load() == 0 {
		c.Do("PING")
	}
	different := map[string]bool{}
	for i := range dumps {
		before := money.moved.Load()
		if i%2 == 0 {
			says(t, c, "OK", "SAVE")
		} else {
			says(t, c, "Background saving started", "BGSAVE")
			saved(t, c)
		}
		dump := dumpOf(t, s)
		values, _ := readDump(t, dump)
		different[money.check(t, func(key string) string { return values[key] }, before, money.most())] = true
		if len(values) != 2*accounts+1 {
			t.Errorf("dump %d has %d keys", i, len(values))
		}
	}
	money.close()
	if len(different) < dumps/2 {
		t.Errorf("only %d of %d dumps were different", len(different), dumps)
	}
}

func TestASaveThatIsKilledLeavesTheDumpBefore(t *testing.T) {
	const keys = 1_000_000 // which take so long that the file is seen while it is written
	s := startServer(t, subjectBin(t), "--enable-debug-command", "yes")
	c := dial(t, s.Addr)
	says(t, c, "OK", "DEBUG", "POPULATE", 1000)
	says(t, c, "OK", "SAVE")
	before := dumpOf(t, s)
	says(t, c, "OK", "DEBUG", "POPULATE", keys)
	says(t, c, "Background saving started", "BGSAVE")
	for !hasTemporaryDump(t, s) {
		if infoField(c.Do("INFO", "persistence").text, "rdb_bgsave_in_progress") == "0" {
			t.Fatal("the dump was written before it could be seen")
		}
	}
	s.Kill9()
	if !bytes.Equal(dumpOf(t, s), before) {
		t.Error("the dump before is another")
	}
	logged := len(s.Log.String())
	s.Restart()
	if hasTemporaryDump(t, s) {
		t.Error("the start has left the temporary file")
	}
	logSays(t, s, "removed what is left of a dump")
	told := s.Log.String()[logged:]
	if strings.Contains(told, "no longer read") {
		t.Errorf("it takes its own dump for one of Redis's:\n%s", told)
	}
	c = dial(t, s.Addr)
	says(t, c, fmt.Sprint(keys), "DBSIZE")
	says(t, c, "Background saving started", "BGSAVE")
	saved(t, c)
	if values, facts := readDump(t, dumpOf(t, s)); len(values) != keys || facts["redis-ver"] == "" || facts["ctime"] == "" {
		t.Errorf("%d keys, %q", len(values), facts)
	}
}

func TestWhatCanNotBeSavedIsAnErrorAndChangesNothing(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "a", "b")
	path := filepath.Join(s.Dir, "dump.rdb")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if v := c.Do("SAVE"); !v.IsError() || !strings.HasPrefix(v.text, "ERR ") {
		t.Errorf("SAVE: %s", v)
	}
	says(t, c, "Background saving started", "BGSAVE")
	saved(t, c)
	equal(t, "status", infoField(c.Do("INFO", "persistence").text, "rdb_last_bgsave_status"), "err")
	says(t, c, "ERR Errors trying to SHUTDOWN. Check logs.", "SHUTDOWN", "SAVE")
	says(t, c, "OK", "SET", "a", "c") // durability does not hang on it
	if hasTemporaryDump(t, s) {
		t.Error("it left its temporary file")
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	says(t, c, "Background saving started", "BGSAVE")
	saved(t, c)
	equal(t, "status", infoField(c.Do("INFO", "persistence").text, "rdb_last_bgsave_status"), "ok")
	if values, _ := readDump(t, dumpOf(t, s)); values["a"] != "c" {
		t.Errorf("%q", values)
	}
}

func TestOnlyCommandsThatSaySoWriteADump(t *testing.T) {
	s := startServer(t, subjectBin(t), "--save", "1 1")
	exists := func() bool {
		_, err := os.Stat(filepath.Join(s.Dir, "dump.rdb"))
		return err == nil
	}
	c := dial(t, s.Addr)
	logSays(t, s, "SAVE and BGSAVE write one, and nothing else does")
	started := c.Do("LASTSAVE").text
	persistence := func(field string) string { return infoField(c.Do("INFO", "persistence").text, field) }
	equal(t, "rdb_last_save_time", persistence("rdb_last_save_time"), started)
	says(t, c, "OK", "MSET", "a", "b", "c", "d")
	equal(t, "rdb_changes_since_last_save", persistence("rdb_changes_since_last_save"), "2")
	equal(t, "rdb_saves", persistence("rdb_saves"), "0")
	c.Send("SHUTDOWN")
	if status := s.Wait(); status != 0 || exists() {
		t.Errorf("SHUTDOWN: status %d, a dump: %v", status, exists())
	}
	s.start(nil)
	if status := s.Terminate(); status != 0 || exists() {
		t.Errorf("SIGTERM: status %d, a dump: %v", status, exists())
	}
	s.start(nil)
	c = dial(t, s.Addr)
	says(t, c, "OK", "SET", "a", "e")
	c.Send("SHUTDOWN", "SAVE")
	if status := s.Wait(); status != 0 || !exists() {
		t.Fatalf("SHUTDOWN SAVE: status %d, a dump: %v", status, exists())
	}
	if values, _ := readDump(t, dumpOf(t, s)); values["a"] != "e" || values["c"] != "d" {
		t.Errorf("%q", values)
	}
	s.start(nil)
	c = dial(t, s.Addr)
	says(t, c, "1", "DEL", "a")
	time.Sleep(1100 * time.Millisecond) // LASTSAVE counts seconds
	says(t, c, "OK", "SAVE")
	if last := c.Do("LASTSAVE").text; last <= started || last != persistence("rdb_last_save_time") {
		t.Errorf("LASTSAVE is %s, the server was started at %s", last, started)
	}
	for field, want := range map[string]string{"rdb_changes_since_last_save": "0", "rdb_saves": "1", "rdb_last_bgsave_time_sec": "-1",
		"rdb_bgsave_in_progress": "0", "rdb_current_bgsave_time_sec": "-1"} {
		equal(t, field, persistence(field), want)
	}
	says(t, c, "Background saving started", "BGSAVE")
	saved(t, c)
	if took := persistence("rdb_last_bgsave_time_sec"); took == "-1" || took == "" {
		t.Errorf("rdb_last_bgsave_time_sec is %q", took)
	}
	says(t, c, "OK", "MULTI")
	says(t, c, "QUEUED", "BGSAVE", "SCHEDULE")
	equal(t, "EXEC", c.Do("EXEC").elems[0].text, "Background saving scheduled")
	saved(t, c)
}

func TestFieldsKeepTheirDeadlinesInFilesThatHaveWordsForThem(t *testing.T) {
	for version, deadline := range map[string]string{"11": "-1", "12": "5000000000000"} {
		s := startServer(t, subjectBin(t), "--export-rdb-version", version)
		c := dial(t, s.Addr)
		says(t, c, "2", "HSET", "h", "short", "lived", "for", "ever")
		c.Do("HPEXPIREAT", "h", 5_000_000_000_000, "FIELDS", 1, "short")
		for i := range 20_000 { // the large one goes in parts
			c.Send("HSET", "large", strings.Repeat("f", 50)+strconv.Itoa(i), strings.Repeat("v", 50))
		}
		for range 20_000 {
			c.Receive()
		}
		c.Do("HPEXPIREAT", "large", 5_000_000_000_000, "FIELDS", 1, strings.Repeat("f", 50)+"7")
		says(t, c, "OK", "SAVE")
		const left = "2 fields of hashes are in the file without their deadlines"
		if version == "11" {
			logSays(t, s, left)
		} else if strings.Contains(s.Log.String(), left) {
			t.Errorf("version %s: %s", version, left)
		}
		other := moving(t, dumpOf(t, s))
		other.start(nil)
		c = dial(t, other.Addr)
		equal(t, "deadline in version "+version, c.Do("HPEXPIRETIME", "h", "FIELDS", 1, "short").elems[0].text, deadline)
		equal(t, "deadline in version "+version, c.Do("HPEXPIRETIME", "large", "FIELDS", 1, strings.Repeat("f", 50)+"7").elems[0].text, deadline)
		says(t, c, "20000", "HLEN", "large")
		says(t, c, "ever", "HGET", "h", "for")
	}
}

package compat_test

import (
	"bytes"
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

	"diskette/resp/rdb"
)

// snapshotOf is an RDB file with so many small keys.
func snapshotOf(t *testing.T, keys int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := rdb.NewFileWriter(&b, rdb.FileWriterOptions{})
	for i := range keys {
		h := rdb.KeyHeader{Key: "key:" + strconv.Itoa(i), IdleSeconds: -1, Frequency: -1}
		if err := w.Key(h, &rdb.Value{Kind: rdb.String, String: "value:" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// moving is a server on a directory with a dump.rdb of its own, not started.
func moving(t *testing.T, dump []byte, args ...string) *server {
	t.Helper()
	s := newServer(t, subjectBin(t), append([]string{"--enable-debug-command", "yes"}, args...)...)
	if err := os.WriteFile(filepath.Join(s.Dir, "dump.rdb"), dump, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// underWay starts a server and returns a connection to it while it loads.
func underWay(t *testing.T, s *server) *client {
	t.Helper()
	s.launch(nil)
	for end := time.Now().Add(startTimeout); ; time.Sleep(time.Millisecond) {
		c, err := open(s.Addr)
		if err == nil {
			c.t = t
			t.Cleanup(c.Close)
			if v := c.Do("INFO", "persistence"); infoField(v.text, "loading") != "1" {
				t.Fatalf("it does not load:\n%s", s.Log)
			}
			return c
		}
		if s.died() || time.Now().After(end) {
			t.Fatalf("no connection: %v\n%s", err, s.Log)
		}
	}
}

// awaitLoaded waits until so many percent of what moves in is there. It is false if all was there before that was seen.
func awaitLoaded(t *testing.T, c *client, percent float64) (seen bool) {
	t.Helper()
	await(t, fmt.Sprintf("%v %% is loaded", percent), func() bool {
		info := c.Do("INFO", "persistence").text
		if infoField(info, "loading") == "0" {
			return true
		}
		loaded, err := strconv.ParseFloat(infoField(info, "loading_loaded_perc"), 64)
		if err != nil {
			t.Fatalf("nothing says how much is loaded:\n%s", info)
		}
		seen = loaded >= percent
		return seen
	})
	return seen
}

const enoughToBeSeen = 400_000 // keys, which take a second or more

func hasDatabase(s *server) bool {
	_, err := os.Stat(filepath.Join(s.Dir, "diskette.db"))
	return !errors.Is(err, fs.ErrNotExist)
}

func TestWhileDataMovesInClientsHearWhatTheyHearFromRedis(t *testing.T) {
	s := moving(t, snapshotOf(t, enoughToBeSeen))
	c := underWay(t, s)
	const refused = "LOADING Redis is loading the dataset in memory"
	for _, command := range []string{"PING", "GET key:1", "SET a b", "DBSIZE", "SAVE", "EVAL return 0", "FUNCTION LIST",
		"EXISTS a", "WAIT 0 0"} {
		if v := c.Do(toAny(strings.Fields(command))...); v.text != refused {
			t.Errorf("%s: %s", command, v)
		}
	}
	for command, want := range map[string]string{"SELECT 1": "OK", "ECHO x": "x", "WATCH key:1": "OK", "UNWATCH": "OK",
		"CLIENT SETNAME me": "OK", "CONFIG SET timeout 0": "OK", "CONFIG RESETSTAT": "OK", "PUBLISH a b": "0",
		"CLIENT UNBLOCK 1": "0", "EXEC": "ERR EXEC without MULTI",
		"NOSUCH": "ERR unknown command 'NOSUCH', with args beginning with: ",
		"GET":    "ERR wrong number of arguments for 'get' command"} {
		if v := c.Do(toAny(strings.Fields(command))...); v.text != want {
			t.Errorf("%s: %s, want %s", command, v, want)
		}
	}
	says(t, c, "OK", "MULTI")
	says(t, c, refused, "GET", "key:1")
	says(t, c, "EXECABORT Transaction discarded because of previous errors.", "EXEC")
	says(t, c, "OK", "SELECT", "0")
	says(t, c, "OK", "WATCH", "key:1")
	info := c.Do("INFO").text
	for _, field := range []string{"loading_start_time", "loading_total_bytes", "loading_loaded_bytes",
		"loading_loaded_perc", "loading_eta_seconds", "async_loading", "redis_version", "connected_clients", "used_memory"} {
		if infoField(info, field) == "" {
			t.Errorf("INFO has no %s", field)
		}
	}
	subscriber := dial(t, s.Addr)
	subscriber.Do("SUBSCRIBE", "news")
	says(t, c, "1", "PUBLISH", "news", "hello")
	if v := subscriber.Receive(); len(v.elems) != 3 || v.elems[2].text != "hello" {
		t.Errorf("a message came as %s", v)
	}
	for {
		v := c.Do("PING")
		if v.text == "PONG" {
			break
		}
		if v.text != refused || s.died() {
			t.Fatalf("%s\n%s", v, s.Log)
		}
		time.Sleep(5 * time.Millisecond)
	}
	says(t, c, strconv.Itoa(enoughToBeSeen), "DBSIZE")
	says(t, c, "OK", "MULTI")
	says(t, c, "QUEUED", "GET", "key:1")
	if v := c.Do("EXEC"); len(v.elems) != 1 || v.elems[0].text != "value:1" { // nothing has touched what is watched
		t.Errorf("EXEC: %s", v)
	}
	if info := c.Do("INFO", "persistence").text; infoField(info, "loading") != "0" {
		t.Errorf("%s", info)
	}
	logSays(t, s, "moving in", "moved in", "dump.rdb", `"keys":`+strconv.Itoa(enoughToBeSeen))
	says(t, c, "OK", "DEBUG", "CHECK")
}

func TestAMoveThatIsKilledBeginsAnew(t *testing.T) {
	dump := snapshotOf(t, enoughToBeSeen)
	s := moving(t, dump)
	for i := range 3 {
		for tries := 1; !awaitLoaded(t, underWay(t, s), float64(20+20*i)); tries++ {
			if tries == 10 {
				t.Fatal("it is never seen to load")
			}
			s.Kill9()
			s = moving(t, dump)
		}
		s.Kill9()
		if hasDatabase(s) {
			t.Fatalf("killed at %d %%, it left a database", 20+20*i)
		}
	}
	s.start(nil)
	c := dial(t, s.Addr)
	says(t, c, strconv.Itoa(enoughToBeSeen), "DBSIZE")
	says(t, c, "value:399999", "GET", "key:399999")
	says(t, c, "OK", "DEBUG", "CHECK")
}

func TestAServerThatIsToldToEndWhileDataMovesInLeavesNothing(t *testing.T) {
	s := moving(t, snapshotOf(t, enoughToBeSeen))
	c := underWay(t, s)
	if status := s.Terminate(); status != 0 {
		t.Errorf("SIGTERM: status %d", status)
	}
	c.Close()
	left, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if f.Name() != "dump.rdb" && f.Name() != "diskette.lock" {
			t.Errorf("SIGTERM left %s", f.Name())
		}
	}
	c = underWay(t, s)
	c.Send("SHUTDOWN")
	if status := s.Wait(); status != 0 || hasDatabase(s) {
		t.Errorf("SHUTDOWN: status %d\n%s", status, s.Log)
	}
	s.start(nil)
	says(t, dial(t, s.Addr), strconv.Itoa(enoughToBeSeen), "DBSIZE")
}

func TestAFileThatCanNotBeImportedEndsTheStart(t *testing.T) {
	whole := snapshotOf(t, 50_000)
	damaged := bytes.Clone(whole)
	copy(damaged[len(damaged)/2:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	sum := bytes.Clone(whole)
	sum[len(sum)-1] ^= 1
	for _, c := range []struct {
		name string
		dump []byte
		told []string
		some bool // a part of it can be kept
	}{
		{"damaged", damaged, []string{"dump.rdb", "at offset", "found"}, true},
		{"cut off", whole[:len(whole)/2], []string{"dump.rdb", "at offset"}, true},
		{"with another checksum", sum, []string{"dump.rdb", "at offset"}, true},
		{"of a newer version", append([]byte("REDIS0099"), whole[9:]...), []string{"dump.rdb", "99"}, false},
		{"encrypted", []byte("Salted__ and then some more bytes"), []string{"dump.rdb", "at offset 0"}, false},
		{"empty", nil, []string{"dump.rdb", "at offset 0"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := moving(t, c.dump)
			mentions(t, refuses(t, s), append(c.told, "--import no", "--import-damaged prefix", "nothing was imported")...)
			if hasDatabase(s) {
				t.Error("it left a database")
			}
			s.start([]string{"--import-damaged", "prefix"})
			logSays(t, s, "what stands before the fault was imported")
			keys, err := strconv.Atoi(dial(t, s.Addr).Do("DBSIZE").text)
			if err != nil || (keys > 0) != c.some {
				t.Errorf("%d keys, %v", keys, err)
			}
			says(t, dial(t, s.Addr), "OK", "DEBUG", "CHECK")
			empty := moving(t, c.dump)
			empty.start([]string{"--import", "no"})
			says(t, dial(t, empty.Addr), "0", "DBSIZE")
			logSays(t, empty, "begins empty")
			if !bytes.Equal(readFile(t, filepath.Join(s.Dir, "dump.rdb")), c.dump) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestValuesOfModulesEndTheStartOrAreLeftOut(t *testing.T) {
	dump := readFile(t, "../resp/rdb/testdata/volumes/redis_40_with_module.rdb")
	s := moving(t, dump)
	mentions(t, refuses(t, s), "foo", "ReJSON-RL", "--import-skip-modules yes", "--import no")
	s.start([]string{"--import-skip-modules", "yes"})
	logSays(t, s, `"values_of_modules_left_out":1`)
}

// The volumes of redis-rdb-tools are of Redis 2.4 to 6.0.
func TestVolumesOfOlderServersMoveIn(t *testing.T) {
	names, err := filepath.Glob("../resp/rdb/testdata/volumes/*.rdb")
	if err != nil || len(names) < 28 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	keys := map[string]string{"multiple_databases.rdb": "1", "linkedlist.rdb": "1", "dictionary.rdb": "1",
		"integer_keys.rdb": "6", "redis_50_with_streams.rdb": "14", "empty_database.rdb": "0", "keys_with_expiry.rdb": "0"}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			s := moving(t, readFile(t, name), "--import-skip-modules", "yes")
			s.start(nil)
			c := dial(t, s.Addr)
			says(t, c, "OK", "DEBUG", "CHECK")
			if want := keys[filepath.Base(name)]; want != "" {
				says(t, c, want, "DBSIZE")
			}
			s.Kill9()
			s.Restart()
		})
	}
}

// What counts is what Redis would read, and what it would leave where it would read nothing.
func TestTheFileThatCountsIsImported(t *testing.T) {
	dump := snapshotOf(t, 3)
	const commands = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$4\r\nfrom\r\n$3\r\naof\r\n"
	for _, c := range []struct {
		name      string
		dump, aof bool
		args      []string
		keys      string
		told      []string
	}{
		{"both, appendonly yes", true, true, []string{"--appendonly", "yes"}, "1",
			[]string{`"file":"appendonly.aof"`, `"left":["dump.rdb"]`}},
		{"both, appendonly no", true, true, []string{"--appendonly", "no"}, "3",
			[]string{`"file":"dump.rdb"`, `"left":["appendonly.aof"]`}},
		{"both, and not a word of it", true, true, nil, "3", []string{`"file":"dump.rdb"`}},
		{"a snapshot, appendonly yes", true, false, []string{"--appendonly", "yes"}, "3", nil},
		{"an append only file, appendonly no", false, true, []string{"--appendonly", "no"}, "1", nil},
		{"other names", true, true, []string{"--dbfilename", "no.rdb", "--appendfilename", "no.aof"}, "0", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, subjectBin(t), append(c.args, "--enable-debug-command", "yes")...)
			for name, content := range map[string][]byte{"dump.rdb": dump, "appendonly.aof": []byte(commands)} {
				if there := name == "dump.rdb" && c.dump || name != "dump.rdb" && c.aof; !there {
					continue
				}
				if err := os.WriteFile(filepath.Join(s.Dir, name), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s.start(nil)
			says(t, dial(t, s.Addr), c.keys, "DBSIZE")
			logSays(t, s, c.told...)
			says(t, dial(t, s.Addr), "OK", "DEBUG", "CHECK")
		})
	}
}

func TestTheCommandsOfAnAppendOnlyFileMeanWhatTheyMeantThen(t *testing.T) {
	command := func(words ...string) string { return string(encode(toAny(words)...)) }
	whole := command("SET", "a", "1") + command("PEXPIREAT", "a", "1000") + command("APPEND", "a", "2") +
		command("PERSIST", "a") + command("SET", "gone", "v", "PXAT", "1000") +
		command("MULTI") + command("SET", "b", "1") + command("INCR", "b") + command("EXEC") +
		command("SELECT", "3") + command("RPUSH", "list", "x", "y")
	torn := command("MULTI") + command("SET", "c", "1")
	for _, c := range []struct {
		name, aof string
		args      []string
		fails     []string
		torn      bool
	}{
		{"whole", whole, nil, nil, false},
		{"a block that does not end", whole + torn, nil, nil, true},
		{"half a command", whole + command("SET", "c", "1")[:20], nil, nil, true},
		{"half a command, aof-load-truncated no", whole + command("SET", "c", "1")[:20],
			[]string{"--aof-load-truncated", "no"}, []string{"appendonly.aof", "at offset", "--aof-load-truncated yes"}, false},
		{"an unknown command", whole + command("NOSUCH", "c"), nil,
			[]string{"appendonly.aof", "at offset", "NOSUCH", "--import-damaged prefix"}, false},
		{"what is no change of data", whole + command("SUBSCRIBE", "c"), nil, []string{"at offset", "subscribe changes no data"}, false},
		{"a change of the server", whole + command("CONFIG", "SET", "requirepass", "x"), nil,
			[]string{"at offset", "config|set changes no data"}, false},
		{"a command that fails", whole + command("INCR", "list"), nil, []string{"appendonly.aof", "WRONGTYPE"}, false},
		{"no command", whole + "garbage\r\n" + whole, nil, []string{"appendonly.aof", "at offset"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, subjectBin(t), append(c.args, "--appendonly", "yes", "--enable-debug-command", "yes")...)
			if err := os.WriteFile(filepath.Join(s.Dir, "appendonly.aof"), []byte(c.aof), 0o644); err != nil {
				t.Fatal(err)
			}
			if c.fails != nil {
				mentions(t, refuses(t, s), c.fails...)
				if hasDatabase(s) {
					t.Error("it left a database")
				}
				s.start([]string{"--import-damaged", "prefix"})
			} else {
				s.start(nil)
			}
			if c.torn {
				logSays(t, s, "torn and was left out")
			}
			client := dial(t, s.Addr)
			says(t, client, "12", "GET", "a")
			says(t, client, "-1", "PTTL", "a")
			says(t, client, "2", "GET", "b")
			says(t, client, "0", "EXISTS", "c", "gone")
			says(t, client, "OK", "SELECT", "3")
			says(t, client, "2", "LLEN", "list")
			says(t, client, "OK", "DEBUG", "CHECK")
		})
	}
}

func TestAFileIsImportedByHand(t *testing.T) {
	into := filepath.Join(t.TempDir(), "new")
	from := filepath.Join(t.TempDir(), "some.rdb")
	if err := os.WriteFile(from, snapshotOf(t, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		out, err := exec.Command(subjectBin(t), append([]string{"import"}, args...)...).CombinedOutput()
		return string(out), err
	}
	for _, word := range []string{"--help", "-h"} {
		help, err := run(word)
		if err != nil {
			t.Errorf("%s: %v", word, err)
		}
		mentions(t, help, "Usage: diskette import")
	}
	out, err := run(from, "--into", into, "--db-map", "0:3")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mentions(t, out, "some.rdb: 5000 keys are in "+into)
	cut := filepath.Join(t.TempDir(), "cut.rdb")
	if err := os.WriteFile(cut, snapshotOf(t, 5000)[:20_000], 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run(cut, "--into", filepath.Join(t.TempDir(), "new")); err == nil || strings.Contains(out, "--import no") {
		t.Errorf("of a cut file: %v: %s", err, out)
	} else {
		mentions(t, out, "nothing was imported or changed: add --import-damaged prefix to import what stands before the fault")
	}
	s := newServer(t, subjectBin(t), "--dir", into)
	s.start(nil)
	c := dial(t, s.Addr)
	says(t, c, "0", "DBSIZE")
	says(t, c, "OK", "SELECT", "3")
	says(t, c, "5000", "DBSIZE")
	says(t, c, "value:7", "GET", "key:7")
	out, err = run(from, "--into", into)
	if err == nil {
		t.Error("it imported into a directory that a server has")
	}
	mentions(t, out, "in use")
	s.Terminate()
	if out, err = run(from, "--into", into); err == nil {
		t.Error("it imported into a directory with data")
	}
	mentions(t, out, "has a database already")
	for _, args := range [][]string{{}, {from, from}, {from, "--db-map", "0"}, {from, "--into"}, {from + ".none"}, {into}} {
		if out, err := run(args...); err == nil {
			t.Errorf("%q: %s", args, out)
		}
	}
}

package compat_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// boundsField is a field of INFO bounds as a number.
func boundsField(t testing.TB, c *client, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(infoField(c.Do("INFO", "bounds").Text(), name), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ofDatabase is a field of a database's line in INFO bounds.
func ofDatabase(c *client, db int, name string) string {
	for field := range strings.SplitSeq(infoField(c.Do("INFO", "bounds").Text(), fmt.Sprintf("bound_db%d", db)), ",") {
		if value, found := strings.CutPrefix(field, name+"="); found {
			return value
		}
	}
	return ""
}

func configSet(t testing.TB, c *client, pairs ...any) {
	t.Helper()
	if v := c.Do(append([]any{"CONFIG", "SET"}, pairs...)...); v.text != "OK" {
		t.Fatalf("CONFIG SET %v: %s", pairs, v)
	}
}

// An eviction is a change like others: who watches the key, has it cached, listens to such events or follows hears
// of it.
func TestWhoHasToDoWithAKeyHearsOfItsEviction(t *testing.T) {
	for unlink, want := range map[string]string{"no": "DEL k", "yes": "UNLINK k"} {
		t.Run("lazyfree-lazy-eviction "+unlink, func(t *testing.T) {
			s := startServer(t, subjectBin(t), "--maxmemory-policy", "allkeys-lru", "--notify-keyspace-events", "Ee",
				"--lazyfree-lazy-eviction", unlink)
			looking, caching, listening, watching := dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr), dial(t, s.Addr)
			looking.Do("SET", "k", "v")
			looking.Do("SELECT", 1)
			looking.Do("SET", "k", "of another database")
			caching.Do("HELLO", 3)
			caching.Do("CLIENT", "TRACKING", "on")
			caching.Do("GET", "k")
			listening.Do("PSUBSCRIBE", "*")
			watching.Do("WATCH", "k")
			follower := followAll(t, s.Addr)
			follower.send("REPLCONF", "ACK", 0)
			configSet(t, looking, "maxdisk-db", "0 1")
			if v := listening.Receive(); len(v.elems) != 4 || v.elems[2].Text() != "__keyevent@0__:evicted" || v.elems[3].Text() != "k" {
				t.Errorf("the event: %s", v)
			}
			if v := caching.Receive(); len(v.elems) != 2 || v.elems[0].Text() != "invalidate" || v.elems[1].elems[0].Text() != "k" {
				t.Errorf("who has it cached: %s", v)
			}
			watching.Do("MULTI")
			watching.Do("PING")
			if v := watching.Do("EXEC"); !v.IsNil() {
				t.Errorf("who watches it: %s", v)
			}
			looking.Do("PUBLISH", "c", "end")
			if lines := follower.until("end"); !slices.Contains(lines, want) {
				t.Errorf("who follows hears %q, should hear %s", lines, want)
			}
			if v := looking.Do("GET", "k"); v.Text() != "of another database" {
				t.Errorf("the key of the other database: %s", v)
			}
			equal(t, "evicted_keys", infoField(looking.Do("INFO", "stats").Text(), "evicted_keys"), "1")
			equal(t, "evicted in the database", ofDatabase(looking, 0, "evicted"), "1")
			looking.Do("CONFIG", "RESETSTAT")
			equal(t, "evicted_keys", infoField(looking.Do("INFO", "stats").Text(), "evicted_keys"), "0")
		})
	}
}

func TestOneServerHoldsSeveralCaches(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory", "64mb", "--maxdisk-db", "3", "2mb", "--maxmemory-policy-db", "3", "allkeys-lru",
		"--maxdisk-db", "4", "1mb")
	const keys, bound = 1500, 2 << 20
	value := strings.Repeat("v", 4000)
	clients := map[int]*client{}
	for _, db := range []int{0, 3} {
		clients[db] = dial(t, s.Addr)
		clients[db].Do("SELECT", db)
	}
	check := func() {
		t.Helper()
		equal(t, "DBSIZE of the database without a bound", clients[0].Do("DBSIZE").text, strconv.Itoa(keys))
		await(t, "database 3 is within its bound", func() bool {
			used, _ := strconv.ParseInt(ofDatabase(clients[0], 3, "used"), 10, 64)
			return used > bound/2 && used <= bound
		})
		if n, _ := strconv.Atoi(clients[3].Do("DBSIZE").text); n < 200 || n > bound/4000 {
			t.Errorf("%d keys are left of database 3", n)
		}
		equal(t, "the policy of database 4", ofDatabase(clients[0], 4, "policy"), "noeviction")
	}
	for i := range keys {
		for db, c := range clients {
			if v := c.Do("SET", i, value); v.text != "OK" {
				t.Fatalf("SET %d in database %d: %s", i, db, v)
			}
		}
	}
	check()
	s.Kill9()
	s.Restart()
	for _, db := range []int{0, 3} {
		clients[db] = dial(t, s.Addr)
		clients[db].Do("SELECT", db)
	}
	check()
	last := dial(t, s.Addr)
	last.Do("SELECT", 4) // noeviction: what does not fit is refused
	await(t, "database 4 is full", func() bool { return last.Do("RPUSH", "l", value).kind == kindError })
	if v := last.Do("SET", "k", "v"); v.text != "OOM command not allowed when used memory > 'maxmemory'." {
		t.Errorf("SET in the full database: %s", v)
	}
	if v := last.Do("COPY", "l", "l", "DB", 0); v.text != "1" {
		t.Errorf("COPY out of the full database: %s", v)
	}
	if v := clients[0].Do("COPY", "l", "m", "DB", 4); v.kind != kindError {
		t.Errorf("COPY into the full database: %s", v)
	}
	clients[0].Do("MULTI")
	clients[0].Do("SELECT", 4)
	if v := clients[0].Do("SET", "k", "v"); v.kind != kindError {
		t.Errorf("SET queued behind SELECT of the full database: %s", v)
	}
	clients[0].Do("DISCARD")
	last.Do("DEL", "l")
	await(t, "database 4 has room", func() bool { return last.Do("SET", "k", "v").text == "OK" })
}

func TestBoundsChangeUnderLoad(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory", "32mb", "--maxdisk", "24mb", "--maxmemory-policy", "allkeys-lru")
	looking := dial(t, s.Addr)
	stop := make(chan struct{})
	var done sync.WaitGroup
	refused := make([]error, 3)
	for n := range refused {
		c := dial(t, s.Addr)
		done.Go(func() {
			value := strings.Repeat("v", 5000)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				v, err := c.Try("SET", fmt.Sprint(n, ":", i), value)
				if err != nil || v.kind == kindError && !strings.HasPrefix(v.text, "OOM ") {
					refused[n] = fmt.Errorf("%w %s", err, v)
					return
				}
			}
		})
	}
	for _, change := range [][]any{
		{"maxdisk", "12mb"}, {"maxdisk", "20mb"}, {"maxmemory-policy", "allkeys-lfu"}, {"maxdisk", "8mb", "maxmemory-policy", "allkeys-random"},
		{"maxmemory-policy", "allkeys-lrs"}, {"maxdisk", "16mb", "maxdisk-free", "1mb"}, {"maxmemory-policy", "allkeys-lrm"},
		{"maxmemory-policy-db", "0 allkeys-lru"}, {"maxmemory-policy-db", ""}, {"maxmemory", "16mb"},
	} {
		before := infoField(looking.Do("INFO", "stats").Text(), "evicted_keys")
		configSet(t, looking, change...)
		bound := boundsField(t, looking, "maxdisk")
		await(t, fmt.Sprintf("keys are evicted after %v and %d bytes hold", change, bound), func() bool {
			return infoField(looking.Do("INFO", "stats").Text(), "evicted_keys") != before &&
				boundsField(t, looking, "used_disk") <= bound
		})
	}
	for _, policy := range []string{"volatile-lru", "noeviction"} {
		configSet(t, looking, "maxmemory-policy", policy)
		await(t, policy+" refuses", func() bool { return looking.Do("SET", "k", "v").kind == kindError })
		if v := looking.Do("GET", "0:0"); v.kind == kindError {
			t.Errorf("GET at the bound: %s", v)
		}
	}
	logSays(t, s, "writes are refused")
	configSet(t, looking, "maxmemory-policy", "allkeys-lru")
	await(t, "writes are accepted", func() bool { return looking.Do("SET", "k", "v").text == "OK" })
	close(stop)
	done.Wait()
	for _, err := range refused {
		if err != nil {
			t.Error(err)
		}
	}
	logSays(t, s, "writes are accepted again")
	for _, text := range []string{"a bound of the disk is reached: keys are evicted", "writes are accepted again"} {
		equal(t, "lines of the log that say "+text, strings.Count(s.Log.String(), text), 1)
	}
}

func TestWhatIsLargerThanTheBoundIsRefusedAndNothingGoesForIt(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory-policy", "allkeys-lru", "--maxdisk", "8mb", "--maxdisk-db", "1", "1mb")
	c := dial(t, s.Addr)
	c.Do("SET", "small", "v")
	if v := c.Do("SET", "large", strings.Repeat("v", 9<<20)); !strings.HasPrefix(v.text, "OOM ") {
		t.Errorf("SET of 9 MB: %s", v)
	}
	equal(t, "what was there", c.Do("GET", "small").Text(), "v")
	c.Do("SELECT", 1)
	if v := c.Do("SET", "large", strings.Repeat("v", 2<<20)); !strings.HasPrefix(v.text, "OOM ") {
		t.Errorf("SET of 2 MB in a database of 1 MB: %s", v)
	}
}

// Its master says what goes, unless replica-ignore-maxmemory is no.
func TestAServerThatFollowsEvictsNothing(t *testing.T) {
	master := startServer(t, subjectBin(t))
	m := dial(t, master.Addr)
	m.Do("SET", "k", "v")
	s := startServer(t, subjectBin(t), "--maxmemory-policy", "allkeys-lru", "--maxdisk-db", "0", "1", "--maxdisk", "100mb")
	c := dial(t, s.Addr)
	host, port, _ := strings.Cut(master.Addr, ":")
	c.Do("REPLICAOF", host, port)
	await(t, "the copy is there", func() bool { return c.Do("GET", "k").Text() == "v" })
	for i := range 100 {
		m.Do("SET", i, "v")
	}
	await(t, "the follower has all keys", func() bool { return c.Do("DBSIZE").text == "101" })
	equal(t, "maxdisk of a follower", boundsField(t, c, "maxdisk"), 0)
	configSet(t, c, "replica-ignore-maxmemory", "no")
	equal(t, "maxdisk with replica-ignore-maxmemory no", boundsField(t, c, "maxdisk"), 100<<20)
	await(t, "it evicts", func() bool { return c.Do("DBSIZE").text == "0" })
	configSet(t, c, "replica-ignore-maxmemory", "yes")
	c.Do("REPLICAOF", "NO", "ONE")
	equal(t, "maxdisk of a master", boundsField(t, c, "maxdisk"), 100<<20)
}

// Redis 7.2 runs the command of a client that has waited once more, past all gates.
func TestWhoHasWaitedForWhatNeedsRoomIsRefusedAtTheBound(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, waiting := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("RPUSH", "elsewhere", "v")
	waiting.Send("BLMOVE", "from", "to", "LEFT", "LEFT", 0)
	await(t, "the client waits", func() bool { return infoField(c.Do("INFO", "clients").Text(), "blocked_clients") == "1" })
	configSet(t, c, "maxdisk-db", "0 1")
	await(t, "the database is full", func() bool { return boundsField(t, c, "full_databases") == 1 })
	c.Do("RENAME", "elsewhere", "from")
	if v := waiting.Receive(); v.text != "OOM command not allowed when used memory > 'maxmemory'." {
		t.Errorf("BLMOVE: %s", v)
	}
	equal(t, "LLEN", c.Do("LLEN", "from").text, "1")
}

func TestTheStartSaysWhatAnEvictingPolicyMeans(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru")
	logSays(t, s, "maxmemory-policy volatile-lru: the hottest 64 MB stay in memory, up to 640 MB on disk; maxdisk sets it")
	c := dial(t, s.Addr)
	equal(t, "maxdisk", boundsField(t, c, "maxdisk"), 640<<20)
	c.Do("CONFIG", "SET", "maxmemory", "32mb")
	logSays(t, s, "the hottest 32 MB stay in memory, up to 320 MB on disk; maxdisk sets it")
	for setting, reason := range map[string]string{
		"--maxdisk 1mb":                  "argument must be at least 8388608 bytes",
		"--maxdisk-db 16 1mb":            "*** FATAL CONFIG FILE ERROR ***\nmaxdisk-db: DB index is out of range: there are 16 databases, from 0 to 15",
		"--maxdisk-db 1":                 "argument must be pairs of a database's number and its value",
		"--maxmemory-policy-db 1 lru":    "argument(s) must be one of the following: volatile-lru, ",
		"--maxmemory-policy allkeys-lrx": "argument(s) must be one of the following: volatile-lru, ",
	} {
		args := append([]string{"--port", "0", "--dir", t.TempDir()}, strings.Fields(setting)...)
		out, err := exec.Command(subjectBin(t), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), reason) {
			t.Errorf("%s: %v, %.500s", setting, err, out)
		}
	}
}

// The form is client-output-buffer-limit's; a client sees what counts, and CONFIG SET within MULTI works, too.
func TestBoundsInATransaction(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	c.Do("MULTI")
	c.Do("CONFIG", "SET", "maxdisk-db", "3 500mb 5 1gb")
	c.Do("CONFIG", "SET", "maxdisk", "20mb")
	c.Do("CONFIG", "SET", "maxdisk", "20kb")
	c.Do("CONFIG", "GET", "maxdisk-db")
	v := c.Do("EXEC")
	if len(v.elems) != 4 || v.elems[0].text != "OK" || v.elems[1].text != "OK" || v.elems[2].kind != kindError ||
		v.elems[3].elems[1].Text() != "3 524288000 5 1073741824" {
		t.Errorf("EXEC: %s", v)
	}
	equal(t, "maxdisk", boundsField(t, c, "maxdisk"), 20<<20)
	equal(t, "maxdisk of database 5", ofDatabase(c, 5, "maxdisk"), "1073741824")
	start := time.Now()
	for range 200 { // they take no lock that a command holds
		configSet(t, c, "maxdisk", "20mb")
		configSet(t, c, "maxdisk", "30mb")
	}
	t.Logf("400 changes of maxdisk in %v", time.Since(start))
}

// A line is about one bound: it has the database's number, figures and policy if the bound is a database's.
func TestTheLogTellsWhichBoundIsReached(t *testing.T) {
	s := startServer(t, subjectBin(t), "--maxmemory", "32mb", "--maxdisk", "64mb", "--maxmemory-policy", "allkeys-lfu",
		"--maxdisk-db", "3 1mb 4 1mb 5 1mb", "--maxmemory-policy-db", "3 volatile-ttl 5 noeviction")
	c := dial(t, s.Addr)
	value := strings.Repeat("v", 4000)
	for _, db := range []int{3, 5} {
		c.Do("SELECT", db)
		await(t, "the database is full", func() bool { return c.Do("RPUSH", "l", value).kind == kindError })
	}
	c.Do("CONFIG", "SET", "maxmemory-policy-db", "5 allkeys-lru") // the log tells of the policy that has refused
	c.Do("SELECT", 4)
	for i := range 600 {
		c.Do("SET", i, value)
	}
	if v := c.Do("SET", "large", strings.Repeat("v", 2<<20)); v.kind != kindError {
		t.Errorf("SET of 2 MB in a database of 1 MB: %s", v)
	}
	for _, want := range []struct{ text, fields string }{
		{"writes to a database are refused: a database has reached its own bound on disk, and maxmemory-policy volatile-ttl finds nothing to evict",
			`"db":3,"policy":"volatile-ttl","used_disk_db":`},
		{"writes to a database are refused: a database has reached its own bound on disk, and maxmemory-policy is noeviction",
			`"db":5,"policy":"noeviction","used_disk_db":`},
		{"a database has reached its own bound on disk: keys of it are evicted", `"db":4,"policy":"allkeys-lfu","used_disk_db":`},
		{"a command was refused that is larger than its database's maxdisk-db by itself", `"commands":1,"db":4,"maxdisk_db":1048576,`},
	} {
		await(t, "the log says: "+want.text, func() bool {
			for line := range strings.Lines(s.Log.String()) {
				if strings.Contains(line, want.text) && strings.Contains(line, want.fields) {
					return true
				}
			}
			return false
		})
	}
	c.Do("SELECT", 5)
	c.Do("DEL", "l")
	logSays(t, s, `"message":"writes to a database are accepted again"`)
	for _, text := range []string{`"message":"writes are refused`, `"message":"a bound of the disk is reached`, `"message":"writes are accepted again`} {
		equal(t, "lines that say "+text, strings.Count(s.Log.String(), text), 0)
	}
}

package rdb

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

const serversDir = "testdata/servers"

// fillAll makes keys of all types and encodings, in two databases, as far as the server has them.
func (r *redis) fillAll() {
	r.t.Helper()
	set := func(name, value string) { r.do("CONFIG", "SET", name, value) } // which older ones may not have
	r.must("SET", "string", "value")
	r.must("SET", "empty", "")
	for _, n := range []string{"0", "-129", "40000", "-2147483648", "9223372036854775807"} {
		r.must("SET", "number "+n, n)
	}
	r.must("SET", "compressed", strings.Repeat("abc", 100))
	r.must("SET", "binary", noise(40))
	r.must("SET", "expires", "later", "PXAT", "4102444800123")
	r.must("PFADD", "hyperloglog", "a", "b", "c")
	r.must("RPUSH", "list", "a", "", "1", "-300", "70000", noise(70))
	set("list-max-listpack-size", "2")
	set("list-max-ziplist-size", "2")
	r.must("RPUSH", "list of nodes", "a", "b", "c", "1", "2", words(300), "end")
	r.must("SADD", "integers", "1", "-2", "3")
	r.must("SADD", "large integers", "1", "-2147483649", "3")
	r.must("SADD", "set", "a", "b", "3")
	r.must("ZADD", "zset", "1", "a", "-inf", "b", "0.1", "c", "1e300", "d", "3", "70")
	r.must("HSET", "hash", "field", "value", "number", "-5", "empty", "")
	for name := range map[string]int{"set": 0, "zset": 0, "hash": 0} {
		set(name+"-max-listpack-entries", "0")
		set(name+"-max-ziplist-entries", "0")
	}
	r.must("SADD", "set as table", "a", "b", "3")
	r.must("ZADD", "zset as skiplist", "1", "a", "-inf", "b", "0.1", "c", "1e300", "d", "3", "70")
	r.must("HSET", "hash as table", "field", "value", "number", "-5", "empty", "")
	r.fillFieldTimes("hash as table with deadlines")
	set("hash-max-listpack-entries", "128")
	r.fillFieldTimes("hash with deadlines")
	r.fillStreams()
	r.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
	r.must("SELECT", "9")
	r.must("SET", "string", "another", "PXAT", "4102444800000")
}

// fillFieldTimes makes a hash of fields with deadlines, if the server knows these.
func (r *redis) fillFieldTimes(key string) {
	r.must("HSET", key, "a", "1", "b", "2", "c", "3", "d", "4")
	if reply := r.do("HPEXPIREAT", key, "4102444800001", "FIELDS", "1", "b"); strings.HasPrefix(reply,
		"-ERR unknown command") {
		r.must("DEL", key)
		return
	}
	r.must("HPEXPIREAT", key, "4102444800500", "FIELDS", "1", "d")
}

func (r *redis) fillStreams() {
	for i := 1; i <= 12; i++ {
		r.must("XADD", "stream", fmt.Sprintf("%d-%d", 1000+i/3, i), "field", strconv.Itoa(i), "text", words(i))
	}
	r.must("XADD", "stream", "2000-0", "other", "x")
	r.must("XDEL", "stream", "1001-4", "2000-0")
	r.must("XGROUP", "CREATE", "stream", "group", "0")
	r.must("XGROUP", "CREATE", "stream", "at the end", "$")
	r.must("XGROUP", "CREATECONSUMER", "stream", "group", "idle")
	r.must("XREADGROUP", "GROUP", "group", "alice", "COUNT", "4", "STREAMS", "stream", ">")
	r.must("XREADGROUP", "GROUP", "group", "bob", "COUNT", "2", "STREAMS", "stream", ">")
	r.must("XACK", "stream", "group", "1000-2")
	r.must("XCLAIM", "stream", "group", "bob", "0", "1001-3", "TIME", "1700000000000", "RETRYCOUNT", "7", "JUSTID")
	r.must("XGROUP", "CREATE", "never filled", "group", "$", "MKSTREAM")
	r.must("XADD", "emptied", "5-5", "a", "b")
	r.must("XDEL", "emptied", "5-5")
}

// name is that of the server with its version.
func (r *redis) name() string {
	facts := map[string]string{}
	for line := range strings.Lines(r.must("INFO", "server")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		facts[name] = value
	}
	if facts["server_name"] == "valkey" {
		return "valkey-" + facts["valkey_version"]
	}
	return "redis-" + facts["redis_version"]
}

// recordServers makes a file of each server and asks it what is in there; of a server too old for the questions,
// redis-server.
func recordServers(t *testing.T) {
	for _, program := range append(strings.Split(*servers, ","), "redis-server") {
		for _, policy := range []string{"noeviction", "allkeys-lfu"} {
			if program == "" || policy == "allkeys-lfu" && program != "redis-server" {
				continue
			}
			dir := t.TempDir()
			r := startServer(t, program, dir, "--maxmemory-policy", policy)
			r.fillAll()
			r.must("SAVE")
			b, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
			if err != nil {
				t.Fatal(err)
			}
			name := r.name()
			if policy != "noeviction" {
				name += "-" + policy
			}
			if strings.HasPrefix(r.do("PEXPIRETIME", "string"), "-ERR") {
				r = startServer(t, "redis-server", dir)
			}
			path := filepath.Join(serversDir, name)
			lines := strings.Join(r.keyLines(), "\n") + "\n"
			if err := os.WriteFile(path+".rdb", b, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".txt", []byte(lines), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFilesOfServersHaveWhatTheyFindInThem(t *testing.T) {
	if *recordFlag {
		recordServers(t)
	}
	names, err := filepath.Glob(serversDir + "/*.txt")
	if err != nil || len(names) < 6 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		expected, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(strings.TrimSuffix(name, ".txt") + ".rdb")
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int64{0, 1, 100} {
			lines, _, err := readAll(bytes.NewReader(b), FileOptions{PartBytes: size})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			function := slices.Contains(lines, fmt.Sprintf("function %q",
				"#!lua name=lib\nredis.register_function('f', function() return 1 end)"))
			if function == strings.Contains(name, "redis-6") {
				t.Errorf("%s: the library is there: %v", name, function)
			}
			lines = onlyValues(lines)
			slices.Sort(lines)
			if got := strings.Join(lines, "\n") + "\n"; got != string(expected) {
				t.Errorf("%s in parts of %d: has\n%.5000s\nexpected\n%.5000s", name, size, got, expected)
				break
			}
		}
	}
}

func TestModulesAreNamedWithTheirKeysAndPassedOver(t *testing.T) {
	// Written by Redis 7.4.1 with the modules of Redis Stack 7.4.
	b, err := os.ReadFile(serversDir + "/redis-7.4.1-modules.rdb")
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := readAll(bytes.NewReader(b), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lines = onlyValues(lines)
	slices.Sort(lines)
	want := []string{
		`data of module ft_index0`, `data of module scdtype00`, `data of module scdtype00`,
		`db 0 key "before" string "1"`,
		`db 0 key "bloom" is a value of module MBbloom--`,
		`db 0 key "cuckoo" is a value of module MBbloomCF`,
		`db 0 key "digest" is a value of module TDIS-TYPE`,
		`db 0 key "doc" is a value of module ReJSON-RL`,
		`db 0 key "h:1" hash "n"="5" "t"="hello"`,
		`db 0 key "series" is a value of module TSDB-TYPE`,
		`db 0 key "sketch" is a value of module CMSk-TYPE`,
		`db 0 key "top" is a value of module TopK-TYPE`,
		`db 0 key "zafter" string "2"`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

// newestVersion is the highest version of files that the server loads.
func (r *redis) newestVersion() int {
	name, version, _ := strings.Cut(r.name(), "-")
	switch {
	case name == "valkey", strings.HasPrefix(version, "7.2."):
		return 11
	case strings.HasPrefix(version, "6."):
		return 9
	case strings.HasPrefix(version, "7.0."):
		return 10
	}
	return 12
}

func TestLiveServersLoadWhatIsWritten(t *testing.T) {
	liveRedis(t, "that servers load the files that are written")
	for _, program := range append(strings.Split(*servers, ","), "redis-server") {
		if program == "" {
			continue
		}
		r := startServer(t, program, t.TempDir())
		hasExpireTime := !strings.HasPrefix(r.do("PEXPIRETIME", "k"), "-ERR")
		newest := r.newestVersion()
		checked := 0
		for version := 9; version <= newest; version++ {
			for seed := range 4 {
				keys := randomKeys(testrand.New(t, uint64(1000*version+seed)), 80, version >= 12)
				for i := range keys {
					if keys[i].ExpiresMs != 0 {
						keys[i].ExpiresMs += 1 << 42 // in 2109
					}
					for j := range keys[i].value.Times {
						if keys[i].value.Times[j] != 0 {
							keys[i].value.Times[j] = 1<<42 + int64(j)
						}
					}
				}
				o := FileWriterOptions{Version: version, Compress: seed%2 == 0, NoChecksum: seed == 2}
				dir := t.TempDir()
				path := filepath.Join(dir, "dump.rdb")
				if err := os.WriteFile(path, writeFile(t, o, keys, seed > 1), 0o666); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command("redis-check-rdb", path).CombinedOutput(); err != nil && version <= 10 {
					t.Errorf("version %d, seed %d: redis-check-rdb says %s", version, seed, out)
				}
				server := startServer(t, program, dir)
				if !hasExpireTime {
					if got := server.must("DBSIZE"); got == "0" {
						t.Errorf("%s, version %d, seed %d: nothing was loaded", r.name(), version, seed)
					}
					server.must("SAVE")
					server = startServer(t, "redis-server", dir)
				}
				var want []string
				for _, k := range keys {
					want = append(want, k.lineOf(version))
				}
				slices.Sort(want)
				got := server.keyLines()
				for i := range want {
					if i >= len(got) || got[i] != want[i] {
						t.Fatalf("%s, version %d, seed %d: has\n%.900s\nwant\n%.900s", r.name(), version, seed,
							got[min(i, len(got)-1)], want[i])
					}
					checked++
				}
			}
		}
		t.Logf("%s has loaded %d keys of files of versions 9 to %d", r.name(), checked, newest)
	}
}

func TestLiveServersDumpWhatIsDecoded(t *testing.T) {
	liveRedis(t, "that the payloads of servers are decoded")
	for _, program := range append(strings.Split(*servers, ","), "redis-server") {
		if program == "" {
			continue
		}
		r := startServer(t, program, t.TempDir())
		r.fillAll()
		r.must("SELECT", "0")
		keys := r.list("KEYS", "*")
		for _, key := range keys {
			v, err := Decode([]byte(r.must("DUMP", key)), Limits{})
			if err != nil {
				t.Errorf("%s: key %q: %v", r.name(), key, err)
				continue
			}
			if v.Kind == Stream && strings.HasPrefix(r.name(), "redis-6") {
				continue // which does not say what it has read
			}
			if got, want := valueText(v), valueText(r.valueOf(key)); got != want {
				t.Errorf("%s: key %q is\n%s\nwant\n%s", r.name(), key, got, want)
			}
		}
		t.Logf("%s: %d payloads", r.name(), len(keys))
	}
}

func TestLiveLargeValuesAreReadInParts(t *testing.T) {
	r := liveRedis(t, "that large values of a live Redis are read in parts")
	fill := `
		for i = 1, 15000 do
			local text = string.rep(i, i % 9)
			redis.call('RPUSH', 'list', i, text)
			redis.call('SADD', 'set', i, 'member' .. i)
			redis.call('SADD', 'integers', i)
			redis.call('ZADD', 'zset', i / 7, 'member' .. i)
			redis.call('HSET', 'hash', 'field' .. i, text)
			redis.call('XADD', 'stream', i .. '-1', 'field', text, 'other', i)
		end
		redis.call('SET', 'string', string.rep('0123456789', 1000000))
		redis.call('RPUSH', 'long elements', string.rep('a', 3000000), string.rep('b', 100), string.rep('c', 3000000))`
	r.must("CONFIG", "SET", "set-max-intset-entries", "1000000")
	r.must("EVAL", fill, "0")
	for i := range 3 {
		group := fmt.Sprintf("group%d", i)
		r.must("XGROUP", "CREATE", "stream", group, "0")
		r.must("XREADGROUP", "GROUP", group, "alice", "COUNT", strconv.Itoa(5000*(i+1)), "STREAMS", "stream", ">")
	}
	want := r.keyLines()
	r.must("SAVE")
	dir := strings.Split(r.must("CONFIG", "GET", "dir"), "\n")[1]
	b, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 100_000} {
		got, parts, err := readAll(bytes.NewReader(b), FileOptions{PartBytes: size})
		if err != nil {
			t.Fatal(err)
		}
		got = onlyValues(got)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("in parts of %d bytes: not the same", size)
		}
		t.Logf("%d keys in %d parts of about %d bytes", len(got), parts, size)
	}
}

package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"diskette/resp/acl"
	"diskette/resp/internal/words"
)

// confFile writes a conf file and gives its path.
func confFile(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLinesSplitIntoWordsAsInRedisConf(t *testing.T) {
	for _, test := range []struct {
		line  string
		words []string
	}{
		{``, nil},
		{"  port \t 1  ", []string{"port", "1"}},
		{"\va\vb", []string{"a\vb"}},
		{`save ""`, []string{"save", ""}},
		{`"port" '1'`, []string{"port", "1"}},
		{`pass a"b c"`, []string{"pass", "ab c"}},
		{`pass "\x41\n\r\t\b\a\q\"\\"`, []string{"pass", "A\n\r\t\b\aq\"\\"}},
		{`pass "\x4g\x"`, []string{"pass", "x4gx"}},
		{`pass 'a\'b\n"'`, []string{"pass", `a'b\n"`}},
		{"pass \xff\x00", []string{"pass", "\xff\x00"}},
	} {
		words, ok := words.Split(test.line)
		if !ok || !slices.Equal(words, test.words) {
			t.Errorf("%q: %q %t, want %q", test.line, words, ok, test.words)
		}
	}
	for _, line := range []string{`port "1`, `port '1`, `port "1"x`, `port '1'x`, `"`, `port "1\"`, `a"b"c`} {
		if words, ok := words.Split(line); ok {
			t.Errorf("%q has unbalanced quotes, but gives %q", line, words)
		}
	}
}

func TestArgumentsAreThoseOfRedisServer(t *testing.T) {
	for _, test := range []struct {
		args        []string
		name, value string
	}{
		{[]string{"--port", "7000"}, "port", "7000"},
		{[]string{"--port 7000"}, "port", "7000"},
		{[]string{"--PORT", "7000"}, "port", "7000"},
		{[]string{"--port", "0"}, "port", "0"},
		{[]string{"--port", "1", "--port", "2"}, "port", "2"},
		{[]string{"--save", ""}, "save", ""},
		{[]string{"--save"}, "save", ""},
		{[]string{"--save", "--port", "1"}, "save", ""},
		{[]string{"--save", "--port", "1"}, "port", "1"},
		{[]string{"--save", "900", "1"}, "save", "900 1"},
		{[]string{"--save", "900 1 300 10"}, "save", "900 1 300 10"},
		{[]string{"--save 900 1"}, "save", "900 1"},
		{[]string{"--save", "900", "1", "--save", "60", "2"}, "save", "900 1 60 2"},
		{[]string{"--save", "900", "1", "--save", ""}, "save", ""},
		{[]string{"--requirepass", "--abc", "--port", "1"}, "requirepass", "--abc"},
		{[]string{"--requirepass", `a"b c`}, "requirepass", `a"b c`},
		{[]string{"--bind", "127.0.0.1", "::1"}, "bind", "127.0.0.1 ::1"},
		{[]string{"--bind", ""}, "bind", ""},
		{[]string{"--client-output-buffer-limit", "normal", "1", "2", "3", "pubsub", "4", "5", "6"},
			"client-output-buffer-limit", "normal 1 2 3 slave 268435456 67108864 60 pubsub 4 5 6"},
		{[]string{"--appendonly", "no"}, "appendonly", "yes"},
		{[]string{"--hash-max-ziplist-entries", "5"}, "hash-max-listpack-entries", "5"},
		{[]string{"--replicaof", "no", "one"}, "replicaof", ""},
		{[]string{"--slaveof", "no one"}, "replicaof", ""},
		{[]string{"--replicaof", "localhost", "6380"}, "replicaof", "localhost 6380"},
		{[]string{"--tls-port", "0"}, "tls-port", "0"},
		{[]string{"--aclfile", ""}, "aclfile", ""},
		{[]string{"--dir", "/a/../b"}, "dir", "/b"},
		{[]string{"--allow-network-filesystem", "yes"}, "allow-network-filesystem", "yes"},
		{[]string{"--set-aside-damaged", "yes"}, "set-aside-damaged", "yes"},
	} {
		c, _, err := loadConfig(test.args, dataTable(), strings.NewReader(""))
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
		} else if shown := shownValue(t, c, test.name); shown != test.value {
			t.Errorf("%q: %s is %q", test.args, test.name, shown)
		}
	}
}

func TestBadArgumentsEndTheStartWithTheReason(t *testing.T) {
	for _, test := range []struct {
		args             []string
		line             string
		shownText, cause string
	}{
		{[]string{"--hz", "20", "--nonsense", "1"}, "2", `nonsense "1"`, "Bad directive or wrong number of arguments"},
		{[]string{"-port", "1"}, "1", `-port "1"`, "Bad directive or wrong number of arguments"},
		{[]string{"--", "1"}, "1", ` "1"`, "Bad directive or wrong number of arguments"},
		{[]string{"--port"}, "1", "port", "wrong number of arguments"},
		{[]string{"--port", "--save"}, "1", `port "--save"`, "argument couldn't be parsed into an integer"},
		{[]string{"--port 1", "2"}, "1", `port 1 "2"`, "wrong number of arguments"},
		{[]string{"--port", ""}, "1", `port ""`, "argument couldn't be parsed into an integer"},
		{[]string{`--port "1`}, "1", `port "1`, "Unbalanced quotes in configuration line"},
		{[]string{"--save", "900"}, "1", `save "900"`, "Invalid save parameters"},
		{[]string{"--databases", "0"}, "1", `databases "0"`, "argument must be between 1 and 2147483647 inclusive"},
		{[]string{"--unixsocketperm", "800"}, "1", `unixsocketperm "800"`, "argument couldn't be parsed as an octal number"},
		{[]string{"--unixsocketperm", "1000"}, "1", `unixsocketperm "1000"`, "argument must be between 0 and 777 inclusive"},
		{strings.Fields("--bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), "1",
			`bind "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16" "17"`,
			"Too many bind addresses specified."},
		{[]string{"--replicaof", "localhost", "65536"}, "1", `replicaof "localhost" "65536"`, "Invalid master port"},
		{[]string{"--replicaof", "a\x00b", "6379"}, "1", `replicaof "a\x00b" "6379"`, "Invalid master host"},
		{[]string{"--replicaof", "localhost"}, "1", `replicaof "localhost"`, "wrong number of arguments"},
		{[]string{"--loadmodule", "x.so"}, "1", `loadmodule "x.so"`,
			"modules are not supported: what x.so provides would be missing"},
		{[]string{"--tls-protocols", "SSLv3"}, "1", `tls-protocols "SSLv3"`,
			"Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."},
		{[]string{"--tls-protocols", "TLSv1.1 TLSv1.3"}, "1", `tls-protocols "TLSv1.1 TLSv1.3"`,
			"Invalid tls-protocols specified. The versions must follow on one another."},
		{[]string{"--tls-ciphers", "AES256-SHA:HIGH"}, "1", `tls-ciphers "AES256-SHA:HIGH"`,
			"no cipher is named 'HIGH'. Known are DEFAULT, alone, and AES128-GCM-SHA256 AES128-SHA AES128-SHA256 " +
				"AES256-GCM-SHA384 AES256-SHA DES-CBC3-SHA ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES128-SHA " +
				"ECDHE-ECDSA-AES128-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES256-SHA " +
				"ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-ECDSA-RC4-SHA ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-SHA " +
				"ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-SHA " +
				"ECDHE-RSA-CHACHA20-POLY1305 ECDHE-RSA-DES-CBC3-SHA ECDHE-RSA-RC4-SHA RC4-SHA"},
		{[]string{"--tls-ciphersuites", "TLS_AES_256_GCM_SHA384"}, "1", `tls-ciphersuites "TLS_AES_256_GCM_SHA384"`,
			"TLS_AES_128_GCM_SHA256 can not be left out: the Go language always offers all suites of TLS 1.3. " +
				"Name all three, or none, or leave TLSv1.3 out of tls-protocols and this list empty"},
		{[]string{"--cluster-enabled", "yes"}, "1", `cluster-enabled "yes"`, "cluster mode is not supported"},
		{[]string{"--user", "bob", "on", "nosuch"}, "1", `user "bob" "on" "nosuch"`,
			"Error in user declaration 'nosuch': Syntax error"},
		{[]string{"--user", "bob", "+nosuch"}, "1", `user "bob" "+nosuch"`,
			"Error in user declaration '+nosuch': Unknown command or category name in ACL"},
		{[]string{"--user", "bob", "(+get"}, "1", `user "bob" "(+get"`,
			"Error in user declaration '(+get': Unmatched parenthesis in selector definition."},
		{[]string{"--user", "a b"}, "1", `user "a b"`,
			"Error in user declaration 'a b': Spaces not allowed in ACL usernames"},
		{[]string{"--user", "bob", "--user", "bob"}, "2", `user "bob"`,
			"Error in user declaration 'bob': Duplicate user found. A user can only be defined once in config files"},
		{[]string{"--rename-command", "nosuch", ""}, "1", `rename-command "nosuch" ""`, "No such command in rename-command"},
		{[]string{"--rename-command", "get", "", "--rename-command", "GET", "x"}, "2", `rename-command "GET" "x"`,
			"No such command in rename-command"},
		{[]string{"--rename-command", "get", "SET"}, "1", `rename-command "get" "SET"`, "Target command name already exists"},
	} {
		_, _, err := loadConfig(test.args, dataTable(), strings.NewReader(""))
		want := "*** FATAL CONFIG FILE ERROR ***\nReading the command line, at line " + test.line +
			"\n>>> '" + test.shownText + "'\n" + test.cause
		if err == nil || !strings.HasPrefix(err.Error()+"\n", want+"\n") {
			t.Errorf("%q: %v\nwant %s", test.args, err, want)
		}
	}
}

func TestConfFileLines(t *testing.T) {
	file := confFile(t,
		"# a comment", "  # another", "", "   ", "\tPoRt 7000  \r", `"timeout" '5'`,
		"save 900 1", "save 300 10", "slave-priority 7", "maxmemory 1mb",
		"list-max-ziplist-entries 512", "rename-command GET get", "hz 50")
	c := startedWith(t, file, "--hz", "60")
	for name, want := range map[string]string{
		"port": "7000", "timeout": "5", "save": "900 1 300 10", "replica-priority": "7", "maxmemory": "1048576", "hz": "60",
	} {
		if got := shownValue(t, c, name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if c.File() != file {
		t.Errorf("the file is %q", c.File())
	}
}

func TestABadLineIsNamedWithItsFile(t *testing.T) {
	for _, test := range []struct{ line, reason string }{
		{"porrt 3", "Bad directive or wrong number of arguments"},
		{"port 1 # no comment here", "wrong number of arguments"},
		{`port "1`, "Unbalanced quotes in configuration line"},
		{`""`, "Bad directive or wrong number of arguments"},
		{"include", "Bad directive or wrong number of arguments"},
		{"include a b", "Bad directive or wrong number of arguments"},
		{"rename-command get", "Bad directive or wrong number of arguments"},
		{"user", "Bad directive or wrong number of arguments"},
		{"port x", "argument couldn't be parsed into an integer"},
	} {
		file := confFile(t, "hz 10", "# comment", test.line, "hz 20")
		_, _, err := Load([]string{file}, dataTable())
		want := "*** FATAL CONFIG FILE ERROR ***\nReading the configuration file '" + file + "', at line 3\n>>> '" +
			test.line + "'\n" + test.reason
		if err == nil || !strings.HasPrefix(err.Error()+"\n", want+"\n") {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	_, _, err := Load([]string{"/nosuch/file.conf"}, dataTable())
	if err == nil || !strings.HasPrefix(err.Error(), "Fatal error, can't open config file '/nosuch/file.conf': ") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestABadLineSaysWhatToDo(t *testing.T) {
	for line, want := range map[string]string{
		"maxmemmory 1mb":        "is it maxmemory?",
		"apendonly yes":         "is it appendonly?",
		"no-such-option 1":      "they are those of redis.conf",
		"port 1 2":              "port takes one value",
		"requirepass a b":       "requirepass takes one value, in quotes",
		"include":               "include takes the name of a file",
		"rename-command get":    "rename-command takes a command's name and its new one",
		"include /no/such.conf": "/no/such.conf: no such file or directory; name one that is there",
	} {
		_, _, err := loadConfig([]string{"-"}, dataTable(), strings.NewReader(line))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	l := newConfLoader(defaultSettings(), dataTable())
	l.readFile = func(string) ([]byte, error) { return nil, fs.ErrPermission }
	if err := l.loadFile("/x", 0); err == nil || !strings.Contains(err.Error(), "must be allowed to read it") {
		t.Error(err)
	}
}

func TestIncludedFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("a.inc", "timeout 1\n")
	write("b.inc", "hz 20\n")
	file := write("main.conf", "hz 30\ninclude "+dir+"/*.inc\ninclude "+dir+"/*.none\ntimeout 2\n")
	c := startedWith(t, file)
	if shownValue(t, c, "hz") != "20" || shownValue(t, c, "timeout") != "2" {
		t.Error("an included line does not stand in the place of its include")
	}

	bad := write("bad.inc", "hz 20\nhz x\n")
	_, _, err := Load([]string{write("main.conf", "include "+bad+"\n")}, dataTable())
	if err == nil || !strings.Contains(err.Error(), "'"+bad+"', at line 2\n>>> 'hz x'") {
		t.Errorf("an error in an included file: %v", err)
	}
	_, _, err = Load([]string{write("main.conf", "include "+dir+"/nosuch\n")}, dataTable())
	if err == nil || !strings.Contains(err.Error(), "can't open config file '"+dir+"/nosuch'") {
		t.Errorf("a missing included file: %v", err)
	}
	loop := filepath.Join(dir, "loop.conf")
	_, _, err = Load([]string{write("loop.conf", "include "+loop+"\n")}, dataTable())
	if err == nil || !strings.Contains(err.Error(), "16 deep") {
		t.Errorf("a file that includes itself: %v", err)
	}
}

func TestStandardInputComesBetweenFileAndOptions(t *testing.T) {
	file := confFile(t, "hz 11", "timeout 11", "port 11")
	for _, args := range [][]string{{file, "-", "--hz", "13"}, {file, "--hz", "13", "-"}} {
		c, _, err := loadConfig(args, dataTable(), strings.NewReader("hz 12\ntimeout 12"))
		if err != nil {
			t.Fatal(err)
		}
		if shownValue(t, c, "port") != "11" || shownValue(t, c, "timeout") != "12" || shownValue(t, c, "hz") != "13" {
			t.Errorf("%q: %v", args, c.Get("port", "timeout", "hz"))
		}
	}
	_, _, err := loadConfig([]string{"-"}, dataTable(), strings.NewReader("\nhz x"))
	if err == nil || !strings.Contains(err.Error(), "Reading standard input, at line 2") {
		t.Errorf("got %v", err)
	}
}

func TestOptionsWithoutEffectAreNoticedOnce(t *testing.T) {
	file := confFile(t, "save 900 1", "save 300 10", "port 7000", "activedefrag yes", "slave-read-only yes",
		"requirepass x")
	_, notices, err := Load([]string{file, "--daemonize", "yes", "--save", ""}, dataTable())
	if err != nil {
		t.Fatal(err)
	}
	want := []Notice{
		{"save", "every write is durable without snapshots; SAVE and BGSAVE write one, and nothing else does"},
		{"activedefrag", "the Go language's memory needs no defragmentation"},
	}
	if !slices.Equal(notices, want) {
		t.Errorf("got %v", notices)
	}
}

func TestUsersComeFromTheConfFileOrFromAnACLFile(t *testing.T) {
	_, _, err := Load([]string{confFile(t, "user bob on", "aclfile users.acl")}, dataTable())
	const both = "define either an ACL file or declare users directly in your redis.conf, but not both"
	if err == nil || !strings.Contains(err.Error(), both) {
		t.Errorf("both: %v", err)
	}
}

func TestAUserLineOutranksRequirepass(t *testing.T) {
	for _, test := range []struct{ line, password, want string }{
		{"user default on nopass ~* &* +@all", "x", "user default on nopass sanitize-payload ~* &* +@all"},
		{"user default on >y ~a* +get", "x",
			"user default on sanitize-payload #" + acl.PasswordHash("y") + " ~a* resetchannels -@all +get"},
		{"user bob on nopass", "x", "user default on sanitize-payload #" + acl.PasswordHash("x") + " ~* &* +@all"},
	} {
		s := startedWith(t, confFile(t, test.line, "requirepass "+test.password)).Users(dataTable())
		if got := s.Def.Line(); got != test.want {
			t.Errorf("%s: %s", test.line, got)
		}
	}
}

func FuzzConfFile(f *testing.F) {
	for _, seed := range []string{
		"", "port 1", "# x\n\nPORT\t7000\r\n", `requirepass "a\x41\n\"b" `, `requirepass 'a\'b'`, `a"b`,
		"save 1 2\nsave \"\"\nsave 3 4",
		"client-output-buffer-limit replica 1mb 2 3", "include /nosuch", "include", "user default on nopass ~* &* +@all",
		"user x",
		"rename-command a a", "maxmemory 99999999999999999999gb", "maxmemory-clients 5%", "notify-keyspace-events KEA",
		"hz 0",
		"shutdown-on-sigterm save now", "latency-tracking-info-percentiles nan 1e999 50", "bind * -::*", "\"\\x", "\"\\",
		"\x00\xff\"\x80\"",
		"Bind 0\v", "bind a \"\" b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		for line := range strings.Lines(content) {
			read, ok := words.Split(line)
			if !ok {
				continue
			}
			quoted := make([]string, len(read))
			for i, word := range read {
				quoted[i] = words.Quote(word)
			}
			again, ok := words.Split(strings.Join(quoted, " "))
			if !ok || !slices.Equal(read, again) {
				t.Fatalf("%q quoted reads as %q", read, again)
			}
		}

		if strings.Contains(strings.ToLower(content), "incl") {
			return // a pattern would walk through this machine's folders
		}
		l := newConfLoader(defaultSettings(), dataTable())
		l.readFile = func(string) ([]byte, error) { return nil, fs.ErrPermission }
		if err := l.load("the configuration file", content, 0); err != nil {
			return
		}
		// What a file amounts to can be written to another file and read back.
		rewritten, err := (&Config{table: dataTable()}).rewriteConf("", defaultSettings(), l.settings)
		if err != nil {
			t.Fatal(err)
		}
		stale, err := (&Config{table: dataTable()}).staleParameters(rewritten, defaultSettings(), l.settings)
		if err != nil || len(stale) > 0 {
			t.Fatalf("%q rewritten as %q differs: %v %v", content, rewritten, stale, err)
		}
		new(Config).publish(l.settings)
	})
}

func TestDefaultsMayBeOthersAndAreNoLinesOfTheUsers(t *testing.T) {
	defaults := []string{"bind * -::*", "protected-mode no", "save 60 1"}
	for _, test := range []struct {
		args  []string
		stdin string
		shown map[string]string
	}{
		{nil, "", map[string]string{"bind": "* -::*", "protected-mode": "no", "save": "60 1"}},
		{[]string{"-"}, "save 7 7", map[string]string{"bind": "* -::*", "protected-mode": "no", "save": "7 7"}},
		{[]string{"--save", "1 1", "--bind", "::1"}, "", map[string]string{"bind": "::1", "save": "1 1"}},
		{
			[]string{confFile(t, "save 900 1", "save 300 10", "user bob on", "protected-mode yes"), "--hz", "11"}, "",
			map[string]string{"bind": "* -::*", "protected-mode": "yes", "save": "900 1 300 10", "hz": "11"},
		},
	} {
		c, notices, err := loadConfig(test.args, dataTable(), strings.NewReader(test.stdin), defaults...)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		for name, want := range test.shown {
			if got := shownValue(t, c, name); got != want {
				t.Errorf("%q: %s is %q, not %q", test.args, name, got, want)
			}
		}
		if len(notices) > 1 || len(notices) == 1 && notices[0].Option != "save" {
			t.Errorf("%q: notices %v", test.args, notices)
		}
	}
}

func TestConfigRewriteKnowsWhichDefaultsHold(t *testing.T) {
	defaults := []string{"bind * -::*", "protected-mode no"}
	file := confFile(t, "user bob on", "save 900 1", "save 300 10")
	c, _, err := loadConfig([]string{file}, dataTable(), strings.NewReader(""), defaults...)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	for _, step := range []struct{ value, added string }{{"no", ""}, {"yes", "protected-mode yes\n"}} {
		if err := c.Set([][2]string{{"protected-mode", step.value}}); err != nil {
			t.Fatal(err)
		}
		if err := c.Rewrite(); err != nil {
			t.Fatal(err)
		}
		after, _ := os.ReadFile(file)
		added := strings.TrimPrefix(string(after), string(before))
		added = strings.TrimPrefix(strings.TrimSpace(added), rewriteHeading)
		if strings.TrimSpace(added) != strings.TrimSpace(step.added) {
			t.Errorf("protected-mode %s: the file gets %q", step.value, added)
		}
		again, _, err := loadConfig([]string{file}, dataTable(), strings.NewReader(""), defaults...)
		if err != nil || !slices.Equal(again.Get("*"), c.Get("*")) {
			t.Errorf("the file does not give back what held: %v", err)
		}
	}
}

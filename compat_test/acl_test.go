package compat_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// aclFile writes an ACL file.
func aclFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func says(t *testing.T, c *client, want string, args ...any) {
	t.Helper()
	if v := c.Do(args...); v.text != want {
		t.Errorf("%v: %s\nwant %s", args, v, want)
	}
}

// Patterns with quotes stand in conf files and ACL files so that a start reads them again.
func TestUsersWithQuotesSurviveConfigRewriteAndACLSave(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(conf, []byte("hz 20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := aclFile(t, "user default on nopass ~* &* +@all")
	inConf, inACLFile := newServer(t, subjectBin(t)), newServer(t, subjectBin(t), "--aclfile", path)
	inConf.args = append([]string{conf}, inConf.args...)
	for _, how := range []struct {
		s    *server
		save []any
	}{{inConf, []any{"CONFIG", "REWRITE"}}, {inACLFile, []any{"ACL", "SAVE"}}} {
		s := how.s
		s.start(nil)
		c := dial(t, s.Addr)
		says(t, c, "OK", "ACL", "SETUSER", `n"ame`, "on", ">p", `~a"b`, `~'`, `&c"`, `(~"x\"y" "~z)" +get)`, `+get|a"b`)
		before := c.Do("ACL", "LIST").String()
		says(t, c, "OK", how.save...)
		s.Kill9()
		s.start(nil)
		equal(t, "ACL LIST after a restart", dial(t, s.Addr).Do("ACL", "LIST").String(), before)
		says(t, dial(t, s.Addr), "OK", "AUTH", `n"ame`, "p")
		s.Kill9()
	}
}

func TestTheACLFileSaysWhoMayComeIn(t *testing.T) {
	path := aclFile(t, "user alice on >wonder +get +set +acl|whoami ~a*", "", "  user default off  ")
	s := startServer(t, subjectBin(t), "--aclfile", path)
	c := dial(t, s.Addr)
	says(t, c, "NOAUTH Authentication required.", "GET", "a")
	says(t, c, "OK", "AUTH", "alice", "wonder")
	says(t, c, "OK", "SET", "a", "1")
	says(t, c, "NOPERM No permissions to access a key", "SET", "b", "1")
	s.Kill9()
	s.Restart()
	c = dial(t, s.Addr)
	says(t, c, "OK", "AUTH", "alice", "wonder")
	says(t, c, "1", "GET", "a")
}

func TestACLSaveWritesWhatACLLoadReads(t *testing.T) {
	path := aclFile(t, "user bob on nopass +@all ~*")
	s := startServer(t, subjectBin(t), "--aclfile", path)
	c := dial(t, s.Addr)
	says(t, c, "OK", "ACL", "SETUSER", "carol", "on", ">x", "+get", "(%R~r* +@read -get)", "&news*")
	says(t, c, "OK", "ACL", "SETUSER", "bob", "-flushall")
	before := c.Do("ACL", "LIST").String()
	says(t, c, "OK", "ACL", "SAVE")
	says(t, c, "OK", "ACL", "SETUSER", "bob", "reset")
	says(t, c, "OK", "ACL", "SETUSER", "dave")
	says(t, c, "1", "ACL", "DELUSER", "carol")
	says(t, c, "OK", "ACL", "LOAD")
	equal(t, "ACL LIST after ACL LOAD", c.Do("ACL", "LIST").String(), before)
	s.Kill9()
	s.Restart()
	equal(t, "ACL LIST after a crash", dial(t, s.Addr).Do("ACL", "LIST").String(), before)
}

func TestACLLoadClosesTheConnectionsOfUsers(t *testing.T) {
	path := aclFile(t, "user bob on nopass +@all ~*")
	s := startServer(t, subjectBin(t), "--aclfile", path)
	admin, bob := dial(t, s.Addr), dial(t, s.Addr)
	says(t, bob, "OK", "AUTH", "bob", "")
	says(t, admin, "OK", "ACL", "LOAD")
	if v, err := bob.Try("PING"); err == nil {
		t.Errorf("bob hears %s", v)
	}
	again := dial(t, s.Addr)
	says(t, again, "OK", "AUTH", "bob", "")
	says(t, again, "OK", "ACL", "LOAD") // the reply comes before the end
	if v, err := again.Try("PING"); err == nil {
		t.Errorf("bob hears %s", v)
	}
	says(t, admin, "PONG", "PING")
}

func TestABrokenACLFileChangesNothing(t *testing.T) {
	path := aclFile(t, "user bob on nopass +@all ~*")
	s := startServer(t, subjectBin(t), "--aclfile", path)
	c := dial(t, s.Addr)
	before := c.Do("ACL", "LIST").String()
	broken := strings.Join([]string{"user alice on +nosuch", "alice on", "user carol on (+get", "user bob on", "user bob off"}, "\n")
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	v := c.Do("ACL", "LOAD")
	mentions(t, v.text, "ERR "+path+":1: Unknown command or category name in ACL. ",
		path+":2 should start with user keyword followed by the username. ",
		path+":3: Unmatched parenthesis in selector definition. ",
		"WARNING: Duplicate user 'bob' found on line 5. ",
		"WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	equal(t, "ACL LIST", c.Do("ACL", "LIST").String(), before)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mentions(t, c.Do("ACL", "LOAD").text, "ERR Error loading ACLs, opening file '"+path+"': ")
	equal(t, "ACL LIST", c.Do("ACL", "LIST").String(), before)
}

func TestAnACLFileThatCanNotBeReadEndsTheStart(t *testing.T) {
	mentions(t, refuses(t, newServer(t, subjectBin(t), "--aclfile", "/nosuch/users.acl")), "ACL errors", "/nosuch/users.acl")
	path := aclFile(t, "user alice on +nosuch")
	mentions(t, refuses(t, newServer(t, subjectBin(t), "--aclfile", path)), path+":1: Unknown command or category name in ACL")
	mentions(t, refuses(t, newServer(t, subjectBin(t), "--aclfile", path, "--user", "bob", "on")), "define either an ACL file or declare users directly")
}

func TestUsersSurviveConfigRewrite(t *testing.T) {
	s := newServer(t, subjectBin(t))
	conf := filepath.Join(s.Dir, "redis.conf")
	if err := os.WriteFile(conf, []byte("user alice on >x +get ~a*\nuser default on >secret ~* &* +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = append([]string{conf}, s.args...)
	s.start(nil)
	c := dial(t, s.Addr)
	says(t, c, "OK", "AUTH", "secret")
	says(t, c, "OK", "ACL", "SETUSER", "alice", "+set")
	says(t, c, "OK", "ACL", "SETUSER", "bob", "on", "nopass", "(+ping ~b)")
	before := c.Do("ACL", "LIST").String()
	says(t, c, "OK", "CONFIG", "REWRITE")
	s.Kill9()
	s.Restart()
	c = dial(t, s.Addr)
	says(t, c, "NOAUTH Authentication required.", "PING")
	says(t, c, "OK", "AUTH", "secret")
	equal(t, "ACL LIST after a start", c.Do("ACL", "LIST").String(), before)
}

// The guard's limits for strangers hold for clients that have not authenticated, and not for users.
func TestStrangersAreLimitedUntilTheyAreUsers(t *testing.T) {
	s := startServer(t, subjectBin(t), "--user", "default", "off", "--user", "bob", "on", "nopass", "+@all", "~*")
	big := strings.Repeat("x", 20<<10)
	c := dial(t, s.Addr)
	c.SendRaw([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20480\r\n"))
	equal(t, "the reply to a long argument", c.Receive().text, "ERR Protocol error: unauthenticated bulk length")
	c = dial(t, s.Addr)
	says(t, c, "OK", "AUTH", "bob", "")
	says(t, c, "OK", "SET", "k", big)
}

func TestDeniedCommandsAreCounted(t *testing.T) {
	s := startServer(t, subjectBin(t), "--user", "bob", "on", ">x", "+get", "~a")
	c := dial(t, s.Addr)
	c.Do("AUTH", "bob", "y")
	c.Do("AUTH", "bob", "x")
	c.Do("GET", "b")
	c.Do("SET", "a", "x")
	c.Do("SET", "a", "x")
	mentions(t, dial(t, s.Addr).Do("INFO", "stats").Text(), "acl_access_denied_auth:1\r\n", "acl_access_denied_cmd:2\r\n", "acl_access_denied_key:1\r\n", "acl_access_denied_channel:0\r\n")
}

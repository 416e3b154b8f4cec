package compat_test

import (
	"strings"
	"testing"
)

var renames = []string{
	"--rename-command", "get", "fetch", "--rename-command", "CONFIG", "", "--rename-command", "fetch", "Fetch2",
	"--rename-command", "set", "put", "--rename-command", "OBJECT", "obj", "--rename-command", "multi", "begin",
}

// renamedCalls are commands after renames, and what redis-server 7.0 answers.
var renamedCalls = []struct{ call, reply string }{
	{"put a b", `+OK`},
	{"set a b", `-"ERR unknown command 'set', with args beginning with: 'a' 'b' "`},
	{"get a", `-"ERR unknown command 'get', with args beginning with: 'a' "`},
	{"fetch a", `-"ERR unknown command 'fetch', with args beginning with: 'a' "`},
	{"FETCH2 a", `"b"`},
	{"fetch2", `-ERR wrong number of arguments for 'get' command`},
	{"config get x", `-"ERR unknown command 'config', with args beginning with: 'get' 'x' "`},
	{"CONFIG RESETSTAT", `-"ERR unknown command 'CONFIG', with args beginning with: 'RESETSTAT' "`},
	{"obj encoding a", `"embstr"`},
	{"obj nosuch", `-ERR unknown subcommand 'nosuch'. Try OBJ HELP.`},
	{"obj", `-ERR wrong number of arguments for 'object' command`},
	{"begin", `+OK`},
	{"fetch2 a", `+QUEUED`},
	{"exec", `1) "b"`},
	{"command list filterby pattern config*", `(empty array)`},
	{"command list filterby pattern get", `1) "get"`},
	{"command list filterby pattern fetch2", `(empty array)`},
	{"command getkeys put a b", `1) "a"`},
	{"command getkeys set a b", `-ERR Invalid command specified`},
	{"command docs get", `(empty array)`},
	{"command info get", `1) (nil)`},
	{"acl setuser u on nopass ~* +get +fetch2", `-ERR Error in ACL SETUSER modifier '+fetch2': Unknown command or category name in ACL`},
	{"acl setuser u on nopass ~* +get +config", `+OK`},
	{"acl dryrun u get a", `-ERR Command 'get' not found`},
	{"acl dryrun u fetch2 a", `+OK`},
	{"acl dryrun u put a b", `"this user has no permissions to run the 'set' command"`},
	{"eval return{redis.pcall('fetch2','a')} 0", `1) "b"`},
	{"eval return{redis.pcall('get','a')} 0", `1) -ERR Unknown Redis command called from script`},
	{"eval redis.acl_check_cmd('get','a') 0", `-ERR Invalid command passed to redis.acl_check_cmd()`},
	{"eval return{redis.acl_check_cmd('put','a','b')} 0", `1) :1`},
	{"auth u x", `+OK`},
	{"fetch2 a", `"b"`},
	{"put a b", `-NOPERM this user has no permissions to run the 'set' command`},
	{"config get x", `-"ERR unknown command 'config', with args beginning with: 'get' 'x' "`},
}

// sameUser takes 7.0's and 7.2's words for a user who may not.
var sameUser = strings.NewReplacer("This user has", "this user has", "User u has", "this user has")

func callRenamed(t *testing.T, addr string) {
	t.Helper()
	c := dial(t, addr)
	for _, step := range renamedCalls {
		words := strings.Fields(step.call)
		if words[0] == "eval" {
			words = []string{"eval", strings.TrimSuffix(strings.TrimPrefix(step.call, "eval "), " 0"), "0"}
		}
		args := make([]any, len(words))
		for i, w := range words {
			args[i] = w
		}
		got := c.Do(args...).String()
		// Where a script stands in an error, and what ends one that raised it, is not the matter here.
		if at := strings.Index(got, " script: "); words[0] == "eval" && at > 0 {
			got = got[:at]
		}
		got = sameUser.Replace(got)
		if got != step.reply {
			t.Errorf("%s\n%s\nshould be\n%s", step.call, got, step.reply)
		}
	}
	c.Do("auth", "default", "x")
	if help := c.Do("obj", "help").String(); !strings.HasPrefix(help, "1) +OBJ <subcommand> ") {
		t.Errorf("obj help: %s", help)
	}
	if v := c.Do("info", "commandstats").Text(); !strings.Contains(v, "cmdstat_get:calls=") || strings.Contains(v, "fetch") {
		t.Errorf("info commandstats: %s", v)
	}
}

func TestRenameCommandRenamesAndRemoves(t *testing.T) {
	callRenamed(t, startServer(t, subjectBin(t), renames...).Addr)
}

func TestLiveRenameCommandIsRedis(t *testing.T) {
	if !*liveFlag {
		t.Skip("NOT CHECKED: that renamed commands answer as redis-server's; go test ./compat_test -live does")
	}
	callRenamed(t, startServer(t, redisBin(t), append([]string{"--save", ""}, renames...)...).Addr)
}

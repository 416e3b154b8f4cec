package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Redis's Sentinel watches a Diskette and its replica, makes the replica the master when the master dies, and the old
// one a replica when it comes back.
func TestLiveSentinelFailsOver(t *testing.T) {
	needsLive(t)
	withConf := func(args ...string) *server {
		s := newServer(t, subjectBin(t))
		conf := filepath.Join(s.Dir, "redis.conf") // which Sentinel has rewritten
		if err := os.WriteFile(conf, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		s.args = append(append([]string{conf}, s.args...), args...)
		s.start(nil)
		return s
	}
	first := withConf("--repl-diskless-sync-delay", "0")
	second := withConf("--replicaof", "127.0.0.1 "+portOf(first))
	master, replica := dial(t, first.Addr), dial(t, second.Addr)
	caughtUp(t, master, replica)
	says(t, master, "OK", "SET", "k", "v")
	says(t, master, "1", "WAIT", 1, 60_000)

	watch := newServer(t, *redisFlag)
	conf := filepath.Join(watch.Dir, "sentinel.conf")
	text := fmt.Sprintf("port %s\nsentinel monitor it 127.0.0.1 %s 1\nsentinel down-after-milliseconds it 2000\n"+
		"sentinel failover-timeout it 20000\n", portOf(watch), portOf(first))
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	watch.args = []string{conf, "--sentinel"}
	watch.start(nil)
	sentinel := dial(t, watch.Addr)
	await(t, "the replica's being known", func() bool {
		for _, r := range sentinel.Do("SENTINEL", "REPLICAS", "it").elems {
			for i := 0; i+1 < len(r.elems); i += 2 {
				if r.elems[i].text == "slave-repl-offset" && r.elems[i+1].text != "0" {
					return true
				}
			}
		}
		return false
	})
	first.Kill9()
	await(t, "the failover", func() bool {
		return sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "it").elems[1].text == portOf(second)
	})
	replica = dial(t, second.Addr) // Sentinel has closed connections
	says(t, replica, "v", "GET", "k")
	says(t, replica, "OK", "SET", "k2", "v2")
	second.Kill9() // its new role is in its conf file
	second.args = second.args[:len(second.args)-2]
	second.Restart()
	first.Restart()
	old, now := dial(t, first.Addr), dial(t, second.Addr)
	equal(t, "role", now.Do("ROLE").elems[0].text, "master")
	await(t, "the old master's being a replica", func() bool {
		r, err := old.Try("ROLE")
		if err != nil { // closed by Sentinel
			old = dial(t, first.Addr)
			return false
		}
		return r.elems[0].text == "slave" && r.elems[3].text == "connected"
	})
	old = dial(t, first.Addr)
	caughtUp(t, now, old)
	says(t, old, "v2", "GET", "k2")
}

package compat_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"diskette/compat_test/testport"
	"diskette/compat_test/testrand"
)

// Diskette follows a Redis whose link is cut and which is killed, and is killed itself: in the end both have the same.

// A cable is a way to a server that can be cut.
type cable struct {
	net.Listener
	to    string
	mu    sync.Mutex
	out   bool
	conns []net.Conn
}

func layCable(t *testing.T, to string) *cable {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: ln, to: to}
	t.Cleanup(func() {
		ln.Close()
		c.cut(true)
	})
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			go c.join(from)
		}
	}()
	return c
}

func (c *cable) join(from net.Conn) {
	to, err := net.Dial("tcp", c.to)
	c.mu.Lock()
	if err != nil || c.out {
		c.mu.Unlock()
		from.Close()
		if err == nil {
			to.Close()
		}
		return
	}
	c.conns = append(c.conns, from, to)
	c.mu.Unlock()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	_, _ = io.Copy(to, from)
	to.Close()
}

// cut ends all connections; out = and lets none come about.
func (c *cable) cut(out bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = out
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func (c *cable) port() string { return strconv.Itoa(c.Addr().(*net.TCPAddr).Port) }

// caughtUp waits until the replica has all that its master has sent.
func caughtUp(t *testing.T, master, replica *client) {
	t.Helper()
	await(t, "the replica's being where its master is", func() bool {
		ours := replica.Do("INFO", "replication").text
		return infoField(ours, "master_link_status") == "up" &&
			infoField(ours, "slave_repl_offset") == infoField(master.Do("INFO", "replication").text, "master_repl_offset")
	})
}

// follower starts Diskette as a replica.
func follower(t *testing.T, port string, args ...string) *server {
	t.Helper()
	return startServer(t, subjectBin(t), append([]string{"--replicaof", "127.0.0.1 " + port, "--enable-debug-command", "yes"}, args...)...)
}

func TestLiveARedisIsFollowed(t *testing.T) {
	needsLive(t)
	for _, how := range []struct {
		name string
		args []string
	}{
		{"copies without a file", []string{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"}},
		{"copies from a file", []string{"--repl-diskless-sync", "no"}},
	} {
		t.Run(how.name, func(t *testing.T) {
			redis := startServer(t, *redisFlag, append([]string{"--save", "", "--appendonly", "yes", "--appendfsync", "always",
				"--enable-debug-command", "yes", "--repl-backlog-size", "8mb"}, how.args...)...)
			master := dial(t, redis.Addr)
			r := rand.New(rand.NewPCG(7, uint64(len(how.args))))
			fillVolume(t, master, r, 400)
			way := layCable(t, redis.Addr)
			s := follower(t, way.port())
			ours := dial(t, s.Addr)
			caughtUp(t, master, ours)
			for round := range 8 {
				switch round % 4 {
				case 1:
					way.cut(false)
				case 2:
					s.Kill9()
				case 3: // more than the backlog has goes by meanwhile
					way.cut(true)
					fillVolume(t, master, r, 50)
					for range 12 {
						says(t, master, "OK", "SET", "flood", strings.Repeat("f", 1_000_000))
					}
					way.cut(false)
				}
				fillVolume(t, master, r, 150)
				if round%4 == 2 {
					s.Restart()
					ours = dial(t, s.Addr)
				}
				caughtUp(t, master, ours)
			}
			sameKeys(t, master, ours)
			stats := master.Do("INFO", "stats").text
			full, partial := infoField(stats, "sync_full"), infoField(stats, "sync_partial_ok")
			t.Logf("%s full copies, %s partial ones", full, partial)
			if full != "3" || partial != "4" {
				t.Errorf("%s full copies and %s partial ones, want 3 and 4", full, partial)
			}
			redis.Kill9()
			await(t, "the loss of the link", func() bool {
				return infoField(ours.Do("INFO", "replication").text, "master_link_status") == "down"
			})
			redis.Restart()
			master = dial(t, redis.Addr)
			fillVolume(t, master, r, 100)
			caughtUp(t, master, ours)
			sameKeys(t, master, ours)
			await(t, "a check that nothing of the master's disturbs", func() bool {
				v := ours.Do("DEBUG", "CHECK")
				if v.IsError() && !strings.Contains(v.text, "written meanwhile") {
					t.Fatal(v)
				}
				return v.text == "OK"
			})
			if strings.Contains(s.Log.String(), "can not be run here") {
				t.Errorf("a command of the master's failed:\n%s", s.Log)
			}
			cutOver(t, redis, s)
		})
	}
}

// Redis 7.0 tells its replicas of XREADGROUP by XCLAIM, which does not say how much the group has read by now: its own
// replicas do not know.
func TestLiveAGroupsCountOfReadEntriesIsTheMasters(t *testing.T) {
	needsLive(t)
	redis := startServer(t, *redisFlag, "--save", "", "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
	theirs := dial(t, startServer(t, *redisFlag, "--save", "", "--replicaof", "127.0.0.1 "+portOf(redis)).Addr)
	ours := dial(t, follower(t, portOf(redis)).Addr)
	master := dial(t, redis.Addr)
	caughtUp(t, master, ours)
	caughtUp(t, master, theirs)
	r := testrand.New(t, 1)
	differed := 0
	for step := range 400 {
		key, group := fmt.Sprint("s", r.IntN(3)), fmt.Sprint("g", r.IntN(3))
		id := func() string { return fmt.Sprintf("%d-0", 1+r.IntN(1+step)) }
		switch r.IntN(9) {
		case 0:
			master.Do("XGROUP", "CREATE", key, group, []any{"0", "$", id()}[r.IntN(3)], "MKSTREAM")
		case 1:
			master.Do("XDEL", key, id())
		case 2:
			master.Do("XTRIM", key, "MAXLEN", 20+r.IntN(20))
		case 3:
			master.Do("XCLAIM", key, group, "c", 0, id(), "LASTID", id())
		case 4:
			master.Do("XGROUP", "SETID", key, group, id())
		case 5:
			master.Do("XREADGROUP", "GROUP", group, "c", "COUNT", 1+r.IntN(4), "NOACK", "STREAMS", key, ">")
		case 6, 7:
			master.Do("XREADGROUP", "GROUP", group, "c", "COUNT", 1+r.IntN(4), "STREAMS", key, ">")
		default:
			for n := range 5 {
				master.Do("XADD", key, fmt.Sprintf("%d-%d", 1+step, n), "f", "v")
			}
		}
		if step%10 != 9 {
			continue
		}
		caughtUp(t, master, ours)
		caughtUp(t, master, theirs)
		for _, key := range []string{"s0", "s1", "s2"} {
			if master.Do("EXISTS", key).text == "0" {
				continue
			}
			want := streamState(master, key, nil)
			if got := streamState(ours, key, nil); got != want {
				t.Fatalf("step %d, %s: %s, want %s", step, key, got, want)
			}
			if streamState(theirs, key, nil) != want {
				differed++
			}
		}
	}
	t.Logf("Redis's own replica differed %d times", differed)
}

// cutOver ends the following under a writer: what the master has acknowledged with WAIT is there.
func cutOver(t *testing.T, redis, s *server) {
	t.Helper()
	var mu sync.Mutex
	acknowledged, stop := -1, make(chan struct{})
	var over sync.WaitGroup
	writer := dial(t, redis.Addr)
	over.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			writer.Do("SET", fmt.Sprint("cut:", i), i)
			if writer.Do("WAIT", 1, 100).text == "1" {
				mu.Lock()
				acknowledged = i
				mu.Unlock()
			}
		}
	})
	await(t, "writes", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return acknowledged > 20
	})
	ours := dial(t, s.Addr)
	says(t, ours, "OK", "REPLICAOF", "NO", "ONE")
	close(stop)
	over.Wait()
	before := ours.Do("INFO", "replication").text
	equal(t, "role", infoField(before, "role"), "master")
	for i := range acknowledged + 1 {
		says(t, ours, strconv.Itoa(i), "GET", fmt.Sprint("cut:", i))
	}
	if id := infoField(before, "master_replid2"); id != infoField(dial(t, redis.Addr).Do("INFO", "replication").text, "master_replid") {
		t.Errorf("the master's history is not remembered: %s", before)
	}
	says(t, ours, "OK", "SET", "own", "1")
	s.Kill9()
	s.Restart("--replicaof", "no", "one")
	ours = dial(t, s.Addr)
	says(t, ours, "1", "GET", "own")
	says(t, ours, strconv.Itoa(acknowledged), "GET", fmt.Sprint("cut:", acknowledged))
}

// A replica deletes no key by itself: its master says when one ends, and until then it is absent for those who read.
func TestLiveExpiryFollowsTheMaster(t *testing.T) {
	needsLive(t)
	redis := startServer(t, *redisFlag, "--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0")
	master := dial(t, redis.Addr)
	says(t, master, "OK", "DEBUG", "SET-ACTIVE-EXPIRE", "0")
	now := time.Now().UnixMilli()
	for _, set := range [][]any{{"SET", "copied", "v", "PXAT", now + 1500}, {"SET", "persisted", "1", "PXAT", now + 1500},
		{"RPUSH", "l", "1"}, {"PEXPIREAT", "l", now + 1500}} {
		if v := master.Do(set...); v.IsError() {
			t.Fatal(v)
		}
	}
	s := follower(t, portOf(redis))
	ours := dial(t, s.Addr)
	caughtUp(t, master, ours)
	says(t, master, "OK", "SET", "streamed", "v", "PX", 1)
	caughtUp(t, master, ours)
	for time.Now().UnixMilli() < now+1600 {
		time.Sleep(10 * time.Millisecond)
	}
	says(t, ours, "0", "EXISTS", "persisted")
	says(t, ours, "0", "LLEN", "l")
	says(t, ours, "-2", "PTTL", "streamed")
	s.Kill9()
	s.Restart()
	ours = dial(t, s.Addr)
	caughtUp(t, master, ours)
	says(t, ours, "0", "EXISTS", "copied", "persisted", "l", "streamed")
	size := func(db string) string { return infoField(ours.Do("INFO", "keyspace").text, db) }
	if keys := size("db0"); !strings.HasPrefix(keys, "keys=4,") {
		t.Errorf("what has expired is counted until the master says that it ends: %s", keys)
	}
	// The master reads them, and sends the deletions.
	says(t, master, "0", "EXISTS", "copied", "persisted", "l", "streamed")
	caughtUp(t, master, ours)
	if keys := size("db0"); keys != "" {
		t.Errorf("the master has deleted all: %s", keys)
	}
}

func portOf(s *server) string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

func TestLiveAMasterIsFollowedOverTLS(t *testing.T) {
	needsLive(t)
	a := newAuthority(t)
	a.signServer("server")
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	files := func(name string) []string {
		return []string{"--tls-cert-file", a.file("server.crt"), "--tls-key-file", a.file("server.key"),
			"--tls-client-cert-file", a.file(name + ".crt"), "--tls-client-key-file", a.file(name + ".key"),
			"--tls-ca-cert-file", a.file("ca.crt")}
	}
	port := testport.Free(t)
	redis := startServer(t, *redisFlag, append(files("client"), "--save", "", "--tls-port", port, "--repl-diskless-sync-delay", "0")...)
	master := dial(t, redis.Addr)
	says(t, master, "OK", "SET", "k", "v")
	s := follower(t, port, append(files("client"), "--tls-replication", "yes")...)
	ours := dial(t, s.Addr)
	caughtUp(t, master, ours)
	says(t, ours, "v", "GET", "k")

	other := newAuthority(t) // which has not signed for the master
	s = follower(t, port, append(files("client"), "--tls-replication", "yes", "--tls-ca-cert-file", other.file("ca.crt"))...)
	logSays(t, s, "unknown authority")
	equal(t, "link", infoField(dial(t, s.Addr).Do("INFO", "replication").text, "master_link_status"), "down")
}

func TestLiveALinkThatIsDownIsTold(t *testing.T) {
	needsLive(t)
	redis := startServer(t, *redisFlag, "--save", "", "--repl-diskless-sync-delay", "0", "--requirepass", "secret",
		"--user", "replica", "on", ">pass", "allcommands", "allchannels")
	way := layCable(t, redis.Addr)
	s := follower(t, way.port(), "--masterauth", "wrong")
	ours := dial(t, s.Addr)
	logSays(t, s, "masterauth")
	mentions(t, ours.Do("SET", "x", "1").text, "READONLY You can't write against a read only replica.")
	says(t, ours, "OK", "CONFIG", "SET", "masterauth", "pass", "masteruser", "replica")
	master := dial(t, redis.Addr)
	says(t, master, "OK", "AUTH", "secret")
	caughtUp(t, master, ours)
	says(t, master, "OK", "SET", "k", "v")
	caughtUp(t, master, ours)
	way.cut(true)
	await(t, "the end of the link", func() bool {
		return infoField(ours.Do("INFO", "replication").text, "master_link_status") == "down"
	})
	says(t, ours, "v", "GET", "k")
	says(t, ours, "OK", "CONFIG", "SET", "replica-serve-stale-data", "no")
	for _, args := range [][]any{{"GET", "k"}, {"DBSIZE"}, {"PING"}, {"EVAL", "return 1", 0},
		{"EVAL", "#!lua flags=no-writes\nreturn 1", 0}} {
		if v := ours.Do(args...); v.text != "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'." {
			t.Errorf("%v: %s", args, v)
		}
	}
	says(t, ours, "1", "EVAL", "#!lua flags=no-writes,allow-stale\nreturn 1", 0)
	role := ours.Do("ROLE")
	if role.elems[0].text != "slave" || role.elems[3].text == "connected" || role.elems[4].text != "-1" {
		t.Errorf("ROLE: %s", role)
	}
	way.cut(false)
	caughtUp(t, master, ours)
	says(t, ours, "v", "GET", "k")
}

package compat_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A replica, as far as its master sees it: what it asks for, what it is sent, what it tells.

// offset is where the master's stream is.
func offset(c *client) int64 {
	n, _ := strconv.ParseInt(infoField(c.Do("INFO", "replication").text, "master_repl_offset"), 10, 64)
	return n
}

// replies are what the master answers to PSYNC, without the data.
func (c *streamClient) psync(id string, offset int64) string {
	c.t.Helper()
	c.send("PSYNC", id, offset)
	return c.line()
}

func TestAReplicaThatComesBackGoesOnWhereItWas(t *testing.T) {
	s := startServer(t, subjectBin(t), "--repl-backlog-size", "20kb")
	c := dial(t, s.Addr)
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	says(t, c, "OK", "SET", "k", "v")
	c.Do("PUBLISH", "mark", "first")
	replica.until("first")
	replica.conn.Close()
	was := offset(c)
	says(t, c, "OK", "SET", "meanwhile", "v")

	back := openStream(t, s.Addr)
	equal(t, "PSYNC", back.psync(replica.id, was+1), "+CONTINUE "+replica.id)
	equal(t, "the stream", streamLine(back.next()), "SET meanwhile v")
	equal(t, "sync_partial_ok", number(c, "stats", "sync_partial_ok"), 1)

	for _, wrong := range []struct {
		id string
		at int64
	}{{strings.Repeat("a", 40), was + 1}, {replica.id, offset(c) + 2}, {replica.id, 0}} {
		other := openStream(t, s.Addr)
		if line := other.psync(wrong.id, wrong.at); !strings.HasPrefix(line, "+FULLRESYNC "+replica.id+" ") {
			t.Errorf("PSYNC %s %d: %s", wrong.id, wrong.at, line)
		}
	}
	equal(t, "sync_partial_err", number(c, "stats", "sync_partial_err"), 3)

	says(t, c, "OK", "SET", "long", strings.Repeat("x", 40_000))
	if line := openStream(t, s.Addr).psync(replica.id, was+1); !strings.HasPrefix(line, "+FULLRESYNC ") {
		t.Errorf("what the backlog has no longer is continued: %s", line)
	}
	if first, length := number(c, "replication", "repl_backlog_first_byte_offset"), number(c, "replication", "repl_backlog_histlen"); first+length != int(offset(c))+1 || length > 20<<10 {
		t.Errorf("the backlog has %d bytes from %d on, the offset is %d", length, first, offset(c))
	}
}

func TestAServerThatStartsAgainBeginsANewHistory(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	says(t, c, "OK", "SET", "k", "v")
	was := offset(c)
	s.Kill9()
	s.Restart()
	if line := openStream(t, s.Addr).psync(replica.id, was+1); !strings.HasPrefix(line, "+FULLRESYNC ") || strings.Contains(line, replica.id) {
		t.Errorf("PSYNC of the history before the start: %s", line)
	}
}

func TestAReplicaThatTakesNoMarkGetsTheFilesLength(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "k", strings.Repeat("x", 300_000))
	for _, command := range [][]any{{"SYNC"}, {"PSYNC", "?", -1}} {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		replica := &streamClient{t: t, conn: conn, r: bufio.NewReader(conn)}
		replica.send(command...)
		if command[0] == "PSYNC" {
			if line := replica.line(); !strings.HasPrefix(line, "+FULLRESYNC") {
				t.Fatalf("PSYNC: %s", line)
			}
		}
		n, err := strconv.Atoi(strings.TrimPrefix(replica.line(), "$"))
		if err != nil {
			t.Fatal(err)
		}
		file := make([]byte, n)
		if _, err := io.ReadFull(replica.r, file); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(file), "REDIS00") || !strings.Contains(string(file), "repl-offset") {
			t.Errorf("the file of %d bytes begins with %.40q", n, file)
		}
		says(t, c, "OK", "SET", "after", "v")
		replica.next() // SELECT
		equal(t, "the stream", streamLine(replica.next()), "SET after v")
	}
}

func TestWaitCountsReplicasThatHaveAcknowledged(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	equal(t, "WAIT", c.Do("WAIT", 1, 20).Int(), 0)
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	await(t, "the replica is online", func() bool {
		return strings.Contains(c.Do("INFO", "replication").text, "state=online")
	})
	says(t, c, "OK", "SET", "k", "v")
	equal(t, "WAIT", c.Do("WAIT", 1, 20).Int(), 0)
	for _, command := range [][]any{{"WAIT", 1, 0}, {"WAITAOF", 0, 1, 0}} {
		says(t, c, "OK", "SET", "k", "w")
		c.Send(command...)
		for replica.next()[0] != "REPLCONF" { // GETACK
		}
		at := offset(dial(t, s.Addr))
		replica.send("REPLCONF", "ACK", at-1000, "FACK", at-1000)
		replica.send("REPLCONF", "ACK", at, "FACK", at)
		if got := c.Receive(); !strings.Contains(got.String(), ":1") {
			t.Errorf("%v: %s", command, got)
		}
	}
	equal(t, "WAIT", c.Do("WAIT", 0, 0).Int(), 1)
	equal(t, "WAIT", c.Do("WAIT", 2, 20).Int(), 1)
	says(t, c, "OK", "MULTI")
	c.Do("WAIT", 2, 0)
	equal(t, "WAIT in MULTI", c.Do("EXEC").elems[0].Int(), 1)
}

func TestWritesAreRefusedWithoutGoodReplicas(t *testing.T) {
	s := startServer(t, subjectBin(t), "--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")
	c := dial(t, s.Addr)
	const refusal = "NOREPLICAS Not enough good replicas to write."
	await(t, "writes are refused", func() bool { return c.Do("SET", "k", "v").text == refusal })
	says(t, c, "", "GET", "none")
	if v := c.Do("EVAL", "return redis.call('set', 'k', 'v')", 0); !strings.Contains(v.text, "NOREPLICAS") {
		t.Errorf("a script: %s", v)
	}
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	await(t, "a good replica is there", func() bool { return c.Do("SET", "k", "v").text == "OK" })
	equal(t, "min_slaves_good_slaves", number(c, "replication", "min_slaves_good_slaves"), 1)
	await(t, "it has been silent for too long", func() bool { return c.Do("SET", "k", "v").text == refusal })
	replica.send("REPLCONF", "ACK", 0)
	await(t, "it has spoken", func() bool { return c.Do("SET", "k", "v").text == "OK" })
	says(t, c, "OK", "CONFIG", "SET", "min-replicas-to-write", 2)
	await(t, "one is not enough", func() bool { return c.Do("SET", "k", "v").text == refusal })
	says(t, c, "OK", "CONFIG", "SET", "min-replicas-to-write", 0)
	await(t, "none is asked for", func() bool { return c.Do("SET", "k", "v").text == "OK" })
}

func TestAReplicaThatDoesNotReadIsClosedAtItsLimit(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "replica 4mb 0 0", "--repl-backlog-size", "64kb")
	c := dial(t, s.Addr)
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	await(t, "the replica is online", func() bool {
		return strings.Contains(c.Do("INFO", "replication").text, "state=online")
	})
	value := strings.Repeat("x", 100_000)
	written := 0
	for ; number(c, "replication", "connected_slaves") == 1; written += len(value) {
		says(t, c, "OK", "SET", "k", value)
		if waits := number(c, "memory", "mem_total_replication_buffers"); waits > 5<<20 {
			t.Fatalf("%d bytes wait for a replica that does not read", waits)
		}
		if written > 100<<20 {
			t.Fatal("a replica that does not read was sent 100 MB")
		}
	}
	logSays(t, s, "client-output-buffer-limit: its hard limit is reached")
	says(t, c, "OK", "SET", "k", "after")
}

func TestABacklogThatNobodyComesForIsGivenUp(t *testing.T) {
	s := startServer(t, subjectBin(t), "--repl-backlog-ttl", "1")
	c := dial(t, s.Addr)
	equal(t, "repl_backlog_active without replicas", number(c, "replication", "repl_backlog_active"), 0)
	replica := followAll(t, s.Addr)
	replica.send("REPLCONF", "ACK", 0)
	equal(t, "repl_backlog_active", number(c, "replication", "repl_backlog_active"), 1)
	equal(t, "master_replid", infoField(c.Do("INFO", "replication").text, "master_replid"), replica.id)
	time.Sleep(1500 * time.Millisecond)
	equal(t, "repl_backlog_active while a replica is there", number(c, "replication", "repl_backlog_active"), 1)
	replica.conn.Close()
	await(t, "the backlog is gone", func() bool { return number(c, "replication", "repl_backlog_active") == 0 })
	if id := infoField(c.Do("INFO", "replication").text, "master_replid"); id == replica.id {
		t.Error("the history goes on")
	}
}

func TestReplicasAreShown(t *testing.T) {
	s := startServer(t, subjectBin(t), "--repl-ping-replica-period", "1")
	c := dial(t, s.Addr)
	replica := followAll(t, s.Addr)
	says(t, c, "OK", "SET", "k", "v")
	info := c.Do("INFO", "replication").text
	mentions(t, info, "connected_slaves:1", "slave0:ip=127.0.0.1,port=1234,state=send_bulk,offset=0,lag=")
	replica.send("REPLCONF", "ACK", 7)
	first := streamLine(replica.next())
	for first == "PING" { // on a slow machine
		first = streamLine(replica.next())
	}
	equal(t, "what comes first", first, "SELECT 0")
	equal(t, "then", streamLine(replica.next()), "SET k v")
	equal(t, "then", streamLine(replica.next()), "PING")
	mentions(t, c.Do("INFO", "replication").text, "slave0:ip=127.0.0.1,port=1234,state=online,offset=7,lag=")
	role := c.Do("ROLE")
	equal(t, "ROLE", role.elems[0].text, "master")
	equal(t, "ROLE's replica", role.elems[2].elems[0].String(), "1) \"127.0.0.1\"\n2) \"1234\"\n3) \"7\"")
	mentions(t, c.Do("CLIENT", "LIST", "TYPE", "replica").text, "flags=S")
	if lines := c.Do("CLIENT", "LIST", "TYPE", "normal").text; strings.Contains(lines, "flags=S") {
		t.Errorf("CLIENT LIST TYPE normal: %s", lines)
	}
	await(t, "one client is there", func() bool { return number(c, "clients", "connected_clients") == 1 })
	equal(t, "CLIENT KILL", c.Do("CLIENT", "KILL", "TYPE", "replica").Int(), 1)
	await(t, "no replica is shown", func() bool { return number(c, "replication", "connected_slaves") == 0 })
	equal(t, "ROLE without it", len(c.Do("ROLE").elems[2].elems), 0)
}

// redis-cli --functions-rdb and --replica ask for a file that has functions alone, or nothing.
func TestAFileHasWhatIsAskedForAlone(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "the key", "v")
	says(t, c, "lib", "FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('of_lib', function() return 1 end)")
	for _, r := range []struct {
		asked          []any
		key, functions bool
	}{
		{nil, true, true},
		{[]any{"rdb-filter-only", "functions"}, false, true},
		{[]any{"rdb-filter-only", ""}, false, false},
	} {
		replica := openStream(t, s.Addr)
		replica.send(append([]any{"REPLCONF", "rdb-only", 1}, r.asked...)...)
		equal(t, "REPLCONF", replica.line(), "+OK")
		replica.send("SYNC")
		head := replica.line()
		for head == "" {
			head = replica.line()
		}
		mark := []byte(strings.TrimPrefix(head, "$EOF:"))
		replica.conn.SetReadDeadline(time.Now().Add(startTimeout))
		var file []byte
		for !bytes.HasSuffix(file, mark) {
			b, err := replica.r.ReadByte()
			if err != nil {
				t.Fatalf("%v behind %q", err, file)
			}
			file = append(file, b)
		}
		if b, err := replica.r.ReadByte(); err != io.EOF { // else it is closed for a replica that has left
			t.Errorf("behind the file: %q %v", b, err)
		}
		if bytes.Contains(file, []byte("the key")) != r.key || bytes.Contains(file, []byte("of_lib")) != r.functions {
			t.Errorf("%q: %q", r.asked, file)
		}
	}
	await(t, "the log tells of the three, and of no fault", func() bool {
		told := 0
		for line := range strings.Lines(s.Log.String()) {
			if strings.Contains(line, `"level":"info"`) && strings.Contains(line, "it wanted the file alone, and has it") {
				told++
			}
		}
		return told == 3
	})
}

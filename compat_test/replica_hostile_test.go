package compat_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"diskette/compat_test/testrand"
)

// A replica that does what replicas do not.

func TestNothingComesIntoTheMiddleOfAReplicasStream(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	replica := openStream(t, s.Addr)
	replica.send("MONITOR")
	equal(t, "MONITOR", replica.line(), "+OK")
	replica.full("?", -1)
	replica.send("REPLCONF", "ACK", 0)
	for range 50 {
		for _, words := range [][]any{{"RESET"}, {"HELLO", 3}, {"CLIENT", "REPLY", "ON"}, {"CLIENT", "TRACKING", "ON"},
			{"SUBSCRIBE", "mark"}, {"INFO"}, {"REPLCONF", "listening-port", 99}, {"REPLCONF", "ip-address", "elsewhere"},
			{"PSYNC", "?", -1}, {"SYNC"}, {"REPLCONF"}, {"MULTI"}, {"EXEC"}} {
			replica.send(words...)
		}
		says(t, c, "OK", "SET", "k", "v")
	}
	replica.send("REPLCONF", "ACK", 77)
	await(t, "all of it has been read", func() bool {
		return strings.Contains(c.Do("INFO", "replication").text, "slave0:ip=127.0.0.1,port=1234,state=online,offset=77,")
	})
	c.Do("PUBLISH", "mark", "last")
	lines := replica.until("last")
	if got := strings.Join(lines, "\n"); got != "SELECT 0"+strings.Repeat("\nSET k v", 50) {
		t.Errorf("the stream:\n%s", got)
	}
	replica.conn.Write([]byte("*x\r\n"))
	if line, err := replica.r.ReadString('\n'); err == nil && !strings.HasPrefix(line, "*") {
		t.Errorf("behind a broken command the stream has %q", line)
	}
	says(t, c, "PONG", "PING")
	if log := s.Log.String(); strings.Contains(log, "panic") {
		t.Error(log)
	}
}

func TestReplicasThatTakeNothingOfTheirCopiesDoNotKeepOthersFromTheirs(t *testing.T) {
	s := startServer(t, subjectBin(t), "--repl-timeout", "2")
	c := dial(t, s.Addr)
	random, value := testrand.New(t, 3), make([]byte, 1<<20)
	for i := range 16 { // more than the kernel holds for a connection
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		says(t, c, "OK", "SET", i, string(value))
	}
	for _, words := range [][]any{{"SYNC"}, {"PSYNC", "?", -1}, {"SYNC"}} {
		deaf := openStream(t, s.Addr)
		if err := deaf.conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		deaf.send(words...)
	}
	const closed = "taken nothing of its copy"
	await(t, "the deaf ones are there, or the first has gone", func() bool {
		return number(c, "replication", "connected_slaves") == 3 || strings.Contains(s.Log.String(), closed)
	})
	other := openStream(t, s.Addr)
	if line := other.psync("?", -1); !strings.HasPrefix(line, "+FULLRESYNC ") {
		t.Fatalf("PSYNC: %s", line)
	}
	_ = other.conn.SetReadDeadline(time.Time{})
	go io.Copy(io.Discard, other.r)
	await(t, "the deaf ones are closed", func() bool { return number(c, "replication", "connected_slaves") == 1 })
	logSays(t, s, closed)
}

func TestAMastersPasswordThatIsMissingIsAskedFor(t *testing.T) {
	master := startServer(t, subjectBin(t), "--requirepass", "secret")
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, subjectBin(t), "--replicaof", host+" "+port)
	logSays(t, s, "set masterauth")
}

func TestACopyOfUnknownLengthShowsNoPercentage(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	m := newFalseMaster(t)
	begins := "+FULLRESYNC " + history + " 1\r\n$EOF:" + history + "\r\n" + rdbBegin
	m.says.Store(&begins)
	says(t, c, "OK", "REPLICAOF", "127.0.0.1", m.port())
	await(t, "bytes have come", func() bool { return number(c, "replication", "master_sync_read_bytes") > 0 })
	mentions(t, c.Do("INFO", "replication").text, "master_sync_total_bytes:0\r\n", "master_sync_perc:0.00\r\n")
	says(t, c, "OK", "REPLICAOF", "NO", "ONE")
}

func TestWhoFollowedTheSameMasterHearsTheDatabaseFromThePromotedOne(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	followAll(t, s.Addr) // so that there is a backlog
	stream := string(encode("SELECT", 0)) + string(encode("SET", "a", 1)) +
		string(encode("SELECT", 3)) + string(encode("DEL", "none")) // which changes nothing here
	text := fullSync(1, rdbBegin+rdbEnd) + stream
	m := newFalseMaster(t)
	m.says.Store(&text)
	says(t, c, "OK", "REPLICAOF", "127.0.0.1", m.port())
	await(t, "the stream is here", func() bool { return number(c, "replication", "slave_repl_offset") == 1+len(stream) })
	says(t, c, "OK", "REPLICAOF", "NO", "ONE")
	sibling := openStream(t, s.Addr)
	if line := sibling.psync(history, int64(2+len(stream))); !strings.HasPrefix(line, "+CONTINUE ") {
		t.Fatalf("PSYNC: %s", line)
	}
	says(t, c, "OK", "SET", "b", 2)
	equal(t, "what comes first", streamLine(sibling.next()), "SELECT 0")
	equal(t, "then", streamLine(sibling.next()), "SET b 2")
}

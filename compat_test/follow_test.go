package compat_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// A master that says what no Redis does must not bring the server down, nor put half a copy in the place of its data.

// falseMaster answers the handshake of every connection, and then says what it was told to.
type falseMaster struct {
	net.Listener
	says  atomic.Pointer[string] // in answer to PSYNC
	asked atomic.Pointer[string] // by the last PSYNC
	syncs atomic.Int64
	acks  atomic.Pointer[string]
}

func newFalseMaster(t *testing.T) *falseMaster {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &falseMaster{Listener: ln}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go m.serve(conn)
		}
	}()
	return m
}

func (m *falseMaster) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		v, err := readValue(in)
		if err != nil {
			return
		}
		var words []string
		for _, e := range v.elems {
			words = append(words, e.text)
		}
		line := strings.Join(words, " ")
		switch {
		case strings.HasPrefix(line, "PSYNC"):
			m.asked.Store(&line)
			_, _ = io.WriteString(conn, *m.says.Load())
			m.syncs.Add(1)
			if strings.HasSuffix(*m.says.Load(), hangUp) {
				return
			}
		case strings.HasPrefix(line, "REPLCONF ACK"):
			m.acks.Store(&words[2])
		case line == "PING":
			_, _ = io.WriteString(conn, "+PONG\r\n")
		default:
			_, _ = io.WriteString(conn, "+OK\r\n")
		}
	}
}

func (m *falseMaster) port() string {
	_, port, _ := net.SplitHostPort(m.Addr().String())
	return port
}

const (
	history = "0123456789012345678901234567890123456789"
	hangUp  = "\x00hangs up"
	// A snapshot that has the string key, without a checksum.
	rdbBegin = "REDIS0009\xfe\x00\x00\x03key\x05value"
	rdbEnd   = "\xff\x00\x00\x00\x00\x00\x00\x00\x00"
)

func fullSync(offset int, rdb string) string {
	return fmt.Sprintf("+FULLRESYNC %s %d\r\n$%d\r\n%s", history, offset, len(rdb), rdb)
}

func TestAHostileMasterLeavesTheDataAsItWas(t *testing.T) {
	s := startServer(t, subjectBin(t), "--enable-debug-command", "yes")
	c := dial(t, s.Addr)
	says(t, c, "OK", "SET", "own", "1")
	m := newFalseMaster(t)
	whole := rdbBegin + rdbEnd
	large := "\xfe\x00\x01\x01l" + "\x05" + strings.Repeat("\x05value", 5) // a list
	for name, text := range map[string]string{
		"nothing":                     hangUp,
		"no answer that there is":     "+SOMETHING\r\n",
		"an endless line":             strings.Repeat("x", 1<<20),
		"a snapshot that is cut":      fmt.Sprintf("+FULLRESYNC %s 1\r\n$%d\r\n%s%s", history, len(whole)+100, rdbBegin, hangUp),
		"a wrong checksum":            fullSync(1, rdbBegin+"\xff12345678"),
		"a string of a petabyte":      fullSync(1, "REDIS0009\xfe\x00\x00\x81\x00\x04\x00\x00\x00\x00\x00\x00x"+rdbEnd),
		"a list of 2^60 elements":     fullSync(1, "REDIS0009\xfe\x00\x01\x01l\x81\x10\x00\x00\x00\x00\x00\x00\x00\x05value"+rdbEnd),
		"a snapshot of a petabyte":    fmt.Sprintf("+FULLRESYNC %s 1\r\n$1125899906842624\r\n%s%s", history, whole, hangUp),
		"a key twice":                 fullSync(1, rdbBegin+"\x00\x03key\x05other"+rdbEnd),
		"a database that is not here": fullSync(1, "REDIS0009\xfe\x7f\x00\x03key\x05value"+rdbEnd),
		"bytes behind the snapshot":   fullSync(1, whole+"x"),
		"another mark":                "+FULLRESYNC " + history + " 1\r\n$EOF:" + history + "\r\n" + whole + strings.Repeat("y", 40),
		"a value of a module":         fullSync(1, rdbBegin+"\x07\x05graph\x81\x00\x00\x00\x00\x00\x00\x00\x01\x00"+rdbEnd),
		"no snapshot":                 fullSync(1, "GIF89a"+large+rdbEnd),
	} {
		m.says.Store(&text)
		before := m.syncs.Load()
		says(t, c, "OK", "REPLICAOF", "127.0.0.1", m.port())
		await(t, "two refusals of "+name, func() bool { return m.syncs.Load() >= before+2 })
		equal(t, name, c.Do("GET", "own").text, "1")
		equal(t, name, infoField(c.Do("INFO", "replication").text, "master_link_status"), "down")
		says(t, c, "OK", "REPLICAOF", "NO", "ONE")
		says(t, c, "1", "DBSIZE")
	}
	logSays(t, s, "graph")
	says(t, c, "OK", "DEBUG", "CHECK")
	s.Kill9()
	s.Restart()
	says(t, dial(t, s.Addr), "1", "DBSIZE")
}

func TestAHostileStreamEndsTheLinkAndCountsNothingTwice(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	m := newFalseMaster(t)
	first := "*3\r\n$3\r\nSET\r\n$1\r\nn\r\n$1\r\n0\r\n"
	incr := "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"
	for i, bad := range []string{
		"*1\r\n$1125899906842624\r\nx", "*9223372036854775807\r\n", "*1\r\n*1\r\n*1\r\n", strings.Repeat("x", 1<<20),
		"*2\r\n$6\r\nSELECT\r\n$4\r\n9999\r\n", "*1\r\n$5\r\nMULTI\r\n" + incr + hangUp,
	} {
		text := fullSync(1000, rdbBegin+rdbEnd) + first + incr + bad
		m.says.Store(&text)
		before := m.syncs.Load()
		says(t, c, "OK", "REPLICAOF", "127.0.0.1", m.port())
		await(t, "the copy", func() bool { return m.syncs.Load() > before && c.Do("GET", "n").text == "1" })
		again := "+CONTINUE\r\n" + hangUp
		m.says.Store(&again)
		want := fmt.Sprintf("PSYNC %s %d", history, 1000+len(first)+len(incr)+1)
		await(t, fmt.Sprintf("%q, after %.40q", want, bad), func() bool { return *m.asked.Load() == want })
		if i%2 == 0 { // a kill does not change that
			s.Kill9()
			s.Restart("--replicaof", "127.0.0.1 "+m.port())
			c = dial(t, s.Addr)
			none := ""
			m.asked.Store(&none)
			await(t, want+" after a kill", func() bool { return *m.asked.Load() == want })
		}
		equal(t, "n", c.Do("GET", "n").text, "1")
		says(t, c, "OK", "REPLICAOF", "NO", "ONE")
		says(t, c, "2", "DEL", "n", "key")
	}
}

// What a replica acknowledges is in its journal, and what it can not run is told loudly.
func TestAReplicaAcknowledgesWhatItHas(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	m := newFalseMaster(t)
	stream := "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$4\r\nEXEC\r\n\n\n" +
		"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$6\r\nAPPEND\r\n$1\r\nb\r\n$1\r\nx\r\n*1\r\n$7\r\nNOTHING\r\n" +
		"*3\r\n$4\r\nLSET\r\n$1\r\na\r\n$1\r\n0\r\n" + "*3\r\n$5\r\nLPUSH\r\n$1\r\nb\r\n$1\r\nx\r\n" +
		"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
	text := "+FULLRESYNC " + history + " 5\r\n\n\n$EOF:" + history + "\r\n" + rdbBegin + rdbEnd + history + stream
	m.says.Store(&text)
	says(t, c, "OK", "REPLICAOF", "127.0.0.1", m.port())
	want := fmt.Sprint(5 + len(stream))
	await(t, "the acknowledgement of "+want, func() bool { a := m.acks.Load(); return a != nil && *a == want })
	equal(t, "failed commands", infoField(c.Do("INFO", "replication").text, "slave_failed_commands"), "3")
	s.Kill9()
	s.Restart()
	c = dial(t, s.Addr)
	says(t, c, "2", "GET", "a")
	says(t, c, "OK", "SELECT", 3)
	says(t, c, "x", "GET", "b")
	equal(t, "role", infoField(c.Do("INFO", "replication").text, "role"), "master")
	for _, command := range []string{"NOTHING", "WRONGTYPE"} {
		logSays(t, s, command)
	}
}

// Sentinel changes roles so.
func TestARoleChangesWithinATransaction(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	m := newFalseMaster(t)
	text := fullSync(1, rdbBegin+rdbEnd)
	m.says.Store(&text)
	port := m.port()
	for _, role := range [][]string{{"127.0.0.1", port}, {"NO", "ONE"}, {"127.0.0.1", port}, {"127.0.0.1", "1"}, {"NO", "ONE"}} {
		says(t, c, "OK", "MULTI")
		says(t, c, "QUEUED", "REPLICAOF", role[0], role[1])
		says(t, c, "QUEUED", "CONFIG", "GET", "replicaof")
		master := role[0] + " " + role[1]
		if role[0] == "NO" {
			master = ""
		}
		got := c.Do("EXEC")
		equal(t, fmt.Sprint(role), got.elems[0].text, "OK")
		equal(t, "replicaof", got.elems[1].elems[1].text, master)
		is := c.Do("ROLE")
		switch {
		case master == "":
			equal(t, "role", is.elems[0].text, "master")
			says(t, c, "OK", "SET", "k", "v")
		default:
			equal(t, "role", is.elems[0].text, "slave")
			equal(t, "port", is.elems[2].text, role[1])
		}
	}
}

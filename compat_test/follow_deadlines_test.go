package compat_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// A full copy is all that a replica ever hears of a deadline that was set before it came. Without it the field would
// stay for good once the replica is the master.
func TestAFollowersCopyKeepsTheDeadlinesOfFields(t *testing.T) {
	master := startServer(t, subjectBin(t))
	m := dial(t, master.Addr)
	const at = "4102444800123" // in the year 2100
	want := map[string]string{}
	for _, n := range []int{3, 1000} { // a small hash and a large one have types of their own in the file
		key := fmt.Sprint("hash", n)
		args, fields := []any{"HSET", key}, []any{"HPEXPIRETIME", key, "FIELDS", n}
		for i := range n {
			args, fields = append(args, fmt.Sprint("f", i), i), append(fields, fmt.Sprint("f", i))
		}
		m.Do(args...)
		m.Do("HPEXPIREAT", key, at, "FIELDS", 1, "f1")
		want[key] = m.Do(fields...).String()
		if !strings.Contains(want[key], at) {
			t.Fatal(want[key])
		}
		follower := startServer(t, subjectBin(t), "--replicaof", strings.Replace(master.Addr, ":", " ", 1))
		f := dial(t, follower.Addr)
		await(t, "the link is up", func() bool {
			return infoField(f.Do("INFO", "replication").text, "master_link_status") == "up"
		})
		equal(t, "deadlines of "+key, f.Do(fields...).String(), want[key])
	}
}

// What a replica says of itself decides the version of its file, and so whether it can read it at all.
func TestTheCopyHasAVersionThatTheReplicaReads(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	for _, r := range []struct {
		set     string // export-rdb-version
		replica []any  // what it says in REPLCONF
		version string
	}{
		{"11", []any{"capa", "eof"}, "0010"},
		{"11", []any{"version", "7.0.15"}, "0010"},
		{"11", []any{"version", "7.2.4"}, "0011"},
		{"11", []any{"version", "7.4.1"}, "0012"},
		{"11", []any{"version", "8.1.0"}, "0011"}, // Redis, or a Valkey that reads no later one
		{"12", []any{"version", "8.1.0"}, "0012"},
		{"12", []any{"version", "7.2.4"}, "0011"},
		{"9", []any{"version", "7.2.4"}, "0009"},
		{"9", []any{"capa", "field-deadlines"}, "0012"},
	} {
		says(t, c, "OK", "CONFIG", "SET", "export-rdb-version", r.set)
		replica := openStream(t, s.Addr)
		replica.send(append([]any{"REPLCONF"}, r.replica...)...)
		equal(t, "REPLCONF", replica.line(), "+OK")
		replica.send("SYNC")
		head := replica.line()
		for head == "" {
			head = replica.line()
		}
		begin := make([]byte, 9)
		if _, err := io.ReadFull(replica.r, begin); err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint(r), string(begin), "REDIS"+r.version)
	}
}

package compat_test

import (
	"net"
	"strings"
	"testing"
)

// What goes between a master and its replica is in INFO's total_net_ fields, and in those of replication.
func TestTheTrafficOfReplicationIsCounted(t *testing.T) {
	const value = 1 << 20
	master, replica := startServer(t, subjectBin(t)), startServer(t, subjectBin(t))
	m, r := dial(t, master.Addr), dial(t, replica.Addr)
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	says(t, r, "OK", "REPLICAOF", host, port)
	await(t, "the link is up", func() bool { return infoField(r.Do("INFO", "replication").text, "master_link_status") == "up" })
	says(t, m, "OK", "SET", "long", strings.Repeat("v", value))
	equal(t, "WAIT", m.Do("WAIT", "1", "0").Int(), 1)
	says(t, r, "OK", "REPLICAOF", "NO", "ONE")
	await(t, "the replica is gone", func() bool { return number(m, "replication", "connected_slaves") == 0 })

	sent, received := number(m, "stats", "total_net_repl_output_bytes"), number(r, "stats", "total_net_repl_input_bytes")
	if sent < value || sent > value+1<<16 || received < value || received > value+1<<16 {
		t.Errorf("for a value of %d bytes the master has sent %d, the replica has received %d", value, sent, received)
	}
	equal(t, "from the master's master", number(m, "stats", "total_net_repl_input_bytes"), 0)
	equal(t, "to the replica's replicas", number(r, "stats", "total_net_repl_output_bytes"), 0)
	if all := number(r, "stats", "total_net_input_bytes"); all < received {
		t.Errorf("%d bytes have come in all, %d of them from the master", all, received)
	}
	says(t, r, "OK", "CONFIG", "RESETSTAT")
	equal(t, "after CONFIG RESETSTAT", number(r, "stats", "total_net_repl_input_bytes"), 0)
}

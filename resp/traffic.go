package resp

import (
	"net"

	"diskette/resp/wire"
)

// traffic is what connections have carried: clients', replicas' and that to a master, together as INFO's total_net_
// fields have it. Replication's part is told on its own as well.
type traffic struct {
	wire.Traffic
	replicaIn, replicaOut int64 // bytes: from the master, to replicas
}

// plus adds a client's connection.
func (t traffic) plus(cl *client) traffic {
	own := cl.guard.Traffic()
	t.Traffic = t.Plus(own)
	if cl.replica.Load() != nil { // also of one that has gone
		t.replicaOut += own.Out
	}
	return t
}

// traffic is that of all connections.
func (r *registry) traffic() traffic {
	r.Lock()
	defer r.Unlock()
	return r.trafficLocked()
}

func (r *registry) trafficLocked() traffic {
	all := r.ended
	for _, cl := range r.byID {
		all = all.plus(cl)
	}
	in, out := r.master.in.Load(), r.master.out.Load()
	all.In, all.Out, all.replicaIn = all.In+in, all.Out+out, all.replicaIn+in
	return all
}

// resetTraffic lets traffic begin at zero.
func (r *registry) resetTraffic() {
	r.Lock()
	defer r.Unlock()
	all := r.trafficLocked()
	r.ended = traffic{r.ended.Minus(all.Traffic), r.ended.replicaIn - all.replicaIn, r.ended.replicaOut - all.replicaOut}
}

// countMaster is a connection to a master whose bytes are counted.
func (r *registry) countMaster(conn net.Conn) net.Conn { return &countedConn{conn, r} }

type countedConn struct {
	net.Conn
	counts *registry
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.counts.master.in.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.counts.master.out.Add(int64(n))
	return n, err
}

package resp

import (
	"fmt"
	"strconv"
	"time"

	"diskette/resp/command"
)

// role is ROLE's reply of a master: the offset, and of each replica that gets the stream where it is and what it has.
func (rs *replicas) role() command.Reply {
	var elems []command.Reply
	for _, r := range rs.list() {
		if !r.online() {
			continue
		}
		ip, port := r.address()
		elems = append(elems, command.Array(command.BulkString(ip), command.BulkString(strconv.Itoa(port)), command.BulkString(strconv.FormatInt(r.ack.Load(), 10))))
	}
	return command.Array(command.BulkString("master"), command.Integer(rs.stream.Offset()), command.Array(elems...))
}

// info writes INFO replication's lines of replicas.
func (rs *replicas) info(t *infoText) {
	list := rs.list()
	t.line("connected_slaves", len(list))
	if good, asked := rs.good(); asked {
		t.line("min_slaves_good_slaves", good)
	}
	for i, r := range list {
		ip, port := r.address()
		t.line("slave"+strconv.Itoa(i), fmt.Sprintf("ip=%s,port=%d,state=%s,offset=%d,lag=%d",
			ip, port, replicaStates[r.state.Load()], r.ack.Load(), r.lag(time.Now())))
	}
}

// infoBacklog writes those of the stream's backlog.
func (rs *replicas) infoBacklog(t *infoText) {
	first, length, _ := rs.stream.Kept()
	active := rs.stream.Active()
	if !active {
		first = 0
	}
	t.line("repl_backlog_active", bit(active))
	t.line("repl_backlog_size", rs.srv.cfg.Int("repl-backlog-size"))
	t.line("repl_backlog_first_byte_offset", first)
	t.line("repl_backlog_histlen", length)
}

// memory is what the backlog takes, what replicas that are behind it make the stream keep besides, and what waits in
// their connections.
func (rs *replicas) memory() (backlog, behind, connections int64) {
	_, backlog, slowest := rs.stream.Kept()
	for _, r := range rs.list() {
		connections += int64(clientBytes) + int64(r.cl.guard.Buffered()) + r.cl.unsent()
	}
	return backlog, max(0, slowest-backlog), connections
}

package resp

import (
	"strconv"
	"strings"
	"time"

	"diskette/resp/command"
	"diskette/resp/config"
	"diskette/resp/repl"
)

// replicaof is SLAVEOF, too.
func replicaof(cl *client, c *command.Call) command.Reply {
	f := &cl.srv.follow
	if c.Is(1, "NO") && c.Is(2, "ONE") {
		if c.Locked {
			cl.putOffRole("", func() error { return f.end() })
			return command.ReplyOK
		}
		if err := f.end(); err != nil {
			return command.ErrNotStored(err)
		}
		return command.ReplyOK
	}
	port, ok := c.Int(2)
	if !ok || port < 0 || port > 65535 {
		return command.ErrorReply("ERR Invalid master port")
	}
	host := string(c.Args[1])
	if !config.IsMasterHost(host) {
		return command.ErrorReply("ERR Invalid master host")
	}
	if l := f.of.Load(); l != nil && strings.EqualFold(l.host, host) && l.port == int(port) {
		return command.Simple("OK Already connected to specified master")
	}
	if c.Locked {
		cl.putOffRole(host+" "+strconv.Itoa(int(port)), func() error { f.begin(host, int(port)); return nil })
		return command.ReplyOK
	}
	f.begin(host, int(port))
	return command.ReplyOK
}

// putOffRole puts a change of role off until EXEC has let go of the keyspace lock, which the change needs, and who runs
// the old master's commands. The configuration has it at once: Sentinel sends CONFIG REWRITE in the same transaction.
func (cl *client) putOffRole(master string, change func() error) {
	cl.srv.cfg.Note("replicaof", master)
	cl.newRole = func() {
		if err := change(); err != nil {
			cl.srv.log.Error().Err(err).Msg("the new role is not in the journal yet")
		}
	}
}

// changeRole does what was put off, before EXEC's reply leaves.
func (cl *client) changeRole() {
	if change := cl.newRole; change != nil {
		cl.newRole = nil
		change()
	}
}

// role is ROLE's reply.
func (l *link) role() command.Reply {
	offset := int64(-1)
	if l.state.Load() == linkUp {
		offset = l.applied.Load()
	}
	return command.Array(command.BulkString("slave"), command.BulkString(l.host), command.Integer(l.port),
		command.BulkString(linkStates[l.state.Load()]), command.Integer(int(offset)))
}

// info writes the lines of INFO replication that a replica has.
func (l *link) info(t *infoText) {
	now := time.Now()
	cfg, state := l.srv.cfg, l.state.Load()
	t.line("role", "slave")
	t.line("master_host", l.host)
	t.line("master_port", l.port)
	up := state == linkUp
	if up {
		t.line("master_link_status", "up")
		t.line("master_last_io_seconds_ago", (now.UnixMilli()-l.lastIO.Load())/1000)
	} else {
		t.line("master_link_status", "down")
		t.line("master_last_io_seconds_ago", -1)
	}
	t.line("master_sync_in_progress", bit(state == linkCopying))
	t.line("slave_read_repl_offset", l.applied.Load())
	t.line("slave_repl_offset", l.applied.Load())
	if state == linkCopying {
		total, read := max(0, l.copied.total.Load()), l.copied.read.Load() // 0 = it is not known, as in Redis
		t.line("master_sync_total_bytes", total)
		t.line("master_sync_read_bytes", read)
		t.line("master_sync_left_bytes", total-read)
		if total == 0 {
			read = 0 // of what is not known nothing is a share
		}
		t.linef("master_sync_perc", "%.2f", 100*ratio(read, max(total, 1)))
		t.line("master_sync_last_io_seconds_ago", (now.UnixMilli()-l.copied.lastIO.Load())/1000)
	}
	if !up {
		t.line("master_link_down_since_seconds", (now.UnixMilli()-l.downSince.Load())/1000)
	}
	t.line("slave_priority", cfg.Int("replica-priority"))
	t.line("slave_read_only", bit(cfg.Bool("replica-read-only")))
	t.line("replica_announced", bit(cfg.Bool("replica-announced")))
	t.line("slave_failed_commands", l.srv.follow.failed.Load())
}

// info writes the lines that a master has, too.
func (f *following) info(t *infoText, l *link) {
	state := f.srv.replicas.stream.State()
	if h := f.history.Load(); l != nil && h != nil && h.id != "" {
		state = repl.State{ID: h.id, Offset: l.applied.Load(), ID2: noID, Second: -1}
		if h.before != "" {
			state.ID2, state.Second = h.before, h.beforeOffset
		}
	}
	t.line("master_replid", state.ID)
	t.line("master_replid2", state.ID2)
	t.line("master_repl_offset", state.Offset)
	t.line("second_repl_offset", state.Second)
}

// bit is how INFO shows what is so or not.
func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

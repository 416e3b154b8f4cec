package resp

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/command"
)

// monitors are the clients that watch every command. Each command asks count, so nobody watching costs an atomic load.
type monitors struct {
	count   atomic.Int64
	mu      sync.Mutex
	clients []*client
}

var (
	errMonitorLocked = command.ErrorReply("ERR MONITOR isn't allowed for DENY BLOCKING client")
	// Redis counts monitors as replicas.
	errMonitorKeys = command.ErrorReply("ERR Replica can't interact with the keyspace")
)

// monitor makes the connection a monitor, until RESET, QUIT or its end. A second time has no reply, as in Redis.
func monitor(cl *client, c *command.Call) command.Reply {
	if c.Locked {
		return errMonitorLocked
	}
	if cl.monitoring.Load() {
		return command.ReplyNone
	}
	cl.startPushes()
	cl.guard.AllowSilence(true)
	cl.srv.monitors.join(cl)
	return command.ReplyOK
}

func (m *monitors) join(cl *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cl.isKilled() {
		return
	}
	cl.monitoring.Store(true)
	m.clients = append(m.clients, cl)
	m.count.Add(1)
}

// leave ends a client's watching, if it does.
func (m *monitors) leave(cl *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !cl.monitoring.Swap(false) {
		return
	}
	m.clients = slices.DeleteFunc(m.clients, func(other *client) bool { return other == cl })
	m.count.Add(-1)
}

// feed shows a command to the monitors, in the order in which commands run. Those that administrate are not shown.
func (m *monitors) feed(cl *client, r *command.Row, args [][]byte) {
	if r.Flags&(command.SkipMonitor|command.Admin) != 0 {
		return
	}
	m.show(cl, cl.monitorName(), r, args)
}

// monitorName is how MONITOR names a client.
func (cl *client) monitorName() string {
	if cl.isUnix() {
		return "unix:" + cl.guard.LocalAddr().String()
	}
	return cl.addr()
}

// show is feed for a command that does not come from a client's address: a script's is from "lua".
func (m *monitors) show(cl *client, from string, r *command.Row, args [][]byte) {
	line := monitorLine(time.Now(), cl.DB, from, r.Redacted(args))
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.clients {
		if other != cl || !cl.closing { // after QUIT nothing follows its reply
			other.push(cl, line, 0)
		}
	}
}

// monitorLine is 1339518083.107412 [0 127.0.0.1:60866] "keys" "*", as a simple string.
func monitorLine(now time.Time, db int, from string, args [][]byte) []byte {
	line := fmt.Appendf(nil, "+%d.%06d [%d %s]", now.Unix(), now.Nanosecond()/1000, db, from)
	for _, a := range args {
		line = append(line, ' ')
		line = appendQuoted(line, a)
	}
	return append(line, "\r\n"...)
}

// appendQuoted writes bytes as Redis's sdscatrepr does.
func appendQuoted(out, bytes []byte) []byte {
	out = append(out, '"')
	for _, b := range bytes {
		switch b {
		case '\\', '"':
			out = append(out, '\\', b)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		case '\a':
			out = append(out, `\a`...)
		case '\b':
			out = append(out, `\b`...)
		default:
			if b < ' ' || b > '~' {
				out = fmt.Appendf(out, `\x%02x`, b)
			} else {
				out = append(out, b)
			}
		}
	}
	return append(out, '"')
}

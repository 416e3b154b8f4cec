package resp

import (
	"fmt"
	"sync"
	"time"

	"diskette/resp/command"
)

func slowlogRows() []*command.Row {
	return []*command.Row{
		{Name: "slowlog", Arity: -2,
			Group: "server", Since: "2.2.12", Doc: "Keeps the commands that took long.", Subs: []*command.Row{
				{Name: "get", Arity: -2, Flags: command.Admin | command.Loading | command.Stale,
					Conn:  onClient(slowlogGet),
					Since: "2.2.12", Tips: "request_policy:all_nodes nondeterministic_output", Usage: "[<count>]",
					Args: "[count]", Cost: "O(N) in the number of entries",
					Doc: "Returns the latest slow commands, -1 = all."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "6.2.0", Doc: "Explains the subcommands."},
				{Name: "len", Arity: 2, Flags: command.Admin | command.Loading | command.Stale,
					Conn:  onClient(slowlogLen),
					Since: "2.2.12", Tips: "request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
					Doc: "Counts the slow commands that are kept."},
				{Name: "reset", Arity: 2, Flags: command.Admin | command.Loading | command.Stale,
					Conn:  onClient(slowlogReset),
					Since: "2.2.12", Tips: "request_policy:all_nodes response_policy:all_succeeded",
					Cost: "O(N) in the number of entries", Doc: "Forgets the slow commands."},
			}},
	}
}

const (
	// slowlogArgs and slowlogBytes are how many arguments of a command an entry keeps, and how much of each.
	slowlogArgs  = 32
	slowlogBytes = 128
	// maxSlowlog bounds slowlog-max-len: an entry may take 5 KB.
	maxSlowlog = 1 << 20
)

// slowlog is the commands that took longer than slowlog-log-slower-than, oldest first.
type slowlog struct {
	sync.Mutex
	entries []slowEntry
	nextID  int64
}

type slowEntry struct {
	id         int64
	at         int64 // unix seconds
	took       time.Duration
	args       []string
	addr, name string
}

func (l *slowlog) add(cl *client, r *command.Row, args [][]byte, took time.Duration, most int) {
	e := slowEntry{at: time.Now().Unix(), took: took, args: slowArgs(r.Redacted(args)), addr: cl.addr()}
	cl.mu.Lock()
	e.name = cl.namesLocked().name
	cl.mu.Unlock()
	l.Lock()
	defer l.Unlock()
	e.id = l.nextID
	l.nextID++
	l.entries = append(l.entries, e)
	if extra := len(l.entries) - most; extra > 0 {
		clear(l.entries[:extra])
		l.entries = l.entries[extra:]
	}
}

// slowArgs cuts a command to what an entry keeps of it.
func slowArgs(args [][]byte) []string {
	n := min(len(args), slowlogArgs)
	kept := make([]string, n)
	for i := range kept {
		switch a := args[i]; {
		case i == n-1 && n < len(args):
			kept[i] = fmt.Sprintf("... (%d more arguments)", len(args)-n+1)
		case len(a) > slowlogBytes:
			kept[i] = fmt.Sprintf("%s... (%d more bytes)", a[:slowlogBytes], len(a)-slowlogBytes)
		default:
			kept[i] = string(a)
		}
	}
	return kept
}

func slowlogGet(cl *client, c *command.Call) command.Reply {
	count := int64(10)
	if len(c.Args) > 3 {
		return command.ErrSubcommandSyntax(c)
	}
	if len(c.Args) == 3 {
		n, ok := c.Int(2)
		if !ok || n < -1 {
			return command.ErrorReply("ERR count should be greater than or equal to -1")
		}
		count = n
	}
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	if count < 0 || count > int64(len(l.entries)) {
		count = int64(len(l.entries))
	}
	newest := make([]command.Reply, count)
	for i := range newest {
		e := &l.entries[len(l.entries)-1-i]
		newest[i] = command.Array(command.Integer(e.id), command.Integer(e.at), command.Integer(e.took.Microseconds()),
			command.BulkStrings(e.args), command.BulkString(e.addr), command.BulkString(e.name))
	}
	return command.Array(newest...)
}

func slowlogLen(cl *client, _ *command.Call) command.Reply {
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	return command.Integer(len(l.entries))
}

func slowlogReset(cl *client, _ *command.Call) command.Reply {
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	l.entries = nil // the numbers go on
	return command.ReplyOK
}

package resp

import (
	"fmt"
	"sync"
	"time"
)

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

func (l *slowlog) add(cl *client, r *row, args [][]byte, took time.Duration, most int) {
	e := slowEntry{at: time.Now().Unix(), took: took, args: slowArgs(r.redacted(args)), addr: cl.addr}
	cl.mu.Lock()
	e.name = cl.mu.name
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

func slowlogGet(cl *client, c *call) Reply {
	count := int64(10)
	if len(c.args) > 3 {
		return errSubcommandSyntax(c)
	}
	if len(c.args) == 3 {
		n, ok := c.int(2)
		if !ok || n < -1 {
			return errorReply("ERR count should be greater than or equal to -1")
		}
		count = n
	}
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	if count < 0 || count > int64(len(l.entries)) {
		count = int64(len(l.entries))
	}
	newest := make([]Reply, count)
	for i := range newest {
		e := &l.entries[len(l.entries)-1-i]
		newest[i] = array(integer(e.id), integer(e.at), integer(e.took.Microseconds()), bulkStrings(e.args), bulkString(e.addr), bulkString(e.name))
	}
	return array(newest...)
}

func slowlogLen(cl *client, _ *call) Reply {
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	return integer(len(l.entries))
}

func slowlogReset(cl *client, _ *call) Reply {
	l := &cl.srv.slowlog
	l.Lock()
	defer l.Unlock()
	l.entries = nil // the numbers go on
	return replyOK
}

package resp

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An address is that of a server that keys go to, with the time that each step may take there, in ms.
type address struct {
	host, port string
	timeout    int64
}

func (a address) wait() time.Duration {
	if a.timeout <= 0 {
		return time.Second
	}
	return time.Duration(min(a.timeout, int64(1<<31))) * time.Millisecond
}

// A target is a connection to another server.
type target struct {
	net.Conn
	out *bufio.Writer
	in  *bufio.Reader
	db  int64 // the database that is selected there, -1 = not known
}

// targets are connections that wait for the next MIGRATE to the same server, for a while: Redis keeps them as long.
type targets struct {
	mu   sync.Mutex // guards what follows
	idle map[string]*target
}

const (
	keptTargets   = 64
	keepTarget    = 10 * time.Second
	targetBytes   = 64 << 10
	longestAnswer = 1024
)

// take takes the connection to a server, nil = there is none.
func (ts *targets) take(a address) *target {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	name := net.JoinHostPort(a.host, a.port)
	t := ts.idle[name]
	delete(ts.idle, name)
	return t
}

// keep keeps a connection for the next time.
func (ts *targets) keep(a address, t *target) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	name := net.JoinHostPort(a.host, a.port)
	if ts.idle[name] != nil || len(ts.idle) >= keptTargets {
		t.Close()
		return
	}
	if ts.idle == nil {
		ts.idle = map[string]*target{}
	}
	ts.idle[name] = t
	time.AfterFunc(keepTarget, func() {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		if ts.idle[name] == t {
			delete(ts.idle, name)
			t.Close()
		}
	})
}

func (ts *targets) count() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.idle)
}

// connect opens a connection. The port is read as Redis reads it.
func connect(a address) (*target, error) {
	port := a.port
	if digits := len(port) - len(strings.TrimLeft(port, "0123456789")); digits < len(port) {
		port = cmp.Or(port[:digits], "0") // what is no number is refused as 0 is, in Redis's words
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(a.host, port), a.wait())
	if err != nil {
		return nil, err
	}
	t := &target{Conn: conn, db: -1, in: bufio.NewReaderSize(conn, longestAnswer)}
	t.out = bufio.NewWriterSize(timedWriter{conn, a.wait()}, targetBytes)
	return t, nil
}

// timedWriter writes with a time limit for each piece.
type timedWriter struct {
	net.Conn
	limit time.Duration
}

func (w timedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var some int
		if err = w.SetWriteDeadline(time.Now().Add(w.limit)); err == nil {
			some, err = w.Conn.Write(b[:min(len(b), targetBytes)])
		}
		n, b = n+some, b[some:]
	}
	return n, err
}

// send appends a command to what goes out.
func (t *target) send(args ...[]byte) {
	fmt.Fprintf(t.out, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(t.out, "$%d\r\n", len(a))
		t.out.Write(a) // its errors stay, for Flush
		t.out.WriteString("\r\n")
	}
}

// errNoAnswer is that of a server that answers with something else than a line.
var errNoAnswer = errors.New("the answer is no line of the protocol")

// answer reads a line: "" or the error's text.
func (t *target) answer(limit time.Duration) (refusal string, err error) {
	if err := t.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	line, err := t.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(line), "\r\n")
	switch {
	case text == "":
		return "", errNoAnswer
	case text[0] == '-':
		return text[1:], nil
	}
	return "", nil
}

// transfer sends keys to the other server and notes which it takes. A connection that was kept, and turns out to be
// closed before anything was answered, is made anew once.
func (m *migration) transfer(keys []*migrant) {
	m.failed, m.writing, m.resolved = nil, false, true
	kept := m.srv.targets.take(m.address)
	for t := kept; ; t = nil {
		if t == nil {
			if t, m.failed = connect(m.address); m.failed != nil {
				m.resolved = errors.Is(m.failed, syscall.ECONNREFUSED)
				m.writing = m.resolved
				return
			}
		}
		answered := m.exchange(t, keys)
		if m.failed == nil {
			m.srv.targets.keep(m.address, t)
			return
		}
		t.Close()
		if t != kept || answered || errors.Is(m.failed, os.ErrDeadlineExceeded) {
			return
		}
		m.failed = nil
	}
}

// exchange sends the commands and reads the answers.
func (m *migration) exchange(t *target, keys []*migrant) (answered bool) {
	extra := 0 // answers before those of the keys
	if m.auth {
		extra++
		if m.named {
			t.send([]byte("AUTH"), []byte(m.user), []byte(m.password))
		} else {
			t.send([]byte("AUTH"), []byte(m.password))
		}
	}
	if t.db != m.db {
		extra++
		t.send([]byte("SELECT"), strconv.AppendInt(nil, m.db, 10))
	}
	t.db = -1
	var sent []*migrant
	for _, k := range keys {
		if m.sendKey(t, k) {
			sent = append(sent, k)
		}
	}
	if m.failed = t.out.Flush(); m.failed != nil {
		m.writing = true
		return false
	}
	wait, refusal := m.address.wait(), ""
	for range extra {
		var said string
		if said, m.failed = t.answer(wait); m.failed != nil {
			return answered
		}
		if answered = true; refusal == "" {
			refusal = said
		}
	}
	for _, k := range sent {
		var said string
		if said, m.failed = t.answer(wait); m.failed != nil {
			return answered
		}
		answered = true
		said = cmp.Or(refusal, said)
		if k.taken = said == ""; !k.taken && m.answer == "" {
			m.answer = said
		}
	}
	if m.answer == "" {
		t.db = m.db
	}
	return answered
}

// sendKey sends a key, unless it has expired meanwhile.
func (m *migration) sendKey(t *target, k *migrant) bool {
	if k.gone {
		t.send([]byte("DEL"), k.name)
		return true
	}
	ttl := int64(0)
	if k.deadline > 0 {
		if ttl = k.deadline - time.Now().UnixMilli(); ttl < 0 {
			return false
		}
		ttl = max(ttl, 1)
	}
	args := [][]byte{[]byte("RESTORE"), k.name, strconv.AppendInt(nil, ttl, 10), k.encode()}
	if m.replace || k.again {
		args = append(args, []byte("REPLACE"))
	}
	t.send(args...)
	return true
}

package resp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/command"
	"diskette/store"
)

// startPanicking serves commands that fail in every way a handler can, beside the usual ones.
func startPanicking(t *testing.T) (addr string, logged func() string) {
	t.Helper()
	log := new(lockedBuffer)
	addr, _ = startServingMore(t, zerolog.New(log), []*command.Row{
		{Name: "failread", Arity: 2, Flags: command.Readonly, Keys: command.KeyAt(1, "RO"), Read: func(*store.View, *command.Call) command.Reply { panic("failed reading") }},
		{Name: "failwrite", Arity: 2, Flags: command.Write, Keys: command.KeyAt(1, "RW"), Write: func(tx *store.Tx, c *command.Call) command.Reply {
			tx.SetString(c.Args[1], []byte("half done"), 0)
			panic("failed writing")
		}},
		{Name: "failserved", Arity: 2, Flags: command.Write, Keys: command.KeyAt(1, "RW"), Write: func(tx *store.Tx, c *command.Call) command.Reply {
			if tx.TypeOf(c.Args[1]) == store.None {
				return c.BlockOn(command.BlockRequest{Keys: c.Args[1:2]})
			}
			panic("failed when served")
		}},
		{Name: "failconn", Arity: 1, Conn: onClient(func(*client, *command.Call) command.Reply { panic("failed\r\ntalking") })},
	}...)
	return addr, log.String
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ask sends lines to the server, and QUIT behind them, and returns all it says until it hangs up.
func ask(t testing.TB, addr string, lines ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%v: %v after %q", lines, err, said)
	}
	return string(said)
}

func TestACommandThatPanicsEndsItsOwnConnectionAlone(t *testing.T) {
	addr, logged := startPanicking(t)
	other, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{"SET k v", "FAILREAD k", "SET k never"}, "+OK\r\n-ERR internal error: the server's log says more\r\n"},
		{[]string{"PING", "FAILCONN", "SET k never"}, "+PONG\r\n-ERR internal error: the server's log says more\r\n"},
		{[]string{"FAILWRITE half", "SET k never"}, "-ERR internal error: the server's log says more\r\n"},
		// The client hears of the transaction what was done until then.
		{[]string{"MULTI", "SET t 1", "FAILWRITE u", "SET k never", "EXEC"}, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n-ERR internal error: the server's log says more\r\n"},
		{[]string{"WATCH k", "FAILREAD k"}, "+OK\r\n-ERR internal error: the server's log says more\r\n"},
	} {
		if got := ask(t, addr, c.lines...); got != c.want {
			t.Errorf("%v\nwant: %q\ngot:  %q", c.lines, c.want, got)
		}
	}
	want := "$1\r\nv\r\n$9\r\nhalf done\r\n$1\r\n1\r\n$9\r\nhalf done\r\n:4\r\n+OK\r\n"
	if got := ask(t, addr, "GET k", "GET half", "GET t", "GET u", "DBSIZE"); got != want {
		t.Errorf("afterwards\nwant: %q\ngot:  %q", want, got)
	}
	if _, err := io.WriteString(other, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	pong := make([]byte, 7)
	if _, err := io.ReadFull(other, pong); err != nil || string(pong) != "+PONG\r\n" {
		t.Errorf("the client that was there all along: %q, %v", pong, err)
	}
	if n := strings.Count(logged(), `"stack":`); n != 5 {
		t.Errorf("%d of 5 panics were logged with their stack", n)
	}
}

func TestACommandThatPanicsWhenItIsServedHarmsNobodyElse(t *testing.T) {
	addr, _ := startPanicking(t)
	a, b, c, d := talk(t, addr), talk(t, addr), talk(t, addr), talk(t, addr)
	for n, k := range []*talker{a, b, d} {
		k.send([]string{"FAILSERVED list", "FAILSERVED list", "BLPOP list 0"}[n])
		until(t, "it waits", func() bool { return strings.Contains(c.do("INFO clients"), fmt.Sprintf("\nblocked_clients:%d\r", n+1)) })
	}
	if got := c.do("RPUSH list x"); got != ":1" {
		t.Error(got)
	}
	a.want("-ERR internal error: the server's log says more")
	b.want("-ERR internal error: the server's log says more")
	d.want("*2 list x")
}

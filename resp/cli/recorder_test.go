package cli

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// recordDocuments makes documentsFile: of the commands that testdata/help.txt asks for, and a few more.
func recordDocuments(t *testing.T, port string) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	commands := strings.Fields("command docs get set getset zadd xadd bitfield migrate sort config client exec multi select subscribe " +
		"pfadd pfcount pfdebug pfmerge pfselftest")
	if _, err := conn.Write(appendCommand(nil, commands)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := readReply(bufio.NewReader(io.TeeReader(conn, &b))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(documentsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// startRedis starts the redis-server on the path at a free port.
func startRedis(t *testing.T) (port string) {
	t.Helper()
	port = testport.Free(t)
	cmd := exec.Command("redis-server", "--port", port, "--save", "", "--dir", t.TempDir(), "--enable-debug-command", "yes",
		"--repl-diskless-sync-delay", "0", "--maxmemory-policy", "allkeys-lfu")
	if err := cmd.Start(); err != nil {
		t.Fatalf("NOT CHECKED: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for start := time.Now(); time.Since(start) < longEnough; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			return port
		}
	}
	t.Fatal("redis-server does not listen")
	return ""
}

// tellBefore empties the server and tells it what stands before an invocation.
func tellBefore(t *testing.T, port string, v *invocation) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	clean := [][]string{
		{"AUTH", "pw"}, {"CONFIG", "SET", "requirepass", ""}, {"ACL", "DELUSER", "u"}, {"FLUSHALL"}, {"FUNCTION", "FLUSH"}, {"SCRIPT", "FLUSH"},
	}
	for _, command := range append(clean, v.before...) {
		if _, err := conn.Write(appendCommand(nil, command)); err != nil {
			t.Fatal(err)
		}
		if r, err := readReply(in); err != nil || r.kind == '-' && command[0] != "AUTH" {
			t.Fatalf("%q: %s, %v", command, r.text, err)
		}
	}
}

// record runs redis-cli through a proxy that writes down what goes by.
func (v *invocation) record(t *testing.T, port string) {
	t.Helper()
	tellBefore(t, port, v)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, between, _ := net.SplitHostPort(listener.Addr().String())
	var wire []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wire = append(wire, recordConnection(client, port)...)
		}
	}()
	got := v.theirs(t, between)
	listener.Close()
	<-done
	for n := 0; n < len(wire); n++ { // 7.2 asks for the documentation on a terminal only
		if strings.HasPrefix(wire[n], `> "COMMAND"`) {
			wire = slices.Delete(wire, n, n+2)
			n--
		}
	}
	if v.loops {
		for n := len(wire) - 1; n > 3 && wire[n-2] == wire[n] && wire[n-3] == wire[n-1]; n -= 2 {
			wire = wire[:n-1]
		}
	}
	v.wire, v.out, v.err, v.status, v.wrote = wire, got.out, got.err, got.status, got.wrote
}

func recordConnection(client net.Conn, port string) []string {
	defer client.Close()
	wire := []string{"connect"}
	server, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return append(wire, "hangup")
	}
	defer server.Close()
	type event struct {
		line   string
		ending bool
	}
	events := make(chan event, 1000)
	var echo atomic.Pointer[string]
	var left atomic.Bool // the client has closed its end
	go func() {          // what the server says
		buf := make([]byte, 1<<20)
		for {
			n, err := server.Read(buf)
			if n > 0 {
				text := string(buf[:n])
				if mark := echo.Load(); mark != nil {
					text = strings.ReplaceAll(text, *mark, anyMark)
				}
				events <- event{line: "< " + strconv.Quote(text)}
				_, _ = client.Write(buf[:n])
			}
			if err != nil {
				line := "hangup"
				if left.Load() {
					line = ""
				}
				client.Close()
				events <- event{line, true}
				return
			}
		}
	}()
	go func() { // what the client says
		in := bufio.NewReader(client)
		for {
			command, err := readCommand(in)
			if err != nil {
				left.Store(true)
				server.Close()
				events <- event{"", true}
				return
			}
			if mark, ok := endMark(command); ok {
				echo.Store(&mark)
			}
			events <- event{line: "> " + quoteCommand(command)}
			if len(command) == 1 && strings.HasSuffix(command[0], "\n") {
				_, _ = io.WriteString(server, command[0])
			} else {
				_, _ = server.Write(appendCommand(nil, command))
			}
		}
	}()
	ended := ""
	for n := 0; n < 2; {
		e := <-events
		switch {
		case e.ending:
			if n++; n == 1 {
				ended = e.line
			}
		case strings.HasPrefix(e.line, "< ") && strings.HasPrefix(wire[len(wire)-1], `< "`):
			wire[len(wire)-1] = strings.TrimSuffix(wire[len(wire)-1], `"`) + strings.TrimPrefix(e.line, `< "`)
		default:
			wire = append(wire, e.line)
		}
	}
	if ended != "" {
		wire = append(wire, ended)
	}
	return wire
}

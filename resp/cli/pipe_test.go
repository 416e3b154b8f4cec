package cli

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// echoServer answers ECHO with its word, FAIL with an error, HANG by closing, MUTE and all
// that follows not at all, and anything else with OK.
func echoServer(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			if b, err := in.Peek(1); err != nil {
				return
			} else if b[0] != '*' {
				if _, err := in.ReadString('\n'); err != nil { // an empty inline command
					return
				}
				continue
			}
			r, err := readReply(in)
			if err != nil {
				return
			}
			answer := "+OK\r\n"
			switch string(r.items[0].text) {
			case "ECHO":
				answer = "$20\r\n" + string(r.items[1].text) + "\r\n"
			case "FAIL":
				answer = "-ERR failed\r\n"
			case "HANG":
				return
			case "MUTE":
				_, _ = io.Copy(io.Discard, in)
				return
			}
			if _, err := conn.Write([]byte(answer)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func TestPipeCountsRepliesAndErrors(t *testing.T) {
	command := func(words ...string) string { return string(appendCommand(nil, words)) }
	set := command("SET", "k", "v")
	const sent = "All data transferred. Waiting for the last reply...\n"
	const last = "Last reply received from server.\n"
	for _, test := range []struct {
		name, stdin, patience string // a machine with other work is slow between two replies
		status                int
		stdout, stderr        string
	}{
		{"nothing", "", "60", 0, sent + last + "errors: 0, replies: 0\n", ""},
		{"many", strings.Repeat(set, 10000), "60", 0, sent + last + "errors: 0, replies: 10000\n", ""},
		{"an error", set + command("FAIL") + set, "60", 1, sent + last + "errors: 1, replies: 3\n", "ERR failed\n"},
		{"a server that hangs up", set + command("HANG"), "60", 1, sent + "errors: 0, replies: 1\n", closed},
		{"a server that falls silent", set + command("MUTE"), "2.5", 1, sent + "errors: 0, replies: 1\n", "Error: No replies for 2.5 seconds: exiting.\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, out, err := run(test.stdin, "-p", echoServer(t), "--pipe-timeout", test.patience, "--pipe")
			if status != test.status || out != test.stdout || err != test.stderr {
				t.Errorf("status %d, output %q, errors %q\nwant %d, %q, %q", status, out, err, test.status, test.stdout, test.stderr)
			}
		})
	}
}

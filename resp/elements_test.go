package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"diskette/resp/command"
)

// raw is the bytes of a command's reply, or of several.
func (k *talker) raw(commands ...string) string {
	k.t.Helper()
	for _, c := range commands {
		k.send(c)
	}
	k.send("ECHO the-end-of-it")
	const end = "$13\r\nthe-end-of-it\r\n"
	k.conn.SetReadDeadline(time.Now().Add(patience))
	var b strings.Builder
	for !strings.HasSuffix(b.String(), end) {
		line, err := k.r.ReadString('\n')
		if err != nil {
			k.t.Fatalf("%q: %v", commands, err)
		}
		b.WriteString(line)
	}
	return strings.TrimSuffix(b.String(), end)
}

// A reply of very many elements is made while it is sent. Its bytes are those that a transaction gives, which makes
// them at once, in both protocols.
func TestElementsThatAreMadeWhileTheyAreSentAreTheSame(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	storeMany(k, command.OffLockElements)
	for i := range 3000 {
		k.send(fmt.Sprintf("SET name%d v", i))
	}
	for range 3000 {
		k.reply()
	}
	for _, protocol := range []string{"2", "3"} {
		k.raw("HELLO " + protocol)
		for _, line := range []string{
			"SMEMBERS a", "HGETALL h", "HKEYS h", "HVALS h", "LRANGE l 0 -1", "LRANGE l 1 -1", "ZRANGE za 0 -1",
			"ZRANGE za 0 -1 WITHSCORES", "ZRANGE za 0 -1 REV WITHSCORES", "ZREVRANGE za 0 -1", "KEYS *", "KEYS name*", "KEYS none*",
		} {
			alone := k.raw(line)
			queued := k.raw("MULTI", line, "EXEC")
			if want := "+OK\r\n+QUEUED\r\n*1\r\n" + alone; queued != want {
				t.Errorf("RESP%s, %s: %.60q alone, %.60q in a transaction", protocol, line, alone, queued)
			}
			if skipped := k.raw("CLIENT REPLY SKIP", line); skipped != "" {
				t.Errorf("%s answers %.60q to who asked for silence", line, skipped)
			}
		}
	}
	if n := s.limits.Unsent.Load(); n != 0 {
		t.Errorf("%d bytes wait to be sent for ever", n)
	}
}

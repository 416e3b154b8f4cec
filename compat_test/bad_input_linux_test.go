package compat_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"diskette/compat_test/testport"
)

// A user who may not do what the arguments ask for is told what, and what to do about it.
func TestAUserWhoMayNotIsToldWhatToDo(t *testing.T) {
	requireRoot(t)
	program := filepath.Join(newImage(t).bin, "redis-server")
	conf := filepath.Join(openDir(t, "diskette-conf-"), "redis.conf")
	if err := os.WriteFile(conf, []byte("port 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	owned, free := volume(t, 0), testport.Free(t)
	own := volume(t, imageUser)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"a conf file of root's", []string{conf}, []string{"can't open config file '" + conf + "'", "permission denied", "the server's user (999) must be allowed to read it"}},
		{"a directory of root's", []string{"--port", free, "--dir", owned}, []string{owned, "permission denied", "chown -R"}},
		{"a log file of root's", []string{"--port", free, "--dir", own, "--logfile", filepath.Join(owned, "log")}, []string{"can not open the log file", "permission denied"}},
		{"a socket where it may not be", []string{"--port", "0", "--dir", own, "--unixsocket", filepath.Join(owned, "s")}, []string{"can not listen", "permission denied", "the server's user (999) must be allowed to write to it"}},
	} {
		cmd := exec.Command(program, c.args...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(replyTimeout, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // the status says it
		timer.Stop()
		equal(t, c.name+": exit status", cmd.ProcessState.ExitCode(), 1)
		mentions(t, out.String(), c.want...)
		if n := strings.Count(strings.TrimSpace(out.String()), `"level":"error"`); n > 1 {
			t.Errorf("%s: %d messages:\n%s", c.name, n, out.String())
		}
	}
}

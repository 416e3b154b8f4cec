package compat_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// imageUser is the image's uid and gid, those of the official one.
const imageUser = 999

// requireRoot skips, saying so, where a test may not act as other users or mount.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT CHECKED: what takes root to try: the server as another user, mounted file systems")
	}
}

// volume is a directory of the given owner that others may read.
func volume(t *testing.T, owner int) string {
	t.Helper()
	dir := openDir(t, "diskette-volume-")
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runAs makes the server a container's: that user's, on that volume, and process 1.
func (s *server) runAs(user uint32, dir string) {
	env := s.prepare
	s.args = append(s.args, "--dir", dir)
	s.Dir = dir
	s.prepare = func(cmd *exec.Cmd) {
		env(cmd)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: user, Gid: user},
			Cloneflags: syscall.CLONE_NEWPID,
		}
	}
}

func TestProcess1OfAContainerWorksOnItsVolumeAndEndsOnSIGTERM(t *testing.T) {
	requireRoot(t)
	for _, c := range []struct {
		name        string
		user, owner int
	}{
		{"as the image's user on a named volume", imageUser, imageUser},
		{"as root on a bind mount that Docker created", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) { process1(t, uint32(c.user), volume(t, c.owner)) })
	}
}

func process1(t *testing.T, user uint32, dir string) {
	m := newImage(t)
	s := m.container("redis-server", "--appendonly", "yes")
	s.runAs(user, dir)
	for range 2 { // a fresh volume, and one that has been in use
		s.start(nil)
		c := dial(t, s.Addr)
		c.Do("SET", "k", "v")
		if v := c.Do("SAVE"); v.text != "OK" {
			t.Error(v)
		}
		if v := infoField(c.Do("INFO", "server").Text(), "process_id"); v != "1" {
			t.Errorf("it is process %s", v)
		}
		start := time.Now()
		if code := s.Terminate(); code != 0 || time.Since(start) > dockerWaits {
			t.Errorf("docker stop: exit status %d after %v\n%s", code, time.Since(start), s.Log)
		}
	}
	info, err := os.Stat(filepath.Join(s.Dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != imageUser {
		t.Errorf("the files belong to %d", owner)
	}
}

func TestSIGTERMDuringTheStartEndsProcess1(t *testing.T) {
	requireRoot(t)
	m := newImage(t)
	for _, wait := range []time.Duration{15 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond} {
		s := m.container("redis-server")
		s.runAs(imageUser, volume(t, imageUser))
		s.launch(nil)
		time.Sleep(wait)
		start := time.Now()
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.dead:
		case <-time.After(2 * time.Second):
			await(t, "it ends, or it serves", func() bool { return s.died() || s.answers() })
			if !s.died() { // it came before the first line of main: nobody could have seen it
				t.Logf("a SIGTERM %v after the start was too early", wait)
				s.Kill9()
				continue
			}
		}
		code := s.cmd.ProcessState.ExitCode()
		if code == 2 && s.Log.String() == "" { // so Go's runtime ends process 1 before main's first line
			t.Logf("a SIGTERM %v after the start was too early: exit status 2", wait)
		} else if code != 0 {
			t.Errorf("%v after the start: exit status %d after %v\n%s", wait, code, time.Since(start), s.Log)
		}
	}
}

func TestAVolumeThatTheUserCanNotWriteIsNamed(t *testing.T) {
	requireRoot(t)
	m := newImage(t)
	s := m.container("redis-server")
	s.runAs(imageUser, volume(t, 0))
	s.launch(nil)
	if code := s.Wait(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	said := s.Log.String()
	if !strings.Contains(said, s.Dir) || !strings.Contains(said, "permission denied") || !strings.Contains(said, "999") {
		t.Errorf("it should name the directory, the reason and the user:\n%s", said)
	}
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		conn.Close()
		t.Error("it listens all the same")
	}
}

package compat_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// image is a directory on PATH with the names that the container image has.
type image struct {
	t   *testing.T
	bin string
}

// newImage makes the directory readable for every user.
func newImage(t *testing.T) *image {
	t.Helper()
	dir := openDir(t, "diskette-image-")
	in, err := os.Open(subjectBin(t))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, "diskette"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"redis-server", "redis-cli", "docker-entrypoint"} {
		if err := os.Symlink("diskette", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return &image{t, dir}
}

// openDir is a temporary directory that every user can enter.
func openDir(t *testing.T, prefix string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// container is the image's server as `command:` in a compose file starts it: through the entry point,
// with the image's environment. --port and --dir follow the command, since tests have to share the machine's.
func (m *image) container(command ...string) *server {
	m.t.Helper()
	s := newServer(m.t, filepath.Join(m.bin, "docker-entrypoint"))
	_, port, _ := net.SplitHostPort(s.Addr)
	s.Dir = openDir(m.t, "diskette-volume-")
	s.args = append(command, "--port", port, "--dir", s.Dir)
	s.prepare = func(cmd *exec.Cmd) { cmd.Env = []string{"PATH=" + m.bin, "DISKETTE_IN_CONTAINER=1"} }
	return s
}

// exec runs a program of the image as docker exec and health checks do.
func (m *image) exec(env string, args ...string) (status int, out, errOut string) {
	m.t.Helper()
	cmd := exec.Command(filepath.Join(m.bin, args[0]), args[1:]...)
	cmd.Env = []string{"PATH=" + m.bin, "DISKETTE_IN_CONTAINER=1", env}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	timer := time.AfterFunc(replyTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the status says it
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestAComposeFileWrittenForRedisWorks(t *testing.T) {
	m := newImage(t)
	s := m.container("redis-server", "--appendonly", "yes", "--requirepass", "x")
	s.start(nil)
	_, port, _ := net.SplitHostPort(s.Addr)
	for _, c := range []struct {
		env         string
		args        []string
		status      int
		out, errOut string
	}{
		{"", []string{"redis-cli", "-p", port, "ping"}, 0, "NOAUTH Authentication required.\n\n", ""},
		{"", []string{"redis-cli", "-p", port, "-a", "x", "ping"}, 0, "PONG\n", "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"},
		{"REDISCLI_AUTH=x", []string{"redis-cli", "-p", port, "ping"}, 0, "PONG\n", ""},
		{"REDISCLI_AUTH=x", []string{"redis-cli", "-p", port, "--raw", "incr", "visits"}, 0, "1\n", ""},
		{"REDISCLI_AUTH=x", []string{"redis-cli", "-h", "localhost", "-p", port, "-n", "1", "get", "visits"}, 0, "\n", ""},
		{"", []string{"redis-cli", "-p", "1", "ping"}, 1, "", "Could not connect to Redis at 127.0.0.1:1: Connection refused\n"},
		{"", []string{"redis-server", "--version"}, 0, "Diskette server v=", ""},
	} {
		status, out, errOut := m.exec(c.env, c.args...)
		if status != c.status || out != c.out && (c.args[0] != "redis-server" || !strings.HasPrefix(out, c.out)) || errOut != c.errOut {
			t.Errorf("%s %v: status %d\n%q\n%q", c.env, c.args, status, out, errOut)
		}
	}
	start := time.Now()
	if code := s.Terminate(); code != 0 || time.Since(start) > dockerWaits {
		t.Errorf("docker stop: exit status %d after %v\n%s", code, time.Since(start), s.Log)
	}
	s.start(nil)
	if _, out, _ := m.exec("REDISCLI_AUTH=x", "redis-cli", "-p", port, "get", "visits"); out != "1\n" {
		t.Errorf("after a restart of the container: %q", out)
	}
}

func TestInTheImageOtherContainersCanConnect(t *testing.T) {
	outside := outsideAddress(t)
	m := newImage(t)
	s := m.container("redis-server")
	s.start(nil)
	_, port, _ := net.SplitHostPort(s.Addr)
	if v := dial(t, net.JoinHostPort(outside, port)).Do("PING"); v.text != "PONG" {
		t.Errorf("from another container: %s", v)
	}
	c := dial(t, s.Addr)
	if v := c.Do("CONFIG", "GET", "protected-mode"); v.elems[1].text != "no" {
		t.Error(v)
	}
	if v := c.Do("CONFIG", "GET", "bind"); v.elems[1].text != "* -::*" {
		t.Error(v)
	}
}

func TestAConfFileWorksInTheImage(t *testing.T) {
	m := newImage(t)
	conf := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(conf, []byte("requirepass fromfile\nprotected-mode yes\nmaxmemory 50mb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := m.container("redis-server", conf, "--maxmemory", "60mb")
	s.start(nil)
	c := dial(t, s.Addr)
	if v := c.Do("AUTH", "fromfile"); v.text != "OK" {
		t.Error(v)
	}
	for name, want := range map[string]string{"protected-mode": "yes", "maxmemory": "62914560", "bind": "* -::*"} {
		if v := c.Do("CONFIG", "GET", name); v.elems[1].text != want {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// A conf file is read once in the image, too: nothing in it may stand twice for the server.
func TestAnyConfFileWorksInTheImageAndSoDoesARewrittenOne(t *testing.T) {
	m := newImage(t)
	conf := filepath.Join(openDir(t, "diskette-conf-"), "redis.conf")
	lines := "save 900 1\nsave 300 10\nuser bob on >pw ~* +@all\nuser default on nopass ~* &* +@all\n" +
		"client-output-buffer-limit pubsub 1mb 0 0\n"
	if err := os.WriteFile(conf, []byte(lines), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Dir(conf), 999, 999); err != nil && os.Getuid() == 0 {
		t.Fatal(err) // CONFIG REWRITE makes a new file beside it, as the server's user
	}
	s := m.container("redis-server", conf)
	s.start(nil)
	save := ""
	for range 3 {
		c := dial(t, s.Addr)
		equal(t, "AUTH", c.Do("AUTH", "bob", "pw").text, "OK")
		equal(t, "save", c.Do("CONFIG", "GET", "save").elems[1].text, "900 1 300 10"+save)
		equal(t, "bind", c.Do("CONFIG", "GET", "bind").elems[1].text, "* -::*")
		equal(t, "protected-mode", c.Do("CONFIG", "GET", "protected-mode").elems[1].text, "no")
		save = " 60 5"
		equal(t, "CONFIG SET", c.Do("CONFIG", "SET", "save", "900 1 300 10"+save, "hz", "21").text, "OK")
		equal(t, "CONFIG REWRITE", c.Do("CONFIG", "REWRITE").Text(), "OK")
		if code := s.Terminate(); code != 0 {
			t.Fatalf("exit status %d\n%s", code, s.Log)
		}
		s.start(nil)
	}
	rewritten, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"bind", "protected-mode"} {
		if strings.Contains(string(rewritten), word) {
			t.Errorf("CONFIG REWRITE has written the image's defaults down:\n%s", rewritten)
		}
	}
}

func TestTheImageHoldsNoOtherPrograms(t *testing.T) {
	m := newImage(t)
	status, out, errOut := m.exec("", "docker-entrypoint", "sh", "-c", "true")
	if status == 0 || out != "" || !strings.Contains(errOut, "sh") {
		t.Errorf("status %d\n%s\n%s", status, out, errOut)
	}
}

package compat_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A definition is a service of a compose file, or a docker run, that somebody has written for an image of
// Redis, Valkey, KeyDB or Bitnami: what a container engine is told, with the variables filled in.
type definition struct {
	project    string   // and the file
	entrypoint []string // nil = the image's
	command    []string
	env        []string
	health     []string // CMD and words, or CMD-SHELL and a line; nil = redis-cli ping
	user       string   // name or number, with a group behind a colon
	caps       []int    // nil = those that Docker leaves
	noNew      bool     // no-new-privileges
	readOnly   bool
	volume     string            // where a named volume is; "" = /data
	bind       string            // a directory of root's that the engine has made, instead of a volume
	tmpfs      map[string]string // where, and its options
	files      map[string]string // bind mounts and secrets, which everybody can read; a script begins with #!
	port       string            // "" = 6379

	password string // what clients have to send; "" = nothing
	user2    string // whose password that is; "" = the default user
	forgets  bool   // it is asked to keep nothing, where it can not keep it
	noRedis  string // why it is not compared with redis-server
	refused  string // what the end of the start has to name
}

func words(line string) []string { return strings.Fields(line) }

func shell(line string) []string { return []string{"CMD-SHELL", line} }

// redisRoot is the official image as far as the definitions use it: Debian's redis-server on busybox, with an entry
// point that does what the official one does.
var redisRoot = sync.OnceValues(func() (*imageRoot, error) {
	r := &imageRoot{dir: filepath.Join(buildDir, "images", "redis")}
	r.entrypoint, r.command = []string{"docker-entrypoint.sh"}, []string{"redis-server"}
	r.workdir, r.env = "/data", []string{"PATH=/usr/local/bin:/usr/bin:/bin:/sbin"}
	if err := errors.Join(os.MkdirAll(r.dir, 0o755), busyboxRoot(r.dir)); err != nil {
		return nil, err
	}
	bin := filepath.Join(r.dir, "usr/local/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{"redis-server", "redis-cli", "setpriv"} {
		if err := r.addProgram(name); err != nil {
			return nil, err
		}
	}
	for _, family := range []string{"valkey", "keydb"} {
		for _, program := range []string{"server", "cli"} {
			if err := os.Symlink("redis-"+program, filepath.Join(bin, family+"-"+program)); err != nil {
				return nil, err
			}
		}
	}
	set := exec.Command("/bin/sh", "-c", `echo redis:x:999:999:redis:/data:/bin/sh >> /etc/passwd && echo redis:x:999: >> /etc/group &&
		mkdir -p /data /etc/keydb && chown 999:999 /data && chmod 755 /data && chmod 1777 /tmp && mkdir -p /usr/bin && ln -s /bin/env /usr/bin/env && : > /etc/keydb/keydb.conf`)
	set.Dir, set.SysProcAttr = "/", chrooted(r.dir)
	return r, errors.Join(output(set), os.WriteFile(filepath.Join(bin, "docker-entrypoint.sh"), []byte(officialEntryPoint), 0o755))
})

const officialEntryPoint = `#!/bin/sh
set -e
case "$1" in -*|*.conf) set -- redis-server "$@" ;; esac
case "$1" in
redis-server|valkey-server|keydb-server)
	if [ "$(id -u)" = 0 ]; then
		find . ! -user 999 -exec chown 999 '{}' +
		exec /usr/local/bin/setpriv --reuid=999 --regid=999 --clear-groups -- "$0" "$@"
	fi ;;
esac
exec "$@" $VALKEY_EXTRA_FLAGS
`

// addProgram copies a program of the machine with the libraries that it is linked with.
func (r *imageRoot) addProgram(name string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	if err := putFile(path, filepath.Join(r.dir, "usr/local/bin", name), 0o755); err != nil {
		return err
	}
	libraries, err := exec.Command("ldd", path).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", path, err)
	}
	for _, word := range strings.Fields(string(libraries)) {
		if _, err := os.Stat(filepath.Join(r.dir, word)); strings.HasPrefix(word, "/") && err != nil {
			if err := errors.Join(os.MkdirAll(filepath.Join(r.dir, filepath.Dir(word)), 0o755),
				putFile(word, filepath.Join(r.dir, word), 0o755)); err != nil {
				return err
			}
		}
	}
	return nil
}

// box makes a container of an image for a definition: its own root and volumes, which it keeps over restarts.
func (d definition) box(t *testing.T, image *imageRoot) *box {
	t.Helper()
	dir := openDir(t, "diskette-box-")
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(image.dir, root); err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, log: new(log)}
	s := &b.setup
	*s = boxSetup{Root: root, ReadOnly: d.readOnly, Workdir: image.workdir, NoNew: d.noNew, Caps: d.caps}
	if s.Caps == nil {
		s.Caps = dockerCaps
	}
	s.Env = append(append([]string{"HOME=/root", "HOSTNAME=box"}, image.env...), d.env...)
	s.Argv = append(append(s.Argv, image.entrypoint...), image.command...)
	if d.entrypoint != nil {
		s.Argv = append([]string(nil), d.entrypoint...)
	} else if d.command != nil {
		s.Argv = append([]string(nil), image.entrypoint...)
	}
	if d.entrypoint != nil || d.command != nil {
		s.Argv = append(s.Argv, d.command...)
	}
	if d.user != "" {
		s.User, s.Group = userOf(t, root, d.user)
	}
	d.mount(t, s, dir)
	t.Cleanup(b.kill)
	return b
}

// mount makes the volumes, and the files that are mounted.
func (d definition) mount(t *testing.T, s *boxSetup, dir string) {
	t.Helper()
	volume := d.volume
	if volume == "" {
		volume = "/data"
	}
	held := filepath.Join(dir, "volume")
	err := os.Mkdir(held, 0o755)
	if d.bind != "" {
		volume = d.bind
	} else if _, there := os.Stat(filepath.Join(s.Root, volume)); err == nil && there == nil {
		err = copyTree(filepath.Join(s.Root, volume), held) // an engine fills a new volume from the image
	}
	if _, isTmpfs := d.tmpfs[volume]; !isTmpfs {
		s.Mounts = append(s.Mounts, mount{From: held, To: volume})
	}
	for to, options := range d.tmpfs {
		s.Mounts = append(s.Mounts, mount{To: to, Options: options})
	}
	n := 0
	for to, content := range d.files {
		n++
		from := filepath.Join(dir, "file"+strconv.Itoa(n))
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		err = errors.Join(err, os.WriteFile(from, []byte(content), mode))
		s.Mounts = append(s.Mounts, mount{From: from, To: to})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// userOf finds a user as an engine does: numbers as they are, names in the image's files.
func userOf(t *testing.T, root, user string) (uid, gid int) {
	t.Helper()
	name, group, both := strings.Cut(user, ":")
	number := func(file, name string) int {
		if n, err := strconv.Atoi(name); err == nil {
			return n
		}
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if fields := strings.Split(line, ":"); fields[0] == name {
				n, _ := strconv.Atoi(fields[2])
				return n
			}
		}
		t.Fatalf("%s has no %s", file, name)
		return 0
	}
	uid = number("etc/passwd", name)
	if both {
		gid = number("etc/group", group)
	}
	return uid, gid
}

// An outcome is what a definition's container does.
type outcome struct {
	answers   string // to PING without a password
	accepts   string // to the password
	health    int
	healthOut string
}

// run starts a container and looks at it; with keeps it is killed and started again.
func (d definition) run(t *testing.T, image *imageRoot, keeps bool) (o outcome) {
	t.Helper()
	b := d.box(t, image)
	b.start()
	c := d.connect(t, b)
	o.answers = c.Do("PING").text
	auth := []any{"AUTH", d.password}
	if d.user2 != "" {
		auth = []any{"AUTH", d.user2, d.password}
	}
	if d.password != "" {
		o.accepts = c.Do(auth...).text
	}
	health := d.health
	if health == nil {
		health = []string{"CMD", "redis-cli", "-p", d.portOr(), "ping"}
	}
	argv := health[1:]
	if health[0] == "CMD-SHELL" {
		argv = []string{"/bin/sh", "-c", health[1]}
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if o.health, o.healthOut = b.exec(argv...); o.health == 0 {
			break
		}
	}
	says(t, c, "OK", "SET", "kept", "yes")
	if keeps && !d.forgets {
		b.kill()
		b.start()
		c = d.connect(t, b)
		if d.password != "" {
			c.Do(auth...)
		}
		says(t, c, "yes", "GET", "kept")
	}
	b.kill()
	return o
}

func (d definition) portOr() string {
	if d.port != "" {
		return d.port
	}
	return "6379"
}

// connect waits until the server answers.
func (d definition) connect(t *testing.T, b *box) *client {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		c, err := b.dial(d.portOr())
		if err == nil {
			if v, err := c.Try("PING"); err == nil && !strings.HasPrefix(v.text, "LOADING") {
				c.t = t
				t.Cleanup(c.Close)
				return c
			}
			c.Close()
		}
		if b.ended() {
			t.Fatalf("it ended with status %d:\n%s", b.cmd.ProcessState.ExitCode(), b.log)
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not answer (%v):\n%s", err, b.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Each definition is started in a box with the image and in one with Debian's redis-server, asks for the
// password that it was given, passes its health check with the same words, and keeps a key over a kill and a
// restart.
func TestLiveComposeDefinitionsWork(t *testing.T) {
	built := images(t)
	redis, err := redisRoot()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(definitions); n < 60 {
		t.Errorf("%d definitions", n)
	}
	for _, d := range definitions {
		t.Run(d.project, func(t *testing.T) {
			t.Parallel()
			if d.refused != "" {
				d.mustEnd(t, built["default"])
				return
			}
			got := d.run(t, built["default"], true)
			if d.noRedis == "" {
				want := d.run(t, redis, false)
				if strings.Contains(strings.Join(d.health, " "), "incr") {
					got.healthOut, want.healthOut = "", ""
				}
				if got != want {
					t.Errorf("\n got %+v\nwant %+v", got, want)
				}
			}
			if asks := strings.HasPrefix(got.answers, "NOAUTH"); asks != (d.password != "") || asks && got.accepts != "OK" || got.health != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// mustEnd starts what can not work: it ends with status 1 and says why.
func (d definition) mustEnd(t *testing.T, image *imageRoot) {
	t.Helper()
	b := d.box(t, image)
	b.start()
	select {
	case <-b.dead:
	case <-time.After(startTimeout):
		t.Fatalf("it does not end:\n%s", b.log)
	}
	if status := b.cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(b.log.String(), d.refused) {
		t.Errorf("status %d; it should name %q:\n%s", status, d.refused, b.log)
	}
}

package compat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A box is a container without an engine: a root directory, namespaces of its own for mounts, processes, network, host
// name and messages, a user, and the capabilities that Docker leaves. Its first process is the test binary once more,
// which makes the box from the inside, by enterBox, and then becomes what the container is started with.
type box struct {
	t     testing.TB
	setup boxSetup
	log   *log
	cmd   *exec.Cmd
	dead  chan struct{}
}

// A boxSetup is all that the first process has to know.
type boxSetup struct {
	Root     string
	ReadOnly bool // the root is mounted read-only
	Argv     []string
	Env      []string
	Workdir  string
	User     int // uid
	Group    int
	Mounts   []mount // in order
	Caps     []int   // what the bounding set keeps
	NoNew    bool    // no-new-privileges
}

// A mount is a volume or a file in the box.
type mount struct {
	From     string // on the machine; "" = a tmpfs
	To       string
	ReadOnly bool
	Options  string // of the tmpfs
}

// dockerCaps are the capabilities that Docker leaves a container: capabilities(7)'s numbers of CHOWN, DAC_OVERRIDE,
// FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
var dockerCaps = []int{0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}

const boxVariable = "DISKETTE_TEST_BOX"

// enterBox is the first process of a box. It returns if the process is none.
func enterBox() {
	text, inside := os.LookupEnv(boxVariable)
	if !inside {
		return
	}
	runtime.LockOSThread()
	var s boxSetup
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = s.enter()
	}
	fmt.Fprintln(os.Stderr, "the box:", err)
	os.Exit(125)
}

func (s *boxSetup) enter() error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := s.mountAll(); err != nil {
		return err
	}
	if err := errors.Join(unix.Chroot(s.Root), unix.Chdir("/"), unix.Sethostname([]byte("box"))); err != nil {
		return err
	}
	if err := os.Chdir(s.Workdir); err != nil {
		return err
	}
	for n := range 64 {
		if !slices.Contains(s.Caps, n) && unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0) != nil {
			break // the last one of this kernel
		}
	}
	if s.NoNew {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	if s.User != 0 {
		if err := errors.Join(unix.Setgroups(nil), syscall.Setgid(s.Group), syscall.Setuid(s.User)); err != nil {
			return err
		}
	}
	path, err := findProgram(s.Argv[0], s.Env)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, unix.Exec(path, s.Argv, s.Env))
}

// findProgram looks through the PATH of an environment.
func findProgram(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, line := range env {
		if path, ok := strings.CutPrefix(line, "PATH="); ok {
			for _, dir := range filepath.SplitList(path) {
				if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
					return filepath.Join(dir, name), nil
				}
			}
		}
	}
	return "", fmt.Errorf("%s is not in PATH", name)
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}

func (s *boxSetup) mountAll() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount(s.Root, s.Root, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	devices := []mount{{"", "/dev", false, "mode=755,size=64k"}}
	for _, name := range []string{"null", "zero", "random", "urandom"} {
		devices = append(devices, mount{From: "/dev/" + name, To: "/dev/" + name})
	}
	for _, m := range append(append(devices, mount{"", "/dev/shm", false, "mode=1777,size=64m"}), s.Mounts...) {
		if err := m.mount(s.Root); err != nil {
			return fmt.Errorf("mount %s: %w", m.To, err)
		}
	}
	if err := unix.Mount("proc", filepath.Join(s.Root, "proc"), "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	if s.ReadOnly {
		return unix.Mount("", s.Root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return nil
}

func (m mount) mount(root string) error {
	at := filepath.Join(root, m.To)
	info, err := os.Stat(m.From)
	switch {
	case m.From == "":
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		return unix.Mount("tmpfs", at, "tmpfs", 0, m.Options)
	case err != nil:
		return err
	case info.IsDir():
		err = os.MkdirAll(at, 0o755)
	default:
		if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
			err = os.WriteFile(at, nil, 0o644)
		}
	}
	if err == nil {
		err = unix.Mount(m.From, at, "", unix.MS_BIND, "")
	}
	if err == nil && m.ReadOnly {
		err = unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return err
}

// start starts the box's first process.
func (b *box) start() {
	b.t.Helper()
	setup, err := json.Marshal(b.setup)
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = exec.Command("/proc/self/exe")
	b.cmd.Env = []string{boxVariable + "=" + string(setup)}
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
		syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	cmd, dead := b.cmd, make(chan struct{})
	b.dead = dead
	go func() {
		_ = cmd.Wait() // its status is in cmd.ProcessState
		close(dead)
	}()
}

// kill ends the box as a crash does, all its processes with the first.
func (b *box) kill() {
	if b.cmd != nil {
		_ = b.cmd.Process.Kill() // an error means that it is gone already
		<-b.dead
	}
}

func (b *box) ended() bool {
	select {
	case <-b.dead:
		return true
	default:
		return false
	}
}

// within runs f on a thread in the box's network, with new processes in its process namespace.
func (b *box) within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for _, name := range []string{"net", "pid"} {
			fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/%s", b.cmd.Process.Pid, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				err = unix.Setns(fd, 0)
				unix.Close(fd)
			}
			if err != nil {
				done <- fmt.Errorf("enter the box: %w", err)
				return
			}
		}
		done <- f()
	}()
	return <-done
}

// dial connects to a port in the box.
func (b *box) dial(port string) (c *client, err error) {
	err = b.within(func() (err error) {
		c, err = open("127.0.0.1:" + port)
		return err
	})
	return c, err
}

// exec runs a command in the box as docker exec and health checks do, and returns its exit status, 124 after a while.
func (b *box) exec(argv ...string) (status int, out string) {
	var cmd *exec.Cmd
	var said log
	root := fmt.Sprintf("/proc/%d/root", b.cmd.Process.Pid)
	err := b.within(func() error {
		path := argv[0]
		if !strings.Contains(path, "/") {
			for _, line := range b.setup.Env {
				if list, ok := strings.CutPrefix(line, "PATH="); ok {
					for _, dir := range filepath.SplitList(list) {
						if _, err := os.Lstat(filepath.Join(root, dir, path)); err == nil {
							path = filepath.Join(dir, path)
							break
						}
					}
				}
			}
		}
		if !strings.Contains(path, "/") {
			return fmt.Errorf("%s: not found in the box", path)
		}
		cmd = &exec.Cmd{Path: path, Args: argv, Env: b.setup.Env, Dir: b.setup.Workdir, Stdout: &said, Stderr: &said}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uint32(b.setup.User), Gid: uint32(b.setup.Group)}}
		return cmd.Start()
	})
	if err != nil {
		return 127, err.Error()
	}
	timer := time.AfterFunc(replyTimeout, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	if !timer.Stop() {
		return 124, said.String()
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

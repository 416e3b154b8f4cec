package compat_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// An imageRoot is a directory that holds an image's files, and what its Dockerfile says about it.
type imageRoot struct {
	dir string
	imageStage
}

// buildImages builds every stage of the Dockerfile that can be built without an engine, from its own lines: the base
// images are made from Debian's busybox-static and bash-static.
var buildImages = sync.OnceValues(func() (map[string]*imageRoot, error) {
	stages, err := readDockerfile()
	if err != nil {
		return nil, err
	}
	built := map[string]*imageRoot{}
	for i, s := range stages {
		if s.name == "" {
			s.name = fmt.Sprint("stage ", i)
			if i == len(stages)-1 {
				s.name = "default"
			}
		}
		r := &imageRoot{dir: filepath.Join(buildDir, "images", s.name), imageStage: *s}
		if err := r.base(built); errors.Is(err, errNoBash) {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, step := range r.steps {
			if err := r.step(step, built); err != nil {
				if step.from == "static-bash" && built["static-bash"] == nil {
					delete(built, s.name)
					r = nil
					break
				}
				return nil, fmt.Errorf("Dockerfile:%d: %w", step.line, err)
			}
		}
		if r != nil {
			built[s.name] = r
		}
	}
	return built, nil
})

var errNoBash = errors.New("bash-static is not installed")

// base makes what a stage begins with.
func (r *imageRoot) base(built map[string]*imageRoot) error {
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	name, _, _ := strings.Cut(r.from, ":")
	switch {
	case built[r.from] != nil:
		return copyTree(built[r.from].dir, r.dir)
	case name == "golang":
		return nil // the stage is the machine, with its files below r.dir
	case name == "debian":
		for _, step := range r.steps {
			if !strings.Contains(step.run, "apt-get install -y --no-install-recommends bash-static") {
				return fmt.Errorf("only bash-static can be had from Debian here")
			}
		}
		r.steps = nil
		if _, err := os.Stat("/bin/bash-static"); err != nil {
			return errNoBash
		}
		return copyInto("/bin/bash-static", filepath.Join(r.dir, "bin"))
	case name == "busybox":
		return busyboxRoot(r.dir)
	}
	return fmt.Errorf("%s can not be made here", r.from)
}

// busyboxRoot makes the files of the busybox image.
func busyboxRoot(dir string) error {
	for _, d := range []string{"bin", "etc", "root", "tmp", "usr", "var", "home", "dev", "proc", "sys", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	busybox := filepath.Join(dir, "bin", "busybox")
	if err := putFile("/bin/busybox", busybox, 0o755); err != nil {
		return err
	}
	applets, err := exec.Command("/bin/busybox", "--list").Output()
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(applets)) {
		if name != "busybox" {
			if err := os.Link(busybox, filepath.Join(dir, "bin", name)); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "etc/group"), []byte("root:x:0:\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644))
}

// step does a COPY or a RUN.
func (r *imageRoot) step(s dockerStep, built map[string]*imageRoot) error {
	building := strings.HasPrefix(r.from, "golang:")
	switch {
	case building && s.run == "":
		return nil // the tree is where it is
	case building && strings.HasPrefix(s.run, "go mod download"):
		return nil
	case building:
		run := strings.ReplaceAll(s.run, " /image/", " "+filepath.Join(r.dir, "image")+"/")
		cmd := exec.Command("sh", "-c", run)
		cmd.Dir = ".."
		return output(cmd)
	case s.run != "":
		cmd := exec.Command("/bin/sh", "-c", s.run)
		cmd.Dir, cmd.Env = "/", []string{"PATH=/bin:/usr/bin"}
		cmd.SysProcAttr = chrooted(r.dir)
		return output(cmd)
	}
	from := ".."
	if s.from != "" {
		if built[s.from] == nil {
			return fmt.Errorf("there is no stage %s", s.from)
		}
		from = built[s.from].dir
	}
	for _, source := range s.sources {
		path := filepath.Join(from, source)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = copyTree(path, filepath.Join(r.dir, s.to))
		} else if to := filepath.Join(r.dir, s.to); strings.HasSuffix(s.to, "/") {
			err = copyInto(path, to)
		} else {
			err = putFile(path, to, info.Mode())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func chrooted(root string) *syscall.SysProcAttr { return &syscall.SysProcAttr{Chroot: root} }

func output(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

func copyInto(path, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return putFile(path, filepath.Join(dir, filepath.Base(path)), 0o755)
}

// putFile makes a hard link of what is large, and a copy of what something may write to.
func putFile(from, to string, mode fs.FileMode) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	if info, err := os.Stat(from); err == nil && info.Size() > 64<<10 && os.Link(from, to) == nil {
		return nil
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, content, mode.Perm()); err != nil {
		return err
	}
	return os.Chmod(to, mode.Perm())
}

// copyTree copies a directory's files, links and directories, with modes and owners.
func copyTree(from, to string) error {
	linked := map[uint64]string{} // copies of files with several names
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		copied := filepath.Join(to, rel)
		stat := info.Sys().(*syscall.Stat_t)
		switch {
		case d.IsDir():
			if err := os.MkdirAll(copied, info.Mode().Perm()); err != nil {
				return err
			}
			return errors.Join(os.Lchown(copied, int(stat.Uid), int(stat.Gid)),
				os.Chmod(copied, info.Mode().Perm()|info.Mode()&os.ModeSticky))
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, copied)
		case linked[stat.Ino] != "":
			return os.Link(linked[stat.Ino], copied)
		}
		linked[stat.Ino] = copied
		return putFile(path, copied, info.Mode())
	})
}

// images are the built stages; without root or Debian's busybox-static the test is skipped, saying so.
func images(t *testing.T) map[string]*imageRoot {
	t.Helper()
	requireBox(t)
	built, err := buildImages()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// requireBox skips, saying so, where no box can be made.
func requireBox(t *testing.T) {
	t.Helper()
	if !*liveFlag {
		t.Skip("NOT CHECKED: what the image's programs do in a container; go test ./compat_test -live does")
	}
	requireRoot(t)
	if _, err := os.Stat("/bin/busybox"); err != nil {
		t.Skip("NOT CHECKED: the image; install Debian's busybox-static")
	}
	if err := exec.Command("unshare", "-m", "-p", "-n", "-u", "-i", "-f", "true").Run(); err != nil {
		t.Skipf("NOT CHECKED: the image; this machine allows no namespaces: %v", err)
	}
}

// sizeOf is what a root's files take, each once.
func sizeOf(t *testing.T, root string) (bytes int64) {
	seen := map[uint64]bool{}
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && !seen[info.Sys().(*syscall.Stat_t).Ino] {
			seen[info.Sys().(*syscall.Stat_t).Ino] = true
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func TestLiveTheImageIsBuiltFromItsDockerfile(t *testing.T) {
	built := images(t)
	r := built["default"]
	for _, name := range []string{"redis-server", "valkey-cli", "keydb-server", "redis-check-aof", "docker-entrypoint"} {
		target, err := os.Readlink(filepath.Join(r.dir, "usr/local/bin", name))
		if err != nil || target != "diskette" {
			t.Errorf("%s leads to %q, %v", name, target, err)
		}
	}
	binary, err := elf.Open(filepath.Join(r.dir, "usr/local/bin/diskette"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the binary is not static")
	}
	info, err := os.Stat(filepath.Join(r.dir, "data"))
	if err != nil || info.Mode().Perm() != 0o777 || info.Mode()&os.ModeSticky == 0 || info.Sys().(*syscall.Stat_t).Uid != imageUser {
		t.Errorf("/data: %v, %v", info, err)
	}
	readmeSaysSize(t, "default", sizeOf(t, r.dir))
	if b := built["bash"]; b == nil {
		t.Log("NOT CHECKED: the target bash; install Debian's bash-static")
	} else {
		readmeSaysSize(t, "bash", sizeOf(t, b.dir))
	}
}

// readmeSaysSize finds the size of an image in the README: "<target> N MB". A tenth is left for another busybox.
func readmeSaysSize(t *testing.T, target string, size int64) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	megabytes := (size + 500_000) / 1_000_000
	t.Logf("the image %s has %d MB", target, megabytes)
	for n := megabytes - megabytes/10; n <= megabytes+megabytes/10; n++ {
		if bytes.Contains(readme, fmt.Appendf(nil, "`%s` %d MB", target, n)) {
			return
		}
	}
	t.Errorf("README should say \"`%s` %d MB\"", target, megabytes)
}

package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// imageUser is the user and group of the redis image: volumes that it filled belong to them.
const imageUser = 999

// leaveRoot does what the redis image's entry point does: started as root in the container, it takes over the data
// directory for user 999 and goes on as that user. A bind mount that Docker created, root's, works that way. Elsewhere,
// or as another user, it does nothing; SKIP_FIX_PERMS leaves the directory as it is, SKIP_DROP_PRIVS the user, too.
func leaveRoot(dir string, env func(string) string) (warning string, err error) {
	if !inContainer(env) || os.Getuid() != 0 || env("SKIP_DROP_PRIVS") != "" {
		return "", nil
	}
	if !hasCapability(capSetgid) || !hasCapability(capSetuid) {
		return "the server goes on as root: without the capabilities SETUID and SETGID it can not become user " +
			strconv.Itoa(imageUser) + "; start the container with that user instead", nil
	}
	// What the directory itself has against it shows when it is used.
	if err := os.MkdirAll(dir, 0o755); err == nil && env("SKIP_FIX_PERMS") == "" && !shared(dir) {
		if err := giveAway(dir); err != nil {
			warning = fmt.Sprintf("can not give the data directory to user %d: %v; start the container with the user whom it belongs to", imageUser, err)
		}
	}
	for _, leave := range []func() error{
		func() error { return syscall.Setgroups([]int{imageUser}) },
		func() error { return syscall.Setgid(imageUser) },
		func() error { return syscall.Setuid(imageUser) },
	} {
		if err := leave(); err != nil {
			return warning, fmt.Errorf("leave root: %w", err)
		}
	}
	return warning, nil
}

// shared reports whether a directory is one of the system's, whose other files are not to be given away: the root, or
// one like /tmp, in which everybody may write and only the owner may remove.
func shared(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil || dir == "/" {
		return true
	}
	info, err := os.Stat(dir)
	return err != nil || info.Mode()&os.ModeSticky != 0 && filepath.Dir(dir) == "/" && dir != "/data"
}

// giveAway gives a directory and all that is in it to the image's user.
func giveAway(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid == imageUser {
			return nil
		}
		return os.Lchown(path, imageUser, imageUser)
	})
}

// Numbers of capabilities(7).
const (
	capSetgid = 6
	capSetuid = 7
)

// hasCapability reports whether the process has a capability; without /proc it is taken to.
func hasCapability(number int) bool {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return true
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if digits, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			all, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
			return err != nil || all>>number&1 == 1
		}
	}
	return true
}

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// imageUser is the user and group of the redis image: volumes that it filled belong to them.
const imageUser = 999

// leaveRoot does what the redis image's entry point does: started as root in the container, it
// takes over the data directory for user 999 and goes on as that user. A bind mount that Docker
// created, root's, works that way. Elsewhere, or as another user, it does nothing.
func leaveRoot(dir string) error {
	if os.Getenv("DISKETTE_IN_CONTAINER") != "1" || os.Getuid() != 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the data directory: %w", err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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
	if err != nil {
		return fmt.Errorf("give the data directory to user %d: %w; start the container with --user to run as its owner", imageUser, err)
	}
	if err := syscall.Setgroups([]int{imageUser}); err != nil {
		return fmt.Errorf("leave root: %w", err)
	}
	if err := syscall.Setgid(imageUser); err != nil {
		return fmt.Errorf("leave root: %w", err)
	}
	if err := syscall.Setuid(imageUser); err != nil {
		return fmt.Errorf("leave root: %w", err)
	}
	return nil
}

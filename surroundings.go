package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"diskette/resp/config"
	"diskette/store"
)

// prepare looks at what surrounds the server before it begins: the user whom it runs as, the data directory, and
// passwords that have not reached it. The warnings are for the log.
func prepare(cfg *config.Config, env func(string) string) (warnings []string, err error) {
	warning, err := leaveRoot(cfg.Text("dir"), env)
	if err != nil {
		return nil, err
	}
	elsewhere, err := writableDir(cfg, env)
	if err != nil {
		return nil, err
	}
	if err := notOwnFiles(cfg); err != nil {
		return nil, err
	}
	warnings = append([]string{warning, elsewhere}, passwordWarnings(cfg, env)...)
	return slices.DeleteFunc(warnings, func(text string) bool { return text == "" }), nil
}

// notOwnFiles refuses a configuration that would have something else written to a file of the database.
func notOwnFiles(cfg *config.Config) error {
	dir := cfg.Text("dir")
	for _, option := range []string{"logfile", "pidfile", "unixsocket", "aclfile", "dbfilename"} {
		path := cfg.Text(option)
		if path == "" {
			continue
		}
		if option == "dbfilename" {
			path = filepath.Join(dir, path)
		}
		if err := store.NotOwn(path, dir); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	return nil
}

// passwordVariables are those by which images and charts hand a password over, of which only Bitnami's entry
// point makes one of the server's.
var passwordVariables = []string{
	"REDIS_PASSWORD", "REDIS_PASSWORD_FILE", "VALKEY_PASSWORD", "VALKEY_PASSWORD_FILE", "KEYDB_PASSWORD", "REDIS_REQUIREPASS", "REQUIREPASS",
}

// passwordWarnings tell of a password that was given and is none.
func passwordWarnings(cfg *config.Config, env func(string) string) (warnings []string) {
	if cfg.EmptyPassword {
		warnings = append(warnings, "requirepass was given and is EMPTY: no password is asked for, whoever reaches this port may do everything. "+
			"If it came from a variable or a file, that was empty or could not be read")
	}
	if !inContainer(env) || cfg.Protected() {
		return warnings
	}
	for _, name := range passwordVariables {
		if env(name) != "" {
			warnings = append(warnings, fmt.Sprintf("%s is set, but no password is asked for: as in the official image this variable has no "+
				"effect by itself; start with --requirepass", name))
		}
	}
	for _, name := range []string{"VALKEY_EXTRA_FLAGS", "REDIS_ARGS", "REDIS_EXTRA_FLAGS"} {
		if strings.Contains(env(name), "requirepass") {
			warnings = append(warnings, name+" has a requirepass, but the command that the container was started with does not pass it on: "+
				"no password is asked for")
		}
	}
	return warnings
}

// writableDir makes sure of the data directory. Where it can not be written, and nothing is in it, a server
// that is to keep nothing (save "" and no appendonly yes) gets a temporary directory, and the warning says so.
// In all other cases the store says why it can not be used.
func writableDir(cfg *config.Config, env func(string) string) (warning string, err error) {
	dir := cfg.Text("dir")
	why := tryDir(dir)
	if why == nil || cfg.Appending || cfg.Text("save") != "" {
		return "", advised(why)
	}
	if !isEmpty(dir, redisFiles(cfg)) {
		return "", nil
	}
	for _, parent := range []string{env("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm", "/run"} {
		other, err := temporaryDir(parent, strconv.FormatInt(cfg.Int("port"), 10))
		if err != nil {
			continue
		}
		if err := cfg.MoveDir(other); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s can not be written (%v), and save and appendonly ask to keep nothing: ALL DATA IS IN %s, and is gone with it", dir,
			why, other), nil
	}
	return "", fmt.Errorf("%w; no temporary directory can be written either: mount one, for example with --tmpfs /data", why)
}

// advised is an error of the directory with what can be done, for one that the server is asked to keep data in.
func advised(why error) error {
	var path *os.PathError
	if why == nil || !errors.As(why, &path) {
		return why
	}
	return fmt.Errorf("the data directory can not be written: %w; the server runs as uid %d, gid %d: give it the directory and all that is in "+
		"it with chown -R, mount a volume there, or start with --save \"\" --appendonly no to keep the data in a temporary one", why, os.Getuid(), os.Getgid())
}

// tryDir creates the directory if it is not there, and a file in it. Only what is the directory's own fault is
// an error: its owner, or a file system that is mounted read-only.
func tryDir(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".diskette-writable-"); err == nil {
			f.Close()
			os.Remove(f.Name())
		}
	}
	if errors.Is(err, syscall.EROFS) || errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}

// isEmpty reports whether a directory is known to have no data, neither the server's own nor Redis's.
func isEmpty(dir string, redis []string) bool {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return true
	}
	if _, err := os.ReadDir(dir); err != nil || !store.Fresh(dir) {
		return false
	}
	return !slices.ContainsFunc(redis, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return !errors.Is(err, os.ErrNotExist)
	})
}

// ownFile reports whether a file belongs to the user whom the server runs as.
func ownFile(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}

// temporaryDir is the server's own directory below parent. It has the same name at each start, so that what a killed
// server has left is used again, and it is only taken if nobody else can have made or filled it.
func temporaryDir(parent, port string) (string, error) {
	if parent == "" {
		return "", os.ErrNotExist
	}
	dir := filepath.Join(parent, fmt.Sprintf("diskette-%d-%s", os.Getuid(), port))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ownFile(info) {
		return "", fmt.Errorf("%s belongs to somebody else", dir)
	}
	return dir, tryDir(dir)
}

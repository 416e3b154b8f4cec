package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The container's entry point, docker-entrypoint, takes what the container is started with as the images of Redis,
// Valkey, KeyDB and Redis Stack take it:
//
//	nothing, an option, a conf file          the server, with these arguments
//	redis-server, valkey-cli ...             that program
//	/opt/bitnami/scripts/redis/run.sh        the server with Bitnami's variables: entrypoint_bitnami.go
//	anything else, sh -c "..." or /start.sh  is run as it stands
//
// VALKEY_EXTRA_FLAGS and REDIS_ARGS of the environment follow what is given. SKIP_DROP_PRIVS and SKIP_FIX_PERMS are in
// user_linux.go. The server acts on the same variables when a shell starts it.

// inContainer reports whether the process is in the image, whose Dockerfile says so.
func inContainer(env func(string) string) bool { return env("DISKETTE_IN_CONTAINER") == "1" }

// imageDefaults are the settings, as lines of a conf file, whose defaults are others in the image: other
// containers must reach the server, and the volume is at /data. As in the official redis image, the network
// that the container is published to is the protection, besides requirepass.
func imageDefaults(env func(string) string) []string {
	if !inContainer(env) {
		return nil
	}
	return []string{"bind * -::*", "protected-mode no", "dir /data"}
}

var errNoProgram = errors.New("can not run the command")

// A start is what the entry point makes of its arguments.
type start struct {
	role     role
	args     []string // of the role
	defaults []string // lines of a conf file that hold where nothing else is said
	path     string   // of a program that is none of ours; then args has its argv
}

// enter is docker-entrypoint. It returns the exit status.
func enter(args []string) int {
	s, err := entryPoint{env: os.Getenv, look: lookUp, mounted: bitnamiMounted}.start(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errNoProgram) {
			return 127 // as a shell says it
		}
		return 1
	}
	if s.path == "" {
		return act(s.role, s.args, s.defaults...)
	}
	err = syscall.Exec(s.path, s.args, os.Environ())
	if errors.Is(err, syscall.ENOEXEC) { // a script that does not name its shell
		err = syscall.Exec("/bin/sh", append([]string{"sh", s.path}, s.args[1:]...), os.Environ())
	}
	fmt.Fprintf(os.Stderr, "can not run %s: %v\n", s.path, err)
	return 126
}

// An entryPoint decides, by its arguments and what surrounds it.
type entryPoint struct {
	env     func(string) string
	look    func(name string) (path string, ours bool, err error)
	mounted func(dir string) bool // whether something is mounted at a directory or below it
}

// lookUp finds a program as a shell does, and tells whether it is a name of this binary.
func lookUp(name string) (path string, ours bool, err error) {
	if path, err = exec.LookPath(name); err != nil {
		return "", false, err
	}
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return path, isServer(filepath.Base(path)), nil // without /proc the name has to do
	}
	found, err := os.Stat(path)
	return path, err == nil && os.SameFile(self, found), err
}

// start decides what is run.
func (e entryPoint) start(args []string) (start, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || strings.HasSuffix(args[0], ".conf") {
		args = append([]string{"redis-server"}, args...)
	}
	args = append(args[:len(args):len(args)], strings.Fields(e.env("VALKEY_EXTRA_FLAGS"))...)
	if family := bitnamiScript(args[0]); family != "" {
		if s, done, err := e.bitnamiScript(family, args); done || err != nil {
			return s, err
		}
	}
	path, ours, err := e.look(args[0])
	if err != nil && !strings.Contains(args[0], "/") && isServer(args[0]) {
		ours, err = true, nil // a PATH of the user's own does not hide the server
	}
	if err != nil {
		return start{}, fmt.Errorf("%w: %w: the image has busybox's programs and those of redis, valkey and keydb", errNoProgram, err)
	}
	if !ours {
		return start{path: path, args: args}, nil
	}
	s := start{}
	if s.role, s.args = roleOf(args); s.role != roleServer {
		return s, nil
	}
	for _, family := range []string{"redis", "valkey"} {
		if e.mounted("/bitnami/" + family) {
			return e.bitnami(family, s.args, len(s.args) == 0)
		}
	}
	s.args = append(s.args, strings.Fields(e.env("REDIS_ARGS"))...)
	return s, nil
}

package compat_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var smallRuns = flag.Int("small-runs", 1, "how often each server in a small container is tried")

// memoryGroup makes a control group that may use so many bytes, and returns its directory.
func memoryGroup(t *testing.T, bytes int64) string {
	t.Helper()
	for _, of := range []struct{ root, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		if _, err := os.Stat(filepath.Join(of.root, "cgroup.procs")); err != nil {
			continue // no control group, but the directory where they are mounted
		}
		dir, err := os.MkdirTemp(of.root, "diskette-test-")
		if err != nil {
			continue
		}
		limit, err := os.OpenFile(filepath.Join(dir, of.file), os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprint(limit, bytes)
			err = errors.Join(err, limit.Close())
		}
		if err == nil {
			t.Cleanup(func() {
				for deadline := time.Now().Add(stopTimeout); ; time.Sleep(10 * time.Millisecond) {
					if err := os.Remove(dir); err == nil || errors.Is(err, os.ErrNotExist) {
						return
					} else if time.Now().After(deadline) {
						t.Errorf("the control group stays behind: %v", err)
						return
					}
				}
			})
			return dir
		}
		os.Remove(dir)
	}
	t.Skip("NOT CHECKED: a server in a small container takes the right to make control groups with a memory limit")
	return ""
}

// confine has the server run in the group. What is read of its program counts there, too, as in a container.
func (s *server) confine(group string) {
	s.prepare = func(cmd *exec.Cmd) {
		const script = `echo $$ >"$1" && cp "$0" "$2" && program=$2 && shift 2 && exec "$program" "$@"`
		program := filepath.Join(filepath.Dir(s.Dir), "program-of-"+filepath.Base(group))
		cmd.Args = append([]string{"sh", "-c", script, cmd.Path, filepath.Join(group, "cgroup.procs"), program}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		s.t.Cleanup(func() { os.Remove(program) })
	}
}

// killed is how many processes of the group the kernel has killed for their memory.
func killed(t *testing.T, group string) (n int) {
	t.Helper()
	for _, file := range []string{"memory.oom_control", "memory.events"} {
		text, _ := os.ReadFile(filepath.Join(group, file))
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
	}
	t.Skip("NOT CHECKED: a server in a small container; the kernel does not say whether it has killed for memory")
	return 0
}

// workedWith is what of the program's file a server works with. All else of files can be let go.
const workedWith = 5 << 20

// A server keeps a fifth of a container's memory free, whatever is written, and goes on at the pace of its clients.
func TestASmallContainerIsNotKilledForItsMemory(t *testing.T) {
	set := func(keys int) func(i int) []any {
		value := strings.Repeat("v", 1024)
		return func(i int) []any { return []any{"SET", "key:" + strconv.Itoa(i*7919%keys), value} }
	}
	queue := func(i int) []any { // which grows by a fifth of what is pushed
		if i%9 < 5 {
			return []any{"LPUSH", "queue", strings.Repeat("v", 1024)}
		}
		return []any{"RPOP", "queue"}
	}
	for _, c := range []struct {
		name                string
		bytes               int64
		commands, perSecond int
		command             func(i int) []any
		more                []string
	}{
		{"100 MB, SET of 1 KB over 70,000 keys", 100 << 20, 30_000, 3000, set(70_000), nil},
		{"20 MB, SET of 1 KB over 5,000 keys", 20 << 20, 4000, 500, set(5000), nil},
		{"64 MB, a queue", 64 << 20, 24_000, 3000, queue, nil},
		{"64 MB, and a maxmemory that does not fit", 64 << 20, 24_000, 3000, set(70_000), []string{"--maxmemory", "200mb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range *smallRuns {
				t.Run("", func(t *testing.T) { smallContainer(t, c.bytes, c.commands, c.perSecond, c.command, c.more) })
			}
		})
	}
}

func smallContainer(t *testing.T, bytes int64, commands, perSecond int, command func(i int) []any, more []string) {
	group := memoryGroup(t, bytes)
	s := newServer(t, subjectBin(t), more...)
	s.confine(group)
	s.start(nil)
	peak := s.paced(commands, perSecond, command)
	if n := killed(t, group); n != 0 {
		t.Fatalf("the kernel has killed %d processes\n%s", n, s.Log)
	}
	t.Logf("at most %.1f MB without the program's file", float64(peak)/1e6)
	if most := bytes/5*4 - workedWith; peak > most {
		t.Errorf("the server had %d bytes, which should be %d at most", peak, most)
	}
	if status := s.Terminate(); status != 0 {
		t.Errorf("exit status %d\n%s", status, s.Log)
	}
	s.start(nil)
	s.paced(perSecond, perSecond, command)
	s.Kill9()
	s.start(nil) // and a recovery
	if n := killed(t, group); n != 0 {
		t.Fatalf("the kernel has killed %d processes after the restart\n%s", n, s.Log)
	}
	s.Kill9()
}

// paced sends so many commands from 20 clients, so many a second, and wants no error. It returns the most that the
// server had in memory, pages of files left out.
func (s *server) paced(n, perSecond int, command func(i int) []any) (peak int64) {
	s.t.Helper()
	const clients = 20
	failed := make(chan error, clients)
	start := time.Now()
	for first := range clients {
		go func() {
			failed <- func() error {
				c, err := open(s.Addr)
				if err != nil {
					return err
				}
				defer c.Close()
				for i := first; i < n; i += clients {
					time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
					if v, err := c.Try(command(i)...); err != nil || v.IsError() {
						return fmt.Errorf("command %d: %v %w", i, v, err)
					}
				}
				return nil
			}()
		}()
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for left := clients; left > 0; {
		select {
		case err := <-failed:
			if left--; err != nil {
				s.t.Error(err)
			}
		case <-look.C:
			if !s.died() {
				peak = max(peak, s.memoryLine("RssAnon"))
			}
		}
	}
	if s.t.Failed() {
		s.t.Fatal(s.Log)
	}
	return peak
}

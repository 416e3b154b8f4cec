package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
)

// contest is the comparison of two servers.
type contest struct {
	subject, reference string // binaries
	scratch            string // parent of the data directories
	bytes              int64  // that either may take
	hot                string // Diskette's maxmemory
}

var policies = []string{"allkeys-lru", "allkeys-lfu"}

// run prints a table with a row a trace, and fails where Diskette is behind.
func (c *contest) run(ctx context.Context, names *regexp.Regexp, turns, noise float64) (err error) {
	if c.scratch, err = os.MkdirTemp(c.scratch, "diskette-hitratio-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.scratch)) }()
	if c.subject == "" {
		c.subject = filepath.Join(c.scratch, "diskette")
		build := exec.CommandContext(ctx, "go", "build", "-o", c.subject, "diskette")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	if c.hot == "" {
		c.hot = strconv.FormatInt(c.bytes/4, 10)
	}
	fmt.Println("| Trace | Redis LRU | Diskette LRU | Redis LFU | Diskette LFU | Optimum | Keys held: Redis, Diskette |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	var behind []error
	for _, p := range plans() {
		if !names.MatchString(p.name) {
			continue
		}
		t := p.trace(int(float64(c.bytes)/p.mean()), turns)
		fmt.Printf("| %s |", t.name)
		var redisHeld, held int64
		for _, policy := range policies {
			var theirs, ours float64
			theirs, redisHeld, err = c.replay(ctx, t, c.reference, "--maxmemory", strconv.FormatInt(c.bytes, 10),
				"--maxmemory-policy", policy, "--save", "", "--appendonly", "no")
			if err == nil {
				ours, held, err = c.replay(ctx, t, c.subject, "--maxdisk", strconv.FormatInt(c.bytes, 10),
					"--maxmemory-policy", policy, "--maxmemory", c.hot)
			}
			if err != nil {
				return fmt.Errorf("%s, %s: %w", t.name, policy, err)
			}
			fmt.Printf(" %.1f | %.1f |", 100*theirs, 100*ours)
			if 100*ours < 100*theirs-noise {
				behind = append(behind, fmt.Errorf("%s, %s: %.2f %% of all requests hit, %.2f %% with Redis",
					t.name, policy, 100*ours, 100*theirs))
			}
		}
		fmt.Printf(" %.1f | %d, %d |\n", 100*optimum(t, c.bytes, 0), redisHeld, held)
	}
	return errors.Join(behind...)
}

// window is how many requests are under way at a time.
const window = 32

// replay starts a server, plays a trace and returns its hit ratio, and how many keys there are at the end.
func (c *contest) replay(ctx context.Context, t *trace, bin string, args ...string) (ratio float64, held int64, err error) {
	conn, stop, err := c.start(ctx, bin, args)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	text := make([]byte, longest)
	for n := range text {
		text[n] = byte(rand.Uint32())
	}
	hits := 0
	for from := 0; from < len(t.requests) && ctx.Err() == nil; from += window {
		asked := t.requests[from:min(from+window, len(t.requests))]
		for _, key := range asked {
			if err = conn.Send("GET", name(key)); err != nil {
				return 0, 0, err
			}
		}
		if err = conn.Flush(); err != nil {
			return 0, 0, err
		}
		missing := map[uint32]bool{}
		for n, key := range asked {
			switch b, err := redis.Bytes(conn.Receive()); {
			case errors.Is(err, redis.ErrNil):
				missing[key] = true
			case err != nil:
				return 0, 0, err
			case len(b) != int(t.sizes[key]):
				return 0, 0, fmt.Errorf("%s has %d bytes, not %d", name(key), len(b), t.sizes[key])
			case from+n >= t.counted():
				hits++
			}
		}
		if len(missing) == 0 {
			continue
		}
		for key := range missing {
			if err = conn.Send("SET", name(key), text[:t.sizes[key]]); err != nil {
				return 0, 0, err
			}
		}
		replies, err := redis.Values(conn.Do(""))
		if err != nil {
			return 0, 0, err
		}
		for _, r := range replies {
			if refused, is := r.(redis.Error); is {
				return 0, 0, refused
			}
		}
	}
	if ctx.Err() != nil {
		return 0, 0, errors.New("interrupted")
	}
	held, err = redis.Int64(conn.Do("DBSIZE"))
	return float64(hits) / float64(len(t.requests)-t.counted()), held, err
}

// start starts a server on a free port with a new data directory; stop ends it.
func (c *contest) start(ctx context.Context, bin string, args []string) (conn redis.Conn, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(c.scratch, "data-")
	if err != nil {
		return nil, nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	var log strings.Builder
	cmd := exec.Command(bin, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir}, args...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C reaches this program alone
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error {
		if conn != nil {
			conn.Close()
		}
		_ = cmd.Process.Kill() // nothing is kept
		_ = cmd.Wait()
		return os.RemoveAll(dir)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if conn, err = redis.Dial("tcp", address, redis.DialReadTimeout(5*time.Minute)); err == nil {
			if _, err = conn.Do("PING"); err == nil {
				return conn, stop, nil
			}
			conn.Close()
			conn = nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			err = errors.Join(fmt.Errorf("%s does not answer: %w", bin, err), stop())
			return nil, nil, fmt.Errorf("%w\n%s", err, log.String())
		}
	}
}

package compat_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ownBenchmark is the binary under the name of the load generator.
func ownBenchmark(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "redis-benchmark")
	if err := os.Symlink(subjectBin(t), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// benchmark runs a load generator against a server, and returns what it wrote and said, with its exit status.
func benchmark(t *testing.T, path, port string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-p", port}, args...)...)
	var out, said strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("from the input"), &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

func TestEachTestOfTheLoadGeneratorLeavesItsKey(t *testing.T) {
	s := startServer(t, subjectBin(t))
	path, c := ownBenchmark(t), dial(t, s.Addr)
	const requests = "120"
	for _, test := range []struct {
		name, options string
		asked, want   string // a command, and its reply after the test
	}{
		{"ping", "", "DBSIZE", "0"}, {"ping_inline", "", "DBSIZE", "0"}, {"ping_mbulk", "", "DBSIZE", "0"},
		{"set", "", "GET key:__rand_int__", "VXK"}, {"set", "-r 1", "GET key:000000000000", "VXK"},
		{"set", "-d 10", "STRLEN key:__rand_int__", "10"}, {"get", "", "DBSIZE", "0"},
		{"incr", "", "GET counter:__rand_int__", requests}, {"incr", "-P 7", "GET counter:__rand_int__", "126"},
		{"incr", "-k 0", "GET counter:__rand_int__", requests}, {"incr", "--threads 3", "GET counter:__rand_int__", requests},
		{"lpush", "", "LLEN mylist", requests}, {"rpush", "", "LLEN mylist", requests},
		{"rpush,lpop", "", "EXISTS mylist", "0"}, {"rpush,rpop", "", "EXISTS mylist", "0"},
		{"sadd", "", "SCARD myset", "1"}, {"sadd", "-r 1", "SISMEMBER myset element:000000000000", "1"},
		{"sadd,spop", "", "EXISTS myset", "0"}, {"hset", "", "HGET myhash element:__rand_int__", "VXK"},
		{"zadd", "", "ZSCORE myzset element:__rand_int__", "0"}, {"zadd", "-r 1", "ZSCORE myzset element:000000000000", "0"},
		{"zadd,zpopmin", "", "EXISTS myzset", "0"}, {"lrange", "", "LLEN mylist", requests}, {"lrange_100", "", "LLEN mylist", requests},
		{"lrange_300", "", "LLEN mylist", requests}, {"lrange_500", "", "LLEN mylist", requests}, {"lrange_600", "", "LLEN mylist", requests},
		{"mset", "", "GET key:__rand_int__", "VXK"}, {"mset", "-r 1 -3", "DBSIZE", "1"}, {"xadd", "", "XLEN mystream", requests},
	} {
		c.Do("FLUSHALL")
		args := append([]string{"-t", test.name, "-n", requests, "-q", "-c", "6"}, strings.Fields(test.options)...)
		out, said, status := benchmark(t, path, portOf(s), args...)
		if status != 0 || strings.Contains(said, "Error") {
			t.Errorf("%q: status %d: %s%s", args, status, out, said)
		}
		var asked []any
		for _, word := range strings.Fields(test.asked) {
			asked = append(asked, word)
		}
		if v := c.Do(asked...); v.text != test.want {
			t.Errorf("%q: %s answers %s, want %s", args, test.asked, v, test.want)
		}
	}
}

// benchmarkRuns are command lines whose output stands in testdata/benchmark.txt, recorded from redis-benchmark 7.0.15
// beside this server. The server has a password if the line's first word is +password.
var benchmarkRuns = []string{
	"-n 50 -t set",
	"-n 50 -t get,incr -q",
	"-n 50 -t ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset --csv",
	"-n 20 -t ping,lrange,mset -q -P 3 -r 100",
	"-n 20 -t SET -k 0",
	"-n 20 -t set --threads 2",
	"-n 20 -3 --enable-tracking --dbnum 3 -t set,get",
	"-n 20 -c 3 -d 100 -t set --precision 2",
	"-n 20 -q lpush mylist __rand_int__",
	"-n 20 --csv hset h f v",
	"-n 20 -q -x set k",
	"-n 20 -q eval return{1,{2,'x'}} 0",
	"-n 20 -q -t set ping",
	"-n 20 -q -e ping",
	"-n 20 -t set -I --nonsense",
	"-n",
	"-q -h",
	"-n 20 -t nothing --csv",
	"-u http://x",
	"-n 20 -q incr mylist",
	"-n 20 -P 4 incr mylist",
	"-n 20 --csv incr mylist",
	"-n 20 -q nosuch a b",
	"-n 20 -q get",
	"-n 20 --dbnum 99 -q ping",
	"-n 20 -a wrong -q ping",
	"-n 20 --user bob -a wrong -q ping",
	"-n 20 --cluster -q ping",
	"-s /absent/socket -q ping",
	"-n 20 --version",
	"+password -n 20 -q ping",
	"+password -n 20 -q -a wrong ping",
	"+password -n 20 -q -a pw ping",
	"+password -n 20 -q --user default -a pw ping",
}

const benchmarkFile = "testdata/benchmark.txt"

// TestTheLoadGeneratorWritesWhatRedisBenchmarkDoes compares with what is recorded; with -live also with the program
// itself, and -record writes that down.
func TestTheLoadGeneratorWritesWhatRedisBenchmarkDoes(t *testing.T) {
	plain, locked := startServer(t, subjectBin(t)), startServer(t, subjectBin(t), "--requirepass", "pw")
	run := func(path, line string) string {
		s := plain
		args := strings.Fields(line)
		if args[0] == "+password" {
			s, args = locked, args[1:]
		}
		out, said, status := benchmark(t, path, portOf(s), args...)
		return maskBenchmark(fmt.Sprintf("status %d\n%s", status, said), out, portOf(s))
	}
	dial(t, plain.Addr).Do("LPUSH", "mylist", "a")
	recorded := readBenchmarks(t)
	var record strings.Builder
	for _, line := range benchmarkRuns {
		if *recordFlag || *liveFlag {
			theirs := run(newTool(t, "redis-benchmark", plain).path, line)
			if !*recordFlag && theirs != recorded[line] {
				t.Errorf("%s: redis-benchmark does not what is recorded\n--- recorded\n%s--- now\n%s", line, recorded[line], theirs)
			}
			fmt.Fprintf(&record, "# %s\n%s", line, theirs)
			recorded[line] = theirs
		}
		if got := run(ownBenchmark(t), line); got != recorded[line] && !differs(line, got) {
			t.Errorf("%s\n--- want\n%s--- got\n%s", line, recorded[line], got)
		}
	}
	if *recordFlag {
		if err := os.WriteFile(benchmarkFile, []byte(record.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// differs says where the difference is meant, and what is written instead.
func differs(line, got string) bool {
	want, meant := map[string]string{
		"-n 20 -t nothing --csv":    "status 1\nWARNING: There is no test 'nothing'.\nNo test is left: see --help for their names.\n",
		"-s /absent/socket -q ping": "status 1\nCould not connect to Redis at /absent/socket: No such file or directory\n",
		"-n 20 --version":           "status 0\nredis-benchmark N (diskette)\n",
	}[line]
	return meant && got == want
}

func readBenchmarks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(benchmarkFile)
	if err != nil && !*recordFlag {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, block := range strings.Split(string(text), "# ")[1:] {
		line, what, _ := strings.Cut(block, "\n")
		all[line] = what
	}
	return all
}

var (
	figures   = regexp.MustCompile(`\d+(\.\d+)*|\binf\b|-?\bnan\b`)
	aligned   = regexp.MustCompile(` +N`)
	statusOf  = regexp.MustCompile(`^status \d+`)
	retention = regexp.MustCompile(`(WARNING: Keepalive disabled)[^\n]*`)
	asUsage   = regexp.MustCompile(`(?s)(\nUsage: redis-benchmark [^\n]*\n).*`)
)

// maskBenchmark leaves what does not depend on time: no figures, no lines that tell how far a test is, one line of
// several that are the same then.
func maskBenchmark(said, out, port string) string {
	var shown []string
	for _, part := range strings.Split(out, "\r") {
		if !strings.Contains(part, ": rps=") && strings.Trim(part, " ") != "" {
			shown = append(shown, part)
		}
	}
	status := statusOf.FindString(said)
	text := strings.TrimPrefix(said, status) + strings.Join(shown, "")
	text = retention.ReplaceAllString(asUsage.ReplaceAllString(text, "$1"), "$1")
	text = figures.ReplaceAllString(strings.ReplaceAll(text, ":"+port, ":PORT"), "N")
	text = aligned.ReplaceAllString(text, " N")
	lines := slices.Compact(strings.Split(strings.TrimRight(text, "\n"), "\n"))
	for n, line := range lines {
		lines[n] = strings.TrimRight(line, " ")
	}
	return status + strings.Join(lines, "\n") + "\n"
}

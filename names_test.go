package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheNameDecidesWhichProgramTheBinaryIs(t *testing.T) {
	for _, test := range []struct{ argv, want string }{
		{"", "server:"},
		{"redis-server", "server:"},
		{"/usr/local/bin/redis-server --port 7000", "server: --port 7000"},
		{"valkey-server --port 7000", "server: --port 7000"},
		{"keydb-server /etc/keydb/keydb.conf", "server: /etc/keydb/keydb.conf"},
		{"./diskette --port 7000", "server: --port 7000"},
		{"./diskette import dump.rdb --into x", "import: dump.rdb --into x"},
		{"./diskette check x --json", "program: check x --json"},
		{"diskette import-diskcache x --db 3", "program: import-diskcache x --db 3"},
		{"./diskette serve --port 7000", "server: --port 7000"},
		{"diskette redis-server --port 7000", "server: --port 7000"},
		{"diskette redis-server.conf --port 7000", "server: redis-server.conf --port 7000"},
		{"diskette serve.conf check", "server: serve.conf check"},
		{"redis-server check", "server: check"},
		{"redis-server import", "server: import"},
		{"redis-server --version", "server: --version"},
		{"redis-cli ping", "cli: ping"},
		{"valkey-cli ping", "cli: ping"},
		{"/usr/bin/keydb-cli -a x ping", "cli: -a x ping"},
		{"redis-check-rdb dump.rdb", "check-rdb: dump.rdb"},
		{"valkey-check-aof --fix x", "check-aof: --fix x"},
		{"valkey-benchmark -q", "benchmark: -q"},
		{"keydb-sentinel /etc/s.conf", "sentinel: /etc/s.conf"},
		{"docker-entrypoint redis-cli", "entry point: redis-cli"},
		{"redis-import x", "server: x"},
	} {
		r, args := roleOf(strings.Fields(test.argv))
		if got := strings.TrimSuffix(string(r)+": "+strings.Join(args, " "), " "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.argv, got, test.want)
		}
	}
}

// testEntryPoint is one in an image with its own programs, a shell, and /start.sh.
func testEntryPoint(mounted string, env ...string) entryPoint {
	return entryPoint{
		env: func(name string) string {
			for _, line := range env {
				if n, value, _ := strings.Cut(line, "="); n == name {
					return value
				}
			}
			return ""
		},
		look: func(name string) (string, bool, error) {
			switch {
			case slices.Contains([]string{"sh", "/start.sh", "/opt/redis-server"}, name):
				return "/bin/" + strings.TrimPrefix(name, "/"), false, nil
			case name == "diskette" || strings.HasPrefix(filepath.Base(name), "redis-") || strings.HasPrefix(name, "valkey-"):
				return "/usr/local/bin/" + name, true, nil
			}
			return "", false, &exec.Error{Name: name, Err: exec.ErrNotFound}
		},
		mounted: func(dir string) bool { return dir == mounted },
	}
}

func TestTheEntryPointTakesWhatAContainerIsStartedWith(t *testing.T) {
	const flags, stack = "VALKEY_EXTRA_FLAGS=--maxmemory 1mb", "REDIS_ARGS=--requirepass x"
	for _, test := range []struct {
		env, args, want string
	}{
		{"", "", "server:"},
		{"", "redis-server", "server:"},
		{"", "redis-server --appendonly yes --requirepass x", "server: --appendonly yes --requirepass x"},
		{"", "--maxmemory 100mb", "server: --maxmemory 100mb"},
		{"", "diskette --hz 1", "server: --hz 1"},
		{"", "diskette import /old", "import: /old"},
		{"", "redis-cli -h cache ping", "cli: -h cache ping"},
		{"", "redis-server /etc/redis.conf --port 7000", "server: /etc/redis.conf --port 7000"},
		{"", "my.conf", "server: my.conf"},
		{"", "- --port 1", "server: - --port 1"},
		{"", "--port 1 -", "server: --port 1 -"},
		{"", "valkey-check-rdb x", "check-rdb: x"},
		{"", "sh -c true", "/bin/sh: sh -c true"},
		{"", "/start.sh a", "/bin/start.sh: /start.sh a"},
		{"", "/opt/redis-server a", "/bin/opt/redis-server: /opt/redis-server a"}, // somebody else's
		{flags, "", "server: --maxmemory 1mb"},
		{flags, "valkey-server --port 1", "server: --port 1 --maxmemory 1mb"},
		{flags, "sh -c x", "/bin/sh: sh -c x --maxmemory 1mb"},
		{stack, "--port 1", "server: --port 1 --requirepass x"},
		{stack, "redis-cli ping", "cli: ping"},
	} {
		s, err := testEntryPoint("", test.env).start(strings.Fields(test.args))
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		what := string(s.role)
		if s.path != "" {
			what = s.path
		}
		if got := strings.TrimSuffix(what+": "+strings.Join(s.args, " "), " "); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.env, test.args, got, test.want)
		}
	}
	if _, err := testEntryPoint("").start([]string{"nonsense"}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestBitnamisVariablesAreTheServersOptions(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const run, usual = "/opt/bitnami/scripts/redis/run.sh", "--dir|/bitnami/redis/data|--bind|*|-::*|--appendonly|"
	for _, test := range []struct {
		mounted string
		env     []string
		args    string
		want    string // without the usual beginning; "error: " and a word of it
	}{
		{"", []string{"REDIS_PASSWORD=x"}, run, "yes|--port|6379|--requirepass|x"},
		{"", []string{"REDIS_PASSWORD=x"}, "/opt/bitnami/scripts/redis/entrypoint.sh " + run, "yes|--port|6379|--requirepass|x"},
		{"", []string{"REDIS_PASSWORD=x"}, "/run.sh --hz 1", "yes|--port|6379|--requirepass|x|--hz|1"},
		{"/bitnami/redis", []string{"REDIS_PASSWORD=x"}, "", "yes|--port|6379|--requirepass|x"},
		{"/bitnami/redis", nil, "redis-server --requirepass y", "yes|--port|6379|--requirepass|y"},
		{"", []string{"REDIS_PASSWORD_FILE=" + secret}, run, "yes|--port|6379|--requirepass|from file"},
		{"", []string{"REDIS_PASSWORD_FILE=/none", "ALLOW_EMPTY_PASSWORD=yes"}, run, "error: /none"},
		{"", nil, run, "error: ALLOW_EMPTY_PASSWORD=yes"},
		{"", []string{"ALLOW_EMPTY_PASSWORD=no"}, run, "error: REDIS_PASSWORD"},
		{"/bitnami/redis", nil, "", "error: REDIS_PASSWORD"},
		{"", []string{"ALLOW_EMPTY_PASSWORD=yes", "REDIS_AOF_ENABLED=no", "REDIS_PORT_NUMBER=7000", "REDIS_RDB_POLICY=900#1 60#10",
			"REDIS_DISABLE_COMMANDS=FLUSHDB,FLUSHALL", "REDIS_EXTRA_FLAGS=--maxmemory 1mb"}, run,
			"no|--save|900|1|60|10|--port|7000|--rename-command|FLUSHDB||--rename-command|FLUSHALL||--maxmemory|1mb"},
		{"", []string{"ALLOW_EMPTY_PASSWORD=yes", "REDIS_RDB_POLICY_DISABLED=yes"}, run, "yes|--save||--port|6379"},
		{"", []string{"REDIS_PASSWORD=x", "REDIS_REPLICATION_MODE=replica", "REDIS_MASTER_HOST=m"}, run,
			"yes|--port|6379|--requirepass|x|--masterauth|x|--replicaof|m|6379"},
		{"", []string{"REDIS_PASSWORD=x", "REDIS_REPLICATION_MODE=both"}, run, "error: both"},
		{"", []string{"REDIS_PASSWORD=x", "REDIS_USER=bob"}, run, "error: REDIS_ACLFILE"},
	} {
		s, err := testEntryPoint(test.mounted, test.env...).start(strings.Fields(test.args))
		if word, fails := strings.CutPrefix(test.want, "error: "); fails {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v %s: %v, should name %s", test.env, test.args, err, word)
			}
			continue
		}
		if got := strings.TrimPrefix(strings.Join(s.args, "|"), usual); err != nil || got != test.want || s.role != roleServer {
			t.Errorf("%v %s: %v\n got %s\nwant %s", test.env, test.args, err, got, test.want)
		}
	}
	s, err := testEntryPoint("", "VALKEY_PASSWORD=x", "REDIS_PASSWORD=y").start([]string{"/opt/bitnami/scripts/valkey/run.sh"})
	if got := strings.Join(s.args, " "); err != nil || !strings.Contains(got, "--requirepass x") || !strings.Contains(got, "/bitnami/valkey/data") {
		t.Errorf("valkey: %v %s", err, got)
	}
}

func TestWhatIsMountedIsFound(t *testing.T) {
	const mounts = "36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n37 36 98:1 /v /bitnami/redis/data rw - ext4 /dev/x rw\n"
	for _, test := range []struct {
		mounts, dir string
		want        bool
	}{
		{mounts, "/bitnami/redis", true}, {mounts, "/bitnami/valkey", false}, {mounts, "/bitnami/re", false},
		{strings.ReplaceAll(mounts, "/bitnami/redis/data", "/bitnami"), "/bitnami/redis", true}, {"", "/bitnami/redis", false},
	} {
		if got := mountedBelow(strings.NewReader(test.mounts), test.dir); got != test.want {
			t.Errorf("%s in\n%s: %v", test.dir, test.mounts, got)
		}
	}
}

func TestTheImageHasDefaultsOfItsOwn(t *testing.T) {
	for value, want := range map[string]string{"1": "bind * -::*, protected-mode no, dir /data", "": "", "0": ""} {
		got := imageDefaults(func(name string) string {
			if name != "DISKETTE_IN_CONTAINER" {
				t.Errorf("asks for the variable %s", name)
			}
			return value
		})
		if strings.Join(got, ", ") != want {
			t.Errorf("DISKETTE_IN_CONTAINER=%q: %q", value, got)
		}
	}
}

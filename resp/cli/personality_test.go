package cli

import (
	"strings"
	"testing"
)

func TestTheNameDecidesWhichProgramTheBinaryIs(t *testing.T) {
	for _, test := range []struct{ argv, want string }{
		// Names on PATH, and as they are called in health checks and docker exec.
		{"redis-server", "redis-server:"},
		{"/usr/local/bin/redis-server --port 7000", "redis-server: --port 7000"},
		{"./diskette --port 7000", "redis-server: --port 7000"},
		{"./diskette import dump.rdb --into x", "import: dump.rdb --into x"},
		{"docker-entrypoint diskette import /old", "import: /old"},
		{"redis-server import", "redis-server: import"},
		{"redis-cli ping", "redis-cli: ping"},
		{"/usr/local/bin/redis-cli -a x ping", "redis-cli: -a x ping"},
		{"redis-server --version", "redis-server: --version"},

		// The image's entry point: what docker run or a compose file's command gives it.
		{"docker-entrypoint", "redis-server:"},
		{"docker-entrypoint redis-server", "redis-server:"},
		{"docker-entrypoint redis-server --appendonly yes --requirepass x", "redis-server: --appendonly yes --requirepass x"},
		{"docker-entrypoint --maxmemory 100mb", "redis-server: --maxmemory 100mb"},
		{"docker-entrypoint /usr/local/bin/diskette --hz 1", "redis-server: --hz 1"},
		{"docker-entrypoint redis-cli -h cache ping", "redis-cli: -h cache ping"},
		{"docker-entrypoint redis-cli", "redis-cli:"},
		{"docker-entrypoint sh -c true", "sh: -c true"},
		{"docker-entrypoint /bin/bash", "bash:"},
		{"docker-entrypoint redis-server /etc/redis/redis.conf --port 7000", "redis-server: /etc/redis/redis.conf --port 7000"},
		{"docker-entrypoint my.conf", "redis-server: my.conf"},
		{"redis-server a[1]*.conf", "redis-server: a[1]*.conf"},
		{"docker-entrypoint - --port 1", "redis-server: - --port 1"},
		{"docker-entrypoint --port 1 -", "redis-server: --port 1 -"},
	} {
		program, args := Personality(strings.Fields(test.argv))
		if got := strings.TrimSuffix(program+": "+strings.Join(args, " "), " "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.argv, got, test.want)
		}
	}
}

func TestTheImageHasDefaultsOfItsOwn(t *testing.T) {
	for value, want := range map[string]string{"1": "bind * -::*, protected-mode no, dir /data", "": "", "0": ""} {
		got := ImageDefaults(func(name string) string {
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

func TestAnEmptyArgvIsTheServer(t *testing.T) {
	if program, args := Personality(nil); program != "redis-server" || len(args) != 0 {
		t.Errorf("%s %q", program, args)
	}
}

package cli

import (
	"strings"
	"testing"
)

func TestTheNameDecidesWhichProgramTheBinaryIs(t *testing.T) {
	const defaults = "--bind * -::* --protected-mode no --dir /data"
	for _, test := range []struct{ argv, outside, inImage string }{
		// Names on PATH, and as they are called in health checks and docker exec.
		{"redis-server", "redis-server:", "redis-server: " + defaults},
		{"/usr/local/bin/redis-server --port 7000", "redis-server: --port 7000", "redis-server: " + defaults + " --port 7000"},
		{"./diskette --port 7000", "redis-server: --port 7000", "redis-server: " + defaults + " --port 7000"},
		{"redis-cli ping", "redis-cli: ping", "redis-cli: ping"},
		{"/usr/local/bin/redis-cli -a x ping", "redis-cli: -a x ping", "redis-cli: -a x ping"},
		{"redis-server --version", "redis-server: --version", "redis-server: --version"},

		// The image's entry point: what docker run or a compose file's command gives it.
		{"docker-entrypoint", "redis-server:", "redis-server: " + defaults},
		{"docker-entrypoint redis-server", "redis-server:", "redis-server: " + defaults},
		{
			"docker-entrypoint redis-server --appendonly yes --requirepass x",
			"redis-server: --appendonly yes --requirepass x", "redis-server: " + defaults + " --appendonly yes --requirepass x",
		},
		{"docker-entrypoint --maxmemory 100mb", "redis-server: --maxmemory 100mb", "redis-server: " + defaults + " --maxmemory 100mb"},
		{"docker-entrypoint /usr/local/bin/diskette --hz 1", "redis-server: --hz 1", "redis-server: " + defaults + " --hz 1"},
		{"docker-entrypoint redis-cli -h cache ping", "redis-cli: -h cache ping", "redis-cli: -h cache ping"},
		{"docker-entrypoint redis-cli", "redis-cli:", "redis-cli:"},
		{"docker-entrypoint sh -c true", "sh: -c true", "sh: -c true"},
		{"docker-entrypoint /bin/bash", "bash:", "bash:"},

		// A conf file wins over the defaults, options over the conf file.
		{
			"docker-entrypoint redis-server /etc/redis/redis.conf --port 7000", "redis-server: /etc/redis/redis.conf --port 7000",
			"redis-server: /etc/redis/redis.conf " + defaults + " --include /etc/redis/redis.conf --port 7000",
		},
		{
			"docker-entrypoint my.conf", "redis-server: my.conf",
			"redis-server: my.conf " + defaults + " --include my.conf",
		},
		{"redis-server a[1]*.conf", "redis-server: a[1]*.conf", "redis-server: a[1]*.conf " + defaults + ` --include a\[1]\*.conf`},
		{"docker-entrypoint - --port 1", "redis-server: - --port 1", "redis-server: - --port 1"},
		{"docker-entrypoint --port 1 -", "redis-server: --port 1 -", "redis-server: --port 1 -"},
	} {
		for inImage, want := range map[string]string{"": test.outside, "1": test.inImage} {
			env := func(name string) string {
				if name != "DISKETTE_IN_CONTAINER" {
					t.Errorf("%s: asks for the variable %s", test.argv, name)
				}
				return inImage
			}
			program, args := Personality(strings.Fields(test.argv), env)
			if got := strings.TrimSuffix(program+": "+strings.Join(args, " "), " "); got != want {
				t.Errorf("%s (DISKETTE_IN_CONTAINER=%q):\n got %s\nwant %s", test.argv, inImage, got, want)
			}
		}
	}
}

func TestAnEmptyArgvIsTheServer(t *testing.T) {
	if program, args := Personality(nil, func(string) string { return "" }); program != "redis-server" || len(args) != 0 {
		t.Errorf("%s %q", program, args)
	}
}

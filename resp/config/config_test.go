package config

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"diskette/resp/command"
)

// dataTable is the commands on keys and a few more that users' rules name here.
func dataTable() *command.Table {
	return command.NewTable(append(command.Rows(),
		&command.Row{Name: "select", Arity: 2, Group: "connection"},
		&command.Row{Name: "replicaof", Arity: 3, Flags: command.Admin, Group: "server"},
		&command.Row{Name: "cluster", Arity: -2, Group: "cluster", Subs: []*command.Row{{Name: "info", Arity: 2}}},
		&command.Row{Name: "config", Arity: -2, Group: "server", Subs: []*command.Row{{Name: "get", Arity: -3, Flags: command.Admin}}},
		&command.Row{Name: "module", Arity: -2, Group: "server", Subs: []*command.Row{{Name: "list", Arity: 2, Flags: command.Admin}}}))
}

func startedWith(t *testing.T, args ...string) *Config {
	t.Helper()
	c, _, err := loadConfig(args, dataTable(), strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shownValue is what CONFIG GET shows for one name.
func shownValue(t *testing.T, c *Config, name string) string {
	t.Helper()
	pairs := c.Get(name)
	if len(pairs) != 1 {
		t.Fatalf("CONFIG GET %s: %v", name, pairs)
	}
	return pairs[0][1]
}

func TestEveryParameterOfRedis7IsKnown(t *testing.T) {
	c := startedWith(t)
	got := make(map[string]string)
	for _, pair := range c.Get("*") {
		if _, twice := got[pair[0]]; twice {
			t.Errorf("%s is shown twice", pair[0])
		}
		got[pair[0]] = pair[1]
	}
	for _, name := range strings.Fields(redis7Names) {
		if _, known := got[name]; !known {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestDefaultsReadAsTheyAreShown(t *testing.T) {
	for i, p := range parameters {
		if shown := defaultSettings()[i].text; shown != p.value && p.name != "dir" {
			t.Errorf("%s: default %q is shown as %q", p.name, p.value, shown)
		}
	}
}

func TestNoTwoParametersShareAName(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range parameters {
		for _, name := range []string{p.name, p.alias} {
			if name != "" && seen[name] || name != strings.ToLower(name) {
				t.Errorf("%s: twice in the table, or not in lower case", name)
			}
			seen[name] = true
		}
	}
}

func TestWhatHasNoEffectHasAReason(t *testing.T) {
	used := map[string]bool{}
	for _, p := range parameters {
		if p.flags&inUse != 0 {
			continue
		}
		reason := noEffectReason(p.name)
		if reason == "no effect here" {
			t.Errorf("%s has no effect, and no reason for it", p.name)
		}
		used[reason] = true
	}
	for name, reason := range noEffectReasons {
		if !used[reason] {
			t.Errorf("%s: nothing has the reason %q", name, reason)
		}
	}
}

func TestTheNamesOfNewerServersAreKnown(t *testing.T) {
	for _, name := range strings.Fields(newerNames) {
		if _, known := findParameter(name); !known {
			t.Errorf("%s is missing", name)
		}
	}
	_, notices, err := loadConfig([]string{"-"}, dataTable(), strings.NewReader("search-timeout 500\nts-num-threads 3\n"))
	if err != nil || len(notices) != 2 {
		t.Errorf("options of Redis 8's modules: %v %v", notices, err)
	}
}

func TestLoadmoduleSaysWhatWouldBeMissing(t *testing.T) {
	for file, want := range map[string]string{
		"/opt/redis-stack/lib/rejson.so": "RedisJSON", "./modules/redisearch/redisearch.so": "RediSearch",
		"redisbloom.so": "RedisBloom", "/usr/lib/redis/modules/redistimeseries.so": "RedisTimeSeries",
		"redisgears.so": "RedisGears", "/usr/lib/valkey/libvalkey_bloom.so": "valkey-bloom", "/x/mine.so": "mine.so",
	} {
		_, _, err := loadConfig([]string{"-"}, dataTable(), strings.NewReader("loadmodule "+file+" A 1\n"))
		if err == nil || !strings.Contains(err.Error(), "would be missing") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// As recorded from redis-server 7.0.15, except where a comment says otherwise.
func TestConfigSetTakesAndShowsValuesAsRedisDoes(t *testing.T) {
	for _, test := range []struct{ name, given, shown string }{
		{"maxmemory", "100mb", "104857600"},
		{"maxmemory", "1KB", "1024"},
		{"maxmemory", "1k", "1000"},
		{"maxmemory", "2M", "2000000"},
		{"maxmemory", "1gb", "1073741824"},
		{"maxmemory", "1G", "1000000000"},
		{"maxmemory", "1B", "1"},
		{"maxmemory", "007", "7"},
		{"maxmemory", "", "0"},
		{"maxmemory", "kb", "0"},
		{"TIMEOUT", "4", "4"},
		{"appendfsync", "ALWAYS", "always"},
		{"protected-mode", "NO", "no"},
		{"save", "3600 1 300 10", "3600 1 300 10"},
		{"save", "5 6 5 7", "5 6 5 7"},
		{"save", "", ""},
		{"client-output-buffer-limit", "normal 1mb 2mb 3", "normal 1048576 2097152 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		{"client-output-buffer-limit", "replica 1 2 3 pubsub 4 5 6", "normal 0 0 0 slave 1 2 3 pubsub 4 5 6"},
		{"client-output-buffer-limit", "NORMAL 1 2 3 normal 9 9 9", "normal 9 9 9 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		{"client-output-buffer-limit", "", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		{"oom-score-adj-values", "3 2 1", "3 2 1"},
		{"latency-tracking-info-percentiles", "99.99999 1e1 33.300", "99.99999 10 33.3"},
		{"latency-tracking-info-percentiles", "", ""},
		{"notify-keyspace-events", "KEA", "AKE"},
		{"notify-keyspace-events", "Kg$lshzxetdm", "AKm"},
		{"notify-keyspace-events", "xK", "xK"},
		{"notify-keyspace-events", "AKEmn", "AKEm"},
		{"notify-keyspace-events", "", ""},
		{"maxmemory-clients", "5%", "5%"},
		{"maxmemory-clients", "1mb", "1048576"},
		{"shutdown-on-sigterm", "force now nosave", "nosave now force"},
		{"shutdown-on-sigterm", "default now", "now"},
		{"shutdown-on-sigterm", "default", "default"},
		{"hz", "0", "1"},
		{"hz", "1000", "500"},
		{"slowlog-log-slower-than", "-1", "-1"},
		{"list-max-ziplist-size", "-6", "-6"},
		{"requirepass", "a b", "a b"},
		{"lua-time-limit", "7", "7"},
		{"loglevel", "nothing", "nothing"}, // since Redis 7.2
		{"appendonly", "no", "yes"},        // always durable
	} {
		c := startedWith(t)
		if err := c.Set([][2]string{{test.name, test.given}}); err != nil {
			t.Errorf("CONFIG SET %s %q: %v", test.name, test.given, err)
		} else if shown := shownValue(t, c, test.name); shown != test.shown {
			t.Errorf("CONFIG SET %s %q is shown as %q, not %q", test.name, test.given, shown, test.shown)
		}
	}
}

// The reason that follows "ERR CONFIG SET failed (possibly related to argument '...') - ".
func TestConfigSetRefusesValuesAsRedisDoes(t *testing.T) {
	for _, test := range []struct{ name, given, reason string }{
		{"maxmemory", "abc", "argument must be a memory value"},
		{"maxmemory", "-1", "argument must be a memory value"},
		{"maxmemory", "1.5gb", "argument must be a memory value"},
		{"maxmemory", " 1", "argument must be a memory value"},
		{"maxmemory", "0x10", "argument must be a memory value"},
		{"maxmemory", "12xb", "argument must be a memory value"},
		{"maxmemory", "99999999999gb", "argument must be a memory value"}, // Redis: wraps around
		{"timeout", "-1", "argument must be between 0 and 2147483647 inclusive"},
		{"timeout", "+1", "argument couldn't be parsed into an integer"},
		{"timeout", "01", "argument couldn't be parsed into an integer"},
		{"timeout", "", "argument couldn't be parsed into an integer"},
		{"timeout", "99999999999999999999", "argument couldn't be parsed into an integer"},
		{"maxclients", "0", "argument must be between 1 and 4294967295 inclusive"},
		{"tcp-keepalive", "-1", "argument must be between 0 and 2147483647 inclusive"},
		{"slowlog-log-slower-than", "-2", "argument must be between -1 and 9223372036854775807 inclusive"},
		{"proto-max-bulk-len", "1", "argument must be between 1048576 and 9223372036854775807 inclusive"},
		{"proto-max-bulk-len", "1m", "argument must be between 1048576 and 9223372036854775807 inclusive"},
		{"wal-limit", "1mb", "argument must be 0 or at least 65536000"},
		{"active-defrag-cycle-max", "0", "argument must be between 1 and 99 inclusive"},
		{"protected-mode", "maybe", "argument must be 'yes' or 'no'"},
		{"appendonly", "maybe", "argument must be 'yes' or 'no'"},
		{"appendfsync", "always no", "argument(s) must be one of the following: everysec, always, no"},
		{"acl-pubsub-default", "foo", "argument(s) must be one of the following: allchannels, resetchannels"},
		{"save", "1", "Invalid save parameters"},
		{"save", "0 1", "Invalid save parameters"},
		{"save", "1 -1", "Invalid save parameters"},
		{"save", "a b", "Invalid save parameters"},
		{"save", " 5  6 ", "Invalid save parameters"},
		{"save", "1 2x", "Invalid save parameters"},
		{"client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration."},
		{"client-output-buffer-limit", "master 1 2 3", "Invalid client class specified in buffer limit configuration."},
		{"client-output-buffer-limit", "normal x 2 3", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
		{"client-output-buffer-limit", "normal 1 2 -3", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
		{"oom-score-adj-values", "1 2", "wrong number of arguments"},
		{"oom-score-adj-values", "1 2 3000", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."},
		{"latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters"},
		{"latency-tracking-info-percentiles", "101", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"},
		{"notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
		{"maxmemory-clients", "101%", "percentage argument must be less or equal to 100"},
		{"maxmemory-clients", "05%", "argument must be a memory or percent value"},
		{"maxmemory-clients", "-1%", "argument must be a memory or percent value"},
		{"shutdown-on-sigterm", "nosave save", "shutdown options SAVE and NOSAVE can't be used simultaneously"},
		{"shutdown-on-sigterm", "", "argument(s) must be one of the following: default, save, nosave, now, force"},
		{"databases", "4", "can't set immutable config"},
		{"unixsocketperm", "700", "can't set immutable config"},
		{"dir", "/", "can't set protected config"},
		{"dbfilename", "x.rdb", "can't set protected config"},
		{"port", "7000", "can't set immutable config"}, // Redis: listens anew
		{"bind", "127.0.0.2", "can't set immutable config"},
		{"tls-port", "6380", "can't set immutable config"},
	} {
		c := startedWith(t)
		before := c.Get("*")
		err := c.Set([][2]string{{test.name, test.given}})
		want := "ERR CONFIG SET failed (possibly related to argument '" + test.name + "') - " + test.reason
		if err == nil || err.Error() != want {
			t.Errorf("CONFIG SET %s %q: %v\nwant %s", test.name, test.given, err, want)
		}
		if !slices.Equal(before, c.Get("*")) {
			t.Errorf("CONFIG SET %s %q failed, but changed something", test.name, test.given)
		}
	}
}

func TestConfigSetOfSeveralIsAllOrNothing(t *testing.T) {
	for _, test := range []struct {
		pairs [][2]string
		reply string
	}{
		{[][2]string{{"timeout", "3"}, {"nosuch", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{[][2]string{{"timeout", "abc"}, {"NoSuch", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'"},
		{[][2]string{{"timeout", "3"}, {"maxclients", "abc"}}, "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer"},
		{[][2]string{{"timeout", "3"}, {"TIMEOUT", "4"}}, "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter"},
		{[][2]string{{"timeout", "3"}, {"pidfile", "x"}}, "ERR CONFIG SET failed (possibly related to argument 'pidfile') - can't set immutable config"},
		{[][2]string{{"timeout", "3"}, {"list-max-ziplist-entries", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'list-max-ziplist-entries'"},
	} {
		c := startedWith(t)
		err := c.Set(test.pairs)
		if err == nil || err.Error() != test.reply {
			t.Errorf("%v: %v", test.pairs, err)
		}
		if shownValue(t, c, "timeout") != "0" || c.Timeout.Load() != 0 {
			t.Errorf("%v: timeout has changed", test.pairs)
		}
	}

	c := startedWith(t)
	if err := c.Set([][2]string{{"slave-priority", "5"}, {"replica-priority", "6"}, {"timeout", "7"}}); err != nil {
		t.Fatal(err)
	}
	if shownValue(t, c, "slave-priority") != "6" || c.Timeout.Load() != 7 {
		t.Error("not every value of a good CONFIG SET has arrived")
	}
}

func TestProtectedParametersNeedTheirSwitch(t *testing.T) {
	c := startedWith(t, "--enable-protected-configs", "yes")
	if err := c.Set([][2]string{{"dbfilename", "x.rdb"}}); err != nil {
		t.Error(err)
	}
	if err := c.Set([][2]string{{"dir", "/"}}); err == nil || !strings.HasSuffix(err.Error(), "can't set immutable config") {
		t.Errorf("dir: %v", err)
	}
}

func TestEffectsComeOnceNothingCanRefuseTheChange(t *testing.T) {
	c := startedWith(t)
	var calls []string
	c.OnChanged("hz", func(value string) { calls = append(calls, "hz "+value) })
	c.OnChange("loglevel", func(value string) error {
		if value == "debug" {
			return errors.New("no")
		}
		return nil
	})
	if err := c.Set([][2]string{{"hz", "20"}, {"loglevel", "debug"}}); err == nil || len(calls) != 0 {
		t.Errorf("refused: %v, %q", err, calls)
	}
	if err := c.Set([][2]string{{"hz", "20"}, {"loglevel", "verbose"}}); err != nil || !slices.Equal(calls, []string{"hz 20"}) {
		t.Errorf("accepted: %v, %q", err, calls)
	}
}

func TestHooksSeeChangesAndCanRefuseThem(t *testing.T) {
	c := startedWith(t)
	var calls []string
	c.OnChange("maxmemory", func(value string) error {
		calls = append(calls, "maxmemory "+value)
		if c.Text("maxmemory") != value {
			t.Error("the hook runs before the value is in place")
		}
		return nil
	})
	c.OnChange("loglevel", func(value string) error {
		calls = append(calls, "loglevel "+value)
		if value == "debug" {
			return errors.New("no")
		}
		return nil
	})

	err := c.Set([][2]string{{"maxmemory", "2mb"}, {"loglevel", "debug"}})
	if want := "ERR CONFIG SET failed (possibly related to argument 'loglevel') - no"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if want := []string{"maxmemory 2097152", "loglevel debug", "maxmemory 0", "loglevel notice"}; !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
	if shownValue(t, c, "maxmemory") != "0" || shownValue(t, c, "loglevel") != "notice" {
		t.Error("a refused CONFIG SET has left a value")
	}

	calls = nil
	if err := c.Set([][2]string{{"maxmemory", "2mb"}, {"loglevel", "NOTICE"}}); err != nil {
		t.Error(err)
	}
	if want := []string{"maxmemory 2097152"}; !slices.Equal(calls, want) {
		t.Errorf("an unchanged value calls its hook: %q", calls)
	}
}

func TestConfigGetMatchesAsRedisDoes(t *testing.T) {
	c := startedWith(t)
	for _, test := range []struct{ patterns, names string }{
		{"timeout", "timeout"},
		{"TIMEOUT", "TIMEOUT"},
		{"replica-priority replica-prior* REPLICA-PRIORITY", "replica-priority"},
		{"*PRIORITY", "replica-priority slave-priority"},
		{"max[cm]*s", "maxclients maxmemory-clients maxmemory-samples"},
		{"po?t port", "port"},
		{"requirepass port", "port requirepass"},
		{"nosuch", ""},
		{"list-max-ziplist-entries", ""},
		{"[", ""},
		{`time\out`, ""},
		{"maxclient[s", "maxclients"}, // a class that is never closed ends with the pattern
		{"maxclient[^x", "maxclients"},
		{"maxclient[z-a]", "maxclients"},
		{"h[y-z", "hz"},
		{"H[Y-Z]", "hz"},
		{"maxclient[]", ""},
		{"maxclient[", ""},
	} {
		var names []string
		for _, pair := range c.Get(strings.Fields(test.patterns)...) {
			names = append(names, pair[0])
		}
		if got := strings.Join(names, " "); got != test.names {
			t.Errorf("CONFIG GET %s: %s", test.patterns, got)
		}
	}
}

func TestTypedReadsFollowConfigSet(t *testing.T) {
	c := startedWith(t, "--databases", "4", "--bind", "127.0.0.1", "-::1", "--unixsocketperm", "770", "--maxmemory", "1gb")
	if c.Databases != 4 || !slices.Equal(c.Words("bind"), []string{"127.0.0.1", "-::1"}) || c.Int("unixsocketperm") != 0o770 {
		t.Error("the arguments have not arrived")
	}
	err := c.Set([][2]string{
		{"maxmemory", "64mb"}, {"maxclients", "9"}, {"requirepass", "secret"}, {"protected-mode", "no"},
		{"appendfsync", "always"}, {"client-output-buffer-limit", "normal 3 2 1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxMemory.Load() != 64<<20 || c.MaxClients.Load() != 9 || c.RequirePass() != "secret" ||
		c.ProtectedMode.Load() || c.AppendFsync() != "always" || c.OutputLimits().Normal != (OutputLimit{3, 2, 1}) {
		t.Error("a copy for hot paths has an old value")
	}
	if err := c.Set([][2]string{{"maxmemory", "0"}}); err != nil || c.MaxMemory.Load() <= 0 {
		t.Errorf("maxmemory 0 gives a bound of %d bytes: %v", c.MaxMemory.Load(), err)
	}
}

// redis7Names is what redis-server 7.0.15 answers to CONFIG GET *.
const redis7Names = `
acl-pubsub-default aclfile acllog-max-len active-defrag-cycle-max active-defrag-cycle-min
active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower
active-defrag-threshold-upper active-expire-effort activedefrag activerehashing always-show-logo
aof-disable-auto-gc aof-load-truncated aof-rewrite-incremental-fsync aof-timestamp-enabled
aof-use-rdb-preamble aof_rewrite_cpulist appenddirname appendfilename appendfsync appendonly
auto-aof-rewrite-min-size auto-aof-rewrite-percentage bgsave_cpulist bind bind-source-addr bio_cpulist
busy-reply-threshold client-output-buffer-limit client-query-buffer-limit cluster-allow-pubsubshard-when-down
cluster-allow-reads-when-down cluster-allow-replica-migration cluster-announce-bus-port
cluster-announce-hostname cluster-announce-ip cluster-announce-port cluster-announce-tls-port
cluster-config-file cluster-enabled cluster-link-sendbuf-limit cluster-migration-barrier cluster-node-timeout
cluster-port cluster-preferred-endpoint-type cluster-replica-no-failover cluster-replica-validity-factor
cluster-require-full-coverage cluster-slave-no-failover cluster-slave-validity-factor crash-log-enabled
crash-memcheck-enabled daemonize databases dbfilename dir disable-thp dynamic-hz enable-debug-command
enable-module-command enable-protected-configs hash-max-listpack-entries hash-max-listpack-value
hash-max-ziplist-entries hash-max-ziplist-value hll-sparse-max-bytes hz ignore-warnings io-threads
io-threads-do-reads jemalloc-bg-thread latency-monitor-threshold latency-tracking
latency-tracking-info-percentiles lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del
lazyfree-lazy-user-del lazyfree-lazy-user-flush lfu-decay-time lfu-log-factor list-compress-depth
list-max-listpack-size list-max-ziplist-size logfile loglevel lua-time-limit masterauth masteruser maxclients
maxmemory maxmemory-clients maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples
min-replicas-max-lag min-replicas-to-write min-slaves-max-lag min-slaves-to-write no-appendfsync-on-rewrite
notify-keyspace-events oom-score-adj oom-score-adj-values pidfile port proc-title-template
propagation-error-behavior protected-mode proto-max-bulk-len rdb-del-sync-files rdb-save-incremental-fsync
rdbchecksum repl-backlog-size repl-backlog-ttl repl-disable-tcp-nodelay repl-diskless-load
repl-diskless-sync repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-ping-replica-period
repl-ping-slave-period repl-timeout replica-announce-ip replica-announce-port replica-announced
replica-ignore-disk-write-errors replica-ignore-maxmemory replica-lazy-flush replica-priority
replica-read-only replica-serve-stale-data replicaof requirepass sanitize-dump-payload save server_cpulist
set-max-intset-entries set-proc-title shutdown-on-sigint shutdown-on-sigterm shutdown-timeout
slave-announce-ip slave-announce-port slave-ignore-maxmemory slave-lazy-flush slave-priority slave-read-only
slave-serve-stale-data slaveof slowlog-log-slower-than slowlog-max-len socket-mark-id
stop-writes-on-bgsave-error stream-node-max-bytes stream-node-max-entries supervised syslog-enabled
syslog-facility syslog-ident tcp-backlog tcp-keepalive timeout tls-auth-clients tls-ca-cert-dir
tls-ca-cert-file tls-cert-file tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file
tls-client-key-file-pass tls-cluster tls-dh-params-file tls-key-file tls-key-file-pass tls-port
tls-prefer-server-ciphers tls-protocols tls-replication tls-session-cache-size tls-session-cache-timeout
tls-session-caching tracking-table-max-keys unixsocket unixsocketperm zset-max-listpack-entries
zset-max-listpack-value zset-max-ziplist-entries zset-max-ziplist-value
`

func TestEventLoopsAreOnlyWhereTheyCanBeHad(t *testing.T) {
	for _, c := range []struct {
		system string
		given  []string
		is     string
		says   bool
	}{
		{"linux", nil, "yes", false},
		{"linux", []string{"--event-loops", "yes"}, "yes", false},
		{"linux", []string{"--event-loops", "no"}, "no", false},
		{"darwin", nil, "no", false},
		{"darwin", []string{"--event-loops", "yes"}, "no", true},
		{"darwin", []string{"--event-loops", "no"}, "no", false},
	} {
		l := newConfLoader(defaultSettings(), nil)
		if err := l.loadOptions(c.given); err != nil {
			t.Fatal(err)
		}
		l.settleLoops(c.system)
		is, says := l.settings[parameterIndex["event-loops"]].text, len(l.notices) > 0
		if is != c.is || says != c.says {
			t.Errorf("on %s with %q event-loops is %s, and the notices are %v", c.system, c.given, is, l.notices)
		}
	}
}

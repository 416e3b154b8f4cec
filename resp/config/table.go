package config

import (
	"math"
	"slices"

	"diskette/store"
)

// A parameter is one row of the configuration: a name that redis.conf, the command line,
// CONFIG GET and CONFIG SET know.
type parameter struct {
	name  string
	alias string    // an older name for the same value, or ""
	kind  valueKind // what a value may be, and how it reads when shown
	value string    // the default
	flags parameterFlags
}

// parameterFlags are combined by or.
type parameterFlags uint8

const (
	inUse     parameterFlags = 1 << iota // the server acts on it
	atStart                              // can be set at the start only
	reread                               // names files: to set the same value again reads them again
	guarded                              // CONFIG SET needs enable-protected-configs
	listening                            // Redis would listen anew at CONFIG SET; here the value that it has is taken
	once                                 // is said for one start: CONFIG REWRITE does not put it into the file
	noEffect  parameterFlags = 0         // accepted and kept; a notice says that it does nothing
)

// forgottenOptions are read and forgotten, as Redis 7 does: option and number of values.
var forgottenOptions = map[string]int{
	"list-max-ziplist-entries": 1,
	"list-max-ziplist-value":   1,
	"lua-replicate-commands":   1,
}

// parameters is the configuration: the names of Redis 7.0 and 7.2 with Redis' ranges and defaults, and Diskette's own
// admin, allow-network-filesystem, auth-failure-delay, event-loops, export-rdb-version, hot-idle, import,
// import-damaged, import-skip-modules, maxdisk, maxdisk-db, maxdisk-free, maxmemory-policy-db, page-checksums,
// ping-fails-when-damaged, set-aside-damaged, tls-admin and wal-limit. Defaults that differ from Redis': bind
// (loopback only), dir, appendonly.
var parameters = slices.Concat([]parameter{
	// Listening and connections.
	{"port", "", intRange(0, 65535), "6379", inUse | atStart | listening},
	{"bind", "", bindAddresses, "127.0.0.1 -::1", inUse | atStart | listening},
	{"tls-port", "", intRange(0, 65535), "0", inUse | atStart | listening},
	{"tls-cert-file", "", anyText, "", inUse | reread},
	{"tls-key-file", "", anyText, "", inUse | reread},
	{"tls-key-file-pass", "", anyText, "", inUse | reread},
	{"tls-ca-cert-file", "", anyText, "", inUse | reread},
	{"tls-ca-cert-dir", "", anyText, "", inUse | reread},
	{"tls-auth-clients", "", oneOf("no", "yes", "optional"), "yes", inUse},
	{"tls-protocols", "", tlsProtocols, "", inUse},
	{"tls-ciphers", "", tlsCiphers, "", inUse},
	{"tls-ciphersuites", "", tlsCiphersuites, "", inUse},
	{"tls-session-caching", "", yesOrNo, "yes", inUse},
	{"unixsocket", "", anyText, "", inUse | atStart},
	{"unixsocketperm", "", fileMode, "0", inUse | atStart},
	{"protected-mode", "", yesOrNo, "yes", inUse},
	{"requirepass", "", anyText, "", inUse},
	{"maxclients", "", intRange(1, math.MaxUint32), "10000", inUse},
	{"timeout", "", intRange(0, math.MaxInt32), "0", inUse},
	{"event-loops", "", yesOrNo, "yes", inUse | atStart},       // "no" where there are none: see settleLoops
	{"io-threads", "", intRange(1, 128), "1", inUse | atStart}, // with event-loops another default: see settleLoops
	{"tcp-keepalive", "", intRange(0, math.MaxInt32), "300", inUse},
	{"admin", "", adminAddress, "", inUse | atStart},
	{"tls-admin", "", yesOrNo, "no", inUse | atStart},

	// Bounds on what clients send and receive.
	{"proto-max-bulk-len", "", memorySize(1 << 20), "536870912", inUse},
	{"client-query-buffer-limit", "", memorySize(1 << 20), "1073741824", inUse},
	{"client-output-buffer-limit", "", outputLimits, "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", inUse},

	// Data, memory and durability. maxmemory 0 = a quarter of the machine's or cgroup's memory.
	{"dir", "", directoryPath, "./data", inUse | atStart | guarded},
	{"databases", "", intRange(1, math.MaxInt32), "16", inUse | atStart},
	{"maxmemory", "", memorySize(0), "0", inUse},
	{"hot-idle", "", duration, "10m", inUse},
	{"maxmemory-clients", "", memoryOrPercent, "0", inUse},
	{"maxmemory-policy", "", oneOf(policyNames...), "noeviction", inUse},
	{"maxmemory-policy-db", "", databasePolicies, "", inUse},
	{"maxdisk", "", maxDisk, "0", inUse},
	{"maxdisk-db", "", databaseSizes, "", inUse},
	{"maxdisk-free", "", memoryOrPercent, "0", inUse},
	{"lazyfree-lazy-eviction", "", yesOrNo, "no", inUse}, // DEL or UNLINK for replicas
	{"appendfsync", "", oneOf("everysec", "always", "no"), "everysec", inUse},
	{"allow-network-filesystem", "", yesOrNo, "no", inUse | atStart},
	{"page-checksums", "", yesOrNo, "yes", inUse | atStart},
	{"wal-limit", "", noneOrMemorySize(store.SmallestWALLimit), "1073741824", inUse},
	{"ping-fails-when-damaged", "", yesOrNo, "no", inUse},
	{"set-aside-damaged", "", oneOf("no", "yes", "salvage"), "no", inUse | atStart | once},
	{"auth-failure-delay", "", intRange(0, 60_000), "1000", inUse},

	// What Redis has left in dir, which is imported at the first start: see package movein.
	{"import", "", yesOrNo, "yes", inUse | atStart},
	{"import-damaged", "", oneOf("no", "prefix"), "no", inUse | atStart | once},
	{"import-skip-modules", "", yesOrNo, "no", inUse | atStart | once},
	{"dbfilename", "", fileName, "dump.rdb", inUse | guarded},
	{"appenddirname", "", anyText, "appendonlydir", inUse | atStart},
	{"appendfilename", "", anyText, "appendonly.aof", inUse | atStart},
	{"aof-load-truncated", "", yesOrNo, "yes", inUse},
	{"rdbchecksum", "", yesOrNo, "yes", inUse | atStart},
	{"export-rdb-version", "", intRange(9, 12), "11", inUse},

	// The process.
	{"loglevel", "", oneOf("debug", "verbose", "notice", "warning", "nothing"), "notice", inUse},
	{"logfile", "", anyText, "", inUse | atStart},
	{"pidfile", "", anyText, "", inUse | atStart},
	{"hz", "", clampedInt(1, 500), "10", inUse},

	// Diagnostics and events.
	{"slowlog-log-slower-than", "commandlog-execution-slower-than", intRange(-1, math.MaxInt64), "10000", inUse},
	{"slowlog-max-len", "commandlog-slow-execution-max-len", intRange(0, math.MaxInt64), "128", inUse},
	{"latency-monitor-threshold", "", intRange(0, math.MaxInt64), "0", inUse},
	{"latency-tracking", "", yesOrNo, "yes", inUse},
	{"latency-tracking-info-percentiles", "", percentiles, "50 99 99.9", inUse},
	{"notify-keyspace-events", "", eventClasses, "", inUse},
	{"busy-reply-threshold", "lua-time-limit", intRange(0, math.MaxInt64), "5000", inUse},
	{"tracking-table-max-keys", "", intRange(0, math.MaxInt64), "1000000", inUse},
	{"acl-pubsub-default", "", oneOf("allchannels", "resetchannels"), "resetchannels", inUse},
	{"aclfile", "", anyText, "", inUse | atStart},
	{"acllog-max-len", "", intRange(0, math.MaxInt64), "128", inUse},
	{"enable-debug-command", "", oneOf("no", "yes", "local"), "no", inUse | atStart},
	{"enable-protected-configs", "", oneOf("no", "yes", "local"), "no", inUse | atStart},

	// Limits of the compact encodings, which OBJECT ENCODING reports.
	{"hash-max-listpack-entries", "hash-max-ziplist-entries", intRange(0, math.MaxInt64), "512", inUse},
	{"hash-max-listpack-value", "hash-max-ziplist-value", memorySize(0), "64", inUse},
	{"list-max-listpack-size", "list-max-ziplist-size", intRange(math.MinInt32, math.MaxInt32), "-2", inUse},
	{"set-max-intset-entries", "", intRange(0, math.MaxInt64), "512", inUse},
	{"set-max-listpack-entries", "", intRange(0, math.MaxInt64), "128", inUse},
	{"set-max-listpack-value", "", memorySize(0), "64", inUse},
	{"zset-max-listpack-entries", "zset-max-ziplist-entries", intRange(0, math.MaxInt64), "128", inUse},
	{"zset-max-listpack-value", "zset-max-ziplist-value", memorySize(0), "64", inUse},
	{"rdbcompression", "", yesOrNo, "yes", inUse},
	{"stream-node-max-bytes", "", memorySize(0), "4096", inUse},
	{"stream-node-max-entries", "", intRange(0, math.MaxInt64), "100", inUse},
	{"hll-sparse-max-bytes", "", memorySize(0), "3000", inUse},

	// Following a master.
	{"replicaof", "slaveof", master, "", inUse | atStart},
	{"masterauth", "primaryauth", anyText, "", inUse},
	{"masteruser", "primaryuser", anyText, "", inUse},
	{"repl-timeout", "", intRange(1, math.MaxInt32), "60", inUse},
	{"replica-announce-ip", "slave-announce-ip", anyText, "", inUse},
	{"replica-announce-port", "slave-announce-port", intRange(0, 65535), "0", inUse},
	{"replica-announced", "", yesOrNo, "yes", inUse},
	{"replica-ignore-maxmemory", "slave-ignore-maxmemory", yesOrNo, "yes", inUse},
	{"replica-priority", "slave-priority", intRange(0, math.MaxInt32), "100", inUse},
	{"replica-read-only", "slave-read-only", yesOrNo, "yes", inUse},
	{"replica-serve-stale-data", "slave-serve-stale-data", yesOrNo, "yes", inUse},
	{"tls-client-cert-file", "", anyText, "", inUse},
	{"tls-client-key-file", "", anyText, "", inUse},
	{"tls-client-key-file-pass", "", anyText, "", inUse},
	{"tls-replication", "", yesOrNo, "no", inUse},

	// Refused unless they ask for nothing: ignoring them would break what they promise.
	{"cluster-enabled", "", neverBut("cluster mode is not supported", "no"), "no", inUse | atStart},

	// Accepted, kept and shown, without effect: they steer parts of Redis that are not here.
	{"active-defrag-cycle-max", "", intRange(1, 99), "25", noEffect},
	{"active-defrag-cycle-min", "", intRange(1, 99), "1", noEffect},
	{"active-defrag-ignore-bytes", "", memorySize(1), "104857600", noEffect},
	{"active-defrag-max-scan-fields", "", intRange(1, math.MaxInt64), "1000", noEffect},
	{"active-defrag-threshold-lower", "", intRange(0, 1000), "10", noEffect},
	{"active-defrag-threshold-upper", "", intRange(0, 1000), "100", noEffect},
	{"active-expire-effort", "", intRange(1, 10), "1", noEffect},
	{"activedefrag", "", yesOrNo, "no", noEffect},
	{"activerehashing", "", yesOrNo, "yes", noEffect},
	{"always-show-logo", "", yesOrNo, "no", noEffect | atStart},
	{"aof-disable-auto-gc", "", yesOrNo, "no", noEffect},
	{"aof-rewrite-incremental-fsync", "", yesOrNo, "yes", noEffect},
	{"aof-timestamp-enabled", "", yesOrNo, "no", noEffect},
	{"aof-use-rdb-preamble", "", yesOrNo, "yes", noEffect},
	{"aof-rewrite-cpulist", "aof_rewrite_cpulist", anyText, "", noEffect | atStart},
	{"appendonly", "", alwaysYes, "yes", noEffect},
	{"auto-aof-rewrite-min-size", "", memorySize(0), "67108864", noEffect},
	{"auto-aof-rewrite-percentage", "", intRange(0, math.MaxInt32), "100", noEffect},
	{"bgsave-cpulist", "bgsave_cpulist", anyText, "", noEffect | atStart},
	{"bind-source-addr", "", anyText, "", noEffect},
	{"bio-cpulist", "bio_cpulist", anyText, "", noEffect | atStart},
	{"cluster-allow-pubsubshard-when-down", "", yesOrNo, "yes", noEffect},
	{"cluster-allow-reads-when-down", "", yesOrNo, "no", noEffect},
	{"cluster-allow-replica-migration", "", yesOrNo, "yes", noEffect},
	{"cluster-announce-bus-port", "", intRange(0, 65535), "0", noEffect},
	{"cluster-announce-hostname", "", anyText, "", noEffect},
	{"cluster-announce-human-nodename", "", anyText, "", noEffect},
	{"cluster-announce-ip", "", anyText, "", noEffect},
	{"cluster-announce-port", "", intRange(0, 65535), "0", noEffect},
	{"cluster-announce-tls-port", "", intRange(0, 65535), "0", noEffect},
	{"cluster-config-file", "", anyText, "nodes.conf", noEffect | atStart},
	{"cluster-link-sendbuf-limit", "", memorySize(0), "0", noEffect},
	{"cluster-migration-barrier", "", intRange(0, math.MaxInt32), "1", noEffect},
	{"cluster-node-timeout", "", intRange(0, math.MaxInt64), "15000", noEffect},
	{"cluster-port", "", intRange(0, 65535), "0", noEffect | atStart},
	{"cluster-preferred-endpoint-type", "", oneOf("ip", "hostname", "unknown-endpoint"), "ip", noEffect},
	{"cluster-replica-no-failover", "cluster-slave-no-failover", yesOrNo, "no", noEffect},
	{"cluster-replica-validity-factor", "cluster-slave-validity-factor", intRange(0, math.MaxInt32), "10", noEffect},
	{"cluster-require-full-coverage", "", yesOrNo, "yes", noEffect},
	{"crash-log-enabled", "", yesOrNo, "yes", noEffect},
	{"crash-memcheck-enabled", "", yesOrNo, "yes", noEffect},
	{"daemonize", "", yesOrNo, "no", inUse | atStart},
	{"disable-thp", "", yesOrNo, "yes", noEffect | atStart},
	{"dynamic-hz", "", yesOrNo, "yes", noEffect},
	{"enable-module-command", "", oneOf("no", "yes", "local"), "no", noEffect | atStart},
	{"ignore-warnings", "", anyText, "", noEffect},
	{"io-threads-do-reads", "", yesOrNo, "no", noEffect | atStart},
	{"jemalloc-bg-thread", "", yesOrNo, "yes", noEffect},
	{"lazyfree-lazy-expire", "", yesOrNo, "no", noEffect},
	{"lazyfree-lazy-server-del", "", yesOrNo, "no", noEffect},
	{"lazyfree-lazy-user-del", "", yesOrNo, "no", noEffect},
	{"lazyfree-lazy-user-flush", "", yesOrNo, "no", noEffect},
	{"lfu-decay-time", "", intRange(0, math.MaxInt32), "1", inUse},
	{"lfu-log-factor", "", intRange(0, math.MaxInt32), "10", inUse},
	{"list-compress-depth", "", intRange(0, math.MaxInt32), "0", noEffect},
	{"locale-collate", "", anyText, "", noEffect},
	{"maxmemory-eviction-tenacity", "", intRange(0, 100), "10", noEffect},
	{"maxmemory-samples", "", intRange(1, math.MaxInt32), "5", noEffect},
	{"min-replicas-max-lag", "min-slaves-max-lag", intRange(0, math.MaxInt32), "10", inUse},
	{"min-replicas-to-write", "min-slaves-to-write", intRange(0, math.MaxInt32), "0", inUse},
	{"no-appendfsync-on-rewrite", "", yesOrNo, "no", noEffect},
	{"oom-score-adj", "", oneOf("no", "yes", "relative", "absolute"), "no", noEffect},
	{"oom-score-adj-values", "", oomScores, "0 200 800", noEffect},
	{"proc-title-template", "", anyText, "{title} {listen-addr} {server-mode}", noEffect},
	{"propagation-error-behavior", "", oneOf("ignore", "panic", "panic-on-replicas"), "ignore", noEffect},
	{"rdb-del-sync-files", "", yesOrNo, "no", noEffect},
	{"rdb-save-incremental-fsync", "", yesOrNo, "yes", noEffect},
	{"repl-backlog-size", "", memorySize(1), "1048576", inUse},
	{"repl-backlog-ttl", "", intRange(0, math.MaxInt64), "3600", inUse},
	{"repl-disable-tcp-nodelay", "", yesOrNo, "no", noEffect},
	{"repl-diskless-load", "", oneOf("disabled", "on-empty-db", "swapdb"), "disabled", noEffect},
	{"repl-diskless-sync", "", yesOrNo, "yes", noEffect},
	{"repl-diskless-sync-delay", "", intRange(0, math.MaxInt32), "5", noEffect},
	{"repl-diskless-sync-max-replicas", "", intRange(0, math.MaxInt32), "0", noEffect},
	{"repl-ping-replica-period", "repl-ping-slave-period", intRange(1, math.MaxInt32), "10", inUse},
	{"replica-ignore-disk-write-errors", "", yesOrNo, "no", noEffect},
	{"replica-lazy-flush", "slave-lazy-flush", yesOrNo, "no", noEffect},
	{"sanitize-dump-payload", "", oneOf("no", "yes", "clients"), "no", noEffect},
	{"save", "", savePoints, "3600 1 300 100 60 10000", noEffect},
	{"server-cpulist", "server_cpulist", anyText, "", noEffect | atStart},
	{"set-proc-title", "", yesOrNo, "yes", noEffect | atStart},
	{"shutdown-on-sigint", "", shutdownFlags, "default", noEffect},
	{"shutdown-on-sigterm", "", shutdownFlags, "default", noEffect},
	{"shutdown-timeout", "", intRange(0, math.MaxInt32), "10", noEffect},
	{"socket-mark-id", "", intRange(0, math.MaxUint32), "0", noEffect | atStart},
	{"stop-writes-on-bgsave-error", "", yesOrNo, "yes", noEffect},
	{"supervised", "", oneOf("upstart", "systemd", "auto", "no"), "no", inUse | atStart},
	{"syslog-enabled", "", yesOrNo, "no", noEffect | atStart},
	{"syslog-facility", "", oneOf("user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"), "local0", noEffect | atStart},
	{"syslog-ident", "", anyText, "redis", noEffect | atStart},
	{"tcp-backlog", "", intRange(0, math.MaxInt32), "511", noEffect | atStart},
	{"tls-cluster", "", yesOrNo, "no", noEffect},
	{"tls-dh-params-file", "", anyText, "", noEffect},
	{"tls-prefer-server-ciphers", "", yesOrNo, "no", noEffect},
	{"tls-session-cache-size", "", intRange(0, math.MaxInt32), "20480", noEffect},
	{"tls-session-cache-timeout", "", intRange(0, math.MaxInt32), "300", noEffect},
}, newerParameters)

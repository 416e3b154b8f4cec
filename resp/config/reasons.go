package config

import "strings"

// noEffectReasons say why a parameter does nothing here, each as a clause: one of this name, or of a name that begins
// so and ends in a hyphen or underscore. The longest counts.
var noEffectReasons = map[string]string{
	"appendonly":                  "every write is durable without it; it stays yes, and says which of Redis's files are imported at the first start",
	"save":                        "every write is durable without snapshots; SAVE and BGSAVE write one, and nothing else does",
	"maxmemory-samples":           "all keys are kept in an order from which the next to go is taken, none are sampled",
	"maxmemory-eviction-tenacity": "eviction goes on beside the clients until the bounds hold",
	"tls-":                        "the Go language decides",
	"tls-cluster":                 "there is no cluster",

	"tls-auto-reload-interval": "CONFIG SET tls-cert-file reads a renewed certificate",
	"repl-diskless-load":       "a copy of a master's data is always taken as swapdb has it: what is here is served until the copy is whole",
	"active-defrag-":           "the Go language's memory needs no defragmentation",
	"activedefrag":             "the Go language's memory needs no defragmentation",
	"jemalloc-bg-thread":       "the Go language gives memory back by itself",
	"active-expire-effort":     "expired keys are gone at once for readers, and are removed ten times a second",
	"activerehashing":          "no table is rehashed",
	"always-show-logo":         "there is no logo",
	"aof-":                     "there is no append only file",
	"auto-aof-":                "there is no append only file to rewrite",
	"no-appendfsync-":          "there is no append only file to rewrite",
	"aof-rewrite-cpulist":      "the system decides where threads run; use taskset",
	"bgsave-cpulist":           "the system decides where threads run; use taskset",
	"bio-cpulist":              "the system decides where threads run; use taskset",
	"server-cpulist":           "the system decides where threads run; use taskset",
	"bind-source-addr":         "the system decides from where a connection to a master comes",
	"cluster-":                 "there is no cluster",
	"slot-migration-":          "there is no cluster",
	"crash-":                   "a crash is logged as the Go language logs it",
	"disable-thp":              "no process is forked, so huge pages cost nothing",
	"dynamic-hz":               "hz is what it says",
	"enable-module-command":    "there are no modules",
	"ignore-warnings":          "the warnings that it names are not given",
	"io-threads-":              "all cores are used without it",
	"prefetch-":                "keys are looked up ahead without it",
	"lookahead":                "keys are looked up ahead without it",
	"lazyfree-":                "what is deleted is always freed later",
	"lazyexpire-":              "a command that reads never removes an expired key",
	"list-compress-depth":      "lists are not compressed in memory, and may be on disk instead",
	"locale-collate":           "texts are compared byte by byte",
	"oom-score-adj":            "there are no processes of which some should go first",
	"oom-score-adj-":           "there are no processes of which some should go first",
	"proc-title-template":      "the process keeps its name",
	"set-proc-title":           "the process keeps its name",
	"propagation-error-":       "what could not be stored is never acknowledged",
	"rdb-":                     "a dump.rdb is written by SAVE, BGSAVE and export alone, whole, and read only if its version is known",
	"sanitize-dump-payload":    "what RESTORE gets is always checked",
	"shutdown-":                "everything is on disk at a shutdown, without a snapshot",
	"socket-mark-id":           "sockets are not marked",
	"stop-writes-on-":          "writes are refused whenever the disk can not take them",
	"syslog-":                  "the log goes to standard output or to logfile",
	"tcp-backlog":              "it is as long as the system lets it be (net.core.somaxconn)",
	"mptcp":                    "the Go language and the system decide",
	"max-new-":                 "new connections are served beside those that are there",

	"availability-zone":            "nothing asks for it",
	"commandlog-":                  "there is no COMMANDLOG but for slow commands, as SLOWLOG",
	"dual-channel-replication-":    "a replica has one connection",
	"extended-redis-compatibility": "the server always answers as Redis does",
	"hash-seed":                    "SCAN's order does not depend on one",
	"hide-user-data-from-log":      "the log never shows what a client has stored",
	"key-memory-histograms":        "no such figures are kept",
	"log-format":                   "the log is JSON, but on a terminal",
	"log-timestamp-format":         "times are those of RFC 3339, but on a terminal",
	"rdma-":                        "RDMA is not served",
	"stream-idmp-":                 "XADD knows no IDMP",
	"vset-":                        "there are no vector sets",

	// Of these it is known that they do nothing yet.
	"masterauth": replicationReason, "masteruser": replicationReason, "min-replicas-": replicationReason,
	"repl-": replicationReason, "replica-": replicationReason,
}

const replicationReason = "replication works without it"

// noEffectReason is why a parameter does nothing.
func noEffectReason(name string) string {
	for prefix := name; prefix != ""; {
		if reason := noEffectReasons[prefix]; reason != "" {
			return reason
		}
		at := strings.LastIndexAny(strings.TrimRight(prefix, "-_"), "-_")
		prefix = prefix[:at+1]
	}
	return "no effect here"
}

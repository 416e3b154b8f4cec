package config

import (
	"errors"
	"strings"
)

// keydbOptions are those of KeyDB's own keydb.conf that its image is started with, and why they have no effect. What
// would change where the data is, or who has it, is refused: see keydb.
var keydbOptions = map[string]string{
	"server-threads":                       "Go's scheduler uses the machine's cores, or GOMAXPROCS of them",
	"server-thread-affinity":               "Go's scheduler uses the machine's cores, or GOMAXPROCS of them",
	"min-clients-per-thread":               "clients go to the event loops in turn",
	"multithread-load-enabled":             "there is no load phase",
	"enable-async-commands":                "commands run in one order",
	"enable-keydb-fastsync":                "it is KeyDB's own replication",
	"force-backlog-disk-reserve":           "the backlog of replicas is in memory",
	"storage-provider":                     "the data is on disk in any case, in SQLite",
	"scratch-file-path":                    "it needs none",
	"active-replica":                       "there is no active replication",
	"multi-master":                         "there is no active replication",
	"active-client-balancing":              "clients are not divided among threads",
	"soft-shutdown":                        "the end waits for commands under way, not for clients",
	"availability-zone":                    "INFO does not show it",
	"overload-protect-percent":             "no command is refused for want of processor time",
	"use-fork":                             "nothing is forked",
	"allow-rdb-resize-op":                  "an import needs no hints",
	"multi-master-no-forward":              "there is no active replication",
	"loading-process-events-interval-keys": "there is no load phase",
}

var errActiveReplica = errors.New("KeyDB's active replication is not supported: a server that follows another takes no writes")

// keydb accepts an option of KeyDB's that has no effect.
func (l *confLoader) keydb(name string, values []string) error {
	if (name == "active-replica" || name == "multi-master") && !strings.EqualFold(values[0], "no") {
		return errActiveReplica
	}
	l.notice(name, keydbOptions[name])
	return nil
}

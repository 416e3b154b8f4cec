package config

// A Directive is a parameter as a reader of the documentation needs it.
type Directive struct {
	Name, Alias, Default string
	Effect               bool   // the server acts on it
	Settable             bool   // CONFIG SET changes it
	Own                  string // what it does, of one that Redis does not know; "" = Redis's own
}

// own says what Diskette's own parameters do.
var own = map[string]string{
	"admin":                    "Address of the page with metrics and health, such as `127.0.0.1:8379`; empty = none. See [admin page](admin-page.md).",
	"allow-network-filesystem": "Serves from NFS, SMB, 9P and the like, where SQLite's locks and fsync can not be trusted.",
	"auth-failure-delay":       "Most milliseconds that the answer to a wrong password is put off; 0 = none. Loopback never waits.",
	"event-loops":              "`yes` serves plain TCP connections from `io-threads` event loops; `no`, which it is on other systems than Linux, from a goroutine each. See [limits](limits.md).",
	"export-rdb-version":       "Version of the RDB files that are written: 9 (Redis 5, 6), 10 (7.0), 11 (7.2), 12 (7.4).",
	"hot-idle":                 "For how long no key at all must be used until all leave memory, such as `10m`; 0 = never. They stay on disk.",
	"import":                   "Imports what Redis has left in `dir`, where there is no database yet.",
	"import-damaged":           "`prefix` keeps what stands before the fault of a damaged file; for one start.",
	"import-skip-modules":      "Leaves out values of modules; for one start.",
	"maxdisk":                  "Bytes, or per cent of the file system, that the data may take on disk. See [bounds](bounds.md).",
	"maxdisk-db":               "The same of single databases: number and size, in pairs.",
	"maxdisk-free":             "Bytes, or per cent, of the file system that are left to others.",
	"maxmemory-policy-db":      "`maxmemory-policy` of single databases: number and policy, in pairs.",
	"page-checksums":           "`no` writes the pages' checksums and does not compare them: Litestream needs it. See [backup](backup.md).",
	"ping-fails-when-damaged":  "`PING` answers an error after damage was met, so that health checks fail.",
	"set-aside-damaged":        "What a start does with damaged files: `no` refuses, `yes` begins empty, `salvage` keeps what can be read; for one start.",
	"tls-admin":                "Serves the admin page by TLS (https), with the certificate and key of `tls-cert-file` and `tls-key-file`.",
	"wal-limit":                "Bytes of the WAL at which write-back waits for a program that reads and does not end its transaction; 0 = none, at least 64 MB.",
}

// Reference is every parameter, in the order of the table.
func Reference() (all []Directive) {
	for _, p := range parameters {
		all = append(all, Directive{Name: p.name, Alias: p.alias, Default: p.value, Effect: p.flags&inUse != 0,
			Settable: p.flags&atStart == 0, Own: own[p.name]})
	}
	return all
}

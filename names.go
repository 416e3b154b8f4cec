package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A role is what the binary does, by the name under which it was started.
type role string

const (
	roleServer     role = "server"
	roleClient     role = "cli"
	roleCheckRDB   role = "check-rdb"
	roleCheckAOF   role = "check-aof"
	roleBenchmark  role = "benchmark"
	roleSentinel   role = "sentinel"
	roleImport     role = "import"
	roleExport     role = "export"
	roleProgram    role = "program"
	roleEntryPoint role = "entry point"
)

// families are the servers whose programs' names the binary answers to: redis-server, valkey-server, keydb-server.
var families = []string{"redis-", "valkey-", "keydb-"}

// roleOf tells by argv which program the binary is, and what that program's arguments are.
//
//	redis-cli, valkey-cli, keydb-cli   the client; -check-rdb, -check-aof, -benchmark and -sentinel likewise
//	docker-entrypoint                  the program that its first argument names: see entrypoint.go
//	any other name                     the server: redis-server, diskette; the latter with import, export or a word of
//	                                   program.go first is that command, and with serve or redis-server the server
func roleOf(argv []string) (role, []string) {
	if len(argv) == 0 {
		return roleServer, nil
	}
	name, args := filepath.Base(argv[0]), argv[1:]
	if name == "docker-entrypoint" {
		return roleEntryPoint, args
	}
	for _, family := range families {
		rest, ours := strings.CutPrefix(name, family)
		if !ours {
			continue
		}
		switch r := role(rest); r {
		case roleServer, roleClient, roleCheckRDB, roleCheckAOF, roleBenchmark, roleSentinel:
			return r, args
		}
	}
	if len(args) == 0 {
		return roleServer, args
	}
	switch word := args[0]; {
	case word == "serve" || isServerWord(word):
		return roleServer, args[1:]
	case word == "import" || word == "export":
		return role(word), args[1:]
	default:
		if words, _ := programCommands(); slices.Contains(words, word) {
			return roleProgram, args
		}
	}
	return roleServer, args
}

// isServerWord reports whether the first argument is a server's name, as in a container's command line, and no conf
// file's.
func isServerWord(word string) bool {
	if !slices.ContainsFunc(families, func(family string) bool { return word == family+string(roleServer) }) {
		return false
	}
	_, err := os.Stat(word)
	return err != nil
}

// isServer reports whether a name is that of a server's program.
func isServer(name string) bool {
	r, _ := roleOf([]string{name})
	return r == roleServer && (name == "diskette" || strings.HasSuffix(name, "-server"))
}

const sentinelText = `%s: there is no Sentinel here. Redis's own can watch Diskettes and their replicas: run it from Redis's image.
What is started here as redis-server is a server.
`

// refuseSentinel says why what was asked for is not there, and returns the exit status.
func refuseSentinel(what string) int {
	fmt.Fprintf(os.Stderr, sentinelText, what)
	return 1
}

// withHint adds the commands' names to what hinders a start whose first argument is neither a file nor a command.
func withHint(err error, args []string) error {
	name := filepath.Base(os.Args[0])
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || strings.ContainsAny(args[0], "/.") ||
		slices.ContainsFunc(families, func(family string) bool { return strings.HasPrefix(name, family) }) {
		return err
	}
	if _, missing := os.Stat(args[0]); missing == nil {
		return err
	}
	words, _ := programCommands()
	words = append([]string{"serve", "import", "export"}, words...)
	return fmt.Errorf("%w\n'%s' is no command of diskette's either: these are %s; see diskette --help", err, args[0],
		strings.Join(words, ", "))
}

// Diskette is a Redis-protocol server whose data lives on disk, in SQLite.
//
//	diskette [conf file] [--option value ...]     redis-server's arguments
//	diskette check DIR, and others                see program.go
//	diskette import FILE|DIR [--into DIR]         see import.go
//	diskette export FILE.rdb [DIR]                see export.go
//
// The binary also answers to the names redis-server, redis-cli and others, as the container image
// needs it: names.go, entrypoint.go. The way from here: main opens the store (package store), gives it to the
// server (package resp), listens, and takes both down in the opposite order (serve.go).
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"diskette/resp/bench"
	"diskette/resp/check"
	"diskette/resp/cli"
)

func main() {
	r, args := roleOf(os.Args)
	os.Exit(act(r, args))
}

// act is the program of a role, and returns its exit status. defaults are lines of a conf file for the server.
func act(r role, args []string, defaults ...string) int {
	name := filepath.Base(os.Args[0])
	switch r {
	case roleClient:
		if password := os.Getenv("VALKEYCLI_AUTH"); password != "" && strings.HasPrefix(name, "valkey-") {
			os.Setenv("REDISCLI_AUTH", password) // valkey-cli looks at its own variable first
		}
		return cli.Main(args, os.Stdin, os.Stdout, os.Stderr)
	case roleImport:
		return importCommand(args, os.Stdout, os.Stderr)
	case roleExport:
		return exportCommand(args, os.Stdout, os.Stderr)
	case roleProgram:
		return runProgram(args, os.Stdin, os.Stdout, os.Stderr)
	case roleCheckRDB:
		return check.RDB(args, os.Stdout)
	case roleCheckAOF:
		return check.AOF(args, os.Stdin, os.Stdout)
	case roleBenchmark:
		return benchmark(bench.Program{Name: name}, args)
	case roleSentinel:
		return refuseSentinel(name)
	case roleEntryPoint:
		return enter(args)
	}
	return serve(args, defaults...)
}

// usage is what --help writes.
func usage() string {
	var text strings.Builder
	text.WriteString(`Usage: diskette [serve] [/path/to/redis.conf | -] [--option value ...]
       diskette -v | --version
       diskette -h | --help
       diskette COMMAND --help

The options are redis-server's, for example:
       diskette --port 7777 --dir /var/lib/diskette --appendfsync always --maxmemory 1gb

Commands:
       serve            The server, as without a word.
       import           Import a Redis's files into a new data directory.
       export           Write all data of a data directory to an RDB file.
`)
	words, help := programCommands()
	for i := range words {
		fmt.Fprintf(&text, "       %-16s %s\n", words[i], help[i])
	}
	return text.String()
}

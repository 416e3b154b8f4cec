// Package cli is the redis-cli of the container image. Options, output and exit statuses are those of redis-cli 7.0,
// recorded from it in testdata and replayed by the tests; where 7.2 differs for a person at a terminal, it is 7.2's.
//
//	cli.go              Main: which mode the options ask for
//	options.go          the command line; package target has what leads to the server
//	usage.go            --help, and what is refused, with the reason
//	session.go          connect, ask, print, follow a cluster's redirections
//	reply.go            RESP2 and RESP3 in
//	format.go json.go   replies for terminals, for pipes, as CSV and as JSON
//	line.go             a typed line to arguments
//	argument.go         arguments from standard input, quoted ones, --askpass
//	eval.go             --eval
//
//	lines.go            commands a line: from a pipe, or typed
//	editor.go           typing with history, completion and hints; history.go hint.go
//	documents.go        what COMMAND DOCS says, for hints and help; help.go
//	preference.go       :set and ~/.redisclirc
//	stream.go           SUBSCRIBE and MONITOR, which Ctrl-C leaves
//
//	pipe.go scan.go     --pipe and --scan
//	bigkeys.go          --bigkeys, --memkeys; hotkeys.go
//	latency.go          --latency and its kin; latency_dist.go latency_own.go
//	stat.go             --stat
//	replica.go          --replica, --rdb and --functions-rdb: SYNC
//
// # What it lacks
//
// The Lua debugger (--ldb), the cluster manager (--cluster) and --lru-test are refused with the reason. TLS checks the
// server's certificate against the authorities, but, as in redis-cli, not that it names the host.
//
// # Why this editor
//
// reeflective/readline is kept, edits as readline does, searches the history and lets the program write the line: a
// hint is written behind it. peterh/liner has no place for one, chzyer/readline is not kept any more. Where it is wrong
// for us it is set otherwise: editor.go says so.
package cli

// Package command is the commands on keys, and what every command is made of: a Call comes in, a Reply goes out, and a Row
// of the table says all else about a command.
//
// Its invariant: a command on keys knows keys and values and has no way to a connection. What it may know of its client is
// the Caller, what it may ask of the server the Host, and the compiler keeps it so: this package can not import the
// sessions. A function of Row.Read gets a *store.View and can not write.
//
// Locks: none of its own. Read and Write run under the keyspace lock; Conn, and what Call.Apart and Call.Finish put off,
// run without it.
//
//	call.go caller.go waiting.go making.go         a call; who calls; waiting for keys; work without the lock
//	row.go table.go categories.go row_stats.go     the table, and what derives from it
//	reply.go reply_long.go errors.go               replies and their encoding; the texts of errors
//	notify.go redacted.go                          keyspace events; what logs may show
//	string*.go counter.go bit*.go hll.go lcs.go    strings
//	values.go                                      functions that get the value that they read
//	hash*.go list*.go set.go zset*.go geo*.go      collections
//	stream*.go xinfo.go multi_pop.go               streams; LMPOP and ZMPOP
//	key.go expire.go sort*.go dump*.go encoding.go any key
//	keyspace.go scan_elements.go                   all keys; SCAN's kind
//	documentation.go command_args.go help.go       COMMAND, and HELP of every container
//
// To add a command: a row in its family's rows, a function beside them, a block in compat_test/scripts.
package command

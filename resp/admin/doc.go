// Package admin is what stands at the address of --admin: metrics for programs, and health for load
// balancers.
//
// Its invariant: it is a client like any other. It imports nothing of the server's and asks all that it shows by
// Redis's commands, on connections within the process (resp/inside.go). So whoever looks at the page may see and do
// there what his user may see and do with redis-cli, in the server's own judgement and words, and no look holds the
// keyspace lock for longer than a command does. What is looked at is bounded by what a command asks for: SCAN and its
// kin in slices, GETRANGE. A reply is read up to bounds (conn.go), whatever the server sends.
//
//	admin.go        the listener, its bounds, and who answers what
//	session.go      who somebody is: programs say it with each request
//	conn.go info.go the client: commands and replies; INFO
//	metrics.go metrics_table.go   /metrics, by the names of redis_exporter
//
// Passwords are judged by the server, with its delay for wrong ones (auth-failure-delay) and its ACL LOG.
package admin

// Package admin is what stands at the address of --admin: metrics for programs, health for load balancers, and the
// page.
//
// Its invariant: it is a client like any other. It imports nothing of the server's and asks all that it shows by
// Redis's commands, on connections within the process (resp/inside.go). So whoever looks at the page may see and do
// there what his user may see and do with redis-cli, in the server's own judgement and words, and no look holds the
// keyspace lock for longer than a command does. What is looked at is bounded by what a command asks for: SCAN and its
// kin in slices, GETRANGE. A reply is read up to bounds (conn.go), whatever the server sends. Two things no command
// says without reading far more: which keys expire next, and a page of a large collection. Those are read from the
// tables (Backend), once the server has said that the user might ask for them. Who may DEBUG sees who holds the lock.
//
//	admin.go        the listener, its bounds, and who answers what
//	session.go      who somebody is: a session is a connection; programs say it with each request
//	own.go          the page's own connection, for what it keeps
//	conn.go info.go the client: commands and replies; INFO
//	metrics*.go                   /metrics, by the names of redis_exporter
//	exposition.go inspect.go      Prometheus's text format; the process's inside, and holds of the lock
//	pages.go text.go              the page: its addresses and templates; texts and figures for people
//	overview.go samples.go        how the server does, and the figures that its plots need
//	caches.go keys.go value.go    databases; searching keys; a key
//	ranked.go                     keys in an order: largest, most used, expiring next
//	fill.go                       what fills a cache, by the server's statistics (CACHE PREFIXES)
//	walk.go                       the largest and the most used keys: a walk in the background
//	slow.go live.go backup.go     slow log and clients; MONITOR; downloads
//	backups.go                    the database file's download
//
// templates/ and static/ are in the binary. uPlot 1.6.32 (static/uplot.js, uplot.css and its licence) is as npm has it.
//
// The text format is written here and judged by Prometheus's own linter and parser in tests. Its client, with protobuf,
// made the program 27.0 MB instead of 24.6 (22.1 without this package), and what is linked costs where memory is short,
// because used and unused parts share pages: of 500 SET/s of 1 KB in a container of 20 MB 173 to 188 came through,
// with 106,000 to 115,000 page faults in 4,000 commands. Without it, and without net/http/pprof, 230 to 490 do, with
// 15,000 to 53,000. Two that look methods up by name, html/template and kong, keep the linker from leaving unused ones
// out: without those it would be 22.0 MB, 500 a second and 4,000 to 8,000 faults.
//
// An open overview asks every 3 s, and for its plots every 10 s: 0.8 ms of processor time each, 0.03 % of one.
//
// Passwords are judged by the server, with its delay for wrong ones (auth-failure-delay) and its ACL LOG. The cookie is
// a random number that this process alone knows; every change needs a second one, which stands in the page, and a
// request from another site is refused before.
package admin

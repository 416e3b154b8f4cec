// Package resp serves clients: it accepts them, takes their commands past the gates to their functions, under the
// keyspace lock, and sends the replies. What shares one client's state stands here: dispatch, holds of the lock,
// blocking, MULTI, pushes, tracking and scripts. What does not is in the packages below.
//
//	wire/      bytes to commands within Redis's limits, and back
//	command/   calls, rows and replies, and all commands on keys: they know keys and values and no connection
//	acl/       users and rules
//	config/    the conf file, CONFIG GET, SET and REWRITE
//	lua/       Lua 5.1, the language          lualib/    its libraries and limits as Redis has them
//	rdb/ aof/  Redis's files                  movein/    what is in them comes into a new directory
//	moveout/   and goes into one of them
//	repl/      the stream that replicas follow          follow/    what a master sends to its replica
//	admin/     the page, metrics, health
//	cli/       redis-cli                      check/     redis-check-rdb, redis-check-aof
//	bench/     redis-benchmark                diskcache/ the files of Python's DiskCache
//	internal/  pure functions
//
// Which of them may import which is a table in imports_test.go; go test -v -run Down . prints it from the floor up.
//
// # The life of a command
//
//	wire.Guard.ReadBatch   the bytes of a batch become commands
//	client.run             each is looked up in the table and passes the gates (gate.go): arity, password, MULTI,
//	                       permissions, full disk
//	hold.ready             the keyspace lock is held and the command's keys are in memory: while they are read from
//	                       disk the lock is let go
//	Row.Read, Row.Write    its function makes a Reply; Row.Conn's works on the connection, without the lock
//	Tx.End                 what it has changed joins the journal's buffer, in the order in which commands run (I1)
//	Reply.Encode           while the lock is still held: a reply may hold what belongs to the store. A long one that
//	                       holds nothing that can change is encoded without it
//	serveBlocked           who waits for a key that it has changed runs now
//	client.send            the batch's replies leave when all that they saw is committed (I2 of store/doc.go)
//
// A function that finds that it needs further keys answers command.ReplyLoad; one that works for long puts that off
// until the lock is not held (command.Call.OffLock and Finish); one that has to wait for a key answers Call.BlockOn.
// They run again.
//
// # Locks
//
// In this order; a lock is never taken while a later one is held:
//
//	the keyspace              store.Lock, mostly through a hold (hold.go). The lines of blocked clients belong to it
//	tracking, subscriptions   who hears of a key or a channel: tracking.go, pubsub.go, monitors, watchers of keys
//	the registry              the connected clients: client.go
//	push                      what is told to one client, and what waits to be sent to it: push.go, wire/unsent.go
//
// client.sending is held by a batch from its beginning to its last byte (a loop holds those of a whole turn), by the
// pusher, which only tries it, and by who pushes when a batch is over, and waits for it.
//
// # Files
//
//	server.go client.go list_entry.go                    the server; one connection, and its line in CLIENT LIST
//	loading.go replay.go                                 clients during an import; the commands of an append-only file
//	following.go follow_*.go tls_client.go               this server follows a master: link, copy, stream
//	loop.go stall.go                                     event loops instead of a goroutine a connection; slow commits
//	dispatch.go gate.go hold.go observe.go               the way of a command; what is kept of it
//	block.go multi.go pause.go                           those who wait; MULTI, EXEC and WATCH; CLIENT PAUSE
//	pubsub.go tracking.go push.go arrival.go             what is told without being asked for
//	output_limit.go client_eviction.go memory_bound.go   bounds of what waits for clients
//	bounds.go bounds_watch.go bounds_log.go              bounds of the data on disk: settings and gate; INFO; log
//	passage.go                                           values that are sent while they are read
//	permission.go auth_delay.go tls.go tls_key.go        who may come, and do what
//	inside.go inside_unix.go inside_other.go             connections of parts of this process, and what they keep
//	inside_copy.go                                       a copy of the database file for them
//	save.go dump_file.go rewrite.go                      all data as an RDB file; dump.rdb; BGREWRITEAOF
//	migrate_target.go                                    MIGRATE's connections to other servers
//	replica.go replica_copy.go replicas*.go              who follows us, what is sent to it, what it has said
//	script*.go function.go                               Lua
//	idle.go                                              what is given back when nobody uses keys
//	tallies.go                                           the statistics of CACHE over a restart
//	info*.go stats.go traffic.go latency.go procs.go     figures; cores
//	session_table.go cmd_*.go lolwut.go                  the commands on connections and on the server
//
// # Why it is cut so
//
// The commands on keys were in this package once, in one import cycle with connections: 32 files that touched a
// connection in 21 lines. What those lines asked is command.Host, one for the server, and command.Caller, one a
// client, which every call points to: a call is no larger than before and nothing is looked up for it. The users'
// rules stand above the commands, because a rule names rows of the table, and the configuration above the users, whom
// a conf file declares. An output gathers in wire, beside what sends it; a reply encodes itself into it.
package resp

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
//	the registry              the connected clients: registry.go
//	push                      what is told to one client, and what waits to be sent to it: push.go, wire/unsent.go
//
// client.sending is held by a batch from its beginning to its last byte (a loop holds those of a whole turn), by the
// pusher, which only tries it, and by who pushes when a batch is over, and waits for it.
//
// # Files
//
//	server.go client.go list_entry.go                    the server; one connection, and its line in CLIENT LIST
//	accept.go registry.go desk.go                        it comes and goes; all; what one has while served
//	loading.go replay.go                                 clients during an import; the commands of an append-only file
//	following.go follow_*.go tls_client.go               this server follows a master: link, copy, stream
//	loop.go stall.go role.go                             event loops instead of a goroutine a connection; slow commits
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
// # Scale
//
// The loops (loop.go) work side by side but for what is done under the keyspace lock, and beside them one goroutine
// writes back. What a command takes of a loop's processor time in us, what of that the system's work for the socket and
// what is done under the lock (looks ahead included); how many times the throughput of one loop there is with more of
// them, by a model, and at most; and beyond how many loops write-back is the bound, if no row changes twice:
//
//	50 connections        loop  socket  lock   2 loops     3     4     7  most  write-back
//	GET                    9.7     7.4   1.2       1.8   2.7   3.4   5.0   5.8           -
//	SET                   12.0     7.9   1.3       1.9   2.7   3.5   5.3   6.3         5.5
//	INCR                  10.9     7.3   1.4       1.8   2.7   3.4   4.9   5.5         2.1
//	HSET                  12.4     7.9   1.9       1.8   2.6   3.3   4.5   4.8         5.1
//	SADD                  12.5     8.1   1.7       1.8   2.7   3.4   4.8   5.3         6.3
//	LPUSH                 11.9     7.8   1.2       1.9   2.8   3.6   5.6   7.1         7.6
//	XADD                  11.2     7.7   1.4       1.9   2.7   3.5   5.1   5.8         7.6
//	ZADD                  14.7     7.7   4.3       1.6   2.1   2.4   2.6   2.6         4.0
//	MSET of 10 keys       17.3     7.4   6.0       1.6   2.0   2.2   2.3   2.3         2.2
//	EVALSHA of a lock     15.8     8.6   4.5       1.7   2.2   2.5   2.7   2.7         2.0
//
//	pipelines of 16       loop  socket  lock   2 loops     3     4        most  write-back
//	GET                    1.7     0.5  0.83       1.5   1.7   1.8         1.8           -
//	SET                    1.8     0.5  0.80       1.6   1.9   2.1         2.1         2.4
//	INCR                   1.7     0.5  0.81       1.5   1.8   1.9         1.9         1.5
//	HSET                   2.0     0.5  1.05       1.5   1.7   1.8         1.8         4.7
//	SADD                   2.5     0.6  1.23       1.5   1.8   1.8         1.9         1.8
//	LPUSH                  1.5     0.5  0.63       1.6   1.9   2.1         2.1         2.6
//	XADD                   2.5     0.7  1.12       1.6   1.9   2.0         2.0         2.0
//	ZADD                   6.3     0.8  4.81       1.2   1.2   1.2         1.2         3.1
//	MSET of 10 keys        7.7     0.8  5.31       1.3   1.3   1.3         1.4         2.1
//	EVALSHA of a lock      7.7     0.9  5.73       1.2   1.2   1.3         1.3         1.3
//
// So four cores (three loops) give single commands 2.0 to 2.8 times what one loop does and eight (seven loops) 2.3 to
// 5.6, sixteen cores at most a quarter more. Pipelines gain from a second loop and hardly from a third.
//
// Measured were the left columns, on two cores that others used as well: holds of the lock by the time stamp counter,
// without those in which the system took the processor away, and the rest by perf's samples, in which the lock has 1.0
// to 1.5 times as much at 50 connections, 0.8 to 1.0 in pipelines: the right columns are no more exact than that. The
// model is a closed queue (mean value analysis: n loops, the time outside the lock, one lock, holds that vary). It
// takes for granted a core for each loop and one for write-back and the collector, load from other machines, sockets
// that cost the same there, and that a hold takes longer where loops take turns, since its data was in the other's
// cache: 1.25 times at 50 connections and 1.07 in pipelines, as measured with two loops, and 0.2 us for the lock
// itself, which is assumed.
//
// More than two cores were never measured. With two, two threads that used the store alone, without sockets, were at
// 1.71 of one with 16 GETs a hold and 13 us in between (the model says 1.72), at 1.85 with one GET and 8.5 us (1.82),
// and at 1.38 with 16 and 3 us (1.33): of all turns those were counted in which both had a core. Loops need one core
// more than they are: two on two cores took 1.2 to 1.5 times the processor time a single command, for the scheduler.
//
// Write-back takes 1.7 to 5.7 us of one core a row that changes, 2.5 to 8 one that is born or removed, 0.5 to 1.4 an
// element of a list or stream: 130,000 to 590,000 rows a second at the very most. What changes again within its four
// seconds counts once. Folding takes 0.2 to 0.4 us a change, in a goroutine of its own, and the journal's write 0.1 to
// 0.6 a key, which grows less than the commands do, since those that wait share it: neither comes first.
//
// Locks for sixteen parts of the keyspace, by key, would give GET and SET 3.8 times at four loops and 6.6 at seven by
// the same model: a tenth more than now, and a quarter to a third. Only pipelines would gain much (3.4 at four loops in
// place of 1.8 to 2.1), and lose a tenth with one loop, which takes a lock a command then; of what they write most
// would wait for write-back. The price: journal order would be execution order (I1) within a part alone, so a MULTI, a
// script, MSET, RENAME, SWAPDB, FLUSHALL, SCAN, a snapshot, the stream to replicas, the sweepers and unloading would
// take several locks or all, in order, and what is told of a change (tracking, events, blocked clients) would need an
// order of its own. It is not worth it before write-back works with more than one core. Nor are GETs without the lock:
// the names' table and a value's place change under it, and a use, a hit and what tracking notes are written by a read.
//
// # What a single command waits for
//
// Of the 9.6 us that RPOP takes at 50 connections beside redis-benchmark on two cores (Redis: 8.7), by perf's samples,
// in per cent: the reply's way into the socket 42, the wait for the next turn 17, most of it the switch to another
// thread and back, the commit 8, the socket's reading 8, the command under the lock 7, fold and write-back 5. A turn
// has 6.3 commands, of Redis's loop 1.6: client and server work by turns here and side by side there. To answer after
// one, two or four commands of a turn, and to ask the system again for 10 or 40 us before the thread sleeps, both
// lost: at best nothing was gained, and GET took 9.4 or 9.8 us in place of 8.6 by asking. Of EVALSHA's 13 us the
// socket and the wait are half, the script 15 %, and writing back the locks that come and go 12 (in pipelines 35 and
// 27): a lock that is deleted and taken again costs the tables' index on names twice, for its row has another number.
// SPOP's own time is cache misses of a member picked at random.
//
// # Why it is cut so
//
// The commands on keys were in this package once, in one import cycle with connections: 32 files that touched a
// connection in 21 lines. What those lines asked is command.Host, one for the server, and command.Caller, one a
// client, which every call points to: a call is no larger than before and nothing is looked up for it. The users'
// rules stand above the commands, because a rule names rows of the table, and the configuration above the users, whom
// a conf file declares. An output gathers in wire, beside what sends it; a reply encodes itself into it.
package resp

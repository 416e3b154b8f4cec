package resp

import "diskette/expire"

// commandTable is THE table: a row a command, and nothing about a command anywhere else but in
// its function. It is built by a function because COMMAND's rows refer back to it.
//
// cats are ACL categories beyond those that flags and group imply; -word takes an implied one away.
func commandTable() []*row {
	return []*row{
		// connection
		{name: "auth", arity: -2, flags: noscript | loading | stale | fast | noAuth | allowBusy, conn: auth, group: "connection", since: "1.0.0", args: "[username] password", doc: "Proves who the connection is, by password."},
		{name: "client", arity: -2, group: "connection", since: "2.4.0", cats: "-connection", doc: "Looks at connections and steers them.", subs: []*row{
			{name: "kill", arity: -3, flags: admin | noscript | loading | stale, conn: clientKill, since: "2.4.0", usage: "<ip:port>\n<option> <value> [<option> <value> [...]]", args: "filter(ip:port|new-format([ID client-id]|[TYPE client-type(NORMAL|MASTER|SLAVE|REPLICA|PUBSUB)]|[USER username]|[ADDR ip:port]|[LADDR ip:port]|[SKIPME yes/no])...)", cost: "O(N) in the number of connections", doc: "Closes connections chosen by address, id, type or user."},
			{name: "info", arity: 2, flags: noscript | loading | stale, conn: clientInfo, since: "6.2.0", tips: "nondeterministic_output", doc: "Describes this connection."},
			{name: "id", arity: 2, flags: noscript | loading | stale, conn: clientID, since: "5.0.0", doc: "Returns this connection's number."},
			{name: "unpause", arity: 2, flags: admin | noscript | loading | stale, conn: clientUnpause, since: "6.2.0", cost: "O(N) in the number of paused connections", doc: "Ends CLIENT PAUSE."},
			{name: "pause", arity: -3, flags: admin | noscript | loading | stale, conn: clientPause, since: "2.9.50", usage: "<timeout> [WRITE|ALL]", args: "timeout [mode(WRITE|ALL)]", doc: "Holds clients' commands back for a while."},
			{name: "reply", arity: 3, flags: noscript | loading | stale, conn: clientReply, since: "3.2.0", usage: "(ON|OFF|SKIP)", args: "action(ON|OFF|SKIP)", doc: "Turns this connection's replies on, off, or off for one command."},
			{name: "getname", arity: 2, flags: noscript | loading | stale, conn: clientGetname, since: "2.6.9", doc: "Returns this connection's name."},
			{name: "list", arity: -2, flags: admin | noscript | loading | stale, conn: clientList, since: "2.4.0", tips: "nondeterministic_output", usage: "[options ...]", args: "[TYPE client-type(NORMAL|MASTER|REPLICA|PUBSUB)] [ID client-id...]", cost: "O(N) in the number of connections", doc: "Describes the open connections."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "5.0.0", doc: "Explains the subcommands."},
			{name: "setname", arity: 3, flags: noscript | loading | stale, conn: clientSetname, since: "2.6.9", usage: "<name>", args: "connection-name", doc: "Names this connection."},
			{name: "no-evict", arity: 3, flags: admin | noscript | loading | stale, conn: clientNoEvict, since: "7.0.0", usage: "(ON|OFF)", args: "enabled(ON|OFF)", doc: "Accepted; connections are not evicted here."},
			{name: "no-touch", arity: 3, flags: noscript | loading | stale, conn: clientNoTouch, since: "7.2.0", usage: "(ON|OFF)", args: "enabled(ON|OFF)", doc: "Keeps this connection's commands from counting as uses of keys."},
			{name: "setinfo", arity: 4, flags: noscript | loading | stale, conn: clientSetinfo, since: "7.2.0", usage: "<option> <value>", args: "attr(LIB-NAME libname|LIB-VER libver)", doc: "Notes the name or version of the client library."},
		}},
		{name: "echo", arity: 2, flags: loading | stale | fast, conn: echo, group: "connection", since: "1.0.0", args: "message", doc: "Returns the message."},
		{name: "hello", arity: -1, flags: noscript | loading | stale | fast | noAuth | allowBusy, conn: hello, group: "connection", since: "6.0.0", args: "[arguments{protover [AUTH username_password{username password}] [SETNAME clientname]}]", doc: "Switches the protocol version, optionally authenticating and naming the connection."},
		{name: "ping", arity: -1, flags: fast | inPubsub, conn: ping, group: "connection", since: "1.0.0", tips: "request_policy:all_shards response_policy:all_succeeded", args: "[message]", doc: "Answers PONG, or the message."},
		{name: "quit", arity: -1, flags: noscript | loading | stale | fast | noAuth | allowBusy | runInMulti | inPubsub, conn: quit, group: "connection", since: "1.0.0", doc: "Closes the connection."},
		{name: "reset", arity: 1, flags: noscript | loading | stale | fast | noAuth | allowBusy | runInMulti | inPubsub, conn: reset, group: "connection", since: "6.2.0", doc: "Brings the connection back to its first state."},
		{name: "select", arity: 2, flags: loading | stale | fast, conn: selectDB, group: "connection", since: "1.0.0", args: "index", doc: "Changes the database of this connection."},

		// string
		{name: "append", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "RW insert"), write: appendString, group: "string", since: "2.0.0", args: "key value", cost: "O(N) in the length of the value", doc: "Adds to the end of a string, creating it."},
		{name: "decr", arity: 2, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: decr, group: "string", since: "1.0.0", args: "key", doc: "Subtracts one from an integer."},
		{name: "decrby", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: decrby, group: "string", since: "1.0.0", args: "key decrement", doc: "Subtracts a number from an integer."},
		{name: "get", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: get, group: "string", since: "1.0.0", args: "key", doc: "Returns a string."},
		{name: "getdel", arity: 2, flags: write | fast, keys: keyAt(1, "RW access delete"), write: getdel, group: "string", since: "6.2.0", args: "key", doc: "Returns a string and deletes it."},
		{name: "getex", arity: -2, flags: write | fast, keys: noted(keyAt(1, "RW access update"), "RW and UPDATE because it changes the TTL"), write: getex, group: "string", since: "6.2.0", args: "key [expiration(EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST)]", doc: "Returns a string and sets or removes its deadline."},
		{name: "getrange", arity: 4, flags: readonly, keys: keyAt(1, "RO access"), read: getrange, group: "string", since: "2.4.0", args: "key start end", cost: "O(N) in the length of the result", doc: "Returns part of a string."},
		{name: "getset", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: getset, group: "string", since: "1.0.0", args: "key value", doc: "Replaces a string and returns the old one."},
		{name: "incr", arity: 2, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: incr, group: "string", since: "1.0.0", args: "key", doc: "Adds one to an integer."},
		{name: "incrby", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: incrby, group: "string", since: "1.0.0", args: "key increment", doc: "Adds a number to an integer."},
		{name: "incrbyfloat", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "RW access update"), write: incrbyfloat, group: "string", since: "2.6.0", args: "key float", doc: "Adds a number to a floating-point value."},
		{name: "lcs", arity: -3, flags: readonly, keys: keysFrom(1, 2, 1, "RO access"), read: lcs, group: "string", since: "7.0.0", args: "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]", cost: "O(N*M) in the lengths of the strings", doc: "Finds the longest common subsequence of two strings."},
		{name: "mget", arity: -2, flags: readonly | fast, keys: keysFrom(1, -1, 1, "RO access"), read: mget, group: "string", since: "1.0.0", tips: "request_policy:multi_shard", args: "key...", cost: "O(N) in the number of keys", doc: "Returns several strings."},
		{name: "mset", arity: -3, flags: write | denyoom, keys: keysFrom(1, -1, 2, "OW update"), write: mset, group: "string", since: "1.0.1", tips: "request_policy:multi_shard response_policy:all_succeeded", args: "key_value{key value}...", cost: "O(N) in the number of keys", doc: "Sets several strings."},
		{name: "msetnx", arity: -3, flags: write | denyoom, keys: keysFrom(1, -1, 2, "OW insert"), write: msetnx, group: "string", since: "1.0.1", tips: "request_policy:multi_shard response_policy:agg_min", args: "key_value{key value}...", cost: "O(N) in the number of keys", doc: "Sets several strings if none of the keys is there."},
		{name: "psetex", arity: 4, flags: write | denyoom, keys: keyAt(1, "OW update"), write: setWith(expire.Millis), group: "string", since: "2.6.0", args: "key milliseconds value", doc: "Sets a string with a time to live in milliseconds."},
		{name: "set", arity: -3, flags: write | denyoom, keys: setKey(), write: set, group: "string", since: "1.0.0", args: "key value [condition(NX|XX)] [GET] [expiration(EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL)]", doc: "Sets a string, with conditions and a deadline."},
		{name: "setex", arity: 4, flags: write | denyoom, keys: keyAt(1, "OW update"), write: setWith(expire.Seconds), group: "string", since: "2.0.0", args: "key seconds value", doc: "Sets a string with a time to live in seconds."},
		{name: "setnx", arity: 3, flags: write | denyoom | fast, keys: keyAt(1, "OW insert"), write: setnx, group: "string", since: "1.0.0", args: "key value", doc: "Sets a string if the key is not there."},
		{name: "setrange", arity: 4, flags: write | denyoom, keys: keyAt(1, "RW update"), write: setrange, group: "string", since: "2.2.0", args: "key offset value", cost: "O(N) in the length of the value", doc: "Overwrites part of a string."},
		{name: "strlen", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO"), read: strlen, group: "string", since: "2.2.0", args: "key", doc: "Returns a string's length."},
		{name: "substr", arity: 4, flags: readonly, keys: keyAt(1, "RO access"), read: getrange, group: "string", since: "1.0.0", args: "key start end", cost: "O(N) in the length of the result", doc: "Returns part of a string; GETRANGE's old name."},

		// hash
		{name: "hdel", arity: -3, flags: write | fast, keys: keyAt(1, "RW delete"), write: hdel, group: "hash", since: "2.0.0", args: "key field...", cost: "O(N) in the number of fields", doc: "Removes fields of a hash."},
		{name: "hget", arity: 3, flags: readonly | fast, keys: keyAt(1, "RO access"), read: hget, group: "hash", since: "2.0.0", args: "key field", doc: "Returns a field's value."},
		{name: "hgetall", arity: 2, flags: readonly, keys: keyAt(1, "RO access"), read: hgetall, group: "hash", since: "2.0.0", tips: "nondeterministic_output_order", args: "key", cost: "O(N) in the number of fields", doc: "Returns all fields and values of a hash."},
		{name: "hlen", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO"), read: hlen, group: "hash", since: "2.0.0", args: "key", doc: "Counts the fields of a hash."},
		{name: "hset", arity: -4, flags: write | denyoom | fast, keys: keyAt(1, "RW update"), write: hset, group: "hash", since: "2.0.0", args: "key field_value{field value}...", cost: "O(N) in the number of fields", doc: "Sets fields of a hash."},

		// list

		// set

		// sorted set

		// stream

		// bitmap
		{name: "bitcount", arity: -2, flags: readonly, keys: keyAt(1, "RO access"), read: bitcount, group: "bitmap", since: "2.6.0", args: "key [index{start end [index_unit(BYTE|BIT)]}]", cost: "O(N) in the length of the range", doc: "Counts the bits that are set."},
		{name: "bitfield", arity: -2, flags: write | denyoom, keys: bitfieldKey(), write: bitfield, group: "bitmap", since: "3.2.0", args: "key [operation(GET encoding_offset{encoding offset}|write{[OVERFLOW wrap_sat_fail(WRAP|SAT|FAIL)] write_operation(SET encoding_offset_value{encoding offset value:integer}|INCRBY encoding_offset_increment{encoding offset increment})})...]", cost: "O(1) for each subcommand", doc: "Reads and changes integers of any width within a string."},
		{name: "bitfield_ro", arity: -2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: bitfieldRO, group: "bitmap", since: "6.0.0", args: "key [GET encoding_offset{encoding offset}...]", cost: "O(1) for each subcommand", doc: "Reads integers of any width within a string."},
		{name: "bitop", arity: -4, flags: write | denyoom, keys: both(keyAt(2, "OW update"), keysFrom(3, -1, 1, "RO access")), write: bitop, group: "bitmap", since: "2.6.0", args: "operation destkey key...", cost: "O(N) in the length of the longest string", doc: "Combines strings bit by bit into another key."},
		{name: "bitpos", arity: -3, flags: readonly, keys: keyAt(1, "RO access"), read: bitpos, group: "bitmap", since: "2.8.7", args: "key bit [index{start [end_index{end [index_unit(BYTE|BIT)]}]}]", cost: "O(N) in the length of the range", doc: "Finds the first bit that is set or clear."},
		{name: "getbit", arity: 3, flags: readonly | fast, keys: keyAt(1, "RO access"), read: getbit, group: "bitmap", since: "2.2.0", args: "key offset", doc: "Returns a bit."},
		{name: "setbit", arity: 4, flags: write | denyoom, keys: keyAt(1, "RW access update"), write: setbit, group: "bitmap", since: "2.2.0", args: "key offset value:integer", doc: "Sets or clears a bit and returns the old one."},

		// hyperloglog
		{name: "pfadd", arity: -2, flags: write | denyoom | fast, keys: keyAt(1, "RW insert"), write: pfadd, group: "hyperloglog", since: "2.8.9", args: "key [element...]", cost: "O(1) for every element", doc: "Adds elements to a HyperLogLog, creating it."},
		{name: "pfcount", arity: -2, flags: readonly, keys: noted(keysFrom(1, -1, 1, "RW access"), "RW because it may change the internal representation of the key, and propagate to replicas"), write: pfcount, group: "hyperloglog", since: "2.8.9", args: "key...", cost: "O(N) in the number of keys", doc: "Estimates how many different elements HyperLogLogs have together."},
		{name: "pfdebug", arity: 3, flags: write | denyoom | admin, keys: keyAt(2, "RW access"), write: pfdebug, group: "hyperloglog", since: "2.8.9", args: "subcommand key", cost: "N/A", doc: "Looks into a HyperLogLog."},
		{name: "pfmerge", arity: -2, flags: write | denyoom, keys: both(keyAt(1, "RW access insert"), keysFrom(2, -1, 1, "RO access")), write: pfmerge, group: "hyperloglog", since: "2.8.9", args: "destkey sourcekey...", cost: "O(N) in the number of keys", doc: "Merges HyperLogLogs into one."},
		{name: "pfselftest", arity: 1, flags: admin, conn: pfselftest, group: "hyperloglog", since: "2.8.9", cost: "N/A", doc: "Tests the HyperLogLogs."},

		// geo

		// generic
		{name: "copy", arity: -3, flags: write | denyoom, keys: both(keyAt(1, "RO access"), keyAt(2, "OW update")), write: copyKey, group: "generic", since: "6.2.0", args: "source destination [DB destination-db] [REPLACE]", cost: "O(N) in the size of the value", doc: "Copies a key's value and deadline to another key."},
		{name: "del", arity: -2, flags: write, keys: keysFrom(1, -1, 1, "RM delete"), write: del, group: "generic", since: "1.0.0", tips: "request_policy:multi_shard response_policy:agg_sum", args: "key...", cost: "O(N) in the number of keys", doc: "Deletes keys."},
		{name: "exists", arity: -2, flags: readonly | fast, keys: keysFrom(1, -1, 1, "RO"), read: exists, group: "generic", since: "1.0.0", tips: "request_policy:multi_shard response_policy:agg_sum", args: "key...", cost: "O(N) in the number of keys", doc: "Counts how many of the keys are there."},
		{name: "expire", arity: -3, flags: write | fast, keys: keyAt(1, "RW update"), write: expireBy(expire.Seconds), group: "generic", since: "1.0.0", args: "key seconds [condition(NX|XX|GT|LT)]", doc: "Sets a time to live in seconds."},
		{name: "expireat", arity: -3, flags: write | fast, keys: keyAt(1, "RW update"), write: expireBy(expire.UnixSeconds), group: "generic", since: "1.2.0", args: "key unix-time-seconds [condition(NX|XX|GT|LT)]", doc: "Sets a deadline in unix seconds."},
		{name: "expiretime", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: ttlIn(expire.UnixSeconds), group: "generic", since: "7.0.0", args: "key", doc: "Returns the deadline in unix seconds."},
		{name: "keys", arity: 2, flags: readonly, conn: keys, group: "generic", since: "1.0.0", cats: "dangerous", tips: "request_policy:all_shards nondeterministic_output_order", args: "pattern", cost: "O(N) in the number of keys in the database", doc: "Returns the names that match a pattern."},
		{name: "move", arity: 3, flags: write | fast, keys: keyAt(1, "RW access update"), write: move, group: "generic", since: "1.0.0", args: "key db", doc: "Moves a key to another database."},
		{name: "object", arity: -2, group: "generic", since: "2.2.3", cats: "-keyspace", doc: "Tells how a value is held.", subs: []*row{
			{name: "encoding", arity: 3, flags: readonly, keys: keyAt(2, "RO"), read: objectEncoding, since: "2.2.3", tips: "nondeterministic_output", usage: "<key>", args: "key", doc: "Names the representation that Redis would give the value."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "6.2.0", doc: "Explains the subcommands."},
			{name: "freq", arity: 3, flags: readonly, keys: keyAt(2, "RO"), read: objectFreq, since: "4.0.0", tips: "nondeterministic_output", usage: "<key>", args: "key", doc: "Returns the access frequency; needs an LFU policy."},
			{name: "idletime", arity: 3, flags: readonly, keys: keyAt(2, "RO"), read: objectIdletime, since: "2.2.3", tips: "nondeterministic_output", usage: "<key>", args: "key", doc: "Returns the seconds since the key was last used."},
			{name: "refcount", arity: 3, flags: readonly, keys: keyAt(2, "RO"), read: objectRefcount, since: "2.2.3", tips: "nondeterministic_output", usage: "<key>", args: "key", doc: "Returns 1 for a key that is there."},
		}},
		{name: "persist", arity: 2, flags: write | fast, keys: keyAt(1, "RW update"), write: persist, group: "generic", since: "2.2.0", args: "key", doc: "Removes a key's deadline."},
		{name: "pexpire", arity: -3, flags: write | fast, keys: keyAt(1, "RW update"), write: expireBy(expire.Millis), group: "generic", since: "2.6.0", args: "key milliseconds [condition(NX|XX|GT|LT)]", doc: "Sets a time to live in milliseconds."},
		{name: "pexpireat", arity: -3, flags: write | fast, keys: keyAt(1, "RW update"), write: expireBy(expire.UnixMillis), group: "generic", since: "2.6.0", args: "key unix-time-milliseconds [condition(NX|XX|GT|LT)]", doc: "Sets a deadline in unix milliseconds."},
		{name: "pexpiretime", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: ttlIn(expire.UnixMillis), group: "generic", since: "7.0.0", args: "key", doc: "Returns the deadline in unix milliseconds."},
		{name: "pttl", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: ttlIn(expire.Millis), group: "generic", since: "2.6.0", tips: "nondeterministic_output", args: "key", doc: "Returns the time to live in milliseconds."},
		{name: "randomkey", arity: 1, flags: readonly, conn: randomkey, group: "generic", since: "1.0.0", tips: "request_policy:all_shards nondeterministic_output", doc: "Returns some key's name."},
		{name: "rename", arity: 3, flags: write, keys: both(keyAt(1, "RW access delete"), keyAt(2, "OW update")), write: rename, group: "generic", since: "1.0.0", args: "key newkey", doc: "Renames a key, replacing what had the name."},
		{name: "renamenx", arity: 3, flags: write | fast, keys: both(keyAt(1, "RW access delete"), keyAt(2, "OW insert")), write: renamenx, group: "generic", since: "1.0.0", args: "key newkey", doc: "Renames a key if the new name is free."},
		{name: "scan", arity: -2, flags: readonly, conn: scan, group: "generic", since: "2.8.0", tips: "nondeterministic_output request_policy:special", args: "cursor [MATCH pattern] [COUNT count] [TYPE type]", cost: "O(1) a call, O(N) for a complete iteration", doc: "Walks through the key names."},
		{name: "touch", arity: -2, flags: readonly | fast, keys: keysFrom(1, -1, 1, "RO"), read: touch, group: "generic", since: "3.2.1", tips: "request_policy:multi_shard response_policy:agg_sum", args: "key...", cost: "O(N) in the number of keys", doc: "Marks keys as used and counts those that are there."},
		{name: "ttl", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO access"), read: ttlIn(expire.Seconds), group: "generic", since: "1.0.0", tips: "nondeterministic_output", args: "key", doc: "Returns the time to live in seconds."},
		{name: "type", arity: 2, flags: readonly | fast, keys: keyAt(1, "RO"), read: typeOf, group: "generic", since: "1.0.0", args: "key", doc: "Names the type of a key's value."},
		{name: "unlink", arity: -2, flags: write | fast, keys: keysFrom(1, -1, 1, "RM delete"), write: del, group: "generic", since: "4.0.0", tips: "request_policy:multi_shard response_policy:agg_sum", args: "key...", cost: "O(N) in the number of keys", doc: "Deletes keys; large values are reaped in the background, as with DEL."},
		{name: "wait", arity: 3, flags: noscript, conn: wait, group: "generic", since: "3.0.0", cats: "connection -keyspace", tips: "request_policy:all_shards response_policy:agg_min", args: "numreplicas timeout", doc: "Answers at once with 0: there are no replicas."},
		{name: "waitaof", arity: 4, flags: noscript, conn: waitaof, group: "generic", since: "7.2.0", cats: "connection -keyspace", tips: "request_policy:all_shards response_policy:agg_min", args: "numlocal numreplicas timeout", doc: "Waits until the journal is fsynced."},

		// transactions
		{name: "discard", arity: 1, flags: noscript | loading | stale | fast | allowBusy | runInMulti, conn: discard, group: "transactions", since: "2.0.0", cost: "O(N) in the number of queued commands", doc: "Drops the queued commands."},
		{name: "exec", arity: 1, flags: noscript | loading | stale | skipSlowlog | runInMulti, conn: exec, group: "transactions", since: "1.2.0", cost: "Depends on the commands in the transaction", doc: "Runs the queued commands at once."},
		{name: "multi", arity: 1, flags: noscript | loading | stale | fast | allowBusy | runInMulti, conn: multi, group: "transactions", since: "1.2.0", doc: "Begins to queue commands."},
		{name: "unwatch", arity: 1, flags: noscript | loading | stale | fast | allowBusy, conn: unwatch, group: "transactions", since: "2.2.0", doc: "Forgets all watched keys."},
		{name: "watch", arity: -2, flags: noscript | loading | stale | fast | allowBusy | runInMulti, keys: keysFrom(1, -1, 1, "RO"), read: watch, group: "transactions", since: "2.2.0", args: "key...", cost: "O(N) in the number of keys", doc: "Makes EXEC depend on keys staying as they are."},

		// pubsub
		{name: "psubscribe", arity: -2, flags: pubsub | noscript | loading | stale | inPubsub, conn: subscribeTo(toPattern), group: "pubsub", since: "2.0.0", args: "pattern(pattern)...", cost: "O(N) in the number of patterns", doc: "Listens to the channels that match patterns."},
		{name: "publish", arity: 3, flags: pubsub | loading | stale | fast, conn: publishTo(toChannel), group: "pubsub", since: "2.0.0", args: "channel message", cost: "O(N+M) in the channel's listeners and all patterns", doc: "Sends a message to a channel's listeners."},
		{name: "pubsub", arity: -2, group: "pubsub", since: "2.8.0", cats: "-pubsub", doc: "Tells who listens to what.", subs: []*row{
			{name: "channels", arity: -2, flags: pubsub | loading | stale, conn: pubsubChannels, since: "2.8.0", usage: "[<pattern>]", args: "[pattern(pattern)]", cost: "O(N) in the number of active channels", doc: "Names the channels that somebody listens to."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "6.2.0", cats: "-pubsub", doc: "Explains the subcommands."},
			{name: "numpat", arity: 2, flags: pubsub | loading | stale, conn: pubsubNumpat, since: "2.8.0", doc: "Counts the patterns that somebody listens to."},
			{name: "numsub", arity: -2, flags: pubsub | loading | stale, conn: pubsubNumsub, since: "2.8.0", usage: "[<channel> ...]", args: "[channel...]", cost: "O(N) in the number of channels", doc: "Counts channels' listeners."},
			{name: "shardchannels", arity: -2, flags: pubsub | loading | stale, conn: pubsubShardchannels, since: "7.0.0", usage: "[<pattern>]", args: "[pattern(pattern)]", cost: "O(N) in the number of active shard channels", doc: "Names the shard channels that somebody listens to."},
			{name: "shardnumsub", arity: -2, flags: pubsub | loading | stale, conn: pubsubShardnumsub, since: "7.0.0", usage: "[<shardchannel> ...]", args: "[shardchannel...]", cost: "O(N) in the number of shard channels", doc: "Counts shard channels' listeners."},
		}},
		{name: "punsubscribe", arity: -1, flags: pubsub | noscript | loading | stale | inPubsub, conn: unsubscribeFrom(toPattern), group: "pubsub", since: "2.0.0", args: "[pattern(pattern)...]", cost: "O(N) in the number of patterns", doc: "Stops listening to patterns, or to all."},
		{name: "spublish", arity: 3, flags: pubsub | loading | stale | fast, keys: keyAt(1, "not_key"), conn: publishTo(toShard), group: "pubsub", since: "7.0.0", args: "shardchannel message", cost: "O(N) in the shard channel's listeners", doc: "Sends a message to a shard channel's listeners."},
		{name: "ssubscribe", arity: -2, flags: pubsub | noscript | loading | stale | inPubsub, keys: keysFrom(1, -1, 1, "not_key"), conn: subscribeTo(toShard), group: "pubsub", since: "7.0.0", args: "shardchannel...", cost: "O(N) in the number of shard channels", doc: "Listens to shard channels."},
		{name: "subscribe", arity: -2, flags: pubsub | noscript | loading | stale | inPubsub, conn: subscribeTo(toChannel), group: "pubsub", since: "2.0.0", args: "channel...", cost: "O(N) in the number of channels", doc: "Listens to channels."},
		{name: "sunsubscribe", arity: -1, flags: pubsub | noscript | loading | stale | inPubsub, keys: keysFrom(1, -1, 1, "not_key"), conn: unsubscribeFrom(toShard), group: "pubsub", since: "7.0.0", args: "[shardchannel...]", cost: "O(N) in the number of shard channels", doc: "Stops listening to shard channels, or to all."},
		{name: "unsubscribe", arity: -1, flags: pubsub | noscript | loading | stale | inPubsub, conn: unsubscribeFrom(toChannel), group: "pubsub", since: "2.0.0", args: "[channel...]", cost: "O(N) in the number of channels", doc: "Stops listening to channels, or to all."},

		// server
		{name: "bgrewriteaof", arity: 1, flags: admin | noscript | noAsyncLoading, conn: bgrewriteaof, group: "server", since: "1.0.0", cost: "O(N) in the changes not written back", doc: "Forces a write-back in the background."},
		{name: "bgsave", arity: -1, flags: admin | noscript | noAsyncLoading, conn: bgsave, group: "server", since: "1.0.0", args: "[SCHEDULE]", cost: "O(N) in the changes not written back", doc: "Forces a write-back in the background."},
		{name: "command", arity: -1, flags: loading | stale, conn: commandRoot, group: "server", since: "2.8.13", cats: "connection", tips: "nondeterministic_output_order", doc: "Returns the facts about all commands.", subs: []*row{
			{name: "docs", arity: -2, flags: loading | stale, conn: commandDocs, since: "7.0.0", cats: "connection", tips: "nondeterministic_output_order", usage: "[<command-name> ...]", args: "[command-name...]", cost: "O(N) in the number of commands", doc: "Describes commands in words."},
			{name: "getkeys", arity: -4, flags: loading | stale, conn: commandGetkeys, since: "2.8.13", cats: "connection", usage: "<full-command>", args: "command [arg...]", cost: "O(N) in the number of arguments", doc: "Returns the keys among a command's arguments."},
			{name: "info", arity: -2, flags: loading | stale, conn: commandInfo, since: "2.8.13", cats: "connection", tips: "nondeterministic_output_order", usage: "[<command-name> ...]", args: "[command-name...]", cost: "O(N) in the number of commands", doc: "Describes commands."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "5.0.0", cats: "connection", doc: "Explains the subcommands."},
			{name: "count", arity: 2, flags: loading | stale, conn: commandCount, since: "2.8.13", cats: "connection", doc: "Counts the commands."},
			{name: "getkeysandflags", arity: -4, flags: loading | stale, conn: commandGetkeysandflags, since: "7.0.0", cats: "connection", usage: "<full-command>", args: "command [arg...]", cost: "O(N) in the number of arguments", doc: "Returns a command's keys and what it does with each."},
			{name: "list", arity: -2, flags: loading | stale, conn: commandList, since: "7.0.0", cats: "connection", tips: "nondeterministic_output_order", args: "[FILTERBY filterby(MODULE module-name|ACLCAT category|PATTERN pattern)]", cost: "O(N) in the number of commands", doc: "Names the commands, optionally filtered."},
		}},
		{name: "config", arity: -2, group: "server", since: "2.0.0", doc: "Reads and changes the settings.", subs: []*row{
			{name: "rewrite", arity: 2, flags: admin | noscript | loading | stale, conn: configRewrite, since: "2.8.0", doc: "Writes the present settings into the conf file."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "5.0.0", doc: "Explains the subcommands."},
			{name: "get", arity: -3, flags: admin | noscript | loading | stale, conn: configGet, since: "2.0.0", usage: "<pattern>", args: "parameter...", cost: "O(N) in the number of parameters", doc: "Returns settings."},
			{name: "resetstat", arity: 2, flags: admin | noscript | loading | stale, conn: configResetstat, since: "2.0.0", doc: "Zeroes INFO's counters."},
			{name: "set", arity: -4, flags: admin | noscript | loading | stale, conn: configSet, since: "2.0.0", tips: "request_policy:all_nodes response_policy:all_succeeded", usage: "<directive> <value>", args: "data{parameter value}...", cost: "O(N) in the number of parameters", doc: "Changes settings."},
		}},
		{name: "dbsize", arity: 1, flags: readonly | fast, conn: dbsize, group: "server", since: "1.0.0", cats: "keyspace", tips: "request_policy:all_shards response_policy:agg_sum", doc: "Counts the database's keys."},
		{name: "debug", arity: -2, flags: admin | noscript | loading | stale, conn: debugCommand, group: "server", since: "1.0.0", cost: "Depends on subcommand.", doc: "Serves tests; needs enable-debug-command."},
		{name: "flushall", arity: -1, flags: write, write: flushall, group: "server", since: "1.0.0", cats: "dangerous keyspace", tips: "request_policy:all_shards response_policy:all_succeeded", args: "[flush-type(ASYNC|SYNC)]", cost: "O(N) in the number of watched keys", doc: "Empties all databases."},
		{name: "flushdb", arity: -1, flags: write, write: flushdb, group: "server", since: "1.0.0", cats: "dangerous keyspace", tips: "request_policy:all_shards response_policy:all_succeeded", args: "[flush-type(ASYNC|SYNC)]", cost: "O(N) in the number of watched keys", doc: "Empties the database."},
		{name: "info", arity: -1, flags: loading | stale, conn: info, group: "server", since: "1.0.0", cats: "dangerous", tips: "nondeterministic_output request_policy:all_shards response_policy:special", args: "[section...]", doc: "Reports on the server."},
		{name: "lastsave", arity: 1, flags: loading | stale | fast, conn: lastsave, group: "server", since: "1.0.0", cats: "admin dangerous", tips: "nondeterministic_output", doc: "Returns when write-back last brought everything into the tables."},
		{name: "lolwut", arity: -1, flags: readonly | fast, conn: lolwut, group: "server", since: "5.0.0", args: "[VERSION version]", doc: "Draws something and tells the version."},
		{name: "memory", arity: -2, group: "server", since: "4.0.0", doc: "Tells about memory.", subs: []*row{
			{name: "malloc-stats", arity: 2, conn: memoryMallocStats, since: "4.0.0", tips: "nondeterministic_output request_policy:all_shards response_policy:special", doc: "Reports on the Go heap."},
			{name: "help", arity: 2, flags: loading | stale, conn: help, since: "4.0.0", doc: "Explains the subcommands."},
			{name: "purge", arity: 2, conn: memoryPurge, since: "4.0.0", tips: "request_policy:all_shards response_policy:all_succeeded", doc: "Gives unused memory back to the system."},
			{name: "doctor", arity: 2, conn: memoryDoctor, since: "4.0.0", tips: "nondeterministic_output request_policy:all_shards response_policy:special", doc: "Looks for memory problems."},
			{name: "usage", arity: -3, flags: readonly, keys: keyAt(2, "RO"), read: memoryUsage, since: "4.0.0", usage: "<key> [SAMPLES <count>]", args: "key [SAMPLES count]", doc: "Returns what a key takes in memory."},
			{name: "stats", arity: 2, conn: memoryStats, since: "4.0.0", tips: "nondeterministic_output request_policy:all_shards response_policy:special", cost: "O(N) in the number of databases", doc: "Reports on memory."},
		}},
		{name: "save", arity: 1, flags: admin | noscript | noAsyncLoading | noMulti, conn: save, group: "server", since: "1.0.0", cost: "O(N) in the changes not written back", doc: "Forces a write-back and waits for it."},
		{name: "shutdown", arity: -1, flags: admin | noscript | loading | stale | noMulti | allowBusy, conn: shutdown, group: "server", since: "1.0.0", args: "[save-selector(NOSAVE|SAVE)] [NOW] [FORCE] [ABORT]", cost: "O(N) in the changes not written back", doc: "Writes everything back and ends the server."},
		{name: "swapdb", arity: 3, flags: write | fast, write: swapdb, group: "server", since: "4.0.0", cats: "dangerous keyspace", args: "index1 index2", cost: "O(N) in the number of watched keys", doc: "Exchanges two databases."},
		{name: "time", arity: 1, flags: loading | stale | fast, conn: serverTime, group: "server", since: "2.6.0", tips: "nondeterministic_output", doc: "Returns the clock."},
	}
}

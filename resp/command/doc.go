// Package command is the commands on keys, and what every command is made of: a Call comes in, a Reply goes out, and a
// Row of the table says all else about a command.
//
// Its invariant: a command on keys knows keys and values and has no way to a connection. What it may know of its
// client is the Caller, what it may ask of the server the Host, and the compiler keeps it so: clients are in package
// resp, which imports this one. A function of Row.Read gets a *store.View and can not write.
//
// Locks: none of its own. Read and Write run under the keyspace lock; Conn, and what Call.OffLock and Call.Finish put
// off, run without it.
//
//	call.go caller.go waiting.go making.go         a call; who calls; waiting for keys; work without the lock
//	row.go table.go categories.go row_stats.go     the table, and what derives from it
//	key_spec.go key_need.go                        where a command's keys stand; how much of them it needs in memory
//	rename.go                                      the table by the names that clients use
//	reply.go reply_long.go errors.go               replies and their encoding; the texts of errors
//	elements.go                                    replies of very many elements
//	notify.go redacted.go                          keyspace events; what logs may show
//	effect.go effect_stream.go                     what replicas get for a command that has changed something
//	string*.go counter.go bit*.go hll.go lcs.go    strings
//	text.go                                        parts of long ones
//	values.go                                      functions that get the value that they read or change
//	hash*.go list*.go set*.go zset*.go geo*.go     collections
//	stream*.go xinfo.go multi_pop.go               streams; LMPOP and ZMPOP
//	key.go expire.go sort*.go dump*.go encoding.go any key
//	keyspace.go scan_elements.go                   all keys; SCAN's kind
//	documentation.go command_args.go help.go       COMMAND, and HELP of every container
//
// # To add a command
//
// A row in its family's rows, a function beside them, a block in compat_test/scripts: CONTRIBUTING.md has the steps.
// This is HDEL:
//
//	{Name: "hdel", Arity: -3, Flags: Write | Fast, Keys: KeyAt(1, "RW delete"), Write: editHash(hdel),
//		Group: "hash", Since: "2.0.0", Args: "key field...", Cost: "O(N) in the number of fields",
//		Doc: "Removes fields of a hash."},
//
//	func hdel(h store.HashTx, tx *store.Tx, c *Call) Reply {
//		n := 0
//		for _, field := range c.Args[2:] { // c.Args[0] is the command's name, c.Args[1] the hash's key
//			if h.Delete(field) {
//				n++
//			}
//		}
//		if n > 0 {
//			c.notifyGone(tx, EventHash, "hdel", c.Args[1], h.Len()) // "hdel", and "del" if nothing is left
//		}
//		return Integer(n)
//	}
//
// Its wrapper has looked the hash up (values.go) and answered with the store's error in Redis's words, if it is none. A
// command whose checks come first, or that has several keys, gets the *store.Tx or *store.View alone, looks its values
// up itself and answers Failure(err).
//
// What is done for it: the arity is checked, permissions too, and the keys of the row are in memory. What it changes
// joins the journal, breaks WATCH, reaches those who wait for the key and those who have it cached, and an empty
// collection is no key any more; only keyspace events are the function's own to tell, after the change. Replicas get
// the command as it came: one that depends on the clock, on chance or on who waited needs an Effect in its row
// (effect.go). The order of its checks is Redis's.
//
// What it may keep:
//
//   - An argument is valid until the function returns. The store copies what it is given, or its method says that it
//     does not.
//   - A string from the store never changes: a reply may hold a field's value (BulkString) after the field is gone.
//   - Of a long string that is on disk a command that needs a part takes a store.Text, and answers ReplyLoad until that
//     part is in memory (text.go).
//   - Bytes from the store belong to it and are valid until something is written to that string: never change them, and
//     copy what is needed after it. A reply of them (Bulk) is copied before the lock is let go; LendString's may be
//     sent without that (lent).
//   - Call.Elems gives room for the elements of a reply, mostly without an allocation.
package command

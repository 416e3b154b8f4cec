// Package repl is the stream of changes that replicas follow: bytes with an offset, of which the newest are kept, so
// that a replica whose link was cut can go on where it was. It knows no session, and no command but the four that
// frame others: SELECT, MULTI, EXEC and REPLCONF GETACK.
//
// Its invariant: an ID and an offset name the same byte for ever. A stream whose data has changed in a way that it does
// not tell takes another ID (Restart), and all who read it are cut off.
//
// All readers and the backlog share one copy of the bytes, in blocks that do not change once they are written:
//
//	      first                                    State.Offset
//	        v                                          v
//	[ block ][ block ][ block ][ block ][ block ][ block... ]
//	              ^ a slow reader           ^ the others
//
// A block is let go of when the blocks behind it hold the backlog's size; a reader keeps those that it has not read.
// So memory is the larger of the backlog and of what the slowest reader is behind, and that is bounded by closing
// it (Behind).
//
// Nothing is kept and no offset moves while there is neither a reader nor a backlog: Active is one atomic load.
//
// # Identity
//
// An offset means something together with an ID alone: forty hexadecimal digits that name one history. A process
// begins a history of its own at every start, so nobody is continued who followed what the process before has not
// kept. That is so for one that follows a master, too: its replicas are told the effects of what it hears, which are
// other bytes than the master's. When it becomes a master itself, the stream takes its master's history and a name for
// what comes after it (Adopt), and goes on with those who followed the same master, up to where the histories part.
//
// # Locks
//
// Stream.mu is held while bytes are copied and blocks linked, and no other lock is taken under it. A Unit has none: its
// caller holds the keyspace lock, so that the stream has the order in which commands ran.
//
// # Files
//
//	stream.go    the bytes, the offsets, who reads them      unit.go    what one unit of execution sends
package repl

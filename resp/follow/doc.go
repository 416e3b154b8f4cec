// Package follow is what a master says to its replica, byte by byte: the lines of the handshake, the snapshot's
// framing, and the stream of commands with the offset of each. It knows no store and no socket.
//
// Its invariant: an offset is exact. A Reader counts each byte that it hands on, and none that it has merely read
// ahead, so that what a replica has stored of the stream and the offset that it stores with it never part.
//
//	handshake   +PONG, +OK, -ERR ...                       Line
//	PSYNC       +FULLRESYNC id offset | +CONTINUE [id]     ParseSync
//	            | -NOMASTERLINK, -LOADING ... | -ERR ...
//	snapshot    $length bytes | $EOF:mark bytes mark       Snapshot
//	stream      *n $len arg ... | inline | newline         Command
//
// What a master claims costs nothing: memory is taken as bytes arrive, within the Limits. Newlines between all of
// these keep the connection alive.
//
// It has no locks: a Reader belongs to the goroutine of the link.
//
//	reader.go    lines, commands, the offset      sync.go    the answer to PSYNC; the snapshot; what is sent
package follow

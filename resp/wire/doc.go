// Package wire turns the bytes of a client's connection into whole commands within Redis's limits, and sends what is
// for the client. It knows no command by name and no reply.
//
// Its invariant: no byte that a client sends costs more than its own size in memory and time, and nobody waits for a
// client to read.
//
// Locks: each connection has one for its read deadline (deadline.go) and one for what waits to be sent
// (unsent.go); those who have not authenticated share one (strangers.go). A Poll has one, and each of its connections
// another: they may be taken in this order, and behind the deadline's. Else none is held while another is taken, and no
// other package's is.
//
//	guard.go buffer.go parse.go                     bytes to commands
//	socket.go descriptor_*.go quickly_*.go          one connection, read and written with few system calls
//	poll_linux.go polled_*.go                       many connections that are waited for at once: event loops
//	deadline.go hangup.go                           the idle timeout; who hangs up while a command waits
//	unsent.go                                       what the connection has not taken yet
//	strangers.go                                    what those hold who have not authenticated
package wire

// Package order says which key goes when the disk that a cache may take is full. It knows ids, sizes and uses; no names
// but their hashes, no values, no disk, no lock.
//
// Its invariant: what it says is about keys that are there, and each that is there comes to be said. An Order is one
// space's: its owner tells it of births, deaths and uses, asks it for candidates (Next), and whether one that is in
// memory is to go after all (Judge). It costs a read of a key nothing: memory counts the uses of the keys that it has,
// and tells of them when it lets one go, and when it is asked.
//
//	order.go   an Order and its sums          block.go state.go   keys by id, in 2 to 4 bytes each
//	hand.go    which keys may go              use.go              uses, and how they age
//	ghosts.go  keys that went and come back
package order

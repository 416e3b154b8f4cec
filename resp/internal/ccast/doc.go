// Package ccast converts floats to integers as a C compiler's casts do on amd64, where Redis mostly runs, on any
// machine: Go leaves to the processor what becomes of what does not fit, and arm64 gives something else.
//
// Its invariant: a function gives the same integer for the same float everywhere. They are pure; there are no locks.
//
//	ccast.go   long long, int and unsigned long, by the names of Go's types
package ccast

// Package check is redis-check-rdb and redis-check-aof: it reads Redis's files to their end with the readers that an
// import has, and says what they are in the form in which Redis's own programs do (recorded from 7.0.15).
//
// Its invariant: a file is changed by --fix alone, after a yes, and then only cut behind its last whole command.
// It has no locks: a check is one goroutine.
//
//	rdb.go    redis-check-rdb      aof.go    redis-check-aof, and --fix
package check

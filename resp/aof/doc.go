// Package aof reads the append-only files of Redis: the commands that changed a server's data, in order, as clients
// send them.
//
//	dir/appendonly.aof                       Redis up to 6: one file, which may begin with an RDB file, the preamble
//
//	dir/appendonlydir/                       Redis 7 on:
//	  appendonly.aof.manifest                a line a file: file NAME seq NUMBER type b|i|h
//	  appendonly.aof.1.base.rdb (or .aof)    b, at most one: where the rest begins
//	  appendonly.aof.1.incr.aof              i, in the order of their numbers: what came after it
//	                                         h: what a rewrite has replaced and nobody has removed
//
// A file that was being written when the machine stopped may end within a command, or within a MULTI block, of which
// nothing counts then. That is the torn end, and only the last file may have one. Anything else that is no command is
// damage.
//
// To know whether a MULTI block ends, the framing of a file is read once before its commands are. Memory is bounded
// by the longest command, and by what has arrived of it rather than by what it says of itself.
//
//	set.go        which files there are      reader.go    their commands, file by file
//	manifest.go   what the manifest says     command.go   one file's framing
//	measure.go    how far a file is right
//
// Source: aof.c of Redis.
package aof

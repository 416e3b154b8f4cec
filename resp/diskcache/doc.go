// Package diskcache reads the directories of DiskCache, the Python library, as version 5 writes them: an SQLite
// database cache.db with a row an entry, and files for values that are long. A FanoutCache is a directory of such
// directories.
//
// Keys and values of text, bytes and numbers are taken as they are. What JSONDisk has compressed is decoded: a string
// is its text, everything else is its JSON. What pickle has written is read if it is of plain values (package
// pickle), and is never run; an entry that can not be read is told of and left out.
//
//	cache.go    the directory, and its entries one after the other
//	value.go    what a row or a file says of a key or a value
package diskcache

// Package moveout writes what a store holds as a file of Redis's: the way back from Diskette.
//
//	store.Snapshot   the keys as they were at one moment, while writes go on
//	Write            makes an RDB file of them, key by key
//	rdb.FileWriter   its bytes
//
// Memory is bounded whatever the size of the data: a value of up to a mebibyte is assembled and packed as Redis packs
// it, of a larger one a part at a time, which is counted first, since the count stands in front of the elements. What
// waits to be acknowledged in one consumer group is held whole, 48 bytes an entry.
//
// What an older version of the file has no words for is left out, and counted for the log: deadlines of hash fields
// before version 12 (the fields stay), libraries of functions before version 10. How long ago a key was used is known
// of those in memory alone and is not told.
package moveout

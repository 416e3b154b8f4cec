// Package journal keeps opaque records in the order in which they were appended: group commit,
// segment files, read back. It knows no keys; what a record means is the store's affair.
//
// # Life of a record
//
//	Append      copies Head into the pending batch and gives the record its LSN (1, 2, 3 ...); no I/O
//	Wait        the first waiter takes the whole pending batch, writes it, fsyncs it under Always
//	Committed   hands the written batch to the store, in LSN order, for write-back
//	Drop        the store has the rows in SQLite: segments that hold nothing newer are deleted
//
// # Files
//
// A segment is named after its first LSN, sixteen hex digits, so that names sort: 00000000000003e8.journal.
// All numbers are little-endian; CRC is CRC-32C (Castagnoli).
//
//	segment header, 28 bytes
//	+----------------+-------------+-----------+---------------+---------+
//	| "DKJOURNL"  8  | version u32 | zero u32  | first LSN u64 | crc u32 |   crc of the 24 bytes before it
//	+----------------+-------------+-----------+---------------+---------+
//	frame, one a record; the LSN is the header's plus the frame's place in the file
//	+---------+---------+-----------------+
//	| len u64 | crc u32 | payload         |   crc of LSN (u64), len and payload; len counts the payload alone
//	+---------+---------+-----------------+
//
// The LSN in the checksum tells a record from one that once stood elsewhere: after a power cut a file may end in
// disk blocks of a dropped segment, whose frames are whole. A zeroed frame header is padding, never a record; the
// store appends no empty records. Under Always a segment that is written to ends in up to 256 KiB of it, for the sake of
// fsyncs (see fill); they are cut off when the segment ends.
//
// Every segment but the last is complete on disk: it is fsynced before its successor is created, whatever the
// policy. So a torn or zero-padded tail of the last segment is what a crash leaves, and Open cuts it
// off; damage anywhere else, or a gap, is a fault of the disk or of a hand, and Open refuses with the file's name.
// A segment ends where its successor begins: bytes after that are what a failed write left when
// it could not be cut off, and its records stand in the successor.
//
// # Failures (invariant I8)
//
// A failed write is undone (the file is cut back to the end of the batch before) and tried again, every 100 ms and
// by each Wait, until it works: a full disk heals by itself. A failed fsync is never repeated, for the kernel may have
// thrown the pages away and answer the second one with success. The segment is sealed, Err says
// ErrSync, and only Drop clears it, once SQLite holds everything that the segment held.
//
// # Locks (invariant I9)
//
//	keyspace (the store's)  -> pending      Append
//	syncing -> committing   -> pending      everything else
//
// pending guards the batch being filled and the free list, is held for a copy or a swap, and nothing is locked under
// it. committing guards the files; writes happen under it, and fsyncs only under Always, at rotation and in Close.
// syncing makes fsyncs beside the writers one at a time. waiting, held with no other, is where waiters sleep.
// Append takes pending alone, so the keyspace lock never waits for a disk, and no function here calls out under a lock, except Options.Committed (under committing) and
// Disk.Fault: neither may take the keyspace lock or call back into the Journal, Batch methods apart.
// Wait, Sync, Drop, SetPolicy and Close wait for disks: never call them under the keyspace lock.
package journal

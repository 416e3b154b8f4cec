// Package journal keeps opaque records in the order in which they were appended: group commit,
// segment files, read back. It knows no keys; what a record means is the store's affair.
//
// # Life of a record
//
//	Append      copies Head into the pending batch and gives the record its LSN (1, 2, 3 ...); no I/O
//	Wait        the first waiter takes the whole pending batch, writes it, fsyncs it under Always
//	Committed   hands the written batch to the store, in LSN order, for write-back
//	Drop        the store has the rows in SQLite: segments that hold nothing newer are deleted
//	Look Start  at the next start: is this what a crash can have left? Nothing is changed before that is answered
//
// # Source
//
//	journal.go batch.go    options and figures; records on their way
//	commit.go sync.go      what waiters and writers do; fsyncs, and those that failed
//	active.go segment.go   from the segment that is written to those that are dropped; one segment's file
//	tend.go                the background: fsyncs, retries, the end
//	state.go               what database and journal know of each other
//	look.go behind.go      a directory before anything is changed; what stands behind a torn end
//	newest.go              the newest record, seen from outside
//	open.go salvage.go     the start; what can be read of a damaged journal
//
// # Files
//
// A segment is named after its first LSN, sixteen hex digits, so that names sort: 00000000000003e8.journal.
// All numbers are little-endian; CRC is CRC-32C (Castagnoli).
//
//	segment header, 36 bytes
//	+----------------+-------------+-------------+---------------+--------------+---------+
//	| "DKJOURNL"  8  | version u32 | random u32  | first LSN u64 | identity u64 | crc u32 |   crc of the bytes before
//	+----------------+-------------+-------------+---------------+--------------+---------+
//	frame, one a record; the LSN is the header's plus the frame's place in the file
//	+----------+---------+-----------------+
//	| word u64 | crc u32 | payload         |   crc begins with the header's crc; then LSN (u64), word and payload
//	+----------+---------+-----------------+
//	word: bits 0-38 the payload's length, 39-62 the LSN's low bits, 63 = all before it in the segment was fsynced
//
// The LSN in the checksum tells a record from one that once stood elsewhere: after a power cut a file may end
// in disk blocks of a dropped segment, whose frames are whole. The header's checksum in it, which has a
// random part, tells a record from bytes that a client stored to look like one. A zeroed frame header is
// padding, never a record; the store appends no empty records. Under Always a segment that is written to ends
// in up to 256 KiB of it, for the sake of fsyncs (see fill); they are cut off when the segment ends. Version
// 1 has 28 bytes of header, without random part and identity, and plain lengths; it is read.
//
// Every segment but the last is complete on disk: it is fsynced before its successor is created, whatever the
// policy. Damage there, or a gap, is a fault of the disk or of a hand, and Look refuses with the file's name.
// A segment ends where its successor begins: bytes after that are what a failed write left when
// it could not be cut off, and its records stand in the successor.
//
// # The end of the last segment
//
// Start cuts off what a crash has left there, keeps the bytes in a file beside (<segment>.<offset>.cut) and
// tells of it. Anything else is damage, and refused. What stands behind the last whole record tells them
// apart, and the state file (state.go):
//
//   - A kill of the process leaves what was written, since the kernel has it: whole records, the beginning of one,
//     and then nothing or zeros. A whole record behind one that is not, or one that has all of its bytes and another
//     checksum, is damage as long as the same kernel runs, and so is an end before Written.
//   - A power cut leaves what was fsynced, and of what was not any blocks: there may be whole records behind a hole.
//     But bit 63 says of a record that everything before it had been fsynced when it was written; such a record
//     behind the hole makes it damage at any later start, and so does an end before Synced.
//
// So no power cut ends in a refusal, and damage passes for a torn end only in the last second before a crash,
// where nothing was fsynced or noted afterwards; even then the bytes are kept. Bit 63 costs nothing. The
// state is noted once a second by one write without an fsync: to note each commit would take a system call a
// commit, some 1 us of 3 to 5. A shared memory page, which would tell to the last record, ends the process
// when its file can not be read (SIGBUS).
//
// Two limits. A disk that is taken from under a running kernel (a volume detached by force and attached again) looks
// like damage if it lost what was not fsynced. And the search for whole records reads 8 GiB at most for checksums.
//
// # Failures (invariant I8)
//
// A failed write is undone (the file is cut back to the end of the batch before) and tried again, every 100
// ms and by each Wait, until it works: a full disk heals by itself. A failed fsync is not simply repeated,
// for the kernel may hold the pages for clean and answer the second one with success. The segment is in doubt
// and Err says ErrSync until either what no fsync has covered was read back, written over itself and fsynced,
// every 100 ms or by each commit, or Drop has learnt that SQLite holds it. Until then the segment gets no
// successor: a power cut would leave a torn one in the middle. What became of the fsyncs of an earlier
// process nobody knows: Open writes the last segment over itself before it fsyncs it.
//
// Every fsync here: a new segment's header and its name (a failure removes the file, and the next try begins with
// another), a commit under Always, EverySec's and Sync's, rotation and Close (doubt), Open's of the last segment (the
// start fails, and the next one writes it again), the directory's after deletions (what comes back is deleted again).
//
// # Locks (invariant I9)
//
//	keyspace (the store's)  -> pending      Append
//	syncing -> committing   -> pending      everything else
//
// pending guards the batch being filled and the free list, is held for a copy or a swap, and nothing is
// locked under it. committing guards the files; writes happen under it, and fsyncs only under Always, at
// rotation and in Close. A state file's own lock comes after committing, and an fsync of its 84 bytes is made
// under both where a segment is created. syncing makes fsyncs beside the writers one at a time. waiting, held
// with no other, is where waiters sleep. Append takes pending alone, so the keyspace lock never waits for a
// disk, and no function here calls out under a lock, except Options.Committed (under committing) and
// Disk.Fault: neither may take the keyspace lock or call back into the Journal, Batch methods apart. Wait,
// Sync, Drop, SetPolicy and Close wait for disks: never call them under the keyspace lock.
package journal

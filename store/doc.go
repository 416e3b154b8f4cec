// Package store is the keyspace: hot keys in memory, every key in SQLite, and a journal for
// the time between. It knows keys, values and deadlines; no RESP, no client.
//
// # The life of a change
//
//	Tx (keyspace lock)  the object changes, its Change joins the record of the command
//	End                 the record is appended to the journal's buffer
//	Wait                the buffer is written, once for all who wait; the reply may leave
//	fold                committed records are gathered by row, the last change of a row winning
//	apply               one SQLite transaction brings a fold and its LSN into the tables
//	forgetApplied       what was applied is clean: it may be unloaded, tombstones are let go
//
// and of a key that is wanted and not in memory: Want puts a placeholder, Load reads the row
// without the lock, the command runs. What needs no more than the head of a key wants no more (head.go).
//
// # Files
//
//	schema.sql      what is on disk: read it first
//	sizes.go disk_sizes.go                               what of a small machine's memory, and disk, goes where
//	store.go open.go   Options, Open, Close              object.go    what memory knows of a key name
//	view.go tx.go   reading and changing, for commands   keyspace.go  spaces, unloading, absences
//	held.go         the value that an object holds       keytable.go  the objects of a space by name
//	busy.go         a script that runs for long          uses.go      how often keys are used, for OBJECT FREQ
//	holds.go holds_linux.go holds_other.go               who holds the keyspace lock for how long
//	key.go string.go edit.go database.go                 what commands do to keys, strings, databases
//	change.go       the changes and their encoding       journal/     append, group commit, segments
//	files/          changes of files, as tests see them  vfs.go       fsyncs of SQLite's that have failed
//	fold.go writeback.go pace.go apply.go applied.go     from the journal to the tables
//	queue.go                                             what is committed and not folded yet
//	fold_rows.go fold_index.go fold_order.go             its rows; where they are; them in the order of the tables
//	lump.go                                              the elements of collections that one record makes whole
//	fold_pages.go                                        how many pages it will change, and where it is cut
//	writer.go recover.go maintain.go                     its connection; after a crash; the tables' upkeep
//	breath.go rest.go                                    write-back lets clients have the processor; gives memory back
//	pulse.go idle.go                                     what an idle server does not do, and gives back
//	pages.go damage.go trouble.go                        the pages' checksums; what is told when the disk fails
//	load.go reader.go                                    from the tables to memory, and the connections for it
//	scan.go scan_page.go                                 SCAN by id
//	scan_names.go scan_remembered.go                     and from name to name
//	random.go                                            RANDOMKEY
//	renamed.go                                           keys that the tables have under other names
//	sqlite.go migrate.go                                 connections and files, those of older versions too
//	vfs_gather.go                                        the WAL's frames go to the file many at a time
//	head.go outline.go                                   keys whose value stays on disk; how large that is
//	text.go chunked.go passage.go                        its parts; some chunks; it is sent while it is read
//	paged.go paged_types.go paged_load.go                large collections of which memory has a part
//	paged_generation.go paged_whole.go                   what a part knows by name; to and from a whole in memory
//	paged_index.go paged_build.go paged_list.go           the index by which they are found; the ends of lists
//	paged_stream.go paged_stream_spans.go                 some of a stream's entries: the way there; which are known
//	paged_stream_read.go stream_seek.go                  how one is found on disk
//	paged_filter.go paged_filter_build.go                names that are not there are known without a look-up
//	paged_growth.go                                      writers wait for an index that memory waits for
//	apply_string.go apply_rows.go apply_runs.go          the rows of long strings and of collections
//	overwrite.go                                         strings that are as long as those whose place they take
//	apply_slices.go rewrite.go                           on a full disk, or of much; long values without the lock
//	pieces.go guard.go aside.go                          long rows and names; SQLite's panics; rows that tables refuse
//	foreign.go locked.go wal_limit.go misplaced.go       rows, locks and transactions of others; files taken away
//	look.go lookvfs.go wal.go                            at the start: do the files belong together?
//	opened.go dirlock.go                                 what the start found; the directory is one process's
//	import.go bulk.go bulk_write.go bulk_vfs.go          a first database out of other data, straight into the tables
//	snapshot.go snapshot_read.go snapshot_beside.go      all keys as they were at one moment, while writes go on
//	outside.go outside_file.go figures.go query.go       the tables seen by other programs' commands; read-only SQL
//	outside_check.go outside_pages.go concerned.go       what is verified; free pages, too; keys that damage concerns
//	concerned_index.go outside_tallies.go                those the index on names lacks; statistics
//	haste.go haste_linux.go haste_other.go               write-back is asked for by another program
//	backup.go restore.go leftover.go                     a copy of the database file, and back; what killed ones left
//	increment.go increment_make.go increment_restore.go  a copy of the pages that differ from another one
//	last_backup.go                                       when the last copy was made
//	copy.go                                              another data set comes in beside the one that is served
//	setaside.go salvage.go rescue.go tidy.go             damaged ones renamed; what can be read of them
//	leaf.go                                              the elements of a collection, a page at a time, from its rows
//	names.go        all names that match, for KEYS        expiring.go     lists what expires next
//	sweep.go        removes what has expired             reserve.go dir.go  disk space, the directory
//	own_file.go                                          what others must not write to
//	bounds.go room.go growth.go                          how much disk the store may take; what is left of that
//	repack.go                                            fills pages that evicting has left half empty
//	before_bounds.go                                     what older versions have stored stays within bounds
//	ordering.go ordering_scan.go evict.go evict_ttl.go   what goes when it is too much, and who removes it
//	order/                                               by which order: a few bits for each key
//	side.go                                              what is known of keys on disk takes memory
//	dir_linux.go dir_other.go filesystem.go              what the system says of them
//	tallies.go tally_seed.go tally/                      statistics of databases and prefixes
//	collection.go table.go run.go dict.go pack.go        values of elements: in memory, as rows
//	dict_index.go                                        where a name of a large one is
//	elements.go warm.go                                  their common parts; cache misses that overlap
//	hash.go hash_expiry.go sweep_fields.go               hashes; their fields' deadlines
//	zset.go zset_edit.go ranked.go sort_scored.go        sorted sets; their order by score
//	list.go list_blocks.go list_tx.go list_position.go   lists; the numbers of their rows
//	set.go set_algebra.go                                sets
//	made.go                                              collections made without the lock; versions of keys
//	stream.go stream_id.go stream_entries.go             streams: entries by id
//	stream_group.go stream_delivery.go stream_whole.go   their consumer groups, and what these do
//	stats.go check.go check_pieces.go paged_check.go     for INFO; verifies everything
//
// # Invariants
//
// Each is written again, with its number, at the line that keeps it.
//
//	I1  Journal order is execution order: changes are appended under the keyspace lock.
//	I2  No reply leaves before what it saw is committed, reads included. It compares LSNs, so a
//	    read of committed data never waits.
//	I3  An object is unloaded only when unpinned and its last LSN is applied.
//	I4  Rows and applied_lsn move in one SQLite transaction.
//	I5  A name has one state in memory: unknown, loading, head, clean, dirty. A deleted key is a dirty
//	    tombstone until applied, so that a load can not bring it back. A head is known without its value, which the
//	    tables have; it may be clean or dirty, and the value may be loading.
//	I6  Reads never delete: expired is absent for a reader. A Tx and the sweeper remove; the Tx around a reader does
//	    while somebody listens to such events, so that he hears of the key's end before its absence, and while a
//	    replica is told of what a command does, not of what it has seen.
//	I7  An empty collection is no key; a stream alone may be empty.
//	I8  A failed append or fsync never gets a success reply: writes are refused until the journal
//	    works again, reads go on, nothing acknowledged is lost. The change of a command that was
//	    answered so may still take effect later: the journal keeps it and tries again. A file that is
//	    no longer under its name counts as failed.
//	I9  Lock order: keyspace, then journal. No SQLite call under the keyspace lock, except for keys
//	    that could not be known before the command ran.
//	I10 Time is read once per command, MULTI block or script.
//	B1  The files take no more than Bounds.Disk, but for what one write-back may add: pages are evicted, reaped
//	    and given back before the tables need more than their part.
//
// # An fsync that failed
//
// It leaves pages that are not on disk and that the kernel holds for clean: the next fsync succeeds and
// writes nothing. So a failure is remembered, or assumed where nobody could, and what it left is written over
// itself before the next one. All fsyncs, and who remembers:
//
//	the WAL, the database file        vfs.go, while the store is open: write-back, checkpoints, finishRecovery
//	the WAL at the start              assumed: syncWAL; the file needs nothing: SQLite copies the whole WAL again
//	the journal's active segment      its doubt; it has no successor until it is on disk
//	the last segment at the start     assumed: mend
//	a new segment, set-aside rows     begun anew under another inode
//	the state file                    the same copy is written again; at the start assumed
//	an imported database              the import fails, and the next one begins anew
//	names in a directory              the step that needs them fails and is repeated
//
// It costs 35 to 60 ns a write of SQLite's, and at a start after a kill the WAL's bytes once more: 0.16 s for
// 32 MiB on a virtual disk that others use, 0.002 without. What is read back for it is the page cache's,
// which ext4 and XFS keep; of the journal it is compared with the checksums.
//
// # Why it is so
//
// Group commit to a plain file costs 3-5 us for all who wait together, a SQLite transaction 13-16 us, and
// writing the rows in each commit 7-20 us a row. Folding and writing back later costs 3-8 us a row
// that changed, however often it did. Write-back begins 4 s after a change rather than 1 s: a
// key set of 100,000 that takes 80,000 SET/s costs 1 us a command that way instead of 3.5.
//
// Folding goes in blocks of 32 changes, because it is bound by cache misses: 105 ns a change
// among 100,000 rows, 370 one by one. For the same reason a pipeline's keys are looked up 16 at
// a time; the two took the CPU of a pipelined INCR from 1.5 times Redis's to 0.94.
//
// A fold's rows are in blocks that stay where they are (fold_rows.go). In one slice that doubled, the copies took
// 15 % of the processor time of LPUSH in pipelines of 16, and the collector with what they left another 15: now 0
// and 3.
//
// A collection's row has the number that memory gave it, not its contents, as its key: no index on contents
// to keep, a change of a long field's value is an integer and the value, and neighbours share pages. Rows go
// 16 a statement, 0.6 us each instead of 1.1 where they are neighbours, and those of near numbers are removed together;
// what a queue takes in and hands out between two write-backs is never written.
//
// List elements and stream entries, which come and go at the ends, stand some 40 to a row in runs (run.go).
// LPUSH in pipelines of 16 from 50 clients took 6.9 us of server CPU with a row an element, 42 % of it
// SQLite's, and takes 3.2 (Redis 2.9 on the same machine); RPOP 6.2 and 3.1 (2.1); XADD 6.2 and 4.5 (4.5).
//
// A key in memory is an object of 80 bytes with its name behind it, its value, and 12 bytes in a table of its space's
// (object.go, held.go, keytable.go). Before, it was an object of 208 with everything that any key may need, a name, a
// value, and 38 bytes in a Go map. The heap's bytes for a key of 16 and a value of 100 bytes: 375 before, 221 now. GET
// takes 0.9 of the processor time, INCR 0.96, SET 0.9, since fewer lines of memory are read. The collector, which let
// the heap double, leaves it less room the larger it is (machine.PaceCollector). A million such keys, RSS more than
// without any, with redis-server's in the same run: 498 MB and 199 before; now 290 to 305 right after they were
// written, with write-back's buffers, and 249 once it rests (rest.go). It was 342 to 365 right after, where the heap
// had 212 MB of keys: two folds had 100 MB (entries of 120 bytes in slices half of which were room, 65; names and
// values, 31), garbage was 60, half of what was allocated, and SQLite's caches and the collector's own are 30.
//
// Two designs lost: keys in memory that the collector does not see would have saved the collector's room, 30 to
// 50 bytes a key, but names and values are handed out as views of it; a name and its value in the object's own block,
// 16 bytes a key less, needs the value's length before the name is looked up.
//
// A small collection is one block of bytes without a pointer (pack.go), as in Redis, not slots with a string each.
// What a key with five elements takes, name and place in the table of keys included:
//
//	                                        slots   packs   objects made small   Redis
//	hash, names of 6 and values of 20 bytes   899     475                  352     216
//	list, elements of 20 bytes                753       -                  344     264
//	set, members of 20 bytes                  731     443                  320     488
//	sorted set, the same                     1067     491                  368     184
//
// Speed is about the same. In the cache HGET from 20 fields takes 21 ns (17 before), a walk over them 93
// (66), HSET 68 (49), a rank among 20 members 30 (50), a walk over these 126 (46); among 100,000 collections
// each waits for the map, the object and the struct, which is 2,000 ns and more either way. A walk went
// through the generic elements at 420 ns: so those of a pack go straight to it. Writing over a value in place
// would save the copy of a pack that is full, every few changes; but a reply that was made before and is
// encoded after would change with it. LINDEX, LRANGE, and LPUSH with RPOP on lists of 5 or 20 take 0.7 to 0.9 of
// what they took with a slot and a string for each.
//
// A hash, set or sorted set of 32,768 elements or more is not loaded whole for HGET, HSET and their kind: its
// elements are found by an index of its own (paged.go). Of a list or a stream, which stand in order, the ends or the
// ids that are asked for are read. It gets that when memory lets go of it, or it is found too
// large on disk, not before: to write an element that is new takes an index's page more, 5 to 25 us instead of 0.6,
// which those that fit memory need not pay.
//
// Commands over 20,000 elements beside Redis 7.0.15, processor time: most are at 0.2 to 1.3. What is left above 2
// is what each element costs where Redis copies or drops a block of packed elements: COPY of a list was at 7, of a
// stream at 4.5, RESTORE of these at 10, and with lumps (lump.go) they take 0.4 to 0.7 of that. BITOP and COPY of a
// string of 1 MB are at 3 to 5: the value goes to the journal, whose write and checksum are 53 % of COPY's time, while
// Redis writes the command alone. Recording rows keeps the record's head in a variable: to store it after each cost a
// third, in write barriers, while the collector marks.
//
// Designs that lost: capturing dirty objects at write-back instead of folding changes needs a
// capture per type and makes row counts inexact after a crash; an index on (space, id) for
// SCAN costs every insert; a timing wheel for deadlines grows with every refresh of a session.
package store

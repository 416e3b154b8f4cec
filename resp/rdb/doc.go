// Package rdb encodes and decodes values as DUMP and RESTORE exchange them: one value of an RDB file, by itself.
//
//	+------+---------------------+---------+--------------+
//	| type |        value        | version |    CRC-64    |
//	|  1   |                     |  2, LE  |    8, LE     |
//	+------+---------------------+---------+--------------+
//
// It writes version 10, Redis 7.0's, and only encodings that belong to it, so that Redis 7.0 takes what is dumped
// here as well as 7.2 does; Redis refuses a version above its own. Version 11 adds two types. Sets as listpacks are
// no loss: 7.2 makes one of the plain set that it reads. Streams with the time when a consumer was last active lose
// that time: a reader takes the time when it was last seen for it, as for every stream that comes from Redis 7.0. A
// hash whose fields have deadlines is another matter: Redis before 7.4 knows no such thing, and a field must not live
// for ever because it moved. It has Redis 7.4's version 12, which older ones refuse.
//
// It reads every encoding that Redis up to 8.8 and Valkey up to 9 have used for these types. A payload is taken for
// hostile: its checksum is no secret. Every length is checked before memory is taken for it, every structure is
// walked to its end with all that it says of itself, as Redis does with sanitize-dump-payload, and what a value may
// take in memory is bounded.
//
// It reads files too, front to back and in parts, so that neither the file nor a value in it need fit in memory:
// those of Redis 1 to 8 and of Valkey. It writes those of Redis 5 to 7.4.
//
// Its invariant: what comes in takes no more memory than its bounds allow, and is a value that Redis could have, or an
// error that says where it is not. It knows neither the store nor a connection. Locks: none; a reader or writer belongs
// to one goroutine at a time.
//
// # Files
//
//	value.go                     what is encoded and decoded    crc64.go       the footer
//	encode.go decode.go          payloads                       lzf.go         compressed strings
//	reader.go value_reader.go    lengths, strings; values       long_string.go the same in pieces
//	stream.go stream_encode.go   streams                        pack.go        compact encodings:
//	field_times.go               hashes, fields with deadlines  listpack.go    Redis 7's lists
//	file_reader.go file_error.go files, record by record        ziplist.go     Redis 6's, and older
//	window.go                    what of one is in memory       intset.go      sets of integers
//	file_writer.go               files                          module.go      what modules left
//	library.go                   FUNCTION DUMP's payload
//
// Sources: rdb.c, listpack.c, ziplist.c, zipmap.c, intset.c and t_stream.c of Redis, and liblzf's format.
package rdb

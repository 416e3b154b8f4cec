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
//
// Sources: rdb.c, listpack.c, ziplist.c, zipmap.c, intset.c and t_stream.c of Redis, and liblzf's format.
package rdb

import (
	"errors"
	"fmt"
)

// The RDB versions that payloads are written with.
const (
	version           = 10
	versionFieldTimes = 12
)

var (
	// ErrChecksum is that of a payload with a wrong checksum or from a newer version.
	ErrChecksum = errors.New("rdb: the version or the checksum is wrong")
	// ErrFormat is that of a payload that is no value, or one too large to be taken in.
	ErrFormat = errors.New("rdb: bad data format")
	// ErrTooLarge is a kind of ErrFormat: what may be right and is beyond a limit.
	ErrTooLarge = fmt.Errorf("%w: too large", ErrFormat)
	// ErrTruncated is a kind of ErrFormat: the input ends too early.
	ErrTruncated = fmt.Errorf("%w: ends too early", ErrFormat)
)

// A Kind is the type of a value, as clients know it.
type Kind int

const (
	String Kind = iota
	List
	Set
	ZSet
	Hash
	Stream
)

// A Value is what a key holds. Kind tells which field counts.
type Value struct {
	Kind     Kind
	String   string
	Elements []string // a list from its head, a set's members, a hash's field, value, field, value ...
	Times    []int64  // the fields' deadlines in unix ms, 0 = none; nil when no field has one
	Members  []Member // a sorted set's, in any order
	Stream   *StreamValue
}

// A Member is one of a sorted set. The score is not NaN.
type Member struct {
	Name  string
	Score float64
}

// A StreamValue is a stream: entries in the order of their ids, none of them above Last.
type StreamValue struct {
	Entries    []Entry
	Last       ID    // the last generated id
	MaxDeleted ID    // the highest deleted id
	Added      int64 // entries ever added
	Groups     []Group
}

// An ID is that of an entry.
type ID struct{ Ms, Seq uint64 }

// An Entry is field, value, field, value ... and at least one of each.
type Entry struct {
	ID     ID
	Fields []string
}

// A Group is a consumer group. Pending is in the order of ids.
type Group struct {
	Name      string
	Last      ID    // the last delivered id
	Read      int64 // entries read, -1 = unknown
	Consumers []Consumer
	Pending   []Pending
}

// A Consumer is a consumer of a group. Times are unix ms; ActiveMs is -1 when it never got an entry.
type Consumer struct {
	Name             string
	SeenMs, ActiveMs int64
}

// A Pending is an entry that was delivered to a consumer and not acknowledged. The entry itself may be deleted.
type Pending struct {
	ID          ID
	Consumer    int // index into Group.Consumers
	DeliveredMs int64
	Deliveries  int64
}

// less is the order of ids.
func (id ID) less(other ID) bool {
	return id.Ms < other.Ms || id.Ms == other.Ms && id.Seq < other.Seq
}

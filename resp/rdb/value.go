package rdb

import (
	"errors"
	"fmt"
	"iter"
	"slices"
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
	Each       iter.Seq[Entry] // for Encode, not nil: the entries, in place of Entries; each is good until the next
	Last       ID              // the last generated id
	MaxDeleted ID              // the highest deleted id
	Added      int64           // entries ever added
	Groups     []Group
}

// all is the entries.
func (s *StreamValue) all() iter.Seq[Entry] {
	if s.Each != nil {
		return s.Each
	}
	return slices.Values(s.Entries)
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

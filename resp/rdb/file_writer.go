package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"iter"
	"math"
)

// A Packing says up to which size collections are written as compact encodings, by the names in Redis's
// configuration. Values are in bytes.
type Packing struct {
	HashEntries, HashValue int // hash-max-listpack-entries, -value
	ZSetEntries, ZSetValue int // zset-max-listpack-entries, -value
	SetEntries, SetValue   int // set-max-listpack-entries, -value
	IntsetEntries          int // set-max-intset-entries
	ListNode               int // list-max-listpack-size: elements, or -1 to -5 for 4 to 64 KB
	StreamNodeBytes        int // stream-node-max-bytes, 0 = no limit
	StreamNodeEntries      int // stream-node-max-entries, 0 = no limit
}

// DefaultPacking is that of a server without a configuration.
func DefaultPacking() Packing {
	return Packing{128, 64, 128, 64, 128, 64, 512, -2, 4096, 100}
}

// FileWriterOptions are how a file is written.
type FileWriterOptions struct {
	// Version is 11, which Redis 7.2 reads, when it is 0; 10 is for Redis 7.0, 9 for Redis 5 and 6, 12 for 7.4 on.
	// Under 10 nothing but sets of integers is written as a compact encoding.
	Version    int
	Compress   bool // rdbcompression
	NoChecksum bool
	Packing    *Packing // nil = DefaultPacking
}

// ErrNotInVersion is the error of what a file of the version can not say, where leaving it out would change the data:
// field deadlines before 12, functions before 10. Nothing of it has been written, and the file can go on.
var ErrNotInVersion = errors.New("rdb: the version of the file has no such thing")

// A FileWriter writes an RDB file. Errors of the destination come again at every call, and from Finish.
type FileWriter struct {
	w       writer
	out     io.Writer
	version int
	packing Packing
	noSum   bool
	sum     uint64 // as Go's package has it, see checksum
	flushed int64
	err     error
}

// A KeyHeader is what a file says of a key beside its value.
type KeyHeader struct {
	Key         string
	ExpiresMs   int64 // unix ms, 0 = none
	IdleSeconds int64 // -1 = it does not say
	Frequency   int   // as LFU counts, -1 = it does not say
	FieldTimes  bool  // of a hash that is written in parts: some fields have deadlines
}

// flushBytes is how much is gathered before it is written.
const flushBytes = 64 << 10

// NewFileWriter begins a file.
func NewFileWriter(out io.Writer, o FileWriterOptions) *FileWriter {
	f := &FileWriter{out: out, version: o.Version, packing: DefaultPacking(), noSum: o.NoChecksum, sum: ^uint64(0)}
	if f.version == 0 {
		f.version = 11
	}
	if f.version < 9 || f.version > versionFieldTimes {
		f.err = fmt.Errorf("rdb: files of version %d are not written, only 9 to %d", f.version, versionFieldTimes)
	}
	if o.Packing != nil {
		f.packing = *o.Packing
	}
	f.w.Options = Options{
		Compress: o.Compress, ListNode: f.packing.ListNode,
		StreamNodeBytes: f.packing.StreamNodeBytes, StreamNodeEntries: f.packing.StreamNodeEntries,
	}
	f.w.b = fmt.Appendf(f.w.b, "REDIS%04d", f.version)
	return f
}

// Bytes is the length of the file so far.
func (f *FileWriter) Bytes() int64 { return f.flushed + int64(len(f.w.b)) }

// flush writes what has been gathered when it is enough.
func (f *FileWriter) flush(enough int) error {
	if f.err == nil && len(f.w.b) >= enough {
		if !f.noSum {
			f.sum = crc64.Update(f.sum, jones, f.w.b)
		}
		_, f.err = f.out.Write(f.w.b)
		f.flushed += int64(len(f.w.b))
		if f.w.b = f.w.b[:0]; cap(f.w.b) > maxWindowSpare {
			f.w.b = nil
		}
	}
	return f.err
}

// Aux writes a fact about the file.
func (f *FileWriter) Aux(name, value string) error {
	f.w.b = append(f.w.b, opAux)
	f.w.string(name)
	f.w.string(value)
	return f.flush(flushBytes)
}

// Function writes the code of a library.
func (f *FileWriter) Function(code string) error {
	if f.version < version {
		return ErrNotInVersion
	}
	f.w.b = append(f.w.b, opLibrary)
	f.w.string(code)
	return f.flush(flushBytes)
}

// SelectDB says which database the keys after it are in.
func (f *FileWriter) SelectDB(n int) error {
	f.w.b = append(f.w.b, opSelectDB)
	f.w.length(uint64(n))
	return f.flush(flushBytes)
}

// Sizes says how many keys the database has and how many of them expire, so that a reader can make room.
func (f *FileWriter) Sizes(keys, expires uint64) error {
	f.w.b = append(f.w.b, opSizes)
	f.w.length(keys)
	f.w.length(expires)
	return f.flush(flushBytes)
}

// Finish writes the end of the file and all that has been gathered. It closes nothing.
func (f *FileWriter) Finish() error {
	defer f.w.end()
	f.w.b = append(f.w.b, opEnd)
	if f.flush(0); f.err == nil {
		sum := ^f.sum
		if f.noSum {
			sum = 0
		}
		n, err := f.out.Write(binary.LittleEndian.AppendUint64(nil, sum))
		f.flushed += int64(n)
		f.err = err
	}
	return f.err
}

// header writes what stands before a key's value, and returns where the type t stands in what is gathered.
func (f *FileWriter) header(h KeyHeader, t byte) (at int) {
	if h.ExpiresMs != 0 {
		f.w.b = append(f.w.b, opExpiresMs)
		f.w.millis(h.ExpiresMs)
	}
	if h.IdleSeconds >= 0 {
		f.w.b = append(f.w.b, opIdle)
		f.w.length(uint64(h.IdleSeconds))
	}
	if h.Frequency >= 0 {
		f.w.b = append(f.w.b, opFrequency, byte(min(h.Frequency, 255)))
	}
	at = len(f.w.b)
	f.w.b = append(f.w.b, t)
	f.w.string(h.Key)
	return at
}

// Key writes a key with its value, which is packed as Redis packs it. Empty collections are none and not written.
func (f *FileWriter) Key(h KeyHeader, v *Value) error {
	if v.isEmpty() {
		return f.err
	}
	if v.Kind == Hash && v.Times != nil && f.version < versionFieldTimes {
		return ErrNotInVersion
	}
	at := f.header(h, 0)
	value := len(f.w.b)
	f.wholeValue(v) // the type is known when it is written, and belongs before the name
	f.w.b[at] = f.w.b[value]
	f.w.b = append(f.w.b[:value], f.w.b[value+1:]...)
	return f.flush(flushBytes)
}

// wholeValue writes a value with its type before it.
func (f *FileWriter) wholeValue(v *Value) {
	p, modern := &f.packing, f.version >= version
	f.w.Compact = false
	switch v.Kind {
	case String:
		f.w.b = append(f.w.b, typeString)
		f.w.string(v.String)
	case List:
		if modern {
			f.w.list(v.Elements)
		} else {
			f.w.table(typeList, len(v.Elements), v.Elements)
		}
	case Set:
		f.set(v.Elements)
	case ZSet:
		f.w.Compact = modern && len(v.Members) <= p.ZSetEntries
		for _, m := range v.Members {
			f.w.Compact = f.w.Compact && len(m.Name) <= p.ZSetValue
		}
		f.w.zset(v.Members)
	case Hash:
		f.w.Compact = modern && len(v.Elements)/2 <= p.HashEntries && allWithin(v.Elements, p.HashValue)
		if v.Times != nil {
			f.w.hashTimes(v.Elements, v.Times)
		} else {
			f.w.hash(v.Elements)
		}
	case Stream:
		f.w.stream(f.streamType(), v.Stream)
	}
}

func allWithin(ss []string, most int) bool {
	for _, s := range ss {
		if len(s) > most {
			return false
		}
	}
	return true
}

func (f *FileWriter) set(members []string) {
	p := &f.packing
	if len(members) <= p.IntsetEntries {
		if ns, ok := integers(members); ok {
			f.w.b = append(f.w.b, typeSetIntset)
			f.w.blob(appendIntset(nil, ns))
			return
		}
	}
	if f.version > version && len(members) <= p.SetEntries && allWithin(members, p.SetValue) {
		f.w.b = append(f.w.b, typeSetListpack)
		f.w.pack(members)
		return
	}
	f.w.table(typeSet, len(members), members)
}

func (f *FileWriter) streamType() byte {
	switch {
	case f.version < version:
		return typeStream1
	case f.version == version:
		return typeStream2
	}
	return typeStream3
}

// Parts writes a large collection, or a long string, without having it in memory: as Part of a FileReader returns it.
// Count is that of its elements (fields, members, entries, bytes) and has to be right. Nothing is packed but a
// stream, whose parts are asked for twice: how many nodes it has stands in front. An error leaves a file that is of
// no use.
func (f *FileWriter) Parts(h KeyHeader, kind Kind, count int64, parts iter.Seq2[*Value, error]) error {
	if h.FieldTimes && f.version < versionFieldTimes {
		return ErrNotInVersion
	}
	if f.err == nil && kind == Stream {
		f.streamParts(h, count, parts)
		return f.flush(flushBytes)
	}
	if f.err == nil {
		f.header(h, f.plainType(kind, h))
		if h.FieldTimes {
			f.w.millis(1) // so that deadlines are distances from 0
		}
		f.w.length(uint64(count))
	}
	for v, err := range parts {
		if f.err == nil {
			f.err = err
		}
		if f.err != nil {
			return f.err
		}
		count -= f.part(h, v)
		f.flush(flushBytes)
	}
	if count != 0 && f.err == nil {
		f.err = fmt.Errorf("rdb: key %.100q had %d elements more than its parts", h.Key, count)
	}
	return f.flush(flushBytes)
}

func (f *FileWriter) plainType(kind Kind, h KeyHeader) byte {
	switch kind {
	case List:
		return typeList
	case Set:
		return typeSet
	case ZSet:
		return typeZSet2
	case Hash:
		if h.FieldTimes {
			return typeHashTimes
		}
		return typeHash
	}
	return typeString
}

// part writes elements and returns how many.
func (f *FileWriter) part(h KeyHeader, v *Value) int64 {
	switch v.Kind {
	case String:
		f.w.b = append(f.w.b, v.String...)
		return int64(len(v.String))
	case ZSet:
		for _, m := range v.Members {
			f.w.scored(m)
			f.flush(flushBytes)
		}
		return int64(len(v.Members))
	case Hash:
		for i := 0; i < len(v.Elements); i += 2 {
			if h.FieldTimes && v.Times != nil {
				f.w.length(uint64(v.Times[i/2]))
			} else if h.FieldTimes {
				f.w.length(0)
			} else if v.Times != nil {
				f.err = fmt.Errorf("rdb: key %.100q has field deadlines that its header has not", h.Key)
			}
			f.w.string(v.Elements[i])
			f.w.string(v.Elements[i+1])
			f.flush(flushBytes)
		}
		return int64(len(v.Elements) / 2)
	}
	for _, s := range v.Elements {
		f.w.string(s)
		f.flush(flushBytes)
	}
	return int64(len(v.Elements))
}

// streamParts writes a stream in two rounds, of which the first counts.
func (f *FileWriter) streamParts(h KeyHeader, count int64, parts iter.Seq2[*Value, error]) {
	var last StreamValue
	var first ID
	entries, groups := int64(0), 0
	counting := writer{Options: f.w.Options}
	counting.Compress = false
	counted := nodeWriter{writer: &counting}
	for v, err := range parts {
		if err != nil {
			f.err = err
			return
		}
		for _, e := range v.Stream.Entries {
			if entries == 0 {
				first = e.ID
			}
			entries++
			counted.add(e)
			counting.b = counting.b[:0]
		}
		groups += len(v.Stream.Groups)
		last = *v.Stream
	}
	if entries != count {
		f.err = fmt.Errorf("rdb: stream %.100q has %d entries, not %d", h.Key, entries, count)
		return
	}
	t := f.streamType()
	f.header(h, t)
	f.w.length(uint64(counted.nodes))
	nodes := nodeWriter{writer: &f.w}
	numbers := false
	for v, err := range parts {
		if f.err == nil {
			f.err = err
		}
		if f.err != nil {
			return
		}
		for _, e := range v.Stream.Entries {
			nodes.add(e)
			f.flush(flushBytes)
		}
		if len(v.Stream.Groups) > 0 && !numbers {
			nodes.finish()
			f.w.streamNumbers(t, &last, int(min(count, math.MaxInt)), first, groups)
			numbers = true
		}
		for i := range v.Stream.Groups {
			f.w.group(t, &v.Stream.Groups[i])
			f.flush(flushBytes)
		}
	}
	if nodes.finish(); !numbers {
		f.w.streamNumbers(t, &last, int(min(count, math.MaxInt)), first, groups)
	}
	if nodes.nodes != counted.nodes && f.err == nil {
		f.err = fmt.Errorf("rdb: stream %.100q was another when it was read again", h.Key)
	}
}

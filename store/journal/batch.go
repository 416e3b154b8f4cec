package journal

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	// A released arena above the first bound goes to the garbage collector; so does one that finds the free list
	// at the second. The list covers a write-back that releases a second's worth of batches in one go.
	maxFreeArenaBytes = 4 << 20
	maxFreeBytes      = 8 << 20
	maxFreeBatches    = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Ext is a part of a record that is too large to copy: Data stands in the record before Head[At:]. The
// journal references Data, which must not change until the batch is released.
type Ext struct {
	At   int
	Data []byte
}

// Record is what the journal stores: Head with each Ext's data put in at its place, in ascending order of At.
// From Replay, Ext is nil and Head holds all of it, valid until the callback returns.
type Record struct {
	Head []byte
	Ext  []Ext
}

// Batch is a run of records that are written together: frames as in the file, but for the
// Ext data, which stays where the caller has it.
type Batch struct {
	First, Last uint64 // LSNs

	journal *Journal
	arena   []byte
	exts    []Ext      // of all records, one after another
	owners  []extOwner // which records they belong to
	bytes   int64      // in the file
	sealed  *segment   // the CRCs are in, for this one
	crcOf   [8]byte    // a frame's LSN while its CRC is computed; here so that it is not allocated for each
}

// extOwner says that the record whose frame begins at arena[frame:] has the next n exts.
type extOwner struct{ frame, n int }

// add appends a frame. Its CRC waits for seal, which runs outside the keyspace lock.
func (b *Batch) add(lsn uint64, rec Record) {
	if b.Last == 0 {
		b.First = lsn
	}
	b.Last = lsn
	frame, size, at := len(b.arena), len(rec.Head), 0
	for _, x := range rec.Ext {
		if x.At < at || x.At > len(rec.Head) {
			panic("journal: Ext.At out of order or outside Head")
		}
		at = x.At
		size += len(x.Data)
	}
	if len(rec.Ext) > 0 {
		b.exts = append(b.exts, rec.Ext...)
		b.owners = append(b.owners, extOwner{frame, len(rec.Ext)})
	}
	b.arena = binary.LittleEndian.AppendUint64(b.arena, uint64(size)|lsn&lsnMask<<lenBits)
	b.arena = append(b.arena, 0, 0, 0, 0)
	b.arena = append(b.arena, rec.Head...)
	b.bytes += int64(frameHeaderBytes + size)
}

// Bytes is the batch's size in the journal file, and about what it holds in memory.
func (b *Batch) Bytes() int64 { return b.bytes }

// Each calls fn for every record in order and stops at its first error. The records and what
// they point to are the batch's: valid until Release, not to be changed.
func (b *Batch) Each(fn func(lsn uint64, rec Record) error) error {
	lsn := b.First
	return b.frames(func(frame []byte, exts []Ext) error {
		lsn++
		return fn(lsn-1, Record{Head: frame[frameHeaderBytes:], Ext: exts})
	})
}

// frames calls fn with each frame as it stands in the arena, and its exts.
func (b *Batch) frames(fn func(frame []byte, exts []Ext) error) error {
	exts, owners := b.exts, b.owners
	for at := 0; at < len(b.arena); {
		end := at + frameHeaderBytes + int(binary.LittleEndian.Uint64(b.arena[at:])&lenMask)
		var own []Ext
		if len(owners) > 0 && owners[0].frame == at {
			n := owners[0].n
			own, exts, owners = exts[:n:n], exts[n:], owners[1:]
			for _, x := range own {
				end -= len(x.Data)
			}
		}
		if err := fn(b.arena[at:end:end], own); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// seal fills in the CRCs for a segment, and notes in the first frame whether everything before it there is fsynced.
func (b *Batch) seal(s *segment) {
	if b.sealed == s {
		return
	}
	if s.synced == s.size {
		b.arena[7] |= fsynced >> 56
	}
	next := b.First
	_ = b.frames(func(frame []byte, exts []Ext) error {
		binary.LittleEndian.PutUint64(b.crcOf[:], next)
		next++
		crc := crc32.Update(crc32.Update(s.seed, castagnoli, b.crcOf[:]), castagnoli, frame[:8])
		head, at := frame[frameHeaderBytes:], 0
		for _, x := range exts {
			crc = crc32.Update(crc, castagnoli, head[at:x.At])
			crc = crc32.Update(crc, castagnoli, x.Data)
			at = x.At
		}
		crc = crc32.Update(crc, castagnoli, head[at:])
		binary.LittleEndian.PutUint32(frame[8:], crc)
		return nil
	})
	b.sealed = s
}

// pieces calls write with the file's bytes in order: runs of the arena, broken only by Ext data.
func (b *Batch) pieces(write func([]byte) error) error {
	from := 0 // of the arena, not yet written
	exts := b.exts
	for _, o := range b.owners {
		for _, x := range exts[:o.n] {
			to := o.frame + frameHeaderBytes + x.At
			if err := write(b.arena[from:to]); err != nil {
				return err
			}
			if err := write(x.Data); err != nil {
				return err
			}
			from = to
		}
		exts = exts[o.n:]
	}
	return write(b.arena[from:])
}

// Release gives the batch back for reuse, once; nothing that came from it may be used afterwards.
func (b *Batch) Release() {
	if b.Last == 0 {
		panic("journal: batch released twice")
	}
	clear(b.exts) // the values may go
	*b = Batch{journal: b.journal, arena: b.arena[:0], exts: b.exts[:0], owners: b.owners[:0]}
	p := &b.journal.pending
	p.Lock()
	defer p.Unlock()
	if n := cap(b.arena); n <= maxFreeArenaBytes && int64(p.freeBytes+n) <= b.journal.o.FreeBytes &&
		len(p.free) < maxFreeBatches {
		p.free = append(p.free, b)
		p.freeBytes += n
	}
}

// Rest gives the memory of batches that wait for reuse back.
func (j *Journal) Rest() {
	p := &j.pending
	p.Lock()
	defer p.Unlock()
	p.free, p.freeBytes = nil, 0
	if p.batch.Last == 0 {
		p.batch = &Batch{journal: j}
	}
}

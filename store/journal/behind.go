package journal

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
)

// behind is what stands in the last segment behind the place where its records stop making sense.
type behind struct {
	whole    int    // records whose checksum fits
	last     uint64 // LSN of the newest of them
	marked   bool   // one of them was written after an fsync of everything before it
	complete bool   // the bad record itself was written to its end
}

// searchBytes bounds what a search reads for checksums: values can be made to look like headers
// of frames. A search that has read so much, some seconds' worth, finds no more.
const searchBytes = 8 << 30

// behind searches the segment from its size on, which is where the record with LSN last+1 should be.
func (s *segment) behind(fileSize int64) (b behind, err error) {
	file, err := os.Open(s.path)
	if err != nil {
		return b, err
	}
	defer file.Close() //nolint:errcheck // only read
	r, err := newReader(file, fileSize)
	if err != nil || r.version == 1 { // a frame of version 1 is not to be told from other bytes
		return b, err
	}
	f := finder{file: file, size: fileSize, seed: r.seed, left: searchBytes}
	if b.complete, err = f.complete(s.size); err != nil {
		return b, err
	}
	err = f.each(s.size, s.last+1, func(lsn uint64, _, _ int64, marked bool) error {
		b.whole++
		b.last, b.marked = lsn, b.marked || marked
		return nil
	})
	return b, err
}

// A finder finds whole frames among bytes that are damaged.
type finder struct {
	file io.ReaderAt
	size int64
	seed uint32
	left int64 // bytes that may still be read for checksums
	buf  [32 << 10]byte
}

// complete reports whether the frame at offset claims an end before that of the file and has bytes other than
// zeros up to there: a write that a kill cuts short leaves the beginning of a frame and nothing, or the zeros
// of fill, behind it.
func (f *finder) complete(offset int64) (bool, error) {
	var h [frameHeaderBytes]byte
	if n, err := f.file.ReadAt(h[:], offset); err != nil || n < len(h) {
		return false, eofIsNil(err)
	}
	length := binary.LittleEndian.Uint64(h[:]) & lenMask
	if length == 0 || length > uint64(f.size-offset-frameHeaderBytes) {
		return false, nil
	}
	var last [1]byte
	if _, err := f.file.ReadAt(last[:], offset+frameHeaderBytes+int64(length)-1); err != nil {
		return false, err
	}
	return last[0] != 0, nil
}

func eofIsNil(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// each calls fn for every whole frame from offset on, in order, where the next record in order would have that LSN. It
// gives where the payload stands.
func (f *finder) each(offset int64, lsn uint64, fn func(lsn uint64, at, length int64, marked bool) error) error {
	const window = 1 << 20
	buf := make([]byte, 0, window)
	base, begin := int64(0), offset // of buf in the file; of the bytes that make no sense
	for p := offset; p+frameHeaderBytes <= f.size; {
		if p+frameHeaderBytes > base+int64(len(buf)) || p < base {
			n, err := f.file.ReadAt(buf[:min(window, f.size-p)], p)
			if eofIsNil(err) != nil {
				return err
			}
			if base, buf = p, buf[:n]; n < frameHeaderBytes {
				return nil
			}
		}
		h := buf[p-base:][:frameHeaderBytes]
		word := binary.LittleEndian.Uint64(h)
		length := int64(word & lenMask)
		found := lsn + (word>>lenBits-lsn)&lsnMask // the first from lsn on that has these low bits
		if word == 0 || length > f.size-p-frameHeaderBytes || found-lsn > uint64(p-begin)/frameHeaderBytes {
			p++
			continue
		}
		whole, err := f.whole(h, found, p+frameHeaderBytes, length)
		if err != nil {
			return err
		}
		if !whole {
			p++
			continue
		}
		if err := fn(found, p+frameHeaderBytes, length, word&fsynced != 0); err != nil {
			return err
		}
		p += frameHeaderBytes + length
		begin, lsn = p, found+1
	}
	return nil
}

// whole reports whether the checksum of a frame fits.
func (f *finder) whole(h []byte, lsn uint64, at, length int64) (bool, error) {
	if f.left -= length + frameHeaderBytes; f.left < 0 {
		return false, nil
	}
	var crcOf [8]byte
	binary.LittleEndian.PutUint64(crcOf[:], lsn)
	crc := crc32.Update(crc32.Update(f.seed, castagnoli, crcOf[:]), castagnoli, h[:8])
	for length > 0 {
		part := f.buf[:min(length, int64(len(f.buf)))]
		if n, err := f.file.ReadAt(part, at); n < len(part) {
			return false, eofIsNil(err)
		}
		crc = crc32.Update(crc, castagnoli, part)
		at, length = at+int64(len(part)), length-int64(len(part))
	}
	return crc == binary.LittleEndian.Uint32(h[8:]), nil
}

package store

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// wal is what a database's WAL has, read as SQLite reads it (its file format, section 4): frames follow each
// other as long as their salts are the header's and their running checksum fits, and count up to the last
// that ends a transaction.
type wal struct {
	size   int64
	header bool // the header is whole
	salts  [8]byte
	frames uint32              // frames that count
	pages  map[uint32]struct{} // pages in the frames that are beyond the database file's end
}

const (
	walHeaderBytes   = 32
	frameHeaderBytes = 24
	walFrameBytes    = frameHeaderBytes + pageBytes
)

// readWAL reads a WAL; one that is not there has size 0. fileSize is the database file's.
func readWAL(path string, fileSize int64) (w wal, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return w, err
	}
	w.size = info.Size()
	var h [walHeaderBytes]byte
	if n, err := f.ReadAt(h[:], 0); n < len(h) {
		return w, eofIsNil(err)
	}
	sum := walSum{order: binary.LittleEndian}
	switch binary.BigEndian.Uint32(h[:]) {
	case 0x377f0683:
		sum.order = binary.BigEndian
	case 0x377f0682:
	default:
		return w, nil
	}
	sum.add(h[:24])
	if w.header = sum.is(h[24:]) && binary.BigEndian.Uint32(h[8:]) == pageBytes; !w.header {
		return w, nil
	}
	copy(w.salts[:], h[16:])
	return w, w.readFrames(io.NewSectionReader(f, walHeaderBytes, w.size-walHeaderBytes), sum,
		uint32(fileSize/pageBytes))
}

func eofIsNil(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

func (w *wal) readFrames(in io.Reader, sum walSum, filePages uint32) error {
	const many = 64
	buf := make([]byte, many*walFrameBytes)
	w.pages = map[uint32]struct{}{}
	var pending []uint32 // of the transaction under way
	for frame := uint32(1); ; {
		n, err := io.ReadFull(in, buf)
		if eofIsNil(err) != nil {
			return err
		}
		for b := buf[:n]; len(b) >= walFrameBytes; b, frame = b[walFrameBytes:], frame+1 {
			sum.add(b[:8])
			sum.add(b[24:walFrameBytes])
			if [8]byte(b[8:16]) != w.salts || !sum.is(b[16:]) {
				return nil
			}
			if page := binary.BigEndian.Uint32(b); page > filePages {
				pending = append(pending, page)
			}
			if binary.BigEndian.Uint32(b[4:]) != 0 { // the transaction's end
				for _, page := range pending {
					w.pages[page] = struct{}{}
				}
				w.frames, pending = frame, pending[:0]
			}
		}
		if n < len(buf) {
			return nil
		}
	}
}

// walSum is the WAL's checksum, which runs over header and frames.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *walSum) add(b []byte) {
	s0, s1 := c.s0, c.s1
	if c.order == binary.LittleEndian { // not through the interface: it is called for every byte of the WAL
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.LittleEndian.Uint32(b) + s1
			s1 += binary.LittleEndian.Uint32(b[4:]) + s0
		}
	} else {
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.BigEndian.Uint32(b) + s1
			s1 += binary.BigEndian.Uint32(b[4:]) + s0
		}
	}
	c.s0, c.s1 = s0, s1
}

func (c *walSum) is(b []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(b) && c.s1 == binary.BigEndian.Uint32(b[4:])
}

// walIndex is what the WAL's index, the -shm file, says. The file is SQLite's shared memory: as
// long as the kernel runs it is as the last transaction left it, whatever became of the server.
type walIndex struct {
	whole  bool
	frames uint32  // that the WAL must have at least; 0 = the WAL begins anew, and the database file has all there is
	salts  [8]byte // of these frames
}

// indexed reads the index. One that is not there or not whole says nothing.
func indexed(path string) (x walIndex) {
	b := make([]byte, 96)
	f, err := os.Open(path)
	if err != nil {
		return x
	}
	defer f.Close()
	if n, _ := f.ReadAt(b, 0); n < len(b) || string(b[:48]) != string(b[48:]) { // two copies of one header
		return x
	}
	sum := walSum{order: binary.LittleEndian}
	if binary.BigEndian.Uint32(b) == 3007000 {
		sum.order = binary.BigEndian
	}
	sum.add(b[:40])
	if sum.s0 != sum.uint32(b[40:]) || sum.s1 != sum.uint32(b[44:]) || b[12] == 0 { // [12]: it was set up
		return x
	}
	x.whole, x.frames = true, sum.uint32(b[16:])
	copy(x.salts[:], b[32:])
	return x
}

func (c *walSum) uint32(b []byte) uint32 { return c.order.Uint32(b) }

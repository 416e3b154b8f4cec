package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"time"
)

// An increment is a backup of the pages that differ from another backup's, its base: the base and it are a whole one.
//
//	+------------------------------------------------------------------------+
//	| "Diskette increment", a line feed, a zero                20 bytes      |
//	| version 1                                                 4            |
//	| bytes of a page, 4096                                     4            |
//	| pages of the result                                       4            |
//	| pages that follow                                         4            |
//	| bytes of the base                                         8            |
//	| the moment that the result is of, unix ms                 8            |
//	+------------------------------------------------------------------------+
//	| a bit a page of the result, the first in a byte's lowest: 1 = it       |
//	| follows, 0 = it is the base's at the same place; up to 8 bytes' end    |
//	+------------------------------------------------------------------------+
//	| the pages that follow, in their order, 4096 bytes each                 |
//	+------------------------------------------------------------------------+
//	| SHA-256 of the base                                      32            |
//	| SHA-256 of the result                                    32            |
//	| SHA-256 of all that stands before                        32            |
//	+------------------------------------------------------------------------+
//
// in little endian. It is relative to the base alone, so of several over one base each needs the base and no other; the
// base is never written to. What a page holds does not matter: the two files are compared byte by byte, each page with
// the one in its place, so any base gives the right result, and one that has nothing to do with it a large increment.
// Pages are not compressed: a program that keeps copies does it better, across them.

const (
	incrementMagic   = "Diskette increment\n\x00"
	incrementVersion = 1
)

// incrementHead is what an increment begins with.
type incrementHead struct {
	Magic     [len(incrementMagic)]byte
	Version   uint32
	PageBytes uint32
	Pages     uint32 // of the result
	Stored    uint32 // that follow
	BaseBytes uint64
	TimeMs    int64
}

// incrementSums is what it ends with, but for its own.
type incrementSums struct{ Base, Result [sha256.Size]byte }

var (
	incrementHeadBytes = int64(binary.Size(incrementHead{}))
	incrementTailBytes = int64(binary.Size(incrementSums{})) + sha256.Size
)

// ErrIncrement says that a file is an increment where a whole copy is wanted.
var ErrIncrement = errors.New("is an increment, a part of a backup")

// errIncrementDamaged says that an increment is not what was written.
var errIncrementDamaged = errors.New("the increment is damaged, and nothing was restored: " +
	"restore another one, or its base alone")

// isIncrement reports whether a file begins as an increment does.
func isIncrement(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, len(incrementMagic))
	_, err = io.ReadFull(f, begin)
	return err == nil && string(begin) == incrementMagic
}

// refuseIncrement returns an error for a file that is an increment, which says what to do with it.
func refuseIncrement(file string) error {
	if !isIncrement(file) {
		return nil
	}
	of := ""
	if in, err := readIncrementHead(file); err == nil {
		at := time.UnixMilli(in.TimeMs).UTC().Format(time.RFC3339)
		of = fmt.Sprintf(", of %s, whose base has %d bytes", at, in.BaseBytes)
	}
	return fmt.Errorf("%s %w%s: diskette restore BASE DIR --increment %s makes a directory of it and its base",
		file, ErrIncrement, of, file)
}

func readIncrementHead(file string) (h incrementHead, err error) {
	f, err := os.Open(file)
	if err != nil {
		return h, err
	}
	defer f.Close()
	return h, binary.Read(f, binary.LittleEndian, &h)
}

// increment is one that was opened and found whole. It holds a bit a page in memory, and no page.
type increment struct {
	incrementHead
	incrementSums
	file   *os.File
	stored pageSet
}

// openIncrement reads all of an increment. The caller closes its file.
func openIncrement(ctx context.Context, path string) (in *increment, err error) {
	if !isIncrement(path) {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s is no increment: diskette backup DIR FILE --since BASE makes one, and a whole copy "+
			"is restored without --increment", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in = &increment{file: f}
	defer func() {
		if err != nil {
			f.Close()
			in = nil
		}
	}()
	return in, in.read(ctx, path)
}

// read reads an increment from its beginning to its end.
func (in *increment) read(ctx context.Context, path string) error {
	bad := func(what string) error { return fmt.Errorf("%w: %s: %s", errIncrementDamaged, path, what) }
	info, err := in.file.Stat()
	if err != nil {
		return err
	}
	sum := sha256.New()
	from := bufio.NewReaderSize(untilDone{ctx, in.file}, 256<<10)
	r := io.TeeReader(from, sum)
	if err := binary.Read(r, binary.LittleEndian, &in.incrementHead); err != nil {
		return bad("its end is missing")
	}
	switch {
	case in.Version != incrementVersion:
		return fmt.Errorf("%s is an increment of version %d, and this Diskette reads version %d: restore it with the one "+
			"that wrote it, or a later one", path, in.Version, incrementVersion)
	case in.PageBytes != pageBytes || in.Stored > in.Pages:
		return bad("its beginning is not as it was written")
	}
	want := incrementHeadBytes + pageSetBytes(int64(in.Pages)) + int64(in.Stored)*pageBytes + incrementTailBytes
	if info.Size() < want {
		return bad(fmt.Sprintf("it has %d bytes and should have %d", info.Size(), want))
	}
	if in.stored, err = readPageSet(r, int64(in.Pages)); err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, r, int64(in.Stored)*pageBytes); err == nil {
		err = binary.Read(r, binary.LittleEndian, &in.incrementSums)
	}
	var own [sha256.Size]byte
	if err == nil {
		_, err = io.ReadFull(from, own[:])
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(own[:], sum.Sum(nil)) || in.stored.count() != int64(in.Stored) {
		return bad("its bytes do not fit its SHA-256")
	}
	if info.Size() != want {
		return bad(fmt.Sprintf("something stands behind its end: it has %d bytes and should have %d", info.Size(), want))
	}
	return nil
}

// page reads a part of a page of the result that the increment has, from a place in the result on.
func (in *increment) page(p []byte, at int64) error {
	n := at / pageBytes
	from := incrementHeadBytes + pageSetBytes(int64(in.Pages)) + in.stored.before(n)*pageBytes + at%pageBytes
	_, err := in.file.ReadAt(p, from)
	return err
}

// A pageSet is some of a file's pages, which count from 0.
type pageSet struct {
	words  []uint64
	counts []uint32 // how many are in the words before; made by index
}

// pageSetBytes is how long a set of so many pages is on disk.
func pageSetBytes(pages int64) int64 { return (pages + 63) / 64 * 8 }

func (s *pageSet) has(n int64) bool {
	return n/64 < int64(len(s.words)) && s.words[n/64]>>(n%64)&1 != 0
}

// put takes a page in, or out.
func (s *pageSet) put(n int64, in bool) {
	for int64(len(s.words)) <= n/64 {
		s.words = append(s.words, 0)
	}
	if in {
		s.words[n/64] |= 1 << (n % 64)
	} else {
		s.words[n/64] &^= 1 << (n % 64)
	}
}

func (s *pageSet) count() (n int64) {
	for _, w := range s.words {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// index prepares before.
func (s *pageSet) index() {
	s.counts = make([]uint32, len(s.words))
	n := uint32(0)
	for i, w := range s.words {
		s.counts[i] = n
		n += uint32(bits.OnesCount64(w))
	}
}

// before is how many pages of the set come before one.
func (s *pageSet) before(n int64) int64 {
	return int64(s.counts[n/64]) + int64(bits.OnesCount64(s.words[n/64]&(1<<(n%64)-1)))
}

func readPageSet(r io.Reader, pages int64) (s pageSet, err error) {
	s.words = make([]uint64, pageSetBytes(pages)/8)
	err = binary.Read(r, binary.LittleEndian, s.words)
	s.index()
	return s, err
}

// inStep reads a base and the pages that differ from it in step, each file once, and returns the sums of the base and
// of the result. stored are the pages of the result that are not the base's; page reads one of them. each is told of
// every page: b is the base's, p the result's; nil = the file ends before.
func inStep(
	ctx context.Context, base *basePages, pages int64, stored *pageSet, page func(p []byte, n int64) error,
	each func(n int64, b, p []byte) error,
) (sums incrementSums, err error) {
	ofBase, ofResult := sha256.New(), sha256.New()
	theirs, own := make([]byte, pageBytes), make([]byte, pageBytes)
	for n := range max(pages, base.pages()) {
		if n%backupStep == 0 && ctx.Err() != nil {
			return sums, ctx.Err()
		}
		var b, p []byte
		if n < base.pages() {
			b = theirs
			if _, err := base.file.ReadAt(b, n*pageBytes); err != nil {
				return sums, err
			}
			ofBase.Write(b)
		}
		if n < pages {
			if p = b; stored.has(n) {
				p = own
				if err := page(p, n); err != nil {
					return sums, err
				}
			} else if b == nil {
				return sums, fmt.Errorf("page %d is neither in the base nor in the increment", n+1)
			}
			ofResult.Write(p)
		}
		if err := each(n, b, p); err != nil {
			return sums, err
		}
	}
	ofBase.Sum(sums.Base[:0])
	ofResult.Sum(sums.Result[:0])
	return sums, nil
}

// basePages is a base that is open.
type basePages struct {
	file  *os.File
	bytes int64
	alone
}

func (b *basePages) pages() int64 { return b.bytes / pageBytes }

// openBase opens a whole copy to be a base. The caller closes its file.
func openBase(path string) (b *basePages, err error) {
	if err := refuseIncrement(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: a base is what diskette backup DIR FILE has made", path)
	}
	if err := standsAlone(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &basePages{file: f, bytes: info.Size(), alone: alone{size: info.Size(), written: info.ModTime()}}, nil
}

// untilDone reads until a context is done.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (r untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

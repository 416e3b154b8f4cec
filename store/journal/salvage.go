package journal

import (
	"errors"
	"io"
	"os"
)

// Salvaged says what Salvage could read of a journal.
type Salvaged struct {
	Records int    // given to fn
	Last    uint64 // newest LSN of them, or what the search began with
	Missing []Span // records that are not there, in order; what came after the last that could be read is not known
	Foreign []string
}

// Span is LSNs from First to Last.
type Span struct{ First, Last uint64 }

// Salvage gives fn the records with LSN > applied that can be read in dir, in order, those behind gaps and
// damage too; it changes nothing. Segments of a server other than those with the identities are left out and
// named. payload is valid during the call.
func Salvage(dir string, applied uint64, identities []uint64, fn func(lsn uint64, payload []byte)) (Salvaged, error) {
	s := Salvaged{Last: applied}
	segments, err := list(dir)
	if err != nil {
		return s, err
	}
	for i, segment := range segments {
		end := ^uint64(0)
		if i+1 < len(segments) {
			end = segments[i+1].first
		}
		give := func(lsn uint64, payload []byte) {
			if lsn <= s.Last || lsn >= end {
				return
			}
			if lsn > s.Last+1 {
				s.Missing = append(s.Missing, Span{s.Last + 1, lsn - 1})
			}
			s.Records++
			s.Last = lsn
			fn(lsn, payload)
		}
		ours, err := segment.salvage(identities, give)
		if err != nil {
			return s, err
		}
		if !ours {
			s.Foreign = append(s.Foreign, segment.path)
		}
	}
	return s, nil
}

// salvage reads what can be read of one segment.
func (s *segment) salvage(identities []uint64, fn func(lsn uint64, payload []byte)) (ours bool, err error) {
	file, err := os.Open(s.path)
	if err != nil {
		return false, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	r, err := newReader(file, info.Size())
	if errors.Is(err, errVersion) {
		return true, err
	}
	if err == nil && r.version == 1 {
		for {
			payload, err := r.next(true)
			if err != nil {
				return true, nil //nolint:nilerr // here it ends
			}
			fn(r.lsn-1, payload)
		}
	}
	known := len(identities) == 0
	for _, id := range identities {
		known = known || err == nil && r.identity == id
	}
	if err == nil && !known {
		return false, nil
	}
	seeds, err := s.seeds(file)
	if err != nil {
		return true, err
	}
	for _, seed := range seeds { // one of them gives records
		f := finder{file: file, size: info.Size(), seed: seed, left: searchBytes}
		found := false
		err = f.each(segmentHeaderBytes, s.first, func(lsn uint64, at, length int64, _ bool) error {
			payload := make([]byte, length)
			if _, err := file.ReadAt(payload, at); err != nil {
				return err
			}
			found = true
			fn(lsn, payload)
			return nil
		})
		if err != nil || found {
			break
		}
	}
	return true, err
}

// seeds are what the frames' checksums may begin with: the header's checksum as it stands there
// and as it should be. If one bit of the header is damaged, one of the two is right.
func (s *segment) seeds(file io.ReaderAt) ([]uint32, error) {
	var h [segmentHeaderBytes]byte
	if n, err := file.ReadAt(h[:], 0); n < len(h) {
		return nil, eofIsNil(err)
	}
	stands, should := headerSums(h[:])
	return []uint32{stands, should}, nil
}

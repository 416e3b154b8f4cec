package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"

	"diskette/store/files"
)

func appendCRC(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// appendFrame appends a frame as format version 2 has it, to bytes that begin with a segment's header.
func appendFrame(b []byte, lsn uint64, marked bool, payload string) []byte {
	word := uint64(len(payload)) | lsn%(1<<24)<<39
	if marked {
		word |= 1 << 63
	}
	return appendWord(b, binary.LittleEndian.Uint32(b[32:]), lsn, word, payload)
}

func appendWord(b []byte, seed uint32, lsn, word uint64, payload string) []byte {
	frame := binary.LittleEndian.AppendUint64(nil, word)
	crc := crc32.Update(seed, castagnoli, binary.LittleEndian.AppendUint64(nil, lsn))
	crc = crc32.Update(crc32.Update(crc, castagnoli, frame), castagnoli, []byte(payload))
	frame = binary.LittleEndian.AppendUint32(frame, crc)
	return append(append(b, frame...), payload...)
}

// version1 is a segment as older versions wrote it.
func version1(first uint64, payloads ...string) []byte {
	b := binary.LittleEndian.AppendUint64(append([]byte("DKJOURNL"), 1, 0, 0, 0, 0, 0, 0, 0), first)
	b = appendCRC(b)
	for i, p := range payloads {
		b = appendWord(b, 0, first+uint64(i), uint64(len(p)), p)
	}
	return b
}

func TestTheFileFormatIsWhatThePackageCommentDraws(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0x3e7, Options{})
	store(t, j, "hello", "")
	store(t, j, "behind an fsync")
	closeIt(t, j)
	files := segmentFiles(t, dir)
	if len(files) != 1 || files[0] != dir+"/00000000000003e8.journal" {
		t.Fatalf("files %q", files)
	}
	got := readAll(t, files[0])
	want := append([]byte("DKJOURNL"), 2, 0, 0, 0)
	want = append(want, got[12:16]...) // random
	want = append(want, 0xe8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	want = appendFrame(appendFrame(appendCRC(want), 0x3e8, true, "hello"), 0x3e9, false, "")
	want = appendFrame(want, 0x3ea, true, "behind an fsync")
	if !bytes.Equal(got, want) {
		t.Fatalf("\n%x, want\n%x", got, want)
	}
}

func TestSegmentsOfVersion1AreRead(t *testing.T) {
	dir := t.TempDir()
	content := version1(1, "one", "two")
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), append(content, "torn"...), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir, 0, Options{})
	wantRecords(t, replayed(t, j, 1), "1:one", "2:two")
	store(t, j, "three")
	closeIt(t, j)
	wantRecords(t, reopened(t, dir), "1:one", "2:two", "3:three")
}

func TestSegmentNamesAreTheirFirstLSN(t *testing.T) {
	for _, first := range []uint64{0, 1, 255, 1 << 63} {
		if got, ok := segmentFirst(segmentName(first)); !ok || got != first {
			t.Errorf("%d: %s reads back as %d, %v", first, segmentName(first), got, ok)
		}
	}
	for _, name := range []string{"", ".journal", "1.journal", "+000000000000001.journal", "000000000000000A.journal", "0000000000000001.journa"} {
		if _, ok := segmentFirst(name); ok {
			t.Errorf("%q passes for a segment", name)
		}
	}
}

// FuzzReadSegment feeds the reader any bytes: it must end, stay within the file, agree with itself when it skips
// payloads, and return only records that encode back to the same bytes.
func FuzzReadSegment(f *testing.F) {
	whole := appendFrame(appendFrame(encodeSegmentHeader(7, 8, 9), 7, true, "hello"), 8, false, "")
	f.Add([]byte{})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(whole[:segmentHeaderBytes+3])
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...))
	f.Add(make([]byte, 64))
	f.Add(version1(7, "hello", "", "you"))
	f.Add(binary.LittleEndian.AppendUint64(bytes.Clone(whole), 1<<63))
	f.Add(append(binary.LittleEndian.AppendUint64(encodeSegmentHeader(1, 0, 0), ^uint64(0)), "0123456789"...))
	f.Add(appendFrame(encodeSegmentHeader(^uint64(0), 0, 0), ^uint64(0), false, "the last LSN of all"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := newReader(bytes.NewReader(content), int64(len(content)))
		skim, skimErr := newReader(bytes.NewReader(content), int64(len(content)))
		if (err == nil) != (skimErr == nil) {
			t.Fatalf("%v, %v", err, skimErr)
		}
		if err != nil {
			wantDamage(t, err)
			return
		}
		again := encodeSegmentHeader(r.first, r.identity, binary.LittleEndian.Uint32(content[12:]))
		if r.version == 1 {
			again = bytes.Clone(content[:headerBytes1]) // what is reserved is not looked at
		}
		if !bytes.HasPrefix(content, again) {
			t.Fatal("the header does not encode back")
		}
		for {
			at := r.offset
			payload, err := r.next(true)
			_, skimErr := skim.next(false)
			if (err == nil) != (skimErr == nil) || r.offset != skim.offset || r.lsn != skim.lsn {
				t.Fatalf("reading: %v at %d; skipping: %v at %d", err, r.offset, skimErr, skim.offset)
			}
			if err != nil {
				if err != io.EOF {
					wantDamage(t, err)
				}
				break
			}
			again = appendWord(again, r.seed, r.lsn-1, binary.LittleEndian.Uint64(content[at:]), string(payload))
		}
		if !bytes.Equal(again, content[:r.offset]) {
			t.Fatal("the records do not encode back to the file")
		}
	})
}

func wantDamage(t *testing.T, err error) {
	t.Helper()
	var d *damage
	if !errors.As(err, &d) && !errors.Is(err, errVersion) {
		t.Fatalf("an unexpected kind of error: %v", err)
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestUnderAlwaysZerosRunAheadOfTheRecordsUntilTheSegmentEnds(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{})
	length := func() int64 {
		t.Helper()
		info, err := os.Stat(segmentFiles(t, dir)[0])
		if err != nil {
			t.Fatal(err)
		}
		if s := j.Stats(); s.Bytes != info.Size() {
			t.Fatalf("Stats says %d bytes, the file has %d", s.Bytes, info.Size())
		}
		return info.Size()
	}
	store(t, j, "first")
	began := length()
	store(t, j, "second")
	if now := length(); now != began || now < zeroBytes {
		t.Fatalf("the file grew from %d to %d bytes", began, now)
	}
	copied := killed(t, dir)
	store(t, j, string(make([]byte, zeroBytes)))
	if now := length(); now < began+zeroBytes {
		t.Fatalf("%d bytes after %d and a record of %d", now, began, zeroBytes)
	}
	closeIt(t, j)
	if now := length(); now >= began+zeroBytes {
		t.Fatalf("%d bytes are left", now)
	}
	wantRecords(t, reopened(t, copied), "1:first", "2:second")
}

func TestZerosThatCanNotBeWrittenAreDoneWithout(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 0, Options{Disk: files.Disk{Fault: func(c files.Call) (int, error) {
		if c.Op == files.Write && len(c.Data) == zeroBytes {
			return zeroBytes / 2, errors.New("no space")
		}
		return len(c.Data), nil
	}}})
	store(t, j, "first", "second")
	content := readAll(t, segmentFiles(t, dir)[0])
	if len(content) != segmentHeaderBytes+2*frameHeaderBytes+len("first")+len("second") {
		t.Fatalf("%d bytes in the file", len(content))
	}
	wantRecords(t, reopened(t, killed(t, dir)), "1:first", "2:second")
	closeIt(t, j)
}

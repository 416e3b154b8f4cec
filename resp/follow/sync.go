package follow

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// IDBytes is the length of a replication id.
const IDBytes = 40

// A SyncKind is what a master answers to PSYNC.
type SyncKind int

const (
	Full     SyncKind = iota // a snapshot follows, whose stream begins at an offset
	Continue                 // the stream goes on where the replica was
	NotNow                   // the master can not just now
	Never                    // it does not know PSYNC
)

// A Sync is the answer to PSYNC.
type Sync struct {
	Kind   SyncKind
	ID     string // of the history; of Continue "" = the one that was asked for
	Offset int64  // of Full
}

// ParseSync reads the answer to PSYNC.
func ParseSync(line string) (Sync, error) {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
	case words[0] == "+FULLRESYNC" && len(words) == 3 && isID(words[1]):
		offset, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil || offset < 0 {
			break
		}
		return Sync{Kind: Full, ID: words[1], Offset: offset}, nil
	case words[0] == "+CONTINUE" && len(words) == 1:
		return Sync{Kind: Continue}, nil
	case words[0] == "+CONTINUE" && isID(words[1]):
		return Sync{Kind: Continue, ID: words[1]}, nil
	case words[0] == "-NOMASTERLINK" || words[0] == "-LOADING":
		return Sync{Kind: NotNow}, nil
	case line[0] == '-':
		return Sync{Kind: Never}, nil
	}
	return Sync{}, fmt.Errorf("%w: %.80q in answer to PSYNC", ErrProtocol, line)
}

func isID(s string) bool {
	return len(s) == IDBytes && strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}

// A Snapshot is the framing of an RDB file in the stream.
type Snapshot struct {
	Size int64 // bytes, -1 = it ends with a mark
	mark string
	r    *Reader
	left int64
}

// Snapshot reads the line before a snapshot.
func (r *Reader) Snapshot() (*Snapshot, error) {
	line, err := r.Line()
	if err != nil {
		return nil, err
	}
	switch mark, marked := strings.CutPrefix(line, "$EOF:"); {
	case line[0] == '-':
		return nil, fmt.Errorf("%w: the snapshot is refused: %.200q", ErrProtocol, line)
	case marked && len(mark) == IDBytes:
		return &Snapshot{Size: -1, mark: mark, r: r}, nil
	case line[0] == '$' && !marked:
		if n, ok := number([]byte(line[1:])); ok && n > 0 {
			return &Snapshot{Size: n, r: r, left: n}, nil
		}
	}
	return nil, fmt.Errorf("%w: %.80q instead of a snapshot", ErrProtocol, line)
}

// Read reads the file. If it ends with a mark, only who reads the file knows where that is.
func (s *Snapshot) Read(p []byte) (int, error) {
	if s.Size < 0 {
		return s.r.Read(p)
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

// End is called when the file has been read to its end; rest is what was read of it too much, or is still to be read.
// It reads up to the stream, whose offset is the caller's to set.
func (s *Snapshot) End(ahead []byte) error {
	if s.Size >= 0 {
		if n := int64(len(ahead)) + s.left; n != 0 {
			return fmt.Errorf("%w: %d bytes behind the snapshot's end", ErrProtocol, n)
		}
		return nil
	}
	mark := make([]byte, len(s.mark))
	n := copy(mark, ahead)
	if _, err := io.ReadFull(s.r, mark[n:]); err != nil {
		return unexpected(err)
	}
	if string(mark) != s.mark {
		return fmt.Errorf("%w: the snapshot does not end with its mark", ErrProtocol)
	}
	s.r.unread(ahead[n:])
	return nil
}

// unread puts back what was read ahead of the stream.
func (r *Reader) unread(b []byte) {
	if len(b) > 0 {
		left := r.buf[r.at:r.end]
		buf := make([]byte, max(len(b)+len(left), lineBytes))
		r.end = copy(buf, b)
		r.end += copy(buf[r.end:], left)
		r.buf, r.at = buf, 0
	}
}

// Append appends a command as a replica sends it.
func Append(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// Equal reports whether an argument is a word, in any case.
func Equal(arg []byte, word string) bool { return bytes.EqualFold(arg, []byte(word)) }

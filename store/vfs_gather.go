package store

import "encoding/binary"

// gathering is the frames of a transaction under way that SQLite has written to the WAL and the file does not have yet.
// SQLite writes each with two calls, its header of 24 bytes and its page, one frame behind the other: thousands for a
// write-back, at its commit and whenever the cache is full. They go to the file many at a time.
//
// A frame takes 11.2 us that way and 4.7 gathered, on a machine that others use; 16 at a time 7.0. With SETs at random
// over five million keys and maxmemory 128mb it was 6.1 % of the server's processor time and is 2.4. To read the WAL
// ahead for a checkpoint, 16 frames at a time, would save half of 2 %: it was left.
//
// What must never break:
//
//	G1  Whoever hears of a transaction finds its frames in the file. Others hear of it when SQLite has written
//	    the last frame, whose header says that it is the last, has fsynced the WAL where it does that, and then
//	    changes the header of the WAL's index. So a header that says so goes to the file at once, with all that
//	    is gathered before it, and nothing is gathered after it but what begins with a header that does not say
//	    so. That holds whatever PRAGMA synchronous is, and for padding: the last frame once more, with such a
//	    header.
//	G2  Nothing is gathered when another may write to the WAL. Who does has the lock for writing, a byte of the
//	    index's file. SQLite comes to that file by SharedMemory of the database's, for each lock that it takes
//	    or lets go of and each part that it maps: what is gathered goes to the WAL before. So do the frames of a
//	    transaction that is undone before the lock is let go of; they are as others there that nobody looks at.
//	G3  A frame that could not be written is not taken for one that is there. A write of what is gathered that
//	    fails is the failure of the write for which it was made, and SQLite undoes the transaction. One that is
//	    made for something else loses what was gathered, and the transaction may go on: then the next write
//	    fails, too, which comes before others hear of it (G1), and a read of what was lost. But a header at the
//	    place of what was lost, or before it, says that SQLite has undone that.
//
// SQLite also writes over frames of the transaction under way: a page that it has changed since, then the headers of
// all from there on (walRewriteChecksums), after the last frame and ending with the last one's header, G1; and frames
// of a part that was undone (ROLLBACK TO). Those that are gathered are changed where they are.
//
// The file gets the same bytes in the same order in fewer calls, and has them all at an fsync. So a power cut leaves
// nothing that it did not leave before, and doubt knows what was written, not what is gathered.
type gathering struct {
	file  *doubtFile
	most  int    // bytes, whole frames
	at    int64  // where the first one belongs
	bytes []byte // that follow each other
	lost  struct {
		span
		err error // why it is not in the file; nil = nothing was lost
	}
}

func newGathering(file *doubtFile, most int) *gathering {
	return &gathering{file: file, most: max(most/walFrameBytes, 1) * walFrameBytes}
}

// isHeader reports whether a write is of a frame's header.
func isHeader(p []byte, off int64) bool {
	return len(p) == frameHeaderBytes && off >= walHeaderBytes && (off-walHeaderBytes)%walFrameBytes == 0
}

// isLast reports whether a frame's header says that the frame is a transaction's last.
func isLast(header []byte) bool { return binary.BigEndian.Uint32(header[4:]) != 0 }

func (g *gathering) write(p []byte, off int64) (int, error) {
	header := isHeader(p, off)
	if err := g.lost.err; err != nil { // G3
		g.lost.err = nil
		if off >= walHeaderBytes && (!header || off > g.lost.from) {
			return 0, err
		}
	}
	last := header && isLast(p)
	end := g.at + int64(len(g.bytes))
	switch {
	case !last && g.has(p, off):
		return copy(g.bytes[off-g.at:], p), nil
	case header && !last && (off != end || len(g.bytes) == g.most):
		if err := g.flush(); err != nil {
			return 0, err
		}
		g.at = off
	case header && off == end && len(g.bytes) < g.most, !header && off == end && g.wantsPage(p):
	default:
		if err := g.flush(); err != nil {
			return 0, err
		}
		return g.file.put(p, off)
	}
	if g.bytes == nil {
		g.bytes = make([]byte, 0, g.most)
	}
	g.bytes = append(g.bytes, p...)
	if last { // G1
		if err := g.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// wantsPage reports whether p may be the page of the header that was gathered last.
func (g *gathering) wantsPage(p []byte) bool {
	return len(p) == pageBytes && len(g.bytes)%walFrameBytes == frameHeaderBytes
}

// has reports whether all bytes of p have their place among what is gathered.
func (g *gathering) has(p []byte, off int64) bool {
	return len(g.bytes) > 0 && off >= g.at && off+int64(len(p)) <= g.at+int64(len(g.bytes))
}

func (g *gathering) read(p []byte, off int64) (int, error) {
	if g.has(p, off) {
		return copy(p, g.bytes[off-g.at:]), nil
	}
	to := off + int64(len(p))
	if off < g.at+int64(len(g.bytes)) && g.at < to { // a part of it
		if err := g.out(); err != nil {
			return 0, err
		}
	}
	if g.lost.err != nil && off < g.lost.to && g.lost.from < to { // G3
		g.lost.to = g.lost.from // once: then the transaction is undone, and another program may have written there
		return 0, g.lost.err
	}
	return g.file.File.ReadAt(p, off)
}

// out brings to the file what is gathered, for something else than a write: G3.
func (g *gathering) out() error {
	s := span{g.at, g.at + int64(len(g.bytes))}
	err := g.flush()
	if err != nil {
		g.lost.span, g.lost.err = s, err
	}
	return err
}

// flush brings to the file what is gathered. When it fails that is gone.
func (g *gathering) flush() error {
	if len(g.bytes) == 0 {
		return nil
	}
	b := g.bytes
	g.bytes = g.bytes[:0]
	_, err := g.file.put(b, g.at)
	return err
}

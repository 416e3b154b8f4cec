package rdb

import (
	"hash/crc64"
	"io"
)

const (
	windowBytes    = 64 << 10
	maxWindowSpare = 4 << 20 // a larger buffer is given back when what made it so large has been read
)

// A window is the part of a file that is in memory. It grows as bytes arrive, not as the file says that they will,
// and keeps the checksum of what has been read.
type window struct {
	src    io.Reader
	buf    []byte // the reader's b is its end
	summed int    // how many bytes of buf are in the sum
	sum    uint64 // as Go's package has it, see checksum
	err    error  // the source's, io.EOF at the end
}

func newWindow(src io.Reader) *window {
	return &window{src: src, buf: make([]byte, 0, windowBytes), sum: ^uint64(0)}
}

// fill brings r.b to at least n bytes and reports whether it could.
func (w *window) fill(r *reader, n uint64) bool {
	w.account(len(r.b))
	w.move(len(r.b))
	for uint64(len(w.buf)) < n && w.err == nil {
		if len(w.buf) == cap(w.buf) {
			w.grow(n)
		}
		w.read()
	}
	r.end += int64(len(w.buf) - len(r.b))
	r.b = w.buf
	return uint64(len(r.b)) >= n
}

// account adds what has been read of buf, all but the last so many bytes, to the sum.
func (w *window) account(unread int) {
	read := len(w.buf) - unread
	w.sum = crc64.Update(w.sum, jones, w.buf[w.summed:read])
	w.summed = read
}

// move brings the last so many bytes to the front of buf.
func (w *window) move(unread int) {
	rest := w.buf[len(w.buf)-unread:]
	if cap(w.buf) > maxWindowSpare && unread < windowBytes/2 {
		w.buf = make([]byte, 0, windowBytes)
	}
	w.buf = append(w.buf[:0], rest...)
	w.summed = 0
}

// grow doubles the buffer, to no more than what is wanted.
func (w *window) grow(n uint64) {
	size := uint64(cap(w.buf)) * 2
	if n > uint64(cap(w.buf)) {
		size = min(size, n)
	}
	w.buf = append(make([]byte, 0, size), w.buf...)
}

// read reads once from the source.
func (w *window) read() {
	for range 100 {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if w.err = err; n > 0 || err != nil {
			return
		}
	}
	w.err = io.ErrNoProgress
}

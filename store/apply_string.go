package store

func (w *writer) setValue(e *entry) {
	if len(e.value) >= chunkBytes {
		w.leave(e.id, 0, lastChunk)
		w.run(w.dropChunks, e.id)
		w.run(w.long, e.id, int64(len(e.value)))
		w.chunks(e)
		return
	}
	w.bindID(w.value, e.id)
	w.bindBlob(w.value, 2, e.value)
	w.step(w.value)
	if w.err == nil && w.c.Changes() == 0 { // it was long
		w.leave(e.id, 0, lastChunk)
		w.run(w.dropChunks, e.id)
		w.run(w.short, e.id, e.value)
	}
}

// chunks writes a long value's rows.
func (w *writer) chunks(e *entry) {
	for n := 0; n*chunkBytes < len(e.value); n++ {
		data := e.value[n*chunkBytes : min(len(e.value), (n+1)*chunkBytes)]
		w.run(w.putChunk, e.id, int64(n), data)
		w.wrote(len(data))
	}
}

// patch rewrites a short string, or the chunks of a long one that an entry's patches touch, each once.
func (w *writer) patch(e *entry) {
	if e.patched.length < chunkBytes {
		w.patchWhole(e)
		return
	}
	touched := map[int64][]byte{}
	for _, p := range e.patched.patches {
		for at, data := p.offset, p.data; len(data) > 0; {
			n, off := at/chunkBytes, int(at%chunkBytes)
			chunk, ok := touched[n]
			if !ok {
				chunk = w.readChunk(e.id, n)
			}
			k := min(chunkBytes-off, len(data))
			if len(chunk) < off+k {
				chunk = append(chunk, make([]byte, off+k-len(chunk))...)
			}
			copy(chunk[off:], data[:k])
			touched[n] = chunk
			at, data = at+int64(k), data[k:]
		}
	}
	for n, chunk := range touched {
		w.leave(e.id, n, n)
		w.run(w.putChunk, e.id, n, chunk)
	}
	w.run(w.length, e.id, e.patched.length)
}

func (w *writer) patchWhole(e *entry) {
	w.bindID(w.whole, e.id)
	value := w.readBlob(w.whole)
	value = append(value, make([]byte, max(0, int(e.patched.length)-len(value)))...)
	for _, p := range e.patched.patches {
		copy(value[p.offset:], p.data)
	}
	w.bindID(w.value, e.id)
	w.bindBlob(w.value, 2, value)
	w.step(w.value)
}

func (w *writer) readChunk(id, n int64) []byte {
	w.bindID(w.chunk, id)
	w.bindInt(w.chunk, 2, n)
	return w.readBlob(w.chunk)
}

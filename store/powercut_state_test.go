package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A choice says, of everything that a medium leaves open, what the disk has.
type choice struct {
	what string
	page func(f *inode, n int64, p cached) (i, sectors int) // content i, and so many sectors of the one after it
	size func(f *inode) int
	name func(v move) bool
}

// image is what a disk holds: contents by path, nil for a directory.
type image map[string][]byte

func (m *medium) image(c choice) image {
	names := map[string]int{}
	for name, i := range m.onDisk {
		names[name] = i
	}
	for _, v := range m.moves {
		if c.name(v) {
			v.apply(names)
		}
	}
	g := image{}
	for name, i := range names {
		if f := m.inodes[i]; f.dir {
			g[name] = nil
		} else {
			g[name] = f.content(c)
		}
	}
	return g
}

func (f *inode) content(c choice) []byte {
	size := f.sizes[c.size(f)]
	b := make([]byte, size.size)
	for n, p := range f.pages {
		if n*pageSize >= size.size {
			continue
		}
		i, sectors := c.page(f, n, *p)
		for _, cut := range f.cuts {
			first := p.from(cut, n)
			switch {
			case first == 0:
			case size.seq >= cut.seq && i < first:
				i, sectors = first, 0
			case size.seq < cut.seq && i >= first:
				i, sectors = first-1, 0
			}
		}
		at := b[n*pageSize:]
		copy(at, (*p)[i].data)
		if sectors > 0 && i+1 < len(*p) {
			torn := min(sectors*sectorSize, len(at))
			clear(at[:torn])
			copy(at[:torn], (*p)[i+1].data)
		}
	}
	return b
}

func (g image) write(root string) error {
	for _, name := range slices.Sorted(keysOf(g)) {
		to := filepath.Join(root, name)
		if g[name] == nil {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
		} else if err := os.WriteFile(to, g[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// otherBoot makes the state file one that another run of the kernel has left: a power cut ends that.
func (g image) otherBoot() {
	const block, boot, size = 4096, 64, 84 // as journal.State has them
	b := g["data/"+stateName]
	for at := 0; at+size <= len(b); at += block {
		c := b[at : at+size]
		whole := crc32.Checksum(c[:size-4], castagnoli) == binary.LittleEndian.Uint32(c[size-4:])
		if c[boot]++; whole {
			binary.LittleEndian.PutUint32(c[size-4:], crc32.Checksum(c[:size-4], castagnoli))
		}
	}
}

func (g image) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, name := range slices.Sorted(keysOf(g)) {
		fmt.Fprintf(&h, "%s %d\n", name, len(g[name]))
		h.Write(g[name])
	}
	return h.Sum64()
}

func (g image) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(keysOf(g)) {
		fmt.Fprintf(&b, "  %s, %d bytes\n", name, len(g[name]))
	}
	return b.String()
}

func keysOf(g image) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range g {
			if !yield(name) {
				return
			}
		}
	}
}

// upTo is the disk to which everything came that was done up to an event, and nothing later.
func upTo(seq int) choice {
	return choice{
		what: fmt.Sprintf("what was done up to event %d", seq),
		page: func(_ *inode, _ int64, p cached) (int, int) { return p.at(seq), 0 },
		size: func(f *inode) int { return sizeAt(f.sizes, seq) },
		name: func(v move) bool { return v.seq <= seq },
	}
}

func (p cached) at(seq int) (i int) {
	for i+1 < len(p) && p[i+1].seq <= seq {
		i++
	}
	return i
}

func sizeAt(sizes []length, seq int) (i int) {
	for i+1 < len(sizes) && sizes[i+1].seq <= seq {
		i++
	}
	return i
}

// cut is what the disk may hold if the power goes now, as r decides.
func (m *medium) cut(r *rand.Rand) choice {
	nothing, all := upTo(-1), upTo(m.seq)
	seqs := m.unsynced()
	if len(seqs) == 0 {
		return nothing
	}
	one := seqs[r.IntN(len(seqs))]
	c := all
	switch r.IntN(9) {
	case 0:
		c = nothing
		c.what = "nothing unsynced"
	case 1:
		c = upTo(one)
	case 2:
		c.what = fmt.Sprintf("all but event %d", one)
		c.page = func(_ *inode, _ int64, p cached) (int, int) {
			if i := p.at(one); p[i].seq == one && i > 0 {
				return i - 1, 0
			}
			return len(p) - 1, 0
		}
		c.name = func(v move) bool { return v.seq != one }
	case 3:
		c = nothing
		c.what = fmt.Sprintf("event %d alone", one)
		c.page = func(_ *inode, _ int64, p cached) (int, int) {
			if i := p.at(one); p[i].seq == one {
				return i, 0
			}
			return 0, 0
		}
		c.size = func(f *inode) int {
			if i := sizeAt(f.sizes, one); f.sizes[i].seq == one {
				return i
			}
			return 0
		}
		c.name = func(v move) bool { return v.seq == one }
	case 4, 5:
		c.what = fmt.Sprintf("event %d torn", one)
		sectors := 1 + r.IntN(pageSize/sectorSize-1)
		c.page = func(_ *inode, _ int64, p cached) (int, int) {
			if i := p.at(one); p[i].seq == one && i > 0 {
				return i - 1, sectors
			}
			return len(p) - 1, 0
		}
	case 6:
		c.what = "lengths before data"
		c.page = func(f *inode, n int64, p cached) (int, int) {
			if n*pageSize+pageSize > f.sizes[0].size {
				return 0, 0
			}
			return r.IntN(len(p)), 0
		}
	case 7:
		c.what = "names in another order"
		c.name = func(move) bool { return r.IntN(2) == 0 }
	case 8:
		c.what = "anything"
		c.page = func(_ *inode, _ int64, p cached) (int, int) {
			return r.IntN(len(p)), r.IntN(2) * r.IntN(pageSize/sectorSize)
		}
		c.size = func(f *inode) int { return r.IntN(len(f.sizes)) }
		c.name = func(move) bool { return r.IntN(2) == 0 }
	}
	return c
}

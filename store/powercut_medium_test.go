package store

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"diskette/store/files"
)

// event is one change of the disk: a call that was made, or that failed.
type event struct {
	files.Call // Path and To from the directory that holds the data directory
	failed     bool
}

// medium is a disk behind a page cache. It has been through the first events of a recording,
// and knows of each page and name what the disk may hold if the power goes now:
//
//   - a page that was written is dirty: the disk has any of its contents since the fsync before, in units of 512 bytes;
//   - an fsync writes the dirty pages as they are in the cache; one that fails leaves them clean: the disk has any
//     of their contents, and no later fsync writes them, until they are written to again;
//   - a file's length goes to disk with an fsync, or alone and before the data: then there are zeros in its place;
//   - names are there, gone or changed once their directory was fsynced, before that or not, one by one.
type medium struct {
	seq    int // events so far
	inodes []*inode
	names  map[string]int // as the cache has them: path to inode
	onDisk map[string]int // as the disk has them for certain
	moves  []move         // changes of names that no fsync has covered
}

const (
	pageSize   = 4096
	sectorSize = 512
)

type inode struct {
	dir   bool
	sizes []length          // what the disk may have; the last is the cache's
	cuts  []length          // truncations since the last fsync
	pages map[int64]*cached // by number
	dirty map[int64]bool
}

type length struct {
	seq  int
	size int64
}

// cached are the contents of a page that the disk may have, the cache's last; nil is zeros.
type cached []content4k

type content4k struct {
	seq  int
	data []byte
}

// move is a change of names: from alone is a removal, to alone a new name.
type move struct {
	seq      int
	from, to string
	inode    int
}

func newMedium() *medium {
	return &medium{inodes: []*inode{{dir: true}}, names: map[string]int{".": 0}, onDisk: map[string]int{".": 0}}
}

// holding is a medium whose disk holds what stands in a directory.
func holding(root string) *medium {
	m := newMedium()
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if strings.HasSuffix(rel, "-shm") {
			return nil
		}
		m.names[rel] = m.add(e.IsDir())
		m.onDisk[rel] = m.names[rel]
		if e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(name)
		f := m.inodes[m.names[rel]]
		f.write(0, 0, b)
		f.sync()
		return err
	})
	if err != nil {
		panic(err)
	}
	return m
}

func (m *medium) add(dir bool) int {
	m.inodes = append(m.inodes, &inode{dir: dir, sizes: []length{{}}, pages: map[int64]*cached{}, dirty: map[int64]bool{}})
	return len(m.inodes) - 1
}

// take goes through one more event.
func (m *medium) take(e event) {
	m.seq++
	var f *inode
	if i, ok := m.names[e.Path]; ok {
		f = m.inodes[i]
	}
	if e.failed && e.Op != files.Write && e.Op != files.Sync {
		return
	}
	switch e.Op {
	case files.Create, files.Mkdir:
		if f == nil {
			m.move(move{to: e.Path, inode: m.add(e.Op == files.Mkdir)})
		} else if e.Op == files.Create {
			f.truncate(m.seq, 0)
		}
	case files.Write:
		f.write(m.seq, e.At, e.Data)
	case files.Truncate:
		f.truncate(m.seq, e.At)
	case files.Sync:
		if e.failed {
			clear(f.dirty)
		} else {
			f.sync()
		}
	case files.Remove:
		if f != nil {
			m.move(move{from: e.Path, inode: m.names[e.Path]})
		}
	case files.Rename:
		if f != nil {
			m.move(move{from: e.Path, to: e.To, inode: m.names[e.Path]})
		}
	case files.SyncDir:
		m.moves = slices.DeleteFunc(m.moves, func(v move) bool {
			in := v.from != "" && path.Dir(v.from) == e.Path || v.to != "" && path.Dir(v.to) == e.Path
			if in {
				v.apply(m.onDisk)
			}
			return in
		})
	}
}

func (m *medium) move(v move) {
	v.seq = m.seq
	v.apply(m.names)
	m.moves = append(m.moves, v)
}

// apply changes names; a move whose name is not there changes none.
func (v move) apply(names map[string]int) {
	if v.from != "" {
		if i, ok := names[v.from]; !ok || i != v.inode {
			return
		}
	}
	if v.to != "" {
		if _, ok := names[path.Dir(v.to)]; !ok {
			return
		}
	}
	under := map[string]int{}
	for name, i := range names {
		if v.from != "" && (name == v.from || strings.HasPrefix(name, v.from+"/")) {
			under[name] = i
			delete(names, name)
		}
	}
	if v.to == "" {
		return
	}
	names[v.to] = v.inode
	for name, i := range under {
		names[v.to+strings.TrimPrefix(name, v.from)] = i
	}
}

func (f *inode) size() int64 { return f.sizes[len(f.sizes)-1].size }

func (f *inode) page(n int64) *cached {
	p := f.pages[n]
	if p == nil {
		p = &cached{{}}
		f.pages[n] = p
	}
	return p
}

func (p *cached) last() []byte { return (*p)[len(*p)-1].data }

func (f *inode) write(seq int, at int64, data []byte) {
	end := at + int64(len(data))
	for len(data) > 0 {
		n, skip := at/pageSize, at%pageSize
		part := data[:min(int64(len(data)), pageSize-skip)]
		p := f.page(n)
		b := make([]byte, pageSize)
		copy(b, p.last())
		copy(b[skip:], part)
		if p.last() == nil && len(bytes.Trim(part, "\x00")) == 0 {
			b = nil
		}
		*p = append(*p, content4k{seq, b})
		f.dirty[n] = true
		at, data = at+int64(len(part)), data[len(part):]
	}
	if end > f.size() {
		f.sizes = append(f.sizes, length{seq, end})
	}
}

func (f *inode) truncate(seq int, size int64) {
	if size < f.size() {
		f.cuts = append(f.cuts, length{seq, size})
	}
	for n, p := range f.pages {
		if (n+1)*pageSize <= size || p.last() == nil {
			continue
		}
		var b []byte
		if keep := size - n*pageSize; keep > 0 {
			b = make([]byte, pageSize)
			copy(b, p.last()[:keep])
		}
		*p = append(*p, content4k{seq, b})
		f.dirty[n] = true
	}
	f.sizes = append(f.sizes, length{seq, size})
}

// sync brings the dirty pages and the length to disk. A clean page keeps its contents of
// before, except for those that a truncation has cut off.
func (f *inode) sync() {
	for n, p := range f.pages {
		if f.dirty[n] {
			*p = (*p)[len(*p)-1:]
			continue
		}
		for _, c := range f.cuts {
			if i := p.from(c, n); i > 0 {
				*p = (*p)[i:]
			}
		}
	}
	f.sizes = f.sizes[len(f.sizes)-1:]
	f.cuts = nil
	clear(f.dirty)
}

// from is the index of the first content that a page can have after a truncation.
func (p *cached) from(cut length, n int64) (i int) {
	if (n+1)*pageSize <= cut.size {
		return 0
	}
	for i < len(*p)-1 && (*p)[i].seq < cut.seq {
		i++
	}
	return i
}

// unsynced are the events of which it is open whether the disk has what they did.
func (m *medium) unsynced() (seqs []int) {
	for _, f := range m.inodes {
		if f.dir {
			continue
		}
		for _, p := range f.pages {
			for _, c := range (*p)[1:] {
				seqs = append(seqs, c.seq)
			}
		}
		for _, s := range f.sizes[1:] {
			seqs = append(seqs, s.seq)
		}
	}
	for _, v := range m.moves {
		seqs = append(seqs, v.seq)
	}
	slices.Sort(seqs)
	return slices.Compact(seqs)
}

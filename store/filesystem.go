package store

import "path/filepath"

// FileSystem is how large a directory's file system is, and how much of it is free for this process, in bytes;
// -1 = not known.
func FileSystem(dir string) (total, free int64) { return totalBytes(dir), freeBytes(dir) }

// UsedDisk is Stats' UsedDisk, without the rest. It takes a few microseconds and no lock of the keyspace.
func (st *Store) UsedDisk() int64 { return st.usedDisk() }

// DataBytes is what the files of a data directory take that Bounds.Disk bounds, before a store is open; 0 = there are
// none.
func DataBytes(dir string) (bytes int64) {
	base := filepath.Join(dir, databaseFile)
	files, _ := filepath.Glob(filepath.Join(dir, "journal", "*.journal"))
	for _, file := range append(files, base, base+"-wal", filepath.Join(dir, reserveFile)) {
		bytes += fileBytes(file)
	}
	return bytes
}

package store

// FileSystem is how large a directory's file system is, and how much of it is free for this process, in bytes;
// -1 = not known.
func FileSystem(dir string) (total, free int64) { return totalBytes(dir), freeBytes(dir) }

// UsedDisk is Stats' UsedDisk, without the rest. It takes a few microseconds and no lock of the keyspace.
func (st *Store) UsedDisk() int64 { return st.usedDisk() }

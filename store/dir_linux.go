package store

import (
	"os"
	"syscall"
)

// networkFS names the network file system that a directory is on, "" when it is none. The numbers
// are the f_type values of statfs(2).
func networkFS(dir string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return ""
	}
	return map[uint32]string{
		0x6969:     "NFS",
		0x517b:     "SMB",
		0xff534d42: "CIFS",
		0xfe534d42: "SMB2",
		0x01021997: "9P",
		0x5346414f: "AFS",
		0x00c36400: "Ceph",
		0x0bd00bd0: "Lustre",
		0x7461636f: "OCFS2",
		0x01161970: "GFS2",
	}[uint32(s.Type)]
}

// freeBytes is how much room a directory's file system has for this process; -1 = not known.
func freeBytes(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

// totalBytes is how large a directory's file system is; -1 = not known.
func totalBytes(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Blocks) * int64(s.Bsize)
}

// allocate makes an empty file take up n bytes on disk. It does not try where they are not
// free: to be told so, it would take what is left from everybody for a while.
func allocate(f *os.File, n int64) error {
	var s syscall.Statfs_t
	if syscall.Fstatfs(int(f.Fd()), &s) == nil && uint64(n) > s.Bavail*uint64(s.Bsize) {
		return syscall.ENOSPC
	}
	err := syscall.Fallocate(int(f.Fd()), 0, 0, n)
	if err == syscall.EOPNOTSUPP {
		return writeZeros(f, n)
	}
	return err
}

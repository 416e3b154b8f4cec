//go:build !linux

package files

import "os"

// datasync makes the file's data last.
func datasync(f *os.File) error { return f.Sync() }

//go:build !linux

package store

import "os"

// networkFS is not known here: the operator's care is needed.
func networkFS(string) string { return "" }

// freeBytes is not known here.
func freeBytes(string) int64 { return -1 }

// totalBytes is not known here.
func totalBytes(string) int64 { return -1 }

// allocate makes a file take up n bytes on disk.
func allocate(f *os.File, n int64) error { return writeZeros(f, n) }

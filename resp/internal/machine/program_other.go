//go:build !linux

package machine

// ReadProgramSparingly does nothing here: only Linux is told of a process's memory limit.
func ReadProgramSparingly() error { return nil }

// LetProgramGo does nothing here.
func LetProgramGo() {}

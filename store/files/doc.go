// Package files changes what is on disk: the calls of package os that the store and its journal need, each made
// lasting by an fsync that the caller asks for, and each in sight of a test, which can watch them, let them fail and
// build from them what a disk may hold after a power cut.
//
// Its invariant: it changes nothing before it has asked Disk.Fault. So the calls that a test has seen are all that was
// changed through it, in their order, and what a disk may hold can be made of some of them. What is lasting is what a
// call's comment says and no more: a name is when its directory was fsynced, bytes are when their file was.
//
// Locks: none. The calls may come from any goroutine; Fault must bear that.
//
//	files.go                              the changes
//	datasync_linux.go datasync_other.go   fdatasync(2), and what stands for it elsewhere
package files

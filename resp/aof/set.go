package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Kind is what a file is for, by the manifest's letter.
type Kind byte

const (
	Base    Kind = 'b'
	Incr    Kind = 'i'
	History Kind = 'h'
)

// A Part is one of the files.
type Part struct {
	Path  string
	Kind  Kind
	Seq   int64
	Bytes int64 // its size when it was found
}

// A Set is what makes up an append-only file.
type Set struct {
	Manifest string // its path, "" for a single file of Redis before 7
	Parts    []Part // in the order of loading
	History  []Part // not loaded
}

// Bytes is how much there is to load.
func (s *Set) Bytes() (n int64) {
	for _, p := range s.Parts {
		n += p.Bytes
	}
	return n
}

// Find returns the files in dir under the names of the settings appenddirname and appendfilename. The error is
// fs.ErrNotExist when there are none, and an *Error when the manifest is damaged or a file of it is missing.
func Find(dir, dirname, name string) (*Set, error) {
	manifest := filepath.Join(dir, dirname, name+".manifest")
	b, err := readManifest(manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return findSingle(filepath.Join(dir, name))
	}
	if err != nil {
		return nil, err
	}
	s, err := parseManifest(manifest, b)
	if err != nil {
		return nil, err
	}
	for i := range s.Parts {
		p := &s.Parts[i]
		size, err := fileSize(p.Path)
		if errors.Is(err, fs.ErrNotExist) && filepath.Base(p.Path) == name {
			// Redis 7 was stopped between writing the manifest and moving the single file of an older one.
			p.Path = filepath.Join(dir, name)
			size, err = fileSize(p.Path)
		}
		if err != nil {
			return nil, &Error{File: p.Path, Found: "none", Expected: "the file that " + manifest + " lists", Err: err}
		}
		p.Bytes = size
	}
	for i := range s.History {
		s.History[i].Bytes, _ = fileSize(s.History[i].Path)
	}
	return s, nil
}

func findSingle(path string) (*Set, error) {
	size, err := fileSize(path)
	if err != nil {
		return nil, err
	}
	return &Set{Parts: []Part{{Path: path, Kind: Base, Seq: 1, Bytes: size}}}, nil
}

// fileSize returns the size of a regular file.
func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file", path)
	}
	return info.Size(), nil
}

// An Error is what is wrong with a file.
type Error struct {
	File            string
	Offset          int64
	Found, Expected string
	Err             error // the kind: ErrFormat, or what the file system or the RDB reader said
}

// ErrFormat is the kind of what is no append-only file.
var ErrFormat = errors.New("aof: bad file format")

func (e *Error) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("%s at offset %d: %v", e.File, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s at offset %d: found %s, expected %s", e.File, e.Offset, e.Found, e.Expected)
}

func (e *Error) Unwrap() error { return e.Err }

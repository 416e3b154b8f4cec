package movein

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"diskette/resp/aof"
)

// A Source is what is to be imported: a snapshot or an append only file.
type Source struct {
	Name string // of the file, as an operator knows it
	Path string // of a snapshot
	AOF  *aof.Set
	Size int64    // bytes
	Left []string // names of what counts less, and is not read
}

// Find finds what of Redis's files in a directory counts; nil = there are none. Redis was run with or without an
// append only file, and of what that mode has not, the other's is taken, where Redis would begin empty.
func Find(dir string, o Options) (*Source, error) {
	dump, err := findDump(filepath.Join(dir, o.Names.Dump))
	if err != nil {
		return nil, err
	}
	appended, err := findAppended(dir, o.Names)
	if err != nil && (o.Appending || dump == nil) {
		return nil, err
	}
	taken, left := dump, appended
	if o.Appending && appended != nil || dump == nil {
		taken, left = appended, dump
	}
	if taken != nil && left != nil {
		taken.Left = append(taken.Left, left.Name)
	}
	return taken, nil
}

func findDump(path string) (*Source, error) {
	if absent(path) {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("look for Redis's snapshot: %w", err)
	}
	return &Source{Name: filepath.Base(path), Path: path, Size: info.Size()}, nil
}

// absent reports whether a name is not there. A link to what is not there is: what it leads to may be missing only
// because nothing is mounted.
func absent(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// findAppended finds an append only file, nil = there is none. One of which a file is missing is not none: a start that
// took the snapshot instead would lose all that was written since.
func findAppended(dir string, names Names) (*Source, error) {
	set, err := aof.Find(dir, names.AppendDir, names.Append)
	var broken *aof.Error
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &broken) && absent(filepath.Join(dir, names.Append)) {
		if parts := filepath.Join(dir, names.AppendDir); names.AppendDir != "" && hasParts(parts, names.Append) {
			return nil, fmt.Errorf("look for Redis's append only file: %s has parts of it, but no %s.manifest", parts,
				names.Append)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for Redis's append only file: %w", err)
	}
	s := &Source{Name: names.Append, AOF: set, Size: set.Bytes()}
	if set.Manifest != "" {
		s.Name = names.AppendDir
	}
	return s, nil
}

// hasParts reports whether a directory has a part of an append only file.
func hasParts(dir, name string) bool {
	all, _ := os.ReadDir(dir)
	return slices.ContainsFunc(all, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), name+".") })
}

// At is the source that a path names: a snapshot, an append only file of the old kind, or a directory that has one of
// them.
func At(path string, o Options) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		s, err := Find(path, o)
		if err == nil && s == nil { // the directory of an append only file itself
			names := o.Names
			names.AppendDir = filepath.Base(path)
			s, err = findAppended(filepath.Dir(path), names)
		}
		if err == nil && s == nil {
			err = fmt.Errorf("%s has none of Redis's files: neither %s nor %s nor %s", path,
				o.Names.Dump, o.Names.AppendDir, o.Names.Append)
		}
		return s, err
	}
	if info.Mode().IsRegular() && isCommands(path) {
		return findAppended(filepath.Dir(path), Names{Append: filepath.Base(path)})
	}
	return findDump(path)
}

// isCommands reports whether a file begins as one of commands, or is named like one that has a snapshot before them.
func isCommands(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var first [1]byte
	n, _ := f.Read(first[:])
	return n == 1 && (first[0] == '*' || first[0] == '#') || filepath.Ext(path) == ".aof"
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3/vfs"
)

// ErrOtherBase says that an increment belongs to another base.
var ErrOtherBase = errors.New("the increment was made since another base, or this one has changed, " +
	"and nothing was restored")

// withIncrement verifies an increment and its base, each by its sum, and what they make together by that of the result;
// then use finds the result through a VFS, as if it were in the base's place, and asks behind that whether the base has
// stayed what it was. Nothing is written.
func withIncrement(
	ctx context.Context, base, file string, step func(what string, n, of int),
	use func(vfs string, unchanged func() error) error,
) error {
	b, err := openBase(base)
	if err != nil {
		return err
	}
	defer b.file.Close()
	in, err := openIncrement(ctx, file)
	if err != nil {
		return err
	}
	defer in.file.Close()
	if b.bytes != int64(in.BaseBytes) {
		return fmt.Errorf("%w: %s has %d bytes, and the base of %s has %d", ErrOtherBase, base, b.bytes, file, in.BaseBytes)
	}
	pages := int64(in.Pages)
	sums, err := inStep(ctx, b, pages, &in.stored, func(p []byte, n int64) error { return in.page(p, n*pageBytes) },
		func(n int64, _, _ []byte) error {
			if n%backupStep == 0 {
				step("base and increment", int(n), int(max(pages, b.pages())))
			}
			return nil
		})
	switch {
	case err != nil:
		return err
	case sums.Base != in.Base:
		return fmt.Errorf("%w: %s has the SHA-256 %x, and the base of %s has %x", ErrOtherBase, base, sums.Base, file,
			in.Base)
	case sums.Result != in.Result:
		return fmt.Errorf("%w: %s: with its base it does not make what was backed up", errIncrementDamaged, file)
	}
	return withVFS(patchedVFS{base: b, in: in}, func(vfs string) error {
		return use(vfs, func() error { return b.unchanged(base) })
	})
}

// patchedVFS opens the result of a base and an increment. There is nothing beside it.
type patchedVFS struct {
	looking
	base *basePages
	in   *increment
}

func (patchedVFS) Access(string, vfs.AccessFlag) (bool, error) { return false, nil }

func (v patchedVFS) Open(_ string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	flags = flags&^(vfs.OPEN_READWRITE|vfs.OPEN_CREATE) | vfs.OPEN_READONLY
	if flags&vfs.OPEN_MAIN_DB == 0 {
		return lookedAt{}, flags, nil
	}
	return patchedFile{lookedAt{}, v.base, v.in}, flags, nil
}

// patchedFile is a connection's.
type patchedFile struct {
	lookedAt // for what is not read
	base     *basePages
	in       *increment
}

func (f patchedFile) Size() (int64, error) { return int64(f.in.Pages) * pageBytes, nil }

func (f patchedFile) ReadAt(p []byte, at int64) (n int, err error) {
	for end, _ := f.Size(); n < len(p); {
		if at >= end {
			return n, io.EOF
		}
		part := p[n:min(len(p), n+int(pageBytes-at%pageBytes))]
		if f.in.stored.has(at / pageBytes) {
			err = f.in.page(part, at)
		} else {
			_, err = f.base.file.ReadAt(part, at)
		}
		if err != nil {
			return n, err
		}
		n, at = n+len(part), at+int64(len(part))
	}
	return n, nil
}

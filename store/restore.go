package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// Restored tells what a backup was.
type Restored struct {
	Keys, Bytes int64
	// Foreign: another program has made the copy (sqlite3's .backup, Litestream). Its pages had no checksums that
	// could be believed; they were verified as far as SQLite can, and have new ones.
	Foreign bool
}

// ErrHalfBackup says that a copy is of a moment at which a part of a write-back was in the tables: rows and keys do not
// go together. Who copies every transaction, as Litestream does, has other moments.
var ErrHalfBackup = errors.New("the copy was made in the middle of a write-back, and nothing was restored: take it of some seconds " +
	"earlier or later (litestream restore -timestamp), or, to save what can be read of it, put it into an empty directory as " +
	"diskette.db and start there with --set-aside-damaged salvage")

// ErrBackupDamaged says that a backup is not restored because it is damaged.
var ErrBackupDamaged = errors.New("the backup is damaged, and nothing was restored: to save what can be read of it, put it into " +
	"an empty directory as diskette.db and start there with --set-aside-damaged salvage")

// A Source is what Restore makes a directory of.
type Source struct {
	File      string // a copy of Backup's, a stopped server's diskette.db, or what another program has copied
	Increment string // of BackupSince, over File; "" = File alone
	// Foreign: another program has copied it from a directory without a server, so that its checksums are not to be
	// compared. Of one that was copied beside a server the file itself says so.
	Foreign bool
}

func (s *Source) name() string {
	if s.Increment != "" {
		return filepath.Base(s.File) + " and " + filepath.Base(s.Increment)
	}
	return filepath.Base(s.File)
}

// Restore makes a directory's first database out of a copy of another one. All of it is verified before it gets its
// name. step hears how far that is.
func Restore(ctx context.Context, from Source, o Options, step func(what string, n, of int)) (r Restored, err error) {
	if _, err := os.Stat(from.File); err != nil {
		return r, err
	}
	if from.Increment == "" {
		if err := refuseIncrement(from.File); err != nil {
			return r, err
		}
		return restoreOn(ctx, from, lookVFS, o, step, func() error { return nil })
	}
	err = withIncrement(ctx, from.File, from.Increment, step, func(vfs string, unchanged func() error) error {
		r, err = restoreOn(ctx, from, vfs, o, step, unchanged)
		return err
	})
	return r, err
}

// restoreOn is Restore of what an SQLite VFS has under the file's name. It asks unchanged before the directory has it.
func restoreOn(
	ctx context.Context, from Source, on string, o Options, step func(what string, n, of int), unchanged func() error,
) (r Restored, err error) {
	seen, err := lookAtBackup(from.File, on)
	if err == nil && seen.half {
		err = fmt.Errorf("%s: %w", from.File, ErrHalfBackup)
	}
	if err != nil {
		return r, err
	}
	r.Foreign = seen.running || from.Foreign
	im, err := NewImport(o)
	if err != nil {
		return r, err
	}
	made := filepath.Join(im.dir(), databaseFile)
	err = guarded(func() error {
		vfs := on
		if !r.Foreign && seen.version >= sealedVersion {
			vfs = pagesOver(on)
		}
		c, err := openLookOn(from.File, vfs, writerMemory.Load())
		if err != nil {
			return err
		}
		defer closeConn(c)
		return copyPages(ctx, c, made, "", func(done, pages int) { step("pages", done, pages) })
	})
	if err == nil {
		err = noteClosed(im.dir(), "")
	}
	if err == nil {
		err = verified(ctx, im.dir(), step)
	}
	if err == nil {
		err = unchanged()
	}
	if err != nil {
		if isDamage(err) {
			err = fmt.Errorf("%w: %s: %w", ErrBackupDamaged, from.File, plain(err))
		}
		return r, errors.Join(im.dirOwner.hindered(err), im.Abort())
	}
	if r.Keys, err = im.Finish(from.name()); err == nil {
		r.Bytes = fileBytes(filepath.Join(o.Dir, databaseFile))
	}
	return r, err
}

// lookAtBackup reads what a copy says of itself, for Restore.
func lookAtBackup(file, on string) (seen copySeen, err error) {
	seen, err = lookAtCopy(file, on)
	if isDamage(err) && !errors.Is(err, errNoCopy) {
		err = fmt.Errorf("%w: %s: %w", ErrBackupDamaged, file, plain(err))
	}
	return seen, err
}

var errNoCopy = errors.New("is no copy of a database of Diskette's (diskette import takes Redis's files, redis-check-rdb and redis-check-aof look at them)")

// copySeen is what a copy says of itself.
type copySeen struct {
	version  int64
	identity uint64 // of the directory that it is of
	running  bool   // a server has it open: another program has copied it meanwhile
	half     bool   // a part of a write-back is in it
}

// lookAtCopy reads that, on a VFS that changes nothing.
func lookAtCopy(file, on string) (seen copySeen, err error) {
	err = guarded(func() error {
		c, err := openLookOn(file, on, readerMemory)
		if err != nil {
			return err
		}
		defer closeConn(c)
		switch seen.version, err = fileVersion(c); {
		case err != nil:
			return err
		case seen.version == 0:
			return c.Exec(`SELECT 1 FROM keys`)
		}
		if seen.version < schemaVersion {
			return fmt.Errorf("%w: put it into an empty directory as diskette.db, and start there", errOlderFile)
		}
		t, _, err := readMeta(c)
		seen.identity, seen.running, seen.half = t.identity, t.running, t.ahead != 0
		return err
	})
	if errors.Is(err, sqlite3.NOTADB) || err != nil && seen.version == 0 && !errors.Is(err, sqlite3.CORRUPT) {
		err = fmt.Errorf("%s %w: %w", file, errNoCopy, plain(err))
	}
	return seen, err
}

// verified reads all of a database that nobody else has.
func verified(ctx context.Context, dir string, step func(what string, n, of int)) error {
	o, err := OpenOutside(dir, 0)
	if err != nil {
		return err
	}
	faults, err := o.Check(ctx, step)
	if err = errors.Join(err, o.Close()); err != nil || len(faults) == 0 {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, errors.Join(faults...))
}

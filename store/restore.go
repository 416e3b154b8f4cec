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

// Restore makes a directory's first database out of a copy of another one: of Backup's, of a stopped server's
// diskette.db, or of what another program has copied from a running server. foreign says that another program has
// copied it from a directory without one, so that its checksums are not to be compared. All of it is verified before
// it gets its name. step hears how far that is.
func Restore(ctx context.Context, file string, foreign bool, o Options, step func(what string, n, of int)) (r Restored, err error) {
	if _, err := os.Stat(file); err != nil {
		return r, err
	}
	version, running, half, err := lookAtBackup(file)
	if err == nil && half {
		err = fmt.Errorf("%s: %w", file, ErrHalfBackup)
	}
	if err != nil {
		return r, err
	}
	r.Foreign = running || foreign
	im, err := NewImport(o)
	if err != nil {
		return r, err
	}
	made := filepath.Join(im.dir(), databaseFile)
	err = guarded(func() error {
		vfs := lookVFS
		if !r.Foreign && version >= sealedVersion {
			vfs = pagesOver(lookVFS)
		}
		c, err := openLookOn(file, vfs, writerMemory.Load())
		if err != nil {
			return err
		}
		defer closeConn(c)
		return copyPages(ctx, c, made, func(done, pages int) { step("pages", done, pages) })
	})
	if err == nil {
		err = noteClosed(im.dir())
	}
	if err == nil {
		err = verified(ctx, im.dir(), step)
	}
	if err != nil {
		if isDamage(err) {
			err = fmt.Errorf("%w: %s: %w", ErrBackupDamaged, file, plain(err))
		}
		return r, errors.Join(im.dirOwner.hindered(err), im.Abort())
	}
	if r.Keys, err = im.Finish(filepath.Base(file)); err == nil {
		r.Bytes = fileBytes(filepath.Join(o.Dir, databaseFile))
	}
	return r, err
}

// lookAtBackup reads what a copy says of itself, for Restore.
func lookAtBackup(file string) (version int64, running, half bool, err error) {
	version, running, half, err = lookAtCopy(file)
	if isDamage(err) && !errors.Is(err, errNoCopy) {
		err = fmt.Errorf("%w: %s: %w", ErrBackupDamaged, file, plain(err))
	}
	return version, running, half, err
}

var errNoCopy = errors.New("is no copy of a database of Diskette's (diskette import takes Redis's files, redis-check-rdb and redis-check-aof look at them)")

func lookAtCopy(file string) (version int64, running, half bool, err error) {
	err = guarded(func() error {
		c, err := openLookOn(file, lookVFS, readerMemory)
		if err != nil {
			return err
		}
		defer closeConn(c)
		switch version, err = fileVersion(c); {
		case err != nil:
			return err
		case version == 0:
			return c.Exec(`SELECT 1 FROM keys`)
		}
		if version < schemaVersion {
			return fmt.Errorf("%w: put it into an empty directory as diskette.db, and start there", errOlderFile)
		}
		t, _, err := readMeta(c)
		running, half = t.running, t.ahead != 0
		return err
	})
	if errors.Is(err, sqlite3.NOTADB) || err != nil && version == 0 && !errors.Is(err, sqlite3.CORRUPT) {
		err = fmt.Errorf("%s %w: %w", file, errNoCopy, plain(err))
	}
	return version, running, half, err
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

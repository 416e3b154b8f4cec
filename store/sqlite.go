package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"diskette/store/files"
)

//go:embed schema.sql
var schema string

const (
	applicationID = 0x4469736b // "Disk"
	schemaVersion = 3          // of schema.sql; with the checksums of pages.go a file is of sealedVersion

	databaseFile = "diskette.db"
)

// ErrDamaged says that the database file can not be used as it is.
var ErrDamaged = errors.New("the database file is damaged or not Diskette's")

// SQLite's memory in bytes, a connection's each: it is set aside as addresses, and taken as it is needed.
// Rows are short (see pieces.go), so it bounds no value. A connection that would need more panics, which
// guard.go turns into an error.
var ( // tests lower them
	// The writer has a cache of 16 MiB, and puts up to putRows rows of two columns of
	// chunkBytes each, 8 MiB, in a statement.
	writerMemory = limitOf(64 << 20)
	// A reader has a cache of 4 MiB and one row.
	readerMemory int64 = 32 << 20
	// Rows of files before version 3 are as long as they are. Version 2 had 256 MiB, and could
	// not write what took more.
	migrationMemory int64 = 1 << 30
)

// openDB opens a connection. vfs names the SQLite VFS, empty for the operating system's.
func openDB(dir, vfs string, memory int64, readOnly bool) (*sqlite3.Conn, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, databaseFile)}
	query := url.Values{}
	query.Set("vfs", pagesOver(vfs))
	if readOnly {
		query.Set("mode", "ro")
	}
	u.RawQuery = query.Encode()
	c, err := sqlite3.OpenContext(sqlite3.WithMaxMemory(context.Background(), memory), u.String())
	if err == nil && !readOnly {
		// A start that fails half-way closes its connection, and SQLite would delete the WAL then, without which
		// the next start takes the database of a server that was killed for one whose WAL is lost. See disown.
		if _, err = c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
			c.Close()
		}
	}
	if err != nil {
		return nil, damaged(dir, err)
	}
	return c, nil
}

// repairs is what an operator can do about damage.
const repairs = "restore it from a copy, or start with --set-aside-damaged salvage, which renames what is here and goes on with all " +
	"that can be read of it, or with --set-aside-damaged yes, which begins empty"

// nameDamage names the file when SQLite finds it malformed; other errors stay as they are.
func nameDamage(dir string, err error) error {
	if isDamage(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %s: %w; "+repairs,
			ErrDamaged, filepath.Join(dir, databaseFile), plain(err))
	}
	return err
}

// damaged is nameDamage for what fails while the file is opened.
func damaged(dir string, err error) error {
	if named := nameDamage(dir, err); errors.Is(named, ErrDamaged) {
		return named
	}
	return fmt.Errorf("open %s: %w", filepath.Join(dir, databaseFile), err)
}

// openWriter opens the one connection that writes, creating the tables in a new file, with the identity.
// cache is the most that it holds of the file, in bytes.
func openWriter(dir, vfs string, identity uint64, cache int64) (*sqlite3.Conn, error) {
	c, err := openDB(dir, vfs, writerMemory.Load(), false)
	if err != nil {
		return nil, err
	}
	err = prepareFile(c, identity, cache)
	if errors.Is(err, errOlderFile) {
		c.Close()
		if err = migrateFile(dir, vfs); err != nil {
			return nil, damaged(dir, err)
		}
		if c, err = openDB(dir, vfs, writerMemory.Load(), false); err != nil {
			return nil, err
		}
		err = prepareFile(c, identity, cache)
	}
	if err != nil {
		c.Close()
		return nil, nameFile(dir, err)
	}
	return c, nil
}

// nameFile names the database file in what fileVersion or prepareFile says.
func nameFile(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged) || errors.Is(err, errNewerFile):
		return fmt.Errorf("%s: %w", filepath.Join(dir, databaseFile), err)
	}
	return damaged(dir, err)
}

var errNewerFile = errors.New("the database file was written by a newer version of Diskette; use that version, or another directory")

var errOlderFile = errors.New("the database file was written by an older version")

// fileVersion returns the version of the schema that the file has, 0 if it is empty; one that
// can not be used is an error.
func fileVersion(c *sqlite3.Conn) (int64, error) {
	var app, version, objects int64
	err := queryInts(c, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`, &app, &version, &objects)
	switch {
	case err != nil:
		return 0, err
	case app == applicationID && version == unverifiedVersion:
		return sealedVersion, nil
	case app == applicationID && version > sealedVersion:
		return 0, errNewerFile
	case app == applicationID && version > 0, app == 0 && version == 0 && objects == 0:
		return version, nil
	}
	return 0, fmt.Errorf("%w (application_id %#x, user_version %d); use another directory, or start with --set-aside-damaged yes "+
		"to rename it and begin empty", ErrDamaged, app, version)
}

// prepareFile makes the tables of an empty file, with the identity. errOlderFile: the file is to be migrated first.
func prepareFile(c *sqlite3.Conn, identity uint64, cache int64) error {
	version, err := fileVersion(c)
	switch {
	case err != nil:
		return err
	case version == 0:
		err = createFile(c, identity)
	case version < schemaVersion:
		err = errOlderFile
	default:
		if err = finished(c, version); err == nil {
			err = c.Exec(indexSchema())
		}
	}
	if err != nil {
		return err
	}
	return setUp(c, cache)
}

// finished says errOlderFile of a file whose migration has not come to its end, or that is
// small enough to get checksums.
func finished(c *sqlite3.Conn, version int64) error {
	cut, err := rowsToCut(c)
	if err != nil {
		return err
	}
	var pages int64
	if err := queryInts(c, `SELECT page_count FROM pragma_page_count`, &pages); err != nil {
		return err
	}
	if cut || version < sealedVersion && pages*pageBytes <= sealAtStart {
		return errOlderFile
	}
	return nil
}

// createFile makes the tables. The reserved bytes and auto_vacuum, which lets space be given
// back in slices, are fixed at the first write.
func createFile(c *sqlite3.Conn, identity uint64) error {
	if _, err := c.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, sealBytes); err != nil {
		return err
	}
	return c.Exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;` + schema + setSealed +
		`INSERT INTO meta (name, value) VALUES ('identity', ` + itoa(int64(identity)) + `), ('` + beforeBounds + `', 0); COMMIT`)
}

// setUp makes a connection one that writes. cache is the most that it holds of the file, in bytes.
func setUp(c *sqlite3.Conn, cache int64) error {
	return c.Exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -` + itoa(cache>>10) + `;
		PRAGMA journal_size_limit = 33554432; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 10000;
		PRAGMA wal_autocheckpoint = 0`)
}

// closeConn closes a connection and the statements that were kept on it, which SQLite wants closed first.
func closeConn(c *sqlite3.Conn) error {
	if c == nil {
		return nil
	}
	var errs []error
	for _, s := range slices.Collect(c.Stmts()) { // Close takes it off the list
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Close())...)
}

// queryInts runs a statement and reads its first row's columns.
func queryInts(c *sqlite3.Conn, sql string, dst ...*int64) error {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Step() {
		for i, p := range dst {
			*p = s.ColumnInt64(i)
		}
	}
	return s.Err()
}

// syncWAL brings the database's WAL to disk, if there is one, whatever became of the fsyncs of an earlier process.
func syncWAL(disk files.Disk, dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, databaseFile+"-wal"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			err = disk.Rewrite(f, 0, info.Size())
		}
		if err == nil {
			err = disk.Sync(f)
		}
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = disk.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("fsync the WAL: %w", err)
	}
	return nil
}

func limitOf(bytes int64) *atomic.Int64 {
	var n atomic.Int64
	n.Store(bytes)
	return &n
}

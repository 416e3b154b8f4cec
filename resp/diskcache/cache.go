package diskcache

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Options say how a directory is read.
type Options struct {
	Form  Form
	Now   time.Time
	Bytes int // a longer value is not read
}

// An Entry is a key of a cache with its value.
type Entry struct {
	Key, Value []byte
	Deadline   int64  // unix ms, 0 = none
	Tag        []byte // nil = none
}

// An Unread is an entry that could not be read.
type Unread struct {
	Key string // as far as it can be shown
	Err error
}

// Counts are what a directory had: each of its entries is one of the three.
type Counts struct{ Read, Expired, Unread int64 }

// A Cache is a directory.
type Cache struct {
	Form  Form  // what it is in
	Total int64 // entries, when it was opened

	shards []string
	o      Options
}

const databaseName = "cache.db"

// ErrNone says that a directory is none of DiskCache's.
var ErrNone = errors.New("has no cache.db of DiskCache's, nor a 000/cache.db of its FanoutCache")

// Open finds the caches of a directory, and in which form they are.
func Open(dir string, o Options) (*Cache, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	c := &Cache{o: o, Form: o.Form}
	if exists(filepath.Join(dir, databaseName)) {
		c.shards = []string{dir}
	} else {
		for n := 0; exists(filepath.Join(dir, fmt.Sprintf("%03d", n), databaseName)); n++ {
			c.shards = append(c.shards, filepath.Join(dir, fmt.Sprintf("%03d", n)))
		}
	}
	if len(c.shards) == 0 {
		return nil, fmt.Errorf("%s %w", dir, ErrNone)
	}
	compressed := true
	for _, shard := range c.shards {
		err := withDatabase(shard, func(db *sqlite3.Conn) error {
			n, looksSo, err := survey(db)
			c.Total += n
			compressed = compressed && looksSo
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if c.Form == Auto {
		if c.Form = Plain; compressed && c.Total > 0 {
			c.Form = JSON
		}
	}
	return c, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// errOpened says that what was read may be of two moments.
var errOpened = errors.New("a program has opened it meanwhile: do it again")

// withDatabase opens a cache's database for reading. One without a WAL is open nowhere; it is read as what nobody
// changes, so that no file comes to be beside it, which the programs that use it may have no right to.
func withDatabase(dir string, fn func(*sqlite3.Conn) error) (err error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(dir, databaseName), err)
		}
	}()
	query := url.Values{"mode": {"ro"}}
	alone := !exists(path + "-wal")
	if alone {
		query.Set("immutable", "1")
	}
	db, err := open(path, query)
	if err != nil {
		return err
	}
	err = fn(db)
	if closed := db.Close(); err == nil {
		err = closed
	}
	if alone && exists(path+"-wal") {
		return errOpened
	}
	return err
}

func open(path string, query url.Values) (*sqlite3.Conn, error) {
	const memory = 1 << 30 // addresses: a row of DiskCache's is as long as its disk_min_file_size
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	db, err := sqlite3.OpenContext(sqlite3.WithMaxMemory(context.Background(), memory), u.String())
	if err != nil {
		return nil, err
	}
	if err = db.BusyTimeout(10 * time.Second); err == nil {
		err = db.Exec(`SELECT 1 FROM Cache LIMIT 1`)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// surveyed is how many rows say in which form a database is.
const surveyed = 1000

// survey counts the entries, and tells whether the first keys are all what JSONDisk makes of them.
func survey(db *sqlite3.Conn) (n int64, compressed bool, err error) {
	s, _, err := db.Prepare(`SELECT count(*) FROM Cache`)
	if err != nil {
		return 0, false, err
	}
	if s.Step() {
		n = s.ColumnInt64(0)
	}
	if err := s.Close(); err != nil {
		return 0, false, err
	}
	if s, _, err = db.Prepare(fmt.Sprintf(`SELECT key, raw FROM Cache ORDER BY rowid LIMIT %d`, surveyed)); err != nil {
		return n, false, err
	}
	compressed = true
	for compressed && s.Step() {
		if compressed = s.ColumnInt(1) == 1 && s.ColumnType(0) == sqlite3.BLOB; compressed {
			_, err := inflated(s.ColumnRawBlob(0), 1<<20)
			compressed = err == nil
		}
	}
	return n, compressed, s.Close()
}

// Each calls entry for each entry that has not expired, and unread for each that could not be read. Either may end it
// by an error. What entry is given is its own.
func (c *Cache) Each(ctx context.Context, entry func(Entry) error, unread func(Unread)) (n Counts, err error) {
	for _, shard := range c.shards {
		err := withDatabase(shard, func(db *sqlite3.Conn) error {
			s, _, err := db.Prepare(`SELECT key, raw, expire_time, tag, mode, filename, value FROM Cache ORDER BY rowid`)
			if err != nil {
				return err
			}
			for err == nil && s.Step() {
				if err = ctx.Err(); err == nil {
					err = c.one(s, shard, &n, entry, unread)
				}
			}
			if closed := s.Close(); err == nil {
				err = closed
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *Cache) one(s *sqlite3.Stmt, dir string, n *Counts, entry func(Entry) error, unread func(Unread)) error {
	e, err := c.entry(s, dir)
	switch {
	case err != nil:
		n.Unread++
		unread(Unread{shown(s, e.Key), err})
		return nil
	case c.expired(e):
		n.Expired++
		return nil
	}
	n.Read++
	return entry(e)
}

func (c *Cache) expired(e Entry) bool { return e.Deadline != 0 && e.Deadline <= c.o.Now.UnixMilli() }

// entry reads the row that a statement is at. Of one that has expired the value is not read.
func (c *Cache) entry(s *sqlite3.Stmt, dir string) (e Entry, err error) {
	if s.ColumnType(2) != sqlite3.NULL {
		const most = 1 << 53
		e.Deadline = max(1, int64(min(s.ColumnFloat(2)*1000, most)))
	}
	if c.expired(e) {
		return e, nil
	}
	if e.Key, err = c.key(s); err != nil {
		return e, err
	}
	if s.ColumnType(3) != sqlite3.NULL {
		e.Tag = plain(s, 3)
	}
	e.Value, err = c.value(s, dir)
	return e, err
}

// shown is a key for a person.
func shown(s *sqlite3.Stmt, key []byte) string {
	if key == nil {
		key = plain(s, 0)
	}
	return fmt.Sprintf("%.100q", key)
}

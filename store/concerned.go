package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// What damaged pages concern is told by the rows that can not be read. They stand in order of their keys, so between
// two that can be read is a hole (rescue.go), and whose it is says another tree:
//
//	keys              the index on names has id, database and name of every key
//	elements, chunks  keys has the names of the ids from the row before the hole to the one behind it
//	index on names    keys has all names; each is looked up, and those that are not found are concerned
//	the others        hold nothing that a client stored: no key is concerned
//
// It goes by SQL on the connection that the check has, so it sees what the check sees, a WAL's pages too. A page that
// is read through no row, a free one, concerns no key.

// mostNamed is how many keys a DamagedPart names.
const mostNamed = 20

// A DamagedPart is rows that can not be read, between two that can, and the keys that they concern.
type DamagedPart struct {
	Table string // or index
	// The ids of the keys whose rows stand before and behind; 0 = it begins with the table, or ends with it.
	After, Before int64
	Keys          []KeyName // some of the keys that are concerned, or may be
	More          int64     // how many there are besides
	Note          string    // what Keys are, or why there are none
	Cause         string    // "" = what is read is wrong
}

// KeyName is a key's name.
type KeyName struct {
	DB   int
	Name string
}

func (p *DamagedPart) String() string {
	var s strings.Builder
	s.WriteString(p.Table)
	switch {
	case p.After == 0 && p.Before == 0:
	case p.Before == 0:
		fmt.Fprintf(&s, ", behind id %d", p.After)
	default:
		fmt.Fprintf(&s, ", between id %d and %d", p.After, p.Before)
	}
	s.WriteString(": " + p.Note)
	for i, k := range p.Keys {
		s.WriteString([]string{": ", ", "}[min(i, 1)])
		fmt.Fprintf(&s, "%d:%s", k.DB, quoted(k.Name))
	}
	if p.More > 0 {
		fmt.Fprintf(&s, " and %d more", p.More)
	}
	return s.String()
}

// name adds a key, or counts it.
func (p *DamagedPart) name(db int, name string) {
	if len(p.Keys) < mostNamed {
		p.Keys = append(p.Keys, KeyName{db, name})
	} else {
		p.More++
	}
}

// Concerned tells which keys the damage concerns that Check has found, as far as that can be told. It reads all tables.
func (o *Outside) Concerned(ctx context.Context, step func(what string, n, of int)) (parts []DamagedPart, err error) {
	if !o.pagesDamaged {
		return nil, nil
	}
	defer o.interruptedBy(ctx)()
	err = o.r.guard(func() error {
		l := looker{c: o.r.c, db: map[int64]int{}}
		l.spaces()
		all := rescuedTables()
		for i, t := range all {
			if step("what "+t.name+" lacks", i, len(all)+1); ctx.Err() != nil {
				return ctx.Err()
			}
			if err := l.table(t); err != nil {
				return err
			}
		}
		step("the index on names", len(all), len(all)+1)
		l.index()
		parts = l.parts
		return nil
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return parts, err
}

// looker finds what damage concerns.
type looker struct {
	c     *sqlite3.Conn
	db    map[int64]int // by space: those that a database has
	all   bool          // of all of them
	parts []DamagedPart
}

// spaces reads which space is which database's.
func (l *looker) spaces() {
	s, _, err := l.c.Prepare(`SELECT space, db FROM spaces WHERE db IS NOT NULL`)
	if err != nil {
		return
	}
	defer s.Close()
	for s.Step() {
		l.db[s.ColumnInt64(0)] = s.ColumnInt(1)
	}
	l.all = s.Err() == nil
}

// table notes the holes of a table.
func (l *looker) table(t rescued) error {
	columns, err := columnsOf(l.c, t.name)
	if err != nil {
		return err
	}
	r := rescue{from: l.c}
	if err := r.each(t, columns, func(*sqlite3.Stmt) error { return nil }); err != nil {
		return err
	}
	for _, h := range r.holes {
		p := DamagedPart{Table: t.name, After: max(0, h.after.id), Cause: plain(h.cause).Error()}
		if !h.end {
			p.Before = h.before.id
		}
		switch t.name {
		case "spaces":
			p.Note = "rows that say which keys are which database's can not be read: all keys may be concerned, and none is named"
		case "keys":
			l.named(&p, `SELECT space, key FROM keys INDEXED BY keys_by_name WHERE id > ?1 AND (?2 = 0 OR id < ?2)`,
				"these keys can not be read", "the index on names")
		default:
			l.named(&p, `SELECT space, key FROM keys WHERE id >= ?1 AND (?2 = 0 OR id <= ?2)`+ownersOf(t.name),
				"rows of these keys, or of some of them, can not be read", "the table of keys")
		}
		l.parts = append(l.parts, p)
	}
	return nil
}

// ownersOf is the condition for keys that may have rows in a table.
func ownersOf(name string) string {
	if name == "chunks" {
		return ` AND chunked > 0`
	}
	for t := hashFields; int(t) < len(tables); t++ {
		if tables[t].name == name {
			return fmt.Sprintf(` AND type = %d`, tables[t].typ)
		}
	}
	return ""
}

// named names the keys that a query finds between the ids of a part. The tree that it reads may be damaged, too.
func (l *looker) named(p *DamagedPart, sql, what, where string) {
	s, _, err := l.c.Prepare(sql)
	if err == nil {
		defer s.Close()
		if err = bind(s, p.After, p.Before); err == nil {
			for s.Step() {
				l.nameOf(p, s.ColumnInt64(0), s.ColumnRawBlob(1))
			}
			err = s.Err()
		}
	}
	switch {
	case err != nil && len(p.Keys) == 0:
		p.Note = "rows can not be read, and no key can be named: " + where + " is damaged, too"
	case err != nil:
		p.Note = what + ", and more that can not be named, because " + where + " is damaged, too"
	case len(p.Keys) == 0:
		p.Note = "rows can not be read, and " + where + " has no key that they would belong to"
	default:
		p.Note = what
	}
	if !l.all {
		p.Note += " (those of databases that are known)"
	}
}

// nameOf names a key, unless its database was flushed.
func (l *looker) nameOf(p *DamagedPart, space int64, name []byte) {
	if db, is := l.db[space]; is && db != ownNumber {
		p.name(db, string(name))
	} else if is {
		p.name(db, "(the server's own) "+string(name))
	}
}

// index notes which keys the index on names does not lead to, if it can not be read whole.
func (l *looker) index() {
	var n int64
	cause := queryInts(l.c, `SELECT count(*) FROM keys INDEXED BY keys_by_name WHERE space >= 0`, &n)
	var rows int64
	if err := queryInts(l.c, `SELECT count(*) FROM keys NOT INDEXED`, &rows); cause == nil && (err != nil || rows == n) {
		return
	}
	p := DamagedPart{Table: "keys_by_name", Note: "these keys are not found by their names, and are whole"}
	if cause != nil {
		p.Cause = plain(cause).Error()
	}
	find, _, err := l.c.Prepare(`SELECT id FROM keys INDEXED BY keys_by_name WHERE space = ?1 AND key = ?2`)
	if err == nil {
		defer find.Close()
		r := rescue{from: l.c}
		err = r.each(rescued{"keys", []string{"id"}}, []string{"space", "key"}, func(s *sqlite3.Stmt) error {
			name := s.ColumnRawBlob(2)
			if err := find.BindInt64(1, s.ColumnInt64(1)); err != nil {
				return err
			}
			if err := find.BindBlob(2, notNil(name)); err != nil {
				return err
			}
			if found := find.Step() && find.ColumnInt64(0) == s.ColumnInt64(0); !found {
				l.nameOf(&p, s.ColumnInt64(1), name)
			}
			_ = find.Reset() // says again why it was not found
			return nil
		})
	}
	if err != nil || len(p.Keys) == 0 {
		p.Note = "the index on names is damaged, and no key is known that it does not lead to"
	}
	l.parts = append(l.parts, p)
}

var treeNumber = regexp.MustCompile(`\b[Tt]ree (\d+)`)

// nameTrees adds to what SQLite says of a tree, which it knows by its root page, what stands in it.
func (r *reader) nameTrees(line string) string {
	m := treeNumber.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	s, _, err := r.c.Prepare(`SELECT type, name FROM sqlite_schema WHERE rootpage = ` + m[1])
	if err != nil {
		return line
	}
	defer s.Close()
	if s.Step() {
		line += " (" + s.ColumnText(0) + " " + s.ColumnText(1) + treeHolds(s.ColumnText(1)) + ")"
	}
	return line
}

// treeHolds says of a tree that holds nothing of a client's what it is for.
func treeHolds(name string) string {
	switch name {
	case "keys_by_deadline", "hash_fields_by_deadline":
		return ": an index of deadlines, no value stands in it"
	case "element_index", "indexed_keys":
		return ": an index of elements, no value stands in it"
	case "garbage":
		return ": what deleted keys have left"
	case "meta":
		return ": the server's facts of the file, no key stands in it"
	}
	return ""
}

package store

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// What damaged pages concern is told by the rows that can not be read. They stand in order of their keys, so between
// two that can be read is a hole (rescue.go), and whose it is says another tree:
//
//	keys              the index on names has id, database and name of every key
//	elements, chunks  keys has the names of the ids from the row before the hole to the one behind it
//	index on names    it is compared with keys (concerned_index.go): the keys that it does not lead to are concerned
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
	DB        int
	Name      string
	Beginning bool // the name goes on: the rest, which stands elsewhere, can not be read
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
		if k.Beginning {
			s.WriteString(" (the beginning of a name whose rest can not be read)")
		}
	}
	if p.More > 0 {
		fmt.Fprintf(&s, " and %d more", p.More)
	}
	return s.String()
}

// name adds a key, or counts it.
func (p *DamagedPart) name(k KeyName) {
	if len(p.Keys) < mostNamed {
		p.Keys = append(p.Keys, k)
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
		l := looker{r: o.r, c: o.r.c, db: map[int64]int{}}
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
	r     *reader
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
	parts := make([]DamagedPart, len(r.holes))
	for i, h := range r.holes {
		p := &parts[i]
		*p = DamagedPart{Table: t.name, After: max(0, h.after.id), Cause: plain(h.cause).Error()}
		if !h.end {
			p.Before = h.before.id
		}
		switch t.name {
		case "spaces":
			p.Note = "rows that say which keys are which database's can not be read: all keys may be concerned, and none is named"
		case "keys": // see below
		default:
			err := l.named(`SELECT id, space, key FROM keys WHERE id >= ?1 AND (?2 = 0 OR id <= ?2)`+ownersOf(t.name),
				[]any{p.After, p.Before}, func(int64) *DamagedPart { return p })
			l.note(p, err, "rows of these keys, or of some of them, can not be read", "the table of keys")
		}
	}
	if t.name == "keys" && len(parts) > 0 {
		// The index is not in the order of ids: it is read once for all holes.
		err := l.named(`SELECT id, space, key FROM keys INDEXED BY keys_by_name`, nil, func(id int64) *DamagedPart {
			i := sort.Search(len(parts), func(i int) bool { return parts[i].Before == 0 || id < parts[i].Before })
			if i < len(parts) && id > parts[i].After {
				return &parts[i]
			}
			return nil
		})
		for i := range parts {
			l.note(&parts[i], err, "these keys can not be read", "the index on names")
		}
	}
	l.parts = append(l.parts, parts...)
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

// named names the keys that a query finds: its columns are id, space and name as it is stored. Each is named in the
// part that of gives for its id, if any. The tree that it reads may be damaged, too: that is the error.
func (l *looker) named(sql string, args []any, of func(id int64) *DamagedPart) error {
	s, _, err := l.c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := bind(s, args...); err != nil {
		return err
	}
	for s.Step() {
		if p := of(s.ColumnInt64(0)); p != nil {
			l.nameOf(p, s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnRawBlob(2))
		}
	}
	return s.Err()
}

// note says what the keys of a part are. err is why not all of them could be named, where says what was read for it.
func (l *looker) note(p *DamagedPart, err error, what, where string) {
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

// nameOf names a key, unless its database was flushed. stored is what its row has of the name.
func (l *looker) nameOf(p *DamagedPart, id, space int64, stored []byte) {
	db, is := l.db[space]
	if !is {
		return
	}
	k := KeyName{DB: db}
	if db == ownNumber {
		k.Name = "(the server's own) "
	}
	switch {
	case len(stored) < longName:
		k.Name += string(stored)
	case len(p.Keys) == mostNamed: // it is counted
	default:
		whole, err := l.r.name(id, stored)
		if err != nil || string(storedName(whole)) != string(stored) {
			whole, k.Beginning = string(stored[:namePrefix]), true
		}
		k.Name += whole
	}
	p.name(k)
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

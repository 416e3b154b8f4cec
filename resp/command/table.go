package command

import (
	"slices"
	"strings"
)

// Rows are the commands on keys, and those about commands: each family declares its rows beside its functions.
func Rows() []*Row {
	return slices.Concat(
		stringRows(), stringSetRows(), counterRows(), bitmapRows(), hyperloglogRows(),
		hashRows(), hashExpiryRows(), listRows(), listMoveRows(), setRows(), setAlgebraRows(),
		zsetRows(), zsetRangeRows(), zsetPopRows(), zsetScanRows(), zsetCombineRows(), geoRows(),
		streamRows(), streamReadRows(), streamGroupRows(), streamPendingRows(), xinfoRows(),
		genericRows(), expireRows(), sortRows(), dumpRows(), keyspaceRows(), documentationRows())
}

// Table is the table, looked up by name in any case.
type Table struct {
	ByName map[string]*Row // lower and upper case, the two that clients send
	Rows   []*Row
	IDs    int // how many Row.ID there are
}

// NewTable makes the table of all commands.
func NewTable(rows []*Row) *Table {
	t := &Table{ByName: map[string]*Row{}, Rows: rows}
	for _, r := range t.Rows {
		r.Full = r.Name
		r.ID = t.newID()
		r.noteTimeVaries()
		r.noteHeads()
		t.ByName[r.Name] = r
		t.ByName[strings.ToUpper(r.Name)] = r
		for _, s := range r.Subs {
			s.Full = r.Name + "|" + s.Name
			s.ID = t.newID()
			if s.Group == "" {
				s.Group = r.Group
			}
			s.noteTimeVaries()
			s.noteHeads()
		}
	}
	return t
}

func (t *Table) newID() int {
	t.IDs++
	return t.IDs - 1
}

// Lookup is a command by its name, in any case; nil = there is none.
func (t *Table) Lookup(name []byte) *Row {
	if r := t.ByName[string(name)]; r != nil {
		return r
	}
	if len(name) > 64 {
		return nil
	}
	return t.ByName[strings.ToLower(string(name))]
}

// Each calls fn for every command and subcommand that can be called.
func (t *Table) Each(fn func(*Row)) {
	for _, r := range t.Rows {
		fn(r)
		for _, s := range r.Subs {
			fn(s)
		}
	}
}

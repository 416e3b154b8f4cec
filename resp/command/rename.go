package command

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

var (
	errRenameNone  = errors.New("No such command in rename-command")
	errRenameTaken = errors.New("Target command name already exists")
)

// Renamed is the table by which clients and scripts call, after one rename-command: the command is found under its new
// name only, under none if that is empty. It stays what it is: its row, its Full name, and with it the users' rules,
// figures and COMMAND, know the old name. The table itself does not change. The errors are Redis's.
func (t *Table) Renamed(from, to string) (*Table, error) {
	r := t.Lookup([]byte(from))
	if r == nil {
		return nil, errRenameNone
	}
	from, to = strings.ToLower(from), strings.ToLower(to)
	n := &Table{ByName: maps.Clone(t.ByName), Rows: t.Rows, IDs: t.IDs}
	delete(n.ByName, from)
	delete(n.ByName, strings.ToUpper(from))
	if to == "" {
		n.Rows = slices.DeleteFunc(slices.Clone(t.Rows), func(other *Row) bool { return other == r })
		return n, nil
	}
	if n.Lookup([]byte(to)) != nil {
		return nil, errRenameTaken
	}
	n.ByName[to] = r
	n.ByName[strings.ToUpper(to)] = r
	return n, nil
}

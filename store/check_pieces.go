package store

import (
	"fmt"
	"strings"
)

// A stray is a kind of row that must not be there.
type stray struct{ what, sql string }

// strayPieces are rows that are too long, and pieces that belong to no row, or to one that has room for them.
func strayPieces() []stray {
	names := longNames()
	all := []stray{
		{"names that are longer than their rows may have",
			fmt.Sprintf(`SELECT 1 FROM keys WHERE length(key) > %d`, longName)},
		{"long names without pieces", names + ` EXCEPT SELECT id, n, part FROM pieces`},
	}
	for t := hashFields; int(t) < len(tables); t++ {
		for _, c := range tables[t].stored() {
			if c.kind == blobColumn {
				d := &tables[t]
				all = append(all, stray{"rows in " + d.name + " with too long a column " + c.name,
					fmt.Sprintf(`SELECT 1 FROM %s WHERE length(%s) > %d`, d.name, c.name, chunkBytes)})
			}
		}
	}
	return append(all,
		stray{"pieces of no long row",
			`SELECT id, n, part FROM pieces WHERE id NOT IN (SELECT id FROM garbage) EXCEPT ` +
				`SELECT * FROM (` + longColumns() + `)`},
		stray{"pieces that follow none", `SELECT 1 FROM pieces p WHERE piece > 0
			AND id NOT IN (SELECT id FROM garbage) AND
			NOT EXISTS (SELECT 1 FROM pieces q WHERE q.id = p.id AND q.n = p.n AND q.part = p.part AND q.piece = p.piece - 1 AND length(q.data) = ` + itoa(chunkBytes) + `)`})
}

func longNames() string {
	return fmt.Sprintf(`SELECT id, 0, %d FROM keys WHERE length(key) = %d`, namePart, longName)
}

// longColumns selects id, n and part of what may have pieces.
func longColumns() string {
	columns := []string{longNames()}
	for t := hashFields; int(t) < len(tables); t++ {
		for i, c := range tables[t].stored() {
			if d := &tables[t]; c.kind == blobColumn {
				columns = append(columns,
					fmt.Sprintf(`SELECT id, n, %d FROM %s WHERE length(%s) = %d`, i+1, d.name, c.name, chunkBytes))
			}
		}
	}
	return strings.Join(columns, ` UNION ALL `)
}

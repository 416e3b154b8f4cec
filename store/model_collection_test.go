package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// collectionModels are the types of collections that the random commands use.
var collectionModels = map[Type]collectionModel{}

// collectionModel plays one type. A type registers its own in an init of model_TYPE_test.go.
type collectionModel struct {
	// change does one random change on the key, which is of this type or absent, and on c, what it must hold.
	change func(g *game, tx *Tx, key []byte, c *content)
	// read reads everything.
	read func(g *game, tx *Tx, key []byte) content
}

// content is the elements of a collection: named (fields with values, members with scores) or a list.
type content struct {
	named map[string]string
	list  []string
}

func (c content) len() int { return len(c.named) + len(c.list) }

func (c content) clone() content { return content{maps.Clone(c.named), slices.Clone(c.list)} }

func (c content) equal(d content) bool {
	return maps.Equal(c.named, d.named) && slices.Equal(c.list, d.list)
}

func (c content) String() string { return fmt.Sprintf("%.60q %.60q", c.named, c.list) }

// editedBy finds a collection for a change that names an element: the whole, or what is needed of it.
func editedBy[T any](
	g *game, key []byte, element string, whole func([]byte) (T, error), part func([]byte, Names) (T, error),
) (T, error) {
	if g.r.IntN(4) == 0 {
		return whole(key)
	}
	return part(key, Names{Args: [][]byte{[]byte(element)}, Step: 1})
}

// element is a short random name for a field or a member, seldom a long one.
func (g *game) element() string {
	if g.next != nil {
		return *g.next
	}
	switch g.r.IntN(40) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("e", shareBytes-20+g.r.IntN(40))
	}
	return fmt.Sprint("e", g.r.IntN(60))
}

// collectionPlay is a change of a collection: of the key's own type, or of a random one.
func (g *game) collectionPlay(db int, key string) func(tx *Tx, k [][]byte) {
	types := slices.Sorted(maps.Keys(collectionModels))
	typ := types[g.r.IntN(len(types))]
	times := 1
	if g.r.IntN(4) == 0 {
		times = g.r.IntN(100) // makes it large enough to change its form
	}
	return func(tx *Tx, k [][]byte) {
		e, ok := g.live(db, key)
		if ok && e.typ != TypeString {
			typ = e.typ
		}
		g.note("%d changes of a %v %d %.20q", times, typ, db, key)
		if ok && e.typ == TypeString {
			if _, _, err := tx.editOf(k[0], typ); err != ErrWrongType {
				g.fail("a %v command on a string: %v", typ, err)
			}
			return
		}
		if !ok {
			e = entryModel{typ: typ}
		}
		for range times {
			before := e.content.len()
			collectionModels[typ].change(g, tx, k[0], &e.content)
			if before == 0 || e.content.len() == 0 { // I7: it was absent, or is now
				g.gone(db, key)
				g.births++
				e = entryModel{typ: typ, content: e.content, birth: g.births}
			}
			if e.content.len() > 0 {
				g.dbs[db][key] = e
			}
		}
	}
}

package store

import "fmt"

func init() {
	collectionModels[TypeHash] = collectionModel{
		change: func(g *game, tx *Tx, key []byte, c *content) {
			field := g.element()
			h, err := editedBy(g, key, field, tx.EditHash, tx.EditHashPart)
			if err != nil {
				g.fail("hash: %v", err)
			}
			if n := h.Len(); n != c.len() {
				g.fail("a hash of %d: want %d", n, c.len())
			}
			if value, _ := h.Get([]byte(field)); value != c.named[field] {
				g.fail("hget %.20q = %.20q: want %.20q", field, value, c.named[field])
			}
			_, there := c.named[field]
			if g.r.IntN(3) == 0 {
				if h.Delete([]byte(field)) != there {
					g.fail("hdel %.20q: want %v", field, there)
				}
				delete(c.named, field)
				return
			}
			value := fmt.Sprint(g.r.IntN(1000))
			if h.Set([]byte(field), []byte(value)) == there {
				g.fail("hset %.20q: want %v", field, !there)
			}
			if c.named == nil {
				c.named = map[string]string{}
			}
			c.named[field] = value
		},
		read: func(g *game, tx *Tx, key []byte) content {
			h, err := tx.Hash(key)
			if err != nil {
				g.fail("hash: %v", err)
			}
			c := content{named: map[string]string{}}
			h.Each(func(field, value string) bool {
				c.named[field] = value
				return true
			})
			return c
		},
	}
}

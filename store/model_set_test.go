package store

func init() {
	collectionModels[TypeSet] = collectionModel{
		change: func(g *game, tx *Tx, key []byte, c *content) {
			member := g.element()
			s, err := editedBy(g, key, member, tx.EditSet, tx.EditSetPart)
			if err != nil {
				g.fail("set: %v", err)
			}
			if n := s.Len(); n != c.len() {
				g.fail("a set of %d: want %d", n, c.len())
			}
			_, there := c.named[member]
			if g.r.IntN(3) == 0 {
				if s.Remove([]byte(member)) != there {
					g.fail("srem %.20q: want %v", member, there)
				}
				delete(c.named, member)
				return
			}
			if s.Add([]byte(member)) == there {
				g.fail("sadd %.20q: want %v", member, !there)
			}
			if c.named == nil {
				c.named = map[string]string{}
			}
			c.named[member] = ""
		},
		read: func(g *game, tx *Tx, key []byte) content {
			s, err := tx.Set(key)
			if err != nil {
				g.fail("set: %v", err)
			}
			c := content{named: map[string]string{}}
			for member := range s.Members() {
				c.named[member] = ""
			}
			return c
		},
	}
}

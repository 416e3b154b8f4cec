package store

import "strconv"

func init() {
	collectionModels[TypeZSet] = collectionModel{
		change: func(g *game, tx *Tx, key []byte, c *content) {
			member := g.element()
			z, err := editedBy(g, key, member, tx.EditZSet, tx.EditZSetPart)
			if err != nil {
				g.fail("zset: %v", err)
			}
			if n := z.Len(); n != c.len() {
				g.fail("a sorted set of %d: want %d", n, c.len())
			}
			if score, ok := z.Score(member); ok && strconv.FormatFloat(score, 'g', -1, 64) != c.named[member] {
				g.fail("zscore %.20q = %v: want %v", member, score, c.named[member])
			}
			_, there := c.named[member]
			if g.r.IntN(3) == 0 {
				if z.Remove([]byte(member)) != there {
					g.fail("zrem %.20q: want %v", member, there)
				}
				delete(c.named, member)
				return
			}
			score := float64(g.r.IntN(200)-100) / 8
			if created, _ := z.Set([]byte(member), score); created == there {
				g.fail("zadd %.20q: want %v", member, !there)
			}
			if c.named == nil {
				c.named = map[string]string{}
			}
			c.named[member] = strconv.FormatFloat(score, 'g', -1, 64)
		},
		read: func(g *game, tx *Tx, key []byte) content {
			z, err := tx.ZSet(key)
			if err != nil {
				g.fail("zset: %v", err)
			}
			c := content{named: map[string]string{}}
			last := Scored{}
			z.Each(0, z.Len(), func(it *Scored) bool {
				if len(c.named) > 0 && (it.Score < last.Score || it.Score == last.Score && it.Member <= last.Member) {
					g.fail("zset: %v comes behind %v", *it, last)
				}
				last = *it
				c.named[it.Member] = strconv.FormatFloat(it.Score, 'g', -1, 64)
				return true
			})
			return c
		},
	}
}

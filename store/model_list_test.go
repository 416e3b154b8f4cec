package store

import (
	"fmt"
	"slices"
)

func init() {
	collectionModels[TypeList] = collectionModel{
		change: func(g *game, tx *Tx, key []byte, c *content) {
			l, err := tx.EditList(key)
			if err != nil {
				g.fail("list: %v", err)
			}
			if l.Len() != len(c.list) {
				g.fail("list of %d, want %d", l.Len(), len(c.list))
			}
			c.list = playList(g, l, c.list)
		},
		read: func(g *game, tx *Tx, key []byte) content {
			l, err := tx.List(key)
			if err != nil {
				g.fail("list: %v", err)
			}
			return content{list: elementsOf(l)}
		},
	}
}

func elementsOf(l *List) (list []string) {
	l.Each(0, 1, func(_ int, value string) bool {
		list = append(list, value)
		return true
	})
	return list
}

// playList does one random change on a list and on its model, which it returns.
func playList(g *game, l ListTx, list []string) []string {
	n := len(list)
	value := g.element()
	end := End(g.r.IntN(2) == 0)
	if n == 0 {
		l.Push(end, []byte(value))
		return []string{value}
	}
	i := g.r.IntN(n)
	switch g.r.IntN(12) {
	case 0:
		return playPopMany(g, l, list, end, min(i+1, 1+g.r.IntN(9)))
	case 1:
		want := list[0]
		if end == Tail {
			want = list[n-1]
		}
		if got := l.Pop(end); got != want {
			g.fail("pop %v: %.20q, want %.20q", end, got, want)
		}
		if end == Tail {
			return list[:n-1]
		}
		return list[1:]
	case 2:
		l.Set(i, []byte(value))
		list[i] = value
		return list
	case 3, 4:
		i = g.r.IntN(n + 1)
		l.Insert(i, []byte(value))
		return slices.Insert(list, i, value)
	case 5:
		count := g.r.IntN(5) - 2
		return removeModel(g, l, list, list[i], count)
	case 6:
		if g.r.IntN(4) > 0 {
			return list
		}
		from, to := g.r.IntN(n+1), g.r.IntN(n+1)
		l.Trim(from, to)
		return list[min(from, to):to]
	}
	l.Push(end, []byte(value))
	if end == Tail {
		return append(list, value)
	}
	return slices.Insert(list, 0, value)
}

func removeModel(g *game, l ListTx, list []string, value string, count int) []string {
	left := slices.Clone(list)
	if count < 0 {
		slices.Reverse(left)
	}
	removed := 0
	left = slices.DeleteFunc(left, func(v string) bool {
		gone := v == value && (count == 0 || removed < max(count, -count))
		if gone {
			removed++
		}
		return gone
	})
	if count < 0 {
		slices.Reverse(left)
	}
	if got := l.Remove([]byte(value), int64(count)); got != removed {
		g.fail("remove %d of %s: %s removed, want %d", count, value, fmt.Sprint(got), removed)
	}
	return left
}

// playPopMany pops n elements at an end.
func playPopMany(g *game, l ListTx, list []string, end End, n int) []string {
	want, rest := slices.Clone(list[:n]), list[n:]
	if end == Tail {
		want, rest = slices.Clone(list[len(list)-n:]), list[:len(list)-n]
		slices.Reverse(want)
	}
	if got := l.PopMany(end, n); !slices.Equal(got, want) {
		g.fail("pop %d %v: %.20q, want %.20q", n, end, got, want)
	}
	return rest
}

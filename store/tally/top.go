package tally

import (
	"cmp"
	"slices"
	"strings"
)

// Line is what has happened to the keys with a prefix.
type Line struct {
	Prefix string
	Counts Counts
	Missed int64 // events that may have come before it was noticed, at most
}

// counter is a Line in its place in the heap.
type counter struct {
	Line
	events int64 // with those that may have been missed: what it is ordered by
	at     int
}

// Top is the prefixes to which most has happened, at most so many: a Space-Saving summary. heap has the one with the
// fewest events first.
type Top struct {
	most int
	by   map[string]*counter
	heap []*counter
}

func newTop(most int) Top { return Top{most: most} }

func (t *Top) add(prefix string, kind Kind, weight int64) {
	var counts Counts
	counts[kind] = weight
	t.addAll(prefix, counts, 0)
}

// addAll counts events of all kinds. The prefix is copied if it is kept.
func (t *Top) addAll(prefix string, counts Counts, missed int64) {
	c := t.by[prefix]
	switch {
	case c != nil:
	case len(t.heap) < t.most:
		c = &counter{at: len(t.heap)}
		t.heap = append(t.heap, c)
		t.name(c, prefix)
		t.up(c.at)
	default:
		c = t.heap[0]
		delete(t.by, c.Prefix)
		c.Counts, c.Missed = Counts{}, c.events
		t.name(c, prefix)
	}
	c.Missed += missed
	c.events += missed
	for kind, n := range counts {
		c.Counts[kind] += n
		c.events += n
	}
	t.down(c.at)
}

func (t *Top) name(c *counter, prefix string) {
	if t.by == nil {
		t.by = map[string]*counter{}
	}
	c.Prefix = strings.Clone(prefix)
	t.by[c.Prefix] = c
}

func (t *Top) swap(i, j int) {
	h := t.heap
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (t *Top) up(i int) {
	for i > 0 && t.heap[i].events < t.heap[(i-1)/2].events {
		t.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (t *Top) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(t.heap); child++ {
			if t.heap[child].events < t.heap[least].events {
				least = child
			}
		}
		if least == i {
			return
		}
		t.swap(i, least)
		i = least
	}
}

// lines are all of them, in no order: who asks holds the owner's lock.
func (t *Top) lines() []Line { return t.appendTo(nil) }

func (t *Top) appendTo(lines []Line) []Line {
	lines = slices.Grow(lines, len(t.heap))
	for _, c := range t.heap {
		lines = append(lines, c.Line)
	}
	return lines
}

// sortLines puts those with the most events first.
func sortLines(lines []Line) {
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Counts.sum(), a.Counts.sum()), strings.Compare(a.Prefix, b.Prefix))
	})
}

func (c *Counts) sum() (n int64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Add adds others.
func (c *Counts) Add(o *Counts) {
	for kind, n := range o {
		c[kind] += n
	}
}

package tally

import "math/rand/v2"

const (
	exactEvents = 500 // a second, of which each is picked
	meanGap     = 256 // events from one that is picked to the next, when there are more
)

// A Clock picks events. Its owner counts Left down, and calls Pick with the event at which it falls below 0: so an
// event that is not picked costs next to nothing.
type Clock struct {
	Left   int64
	gap    int64 // events from the one that was picked last to the one that is next, this included
	second int64
	picked int64 // in that second
}

// Pick is for an event at a time in unix ms. It returns for how many events this one counts, and draws the next.
func (c *Clock) Pick(now int64) (weight int64) {
	weight = max(c.gap, 1)
	if second := now / 1000; second != c.second {
		c.second, c.picked = second, 0
	}
	c.gap = 1
	if c.picked++; c.picked >= exactEvents {
		c.gap = 1 + rand.Int64N(2*meanGap-1)
	}
	c.Left = c.gap - 1
	return weight
}

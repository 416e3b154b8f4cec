package order

import (
	"fmt"
	"testing"
)

func TestAsManyKeysThatWentAreRememberedAsAreThere(t *testing.T) {
	const keys = 10_000
	o := newSeeded(LFU, 1)
	for id := range int64(2 * keys) {
		o.Born(id, fmt.Sprint(id), 100, false)
		if id < keys {
			o.Used(id, 255, 0)
		}
	}
	for id := range int64(keys) {
		o.Evicted(id, fmt.Sprint(id))
	}
	known, mistaken := 0, 0
	for id := range int64(keys) {
		if _, ok := o.ghosts.level(fmt.Sprint(id)); ok {
			known++
		}
		if _, ok := o.ghosts.level(fmt.Sprint("never seen ", id)); ok {
			mistaken++
		}
	}
	// One in e falls on the place of another that went later.
	if known < keys*3/5 || mistaken > keys/500 {
		t.Errorf("of %d keys that went %d are known, and %d of as many that were never there", keys, known, mistaken)
	}
}

// LFU learns of more keys than are there.
func TestOfFewKeysLFURemembersThreeTimesAsManyThatWent(t *testing.T) {
	const keys, went = 10_000, 30_000
	o := newSeeded(LFU, 1)
	for id := range int64(keys + went) {
		if o.Born(id, fmt.Sprint(id), 100, false); id >= keys {
			o.Evicted(id-keys, fmt.Sprint(id-keys))
		}
	}
	known := 0
	for id := range int64(went) {
		if _, ok := o.ghosts.level(fmt.Sprint(id)); ok {
			known++
		}
	}
	if known < went*3/5 {
		t.Errorf("of %d keys that went %d are known", went, known)
	}
	if n := o.Memory(); n > keys*14 {
		t.Errorf("the Order takes %d bytes", n)
	}
}

// What is remembered outlasts a change of how much is.
func TestGhostsStayWhenTheirNumberChanges(t *testing.T) {
	o := newSeeded(LFU, 1)
	next := int64(0)
	for range 20_000 {
		o.Born(next, fmt.Sprint(next), 100, false)
		next++
	}
	o.Used(7, 255, 0)
	o.Evicted(7, "seven")
	sizes := map[int]bool{}
	for range 8 { // each time there are more keys, and few go
		for range 8_000 {
			o.Born(next, fmt.Sprint(next), 100, false)
			next++
		}
		for id := next - ghostsPeriod/2; id < next; id++ {
			at, _ := o.ghosts.place(fmt.Sprint(id))
			if seven, _ := o.ghosts.place("seven"); at != seven {
				o.Evicted(id, fmt.Sprint(id))
			}
		}
		sizes[len(o.ghosts.slots)] = true
	}
	if level, ok := o.ghosts.level("seven"); !ok || level < levelOne || len(sizes) < 3 {
		t.Errorf("a key that was used often has level %d, %v; sizes %v", level, ok, sizes)
	}
}

package geo

import (
	"math"
	"testing"

	"diskette/compat_test/testrand"
)

func TestAScoreIsAPlaceWithinAMeter(t *testing.T) {
	r := testrand.New(t, 1)
	for range 100_000 {
		p := Place{r.Float64()*360 - 180, (r.Float64()*2 - 1) * LatMax}
		score := Score(p)
		if score < 0 || score >= 1<<52 || score != math.Trunc(score) {
			t.Fatalf("%v has the score %v", p, score)
		}
		got := PlaceOf(score)
		if d := Distance(p, got); d > 1 {
			t.Fatalf("%v became %v, %v m away", p, got, d)
		}
		if again := Score(got); again != score {
			t.Fatalf("%v has the score %v, its place %v", p, score, again)
		}
	}
}

func TestACellsNeighboursTouchIt(t *testing.T) {
	r := testrand.New(t, 3)
	for range 20_000 {
		step := 2 + r.IntN(Steps-1)
		c := cellAt(Place{r.Float64()*300 - 150, r.Float64()*120 - 60}, step, LatMax)
		a, east, north := c.area(), c.moved(1, 0).area(), c.moved(0, 1).area()
		if east.min.Lon != a.max.Lon && a.max.Lon != LonMax || east.min.Lat != a.min.Lat {
			t.Fatalf("east of %v at step %d lies %v", a, step, east)
		}
		if north.min.Lat != a.max.Lat && a.max.Lat != LatMax || north.min.Lon != a.min.Lon {
			t.Fatalf("north of %v at step %d lies %v", a, step, north)
		}
		if back := c.moved(1, 1).moved(-1, -1); back != c {
			t.Fatalf("%v, there and back: %v", c, back)
		}
	}
}

// TestTheCellsOfAShapeCoverIt takes shapes that do not reach the date line or a pole: there,
// Redis and so we miss places.
func TestTheCellsOfAShapeCoverIt(t *testing.T) {
	r := testrand.New(t, 5)
	inside := 0
	for range 3_000 {
		s := Shape{Center: Place{r.Float64()*200 - 100, r.Float64()*100 - 50}, Unit: 1}
		size := math.Pow(10, 1+5*r.Float64())
		if s.Box = r.IntN(2) == 0; s.Box {
			s.Width, s.Height = size*(0.2+r.Float64()), size*(0.2+r.Float64())
		} else {
			s.Radius = size
		}
		cells, search := s.Cells(), s.Search(false)
		for range 100 {
			near := size / earthMeters / degree * 1.5
			p := Place{s.Center.Lon + (r.Float64()*2-1)*near, s.Center.Lat + (r.Float64()*2-1)*near}
			if _, ok := search.Has(p); !ok || math.Abs(p.Lat) > 80 {
				continue
			}
			inside++
			covered := false
			for _, c := range cells {
				covered = covered || c.Step > 0 && c == cellAt(p, c.Step, LatMax)
			}
			if !covered {
				t.Fatalf("%v lies in %+v and in none of its cells", p, s)
			}
		}
	}
	if inside < 10_000 {
		t.Errorf("%d places lay inside: too few to mean anything", inside)
	}
}

// TestASearchWithoutDistancesFindsTheSame asks about places anywhere near the edge of circles and boxes, from a part in
// 10^12 of the radius away, where the exact distance decides, to half of it.
func TestASearchWithoutDistancesFindsTheSame(t *testing.T) {
	r := testrand.New(t, 6)
	within := 0
	const times = 100_000
	for range times {
		s := Shape{Center: Place{r.Float64()*360 - 180, (r.Float64()*2 - 1) * LatMax}, Unit: 1}
		p := Place{r.Float64()*360 - 180, (r.Float64()*2 - 1) * LatMax}
		if r.IntN(2) == 0 {
			p = Place{s.Center.Lon + r.Float64()/1000, s.Center.Lat + r.Float64()/1000}
		}
		off := 1 + (r.Float64()*2-1)*math.Pow(10, -1-11*r.Float64())
		d := Distance(s.Center, p)
		if s.Box = r.IntN(4) == 0; s.Box {
			s.Width, s.Height = 2*d*off, 2*d*off
		} else {
			s.Radius = d * off
		}
		meters, ok := s.Search(true).Has(p)
		if ok && meters != d {
			t.Fatalf("%v is %v from the center of %+v, not %v", p, d, s, meters)
		}
		if !s.Box && ok != (d <= s.Radius) {
			t.Fatalf("%v, %v from the center, is in %+v: %v", p, d, s, ok)
		}
		if _, same := s.Search(false).Has(p); same != ok {
			t.Fatalf("%v is in %+v: %v, and %v where no distance is asked for", p, s, ok, same)
		}
		if ok {
			within++
		}
	}
	if within < times/5 || within > times*4/5 {
		t.Errorf("%d of %d places lay inside: too few or many to mean anything", within, times)
	}
}

// The far side of the world is within half its girth, whatever the rounding.
func TestTheOppositePlaceIsFound(t *testing.T) {
	r := testrand.New(t, 7)
	for range 1000 {
		s := Shape{Center: Place{r.Float64() * 180, (r.Float64()*2 - 1) * LatMax}, Unit: 1000, Radius: 30_000}
		opposite := Place{s.Center.Lon - 180, -s.Center.Lat}
		for _, distances := range []bool{true, false} {
			if _, ok := s.Search(distances).Has(opposite); !ok {
				t.Fatalf("%v is not in %+v", opposite, s)
			}
		}
	}
}

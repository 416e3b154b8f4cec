package resp

import (
	"bytes"
	"math"
	"testing"

	"diskette/internal/testrand"
)

func TestAScoreIsAPlaceWithinAMeter(t *testing.T) {
	r := testrand.New(t, 1)
	for range 100_000 {
		p := lonLat{r.Float64()*360 - 180, (r.Float64()*2 - 1) * geoLatMax}
		score := geoScore(p)
		if score < 0 || score >= 1<<52 || score != math.Trunc(score) {
			t.Fatalf("%v has the score %v", p, score)
		}
		got := scorePlace(score)
		if d := geoDistance(p, got); d > 1 {
			t.Fatalf("%v became %v, %v m away", p, got, d)
		}
		if again := geoScore(got); again != score {
			t.Fatalf("%v has the score %v, its place %v", p, score, again)
		}
	}
}

func TestACellsNeighboursTouchIt(t *testing.T) {
	r := testrand.New(t, 3)
	for range 20_000 {
		step := 2 + r.IntN(geoSteps-1)
		c := geoCellAt(lonLat{r.Float64()*300 - 150, r.Float64()*120 - 60}, step, geoLatMax)
		a, east, north := c.area(), c.moved(1, 0).area(), c.moved(0, 1).area()
		if east.min.lon != a.max.lon && a.max.lon != geoLonMax || east.min.lat != a.min.lat {
			t.Fatalf("east of %v at step %d lies %v", a, step, east)
		}
		if north.min.lat != a.max.lat && a.max.lat != geoLatMax || north.min.lon != a.min.lon {
			t.Fatalf("north of %v at step %d lies %v", a, step, north)
		}
		if back := c.moved(1, 1).moved(-1, -1); back != c {
			t.Fatalf("%v, there and back: %v", c, back)
		}
	}
}

// TestTheCellsOfAShapeCoverIt takes shapes that do not reach the date line or a pole: there, Redis and so we miss places.
func TestTheCellsOfAShapeCoverIt(t *testing.T) {
	r := testrand.New(t, 5)
	inside := 0
	for range 3_000 {
		s := geoShape{center: lonLat{r.Float64()*200 - 100, r.Float64()*100 - 50}, unit: 1}
		size := math.Pow(10, 1+5*r.Float64())
		if s.box = r.IntN(2) == 0; s.box {
			s.width, s.height = size*(0.2+r.Float64()), size*(0.2+r.Float64())
		} else {
			s.radius = size
		}
		cells := s.cells()
		for range 100 {
			near := size / earthMeters / degree * 1.5
			p := lonLat{s.center.lon + (r.Float64()*2-1)*near, s.center.lat + (r.Float64()*2-1)*near}
			if _, ok := s.has(p); !ok || math.Abs(p.lat) > 80 {
				continue
			}
			inside++
			covered := false
			for _, c := range cells {
				covered = covered || c.step > 0 && c == geoCellAt(p, c.step, geoLatMax)
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

// FuzzGeoQuery reads any words as the arguments of the commands that search.
func FuzzGeoQuery(f *testing.F) {
	for _, s := range []string{
		"g fromlonlat 15 37 byradius 200 km asc count 3 any withdist", "d g frommember m bybox 1 2 mi storedist", "g 15 37 200 km store d storedist e",
		"g m 200 ft withhash", "g fromlonlat 15 37 bybox 1 2", "g fromlonlat 180 85.05112878 byradius inf m", "g fromlonlat 1 2 byradius 4e-320 m count",
	} {
		f.Add([]byte(s), byte(aroundOption), true)
		f.Add([]byte(s), byte(aroundPlace), false)
		f.Add([]byte(s), byte(aroundMember), true)
	}
	least := map[byte]int{aroundOption: 7, aroundPlace: 6, aroundMember: 5} // arguments, as the table has it
	f.Fuzz(func(t *testing.T, words []byte, around byte, stores bool) {
		around %= 3
		c := &call{args: append([][]byte{[]byte("geosearch")}, bytes.Split(words, []byte(" "))...)}
		if len(c.args) < least[around] || around == aroundOption && stores && len(c.args) < 8 {
			return
		}
		q, refusal := c.geoQuery(nil, geoForm{around: around, stores: stores})
		if refusal.isError() {
			return
		}
		if q.store != nil && !stores || q.count < 0 || q.any && q.count == 0 {
			t.Fatalf("%+v was accepted", q)
		}
		s := &q.shape
		if s.unit == 0 {
			if around != aroundMember {
				t.Fatal("a shape without a unit was accepted")
			}
			return // without a key, its radius is not read
		}
		for _, c := range s.cells() {
			if c.step < 0 || c.step > geoSteps || c.bits>>(2*c.step) > 3 {
				t.Fatalf("the cell %+v of %+v", c, s)
			}
		}
		s.has(lonLat{1, 1})
		q.run(nil)
	})
}

package geo

import (
	"math"
)

// A Shape is what is searched: a circle, or a box whose sides are given.
type Shape struct {
	Center        Place
	Box           bool
	Radius        float64 // in the unit, as the sides
	Width, Height float64
	Unit          float64 // meters
}

// A Search asks of many places whether a shape has them.
type Search struct {
	Shape
	from origin
	// Of a circle: the haversines up to which a place is surely within it, and above which it is surely not. What lies
	// between takes the exact distance to tell.
	within, beyond float64
	exact          bool
}

// Search begins a search. The distances of the places that it finds are told only if they are asked for.
func (s *Shape) Search(distances bool) *Search {
	meters := s.Radius * s.Unit
	const margin, part = 1, 1e-6 // meters, and of the radius
	return &Search{Shape: *s, from: originAt(s.Center), exact: distances,
		within: haversineOf(meters*(1-part) - margin), beyond: haversineOf(meters*(1+part) + margin)}
}

// Has reports whether a place lies in the shape, and how far from the center.
func (s *Search) Has(p Place) (meters float64, ok bool) {
	if !s.Box {
		h := min(s.from.haversine(p), 1) // of opposite places it may come out above
		switch {
		case h > s.beyond:
			return 0, false
		case h < s.within && !s.exact:
			return 0, true
		}
		meters = s.from.distance(p)
		return meters, !(meters > s.Radius*s.Unit)
	}
	if Distance(Place{p.Lon, p.Lat}, Place{p.Lon, s.Center.Lat}) > s.Height*s.Unit/2 ||
		Distance(p, Place{s.Center.Lon, p.Lat}) > s.Width*s.Unit/2 {
		return 0, false
	}
	if s.exact {
		meters = s.from.distance(p)
	}
	return meters, true
}

// bounds are the degrees between which the shape lies, about.
func (s *Shape) bounds() (b Area) {
	width, height := s.Unit*s.Radius, s.Unit*s.Radius
	if s.Box {
		width, height = s.Unit*(s.Width/2), s.Unit*(s.Height/2)
	}
	lat := height / earthMeters / degree
	far := s.Center.Lat + lat // the edge that is nearer to a pole is the longer one in degrees
	if s.Center.Lat < 0 {
		far = s.Center.Lat - lat
	}
	lon := width / earthMeters / math.Cos(far*degree) / degree
	return Area{
		min: Place{s.Center.Lon - lon, s.Center.Lat - lat},
		max: Place{s.Center.Lon + lon, s.Center.Lat + lat},
	}
}

// step is how fine a grid is whose cells are still large enough that the center's and its
// neighbours cover the shape, about.
func (s *Shape) step() int {
	meters := s.Radius
	if s.Box {
		meters = math.Sqrt(float64((s.Width/2)*(s.Width/2)) + float64((s.Height/2)*(s.Height/2)))
	}
	meters *= s.Unit
	if meters == 0 {
		return Steps
	}
	step := 1
	for ; meters < mercatorMeters; step++ {
		meters *= 2
	}
	step -= 2
	if lat := math.Abs(s.Center.Lat); lat > 80 {
		step -= 2
	} else if lat > 66 {
		step--
	}
	return min(max(step, 1), Steps)
}

// Cells are the center's cell and those of its neighbours that the shape reaches, in the order
// in which they are searched.
func (s *Shape) Cells() [9]Cell {
	b := s.bounds()
	step := s.step()
	center := cellAt(s.Center, step, LatMax)
	if step > 1 && (center.moved(0, 1).area().max.Lat < b.max.Lat || center.moved(0, -1).area().min.Lat > b.min.Lat ||
		center.moved(1, 0).area().max.Lon < b.max.Lon || center.moved(-1, 0).area().min.Lon > b.min.Lon) {
		step--
		center = cellAt(s.Center, step, LatMax)
	}
	cells := [9]Cell{center, center.moved(0, 1), center.moved(0, -1), center.moved(1, 0), center.moved(-1, 0),
		center.moved(1, 1), center.moved(-1, 1), center.moved(1, -1), center.moved(-1, -1)}
	if step < 2 {
		return cells
	}
	const north, south, east, west, northEast, northWest, southEast, southWest = 1, 2, 3, 4, 5, 6, 7, 8
	drop := func(useless bool, at ...int) {
		for _, i := range at {
			if useless {
				cells[i] = Cell{}
			}
		}
	}
	area := center.area()
	drop(area.min.Lat < b.min.Lat, south, southWest, southEast)
	drop(area.max.Lat > b.max.Lat, north, northEast, northWest)
	drop(area.min.Lon < b.min.Lon, west, southWest, northWest)
	drop(area.max.Lon > b.max.Lon, east, southEast, northEast)
	return cells
}

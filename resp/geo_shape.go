package resp

import (
	"math"

	"diskette/store"
)

// A geoShape is what is searched: a circle, or a box whose sides are given.
type geoShape struct {
	center        lonLat
	box           bool
	radius        float64 // in the unit, as the sides
	width, height float64
	unit          float64 // meters
}

// found is a member within a shape.
type found struct {
	store.Scored
	place  lonLat
	meters float64 // from the center
}

// has reports whether a place lies in the shape, and how far from the center.
func (s *geoShape) has(p lonLat) (meters float64, ok bool) {
	if !s.box {
		if geoBeyond(s.center, p, s.radius*s.unit) {
			return 0, false
		}
		meters = geoDistance(s.center, p)
		return meters, !(meters > s.radius*s.unit)
	}
	if geoDistance(lonLat{p.lon, p.lat}, lonLat{p.lon, s.center.lat}) > s.height*s.unit/2 ||
		geoDistance(p, lonLat{s.center.lon, p.lat}) > s.width*s.unit/2 {
		return 0, false
	}
	return geoDistance(s.center, p), true
}

// bounds are the degrees between which the shape lies, about.
func (s *geoShape) bounds() (b geoArea) {
	width, height := s.unit*s.radius, s.unit*s.radius
	if s.box {
		width, height = s.unit*(s.width/2), s.unit*(s.height/2)
	}
	lat := height / earthMeters / degree
	far := s.center.lat + lat // the edge that is nearer to a pole is the longer one in degrees
	if s.center.lat < 0 {
		far = s.center.lat - lat
	}
	lon := width / earthMeters / math.Cos(far*degree) / degree
	return geoArea{
		min: lonLat{s.center.lon - lon, s.center.lat - lat},
		max: lonLat{s.center.lon + lon, s.center.lat + lat},
	}
}

// step is how fine a grid is whose cells are still large enough that the center's and its neighbours cover the shape, about.
func (s *geoShape) step() int {
	meters := s.radius
	if s.box {
		meters = math.Sqrt(float64((s.width/2)*(s.width/2)) + float64((s.height/2)*(s.height/2)))
	}
	meters *= s.unit
	if meters == 0 {
		return geoSteps
	}
	step := 1
	for ; meters < mercatorMeters; step++ {
		meters *= 2
	}
	step -= 2
	if lat := math.Abs(s.center.lat); lat > 80 {
		step -= 2
	} else if lat > 66 {
		step--
	}
	return min(max(step, 1), geoSteps)
}

// cells are the center's cell and those of its neighbours that the shape reaches, in the order in which they are searched.
func (s *geoShape) cells() [9]geoCell {
	b := s.bounds()
	step := s.step()
	center := geoCellAt(s.center, step, geoLatMax)
	if step > 1 && (center.moved(0, 1).area().max.lat < b.max.lat || center.moved(0, -1).area().min.lat > b.min.lat ||
		center.moved(1, 0).area().max.lon < b.max.lon || center.moved(-1, 0).area().min.lon > b.min.lon) {
		step--
		center = geoCellAt(s.center, step, geoLatMax)
	}
	cells := [9]geoCell{center, center.moved(0, 1), center.moved(0, -1), center.moved(1, 0), center.moved(-1, 0),
		center.moved(1, 1), center.moved(-1, 1), center.moved(1, -1), center.moved(-1, -1)}
	if step < 2 {
		return cells
	}
	const north, south, east, west, northEast, northWest, southEast, southWest = 1, 2, 3, 4, 5, 6, 7, 8
	drop := func(useless bool, at ...int) {
		for _, i := range at {
			if useless {
				cells[i] = geoCell{}
			}
		}
	}
	area := center.area()
	drop(area.min.lat < b.min.lat, south, southWest, southEast)
	drop(area.max.lat > b.max.lat, north, northEast, northWest)
	drop(area.min.lon < b.min.lon, west, southWest, northWest)
	drop(area.max.lon > b.max.lon, east, southEast, northEast)
	return cells
}

// search finds the members within the shape, up to limit of them if it is not 0.
func (s *geoShape) search(z *store.ZSet, limit int64) (all []found) {
	last := 0 // the cell searched before: when few cells make the world, neighbours are the same
	cells := s.cells()
	for i, c := range cells {
		if c.step == 0 || last > 0 && c == cells[last] {
			continue
		}
		if limit > 0 && int64(len(all)) >= limit {
			break
		}
		last = i
		low, high := float64(c.score()), float64(geoCell{c.bits + 1, c.step}.score())
		from := z.Seek(func(it *store.Scored) bool { return it.Score < low })
		z.Each(from, z.Len(), func(it *store.Scored) bool {
			if it.Score >= high {
				return false
			}
			place := scorePlace(it.Score)
			if meters, ok := s.has(place); ok {
				all = append(all, found{*it, place, meters})
			}
			return limit == 0 || int64(len(all)) < limit
		})
	}
	return all
}

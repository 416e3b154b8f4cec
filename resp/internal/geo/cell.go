package geo

import (
	"math"

	"diskette/resp/internal/ccast"
)

// Places on earth as sorted sets hold them: 26 bits of longitude and of latitude, halving each range at every
// bit, taken in turns make a score of 52 bits. What lies near is mostly near by score, too. All of it follows
// geohash.c and geohash_helper.c, in their order of operations, so that the digits are Redis's. The explicit
// conversions to float64 keep processors other than x86-64 from fusing two roundings into one.
const (
	LonMax = 180.0
	LatMax = 85.05112878 // of the Mercator projection: there are no poles

	Steps = 26 // bits of each coordinate in a score

	earthMeters    = 6372797.560856 // radius: quadratic mean of WGS-84
	mercatorMeters = 20037726.37    // half the equator, as projected
)

// degree in radians, divided as C divides: a constant would be rounded once instead of twice.
var degree = piFloat / 180

var piFloat = math.Pi

// A Place is in degrees.
type Place struct{ Lon, Lat float64 }

// Cell is a cell of the grid with 2^step columns and rows. Step 0 = none.
type Cell struct {
	Bits uint64
	Step int
}

// Area is what a cell covers, in degrees.
type Area struct{ min, max Place }

// spread moves the 32 bits of x to the even places; squeeze moves them back.

func spread(x uint32) uint64 {
	n := uint64(x)
	n = (n | n<<16) & 0x0000ffff0000ffff
	n = (n | n<<8) & 0x00ff00ff00ff00ff
	n = (n | n<<4) & 0x0f0f0f0f0f0f0f0f
	n = (n | n<<2) & 0x3333333333333333
	return (n | n<<1) & 0x5555555555555555
}

func squeeze(n uint64) uint32 {
	n &= 0x5555555555555555
	n = (n | n>>1) & 0x3333333333333333
	n = (n | n>>2) & 0x0f0f0f0f0f0f0f0f
	n = (n | n>>4) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16)
}

// cellAt is the cell of a step that a place lies in, by the latitudes up to latMax.
func cellAt(p Place, step int, latMax float64) Cell {
	lat := (p.Lat + latMax) / (2 * latMax) * float64(uint64(1)<<step)
	lon := (p.Lon + LonMax) / (2 * LonMax) * float64(uint64(1)<<step)
	return Cell{spread(uint32(int64(lat))) | spread(uint32(int64(lon)))<<1, step}
}

func (c Cell) area() Area {
	lat, lon := squeeze(c.Bits), squeeze(c.Bits>>1)
	cells := float64(uint64(1) << c.Step)
	at := func(n uint32, most float64) float64 { return -most + float64(float64(n)/cells*(2*most)) }
	return Area{
		min: Place{at(lon, LonMax), at(lat, LatMax)},
		max: Place{at(lon+1, LonMax), at(lat+1, LatMax)},
	}
}

// score is the lowest score of a place in the cell.
func (c Cell) score() uint64 { return c.Bits << (2*Steps - 2*c.Step) }

// Scores are the lowest score in the cell and the lowest beyond it.
func (c Cell) Scores() (low, high float64) {
	return float64(c.score()), float64(Cell{c.Bits + 1, c.Step}.score())
}

// moved is the cell so many columns and rows away, -1, 0 or 1, going round the world.
func (c Cell) moved(columns, rows int) Cell {
	const even, odd = 0x5555555555555555, 0xaaaaaaaaaaaaaaaa
	lon, lat := c.Bits&odd, c.Bits&even
	shift := 64 - 2*c.Step
	if columns != 0 {
		gap := uint64(even) >> shift
		if columns > 0 {
			lon += gap + 1
		} else {
			lon = (lon | gap) - (gap + 1)
		}
		lon &= odd >> shift
	}
	if rows != 0 {
		gap := uint64(odd) >> shift
		if rows > 0 {
			lat += gap + 1
		} else {
			lat = (lat | gap) - (gap + 1)
		}
		lat &= even >> shift
	}
	return Cell{lon | lat, c.Step}
}

// Score is what a sorted set holds of a place.
func Score(p Place) float64 { return float64(cellAt(p, Steps, LatMax).Bits) }

// PlaceOf is the middle of the cell that a score stands for.
func PlaceOf(score float64) Place {
	a := Cell{ccast.Uint64(score), Steps}.area()
	return Place{
		min(max((a.min.Lon+a.max.Lon)/2, -LonMax), LonMax),
		min(max((a.min.Lat+a.max.Lat)/2, -LatMax), LatMax),
	}
}

// Text is a score as the geohash that other software knows: 11 digits of 5 bits, the last of
// which there are no bits for.
func Text(score float64) string {
	const digits = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits := cellAt(PlaceOf(score), Steps, 90).Bits
	text := []byte("00000000000")
	for i := range 10 {
		text[i] = digits[bits>>(2*Steps-5*(i+1))&31]
	}
	return string(text)
}

// Distance is the way between two places in meters, by the haversine formula.
func Distance(a, b Place) float64 { return originAt(a).distance(b) }

// An origin is a place to which many distances are asked for.
type origin struct {
	Place
	cosine float64 // of its latitude
}

func originAt(p Place) origin { return origin{p, cosine(p.Lat * degree)} }

func (a origin) distance(b Place) float64 {
	v := sine((b.Lon*degree - float64(a.Lon*degree)) / 2)
	if v == 0 {
		return earthMeters * math.Abs(b.Lat*degree-float64(a.Lat*degree))
	}
	lat1, lat2 := a.Lat*degree, b.Lat*degree
	u := sine((lat2 - lat1) / 2)
	h := float64(u*u) + float64(a.cosine*cosine(lat2)*v*v)
	return 2 * earthMeters * arcsine(math.Sqrt(h))
}

// haversine is the square of the sine of half the angle between two places, as far as math's sines can tell.
func (a origin) haversine(b Place) float64 {
	u, v := math.Sin((b.Lat-a.Lat)*degree/2), math.Sin((b.Lon-a.Lon)*degree/2)
	return u*u + a.cosine*math.Cos(b.Lat*degree)*v*v
}

// haversineOf is the haversine of places that are so many meters apart; 1, which none is above, if that is not
// possible.
func haversineOf(meters float64) float64 {
	sine := math.Sin(min(max(meters, 0)/(2*earthMeters), math.Pi/2))
	return sine * sine
}

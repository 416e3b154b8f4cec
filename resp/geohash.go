package resp

import (
	"math"

	"diskette/internal/ccast"
)

// Places on earth as sorted sets hold them: 26 bits of longitude and of latitude, halving each range at every bit, taken in turns
// make a score of 52 bits. What lies near is mostly near by score, too. All of it follows geohash.c and geohash_helper.c, in their
// order of operations, so that the digits are Redis's. The explicit conversions to float64 keep processors other than
// x86-64 from fusing two roundings into one.
const (
	geoLonMax = 180.0
	geoLatMax = 85.05112878 // of the Mercator projection: there are no poles

	geoSteps = 26 // bits of each coordinate in a score

	earthMeters    = 6372797.560856 // radius: quadratic mean of WGS-84
	mercatorMeters = 20037726.37    // half the equator, as projected
)

// degree in radians, divided as C divides: a constant would be rounded once instead of twice.
var degree = piFloat / 180

var piFloat = math.Pi

type lonLat struct{ lon, lat float64 }

// geoCell is a cell of the grid with 2^step columns and rows. Step 0 = none.
type geoCell struct {
	bits uint64
	step int
}

// geoArea is what a cell covers, in degrees.
type geoArea struct{ min, max lonLat }

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

// geoCellAt is the cell of a step that a place lies in, by the latitudes up to latMax.
func geoCellAt(p lonLat, step int, latMax float64) geoCell {
	lat := (p.lat + latMax) / (2 * latMax) * float64(uint64(1)<<step)
	lon := (p.lon + geoLonMax) / (2 * geoLonMax) * float64(uint64(1)<<step)
	return geoCell{spread(uint32(int64(lat))) | spread(uint32(int64(lon)))<<1, step}
}

func (c geoCell) area() geoArea {
	lat, lon := squeeze(c.bits), squeeze(c.bits>>1)
	cells := float64(uint64(1) << c.step)
	at := func(n uint32, most float64) float64 { return -most + float64(float64(n)/cells*(2*most)) }
	return geoArea{
		min: lonLat{at(lon, geoLonMax), at(lat, geoLatMax)},
		max: lonLat{at(lon+1, geoLonMax), at(lat+1, geoLatMax)},
	}
}

// score is the lowest score of a place in the cell.
func (c geoCell) score() uint64 { return c.bits << (2*geoSteps - 2*c.step) }

// moved is the cell so many columns and rows away, -1, 0 or 1, going round the world.
func (c geoCell) moved(columns, rows int) geoCell {
	const even, odd = 0x5555555555555555, 0xaaaaaaaaaaaaaaaa
	lon, lat := c.bits&odd, c.bits&even
	shift := 64 - 2*c.step
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
	return geoCell{lon | lat, c.step}
}

func geoScore(p lonLat) float64 { return float64(geoCellAt(p, geoSteps, geoLatMax).bits) }

// scorePlace is the middle of the cell that a score stands for.
func scorePlace(score float64) lonLat {
	a := geoCell{ccast.Uint64(score), geoSteps}.area()
	return lonLat{
		min(max((a.min.lon+a.max.lon)/2, -geoLonMax), geoLonMax),
		min(max((a.min.lat+a.max.lat)/2, -geoLatMax), geoLatMax),
	}
}

// geoText is a score as the geohash that other software knows: 11 digits of 5 bits, the last of which there are no bits for.
func geoText(score float64) string {
	const digits = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits := geoCellAt(scorePlace(score), geoSteps, 90).bits
	text := []byte("00000000000")
	for i := range 10 {
		text[i] = digits[bits>>(2*geoSteps-5*(i+1))&31]
	}
	return string(text)
}

// geoDistance is the way between two places in meters, by the haversine formula.
func geoDistance(a, b lonLat) float64 {
	v := sine((b.lon*degree - float64(a.lon*degree)) / 2)
	if v == 0 {
		return earthMeters * math.Abs(b.lat*degree-float64(a.lat*degree))
	}
	lat1, lat2 := a.lat*degree, b.lat*degree
	u := sine((lat2 - lat1) / 2)
	h := float64(u*u) + float64(cosine(lat1)*cosine(lat2)*v*v)
	return 2 * earthMeters * arcsine(math.Sqrt(h))
}

// geoBeyond reports whether two places are farther apart than some meters, as far as math's sines can tell.
func geoBeyond(a, b lonLat, meters float64) bool {
	meters = meters*(1+1e-6) + 1
	if math.Abs(b.lat-a.lat)*degree*earthMeters > meters {
		return true
	}
	u, v := math.Sin((b.lat-a.lat)*degree/2), math.Sin((b.lon-a.lon)*degree/2)
	h := u*u + math.Cos(a.lat*degree)*math.Cos(b.lat*degree)*v*v
	return 2*earthMeters*math.Asin(math.Sqrt(min(h, 1))) > meters
}

package command

import (
	"cmp"
	"slices"

	"diskette/resp/internal/geo"
	"diskette/resp/internal/numbers"
	"diskette/store"
)

var (
	errGeoRadius   = ErrorReply("ERR need numeric radius")
	errGeoNegative = ErrorReply("ERR radius cannot be negative")
	errGeoWidth    = ErrorReply("ERR need numeric width")
	errGeoHeight   = ErrorReply("ERR need numeric height")
	errGeoBox      = ErrorReply("ERR height or width cannot be negative")
	errGeoMember   = ErrorReply("ERR could not decode requested zset member")
	errGeoAny      = ErrorReply("ERR the ANY argument requires COUNT argument")
)

// geoForm says which of the commands a query belongs to.
type geoForm struct {
	around byte
	stores bool // it may store what it finds
}

const (
	aroundPlace  = iota // GEORADIUS: arguments 2 and 3
	aroundMember        // GEORADIUSBYMEMBER: argument 2
	aroundOption        // GEOSEARCH: options say so, and what shape it is
)

// geoQuery is what GEOSEARCH and its kind are asked for.
type geoQuery struct {
	shape geo.Shape

	fromMember, fromPlace bool
	byRadius, byBox       bool

	withDist, withHash, withCoord bool

	order int   // 1 = the nearest first, -1 = the farthest, 0 = as they come
	count int64 // 0 = all
	any   bool  // the first that are found will do

	store       []byte // the key to store into, nil = none
	storeMeters bool   // distances instead of places
}

// geoQuery reads the arguments, in Redis's order. The members of z, which is nil if there is no
// such key, may be in them.
func (c *Call) geoQuery(z *store.ZSet, form geoForm) (q *geoQuery, refusal Reply) {
	q = &geoQuery{}
	options := 2
	switch {
	case form.around == aroundPlace:
		options = 6
		if q.shape.Center, refusal = c.lonLat(2); !refusal.IsError() {
			refusal = q.radius(c, 4)
		}
	case form.around == aroundMember:
		options = 5
		if z != nil { // without a key the radius is not looked at
			if refusal = q.member(c, 2, z); !refusal.IsError() {
				refusal = q.radius(c, 3)
			}
		}
	case form.stores:
		options = 3
		q.store = c.Args[1]
	}
	for i := options; i < len(c.Args) && !refusal.IsError(); {
		i, refusal = q.option(c, i, z, form)
	}
	if !refusal.IsError() {
		refusal = q.check(c, form)
	}
	return q, refusal
}

// option reads the option at place i and returns the place of the next.
func (q *geoQuery) option(c *Call, i int, z *store.ZSet, form geoForm) (next int, refusal Reply) {
	left := len(c.Args) - i - 1
	search := form.around == aroundOption
	switch {
	case c.Is(i, "withdist"):
		q.withDist = true
	case c.Is(i, "withhash"):
		q.withHash = true
	case c.Is(i, "withcoord"):
		q.withCoord = true
	case c.Is(i, "any"):
		q.any = true
	case c.Is(i, "asc"):
		q.order = 1
	case c.Is(i, "desc"):
		q.order = -1
	case c.Is(i, "count") && left >= 1:
		var ok bool
		if q.count, ok = c.Int(i + 1); !ok {
			return 0, ErrNotInteger
		}
		if q.count <= 0 {
			return 0, errCountZero
		}
		return i + 2, Reply{}
	case (c.Is(i, "store") || c.Is(i, "storedist")) && left >= 1 && form.stores && !search:
		q.store, q.storeMeters = c.Args[i+1], c.Is(i, "storedist")
		return i + 2, Reply{}
	case c.Is(i, "storedist") && form.stores && search:
		q.storeMeters = true
	case search:
		return q.shapeOption(c, i, z)
	default:
		return 0, ErrSyntax
	}
	return i + 1, Reply{}
}

// shapeOption reads the options that GEOSEARCH alone has.
func (q *geoQuery) shapeOption(c *Call, i int, z *store.ZSet) (next int, refusal Reply) {
	left := len(c.Args) - i - 1
	switch {
	case c.Is(i, "frommember") && left >= 1 && !q.fromPlace:
		q.fromMember = true
		if z != nil {
			refusal = q.member(c, i+1, z)
		}
		return i + 2, refusal
	case c.Is(i, "fromlonlat") && left >= 2 && !q.fromMember:
		q.fromPlace = true
		q.shape.Center, refusal = c.lonLat(i + 1)
		return i + 3, refusal
	case c.Is(i, "byradius") && left >= 2 && !q.byBox:
		q.byRadius = true
		return i + 3, q.radius(c, i+1)
	case c.Is(i, "bybox") && left >= 3 && !q.byRadius:
		q.byBox = true
		return i + 4, q.box(c, i+1)
	}
	return 0, ErrSyntax
}

// member makes the place of a member the center.
func (q *geoQuery) member(c *Call, i int, z *store.ZSet) (refusal Reply) {
	var ok bool
	if q.shape.Center, ok = memberPlace(z, c.Args[i]); !ok {
		return errGeoMember
	}
	return Reply{}
}

// radius reads a radius and its unit.
func (q *geoQuery) radius(c *Call, i int) (refusal Reply) {
	var ok bool
	if q.shape.Radius, ok = numbers.ParseDouble(c.Args[i]); !ok {
		return errGeoRadius
	}
	if q.shape.Radius < 0 {
		return errGeoNegative
	}
	if q.shape.Unit, ok = c.geoUnit(i + 1); !ok {
		return errGeoUnit
	}
	return Reply{}
}

// box reads a width, a height and their unit.
func (q *geoQuery) box(c *Call, i int) (refusal Reply) {
	q.shape.Box = true
	var ok bool
	if q.shape.Width, ok = numbers.ParseDouble(c.Args[i]); !ok {
		return errGeoWidth
	}
	if q.shape.Height, ok = numbers.ParseDouble(c.Args[i+1]); !ok {
		return errGeoHeight
	}
	if q.shape.Width < 0 || q.shape.Height < 0 {
		return errGeoBox
	}
	if q.shape.Unit, ok = c.geoUnit(i + 2); !ok {
		return errGeoUnit
	}
	return Reply{}
}

// check refuses what does not go together.
func (q *geoQuery) check(c *Call, form geoForm) (refusal Reply) {
	search := form.around == aroundOption
	switch {
	case q.store != nil && (q.withDist || q.withHash || q.withCoord):
		what := "STORE option in GEORADIUS"
		if search {
			what = "GEOSEARCHSTORE"
		}
		return ErrorReply("ERR " + what + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	case search && !q.fromMember && !q.fromPlace:
		return errGeoOneOf(c, "FROMMEMBER or FROMLONLAT")
	case search && !q.byRadius && !q.byBox:
		return errGeoOneOf(c, "BYRADIUS and BYBOX")
	case q.any && q.count == 0:
		return errGeoAny
	}
	return Reply{}
}

// run finds the members that are asked for, in the order asked for.
func (q *geoQuery) run(z *store.ZSet) []found {
	if z == nil {
		return nil
	}
	limit := int64(0)
	if q.any {
		limit = q.count
	}
	order := q.order
	if order == 0 && q.count > 0 && !q.any {
		order = 1 // the first of them in no order would mean nothing
	}
	all := searchShape(q.shape.Search(order != 0 || q.withDist || q.storeMeters), z, limit)
	if order != 0 {
		slices.SortStableFunc(all, func(a, b found) int { return order * cmp.Compare(a.meters, b.meters) })
	}
	if q.count > 0 && int64(len(all)) > q.count {
		all = all[:q.count]
	}
	return all
}

// found is a member within a shape.
type found struct {
	store.Scored
	place  geo.Place
	meters float64 // from the center, if the search tells it
}

// searchShape finds the members within a shape, up to limit of them if it is not 0.
func searchShape(s *geo.Search, z *store.ZSet, limit int64) (all []found) {
	last := 0 // the cell searched before: when few cells make the world, neighbours are the same
	cells := s.Cells()
	for i, c := range cells {
		if c.Step == 0 || last > 0 && c == cells[last] {
			continue
		}
		if limit > 0 && int64(len(all)) >= limit {
			break
		}
		last = i
		low, high := c.Scores()
		from := z.Seek(func(it *store.Scored) bool { return it.Score < low })
		z.Each(from, z.Len(), func(it *store.Scored) bool {
			if it.Score >= high {
				return false
			}
			place := geo.PlaceOf(it.Score)
			if meters, ok := s.Has(place); ok {
				all = append(all, found{*it, place, meters})
			}
			return limit == 0 || int64(len(all)) < limit
		})
	}
	return all
}

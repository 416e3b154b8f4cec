package resp

import (
	"fmt"
	"strconv"
	"strings"

	"diskette/resp/internal/ccast"
	"diskette/resp/internal/geo"
	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

var errGeoUnit = errorReply("ERR unsupported unit provided. please use M, KM, FT, MI")

// lonLat reads a place from arguments i and i+1.
func (c *call) lonLat(i int) (p geo.Place, refusal Reply) {
	lon, ok := numbers.ParseDouble(c.args[i])
	if !ok {
		return p, errNotFloat
	}
	lat, ok := numbers.ParseDouble(c.args[i+1])
	if !ok {
		return p, errNotFloat
	}
	if lon < -geo.LonMax || lon > geo.LonMax || lat < -geo.LatMax || lat > geo.LatMax {
		return p, errorReply("ERR invalid longitude,latitude pair " + sixDecimals(lon) + "," + sixDecimals(lat))
	}
	return geo.Place{Lon: lon, Lat: lat}, Reply{}
}

// sixDecimals is C's %f.
func sixDecimals(f float64) string {
	return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', 6, 64), "+"))
}

// geoUnit reads a unit: meters to one of it.
func (c *call) geoUnit(i int) (meters float64, ok bool) {
	switch {
	case c.is(i, "m"):
		return 1, true
	case c.is(i, "km"):
		return 1000, true
	case c.is(i, "ft"):
		return 0.3048, true
	case c.is(i, "mi"):
		return 1609.34, true
	}
	return 0, false
}

func geoadd(tx *store.Tx, c *call) Reply {
	var o zaddOptions
	at := c.zaddOptions(&o, true)
	places := c.args[at:]
	if len(places)%3 != 0 || o.nx && o.xx {
		return errSyntax
	}
	scores := make([]float64, 0, 16)
	for i := 0; i < len(places); i += 3 {
		p, refusal := c.lonLat(at + i)
		if refusal.isError() {
			return refusal
		}
		scores = append(scores, geo.Score(p))
	}
	if len(scores) == 0 {
		return errSyntax
	}
	z, err := tx.EditZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	return o.set(tx, z, c, places, scores)
}

// memberPlace is where a member of a sorted set is.
func memberPlace(z *store.ZSet, member []byte) (p geo.Place, ok bool) {
	score, ok := z.Score(words.ViewString(member))
	if !ok {
		return p, false
	}
	return geo.PlaceOf(score), true
}

func geodist(v *store.View, c *call) Reply {
	unit := 1.0
	if len(c.args) > 5 {
		return errSyntax
	}
	if len(c.args) == 5 {
		var ok bool
		if unit, ok = c.geoUnit(4); !ok {
			return errGeoUnit
		}
	}
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	a, okA := memberPlace(z, c.args[2])
	b, okB := memberPlace(z, c.args[3])
	if !okA || !okB {
		return replyNull
	}
	return geoDistanceReply(geo.Distance(a, b) / unit)
}

func geoDistanceReply(d float64) Reply {
	return bulkString(strconv.FormatFloat(d, 'f', 4, 64))
}

// coordinates are written with 17 decimals, less the zeros at the end.
func coordinates(p geo.Place) Reply {
	text := func(f float64) Reply {
		s := strings.TrimRight(strconv.FormatFloat(f, 'f', 17, 64), "0")
		if s = strings.TrimSuffix(s, "."); s == "-0" {
			s = "0"
		}
		return decimal(s)
	}
	return array(text(p.Lon), text(p.Lat))
}

func geohash(v *store.View, c *call) Reply {
	return c.eachPlace(v, func(score float64) Reply { return bulkString(geo.Text(score)) }, replyNull)
}

func geopos(v *store.View, c *call) Reply {
	return c.eachPlace(v, func(score float64) Reply { return coordinates(geo.PlaceOf(score)) }, replyNoArray)
}

// eachPlace answers for every member that is asked for, or with none.
func (c *call) eachPlace(v *store.View, reply func(score float64) Reply, none Reply) Reply {
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	replies := make([]Reply, len(c.args)-2)
	for i, member := range c.args[2:] {
		replies[i] = none
		if score, ok := z.Score(words.ViewString(member)); ok {
			replies[i] = reply(score)
		}
	}
	return array(replies...)
}

func georadius(tx *store.Tx, c *call) Reply {
	return c.geoStoring(tx, geoForm{around: aroundPlace, stores: true}, 1)
}
func georadiusbymember(tx *store.Tx, c *call) Reply {
	return c.geoStoring(tx, geoForm{around: aroundMember, stores: true}, 1)
}
func geosearchstore(tx *store.Tx, c *call) Reply {
	return c.geoStoring(tx, geoForm{around: aroundOption, stores: true}, 2)
}
func georadiusRO(v *store.View, c *call) Reply {
	return c.geoReading(v, geoForm{around: aroundPlace})
}
func georadiusbymemberRO(v *store.View, c *call) Reply {
	return c.geoReading(v, geoForm{around: aroundMember})
}
func geosearch(v *store.View, c *call) Reply {
	return c.geoReading(v, geoForm{around: aroundOption})
}

func (c *call) geoReading(v *store.View, form geoForm) Reply {
	z, err := v.ZSet(c.args[1])
	if err != nil {
		return failure(err)
	}
	q, refusal := c.geoQuery(z, form)
	if refusal.isError() {
		return refusal
	}
	return q.replies(q.run(z))
}

func (c *call) geoStoring(tx *store.Tx, form geoForm, source int) Reply {
	z, err := tx.View.ZSet(c.args[source])
	if err != nil {
		return failure(err)
	}
	q, refusal := c.geoQuery(z, form)
	if refusal.isError() {
		return refusal
	}
	all := q.run(z)
	if q.store == nil {
		return q.replies(all)
	}
	members := make([]store.Scored, 0, len(all))
	seen := make(map[string]bool, len(all)) // cells that go round the world may be searched twice
	for _, f := range all {
		if seen[f.Member] {
			continue
		}
		seen[f.Member] = true
		if q.storeMeters {
			f.Score = f.meters / q.shape.Unit
		}
		members = append(members, f.Scored)
	}
	event := "georadiusstore"
	if form.around == aroundOption {
		event = "geosearchstore"
	}
	return c.placeZSet(tx, event, q.store, c.madeZSet(members))
}

// replies are what was found, with what was asked for about it.
func (q *geoQuery) replies(all []found) Reply {
	replies := make([]Reply, len(all))
	for i, f := range all {
		r := []Reply{bulkString(f.Member)}
		if q.withDist {
			r = append(r, geoDistanceReply(f.meters/q.shape.Unit))
		}
		if q.withHash {
			r = append(r, integer(ccast.Int64(f.Score)))
		}
		if q.withCoord {
			r = append(r, coordinates(f.place))
		}
		if len(r) == 1 {
			replies[i] = r[0]
		} else {
			replies[i] = array(r...)
		}
	}
	return array(replies...)
}

func errGeoOneOf(c *call, words string) Reply {
	return errorReply(oneLine(fmt.Sprintf("ERR exactly one of %s can be specified for %s", words, c.args[0])))
}

package command

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

func geoRows() []*Row {
	return []*Row{
		{Name: "geoadd", Arity: -5, Flags: Write | Denyoom, Keys: KeyAt(1, "RW update"), Write: geoadd,
			Group: "geo", Since: "3.2.0",
			Args: "key [condition(NX|XX)] [change=CH] longitude_latitude_member{longitude latitude member}...",
			Cost: "O(log(N)) for each member", Doc: "Adds places to a sorted set, or moves them."},
		{Name: "geodist", Arity: -4, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: geodist,
			Group: "geo", Since: "3.2.0", Args: "key member1 member2 [unit(M|KM|FT|MI)]", Cost: "O(1)",
			Doc: "Returns the distance between two places."},
		{Name: "geohash", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: eachPlace(geohash, ReplyNull),
			Group: "geo", Since: "3.2.0", Args: "key member...", Cost: "O(1) for each member",
			Doc: "Returns places as geohash strings."},
		{Name: "geopos", Arity: -2, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: eachPlace(geopos, ReplyNoArray),
			Group: "geo", Since: "3.2.0", Args: "key member...", Cost: "O(1) for each member",
			Doc: "Returns the longitude and latitude of places."},
		{Name: "georadius", Arity: -6, Flags: Write | Denyoom | MovableKeys,
			Keys: both(KeyAt(1, "RO access"), keyBehind("STORE", 6, "OW update"),
				keyBehind("STOREDIST", 6, "OW update")),
			Write: georadius,
			Group: "geo", Since: "3.2.0",
			Args: "key longitude latitude radius unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT count [ANY]}] [order(ASC|DESC)] [STORE key] [STOREDIST key]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Finds places within a circle; GEOSEARCH and GEOSEARCHSTORE's older form."},
		{Name: "georadius_ro", Arity: -6, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onZSet(georadiusRO),
			Group: "geo", Since: "3.2.10",
			Args: "key longitude latitude radius unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT count [ANY]}] [order(ASC|DESC)]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Finds places within a circle; GEOSEARCH's older form."},
		{Name: "georadiusbymember", Arity: -5, Flags: Write | Denyoom | MovableKeys,
			Keys: both(KeyAt(1, "RO access"), keyBehind("STORE", 5, "OW update"),
				keyBehind("STOREDIST", 5, "OW update")),
			Write: georadiusbymember,
			Group: "geo", Since: "3.2.0",
			Args: "key member radius unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT count [ANY]}] [order(ASC|DESC)] [STORE key] [STOREDIST key]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Finds places within a circle around a member; GEOSEARCH and GEOSEARCHSTORE's older form."},
		{Name: "georadiusbymember_ro", Arity: -5, Flags: Readonly, Keys: KeyAt(1, "RO access"),
			Read:  onZSet(georadiusbymemberRO),
			Group: "geo", Since: "3.2.10",
			Args: "key member radius unit(M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [count{COUNT count [ANY]}] [order(ASC|DESC)]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Finds places within a circle around a member; GEOSEARCH's older form."},
		{Name: "geosearch", Arity: -7, Flags: Readonly, Keys: KeyAt(1, "RO access"), Read: onZSet(geosearch),
			Group: "geo", Since: "6.2.0",
			Args: "key from(FROMMEMBER member|FROMLONLAT longitude_latitude{longitude latitude}) by(circle{BYRADIUS radius unit(M|KM|FT|MI)}|box{BYBOX width height unit(M|KM|FT|MI)}) [order(ASC|DESC)] [count{COUNT count [ANY]}] [WITHCOORD] [WITHDIST] [WITHHASH]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Finds places within a circle or a box."},
		{Name: "geosearchstore", Arity: -8, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "OW update"), KeyAt(2, "RO access")), Write: geosearchstore,
			Group: "geo", Since: "6.2.0",
			Args: "destination source from(FROMMEMBER member|FROMLONLAT longitude_latitude{longitude latitude}) by(circle{BYRADIUS radius unit(M|KM|FT|MI)}|box{BYBOX width height unit(M|KM|FT|MI)}) [order(ASC|DESC)] [count{COUNT count [ANY]}] [STOREDIST]",
			Cost: "O(N+log(M)) with N members in the cells around the shape and M in the sorted set",
			Doc:  "Stores the places within a circle or a box in another sorted set."},
	}
}

var errGeoUnit = ErrorReply("ERR unsupported unit provided. please use M, KM, FT, MI")

// lonLat reads a place from arguments i and i+1.
func (c *Call) lonLat(i int) (p geo.Place, refusal Reply) {
	lon, ok := numbers.ParseDouble(c.Args[i])
	if !ok {
		return p, errNotFloat
	}
	lat, ok := numbers.ParseDouble(c.Args[i+1])
	if !ok {
		return p, errNotFloat
	}
	if lon < -geo.LonMax || lon > geo.LonMax || lat < -geo.LatMax || lat > geo.LatMax {
		return p, ErrorReply("ERR invalid longitude,latitude pair " + sixDecimals(lon) + "," + sixDecimals(lat))
	}
	return geo.Place{Lon: lon, Lat: lat}, Reply{}
}

// sixDecimals is C's %f.
func sixDecimals(f float64) string {
	return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', 6, 64), "+"))
}

// geoUnit reads a unit: meters to one of it.
func (c *Call) geoUnit(i int) (meters float64, ok bool) {
	switch {
	case c.Is(i, "m"):
		return 1, true
	case c.Is(i, "km"):
		return 1000, true
	case c.Is(i, "ft"):
		return 0.3048, true
	case c.Is(i, "mi"):
		return 1609.34, true
	}
	return 0, false
}

func geoadd(tx *store.Tx, c *Call) Reply {
	var o zaddOptions
	at := c.zaddOptions(&o, true)
	places := c.Args[at:]
	if len(places)%3 != 0 || o.nx && o.xx {
		return ErrSyntax
	}
	scores := make([]float64, 0, 16)
	for i := 0; i < len(places); i += 3 {
		p, refusal := c.lonLat(at + i)
		if refusal.IsError() {
			return refusal
		}
		scores = append(scores, geo.Score(p))
	}
	if len(scores) == 0 {
		return ErrSyntax
	}
	z, err := tx.EditZSet(c.Args[1])
	if err != nil {
		return Failure(err)
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

func geodist(v *store.View, c *Call) Reply {
	unit := 1.0
	if len(c.Args) > 5 {
		return ErrSyntax
	}
	if len(c.Args) == 5 {
		var ok bool
		if unit, ok = c.geoUnit(4); !ok {
			return errGeoUnit
		}
	}
	z, err := v.ZSet(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	a, okA := memberPlace(z, c.Args[2])
	b, okB := memberPlace(z, c.Args[3])
	if !okA || !okB {
		return ReplyNull
	}
	return geoDistanceReply(geo.Distance(a, b) / unit)
}

func geoDistanceReply(d float64) Reply {
	return BulkString(strconv.FormatFloat(d, 'f', 4, 64))
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
	return Array(text(p.Lon), text(p.Lat))
}

func geohash(score float64) Reply { return BulkString(geo.Text(score)) }

func geopos(score float64) Reply { return coordinates(geo.PlaceOf(score)) }

// eachPlace is GEOHASH and GEOPOS: it answers for every member that is asked for, with none for one that is not there.
func eachPlace(reply func(score float64) Reply, none Reply) reading {
	return onZSet(func(z *store.ZSet, c *Call) Reply {
		replies := make([]Reply, len(c.Args)-2)
		for i, member := range c.Args[2:] {
			replies[i] = none
			if score, ok := z.Score(words.ViewString(member)); ok {
				replies[i] = reply(score)
			}
		}
		return Array(replies...)
	})
}

func georadius(tx *store.Tx, c *Call) Reply { return c.findStoring(tx, aroundPlace, 1) }

func georadiusbymember(tx *store.Tx, c *Call) Reply { return c.findStoring(tx, aroundMember, 1) }

func geosearchstore(tx *store.Tx, c *Call) Reply { return c.findStoring(tx, aroundOption, 2) }

func georadiusRO(z *store.ZSet, c *Call) Reply { return c.find(z, aroundPlace) }

func georadiusbymemberRO(z *store.ZSet, c *Call) Reply { return c.find(z, aroundMember) }

func geosearch(z *store.ZSet, c *Call) Reply { return c.find(z, aroundOption) }

// find answers with the places in a shape.
func (c *Call) find(z *store.ZSet, around byte) Reply {
	q, refusal := c.geoQuery(z, geoForm{around: around})
	if refusal.IsError() {
		return refusal
	}
	return q.replies(q.run(z))
}

// findStoring stores the places in a shape, of the sorted set whose key is argument source, or answers with them if no
// destination is named.
func (c *Call) findStoring(tx *store.Tx, around byte, source int) Reply {
	z, err := tx.View.ZSet(c.Args[source])
	if err != nil {
		return Failure(err)
	}
	q, refusal := c.geoQuery(z, geoForm{around: around, stores: true})
	if refusal.IsError() {
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
	if around == aroundOption {
		event = "geosearchstore"
	}
	return c.placeZSet(tx, event, q.store, c.madeZSet(members))
}

// replies are what was found, with what was asked for about it.
func (q *geoQuery) replies(all []found) Reply {
	replies := make([]Reply, len(all))
	for i, f := range all {
		r := []Reply{BulkString(f.Member)}
		if q.withDist {
			r = append(r, geoDistanceReply(f.meters/q.shape.Unit))
		}
		if q.withHash {
			r = append(r, Integer(ccast.Int64(f.Score)))
		}
		if q.withCoord {
			r = append(r, coordinates(f.place))
		}
		if len(r) == 1 {
			replies[i] = r[0]
		} else {
			replies[i] = Array(r...)
		}
	}
	return Array(replies...)
}

func errGeoOneOf(c *Call, words string) Reply {
	return ErrorReply(OneLine(fmt.Sprintf("ERR exactly one of %s can be specified for %s", words, c.Args[0])))
}

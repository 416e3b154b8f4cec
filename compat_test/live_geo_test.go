package compat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// ownPlaces moves the places of a GEOADD towards the zero meridian, by some meters for each
// member: ties in distance have no order in Redis, so no two members may stand in one place.
func ownPlaces(args []any) {
	if args[0] != "GEOADD" {
		return
	}
	for i := 4; i < len(args); i++ {
		n, err := strconv.Atoi(strings.TrimPrefix(args[i].(string), "m"))
		if err != nil || args[i].(string)[0] != 'm' || n == 0 {
			continue
		}
		lon, err := strconv.ParseFloat(args[i-2].(string), 64)
		if err == nil && lon >= -180 && lon <= 180 {
			args[i-2] = fmt.Sprintf("%.6f", lon-math.Copysign(float64(n)*4e-5, lon))
		}
	}
}

// geo: X and Y are places all over the world and at its edges; half of them are near one another.
func init() {
	r := rand.New(rand.NewPCG(7, 7))
	lons := []string{"0", "180", "-180", "179.9999", "-179.9999", "13.361389", "15.087269", "90", "1e-5"}
	lats := []string{"0", "85.05112878", "-85.05112878", "85", "-85", "38.115556", "37.502669", "66.5", "80.5"}
	for range 60 {
		lons = append(lons, fmt.Sprintf("%.6f", r.Float64()*360-180), fmt.Sprintf("%.6f", 13+r.Float64()*3))
		lats = append(lats, fmt.Sprintf("%.6f", r.Float64()*170-85), fmt.Sprintf("%.6f", 37+r.Float64()*2))
	}
	var members []string
	for i := range 60 {
		members = append(members, fmt.Sprint("m", i))
	}
	randomFamilies["geo"] = randomFamily{templates: `
GEOADD K X Y A
GEOADD K X Y A X Y A X Y A
GEOADD K X Y A X Y A X Y A X Y A X Y A X Y A
GEOADD K NX X Y A
GEOADD K XX CH X Y A
GEOADD K CH X Y A X Y A
GEOADD K NX XX X Y A
GEOADD K X Y
GEOADD K BADX Y A
GEOADD K X BADY A
ZADD K SCORE m0
ZREM K A
GEOPOS K A A
GEOHASH K A A
GEODIST K A A
GEODIST K A A U
GEODIST K A A U U
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U ORDER
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U ORDER WITHDIST WITHCOORD WITHHASH
GEOSEARCH K FROMLONLAT X Y BYBOX D D U ORDER WITHDIST
GEOSEARCH K FROMMEMBER A BYRADIUS D U ORDER WITHDIST
GEOSEARCH K FROMMEMBER A BYBOX D D U ORDER WITHHASH
GEOSEARCH K ORDER BYRADIUS D U FROMLONLAT X Y COUNT C
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U COUNT C ORDER WITHDIST
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U
GEOSEARCH K FROMLONLAT X Y BYBOX D D U WITHDIST
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U COUNT C ANY
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U COUNT C ANY ORDER
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U ANY
GEOSEARCH K FROMLONLAT X Y FROMMEMBER A BYRADIUS D U
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U BYBOX D D U
GEOSEARCH K FROMLONLAT X Y ORDER ORDER ORDER
GEOSEARCH K BYRADIUS D U ORDER ORDER ORDER
GEOSEARCH K FROMLONLAT X Y BYRADIUS D U STOREDIST
GEOSEARCHSTORE E K FROMLONLAT X Y BYRADIUS D U
GEOSEARCHSTORE E K FROMLONLAT X Y BYRADIUS D U STOREDIST
GEOSEARCHSTORE E K FROMMEMBER A BYBOX D D U ORDER COUNT C
GEOSEARCHSTORE E K FROMMEMBER A BYBOX D D U WITHDIST
GEOSEARCHSTORE K K FROMLONLAT 14 38 BYRADIUS 2000 km
GEORADIUS K X Y D U ORDER
GEORADIUS K X Y D U WITHDIST WITHCOORD ORDER COUNT C
GEORADIUS K X Y D U STORE E
GEORADIUS K X Y D U STOREDIST E
GEORADIUS K X Y D U STORE E WITHDIST
GEORADIUS K X Y D U COUNT C ANY STORE E
GEORADIUS K X Y D U STORE
GEORADIUS_RO K X Y D U ORDER WITHHASH
GEORADIUS_RO K X Y D U STORE E
GEORADIUSBYMEMBER K A D U ORDER WITHDIST
GEORADIUSBYMEMBER K A D U STOREDIST E COUNT C
GEORADIUSBYMEMBER_RO K A D U ORDER
ZRANGE E 0 -1
ZRANGE K 0 -1
ZCARD E
DEL K
SET K x
`, varied: ownPlaces, words: map[string][]string{
		"K":     {"a", "b", "c", "a", "b", "c", "a", "b", "c", "none"},
		"E":     {"d", "e", "a"},
		"A":     members,
		"X":     lons,
		"Y":     lats,
		"BADX":  {"181", "-180.1", "inf", "nan", "x", "", "1e300"},
		"BADY":  {"86", "-85.1", "-inf", "x", "", "1e-400"},
		"U":     {"m", "km", "ft", "mi", "M", "Km", "yd"},
		"D":     {"0", "1", "10", "100", "500", "1000", "5000", "20000", "200000", "5e6", "-1", "x", "1e9", "inf"},
		"C":     {"1", "2", "5", "100", "0", "-1", "x"},
		"ORDER": {"ASC", "DESC", "asc"},
		"SCORE": {"0", "1", "-1", "3479099956230698", "4503599627370495", "4503599627370496", "9007199254740992", "1e300", "-1e300", "inf", "-inf", "0.5"},
	}}
}

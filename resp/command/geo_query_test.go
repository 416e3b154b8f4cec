package command

import (
	"bytes"
	"testing"

	"diskette/resp/internal/geo"
)

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
		c := &Call{Args: append([][]byte{[]byte("geosearch")}, bytes.Split(words, []byte(" "))...)}
		if len(c.Args) < least[around] || around == aroundOption && stores && len(c.Args) < 8 {
			return
		}
		q, refusal := c.geoQuery(nil, geoForm{around: around, stores: stores})
		if refusal.IsError() {
			return
		}
		if q.store != nil && !stores || q.count < 0 || q.any && q.count == 0 {
			t.Fatalf("%+v was accepted", q)
		}
		s := &q.shape
		if s.Unit == 0 {
			if around != aroundMember {
				t.Fatal("a shape without a unit was accepted")
			}
			return // without a key, its radius is not read
		}
		for _, c := range s.Cells() {
			if c.Step < 0 || c.Step > geo.Steps || c.Bits>>(2*c.Step) > 3 {
				t.Fatalf("the cell %+v of %+v", c, s)
			}
		}
		s.Search(true).Has(geo.Place{Lon: 1, Lat: 1})
		q.run(nil)
	})
}

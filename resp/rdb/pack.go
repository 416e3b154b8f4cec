package rdb

// A pack walks a compact encoding: a listpack, a ziplist, a zipmap or an intset. Elements point into it.
type pack interface {
	next() (e element, ok bool) // ok is false at the end and at damage
	whole() bool                // after next has returned false: was that the end?
}

// openPack returns the pack of an encoding, nil when its frame is damaged. What is inside is checked on the way.
func openPack(encoding packEncoding, b []byte) pack {
	switch encoding {
	case listpackEncoding:
		if l, ok := readListpack(b); ok {
			return l
		}
	case ziplistEncoding:
		if z := readZiplist(b); z != nil {
			return z
		}
	case zipmapEncoding:
		if z := readZipmap(b); z != nil {
			return z
		}
	case intsetEncoding:
		if s := readIntset(b); s != nil {
			return s
		}
	}
	return nil
}

// A packEncoding is the name of one, as OBJECT ENCODING would say it.
type packEncoding string

const (
	listpackEncoding packEncoding = "listpack"
	ziplistEncoding  packEncoding = "ziplist"
	zipmapEncoding   packEncoding = "zipmap"
	intsetEncoding   packEncoding = "intset"
)

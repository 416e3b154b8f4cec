package tally

import (
	"encoding/binary"
	"errors"
	"math"
)

// What is kept, in varints unless it says otherwise; a text is its length and its bytes:
//
//	Flows    version, since, counts, ages of the evicted and the expired (floats), both Tops
//	Top      lines: prefix, missed, counts
//	Census   version, shift
//	part     keys: id, bytes, born, prefix; of the census's keys those with certain ids
const keptVersion = 1

// Parts is how many parts a census is kept in: those in which nothing has changed are not written again.
const Parts = 16

func partOf(id int64) int { return int(dice(id) % Parts) }

var errKept = errors.New("statistics that were kept can not be read")

type encoder []byte

func (e *encoder) int(n int64) { *e = binary.AppendVarint(*e, n) }
func (e *encoder) float(f float64) {
	*e = binary.LittleEndian.AppendUint64(*e, math.Float64bits(f))
}
func (e *encoder) text(s string) {
	e.int(int64(len(s)))
	*e = append(*e, s...)
}

// decoder reads what encoder has written; broken = there is something else.
type decoder struct {
	b      string
	broken bool
}

func (d *decoder) int() int64 {
	n, size := binary.Varint([]byte(d.b[:min(len(d.b), binary.MaxVarintLen64)]))
	if size <= 0 {
		d.broken, d.b = true, ""
		return 0
	}
	d.b = d.b[size:]
	return n
}

// count is a number that is not below 0.
func (d *decoder) count() int64 {
	n := d.int()
	if n < 0 {
		d.broken = true
		return 0
	}
	return n
}

func (d *decoder) float() float64 {
	if len(d.b) < 8 {
		d.broken, d.b = true, ""
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64([]byte(d.b[:8])))
	d.b = d.b[8:]
	if math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		d.broken = true
		return 0
	}
	return f
}

func (d *decoder) text() string {
	n := d.count()
	if n > LongestPrefix || n > int64(len(d.b)) {
		d.broken, d.b = true, ""
		return ""
	}
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

// Encode is the Flows in bytes; changed = something has happened since the last call.
func (f *Flows) Encode() (b []byte, changed bool) {
	all := f.All()
	if f.kept == all {
		return nil, false
	}
	f.kept = all
	var e encoder
	e.int(keptVersion)
	e.int(f.Since)
	e.counts(&all)
	for _, a := range []Ages{f.Evicted, f.Expired} {
		e.float(a.Millis)
		e.float(a.Keys)
	}
	for _, t := range []*Top{&f.first, &f.second} {
		lines := t.lines()
		e.int(int64(len(lines)))
		for i := range lines {
			l := &lines[i]
			e.text(l.Prefix)
			e.int(l.Missed)
			e.counts(&l.Counts)
		}
	}
	return e, true
}

func (e *encoder) counts(c *Counts) {
	for _, n := range c {
		e.int(n)
	}
}

func (d *decoder) counts() (c Counts) {
	for kind := range c {
		c[kind] = d.count()
	}
	return c
}

// Restore adds what Encode has written.
func (f *Flows) Restore(kept string) error {
	d := decoder{b: kept}
	if d.int() != keptVersion {
		return errKept
	}
	r := NewFlows(d.count(), f.first.most)
	r.Before = d.counts()
	for _, a := range []*Ages{&r.Evicted, &r.Expired} {
		a.Millis, a.Keys = d.float(), d.float()
	}
	for _, t := range []*Top{&r.first, &r.second} {
		var lines []Line
		for n := d.count(); n > 0 && !d.broken; n-- {
			l := Line{Prefix: d.text(), Missed: d.count()}
			if l.Counts = d.counts(); !d.broken {
				lines = append(lines, l)
			}
		}
		sortLines(lines) // if there is room for fewer than there was
		for _, l := range lines {
			t.addAll(l.Prefix, l.Counts, l.Missed)
		}
	}
	if d.broken {
		return errKept
	}
	r.Counts = f.Counts
	r.Evicted.Millis, r.Evicted.Keys = r.Evicted.Millis+f.Evicted.Millis, r.Evicted.Keys+f.Evicted.Keys
	r.Expired.Millis, r.Expired.Keys = r.Expired.Millis+f.Expired.Millis, r.Expired.Keys+f.Expired.Keys
	for _, l := range f.first.lines() {
		r.first.addAll(l.Prefix, l.Counts, l.Missed)
	}
	for _, l := range f.second.lines() {
		r.second.addAll(l.Prefix, l.Counts, l.Missed)
	}
	*f = *r
	return nil
}

// Changes are the census in bytes: its head, nil if nothing has changed since the last call, and the parts that have.
func (c *Census) Changes() (head []byte, parts map[int][]byte) {
	var e [Parts]encoder
	for i := range c.keys {
		k := &c.keys[i]
		part := partOf(k.ID)
		if !c.changed[part] {
			continue
		}
		p := &e[part]
		p.int(k.ID)
		p.int(k.Bytes)
		p.int(k.Born)
		p.text(k.Prefix)
	}
	for part, changed := range c.changed {
		if !changed {
			continue
		}
		c.changed[part] = false
		if parts == nil {
			parts = map[int][]byte{}
			var h encoder
			h.int(keptVersion)
			h.int(int64(c.shift))
			head = h
		}
		parts[part] = e[part]
	}
	return head, parts
}

// RestoreCensus makes a census of at most so many keys of what Changes has written.
func RestoreCensus(most int, head string, parts []string) (*Census, error) {
	c := NewCensus(most)
	d := decoder{b: head}
	version, shift := d.int(), d.count()
	if d.broken || version != keptVersion || shift > 62 {
		return nil, errKept
	}
	c.shift = uint(shift)
	for _, part := range parts {
		d := decoder{b: part}
		for len(d.b) > 0 {
			k := Key{ID: d.count(), Bytes: d.count(), Born: d.count(), Prefix: d.text()}
			if d.broken {
				return nil, errKept
			}
			if c.wants(k.ID, k.Bytes) && !c.Has(k.ID) {
				c.add(k)
			}
		}
	}
	for len(c.keys) > c.most {
		c.thin()
	}
	return c, nil
}

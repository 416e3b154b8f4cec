package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fillLine is a prefix in the table of what fills a cache.
type fillLine struct {
	Prefix, Name string
	Keys, Bytes  float64
	Mean         float64
	Share        float64 // percent of all bytes
	Hits, Misses float64
	HitRatio     float64 // percent; -1 = nothing was looked for
	Others       bool    // it is no prefix
}

// box is a rectangle of the treemap.
type box struct {
	X, Y, W, H float64
	Line       fillLine
	Shade      int
	Label      bool // there is room for one
}

const (
	mostPrefixes  = 10_000 // asked for; the server knows of fewer
	mostFillLines = 200    // of the table
)

// fill shows what takes the room in a database, by the statistics that the server keeps. It names prefixes only to who
// may read all keys with them.
func (l *look) fill() error {
	db, err := l.database()
	if err != nil {
		return err
	}
	level, under := "1", l.r.FormValue("under")
	if under != "" || l.r.FormValue("level") == "2" {
		level = "2"
	}
	v, err := l.c.do("CACHE", "PREFIXES", strconv.Itoa(db), "LEVEL", level, "UNDER", under, "COUNT", strconv.Itoa(mostPrefixes))
	if err != nil {
		return err
	}
	lines := fillLines(v.elems)
	data := map[string]any{"DB": db, "Deep": level == "2" && under == "", "Under": under, "Boxes": treemap(lines, mapWidth, mapHeight),
		"Width": mapWidth, "Height": mapHeight}
	if l.r.FormValue("by") == "hits" {
		data["ByHits"] = true
		slices.SortStableFunc(lines, func(a, b fillLine) int { return cmp.Compare(b.Hits, a.Hits) })
	}
	if len(lines) > mostFillLines {
		lines = append(lines[:mostFillLines:mostFillLines], together(lines[mostFillLines:]))
	}
	data["Lines"] = lines
	stats, err := l.c.do("CACHE", "STATS", strconv.Itoa(db))
	if _, err := may(err); err != nil {
		return err
	}
	if since := stats.field("since_ms").int(); since > 0 {
		data["Since"] = time.UnixMilli(since)
		data["OneIn"], data["Incomplete"] = stats.field("one_key_in").int(), stats.field("complete").int() == 0
	}
	if info, err := l.c.info("keyspace"); err == nil { // who may not ask types a number
		var dbs []string
		for _, it := range info.lists["keyspace"] {
			dbs = append(dbs, strings.TrimPrefix(it.name, "db"))
		}
		data["DBs"] = dbs
	}
	return l.show("fill", "What fills it", data)
}

// fillLines are the lines of a reply of CACHE PREFIXES, those of the most bytes first.
func fillLines(prefixes []value) (lines []fillLine) {
	sum := 0.0
	for i := range prefixes {
		p := &prefixes[i]
		number := func(field string) float64 { return float64(p.field(field).int()) }
		line := fillLine{Prefix: p.field("prefix").text, Keys: number("keys"), Bytes: number("bytes"), Hits: number("hits"), Misses: number("misses")}
		line.Name, line.Others = showBytes(shorten(line.Prefix, 100)), line.Prefix == ""
		if line.Others {
			line.Name = "names without :"
		}
		line.Mean, line.HitRatio = line.Bytes/max(line.Keys, 1), hitRatio(line.Hits, line.Misses)
		sum += line.Bytes
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i].Share = 100 * lines[i].Bytes / max(sum, 1)
	}
	slices.SortStableFunc(lines, func(a, b fillLine) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return lines
}

// together is one line for several.
func together(lines []fillLine) fillLine {
	sum := fillLine{Name: fmt.Sprintf("%d more", len(lines)), Others: true}
	for _, line := range lines {
		sum.Keys, sum.Bytes, sum.Share = sum.Keys+line.Keys, sum.Bytes+line.Bytes, sum.Share+line.Share
		sum.Hits, sum.Misses = sum.Hits+line.Hits, sum.Misses+line.Misses
	}
	sum.Mean, sum.HitRatio = sum.Bytes/max(sum.Keys, 1), hitRatio(sum.Hits, sum.Misses)
	return sum
}

// The treemap's size, in units of its own.
const (
	mapWidth, mapHeight = 1000.0, 420.0
	mostBoxes           = 40
)

// treemap fills a rectangle with one for each line, as square as they can be: the squarified treemap of Bruls, Huizing
// and van Wijk (2000). The smallest lines share the last one.
func treemap(lines []fillLine, width, height float64) (boxes []box) {
	sum := 0.0
	for _, line := range lines {
		sum += line.Bytes
	}
	if sum <= 0 {
		return nil
	}
	shown := slices.Clone(lines[:min(len(lines), mostBoxes)])
	if rest := lines[len(shown):]; len(rest) > 0 {
		shown = append(shown, together(rest))
		slices.SortFunc(shown, func(a, b fillLine) int { return cmp.Compare(b.Bytes, a.Bytes) })
	}
	scale := width * height / sum
	x, y, w, h := 0.0, 0.0, width, height
	for first := 0; first < len(shown) && shown[first].Bytes > 0; {
		side := min(w, h)
		n, area := 1, shown[first].Bytes*scale
		for first+n < len(shown) {
			more := area + shown[first+n].Bytes*scale
			if worst(shown[first:first+n+1], scale, more, side) > worst(shown[first:first+n], scale, area, side) {
				break
			}
			area = more
			n++
		}
		thick := area / max(side, 1e-9)
		at := 0.0
		for i := first; i < first+n; i++ {
			long := shown[i].Bytes * scale / max(thick, 1e-9)
			b := box{X: x, Y: y + at, W: thick, H: long, Line: shown[i], Shade: i % 6}
			if w < h {
				b = box{X: x + at, Y: y, W: long, H: thick, Line: shown[i], Shade: i % 6}
			}
			b.Label = b.W > 90 && b.H > 34
			boxes = append(boxes, b)
			at += long
		}
		if w < h {
			y, h = y+thick, h-thick
		} else {
			x, w = x+thick, w-thick
		}
		first += n
	}
	return boxes
}

// worst is how far from square the least square box of a row is.
func worst(row []fillLine, scale, area, side float64) float64 {
	large, small := row[0].Bytes*scale, row[len(row)-1].Bytes*scale
	if small <= 0 || area <= 0 {
		return 1e18
	}
	return max(side*side*large/(area*area), area*area/(side*side*small))
}

func unit(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// clipped is a name as long as there is room for.
func clipped(name string, width float64) string { return shorten(name, max(3, int(width/9))) }

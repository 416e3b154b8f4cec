package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fillLine is a prefix in the table of what fills a cache.
type fillLine struct {
	Prefix, Name string
	Keys, Bytes  float64
	Mean         float64
	Share        float64 // percent of all bytes
	Others       bool
}

// box is a rectangle of the treemap.
type box struct {
	X, Y, W, H float64
	Line       fillLine
	Shade      int
	Label      bool // there is room for one
}

// fill shows what takes the room in a database.
func (l *look) fill() error {
	db, err := l.database()
	if err != nil {
		return err
	}
	// Names are shown only to who may read all of them.
	if _, err := l.c.do("SCAN", "0", "COUNT", "1"); err != nil {
		return err
	}
	info, err := l.c.info("keyspace")
	if err != nil {
		return err
	}
	var dbs []string
	for _, it := range info.lists["keyspace"] {
		dbs = append(dbs, strings.TrimPrefix(it.name, "db"))
	}
	data := map[string]any{"DB": db, "DBs": dbs}
	found, whole, soFar := l.s.walk.of(db)
	if found != nil {
		groups, deep := found.First, l.r.FormValue("level") == "2"
		if deep {
			groups = found.Second
		}
		if under := l.r.FormValue("under"); under != "" {
			groups = slices.DeleteFunc(slices.Clone(found.Second), func(g group) bool { return !strings.HasPrefix(g.Prefix, under) })
			data["Under"] = under
		}
		lines := fillLines(groups)
		data["Deep"], data["Lines"], data["Boxes"] = deep, lines[:min(len(lines), 200)], treemap(lines, mapWidth, mapHeight)
		data["Found"], data["Whole"], data["Keys"] = found, whole, found.Keys
		data["Width"], data["Height"] = mapWidth, mapHeight
		if size, err := l.c.do("DBSIZE"); err == nil {
			data["Size"] = float64(size.int())
		}
	}
	data["SoFar"] = soFar
	return l.show("fill", "What fills it", data)
}

func fillLines(groups []group) (lines []fillLine) {
	sum := 0.0
	for _, g := range groups {
		sum += g.Bytes
	}
	for _, g := range groups {
		line := fillLine{Prefix: g.Prefix, Name: showBytes(shorten(g.Prefix, 100)), Keys: g.Keys, Bytes: g.Bytes,
			Mean: g.Bytes / max(g.Keys, 1), Share: 100 * g.Bytes / max(sum, 1)}
		switch g.Prefix {
		case noPrefix:
			line.Name, line.Others = "names without :", true
		case others:
			line.Name, line.Others = "others", true
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b fillLine) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return lines
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
		last := fillLine{Name: fmt.Sprintf("%d more", len(rest)), Others: true}
		for _, line := range rest {
			last.Keys, last.Bytes, last.Share = last.Keys+line.Keys, last.Bytes+line.Bytes, last.Share+line.Share
		}
		shown = append(shown, last)
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

package admin

import (
	"strconv"
	"strings"
)

// report is INFO: its fields by name, and those of sections with a line an item by section.
type report struct {
	text  map[string]string
	lists map[string][]item // by section in lower case
}

// item is a line such as db0:keys=1,expires=0.
type item struct {
	name   string
	fields map[string]string
}

func (i item) number(field string) float64 { return parseFloat(i.fields[field]) }

func (r *report) has(field string) bool       { _, ok := r.text[field]; return ok }
func (r *report) number(field string) float64 { return parseFloat(r.text[field]) }

func parseFloat(text string) float64 {
	f, _ := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	return f
}

// listSections have a line an item.
var listSections = map[string]bool{"commandstats": true, "errorstats": true, "latencystats": true, "keyspace": true}

// info asks for sections of INFO.
func (c *conn) info(sections ...string) (*report, error) {
	v, err := c.whole(append([]string{"INFO"}, sections...)...)
	if err != nil {
		return nil, err
	}
	return parseInfo(v), nil
}

func parseInfo(text string) *report {
	r := &report{text: map[string]string{}, lists: map[string][]item{}}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if title, ok := strings.CutPrefix(line, "# "); ok {
			section = strings.ToLower(title)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		switch {
		case !ok:
		case listSections[section], section == "bounds" && strings.HasPrefix(name, "bound_"):
			it := item{name, map[string]string{}}
			for _, part := range strings.Split(value, ",") {
				field, number, _ := strings.Cut(part, "=")
				it.fields[field] = number
			}
			r.lists[section] = append(r.lists[section], it)
		default:
			r.text[name] = value
		}
	}
	return r
}

package rdb

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// readAll reads a file to its end and returns its records as text, a record a line, and how many parts there were.
func readAll(src io.Reader, o FileOptions) (lines []string, parts int, err error) {
	f := NewFileReader(src, o)
	for {
		rec, err := f.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return lines, parts, err
		}
		switch rec.Kind {
		case RecordKey:
			v, n, err := readValue(f)
			parts += n
			if err != nil {
				return lines, parts, err
			}
			lines = append(lines, keyLine(rec, v))
		case RecordModule:
			lines = append(lines, fmt.Sprintf("db %d key %q is a value of module %s", rec.DB, rec.Key, rec.Module))
		case RecordModuleAux:
			lines = append(lines, "data of module "+rec.Module)
		case RecordAux:
			lines = append(lines, fmt.Sprintf("aux %q %q", rec.Key, rec.Text))
		case RecordFunction:
			lines = append(lines, fmt.Sprintf("function %q", rec.Text))
		case RecordSizes:
			lines = append(lines, fmt.Sprintf("db %d has %d keys, %d of them expire", rec.DB, rec.Keys, rec.Expires))
		}
	}
}

// readValue joins the parts of a value.
func readValue(f *FileReader) (*Value, int, error) {
	v := &Value{}
	for n := 1; ; n++ {
		p, err := f.Part()
		if err != nil {
			return nil, n, err
		}
		join(v, &p.Value)
		if p.Last {
			return v, n, nil
		}
	}
}

func join(v, part *Value) {
	v.Kind = part.Kind
	v.String += part.String
	if part.Times != nil || v.Times != nil {
		v.Times = append(v.Times, make([]int64, len(v.Elements)/2-len(v.Times))...)
		v.Times = append(v.Times, part.Times...)
		v.Times = append(v.Times, make([]int64, (len(v.Elements)+len(part.Elements))/2-len(v.Times))...)
	}
	v.Elements = append(v.Elements, part.Elements...)
	v.Members = append(v.Members, part.Members...)
	if part.Stream != nil {
		if v.Stream == nil {
			v.Stream = &StreamValue{}
		}
		entries := append(v.Stream.Entries, part.Stream.Entries...)
		groups := append(v.Stream.Groups, part.Stream.Groups...)
		*v.Stream = *part.Stream
		v.Stream.Entries, v.Stream.Groups = entries, groups
	}
}

func keyLine(rec *Record, v *Value) string {
	s := fmt.Sprintf("db %d key %q", rec.DB, rec.Key)
	if rec.ExpiresMs != 0 {
		s += fmt.Sprintf(" expires %d", rec.ExpiresMs)
	}
	return s + " " + valueText(v)
}

// valueText is a value in the order that the types promise, and sorted where they promise none.
func valueText(v *Value) string {
	quoted := func(ss []string, tuple int) (all []string) {
		for t := range slices.Chunk(ss, tuple) {
			for i, s := range t {
				t[i] = strconv.Quote(s)
			}
			all = append(all, strings.Join(t, "="))
		}
		return all
	}
	sorted := func(ss []string) string { slices.Sort(ss); return strings.Join(ss, " ") }
	switch v.Kind {
	case String:
		return "string " + strconv.Quote(v.String)
	case List:
		return "list " + strings.Join(quoted(slices.Clone(v.Elements), 1), " ")
	case Set:
		return "set " + sorted(quoted(slices.Clone(v.Elements), 1))
	case Hash:
		pairs := quoted(slices.Clone(v.Elements), 2)
		for i, t := range v.Times {
			if t != 0 {
				pairs[i] += fmt.Sprintf(" expires %d", t)
			}
		}
		return "hash " + sorted(pairs)
	case ZSet:
		var ss []string
		for _, m := range v.Members {
			ss = append(ss, fmt.Sprintf("%q=%s", m.Name, strconv.FormatFloat(m.Score, 'g', 17, 64)))
		}
		return "zset " + sorted(ss)
	}
	return "stream " + streamText(v.Stream)
}

func streamText(s *StreamValue) string {
	var b strings.Builder
	id := func(id ID) string { return fmt.Sprintf("%d-%d", id.Ms, id.Seq) }
	fmt.Fprintf(&b, "last %s deleted %s added %d", id(s.Last), id(s.MaxDeleted), s.Added)
	for _, e := range s.Entries {
		fmt.Fprintf(&b, " (%s %q)", id(e.ID), e.Fields)
	}
	groups := slices.Clone(s.Groups)
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range groups {
		fmt.Fprintf(&b, " group %q last %s read %d", g.Name, id(g.Last), g.Read)
		var ss []string
		for _, c := range g.Consumers {
			ss = append(ss, fmt.Sprintf(" consumer %q seen %d active %d", c.Name, c.SeenMs, c.ActiveMs))
		}
		slices.Sort(ss)
		b.WriteString(strings.Join(ss, ""))
		for _, p := range g.Pending {
			fmt.Fprintf(&b, " pending %s of %q at %d times %d", id(p.ID), g.Consumers[p.Consumer].Name,
				p.DeliveredMs, p.Deliveries)
		}
	}
	return b.String()
}

package compat_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// pattern is what a reply must look like. Most are exact; doc_test.go lists the others.
type pattern struct {
	form  form
	kind  byte   // the type that the reply must have; 0 for any
	text  string // exact: a scalar's notation, or raw bytes; capture: the name
	lo    int64  // between: the bounds, both included
	hi    int64
	re    *regexp.Regexp
	elems []*pattern // aggregate; a map's keys and values in turn

	anyOrder bool
	atLeast  bool
	pairs    bool // the elements of an array are keys and values in turn
}

type form int

const (
	exact form = iota
	aggregate
	between
	matching
	capture
	anything
)

// variables are what replies captured, by name.
type variables map[string]string

// match says whether v, which came on a connection speaking this protocol, is
// as wanted. A capture that matches is kept in vars.
func (p *pattern) match(v value, protocol int, vars variables) bool {
	switch p.form {
	case exact:
		if v.isAggregate() {
			return len(v.elems) == 0 && v.aggregateLines(protocol)[0] == p.text
		}
		got := strings.Join(v.lines(protocol), "\n")
		return got == p.text || protocol == 3 && got == "(nil)" && p.text == "(nil array)"
	case between:
		n, err := strconv.ParseInt(v.text, 10, 64)
		return v.kind == kindInteger && err == nil && p.lo <= n && n <= p.hi
	case capture:
		if v.kind != kindInteger {
			return false
		}
		vars[p.text] = v.text
		return true
	case matching:
		return p.hasKind(v, protocol) && p.re.MatchString(v.Text())
	case anything:
		return p.hasKind(v, protocol)
	}
	return p.matchElems(v, protocol, vars)
}

// hasKind compares types; kindVerbatim is the text that RESP2 sends as a bulk string.
func (p *pattern) hasKind(v value, protocol int) bool {
	if v.null || v.kind == kindClosed || v.kind == kindSilence {
		return false
	}
	if p.kind == kindVerbatim && protocol == 2 {
		return v.kind == kindBulk
	}
	return p.kind == 0 || p.kind == v.kind
}

func (p *pattern) matchElems(v value, protocol int, vars variables) bool {
	if v.kind != p.kind || v.null || (len(v.elems) != len(p.elems) && !p.atLeast) {
		return false
	}
	if !p.anyOrder && !p.atLeast && p.kind != kindMap && p.kind != kindSet {
		for i, elem := range p.elems {
			if !elem.match(v.elems[i], protocol, vars) {
				return false
			}
		}
		return true
	}
	step := 1
	if p.pairs || p.kind == kindMap {
		step = 2
	}
	taken := make([]bool, len(v.elems))
	for i := 0; i+step <= len(p.elems); i += step {
		if !takeOne(p.elems[i:i+step], v.elems, taken, protocol, vars) {
			return false
		}
	}
	return true
}

// takeOne marks the first free element, or pair, that matches.
func takeOne(want []*pattern, elems []value, taken []bool, protocol int, vars variables) bool {
	step := len(want)
next:
	for i := 0; i+step <= len(elems); i += step {
		if taken[i] {
			continue
		}
		for j, p := range want {
			if !p.match(elems[i+j], protocol, vars) {
				continue next
			}
		}
		taken[i] = true
		return true
	}
	return false
}

// order is the line that says how elements compare, or "".
func (p *pattern) order() string {
	var line string
	switch {
	case p.anyOrder:
		line = "(any order"
	case p.atLeast:
		line = "(at least"
	default:
		return ""
	}
	if p.pairs && p.anyOrder {
		line += " of"
	}
	if p.pairs {
		line += " pairs"
	}
	return line + ")"
}

// parseReply reads a reply's notation, as in the package comment.
func parseReply(verb string, lines []string) (*pattern, error) {
	if verb == "raw>" {
		return parseRaw(lines)
	}
	d := &notation{lines: lines}
	p, err := d.pattern(0)
	if err != nil {
		return nil, err
	}
	if d.at < len(lines) {
		return nil, fmt.Errorf("not part of the reply before it: %s", lines[d.at])
	}
	return p, nil
}

// parseRaw checks the quoting and keeps the text: raw replies are always exact.
func parseRaw(lines []string) (*pattern, error) {
	for _, line := range lines {
		if line == "(closed)" || line == "(no reply)" {
			continue
		}
		if line[0] != '"' {
			return nil, fmt.Errorf("neither a quoted string nor (closed): %s", line)
		}
		if _, _, err := unquote(line); err != nil {
			return nil, err
		}
	}
	return &pattern{kind: kindRaw, text: strings.Join(lines, "\n")}, nil
}

// rawSize is the number of bytes in a raw reply.
func (p *pattern) rawSize() int {
	n := 0
	for line := range strings.SplitSeq(p.text, "\n") {
		if s, _, err := unquote(line + " "); err == nil && line[0] == '"' {
			n += len(s)
		}
	}
	return n
}

// notation reads lines from the one at the index at; a value starts in some column of it.
type notation struct {
	lines []string
	at    int
}

var element = regexp.MustCompile(`^([0-9]+)([)#~>]) `)

// pattern reads the value whose first line is the current one, from column on.
func (d *notation) pattern(column int) (*pattern, error) {
	if d.at >= len(d.lines) || len(d.lines[d.at]) <= column {
		return nil, fmt.Errorf("a reply is missing after line %d of the reply", d.at)
	}
	text := d.lines[d.at][column:]
	if strings.HasPrefix(text, "(any order") || strings.HasPrefix(text, "(at least") {
		d.at++
		if d.at == len(d.lines) { // not recorded yet
			return &pattern{form: aggregate, anyOrder: true, pairs: strings.HasSuffix(text, "pairs)")}, nil
		}
		p, err := d.pattern(column)
		if err != nil {
			return nil, err
		}
		p.anyOrder, p.atLeast = text[:4] == "(any", text[:4] == "(at "
		p.pairs = strings.HasSuffix(text, "pairs)")
		if p.order() != text {
			return nil, fmt.Errorf("unknown order: %s", text)
		}
		return p, nil
	}
	if element.MatchString(text) {
		return d.aggregate(column)
	}
	d.at++
	return parseScalar(text)
}

func (d *notation) aggregate(column int) (*pattern, error) {
	p := &pattern{form: aggregate}
	for d.at < len(d.lines) && len(d.lines[d.at]) > column {
		line := d.lines[d.at]
		m := element.FindStringSubmatch(line[column:])
		if m == nil || strings.TrimSpace(line[:column]) != "" && len(p.elems) > 0 {
			break
		}
		number := len(p.elems) + 1
		if p.kind == kindMap {
			number = len(p.elems)/2 + 1
		}
		if m[1] != strconv.Itoa(number) {
			return nil, fmt.Errorf("element %s where %d should stand: %s", m[1], number, line)
		}
		for _, a := range aggregates {
			if a.mark == m[2] {
				p.kind = a.kind
			}
		}
		inner := column + len(m[0])
		if p.kind == kindMap {
			key, width, err := mapKey(line[inner:])
			if err != nil {
				return nil, err
			}
			p.elems = append(p.elems, key)
			inner += width
		}
		elem, err := d.pattern(inner)
		if err != nil {
			return nil, err
		}
		p.elems = append(p.elems, elem)
	}
	return p, nil
}

// mapKey reads `"key" => ` and returns its width.
func mapKey(text string) (*pattern, int, error) {
	from := 0
	if text[0] == '"' {
		_, rest, err := unquote(text)
		if err != nil {
			return nil, 0, err
		}
		from = len(text) - len(rest)
	}
	i := strings.Index(text[from:], " => ")
	if i < 0 {
		return nil, 0, fmt.Errorf("no => after a map's key: %s", text)
	}
	key, err := parseScalar(text[:from+i])
	return key, from + i + len(" => "), err
}

var (
	integerRange = regexp.MustCompile(`^:(-?[0-9]+)\.\.(-?[0-9]+)$`)
	captureName  = regexp.MustCompile(`^:<([a-z][a-z0-9]*)>$`)
	expression   = regexp.MustCompile(`^(bulk|simple|error|text)~ (.*)$`)
	verbatim     = regexp.MustCompile(`^=(...) (".*")$`)
	anyOf        = regexp.MustCompile(`^\(any ([a-z]+)\)$`)
	kindNames    = map[string]byte{
		"simple": kindSimple, "error": kindError, "integer": kindInteger, "bulk": kindBulk, "array": kindArray,
		"double": kindDouble, "boolean": kindBoolean, "map": kindMap, "set": kindSet, "push": kindPush, "text": kindVerbatim,
	}
	fixed = map[string]bool{
		"(nil)": true, "(nil array)": true, "(true)": true, "(false)": true, "(no reply)": true, "(closed)": true,
		"(empty array)": true, "(empty map)": true, "(empty set)": true, "(empty push)": true,
	}
)

func parseScalar(text string) (*pattern, error) {
	if text == "" {
		return nil, errors.New("a value is missing")
	}
	if m := integerRange.FindStringSubmatch(text); m != nil {
		lo, err1 := strconv.ParseInt(m[1], 10, 64)
		hi, err2 := strconv.ParseInt(m[2], 10, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("range %s", text)
		}
		return &pattern{form: between, kind: kindInteger, lo: lo, hi: hi}, nil
	}
	if m := captureName.FindStringSubmatch(text); m != nil {
		return &pattern{form: capture, kind: kindInteger, text: m[1]}, nil
	}
	if m := expression.FindStringSubmatch(text); m != nil {
		re, err := regexp.Compile(`(?s)^(?:` + m[2] + `)$`)
		return &pattern{form: matching, kind: kindNames[m[1]], re: re}, err
	}
	if m := anyOf.FindStringSubmatch(text); m != nil {
		kind, ok := kindNames[m[1]]
		if !ok {
			return nil, fmt.Errorf("unknown type: %s", text)
		}
		return &pattern{form: anything, kind: kind}, nil
	}
	if text[0] == kindInteger {
		if _, err := strconv.ParseInt(text[1:], 10, 64); err != nil {
			return nil, fmt.Errorf("neither an integer nor a range nor a capture: %s", text)
		}
	}
	switch {
	case text == "(any)":
		return &pattern{form: anything}, nil
	case fixed[text], strings.HasPrefix(text, "(big) "), verbatim.MatchString(text), strings.IndexByte("+-:,", text[0]) >= 0:
		return &pattern{text: text}, nil
	case text[0] == '"':
		s, rest, err := unquote(text)
		if err != nil || rest != "" {
			return nil, fmt.Errorf("not one quoted string: %s", text)
		}
		return &pattern{text: quote(s)}, nil
	}
	return nil, fmt.Errorf("not in the notation of a reply: %s", text)
}

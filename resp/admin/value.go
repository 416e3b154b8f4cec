package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what is shown of a value.
const (
	mostEdit    = 4 << 10 // bytes of a string that can be changed here
	pageElems   = 100     // elements on a page
	mostElement = 1 << 10 // bytes shown of an element
	pieceBytes  = 1 << 20 // that a download asks for at a time

	// mostWhole is how many elements a hash, set or sorted set may have that is brought into memory to be shown. Of
	// larger ones, which may be far larger, a page of their rows is read.
	mostWhole = 20_000
)

// element is a row of a collection: one or two columns.
type element struct {
	Name  string // a field, a member, an index, an id
	Value string
	More  string // what was left out, "" = nothing
}

// key shows a key and a page of its value.
func (l *look) key() error {
	db, name, err := l.theKey()
	if err != nil {
		return err
	}
	replies, err := l.c.pipeline([][]string{{"TYPE", name}, {"PTTL", name}, {"MEMORY", "USAGE", name}, {"OBJECT", "ENCODING", name},
		{"OBJECT", "IDLETIME", name}})
	if err != nil {
		return err
	}
	kind := replies[0].text
	if replies[0].failed() {
		return denial{kind}
	}
	data := map[string]any{"DB": db, "Name": name, "ID": keyID(name), "Type": kind, "TTL": replies[1].int(), "NoTTL": replies[1].failed() || replies[1].int() < 0}
	if kind == "none" {
		return l.show("key", "Key", data)
	}
	if ttl := replies[1].int(); ttl > 0 {
		data["Expires"] = time.Now().Add(time.Duration(min(ttl, 1<<53)) * time.Millisecond)
	}
	if !replies[2].failed() {
		data["Bytes"] = float64(replies[2].int())
	}
	if !replies[3].failed() {
		data["Encoding"] = replies[3].text
	}
	if !replies[4].failed() {
		data["Idle"] = float64(replies[4].int()) * 1000
	}
	var shown error
	switch kind {
	case "string":
		shown = l.showString(name, data)
	case "hash", "set", "zset", "list", "stream":
		shown = l.showElements(kind, name, db, data)
	}
	denied, shown := may(shown)
	if shown != nil {
		return shown
	}
	data["Denied"] = denied
	return l.show("key", "Key", data)
}

// showString shows the beginning of a string.
func (l *look) showString(name string, data map[string]any) error {
	length, err := l.c.do("STRLEN", name)
	if err != nil {
		return err
	}
	v, err := l.c.do("GETRANGE", name, "0", strconv.Itoa(mostBulk-1))
	if err != nil {
		return err
	}
	whole := length.int() <= int64(len(v.text))
	best := formOf(v.text, whole)
	form := l.r.FormValue("form")
	if form != formText && form != formHex && (form != formJSON || best != formJSON) {
		form = best
	}
	data["Length"], data["Form"], data["Forms"] = float64(length.int()), form, []string{formText, formHex}
	if best == formJSON {
		data["Forms"] = []string{formJSON, formText, formHex}
	}
	data["Value"], data["Cut"] = inForm(v.text, form), !whole
	if whole && len(v.text) <= mostEdit && utf8.ValidString(v.text) && !strings.ContainsAny(v.text, "\r\x00") {
		data["Edit"], data["Before"] = v.text, digest(v.text)
	}
	return nil
}

// digest tells a value from the one that it was.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// longElement is the length from which on a row does not tell an element's.
const longElement = 256 << 10

// rowMark is what a Place begins with, where others are SCAN's cursors and ranks: "r12-3" is behind row 3 of key 12.
const rowMark = "r"

func (p Place) String() string { return fmt.Sprintf(rowMark+"%d-%d", p.Key, p.Row) }

// placeOf reads a Place.
func placeOf(text string) (p Place, ok bool) {
	key, row, _ := strings.Cut(strings.TrimPrefix(text, rowMark), "-")
	var err [2]error
	p.Key, err[0] = strconv.ParseInt(key, 10, 64)
	p.Row, err[1] = strconv.ParseInt(row, 10, 64)
	return p, strings.HasPrefix(text, rowMark) && err == [2]error{} && p.Key > 0
}

// showElements shows a page of a collection. Those that have an order are paged by place, others by SCAN's cursor.
func (l *look) showElements(kind, name string, db int, data map[string]any) error {
	length := map[string]string{"hash": "HLEN", "set": "SCARD", "zset": "ZCARD", "list": "LLEN", "stream": "XLEN"}[kind]
	size, err := l.c.do(length, name)
	if err != nil {
		return err
	}
	data["Length"] = float64(size.int())
	at := l.r.FormValue("at")
	place, byRows := placeOf(at)
	if _, err := strconv.ParseUint(at, 10, 64); err != nil && !byRows && kind != "stream" {
		at = "0"
	}
	var rows []element
	next := ""
	large := false
	if size.int() > mostWhole && (kind == "hash" || kind == "set" || kind == "zset") && (byRows || at == "0") {
		if rows, next, large, err = l.largeElements(kind, name, db, place); err != nil {
			return err
		}
	}
	if byRows && !large { // it has become another, or a small one: what was gone through says nothing of that
		at = "0"
	}
	switch kind {
	case "hash", "set":
		if !large {
			rows, next, err = l.scanElements(kind, name, at)
		}
	case "zset", "list":
		if !large {
			rows, next, err = l.rangeElements(kind, name, at, size.int())
		}
	case "stream":
		rows, next, err = l.streamEntries(name, at)
	}
	if err != nil {
		return err
	}
	data["Rows"], data["Heads"] = rows, map[string][]string{"hash": {"Field", "Value"}, "set": {"Member"}, "zset": {"Member", "Score"},
		"list": {"Place", "Element"}, "stream": {"Entry", "Fields"}}[kind]
	data["Begun"], data["Large"] = at != "0" && at != "", large
	if next != "" {
		q := keyQuery(db, name)
		q.Set("at", next)
		data["Next"] = "/key?" + q.Encode()
	}
	return nil
}

// largeElements shows a page of a large collection's rows, to whom the command would have shown it. large = there are
// some: those of one that was written just now are in memory, and shown as any.
func (l *look) largeElements(kind, name string, db int, behind Place) (rows []element, next string, large bool, err error) {
	command := map[string][]string{
		"hash": {"HSCAN", name, "0"}, "set": {"SSCAN", name, "0"}, "zset": {"ZRANGE", name, "0", "0", "WITHSCORES"},
	}[kind]
	err = l.s.ask(func(c *conn) error {
		v, err := c.do(append([]string{"ACL", "DRYRUN", l.se.user}, command...)...)
		if err == nil && v.text != "OK" {
			err = denial{"NOPERM " + v.text}
		}
		return err
	})
	if err != nil {
		return nil, "", false, err
	}
	found, last, large, err := l.s.back.Elements(db, name, behind, pageElems)
	if err != nil {
		return nil, "", false, refusal{http.StatusBadGateway, "The rows of the key can not be read: " + err.Error()}
	}
	for _, e := range found {
		v := &value{text: e.Value, whole: e.ValueBytes}
		switch kind {
		case "set":
			v = nil
		case "zset":
			v = &value{text: strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(e.Score, 'g', -1, 64), "+"))}
		}
		row := rowOf(&value{text: e.Name, whole: e.NameBytes}, v)
		if max(e.NameBytes, e.ValueBytes) >= longElement {
			row.More += " or more" // the rows do not say
		}
		rows = append(rows, row)
	}
	if last != (Place{}) {
		next = last.String()
	}
	return rows, next, large, nil
}

func (l *look) scanElements(kind, name, at string) (rows []element, next string, err error) {
	command, step := "HSCAN", 2
	if kind == "set" {
		command, step = "SSCAN", 1
	}
	v, err := l.c.do(command, name, at, "COUNT", strconv.Itoa(pageElems))
	if err != nil {
		return nil, "", err
	}
	if len(v.elems) != 2 {
		return nil, "", errReply
	}
	found := v.elems[1].elems
	for i := 0; i+step <= len(found); i += step {
		if step == 1 {
			rows = append(rows, rowOf(&found[i], nil))
		} else {
			rows = append(rows, rowOf(&found[i], &found[i+1]))
		}
	}
	if next = v.elems[0].text; next == "0" {
		next = ""
	}
	return rows, next, nil
}

func (l *look) rangeElements(kind, name, at string, size int64) (rows []element, next string, err error) {
	first, _ := strconv.ParseInt(at, 10, 64)
	last := first + pageElems - 1
	args := []string{"LRANGE", name, strconv.FormatInt(first, 10), strconv.FormatInt(last, 10)}
	if kind == "zset" {
		args[0] = "ZRANGE"
		args = append(args, "WITHSCORES")
	}
	v, err := l.c.do(args...)
	if err != nil {
		return nil, "", err
	}
	for i := range v.elems {
		e := &v.elems[i]
		switch {
		case kind == "list":
			rows = append(rows, rowOf(&value{text: strconv.FormatInt(first+int64(i), 10)}, e))
		case len(e.elems) == 2:
			rows = append(rows, rowOf(&e.elems[0], &e.elems[1]))
		}
	}
	if last+1 < size {
		next = strconv.FormatInt(last+1, 10)
	}
	return rows, next, nil
}

func (l *look) streamEntries(name, at string) (rows []element, next string, err error) {
	from := "-"
	if at != "" {
		from = "(" + at
	}
	v, err := l.c.do("XRANGE", name, from, "+", "COUNT", strconv.Itoa(pageElems+1))
	if err != nil {
		return nil, "", err
	}
	for i := range v.elems {
		e := &v.elems[i]
		if i == pageElems {
			return rows, v.elems[i-1].elems[0].text, nil
		}
		if len(e.elems) != 2 {
			continue
		}
		var fields strings.Builder
		more := ""
		for j, f := range e.elems[1].elems {
			if fields.Len() > mostElement {
				more = fmt.Sprintf("%d more", len(e.elems[1].elems)-j)
				break
			}
			switch {
			case j%2 == 1:
				fields.WriteString(" = ")
			case j > 0:
				fields.WriteString(", ")
			}
			fields.WriteString(showBytes(shorten(f.text, mostElement)))
		}
		rows = append(rows, element{Name: e.elems[0].text, Value: fields.String(), More: more})
	}
	return rows, "", nil
}

// rowOf shows the beginnings of a name and a value.
func rowOf(name, v *value) (e element) {
	e.Name = showBytes(begin(name.text))
	long := name.whole
	if v != nil {
		e.Value = showBytes(begin(v.text))
		long = max(long, v.whole)
	}
	if long > mostElement {
		e.More = "of " + humanBytes(float64(long))
	}
	return e
}

func begin(text string) string { return text[:min(len(text), mostElement)] }

// download sends a string whole, in pieces.
func (l *look) download() error {
	_, name, err := l.theKey()
	if err != nil {
		return err
	}
	length, err := l.c.do("STRLEN", name)
	if err != nil {
		return err
	}
	h := l.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment; filename=value.bin")
	control := http.NewResponseController(l.w)
	l.c.mostBulk = pieceBytes
	defer func() { l.c.mostBulk = 0 }()
	for at := int64(0); at < length.int(); at += pieceBytes {
		v, err := l.c.do("GETRANGE", name, strconv.FormatInt(at, 10), strconv.FormatInt(at+pieceBytes-1, 10))
		if err != nil || v.text == "" {
			panic(http.ErrAbortHandler) // the browser is to see that it is not whole
		}
		_ = control.SetWriteDeadline(time.Now().Add(answerTime))
		if _, err := io.WriteString(l.w, v.text); err != nil {
			return nil // it has gone
		}
	}
	return nil
}

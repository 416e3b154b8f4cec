package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of one search. What is left is behind the cursor of the next one.
const (
	leastScan = 100 // names that one SCAN looks at
	mostScan  = 1000
	scanTime  = 250 * time.Millisecond
	mostKeys  = 100  // shown on a page
	mostNames = 5000 // gathered for a tree
)

// keyLine is a key in a list.
type keyLine struct {
	Name  string
	ID    string
	Type  string
	TTL   int64 // ms; below 0 = none
	Bytes float64
	Gone  bool // since it was found
}

// branch is what names have in common behind the prefix that was searched for.
type branch struct {
	Prefix string // whole, up to and with the ':'
	Keys   float64
}

// keys searches for keys: a slice of SCAN at a time.
func (l *look) keys() error {
	db, err := l.database()
	if err != nil {
		return err
	}
	search, tree := l.r.FormValue("q"), l.r.FormValue("as") == "tree"
	cursor := l.r.FormValue("cursor")
	if _, err := strconv.ParseUint(cursor, 10, 64); err != nil {
		cursor = "0"
	}
	most := mostKeys
	if tree {
		most = mostNames
	}
	found, next, looked, err := l.scan(pattern(search), cursor, most)
	if err != nil {
		return err
	}
	size, denied := l.c.do("DBSIZE")
	data := map[string]any{"DB": db, "Search": search, "Tree": tree, "Looked": float64(looked), "Size": float64(size.int()), "Sized": denied == nil,
		"Begun": cursor != "0", "Of": "/keys"}
	if next != "0" {
		q := url.Values{"db": {strconv.Itoa(db)}, "q": {search}, "cursor": {next}}
		if tree {
			q.Set("as", "tree")
		}
		data["Next"] = "/keys?" + q.Encode()
	}
	if tree {
		data["Branches"], found = branches(found, literal(search))
		data["Found"] = len(found)
		found = found[:min(len(found), mostKeys)]
	}
	lines, err := l.describe(found)
	if err != nil {
		return err
	}
	data["Keys"] = lines
	return l.show("keys", "Keys", data)
}

// pattern makes a pattern of what was typed: a prefix, unless it is a pattern already.
func pattern(search string) string {
	if strings.ContainsAny(search, "*?[") {
		return search
	}
	return escapeGlob(search) + "*"
}

// literal is the prefix that all names have which the search finds.
func literal(search string) string {
	if at := strings.IndexAny(search, `*?[\`); at >= 0 {
		return search[:at]
	}
	return search
}

func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// scan looks at names until it has found enough, or for long enough. next is where to go on, "0" = that was all.
func (l *look) scan(pattern, cursor string, most int) (found []string, next string, looked int, err error) {
	// While what is looked for is rare it looks at more at a time.
	for began, count := time.Now(), leastScan; ; count = min(2*count, mostScan) {
		v, err := l.c.do("SCAN", cursor, "MATCH", pattern, "COUNT", strconv.Itoa(count))
		if err != nil {
			return nil, "0", looked, err
		}
		if len(v.elems) != 2 {
			return nil, "0", looked, errReply
		}
		looked += count
		cursor = v.elems[0].text
		for i := range v.elems[1].elems {
			if name := &v.elems[1].elems[i]; !name.cut() { // a longer name than 64 KB can not be asked for
				found = append(found, name.text)
			}
		}
		if cursor == "0" || len(found) >= most || time.Since(began) > scanTime || l.r.Context().Err() != nil {
			return found, cursor, looked, nil
		}
	}
}

// describe asks what keys are.
func (l *look) describe(names []string) ([]keyLine, error) {
	lines := make([]keyLine, len(names))
	commands := make([][]string, 0, 3*len(names))
	for _, name := range names {
		commands = append(commands, []string{"TYPE", name}, []string{"PTTL", name}, []string{"MEMORY", "USAGE", name})
	}
	replies, err := l.c.pipeline(commands)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		kind, ttl, size := &replies[3*i], &replies[3*i+1], &replies[3*i+2]
		lines[i] = keyLine{Name: name, ID: keyID(name), Type: kind.text, TTL: ttl.int(), Bytes: float64(size.int()), Gone: kind.text == "none"}
		if kind.failed() {
			lines[i].Type = "?"
		}
		if ttl.failed() {
			lines[i].TTL = -1
		}
	}
	return lines, nil
}

// branches groups names by what follows the prefix, up to the next ':'; rest has none.
func branches(names []string, prefix string) (groups []branch, rest []string) {
	counts := map[string]float64{}
	for _, name := range names {
		tail, ok := strings.CutPrefix(name, prefix)
		at := strings.IndexByte(tail, ':')
		if !ok || at < 0 {
			rest = append(rest, name)
			continue
		}
		counts[prefix+tail[:at+1]]++
	}
	for p, n := range counts {
		groups = append(groups, branch{p, n})
	}
	slices.SortFunc(groups, func(a, b branch) int {
		return cmp.Or(cmp.Compare(b.Keys, a.Keys), strings.Compare(a.Prefix, b.Prefix))
	})
	return groups[:min(len(groups), 500)], rest
}

// theKey is the one that a request names.
func (l *look) theKey() (db int, name string, err error) {
	if db, err = l.database(); err != nil {
		return 0, "", err
	}
	if l.r.Form.Has("name") { // typed
		return db, l.r.FormValue("name"), nil
	}
	if name, err = keyOf(l.r.FormValue("k")); err != nil {
		return 0, "", refusal{http.StatusBadRequest, "the address of the key is damaged"}
	}
	return db, name, nil
}

func keyQuery(db int, name string) url.Values {
	return url.Values{"db": {strconv.Itoa(db)}, "k": {keyID(name)}}
}

func (l *look) deleteKey() error {
	db, name, err := l.theKey()
	if err != nil {
		return err
	}
	v, err := l.c.do("DEL", name)
	if err != nil {
		return err
	}
	told := "The key " + showBytes(name) + " is deleted."
	if v.int() == 0 {
		told = "There is no key " + showBytes(name) + " any more."
	}
	return l.done("/keys", url.Values{"db": {strconv.Itoa(db)}}, shorten(told, 300))
}

// expireKey sets a time to live, or takes it away.
func (l *look) expireKey() error {
	db, name, err := l.theKey()
	if err != nil {
		return err
	}
	command, told := []string{"PERSIST", name}, "The key does not expire any more."
	if text := strings.TrimSpace(l.r.PostFormValue("seconds")); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n <= 0 {
			return refusal{http.StatusBadRequest, "the time to live is a number of seconds above 0, or nothing for none"}
		}
		command, told = []string{"EXPIRE", name, text}, "The key expires in "+text+" seconds."
	}
	if _, err := l.c.do(command...); err != nil {
		return err
	}
	return l.done("/key", keyQuery(db, name), told)
}

// setKey changes a short string, unless somebody else has changed it since it was shown.
func (l *look) setKey() error {
	db, name, err := l.theKey()
	if err != nil {
		return err
	}
	// A browser sends line ends as CR LF, whatever they were.
	value, before := strings.ReplaceAll(l.r.PostFormValue("value"), "\r\n", "\n"), l.r.PostFormValue("before")
	if len(value) > mostEdit {
		return refusal{http.StatusRequestEntityTooLarge, "values of up to 4 KB can be changed here"}
	}
	if _, err := l.c.do("WATCH", name); err != nil {
		return err
	}
	now, err := l.c.do("GET", name)
	if err != nil || now.missing() || now.cut() || digest(now.text) != before {
		_, _ = l.c.do("UNWATCH")
		if err == nil {
			err = refusal{http.StatusConflict, "the key has been changed since it was shown: nothing was changed"}
		}
		return err
	}
	if _, err := l.c.do("MULTI"); err != nil { // it may be denied: then SET would be on its own
		_, _ = l.c.do("UNWATCH")
		return err
	}
	replies, err := l.c.pipeline([][]string{{"SET", name, value, "KEEPTTL"}, {"EXEC"}})
	if err != nil {
		return err
	}
	switch set, exec := &replies[0], &replies[1]; {
	case set.failed():
		return denial{set.text}
	case exec.failed():
		return denial{exec.text}
	case exec.missing():
		return refusal{http.StatusConflict, "the key has been changed since it was shown: nothing was changed"}
	case len(exec.elems) == 1 && exec.elems[0].failed():
		return denial{exec.elems[0].text}
	}
	return l.done("/key", keyQuery(db, name), "The value is changed.")
}

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// rankedKey is a key in the order of something.
type rankedKey struct {
	keyLine
	Score float64
}

// mayList says whether the user may read all names: only then are any shown that nobody has searched for.
func (l *look) mayList() error {
	_, err := l.c.do("SCAN", "0", "COUNT", "1")
	return err
}

// expiring shows which keys expire next: a page at a time from the index of deadlines in the tables.
func (l *look) expiring() error {
	db, err := l.database()
	if err == nil {
		err = l.mayList()
	}
	if err != nil {
		return err
	}
	millis, _ := strconv.ParseInt(l.r.FormValue("at"), 10, 64) // what is no number is the beginning
	id, _ := strconv.ParseInt(l.r.FormValue("id"), 10, 64)
	names, nextMillis, nextID, err := l.s.back.Expiring(db, millis, id, mostKeys)
	if err != nil {
		return refusal{http.StatusBadGateway, "The index of deadlines can not be read: " + err.Error()}
	}
	lines, err := l.describe(names)
	if err != nil {
		return err
	}
	var keys []rankedKey
	for _, line := range lines {
		keys = append(keys, rankedKey{line, 0})
	}
	data := map[string]any{"DB": db, "Begun": millis > 0, "Keys": keys, "Of": l.r.URL.Path}
	if nextMillis > 0 {
		data["Next"] = "/keys/expiring?" + url.Values{"db": {strconv.Itoa(db)}, "at": {strconv.FormatInt(nextMillis, 10)},
			"id": {strconv.FormatInt(nextID, 10)}}.Encode()
	}
	return l.show("ranked", "Keys that expire next", data)
}

// largest shows the largest keys that the walks have found.
func (l *look) largest() error {
	return l.walked("The largest keys", func(f *filled) []big { return f.Largest })
}

// used shows the keys that the walks have found to be used most.
func (l *look) used() error {
	return l.walked("The most used keys", func(f *filled) []big { return f.Used })
}

// walked shows a list that the walks have made.
func (l *look) walked(title string, list func(*filled) []big) error {
	db, err := l.database()
	if err == nil {
		err = l.mayList()
	}
	if err != nil {
		return err
	}
	data := map[string]any{"DB": db, "Of": l.r.URL.Path}
	if found, whole, soFar := l.s.walk.of(db); found != nil {
		var names []string
		for _, b := range list(found) {
			names = append(names, b.Name)
		}
		lines, err := l.describe(names)
		if err != nil {
			return err
		}
		var keys []rankedKey
		for i, b := range list(found) {
			keys = append(keys, rankedKey{lines[i], b.Bytes})
		}
		data["Found"], data["Whole"], data["SoFar"], data["Keys"] = found, whole, soFar, keys
	}
	if size, err := l.c.do("DBSIZE"); err == nil {
		data["Size"] = float64(size.int())
	}
	if info, err := l.c.info("memory"); err == nil {
		data["Counted"] = strings.HasSuffix(info.text["maxmemory_policy"], "-lfu")
		data["Policy"] = info.text["maxmemory_policy"]
	}
	return l.show("ranked", title, data)
}

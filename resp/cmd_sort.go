package resp

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"diskette/store"
)

var errSortWeight = errorReply("ERR One or more scores can't be converted into double")

// sorting is the arguments of SORT and SORT_RO.
type sorting struct {
	by           []byte // nil = the elements themselves
	constant     bool   // by has no place for the element: nothing is sorted
	gets         [][]byte
	start, count int64 // count < 0 = all
	desc, alpha  bool
	destination  []byte // nil = the result is the reply
}

// weighed is an element with what it is sorted by.
type weighed struct {
	element string
	number  float64
	text    string // with ALPHA
	missing bool   // with ALPHA: there is no key or field
}

func sortKey(tx *store.Tx, c *call) Reply {
	s, refusal := c.sorting(true)
	if refusal.isError() {
		return refusal
	}
	if s.destination == nil {
		return c.sorted(&tx.View, s)
	}
	chosen, refusal := c.chosen(&tx.View, s)
	if refusal.kind != kindNone {
		return refusal
	}
	results := s.results(&tx.View, chosen)
	elements := make([]string, len(results))
	for i, r := range results {
		elements[i] = strings.Clone(r.s) // it may be a view of a string that changes; a null is stored as empty
	}
	existed := tx.TypeOf(s.destination) != store.None
	tx.StoreList(s.destination, elements)
	c.notifyStored(tx, eventList, "sortstore", s.destination, len(elements), existed)
	return integer(len(elements))
}

func sortRO(v *store.View, c *call) Reply {
	s, refusal := c.sorting(false)
	if refusal.isError() {
		return refusal
	}
	return c.sorted(v, s)
}

func (c *call) sorted(v *store.View, s sorting) Reply {
	chosen, refusal := c.chosen(v, s)
	if refusal.kind != kindNone {
		return refusal
	}
	return array(s.results(v, chosen)...)
}

// BY and GET name keys by the elements, so no pattern of keys can be held against them.
var (
	errSortBy  = errorReply("ERR BY option of SORT denied due to insufficient ACL permissions.")
	errSortGet = errorReply("ERR GET option of SORT denied due to insufficient ACL permissions.")
)

// sorting reads the options; STORE is SORT's alone.
func (c *call) sorting(mayStore bool) (s sorting, refusal Reply) {
	s.count = -1
	for i := 2; i < len(c.args); i++ {
		left := len(c.args) - 1 - i
		switch {
		case c.is(i, "asc"):
			s.desc = false
		case c.is(i, "desc"):
			s.desc = true
		case c.is(i, "alpha"):
			s.alpha = true
		case c.is(i, "limit") && left >= 2:
			var startOK, countOK bool
			s.start, startOK = c.int(i + 1)
			s.count, countOK = c.int(i + 2)
			if !startOK || !countOK {
				return s, errNotInteger
			}
			i += 2
		case mayStore && c.is(i, "store") && left >= 1:
			s.destination = c.args[i+1]
			i++
		case c.is(i, "by") && left >= 1:
			s.by = c.args[i+1]
			if bytes.IndexByte(s.by, '*') >= 0 && !c.readsAllKeys() {
				return s, errSortBy
			}
			s.constant = s.constant || bytes.IndexByte(s.by, '*') < 0 // Redis: for good, even if another BY follows
			i++
		case c.is(i, "get") && left >= 1:
			if !c.readsAllKeys() {
				return s, errSortGet
			}
			s.gets = append(s.gets, c.args[i+1])
			i++
		default:
			return s, errSyntax
		}
	}
	return s, Reply{}
}

// chosen are the elements of the result in their order, all keys that GET asks for resident. A refusal is an error, or
// kindLoad.
func (c *call) chosen(v *store.View, s sorting) (chosen []weighed, refusal Reply) {
	all, typ, err := sortable(v, c.args[1])
	if err != nil {
		return nil, failure(err)
	}
	switch {
	case s.constant && typ == store.TypeSet && (s.destination != nil || c.script): // Redis: what is stored must not depend on chance
		s.constant, s.alpha, s.by = false, true, nil
	case s.constant && s.desc && typ != store.TypeSet:
		slices.Reverse(all)
	}
	if !s.constant {
		if s.by != nil && !c.loaded(v, all, s.by) {
			return nil, replyLoad
		}
		if !s.weigh(v, all) {
			return nil, errSortWeight
		}
		slices.SortStableFunc(all, s.compare)
	}
	start := min(max(s.start, 0), int64(len(all)))
	count := int64(len(all)) - start
	if s.count >= 0 {
		count = min(count, s.count)
	}
	chosen = all[start : start+count]
	if !c.loaded(v, chosen, s.gets...) {
		return nil, replyLoad
	}
	return chosen, Reply{}
}

// sortable are the elements of a list, set or sorted set, in their own order if they have one.
func sortable(v *store.View, key []byte) (all []weighed, typ store.Type, err error) {
	add := func(element string) { all = append(all, weighed{element: element}) }
	switch typ = v.PeekType(key); typ {
	case store.None, store.TypeList:
		l, _ := v.List(key)
		all = make([]weighed, 0, l.Len())
		l.Each(0, 1, func(_ int, value string) bool {
			add(value)
			return true
		})
	case store.TypeSet:
		s, _ := v.Set(key)
		all = make([]weighed, 0, s.Len())
		for m := range s.Members() {
			add(m)
		}
	case store.TypeZSet:
		z, _ := v.ZSet(key)
		all = make([]weighed, 0, z.Len())
		z.Each(0, z.Len(), func(it *store.Scored) bool {
			add(it.Member)
			return true
		})
	default:
		return nil, typ, store.ErrWrongType
	}
	return all, typ, nil
}

// weigh finds what the elements are sorted by; false = one is to be a number and is none.
func (s *sorting) weigh(v *store.View, all []weighed) (ok bool) {
	ok = true
	for i := range all {
		w := &all[i]
		text, there := w.element, true
		if s.by != nil {
			text, there = lookUp(v, s.by, w.element)
		}
		switch {
		case s.alpha:
			w.text, w.missing = text, !there
		case there: // else it counts as 0
			f, n, fits := strtod(viewBytes(text))
			ok = ok && (n == len(text) || text[n] == 0) && fits && !math.IsNaN(f) // a NUL ends it, as in C
			w.number = f
		}
	}
	return ok
}

func (s *sorting) compare(a, b weighed) (order int) {
	switch {
	case !s.alpha:
		order = cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.element, b.element))
	case a.missing != b.missing:
		if order = 1; a.missing {
			order = -1
		}
	default:
		order = cmp.Compare(a.text, b.text)
	}
	if s.desc {
		return -order
	}
	return order
}

// results are the elements, or what GET asks for of each.
func (s *sorting) results(v *store.View, chosen []weighed) []Reply {
	results := make([]Reply, 0, len(chosen)*max(1, len(s.gets)))
	for i := range chosen {
		element := chosen[i].element
		if len(s.gets) == 0 {
			results = append(results, bulkString(element))
		}
		for _, pattern := range s.gets {
			if value, ok := lookUp(v, pattern, element); ok {
				results = append(results, bulkString(value))
			} else {
				results = append(results, replyNull)
			}
		}
	}
	return results
}

// lookUp returns what a pattern of BY or GET means for an element: itself, a string key, or a field of a hash. The
// value is valid until the keyspace lock is released.
func lookUp(v *store.View, pattern []byte, element string) (value string, ok bool) {
	if string(pattern) == "#" {
		return element, true
	}
	key, field := patternKey(pattern, element)
	switch {
	case key == nil:
		return "", false
	case field != nil:
		h, _ := v.Hash(key) // another type counts as absent
		return h.Get(field)
	}
	text, _ := v.String(key)
	return viewString(text), text != nil
}

// patternKey puts the element in the place of the pattern's first asterisk. key is nil when there is none. What follows on
// the next "->" is a field of a hash.
func patternKey(pattern []byte, element string) (key, field []byte) {
	prefix, rest, ok := bytes.Cut(pattern, []byte("*"))
	if !ok {
		return nil, nil
	}
	if name, f, ok := bytes.Cut(rest, []byte("->")); ok && len(f) > 0 {
		rest, field = name, f
	}
	key = make([]byte, 0, len(prefix)+len(element)+len(rest))
	return append(append(append(key, prefix...), element...), rest...), field
}

// loaded asks for the keys that patterns name for the elements; false = some are to be loaded first. Inside MULTI
// and scripts, where commands before this one stand, and after some attempts it leaves it to the look-ups to load them.
func (c *call) loaded(v *store.View, elements []weighed, patterns ...[]byte) bool {
	if !c.mayLoad {
		return true
	}
	ok := true
	for _, pattern := range patterns {
		for i := range elements {
			if key, _ := patternKey(pattern, elements[i].element); key != nil {
				ok = v.WantAlso(key) && ok
			}
		}
	}
	return ok
}

// storeOption finds the key of the last STORE among SORT's arguments.
func storeOption(args [][]byte) (places []int) {
	for i := 2; i < len(args); i++ {
		switch word := args[i]; {
		case bytes.EqualFold(word, []byte("limit")):
			i += 2
		case bytes.EqualFold(word, []byte("by")), bytes.EqualFold(word, []byte("get")):
			i++
		case bytes.EqualFold(word, []byte("store")) && i+1 < len(args):
			i++
			places = []int{i}
		}
	}
	return places
}

// patternKeys are the key specifications of SORT's BY and GET, which name keys by the elements, and of STORE.
func patternKeys(stores bool) []keySpec {
	specs := []keySpec{{access: "RO access", find: func([][]byte) []int { return nil },
		notes: "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort"}}
	if stores {
		specs = append(specs, keySpec{access: "OW update", find: storeOption,
			notes: "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array"})
	}
	return specs
}

package command

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

func sortRows() []*Row {
	return []*Row{
		{Name: "sort", Arity: -2, Flags: Write | Denyoom | MovableKeys,
			Keys: both(AtFirst(store.NeedSmall, KeyAt(1, "RO access")), patternKeys(true)), Write: sortKey,
			Group: "generic", Since: "1.0.0", Cats: "set sortedset list dangerous -keyspace",
			Args: "key [BY pattern] [LIMIT limit{offset count}] [GET pattern...] [order(ASC|DESC)] [ALPHA] [STORE destination]",
			Cost: "O(N+M*log(M)) in the number of elements and of those returned",
			Doc:  "Sorts a list, set or sorted set by its elements or by other keys, and returns or stores the result."},
		{Name: "sort_ro", Arity: -2, Flags: Readonly | MovableKeys,
			Keys: both(AtFirst(store.NeedSmall, KeyAt(1, "RO access")), patternKeys(false)), Read: sortRO,
			Group: "generic", Since: "7.0.0", Cats: "set sortedset list dangerous -keyspace",
			Args: "key [BY pattern] [LIMIT limit{offset count}] [GET pattern...] [order(ASC|DESC)] [ALPHA]",
			Cost: "O(N+M*log(M)) in the number of elements and of those returned",
			Doc:  "Sorts a list, set or sorted set by its elements or by other keys, and returns the result."},
	}
}

var errSortWeight = ErrorReply("ERR One or more scores can't be converted into double")

// sorting is the arguments of SORT and SORT_RO.
type sorting struct {
	by           *sortPattern // nil = the elements themselves
	constant     bool         // by has no place for the element: nothing is sorted
	gets         []*sortPattern
	start, count int64 // count < 0 = all
	desc, alpha  bool
	destination  []byte // nil = the result is the reply
}

func sortKey(tx *store.Tx, c *Call) Reply {
	s, refusal := c.sorting(true)
	if refusal.IsError() {
		return refusal
	}
	if s.destination == nil {
		return c.sorted(&tx.View, &s)
	}
	from, refusal := c.sortable(&tx.View, c.Args[1])
	if refusal.Kind != KindNone {
		return refusal
	}
	offLock := s.worksOffLock(c, &from)
	keys := keysOf(&tx.View, offLock)
	made, refusal := c.makeOf(&tx.View, c.Args[1:2], offLock, from.snapshot, func() (*store.Made, Reply) {
		chosen, refusal := c.chosen(keys, &s, &from)
		switch {
		case refusal.Kind != KindNone:
			return nil, refusal
		case len(s.gets) > 0:
			chosen = texts(s.results(keys, chosen))
		}
		return store.MakeList(chosen), ReplyNone
	})
	if c.OffLock != nil || refusal.Kind != KindNone {
		return refusal
	}
	existed := tx.TypeOf(s.destination) != store.None
	n := tx.Place(s.destination, made)
	c.notifyStored(tx, eventList, "sortstore", s.destination, n, existed)
	return Integer(n)
}

// texts are bulk strings' values; a null is empty.
func texts(replies []Reply) []string {
	texts := make([]string, len(replies))
	for i, r := range replies {
		texts[i] = r.S
	}
	return texts
}

func sortRO(v *store.View, c *Call) Reply {
	s, refusal := c.sorting(false)
	if refusal.IsError() {
		return refusal
	}
	return c.sorted(v, &s)
}

func (c *Call) sorted(v *store.View, s *sorting) Reply {
	from, refusal := c.sortable(v, c.Args[1])
	if refusal.Kind != KindNone {
		return refusal
	}
	offLock := s.worksOffLock(c, &from)
	keys := keysOf(v, offLock)
	return c.replyOf(offLock, from.snapshot, func() Reply {
		chosen, refusal := c.chosen(keys, s, &from)
		if refusal.Kind != KindNone {
			return refusal
		}
		return Array(s.results(keys, chosen)...)
	})
}

// keysOf is where BY and GET look their keys up: nowhere without the keyspace lock, when there are neither.
func keysOf(v *store.View, offLock bool) *store.View {
	if offLock {
		return nil
	}
	return v
}

// worksOffLock reports whether the elements are all that the result depends on, and many.
func (s *sorting) worksOffLock(c *Call, from *sortSource) bool {
	return (s.by == nil || s.constant) && len(s.gets) == 0 && c.worksOffLock(from.len(), from.len())
}

// BY and GET name keys by the elements, so no pattern of keys can be held against them.
var (
	errSortBy  = ErrorReply("ERR BY option of SORT denied due to insufficient ACL permissions.")
	errSortGet = ErrorReply("ERR GET option of SORT denied due to insufficient ACL permissions.")
)

// sorting reads the options; STORE is SORT's alone.
func (c *Call) sorting(mayStore bool) (s sorting, refusal Reply) {
	s.count = -1
	for i := 2; i < len(c.Args); i++ {
		left := len(c.Args) - 1 - i
		switch {
		case c.Is(i, "asc"):
			s.desc = false
		case c.Is(i, "desc"):
			s.desc = true
		case c.Is(i, "alpha"):
			s.alpha = true
		case c.Is(i, "limit") && left >= 2:
			var startOK, countOK bool
			s.start, startOK = c.Int(i + 1)
			s.count, countOK = c.Int(i + 2)
			if !startOK || !countOK {
				return s, ErrNotInteger
			}
			i += 2
		case mayStore && c.Is(i, "store") && left >= 1:
			s.destination = c.Args[i+1]
			i++
		case c.Is(i, "by") && left >= 1:
			hasPlace := bytes.IndexByte(c.Args[i+1], '*') >= 0
			if hasPlace && !c.Session.ReadsAllKeys(c.Row, c.Args) {
				return s, errSortBy
			}
			s.by = parseSortPattern(c.Args[i+1])
			s.constant = s.constant || !hasPlace // Redis: for good, even if another BY follows
			i++
		case c.Is(i, "get") && left >= 1:
			if !c.Session.ReadsAllKeys(c.Row, c.Args) {
				return s, errSortGet
			}
			s.gets = append(s.gets, parseSortPattern(c.Args[i+1]))
			i++
		default:
			return s, ErrSyntax
		}
	}
	return s, Reply{}
}

// chosen are those of all elements that the result has, in its order, with all keys that GET
// asks for resident. A refusal is an error, or KindLoad.
func (c *Call) chosen(v *store.View, s *sorting, from *sortSource) (chosen []string, refusal Reply) {
	from.snapshot()
	all := from.elements
	switch {
	case s.constant && from.set != nil && (s.destination != nil || c.Script):
		// As in Redis, what is stored must not depend on chance.
		s.constant, s.alpha, s.by = false, true, nil
	case s.constant && s.desc && from.set == nil:
		slices.Reverse(all)
	}
	if !s.constant {
		if s.by != nil && !c.loaded(v, all, s.by) {
			return nil, ReplyLoad
		}
		if !s.sort(v, all) {
			return nil, errSortWeight
		}
	}
	start := min(max(s.start, 0), int64(len(all)))
	count := int64(len(all)) - start
	if s.count >= 0 {
		count = min(count, s.count)
	}
	chosen = all[start : start+count]
	if !c.loaded(v, chosen, s.gets...) {
		return nil, ReplyLoad
	}
	return chosen, ReplyNone
}

// A sortSource is a list, set or sorted set: one of the three, none for an absent key.
type sortSource struct {
	list     *store.List
	set      *store.Set
	zset     *store.ZSet
	copied   bool
	elements []string
}

// sortable is what a key holds, once it is loaded: a refusal is an error, or KindLoad.
func (c *Call) sortable(v *store.View, key []byte) (from sortSource, refusal Reply) {
	typ := v.PeekType(key)
	switch typ {
	case store.TypeString, store.TypeHash, store.TypeStream:
		return from, Failure(store.ErrWrongType)
	}
	if !c.Has(v, key, store.NeedValue) {
		return from, ReplyLoad
	}
	switch typ { // the look-ups do not fail: the type is known
	case store.None, store.TypeList:
		from.list, _ = v.List(key)
	case store.TypeSet:
		from.set, _ = v.Set(key)
	case store.TypeZSet:
		from.zset, _ = v.ZSet(key)
	}
	return from, Reply{}
}

func (s *sortSource) len() int { return s.list.Len() + s.set.Len() + s.zset.Len() }

// snapshot copies the elements, in their own order if they have one.
func (s *sortSource) snapshot() {
	switch {
	case s.copied:
	case s.list != nil:
		s.elements = s.list.Range(0, s.list.Len())
	case s.set != nil:
		s.elements = slices.AppendSeq(make([]string, 0, s.set.Len()), s.set.Members())
	case s.zset != nil:
		s.elements = make([]string, 0, s.zset.Len())
		s.zset.Each(0, s.zset.Len(), func(it *store.Scored) bool {
			s.elements = append(s.elements, it.Member)
			return true
		})
	}
	s.copied = true
}

// sort brings the elements into the order that is asked for; false = one is to be a number and is none.
func (s *sorting) sort(v *store.View, all []string) (ok bool) {
	ok = true
	switch {
	case !s.alpha:
		ok = s.sortNumbers(v, all)
	case s.by == nil:
		slices.Sort(all)
	default:
		s.sortTexts(v, all)
		return true
	}
	if s.desc {
		slices.Reverse(all)
	}
	return ok
}

// sortNumbers sorts by numbers, elements of the same one by their bytes.
func (s *sorting) sortNumbers(v *store.View, all []string) (ok bool) {
	numbered := make([]store.Scored, len(all))
	for i, element := range all {
		text, there := element, true
		if s.by != nil {
			text, there = s.by.value(v, element)
		}
		numbered[i].Member = element
		if there { // else it counts as 0
			if numbered[i].Score, ok = sortNumber(text); !ok {
				return false
			}
		}
	}
	store.SortScored(numbered)
	for i := range numbered {
		all[i] = numbered[i].Member
	}
	return true
}

// sortNumber reads what SORT takes for a number.
func sortNumber(text string) (f float64, ok bool) {
	if i, ok := smallInt(text); ok {
		return float64(i), true
	}
	f, n, fits := numbers.Strtod(words.ViewBytes(text))
	return f, (n == len(text) || text[n] == 0) && fits && !math.IsNaN(f) // a NUL ends it, as in C
}

// smallInt reads an integer of up to 15 digits, which most texts are and a float64 holds.
func smallInt(text string) (n int64, ok bool) {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = 10*n + int64(d)
	}
	if len(digits) < len(text) {
		return -n, n != 0 // -0 is a float
	}
	return n, true
}

// sortTexts sorts by texts that other keys hold, elements without one first, those of the same one as they came.
func (s *sorting) sortTexts(v *store.View, all []string) {
	type weighed struct {
		element, text string
		there         bool
	}
	weights := make([]weighed, len(all))
	for i, element := range all {
		text, there := s.by.value(v, element)
		weights[i] = weighed{element, text, there}
	}
	slices.SortStableFunc(weights, func(a, b weighed) (order int) {
		switch {
		case a.there == b.there:
			order = cmp.Compare(a.text, b.text)
		case a.there:
			order = 1
		default:
			order = -1
		}
		if s.desc {
			return -order
		}
		return order
	})
	for i := range weights {
		all[i] = weights[i].element
	}
}

// results are the elements, or what GET asks for of each.
func (s *sorting) results(v *store.View, chosen []string) []Reply {
	results := make([]Reply, 0, len(chosen)*max(1, len(s.gets)))
	for _, element := range chosen {
		if len(s.gets) == 0 {
			results = append(results, BulkString(element))
		}
		for _, get := range s.gets {
			if value, ok := get.value(v, element); ok {
				results = append(results, viewed(value))
			} else {
				results = append(results, ReplyNull)
			}
		}
	}
	return results
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
func patternKeys(stores bool) []KeySpec {
	specs := []KeySpec{{Access: "RO access", Find: func([][]byte) []int { return nil },
		notes: "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort"}}
	if stores {
		specs = append(specs, KeySpec{Access: "OW update", Find: storeOption,
			notes: "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array"})
	}
	return specs
}

package command

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

func zsetCombineRows() []*Row {
	return []*Row{
		{Name: "zdiff", Arity: -3, Flags: Readonly | MovableKeys, Keys: KeysCounted(1, "RO access"),
			Read:  combined(scoreDifference),
			Group: "sorted-set", Since: "6.2.0", Args: "numkeys key... [WITHSCORES]",
			Cost: "O(N*K + M*log(M)) for N members of the first of K sorted sets and M that are returned",
			Doc:  "Returns the members of the first sorted set that no other has."},
		{Name: "zdiffstore", Arity: -4, Flags: Write | Denyoom | MovableKeys,
			Keys: both(KeyAt(1, "OW update"), KeysCounted(2, "RO access")), Write: combinedStore(scoreDifference),
			Group: "sorted-set", Since: "6.2.0", Args: "destination numkeys key...",
			Cost: "O(N*K + M*log(M)) for N members of the first of K sorted sets and M that are stored",
			Doc:  "Stores the members of the first sorted set that no other has."},
		{Name: "zinter", Arity: -3, Flags: Readonly | MovableKeys, Keys: KeysCounted(1, "RO access"),
			Read:  combined(scoreIntersection),
			Group: "sorted-set", Since: "6.2.0",
			Args: "numkeys key... [WEIGHTS weight=integer...] [AGGREGATE aggregate(SUM|MIN|MAX)] [WITHSCORES]",
			Cost: "O(N*K + M*log(M)) for N members of the smallest of K sorted sets and M that are returned",
			Doc:  "Returns the members that all sorted sets have."},
		{Name: "zintercard", Arity: -3, Flags: Readonly | MovableKeys, Keys: KeysCounted(1, "RO access"),
			Read:  zintercard,
			Group: "sorted-set", Since: "7.0.0", Args: "numkeys key... [LIMIT limit]",
			Cost: "O(N*K) for N members of the smallest of K sorted sets",
			Doc:  "Counts the members that all sorted sets have."},
		{Name: "zinterstore", Arity: -4, Flags: Write | Denyoom | MovableKeys,
			Keys: both(KeyAt(1, "OW update"), KeysCounted(2, "RO access")), Write: combinedStore(scoreIntersection),
			Group: "sorted-set", Since: "2.0.0",
			Args: "destination numkeys key... [WEIGHTS weight=integer...] [AGGREGATE aggregate(SUM|MIN|MAX)]",
			Cost: "O(N*K + M*log(M)) for N members of the smallest of K sorted sets and M that are stored",
			Doc:  "Stores the members that all sorted sets have."},
		{Name: "zunion", Arity: -3, Flags: Readonly | MovableKeys, Keys: KeysCounted(1, "RO access"),
			Read:  combined(scoreUnion),
			Group: "sorted-set", Since: "6.2.0",
			Args: "numkeys key... [WEIGHTS weight=integer...] [AGGREGATE aggregate(SUM|MIN|MAX)] [WITHSCORES]",
			Cost: "O(N + M*log(M)) for N members of all sorted sets and M that are returned",
			Doc:  "Returns the members that any sorted set has."},
		{Name: "zunionstore", Arity: -4, Flags: Write | Denyoom | MovableKeys,
			Keys: both(KeyAt(1, "OW update"), KeysCounted(2, "RO access")), Write: combinedStore(scoreUnion),
			Group: "sorted-set", Since: "2.0.0",
			Args: "destination numkeys key... [WEIGHTS weight=integer...] [AGGREGATE aggregate(SUM|MIN|MAX)]",
			Cost: "O(N + M*log(M)) for N members of all sorted sets and M that are stored",
			Doc:  "Stores the members that any sorted set has."},
	}
}

var errWeight = ErrorReply("ERR weight value is not a float")

// A scoreSource is an input of ZUNION and its like: a sorted set, or a set, whose members all have the score 1.
type scoreSource struct {
	zset   *store.ZSet
	set    *store.Set
	weight float64
}

func (s *scoreSource) len() int {
	if s.set != nil {
		return s.set.Len()
	}
	return s.zset.Len()
}

func (s *scoreSource) score(member string) (score float64, ok bool) {
	if s.set != nil {
		return 1, s.set.Has(member)
	}
	return s.zset.Score(member)
}

// snapshot puts a copy in the place of the input.
func (s *scoreSource) snapshot() {
	if s.set == nil {
		s.zset = s.zset.Snapshot()
	} else {
		s.set = s.set.Snapshot()
	}
}

// each calls fn for every member with its score, in any order, until it returns false.
func (s *scoreSource) each(fn func(it *store.Scored) bool) {
	if s.set == nil {
		s.zset.Any(fn)
		return
	}
	for m := range s.set.Members() {
		if !fn(&store.Scored{Score: 1, Member: m}) {
			return
		}
	}
}

// combination is what ZUNION, ZINTER, ZDIFF, their STORE forms and ZINTERCARD are asked for.
type combination struct {
	sources    []scoreSource
	aggregate  func(score, with float64) float64
	withScores bool
	limit      int64 // 0 = none
}

func (q *combination) snapshot() {
	for i := range q.sources {
		q.sources[i].snapshot()
	}
}

// all is the number of all inputs' members; none comes from more.
func (q *combination) all() (n int) {
	for i := range q.sources {
		n += q.sources[i].len()
	}
	return n
}

func (q *combination) fewest() int {
	least := slices.MinFunc(q.sources, compareSources)
	return least.len()
}

func compareSources(a, b scoreSource) int { return cmp.Compare(a.len(), b.len()) }

func (q *combination) first() int { return q.sources[0].len() }

// A scoreOperation is union, intersection or difference.
type scoreOperation struct {
	members func(*combination) []store.Scored // in no order
	walked  func(*combination) int            // how many members it walks over
	form    combinationForm                   // what the command that answers takes
}

var (
	scoreUnion        = scoreOperation{(*combination).union, (*combination).all, withReply | withWeights}
	scoreIntersection = scoreOperation{(*combination).intersection, (*combination).fewest, withReply | withWeights}
	scoreDifference   = scoreOperation{(*combination).difference, (*combination).first, withReply}
)

// combinationForm says which options there are.
type combinationForm byte

const (
	withReply    combinationForm = 1 << iota // WITHSCORES
	withWeights                              // WEIGHTS and AGGREGATE
	withCounting                             // LIMIT
)

// combination reads the arguments from i on: numkeys key [key ...] and options.
func (c *Call) combination(v *store.View, i int, form combinationForm) (q combination, refusal Reply) {
	numkeys, ok := c.Int(i)
	switch {
	case !ok:
		return q, ErrNotInteger
	case numkeys < 1:
		return q, ErrorReply("ERR at least 1 input key is needed for '" + c.Row.Full + "' command")
	case numkeys > int64(len(c.Args)-i-1):
		return q, ErrSyntax
	}
	i++
	end := i + int(numkeys)
	for _, key := range c.Args[i:end] {
		s := scoreSource{weight: 1}
		var err error
		if s.zset, err = v.ZSet(key); errors.Is(err, store.ErrWrongType) {
			s.set, err = v.Set(key)
		}
		if err != nil {
			return q, Failure(err)
		}
		q.sources = append(q.sources, s)
	}
	q.aggregate = addScores
	return q, c.combinationOptions(&q, end, form)
}

func (c *Call) combinationOptions(q *combination, i int, form combinationForm) (refusal Reply) {
	for i < len(c.Args) {
		left := len(c.Args) - i - 1
		switch {
		case form&withWeights != 0 && left >= len(q.sources) && c.Is(i, "weights"):
			for k := range q.sources {
				var ok bool
				if q.sources[k].weight, ok = numbers.ParseDouble(c.Args[i+1+k]); !ok {
					return errWeight
				}
			}
			i += 1 + len(q.sources)
		case form&withWeights != 0 && left >= 1 && c.Is(i, "aggregate"):
			switch {
			case c.Is(i+1, "sum"):
				q.aggregate = addScores
			case c.Is(i+1, "min"):
				q.aggregate = lowerScore
			case c.Is(i+1, "max"):
				q.aggregate = higherScore
			default:
				return ErrSyntax
			}
			i += 2
		case form&withReply != 0 && c.Is(i, "withscores"):
			q.withScores = true
			i++
		case form&withCounting != 0 && left >= 1 && c.Is(i, "limit"):
			n, ok := c.Int(i + 1)
			if !ok || n < 0 {
				return errLimit
			}
			q.limit = n
			i += 2
		default:
			return ErrSyntax
		}
	}
	return ReplyNone
}

// These aggregate scores, never to NaN. What is no number keeps a lower or higher score as it is.

func addScores(score, with float64) float64 {
	if sum := score + with; !math.IsNaN(sum) {
		return sum
	}
	return 0 // +inf and -inf
}

func lowerScore(score, with float64) float64 {
	if with < score {
		return with
	}
	return score
}

func higherScore(score, with float64) float64 {
	if with > score {
		return with
	}
	return score
}

// weighed is the score times the source's weight; 0 if that is no number.
func (s *scoreSource) weighed(score float64) float64 {
	if f := score * s.weight; !math.IsNaN(f) {
		return f
	}
	return 0
}

// smallestFirst puts the sources in order. Redis adds scores in that order, too.
func (q *combination) smallestFirst() {
	slices.SortStableFunc(q.sources, compareSources)
}

func (q *combination) union() (members []store.Scored) {
	q.smallestFirst()
	at := make(map[string]int, q.sources[len(q.sources)-1].len())
	for k := range q.sources {
		s := &q.sources[k]
		s.each(func(it *store.Scored) bool {
			score := s.weighed(it.Score)
			if i, there := at[it.Member]; there {
				members[i].Score = q.aggregate(members[i].Score, score)
				return true
			}
			at[it.Member] = len(members)
			members = append(members, store.Scored{Score: score, Member: it.Member})
			return true
		})
	}
	return members
}

func (q *combination) intersection() (members []store.Scored) {
	q.smallestFirst()
	first, others := &q.sources[0], q.sources[1:]
	first.each(func(it *store.Scored) bool {
		score := first.weighed(it.Score)
		for k := range others {
			with, there := others[k].score(it.Member)
			if !there {
				return true
			}
			score = q.aggregate(score, with*others[k].weight)
		}
		members = append(members, store.Scored{Score: score, Member: it.Member})
		return q.limit == 0 || int64(len(members)) < q.limit
	})
	return members
}

func (q *combination) difference() (members []store.Scored) {
	others := q.sources[1:]
	q.sources[0].each(func(it *store.Scored) bool {
		for k := range others {
			if _, there := others[k].score(it.Member); there {
				return true
			}
		}
		members = append(members, *it)
		return true
	})
	return members
}

// inOrder are the operation's members.
func (o scoreOperation) inOrder(q *combination) []store.Scored {
	members := o.members(q)
	store.SortScored(members)
	return members
}

// combined answers ZUNION, ZINTER or ZDIFF.
func combined(o scoreOperation) reading {
	return func(v *store.View, c *Call) Reply {
		q, refusal := c.combination(v, 1, o.form)
		if refusal.IsError() {
			return refusal
		}
		return c.replyOf(c.worksOffLock(o.walked(&q), q.all()), q.snapshot, func() Reply {
			members := o.inOrder(&q)
			list := c.scoredList(len(members), q.withScores)
			list.addAll(members, false)
			return list.reply()
		})
	}
}

// combinedStore is ZUNIONSTORE, ZINTERSTORE or ZDIFFSTORE.
func combinedStore(o scoreOperation) writing {
	return func(tx *store.Tx, c *Call) Reply {
		q, refusal := c.combination(&tx.View, 2, o.form&^withReply)
		if refusal.IsError() {
			return refusal
		}
		keys := c.Args[3 : 3+len(q.sources)]
		made, _ := c.makeOf(&tx.View, keys, c.worksOffLock(o.walked(&q), q.all()), q.snapshot,
			func() (*store.Made, Reply) {
				return c.madeZSet(o.inOrder(&q)), ReplyNone
			})
		if c.OffLock != nil {
			return ReplyNone
		}
		return c.placeZSet(tx, c.Row.Name, c.Args[1], made)
	}
}

func zintercard(v *store.View, c *Call) Reply {
	q, refusal := c.combination(v, 1, withCounting)
	if refusal.IsError() {
		return refusal
	}
	return Integer(len(q.intersection()))
}

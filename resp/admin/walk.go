package admin

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The largest and the most used keys are found out by the way: a walk over all names, with SCAN, a slice now and then,
// which asks one key in sampledKeys for its size, or all keys of a small database. It takes some fiftieth of one
// processor's time, however many keys there are: for as long as a slice took it then rests forty-nine times, and at
// most two seconds, since on a busy machine a slice mostly waits. The last whole walk of each database is kept in the
// database, and shown until the next has seen more.
const (
	walkCount     = 1000 // names of a slice
	sampledKeys   = 8
	smallDatabase = 100_000 // keys
	walkRest      = 49      // times as long as a slice took
	walkLeast     = 50 * time.Millisecond
	walkMost      = 2 * time.Second
	walkAgain     = 5 * time.Minute // at the earliest, from the end of a walk to the begin of the next
	fillPart      = "fill"
)

// big is a key that was found to be large.
type big struct {
	Name  string
	Bytes float64
}

// filled is what a walk has found in a database.
type filled struct {
	DB      int
	At      time.Time // of its end, or zero
	Began   time.Time
	Keys    float64
	Every   int   // one key in so many was asked for its size
	Largest []big // of those that were asked, and of those that the walks before have found
	Used    []big // the same by their counter of uses, while uses are counted
	Round   int   // how many walks were before: each asks other keys
}

// walk is what the walks have found.
type walk struct {
	again time.Duration // walkAgain
	mu    sync.Mutex
	whole map[int]*filled // the last complete one
	under *tally          // the one under way, nil = none
}

// tally counts a walk under way.
type tally struct {
	found  filled
	before []big // what the walk before has found to be large, or used much
}

func newTally(db, every int) *tally {
	return &tally{found: filled{DB: db, Began: time.Now(), Every: every}}
}

// add counts a key; bytes below 0 = its size was not asked for.
func (t *tally) add(name string, bytes float64) {
	t.found.Keys++
	if bytes >= 0 {
		t.found.Largest = withTop(t.found.Largest, name, bytes)
	}
}

// mostTop is how many keys of a kind are remembered, and longestTop how long a remembered name may be.
const (
	mostTop    = 100
	longestTop = 4 << 10
)

// withTop puts a key into a list of those with the highest scores, unless it is there.
func withTop(list []big, name string, score float64) []big {
	if len(name) > longestTop || len(list) == mostTop && list[mostTop-1].Bytes >= score ||
		slices.ContainsFunc(list, func(b big) bool { return b.Name == name }) {
		return list
	}
	at, _ := slices.BinarySearchFunc(list, score, func(b big, score float64) int { return cmp.Compare(score, b.Bytes) })
	list = slices.Insert(list, at, big{strings.Clone(name), score})
	return list[:min(len(list), mostTop)]
}

// asked reports whether a walk asks a key for its size: one in so many, and each walk others.
func (t *tally) asked(name string) bool {
	if t.found.Every <= 1 {
		return true
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return (int(h.Sum32()>>8)+t.found.Round)%t.found.Every == 0
}

// result is what was found so far.
func (t *tally) result() *filled {
	f := t.found
	f.Largest, f.Used = slices.Clone(f.Largest), slices.Clone(f.Used)
	return &f
}

// walking walks over one database after the other until Stop.
func (s *Server) walking() {
	defer s.working.Done()
	if !s.rest(walkLeast) {
		return
	}
	for s.back.Ready() != nil {
		if !s.rest(time.Second) {
			return
		}
	}
	s.restoreWalks()
	for {
		var dbs []int
		every := map[int]int{}
		err := s.ask(func(c *conn) error {
			info, err := c.info("keyspace")
			if err == nil {
				for _, it := range info.lists["keyspace"] {
					if db, err := strconv.Atoi(strings.TrimPrefix(it.name, "db")); err == nil {
						dbs = append(dbs, db)
						if every[db] = 1; it.number("keys") > smallDatabase {
							every[db] = sampledKeys
						}
					}
				}
			}
			return err
		})
		if err == nil {
			s.walk.forgetBut(dbs)
		}
		for _, db := range dbs {
			if !s.walkOver(db, every[db]) {
				return
			}
		}
		pause := s.walk.again
		if len(dbs) == 0 {
			pause = 10 * time.Second
		}
		if !s.rest(pause) {
			return
		}
	}
}

// rest waits; false = the server ends.
func (s *Server) rest(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-s.stopping.Done():
		return false
	case <-timer.C:
		return true
	}
}

// forgetBut forgets databases that have no keys any more.
func (w *walk) forgetBut(dbs []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for db := range w.whole {
		if !slices.Contains(dbs, db) {
			delete(w.whole, db)
		}
	}
}

// walkOver walks over a database. What fails is tried again with the next walk.
func (s *Server) walkOver(db, every int) (goOn bool) {
	t := newTally(db, every)
	s.walk.mu.Lock()
	if last := s.walk.whole[db]; last != nil {
		t.found.Round, t.before = last.Round+1, slices.Concat(last.Largest, last.Used)
	}
	s.walk.under = t
	s.walk.mu.Unlock()
	cursor := "0"
	for {
		began := time.Now()
		err := s.ask(func(c *conn) (err error) {
			cursor, err = s.walkOn(c, t, db, cursor)
			return err
		})
		if err != nil {
			break
		}
		if cursor == "0" {
			s.walked(t)
			break
		}
		if !s.rest(min(max(walkLeast, walkRest*time.Since(began)), walkMost)) {
			return false
		}
	}
	s.walk.mu.Lock()
	s.walk.under = nil
	s.walk.mu.Unlock()
	return s.rest(walkLeast)
}

// walkOn counts the keys of a slice.
func (s *Server) walkOn(c *conn, t *tally, db int, cursor string) (next string, err error) {
	if err := c.selectDB(db); err != nil {
		return "", err
	}
	v, err := c.do("SCAN", cursor, "COUNT", strconv.Itoa(walkCount))
	if err != nil {
		return "", err
	}
	if len(v.elems) != 2 {
		return "", errReply
	}
	var names []string
	for _, name := range v.elems[1].elems {
		names = append(names, name.text)
	}
	found := len(names)
	if cursor == "0" { // what the walk before has found is looked at again
		for _, b := range t.before {
			names = append(names, b.Name)
		}
	}
	asked := func(i int) bool { return i >= found || t.asked(names[i]) }
	var ask [][]string
	for i, name := range names {
		if asked(i) {
			ask = append(ask, []string{"MEMORY", "USAGE", name}, []string{"OBJECT", "FREQ", name})
		}
	}
	replies, err := c.pipeline(ask)
	if err != nil {
		return "", err
	}
	s.walk.mu.Lock()
	defer s.walk.mu.Unlock()
	for i, name := range names {
		bytes := -1.0
		if asked(i) {
			size, uses := &replies[0], &replies[1]
			replies = replies[2:]
			if size.kind == ':' {
				bytes = float64(size.int())
			}
			if uses.kind == ':' {
				t.found.Used = withTop(t.found.Used, name, float64(uses.int()))
			}
		}
		switch {
		case i < found:
			t.add(name, bytes)
		case bytes >= 0:
			t.found.Largest = withTop(t.found.Largest, name, bytes)
		}
	}
	return v.elems[0].text, nil
}

// walked keeps what a complete walk has found.
func (s *Server) walked(t *tally) {
	s.walk.mu.Lock()
	f := t.result()
	f.At = time.Now()
	s.walk.whole[f.DB] = f
	s.walk.mu.Unlock()
	text, err := json.Marshal(f)
	if err == nil {
		err = s.back.Keep(s.stopping, fillPart, map[string][]byte{dbName(f.DB): text})
	}
	if err != nil && s.stopping.Err() == nil {
		s.back.Log("the list of the largest keys could not be stored", err)
	}
}

// restoreWalks takes in what was found before the last restart.
func (s *Server) restoreWalks() {
	kept, err := s.back.Kept(s.stopping, fillPart)
	if err != nil && s.stopping.Err() == nil {
		s.back.Log("the list of the largest keys can not be read", err)
	}
	s.walk.mu.Lock()
	defer s.walk.mu.Unlock()
	s.walk.whole = map[int]*filled{}
	for _, text := range kept {
		f := &filled{}
		if json.Unmarshal([]byte(text), f) == nil {
			s.walk.whole[f.DB] = f
		}
	}
}

// of is what is known of a database: the last whole walk, or what the one under way has found if that is more; nil =
// nothing.
func (w *walk) of(db int) (f *filled, whole bool, soFar float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f = w.whole[db]
	if w.under != nil && w.under.found.DB == db {
		soFar = w.under.found.Keys
		if f == nil || soFar > f.Keys {
			return w.under.result(), false, soFar
		}
	}
	return f, f != nil, soFar
}

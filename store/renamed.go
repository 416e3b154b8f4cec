package store

import "github.com/tidwall/btree"

// renamedKeys are the keys that the tables have under other names: those that were renamed since the applied LSN, by id
// and by name. They belong to the keyspace lock, and nothing here takes longer the more of them there are: who goes
// over them goes a slice at a time.
//
// A rename is noted in a map and at the end of a queue. The order by names is a scan's alone, and made when one wants
// it: a rename costs nothing for it where nobody scans by names.
type renamedKeys struct {
	byID   map[int64]renaming
	queue  []renaming // in order of LSN
	sorted int        // how many of the queue's first ones are in byName
	byName *btree.BTreeG[renamedName]
}

// renaming is that a key has got another name, which o has.
type renaming struct {
	o   *object
	id  int64
	lsn uint64
}

// renamedName is the newest renaming to a name, in the order in which the tables' index has them.
type renamedName struct {
	space int64
	key   string // as it is stored
	renaming
}

func (a *renamedName) before(b *renamedName) bool {
	return a.space < b.space || a.space == b.space && a.key < b.key
}

func newRenamedKeys() renamedKeys {
	before := func(a, b renamedName) bool { return a.before(&b) }
	return renamedKeys{byID: map[int64]renaming{}, byName: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})}
}

// note is told that o has got the key of its id, by a command with that LSN.
func (r *renamedKeys) note(o *object, lsn uint64) {
	n := renaming{o, o.id, lsn}
	r.byID[o.id] = n
	r.queue = append(r.queue, n)
}

// of is what has a key that was renamed; nil if it was not, or is gone.
func (r *renamedKeys) of(id int64) *object {
	if o := r.byID[id].o; o != nil && o.id == id {
		return o
	}
	return nil
}

// sort brings at most so many more of them in order; more = not all are yet.
func (r *renamedKeys) sort(most int) (more bool) {
	to := min(r.sorted+most, len(r.queue))
	for _, n := range r.queue[r.sorted:to] {
		r.byName.Set(renamedName{n.o.space.id, viewString(storedName(n.o.name())), n})
	}
	r.sorted = to
	return to < len(r.queue)
}

// ascend calls fn for those of a space whose stored names are not below from, in order, until it returns false. All
// have to be sorted. Of a key that was renamed again, or is gone, fn hears with an object that has its id no more.
func (r *renamedKeys) ascend(space int64, from string, fn func(key string, n renaming) (more bool)) {
	r.byName.Ascend(renamedName{space: space, key: from}, func(n renamedName) bool {
		return n.space == space && fn(n.key, n.renaming)
	})
}

// applied forgets at most so many of those that the tables know now, up to an LSN; more = there may be others.
func (r *renamedKeys) applied(lsn uint64, most int) (more bool) {
	n := 0
	for ; n < len(r.queue) && n < most && r.queue[n].lsn <= lsn; n++ {
		gone := r.queue[n]
		if r.byID[gone.id] == gone { // else it has got yet another name since
			delete(r.byID, gone.id)
		}
		if n < r.sorted {
			name := renamedName{space: gone.o.space.id, key: viewString(storedName(gone.o.name()))}
			if last, _ := r.byName.Get(name); last.renaming == gone { // else another key has got the name since
				r.byName.Delete(name)
			}
		}
		r.queue[n] = renaming{}
	}
	r.queue, r.sorted = r.queue[n:], max(r.sorted-n, 0)
	return n == most
}

// rest gives their memory back if there are none.
func (r *renamedKeys) rest() {
	if len(r.queue) == 0 {
		*r = newRenamedKeys()
	}
}

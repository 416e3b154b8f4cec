package store

import (
	"errors"
	"fmt"
	"time"
)

// load is a disk read that is under way: a command that wants the key waits for it, so that a cold
// key is read once however many clients ask.
type load struct {
	done    chan struct{}
	err     error        // set before done is closed
	by      *Fetch       // the Fetch that reads the key
	need    Need         // the most that was asked for before that begins
	names   []string     // the elements that NeedPart asks for
	end     endRead      // and what of a list
	entries []EntryRange // and of a stream
	held    []*idSpan    // what stays in memory for it until Release
}

// Fetch is the loads that a command needs before it can run.
type Fetch struct {
	st      *Store
	missing []pending // ours to read; pinned until Release
	chunks  []chunksWanted
	waits   []wait // others'
	ahead   bool   // what is wanted from here on is not the command's own
}

type pending struct {
	o      *object
	db     int   // its database, for the log
	wait         // the load that we make
	id     int64 // of the key whose value is missing, 0 = nothing is known yet
	typ    Type
	part   *part // further elements of this one are read; else nil
	beside *part // while the whole is read, this one goes on
}

type wait struct {
	l     *load
	ahead bool
}

func (v *View) fetching() *Fetch {
	if v.fetch == nil {
		v.fetch = &Fetch{st: v.st}
	}
	return v.fetch
}

func (f *Fetch) start(o *object, need Need) {
	l := &load{done: make(chan struct{}), by: f, need: need}
	o.setLoad(l)
	o.pin()
	p := pending{o: o, db: o.space.db, wait: wait{l, f.ahead}, id: o.id}
	p.readBeside(o)
	f.missing = append(f.missing, p)
}

// need asks for more of a key, or whether it is there.
func (f *Fetch) need(o *object, need Need) {
	if l := o.load(); l != nil {
		f.join(l, need)
	} else {
		f.start(o, need)
	}
}

// join waits for a load that is under way, or asks for more of what this Fetch reads.
func (f *Fetch) join(l *load, need Need) {
	if l.by == f {
		l.need = min(l.need, need)
		return
	}
	f.waits = append(f.waits, wait{l, f.ahead})
}

// WantAhead makes what is wanted from here on a help for later commands: Load reads it too, and does not fail for it.
func (v *View) WantAhead() { v.fetching().ahead = true }

// TakeFetch returns the loads that Want noted since the last call, nil if there are none.
// The caller must call Load without the lock, and Release with it once its command has run.
func (v *View) TakeFetch() *Fetch {
	f := v.fetch
	v.fetch = nil
	return f
}

// Load reads the missing keys from disk. The caller does not hold the keyspace lock (I9). Nothing newer than the
// tables can be overlooked: a name with unapplied changes is in memory, tombstones included (I5), and the
// placeholder keeps others from changing this one. Of a head, others may change all but the value, which is read by
// id. An error means that a key could not be read; the command must not run. The other keys are read all the same.
func (f *Fetch) Load() (failed error) {
	for from := 0; from < len(f.missing); from += fetchSlice {
		f.readSlice(from, min(from+fetchSlice, len(f.missing)))
	}
	failed = f.loadChunks()
	wait := func(w wait) {
		<-w.l.done
		if w.l.err != nil && !w.ahead {
			failed = w.l.err
		}
	}
	for _, p := range f.missing {
		wait(p.wait)
	}
	for _, w := range f.waits {
		wait(w)
	}
	return failed
}

// fetchSlice is how many keys are read between two holds of the lock.
const fetchSlice = 256

func (f *Fetch) readSlice(from, to int) {
	st, start := f.st, time.Now()
	var r rowsRead
	for moved := true; moved; {
		moves := st.wb.w.foreign.moves.Load()
		r = st.readRows(f.missing[from:to])
		st.Lock()
		// A move is counted before the births of ids are forgotten: takenLocked sees these, or we see that.
		if moved = moves != st.wb.w.foreign.moves.Load(); moved {
			st.Unlock()
		}
	}
	defer st.Unlock()
	missing := r.missing
	if read := from + len(missing); read < to {
		st.dropLocked(f.missing[read:])
		f.missing = f.missing[:read]
	}
	st.stats.loads += int64(len(missing))
	st.stats.loadNanos += time.Since(start).Nanoseconds()
	for i, p := range missing {
		st.loaded(p, &r.rows[i], r.errs[i])
	}
}

// rowsRead are the rows of the first of the missing keys. Those behind are left to the commands that need them.
type rowsRead struct {
	missing []pending
	rows    []row
	errs    map[int]error
}

func (st *Store) readRows(missing []pending) rowsRead {
	rows := make([]row, len(missing))
	var errs map[int]error
	for next := 0; next < len(missing); next++ { // behind a key that could not be read, in a new transaction
		err := st.readers.load(func(r *reader) error {
			for ; next < len(missing); next++ {
				if err := r.pending(missing[next], &rows[next]); err != nil {
					return err
				}
				st.worked(keyPlace(missing[next].o))
			}
			return nil
		})
		if err != nil {
			if errs == nil {
				errs = map[int]error{}
			}
			errs[next] = st.unreadable(missing[next].o, missing[next].db, err)
			// The key's neighbours on disk are probably its neighbours here: each command reads its own.
			if missing[next].ahead {
				missing = missing[:next+1]
			}
		}
	}
	return rowsRead{missing, rows, errs}
}

// dropLocked takes away the placeholders of loads that nobody will make: those who wait for
// them begin their own. The caller holds the keyspace lock.
func (st *Store) dropLocked(missing []pending) {
	for _, p := range missing {
		p.o.unpin()
		p.ended()
		if p.o.load() == p.l {
			p.o.setLoad(nil)
			if !p.o.headOnly {
				st.forget(p.o)
			}
		}
		close(p.l.done)
	}
}

// unreadable notes and names the failure to read a key.
func (st *Store) unreadable(o *object, db int, err error) error {
	return st.failed(keyPlace(o), err, "db", db, "key", quoted(o.name()))
}

// loaded fills a placeholder or head, or takes the placeholder away when the read failed. A command that could not
// announce the key may have filled it meanwhile, or given up the value of a head.
func (st *Store) loaded(p pending, r *row, err error) {
	p.ended()
	if p.part != nil {
		st.loadedPart(p, r, err)
		return
	}
	if p.o.load() == p.l {
		p.o.setLoad(nil)
		switch {
		case err == nil:
			if err = st.fill(p.o, r); err != nil {
				if errors.Is(err, errForeign) {
					st.wb.w.foreign.met.Store(true)
					go st.kickWriteBack()
				}
				err = st.unreadable(p.o, p.db, err)
				if !p.o.headOnly {
					st.forget(p.o)
				}
			}
		case !p.o.headOnly:
			st.forget(p.o)
		}
	}
	p.l.err = err
	close(p.l.done)
}

// fill gives an object the state of its row; a head, whose deadline may be newer than the row's, the value.
func (st *Store) fill(o *object, r *row) error {
	switch {
	case o.headOnly && r.id == 0:
		return fmt.Errorf("%w: the row of key %d is not there", ErrDamaged, o.id)
	case r.id == 0:
		st.rememberAbsent(o)
		return nil
	case !o.headOnly:
		if err := st.knownLocked(r.id, o); err != nil {
			return err
		}
		o.id, o.typ, o.deadline = r.id, r.typ, r.deadline
		st.due.Set(o, o.deadline)
		st.orderLoaded(o)
	}
	if o.headOnly && o.typ == TypeString && !r.headOnly {
		r.value = o.outline().merge(r.value)
	}
	st.fillValue(o, r)
	st.watchFields(o)
	st.resized(o)
	return nil
}

// Release lets go of the loaded objects and makes room for what they brought in. The caller
// holds the keyspace lock.
func (f *Fetch) Release() {
	for _, p := range f.missing {
		p.o.unpin()
		for _, sp := range p.l.held {
			sp.held--
		}
	}
	f.unpinChunks()
	f.st.unloadLocked(8 + 4*len(f.missing))
	f.missing = nil
}

// A Pin keeps a name in memory: a client waits for its key.
type Pin struct{ o *object }

// Pin pins a key that is resident. The caller holds the keyspace lock, as for Unpin.
func (v *View) Pin(key []byte) Pin {
	o := v.head(key)
	o.parted().waits++
	return Pin{o}
}

// Unpin lets the name be unloaded again.
func (p Pin) Unpin() {
	p.o.parted().waits--
	p.o.joined()
}

// loadNow reads one key while the keyspace lock is held: the exception of I9, for keys that
// could not be known before the command ran. o is the name's placeholder or head if it has one, of which
// a load may be under way.
func (st *Store) loadNow(s *space, key []byte, o *object, need Need, names ...string) *object {
	if o == nil {
		o = newObject(s, key)
		st.admit(o)
	}
	var r row
	if s.unloaded || o.headOnly {
		err := st.readers.load(func(rd *reader) error {
			return rd.pending(pending{o: o, db: s.db, wait: wait{l: &load{need: need, names: names}}, id: o.id}, &r)
		})
		if err == nil {
			st.stats.loads++
			o.setLoad(nil)
			err = st.fill(o, &r)
		}
		if err != nil {
			if o.load() == nil && !o.headOnly {
				st.forget(o)
			}
			panic(st.unreadable(o, s.db, err)) // becomes the command's error reply
		}
		st.worked(keyPlace(o))
		return o
	}
	o.setLoad(nil)
	st.rememberAbsent(o)
	return o
}

package store

import (
	"fmt"
	"time"
)

// load is a disk read that is under way: whoever wants the key waits for it, so that a cold
// key is read once however many clients ask.
type load struct {
	done chan struct{}
	err  error // set before done is closed
}

// Fetch is the loads that a command needs before it can run.
type Fetch struct {
	st      *Store
	missing []pending // ours to read; pinned until Release
	waits   []*load   // others'
	failed  error     // of a key whose value was not found
}

type pending struct {
	o     *object
	l     *load
	id    int64 // of the key whose value is missing, 0 = nothing is known yet
	whole bool  // the value is wanted, too
}

func (v *View) fetching() *Fetch {
	if v.fetch == nil {
		v.fetch = &Fetch{st: v.st}
	}
	return v.fetch
}

func (f *Fetch) start(o *object, whole bool) {
	o.load = &load{done: make(chan struct{})}
	o.pins++
	f.missing = append(f.missing, pending{o, o.load, o.id, whole})
}

func (f *Fetch) wait(l *load) { f.waits = append(f.waits, l) }

// TakeFetch returns the loads that Want noted since the last call, nil if there are none.
// The caller must call Load without the lock, and Release with it once its command has run.
func (v *View) TakeFetch() *Fetch {
	f := v.fetch
	v.fetch = nil
	return f
}

// Load reads the missing keys from disk. The caller does not hold the keyspace lock (I9).
// Nothing newer than the tables can be overlooked: a name with unapplied changes is in
// memory, tombstones included (I5), and the placeholder keeps others from changing this one. Of a head, others may change
// all but the value, which is read by id.
// An error means that a key could not be read; the command must not run.
func (f *Fetch) Load() error {
	var failed error
	if len(f.missing) > 0 {
		if failed = f.read(); failed == nil {
			failed = f.failed
		}
	}
	for _, l := range f.waits {
		<-l.done
		if l.err != nil {
			failed = l.err
		}
	}
	return failed
}

// fetchSlice is how many keys are read between two holds of the lock.
const fetchSlice = 256

func (f *Fetch) read() error {
	for from := 0; from < len(f.missing); from += fetchSlice {
		if err := f.readSlice(f.missing[from:min(from+fetchSlice, len(f.missing))]); err != nil {
			f.giveUp(from, err)
			return err
		}
	}
	return nil
}

func (f *Fetch) readSlice(missing []pending) error {
	st := f.st
	rows := make([]row, len(missing))
	start := time.Now()
	err := st.readers.load(func(r *reader) error {
		for i, p := range missing {
			if err := r.pending(p, &rows[i]); err != nil {
				return fmt.Errorf("read key from disk: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	st.Lock()
	defer st.Unlock()
	st.stats.loads += int64(len(missing))
	st.stats.loadNanos += time.Since(start).Nanoseconds()
	for i, p := range missing {
		if err := st.loaded(p, &rows[i], nil); err != nil {
			f.failed = err
		}
	}
	return nil
}

// giveUp takes away the placeholders from one on: their keys could not be read.
func (f *Fetch) giveUp(from int, err error) {
	f.st.Lock()
	defer f.st.Unlock()
	for _, p := range f.missing[from:] {
		p.o.pins--
		f.st.loaded(p, nil, err)
	}
	f.missing = f.missing[:from] // pinned until Release
}

// loaded fills a placeholder or head, or takes the placeholder away when the read failed. A command that could not
// announce the key may have filled it meanwhile, or given up the value of a head.
func (st *Store) loaded(p pending, r *row, err error) error {
	if p.o.load == p.l {
		p.o.load = nil
		switch {
		case err == nil:
			err = st.fill(p.o, r)
		case !p.o.headOnly:
			st.forget(p.o)
		}
	}
	p.l.err = err
	close(p.l.done)
	return err
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
		o.id, o.typ, o.deadline = r.id, r.typ, r.deadline
		st.due.Set(o, o.deadline)
	}
	o.str, o.coll = r.value, r.coll
	o.headOnly, o.length = r.headOnly, r.length
	st.watchFields(o)
	st.resized(o)
	return nil
}

// Release lets go of the loaded objects and makes room for what they brought in. The caller
// holds the keyspace lock.
func (f *Fetch) Release() {
	for _, p := range f.missing {
		p.o.pins--
	}
	f.st.unloadLocked(8 + 4*len(f.missing))
	f.missing = nil
}

// A Pin keeps a name in memory: a client waits for its key.
type Pin struct{ o *object }

// Pin pins a key that is resident. The caller holds the keyspace lock, as for Unpin.
func (v *View) Pin(key []byte) Pin {
	o := v.head(key)
	o.pins++
	return Pin{o}
}

// Unpin lets the name be unloaded again.
func (p Pin) Unpin() { p.o.pins-- }

// loadNow reads one key while the keyspace lock is held: the exception of I9, for keys that
// could not be known before the command ran. o is the name's placeholder or head if it has one, of which
// a load may be under way.
func (st *Store) loadNow(s *space, key []byte, o *object, whole bool) *object {
	if o == nil {
		o = &object{name: string(key), space: s}
		st.admit(o)
	}
	var r row
	if s.unloaded || o.headOnly {
		err := st.readers.load(func(rd *reader) error { return rd.pending(pending{o: o, id: o.id, whole: whole}, &r) })
		if err == nil {
			st.stats.loads++
			o.load, err = nil, st.fill(o, &r)
		}
		if err != nil {
			if o.load == nil && !o.headOnly {
				st.forget(o)
			}
			panic(fmt.Errorf("read key from disk: %w", err)) // becomes the command's error reply
		}
		return o
	}
	o.load = nil
	st.rememberAbsent(o)
	return o
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Copy brings a whole data set in beside the one that is served, and puts it in the place of that at once. It is a
// Bulk on the tables themselves:
//
//	BeginCopy   nothing yet
//	Key ...     rows go into spaces that no database has, in transactions of their own between those of
//	            write-back, fsynced
//	Complete    the last of them, and how many keys the spaces have
//	Tx.Adopt    one change of the journal's gives every database its new space; the old ones are flushed. What
//	            else the command under way changes becomes part of the same record
//	Close       after Adopt or instead of it
//
// Until Adopt is committed a start finds the old data, and spaces without a database, which the reaper takes; after
// it the new. That change says that the rows are there: a start on tables that lack them is refused, and nobody takes
// an empty space for a copy. The journal names no row of a copy, which would be written twice.
//
// A million strings from a redis-server take 8.2 us of CPU each, the reading of the snapshot included, and 70 MB at
// most with maxmemory 100mb. With a transaction a parcel they take 13.7, because names come in any order and each
// transaction then changes about all pages of their index; parcels of eight times the size take 10, and 234 MB. An
// import, which makes the index at its end, takes 2.6, but tables that are served have one index for all. Designs that
// lost: a database file of its own in the place of diskette.db has to close all that reads it; RESTOREs through the
// journal write everything twice, and a kill shows half of them.
type Copy struct {
	*Bulk
	st    *Store
	ctx   context.Context
	taken []int64
	ended bool
	over  bool
}

// ErrCopyLost says that the journal speaks of a copy that the tables do not have.
var ErrCopyLost = errors.New("the journal gives a database the rows of a copy, and diskette.db does not have them: it is an older file, " +
	"or was lost; put the right one back")

// errand is what is done on the writing connection by its goroutine.
type errand struct {
	run  func(*writer) error
	done chan error
}

// onWriter has the write-back goroutine run fn on its connection.
func (st *Store) onWriter(ctx context.Context, fn func(*writer) error) error {
	e := &errand{fn, make(chan error, 1)}
	select {
	case st.wb.errands <- e:
		return <-e.done
	case <-st.wb.stop:
		return errors.New("the store is closed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// BeginCopy begins a copy. Only one may be under way.
func (st *Store) BeginCopy(ctx context.Context) *Copy {
	c := &Copy{Bulk: newBulk(), st: st, ctx: ctx}
	c.live = c
	go c.write(c.putBeside)
	return c
}

// space makes a space to be filled.
func (c *Copy) space() (int64, error) {
	st := c.st
	st.Lock()
	id := st.nextSpace
	st.nextSpace++
	st.Unlock()
	c.taken = append(c.taken, id)
	return id, st.onWriter(c.ctx, func(w *writer) error {
		if w.filling == nil {
			w.filling = map[int64]bool{}
		}
		w.filling[id] = true
		return w.transaction(func() {
			w.exec(`INSERT INTO spaces (space, db) VALUES (?1, NULL)`, id)
			w.run(w.meta, "next_space", id+1)
		})
	})
}

// A transaction has copyParcels parcels, or as many as come in copyPeriod: meanwhile write-back waits.
const (
	copyParcels = 8
	copyPeriod  = time.Second
)

// putBeside puts a parcel into the tables, and those that follow in time: names come in any order, so that each
// transaction changes about all pages of the index on names while that is small.
func (c *Copy) putBeside(first *parcel) error {
	err := c.st.onWriter(c.ctx, func(w *writer) error {
		if err := c.st.misplaced(); err != nil {
			return err
		}
		var large []bulkLarge
		end := time.After(copyPeriod)
		err := w.transaction(func() {
			c.put(w, first)
			large = append(large, first.large...)
			for range copyParcels - 1 {
				select {
				case p, more := <-c.full:
					if !more {
						return
					}
					c.put(w, p)
					large = append(large, p.large...)
					p.reset()
					c.free <- p
				case <-end:
					return
				case <-c.ctx.Done():
					return
				}
			}
		})
		if err == nil {
			err = w.guard(func() error { return c.lookForTwins(large) })
		}
		c.st.checkpoint(c.st.walPages())
		return err
	})
	if err != nil {
		return fmt.Errorf("copy into the tables: %w", err)
	}
	return nil
}

func (c *Copy) put(w *writer, p *parcel) {
	b := c.Bulk
	if b.w, b.c = w, w.c; w.err != nil {
		return
	}
	if b.many, _, w.err = w.c.Prepare(manyKeys); w.err != nil {
		return
	}
	b.putParcel(p)
	w.run(w.meta, "next_id", c.st.ids.next())
	if err := b.many.Close(); w.err == nil {
		w.err = err
	}
}

// Complete puts what is left into the tables, and returns the number of keys.
func (c *Copy) Complete() (keys int64, err error) {
	c.drain()
	c.ended = true
	if c.err == nil {
		c.err = c.st.onWriter(c.ctx, func(w *writer) error {
			return w.transaction(func() {
				for _, s := range c.spaces {
					w.run(w.count, s.id, s.keys)
					w.run(w.expiring, s.id, s.expiring)
				}
			})
		})
	}
	for _, s := range c.spaces {
		keys += s.keys
	}
	return keys, c.err
}

// Close ends the copy. If nothing adopted it, the reaper takes what there is of it.
func (c *Copy) Close() error {
	if c.over {
		return nil
	}
	c.over = true
	if !c.ended {
		close(c.full)
		<-c.failed
	}
	return c.st.onWriter(context.Background(), func(w *writer) error {
		for _, id := range c.taken {
			delete(w.filling, id)
		}
		return nil
	})
}

// Adopt puts a completed copy in the place of all databases' contents.
func (tx *Tx) Adopt(c *Copy) {
	st := tx.st
	for db := range st.opts.Databases {
		filled := c.spaces[db]
		if filled == nil || filled.keys == 0 {
			if st.dbs[db].live > 0 {
				tx.FlushDB(db)
			}
			continue
		}
		fresh := newSpace(filled.id, db, filled.keys, filled.expiring)
		tx.supplant(db, fresh)
		st.orderSpace(db, st.order.by)
		st.stats.changes += fresh.live
		tx.rec.adopt(db, fresh)
	}
	c.over = true
	st.seedFrom(0)
	for _, id := range c.toIndex {
		st.paged.want(id)
	}
	st.sweep.keys.onDisk.Store(nil) // the tables have more than they were known to
	st.sweep.fields.onDisk.Store(nil)
	tx.Select(tx.db)
}

// supplant gives a database another space.
func (tx *Tx) supplant(db int, fresh *space) {
	st := tx.st
	old := st.dbs[db]
	if h := st.hooks.Flushed; h != nil {
		h(db)
	}
	st.stats.changes += old.live
	st.dbs[db] = fresh
	st.tallySupplanted(old, fresh)
	fresh.lsn = tx.lsn
	old.db = -1
	st.orderFlushed(old)
	st.flushed = append(st.flushed, old)
}

// lacksRows fails if a fold gives a database a space whose rows the tables should have, and they have none. That
// space is filled from now on.
func (w *writer) lacksRows(f *fold, space int64) {
	for s := range f.adopted {
		delete(w.filling, s)
	}
	if !f.adopted[space] || w.err != nil {
		return
	}
	var keys int64
	if w.query(`SELECT keys FROM spaces WHERE space = ?1`, &keys, space); w.err == nil && keys == 0 {
		w.err = ErrCopyLost
	}
}

// butFilling excepts the spaces that are being filled from those that are to be reaped.
func (w *writer) butFilling() string {
	but := ""
	for space := range w.filling {
		but += " AND space <> " + itoa(space)
	}
	return but
}

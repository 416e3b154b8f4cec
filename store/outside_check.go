package store

import (
	"context"
	"errors"
	"fmt"
)

// Check verifies what can be verified from outside: the checksum of each page, SQLite's structures, rows, counts, runs
// and the index of elements, and for a directory that no server has open what a start compares. What is wrong is in
// faults. step hears what is looked at next: part n of several.
func (o *Outside) Check(ctx context.Context, step func(what string, n, of int)) (faults []error, err error) {
	defer o.interruptedBy(ctx)()
	n, of := 0, 4+len(rowChecks(givenOut{}))+len(runTables)
	next := func(what string) error {
		n++
		step(what, n, of)
		return ctx.Err()
	}
	fail := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if err := next("database, journal and state"); err != nil {
		return nil, err
	}
	switch {
	case o.Running:
	case o.alone == nil:
		st := &Store{dir: o.dir}
		if _, err := st.look(); err != nil {
			faults = append(faults, err)
		}
	case o.Half:
		faults = append(faults, errHalfAlone)
	}
	err = o.r.guard(func() error {
		if err := next("pages and indexes"); err != nil {
			return err
		}
		sound := len(faults)
		err := o.r.integrity(fail)
		if err != nil && !isDamage(err) {
			return err
		}
		o.pagesDamaged = err != nil || len(faults) > sound
		if err := next("free pages"); err != nil {
			return err
		}
		if err := errors.Join(err, o.checkPages(ctx, !o.pagesDamaged, fail)); err != nil {
			return err
		}
		if o.Half {
			return nil // the rows are of two moments
		}
		if err := o.r.checkRows(givenOut{mostID, mostID}, fail, next); err != nil {
			return err
		}
		if err := next("the index of elements"); err != nil {
			return err
		}
		return o.r.checkKeptIndex(fail)
	})
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case isDamage(err):
		o.pagesDamaged = true
		faults, err = append(faults, o.nameDamage(err)), nil
	}
	return faults, err
}

package movein

import (
	"context"
	"errors"
	"fmt"
	"io"

	"diskette/resp/aof"
	"diskette/store"
)

// commandError is a command of an append only file that could not be run.
type commandError struct {
	offset int64
	err    error
}

func (e *commandError) Error() string { return fmt.Sprintf("at offset %d: %v", e.offset, e.err) }
func (e *commandError) Unwrap() error { return e.err }

// isCommandFault reports whether an error is of what an append only file has.
func isCommandFault(err error) bool {
	var broken *aof.Error
	var command *commandError
	return errors.As(err, &broken) || errors.As(err, &command)
}

// appended begins to import an append only file: the snapshot at its beginning, if there is one, goes into the tables.
// What is returned runs the commands.
func (m *move) appended(ctx context.Context, b *store.Bulk) (commands stage, err error) {
	r := m.src.AOF.Open(aof.Options{RDB: m.fileOptions()})
	m.offset = r.Offset
	item, err := r.Next()
	for err == nil && item.Command == nil && item.Snapshot == nil {
		item, err = r.Next()
	}
	if err == nil && item.Snapshot != nil {
		if err = m.judge(item.File, m.snapshot(ctx, item.Snapshot, b)); err == nil && m.result.Fault == nil {
			item, err = r.Next()
		}
	}
	switch {
	case err == nil && m.result.Fault == nil:
	case err == nil:
		return nil, r.Close()
	case err == io.EOF:
		return nil, errors.Join(m.tornEnd(r), r.Close())
	default:
		return nil, errors.Join(m.judge(m.src.Name, err), r.Close())
	}
	return func(ctx context.Context, st *store.Store) error { return m.commands(ctx, st, r, item) }, nil
}

// commands runs the commands from the first one on.
func (m *move) commands(ctx context.Context, st *store.Store, r *aof.Reader, item *aof.Item) (err error) {
	run := m.o.Commands(st)
	defer func() {
		run.Close()
		err = errors.Join(err, r.Close())
	}()
	for err == nil {
		switch {
		case ctx.Err() != nil:
			return cancelled(ctx)
		case item.Snapshot != nil:
			err = &commandError{item.Offset, errors.New("another snapshot behind commands")}
		case item.Command != nil:
			m.at.Commands++
			if err = run.Run(item.Command); err != nil {
				err = &commandError{item.Offset, err}
			}
		}
		if err != nil {
			return m.judge(item.File, err)
		}
		m.progress()
		item, err = r.Next()
	}
	if err == io.EOF {
		return m.tornEnd(r)
	}
	return m.judge(m.src.Name, err)
}

// tornEnd judges the end of the last file, of which a crash may have left the beginning of a command.
func (m *move) tornEnd(r *aof.Reader) error {
	torn := r.Torn()
	if torn == nil {
		return nil
	}
	m.result.Torn = fmt.Errorf("%s: at offset %d: %s", torn.File, torn.Offset, torn.Why)
	if m.o.CutTornEnd || m.o.Prefix {
		return nil
	}
	return &FileError{torn.File, fmt.Errorf("at offset %d: %s", torn.Offset, torn.Why),
		m.o.ways("--aof-load-truncated yes", fmt.Sprintf("leave out these %d bytes", torn.Bytes))}
}

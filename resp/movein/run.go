package movein

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"diskette/resp/rdb"
	"diskette/store"
)

// move is an import under way.
type move struct {
	o         Options
	src       *Source
	result    Result
	at        Progress
	start     time.Time
	toldAt    time.Time
	told      map[string]bool // modules whose data beside their values is left out
	steps     int
	nowMs     int64
	expires   bool         // keys whose deadline has passed are left out
	offset    func() int64 // bytes that have been read
	libraries []string     // of functions, by their code
	homes     map[int]int  // the numbers that databases get which have keys, and the numbers that these had
}

// Run imports a source into the directory of o.Store. An error leaves the directory as it was.
func (s *Source) Run(ctx context.Context, o Options) (*Result, error) {
	if o.Store.Databases == 0 {
		o.Store.Databases = 16
	}
	m := &move{o: o, src: s, start: time.Now(), told: map[string]bool{}, homes: map[int]int{}, offset: func() int64 { return 0 }}
	m.at.Total = s.Size
	m.nowMs = m.start.UnixMilli()
	if o.Now != nil {
		m.nowMs = o.Now().UnixMilli()
	}
	im, err := store.NewImport(o.Store)
	if err != nil {
		return nil, err
	}
	if err = m.run(ctx, im); err != nil {
		return nil, errors.Join(err, im.Abort())
	}
	m.result.Progress, m.result.Source = m.at, s.Name
	m.result.Took = time.Since(m.start)
	m.result.Keys, err = im.Finish(s.Name)
	return &m.result, err
}

func (m *move) run(ctx context.Context, im *store.Import) error {
	b, err := im.Bulk()
	if err != nil {
		return err
	}
	var commands stage
	if m.src.AOF != nil {
		commands, err = m.appended(ctx, b)
	} else {
		err = m.dump(ctx, b)
	}
	if err != nil {
		return errors.Join(err, b.Abort())
	}
	told := m.tellOfIndex()
	_, err = b.Finish(ctx)
	told()
	if err != nil {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		if errors.Is(err, store.ErrTwice) {
			return &FileError{m.src.Name, err, m.o.ways("", "")}
		}
		return err
	}
	if commands != nil || len(m.libraries) > 0 {
		if err := m.withCommands(ctx, im, commands); err != nil {
			return err
		}
	}
	if len(m.o.Databases) > 0 {
		if err := im.MoveDatabases(m.o.Databases); err != nil {
			return fmt.Errorf("%w; nothing was imported", err)
		}
	}
	return nil
}

// dump imports a snapshot that stands alone.
func (m *move) dump(ctx context.Context, b *store.Bulk) error {
	f, err := os.Open(m.src.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := rdb.NewFileReader(f, m.fileOptions())
	m.offset, m.expires = r.Offset, true
	return m.judge(m.src.Name, m.snapshot(ctx, r, b))
}

func (m *move) fileOptions() rdb.FileOptions {
	return rdb.FileOptions{StringBytes: m.o.StringBytes, PackedBytes: m.o.StringBytes, NoChecksum: m.o.NoChecksum}
}

// judge says what becomes of an import that met err in a file.
func (m *move) judge(file string, err error) error {
	var module *moduleError
	var fault *rdb.FileError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &module):
		return &FileError{file, err, m.o.ways("--import-skip-modules yes", "leave out the values of modules")}
	case errors.As(err, &fault) || isCommandFault(err):
		if m.o.Prefix {
			m.result.Fault = fmt.Errorf("%s: %w", file, err)
			return nil
		}
		return &FileError{file, err, m.o.ways("--import-damaged prefix", "import what stands before the fault")}
	}
	return err
}

// withCommands opens what is imported so far for what goes by commands.
func (m *move) withCommands(ctx context.Context, im *store.Import, commands stage) error {
	st, err := im.Open(m.o.Store)
	if err != nil {
		return err
	}
	run := m.o.Commands(st)
	for _, code := range m.libraries {
		if err == nil {
			err = run.Run([][]byte{[]byte("FUNCTION"), []byte("LOAD"), []byte(code)})
			m.result.Libraries++
		}
	}
	if err != nil {
		err = m.judge(m.src.Name, fmt.Errorf("a library of functions: %w", err))
	}
	run.Close()
	if err == nil && commands != nil {
		err = commands(ctx, st)
	}
	return errors.Join(err, st.Close())
}

// tellOfIndex tells that the keys are read and the index is being made, again and again until the returned function is
// called.
func (m *move) tellOfIndex() (stop func()) {
	at := m.at
	at.Indexing, at.Bytes, at.Took = true, m.offset(), time.Since(m.start)
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for m.o.Progress != nil && at.Read > 0 {
			m.o.Progress(at)
			select {
			case <-done:
				return
			case <-tick.C:
				at.Took = time.Since(m.start)
			}
		}
	})
	return func() {
		close(done)
		over.Wait()
	}
}

// progress tells of it now and then.
func (m *move) progress() {
	if m.steps++; m.o.Progress == nil || m.steps%64 != 0 {
		return
	}
	if now := time.Now(); now.Sub(m.toldAt) >= every {
		m.toldAt = now
		m.at.Bytes, m.at.Took = m.offset(), now.Sub(m.start)
		m.o.Progress(m.at)
	}
}

func (m *move) log(event string, err error, fields ...any) {
	if m.o.Store.Log != nil {
		m.o.Store.Log(event, err, fields...)
	}
}

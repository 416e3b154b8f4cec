package movein

import (
	"context"
	"fmt"
	"io"

	"diskette/resp/rdb"
	"diskette/store"
)

// types are the store's names for what a snapshot has.
var types = map[rdb.Kind]store.Type{rdb.String: store.TypeString, rdb.List: store.TypeList, rdb.Set: store.TypeSet,
	rdb.ZSet: store.TypeZSet, rdb.Hash: store.TypeHash, rdb.Stream: store.TypeStream}

// snapshot puts the keys of a snapshot into the tables. Of a damaged one it has put in what stands before the fault.
func (m *move) snapshot(ctx context.Context, f *rdb.FileReader, b *store.Bulk) error {
	for {
		r, err := f.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return cancelled(ctx)
		}
		switch r.Kind {
		case rdb.RecordKey:
			if err = m.key(f, r, b); err != nil {
				b.Drop()
			}
		case rdb.RecordModule:
			if m.o.SkipModules {
				m.result.ModulesSkipped++
				continue
			}
			err = &moduleError{r}
		case rdb.RecordModuleAux:
			if !m.told[r.Module] { // it may come with every key
				m.told[r.Module] = true
				m.log("data of a module's, beside its values, is left out", nil, "module", r.Module)
			}
		case rdb.RecordFunction:
			m.libraries = append(m.libraries, r.Text)
		}
		if err != nil {
			return err
		}
		m.progress()
	}
}

// moduleError is a value that only a module can read.
type moduleError struct{ *rdb.Record }

func (e *moduleError) Error() string {
	return fmt.Sprintf("at offset %d: key %.100q of database %d is a value of the module %s",
		e.Offset, e.Key, e.DB, e.Module)
}

// key puts one key into the tables. Only a snapshot that stands alone has keys that are left out because they have
// expired: behind one that begins an append only file there are commands for them.
func (m *move) key(f *rdb.FileReader, r *rdb.Record, b *store.Bulk) error {
	if r.DB >= m.o.Store.Databases {
		return &rdb.FileError{Offset: r.Offset, Found: fmt.Sprintf("a key of database %d", r.DB),
			Expected: fmt.Sprintf("one below %d: start with --databases %d or more", m.o.Store.Databases, r.DB+1), Err: rdb.ErrFormat}
	}
	m.at.Read++
	if m.expires && r.ExpiresMs != 0 && r.ExpiresMs <= m.nowMs {
		m.at.Expired++
		return nil
	}
	if err := m.home(r.DB); m.expires && err != nil {
		return err
	}
	if err := b.Key(r.DB, r.Key, types[r.Type], r.ExpiresMs); err != nil {
		return err
	}
	var head *rdb.StreamValue
	for {
		p, err := f.Part()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = m.part(p, b)
		}
		if err != nil {
			return err
		}
		if p.Stream != nil {
			head = p.Stream
		}
		if p.Last {
			break
		}
		m.progress()
	}
	if head != nil {
		return b.Head(store.StreamID(head.Last), store.StreamID(head.MaxDeleted), head.Added)
	}
	return nil
}

// home refuses a key of a database that is to get the number of another one with keys: as soon as it comes, where no
// commands follow that might remove it.
func (m *move) home(db int) error {
	if len(m.o.Databases) == 0 {
		return nil
	}
	to, moves := m.o.Databases[db]
	if !moves {
		to = db
	}
	if other, taken := m.homes[to]; taken && other != db {
		return fmt.Errorf("databases %d and %d both have keys and would both be %d; nothing was imported: give one of them another number",
			min(db, other), max(db, other), to)
	}
	m.homes[to] = db
	return nil
}

// part puts a part of a value into the tables.
func (m *move) part(p *rdb.Part, b *store.Bulk) (err error) {
	b.Part()
	switch p.Kind {
	case rdb.String:
		err = b.Text(p.String, p.Last)
	case rdb.List:
		for _, e := range p.Elements {
			err = b.Element(e)
		}
	case rdb.Set:
		for _, e := range p.Elements {
			err = b.Member(e)
		}
	case rdb.ZSet:
		for _, e := range p.Members {
			err = b.Scored(e.Name, e.Score)
		}
	case rdb.Hash:
		for i := 0; i < len(p.Elements); i += 2 {
			deadline := int64(0)
			if p.Times != nil {
				deadline = p.Times[i/2]
			}
			if m.expires && deadline != 0 && deadline <= m.nowMs {
				continue
			}
			err = b.Field(p.Elements[i], p.Elements[i+1], deadline)
		}
	case rdb.Stream:
		err = streamPart(p.Stream, b)
	}
	return err
}

func streamPart(s *rdb.StreamValue, b *store.Bulk) (err error) {
	var elements [][]byte
	for _, e := range s.Entries {
		elements = elements[:0]
		for _, f := range e.Fields {
			elements = append(elements, []byte(f))
		}
		err = b.Entry(store.StreamID(e.ID), store.PackFields(elements))
	}
	for _, g := range s.Groups {
		n, _ := b.Group(g.Name, store.StreamID(g.Last), g.Read)
		consumers := make([]int64, len(g.Consumers))
		for i, c := range g.Consumers {
			consumers[i], err = b.Consumer(n, c.Name, c.SeenMs, c.ActiveMs)
		}
		for _, p := range g.Pending {
			err = b.Pending(n, consumers[p.Consumer], store.Pending{
				ID: store.StreamID(p.ID), DeliveredMs: p.DeliveredMs, Deliveries: p.Deliveries})
		}
	}
	return err // a Bulk's errors stay
}

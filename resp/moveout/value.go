package moveout

import (
	"errors"
	"unsafe"

	"diskette/resp/rdb"
	"diskette/store"
)

const (
	// wholeBytes is what a value that is assembled may take, and about what a part of a larger one takes.
	wholeBytes = 1 << 20
	// wholePending is how many unacknowledged entries a stream that is assembled may have.
	wholePending = 1 << 14
	// elementBytes is what an element takes besides its letters.
	elementBytes = 40
)

// kinds are rdb's names for the store's types.
var kinds = map[store.Type]rdb.Kind{store.TypeString: rdb.String, store.TypeList: rdb.List, store.TypeSet: rdb.Set,
	store.TypeZSet: rdb.ZSet, store.TypeHash: rdb.Hash, store.TypeStream: rdb.Stream}

// errEnough ends a reading whose reader wants no more.
var errEnough = errors.New("enough was read")

// part is a value, or a part of one, that is being assembled. Its memory is used again.
type part struct {
	rdb.Value
	text  []byte // what the strings are in
	bytes int
	times []int64
	timed bool // a field has a deadline
}

func (p *part) reset(k rdb.Kind) {
	p.Value = rdb.Value{Kind: k, Elements: p.Elements[:0], Members: p.Members[:0]}
	p.text, p.times, p.bytes, p.timed = p.text[:0], p.times[:0], 0, false
	if cap(p.text) > 2*wholeBytes {
		p.text = nil
	}
}

// keep copies a string.
func (p *part) keep(s string) string {
	p.bytes += len(s) + elementBytes
	if len(s) > cap(p.text)-len(p.text) {
		p.text = make([]byte, 0, max(len(s), 64<<10, min(2*cap(p.text), wholeBytes))) // who has the old one keeps it
	}
	at := len(p.text)
	p.text = append(p.text, s...)
	return view(p.text[at:])
}

// view views bytes as a string that lives as long as they do.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// add adds an element; timed = the file may have deadlines of fields.
func (p *part) add(e *store.SnapshotElement, timed bool) {
	switch p.Kind {
	case rdb.ZSet:
		p.Members = append(p.Members, rdb.Member{Name: p.keep(e.Name), Score: e.Score})
	case rdb.Hash:
		p.Elements = append(p.Elements, p.keep(e.Name), p.keep(e.Value))
		if timed {
			p.times = append(p.times, e.Deadline)
			p.timed = p.timed || e.Deadline != 0
		}
	default:
		p.Elements = append(p.Elements, p.keep(e.Name))
	}
}

// value is what was assembled.
func (p *part) value() *rdb.Value {
	if p.timed {
		p.Times = p.times
	}
	return &p.Value
}

// key writes a key.
func (w *writer) key(k *store.SnapshotKey) error {
	h := rdb.KeyHeader{Key: k.Name, ExpiresMs: k.Deadline, IdleSeconds: -1, Frequency: -1}
	switch k.Type {
	case store.TypeString:
		return w.string(h, k)
	case store.TypeStream:
		return w.stream(h, k)
	}
	return w.collection(h, k)
}

func (w *writer) string(h rdb.KeyHeader, k *store.SnapshotKey) error {
	p := &w.part
	p.reset(rdb.String)
	if whole := k.Whole(); whole != nil {
		p.String = view(whole)
		return w.f.Key(h, &p.Value)
	}
	if k.Bytes <= wholeBytes {
		err := k.Text(func(piece []byte) error {
			p.text = append(p.text, piece...)
			return nil
		})
		if err != nil {
			return err
		}
		p.String = view(p.text)
		return w.f.Key(h, &p.Value)
	}
	return w.f.Parts(h, rdb.String, k.Bytes, func(yield func(*rdb.Value, error) bool) {
		err := k.Text(func(piece []byte) error {
			if !yield(&rdb.Value{Kind: rdb.String, String: view(piece)}, nil) {
				return errEnough
			}
			return nil
		})
		tell(err, yield)
	})
}

// tell ends a sequence of parts with an error, if it had one.
func tell(err error, yield func(*rdb.Value, error) bool) {
	if err != nil && !errors.Is(err, errEnough) {
		yield(nil, err)
	}
}

// collection writes a list, set, sorted set or hash.
func (w *writer) collection(h rdb.KeyHeader, k *store.SnapshotKey) error {
	p, kind := &w.part, kinds[k.Type]
	p.reset(kind)
	count, deadlines := int64(0), int64(0)
	err := k.Elements(func(e *store.SnapshotElement) error {
		count++
		if e.Deadline != 0 {
			deadlines++
		}
		if p.bytes <= wholeBytes {
			p.add(e, w.saysTimes())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !w.saysTimes() {
		w.result.FieldDeadlines += deadlines
	}
	if p.bytes <= wholeBytes {
		return w.f.Key(h, p.value())
	}
	h.FieldTimes = deadlines > 0 && w.saysTimes()
	return w.f.Parts(h, kind, count, func(yield func(*rdb.Value, error) bool) {
		p.reset(kind)
		err := k.Elements(func(e *store.SnapshotElement) error {
			if p.add(e, h.FieldTimes); p.bytes <= wholeBytes {
				return nil
			}
			if !yield(p.value(), nil) {
				return errEnough
			}
			p.reset(kind)
			return nil
		})
		if err == nil && p.bytes > 0 && !yield(p.value(), nil) {
			return
		}
		tell(err, yield)
	})
}

// saysTimes reports whether the version of the file has deadlines of fields.
func (w *writer) saysTimes() bool { return w.result.Version >= 12 }

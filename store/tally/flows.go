package tally

// Kind is a kind of event.
type Kind int

// The kinds of events.
const (
	Hit    Kind = iota // a command looked for a key to read it, and it was there
	Miss               // and it was not
	Set                // a key was written: once a command, however much of it
	Delete             // a command removed a key
	Evict              // a key was removed to make room on the disk
	Expire             // a key was removed because its deadline had passed
	Kinds
	NoKind Kind = -1
)

// Counts are how often each kind of event has come.
type Counts [Kinds]int64

// Ages are those of keys, from birth.
type Ages struct {
	Millis float64 // of all together
	Keys   float64
}

// Mean is in ms; known = there are some.
func (a Ages) Mean() (millis int64, known bool) {
	if a.Keys == 0 {
		return 0, false
	}
	return int64(a.Millis / a.Keys), true
}

// Add adds one that stands for weight keys.
func (a *Ages) Add(age, weight float64) {
	a.Millis += age * weight
	a.Keys += weight
}

// Flows are what has happened in a database since some time.
type Flows struct {
	Counts           Counts // since the start; exact
	Before           Counts // before it
	Evicted, Expired Ages   // of the keys that went so, of a sample
	Since            int64  // unix ms

	first, second Top
	kept          Counts // that Encode has seen last
}

// All are Counts, and what was before the start.
func (f *Flows) All() Counts {
	all := f.Before
	all.Add(&f.Counts)
	return all
}

// NewFlows are none since a time in unix ms; most is how many prefixes of either kind are told apart.
func NewFlows(since int64, most int) *Flows {
	return &Flows{Since: since, first: newTop(most), second: newTop(most)}
}

// Note counts weight events for a name's prefixes. Those of all names the owner has counted.
func (f *Flows) Note(kind Kind, name string, weight int64) {
	first, second := Prefixes(name)
	f.first.add(first, kind, weight)
	f.second.add(second, kind, weight)
}

// Gone notes the age of a key that went.
func (f *Flows) Gone(kind Kind, age, weight float64) {
	switch kind {
	case Evict:
		f.Evicted.Add(age, weight)
	case Expire:
		f.Expired.Add(age, weight)
	}
}

// Lines are the prefixes of either kind, in no order.
func (f *Flows) Lines() (first, second []Line) { return f.LinesIn(nil, nil) }

// LinesIn is Lines in the room that two slices have, if it is enough.
func (f *Flows) LinesIn(first, second []Line) (_, _ []Line) {
	return f.first.appendTo(first[:0]), f.second.appendTo(second[:0])
}

// Len is how many prefixes of either kind there are.
func (f *Flows) Len() (first, second int) { return len(f.first.heap), len(f.second.heap) }

// Reset forgets all.
func (f *Flows) Reset(now int64) {
	*f = *NewFlows(now, f.first.most)
	f.kept[0] = -1 // what is kept is not what there is
}

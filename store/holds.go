package store

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How long the keyspace lock is held decides how long everybody waits, so a server at work can be asked: its holds are
// watched for a while, and then those are told that were long, with the functions that had them. While nobody watches,
// a hold costs a look at a pointer that stands beside the lock.
//
// It is no histogram that is always kept: two readings of the clock are as much as a GET does under the lock, and to
// leave the commands' own holds out would leave out the half of what can go wrong. A duration alone does not say either
// what is to be mended.

// keyspaceLock is a mutex whose holds can be watched.
type keyspaceLock struct {
	mu    sync.Mutex
	watch atomic.Pointer[holdWatch] // changes under mu
}

func (l *keyspaceLock) Lock() {
	l.mu.Lock()
	if w := l.watch.Load(); w != nil {
		w.begin()
	}
}

func (l *keyspaceLock) TryLock() bool {
	taken := l.mu.TryLock()
	if taken {
		if w := l.watch.Load(); w != nil {
			w.begin()
		}
	}
	return taken
}

func (l *keyspaceLock) Unlock() {
	if w := l.watch.Load(); w != nil {
		w.end()
	}
	l.mu.Unlock()
}

// Holds of the keyspace lock that ended in the same functions.
type Holds struct {
	Where   []string // the function that let go of the lock, the one that had called it, and so on: a few
	Count   int
	Total   time.Duration
	Longest time.Duration // by the clock: so long others have waited
	// LongestCPU is the most that a hold took of a processor's time. On a busy machine it is less: the thread that has
	// the lock may have to wait for a processor. 0 = this system does not tell.
	LongestCPU time.Duration
}

const (
	holdFrames = 12 // functions of a hold that are noted
	holdNamed  = 6  // that are told
	mostPlaces = 1000
)

type holdPlace [holdFrames]uintptr

// holdWatch gathers holds. It is under the lock that it watches; since that is taken to set it up and to take it away,
// begin and end come in turns.
type holdWatch struct {
	began     time.Time
	cpu       time.Duration
	places    map[holdPlace]*Holds
	elsewhere *Holds // in more places than are told apart
}

// begin notes the time. The goroutine keeps its thread, whose processor time is asked for.
func (w *holdWatch) begin() {
	runtime.LockOSThread()
	w.began, w.cpu = time.Now(), threadTime()
}

func (w *holdWatch) end() {
	cpu, took := threadTime()-w.cpu, time.Since(w.began)
	runtime.UnlockOSThread()
	var place holdPlace
	runtime.Callers(3, place[:]) // without itself, end and the lock's Unlock
	h := w.places[place]
	switch {
	case h != nil:
	case len(w.places) < mostPlaces:
		h = &Holds{}
		w.places[place] = h
	default:
		h = w.elsewhere
	}
	h.Count++
	h.Total += took
	h.Longest, h.LongestCPU = max(h.Longest, took), max(h.LongestCPU, cpu)
}

// ErrWatched says that somebody watches the holds already.
var ErrWatched = errors.New("the holds of the keyspace lock are being watched already")

// WatchHolds watches the holds of the keyspace lock until the context is done and returns them, the longest first.
// Meanwhile each hold takes a microsecond more.
func (st *Store) WatchHolds(ctx context.Context) ([]Holds, error) {
	w := &holdWatch{places: map[holdPlace]*Holds{}, elsewhere: &Holds{}}
	st.mu.mu.Lock()
	watched := !st.mu.watch.CompareAndSwap(nil, w)
	st.mu.mu.Unlock()
	if watched {
		return nil, ErrWatched
	}
	<-ctx.Done()
	st.mu.mu.Lock()
	st.mu.watch.Store(nil)
	st.mu.mu.Unlock()
	return w.told(), nil
}

// told adds up those whose functions have the same names.
func (w *holdWatch) told() (all []Holds) {
	at := map[string]int{}
	add := func(where []string, h *Holds) {
		key := strings.Join(where, "\n")
		i, there := at[key]
		if !there {
			i = len(all)
			at[key], all = i, append(all, Holds{Where: where})
		}
		sum := &all[i]
		sum.Count += h.Count
		sum.Total += h.Total
		sum.Longest, sum.LongestCPU = max(sum.Longest, h.Longest), max(sum.LongestCPU, h.LongestCPU)
	}
	for place, h := range w.places {
		add(place.names(), h)
	}
	if w.elsewhere.Count > 0 {
		add([]string{"elsewhere"}, w.elsewhere)
	}
	slices.SortFunc(all, func(a, b Holds) int { return cmp.Compare(b.Longest, a.Longest) })
	return all
}

// names are the functions without their packages' paths, and without those that only take the lock and let it go.
func (p *holdPlace) names() (names []string) {
	used := slices.Index(p[:], 0)
	if used < 0 {
		used = len(p)
	}
	frames := runtime.CallersFrames(p[:used])
	for more := used > 0; more && len(names) < holdNamed; {
		var f runtime.Frame
		f, more = frames.Next()
		name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		if name != "store.(*Store).Unlock" && name != "sync.(*Cond).Wait" {
			names = append(names, name)
		}
	}
	return names
}

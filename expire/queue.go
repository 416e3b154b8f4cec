package expire

// Queue orders the deadlines of the keys in memory. It is a heap with four children a
// node: shallower than two, and a key whose deadline is pushed out again and again (a
// session) mostly compares with its children in one cache line. Entries know their place, so that
// moving or removing one is O(log n). It is not safe for concurrent use; in the store it
// belongs to the keyspace lock.
type Queue[T Entry] struct {
	heap []slot[T]
}

// Entry is what a Queue orders. It keeps the slot number that the queue gives it,
// 0 while it is in no queue.
type Entry interface {
	Slot() int32
	SetSlot(int32)
}

type slot[T Entry] struct {
	deadline int64
	entry    T
}

// Len is the number of entries.
func (q *Queue[T]) Len() int { return len(q.heap) }

// Shrink gives back the memory of entries that are gone, if all are.
func (q *Queue[T]) Shrink() {
	if len(q.heap) == 0 {
		q.heap = nil
	}
}

// First returns the earliest deadline and its entry; ok is false when the queue is empty.
func (q *Queue[T]) First() (deadline int64, entry T, ok bool) {
	if len(q.heap) == 0 {
		return 0, entry, false
	}
	return q.heap[0].deadline, q.heap[0].entry, true
}

// Set puts the entry at deadline, moves it there, or removes it when deadline is 0.
func (q *Queue[T]) Set(entry T, deadline int64) {
	i := int(entry.Slot()) - 1
	switch {
	case deadline == 0 && i < 0:
	case deadline == 0:
		q.remove(i)
	case i < 0:
		q.heap = append(q.heap, slot[T]{deadline, entry})
		q.up(len(q.heap) - 1)
	default:
		old := q.heap[i].deadline
		q.heap[i].deadline = deadline
		if deadline < old {
			q.up(i)
		} else {
			q.down(i)
		}
	}
}

// EachDue calls fn for the entries whose deadline has passed at now, in no order, without visiting the others, until it
// returns false. fn must not change the queue.
func (q *Queue[T]) EachDue(now int64, fn func(entry T) (more bool)) { q.eachDue(0, now, fn) }

func (q *Queue[T]) eachDue(i int, now int64, fn func(entry T) bool) (more bool) {
	if i >= len(q.heap) || q.heap[i].deadline > now {
		return true
	}
	more = fn(q.heap[i].entry)
	for c := 4*i + 1; more && c <= 4*i+4; c++ {
		more = q.eachDue(c, now, fn)
	}
	return more
}

// Sample calls fn for at most n entries, evenly spread over the queue. fn must not change it.
func (q *Queue[T]) Sample(n int, fn func(deadline int64, entry T)) {
	n = min(n, len(q.heap))
	for i := range n {
		s := &q.heap[i*len(q.heap)/n]
		fn(s.deadline, s.entry)
	}
}

func (q *Queue[T]) remove(i int) {
	last := len(q.heap) - 1
	q.heap[i].entry.SetSlot(0)
	if i != last {
		q.heap[i] = q.heap[last]
		q.heap[i].entry.SetSlot(int32(i + 1))
	}
	q.heap[last] = slot[T]{}
	q.heap = q.heap[:last]
	if i < last {
		q.up(i)
		q.down(i)
	}
}

func (q *Queue[T]) up(i int) {
	s := q.heap[i]
	for i > 0 {
		parent := (i - 1) / 4
		if q.heap[parent].deadline <= s.deadline {
			break
		}
		q.put(i, q.heap[parent])
		i = parent
	}
	q.put(i, s)
}

func (q *Queue[T]) down(i int) {
	s := q.heap[i]
	for {
		least := -1
		for c := 4*i + 1; c <= 4*i+4 && c < len(q.heap); c++ {
			if least < 0 || q.heap[c].deadline < q.heap[least].deadline {
				least = c
			}
		}
		if least < 0 || q.heap[least].deadline >= s.deadline {
			break
		}
		q.put(i, q.heap[least])
		i = least
	}
	q.put(i, s)
}

func (q *Queue[T]) put(i int, s slot[T]) {
	q.heap[i] = s
	s.entry.SetSlot(int32(i + 1))
}

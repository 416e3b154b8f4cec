package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"diskette/compat_test/testrand"
	"diskette/expire"
)

// TestASnapshotHasWhatWasThereAtItsMoment plays random commands of all types before a snapshot and while it is open.
func TestASnapshotHasWhatWasThereAtItsMoment(t *testing.T) {
	defer func(n int) { listedKeys = n }(listedKeys)
	listedKeys = 2
	first := testrand.Number(t, 1)
	for seed := first; seed < first+uint64(shorter(3, 2)) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("DISKETTE_SEED=", seed), func(t *testing.T) {
			g := newGame(t, seed)
			compared := 0
			for range 12 {
				for range 25 {
					g.step()
				}
				compared += g.snapshot()
			}
			if compared < 40 {
				t.Errorf("only %d keys were compared", compared)
			}
		})
	}
}

// snapshot takes one, changes much, and compares it with what the map had before that.
func (g *game) snapshot() (compared int) {
	var want []map[string]entryModel
	s, err := g.st.Snapshot(func() {
		for db := range g.dbs {
			m := map[string]entryModel{}
			for name := range g.dbs[db] {
				if e, ok := g.live(db, name); ok {
					e.content = e.content.clone()
					m[name] = e
				}
			}
			want = append(want, m)
		}
	})
	if err != nil {
		g.fail("snapshot: %v", err)
	}
	s.TimeMs = g.now
	g.note("snapshot at %d", s.LSN)
	for range 15 {
		switch g.r.IntN(6) {
		case 0:
			flushed(g.t, g.st)
		case 1:
			unloadAll(g.st)
		}
		g.command()
	}
	for _, d := range s.Databases {
		births := 0
		err := s.Keys(d, func(k *SnapshotKey) error {
			e, ok := want[d.Number][k.Name]
			if !ok || e.typ != k.Type || e.deadline != k.Deadline {
				g.fail("the snapshot has %.20q in %d: a %v with the deadline %d; want %v, %v, %d", k.Name, d.Number, k.Type, k.Deadline,
					ok, e.typ, e.deadline)
			}
			value, content := read(g, k)
			if value != e.value || !content.equal(e.content) {
				g.fail("the snapshot has %.20q: %s %s, want %s %s", k.Name, brief(value), content, brief(e.value), e.content)
			}
			if e.birth < births {
				g.fail("%.20q comes behind a key that was born later", k.Name)
			}
			births = e.birth
			delete(want[d.Number], k.Name)
			compared++
			return nil
		})
		if err != nil {
			g.fail("keys of %d: %v", d.Number, err)
		}
	}
	for db, left := range want {
		if len(left) > 0 {
			g.fail("the snapshot has not %.100q of database %d", slices.Collect(maps.Keys(left)), db)
		}
	}
	if err := s.Close(); err != nil {
		g.fail("close: %v", err)
	}
	return compared
}

// read is the value of a snapshot's key as the model has it.
func read(g *game, k *SnapshotKey) (value string, c content) {
	var err error
	if k.Type != TypeString && k.Type != TypeList {
		c.named = map[string]string{}
	}
	switch k.Type {
	case TypeString:
		err = k.Text(func(piece []byte) error {
			value += string(piece)
			return nil
		})
		if int64(len(value)) != k.Bytes {
			g.fail("a string of %d bytes has %d", k.Bytes, len(value))
		}
	case TypeStream:
		err = k.Entries(func(id StreamID, fields StreamFields) error {
			fields.Each(func(e string) { c.named[streamName(id)] = strings.Clone(e) })
			return nil
		})
	default:
		err = k.Elements(func(e *SnapshotElement) error {
			name := strings.Clone(e.Name)
			switch k.Type {
			case TypeList:
				c.list = append(c.list, name)
			case TypeZSet:
				c.named[name] = strconv.FormatFloat(e.Score, 'g', -1, 64)
			default:
				c.named[name] = strings.Clone(e.Value)
			}
			return nil
		})
	}
	if err != nil {
		g.fail("read %.20q: %v", k.Name, err)
	}
	return value, c
}

// TestSnapshotsUnderManyWritersAreOfOneMoment: money goes from key to key, and every snapshot has all of it. Each is
// of the very record that was the last at its moment.
func TestSnapshotsUnderManyWritersAreOfOneMoment(t *testing.T) {
	const accounts, start, writers, snapshots = 40, 1000, 6, 12
	st := opened(t, t.TempDir(), func(o *Options) { o.WriteBackDelay, o.WriteBackRows, o.MaxMemory = time.Millisecond, 7, 20_000 })
	account := func(n int) string { return fmt.Sprint("account:", n) }
	for n := range accounts {
		mustSet(t, st, account(n), fmt.Sprint(start))
	}
	var stop atomic.Bool
	var transfers int64 // under the keyspace lock
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			r := testrand.New(t, uint64(w))
			for !stop.Load() {
				from, to, amount := r.IntN(accounts), r.IntN(accounts), int64(r.IntN(10))
				if from == to {
					continue
				}
				err := command(st, 0, expire.NowMillis(), []string{account(from), account(to), "transfers"}, func(tx *Tx, k [][]byte) {
					add := func(key []byte, n int64) {
						v, _ := tx.String(key)
						was, _ := strconv.ParseInt(string(v), 10, 64)
						_ = tx.UpdateInt(key, was+n)
					}
					add(k[0], -amount)
					add(k[1], amount)
					add(k[2], 1)
					transfers++
				})
				if err != nil {
					t.Errorf("transfer: %v", err)
					return
				}
			}
		})
	}
	var taking sync.WaitGroup
	for range 2 { // two at a time
		taking.Go(func() {
			for range snapshots {
				var then int64
				s, err := st.Snapshot(func() { then = transfers })
				if err != nil {
					t.Errorf("snapshot: %v", err)
					return
				}
				sum, counted := int64(0), int64(0)
				err = s.Keys(s.Databases[0], func(k *SnapshotKey) error {
					return k.Text(func(piece []byte) error {
						n, err := strconv.ParseInt(string(piece), 10, 64)
						if k.Name == "transfers" {
							counted = n
						} else {
							sum += n
						}
						return err
					})
				})
				if err = errors.Join(err, s.Close()); err != nil || sum != accounts*start || counted != then {
					t.Errorf("the snapshot has %d in all, want %d, after %d transfers, want %d: %v", sum, accounts*start, counted, then, err)
				}
			}
		})
	}
	taking.Wait()
	stop.Store(true)
	writing.Wait()
	checked(t, st)
	st = reopened(t, st)
	checked(t, st)
}

func TestASnapshotHasGroupsAndWhatIsPending(t *testing.T) {
	st := opened(t, t.TempDir())
	must(t, st, 0, []string{"s"}, func(tx *Tx, k [][]byte) {
		s := editStream(tx, k[0])
		for i := range uint64(100) {
			s.Add(StreamID{i + 1, 0}, packed("f", "v"))
		}
		for _, name := range []string{"b", "a"} {
			g := s.CreateGroup([]byte(name), minStreamID, 0)
			for _, consumer := range []string{"y", "x"} {
				s.Deliver(g, s.CreateConsumer(g, []byte(consumer)), 10, false, func(StreamID, StreamFields) {})
			}
		}
		s.Delete(StreamID{100, 0})
	})
	s, err := st.Snapshot(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seen := ""
	err = s.Keys(s.Databases[0], func(k *SnapshotKey) error {
		last, deleted, added, err := k.StreamHead()
		seen += fmt.Sprint(last, deleted, added)
		return errors.Join(err, k.Groups(func(g *SnapshotGroup) error {
			seen += fmt.Sprint("; ", g.Name, g.Last, g.Read, len(g.Pending))
			for i, p := range g.Pending {
				if p.ID != (StreamID{uint64(i + 1), 0}) || g.Consumers[p.Consumer].Name != []string{"y", "x"}[i/10] || p.Deliveries != 1 {
					t.Errorf("pending %d of %s is %+v", i, g.Name, p)
				}
			}
			return nil
		}))
	})
	if want := "{100 0} {100 0} 100; a{20 0} 20 20; b{20 0} 20 20"; err != nil || seen != want {
		t.Errorf("%s, %v; want %s", seen, err, want)
	}
}

func TestASnapshotLeavesOutWhatHasExpired(t *testing.T) {
	st := opened(t, t.TempDir())
	now := time.Now().UnixMilli()
	must(t, st, 0, []string{"gone", "kept", "h"}, func(tx *Tx, k [][]byte) {
		tx.SetString(k[0], []byte("v"), now-1)
		tx.SetString(k[1], []byte("v"), now+1_000_000)
		for i, f := range []string{"gone", "kept", "for ever"} {
			hset(tx, k[2], f, "v")
			if i < 2 {
				editHash(tx, k[2]).SetDeadline([]byte(f), now-1+int64(i)*1_000_000)
			}
		}
	})
	s, err := st.Snapshot(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var seen []string
	err = s.Keys(s.Databases[0], func(k *SnapshotKey) error {
		seen = append(seen, strings.Clone(k.Name))
		if k.Type == TypeHash {
			return k.Elements(func(e *SnapshotElement) error {
				seen = append(seen, fmt.Sprint(e.Name, e.Deadline > 0))
				return nil
			})
		}
		return nil
	})
	slices.Sort(seen)
	if got := fmt.Sprint(seen); err != nil || got != "[for everfalse h kept kepttrue]" {
		t.Errorf("%s, %v", got, err)
	}
}

// A disk that takes nothing is told, and the store goes on when it is well again.
func TestASnapshotThatTheTablesCanNotReachIsAnError(t *testing.T) {
	disk := newDisk(t)
	st := opened(t, t.TempDir(), func(o *Options) { disk.use(o) })
	mustSet(t, st, "a", "1")
	disk.breakWith(func(_ int, kind, file string, _ int) error {
		if kind == "write" && file != "journal" {
			return errFull
		}
		return nil
	})
	if s, err := st.Snapshot(nil); err == nil || !errors.Is(err, errGivenUp) {
		t.Errorf("a snapshot on a disk that takes nothing: %v, %v", s, err)
	}
	disk.breakWith(nil)
	mustSet(t, st, "b", "2")
	eventually(t, "the write-back", func() bool { return st.Flush() == nil })
	s, err := st.Snapshot(nil)
	if err != nil || len(s.Databases) != 1 || s.Databases[0].Keys != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	checked(t, st)
}

package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"diskette/store/journal"
)

// opened opens a store that the test closes at its end, if it has not done so itself.
func opened(t testing.TB, dir string, options ...func(*Options)) *Store {
	t.Helper()
	st, err := tryOpen(dir, options...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func tryOpen(dir string, options ...func(*Options)) (*Store, error) {
	o := Options{Dir: dir, Policy: journal.No, ReserveBytes: 1 << 20, WriteBackDelay: time.Hour}
	for _, set := range options {
		set(&o)
	}
	return Open(o)
}

func reopened(t testing.TB, st *Store, options ...func(*Options)) *Store {
	t.Helper()
	closed(t, st)
	return opened(t, st.dir, options...)
}

func closed(t testing.TB, st *Store) {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func flushed(t testing.TB, st *Store) {
	t.Helper()
	if err := st.Flush(); err != nil {
		t.Fatalf("flush: %v", err)
	}
}

func checked(t testing.TB, st *Store) {
	t.Helper()
	if err := st.Check(); err != nil {
		t.Fatalf("check: %v", err)
	}
}

// command runs fn as a server runs a command: keys resident first, then fn under the
// keyspace lock, then the wait for the journal. fn must use the given slices as keys. The error is that
// of the load or of the journal; then nothing may be told to a client.
func command(st *Store, db int, now int64, names []string, fn func(tx *Tx, keys [][]byte)) (err error) {
	return commandOn(st, db, now, names, nil, fn)
}

// commandOn is command for one that does not need all values: needs says what of the keys at its places.
func commandOn(st *Store, db int, now int64, names []string, needs map[int]Need, fn func(tx *Tx, keys [][]byte)) (err error) {
	keys := make([][]byte, len(names))
	for i, n := range names {
		keys[i] = append(make([]byte, 0, len(n)+1), n...)
	}
	return commandWith(st, db, now, keys, func(tx *Tx) bool { return wanted(tx, keys, needs) }, fn)
}

// commandWith is command where ready says when what it needs is in memory; it is asked again after each load.
func commandWith(
	st *Store, db int, now int64, keys [][]byte, ready func(tx *Tx) bool, fn func(tx *Tx, keys [][]byte),
) error {
	st.WaitForRoom()
	st.Lock()
	var fetched []*Fetch
	tx := st.Begin(db, now)
	for !ready(tx) {
		f := tx.TakeFetch()
		fetched = append(fetched, f)
		st.Unlock()
		err := f.Load()
		st.Lock()
		if err != nil {
			released(fetched)
			st.Unlock()
			return err
		}
		tx = st.Begin(db, now)
	}
	seen, failed := lastly(st, fetched, func() (uint64, error) { return run(st, tx, keys, fn) })
	return errors.Join(failed, st.Wait(seen))
}

// lastly runs fn, lets the loads go and unlocks, even if fn ends the test: its cleanup closes
// the store, which takes the lock.
func lastly(st *Store, fetched []*Fetch, fn func() (uint64, error)) (seen uint64, err error) {
	defer st.Unlock()
	defer released(fetched)
	return fn()
}

// run turns the panic of a key that could not be read into an error, as a server does.
func run(st *Store, tx *Tx, keys [][]byte, fn func(*Tx, [][]byte)) (seen uint64, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			seen, err = st.Abort(), p
		default:
			panic(p)
		}
	}()
	fn(tx, keys)
	return tx.End(), nil
}

func wanted(tx *Tx, keys [][]byte, needs map[int]Need) bool {
	all := true
	for i, k := range keys {
		if needs[i] == NeedPart {
			all = tx.WantElements(k, someElements) && all
			continue
		}
		all = tx.Want(k, needs[i]) && all
	}
	return all
}

// someElements are what a test asks for that needs part of a key, whatever it does then.
var someElements = Names{Args: [][]byte{[]byte("e1"), {}, []byte("e17"), {}, []byte("e40"), {}, nil}, Step: 2, Last: 6}

func released(fetched []*Fetch) {
	for _, f := range fetched {
		f.Release()
	}
}

// set, get and del are the commands that most tests need, in database 0.

func set(st *Store, key, value string) error {
	return command(st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) { tx.SetString(k[0], []byte(value), 0) })
}

func get(st *Store, key string) (value string, ok bool, err error) {
	err = command(st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) {
		v, wrongType := tx.String(k[0])
		if wrongType != nil {
			panic(wrongType)
		}
		value, ok = string(v), v != nil
	})
	return value, ok, err
}

func del(st *Store, key string) (there bool, err error) {
	err = command(st, 0, testNow, []string{key}, func(tx *Tx, k [][]byte) { there = tx.Delete(k[0]) })
	return there, err
}

// testNow is a clock reading: unix milliseconds.
const testNow = 1_700_000_000_000

func mustSet(t testing.TB, st *Store, key, value string) {
	t.Helper()
	if err := set(st, key, value); err != nil {
		t.Fatalf("SET %q: %v", key, err)
	}
}

func mustDel(t testing.TB, st *Store, key string) {
	t.Helper()
	if there, err := del(st, key); err != nil || !there {
		t.Fatalf("DEL %q = %v, %v", key, there, err)
	}
}

// must runs a command in a database at testNow.
func must(t testing.TB, st *Store, db int, names []string, fn func(tx *Tx, k [][]byte)) {
	t.Helper()
	if err := command(st, db, testNow, names, fn); err != nil {
		t.Fatalf("command on %q: %v", names, err)
	}
}

func wantGet(t testing.TB, st *Store, key, value string) {
	t.Helper()
	got, ok, err := get(st, key)
	if err != nil || !ok || got != value {
		t.Fatalf("GET %q = %s, %v, %v; want %s", key, brief(got), ok, err, brief(value))
	}
}

func wantAbsent(t testing.TB, st *Store, key string) {
	t.Helper()
	if got, ok, err := get(st, key); err != nil || ok {
		t.Fatalf("GET %q = %s, %v, %v; want none", key, brief(got), ok, err)
	}
}

func brief(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%q... (%d bytes)", s[:40], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// unloadAll takes everything out of memory that may go.
func unloadAll(st *Store) {
	st.Lock()
	defer st.Unlock()
	bound := st.maxMemory.Swap(0)
	st.unloadLocked(3 * int(st.hotObjects)) // past every object twice: the first time only says that it was used
	st.maxMemory.Store(bound)
}

// shorter is how many seeds, rounds or states a test plays: short under -short, with which .ci/run has the race
// detector, that makes each ten times as long.
func shorter(all, short int) int {
	if testing.Short() {
		return short
	}
	return all
}

// eventually waits for what must come by itself.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// scanAll is a whole SCAN at testNow.
func scanAll(t testing.TB, st *Store, db, count int, o ScanOptions) (keys []string) {
	t.Helper()
	keys, err := tryScanAll(st, db, count, o)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func tryScanAll(st *Store, db, count int, o ScanOptions) (keys []string, err error) {
	for cursor := int64(0); ; {
		page, next, _, err := st.Scan(db, cursor, count, testNow, o, false)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		keys = append(keys, page...)
		if next == 0 {
			return keys, nil
		}
		if next <= cursor {
			return nil, fmt.Errorf("the cursor went from %d to %d", cursor, next)
		}
		cursor = next
	}
}

func isErr(err, target error) bool { return err != nil && errors.Is(err, target) }

package store

import (
	"fmt"
	"slices"
	"strings"
)

// play goes on for so many steps.
func (h *trial) play(steps int) {
	for range steps {
		switch n := h.r.IntN(100); {
		case n < 78:
			h.change()
		case n < 84:
			_ = h.st.Flush()
		case n < 88:
			h.st.kickWriteBack()
		case n < 92:
			_ = h.st.Sync()
		case n < 94:
			h.sweep()
		case n < 96 && h.trouble:
			h.machine.breakWith(h.fault())
		default:
			h.machine.breakWith(nil)
		}
	}
}

// afterDeadlines is when the deadlines that keys got at testNow have passed.
const afterDeadlines = testNow + 1000

// change is one to three changes in one record.
func (h *trial) change() {
	db, now := h.r.IntN(trialDBs), int64(testNow)
	if h.r.IntN(10) == 0 {
		now = afterDeadlines
	}
	var names, what []string
	var plays []func(tx *Tx, k [][]byte)
	for range 1 + h.r.IntN(3)*h.r.IntN(2) {
		key := []string{h.key(), h.key()}
		say, play := h.one(db, now)
		what = append(what, fmt.Sprintf("%s %d %.10q", say, db, key))
		names = append(names, key...)
		at := len(names) - len(key)
		plays = append(plays, func(tx *Tx, k [][]byte) {
			k = k[at : at+len(key)]
			play(tx, k)
			h.look(tx, db, k)
		})
	}
	h.record(fmt.Sprint(strings.Join(what, ", "), " at ", now-testNow), func() error {
		return command(h.st, db, now, names, func(tx *Tx, k [][]byte) {
			for _, play := range plays {
				play(tx, k)
			}
		})
	})
}

// look notes what keys hold.
func (h *trial) look(tx *Tx, db int, k [][]byte) {
	for _, key := range k {
		content := describe(tx, key)
		if content != "" {
			h.holds[db][string(key)] = content
		} else if !h.st.HasLocked(db, string(key)) { // else it has expired, and nothing has removed it yet
			delete(h.holds[db], string(key))
		}
	}
}

func (h *trial) key() string {
	if h.r.IntN(12) == 0 {
		return "long"
	}
	return fmt.Sprint("k", h.r.IntN(8))
}

func (h *trial) bytes() []byte {
	n := h.r.IntN(60)
	if h.r.IntN(4) == 0 {
		n = h.r.IntN(3000)
	}
	b := make([]byte, n+1)
	for i := range b {
		b[i] = byte('a' + h.r.IntN(26))
	}
	return b
}

// one is a change of the first of two keys, or of more.
func (h *trial) one(db int, now int64) (what string, play func(tx *Tx, k [][]byte)) {
	value, field, pick := h.bytes(), fmt.Sprint("f", h.r.IntN(6)), h.r.IntN(chunkBytes+pageSize)
	switch n := h.r.IntN(30); {
	case n < 7:
		deadline := int64(h.r.IntN(2)) * (now + 500)
		return fmt.Sprint("set ", len(value)), func(tx *Tx, k [][]byte) { tx.SetString(k[0], value, deadline) }
	case n < 9:
		return fmt.Sprint("patch ", pick, " ", len(value)), func(tx *Tx, k [][]byte) {
			if string(k[0]) == "long" {
				_, _ = tx.SetRange(k[0], pick, value)
			} else {
				_, _ = tx.Append(k[0], value)
			}
		}
	case n < 14:
		return "hash", func(tx *Tx, k [][]byte) {
			if e, err := tx.EditHash(k[0]); err == nil && (pick%4 > 0 || e.Len() == 0) {
				e.Set([]byte(field), value)
			} else if err == nil {
				e.Delete([]byte(field))
			}
		}
	case n < 19:
		return "list", func(tx *Tx, k [][]byte) {
			if e, err := tx.EditList(k[0]); err == nil && (pick%3 > 0 || e.Len() == 0) {
				e.Push(End(pick%2 == 0), value)
			} else if err == nil {
				e.Pop(End(pick%2 == 0))
			}
		}
	case n < 24:
		return "delete", func(tx *Tx, k [][]byte) { tx.Delete(k[0]) }
	case n < 25:
		return "copy", func(tx *Tx, k [][]byte) {
			if string(k[0]) != string(k[1]) {
				tx.Copy(k[0], db, k[1], pick%3 > 0)
			}
		}
	case n < 26:
		return "rename", func(tx *Tx, k [][]byte) { tx.Rename(k[0], k[1]) }
	case n < 27:
		return "deadline", func(tx *Tx, k [][]byte) { tx.SetDeadline(k[0], now+500) }
	case n < 28 && pick%3 == 0:
		return "flush", func(tx *Tx, _ [][]byte) {
			tx.FlushDB(db)
			h.holds[db] = map[string]string{}
		}
	case n < 29 && pick%3 == 1:
		return "swap", func(tx *Tx, _ [][]byte) {
			tx.SwapDB(0, 1)
			slices.Reverse(h.holds)
		}
	default:
		return "fill", func(tx *Tx, k [][]byte) { // rows for the reaper
			if e, err := tx.EditHash(k[1]); err == nil {
				for i := range 100 {
					e.Set(fmt.Append(nil, "many", i), value)
				}
			}
		}
	}
}

// expiry is a key that was removed because its deadline had passed.
type expiry struct {
	lsn uint64
	db  int
	key string
}

// sweep removes what has expired, if the journal takes it: what is in memory in one record, what is on disk in more.
func (h *trial) sweep() {
	begun, last := h.tape.length(), h.st.journal.Last()
	h.expired = nil
	h.st.Sweep(afterDeadlines)
	err := h.st.journal.Wait(h.st.journal.Last())
	for i, e := range h.expired {
		if e.lsn <= last {
			h.t.Fatalf("a sweep after LSN %d gave %q the LSN %d", last, e.key, e.lsn)
		}
		delete(h.holds[e.db], e.key)
		if i+1 < len(h.expired) && h.expired[i+1].lsn == e.lsn {
			continue
		}
		h.add(step{what: "sweep", begun: begun, promised: never, lsn: e.lsn, holds: hashed(h.holds)}, err)
	}
	h.promise()
}

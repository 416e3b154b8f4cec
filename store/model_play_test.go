package store

import "bytes"

// command runs one to three changes or reads as one record.
func (g *game) command() {
	db := g.r.IntN(len(g.dbs))
	var names []string
	var plays []func(tx *Tx, k [][]byte)
	for range 1 + g.r.IntN(3)*g.r.IntN(2) {
		n, play := g.play(db)
		names = append(names, n...)
		at := len(names) - len(n)
		plays = append(plays, func(tx *Tx, k [][]byte) { play(tx, k[at:]) })
	}
	announced, needs := names, map[int]Need{}
	if g.r.IntN(10) == 0 { // a script's: nothing is known before
		announced = nil
	}
	for i := range announced { // it may need no more than the head, or the value after all
		needs[i] = []Need{NeedValue, NeedHead, NeedHead, NeedSmall, NeedShape, NeedLength, NeedPart, NeedPart}[g.r.IntN(8)]
	}
	err := commandOn(g.st, db, g.now, announced, needs, func(tx *Tx, k [][]byte) {
		if announced == nil {
			for _, n := range names {
				k = append(k, append(make([]byte, 0, len(n)+1), n...))
			}
		}
		for _, play := range plays {
			play(tx, k)
		}
	})
	if err != nil {
		g.fail("command: %v", err)
	}
}

// play chooses a command in a database, to be run on the store and the map at once.
func (g *game) play(db int) (names []string, fn func(tx *Tx, k [][]byte)) {
	key := g.key()
	one := []string{key}
	if g.r.IntN(3) == 0 {
		return one, g.collectionPlay(db, key)
	}
	switch n := g.r.IntN(41); {
	case n < 8:
		value, deadline := g.value(), g.deadline()
		return one, func(tx *Tx, k [][]byte) {
			g.note("set %d %.20q %d bytes deadline %d", db, key, len(value), deadline)
			tx.SetString(k[0], value, deadline)
			g.put(db, key, string(value), deadline)
		}
	case n < 10:
		value := g.value()
		return one, func(tx *Tx, k [][]byte) {
			g.note("update %d %.20q %d bytes", db, key, len(value))
			e, _ := g.live(db, key)
			err := tx.UpdateString(k[0], value, Whole)
			if !g.isString(db, key, err) {
				return
			}
			if err != nil {
				g.fail("update: %v", err)
			}
			g.put(db, key, string(value), e.deadline*int64(there(g.live(db, key))))
		}
	case n < 15:
		data := g.value()
		return one, func(tx *Tx, k [][]byte) {
			g.note("append %d %.20q %d bytes", db, key, len(data))
			e, ok := g.live(db, key)
			if !ok {
				e = entryModel{}
			}
			n, err := tx.Append(k[0], data)
			if !g.isString(db, key, err) {
				return
			}
			g.put(db, key, e.value+string(data), e.deadline)
			if err != nil || n != len(e.value)+len(data) {
				g.fail("append = %d, %v; want %d", n, err, len(e.value)+len(data))
			}
		}
	case n < 20:
		data, offset := g.value(), g.r.IntN(100)
		if len(data) == 0 {
			data = []byte("x")
		}
		if g.r.IntN(3) == 0 {
			offset = g.r.IntN(3 * chunkBytes)
		}
		return one, func(tx *Tx, k [][]byte) {
			g.note("setrange %d %.20q %d: %d bytes", db, key, offset, len(data))
			e, ok := g.live(db, key)
			if !ok {
				e = entryModel{}
			}
			b := []byte(e.value)
			if grow := offset + len(data) - len(b); grow > 0 {
				b = append(b, make([]byte, grow)...)
			}
			copy(b[offset:], data)
			n, err := tx.SetRange(k[0], offset, data)
			if !g.isString(db, key, err) {
				return
			}
			g.put(db, key, string(b), e.deadline)
			if err != nil || n != len(b) {
				g.fail("setrange = %d, %v; want %d", n, err, len(b))
			}
		}
	case n < 25:
		return one, func(tx *Tx, k [][]byte) {
			g.note("get %d %.20q", db, key)
			e, ok := g.live(db, key)
			v, err := tx.String(k[0])
			if !g.isString(db, key, err) {
				return
			}
			if err != nil || (v != nil) != ok || ok && string(v) != e.value {
				g.fail("get = %s, %v; want %s, %v", brief(string(v)), err, brief(e.value), ok)
			}
		}
	case n < 26:
		return one, func(tx *Tx, k [][]byte) {
			g.note("length of %d %.20q", db, key)
			want := 0
			if e, ok := g.live(db, key); ok {
				want = len(e.value)
			}
			n, err := tx.StringLength(k[0])
			if g.isString(db, key, err) && (err != nil || n != int64(want)) {
				g.fail("length = %d, %v; want %d", n, err, want)
			}
		}
	case n < 27:
		return one, func(tx *Tx, k [][]byte) {
			g.note("elements of %d %.20q", db, key)
			e, ok := g.live(db, key)
			typ, want := e.typ, e.content.len()
			if !ok || typ == TypeString {
				typ, want = TypeHash, 0
			}
			n, err := tx.Length(k[0], typ)
			if wrong := ok && e.typ == TypeString; n != want || wrong != (err == ErrWrongType) || !wrong && err != nil {
				g.fail("length = %d, %v; want %d of a %v", n, err, want, e.typ)
			}
			if s, _, there := tx.PeekOutline(k[0]); there != ok || ok && (s.Type != e.typ || s.Len != want) {
				g.fail("outline = %+v, %v; want a %v of %d", s, there, e.typ, want)
			}
		}
	case n < 28:
		return one, func(tx *Tx, k [][]byte) {
			g.note("lend %d %.20q", db, key)
			if v, _ := tx.LendString(k[0]); len(v) >= shareBytes {
				g.loans = append(g.loans[max(0, len(g.loans)-3):], loan{v, bytes.Clone(v)})
			}
		}
	case n < 31:
		return one, func(tx *Tx, k [][]byte) {
			g.note("del %d %.20q", db, key)
			_, ok := g.live(db, key)
			if tx.Delete(k[0]) != ok {
				g.fail("del: want %v", ok)
			}
			g.gone(db, key)
		}
	case n < 34:
		deadline := []int64{0, g.now - 1, g.now, g.now + 1, g.now + 500, g.now + 5000}[g.r.IntN(6)]
		return one, func(tx *Tx, k [][]byte) {
			g.note("deadline %d %.20q %d", db, key, deadline)
			e, ok := g.live(db, key)
			if tx.SetDeadline(k[0], deadline) != ok {
				g.fail("set deadline: want %v", ok)
			}
			switch {
			case ok && deadline != 0 && deadline <= g.now:
				g.gone(db, key)
			case ok:
				e.deadline = deadline
				g.dbs[db][key] = e
			}
		}
	case n < 36:
		dst := g.key()
		return []string{key, dst}, func(tx *Tx, k [][]byte) {
			g.note("rename %d %.20q %.20q", db, key, dst)
			e, ok := g.live(db, key)
			if tx.Rename(k[0], k[1]) != ok {
				g.fail("rename: want %v", ok)
			}
			if ok && dst != key {
				g.carry(db, key, db, dst, e)
			}
		}
	case n < 37:
		to := g.r.IntN(len(g.dbs))
		if to == db {
			to = (db + 1) % len(g.dbs)
		}
		return one, func(tx *Tx, k [][]byte) {
			g.note("move %d %.20q to %d", db, key, to)
			e, ok := g.live(db, key)
			_, taken := g.live(to, key)
			if tx.Move(k[0], to) != (ok && !taken) {
				g.fail("move: want %v", ok && !taken)
			}
			if ok && !taken {
				g.carry(db, key, to, key, e)
			}
		}
	case n < 39:
		dst, to, replace := g.key(), g.r.IntN(len(g.dbs)), g.r.IntN(2) == 0
		if to == db && dst == key {
			to = (db + 1) % len(g.dbs)
		}
		return []string{key, dst}, func(tx *Tx, k [][]byte) {
			g.note("copy %d %.20q %d %.20q %v", db, key, to, dst, replace)
			e, ok := g.live(db, key)
			_, taken := g.live(to, dst)
			if done := ok && (!taken || replace); tx.Copy(k[0], to, k[1], replace) != done {
				g.fail("copy: want %v", done)
			} else if done {
				g.gone(to, dst)
				g.births++
				e.birth = g.births
				e.content = e.content.clone()
				g.dbs[to][dst] = e
			}
		}
	case n < 40 || g.r.IntN(4) > 0:
		return one, func(tx *Tx, k [][]byte) {
			g.note("deadline of %d %.20q", db, key)
			e, ok := g.live(db, key)
			d, got := tx.Deadline(k[0])
			if got != ok || ok && d != e.deadline || tx.TypeOf(k[0]) != e.typ && ok {
				g.fail("deadline = %d, %v; want %d, %v", d, got, e.deadline, ok)
			}
		}
	case g.r.IntN(2) == 0:
		return nil, func(tx *Tx, _ [][]byte) {
			g.note("flushdb %d", db)
			tx.FlushDB(db)
			g.dbs[db] = map[string]entryModel{}
			if g.scan != nil && g.scan.db == db {
				g.scan = nil
			}
		}
	default:
		b := g.r.IntN(len(g.dbs))
		return nil, func(tx *Tx, _ [][]byte) {
			g.note("swapdb %d %d", db, b)
			tx.SwapDB(db, b)
			g.dbs[db], g.dbs[b] = g.dbs[b], g.dbs[db]
			g.scan = nil
		}
	}
}

func there(_ entryModel, ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// carry moves an entry with its birth from one name to another.
func (g *game) carry(db int, key string, to int, dst string, e entryModel) {
	g.gone(db, key)
	g.gone(to, dst)
	g.dbs[to][dst] = e
}

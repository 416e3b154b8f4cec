package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// A Bulk puts keys that come one after the other straight into new tables: no journal, no fold, no index on the names
// until all are there. A key begins with Key, its value follows in parts of any size, and the next Key or Finish ends
// it. So memory is bounded by the largest part, whatever the size of a collection or of them all.
//
// The caller makes parcels of rows; another goroutine puts them into the tables, a transaction each, as write-back
// would, pages with their checksums, long columns in pieces. There is no rollback journal and no fsync before the
// end: what is not finished is removed as a whole. Measured, CPU us a key of some 20 bytes with name, value and its
// place in the index on names: 2.6, of which the index takes 1.2, made from sorted names at the end; 7.5 with the
// index there from the beginning.
type Bulk struct {
	im     *Import
	c      *sqlite3.Conn
	w      *writer
	vfs    string
	many   *sqlite3.Stmt // puts keyRows keys
	spaces map[int]*bulkSpace
	nextID int64
	live   *Copy // nil = the tables are new, and nobody else's
	key    bulkKey
	rec    recordWriter // encodes columns

	toIndex     []int64 // ids of large collections
	dropped     int64   // id of the key that was given up
	droppedType Type

	parcel *parcel
	full   chan *parcel
	free   chan *parcel
	failed chan error // the writing goroutine's end
	err    error
}

// bulkSpace is a database that is being filled.
type bulkSpace struct{ id, keys, expiring int64 }

// bulkKey is the key under way.
type bulkKey struct {
	id       int64
	db       int
	space    *bulkSpace
	name     string
	typ      Type
	deadline int64
	n        int64 // the last row's number
	born     bool  // its row is in a parcel
	parts    int
	text     []byte // of a string: what is not in a chunk yet
	long     int64  // bytes of the string that are in chunks
}

// A parcel is rows on their way to the tables.
type parcel struct {
	fold
	byTable [len(tables)][]int32 // places in rows, in the order of the primary key
	chunks  []bulkChunk
	large   []bulkLarge
	size    int
}

type bulkChunk struct {
	id, n int64
	data  []byte
}

// bulkLarge is a collection that came in several parts: nobody has seen all of its names together.
type bulkLarge struct {
	id   int64
	typ  Type
	name string
	db   int
}

const (
	parcelRows  = 16 << 10
	parcelBytes = 2 << 20
	parcels     = 4
	keyRows     = 16 // keys a statement
)

// manyKeys puts keyRows keys.
var manyKeys = `INSERT INTO keys (id, space, key, type, expires_ms, chunked, value) VALUES ` +
	strings.Repeat(", (?, ?, ?, ?, ?, 0, ?)", keyRows)[2:]

// ErrTwice says that what is imported has a name twice.
var ErrTwice = errors.New("is there twice")

// Bulk makes the database of the import and begins to fill it.
func (im *Import) Bulk() (b *Bulk, err error) {
	b = newBulk()
	b.im = im
	b.vfs = registerBulkVFS(im.opts.VFS, im.dir())
	err = guarded(func() error { return b.open() })
	if err != nil {
		b.close()
		return nil, im.dirOwner.hindered(fmt.Errorf("create the database to import into: %w", err))
	}
	go b.write(b.putNew)
	return b, nil
}

func newBulk() *Bulk {
	b := &Bulk{spaces: map[int]*bulkSpace{}, nextID: 1,
		full: make(chan *parcel, parcels), free: make(chan *parcel, parcels), failed: make(chan error, 1)}
	for range parcels {
		p := &parcel{}
		p.fold = *newFold(arenaBlock)
		b.free <- p
	}
	b.parcel = <-b.free
	return b
}

// open creates the file with its tables, without the indexes on keys.
func (b *Bulk) open() (err error) {
	if b.c, err = openDB(b.im.dir(), b.vfs, writerMemory.Load(), false); err != nil {
		return err
	}
	if err := createFile(b.c, 1); err != nil {
		return err
	}
	err = b.c.Exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;
		PRAGMA temp_store = FILE; DROP INDEX keys_by_name; DROP INDEX keys_by_deadline`)
	if err != nil {
		return err
	}
	if b.w, err = newWriter(b.c, b.im.disk, b.im.dir(), b.vfs, &readers{}, &ids{}); err != nil {
		return err
	}
	b.many, _, err = b.c.Prepare(manyKeys)
	return err
}

// Key begins a key of a database. Deadlines are unix ms, 0 = none.
func (b *Bulk) Key(db int, name string, typ Type, deadline int64) error {
	b.endKey()
	s := b.spaces[db]
	if s == nil {
		s = &bulkSpace{id: int64(len(b.spaces)) + 1}
		if b.live != nil {
			if s.id, b.err = b.live.space(); b.err != nil {
				return b.err
			}
		}
		b.spaces[db] = s
	}
	if b.live != nil {
		b.nextID = b.live.st.ids.take()
	}
	k := &b.key
	*k = bulkKey{id: b.nextID, db: db, space: s, name: name, typ: typ, deadline: deadline, text: k.text[:0]}
	b.nextID++
	if typ == TypeStream {
		b.born(nil, 0)
	}
	return b.err
}

// born puts the key's own row into a parcel. A collection has it with its first element: an empty one is no key (I7).
func (b *Bulk) born(value []byte, chunked int64) {
	k, p := &b.key, b.parcel
	k.born = true
	k.space.keys++
	if k.deadline != 0 {
		k.space.expiring++
	}
	e := entry{id: k.id, space: k.space.id, typ: k.typ, deadline: k.deadline, key: k.name, value: value, born: true}
	if chunked > 0 {
		e.patched = &patched{length: chunked}
	}
	p.entries = append(p.entries, e)
	if k.typ == TypeList || k.typ == TypeStream { // merging rows into runs asks whether the key is new
		*p.index.at(wayToKey(k.id)) = int32(len(p.entries))
	}
	p.size += len(k.name) + len(value) + 64
}

// Text appends to the value of a string. last says that it is all.
func (b *Bulk) Text(part string, last bool) error {
	k := &b.key
	if last && len(k.text) == 0 && k.long == 0 && len(part) < chunkBytes {
		b.born(bytesOf(part), 0)
		return b.send()
	}
	k.text = append(k.text, part...)
	for len(k.text) >= chunkBytes {
		b.chunk(k.text[:chunkBytes])
		k.text = k.text[:copy(k.text, k.text[chunkBytes:])]
	}
	return b.err
}

func (b *Bulk) chunk(data []byte) {
	k := &b.key
	b.parcel.chunks = append(b.parcel.chunks, bulkChunk{k.id, k.long / chunkBytes, slices.Clone(data)})
	b.parcel.size += len(data)
	k.long += int64(len(data))
	b.send()
}

// Part says that another part of the value follows.
func (b *Bulk) Part() { b.key.parts++ }

// Element appends an element to a list.
func (b *Bulk) Element(value string) error {
	b.row(listElements, b.key.n*positionStep)
	b.key.n++
	b.rec.colStr(value)
	return b.put()
}

// Member adds a member to a set.
func (b *Bulk) Member(member string) error {
	b.key.n++
	b.row(setMembers, b.key.n)
	b.rec.colStr(member)
	return b.put()
}

// Scored adds a member to a sorted set.
func (b *Bulk) Scored(member string, score float64) error {
	b.key.n++
	b.row(zsetMembers, b.key.n)
	b.rec.colStr(member)
	b.rec.colFloat(score)
	return b.put()
}

// Field adds a field to a hash, with its deadline in unix ms, 0 = none.
func (b *Bulk) Field(field, value string, deadline int64) error {
	b.key.n++
	b.row(hashFields, b.key.n)
	b.rec.colStr(field)
	b.rec.colStr(value)
	b.rec.colInt(deadline)
	return b.put()
}

// Entry adds an entry to a stream, behind those before.
func (b *Bulk) Entry(id StreamID, fields StreamFields) error {
	b.key.n++
	b.row(streamEntries, b.key.n)
	b.rec.colID(id)
	b.rec.colStr(string(fields))
	return b.put()
}

// Head says what a stream remembers: the last id, the highest that was deleted, and the number of entries ever added.
// It comes once.
func (b *Bulk) Head(last, deleted StreamID, added int64) error {
	b.row(streamHeads, 0)
	b.rec.colID(last)
	b.rec.colID(deleted)
	b.rec.colInt(added)
	return b.put()
}

// Group adds a consumer group to a stream. Its consumers and their pending entries name it by the number that is
// returned.
func (b *Bulk) Group(name string, last StreamID, read int64) (group int64, err error) {
	b.key.n++
	b.row(streamGroups, b.key.n)
	b.rec.colStr(name)
	b.rec.colID(last)
	b.rec.colInt(read)
	return b.key.n, b.put()
}

// Consumer adds a consumer to a group, and returns its number.
func (b *Bulk) Consumer(group int64, name string, seenMs, activeMs int64) (consumer int64, err error) {
	b.key.n++
	b.row(streamConsumers, b.key.n)
	b.rec.colInt(group)
	b.rec.colStr(name)
	b.rec.colInt(seenMs)
	b.rec.colInt(activeMs)
	return b.key.n, b.put()
}

// Pending adds an entry that a consumer has not acknowledged; p's own consumer does not count.
func (b *Bulk) Pending(group, consumer int64, p Pending) error {
	b.key.n++
	b.row(streamPending, b.key.n)
	b.rec.colInt(group)
	b.rec.colInt(consumer)
	b.rec.colID(p.ID)
	b.rec.colInt(p.DeliveredMs)
	b.rec.colInt(p.Deliveries)
	return b.put()
}

// row begins a row of the key's; its columns follow in rec, then put.
func (b *Bulk) row(t table, n int64) {
	if !b.key.born {
		b.born(nil, 0)
	}
	p := b.parcel
	p.byTable[t] = append(p.byTable[t], int32(p.rows.n))
	*p.rows.add() = rowEntry{id: b.key.id, n: n, table: t, born: true}
	b.rec.cols = b.rec.cols[:0]
}

func (b *Bulk) put() error {
	p := b.parcel
	p.rows.at(int32(p.rows.n - 1)).data = p.text.keep(nil, b.rec.cols)
	p.size += len(b.rec.cols) + 64
	if cap(b.rec.cols) > 1<<20 {
		b.rec.cols = nil
	}
	return b.send()
}

// Drop gives up the key under way: its value can not be read to its end. Nothing may follow but Finish.
func (b *Bulk) Drop() {
	k := &b.key
	if k.born {
		k.space.keys--
		if k.deadline != 0 {
			k.space.expiring--
		}
	}
	b.dropped, b.droppedType, k.id = k.id, k.typ, 0
}

// endKey completes the key under way.
func (b *Bulk) endKey() {
	k := &b.key
	switch {
	case k.id == 0:
	case k.typ == TypeString && !k.born && k.long == 0:
		b.born(slices.Clone(k.text), 0)
	case k.typ == TypeString && !k.born:
		if len(k.text) > 0 {
			b.chunk(k.text)
		}
		b.born(nil, k.long)
	case k.parts > 1 && (k.typ == TypeSet || k.typ == TypeHash || k.typ == TypeZSet):
		b.parcel.large = append(b.parcel.large, bulkLarge{k.id, k.typ, k.name, k.db})
	}
	if k.id != 0 && k.n >= pagedElements && hasParts(k.typ) {
		b.toIndex = append(b.toIndex, k.id)
	}
	if cap(k.text) > 1<<20 {
		k.text = nil
	}
	k.id = 0
	b.send()
}

// send hands a parcel that is full to the writing goroutine.
func (b *Bulk) send() error {
	if p := b.parcel; b.err == nil && (p.size >= parcelBytes || len(p.entries)+p.rows.n >= parcelRows) {
		b.hand(p)
	}
	return b.err
}

func (b *Bulk) hand(p *parcel) {
	b.full <- p
	b.parcel = <-b.free
	select {
	case b.err = <-b.failed:
	default:
	}
}

// Finish puts what is left into the tables, makes the indexes and closes the database, which is then complete but for
// the fsync. It returns the number of keys.
func (b *Bulk) Finish(ctx context.Context) (keys int64, err error) {
	b.drain()
	if b.err == nil {
		b.err = b.im.dirOwner.hindered(guarded(func() error { return b.complete(ctx) }))
	}
	for _, s := range b.spaces {
		keys += s.keys
	}
	return keys, errors.Join(b.err, b.close())
}

// drain hands the last parcel over and waits until all are in the tables.
func (b *Bulk) drain() {
	b.endKey()
	if b.err == nil {
		b.hand(b.parcel)
	}
	close(b.full)
	if err := <-b.failed; b.err == nil {
		b.err = err
	}
}

// Abort ends it.
func (b *Bulk) Abort() error {
	close(b.full)
	<-b.failed
	return b.close()
}

func (b *Bulk) close() error {
	err := guarded(func() error { return closeConn(b.c) })
	b.c = nil
	unregisterBulkVFS(b.vfs)
	return err
}

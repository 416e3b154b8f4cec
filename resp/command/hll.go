package command

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"diskette/resp/internal/hyperloglog"
	"diskette/store"
)

func hyperloglogRows() []*Row {
	return []*Row{
		{Name: "pfadd", Arity: -2, Flags: Write | Denyoom | Fast, Keys: KeyAt(1, "RW insert"), Write: pfadd,
			Group: "hyperloglog", Since: "2.8.9", Args: "key [element...]", Cost: "O(1) for every element",
			Doc: "Adds elements to a HyperLogLog, creating it."},
		{Name: "pfcount", Arity: -2, Flags: Readonly | MayReplicate,
			Keys: noted(KeysFrom(1, -1, 1, "RW access"),
				"RW because it may change the internal representation of the key, and propagate to replicas"),
			Write: pfcount,
			Group: "hyperloglog", Since: "2.8.9", Args: "key...", Cost: "O(N) in the number of keys",
			Doc: "Estimates how many different elements HyperLogLogs have together."},
		{Name: "pfdebug", Arity: 3, Flags: Write | Denyoom | Admin, Keys: KeyAt(2, "RW access"), Write: pfdebug,
			Group: "hyperloglog", Since: "2.8.9", Args: "subcommand key", Cost: "N/A",
			Doc: "Looks into a HyperLogLog."},
		{Name: "pfmerge", Arity: -2, Flags: Write | Denyoom,
			Keys: both(KeyAt(1, "RW access insert"), KeysFrom(2, -1, 1, "RO access")), Write: pfmerge,
			Group: "hyperloglog", Since: "2.8.9", Args: "destkey sourcekey...", Cost: "O(N) in the number of keys",
			Doc: "Merges HyperLogLogs into one."},
		{Name: "pfselftest", Arity: 1, Flags: Admin, Conn: pfselftest,
			Group: "hyperloglog", Since: "2.8.9", Cost: "N/A", Doc: "Tests the HyperLogLogs."},
	}
}

var (
	errNoHLL      = ErrorReply("WRONGTYPE Key is not a valid HyperLogLog string value.")
	errDamagedHLL = ErrorReply("INVALIDOBJ Corrupted HLL object detected")
)

// hllOf returns a key's HyperLogLog, nil if there is no such key. It belongs to the store. A
// *store.View counts the look-up as a hit or a miss, a *store.Tx does not.
func hllOf(v interface{ String([]byte) ([]byte, error) }, key []byte) (value []byte, refusal Reply) {
	value, err := v.String(key)
	switch {
	case err != nil:
		return nil, Failure(err)
	case value != nil && !hyperloglog.Is(value):
		return nil, errNoHLL
	}
	return value, Reply{}
}

func (c *Call) hllSparseMost() int64 { return c.Settings.Int("hll-sparse-max-bytes") }

func pfadd(tx *store.Tx, c *Call) Reply {
	value, refusal := hllOf(tx, c.Args[1])
	if refusal.IsError() {
		return refusal
	}
	elements := c.Args[2:]
	if value != nil && value[4] == hyperloglog.Dense {
		return pfaddDense(tx, c, value)
	}
	changed := value == nil
	if changed {
		value = hyperloglog.New()
	} else {
		value = append(make([]byte, 0, len(value)+len(elements)), value...)
	}
	for _, e := range elements {
		var raised, ok bool
		register, count := hyperloglog.Place(e)
		if value, raised, ok = hyperloglog.Add(value, register, count, c.hllSparseMost()); !ok {
			return errDamagedHLL
		}
		changed = changed || raised
	}
	if !changed {
		return ReplyZero
	}
	value[hyperloglog.Stale] |= 0x80
	if err := tx.UpdateString(c.Args[1], value, store.Grown); err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.Args[1])
	return ReplyOne
}

// pfaddDense raises registers in place: what is recorded is a few bytes of 12 KB.
func pfaddDense(tx *store.Tx, c *Call, value []byte) Reply {
	places := make([]hllPlaced, 0, 16)
	for _, e := range c.Args[2:] {
		if register, count := hyperloglog.Place(e); hyperloglog.Get(value, register) < count {
			places = append(places, hllPlaced{register, count})
		}
	}
	if len(places) == 0 {
		return ReplyZero
	}
	err := tx.EditString(c.Args[1], 0, func(value []byte) (changed []store.Span) {
		for _, p := range places {
			if hyperloglog.Raise(value, p.register, p.count) {
				at := hyperloglog.Header + p.register*6/8
				changed = append(changed, store.Span{From: at, To: min(at+2, len(value))})
			}
		}
		value[hyperloglog.Stale] |= 0x80
		return append(changed, store.Span{From: hyperloglog.Stale, To: hyperloglog.Stale + 1})
	})
	if err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.Args[1])
	return ReplyOne
}

type hllPlaced struct {
	register int
	count    byte
}

// pfcount is a command that reads, but for the estimate that it leaves in the value of a single
// key. It leaves none while nothing can be written.
func pfcount(tx *store.Tx, c *Call) Reply {
	if len(c.Args) > 2 {
		return pfcountUnion(tx, c)
	}
	value, refusal := hllOf(&tx.View, c.Args[1])
	if refusal.IsError() {
		return refusal
	}
	if value == nil {
		return ReplyZero
	}
	if n, ok := hyperloglog.Estimated(value); ok {
		return Integer(n)
	}
	n, ok := hyperloglog.Count(value)
	if !ok {
		return errDamagedHLL
	}
	if c.Store.WriteError() != nil {
		return Integer(n)
	}
	err := tx.EditString(c.Args[1], 0, func(value []byte) []store.Span {
		binary.LittleEndian.PutUint64(value[8:], n)
		return []store.Span{{From: 8, To: hyperloglog.Header}}
	})
	if err != nil {
		return Failure(err)
	}
	return Integer(n)
}

func pfcountUnion(tx *store.Tx, c *Call) Reply {
	raw, _, refusal := mergedHLL(&tx.View, c.Args[1:])
	if refusal.IsError() {
		return refusal
	}
	return Integer(raw.Estimate())
}

// mergedHLL is the union of several keys; dense reports whether one of them is.
func mergedHLL(v *store.View, keys [][]byte) (raw *hyperloglog.Raw, dense bool, refusal Reply) {
	raw = new(hyperloglog.Raw)
	for _, key := range keys {
		value, refusal := hllOf(v, key)
		if refusal.IsError() {
			return nil, false, refusal
		}
		if value == nil {
			continue
		}
		dense = dense || value[4] == hyperloglog.Dense
		if !raw.Merge(value) {
			return nil, false, errDamagedHLL
		}
	}
	return raw, dense, Reply{}
}

func pfmerge(tx *store.Tx, c *Call) Reply {
	raw, dense, refusal := mergedHLL(&tx.View, c.Args[1:])
	if refusal.IsError() {
		return refusal
	}
	value, err := tx.String(c.Args[1])
	if err != nil {
		return Failure(err)
	}
	ok := true
	if value == nil {
		value = hyperloglog.New()
	}
	if dense && value[4] == hyperloglog.Sparse {
		value, ok = hyperloglog.ToDense(value)
	} else {
		value = bytes.Clone(value)
	}
	most := c.hllSparseMost()
	for register, count := range raw {
		if !ok || value[4] == hyperloglog.Dense {
			break
		}
		if count > 0 {
			value, _, ok = hyperloglog.Add(value, register, count, most)
		}
	}
	if !ok {
		return errDamagedHLL
	}
	if value[4] == hyperloglog.Dense { // what it held is in raw, too
		raw.FillDense(value)
	}
	value[hyperloglog.Stale] |= 0x80
	if err := tx.UpdateString(c.Args[1], value, store.Grown); err != nil {
		return Failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.Args[1])
	return ReplyOK
}

var (
	errNoHLLKey     = ErrorReply("ERR The specified key does not exist")
	errHLLNotSparse = ErrorReply("ERR HLL encoding is not sparse")
)

// pfdebug looks into one HyperLogLog; GETREG and TODENSE make it dense.
func pfdebug(tx *store.Tx, c *Call) Reply {
	value, refusal := hllOf(tx, c.Args[2])
	switch {
	case refusal.IsError():
		return refusal
	case value == nil:
		return errNoHLLKey
	}
	sparse := value[4] == hyperloglog.Sparse
	switch {
	case c.Is(1, "getreg"), c.Is(1, "todense"):
		dense, ok := hyperloglog.ToDense(value)
		if !ok {
			return errDamagedHLL
		}
		if sparse {
			if err := tx.UpdateString(c.Args[2], dense, store.Grown); err != nil {
				return Failure(err)
			}
		}
		if c.Is(1, "todense") {
			return OneIf(sparse)
		}
		registers := make([]Reply, hyperloglog.Registers)
		for i := range registers {
			registers[i] = Integer(int(hyperloglog.Get(dense, i)))
		}
		return Array(registers...)
	case c.Is(1, "decode"):
		if !sparse {
			return errHLLNotSparse
		}
		return BulkString(hyperloglog.Describe(value))
	case c.Is(1, "encoding"):
		if sparse {
			return Simple("sparse")
		}
		return Simple("dense")
	}
	return ErrorReply(OneLine("ERR Unknown PFDEBUG subcommand '" + UpToNUL(c.Args[1], 128) + "'"))
}

// pfselftest counts 100,000 elements, dense and sparse: the registers must agree, and the estimates be near.
func pfselftest(*Call) Reply {
	dense, _ := hyperloglog.ToDense(hyperloglog.New())
	sparse := hyperloglog.New()
	for i := range 100_000 {
		register, count := hyperloglog.Place(strconv.AppendInt(nil, int64(i), 10))
		hyperloglog.Raise(dense, register, count)
		var ok bool
		if sparse, _, ok = hyperloglog.Add(sparse, register, count, 3000); !ok {
			return ErrorReply("TESTFAILED a sparse HyperLogLog is damaged")
		}
		if n := i + 1; n == 100 || n == 1000 || n%10_000 == 0 {
			a, _ := hyperloglog.Count(dense)
			b, ok := hyperloglog.Count(sparse)
			if !ok || a != b || math.Abs(float64(a)-float64(n)) > 0.05*float64(n) {
				return ErrorReply("TESTFAILED " + strconv.Itoa(n) + " elements are estimated to be " +
					strconv.FormatUint(a, 10))
			}
		}
	}
	return ReplyOK
}

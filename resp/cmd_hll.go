package resp

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"diskette/resp/internal/hyperloglog"
	"diskette/store"
)

var (
	errNoHLL      = errorReply("WRONGTYPE Key is not a valid HyperLogLog string value.")
	errDamagedHLL = errorReply("INVALIDOBJ Corrupted HLL object detected")
)

// hllOf returns a key's HyperLogLog, nil if there is no such key. It belongs to the store. A *store.View counts the look-up
// as a hit or a miss, a *store.Tx does not.
func hllOf(v interface{ String([]byte) ([]byte, error) }, key []byte) (value []byte, refusal Reply) {
	value, err := v.String(key)
	switch {
	case err != nil:
		return nil, failure(err)
	case value != nil && !hyperloglog.Is(value):
		return nil, errNoHLL
	}
	return value, Reply{}
}

func (c *call) hllSparseMost() int64 { return c.settings.Int("hll-sparse-max-bytes") }

func pfadd(tx *store.Tx, c *call) Reply {
	value, refusal := hllOf(tx, c.args[1])
	if refusal.isError() {
		return refusal
	}
	elements := c.args[2:]
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
		return replyZero
	}
	value[hyperloglog.Stale] |= 0x80
	if err := tx.UpdateString(c.args[1], value, store.Grown); err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.args[1])
	return replyOne
}

// pfaddDense raises registers in place: what is recorded is a few bytes of 12 KB.
func pfaddDense(tx *store.Tx, c *call, value []byte) Reply {
	places := make([]hllPlaced, 0, 16)
	for _, e := range c.args[2:] {
		if register, count := hyperloglog.Place(e); hyperloglog.Get(value, register) < count {
			places = append(places, hllPlaced{register, count})
		}
	}
	if len(places) == 0 {
		return replyZero
	}
	err := tx.EditString(c.args[1], 0, func(value []byte) (changed []store.Span) {
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
		return failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.args[1])
	return replyOne
}

type hllPlaced struct {
	register int
	count    byte
}

// pfcount is a command that reads, but for the estimate that it leaves in the value of a single key. It leaves none while
// nothing can be written.
func pfcount(tx *store.Tx, c *call) Reply {
	if len(c.args) > 2 {
		return pfcountUnion(tx, c)
	}
	value, refusal := hllOf(&tx.View, c.args[1])
	if refusal.isError() {
		return refusal
	}
	if value == nil {
		return replyZero
	}
	if n, ok := hyperloglog.Estimated(value); ok {
		return integer(n)
	}
	n, ok := hyperloglog.Count(value)
	if !ok {
		return errDamagedHLL
	}
	if c.store.WriteError() != nil {
		return integer(n)
	}
	err := tx.EditString(c.args[1], 0, func(value []byte) []store.Span {
		binary.LittleEndian.PutUint64(value[8:], n)
		return []store.Span{{From: 8, To: hyperloglog.Header}}
	})
	if err != nil {
		return failure(err)
	}
	return integer(n)
}

func pfcountUnion(tx *store.Tx, c *call) Reply {
	raw, _, refusal := mergedHLL(&tx.View, c.args[1:])
	if refusal.isError() {
		return refusal
	}
	return integer(raw.Estimate())
}

// mergedHLL is the union of several keys; dense reports whether one of them is.
func mergedHLL(v *store.View, keys [][]byte) (raw *hyperloglog.Raw, dense bool, refusal Reply) {
	raw = new(hyperloglog.Raw)
	for _, key := range keys {
		value, refusal := hllOf(v, key)
		if refusal.isError() {
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

func pfmerge(tx *store.Tx, c *call) Reply {
	raw, dense, refusal := mergedHLL(&tx.View, c.args[1:])
	if refusal.isError() {
		return refusal
	}
	value, err := tx.String(c.args[1])
	if err != nil {
		return failure(err)
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
	for register, count := range raw {
		if ok && count > 0 {
			value, _, ok = hyperloglog.Add(value, register, count, c.hllSparseMost())
		}
	}
	if !ok {
		return errDamagedHLL
	}
	value[hyperloglog.Stale] |= 0x80
	if err := tx.UpdateString(c.args[1], value, store.Grown); err != nil {
		return failure(err)
	}
	c.notify(tx, eventString, "pfadd", c.args[1])
	return replyOK
}

var (
	errNoHLLKey     = errorReply("ERR The specified key does not exist")
	errHLLNotSparse = errorReply("ERR HLL encoding is not sparse")
)

// pfdebug looks into one HyperLogLog; GETREG and TODENSE make it dense.
func pfdebug(tx *store.Tx, c *call) Reply {
	value, refusal := hllOf(tx, c.args[2])
	switch {
	case refusal.isError():
		return refusal
	case value == nil:
		return errNoHLLKey
	}
	sparse := value[4] == hyperloglog.Sparse
	switch {
	case c.is(1, "getreg"), c.is(1, "todense"):
		dense, ok := hyperloglog.ToDense(value)
		if !ok {
			return errDamagedHLL
		}
		if sparse {
			if err := tx.UpdateString(c.args[2], dense, store.Grown); err != nil {
				return failure(err)
			}
		}
		if c.is(1, "todense") {
			return oneIf(sparse)
		}
		registers := make([]Reply, hyperloglog.Registers)
		for i := range registers {
			registers[i] = integer(int(hyperloglog.Get(dense, i)))
		}
		return array(registers...)
	case c.is(1, "decode"):
		if !sparse {
			return errHLLNotSparse
		}
		return bulkString(hyperloglog.Describe(value))
	case c.is(1, "encoding"):
		if sparse {
			return simple("sparse")
		}
		return simple("dense")
	}
	return errorReply(oneLine("ERR Unknown PFDEBUG subcommand '" + upToNUL(c.args[1], 128) + "'"))
}

// pfselftest counts 100,000 elements, dense and sparse: the registers must agree, and the estimates be near.
func pfselftest(*call) Reply {
	dense, _ := hyperloglog.ToDense(hyperloglog.New())
	sparse := hyperloglog.New()
	for i := range 100_000 {
		register, count := hyperloglog.Place(strconv.AppendInt(nil, int64(i), 10))
		hyperloglog.Raise(dense, register, count)
		var ok bool
		if sparse, _, ok = hyperloglog.Add(sparse, register, count, 3000); !ok {
			return errorReply("TESTFAILED a sparse HyperLogLog is damaged")
		}
		if n := i + 1; n == 100 || n == 1000 || n%10_000 == 0 {
			a, _ := hyperloglog.Count(dense)
			b, ok := hyperloglog.Count(sparse)
			if !ok || a != b || math.Abs(float64(a)-float64(n)) > 0.05*float64(n) {
				return errorReply("TESTFAILED " + strconv.Itoa(n) + " elements are estimated to be " + strconv.FormatUint(a, 10))
			}
		}
	}
	return replyOK
}

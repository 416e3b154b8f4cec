package lua

import (
	"math"
	"strings"
)

// Operators, after lvm.c.

// arithmetic is an operator on numbers, with the results that C's has.
func arithmetic(op int, a, b LNumber) LNumber {
	switch op {
	case opAdd:
		return a + b
	case opSub:
		return a - b
	case opMul:
		return a * b
	case opDiv:
		return a / b
	case opMod:
		return modulo(a, b)
	case opPow:
		return LNumber(Pow(float64(a), float64(b)))
	}
	return -a
}

func modulo(a, b LNumber) LNumber { return a - LNumber(math.Floor(float64(a/b)))*b }

// arith is luaV_arith: an operator on values of which not both are numbers. The places are those on the stack, or -1.
func (L *LState) arith(op int, a, b LValue, atA, atB int) LValue {
	x, ok1 := ToNumber(a)
	y, ok2 := ToNumber(b)
	if ok1 && ok2 {
		return box(arithmetic(op, LNumber(x), LNumber(y)))
	}
	if r, ok := L.binary(arithmeticEvents[op], a, b); ok {
		return r
	}
	if ok1 {
		L.typeError(atB, b, "perform arithmetic on")
	}
	L.typeError(atA, a, "perform arithmetic on")
	return nil
}

// binary is call_binTM: the metamethod of either of two values.
func (L *LState) binary(e event, a, b LValue) (LValue, bool) {
	fn := L.metamethod(a, e)
	if isNil(fn) {
		if fn = L.metamethod(b, e); isNil(fn) {
			return nil, false
		}
	}
	return L.callMeta(fn, a, b), true
}

// callMeta calls a metamethod for its value.
func (L *LState) callMeta(fn, a, b LValue) LValue {
	L.Push(fn)
	L.Push(a)
	L.Push(b)
	L.callAt(L.top-3, 1)
	L.top--
	return L.stack[L.top]
}

// maxMetaLoop is MAXTAGLOOP.
const maxMetaLoop = 100

// index is luaV_gettable: v[key], of a value that lies at a place on the stack, or -1.
func (L *LState) index(v, key LValue, at int) LValue {
	for range maxMetaLoop {
		var fn LValue
		if t, ok := v.(*LTable); ok {
			r := t.RawGet(key)
			if t.Metatable == nil || !isNil(r) {
				return r
			}
			if fn = t.Metatable.event(eventIndex); isNil(fn) {
				return r
			}
		} else if fn = L.metamethod(v, eventIndex); isNil(fn) {
			L.typeError(at, v, "index")
		}
		if _, ok := fn.(*LFunction); ok {
			return L.callMeta(fn, v, key)
		}
		v, at = fn, -1
	}
	L.RunError("loop in gettable")
	return nil
}

// ReadonlyText is what a script hears that writes to a readonly table.
const ReadonlyText = "Attempt to modify a readonly table"

// setIndex is luaV_settable: v[key] = value. As in C, the key is in the table even if a metamethod does the rest.
func (L *LState) setIndex(v, key, value LValue, at int) {
	for range maxMetaLoop {
		var fn LValue
		if t, ok := v.(*LTable); ok {
			if t.Readonly {
				L.RunError(ReadonlyText)
			}
			slot := L.slot(t, key)
			if t.Metatable == nil || *slot != nil {
				store(slot, value)
				return
			}
			if fn = t.Metatable.event(eventNewIndex); isNil(fn) {
				store(slot, value)
				return
			}
		} else if fn = L.metamethod(v, eventNewIndex); isNil(fn) {
			L.typeError(at, v, "index")
		}
		if _, ok := fn.(*LFunction); ok {
			L.Push(fn)
			L.Push(v)
			L.Push(key)
			L.Push(value)
			L.callAt(L.top-4, 0)
			return
		}
		v, at = fn, -1
	}
	L.RunError("loop in settable")
}

// slot is luaH_set: the place in a table for a key, which may be none.
func (L *LState) slot(t *LTable, key LValue) *LValue {
	switch k := key.(type) {
	case *LNilType:
		L.RunError("table index is nil")
	case LNumber:
		if k != k {
			L.RunError("table index is NaN")
		}
	}
	return t.slot(L, key)
}

// RawSet sets a field without metamethods, or raises an error.
func (L *LState) RawSet(t *LTable, key, value LValue) {
	if t.Readonly {
		L.RunError(ReadonlyText)
	}
	store(L.slot(t, key), value)
}

// RawSetInt is RawSet for a whole number.
func (L *LState) RawSetInt(t *LTable, i int, value LValue) {
	switch {
	case t.Readonly:
		L.RunError(ReadonlyText)
	case uint(i-1) < uint(len(t.array)):
		store(&t.array[i-1], value)
	default:
		store(t.slot(L, box(LNumber(i))), value)
	}
}

// Index is v[key], with metamethods.
func (L *LState) Index(v, key LValue) LValue { return L.index(v, key, -1) }

// equal is ==.
func (L *LState) equal(a, b LValue) bool {
	if RawEqual(a, b) {
		return true
	}
	x, ok := a.(*LTable)
	if !ok || x.Metatable == nil {
		return false
	}
	y, ok := b.(*LTable)
	if !ok || y.Metatable == nil {
		return false
	}
	fn := x.Metatable.event(eventEq)
	if isNil(fn) || !RawEqual(fn, y.Metatable.event(eventEq)) {
		return false
	}
	return !isFalse(L.callMeta(fn, a, b))
}

// Less is <.
func (L *LState) Less(a, b LValue) bool {
	switch x := a.(type) {
	case LNumber:
		if y, ok := b.(LNumber); ok {
			return x < y
		}
	case LString:
		if y, ok := b.(LString); ok {
			return x < y
		}
	}
	if a.Type() == b.Type() {
		if less, ok := L.order(eventLt, a, b); ok {
			return less
		}
	}
	L.orderError(a, b)
	return false
}

func (L *LState) lessOrEqual(a, b LValue) bool {
	switch x := a.(type) {
	case LNumber:
		if y, ok := b.(LNumber); ok {
			return x <= y
		}
	case LString:
		if y, ok := b.(LString); ok {
			return x <= y
		}
	}
	if a.Type() == b.Type() {
		if r, ok := L.order(eventLe, a, b); ok {
			return r
		}
		if greater, ok := L.order(eventLt, b, a); ok {
			return !greater
		}
	}
	L.orderError(a, b)
	return false
}

// order is call_orderTM: both values must have the same metamethod.
func (L *LState) order(e event, a, b LValue) (result, ok bool) {
	fn := L.metamethod(a, e)
	if isNil(fn) || !RawEqual(fn, L.metamethod(b, e)) {
		return false, false
	}
	return !isFalse(L.callMeta(fn, a, b)), true
}

// length is #.
func (L *LState) length(v LValue, at int) LValue {
	switch v := v.(type) {
	case *LTable:
		return box(LNumber(v.Len()))
	case LString:
		return box(LNumber(len(v)))
	}
	fn := L.metamethod(v, eventLen)
	if isNil(fn) {
		L.typeError(at, v, "get length of")
	}
	return L.callMeta(fn, v, LNil)
}

// concat is luaV_concat: it joins the values in n registers up to one, from the right, and leaves what it made in the
// first.
func (L *LState) concat(n, last int) {
	for n > 1 {
		top := L.base + last + 1
		joined := 2
		a, b := L.stack[top-2], L.stack[top-1]
		_, leftOK := a.(LString)
		if _, number := a.(LNumber); number {
			leftOK = true
		}
		if right, ok := ToString(b); !leftOK || !ok {
			r, ok := L.binary(eventConcat, a, b)
			if !ok {
				if leftOK {
					L.typeError(top-1, b, "concatenate")
				}
				L.typeError(top-2, a, "concatenate")
			}
			L.stack[top-2] = r
		} else {
			joined = L.join(right, n, top)
		}
		n -= joined - 1
		last -= joined - 1
	}
}

// join makes one string of as many of the n values below a place as are strings or numbers.
func (L *LState) join(right string, n, top int) (joined int) {
	var few [8]string
	parts := append(few[:0], right)
	total := len(right)
	for len(parts) < n {
		s, ok := ToString(L.stack[top-len(parts)-1])
		if !ok {
			break
		}
		if total += len(s); total > L.G.MaxString {
			L.RunError("string length overflow")
		}
		parts = append(parts, s)
	}
	L.G.Allocate(L, total)
	var b strings.Builder
	b.Grow(total)
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	L.stack[top-len(parts)] = LString(b.String())
	return len(parts)
}

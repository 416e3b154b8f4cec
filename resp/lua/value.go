package lua

import (
	"fmt"
	"sync/atomic"
)

// LValueType is the type of a Lua value.
type LValueType int

// The types that scripts see.
const (
	LTNil LValueType = iota
	LTBool
	LTNumber
	LTString
	LTTable
	LTFunction
	LTUserData
	LTThread
)

var typeNames = [...]string{"nil", "boolean", "number", "string", "table", "function", "userdata", "thread"}

// String is the type's name as type() gives it.
func (t LValueType) String() string { return typeNames[t] }

// LValue is a Lua value: LNil, an LBool, LNumber or LString, or a pointer to a table, function, userdata or thread.
type LValue interface {
	String() string
	Type() LValueType
}

// LNilType is the type of LNil.
type LNilType struct{ _ byte }

// LNil is Lua's nil. A register or a field holds it, never Go's nil.
var LNil LValue = &LNilType{}

// LBool is a Lua boolean.
type LBool bool

// The two booleans.
const (
	LTrue  = LBool(true)
	LFalse = LBool(false)
)

// LNumber is a Lua number.
type LNumber float64

// LString is a Lua string, which holds any bytes.
type LString string

// LGFunction is a function of Go. Its arguments are L.Get(1) to L.Get(L.GetTop()); the values that it pushes last are
// its results, and it returns how many.
type LGFunction func(L *LState) int

// LFunction is a Lua function with what it has caught of its surroundings, or a function of Go.
type LFunction struct {
	IsG       bool
	Proto     *Proto
	GFunction LGFunction
	upvalues  []*upvalue
	id        uint32
}

// LUserData is a value that scripts can only hold and compare.
type LUserData struct{ id uint32 }

// Type is LTNil.
func (*LNilType) Type() LValueType { return LTNil }

// Type is LTBool.
func (LBool) Type() LValueType { return LTBool }

// Type is LTNumber.
func (LNumber) Type() LValueType { return LTNumber }

// Type is LTString.
func (LString) Type() LValueType { return LTString }

// Type is LTTable.
func (*LTable) Type() LValueType { return LTTable }

// Type is LTFunction.
func (*LFunction) Type() LValueType { return LTFunction }

// Type is LTUserData.
func (*LUserData) Type() LValueType { return LTUserData }

// Type is LTThread.
func (*LState) Type() LValueType { return LTThread }

func (*LNilType) String() string    { return "nil" }
func (b LBool) String() string      { return fmt.Sprint(bool(b)) }
func (n LNumber) String() string    { return FormatNumber(n) }
func (s LString) String() string    { return string(s) }
func (t *LTable) String() string    { return fmt.Sprintf("table: %p", t) }
func (f *LFunction) String() string { return fmt.Sprintf("function: %p", f) }
func (u *LUserData) String() string { return fmt.Sprintf("userdata: %p", u) }
func (L *LState) String() string    { return fmt.Sprintf("thread: %p", L) }

// LVAsBool is how conditions take a value: false and nil are false, all else is true.
func LVAsBool(v LValue) bool { return !isFalse(v) }

func isFalse(v LValue) bool {
	switch v := v.(type) {
	case *LNilType:
		return true
	case LBool:
		return !bool(v)
	}
	return false
}

func isNil(v LValue) bool {
	_, yes := v.(*LNilType)
	return yes
}

// ToNumber converts as arithmetic does: a string that is a number counts as one.
func ToNumber(v LValue) (float64, bool) {
	switch v := v.(type) {
	case LNumber:
		return float64(v), true
	case LString:
		return ParseNumber(string(v))
	}
	return 0, false
}

// ToString converts as concatenation does: numbers become their text.
func ToString(v LValue) (string, bool) {
	switch v := v.(type) {
	case LString:
		return string(v), true
	case LNumber:
		return FormatNumber(v), true
	}
	return "", false
}

// RawEqual is equality without metamethods.
func RawEqual(a, b LValue) bool {
	switch a := a.(type) {
	case LNumber:
		b, ok := b.(LNumber)
		return ok && a == b
	case LString:
		b, ok := b.(LString)
		return ok && a == b
	}
	return a == b
}

var lastID atomic.Uint32

// identity is what a table's hash knows of an object in the place of its address: a number that it gets when it first
// is a key.
func identity(id *uint32) uint32 {
	if *id == 0 {
		*id = lastID.Add(1)
	}
	return *id
}

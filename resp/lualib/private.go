package lualib

import (
	"fmt"
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua's own pcall is wrong in a way that scripts notice: raising an error cuts every
// variable that a closure shares off from that closure, in all functions that are still running,
// and not only in those that the error ends. A right one needs some fields that gopher-lua does
// not export. Their offsets are found by name and checked by type at start, so that another
// version of gopher-lua either fits or stops the first test.

// frame mirrors callFrame.
type frame struct {
	Idx        int
	Fn         *lua.LFunction
	Parent     *frame
	Pc         int
	Base       int
	LocalBase  int
	ReturnBase int
	NArgs      int
	NRet       int
	TailCall   int
}

// upvalue mirrors Upvalue.
type upvalue struct {
	next   *upvalue
	reg    unsafe.Pointer
	index  int
	value  lua.LValue
	closed bool
}

// registry mirrors the start of registry.
type registry struct {
	array []lua.LValue
	top   int
}

// table mirrors LTable.
type table struct {
	metatable lua.LValue
	array     []lua.LValue
	dict      map[lua.LValue]lua.LValue
	strdict   map[string]lua.LValue
	keys      []lua.LValue
	k2i       map[lua.LValue]int
}

// frameStack is what callFrameStack has that we need.
type frameStack interface{ SetSp(int) }

var (
	frameField   = fieldOf[lua.LState]("currentFrame", "*lua.callFrame")
	upvalueField = fieldOf[lua.LState]("uvcache", "*lua.Upvalue")
	regField     = fieldOf[lua.LState]("reg", "*lua.registry")
	stackField   = fieldOf[lua.LState]("stack", "lua.callFrameStack")
	errFuncField = fieldOf[lua.LState]("hasErrorFunc", "bool")
)

func init() {
	mustMirror(frameField.Type.Elem(), reflect.TypeFor[frame]())
	mustMirror(upvalueField.Type.Elem(), reflect.TypeFor[upvalue]())
	mustMirror(regField.Type.Elem(), reflect.TypeFor[registry]())
	mustMirror(reflect.TypeFor[lua.LTable](), reflect.TypeFor[table]())
}

func fieldOf[T any](name, typ string) reflect.StructField {
	f, ok := reflect.TypeFor[T]().FieldByName(name)
	if !ok || f.Type.String() != typ {
		panic(fmt.Sprintf("gopher-lua's %s is not the %s that this was written for", name, typ))
	}
	return f
}

// mustMirror checks that mine has the first fields of theirs.
func mustMirror(theirs, mine reflect.Type) {
	for i := range mine.NumField() {
		a, b := theirs.Field(i), mine.Field(i)
		if a.Offset != b.Offset || a.Type.Size() != b.Type.Size() || a.Type.Kind() != b.Type.Kind() && b.Type.Kind() != reflect.UnsafePointer {
			panic(fmt.Sprintf("gopher-lua's %s is not as this was written for: field %s", theirs, a.Name))
		}
	}
}

func field[T any](L *lua.LState, f reflect.StructField) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(L), f.Offset))
}

// currentFrame is the frame of the running function.
func currentFrame(L *lua.LState) **frame { return field[*frame](L, frameField) }

func registryOf(L *lua.LState) *registry { return *field[*registry](L, regField) }

// StackBytes is what the state's stacks take.
func (s *State) StackBytes() int64 {
	return callFrames*int64(frameField.Type.Elem().Size()) + int64(cap(registryOf(s.L).array))*valueBytes
}

// arrayOf is a table's array part.
func arrayOf(t *lua.LTable) []lua.LValue { return (*table)(unsafe.Pointer(t)).array }

// hasKey reports whether t has or had a key outside of its array part.
func hasKey(t *lua.LTable, key lua.LValue) bool {
	_, ok := (*table)(unsafe.Pointer(t)).k2i[key]
	return ok
}

func frames(L *lua.LState) frameStack {
	v := reflect.NewAt(stackField.Type, unsafe.Add(unsafe.Pointer(L), stackField.Offset))
	return v.Elem().Interface().(frameStack)
}

// stackAgain puts the current frame on the stack a second time.
func stackAgain(L *lua.LState) {
	current := reflect.NewAt(frameField.Type, unsafe.Add(unsafe.Pointer(L), frameField.Offset)).Elem()
	stack := reflect.NewAt(stackField.Type, unsafe.Add(unsafe.Pointer(L), stackField.Offset)).Elem()
	stack.MethodByName("Push").Call([]reflect.Value{current.Elem()})
	current.Set(stack.MethodByName("Last").Call(nil)[0])
}

// keepUpvalues makes raising an error leave closures' variables alone: protect closes them.
func keepUpvalues(L *lua.LState) { *field[bool](L, errFuncField) = true }

// closeUpvalues ends the sharing of variables from register base on: their frames are gone.
func closeUpvalues(L *lua.LState, base int) {
	list := field[*upvalue](L, upvalueField)
	for *list != nil && (*list).index < base { // sorted by index
		list = &(*list).next
	}
	for u := *list; u != nil; u = u.next {
		(*lua.Upvalue)(unsafe.Pointer(u)).Close()
	}
	*list = nil
}

package lua

import "math"

// LState is a thread of Lua: the main one or a coroutine. It is not safe for concurrent use, and neither are two of one
// Global.
type LState struct {
	G *Global

	stack     []LValue
	top       int // the first free place
	base      int // the first register or argument of the running function
	call      *callInfo
	first     callInfo // of the Go code that uses the thread
	depth     int      // calls that are open
	highest   int      // no place from here on was used
	open      *upvalue // those that are still on the stack, the highest first
	condition condition
	nesting   int // Global.Nesting when it was resumed
	id        uint32
}

// condition is what a coroutine does.
type condition int

const (
	ready condition = iota // to begin or, if it has begun, running or done
	yielded
	failed
)

// Global is what the threads of one Lua share, and what its user may ask to be told.
type Global struct {
	Main    *LState
	Global  *LTable // the global variables
	Strings *LTable // the metatable of strings; nil = none

	Nesting int // calls of Go into Lua that are open

	// Ticks counts down with each turn of a loop and each call. At zero, Tick is called, which sets it again and may
	// raise an error.
	Ticks int
	Tick  func(L *LState)
	// Allocate is told of bytes that are about to be allocated, before they are. It may raise an error.
	Allocate func(L *LState, bytes int)
	// Defect is told of a panic of Go's runtime, which is a fault of this package or of a
	// function of Go; the script gets an error then. Without it, the panic goes on.
	Defect func(p any)
	// MaxString is how long a string may be.
	MaxString int

	numbers numberBoxes
}

// callInfo is a call that is open.
type callInfo struct {
	fn        *LFunction // nil for the first
	at        int        // the function's place on the stack
	base, top int        // its registers or arguments
	pc        int        // the next instruction
	results   int        // how many its caller wants, or multRet
	tailCalls int        // calls that ended in this one
	previous  *callInfo
	next      *callInfo // kept for the next call, or nil
}

func (c *callInfo) isLua() bool { return c.fn != nil && !c.fn.IsG }

// upvalue is a variable that closures share: on the stack as long as its function runs.
type upvalue struct {
	owner *LState // nil when it is closed
	index int
	value LValue
	next  *upvalue
}

func (u *upvalue) get() LValue {
	if u.owner != nil {
		return u.owner.stack[u.index]
	}
	return u.value
}

func (u *upvalue) set(v LValue) {
	if u.owner != nil {
		u.owner.stack[u.index] = v
	} else {
		u.value = v
	}
}

const (
	// maxCalls is LUAI_MAXCALLS.
	maxCalls = 20000
	// MaxNesting is LUAI_MAXCCALLS less what Redis has open when a script begins. Each call takes Go stack, whose end
	// would be the end of the process.
	MaxNesting = 195
	// MaxResults is LUAI_MAXCSTACK: how many values a function of Go may leave.
	MaxResults = 8000

	firstStack = 1 << 10
	keptCalls  = 32 // from one script to the next
	goRoom     = 20 // LUA_MINSTACK: places that a function of Go finds free
)

// NewState makes a Lua without libraries.
func NewState() *LState {
	g := &Global{
		Global: newTable(0, 2), Ticks: math.MaxInt, MaxString: math.MaxInt32,
		Tick:     func(L *LState) { L.G.Ticks = math.MaxInt },
		Allocate: func(*LState, int) {},
	}
	g.Main = newThread(g, firstStack)
	return g.Main
}

func newThread(g *Global, size int) *LState {
	L := &LState{G: g, stack: make([]LValue, size), top: 1, base: 1, highest: goRoom + 1}
	L.call = &L.first
	L.first.base, L.first.top = 1, goRoom+1
	return L
}

// NewThread makes a coroutine that shares the globals.
func (L *LState) NewThread() *LState { return newThread(L.G, 3*goRoom) }

// Reset ends all calls that are open and frees what the stack holds.
func (L *LState) Reset() {
	L.closeUpvalues(0)
	L.call, L.depth, L.G.Nesting = &L.first, 0, 0
	L.top, L.base = 1, 1
	if len(L.stack) > 16*firstStack {
		L.stack = make([]LValue, firstStack)
	} else {
		clear(L.stack[:min(L.highest, len(L.stack))])
	}
	L.highest = goRoom + 1
	kept := &L.first
	for range keptCalls {
		if kept = kept.next; kept == nil {
			return
		}
	}
	kept.next = nil
}

// StackBytes is what the thread's stack takes.
func (L *LState) StackBytes() int64 { return int64(len(L.stack)) * valueBytes }

// room makes sure that n places from the top on can be used.
func (L *LState) room(n int) {
	if need := L.top + n; need > len(L.stack) {
		L.growStack(need)
	}
}

func (L *LState) growStack(need int) {
	size := max(2*len(L.stack), need+goRoom)
	L.G.Allocate(L, size*valueBytes)
	stack := make([]LValue, size)
	copy(stack, L.stack)
	L.stack = stack
}

func (L *LState) findUpvalue(index int) *upvalue {
	at := &L.open
	for *at != nil && (*at).index >= index {
		if (*at).index == index {
			return *at
		}
		at = &(*at).next
	}
	u := &upvalue{owner: L, index: index, next: *at}
	*at = u
	return u
}

// closeUpvalues gives the variables from a place on to the closures that share them.
func (L *LState) closeUpvalues(from int) {
	for L.open != nil && L.open.index >= from {
		u := L.open
		L.open = u.next
		u.value, u.owner, u.next = L.stack[u.index], nil, nil
	}
}

// GetTop is how many arguments and values the running function of Go has on the stack.
func (L *LState) GetTop() int { return L.top - L.base }

// SetTop drops values, or adds nils.
func (L *LState) SetTop(n int) {
	top := L.base + n
	if top > L.top {
		L.room(top - L.top)
		for i := L.top; i < top; i++ {
			L.stack[i] = LNil
		}
	}
	L.top = top
}

// Get is a value on the stack: from 1 on from the bottom, from -1 down from the top. Where there is none it is LNil.
func (L *LState) Get(i int) LValue {
	if i > 0 {
		i += L.base - 1
	} else {
		i += L.top
	}
	if i < L.base || i >= L.top {
		return LNil
	}
	return L.stack[i]
}

// Push adds a value.
func (L *LState) Push(v LValue) {
	if L.top+1 >= len(L.stack) {
		L.room(2)
	}
	L.stack[L.top] = v
	if L.top++; L.top > L.highest {
		L.highest = L.top
	}
}

// Pop drops n values.
func (L *LState) Pop(n int) { L.top -= n }

// Insert puts a value at i, and those from there on one higher.
func (L *LState) Insert(v LValue, i int) {
	L.Push(v)
	at := L.base + i - 1
	copy(L.stack[at+1:L.top], L.stack[at:])
	L.stack[at] = v
}

// NewTable makes an empty table.
func (L *LState) NewTable() *LTable { return &LTable{} }

// CreateTable makes a table with room for that many items and fields.
func (L *LState) CreateTable(array, hash int) *LTable { return newTable(array, hash) }

// NewFunction makes a value of a function of Go.
func (L *LState) NewFunction(fn LGFunction) *LFunction { return &LFunction{IsG: true, GFunction: fn} }

// Bind makes a function of a chunk that was compiled; the same may be bound many times, in many states.
func (L *LState) Bind(p *Proto) *LFunction { return &LFunction{Proto: p} }

func (L *LState) metatable(v LValue) *LTable {
	switch v := v.(type) {
	case *LTable:
		return v.Metatable
	case LString:
		return L.G.Strings
	}
	return nil
}

// event is a name of a metamethod with its hash.
type event struct {
	name string
	hash uint32
}

func newEvent(name string) event { return event{name, hashString(name)} }

var (
	eventIndex    = newEvent("__index")
	eventNewIndex = newEvent("__newindex")
	eventCall     = newEvent("__call")
	eventEq       = newEvent("__eq")
	eventLt       = newEvent("__lt")
	eventLe       = newEvent("__le")
	eventLen      = newEvent("__len")
	eventConcat   = newEvent("__concat")
)

var arithmeticEvents = map[int]event{
	opAdd: newEvent("__add"), opSub: newEvent("__sub"), opMul: newEvent("__mul"), opDiv: newEvent("__div"),
	opMod: newEvent("__mod"), opPow: newEvent("__pow"), opUnm: newEvent("__unm"),
}

func (t *LTable) event(e event) LValue {
	if t == nil {
		return LNil
	}
	return t.getString(e.name, e.hash)
}

func (L *LState) metamethod(v LValue, e event) LValue { return L.metatable(v).event(e) }

// GetMetaField is a field of a value's metatable, or LNil.
func (L *LState) GetMetaField(v LValue, name string) LValue {
	if mt := L.metatable(v); mt != nil {
		return mt.RawGetString(name)
	}
	return LNil
}

// GetMetatable is a value's metatable, or nil.
func (L *LState) GetMetatable(v LValue) *LTable { return L.metatable(v) }

// NewUserData makes a value that scripts can only hold and compare.
func (L *LState) NewUserData() *LUserData { return &LUserData{} }

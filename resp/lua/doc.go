// Package lua is Lua 5.1.5 without its libraries: the compiler and the virtual machine, written after the C source so
// that scripts see what they see in Redis, down to the order of pairs, the border that # finds in a table with holes,
// and the names in error messages. The libraries, and the limits that Redis's scripts have, are package lualib's.
// LICENSE is that of the source.
//
//	source > lexer > parser and code generator > Proto > Bind > LFunction > execute
//
//	lexer.go                llex.c
//	parser.go, parse_*.go   lparser.c: it reads a statement and writes its code at once, without a tree
//	code.go, code_*.go      lcode.c: registers, jumps, constants that are folded
//	opcode.go               lopcodes.h, and Proto, a function as it was compiled
//	vm.go                   luaV_execute
//	arith.go                the rest of lvm.c: operators, metamethods, indexes, concatenation
//	call.go                 ldo.c: calls, protected calls, coroutines
//	debug.go                ldebug.c: lines, and names of what is wrong
//	table.go, table_*.go    ltable.c
//	state.go                threads, their stacks, upvalues, what functions of Go use
//	value.go, number.go     values, and numbers as text
//	box.go, pow.go          numbers' places in memory; powers with all their digits
//
// The invariant: the same code comes of the same source as in C, instruction by instruction, and a table has the same
// parts of the same sizes after the same steps. A difference in either is a fault. It is what makes the rest follow:
// which operand has a name, which of two constants of the value zero keeps its sign, where unpack ends.
//
// What is not as in C:
//
//   - A value is an interface. Numbers have their places in memory (box.go).
//   - Memory is Go's to collect. The program that makes a Lua is told of large allocations before they happen
//     (Global.Allocate), and of each 1,024th turn of a loop or call (Global.Tick); both may end the script with an
//     error.
//   - Errors are panics with *ApiError, which PCall and Resume recover. Another panic goes through both.
//   - A table or function that is a key is hashed by a number that it gets for that, not by its address.
//   - Jumps that wait for a common target are chained the other way round where C goes through the whole chain for
//     each.
//   - There are no weak tables, finalizers, environments, hooks or bytecode, since no script of Redis's gets at them.
//
// It has no locks: a state belongs to one goroutine at a time. A Proto does not change and may be shared.
//
// Its predecessor was a module, gopher-lua, whose private fields were read and set by offsets, and whose tables, names
// and numbers were others. A loop of a million additions takes 0.4 of the processor time that it took there with limits
// on top, filling a table 0.3, compiling a short script 0.12, calling one 0.55.
package lua

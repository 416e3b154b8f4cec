// Package lualib is the Lua 5.1 that scripts run in: compiler, sandbox, libraries and limits, as
// Redis 7 has them, without anything of the server. It knows no keys and no commands: whoever
// runs scripts adds the redis table with SetGlobal.
//
//	source > parser > tree > instrument > gopher-lua's code generator > Code > Bind > function
//
// The virtual machine is gopher-lua's. Around it, this package has its own
//
//   - parser (lexer.go, parser.go, parse_*.go), after llex.c and lparser.c: goto is a name, errors have Lua's
//     texts, nesting is bounded.
//   - instrumentation (instrument.go, hidden.go): calls of hidden functions at the head of each
//     loop and function, for .. and for writes to an index that may lie far beyond a table's end.
//     They count work and bytes (limits.go). A loop that only adds takes 1.75 times the CPU for it.
//     LState.SetContext, the usual way to stop a script, would look at a channel before each
//     instruction instead, also in scripts without loops, and knows nothing of memory.
//   - protected calls (protect.go, private.go): gopher-lua's pcall cuts closures off from the
//     variables that they share with functions that are still running.
//   - words (words.go): errors of the virtual machine in the words of C Lua's, names included.
//   - readonly tables (readonly.go), and all libraries that scripts see.
//
// What a script may hold is bounded by looking at Go's heap now and then, and what it may do at
// once by counting: Go can not recover from the end of memory, nor from the end of a stack. An
// error that Limits.Tick returns, or ErrMemory, is caught by no pcall of the script.
//
// testdata has scripts with the answers of redis-server 7.0.15, which go test compares with ours;
// go test -record asks it again.
//
// Known differences, all of gopher-lua's tables and code:
//
//   - the order of pairs is that of insertion, and # of a table with holes may be another border
//   - __len is called for tables too, which Lua 5.1 does not do
//   - an error about a temporary value may know its name where C Lua does not, or the other way
//   - a constructor with more than 25,550 positional items, a function with more than 16,384
//     constants, and a script of more than 4 MB do not compile
//   - string.dump refuses, since nothing here could load what it makes
package lualib

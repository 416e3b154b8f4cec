// Package lualib is the Lua that scripts run in: the libraries, the sandbox and the limits that Redis 7 has,
// around the compiler and the virtual machine of package lua, and nothing of the server. It knows no keys and
// no commands: the server adds the redis table with SetGlobal.
//
//	Compile > Code > Bind > function > Run
//
// What a script may hold is bounded by looking at Go's heap now and then, and what it may do at once by counting: Go
// can not recover from the end of memory, nor from the end of a stack. The virtual machine counts turns of loops and
// calls, library functions count what they do with spend, and both count what they allocate (limits.go). An error that
// Limits.Tick returns, or ErrMemory, is caught by no pcall of the script.
//
// Globals and libraries are readonly as Redis makes them, by a mark in each table. Functions are added to their
// libraries in C's order, which pairs shows.
//
// testdata has scripts with the answers of redis-server 7.0.15, which go test compares with ours; go test -record asks
// it again. With -live, random programs are compared with a redis-server that runs (live_test.go, author_test.go):
// 20,000 of them for every change, a million every night.
//
// Known differences:
//
//   - addresses, and the sign of what is not a number
//   - the last digit of what math.exp, math.log and the trigonometric functions give
//   - the order in which pairs gives keys that are tables or functions: in C it depends on their addresses
//   - collectgarbage does nothing, and its count is Go's
//   - string.dump refuses, since nothing here could load what it makes
//   - a script of more than 4 MB does not compile
package lualib

// Package acl is users and their rules. Permissions are values: a change replaces them, for all
// connections of a user at once, and what is asked of them reads one pointer.
//
// Its invariant: what no rule allows is denied. A new user may do nothing.
//
// Locks: Users.changing is held by those who change users, from reading the old permissions on; within it
// mu, around the map of names alone. The log of denials has its own. No other package's lock is taken.
//
//	users.go user.go selector.go   who there is; what one may do; rules and what they lead to
//	check.go log.go                whether a command is allowed; what was not
package acl

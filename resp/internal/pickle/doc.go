// Package pickle reads what Python's pickle has written of plain values: numbers, text, bytes, lists, tuples, dicts,
// sets, and a few types of the standard library that are one of them in other clothes (datetime, Decimal, UUID,
// OrderedDict, deque, Counter, defaultdict). A pickle is a program for a small machine; here that machine knows no
// call and no import, so reading one runs nothing: a class that it does not know is an error that names it.
//
// Memory follows the pickle's size: what it says again by its memo is shared, and JSON's size is bounded by the caller.
//
//	pickle.go    the machine
//	scalars.go collections.go   its instructions: numbers and texts; the memo and collections
//	classes.go   the classes that are known
//	value.go     values; as text and as JSON
package pickle

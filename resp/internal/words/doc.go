// Package words splits lines into words by the rules of inline commands and conf files, and
// looks at words without copying them.
//
//	inline.go   lines to words, in place
//	words.go    the same for conf files, and back
//	view.go     words as strings and bytes
package words

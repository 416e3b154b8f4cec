package words

import (
	"strings"
	"unsafe"
)

// ViewString views bytes as a string that lives no longer than they do.
func ViewString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// ViewBytes views a string as bytes, which must not be changed.
func ViewBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Lower is a word in lower case.
func Lower(b []byte) string { return strings.ToLower(string(b)) }

// EqualFold reports whether b is the word, in any case.
func EqualFold(b []byte, word string) bool { return strings.EqualFold(ViewString(b), word) }

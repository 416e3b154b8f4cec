package bench

import (
	"bytes"
	"strconv"
)

// randomWord is replaced in arguments by a random number of as many digits as it has characters.
const (
	randomWord   = "__rand_int__"
	randomDigits = len(randomWord)
)

// A request is what a connection sends over and over: a command as often as the pipeline is deep. On a fresh connection
// a greeting stands before it.
type request struct {
	bytes    []byte // the greeting, and the commands
	greeting int    // bytes
	greeted  int    // replies to the greeting
	depth    int    // of the pipeline: commands, and replies to them
	places   []int  // where in bytes random digits go
}

// newRequest repeats a command's bytes. random replaces randomWord in them.
func newRequest(greeting [][]string, one []byte, depth int, random bool) *request {
	r := &request{greeted: len(greeting), depth: depth}
	for _, words := range greeting {
		r.bytes = appendCommand(r.bytes, words)
	}
	r.greeting = len(r.bytes)
	r.bytes = append(r.bytes, bytes.Repeat(one, depth)...)
	for from := r.greeting; random; {
		at := bytes.Index(r.bytes[from:], []byte(randomWord))
		if at < 0 {
			break
		}
		r.places = append(r.places, from+at)
		from += at + randomDigits
	}
	return r
}

// own returns the bytes for one connection, which may write its random digits into them.
func (r *request) own() []byte {
	if len(r.places) == 0 {
		return r.bytes
	}
	return bytes.Clone(r.bytes)
}

// fill writes new random digits into a connection's bytes.
func (r *request) fill(own []byte, random func() uint64) {
	for _, at := range r.places {
		digits := own[at : at+randomDigits]
		n := random()
		for i := randomDigits - 1; i >= 0; i-- {
			digits[i] = '0' + byte(n%10)
			n /= 10
		}
	}
}

func appendCommand(to []byte, words []string) []byte {
	to = append(strconv.AppendInt(append(to, '*'), int64(len(words)), 10), '\r', '\n')
	for _, word := range words {
		to = append(strconv.AppendInt(append(to, '$'), int64(len(word)), 10), '\r', '\n')
		to = append(append(to, word...), '\r', '\n')
	}
	return to
}

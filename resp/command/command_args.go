package command

import (
	"cmp"
	"strings"
)

// argument is one argument of a command as COMMAND DOCS describes it.
type argument struct {
	name     string
	kind     string // Redis's word: string, integer, key, pure-token, oneof, block ...
	token    string // the word that goes before it, "" = none
	optional bool
	multiple bool
	parts    []argument // of a oneof or a block
}

// argumentKinds are the kinds that names stand for in Row.Args; other names are strings.
var argumentKinds = map[string]string{
	"key": "key", "key1": "key", "key2": "key", "newkey": "key", "source": "key", "destination": "key",
	"destkey": "key", "sourcekey": "key", "pattern": "pattern",
	"seconds": "integer", "milliseconds": "integer", "timeout": "integer",
	"unix-time-seconds": "unix-time", "unix-time-milliseconds": "unix-time",
	"index": "integer", "index1": "integer", "index2": "integer", "db": "integer", "destination-db": "integer",
	"cursor": "integer", "count": "integer", "rank": "integer", "num-matches": "integer", "limit": "integer",
	"increment": "integer", "decrement": "integer", "float": "double",
	"start": "integer", "stop": "integer", "end": "integer", "offset": "integer", "len": "integer", "bit": "integer",
	"longitude": "double", "latitude": "double", "radius": "double", "width": "double", "height": "double",
	"client-id": "integer", "protover": "integer", "version": "integer", "numlocal": "integer",
	"numreplicas": "integer", "numkeys": "integer", "numfields": "integer",
}

// tokenNames are the names of tokens that are no words.
var tokenNames = map[string]string{"=": "equal", "~": "approximately", "*": "auto_id", "$": "new_id"}

// parseArguments reads Row.Args, which is written as the commands' manual pages write arguments:
//
//	key         a value; its kind follows from its name
//	NX          a token
//	EX seconds  a value behind a token
//	[ ... ]     optional; ... behind a value: once or more
//	(a|b)       one of several; name(a|b) gives the choice a name
//	{a b}       several together; name{a b} gives them a name
//	a=double    a value whose kind is another than its name says
//	change=CH   a token with another name
//
// It panics on anything else: the text is the table's.
func parseArguments(text string) []argument {
	p := argumentParser{text}
	args := p.list(' ')
	if p.rest != "" {
		panic("row.args: " + p.rest + " in " + text)
	}
	return args
}

type argumentParser struct{ rest string }

// list reads arguments that stand apart by a blank, or alternatives that stand apart by a bar.
func (p *argumentParser) list(separator byte) (args []argument) {
	for p.rest != "" && !strings.ContainsRune(")]}", rune(p.rest[0])) {
		args = append(args, p.argument())
		p.accept(string(separator))
	}
	return args
}

func (p *argumentParser) argument() (a argument) {
	if p.accept("[") {
		a = p.argument()
		p.expect("]")
		a.optional = true
		return a
	}
	word := p.word()
	name, is, _ := strings.Cut(word, "=")
	if is != "" && is == strings.ToUpper(is) {
		return argument{name: name, kind: "pure-token", token: is}
	}
	if word != "" && word == strings.ToUpper(word) {
		if !p.accept(" ") { // a token alone
			return argument{name: cmp.Or(tokenNames[word], strings.ToLower(word)), kind: "pure-token", token: word}
		}
		a = p.argument()
		a.token = word
		return a
	}
	switch {
	case p.accept("("):
		a = argument{name: word, kind: "oneof", parts: p.list('|')}
		p.expect(")")
	case p.accept("{"):
		a = argument{name: word, kind: "block", parts: p.list(' ')}
		p.expect("}")
	default:
		a = argument{name: name, kind: cmp.Or(is, argumentKinds[name], "string")}
	}
	a.multiple = p.accept("...")
	return a
}

func (p *argumentParser) word() string {
	n := strings.IndexAny(p.rest+" ", " |[](){}.")
	word := p.rest[:n]
	p.rest = p.rest[n:]
	return word
}

func (p *argumentParser) accept(s string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, s)
	return ok
}

func (p *argumentParser) expect(s string) {
	if !p.accept(s) {
		panic("row.args: no " + s + " at " + p.rest)
	}
}

// documentArguments is the arguments as COMMAND DOCS shows them.
func (r *Row) documentArguments() Reply {
	keys := 0
	var list func(args []argument) Reply
	list = func(args []argument) Reply {
		elems := make([]Reply, len(args))
		for i, a := range args {
			m := []Reply{BulkString("name"), BulkString(a.name), BulkString("type"), BulkString(a.kind)}
			if a.kind == "key" {
				m = append(m, BulkString("key_spec_index"), Integer(min(keys, len(r.Keys)-1)))
				keys++
			}
			if a.token != "" {
				m = append(m, BulkString("token"), BulkString(a.token))
			}
			if f := a.flags(); f != nil {
				m = append(m, BulkString("flags"), simpleStrings(f))
			}
			if a.parts != nil {
				m = append(m, BulkString("arguments"), list(a.parts))
			}
			elems[i] = MapOf(m...)
		}
		return Array(elems...)
	}
	return list(parseArguments(r.Args))
}

func (a *argument) flags() (names []string) {
	if a.optional {
		names = append(names, "optional")
	}
	if a.multiple {
		names = append(names, "multiple")
	}
	return names
}

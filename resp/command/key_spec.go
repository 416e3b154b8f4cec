package command

import (
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// KeySpec says where keys stand in the arguments (range), or how to find them.
type KeySpec struct {
	First, Last, step int                             // places; last < 0 counts from the end, -1 = the last argument
	keyword           string                          // the key follows on this word, which stands at first or later
	half              bool                            // the first half of what follows on keyword are keys
	rest              bool                            // all that follows on keyword are
	counted           bool                            // the argument at First says how many keys follow on it
	Access            string                          // COMMAND's words: see KeyAt
	need              store.Need                      // of the keys: see Needed
	enough            store.Need                      // what is enough of them at first: see AtFirst
	named             func(args [][]byte) store.Names // the elements that the command is about: see Named
	end               *listEnd                        // the end of a list that it is about: see atEnd
	entries           bool                            // a stream's are asked for: see asksForEntries
	Find              func(args [][]byte) []int       // places, for keys that no range describes
	Vary              func(args [][]byte) string      // access, where it depends on the arguments
	notes             string
}

// KeyAt is one key, argument i. The first word of access says what is done to the key, the others what is done to its
// value:
//
//	RO  it is read               access                   what is in it is returned, not only its length or type
//	RW  it is read and changed   insert, update, delete   data are added, replaced, removed
//	OW  it is overwritten        not_key                  it is no key, but a channel
//	RM  it is deleted
//
// With RO and RW the value is in memory when the function runs, unless Heads, Shapes, Mostly or AtFirst say that less
// will do; with OW and RM only the head is: type, deadline, length (store/head.go). ACLs let a user read for access,
// and write for the other three.
func KeyAt(i int, access string) []KeySpec {
	return []KeySpec{{First: i, Last: i, step: 1, Access: access}}
}

// KeysFrom is every step-th argument from first to last.
func KeysFrom(first, last, step int, access string) []KeySpec {
	return []KeySpec{{First: first, Last: last, step: step, Access: access}}
}

// keyBehind is the key that follows on a word at place i or later.
func keyBehind(word string, i int, access string) []KeySpec {
	return []KeySpec{{keyword: word, First: i, step: 1, Access: access}}
}

// keysBehind are the first half of what follows on a word, which stands at place i or later.
func keysBehind(word string, i int, access string) []KeySpec {
	return []KeySpec{{keyword: word, half: true, First: i, step: 1, Access: access}}
}

// KeysCounted are the keys behind a number that says how many they are.
func KeysCounted(at int, access string) []KeySpec {
	return []KeySpec{{First: at, step: 1, counted: true, Access: access}}
}

// ScriptKeys are those of EVAL and FCALL, which declare what their scripts use.
func ScriptKeys(access string) []KeySpec {
	worst := map[string]string{"RW access update": "RW and UPDATE", "RO access": "RO and ACCESS"}[access]
	return noted(KeysCounted(2, access), "We cannot tell how the keys will be used so we assume the worst, "+worst)
}

// MigrateKeys are MIGRATE's: its third argument, or, where that is empty, what follows on KEYS behind the options. A
// password may be the word KEYS.
func MigrateKeys() []KeySpec {
	one, many := KeyAt(3, "RW access delete"), []KeySpec{{keyword: "KEYS", First: -2, rest: true, step: 1, Access: "RW access delete incomplete"}}
	one[0].Find = func(args [][]byte) []int {
		if len(args) <= 3 || migrateKeysAt(args) > 0 {
			return nil
		}
		return []int{3}
	}
	many[0].Find = func(args [][]byte) (places []int) {
		if at := migrateKeysAt(args); at > 0 {
			for i := at; i < len(args); i++ {
				places = append(places, i)
			}
		}
		return places
	}
	return both(one, many)
}

// migrateKeysAt is where the keys of a MIGRATE with KEYS begin, 0 = it has none.
func migrateKeysAt(args [][]byte) int {
	if len(args) <= 3 || len(args[3]) > 0 {
		return 0
	}
	for i := 6; i < len(args); i++ {
		switch {
		case words.EqualFold(args[i], "keys"):
			return i + 1
		case words.EqualFold(args[i], "auth"):
			i++
		case words.EqualFold(args[i], "auth2"):
			i += 2
		}
	}
	return 0
}

// setKey is SET's, which reads its key only for GET.
func setKey() []KeySpec {
	spec := KeyAt(1, "RW access update variable_flags")
	spec[0].Vary = func(args [][]byte) string {
		for _, a := range args[min(3, len(args)):] {
			if strings.EqualFold(string(a), "GET") {
				return "RW access update"
			}
		}
		return "OW update"
	}
	return noted(spec, "RW and ACCESS due to the optional `GET` argument")
}

// bitfieldKey is BITFIELD's, which only reads its key unless it has a SET or INCRBY.
func bitfieldKey() []KeySpec {
	spec := KeyAt(1, "RW access update variable_flags")
	spec[0].Vary = func(args [][]byte) string {
		for i := 2; i < len(args); {
			switch word, left := strings.ToLower(string(args[i])), len(args)-i-1; {
			case word == "get" && left >= 2:
				i += 3
			case word == "overflow" && left >= 1:
				i += 2
			default:
				return "RW access update"
			}
		}
		return "RO access"
	}
	return noted(spec, "This command allows both access and modification of the key")
}

// noted adds a remark to the first key's specification.
func noted(specs []KeySpec, notes string) []KeySpec {
	specs[0].notes = notes
	return specs
}

func both(specs ...[]KeySpec) []KeySpec {
	var all []KeySpec
	for _, s := range specs {
		all = append(all, s...)
	}
	return all
}

// isUnknown reports whether no range and no keyword describes the keys.
func (s *KeySpec) isUnknown() bool { return s.Find != nil && s.First == 0 }

// Each calls fn with the place of every key in args, of which there may be any number. sound = the arguments
// are such that the command may accept them: it refuses those that say of more keys than there are.
func (s *KeySpec) Each(args [][]byte, fn func(i int)) (sound bool) {
	if s.Find != nil {
		for _, i := range s.Find(args) {
			fn(i)
		}
		return true
	}
	first, last := s.First, s.Last
	if last < 0 {
		last += len(args)
	}
	if s.keyword != "" {
		for first < len(args) && !words.EqualFold(args[first], s.keyword) {
			first++
		}
		if first >= len(args) {
			return !s.half // the others are options
		}
		if first++; first >= len(args) && !s.half {
			return true // and one that nothing follows on names no key
		}
		last = first
		if s.half {
			last = first + (len(args)-first)/2 - 1
		}
	}
	if s.counted {
		if first >= len(args) {
			return false
		}
		n, ok := numbers.ParseInt(args[first])
		if !ok || n < 1 || n > int64(len(args)-1-first) {
			return false
		}
		first, last = first+1, first+int(n)
	}
	if first > last || last >= len(args) {
		return false
	}
	for i := first; i <= last; i += s.step {
		fn(i)
	}
	return true
}

// Place is where the first key stands if the command has one there at all, 0 = that is not known without a look at the
// arguments.
func (s *KeySpec) Place() int {
	switch {
	case s.Find != nil || s.keyword != "":
		return 0
	case s.counted:
		return s.First + 1
	}
	return s.First
}

// Needs is what a key specification's access words ask of a pattern. Looking at a key's kind or length needs neither.
func Needs(access string) (read, write, isKey bool) {
	for word := range strings.FieldsSeq(access) {
		switch word {
		case "access":
			read = true
		case "insert", "update", "delete":
			write = true
		case "not_key":
			return false, false, false
		}
	}
	return read, write, true
}
